package engine

import (
	"fmt"
	"slices"

	"github.com/twinsh/twinsh/runtime/node"
)

// A Fate says what became of a message, or that an event took place. It is that of the step in
// which it stands: a message that waits in one step stands in a later one again, when it arrives.
// The zero Fate is none, so that a file which leaves it out is not read as a delivery.
type Fate uint8

// What becomes of messages.
const (
	Delivered Fate = iota + 1 // it reached the receiver, or the event took place
	Lost                      // it went to an instance outside of the exchange
	Cut                       // the topology, or the partition of the step, has no such link
	Filtered                  // the topology, or the step, lets no message of this type pass
	Waiting                   // it stays in flight until it can be delivered
	Down                      // the receiver is down
)

// fates are the words for them, by which traces write them down: they are part of that format.
var fates = [...]string{
	Delivered: "delivered", Lost: "lost", Cut: "cut", Filtered: "filtered", Waiting: "waiting", Down: "down",
}

// String returns the word for f, "" for none.
func (f Fate) String() string {
	if int(f) < len(fates) {
		return fates[f]
	}
	return fmt.Sprintf("Fate(%d)", f)
}

// MarshalText returns the word for f.
func (f Fate) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads what MarshalText wrote. What is no word for a fate is an error; the empty
// text is none.
func (f *Fate) UnmarshalText(text []byte) error {
	i := slices.Index(fates[:], string(text))
	if i < 0 {
		return fmt.Errorf("there is no fate %q", text)
	}
	*f = Fate(i)
	return nil
}

// A Record is one thing that happened to one instance during a step.
type Record struct {
	Hop      int // 0 for what the step itself brings, then 1, 2, …
	From, To int // instances; From is -1 if nothing was sent
	Fate     Fate
	Again    bool // the same message arrived just before
	Kept     bool // the message stays in flight, too, and arrives again in a later step

	sys      *System
	stimulus stimulus // what To reacted to, or would have
	before   uint32
	outcome  *outcome
}

// note records what happened to an instance.
func (p *player) note(hop, from, to int, s stimulus, fate Fate, before uint32, o *outcome) {
	*p.record = append(*p.record, Record{
		Hop: hop, From: from, To: to, Fate: fate, sys: p.sys, stimulus: s, before: before, outcome: o,
	})
}

// Ended reports that nothing reached the instance: the step was ended because it never
// falls silent.
func (r *Record) Ended() bool { return r.From < 0 && r.Fate == Down }

// idle reports whether it is a moment of which nothing came.
func (r Record) idle() bool {
	moment := r.stimulus.kind == node.HopEvent || r.stimulus.kind == node.QuietEvent
	return moment && !r.Changed() && len(r.outcome.sends)+len(r.outcome.seen)+len(r.outcome.notes) == 0
}

// Event returns what the instance reacted to, or would have.
func (r *Record) Event() node.Event {
	if r.Ended() {
		return node.Event{}
	}
	return r.sys.event(r.stimulus)
}

// Before returns a summary of the state of the instance before it reacted.
func (r *Record) Before() string { return r.summary(r.before) }

// After returns a summary of the state of the instance after it reacted.
func (r *Record) After() string { return r.summary(r.outcome.next) }

func (r *Record) summary(state uint32) string {
	if r.Ended() {
		return ""
	}
	return r.sys.states.summary(state)
}

// Changed reports whether the state of the instance changed at all.
func (r *Record) Changed() bool { return r.outcome.next != r.before }

// Seen lists what was observed of the instance.
func (r *Record) Seen() []node.Observation { return r.sys.observed(r.outcome) }

// Notes lists the remarks of its code.
func (r *Record) Notes() []string { return r.outcome.notes }

// Sent lists what it sent in reaction.
func (r *Record) Sent() []node.Sent { return r.sys.sent(r.outcome) }
