package space

import (
	"slices"

	"github.com/twinsh/twinsh/runtime"
)

// Filter returns the scenarios of s each step of which is kept, in the order of s
// and as often as s lists them. It is asked once about each different step of s, in
// the order of [Space.Steps], and ends with the error of keep. What is named in the
// text of the space is what.
//
// No scenario is listed for it, and its size is exact: since a scenario is kept if
// its steps are, a filter of a space is the space of its filtered choices. It takes
// time in the number of the spaces and steps of which s is made.
func Filter(s *Space, what string, keep func(runtime.Step) (bool, error)) (*Space, error) {
	kept := map[string]bool{}
	for _, step := range s.Steps() {
		k, err := keep(step)
		if err != nil {
			return nil, err
		}
		kept[step.String()] = k
	}
	f := filtering{kept, map[*Space]*Space{}}
	filtered := f.of(s)
	return newSpace(filtered.form, filtered.maxLen, after(s.text, ".filter("+what+")", asOne)), nil
}

// A filtering makes spaces of what is kept of others.
type filtering struct {
	kept  map[string]bool // by text
	known map[*Space]*Space
}

func (f filtering) of(s *Space) *Space {
	if made, ok := f.known[s]; ok {
		return made
	}
	made := s.form.filtered(f, s)
	f.known[s] = made
	return made
}

func (f filtering) drops(s runtime.Step) bool { return !f.kept[s.String()] }

func (empty) filtered(_ filtering, s *Space) *Space { return s } // it has no step to drop

func (c *choice) filtered(f filtering, _ *Space) *Space {
	return Of(slices.DeleteFunc(slices.Clone(c.steps), f.drops)...)
}

func (t then) filtered(f filtering, _ *Space) *Space { return Then(f.of(t.a), f.of(t.b)) }

func (o or) filtered(f filtering, _ *Space) *Space { return Or(f.of(o.a), f.of(o.b)) }

func (x *union) filtered(f filtering, _ *Space) *Space {
	var of []*Space
	for _, s := range x.of {
		of = append(of, f.of(s))
	}
	return OneOf(of)
}

func (t times) filtered(f filtering, _ *Space) *Space { return f.of(t.of).Times(t.n) }

func (c constant) filtered(f filtering, _ *Space) *Space { return f.of(c.of).Constant(c.n) }

// Where fewer members are left than are to be chosen, nothing can be.
func (d *distinct) filtered(f filtering, s *Space) *Space {
	var members []Scenario
	for _, m := range d.members {
		if !slices.ContainsFunc(m, f.drops) {
			members = append(members, m)
		}
	}
	if len(members) < d.n {
		return Of()
	}
	left := &distinct{of: f.of(d.of), members: members, n: d.n}
	left.count()
	return newSpace(left, left.maxLen(), s.text)
}
