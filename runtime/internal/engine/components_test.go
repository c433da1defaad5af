package engine_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/internal/engine"
	"github.com/twinsh/twinsh/runtime/internal/simtest"
	"github.com/twinsh/twinsh/runtime/node"
)

// perInstance lists what each instance was seen to do. Components are played one
// after the other, so what different instances do has no order among them.
func perInstance(sys *engine.System, m *engine.Simulator) map[int][]node.Observation {
	seen := map[int][]node.Observation{}
	for i, o := range sys.Observations(m.Seen()) {
		seen[i] = append(seen[i], o)
	}
	return seen
}

// Remembered components make steps what they are without them. The slow way plays
// each step as a whole, as a simulator with a recorder does. All scenarios of a
// few steps are tried, so that components meet again in other company.
func TestCellsChangeNothing(t *testing.T) {
	t.Parallel()
	steps, components := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		c := simtest.GossipCluster(t)
		pool := make([]runtime.Step, rapid.IntRange(1, 12).Draw(t, "steps"))
		for i := range pool {
			pool[i] = simtest.GossipStep(t, c)
		}
		fast := engine.NewSimulator(c.Engine())
		worlds := []engine.Vector{c.Start().Vector()}
		known := map[string]bool{}
		for at := 0; at < len(worlds) && at < 50; at++ {
			for _, s := range pool {
				next := sameStep(t, fast, worlds[at], s)
				steps++
				if key := fmt.Sprint(next); next != nil && !known[key] {
					known[key] = true
					worlds = append(worlds, next)
				}
			}
		}
		components += c.Engine().Learnt().Components
	})
	t.Logf("%d steps, %d different components", steps, components)
}

// sameStep checks that a step does the same in a fresh, slow simulator, and
// returns where it leads, nil if it cannot happen.
func sameStep(t *rapid.T, fast *engine.Simulator, src engine.Vector, s runtime.Step) engine.Vector {
	c := s.Cluster()
	slow := engine.NewSimulator(c.Engine())
	got, want := make(engine.Vector, c.Engine().Width()), make(engine.Vector, c.Engine().Width())
	ok := fast.Take(got, src, s.Engine())
	_, wanted := slow.Record(want, src, s.Engine())
	if ok != wanted || fast.Why() != slow.Why() {
		t.Fatalf("%s from %v: %v (%s), want %v (%s)", s, src, ok, fast.Why(), wanted, slow.Why())
	}
	if !ok {
		return nil
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%s from %v leads to\n%v in %s, want\n%v in %s", s, src,
			got, engine.Describe(c.Engine(), got), want, engine.Describe(c.Engine(), want))
	}
	if got, want := fmt.Sprint(perInstance(c.Engine(), fast)), fmt.Sprint(perInstance(c.Engine(), slow)); got != want {
		t.Fatalf("%s from %v shows\n%s, want\n%s", s, src, got, want)
	}
	return got
}
