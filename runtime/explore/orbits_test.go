package explore

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/internal/simtest"
	"github.com/twinsh/twinsh/runtime/space"
)

// drawChores draws a cluster of chores, and the steps in which one of them acts.
func drawChores(t *rapid.T) (*runtime.Cluster, []runtime.Step) {
	config := runtime.Config{Protocol: simtest.Chores{Seed: rapid.Uint32().Draw(t, "seed")}, N: rapid.IntRange(1, 3).Draw(t, "n")}
	for i := range rapid.IntRange(0, 3).Draw(t, "clients") {
		config.Clients = append(config.Clients, runtime.Client{Name: fmt.Sprint("c", i)})
	}
	c, err := runtime.NewCluster(config)
	if err != nil {
		t.Fatal(err)
	}
	var steps []runtime.Step
	for _, in := range c.Instances() {
		s, err := c.Step(runtime.TimeoutStep{IDs: []string{in.Name}})
		if err != nil {
			t.Fatal(err)
		}
		steps = append(steps, s)
	}
	return c, steps
}

// Search nodes that are images of each other are one: a layer has as many as there are
// orbits among the search nodes to which scenarios lead.
func TestLayersAreOrbits(t *testing.T) {
	t.Parallel()
	merged := 0
	rapid.Check(t, func(t *rapid.T) {
		c, steps := drawChores(t)
		property := rapid.SampledFrom([]check.Property{check.Linearizable(), check.Regular(), check.Safe()}).Draw(t, "property")
		x := newSearch(space.Of(steps...).Times(4), Options{Start: c.Start(), Properties: []check.Property{property}, Symmetry: Always, Workers: rapid.IntRange(1, 2).Draw(t, "workers")})
		r, err := x.run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if x.symmetry == nil {
			return
		}
		for _, v := range r.Violations {
			if judged, err := property.Judge(t.Context(), v.Counterexample.History()); err != nil || judged.Holds {
				t.Fatalf("the counterexample %q violates nothing: %v", x.texts(v.Counterexample), err)
			}
		}
		w := newWorker(t.Context(), x)
		layer := map[string]searchNode{}
		add := func(to map[string]searchNode, node searchNode) { to[nodeKey(node)] = node }
		add(layer, newSearchNode(c.Start().Vector(), x.judge.Start().Past, x.graph.place(x.space.Start()).index))
		for k, parents := range x.graph.parents {
			next := map[string]searchNode{}
			orbits := map[string]bool{}
			for _, node := range layer {
				orbits[x.orbit(t, node)] = true
				at := x.graph.places[node.place()]
				for choice := range at.ways() {
					step, place := at.choice(choice)
					to := make(searchNode, x.graph.width)
					if possible, err := w.again(t.Context(), node, to, step, place); err != nil || !possible {
						t.Fatal(step, err)
					}
					if !place.last && !x.judge.Over(x.judge.Verdict(to.past())) {
						add(next, to)
					}
				}
			}
			if len(orbits) != len(parents) {
				t.Fatalf("layer %d has %d search nodes, and there are %d orbits of %d search nodes:\n%s", k, len(parents), len(orbits), len(layer), r.Text())
			}
			if len(orbits) < len(layer) {
				merged++
			}
			layer = next
		}
	})
	if !testing.Short() && merged == 0 {
		t.Error("nothing was ever merged")
	}
}

func nodeKey(node searchNode) string {
	var key []byte
	for _, word := range node {
		key = binary.BigEndian.AppendUint32(key, word)
	}
	return string(key)
}

// orbit returns the least of the images of a search node, which is the same for all of them.
func (x *search) orbit(t *rapid.T, node searchNode) string {
	var images []string
	for g := range x.symmetry.Order() {
		image := slices.Clone(node)
		if err := x.symmetry.Rename(image.vector(), node.vector(), g); err != nil {
			t.Fatal(err)
		}
		past, err := x.judge.Rename(node.past(), g, x.symmetry.Renaming(g))
		if err != nil {
			t.Fatal(err)
		}
		image.setPast(past)
		images = append(images, nodeKey(image))
	}
	return slices.Min(images)
}
