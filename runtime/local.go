package runtime

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/twinsh/twinsh/runtime/node"
)

// local is the local state of one instance: how its node was made, whether it
// runs, what its code knows, and the next-leader mailbox: what waits for it
// until a round begins.
type local struct {
	start int
	flags flags
	// body is the node's encoding. Of a node that has none it is its last
	// input, and the state (flags aside) before that.
	body string
	logs bool
	// bare is the same state with an empty mailbox; a node's code sees no others.
	bare    uint32
	mailbox []mail
	class   *equivalenceClass // whose members this state stands for, nil if just for itself
}

type flags uint8

const (
	crashed  flags = 1 << iota
	amnesiac       // it lost its whole state at some time
	broken         // its code failed; it stays down for good
	down     = crashed | broken
)

// A mail is a message to the leader of the next round that reached an instance,
// which keeps it in its next-leader mailbox. It is opened when a round begins that
// the instance leads, and lost when another one does.
type mail struct {
	from uint8 // an instance
	msg  uint32
}

func (k *code) freshLocal(start int, f flags) (uint32, error) {
	n, err := k.cluster.newNode(start)
	if err != nil {
		return 0, err
	}
	return k.keep(start, f, n)
}

// keep interns the state of a node that can encode itself, or the empty log
// of one that can't.
func (k *code) keep(start int, f flags, n node.Node) (uint32, error) {
	s, ok := n.(node.State)
	if !ok {
		return k.local(local{start: start, flags: f, logs: true}), nil
	}
	body, err := s.AppendBinary(nil)
	if err != nil {
		return 0, fmt.Errorf("%s cannot encode its state: %w", k.cluster.starts[start].self.ID, err)
	}
	return k.local(local{start: start, flags: f, body: string(body)}), nil
}

// local interns a state with an empty mailbox.
func (k *code) local(l local) uint32 {
	key := make([]byte, 0, len(l.body)+4)
	key = binary.AppendUvarint(key, uint64(l.start))
	key = append(key, byte(l.flags))
	key = append(key, l.body...)
	k.mu.Lock()
	defer k.mu.Unlock()
	if id, ok := k.byBody[string(key)]; ok {
		return id
	}
	l.mailbox, l.class = nil, nil
	l.bare = uint32(k.locals.n)
	id := k.locals.append(l)
	k.byBody[string(key)] = id
	k.bodies += len(key) + len(l.body)
	return id
}

// mailed returns the state in whose mailbox mails wait, in the order of their
// senders. It takes over the slice.
func (k *code) mailed(id uint32, mailbox []mail) uint32 {
	id = k.locals.at(id).bare
	if len(mailbox) == 0 {
		return id
	}
	slices.SortStableFunc(mailbox, func(a, b mail) int { return cmp.Compare(a.from, b.from) })
	key := []uint32{id}
	for _, l := range mailbox {
		key = append(key, uint32(l.from), l.msg)
	}
	if v, ok := k.byMail.get(key); ok {
		return v[0]
	}
	return k.byMail.putFunc(key, func() []uint32 {
		l := *k.locals.at(id)
		l.mailbox = mailbox
		k.mu.Lock()
		defer k.mu.Unlock()
		return []uint32{k.locals.append(l)}
	})[0]
}

// node rebuilds the node that is in the given local state.
func (k *code) node(id uint32) (node.Node, error) {
	l := k.locals.at(id)
	n, err := k.cluster.newNode(l.start)
	if err != nil {
		return nil, err
	}
	if !l.logs {
		return n, n.(node.State).UnmarshalBinary([]byte(l.body))
	}
	// Collect the inputs, the last one first, then replay them.
	var log []input
	for body := l.body; body != ""; {
		in := parseInput(body)
		log = append(log, in)
		body = k.locals.at(in.before).body
	}
	for _, in := range slices.Backward(log) {
		if in.restart {
			n.(node.Restarter).Restart()
		} else {
			n.React(k.event(in.stimulus), &node.Reaction{})
		}
	}
	return n, nil
}

// input is one entry of the log that stands for the state of a node without
// an encoding: the state before (its flags don't matter) and what came.
type input struct {
	before  uint32
	restart bool
	stimulus
}

func (in input) String() string {
	b := binary.AppendUvarint(nil, uint64(in.before))
	if in.restart {
		return string(append(b, 1))
	}
	b = append(b, 0, byte(in.kind))
	b = binary.AppendUvarint(b, uint64(in.from))
	return string(binary.AppendUvarint(b, uint64(in.arg)))
}

func parseInput(s string) input {
	b := []byte(s)
	number := func() uint64 {
		v, n := binary.Uvarint(b)
		b = b[n:]
		return v
	}
	in := input{before: uint32(number()), restart: b[0] == 1}
	if !in.restart {
		in.kind = node.EventKind(b[1])
		b = b[2:]
		in.from = int(number())
		in.arg = uint32(number())
	}
	return in
}
