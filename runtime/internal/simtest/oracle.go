package simtest

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"pgregory.net/rapid"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/node"
	"github.com/twinsh/twinsh/runtime/space"
)

// A Ledger is what the oracle counts, or what a report says.
type Ledger struct {
	Size, Covered, Ended, Progressed int
	Flaws                            map[string]Tally // by property, or by kind of failure
	Counterexample                   []string
	NoEffect                         []string // choices that mattered in no scenario
}

// A Tally says how often something goes wrong.
type Tally struct {
	Length, Shortest, Scenarios int
	Why                         string
	First                       []string // the steps of the first shortest scenario
}

// String shows a Ledger, for failures.
func (l Ledger) String() string {
	return fmt.Sprintf("size %d covered %d ended %d progressed %d\nflaws %+v\ncounterexample %q\nno effect %q",
		l.Size, l.Covered, l.Ended, l.Progressed, l.Flaws, l.Counterexample, l.NoEffect)
}

// Alone is l without what says in which order scenarios came, or what they
// have in common.
func (l Ledger) Alone() Ledger {
	l = l.Nameless()
	l.NoEffect = nil
	for name, c := range l.Flaws {
		c.Shortest = 0
		l.Flaws[name] = c
	}
	return l
}

// Nameless is l without what names an identity.
func (l Ledger) Nameless() Ledger {
	l.Counterexample = nil
	l.Flaws = maps.Clone(l.Flaws)
	for name, c := range l.Flaws {
		c.Why, c.First = "", nil
		l.Flaws[name] = c
	}
	return l
}

// An Oracle judges scenarios one by one, from the start and after every step,
// and merges nothing.
type Oracle struct {
	Properties []check.Property
	Invariants []check.WorldProperty
}

// KindOf names a kind of failure among properties.
func KindOf(f node.Failure) string { return "failure " + f.Kind() }

// Judge returns what is wrong with w and the way to it, and why: the properties
// that are violated, and the failures of code.
func (o Oracle) Judge(t rapid.TB, w *runtime.World) map[string]string {
	t.Helper()
	wrong := map[string]string{}
	h := w.History()
	note := func(name string, v check.Verdict, err error) {
		if err != nil {
			t.Fatal(err)
		}
		if !v.Holds {
			wrong[name] = v.Why
		}
	}
	for _, p := range o.Properties {
		v, err := p.Judge(context.Background(), h)
		note(p.Name(), v, err)
	}
	for _, p := range o.Invariants {
		v, err := p.JudgeWorld(context.Background(), w)
		note(p.Name(), v, err)
	}
	for _, e := range slices.Backward(h.Events) {
		if e.Kind == node.Failed {
			wrong[KindOf(e.Failure)] = w.Cluster().Instances()[e.Instance].Name + ": " + e.Failure.String()
		}
	}
	return wrong
}

// over reports whether all properties are violated.
func (o Oracle) over(wrong map[string]bool) bool {
	names := o.names()
	return len(names) > 0 && !slices.ContainsFunc(names, func(name string) bool { return !wrong[name] })
}

// progressed reports whether an identity that is correct then decided or
// returned something in a step. What lies before the start is seen by who is
// faulty there.
func progressed(w *runtime.World, faulty node.Set) bool {
	return slices.ContainsFunc(w.History().Events, func(e runtime.Observed) bool {
		return e.Step == w.Depth() && (e.Kind == node.Returned || e.Kind == node.Decided) && !faulty.Has(e.Instance)
	})
}

// scenarios fills a Ledger from the list of all scenarios.
func (o Oracle) scenarios(t rapid.TB, of *space.Space, start *runtime.World) Ledger {
	t.Helper()
	l := Ledger{Flaws: map[string]Tally{}}
	effects := newEffects(of, start)
	for sc := range of.All {
		l.Size++
		l.Covered++
		w, progress := start, false
		for _, v := range start.Path()[1:] {
			progress = progress || progressed(v, start.Faulty())
		}
		wrong := map[string]bool{}
		note := func() {
			for name, why := range o.Judge(t, w) {
				if wrong[name] {
					continue
				}
				wrong[name] = true
				c, known := l.Flaws[name]
				c.Scenarios++
				if length := w.Depth() - start.Depth(); !known || length < c.Length {
					c.Length, c.Why, c.First = length, why, Texts(w)
				}
				l.Flaws[name] = c
			}
		}
		note()
		for _, step := range sc {
			if o.over(wrong) {
				effects.left = true
				break
			}
			next, err := w.Do(step)
			effects.note(step, w == start, next, err)
			if err != nil {
				l.Ended++
				break
			}
			w = next
			progress = progress || progressed(w, w.Faulty())
			note()
		}
		if progress {
			l.Progressed++
		}
	}
	l.NoEffect = effects.missing()
	l.Counterexample = l.firstOf(o.names())
	return l
}

// firstOf returns the counterexample that a report shows: the shortest of a
// property, of several that of the first, or else one of a failure.
func (l Ledger) firstOf(names []string) []string {
	var first []string
	shorter := func(name string) {
		if c, ok := l.Flaws[name]; ok && (first == nil || len(c.First) < len(first)) {
			first = c.First
		}
	}
	for _, name := range names {
		shorter(name)
	}
	if first != nil {
		return first
	}
	for _, name := range slices.Sorted(maps.Keys(l.Flaws)) {
		shorter(name)
	}
	return first
}

// names lists what is judged, in the order in which it is.
func (o Oracle) names() []string {
	var names []string
	for _, p := range o.Properties {
		names = append(names, p.Name())
	}
	for _, p := range o.Invariants {
		names = append(names, p.Name())
	}
	return names
}

// prefixes counts the prefixes of each length at whose end something goes wrong
// for the first time.
func (o Oracle) prefixes(t rapid.TB, of *space.Space, start *runtime.World) map[string]map[int]int {
	t.Helper()
	times := map[string]map[int]int{}
	var visit func(at *space.Position, w *runtime.World, before map[string]bool)
	visit = func(at *space.Position, w *runtime.World, before map[string]bool) {
		wrong := maps.Clone(before)
		for name := range o.Judge(t, w) {
			if !wrong[name] {
				wrong[name] = true
				if times[name] == nil {
					times[name] = map[int]int{}
				}
				times[name][w.Depth()-start.Depth()]++
			}
		}
		if o.over(wrong) {
			return
		}
		for _, g := range at.Edges() {
			for _, step := range g.Steps {
				if next, err := w.Do(step); err == nil {
					visit(g.To, next, wrong)
				}
			}
		}
	}
	visit(of.Start(), start, map[string]bool{})
	return times
}

// Expected is what Explore must find.
func (o Oracle) Expected(t rapid.TB, of *space.Space, start *runtime.World) Ledger {
	t.Helper()
	l := o.scenarios(t, of, start)
	prefixes := o.prefixes(t, of, start)
	for name, c := range l.Flaws {
		c.Shortest = prefixes[name][c.Length]
		l.Flaws[name] = c
	}
	return l
}

// Begins reports whether some scenario begins with the given steps.
func Begins(of *space.Space, steps []string) bool {
	for sc := range of.All {
		if len(sc) >= len(steps) && slices.EqualFunc(sc[:len(steps)], steps, func(s runtime.Step, text string) bool { return s.String() == text }) {
			return true
		}
	}
	return false
}
