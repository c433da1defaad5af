package explore

import (
	"errors"
	"testing"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/node"
	"github.com/twinsh/twinsh/runtime/space"
)

// A talker decides something for a new slot whenever it waits in vain.
type talker struct{ count byte }

func (talker) Name() string                           { return "talkers" }
func (talker) NewServer(node.Self) (node.Node, error) { return &talker{}, nil }
func (talker) NewClient(node.Self, []node.Operation) (node.Node, error) {
	return nil, errors.New("no clients")
}
func (n *talker) React(_ node.Event, out *node.Reaction) {
	n.count++
	out.Decided(int(n.count), int(n.count))
}
func (n *talker) AppendBinary(b []byte) ([]byte, error) { return append(b, n.count), nil }
func (n *talker) UnmarshalBinary(b []byte) error        { n.count = b[0]; return nil }

// What a search numbers with 32 bits ends it in time: after the layers for which
// the numbers are enough.
func TestNumbersEnd(t *testing.T) {
	c, err := runtime.NewCluster(runtime.Config{Protocol: talker{}, N: 3})
	if err != nil {
		t.Fatal(err)
	}
	var steps []runtime.Step
	for _, name := range c.Names(c.Servers()) {
		s, err := c.Step(runtime.TimeoutStep{IDs: []string{name}})
		if err != nil {
			t.Fatal(err)
		}
		steps = append(steps, s)
	}
	for _, test := range []struct {
		name  string
		bound func(x *search)
		depth int // layers that are complete
		why   error
	}{
		{"search nodes", func(x *search) { x.graph.limits.nodes = 14 }, 3, tooManyNodes(14)},
		{"pasts", func(x *search) { x.judge.monitors.most = 5 }, 4, tooManyTuples(5)},
		{"choices", func(x *search) { x.graph.limits.choices = 2 }, 0, tooManyChoices(2)},
		{"enough", func(x *search) { x.graph.limits.nodes, x.judge.monitors.most, x.graph.limits.choices = 66, 11, 3 }, 10, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			x := newSearch(space.Of(steps...).Times(10), Options{
				Start: c.Start(), Properties: []check.Property{check.Agreement()}, Workers: 1, Symmetry: Never,
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
