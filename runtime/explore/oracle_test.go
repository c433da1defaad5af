package explore_test

import (
	"context"
	"math/big"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/twinsh/twinsh/kvproto"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/explore"
	"github.com/twinsh/twinsh/runtime/internal/simtest"
	"github.com/twinsh/twinsh/runtime/space"
)

func tally(length int, shortest, scenarios *big.Int, why string, first *runtime.World) simtest.Tally {
	return simtest.Tally{Length: length, Shortest: int(shortest.Int64()), Scenarios: int(scenarios.Int64()), Why: why, First: simtest.Texts(first)}
}

// ledgerOf is what a report says.
func ledgerOf(r *explore.Report) simtest.Ledger {
	l := simtest.Ledger{
		Size: int(r.Size.Int64()), Covered: int(r.Covered.Int64()),
		Ended: int(r.EndedEarly.Int64()), Progressed: int(r.Progressed.Int64()),
		Flaws: map[string]simtest.Tally{},
	}
	for i, v := range r.Violations {
		l.Flaws[v.Property] = tally(v.Length, v.Shortest, v.Scenarios, v.Why, v.Counterexample)
		if i > 0 && r.Violations[i-1].Length > v.Length {
			l.Flaws["out of order"] = simtest.Tally{}
		}
	}
	for i, f := range r.Failures {
		l.Flaws[simtest.KindOf(f.Failure)] = tally(f.Length, f.Shortest, f.Scenarios, f.Instance+": "+f.Failure.String(), f.Counterexample)
		if i > 0 && r.Failures[i-1].Length > f.Length {
			l.Flaws["out of order"] = simtest.Tally{}
		}
	}
	if r.Counterexample() != nil {
		l.Counterexample = simtest.Texts(r.Counterexample())
	}
	for _, n := range r.NoEffect {
		l.NoEffect = append(l.NoEffect, n.String())
	}
	return l
}

// agrees compares Explore with the oracle and returns what both say. Under
// renamings of servers the counterexample need not be the first, only one of
// the shortest.
func (s stage) agrees(t rapid.TB, of *space.Space, o explore.Options) simtest.Ledger {
	t.Helper()
	if o.Start == nil {
		o.Start = s.Start()
	}
	judge := simtest.Oracle{Properties: o.Properties, Invariants: o.Invariants}
	want := judge.Expected(t, of, o.Start)
	for _, o.Symmetry = range []explore.Symmetry{explore.Never, explore.Auto, explore.Always} {
		r, err := explore.Explore(context.Background(), of, o)
		if err != nil {
			t.Fatal(err)
		}
		got, want := ledgerOf(r), want
		if r.Renamings > 1 {
			if o.Symmetry != explore.Always {
				t.Fatalf("%d renamings were not asked for", r.Renamings)
			}
			got, want = got.Nameless(), want.Nameless()
		}
		if got.String() != want.String() {
			t.Fatalf("%s of %s, %d renamings\nexplored: %s\noracle:   %s", of, s, r.Renamings, got, want)
		}
		counterexamples(t, judge, of, o.Start, r)
	}
	s.agreesInSample(t, of, o, want)
	return want
}

// agreesInSample compares a sample of all scenarios with the oracle. It finds
// a shortest violation too, but in another order.
func (s stage) agreesInSample(t rapid.TB, of *space.Space, o explore.Options, want simtest.Ledger) {
	t.Helper()
	r, err := explore.Sample(context.Background(), of, want.Size, 1, o)
	if err != nil {
		t.Fatal(err)
	}
	got := ledgerOf(r)
	if got.Alone().String() != want.Alone().String() || len(got.Counterexample) != len(want.Counterexample) {
		t.Fatalf("%s of %s\nsampled: %s\noracle:  %s", of, s, got, want)
	}
	counterexamples(t, simtest.Oracle{Properties: o.Properties, Invariants: o.Invariants}, of, o.Start, r)
}

// counterexamples checks that each counterexample of a report is a prefix of a
// scenario and as long as the report says, that the property, asked by itself,
// says of its end what the report says, and that it says so of no prefix.
func counterexamples(t rapid.TB, o simtest.Oracle, of *space.Space, start *runtime.World, r *explore.Report) {
	t.Helper()
	for name, c := range ledgerOf(r).Flaws {
		w := counterexample(r, name)
		steps := simtest.Texts(w)[start.Depth():]
		if why, wrong := o.Judge(t, w)[name]; !wrong || why != c.Why || why == "" || len(steps) != c.Length {
			t.Fatalf("%q: %s is judged %t (%s), the report says %+v", steps, name, wrong, why, c)
		}
		for v := w; v.Depth() > start.Depth(); {
			v = v.Parent()
			if _, wrong := o.Judge(t, v)[name]; wrong {
				t.Fatalf("%q: %s goes wrong before its end", steps, name)
			}
		}
		if !simtest.Begins(of, steps) {
			t.Fatalf("%q is in no scenario of %s", steps, of)
		}
	}
}

// counterexample returns that of what goes wrong.
func counterexample(r *explore.Report, name string) *runtime.World {
	for _, v := range r.Violations {
		if v.Property == name {
			return v.Counterexample
		}
	}
	for _, f := range r.Failures {
		if simtest.KindOf(f.Failure) == name {
			return f.Counterexample
		}
	}
	return nil
}

// properties are from the weakest to the strongest, so that each has a chance
// to be the first to be violated.
func properties() []check.Property {
	return []check.Property{check.Safe(), check.Regular(), check.Linearizable()}
}

// variants has each rule of the protocol taken out once.
var variants = []struct {
	name    string
	options kvproto.Options
}{
	{"correct", kvproto.Options{}},
	{"quorum 2", kvproto.Options{Quorum: 2}},
	{"read quorum 2", kvproto.Options{ReadQuorum: 2}},
	{"first reply", kvproto.Options{ReadRule: "first"}},
	{"no write-back", kvproto.Options{WriteBack: kvproto.Off}},
	{"no tie-break", kvproto.Options{TieBreak: kvproto.Off}},
	{"skip query", kvproto.Options{QueryFirst: kvproto.Off}},
	{"no version check", kvproto.Options{VersionCheck: kvproto.Off}},
	{"volatile counter", kvproto.Options{PersistentCounter: kvproto.Off}},
	{"no verify", kvproto.Options{Verify: kvproto.Off}},
	{"count replies", kvproto.Options{OneVote: kvproto.Off}},
}

// Each variant agrees with the oracle on spaces of all forms, made of steps of
// all kinds.
func TestVariantsAgreeWithOracle(t *testing.T) {
	clients := []runtime.Client{runs("c1", red, blue), runs("c2", read(), read())}
	fourServers := []string{"c1: A B C", "c1: A", "c2: A B C'", "c2: B C' D"}
	for _, test := range []struct {
		name   string
		config func(kvproto.Options) runtime.Config
		space  func(stage) *space.Space
	}{
		{"four servers", func(o kvproto.Options) runtime.Config { return twinned(four(o, clients...), "C") },
			func(s stage) *space.Space { return s.Of(fourServers...).Times(5) }},
		{"three servers", func(o kvproto.Options) runtime.Config {
			c := twinned(four(o, clients...), "C")
			c.N = 3
			return c
		}, func(s stage) *space.Space { return s.Of("c1: A B C", "c1: A C", "c2: A B C'", "c2: B C'").Times(5) }},
		{"mishaps", func(o kvproto.Options) runtime.Config { return twinned(four(o, clients...), "C") },
			func(s stage) *space.Space {
				mishaps := s.Of("crash A", "restart c1", "amnesia C", "[A B C | C' D]", "heal")
				return simtest.InTurn(s.Of("c1: A B C"), mishaps, s.Of(fourServers...).Times(2), mishaps, s.Of(fourServers...))
			}},
		{"ends early", func(o kvproto.Options) runtime.Config { return four(o, runs("c1", red), runs("c2", read())) },
			func(s stage) *space.Space { return s.Of("c1: A B", "c1: A B C", "c2: C D", "crash c2").Times(5) }},
		{"forms", func(o kvproto.Options) runtime.Config { return twinned(four(o, clients...), "C") },
			func(s stage) *space.Space {
				few := s.Of(fourServers...)
				distinct, err := simtest.EitherOf(few, s.Of("restart c1", "crash c1")).Distinct(t.Context(), 3)
				if err != nil {
					s.T.Fatal(err)
				}
				write := s.Story("c1: A B C\nc1: A B C")
				lengths := simtest.EitherOf(few.Times(0), few, space.Then(write, few).Constant(2))
				return simtest.InTurn(lengths, simtest.EitherOf(distinct, few.Times(2).Constant(2)), few)
			}},
	} {
		t.Run(test.name, func(t *testing.T) {
			violated := 0
			for _, v := range variants {
				s := newStage(t, test.config(v.options))
				l := s.agrees(t, test.space(s), explore.Options{Properties: properties()})
				violated += len(l.Flaws)
				if v.name == "correct" && len(l.Flaws) > 0 {
					t.Errorf("%s: %s", v.name, l)
				}
			}
			if violated == 0 {
				t.Error("no variant violates anything here")
			}
		})
	}
}

// Spaces around the stories of the gallery, in which each step may be replaced
// by others, agree with the oracle.
func TestRandomSpacesAgreeWithOracle(t *testing.T) {
	t.Parallel()
	all := exhibits(t)
	var found int
	rapid.Check(t, func(rt *rapid.T) {
		e := rapid.SampledFrom(all).Draw(rt, "exhibit")
		config := rapid.SampledFrom([]runtime.Config{e.flawed, e.flawed, e.right}).Draw(rt, "config")
		config.Held = rapid.SampledFrom([]bool{false, false, true}).Draw(rt, "held")
		s := newStage(t, config)
		lines := strings.Split(e.story, "\n")
		begin := rapid.IntRange(0, len(lines)-1).Draw(rt, "begin")
		start := s.Start()
		for _, line := range lines[:begin] {
			if step, ok := s.possible(line); ok {
				if next, err := start.Do(step); err == nil {
					start = next
				}
			}
		}
		if who := rapid.SampledFrom([]string{"", "", "A", "C'", "c1", "c2"}).Draw(rt, "forgets before"); who != "" {
			if step, ok := s.possible("amnesia " + who); ok {
				if next, err := start.Do(step); err == nil {
					start = next
				}
			}
		}
		l := s.agrees(rt, s.around(rt, lines[begin:]), explore.Options{
			Start: start, Workers: rapid.IntRange(1, 2).Draw(rt, "workers"),
			Properties: rapid.Permutation(properties()).Draw(rt, "properties"),
			Invariants: rapid.SliceOfNDistinct(rapid.Custom(s.invariant), 0, 2, check.WorldProperty.Name).Draw(rt, "invariants"),
		})
		found += len(l.Flaws)
	})
	if !testing.Short() && found == 0 {
		t.Error("nothing violates anything")
	}
}

// invariant draws what may be wrong with an instance, in a world or in a step.
func (s stage) invariant(t *rapid.T) check.WorldProperty {
	id := rapid.SampledFrom(s.Instances()).Draw(t, "instance").Name
	word := rapid.SampledFrom([]string{"red", "blue", "done", "2/3"}).Draw(t, "word")
	if rapid.Bool().Draw(t, "step") {
		return keepsShowing(id, word)
	}
	return neverShows(id, word)
}

// possible is step for a line that may name someone who is not there.
func (s stage) possible(line string) (runtime.Step, bool) {
	for word := range strings.FieldsFuncSeq(line, func(r rune) bool { return strings.ContainsRune(" :|[]", r) }) {
		if word == strings.ToUpper(word) || strings.HasPrefix(word, "c1") || strings.HasPrefix(word, "c2") || strings.HasPrefix(word, "c3") {
			if _, err := s.Instance(word); err != nil {
				return runtime.Step{}, false
			}
		}
	}
	return s.Read(line), true
}

// mostDrawn is how many scenarios a drawn space has at most.
const mostDrawn = 300

// around draws a space in which a story may happen, and more.
func (s stage) around(t *rapid.T, lines []string) *space.Space {
	pool := slices.Clone(lines)
	pool = append(pool, "c1: A B", "c2: A C", "crash A", "crash c2", "restart A", "restart c1", "restart c2",
		"amnesia A", "amnesia C'", "amnesia c1", "amnesia c2", "heal")
	var steps []runtime.Step
	for _, line := range pool {
		if step, ok := s.possible(line); ok {
			steps = append(steps, step)
		}
	}
	if all := s.Names(s.Servers()); len(all) > 1 {
		for i := 1; i < len(all); i++ {
			step, err := s.Step(runtime.PartitionStep{Groups: [][]string{all[:i], all[i:]}})
			if err != nil {
				t.Fatal(err)
			}
			steps = append(steps, step)
		}
	}
	of := space.Of().Times(0)
	for _, line := range lines {
		next := s.form(t, steps, 2)
		if step, ok := s.possible(line); ok {
			if next = space.Or(space.Of(step), next); rapid.Bool().Draw(t, "plain") {
				next = space.Of(step)
			}
		}
		if longer := space.Then(of, next); longer.Size().Cmp(big.NewInt(mostDrawn)) <= 0 {
			of = longer
		} else if step, ok := s.possible(line); ok {
			of = space.Then(of, space.Of(step))
		}
	}
	return of
}

// form draws a space of a few of the steps.
func (s stage) form(t *rapid.T, steps []runtime.Step, depth int) *space.Space {
	kind := "of"
	if depth > 0 {
		kind = rapid.SampledFrom([]string{"of", "then", "times", "or", "distinct", "constant"}).Draw(t, "kind")
	}
	drawn := func() *space.Space { return s.form(t, steps, depth-1) }
	var of *space.Space
	switch kind {
	case "then":
		of = space.Then(drawn(), drawn())
	case "or":
		of = space.Or(drawn(), drawn())
	case "times":
		of = drawn().Times(rapid.IntRange(0, 3).Draw(t, "n"))
	case "constant":
		of = drawn().Constant(rapid.IntRange(0, 3).Draw(t, "n"))
	case "distinct":
		member := drawn()
		var err error
		if of, err = member.Distinct(t.Context(), rapid.IntRange(0, 3).Draw(t, "n")); err != nil {
			of = member
		}
	default:
		return space.Of(rapid.SliceOfN(rapid.SampledFrom(steps), 1, 3).Draw(t, "steps")...)
	}
	if of.Size().Cmp(big.NewInt(mostDrawn)) > 0 || of.MaxLen() > 6 {
		return space.Of(steps[:2]...)
	}
	return of
}
