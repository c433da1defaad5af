package engine

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"

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
	// coins are what coins show to it that it has not read: the number of node.Arguments, 0 if none do.
	coins uint32
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
	begun          // an operation of it is under way
	perhaps        // one may be: it restarted when one was
	unasked        // whether one is is not asked; see [Replay]
	down     = crashed | broken
)

// underWay returns what is known of an operation of an instance.
func (f flags) underWay() node.UnderWay {
	switch {
	case f&(perhaps|unasked) != 0:
		return node.PerhapsUnderWay
	case f&begun != 0:
		return node.OneUnderWay
	}
	return node.NoneUnderWay
}

// after returns the flags after a reaction that left an operation under way, or none. It is a
// part of the state because what code may do depends on it; in most protocols the rest
// of the state implies it, so that it makes no more states.
func (f flags) after(under node.UnderWay) flags {
	if f&unasked != 0 {
		return f
	}
	f &^= begun | perhaps
	switch under {
	case node.OneUnderWay:
		f |= begun
	case node.PerhapsUnderWay:
		f |= perhaps
	}
	return f
}

// restarted returns the flags after a restart, or amnesia.
func (f flags) restarted() flags {
	f &^= crashed
	if f.underWay() == node.OneUnderWay {
		return f.after(node.PerhapsUnderWay)
	}
	return f
}

// A mail is a message to the leader of the next round that reached an instance,
// which keeps it in its next-leader mailbox. It is opened when a round begins that
// the instance leads, and lost when another one does.
type mail struct {
	from uint8 // an instance
	msg  uint32
}

// states interns local states.
type states struct {
	mu       sync.Mutex // guards the maps and the writing of all
	all      vec[local]
	byBody   map[string]uint32  // those with an empty mailbox
	byMail   table              // (local state, mailbox) -> local state
	contents map[uint32]content // of those that were asked for
	fresh    []uint32           // the local state in which each start begins

	sys *System
}

func (s *states) bind(sys *System) {
	s.sys, s.byBody, s.contents = sys, map[string]uint32{}, map[uint32]content{}
	s.all.bound = sys.numbers("local states")
	s.byMail.bound = sys.words("next-leader mailboxes")
}

// counts returns how many states there are, and of how many the content is known.
func (s *states) counts() (states, contents int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.n, len(s.contents)
}

// at returns a local state.
func (s *states) at(id uint32) *local { return s.all.at(id) }

// begin returns the local state of a node that was just made in a certain way.
func (s *states) begin(start int, f flags) (uint32, error) {
	n, err := s.sys.newNode(start)
	if err != nil {
		return 0, err
	}
	return s.keep(start, f, n)
}

// keep interns the state of a node that can encode itself, or the empty log
// of one that can't.
func (s *states) keep(start int, f flags, n node.Node) (uint32, error) {
	encoder, ok := n.(node.State)
	if !ok {
		return s.local(local{start: start, flags: f, logs: true}), nil
	}
	body, err := encoder.AppendBinary(nil)
	if err != nil {
		return 0, fmt.Errorf("%s cannot encode its state: %w", s.sys.spec.Starts[start].Self.ID, err)
	}
	return s.local(local{start: start, flags: f, body: string(body)}), nil
}

// local interns a state with an empty mailbox.
func (s *states) local(l local) uint32 {
	key := make([]byte, 0, len(l.body)+5)
	key = binary.AppendUvarint(key, uint64(l.start))
	key = append(key, byte(l.flags))
	key = binary.AppendUvarint(key, uint64(l.coins))
	key = append(key, l.body...)
	s.mu.Lock()
	defer s.mu.Unlock()
	if id, ok := s.byBody[string(key)]; ok {
		return id
	}
	l.mailbox, l.class = nil, nil
	l.bare = uint32(s.all.n)
	id := s.all.append(l)
	s.byBody[string(key)] = id
	s.sys.occupy(len(key) + len(l.body))
	return id
}

// mailed returns the state in whose mailbox mails wait, in the order of their
// senders. It takes over the slice.
func (s *states) mailed(id uint32, mailbox []mail) uint32 {
	id = s.at(id).bare
	if len(mailbox) == 0 {
		return id
	}
	slices.SortStableFunc(mailbox, func(a, b mail) int { return cmp.Compare(a.from, b.from) })
	key := []uint32{id}
	for _, l := range mailbox {
		key = append(key, uint32(l.from), l.msg)
	}
	if v, ok := s.byMail.get(key); ok {
		return v[0]
	}
	return s.byMail.putFunc(key, func() []uint32 {
		l := *s.at(id)
		l.mailbox = mailbox
		return []uint32{s.add(l)}
	})[0]
}

// add numbers a state that is known to be new.
func (s *states) add(l local) uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.append(l)
}

// node rebuilds the node that is in the given local state.
func (s *states) node(id uint32) (node.Node, error) {
	l := s.at(id)
	n, err := s.sys.newNode(l.start)
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
		body = s.at(in.before).body
	}
	for _, in := range slices.Backward(log) {
		if in.restart {
			n.(node.Restarter).Restart()
		} else {
			var r node.Reaction
			r.Take(s.sys.values.coins(s.at(in.before).coins))
			n.React(s.sys.event(in.stimulus), &r)
		}
	}
	return n, nil
}

// restarted returns the local state after a restart, in which the node keeps what its
// code says that it keeps.
func (s *states) restarted(id uint32, f flags) (uint32, error) {
	l := s.at(id)
	n, err := s.node(id)
	if err != nil {
		return 0, err
	}
	r, ok := n.(node.Restarter)
	if !ok {
		return s.begin(l.start, f)
	}
	if l.logs {
		in := input{before: id, restart: true}
		return s.local(local{start: l.start, flags: f, body: in.String(), logs: true}), nil
	}
	r.Restart()
	return s.keep(l.start, f, n)
}

// summary is a few words on a local state.
func (s *states) summary(id uint32) (text string) {
	s.inspect(id, func(i node.Inspector) { text = i.Summary() })
	return text
}

// inspect shows f the node in a local state, if it can be shown.
func (s *states) inspect(id uint32, f func(node.Inspector)) {
	_ = guard(func() error {
		n, err := s.node(id)
		if i, ok := n.(node.Inspector); ok && err == nil {
			f(i)
		}
		return err
	})
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
