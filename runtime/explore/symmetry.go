package explore

import (
	"context"
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/english"
	"github.com/twinsh/twinsh/runtime/explore/internal/judge"
	"github.com/twinsh/twinsh/runtime/internal/engine"
	"github.com/twinsh/twinsh/runtime/internal/hash"
	"github.com/twinsh/twinsh/runtime/node"
	"github.com/twinsh/twinsh/runtime/space"
)

// If the protocol treats servers or clients the same, worlds that differ only in
// their names have futures that differ only in names, and go on as one: the
// canonical one. A renaming may be used if it leaves the starting world as it
// is, if it turns each scenario of the space into another one at the same
// positions, and if what the search remembers of the past can be renamed: no
// history that a property judges as it is, and no identity that is faulty from some
// time on. Whole worlds are brought to canonical form, never single steps, and
// each weight is that of all the worlds that a canonical one stands for, so that
// counts stay exact.
//
// A protocol's word is not taken for it: whenever something happens for the
// first time, it is made to happen renamed, too, under each renaming, and the
// outcomes are compared. If they differ, the search begins anew without
// symmetry. That takes as much of the nodes' work as a search without symmetry,
// but fewer steps and worlds. A search can also be asked to check a sample only,
// and to rest on the protocol's promise otherwise: of each layer, all that
// follows from the first search nodes under each renaming, and a share of the rest
// under one of them. Which steps these are depends on their place in the search
// only.

// checkedNodes is how many search nodes of a layer are checked under all renamings, and
// checkedShare which share of the steps from others under one.
const (
	checkedNodes = 256
	checkedShare = 32
)

// manyNodes is how many search nodes a layer has when symmetry begins to pay.
const manyNodes = 1 << 14

// An asymmetry is why worlds that differ by names cannot be taken for one.
type asymmetry struct {
	why   string
	known bool // from a checkpoint that was written without symmetry for that reason
}

func (a asymmetry) Error() string { return "symmetry: " + a.why }

// A symmetry is a group of renamings under which a search takes worlds for one.
type symmetry struct {
	*engine.Symmetry
	cluster   *runtime.Cluster
	judge     *judge.Judge
	renamings engine.RenamingIndex
	// moves says of each renaming whether it renames clients, clientsMove that some do.
	moves       []bool
	clientsMove bool
	sampled     bool   // whether a sample of steps is checked, and not all that is new
	epoch       uint32 // of the simulators of a search that checks all that is new to them
	imageBytes  atomic.Int64
}

// findSymmetry returns the symmetry that a search can use. If there is none it is nil, and
// the error says why: an asymmetry, or that of ctx.
func findSymmetry(ctx context.Context, s *space.Space, o Options, j *judge.Judge) (*symmetry, error) {
	c := o.Start.Cluster()
	if why := unsymmetric(s, o, j); why != "" {
		return nil, asymmetry{why: why}
	}
	renamings := engine.NameSymmetries(c.Engine())
	if len(renamings) < 2 {
		return nil, asymmetry{why: "no two servers, and no two clients, are interchangeable in this system"}
	}
	if !j.Renamable() {
		renamings = slices.DeleteFunc(renamings, func(r engine.Renaming) bool { return movesClients(c, r) })
	}
	if len(renamings) < 2 {
		return nil, asymmetry{why: "only clients are interchangeable in this system, and something that is checked remembers what each of them did"}
	}
	kept, err := s.Kept(ctx, renamings)
	if err == nil && len(kept) < 2 {
		err = asymmetry{why: "no renaming of interchangeable servers or clients turns the space into itself"}
	}
	if err != nil {
		return nil, err
	}
	all := engine.NewSymmetry(c.Engine(), kept)
	renamed := make(engine.Vector, c.Engine().Width())
	fitting, err := engine.Subgroup(kept, func(g int) (bool, error) {
		err := all.Rename(renamed, o.Start.Vector(), g)
		return err == nil && slices.Equal(renamed, o.Start.Vector()), ctx.Err()
	})
	if err == nil && len(fitting) < 2 {
		err = asymmetry{why: "no renaming that turns the space into itself leaves the world in which it begins as it is"}
	}
	if err != nil {
		return nil, err
	}
	y := &symmetry{Symmetry: engine.NewSymmetry(c.Engine(), fitting), cluster: c, judge: j, sampled: o.Symmetry == Sampled}
	list := make([]engine.Renaming, y.Order())
	for g := range list {
		list[g] = y.Renaming(g)
		y.moves = append(y.moves, movesClients(c, list[g]))
	}
	y.renamings, y.clientsMove = engine.NewRenamingIndex(list), slices.Contains(y.moves, true)
	y.newEpoch()
	return y, nil
}

// unsymmetric says why no renaming may be used, whatever the space and the start are; ""
// if some may.
func unsymmetric(s *space.Space, o Options, j *judge.Judge) string {
	c := o.Start.Cluster()
	forgetful := mayForget(s) &^ c.Twinned()
	switch {
	case !engine.Symmetric(c.Engine()):
		return "the protocol does not promise that it treats servers the same, as one that is declared symmetric does"
	case len(o.Invariants) > 0: // a function may look at any name
		return fmt.Sprintf("%s is judged of whole worlds, and may look at names in them", o.Invariants[0].Name())
	case forgetful != 0:
		return fmt.Sprintf("amnesia makes %s faulty in some scenarios only", english.Join(c.Names(forgetful), "and"))
	case j.KeepsHistories():
		return "something that is checked is judged of whole histories, and may look at names in them"
	}
	return ""
}

// movesClients reports whether a renaming renames clients, too.
func movesClients(c *runtime.Cluster, r engine.Renaming) bool {
	for i := range c.Clients().All {
		if r[i] != i {
			return true
		}
	}
	return false
}

// newEpoch makes everything new to the simulators of the search, unless a
// sample is checked.
func (y *symmetry) newEpoch() {
	if !y.sampled {
		y.epoch = y.cluster.Engine().NewEpoch()
	}
}

// bytes returns about how much memory the symmetry and the images of steps occupy.
func (y *symmetry) bytes() int { return y.Bytes() + int(y.imageBytes.Load()) }

// undoing returns the number of the renaming that takes back the g-th, and then
// does what undo does.
func (y *symmetry) undoing(undo, g int) int {
	back, then := y.Inverse(g), y.Renaming(undo)
	both := make(engine.Renaming, len(back))
	for i, j := range back {
		both[i] = then[j]
	}
	n, ok := y.renamings.Of(both)
	if !ok {
		panic("explore: the renamings are no group")
	}
	return n
}

// A canonicalizer brings search nodes into canonical form. Each goroutine needs its own.
type canonicalizer struct {
	*engine.Canonicalizer
	of    *symmetry
	pasts map[[2]uint32]uint32 // what it has seen of the monitors' (tuple, renaming) -> tuple
}

func newCanonicalizer(y *symmetry) *canonicalizer {
	return &canonicalizer{y.NewCanonicalizer(), y, map[[2]uint32]uint32{}}
}

// canonical brings a search node into canonical form and returns the number of the
// renaming that does: of those that lead to the least vector the first that leads
// to the least past. The error, if any, is an asymmetry or a [LimitError].
func (z *canonicalizer) canonical(node searchNode) (int, error) {
	y := z.of
	g, err := z.Canonical(node.vector())
	if err != nil {
		return 0, asymmetry{why: err.Error()}
	}
	replicasAct := y.judge.ReplicasAct()
	if !replicasAct && !y.clientsMove {
		return g, nil // no past names an instance
	}
	past, least := node.past(), node.past()
	for k, tie := range z.Ties() {
		renamed := past
		if tie != 0 && (replicasAct || y.moves[tie]) {
			if renamed, err = z.rename(past, tie); err != nil {
				return 0, err
			}
		}
		if k == 0 || renamed != least && y.judge.Content(renamed) < y.judge.Content(least) {
			g, least = tie, renamed
		}
	}
	node.setPast(least)
	return g, nil
}

// rename asks the monitors, which all workers share, once for each pair.
func (z *canonicalizer) rename(past uint32, g int) (renamed uint32, err error) {
	key := [2]uint32{past, uint32(g)}
	renamed, ok := z.pasts[key]
	if !ok {
		if renamed, err = z.of.judge.Rename(past, g, z.of.Renaming(g)); err == nil {
			z.pasts[key] = renamed
		}
	}
	return renamed, err
}

// Bytes returns about how much memory z occupies.
func (z *canonicalizer) Bytes() int { return z.Canonicalizer.Bytes() + pairBytes*len(z.pasts) }

// image returns what a renaming makes of a choice at a place. It may be called
// concurrently.
func (y *symmetry) image(at *place, choice, renaming int) runtime.Step {
	step, _ := at.choice(choice)
	if renaming == 0 {
		return step
	}
	at.images.keyed.Do(func() {
		at.images.byKey = map[string]runtime.Step{}
		for _, g := range at.groups {
			for _, s := range g.steps {
				if key, ok := s.Engine().Key(nil); ok {
					at.images.byKey[key] = s
				}
			}
		}
		at.images.of = make([]atomic.Pointer[[]runtime.Step], at.ways())
	})
	key, ok := step.Engine().Key(y.Renaming(renaming))
	image, known := at.images.byKey[key]
	if !ok || !known {
		panic("explore: the space is not closed under a renaming that keeps it")
	}
	return image
}

// imagesOf returns what each renaming makes of a choice at a place.
func (y *symmetry) imagesOf(at *place, choice int) []runtime.Step {
	y.image(at, choice, 1) // for the keys
	if known := at.images.of[choice].Load(); known != nil {
		return *known
	}
	list := make([]runtime.Step, y.Order())
	for g := range list {
		list[g] = y.image(at, choice, g)
	}
	y.imageBytes.Add(int64(8 * len(list)))
	at.images.of[choice].Store(&list)
	return list
}

// A renamer checks that steps do the same after renamings.
type renamer struct {
	*symmetry
	layer            int // steps before those that are checked
	sim              *engine.Simulator
	src, dst, wanted engine.Vector
}

func newRenamer(ctx context.Context, y *symmetry, layer int) *renamer {
	width := y.cluster.Engine().Width()
	sim := engine.NewSimulatorIn(y.cluster.Engine(), y.epoch)
	sim.SetContext(ctx)
	return &renamer{y, layer, sim, make(engine.Vector, width), make(engine.Vector, width), make(engine.Vector, width)}
}

// due returns the range of renamings under which a step is to be checked, by
// its place in the search and by whether it held anything new.
func (r *renamer) due(rank, choice int, fresh bool) (from, to int) {
	all := r.Order()
	if !r.sampled {
		if fresh {
			return 1, all
		}
		return 1, 1
	}
	switch h := hash.Words([]uint32{uint32(rank), uint32(choice)}); {
	case rank < checkedNodes:
		return 1, all
	case h%checkedShare == 0:
		g := 1 + int(h/checkedShare%uint64(all-1))
		return g, g + 1
	}
	return 1, 1
}

// check compares a choice from src at a place, which led to dst and was seen if
// ok, with what some renamings make of it. The error is an asymmetry or that of ctx.
func (r *renamer) check(ctx context.Context, from, to int, at *place, choice int, src, dst engine.Vector, seen uint32, ok bool) error {
	if from == to {
		return nil
	}
	was, began := r.observed(seen), r.operations(seen, 0)
	step, after := at.choice(choice)
	after.expected(r.sim)
	image := func(g int) runtime.Step { return r.image(at, choice, g) }
	if to-from == r.Order()-1 {
		all := r.imagesOf(at, choice)
		image = func(g int) runtime.Step { return all[g] }
	}
	for g := from; g < to; g++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		other := image(g)
		if err := r.Rename(r.src, src, g); err != nil {
			return asymmetry{why: err.Error()}
		}
		okOther := r.sim.Take(r.dst, r.src, other.Engine())
		if err := r.sim.Err(); err != nil {
			return err
		}
		if okOther != ok {
			return r.unlike(step, other, g, "only one of them can happen")
		}
		if !ok {
			continue
		}
		if !after.last { // then states matter, not only what is seen
			if err := r.Rename(r.wanted, dst, g); err != nil {
				return asymmetry{why: err.Error()}
			}
			if !slices.Equal(r.wanted, r.dst) {
				return r.unlike(step, other, g, r.difference(r.wanted, r.dst))
			}
		}
		for i, is := range r.observed(r.sim.Seen()) {
			if !slices.EqualFunc(was[r.Inverse(g)[i]], is, sameSeen) {
				return r.unlike(step, other, g, "something else is observed of "+r.cluster.Instances()[i].Name)
			}
		}
		if began != nil && !slices.Equal(r.operations(seen, g), r.operations(r.sim.Seen(), 0)) {
			return r.unlike(step, other, g, "operations begin and return in another order")
		}
	}
	return nil
}

// sameSeen reports whether two observations are the same to a search: failures are that
// are one flaw of the code, though their texts may name who met it.
func sameSeen(a, b node.Observation) bool {
	if a.Kind == node.Failed && b.Kind == node.Failed {
		return a.Failure.Kind() == b.Failure.Kind()
	}
	return a == b
}

// observed lists the observations of each instance.
func (r *renamer) observed(list uint32) [][]node.Observation {
	of := make([][]node.Observation, len(r.cluster.Instances()))
	for i, o := range r.cluster.Engine().Observations(list) {
		of[i] = append(of[i], o)
	}
	return of
}

// operations lists what a renaming makes of the operations in a list of observations,
// in canonical order; nil if those are of one instance, so that they have one order.
func (r *renamer) operations(list uint32, g int) []runtime.Observed {
	to := r.Renaming(g)
	var events []runtime.Observed
	var who node.Set
	for i, o := range r.cluster.Engine().Observations(list) {
		if o.OfOperation() {
			events, who = append(events, runtime.Observed{Observation: o, Instance: to[i]}), who|node.SetOf(to[i])
		}
	}
	if who.Len() < 2 {
		return nil
	}
	return check.Canonical(runtime.History{Events: events})
}

// unlike says that a step of this layer is not the image of another under a renaming.
func (r *renamer) unlike(step, other runtime.Step, g int, how string) asymmetry {
	return asymmetry{why: fmt.Sprintf("after %s, %s is not %s with %s: %s",
		english.Count(r.layer, "step"), other.Text(), step.Text(), moved(r.cluster, r.Renaming(g)), how)}
}

// moved says what a renaming does to identities: A and B swapped; A → B → C → A.
func moved(c *runtime.Cluster, r engine.Renaming) string {
	identities, instances := c.Identities(), c.Instances()
	to := func(id int) int { return instances[r[bits.TrailingZeros64(uint64(identities[id].Instances))]].Identity }
	var cycles []string
	seen := make([]bool, len(identities))
	for first := range identities {
		var names []string
		for id := first; !seen[id]; id = to(id) {
			seen[id] = true
			names = append(names, identities[id].Name)
		}
		switch {
		case len(names) == 2:
			cycles = append(cycles, names[0]+" and "+names[1]+" swapped")
		case len(names) > 2:
			cycles = append(cycles, strings.Join(append(names, names[0]), " → "))
		}
	}
	if len(cycles) == 0 {
		return "twins swapped"
	}
	return strings.Join(cycles, ", ")
}

// difference says which instance is not in the state that it should be in.
func (r *renamer) difference(want, got engine.Vector) string {
	for i, in := range r.cluster.Instances() {
		if want[i] != got[i] {
			return apart(in.Name, r.cluster.Engine().Fields(got, i), r.cluster.Engine().Fields(want, i))
		}
	}
	return "other messages are in flight"
}

// apart names the first field in which two states of an instance differ.
func apart(name string, got, want []node.Field) string {
	for i, f := range got {
		if i < len(want) && f != want[i] {
			return fmt.Sprintf("%s has %s = %s instead of %s", name, f.Name, node.Text(f.Value), node.Text(want[i].Value))
		}
	}
	return name + " ends in another state"
}
