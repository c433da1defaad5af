package simtest

import (
	"github.com/twinsh/twinsh/runtime/node"
)

// Toys that do what a hash says, so that a random seed is a random protocol.

// Whims is a protocol in which both replicas and clients begin operations and end them, as
// a hash says.
type Whims struct{ Seed uint32 }

// Name returns "whims".
func (Whims) Name() string { return "whims" }

// NewServer returns an instance of its own mind.
func (p Whims) NewServer(self node.Self) (node.Node, error) {
	return &whim{Whims: p, id: self.ID}, nil
}

// NewClient returns another one.
func (p Whims) NewClient(self node.Self, _ []node.Operation) (node.Node, error) {
	return &whim{Whims: p, id: self.ID}, nil
}

// A whim begins or ends an operation whenever it waits in vain.
type whim struct {
	Whims
	id    string
	count byte
	open  string // the operation under way
}

func (n *whim) React(e node.Event, out *node.Reaction) {
	h := n.Seed
	for _, b := range []byte(n.id + string(rune(n.count)) + n.open) {
		h = (h ^ uint32(b)) * 16777619
	}
	h ^= h >> 15
	n.count++
	values := []any{"red", "blue", nil}
	switch {
	case n.open == "read":
		out.Returned(values[h%3])
		n.open = ""
	case n.open == "write":
		out.Returned(nil)
		n.open = ""
	case h%2 == 0:
		n.open = "read"
		out.Invoked(node.Operation{Name: "read"})
	default:
		n.open = "write"
		out.Invoked(node.Operation{Name: "write", Arg: values[h/2%2]})
	}
}

func (n *whim) AppendBinary(b []byte) ([]byte, error) {
	return append(append(b, n.count), n.open...), nil
}
func (n *whim) UnmarshalBinary(b []byte) error { n.count, n.open = b[0], string(b[1:]); return nil }

// Chores is a protocol in which replicas and clients read and write what is not kept, as a
// hash says of all but their names, so that they are interchangeable. Their states are soon equal again,
// while what properties remember of them is not.
type Chores struct{ Seed uint32 }

// Name returns "chores".
func (Chores) Name() string { return "chores" }

// Symmetric is true: no name is looked at.
func (Chores) Symmetric() bool { return true }

// SymmetricClients is true as well.
func (Chores) SymmetricClients([]node.Operation) bool { return true }

// NewServer returns a replica with operations of its own.
func (p Chores) NewServer(node.Self) (node.Node, error) { return &chore{Chores: p}, nil }

// NewClient returns a client, which does other things than a replica.
func (p Chores) NewClient(node.Self, []node.Operation) (node.Node, error) {
	return &chore{Chores: p, client: 1}, nil
}

// A chore begins operations and leaves them for a while, or ends them.
type chore struct {
	Chores
	client, state, open byte
}

func (n *chore) React(e node.Event, out *node.Reaction) {
	h := n.Seed
	for _, b := range []byte{n.client, n.state, n.open} {
		h = (h ^ uint32(b)) * 16777619
		h ^= h >> 13
	}
	n.state = byte(h % 2)
	switch {
	case n.open > 0 && h/2%3 > 0:
		if n.open == 1 {
			out.Returned(nil)
		} else {
			out.Returned([]any{"red", "blue", nil}[h/6%3])
		}
		n.open = 0
	case n.open > 0 || h/4%2 == 0:
	case h/2%2 == 0:
		out.Invoked(node.Operation{Name: "read"})
		n.open = 2
	default:
		out.Invoked(node.Operation{Name: "write", Arg: []any{"red", "blue"}[h/8%2]})
		n.open = 1
	}
}

func (n *chore) Rename(func(string) string) {}
func (n *chore) AppendBinary(b []byte) ([]byte, error) {
	return append(b, n.client, n.state, n.open), nil
}
func (n *chore) UnmarshalBinary(b []byte) error {
	n.client, n.state, n.open = b[0], b[1], b[2]
	return nil
}
