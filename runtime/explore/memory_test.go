package explore

import (
	"testing"

	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/explore/internal/judge"
	"github.com/twinsh/twinsh/runtime/internal/engine"
	"github.com/twinsh/twinsh/runtime/internal/simtest/store"
	"github.com/twinsh/twinsh/runtime/space"
)

// Whatever a search and a sample keep for long is a part of the memory that they
// count.
func TestMemoryIsCounted(t *testing.T) {
	c := store.On(t, "c1=(read) c2=(read)")
	steps := c.Exchanges("c1 c2", c.Quorums(3)).Steps()
	s := space.Of(steps...).Times(2)
	x := newSearch(s, Options{Start: c.Start(), Properties: []check.Property{check.Linearizable()}})
	if err := x.seekSymmetry(t.Context()); err != nil || x.symmetry == nil {
		t.Fatal("there is no symmetry", err)
	}
	x.graph.canonicalFrom, x.graph.parents = 0, [][]parentLink{nil}
	nodes, next := x.graph.frontier(1), x.graph.frontier(1)
	w := newWorker(t.Context(), x)
	start := c.Start().Vector()
	moved := make(engine.Vector, c.Engine().Width())
	for _, part := range []struct {
		name string
		grow func()
	}{
		{"what the cluster has learnt", func() { w.sim.Take(moved, start, steps[0].Engine()) }},
		{"search nodes", func() { nodes.add(make(searchNode, x.graph.width), weight{1}, 0) }},
		{"search nodes to come", func() { next.add(make(searchNode, x.graph.width), weight{1}, 0) }},
		{"parent links", func() { x.graph.parents = append(x.graph.parents, make([]parentLink, 1000)) }},
		{"the judge", func() { x.judge.Fold(t.Context(), 0, w.sim.Seen()) }},
		{"places", func() { x.graph.open(t.Context(), x.graph.place(s.Start())) }},
		{"images of steps", func() { x.symmetry.imagesOf(x.graph.place(s.Start()), 0) }},
		{"verdicts of workers", func() { w.verdicts[[2]uint32{7, 7}] = new(judge.Verdict); w.count() }},
	} {
		was := x.memory(nodes, next)
		part.grow()
		if now := x.memory(nodes, next); now <= was || x.bounds.occupied.Load() != int64(now) {
			t.Errorf("%s: %d bytes are counted after %d, and known are %d", part.name, now, was, x.bounds.occupied.Load())
		}
	}
	// The cluster learns renamed states, and a symmetry which they are.
	image := make(engine.Vector, c.Engine().Width())
	x.symmetry.Rename(image, moved, 1)
	x.symmetry.Symmetry = engine.NewSymmetry(c.Engine(), []engine.Renaming{x.symmetry.Renaming(0), x.symmetry.Renaming(1)})
	was := x.memory(nodes, next)
	if x.symmetry.Rename(image, moved, 1); x.memory(nodes, next) <= was {
		t.Error("renamings are not counted")
	}
	counted := x.bounds.workers.Load() // the renamings that it takes are counted elsewhere
	if _, err := w.names.Canonical(moved); err != nil {
		t.Fatal(err)
	}
	if w.count(); x.bounds.workers.Load() <= counted {
		t.Error("canonical forms of workers are not counted")
	}
	y := newSampler(s, Options{Start: c.Start()}, 10, 1)
	if err := y.begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	was = y.memory()
	if err := y.batch(t.Context(), 0, 10); err != nil {
		t.Fatal(err)
	}
	if now := y.memory(); now <= was || y.bounds.occupied.Load() != int64(now) {
		t.Errorf("a sample: %d bytes are counted after %d, and known are %d", now, was, y.bounds.occupied.Load())
	}
}
