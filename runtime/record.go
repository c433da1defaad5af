package runtime

import "github.com/twinsh/twinsh/runtime/node"

// Fate says what became of a message, or that an event took place.
type Fate uint8

const (
	Delivered Fate = iota
	Lost           // it went to an instance outside of the exchange
	Cut            // the topology has no such link
	Filtered       // the topology lets no message of this type pass
	Waiting        // it stays in flight until it can be delivered
	Down           // the receiver is down
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
	Before, After string // summaries of To's state
	Changed       bool   // whether its state changed at all
	Seen          []node.Observation
	Notes         []string
	Sent          []node.Sent // what To sent in reaction
}

func (p *player) note(hop, from, to int, e node.Event, fate Fate, before uint32, o *outcome) {
	d := Delivery{Hop: hop, From: from, To: to, Event: e, Fate: fate, Changed: o.next != before, Notes: o.notes}
	d.Before, d.After = p.code.summary(before), p.code.summary(o.next)
	for _, id := range o.seen {
		d.Seen = append(d.Seen, *p.code.seen.at(id))
	}
	d.Sent = p.code.sent(o)
	*p.record = append(*p.record, d)
}

// sent lists what a reaction sends, with receivers by name.
func (k *code) sent(o *outcome) []node.Sent {
	var all []node.Sent
	for _, s := range o.sends {
		to := node.ToServers
		switch {
		case s.to == nextLeader:
			to = node.ToNextLeader
		case s.to >= 0:
			to = k.cluster.identities[s.to].Name
		}
		all = append(all, node.Sent{To: to, Message: *k.values.at(s.msg)})
	}
	return all
}

// summary is a few words on a local state.
func (k *code) summary(id uint32) (s string) {
	k.inspect(id, func(i node.Inspector) { s = i.Summary() })
	return s
}

// inspect shows f the node in a local state, if it can be shown.
func (k *code) inspect(id uint32, f func(node.Inspector)) {
	_ = k.guard(func() error {
		n, err := k.node(id)
		if i, ok := n.(node.Inspector); ok && err == nil {
			f(i)
		}
		return err
	})
}
