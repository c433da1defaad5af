package explore

import (
	"testing"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/explore/internal/judge"
	"github.com/twinsh/twinsh/runtime/internal/simtest"
	"github.com/twinsh/twinsh/runtime/node"
)

// Talks decides something for a new slot whenever it waits in vain.
var talks = simtest.Habit(func(n *simtest.Creature, _ node.Event, out *node.Reaction) {
	n.Count++
	out.Decided(int(n.Count), int(n.Count))
})

// What a search numbers with 32 bits ends it in time: after the layers for which
// the numbers are enough.
func TestNumbersEnd(t *testing.T) {
	s := simtest.On(t, runtime.Config{Protocol: talks, N: 3})
	for _, test := range []struct {
		name  string
		bound func(x *search)
		depth int // layers that are complete
		why   error
	}{
		{"search nodes", func(x *search) { x.graph.limits.nodes = 14 }, 3, tooManyNodes(14)},
		{"pasts", func(x *search) { x.judge.LimitPasts(5) }, 4, judge.TooManyPasts(5)},
		{"choices", func(x *search) { x.graph.limits.choices = 2 }, 0, tooManyChoices(2)},
		{"enough", func(x *search) { x.graph.limits.nodes, x.graph.limits.choices = 66, 3; x.judge.LimitPasts(11) }, 10, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			x := newSearch(s.Timeouts().Times(10), Options{
				Start: s.Start(), Properties: []check.Property{check.Agreement()}, Workers: 1, Symmetry: Never,
			})
			test.bound(x)
			r, err := x.run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if r.Depth != test.depth || r.Stopped != test.why || r.Complete() != (test.why == nil) {
				t.Errorf("stopped by %v after %d layers, want %v after %d:\n%s", r.Stopped, r.Depth, test.why, test.depth, r.Text())
			}
		})
	}
}
