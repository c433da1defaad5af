package runtime_test

import (
	"testing"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/internal/simtest"
	"github.com/twinsh/twinsh/runtime/node"
)

// A diary tells what its replica may propose.
type diary struct{}

func (diary) React(e node.Event, out *node.Reaction) {
	if e.Kind == node.RoundEvent {
		out.Decided(e.Round.Number, e.Round.Input)
	}
}

// Leaders have inputs, which are different in each round and for each copy and
// name no one.
func TestInputs(t *testing.T) {
	c := simtest.Cluster(t, runtime.Config{
		Protocol: simtest.Nodes("diaries", func() node.Node { return diary{} }), N: 3, F: 1,
		Twins: []runtime.Twin{{ID: "A", Copies: 30}, {ID: "B", Copies: 2}},
	})
	w := c.Start()
	want := map[string]map[int]string{"A": {1: "1a", 3: "3a"}, "A'": {1: "1b", 3: "3b"}, "B": {2: "2a"}, "B'": {2: "2b"}, "C": {4: "4a"}}
	for _, leader := range []string{"A", "B", "A", "C"} {
		s, err := c.Step(runtime.RoundStep{Leader: leader, Phase: runtime.Phase{}})
		w = simtest.Do(t, w, s, err)
	}
	seen := map[string]bool{"": true}
	count := 0
	for _, e := range w.History().Events {
		in := c.Instances()[e.Instance]
		input := e.Value.(string)
		if leads := c.Identities()[in.Identity].Name == []string{"A", "B", "A", "C"}[e.Slot-1]; !leads {
			if input != "" {
				t.Errorf("%s does not lead round %d and may propose %q", in.Name, e.Slot, input)
			}
			continue
		}
		if seen[input] {
			t.Errorf("%s may propose %q in round %d, as was possible before", in.Name, input, e.Slot)
		}
		seen[input] = true
		count++
		if w := want[in.Name][e.Slot]; w != "" && w != input {
			t.Errorf("%s may propose %q in round %d, want %q", in.Name, input, e.Slot, w)
		}
	}
	if count != 30+2+30+1 {
		t.Errorf("%d inputs", count)
	}
}
