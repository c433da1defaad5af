package node_test

import (
	"fmt"

	"github.com/twinsh/twinsh/runtime/node"
)

// An echo sends back what it hears, and refuses all else.
type echo struct {
	self  node.Self
	heard byte
}

type hello struct{ Name string }

func (n *echo) React(e node.Event, out *node.Reaction) {
	if e.Kind != node.MessageEvent {
		out.Refuse(n.self.ID + " only answers")
		return
	}
	n.heard++
	out.Decided(int(n.heard), e.Message.(hello).Name)
	out.Send(e.From, e.Message)
}

// AppendBinary and UnmarshalBinary make the node a [node.State].
func (n *echo) AppendBinary(b []byte) ([]byte, error) { return append(b, n.heard), nil }
func (n *echo) UnmarshalBinary(b []byte) error        { n.heard = b[0]; return nil }

// A test drives a node by hand: it needs no cluster.
func Example() {
	n := &echo{self: node.Self{ID: "A", N: 1, Servers: []string{"A"}}}
	var out node.Reaction
	n.React(node.Event{Kind: node.MessageEvent, From: "B", Message: hello{"red"}}, &out)
	for _, m := range out.Sends() {
		fmt.Println("sends", node.MessageType(m.Message), "to", m.To)
	}
	for _, o := range out.Observations() {
		fmt.Println("decides", node.Text(o.Value), "in slot", o.Slot)
	}

	var refused node.Reaction
	n.React(node.Event{Kind: node.TimeoutEvent}, &refused)
	fmt.Println("refuses:", refused.Refused())
	// Output:
	// sends hello to B
	// decides "red" in slot 1
	// refuses: A only answers
}
