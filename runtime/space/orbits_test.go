package space_test

import (
	"context"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/internal/engine"
	"github.com/twinsh/twinsh/runtime/internal/simtest"
	"github.com/twinsh/twinsh/runtime/node"

	"github.com/twinsh/twinsh/runtime/space"
)

// An enumeration finds orbits by applying each renaming to each scenario.
type enumeration struct {
	group  []engine.Renaming
	orbits int
	firsts []string          // of each orbit, in the order of the space; twice if listed twice
	orbit  map[string]string // of each scenario, the same for all of an orbit
}

func enumerate(s *space.Space) enumeration {
	var scenarios []space.Scenario
	count := map[string]int{}
	for sc := range s.All {
		scenarios = append(scenarios, sc)
		count[imageOf(sc, nil, nil)]++
	}
	var e enumeration
	if len(s.Steps()) == 0 {
		e.orbits = len(scenarios)
		for range scenarios {
			e.firsts = append(e.firsts, "")
		}
		return e
	}
	known := map[string]string{}
	images := map[string][]string{} // under the group, of each scenario
	for _, r := range engine.Symmetries(s.Steps()[0].Cluster().Engine()) {
		clear(known)
		preserved := true
		all := make([]string, len(scenarios))
		for i, sc := range scenarios {
			all[i] = imageOf(sc, r, known)
			if count[all[i]] != count[imageOf(sc, nil, nil)] {
				preserved = false
				break
			}
		}
		if !preserved {
			continue
		}
		e.group = append(e.group, r)
		for i, sc := range scenarios {
			key := imageOf(sc, nil, nil)
			images[key] = append(images[key], all[i])
		}
	}
	e.orbit = map[string]string{}
	for _, sc := range scenarios {
		e.orbit[strings.Join(texts(sc), " ")] = slices.Min(images[imageOf(sc, nil, nil)])
	}
	orbit := map[string]bool{} // what is in an orbit that was found
	first := map[string]bool{}
	for _, sc := range scenarios {
		key := imageOf(sc, nil, nil)
		if first[key] || !orbit[key] {
			e.orbits++
			e.firsts = append(e.firsts, strings.Join(texts(sc), " "))
			first[key] = true
		}
		for _, image := range images[key] {
			orbit[image] = true
		}
	}
	return e
}

// imageOf returns the keys of a renamed scenario, without renaming if r is nil.
// Steps that have no key are only themselves.
func imageOf(sc space.Scenario, r engine.Renaming, known map[string]string) string {
	var b strings.Builder
	for _, s := range sc {
		image, ok := known[s.String()]
		if !ok {
			image, ok = s.Engine().Key(r)
			if !ok && (r == nil || r.Identity()) {
				image = s.String()
			}
			if known != nil {
				known[s.String()] = image
			}
		}
		fmt.Fprintf(&b, "%q", image)
	}
	return b.String()
}

// ambiguous reports whether a step leads from one position to two.
func ambiguous(s *space.Space) bool {
	for _, p := range reachable(s) {
		known := map[string]bool{}
		for _, g := range p.Edges() {
			for _, step := range g.Steps {
				if known[step.String()] {
					return true
				}
				known[step.String()] = true
			}
		}
	}
	return false
}

type failer interface {
	Fatalf(format string, args ...any)
}

// sure returns what a context that never ends cannot keep from being found out.
func sure[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func representatives(s *space.Space) func(func(space.Scenario) bool) {
	return func(yield func(space.Scenario) bool) {
		if err := s.Representatives(context.Background(), yield); err != nil {
			panic(err)
		}
	}
}

// compare compares what a space says of its orbits with the enumeration and
// returns that.
func compare(t failer, s *space.Space) enumeration {
	want := enumerate(s)
	if got := sure(s.Symmetries(context.Background())); !slices.EqualFunc(got, want.group, slices.Equal) {
		t.Fatalf("%s: symmetries %v, want %v", s, got, want.group)
	}
	if got := sure(s.Orbits(context.Background())); got.Cmp(big.NewInt(int64(want.orbits))) != 0 {
		t.Fatalf("%s: %s orbits, want %d", s, got, want.orbits)
	}
	var got []string
	for _, sc := range slices.Collect(representatives(s)) {
		got = append(got, strings.Join(texts(sc), " "))
	}
	if ambiguous(s) { // then they are the first step by step
		for _, all := range [][]string{got, want.firsts} {
			for i, text := range all {
				all[i] = want.orbit[text]
			}
		}
	}
	slices.Sort(got)
	slices.Sort(want.firsts)
	if !slices.Equal(got, want.firsts) {
		t.Fatalf("%s: representatives\n%s\nwant\n%s", s, strings.Join(got, "\n"), strings.Join(want.firsts, "\n"))
	}
	kept := slices.DeleteFunc(slices.Clone(want.group), func(r engine.Renaming) bool { return !inPlace(s, r) })
	if got := sure(s.Kept(context.Background(), want.group)); !slices.EqualFunc(got, kept, slices.Equal) {
		t.Fatalf("%s: kept %v, want %v", s, got, kept)
	}
	return want
}

// inPlace reports whether a renaming leaves it the same, at each position, where
// steps lead from there.
func inPlace(s *space.Space, r engine.Renaming) bool {
	type edge struct {
		step string
		to   *space.Position
	}
	for _, p := range reachable(s) {
		more := map[edge]int{}
		for _, g := range p.Edges() {
			for _, step := range g.Steps {
				more[edge{imageOf(space.Scenario{step}, nil, nil), g.To}]++
				more[edge{imageOf(space.Scenario{step}, r, nil), g.To}]--
			}
		}
		for _, n := range more {
			if n != 0 {
				return false
			}
		}
	}
	return true
}

func must(t testing.TB) func(runtime.Step, error) runtime.Step {
	return func(s runtime.Step, err error) runtime.Step {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
}

// roundSteps lists the rounds of a cluster with the given leaders and partitions.
func roundSteps(t testing.TB, c *runtime.Cluster, leaders string, partitions [][]node.Set) (steps []runtime.Step) {
	for _, leader := range leaders {
		for _, parts := range partitions {
			steps = append(steps, must(t)(c.Step(runtime.RoundStep{Leader: string(leader), Phase: runtime.Phase{Groups: c.Groups(parts)}})))
		}
	}
	return steps
}

// exchangeSteps lists the exchanges of all clients with the given reaches.
func exchangeSteps(t testing.TB, c *runtime.Cluster, reaches []node.Set) (steps []runtime.Step) {
	for client := range c.Clients().All {
		for _, reach := range reaches {
			steps = append(steps, must(t)(c.Step(runtime.ExchangeStep{Client: c.Instances()[client].Name, Reach: c.Names(reach)})))
		}
	}
	return steps
}

func faultSteps(t testing.TB, c *runtime.Cluster, faults ...string) (steps []runtime.Step) {
	for _, fault := range faults {
		for _, name := range c.Names(c.Servers()) {
			steps = append(steps, must(t)(c.ParseStep(fault+" "+name)))
		}
	}
	return steps
}

// linkSteps lists what happens to links between different servers, in notations of which
// the two ends are to be filled in.
func linkSteps(t testing.TB, c *runtime.Cluster, notations ...string) (steps []runtime.Step) {
	for _, notation := range notations {
		for _, from := range c.Names(c.Servers()) {
			for _, to := range c.Names(c.Servers()) {
				if from != to {
					steps = append(steps, must(t)(c.ParseStep(fmt.Sprintf(notation, from, to))))
				}
			}
		}
	}
	return steps
}

// views lists the views of two of the given steps.
func views(t testing.TB, steps []runtime.Step) []runtime.Step {
	return sure(space.View(t.Context(), "v", space.Of(steps...).Times(2))).Steps()
}

func fourAndTwin(t testing.TB) *runtime.Cluster {
	return cluster(t, runtime.Config{N: 4, F: 1, Twins: []runtime.Twin{{ID: "C", Copies: 2}}})
}

// threeAndClients has clients with equal programs, and one of its own kind.
func threeAndClients(t testing.TB) *runtime.Cluster {
	read, write := []node.Operation{{Name: "read"}}, []node.Operation{{Name: "write", Arg: "red"}}
	return cluster(t, runtime.Config{N: 3, Twins: []runtime.Twin{{ID: "B", Copies: 2}},
		Clients: []runtime.Client{{Name: "c1", Program: read}, {Name: "c2", Program: read}, {Name: "c3", Program: write}}})
}

// drawSpace draws a space of few scenarios, most of whose parts are closed under
// the renamings of the cluster.
func drawSpace(t *rapid.T, pool []runtime.Step, depth int) *space.Space {
	small := func(s *space.Space, otherwise *space.Space) *space.Space {
		if s.Size().Cmp(big.NewInt(1500)) > 0 {
			return otherwise
		}
		return s
	}
	kinds := []string{"of"}
	if depth > 0 {
		kinds = []string{"of", "then", "then", "or", "or", "times", "times", "distinct", "constant"}
	}
	switch rapid.SampledFrom(kinds).Draw(t, "kind") {
	case "then":
		a, b := drawSpace(t, pool, depth-1), drawSpace(t, pool, depth-1)
		return small(space.Then(a, b), a)
	case "or":
		a, b := drawSpace(t, pool, depth-1), drawSpace(t, pool, depth-1)
		return small(space.Or(a, b), a)
	case "times":
		a := drawSpace(t, pool, depth-1)
		return small(a.Times(rapid.IntRange(0, 4).Draw(t, "n")), a)
	case "distinct":
		a := drawSpace(t, pool, depth-1)
		d, err := a.Distinct(t.Context(), rapid.IntRange(0, 3).Draw(t, "n"))
		if err != nil {
			return a
		}
		return small(d, a)
	case "constant":
		return drawSpace(t, pool, depth-1).Constant(rapid.IntRange(0, 3).Draw(t, "n"))
	}
	some := rapid.SliceOfN(rapid.SampledFrom(pool), 0, 2).Draw(t, "steps")
	if rapid.IntRange(0, 5).Draw(t, "closed") == 0 {
		return space.Of(some...)
	}
	var closed []runtime.Step
	for _, r := range engine.Symmetries(pool[0].Cluster().Engine()) {
		for _, s := range some {
			image := imageOf(space.Scenario{s}, r, nil)
			if i := slices.IndexFunc(pool, func(s runtime.Step) bool { return imageOf(space.Scenario{s}, nil, nil) == image }); i >= 0 {
				closed = append(closed, pool[i])
			}
		}
	}
	return space.Of(rapid.Permutation(closed).Draw(t, "order")...)
}

func TestOrbitsOfRandomSpaces(t *testing.T) {
	t.Parallel()
	four, three := fourAndTwin(t), threeAndClients(t)
	pools := [][]runtime.Step{
		faultSteps(t, four, "crash", "amnesia"),
		faultSteps(t, three, "crash", "restart"),
		exchangeSteps(t, three, []node.Set{three.Servers(), 1, 2, 4, 8}),
		roundSteps(t, four, "C", space.Partitions(four.Servers(), 2)),
		append(faultSteps(t, four, "crash"), must(t)(four.ParseStep("heal"))),
		append(linkSteps(t, four, "cut %s %s", "hold %s %s", "drop x src=%s dst=%s"), must(t)(four.ParseStep("drop x"))),
		views(t, faultSteps(t, four, "crash", "restart")),
	}
	symmetric, ambiguities, moving := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		for range 5 {
			s := drawSpace(t, rapid.SampledFrom(pools).Draw(t, "pool"), 3)
			e := compare(t, s)
			if len(e.group) > 1 {
				symmetric++
				if len(sure(s.Kept(context.Background(), e.group))) < len(e.group) {
					moving++
				}
			}
			if ambiguous(s) {
				ambiguities++
			}
		}
	})
	t.Logf("%d spaces have symmetries, %d of them some that change positions; %d are ambiguous", symmetric, moving, ambiguities)
}

// Spaces with known numbers of orbits. The small ones are enumerated, too.
func TestOrbitsOfKnownSpaces(t *testing.T) {
	four, three := fourAndTwin(t), threeAndClients(t)
	all := space.Of(roundSteps(t, four, "ABCD", space.PartitionsUpTo(four.Servers(), 2))...)
	twin := space.Of(roundSteps(t, four, "C", space.Partitions(four.Servers(), 2))...)
	correct := space.Of(roundSteps(t, four, "ABD", space.Partitions(four.Servers(), 2))...)
	reach := func(sizes ...int) *space.Space {
		var reaches []node.Set
		for _, size := range sizes {
			reaches = append(reaches, space.Quorums(three, size)...)
		}
		return space.Of(exchangeSteps(t, three, reaches)...)
	}
	crash, amnesia := space.Of(faultSteps(t, four, "crash")...), space.Of(faultSteps(t, four, "amnesia")...)
	cuts := space.Of(linkSteps(t, four, "cut %s %s")...)
	distinct := func(s *space.Space, n int) *space.Space {
		d, err := s.Distinct(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	const few = 5000 // scenarios are enumerated
	for _, tc := range []struct {
		space         *space.Space
		group, orbits int
	}{
		{all, 12, 15}, {all.Times(2), 12, 510}, {all.Times(3), 12, 25740}, {all.Times(4), 12, 1502936},
		{twin, 12, 5}, {twin.Times(2), 12, 39}, {twin.Times(3), 12, 407}, {twin.Times(4), 12, 5053},
		{space.Then(twin, correct), 12, 83},
		{distinct(twin, 2), 12, 34}, {distinct(twin, 3), 12, 300}, {twin.Constant(7), 12, 5},
		// B and its twin go the same way, and so do A and C, c1 and c2.
		{reach(3), 8, 4}, {reach(1, 2, 3), 8, 16}, {reach(2).Times(2), 8, 75},
		{crash, 12, 2}, {crash.Times(2), 12, 6}, {distinct(crash, 2), 12, 4}, {distinct(crash, 5), 12, 10},
		{space.Then(crash, amnesia), 12, 6}, {space.Or(crash, amnesia), 12, 4}, {space.Or(crash, amnesia).Times(2), 12, 24},
		{space.Or(space.Then(crash, crash), space.Then(amnesia, crash)), 12, 12},
		// These are not closed under all renamings.
		{space.Of(crash.Steps()[:1]...).Times(2), 4, 1},
		{space.Of(crash.Steps()[:2]...), 4, 1},
		{space.Of(crash.Steps()[1:3]...), 2, 2},
		{space.Then(space.Of(crash.Steps()[:1]...), crash), 4, 3},
		{space.Then(space.Of(crash.Steps()[:1]...), crash.Times(2)), 4, 11},
		{space.Or(space.Then(space.Of(crash.Steps()[0]), amnesia), space.Then(space.Of(crash.Steps()[1]), amnesia)), 4, 4},
		{space.Or(space.Then(space.Of(crash.Steps()[0]), amnesia), space.Then(space.Of(crash.Steps()[1]), space.Or(amnesia, amnesia.Times(0)))), 2, 9},
		{space.Then(crash, space.Of(must(t)(four.ParseStep("heal")))), 12, 2},
		{cuts, 12, 4}, {cuts.Times(2), 12, 46},
		{space.Or(crash, crash.Times(2)), 12, 8}, // a crash leads to two positions
		{space.Of(crash.Steps()[0]).Times(0), 0, 1}, {space.Of(), 0, 0},
	} {
		t.Run(tc.space.String(), func(t *testing.T) {
			if got := len(sure(tc.space.Symmetries(context.Background()))); got != tc.group {
				t.Errorf("%d symmetries, want %d", got, tc.group)
			}
			if got := sure(tc.space.Orbits(context.Background())); got.Cmp(big.NewInt(int64(tc.orbits))) != 0 {
				t.Errorf("%s orbits, want %d", got, tc.orbits)
			}
			if tc.orbits > 30000 {
				return
			}
			n := 0
			for range representatives(tc.space) {
				n++
			}
			if n != tc.orbits {
				t.Errorf("%d representatives, want %d", n, tc.orbits)
			}
			if tc.space.Size().Cmp(big.NewInt(few)) < 0 {
				compare(t, tc.space)
			}
		})
	}
}

func TestRepresentativesStop(t *testing.T) {
	c := fourAndTwin(t)
	s := space.Of(faultSteps(t, c, "crash")...).Times(3)
	for stop := range 4 {
		seen := 0
		for range representatives(s) {
			if seen == stop {
				break
			}
			seen++
		}
		if seen != stop {
			t.Errorf("saw %d scenarios before the end, want %d", seen, stop)
		}
	}
}

// A renaming that exchanges two positions is a symmetry, but is not kept.
func TestKept(t *testing.T) {
	c := fourAndTwin(t)
	crash, amnesia := faultSteps(t, c, "crash"), faultSteps(t, c, "amnesia")
	all := engine.Symmetries(c.Engine())
	for _, tc := range []struct {
		space *space.Space
		want  int
	}{
		{space.Of(crash...).Times(3), 12},
		{space.Of(crash[:2]...).Times(3), 4},
		// After the crash of A the space is elsewhere than after that of B.
		{space.Or(space.Then(space.Of(crash[0]), space.Of(amnesia[:2]...).Times(1)), space.Then(space.Of(crash[1]), space.Of(amnesia[:2]...).Times(2))), 2},
		{space.Of(crash[:2]...).Constant(2), 2},
		{space.Of(crash[0]).Times(0), 12},
	} {
		kept := sure(tc.space.Kept(context.Background(), all))
		if len(kept) != tc.want || !kept[0].Identity() {
			t.Errorf("%s: kept %v, want %d of them", tc.space, kept, tc.want)
		}
	}
}

// If each step is brought to a canonical form by itself, scenarios are lost:
// who is named first is always the same.
func TestStepByStepLosesScenarios(t *testing.T) {
	c := fourAndTwin(t)
	round := roundSteps(t, c, "ABCD", space.PartitionsUpTo(c.Servers(), 2))
	rounds, canonical := space.Of(round...).Times(2), stepByStep(round)
	left := map[string]bool{}
	for sc := range rounds.All {
		left[strings.Join(texts(canonical(sc)), " ")] = true
	}
	if got, want := len(left), 15*15; got != want {
		t.Errorf("%d pairs of rounds are left, want %d", got, want)
	}
	if orbits := sure(rounds.Orbits(context.Background())); orbits.Cmp(big.NewInt(int64(len(left)))) <= 0 {
		t.Errorf("there are only %s orbits", orbits)
	}

	// Here all scenarios that violate agreement are lost.
	alone, err := runtime.NewCluster(runtime.Config{Protocol: loners{}, N: 4, F: 1})
	if err != nil {
		t.Fatal(err)
	}
	timeout := faultSteps(t, alone, "timeout")
	timeouts := space.Of(timeout...).Times(2)
	count := func(scenarios func(func(space.Scenario) bool), canonical func(space.Scenario) space.Scenario) (all, violations int) {
		for sc := range scenarios {
			w := alone.Start()
			for _, s := range canonical(sc) {
				if w, err = w.Do(s); err != nil {
					t.Fatal(err)
				}
			}
			all++
			if v, err := check.Agreement().Judge(t.Context(), w.History()); err != nil || !v.Holds {
				violations++
			}
		}
		return all, violations
	}
	whole := func(sc space.Scenario) space.Scenario { return sc }
	for _, tc := range []struct {
		name            string
		scenarios       func(func(space.Scenario) bool)
		canonical       func(space.Scenario) space.Scenario
		all, violations int
	}{
		{"all", timeouts.All, whole, 16, 12},
		{"representatives", representatives(timeouts), whole, 2, 1},
		{"step by step", timeouts.All, stepByStep(timeout), 16, 0},
	} {
		if all, violations := count(tc.scenarios, tc.canonical); all != tc.all || violations != tc.violations {
			t.Errorf("%s: %d of %d scenarios violate agreement, want %d of %d", tc.name, violations, all, tc.violations, tc.all)
		}
	}
}

// stepByStep brings scenarios of the given steps to canonical form in the wrong
// way: each step becomes the first one of its orbit.
func stepByStep(steps []runtime.Step) func(space.Scenario) space.Scenario {
	first := map[string]runtime.Step{}
	for _, s := range steps {
		for _, r := range engine.Symmetries(s.Cluster().Engine()) {
			if image := imageOf(space.Scenario{s}, r, nil); first[image] == (runtime.Step{}) {
				first[image] = s
			}
		}
	}
	return func(sc space.Scenario) (canonical space.Scenario) {
		for _, s := range sc {
			canonical = append(canonical, first[imageOf(space.Scenario{s}, nil, nil)])
		}
		return canonical
	}
}

// A loner decides for itself when no one answers.
type loners struct{ id string }

func (loners) Name() string                                { return "loners" }
func (loners) NewServer(self node.Self) (node.Node, error) { return loners{self.ID}, nil }
func (loners) NewClient(node.Self, []node.Operation) (node.Node, error) {
	return simtest.Mute{}, nil
}
func (l loners) React(e node.Event, out *node.Reaction) { out.Decided(1, l.id) }
