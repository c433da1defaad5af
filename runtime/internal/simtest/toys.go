package simtest

import (
	"encoding/binary"
	"errors"
	"strings"

	"github.com/twinsh/twinsh/runtime/node"
)

var errNoClients = errors.New("there are no clients")

// Ballots is a protocol in which replicas vote for the first proposal of a
// round and decide what enough of them voted for. It decides one slot a round.
type Ballots struct {
	Quorum  int
	Brittle bool // to decide what a twin proposed is too much for its code
}

// Name returns "ballots".
func (Ballots) Name() string { return "ballots" }

// NewServer returns a replica.
func (p Ballots) NewServer(self node.Self) (node.Node, error) {
	return &voter{Ballots: p, self: self}, nil
}

// NewClient returns an error: there are none.
func (Ballots) NewClient(node.Self, []node.Operation) (node.Node, error) { return nil, errNoClients }

type (
	proposal struct{ Input string }
	vote     struct{ Input string }
)

type voter struct {
	Ballots
	self  node.Self
	round uint64
	voted bool
	votes [2]uint64 // for a and b: who voted for it
}

func (v *voter) React(e node.Event, out *node.Reaction) {
	switch e.Kind {
	case node.RoundEvent:
		v.round, v.voted, v.votes = uint64(e.Round.Number), false, [2]uint64{}
		if e.Round.Leader == v.self.ID {
			out.Broadcast(proposal{e.Round.Input})
		}
	case node.MessageEvent:
		switch m := e.Message.(type) {
		case proposal:
			if !v.voted {
				v.voted = true
				out.Broadcast(vote(m))
			}
		case vote:
			v.count(m.Input, strings.Index("ABCD", e.From), out)
		}
	}
}

func (v *voter) count(input string, from int, out *node.Reaction) {
	votes := &v.votes[input[len(input)-1]-'a'] // 1a, 1b, 2a, …
	before := node.Set(*votes).Len()
	*votes |= 1 << from
	if after := node.Set(*votes).Len(); after > before && after == v.Quorum {
		if v.Brittle && strings.HasSuffix(input, "b") {
			panic("b is too much")
		}
		out.Decided(int(v.round), input)
	}
}

func (v *voter) AppendBinary(b []byte) ([]byte, error) {
	b = binary.AppendUvarint(b, v.round)
	if v.voted {
		b = append(b, 1)
	}
	return append(b, byte(v.votes[0]), byte(v.votes[1])), nil
}

func (v *voter) UnmarshalBinary(b []byte) error {
	var n int
	v.round, n = binary.Uvarint(b)
	b = b[n:]
	if v.voted = len(b) == 3; v.voted {
		b = b[1:]
	}
	v.votes = [2]uint64{uint64(b[0]), uint64(b[1])}
	return nil
}

// A Habit is a protocol that declares itself symmetric, made of one function.
type Habit func(n *Creature, e node.Event, out *node.Reaction)

// A Creature is a replica with a habit. It counts to 255, and has no other state.
type Creature struct {
	Habit
	Self  node.Self
	Count byte
}

// Name returns "habit".
func (Habit) Name() string { return "habit" }

// Symmetric is true, whatever the function does.
func (Habit) Symmetric() bool { return true }

// NewServer returns a creature.
func (p Habit) NewServer(self node.Self) (node.Node, error) {
	return &Creature{Habit: p, Self: self}, nil
}

// NewClient returns an error: there are none.
func (Habit) NewClient(node.Self, []node.Operation) (node.Node, error) { return nil, errNoClients }

// React does what the habit is.
func (n *Creature) React(e node.Event, out *node.Reaction) { n.Habit(n, e, out) }

// AppendBinary appends the count.
func (n *Creature) AppendBinary(b []byte) ([]byte, error) { return append(b, n.Count), nil }

// UnmarshalBinary reads the count.
func (n *Creature) UnmarshalBinary(b []byte) error { n.Count = b[0]; return nil }

// Rename does nothing: a count names no instance.
func (n *Creature) Rename(func(string) string) {}
