package space_test

import (
	"math/big"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/twinsh/twinsh/runtime/space"
)

// paths lists what the graph lists from p on, ends first.
func paths(p *space.Position) (all [][]string) {
	for range p.Accepts() {
		all = append(all, []string{})
	}
	for _, g := range p.Edges() {
		rest := paths(g.To)
		for _, step := range g.Steps {
			all = append(all, product([][]string{{step.String()}}, rest)...)
		}
	}
	return all
}

// reachable lists the positions of s breadth first.
func reachable(s *space.Space) []*space.Position {
	list := []*space.Position{s.Start()}
	known := map[*space.Position]bool{s.Start(): true}
	for i := 0; i < len(list); i++ {
		for _, g := range list[i].Edges() {
			if !known[g.To] {
				known[g.To] = true
				list = append(list, g.To)
			}
		}
	}
	return list
}

// Each path from the start to an end is one listed scenario.
func TestPathsAreScenarios(t *testing.T) {
	t.Parallel()
	steps := someSteps(t, 5)
	rapid.Check(t, func(t *rapid.T) {
		l := expression(t, steps, 4)
		for i, p := range reachable(l.space) {
			rest := paths(p)
			if p.Count().Cmp(big.NewInt(int64(len(rest)))) != 0 {
				t.Fatalf("%s: count %s at position %d, want %d", l.space, p.Count(), i, len(rest))
			}
			if len(rest) == 0 && i > 0 {
				t.Fatalf("%s: position %d leads nowhere", l.space, i)
			}
			if p.Last() != !slices.ContainsFunc(rest, func(x []string) bool { return len(x) > 0 }) {
				t.Fatalf("%s: position %d: last %v, but what remains is %v", l.space, i, p.Last(), rest)
			}
			if p.ID() != i {
				t.Fatalf("%s: position %d has ID %d", l.space, i, p.ID())
			}
			for j, g := range p.Edges() {
				if len(g.Steps) == 0 || j > 0 && p.Edges()[j-1].To == g.To {
					t.Fatalf("%s: position %d: group %d is empty or could be one with the one before", l.space, i, j)
				}
			}
		}
		got, want := paths(l.space.Start()), slices.Clone(l.all)
		if l.begins { // the graph lists a scenario before those that it begins
			slices.SortFunc(got, slices.Compare)
			slices.SortFunc(want, slices.Compare)
		}
		if !slices.EqualFunc(got, want, slices.Equal) {
			t.Fatalf("%s: the graph lists\n%v, want\n%v", l.space, got, want)
		}
	})
}

// Scenarios that may go on the same stand at one position.
func TestPositionsAreShared(t *testing.T) {
	steps := someSteps(t, 25)
	x := space.Of(steps...)
	distinct, err := space.Of(steps[:10]...).Distinct(t.Context(), 4)
	if err != nil {
		t.Fatal(err)
	}
	a, b := space.Of(steps[0]), space.Of(steps[1])
	for _, tc := range []struct {
		space *space.Space
		want  int
	}{
		{x.Times(1000), 1001},
		{space.Then(x, x).Times(3), 7},
		{space.Then(space.Or(a.Times(2), b.Times(2)), x.Times(5)), 9},
		{distinct, 1 + 10 + 45 + 120 + 1},
		{x.Constant(4), 1 + 25*3 + 1},
		{space.Or(a, a.Times(0)).Times(10), 11},
	} {
		if got := len(reachable(tc.space)); got != tc.want {
			t.Errorf("%s: %d positions, want %d", tc.space, got, tc.want)
		}
	}
	if g := x.Times(7).Start().Edges(); len(g) != 1 || len(g[0].Steps) != 25 {
		t.Errorf("25 steps to one position make %d groups", len(g))
	}
}

// Groups that are made one leave the steps of other spaces alone.
func TestGroupsOwnTheirSteps(t *testing.T) {
	steps := someSteps(t, 6)
	x, y, z := space.Of(steps[:3]...), space.Of(steps[3]), space.Of(steps[4])
	notOnly := space.Then(x.Times(0), x) // so that Or does not make one choice of it
	one, other := space.Or(notOnly, y), space.Or(notOnly, z)
	both := space.Or(one, space.Or(z.Times(2), other))
	twice := space.Or(one, space.Or(z.Times(2), one))
	for range 2 {
		for _, tc := range []struct {
			space *space.Space
			want  [][]int
		}{
			{one, [][]int{{0, 1, 2, 3}}},
			{other, [][]int{{0, 1, 2, 4}}},
			{both, [][]int{{0, 1, 2, 3}, {4}, {0, 1, 2, 4}}},
			{twice, [][]int{{0, 1, 2, 3}, {4}, {0, 1, 2, 3}}},
			{one.Named("again"), [][]int{{0, 1, 2, 3}}},
		} {
			for i, g := range tc.space.Start().Edges() {
				var want space.Scenario
				for _, step := range tc.want[i] {
					want = append(want, steps[step])
				}
				if got := texts(g.Steps); !slices.Equal(got, texts(want)) {
					t.Errorf("%s: group %d is %v, want %v", tc.space, i, got, texts(want))
				}
			}
		}
	}
}

// Readers that make the graph grow at the same time see the same graph.
func TestConcurrentReaders(t *testing.T) {
	s, err := space.Of(someSteps(t, 7)...).Constant(2).Distinct(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	var (
		group sync.WaitGroup
		seen  [4]string
	)
	for i := range seen {
		group.Go(func() {
			var b strings.Builder
			for _, sc := range paths(s.Start()) {
				b.WriteString(strings.Join(sc, " ") + "\n")
			}
			for _, p := range reachable(s) {
				if p.ID() < 0 {
					b.WriteString("a position has no ID\n")
				}
			}
			seen[i] = b.String()
		})
	}
	group.Wait()
	for _, got := range seen {
		if got != seen[0] || strings.Count(got, "\n") != 7*6*5 {
			t.Fatalf("a reader saw\n%s", got)
		}
	}
}

func BenchmarkGroups(b *testing.B) {
	steps := someSteps(b, 84)
	for _, bc := range []struct {
		name string
		make func() *space.Space
	}{
		{"times", func() *space.Space { return space.Of(steps...).Times(6) }},
		{"distinct", func() *space.Space {
			s, err := space.Of(steps[:15]...).Distinct(b.Context(), 7)
			if err != nil {
				b.Fatal(err)
			}
			return s
		}},
	} {
		b.Run(bc.name+"/first", func(b *testing.B) {
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				n = len(reachable(bc.make()))
			}
			b.ReportMetric(float64(n), "positions")
		})
		b.Run(bc.name+"/again", func(b *testing.B) {
			b.ReportAllocs()
			all := reachable(bc.make())
			for b.Loop() {
				for _, p := range all {
					p.Edges()
				}
			}
		})
	}
}
