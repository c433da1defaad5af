package explore

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/internal/engine"
	"github.com/twinsh/twinsh/runtime/internal/simtest/store"
	"github.com/twinsh/twinsh/runtime/space"
)

// However the search nodes of a path were renamed, the scenario that is played for it
// leads to a world that is the last search node, renamed, and so does its past.
func TestReplayUndoesRenamings(t *testing.T) {
	t.Parallel()
	c := store.On(t, "w=(write red, write blue) r1=(read, read) r2=(read, read) r3=(read, read)")
	steps := c.Exchanges("w r1 r2 r3", c.Quorums(3)).Steps()
	renamed := 0
	rapid.Check(t, func(t *rapid.T) {
		x := newSearch(space.Of(steps...).Times(20), Options{Start: c.Start(), Properties: []check.Property{check.Linearizable()}, Symmetry: Always, Workers: 1})
		if renamed += x.replayUndoes(t, len(steps)); x.symmetry.Order() != 24*6 {
			t.Fatal("no symmetry")
		}
	})
	if !testing.Short() && renamed == 0 {
		t.Error("nothing was ever renamed")
	}
}

// The same where the past says more than the world.
func TestReplayUndoesRenamingsOfPasts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c, steps := drawChores(t)
		property := rapid.SampledFrom([]check.Property{check.Linearizable(), check.Regular(), check.Safe()}).Draw(t, "property")
		x := newSearch(space.Of(steps...).Times(20), Options{Start: c.Start(), Properties: []check.Property{property}, Symmetry: Always, Workers: 1})
		x.replayUndoes(t, len(steps))
	})
}

// replayUndoes draws a path of search nodes and replays it. It returns how often a search node was
// renamed.
func (x *search) replayUndoes(t *rapid.T, steps int) (renamed int) {
	if err := x.seekSymmetry(t.Context()); err != nil {
		t.Fatal(err)
	}
	if x.graph.canonicalFrom = 0; x.symmetry == nil {
		return 0
	}
	c := x.cluster
	w := newWorker(t.Context(), x)
	names := newCanonicalizer(x.symmetry)
	first := x.graph.place(x.space.Start())
	start, err := x.judge.Begin(t.Context(), c.Start())
	if err != nil {
		t.Fatal(err)
	}
	node := newSearchNode(c.Start().Vector(), start.Past, first.index)
	x.graph.parents = [][]parentLink{{0}}
	var last parentLink
	for range rapid.IntRange(1, 14).Draw(t, "steps") {
		at := x.graph.places[node.place()]
		if err := x.graph.open(t.Context(), at); err != nil {
			t.Fatal(err)
		}
		choice := rapid.IntRange(0, steps-1).Draw(t, "choice")
		step, to := at.choice(choice)
		next := make(searchNode, x.graph.width)
		possible, err := w.again(t.Context(), node, next, step, to)
		if err != nil {
			t.Fatal(err)
		}
		if !possible {
			continue // the client has finished
		}
		g, err := names.canonical(next)
		if err != nil {
			t.Fatal(err)
		}
		if g != 0 {
			renamed++
		}
		last = parentLink(choice)
		x.graph.parents = append(x.graph.parents, []parentLink{last})
		node = next
	}
	if len(x.graph.parents) == 1 {
		return 0
	}
	x.graph.parents = x.graph.parents[:len(x.graph.parents)-1]
	end := x.replay(t.Context(), last)
	node.setPlace(node.place()) // whether something leaves it as it is, is no part of what it is
	got := newSearchNode(end.Vector(), start.Past, node.place())
	m := engine.NewSimulator(c.Engine())
	scratch := make(engine.Vector, c.Engine().Width())
	for _, v := range end.Path()[1:] {
		m.Take(scratch, v.Parent().Vector(), v.Step().Engine())
		after, err := x.judge.Fold(t.Context(), got.past(), m.Seen())
		if err != nil {
			t.Fatal(err)
		}
		got.setPast(after.Past)
	}
	for g := range x.symmetry.Order() {
		image := slices.Clone(got)
		if err := x.symmetry.Rename(image.vector(), got.vector(), g); err != nil {
			t.Fatal(err)
		}
		past, err := x.judge.Rename(got.past(), g, x.symmetry.Renaming(g))
		if err != nil {
			t.Fatal(err)
		}
		image.setPast(past)
		if slices.Equal(image, node) {
			return renamed
		}
	}
	t.Fatalf("no renaming turns %v into %v", got, node)
	return 0
}
