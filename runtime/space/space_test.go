package space_test

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/internal/simtest"
	"github.com/twinsh/twinsh/runtime/node"
	"github.com/twinsh/twinsh/runtime/space"
)

func cluster(t testing.TB, config runtime.Config) *runtime.Cluster {
	t.Helper()
	config.Protocol = simtest.Mute{}
	return simtest.Cluster(t, config)
}

// someSteps returns n different steps.
func someSteps(t testing.TB, n int) []runtime.Step {
	t.Helper()
	c := cluster(t, runtime.Config{N: 13, Clients: []runtime.Client{{Name: "c"}}})
	steps := make([]runtime.Step, n)
	for i := range steps {
		var err error
		if steps[i], err = c.Step(runtime.ExchangeStep{Client: "c", Reach: c.Names(node.Set(i + 1))}); err != nil {
			t.Fatal(err)
		}
	}
	return steps
}

// listed is a space and, made by nested loops, the list of what is in it.
type listed struct {
	space  *space.Space
	all    [][]string
	choice bool // of single steps
	begins bool // somewhere in how it is made one scenario begins another
}

const mostListed = 250

// expression draws a small space.
func expression(t *rapid.T, steps []runtime.Step, depth int) listed {
	l := draw(t, steps, depth)
	for i, x := range l.all {
		for j, y := range l.all {
			l.begins = l.begins || i != j && len(x) < len(y) && slices.Equal(x, y[:len(x)])
		}
	}
	return l
}

func draw(t *rapid.T, steps []runtime.Step, depth int) listed {
	kinds := []string{"of"}
	if depth > 0 {
		kinds = []string{"of", "then", "or", "times", "distinct", "constant", "then", "or", "times", "maybe", "filter", "filter", "one of", "one of", "view"}
	}
	switch rapid.SampledFrom(kinds).Draw(t, "kind") {
	case "then":
		a, b := expression(t, steps, depth-1), expression(t, steps, depth-1)
		if len(a.all)*len(b.all) > mostListed {
			return a
		}
		return listed{space: space.Then(a.space, b.space), all: product(a.all, b.all), begins: a.begins || b.begins}
	case "or":
		a, b := expression(t, steps, depth-1), expression(t, steps, depth-1)
		l := listed{space.Or(a.space, b.space), slices.Concat(a.all, b.all), a.choice && b.choice, a.begins || b.begins}
		if l.choice {
			l.all = unique(l.all)
		}
		return l
	case "times":
		a, n := expression(t, steps, depth-1), rapid.IntRange(0, 4).Draw(t, "n")
		all := [][]string{{}}
		for range n {
			if all = product(all, a.all); len(all) > mostListed {
				return a
			}
		}
		return listed{a.space.Times(n), all, a.choice && n == 1, a.begins}
	case "distinct":
		return distinct(t, expression(t, steps, depth-1))
	case "maybe":
		a := expression(t, steps, depth-1)
		all := a.all
		if !slices.ContainsFunc(all, func(x []string) bool { return len(x) == 0 }) {
			all = append(slices.Clip(all), []string{})
		}
		return listed{space: space.Maybe(a.space), all: all, begins: a.begins}
	case "filter":
		return filtered(t, expression(t, steps, depth-1), steps)
	case "one of":
		return oneOf(t, steps, depth-1)
	case "view":
		return viewed(t, expression(t, steps, depth-1))
	case "constant":
		a, n := expression(t, steps, depth-1), rapid.IntRange(1, 3).Draw(t, "n")
		var all [][]string
		for _, sc := range a.all {
			all = append(all, slices.Repeat(sc, n))
		}
		return listed{a.space.Constant(n), all, a.choice && n == 1, a.begins}
	}
	some := rapid.SliceOfN(rapid.SampledFrom(steps), 0, 4).Draw(t, "steps")
	var all [][]string
	for _, s := range some {
		all = append(all, []string{s.String()})
	}
	return listed{space.Of(some...), unique(all), true, false}
}

// distinct draws the space of a few different scenarios of a, one after the other.
func distinct(t *rapid.T, a listed) listed {
	members := unique(a.all)
	n := rapid.IntRange(0, min(4, len(members))).Draw(t, "n")
	s, err := a.space.Distinct(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	size := 1
	for k := range n {
		if size *= len(members) - k; size > mostListed {
			return a
		}
	}
	return listed{space: s, all: sequences(members, n), begins: a.begins}
}

// oneOf draws a few spaces, and makes one of them.
func oneOf(t *rapid.T, steps []runtime.Step, depth int) listed {
	l := listed{choice: true}
	var of []*space.Space
	for range rapid.IntRange(0, 3).Draw(t, "of") {
		a := expression(t, steps, depth)
		if len(l.all)+len(a.all) > mostListed {
			break
		}
		of, l.all = append(of, a.space), append(l.all, a.all...)
		l.choice = l.choice && (a.choice || len(a.all) == 0)
		l.begins = l.begins || a.begins
	}
	if l.space = space.OneOf(of); l.choice {
		l.all = unique(l.all)
	}
	return l
}

// viewed makes views of the scenarios of a, if they can be views.
func viewed(t *rapid.T, a listed) listed {
	s, err := space.View(t.Context(), "v", a.space)
	byText := map[string]runtime.Step{}
	cannot := slices.ContainsFunc(a.all, func(x []string) bool { return len(x) == 0 })
	for _, step := range a.space.Steps() {
		byText[step.String()] = step
		cannot = cannot || runtime.Is[runtime.ViewStep](step)
	}
	if cannot != (err != nil) {
		t.Fatalf("View of %s: %v", a.space, err)
	}
	if cannot {
		return a
	}
	l := listed{space: s, choice: true}
	for _, x := range unique(a.all) {
		var in []runtime.Action
		for _, text := range x {
			in = append(in, byText[text].Action())
		}
		l.all = append(l.all, []string{runtime.ViewStep{Called: "v", Steps: in}.String()})
	}
	return l
}

// filtered draws the scenarios of a that do without some step, one of its own if it has any.
func filtered(t *rapid.T, a listed, steps []runtime.Step) listed {
	of := steps
	if len(a.space.Steps()) > 0 {
		of = a.space.Steps()
	}
	dropped := rapid.SampledFrom(of).Draw(t, "dropped").String()
	var asked []string
	s, err := space.Filter(a.space, "f", func(step runtime.Step) (bool, error) {
		asked = append(asked, step.String())
		return step.String() != dropped, nil
	})
	if err != nil || !slices.Equal(asked, texts(a.space.Steps())) {
		t.Fatalf("%s: Filter asked about %v, %v", a.space, asked, err)
	}
	l := listed{space: s, choice: a.choice, begins: a.begins}
	for _, x := range a.all {
		if !slices.Contains(x, dropped) {
			l.all = append(l.all, x)
		}
	}
	return l
}

func product(a, b [][]string) (all [][]string) {
	for _, x := range a {
		for _, y := range b {
			all = append(all, slices.Concat(x, y))
		}
	}
	return all
}

func unique(list [][]string) (all [][]string) {
	for _, x := range list {
		if !slices.ContainsFunc(all, func(y []string) bool { return slices.Equal(x, y) }) {
			all = append(all, x)
		}
	}
	return all
}

func sequences(members [][]string, n int) (all [][]string) {
	if n == 0 {
		return [][]string{{}}
	}
	for i, m := range members {
		for _, rest := range sequences(slices.Delete(slices.Clone(members), i, i+1), n-1) {
			all = append(all, slices.Concat(m, rest))
		}
	}
	return all
}

func texts(sc space.Scenario) []string {
	list := []string{}
	for _, s := range sc {
		list = append(list, s.String())
	}
	return list
}

// Everything that a space says agrees with the list of its scenarios.
func TestSpaceIsItsList(t *testing.T) {
	t.Parallel()
	steps := someSteps(t, 5)
	rapid.Check(t, func(t *rapid.T) {
		l := expression(t, steps, 4)
		s := l.space
		if s.Size().Cmp(big.NewInt(int64(len(l.all)))) != 0 {
			t.Fatalf("%s: size %s, want %d", s, s.Size(), len(l.all))
		}
		longest, occur := 0, map[string]bool{}
		var kept []space.Scenario
		for sc := range s.All {
			kept = append(kept, sc)
		}
		if len(kept) != len(l.all) {
			t.Fatalf("%s: iterated %d scenarios, want %d", s, len(kept), len(l.all))
		}
		for i, want := range l.all {
			longest = max(longest, len(want))
			for _, step := range want {
				occur[step] = true
			}
			if got := texts(kept[i]); !slices.Equal(got, want) {
				t.Fatalf("%s: iterated %v, want %v", s, got, want)
			}
			at, err := s.At(big.NewInt(int64(i)))
			if err != nil || !slices.Equal(texts(at), want) {
				t.Fatalf("%s: At(%d) = %v, %v, want %v", s, i, texts(at), err, want)
			}
			first := slices.IndexFunc(l.all, func(x []string) bool { return slices.Equal(x, want) })
			if rank, ok := s.Rank(at); !ok || rank.Cmp(big.NewInt(int64(first))) != 0 {
				t.Fatalf("%s: Rank(%v) = %v, %v, want %d", s, want, rank, ok, first)
			}
		}
		if s.MaxLen() != longest {
			t.Fatalf("%s: MaxLen %d, want %d", s, s.MaxLen(), longest)
		}
		if got := texts(s.Steps()); len(got) != len(occur) || slices.ContainsFunc(got, func(x string) bool { return !occur[x] }) {
			t.Fatalf("%s: steps %v, want %v", s, got, occur)
		}
		other := space.Scenario(rapid.SliceOfN(rapid.SampledFrom(steps), 0, 4).Draw(t, "other"))
		in := slices.ContainsFunc(l.all, func(x []string) bool { return slices.Equal(x, texts(other)) })
		if _, ok := s.Rank(other); ok != in {
			t.Fatalf("%s: has %v: %v, want %v", s, texts(other), ok, in)
		}
	})
}

func TestAllStops(t *testing.T) {
	x := space.Of(someSteps(t, 3)...)
	distinct, err := x.Distinct(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*space.Space{x, x.Times(3), x.Constant(2), distinct, space.Or(x, space.Then(x, x))} {
		seen := 0
		for range s.All {
			if seen++; seen == 2 {
				break
			}
		}
		if seen != 2 {
			t.Errorf("%s: saw %d scenarios, want to stop after 2", s, seen)
		}
	}
}

func TestBigSizes(t *testing.T) {
	steps := someSteps(t, 1000)
	of := func(n int) *space.Space { return space.Of(steps[:n]...) }
	distinct := func(s *space.Space, n int) *space.Space {
		d, err := s.Distinct(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for _, tc := range []struct {
		space *space.Space
		want  string
	}{
		{of(84).Times(6), "351298031616"},
		{of(15).Times(7), "170859375"},
		{of(63).Times(6), "62523502209"},
		{distinct(of(15), 7), "32432400"},
		{distinct(of(25), 7), "2422728000"},
		{of(84).Constant(1000), "84"},
		{of(10).Times(100), "1" + strings.Repeat("0", 100)},
		{space.Then(of(1000).Times(20), space.Or(of(1), of(99).Times(1).Constant(2))), "1" + strings.Repeat("0", 62)},
		{distinct(of(10).Times(3), 2).Times(20), new(big.Int).Exp(big.NewInt(999000), big.NewInt(20), nil).String()},
	} {
		size := tc.space.Size()
		if size.String() != tc.want {
			t.Errorf("%s: size %s, want %s", tc.space, size, tc.want)
		}
		if n := tc.space.Start().Count(); n.Cmp(size) != 0 {
			t.Errorf("%s: %s scenarios from the start, want %s", tc.space, n, size)
		}
		third := new(big.Int).Div(size, big.NewInt(3))
		for _, i := range []*big.Int{new(big.Int), third, new(big.Int).Sub(size, big.NewInt(1))} {
			sc, err := tc.space.At(i)
			if err != nil {
				t.Fatal(err)
			}
			if rank, ok := tc.space.Rank(sc); !ok || rank.Cmp(i) != 0 {
				t.Errorf("%s: rank of scenario %s is %s", tc.space, i, rank)
			}
		}
	}
}

// A scenario that can be cut into members in very many ways is ranked all the same.
func TestRankOfAmbiguous(t *testing.T) {
	steps := someSteps(t, 2)
	x, y := space.Of(steps[0]), space.Of(steps[1])
	s := space.Then(space.Or(x, space.Or(x.Times(2), x.Times(3))).Times(40), y)
	sc := slices.Repeat(space.Scenario{steps[0]}, 80)
	if rank, ok := s.Rank(sc); ok {
		t.Errorf("80 x without the y have rank %s", rank)
	}
	rank, ok := s.Rank(append(sc, steps[1]))
	if !ok {
		t.Fatal("80 x and a y are not found")
	}
	// The first way to make 80 of 40: as many ones as possible, then all threes.
	want := new(big.Int).Exp(big.NewInt(3), big.NewInt(20), nil)
	if want.Sub(want, big.NewInt(1)); rank.Cmp(want) != 0 {
		t.Errorf("rank %s, want %s", rank, want)
	}
}

// Of the orders in which different members make the same scenario, the first counts.
func TestRankOfAmbiguousDistinct(t *testing.T) {
	step := someSteps(t, 1)[0]
	x := space.Of(step)
	lengths := space.Or(space.Or(x.Times(4), x.Times(3)), space.Or(x.Times(2), x))
	s, err := lengths.Distinct(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		// 4+1 is the third of all, 3+2 the fifth.
		if rank, _ := s.Rank(slices.Repeat(space.Scenario{step}, 5)); rank.Int64() != 2 {
			t.Fatalf("rank %s, want 2", rank)
		}
	}
}

func TestErrors(t *testing.T) {
	steps := someSteps(t, 257)
	x := space.Of(steps[0], steps[1], steps[0])
	atErr := func(s *space.Space, i int64) error { _, err := s.At(big.NewInt(i)); return err }
	distinctErr := func(s *space.Space, n int) error { _, err := s.Distinct(t.Context(), n); return err }
	for _, tc := range []struct {
		err  error
		want string
	}{
		{atErr(x, -1), "at: no index -1; the space has 0 to 1"},
		{atErr(x, 2), "at: no index 2; the space has 0 to 1"},
		{atErr(space.Of(), 0), "at: no index 0: the space is empty"},
		{distinctErr(x, -1), "distinct: n is -1, want 0 or more"},
		{distinctErr(x, 3), "distinct: n is 3, but the space has only 2 different members"},
		{distinctErr(space.Of(steps...).Times(2), 3), "distinct: the space has 66049 members, want at most 65536"},
	} {
		if tc.err == nil || tc.err.Error() != tc.want {
			t.Errorf("got %v, want %s", tc.err, tc.want)
		}
	}
	if _, ok := x.Rank(space.Scenario{steps[2]}); ok {
		t.Error("a step that is not listed has a rank")
	}
}

func TestStrings(t *testing.T) {
	steps := someSteps(t, 3)
	a, b := space.Of(steps[:1]...).Named("a"), space.Of(steps...).Named("b()")
	d, err := space.Or(a, b).Distinct(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		space *space.Space
		want  string
	}{
		{space.Then(a, b), `a + b()`},
		{space.Or(space.Then(a, b), a), `a + b() | a`},
		{space.Then(space.Or(a, b), a), `(a | b()) + a`},
		{space.Then(a, b).Times(3), `(a + b()) * 3`},
		{b.Times(6).Times(2), `b() * 6 * 2`},
		{b.Times(1), `b()`},
		{b.Times(0), `b() * 0`},
		{d, `(a | b()).distinct(2)`},
		{space.Then(a, a).Constant(2), `(a + a).constant(2)`},
		{space.Then(a, b).Named("story").Times(2), `story * 2`},
		{space.Of(), `nothing`},
		{space.Of(steps[0]), `exchange c A`},
		{space.Of(steps[0], steps[1]).Times(2), `(exchange c A | exchange c B) * 2`},
		{space.Of(steps...), `exchange c A | … | exchange c A,B`},
	} {
		if got := tc.space.String(); got != tc.want {
			t.Errorf("got %s, want %s", got, tc.want)
		}
	}
}

func ExampleSpace_Times() {
	c, err := runtime.NewCluster(runtime.Config{Protocol: simtest.Mute{}, N: 2})
	if err != nil {
		panic(err)
	}
	crash, _ := c.Step(runtime.CrashStep{ID: "A"})
	restart, _ := c.Step(runtime.RestartStep{ID: "A"})
	s := space.Of(crash, restart).Times(2)
	fmt.Println("size", s.Size())
	for sc := range s.All {
		fmt.Println(sc)
	}
	// Output:
	// size 4
	// [crash A crash A]
	// [crash A restart A]
	// [restart A crash A]
	// [restart A restart A]
}

func BenchmarkAt(b *testing.B) {
	steps := someSteps(b, 84)
	distinct, err := space.Of(steps[:25]...).Distinct(b.Context(), 7)
	if err != nil {
		b.Fatal(err)
	}
	for name, s := range map[string]*space.Space{"times": space.Of(steps...).Times(6), "distinct": distinct} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			i := new(big.Int).Div(s.Size(), big.NewInt(3))
			for b.Loop() {
				if _, err := s.At(i); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A filter ends with the error of what it asks, and asks no more.
func TestFilterFails(t *testing.T) {
	failed, asked := errors.New("failed"), 0
	_, err := space.Filter(space.Of(someSteps(t, 3)...).Times(2), "f", func(runtime.Step) (bool, error) {
		if asked++; asked == 2 {
			return false, failed
		}
		return true, nil
	})
	if !errors.Is(err, failed) || asked != 2 {
		t.Errorf("got the error %v after %d steps, want %v after 2", err, asked, failed)
	}
}
