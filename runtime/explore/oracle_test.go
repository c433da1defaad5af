package explore_test

import (
	"context"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/twinsh/twinsh/kvproto"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/explore"
	"github.com/twinsh/twinsh/runtime/space"
)

// A ledger is what the oracle counts, or what a report says.
type ledger struct {
	size, covered, ended, progressed int
	violations                       map[string]violation
	counterexample                   []string
	noEffect                         []string // choices that mattered in no scenario
}

type violation struct {
	length, shortest, scenarios int
	why                         string
	first                       []string // the steps of the first shortest scenario
}

// An oracle judges scenarios one by one, from the start and after every step,
// and merges nothing.
type oracle struct {
	properties []check.Property
	invariants []check.WorldProperty
}

// judge returns the name of the first property that w violates, and why.
func (o oracle) judge(t rapid.TB, w *runtime.World) (name, why string) {
	t.Helper()
	h := w.History()
	for _, p := range append([]check.Property{check.NoFailure()}, o.properties...) {
		v, err := p.Judge(context.Background(), h)
		if err != nil {
			t.Fatal(err)
		}
		if !v.Holds {
			return p.Name(), v.Why
		}
	}
	for _, p := range o.invariants {
		v, err := p.JudgeWorld(context.Background(), w)
		if err != nil {
			t.Fatal(err)
		}
		if !v.Holds {
			return p.Name(), v.Why
		}
	}
	return "", ""
}

// progressed reports whether a correct identity decided or returned something
// in the last step.
func progressed(w *runtime.World) bool {
	h := w.History()
	return slices.ContainsFunc(h.Events, func(e runtime.Observed) bool {
		return e.Step == w.Depth() && (e.Kind == runtime.Returned || e.Kind == runtime.Decided) && !h.Faulty.Has(e.Instance)
	})
}

// scenarios fills a ledger from the list of all scenarios.
func (o oracle) scenarios(t rapid.TB, of *space.Space, start *runtime.World) ledger {
	t.Helper()
	l := ledger{violations: map[string]violation{}}
	effects := newEffects(of, start)
	for sc := range of.All {
		l.size++
		l.covered++
		w, progress := start, false
		for _, v := range start.Path()[1:] {
			progress = progress || progressed(v)
		}
		name, why := o.judge(t, w)
		for _, step := range sc {
			if name != "" {
				break
			}
			next, err := w.Do(step)
			effects.note(step, next, err)
			if err != nil {
				l.ended++
				break
			}
			w = next
			progress = progress || progressed(w)
			name, why = o.judge(t, w)
		}
		if progress {
			l.progressed++
		}
		if name == "" {
			continue
		}
		v, known := l.violations[name]
		v.scenarios++
		if length := w.Depth() - start.Depth(); !known || length < v.length {
			v.length, v.why, v.first = length, why, texts(w)
		}
		l.violations[name] = v
	}
	l.noEffect = effects.missing()
	for _, name := range o.names() {
		if v, ok := l.violations[name]; ok && (l.counterexample == nil || len(v.first) < len(l.counterexample)) {
			l.counterexample = v.first
		}
	}
	return l
}

// names lists what is judged, in the order in which it is.
func (o oracle) names() []string {
	names := []string{check.NoFailure().Name()}
	for _, p := range o.properties {
		names = append(names, p.Name())
	}
	for _, p := range o.invariants {
		names = append(names, p.Name())
	}
	return names
}

// prefixes counts the violating prefixes of each length.
func (o oracle) prefixes(t rapid.TB, of *space.Space, start *runtime.World) map[string]map[int]int {
	t.Helper()
	count := map[string]map[int]int{}
	var visit func(at *space.Position, w *runtime.World)
	visit = func(at *space.Position, w *runtime.World) {
		if name, _ := o.judge(t, w); name != "" {
			if count[name] == nil {
				count[name] = map[int]int{}
			}
			count[name][w.Depth()-start.Depth()]++
			return
		}
		for _, g := range at.Groups() {
			for _, step := range g.Steps {
				if next, err := w.Do(step); err == nil {
					visit(g.To, next)
				}
			}
		}
	}
	visit(of.Start(), start)
	return count
}

// expected is what Explore must find.
func (o oracle) expected(t rapid.TB, of *space.Space, start *runtime.World) ledger {
	t.Helper()
	l := o.scenarios(t, of, start)
	prefixes := o.prefixes(t, of, start)
	for name, v := range l.violations {
		v.shortest, v.first = prefixes[name][v.length], nil
		l.violations[name] = v
	}
	return l
}

// ledgerOf is what a report says.
func ledgerOf(r *explore.Report) ledger {
	l := ledger{
		size: int(r.Size.Int64()), covered: int(r.Covered.Int64()),
		ended: int(r.EndedEarly.Int64()), progressed: int(r.Progressed.Int64()),
		violations: map[string]violation{},
	}
	for i, v := range r.Violations {
		l.violations[v.Property] = violation{v.Length, int(v.Shortest.Int64()), int(v.Scenarios.Int64()), v.Why, nil}
		if i > 0 && r.Violations[i-1].Length > v.Length {
			l.violations["out of order"] = violation{}
		}
	}
	if r.Counterexample != nil {
		l.counterexample = texts(r.Counterexample)
	}
	for _, n := range r.NoEffect {
		l.noEffect = append(l.noEffect, n.String())
	}
	return l
}

// String shows a ledger, for failures.
func (l ledger) String() string {
	return fmt.Sprintf("size %d covered %d ended %d progressed %d\nviolations %+v\ncounterexample %q\nno effect %q",
		l.size, l.covered, l.ended, l.progressed, l.violations, l.counterexample, l.noEffect)
}

// agrees compares Explore with the oracle and returns what both say. Under
// renamings of servers the counterexample need not be the first, only one of
// the shortest.
func (s stage) agrees(t rapid.TB, of *space.Space, o explore.Options) ledger {
	t.Helper()
	if o.Start == nil {
		o.Start = s.Start()
	}
	judge := oracle{o.Properties, o.Invariants}
	want := judge.expected(t, of, o.Start)
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
			judge.shortest(t, of, o.Start, r)
			got, want = got.nameless(), want.nameless()
		}
		if got.String() != want.String() {
			t.Fatalf("%s of %s, %d renamings\nexplored: %s\noracle:   %s", of, s, r.Renamings, got, want)
		}
	}
	s.agreesInSample(t, of, o, want)
	return want
}

// agreesInSample compares a sample of all scenarios with the oracle. It finds
// a shortest violation too, but in another order.
func (s stage) agreesInSample(t rapid.TB, of *space.Space, o explore.Options, want ledger) {
	t.Helper()
	r, err := explore.Sample(context.Background(), of, want.size, 1, o)
	if err != nil {
		t.Fatal(err)
	}
	got := ledgerOf(r)
	if got.alone().String() != want.alone().String() || len(got.counterexample) != len(want.counterexample) {
		t.Fatalf("%s of %s\nsampled: %s\noracle:  %s", of, s, got, want)
	}
}

// alone is l without what says in which order scenarios came, or what they
// have in common.
func (l ledger) alone() ledger {
	l = l.nameless()
	l.noEffect = nil
	delete(l.violations, "out of order")
	for name, v := range l.violations {
		v.shortest = 0
		l.violations[name] = v
	}
	return l
}

// nameless is l without what names somebody.
func (l ledger) nameless() ledger {
	l.counterexample = nil
	l.violations = maps.Clone(l.violations)
	for name, v := range l.violations {
		v.why = ""
		l.violations[name] = v
	}
	return l
}

// shortest checks that the counterexample is a prefix of a scenario, violates
// the property that the report names, and is as short as the report says.
func (o oracle) shortest(t rapid.TB, of *space.Space, start *runtime.World, r *explore.Report) {
	t.Helper()
	if r.Counterexample == nil {
		return
	}
	steps := texts(r.Counterexample)[start.Depth():]
	if name, why := o.judge(t, r.Counterexample); name != r.Violations[0].Property || why != r.Violations[0].Why || len(steps) != r.Violations[0].Length {
		t.Fatalf("%q violates %s (%s), the report says %+v", steps, name, why, r.Violations[0])
	}
	for sc := range of.All {
		if len(sc) < len(steps) {
			continue
		}
		if slices.EqualFunc(sc[:len(steps)], steps, func(s runtime.Step, text string) bool { return s.String() == text }) {
			return
		}
	}
	t.Fatalf("%q is in no scenario of %s", steps, of)
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
	{"no write-back", kvproto.Options{NoWriteBack: true}},
	{"no tie-break", kvproto.Options{NoTieBreak: true}},
	{"skip query", kvproto.Options{SkipQuery: true}},
	{"no version check", kvproto.Options{NoVersionCheck: true}},
	{"volatile counter", kvproto.Options{VolatileCounter: true}},
	{"no verify", kvproto.Options{NoVerify: true}},
	{"count replies", kvproto.Options{CountReplies: true}},
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
			func(s stage) *space.Space { return s.of(fourServers...).Times(5) }},
		{"three servers", func(o kvproto.Options) runtime.Config {
			c := twinned(four(o, clients...), "C")
			c.N = 3
			return c
		}, func(s stage) *space.Space { return s.of("c1: A B C", "c1: A C", "c2: A B C'", "c2: B C'").Times(5) }},
		{"mishaps", func(o kvproto.Options) runtime.Config { return twinned(four(o, clients...), "C") },
			func(s stage) *space.Space {
				mishaps := s.of("crash A", "restart c1", "amnesia C", "[A B C | C' D]", "heal")
				return inTurn(s.of("c1: A B C"), mishaps, s.of(fourServers...).Times(2), mishaps, s.of(fourServers...))
			}},
		{"ends early", func(o kvproto.Options) runtime.Config { return four(o, runs("c1", red), runs("c2", read())) },
			func(s stage) *space.Space { return s.of("c1: A B", "c1: A B C", "c2: C D", "crash c2").Times(5) }},
		{"forms", func(o kvproto.Options) runtime.Config { return twinned(four(o, clients...), "C") },
			func(s stage) *space.Space {
				few := s.of(fourServers...)
				distinct, err := eitherOf(few, s.of("restart c1", "crash c1")).Distinct(t.Context(), 3)
				if err != nil {
					s.t.Fatal(err)
				}
				write := s.story("c1: A B C\nc1: A B C")
				lengths := eitherOf(few.Times(0), few, space.Then(write, few).Constant(2))
				return inTurn(lengths, eitherOf(distinct, few.Times(2).Constant(2)), few)
			}},
	} {
		t.Run(test.name, func(t *testing.T) {
			violated := 0
			for _, v := range variants {
				s := newStage(t, test.config(v.options))
				l := s.agrees(t, test.space(s), explore.Options{Properties: properties()})
				violated += len(l.violations)
				if v.name == "correct" && len(l.violations) > 0 {
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
	all := exhibits()
	var found int
	rapid.Check(t, func(rt *rapid.T) {
		e := rapid.SampledFrom(all).Draw(rt, "exhibit")
		config := rapid.SampledFrom([]runtime.Config{e.flawed, e.flawed, e.right}).Draw(rt, "config")
		config.Network = rapid.SampledFrom([]runtime.Network{runtime.Lossy, runtime.Lossy, runtime.Held}).Draw(rt, "network")
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
		l := s.agrees(rt, s.around(rt, lines[begin:]), explore.Options{
			Start: start, Workers: rapid.IntRange(1, 2).Draw(rt, "workers"),
			Properties: rapid.Permutation(properties()).Draw(rt, "properties"),
			Invariants: rapid.SliceOfNDistinct(rapid.Custom(s.invariant), 0, 2, check.WorldProperty.Name).Draw(rt, "invariants"),
		})
		found += len(l.violations)
	})
	if found == 0 {
		t.Error("nothing violates anything")
	}
}

// invariant draws what may be wrong with an instance.
func (s stage) invariant(t *rapid.T) check.WorldProperty {
	id := rapid.SampledFrom(s.Instances()).Draw(t, "instance").Name
	return neverShows(id, rapid.SampledFrom([]string{"red", "blue", "done", "2/3"}).Draw(t, "word"))
}

// possible is step for a line that may name somebody who is not there.
func (s stage) possible(line string) (runtime.Step, bool) {
	for word := range strings.FieldsFuncSeq(line, func(r rune) bool { return strings.ContainsRune(" :|[]", r) }) {
		if word == strings.ToUpper(word) || strings.HasPrefix(word, "c1") || strings.HasPrefix(word, "c2") || strings.HasPrefix(word, "c3") {
			if _, err := s.Instance(word); err != nil {
				return runtime.Step{}, false
			}
		}
	}
	return s.step(line), true
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
			step, err := s.Partition([][]string{all[:i], all[i:]})
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
