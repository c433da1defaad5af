package explore

import (
	"context"
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/english"
	"github.com/twinsh/twinsh/runtime/internal/engine"
	"github.com/twinsh/twinsh/runtime/internal/hash"
	"github.com/twinsh/twinsh/runtime/node"
)

// A renamer checks that steps do the same after renamings: that the transition relation is
// equivariant, which is what a protocol promises that declares itself symmetric and what the
// reduction rests on. Model checkers with symmetric types rule out by their language what
// would break it (scalarsets in Ip and Dill, "Better Verification Through Symmetry", FMSD
// 1996); code of a node can do anything, a look at whether its name is less than another
// included, so that here it is observed.
//
// What instances do each is checked by the simulator, which says of which steps that is not
// enough ([engine.Simulator.Fresh]): those are compared here as a whole. Each worker has a
// renamer with a simulator of its own.
type renamer struct {
	*symmetry
	layer            int // steps before those that are checked
	sim              *engine.Simulator
	src, dst, wanted engine.Vector
}

func newRenamer(ctx context.Context, y *symmetry, layer int) *renamer {
	width := y.cluster.Engine().Width()
	sim := y.simulator()
	sim.SetContext(ctx)
	return &renamer{y, layer, sim, make(engine.Vector, width), make(engine.Vector, width), make(engine.Vector, width)}
}

// due returns the range of renamings under which a step is to be checked, by
// its place in the search and by whether it held anything new. A sample is chosen by a hash
// of the place, and not at random, so that the same search checks the same steps.
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
		// Whether it can happen, where it leads, and what is seen of it, in this order: the
		// first that differs is what people are shown.
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

// observed lists the observations of each instance. Between instances they have no order: a
// step has one, by the names of those who act, which a renaming changes and no property is to
// depend on. Of operations it matters, see operations.
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
			return apart(in.Name, r.cluster.Text, r.cluster.Engine().Fields(got, i), r.cluster.Engine().Fields(want, i))
		}
	}
	return "other messages are in flight"
}

// apart names the first field in which two states of an instance differ.
func apart(name string, show func(any) string, got, want []node.Field) string {
	for i, f := range got {
		if i < len(want) && f != want[i] {
			return fmt.Sprintf("%s has %s = %s instead of %s", name, f.Name, show(f.Value), show(want[i].Value))
		}
	}
	return name + " ends in another state"
}
