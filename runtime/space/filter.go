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
	made := f.make(s)
	f.known[s] = made
	return made
}

func (f filtering) make(s *Space) *Space {
	switch form := s.form.(type) {
	case *choice:
		return Of(slices.DeleteFunc(slices.Clone(form.steps), f.drops)...)
	case then:
		return Then(f.of(form.a), f.of(form.b))
	case or:
		return Or(f.of(form.a), f.of(form.b))
	case *union:
		var of []*Space
		for _, s := range form.of {
			of = append(of, f.of(s))
		}
		return OneOf(of)
	case times:
		return f.of(form.of).Times(form.n)
	case constant:
		return f.of(form.of).Constant(form.n)
	case *distinct:
		var members []Scenario
		for _, m := range form.members {
			if !slices.ContainsFunc(m, f.drops) {
				members = append(members, m)
			}
		}
		if len(members) < form.n {
			return Of()
		}
		d := &distinct{of: f.of(form.of), members: members, n: form.n}
		d.count()
		return newSpace(d, d.maxLen(), s.text)
	}
	return s // the empty scenario
}

func (f filtering) drops(s runtime.Step) bool { return !f.kept[s.String()] }
