package explore

import (
	"fmt"
	"slices"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/space"
)

// If the protocol treats servers alike, worlds that differ only in their names
// have futures that differ only in names, and go on as one: the canonical one.
// A renaming may be used if it leaves the starting world as it is, if it turns
// each scenario of the space into another one at the same positions, and if the
// properties cannot tell names apart. Whole worlds are brought to canonical
// form, never single steps, and each weight is that of all the worlds that a
// canonical one stands for, so that counts stay exact.

// selfChecks is how many scenarios are run for real under a renaming before a
// protocol's word is taken for its symmetry.
const selfChecks = 64

// An asymmetry is why worlds that differ by names cannot be taken for one.
type asymmetry struct{ why string }

func (a asymmetry) Error() string { return "symmetry: " + a.why }

// symmetryOf returns the symmetry that a search can use, nil if there is none.
func symmetryOf(s *space.Space, o Options) *runtime.Symmetry {
	c := o.Start.Cluster()
	// A function of a script may look at any name.
	if o.NoSymmetry || !c.Symmetric() || len(o.Invariants) > 0 {
		return nil
	}
	kept := s.Kept(c.NameSymmetries())
	y := c.NewSymmetry(kept)
	renamed := make(runtime.Vector, c.Width())
	var fitting []runtime.Renaming
	for g, r := range kept {
		if err := y.Rename(renamed, o.Start.Vector(), g); err == nil && slices.Equal(renamed, o.Start.Vector()) {
			fitting = append(fitting, r)
		}
	}
	if len(fitting) < 2 {
		return nil
	}
	return c.NewSymmetry(fitting)
}

// checkSymmetry runs some scenarios as they are and renamed, and compares what
// comes out step by step.
func (x *search) checkSymmetry() error {
	if x.symmetry == nil {
		return nil
	}
	sim := x.cluster.NewSimulator()
	width := x.cluster.Width()
	names := make([]runtime.Vector, 4)
	for i := range names {
		names[i] = make(runtime.Vector, width)
	}
	for k, rank := range x.space.Sample(selfChecks, 1) {
		scenario, err := x.space.At(rank)
		if err != nil {
			return err
		}
		g := 1 + k%(x.symmetry.Order()-1)
		if err := x.compare(sim, scenario, g, names); err != nil {
			return err
		}
	}
	return nil
}

// compare runs a scenario and what the g-th renaming makes of it.
func (x *search) compare(sim *runtime.Simulator, scenario space.Scenario, g int, v []runtime.Vector) error {
	plain, twin, next, renamed := v[0], v[1], v[2], v[3]
	copy(plain, x.options.Start.Vector())
	copy(twin, x.options.Start.Vector())
	at := x.place(x.space.Start())
	for _, step := range scenario {
		x.expand(at)
		other := at.renamed(step, x.symmetry.Renaming(g))
		ok := sim.Take(next, plain, step)
		plain, next = next, plain
		okOther := sim.Take(next, twin, other)
		twin, next = next, twin
		if ok != okOther {
			return asymmetry{fmt.Sprintf("%s and %s are not alike: only one of them can happen", step, other)}
		}
		if !ok {
			return nil
		}
		if err := x.symmetry.Rename(renamed, plain, g); err != nil {
			return asymmetry{err.Error()}
		}
		if !slices.Equal(renamed, twin) {
			return asymmetry{x.difference(step, other, renamed, twin)}
		}
		at = at.after(step)
	}
	return nil
}

// difference says which instance is not in the state that it should be in.
func (x *search) difference(step, other runtime.Step, want, got runtime.Vector) string {
	for i, in := range x.cluster.Instances() {
		if want[i] != got[i] {
			return fmt.Sprintf("%s is not %s renamed: %s", other, step,
				apart(in.Name, x.cluster.WorldAt(got).Fields(i), x.cluster.WorldAt(want).Fields(i)))
		}
	}
	return fmt.Sprintf("%s is not %s renamed: other messages are in flight", other, step)
}

// apart names the first field in which two states of an instance differ.
func apart(name string, got, want []runtime.Field) string {
	for i, f := range got {
		if i < len(want) && f != want[i] {
			return fmt.Sprintf("%s has %s = %s instead of %s", name, f.Name, runtime.Text(f.Value), runtime.Text(want[i].Value))
		}
	}
	return name + " ends in another state"
}

// after returns where a step leads from p.
func (p *place) after(s runtime.Step) *place {
	for _, g := range p.groups {
		for _, t := range g.steps {
			if t == s {
				return g.to
			}
		}
	}
	panic("explore: a scenario leaves its space")
}
