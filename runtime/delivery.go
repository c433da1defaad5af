package runtime

import (
	"slices"

	"github.com/twinsh/twinsh/runtime/internal/engine"
	"github.com/twinsh/twinsh/runtime/node"
)

// A Fate says what became of a message, or that an event took place. As text it is one word:
// "delivered".
type Fate = engine.Fate

// What becomes of messages.
const (
	Delivered = engine.Delivered // it reached the receiver, or the event took place
	Lost      = engine.Lost      // it went to an instance outside of the exchange
	Cut       = engine.Cut       // the network, or the partition of the step, has no such link
	Filtered  = engine.Filtered  // the network, or the step, lets no message of this type pass
	Waiting   = engine.Waiting   // it stays in flight until it can be delivered
	Down      = engine.Down      // the receiver is down
)

// A Delivery is one thing that happened to one instance during a step. If From is
// -1 and Fate is Down, nothing reached it: the step was ended because the instance
// never falls silent, and what is Seen is that it failed.
type Delivery struct {
	Hop           int        // 0 for what the step itself brings, then 1, 2, …
	From, To      int        // instances; From is -1 if nothing was sent
	Event         node.Event // what To reacted to, or would have
	Fate          Fate
	Again         bool   // the same message arrived just before; see DuplicateStep
	Kept          bool   // the message stays in flight, too; see ReplayStep
	Before, After string // summaries of To's state
	Changed       bool   // whether its state changed at all
	Seen          []node.Observation
	Notes         []string
	Sent          []node.Sent // what To sent in reaction
}

// unlessCrash leaves out that an instance crashed: the step says so.
func unlessCrash(seen []node.Observation) []node.Observation {
	return slices.DeleteFunc(seen, func(o node.Observation) bool { return o.Kind == node.Crashed })
}

// deliveries says in words what the engine recorded.
func deliveries(records []engine.Record) []Delivery {
	var all []Delivery
	for _, r := range records {
		all = append(all, Delivery{
			Hop: r.Hop, From: r.From, To: r.To, Event: r.Event(), Fate: r.Fate, Again: r.Again, Kept: r.Kept,
			Before: r.Before(), After: r.After(), Changed: r.Changed(), Seen: unlessCrash(r.Seen()), Notes: r.Notes(), Sent: r.Sent(),
		})
	}
	return all
}
