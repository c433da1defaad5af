package node

import (
	"context"
	"runtime"
	"strings"
)

// A Reaction collects what a node does in response to one event. The zero Reaction is
// ready for use, in tests that drive a node by hand.
type Reaction struct {
	sends   []Sent
	seen    []Observation
	notes   []string
	refusal string
	failure *Failure
	under   UnderWay
	ctx     context.Context // nil in the zero Reaction
	coins   Arguments       // what coins show to the node
	read    []string        // coins
	lack    string          // the coin that it read and that showed nothing
	lackAt  string
}

// An UnderWay says whether an operation of an instance has begun and has not ended.
type UnderWay uint8

// What is known of that. Perhaps is so of an instance that restarted amid an operation, which its
// code may go on with, have forgotten, or begin anew; and of one that is driven by hand.
const (
	PerhapsUnderWay UnderWay = iota
	NoneUnderWay
	OneUnderWay
)

// NewReaction returns an empty reaction, of an instance of which that is known, that is not wanted
// any more when ctx ends.
func NewReaction(ctx context.Context, under UnderWay) *Reaction {
	return &Reaction{ctx: ctx, under: under}
}

// UnderWay says whether an operation of the instance is under way after what was recorded so far.
func (r *Reaction) UnderWay() UnderWay { return r.under }

// Context returns a context that ends when the reaction is not wanted any more.
// Code that may work for long watches it and returns early; what it did then
// counts for nothing.
func (r *Reaction) Context() context.Context {
	if r.ctx == nil {
		return context.Background()
	}
	return r.ctx
}

// Sends returns what was sent so far.
func (r *Reaction) Sends() []Sent { return r.sends }

// Observations returns what was observed so far.
func (r *Reaction) Observations() []Observation { return r.seen }

// Notes returns the remarks that were left so far.
func (r *Reaction) Notes() []string { return r.notes }

// Refused returns why the event cannot happen, or "".
func (r *Reaction) Refused() string { return r.refusal }

// Failed returns how the node's code failed in its own words, nil if it did not.
func (r *Reaction) Failed() *Failure { return r.failure }

// Send sends m to an identity. It reaches every instance of that identity
// that the topology lets it reach; a node always reaches itself.
func (r *Reaction) Send(to string, m Message) { r.sends = append(r.sends, Sent{to, m}) }

// Broadcast sends m to every server, the sender included if it is one.
func (r *Reaction) Broadcast(m Message) { r.sends = append(r.sends, Sent{ToServers, m}) }

// SendNextLeader sends m to the leader of the next round, under the topology
// of this one. It waits until the next round names its leader, and is lost if
// the sender could not reach it in this round.
func (r *Reaction) SendNextLeader(m Message) { r.sends = append(r.sends, Sent{ToNextLeader, m}) }

// Invoked records that a client began op. To begin one while another is under way is a failure of
// the code: properties could not know which of them ends.
func (r *Reaction) Invoked(op Operation) {
	if r.under == OneUnderWay {
		r.misused("Invoked: an operation is under way; end it with Returned or Aborted first")
		return
	}
	r.under = OneUnderWay
	r.seen = append(r.seen, Observation{Kind: Invoked, Operation: op})
}

// Returned records that the client's operation returned value. If none is under way, that is a
// failure of the code: taken for a result, it would be blamed on the protocol.
func (r *Reaction) Returned(value any) {
	if !r.ends("Returned") {
		return
	}
	r.seen = append(r.seen, Observation{Kind: Returned, Value: value})
}

// Aborted records that the client's operation ended and did not happen: it has taken no
// effect and never will. Of an operation of which that is not known nothing is recorded: it
// does not return, and may or may not take effect. The reason is for people; it may be "". It is
// a failure of the code if none is under way.
func (r *Reaction) Aborted(reason string) {
	if !r.ends("Aborted") {
		return
	}
	r.seen = append(r.seen, Observation{Kind: Aborted, Value: reason})
}

// ends notes that the operation under way ends, and reports whether one may be.
func (r *Reaction) ends(how string) bool {
	if r.under == NoneUnderWay {
		r.misused(how + ": no operation is under way: it has ended, as by an answer that came before, or Invoked was not called")
		return false
	}
	r.under = NoneUnderWay
	return true
}

// misused is a failure of the code that called the caller, the first if there are several.
func (r *Reaction) misused(text string) {
	for skip := 2; r.failure == nil && skip < 8; skip++ {
		if _, file, line, ok := runtime.Caller(skip); ok && !strings.HasSuffix(file, "/runtime/node/reaction.go") {
			r.FailWith(Failure{Message: text, Place: Place(file, line)})
		}
	}
}

// Decided records that a replica decided value for slot, for good.
func (r *Reaction) Decided(slot int, value any) {
	r.seen = append(r.seen, Observation{Kind: Decided, Slot: slot, Value: value})
}

// Note leaves a remark for people who read the trace. No property sees it.
func (r *Reaction) Note(text string) { r.notes = append(r.notes, text) }

// Fail says that the node's code failed, as a panic does, but in its own words.
// The place is that of the caller. It is a finding, and the node is down for
// good.
func (r *Reaction) Fail(text string) {
	f := Failure{Message: text}
	if _, file, line, ok := runtime.Caller(1); ok {
		f.Place = Place(file, line)
	}
	r.FailWith(f)
}

// FailWith is [Reaction.Fail] for code that knows the place and the calls better,
// as an interpreter does.
func (r *Reaction) FailWith(f Failure) { r.failure = &f }

// Refuse says that the event cannot happen to this node now ("c1 has nothing
// left to do"). The node's state stays as it was, whatever React did to it,
// and the step that brought the event does not take place.
func (r *Reaction) Refuse(why string) { r.refusal = why }
