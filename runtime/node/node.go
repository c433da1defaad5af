package node

import (
	"encoding"
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
	// Name is what the protocol is called in pictures and reports.
	Name() string
	// NewServer makes the node of one instance of a server, as it is before anything has reached
	// it. Twins are made by one call each, with one Self, and so is a server that lost its memory.
	NewServer(self Self) (Node, error)
	// NewClient makes the node of one instance of a client, which is to run the operations of
	// the program, one after the other. The program must not be changed.
	NewClient(self Self, program []Operation) (Node, error)
}

// Attentive is implemented by nodes that react to moments of a round, a delivery or an
// exchange: to a [HopEvent], a [QuietEvent] or both. All nodes that are made one way attend
// to the same; they are asked once. To refuse a moment has no effect.
//
// A moment concerns a part of the network: the instances that take part in the step and are
// connected by links, in whichever direction and over others if need be. Before each hop
// in which something is in flight within their part, instances learn that it begins; what
// they send then arrives in the next hop. When nothing is in flight within their part, be it at the
// beginning, between two hops or after the last one, they learn that it is quiet, once: again only after something was in
// flight there again. What they send then is in flight at once. One that answers each
// quiet moment by a message never falls silent, which is a failure.
type Attentive interface {
	Attends(to EventKind) bool
}

// Labeler is implemented by protocols that say how a message reads to people, in a few
// words; different messages may read the same. "" leaves it to the message ([Text]); with
// nothing left out it always speaks for itself ([FullText]).
type Labeler interface {
	Label(m Message) string
}

// Serving is implemented by protocols that know whether their servers only serve: that
// they begin no operations of their own ([Reaction.Invoked]). With faulty servers that do, a search
// for what is not linearizable has to keep whole histories.
type Serving interface {
	OnlyServes() bool
}

// Committing is implemented by protocols that know whether an operation that began may turn
// out not to have happened ([Reaction.Aborted]). If none may, searches for what is not regular
// remember less: a read may rest on a write under way as it is. A node of such a protocol
// that aborts all the same fails.
type Committing interface {
	NeverAborts() bool
}

// Typed is implemented by protocols that can list the types of all messages
// that their nodes handle or send. A filter of messages that names another type
// is refused then, instead of having no effect.
type Typed interface {
	MessageTypes() []string
}

// CrashTolerant is implemented by protocols that tolerate crashes of servers and lost messages
// and no other fault: they take n >= 2f+1 servers, where those that tolerate Byzantine faults take
// n >= 3f+1 (Lamport, Shostak and Pease, "The Byzantine Generals Problem", TOPLAS 1982). A server
// that restarts with what it keeps has crashed and nothing more. Where an identity runs as twins, runs
// other code or loses its memory, such a protocol promises nothing, and verdicts say so.
type CrashTolerant interface {
	CrashTolerant() bool
}

// Roundless is implemented by protocols that can say that their servers know no
// rounds. A good network, such as a property plays that asks for progress, begins none then.
type Roundless interface {
	Roundless() bool
}
