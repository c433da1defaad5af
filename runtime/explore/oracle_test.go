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
	"github.com/twinsh/twinsh/runtime/node"
	"github.com/twinsh/twinsh/runtime/space"
)

// A ledger is what the oracle counts, or what a report says.
type ledger struct {
	size, covered, ended, progressed int
	flaws                            map[string]tally // by property, or by kind of failure
	counterexample                   []string
	noEffect                         []string // choices that mattered in no scenario
}

// A tally says how often something goes wrong.
type tally struct {
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

// kindOf names a kind of failure among properties.
func kindOf(f node.Failure) string { return "failure " + f.Kind() }

// judge returns what is wrong with w and the way to it, and why: the properties
// that are violated, and the failures of code.
func (o oracle) judge(t rapid.TB, w *runtime.World) map[string]string {
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
	for _, p := range o.properties {
		v, err := p.Judge(context.Background(), h)
		note(p.Name(), v, err)
	}
	for _, p := range o.invariants {
		v, err := p.JudgeWorld(context.Background(), w)
		note(p.Name(), v, err)
	}
	for _, e := range slices.Backward(h.Events) {
		if e.Kind == node.Failed {
			wrong[kindOf(e.Failure)] = w.Cluster().Instances()[e.Instance].Name + ": " + e.Failure.String()
		}
	}
	return wrong
}

// over reports whether all properties are violated.
func (o oracle) over(wrong map[string]bool) bool {
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

// scenarios fills a ledger from the list of all scenarios.
func (o oracle) scenarios(t rapid.TB, of *space.Space, start *runtime.World) ledger {
	t.Helper()
	l := ledger{flaws: map[string]tally{}}
	effects := newEffects(of, start)
	for sc := range of.All {
		l.size++
		l.covered++
		w, progress := start, false
		for _, v := range start.Path()[1:] {
			progress = progress || progressed(v, start.Faulty())
		}
		wrong := map[string]bool{}
		note := func() {
			for name, why := range o.judge(t, w) {
				if wrong[name] {
					continue
				}
				wrong[name] = true
				c, known := l.flaws[name]
				c.scenarios++
				if length := w.Depth() - start.Depth(); !known || length < c.length {
					c.length, c.why, c.first = length, why, texts(w)
				}
				l.flaws[name] = c
			}
		}
		note()
		for _, step := range sc {
			if o.over(wrong) {
				break
			}
			next, err := w.Do(step)
			effects.note(step, w == start, next, err)
			if err != nil {
				l.ended++
				break
			}
			w = next
			progress = progress || progressed(w, w.Faulty())
			note()
		}
		if progress {
			l.progressed++
		}
	}
	l.noEffect = effects.missing()
	l.counterexample = l.firstOf(o.names())
	return l
}

// firstOf returns the counterexample that a report shows: the shortest of a
// property, of several that of the first, or else one of a failure.
func (l ledger) firstOf(names []string) []string {
	var first []string
	shorter := func(name string) {
		if c, ok := l.flaws[name]; ok && (first == nil || len(c.first) < len(first)) {
			first = c.first
		}
	}
	for _, name := range names {
		shorter(name)
	}
	if first != nil {
		return first
	}
	for _, name := range slices.Sorted(maps.Keys(l.flaws)) {
		shorter(name)
	}
	return first
}

// names lists what is judged, in the order in which it is.
func (o oracle) names() []string {
	var names []string
	for _, p := range o.properties {
		names = append(names, p.Name())
	}
	for _, p := range o.invariants {
		names = append(names, p.Name())
	}
	return names
}

// prefixes counts the prefixes of each length at whose end something goes wrong
// for the first time.
func (o oracle) prefixes(t rapid.TB, of *space.Space, start *runtime.World) map[string]map[int]int {
	t.Helper()
	times := map[string]map[int]int{}
	var visit func(at *space.Position, w *runtime.World, before map[string]bool)
	visit = func(at *space.Position, w *runtime.World, before map[string]bool) {
		wrong := maps.Clone(before)
		for name := range o.judge(t, w) {
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
		for _, g := range at.Groups() {
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

// expected is what Explore must find.
func (o oracle) expected(t rapid.TB, of *space.Space, start *runtime.World) ledger {
	t.Helper()
	l := o.scenarios(t, of, start)
	prefixes := o.prefixes(t, of, start)
	for name, c := range l.flaws {
		c.shortest = prefixes[name][c.length]
		l.flaws[name] = c
	}
	return l
}

// ledgerOf is what a report says.
func ledgerOf(r *explore.Report) ledger {
	l := ledger{
		size: int(r.Size.Int64()), covered: int(r.Covered.Int64()),
		ended: int(r.EndedEarly.Int64()), progressed: int(r.Progressed.Int64()),
		flaws: map[string]tally{},
	}
	for i, v := range r.Violations {
		l.flaws[v.Property] = tally{v.Length, int(v.Shortest.Int64()), int(v.Scenarios.Int64()), v.Why, texts(v.Counterexample)}
		if i > 0 && r.Violations[i-1].Length > v.Length {
			l.flaws["out of order"] = tally{}
		}
	}
	for i, f := range r.Failures {
		l.flaws[kindOf(f.Failure)] = tally{f.Length, int(f.Shortest.Int64()), int(f.Scenarios.Int64()), f.Instance + ": " + f.Failure.String(), texts(f.Counterexample)}
		if i > 0 && r.Failures[i-1].Length > f.Length {
			l.flaws["out of order"] = tally{}
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
	return fmt.Sprintf("size %d covered %d ended %d progressed %d\nflaws %+v\ncounterexample %q\nno effect %q",
		l.size, l.covered, l.ended, l.progressed, l.flaws, l.counterexample, l.noEffect)
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
			got, want = got.nameless(), want.nameless()
		}
		if got.String() != want.String() {
			t.Fatalf("%s of %s, %d renamings\nexplored: %s\noracle:   %s", of, s, r.Renamings, got, want)
		}
		judge.counterexamples(t, of, o.Start, r)
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
	oracle{o.Properties, o.Invariants}.counterexamples(t, of, o.Start, r)
}

// alone is l without what says in which order scenarios came, or what they
// have in common.
func (l ledger) alone() ledger {
	l = l.nameless()
	l.noEffect = nil
	for name, c := range l.flaws {
		c.shortest = 0
		l.flaws[name] = c
	}
	return l
}

// nameless is l without what names an identity.
func (l ledger) nameless() ledger {
	l.counterexample = nil
	l.flaws = maps.Clone(l.flaws)
	for name, c := range l.flaws {
		c.why, c.first = "", nil
		l.flaws[name] = c
	}
	return l
}

// counterexamples checks that each counterexample of a report is a prefix of a
// scenario and as long as the report says, that the property, asked by itself,
// says of its end what the report says, and that it says so of no prefix.
func (o oracle) counterexamples(t rapid.TB, of *space.Space, start *runtime.World, r *explore.Report) {
	t.Helper()
	for name, c := range ledgerOf(r).flaws {
		w := counterexample(r, name)
		steps := texts(w)[start.Depth():]
		if why, wrong := o.judge(t, w)[name]; !wrong || why != c.why || why == "" || len(steps) != c.length {
			t.Fatalf("%q: %s is judged %t (%s), the report says %+v", steps, name, wrong, why, c)
		}
		for v := w; v.Depth() > start.Depth(); {
			v = v.Parent()
			if _, wrong := o.judge(t, v)[name]; wrong {
				t.Fatalf("%q: %s goes wrong before its end", steps, name)
			}
		}
		if !o.has(of, steps) {
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
		if kindOf(f.Failure) == name {
			return f.Counterexample
		}
	}
	return nil
}

// has reports whether some scenario begins with the given steps.
func (oracle) has(of *space.Space, steps []string) bool {
	for sc := range of.All {
		if len(sc) >= len(steps) && slices.EqualFunc(sc[:len(steps)], steps, func(s runtime.Step, text string) bool { return s.String() == text }) {
			return true
		}
	}
	return false
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
				violated += len(l.flaws)
				if v.name == "correct" && len(l.flaws) > 0 {
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
		found += len(l.flaws)
	})
	if !testing.Short() && found == 0 {
		t.Error("nothing violates anything")
	}
}

// invariant draws what may be wrong with an instance.
func (s stage) invariant(t *rapid.T) check.WorldProperty {
	id := rapid.SampledFrom(s.Instances()).Draw(t, "instance").Name
	return neverShows(id, rapid.SampledFrom([]string{"red", "blue", "done", "2/3"}).Draw(t, "word"))
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
