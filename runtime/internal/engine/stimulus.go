package engine

import "github.com/twinsh/twinsh/runtime/node"

// What happens to an instance without its code being asked. Nodes see no such events.
const (
	crashEvent node.EventKind = node.CoinEvent + 1 + iota
	restartEvent
	amnesiaEvent
)

// stimulus is an event as the simulation carries it: three small numbers, so that with a
// local state it is the key of a transition.
type stimulus struct {
	kind node.EventKind
	from int    // MessageEvent: the identity that sent it
	arg  uint32 // the message, operation, round or coin, a number that values gave
}

// event makes the event that a node's code sees.
func (sys *System) event(s stimulus) node.Event {
	e := node.Event{Kind: s.kind}
	switch s.kind {
	case node.MessageEvent:
		e.From = sys.identities[s.from].Name
		e.Message = sys.values.at(s.arg)
	case node.InvokeEvent:
		e.Operation = sys.values.at(s.arg).(node.Operation)
	case node.RoundEvent:
		e.Round = sys.values.at(s.arg).(node.Round)
	case node.HopEvent:
		e.Hop = sys.values.at(s.arg).(int)
	case node.CoinEvent:
		e.Coin = sys.values.at(s.arg).(node.Coin)
	}
	return e
}

// stimulusOf is the inverse of event.
func (sys *System) stimulusOf(e node.Event) stimulus {
	s := stimulus{kind: e.Kind}
	switch e.Kind {
	case node.MessageEvent:
		s.from, s.arg = sys.identityOf[e.From], sys.values.value(e.Message)
	case node.InvokeEvent:
		s.arg = sys.values.value(e.Operation)
	case node.RoundEvent:
		s.arg = sys.values.value(e.Round)
	case node.HopEvent:
		s.arg = sys.values.value(e.Hop)
	case node.CoinEvent:
		s.arg = sys.values.value(e.Coin)
	}
	return s
}

// sent lists what a reaction sends, with receivers by name.
func (sys *System) sent(o *outcome) []node.Sent {
	var all []node.Sent
	for _, s := range o.sends {
		to := node.ToServers
		switch {
		case s.to == nextLeader:
			to = node.ToNextLeader
		case s.to >= 0:
			to = sys.identities[s.to].Name
		}
		all = append(all, node.Sent{To: to, Message: sys.values.at(s.msg)})
	}
	return all
}

// observed lists what was observed of an instance.
func (sys *System) observed(o *outcome) []node.Observation {
	var seen []node.Observation
	for _, id := range o.seen {
		seen = append(seen, *sys.values.seen(id))
	}
	return seen
}
