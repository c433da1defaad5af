package explore_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/explore"
	"github.com/twinsh/twinsh/runtime/internal/simtest"
	"github.com/twinsh/twinsh/runtime/node"
	"github.com/twinsh/twinsh/runtime/space"
)

// together draws steps in which several instances act: in one component, and in several.
func (s stage) together(t *rapid.T) []runtime.Step {
	var steps []runtime.Step
	add := func(step runtime.Step, err error) {
		if err != nil {
			t.Fatal(err)
		}
		steps = append(steps, step)
	}
	all := s.Names(s.Servers() | s.Clients())
	add(s.Step(runtime.TimeoutStep{IDs: rapid.SliceOfNDistinct(rapid.SampledFrom(all), 2, 3, rapid.ID[string]).Draw(t, "wait together")}))
	parts := space.PartitionsUpTo(s.Servers(), 3)
	for range 3 {
		add(s.Step(runtime.RoundStep{Leader: "A", Phase: runtime.Phase{Groups: s.Groups(rapid.SampledFrom(parts).Draw(t, "parts"))}}))
	}
	return steps
}

// Replicas that begin operations of their own beside clients, and forget, are
// judged as the oracle judges them: each prefix by who is faulty in it, be it that
// several act in one step, in one component or in several, and that the search begins
// with a past.
func TestReplicasThatOperateAgreeWithOracle(t *testing.T) {
	t.Parallel()
	found := 0
	rapid.Check(t, func(rt *rapid.T) {
		config := runtime.Config{Protocol: simtest.Whims{Seed: rapid.Uint32().Draw(rt, "seed")}, N: 3, F: 1}
		if rapid.IntRange(0, 3).Draw(rt, "clients") > 0 {
			config.Clients = []runtime.Client{{Name: "c1"}, {Name: "c2"}}
		}
		if rapid.Bool().Draw(rt, "twin") {
			config.Twins = []runtime.Twin{{ID: "C", Copies: 2}}
		}
		s := newStage(t, config)
		var all []runtime.Step
		for _, in := range s.Instances() {
			wait, err := s.Step(runtime.TimeoutStep{IDs: []string{in.Name}})
			if err != nil {
				rt.Fatal(err)
			}
			all = append(all, wait, wait, s.Read("amnesia "+in.Name))
		}
		all = append(all, s.together(rt)...)
		start := s.Start()
		for _, step := range rapid.SliceOfN(rapid.SampledFrom(all), 0, 3).Draw(rt, "before") {
			next, err := start.Do(step)
			if err != nil {
				rt.Fatal(err)
			}
			start = next
		}
		of := space.Of(rapid.SliceOfNDistinct(rapid.SampledFrom(all), 1, 3, runtime.Step.String).Draw(rt, "steps")...).Times(5)
		l := s.agrees(rt, of, explore.Options{
			Start: start, Properties: rapid.Permutation(properties()).Draw(rt, "properties"), Workers: 1,
		})
		found += len(l.Flaws)
	})
	if !testing.Short() && found == 0 {
		t.Error("nothing violates anything")
	}
}

// acts is what each replica does in each round, or when it waits.
type acts map[string][]func(out *node.Reaction)

// habit is that of replicas that do one act after the other.
func (a acts) habit(n *simtest.Creature, _ node.Event, out *node.Reaction) {
	if own := a[n.Self.ID]; int(n.Count) < len(own) {
		own[n.Count](out)
		n.Count++
	}
}

// What a faulty replica writes may have taken effect before it began, so a read that
// returned it earlier in the same step, or on the way to where a search begins, holds:
// in every way to search, as for who judges the world. If the replica is correct, or
// writes a step later, it is violated.
func TestOperationsOfFaultyReplicasInTheSameStep(t *testing.T) {
	reads := func(out *node.Reaction) {
		out.Invoked(node.Operation{Name: "read"})
		out.Returned("red")
	}
	writes := func(out *node.Reaction) { out.Invoked(node.Operation{Name: "write", Arg: "red"}) }
	rests := func(*node.Reaction) {}
	apart, whole := [][]node.Set{{1 | 2, 4 | 8 | 16}}, [][]node.Set{nil}
	wait := func(s stage, names ...string) *space.Space {
		step, err := s.Step(runtime.TimeoutStep{IDs: names})
		if err != nil {
			s.T.Fatal(err)
		}
		return space.Of(step)
	}
	for _, test := range []struct {
		name   string
		acts   acts
		before func(s stage) *space.Space // what the search begins after
		of     func(s stage) *space.Space
		twins  bool
		holds  bool
	}{
		{"two parts", acts{"A": {reads}, "C": {writes}}, nil, func(s stage) *space.Space { return s.Rounds(apart, "D") }, true, true},
		{"one part", acts{"A": {reads}, "C": {writes}}, nil, func(s stage) *space.Space { return s.Rounds(whole, "D") }, true, true},
		{"waiting", acts{"A": {reads}, "C": {writes}}, nil, func(s stage) *space.Space { return wait(s, "A", "C") }, true, true},
		{"the way to the start", acts{"A": {reads}, "C": {rests, writes}}, func(s stage) *space.Space { return s.Rounds(apart, "D").Times(2) },
			func(s stage) *space.Space { return s.Rounds(apart, "D") }, true, true},
		{"the writer forgot on the way", acts{"A": {reads}, "C": {writes}}, func(s stage) *space.Space { return simtest.InTurn(s.Rounds(whole, "D"), s.Of("amnesia C")) },
			func(s stage) *space.Space { return s.Rounds(whole, "D") }, false, true},
		{"a step later", acts{"A": {reads}, "C": {rests, writes}}, nil, func(s stage) *space.Space { return s.Rounds(apart, "D").Times(2) }, true, false},
		{"a correct writer", acts{"A": {reads}, "C": {writes}}, nil, func(s stage) *space.Space { return s.Rounds([][]node.Set{{1 | 2, 4 | 8}}, "D") }, false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			config := runtime.Config{Protocol: simtest.Habit(test.acts.habit), N: 4, F: 1}
			if test.twins {
				config.Twins = []runtime.Twin{{ID: "C", Copies: 2}}
			}
			s := newStage(t, config)
			start := s.Start()
			if test.before != nil {
				for _, step := range s.scenario(test.before(s)) {
					var err error
					if start, err = start.Do(step); err != nil {
						t.Fatal(err)
					}
				}
			}
			l := s.agrees(t, test.of(s), explore.Options{Start: start, Properties: properties(), Workers: 1})
			if (len(l.Flaws) == 0) != test.holds {
				t.Errorf("%s", l)
			}
		})
	}
}

// scenario returns the first scenario of a space.
func (s stage) scenario(of *space.Space) space.Scenario {
	for sc := range of.All {
		return sc
	}
	s.T.Fatal("the space is empty")
	return nil
}

// errands are whims of replicas that are interchangeable: a hash says of all but their names what
// they do, and what they hear from each other.
func errands(seed uint32) simtest.Habit {
	return func(n *simtest.Creature, e node.Event, out *node.Reaction) {
		h := seed
		for _, b := range []byte{byte(e.Kind), n.Count} {
			h = (h ^ uint32(b)) * 16777619
			h ^= h >> 13
		}
		if e.Kind == node.RoundEvent && e.Round.Leader == n.Self.ID {
			h *= 16777619
			out.Broadcast("hear")
		}
		h ^= h >> 15
		open := n.Count % 3
		switch {
		case h%4 == 0:
		case open == 0 && h/4%2 == 0:
			out.Invoked(node.Operation{Name: "read"})
			n.Count++
		case open == 0:
			out.Invoked(node.Operation{Name: "write", Arg: []any{"red", "blue"}[h/8%2]})
			n.Count += 2
		case open == 1:
			out.Returned([]any{"red", "blue", nil}[h/4%3])
			n.Count += 2
		default:
			out.Returned(nil)
			n.Count++
		}
	}
}

// What each replica does was met before, each alone, and only their order is new: it
// depends on names, so that worlds that differ by names have different pasts.
func TestOrderOfOperationsIsChecked(t *testing.T) {
	for name, returns := range map[string]bool{"one begins as another returns": true, "both begin": false} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, runtime.Config{N: 3, F: 1, Protocol: simtest.Habit(func(n *simtest.Creature, e node.Event, out *node.Reaction) {
				leads := e.Round.Leader == n.Self.ID
				switch {
				case e.Message != nil && n.Count == 1:
					n.Count = 0
				case e.Message != nil:
				case e.Round.Number == 1 && leads:
					n.Count = 1
				case e.Round.Number == 2 && leads && n.Count == 0:
					n.Count = 2
					out.Broadcast("forget")
				case e.Round.Number == 3 && n.Count == 2:
					out.Invoked(node.Operation{Name: "write", Arg: "red"})
				case e.Round.Number == 3 && n.Count == 1:
					out.Invoked(node.Operation{Name: "read"})
					if returns {
						out.Returned("red")
					}
				}
			})})
			led := func(parts ...node.Set) *space.Space { return s.Rounds([][]node.Set{parts}, "A", "B", "C") }
			of := simtest.InTurn(led(), simtest.EitherOf(led(), led(1, 2, 4)), led())
			o := explore.Options{Properties: []check.Property{check.Regular()}, Workers: 1}
			l := s.agrees(t, of, o)
			if (len(l.Flaws) > 0) != returns {
				t.Errorf("%s", l)
			}
			o.Symmetry = explore.Always
			if r := s.exploresWith(of, o); (r.Asymmetry != "") != returns {
				t.Errorf("asymmetry %q", r.Asymmetry)
			}
		})
	}
}

// Replicas that are interchangeable and operate are searched as the oracle does, with symmetry
// and without, if several of them act in one step.
func TestReplicasAlikeThatOperateAgreeWithOracle(t *testing.T) {
	t.Parallel()
	found, renamed := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		s := newStage(t, runtime.Config{Protocol: errands(rapid.Uint32().Draw(rt, "seed")), N: 3, F: 1})
		parts := rapid.SliceOfN(rapid.SampledFrom([]int{1, 2, 3}), 1, 2).Draw(rt, "parts")
		var of *space.Space
		for _, n := range parts {
			var steps []runtime.Step
			for _, p := range space.PartitionsUpTo(s.Servers(), n) {
				for _, leader := range []string{"A", "B", "C"} {
					step, err := s.Step(runtime.RoundStep{Leader: leader, Phase: runtime.Phase{Groups: s.Groups(p)}})
					if err != nil {
						rt.Fatal(err)
					}
					steps = append(steps, step)
				}
			}
			if next := space.Of(steps...); of == nil {
				of = next
			} else {
				of = space.Then(of, next)
			}
		}
		o := explore.Options{Properties: rapid.Permutation(properties()).Draw(rt, "properties"), Workers: 1}
		found += len(s.agrees(rt, of, o).Flaws)
		if o.Symmetry = explore.Always; s.exploresWith(of, o).Renamings > 1 {
			renamed++
		}
	})
	if !testing.Short() && (found == 0 || renamed == 0) {
		t.Errorf("%d flaws, %d searches with symmetry", found, renamed)
	}
}
