package kvproto

import (
	"bytes"
	"testing"

	"github.com/twinsh/twinsh/runtime/node"
)

// samples are nodes in the middle of things.
func samples(t testing.TB) (servers, clients []node.Node) {
	p := New(Options{OneVote: Off})
	red := p.Sign(Tag{1, "c1", 1}, "red")
	for _, have := range []Signed{{}, red} {
		servers = append(servers, &server{protocol: p, id: "A", have: have})
	}
	op := write("red")
	for _, c := range []client{
		{},
		{position: 2, begun: 3, writes: 300},
		{position: 1, begun: 1, phase: querying, op: read(), answer: votes{from: 5}, value: red},
		{position: 1, begun: 1, writes: 1, phase: querying, op: op, answer: votes{8, 2}, value: Signed{Tag: Tag{Version: 7}}},
		{position: 1, begun: 1, writes: 1, phase: queried, op: op, value: red},
		{begun: 1, writes: 1, phase: updating, alone: true, op: op, answer: votes{from: 1}, value: red},
	} {
		c.protocol, c.self, c.program = p, self("c1"), []node.Operation{op, read()}
		clients = append(clients, &c)
	}
	return servers, clients
}

func FuzzServerState(f *testing.F) {
	servers, _ := samples(f)
	fuzzState(f, servers)
}

func FuzzClientState(f *testing.F) {
	_, clients := samples(f)
	fuzzState(f, clients)
}

// fuzzState checks that damaged states are refused, that each state has one
// encoding only, and that nodes go on from any state without a panic.
func fuzzState(f *testing.F, nodes []node.Node) {
	for _, n := range nodes {
		b, err := n.(node.State).AppendBinary(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		n := nodes[0]
		if n.(node.State).UnmarshalBinary(data) != nil {
			return
		}
		if again := encoded(t, n); !bytes.Equal(again, data) {
			t.Fatalf("%x is restored and encoded as %x", data, again)
		}
		n.(node.Inspector).Summary()
		n.(node.Inspector).Fields()
		for _, e := range []node.Event{
			{Kind: node.ExchangeEvent},
			{Kind: node.TimeoutEvent},
			{Kind: node.MessageEvent, From: "A", Message: Report{Op: 1}},
			{Kind: node.MessageEvent, From: "A", Message: Ack{Op: 1}},
			{Kind: node.MessageEvent, From: "c1", Message: Query{Op: 1}},
			{Kind: node.InvokeEvent, Operation: read()},
		} {
			n.React(e, &node.Reaction{})
		}
	})
}

func TestDamagedStates(t *testing.T) {
	servers, clients := samples(t)
	for _, n := range append(servers, clients...) {
		whole := encoded(t, n)
		s := n.(node.State)
		for i := range whole {
			if s.UnmarshalBinary(whole[:i]) == nil {
				t.Errorf("%x, cut off after %d bytes, is accepted", whole, i)
			}
		}
		if s.UnmarshalBinary(append(whole, 0)) == nil {
			t.Errorf("%x is accepted with a byte too many", whole)
		}
		if again := encoded(t, n); !bytes.Equal(again, whole) {
			t.Errorf("a refused state still changed the node")
		}
	}
	for name, damaged := range map[string][]byte{
		"beyond the program": {3, 0, 0, 0},
		"no such phase":      {0, 0, 0, 4},
		"two bytes for zero": {0x80, 0, 0, 0, 0},
		"no such server":     {1, 1, 0, 1, 0, 0, 16, 0, 0, 0, 0, 0, 0},
	} {
		if clients[0].(node.State).UnmarshalBinary(damaged) == nil {
			t.Errorf("%s: %x is accepted", name, damaged)
		}
	}
}

func TestEncodingDoesNotAllocate(t *testing.T) {
	servers, clients := samples(t)
	buffer := make([]byte, 0, 512)
	for _, n := range append(servers, clients...) {
		s := n.(node.State)
		if got := testing.AllocsPerRun(100, func() { buffer, _ = s.AppendBinary(buffer[:0]) }); got != 0 {
			t.Errorf("%T: %v allocations", n, got)
		}
	}
}
