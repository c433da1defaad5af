package simtest

import (
	"encoding/binary"
	"sync/atomic"
	"testing"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/node"
)

// Counters is a symmetric protocol whose replicas count timeouts, for tests of what ends a
// search. Their states take Size bytes. Its hooks are called with how often they were called
// before in one cluster.
type Counters struct {
	Size   int
	React  func(n int, id string) // of a timeout
	Rename func(n int)            // of a state
	calls  *[2]atomic.Int64
}

// Name returns "counters".
func (Counters) Name() string { return "counters" }

// Symmetric is true.
func (Counters) Symmetric() bool { return true }

// NewServer returns a counter at 0.
func (p Counters) NewServer(self node.Self) (node.Node, error) {
	return &countersNode{protocol: p, id: self.ID, state: make([]byte, max(p.Size, 1))}, nil
}

// NewClient returns an error: there are none.
func (Counters) NewClient(node.Self, []node.Operation) (node.Node, error) { return nil, errNoClients }

type countersNode struct {
	protocol Counters
	id       string
	state    []byte
}

func (n *countersNode) React(e node.Event, out *node.Reaction) {
	if e.Kind == node.TimeoutEvent {
		n.state[0]++
		if n.protocol.React != nil {
			n.protocol.React(int(n.protocol.calls[0].Add(1)-1), n.id)
		}
	}
}
func (n *countersNode) AppendBinary(b []byte) ([]byte, error) { return append(b, n.state...), nil }
func (n *countersNode) UnmarshalBinary(b []byte) error        { copy(n.state, b); return nil }
func (n *countersNode) Rename(func(string) string) {
	if n.protocol.Rename != nil {
		n.protocol.Rename(int(n.protocol.calls[1].Add(1) - 1))
	}
}

// OnCounters returns a stage with n counters.
func OnCounters(t testing.TB, n int, p Counters) Stage {
	t.Helper()
	p.calls = new([2]atomic.Int64)
	return On(t, runtime.Config{Protocol: p, N: n, F: (n - 1) / 3})
}

// A Lock is a server that counts how many of the names in a secret called it
// one after the other, and whose code fails when all did.
type Lock struct{ Secret []string }

// Name returns "lock".
func (Lock) Name() string { return "lock" }

// NewServer returns the lock, which is shut.
func (l Lock) NewServer(node.Self) (node.Node, error) { return &bolt{Lock: l}, nil }

// NewClient returns one that calls all that it can reach.
func (Lock) NewClient(node.Self, []node.Operation) (node.Node, error) { return knocker{}, nil }

type bolt struct {
	Lock
	right uint64
}

type knock struct{}

func (b *bolt) React(e node.Event, out *node.Reaction) {
	if e.From != b.Secret[b.right] {
		b.right = 0
	} else if b.right++; int(b.right) == len(b.Secret) {
		out.Fail("the lock is open")
	}
}

func (b *bolt) AppendBinary(to []byte) ([]byte, error) { return binary.AppendUvarint(to, b.right), nil }

func (b *bolt) UnmarshalBinary(from []byte) error {
	b.right, _ = binary.Uvarint(from)
	return nil
}

// A knocker calls all that it can reach, and knows nothing.
type knocker struct{}

func (knocker) React(_ node.Event, out *node.Reaction) { out.Broadcast(knock{}) }
func (knocker) AppendBinary(b []byte) ([]byte, error)  { return b, nil }
func (knocker) UnmarshalBinary([]byte) error           { return nil }
