package node

import (
	"context"
	"runtime"
)

// A Reaction collects what a node does in response to one event. The zero Reaction is
// ready for use, in tests that drive a node by hand.
type Reaction struct {
	sends   []Sent
	seen    []Observation
	notes   []string
	refusal string
	failure *Failure
	ctx     context.Context // nil in the zero Reaction
	coins   Arguments       // what coins show to the node
	read    []string        // coins
	lack    string          // the coin that it read and that showed nothing
	lackAt  string
}

// NewReaction returns an empty reaction that is not wanted any more when ctx ends.
func NewReaction(ctx context.Context) *Reaction { return &Reaction{ctx: ctx} }

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

// Invoked records that a client began op.
func (r *Reaction) Invoked(op Operation) {
	r.seen = append(r.seen, Observation{Kind: Invoked, Operation: op})
}

// Returned records that the client's operation returned value.
func (r *Reaction) Returned(value any) {
	r.seen = append(r.seen, Observation{Kind: Returned, Value: value})
}

// Aborted records that the client's operation ended and did not happen: it has taken no
// effect and never will. Of an operation of which that is not known nothing is recorded: it
// does not return, and may or may not take effect. The reason is for people; it may be "".
func (r *Reaction) Aborted(reason string) {
	r.seen = append(r.seen, Observation{Kind: Aborted, Value: reason})
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
