package explore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/english"
	"github.com/twinsh/twinsh/runtime/explore/internal/judge"
	"github.com/twinsh/twinsh/runtime/internal/engine"
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
// counts stay exact. That is the quotient of a state space by a group of automorphisms
// (Clarke, Enders, Filkorn and Jha, "Exploiting Symmetry in Temporal Logic Model Checking";
// Emerson and Sistla, "Symmetry and Model Checking"; both FMSD 1996), with a canonical
// representative of each orbit and not any one, so that equal orbits are one search node.
//
// A protocol's word is not taken for it: whenever code reacts for the first time, it reacts
// after the renamings, too, and the outcomes are compared. If a reaction is another one, so may
// a step be in which it happens: that is made to happen under each renaming. If such steps
// differ, the search begins anew without symmetry. That takes as much of the nodes' work as a
// search without symmetry, but fewer steps and worlds. A search can also be asked to check a
// sample only, and to rest on the protocol's promise otherwise: of each layer, all that
// follows from the first search nodes under each renaming, and a share of the rest
// under one of them. Which steps these are depends on their place in the search
// only.

// checkedNodes is how many search nodes of a layer are checked under all renamings, and
// checkedShare which share of the steps from others under one.
const (
	checkedNodes = 256
	checkedShare = 32
)

// manyNodes is how many search nodes a layer has when symmetry begins to pay: to bring a node
// to canonical form costs more than the few steps that it saves while layers are small, and a
// small search is shown as it is, with counterexamples in the names that come first.
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
	sampled     bool // whether a sample of steps is checked, and not all that is new
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
	y.renew()
	return y, nil
}

// unsymmetric says why no renaming may be used, whatever the space and the start are; ""
// if some may.
func unsymmetric(s *space.Space, o Options, j *judge.Judge) string {
	c := o.Start.Cluster()
	forgetful := mayForget(s) &^ c.Twinned() &^ c.OtherCode()
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

// movesClients reports whether a renaming renames clients, too. What monitors remember names
// clients more often than servers, so that those that leave clients alone cost less.
func movesClients(c *runtime.Cluster, r engine.Renaming) bool {
	for i := range c.Clients().All {
		if r[i] != i {
			return true
		}
	}
	return false
}

// renew makes everything new to the simulators of the search that are made from now on, unless a
// sample is checked.
func (y *symmetry) renew() {
	if !y.sampled {
		y.Renew()
	}
}

// simulator returns a simulator for a worker of the search.
func (y *symmetry) simulator() *engine.Simulator {
	if y.sampled {
		return engine.NewSimulator(y.cluster.Engine())
	}
	return y.NewSimulator()
}

// bytes returns about how much memory the symmetry and the images of steps occupy.
func (y *symmetry) bytes() int { return y.Bytes() + int(y.imageBytes.Load()) }

// undoing returns the number of the renaming that takes back the g-th, and then
// does what undo does. On the way of a counterexample each canonical world is an image of the
// one that was reached, and the renamings that led there are composed to one.
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
	node  searchNode           // a copy, for orbits
}

func newCanonicalizer(y *symmetry) *canonicalizer {
	return &canonicalizer{Canonicalizer: y.NewCanonicalizer(), of: y, pasts: map[[2]uint32]uint32{}}
}

// canonical brings a search node into canonical form: the least of its images. It returns the number of the
// renaming that does: of those that lead to the least vector the first that leads
// to the least past. The error, if any, is an asymmetry or a [LimitError].
func (z *canonicalizer) canonical(node searchNode) (int, error) {
	y := z.of
	g, err := z.Canonical(node.vector())
	if err != nil {
		return 0, asymmetry{why: err.Error()}
	}
	if node.setPlace(node.place()); len(z.Ties()) > 1 {
		node.setFixed()
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

// seekSymmetry finds the symmetry that the search can use, once. If it was asked for and
// there is none, the report says why. The error is that of ctx.
func (x *search) seekSymmetry(ctx context.Context) error {
	if x.sought || x.options.Symmetry == Never {
		return nil
	}
	var err error
	x.symmetry, err = findSymmetry(ctx, x.space, x.options, x.judge)
	var a asymmetry
	if errors.As(err, &a) {
		err = nil
		if x.options.Symmetry != Auto {
			x.report.Asymmetry, x.report.Asked = a.why, true
		}
	}
	x.sought = err == nil
	return err
}

// merge merges the search nodes of a layer that differ only in names, and lets
// the layers after it do the same, if there is a symmetry. It returns the layer
// and its parent links anew, or as they were with the error of ctx.
func (x *search) merge(ctx context.Context, nodes *frontier, parents []parentLink) (*frontier, []parentLink, error) {
	if err := x.seekSymmetry(ctx); err != nil || x.symmetry == nil {
		return nodes, parents, err
	}
	names := newCanonicalizer(x.symmetry)
	merged := x.graph.frontier(1)
	node := make(searchNode, x.graph.width)
	for rank := range nodes.len() {
		if err := ctx.Err(); err != nil {
			return nodes, parents, err
		}
		at, count := nodes.at(rank)
		copy(node, at)
		if _, err := names.canonical(node); err != nil {
			return nil, nil, err
		}
		merged.add(node, count, parents[rank])
	}
	of, err := merged.seal(ctx)
	if err != nil {
		return nodes, parents, err
	}
	x.graph.canonicalFrom = len(x.graph.parents)
	return merged, of, nil
}
