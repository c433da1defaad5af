package runtime

import (
	"context"
	"encoding"
	goruntime "runtime"
)

// A Node is the deterministic code of one replica or client: a state, and a
// reaction to an event. It has no clock, no random source and no goroutine of
// its own; the simulation owns time and choice. Two nodes made the same way that see
// equal events must end in equal states and send equal messages.
//
// A node that also implements [State] is identified by its encoding: nodes
// with equal encodings are one local state, and each pair of local state and
// event runs the node's code once. A node that does not is identified by the
// log of its inputs and rebuilt by replaying them, which is slower, still
// exact, and merges less.
//
// The simulation calls the methods of one node from one goroutine at a time,
// but nodes made by one [Protocol] may run concurrently with each other.
type Node interface {
	// React handles one event. What the node sends and what may be observed
	// of it goes to out, which is valid until React returns.
	React(e Event, out *Reaction)
}

// State is implemented by nodes that can encode their state and restore it.
// The encoding must be canonical: equal states give equal bytes. What a node
// was made with (its identity, n, f, its options) need not be encoded, because
// a state is only ever restored into a node that was made the same way.
type State interface {
	encoding.BinaryAppender
	encoding.BinaryUnmarshaler
}

// Restarter is implemented by nodes that keep part of their state across a
// restart. Restart forgets what is volatile. A node without it forgets all.
type Restarter interface {
	Restart()
}

// Inspector is implemented by nodes that can show their state to people.
// Summary is a few words ("v1 red"); Fields lists what the state consists of.
type Inspector interface {
	Summary() string
	Fields() []Field
}

// A Field is one named part of a node's state, for people and scripts.
type Field struct {
	Name  string
	Value any // a comparable value, as in messages
}

// A Message is what one node sends to another: any value that Go can compare
// without following pointers (numbers, strings, and structs and arrays of
// them), so that it cannot be changed after it was sent and equal messages are
// one. Code that works with wire formats sends its bytes as a string type.
//
// Its type name, which filters and pictures use, is what its method
// MessageType() string returns, else the name of its Go type. Its String
// method, if any, is how pictures show it.
type Message any

// EventKind says what happened to a node.
type EventKind uint8

const (
	MessageEvent  EventKind = iota // a message arrived
	ExchangeEvent                  // a client is to begin or continue the current phase of its current operation
	InvokeEvent                    // a client is to begin an operation and carry it through by itself
	RoundEvent                     // a round began
	TimeoutEvent                   // the node waited in vain

	// What happens to an instance without its code being asked.
	crashEvent
	restartEvent
	amnesiaEvent
)

// An Event is what a node reacts to.
type Event struct {
	Kind      EventKind
	From      string    // MessageEvent: the identity that sent it
	Message   Message   // MessageEvent
	Operation Operation // InvokeEvent
	Round     Round     // RoundEvent
}

// A Round is what every replica learns when a round begins.
type Round struct {
	Number int    // 1 for the first round of a scenario
	Leader string // the identity that leads; all its instances do
	// Input is what this instance may propose: the number of the round and a
	// letter for the instance, "1a" in round 1, "1b" for the twin of its leader,
	// "2a" in round 2. It is "" if the instance does not lead. Within a scenario
	// no two inputs are equal, so that what leaders propose on their own account
	// never agrees by accident.
	Input string
}

// An Operation is something that a client is asked to do, such as write "red".
type Operation struct {
	Name string
	Arg  any // a comparable value; nil if the operation takes none
}

// A Self says to a node who it is and in what system it lives.
type Self struct {
	ID      string   // its identity
	N, F    int      // number of servers, and how many of them may be faulty
	Servers []string // the identities of all servers, in order; not to be changed
}

// A Protocol makes the nodes of a cluster. Its methods may be called
// concurrently. An error says what is wrong with the configuration (a quorum
// larger than n, an operation that the protocol does not know).
type Protocol interface {
	Name() string
	NewServer(self Self) (Node, error)
	NewClient(self Self, program []Operation) (Node, error)
}

// A Reaction collects what a node does in response to one event.
type Reaction struct {
	sends   []Sent
	seen    []Observation
	notes   []string
	refusal string
	failure *Failure
	ctx     context.Context // nil in the zero Reaction, of tests
}

// Context returns a context that ends when the reaction is not wanted any more.
// Code that may work for long watches it and returns early; what it did then
// counts for nothing.
func (r *Reaction) Context() context.Context {
	if r.ctx == nil {
		return context.Background()
	}
	return r.ctx
}

// A Sent message is one that a node sent: To is an identity, or [ToServers] or
// [ToNextLeader].
type Sent struct {
	To      string
	Message Message
}

// Receivers that are not a single identity; no identity has such a name.
const (
	ToServers    = "*"
	ToNextLeader = ">"
)

// Sends returns what was sent so far, for tests that drive a node by hand.
func (r *Reaction) Sends() []Sent { return r.sends }

// Observations returns what was observed so far.
func (r *Reaction) Observations() []Observation { return r.seen }

// Refused returns why the event cannot happen, or "".
func (r *Reaction) Refused() string { return r.refusal }

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
	if _, file, line, ok := goruntime.Caller(1); ok {
		f.Place = placeText(file, line)
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
