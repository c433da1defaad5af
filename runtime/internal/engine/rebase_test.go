package engine_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/internal/simtest"
	"github.com/twinsh/twinsh/runtime/node"
)

// A clerk remembers the last round that A led.
type clerk struct {
	self   node.Self
	led    int
	rebase func(c *clerk, by int) bool
}

func (c *clerk) React(e node.Event, out *node.Reaction) {
	switch {
	case e.Kind == node.RoundEvent && e.Round.Leader == "A":
		c.led = e.Round.Number
	case e.Kind == node.TimeoutEvent && c.self.ID == "A":
		out.Broadcast("soon")
	case e.Kind == node.TimeoutEvent:
		out.SendNextLeader("later")
	}
}

func (c *clerk) Rebase(by int) bool                    { return c.rebase(c, by) }
func (c *clerk) AppendBinary(b []byte) ([]byte, error) { return fmt.Append(b, c.led), nil }
func (c *clerk) UnmarshalBinary(b []byte) error {
	_, err := fmt.Sscan(string(b), &c.led)
	return err
}

type clerks func(c *clerk, by int) bool

func (clerks) Name() string { return "clerks" }
func (p clerks) NewServer(self node.Self) (node.Node, error) {
	return &clerk{self: self, rebase: p}, nil
}
func (clerks) NewClient(node.Self, []node.Operation) (node.Node, error) { return simtest.Mute{}, nil }

func subtract(c *clerk, by int) bool {
	c.led -= by
	return true
}

// world goes through a story: a name is a round that it leads, alone or after
// an act.
func world(t *testing.T, c *runtime.Cluster, story string) *runtime.World {
	t.Helper()
	w := c.Start()
	for word := range strings.FieldsSeq(story) {
		act, id, other := strings.Cut(word, ":")
		if !other {
			act, id = "round", word
		}
		var s runtime.Step
		var err error
		switch act {
		case "round":
			s, err = c.Step(runtime.RoundStep{Leader: id, Phase: runtime.Phase{}})
		case "timeout":
			s, err = c.Step(runtime.TimeoutStep{IDs: []string{id}})
		case "cut":
			s, err = c.Step(runtime.CutStep{Src: id, Dst: "A"})
		case "heal":
			s, err = c.Step(runtime.HealStep{})
		default:
			s, err = fault(c, act, id)
		}
		w = simtest.Do(t, w, s, err)
	}
	return w
}

// Worlds have one text if they differ in nothing but the numbers of rounds.
func TestRebased(t *testing.T) {
	c := simtest.Cluster(t, runtime.Config{Protocol: clerks(subtract), N: 3, F: 0})
	known := map[string]int{}
	for i, equal := range [][]string{
		{"A", "A A", "B A", "C B A", "A A A A A A A A A", "A cut:B heal: A", "cut:B A heal:"},
		{"A B", "A C", "A B A B", "B B B B A C"},
		{"A B B", "B A C C"},
		{"crash:B A", "A crash:B A"}, // B misses the last one
		{"A crash:B", "A A crash:B"},
		{"A cut:B", "cut:B A", "C cut:B A"},
		{"A amnesia:C A", "A A amnesia:C A"},
	} {
		for _, story := range equal {
			text, ok := c.Engine().Rebased(world(t, c, story).Vector())
			if !ok {
				t.Fatalf("%s: cannot be rebased", story)
			}
			if other, taken := known[text]; taken && other != i {
				t.Errorf("%s is taken for one of group %d", story, other)
			} else if !taken && story != equal[0] {
				t.Errorf("%s is not the same as %s", story, equal[0])
			}
			known[text] = i
		}
	}
}

// If a node or a message may tell the number of a round, there is no text.
func TestNotRebased(t *testing.T) {
	logs := simtest.Nodes("log", func() node.Node { return &logged{} })
	for _, tc := range []struct {
		name     string
		protocol node.Protocol
		story    string
		clients  []runtime.Client
	}{
		{"in flight", clerks(subtract), "A timeout:A", nil},
		{"for the next leader", clerks(subtract), "A timeout:B", nil},
		{"no rebaser", poll{}, "A", nil},
		{"a client is none", clerks(subtract), "A", simtest.Clients(nil)},
		{"it cannot", clerks(func(*clerk, int) bool { return false }), "A", nil},
		{"it panics", clerks(func(*clerk, int) bool { panic("never") }), "A", nil},
		// Its inputs hold the numbers of rounds.
		{"a log of inputs", logs, "A", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := simtest.Cluster(t, runtime.Config{Protocol: tc.protocol, N: 3, F: 0, Clients: tc.clients})
			if text, ok := c.Engine().Rebased(world(t, c, tc.story).Vector()); ok {
				t.Errorf("rebased to %s", text)
			}
		})
	}
}

// Inputs of a scenario stay different, those of the last rounds become the same
// in each turn, and nothing else is an input.
func TestRebaseInput(t *testing.T) {
	for _, test := range []struct {
		input string
		by    int
		want  string
	}{
		{"12a", 12, "0a"}, {"30b", 30, "0b"}, {"7aa", 12, "-5aa"}, {"6a", 12, "6a"}, {"1a", 30, "1a"}, {"1a", 0, "1a"},
		{"", 3, ""}, {"a", 3, "a"}, {"red", 3, "red"}, {"-5a", 3, "-5a"},
	} {
		if got := node.RebaseInput(test.input, test.by); got != test.want {
			t.Errorf("%q by %d: got %q, want %q", test.input, test.by, got, test.want)
		}
	}
	for by := range 30 {
		seen := map[string]string{}
		for round := range by {
			input := fmt.Sprint(round+1, "a")
			to := node.RebaseInput(input, by)
			if was, twice := seen[to]; twice {
				t.Errorf("by %d: %s and %s are both %s", by, was, input, to)
			}
			seen[to] = input
		}
	}
}
