package engine

import (
	"slices"

	"github.com/twinsh/twinsh/runtime/node"
)

// This file is the kinds of steps: how each is made and, of those that let no messages
// flow, what it does. Exchanges, rounds and deliveries stand in play.go.

// Exchange lets a client run the current phase of its operation with the servers in
// its reach.
func Exchange(client int, reach node.Set) Move {
	return exchange{client, reach | node.SetOf(client)}
}

// Round begins a round that an identity leads.
func Round(sys *System, leader int, f Flow) Move {
	return round{leader, sys.identities[leader].Instances, f}
}

// Deliver lets what is in flight flow.
func Deliver(f Flow) Move { return deliver{f} }

// withoutFlow is what moves have in common that let no messages flow: what is in flight stays
// there. Such a move does not fall into components, and is not renamed unless its kind says how.
type withoutFlow struct{}

func (withoutFlow) flow(p *player, e *env, _ node.Set) {
	p.flight = append(append(p.flight, e.flight...), p.next...)
}

func (withoutFlow) describe(*System, *Step) {}
func (withoutFlow) key(*renamedKey) bool    { return false }

// Events.

// Invoke lets a client begin an operation and send its first messages. The argument of
// the operation is not [Unsound].
func Invoke(sys *System, client int, op node.Operation) Move {
	return stimulation{who: node.SetOf(client), least: 1, stimulus: stimulus{kind: node.InvokeEvent, arg: sys.values.value(op)}}
}

// Timeout lets instances wait in vain, at least so many of them; to those that cannot
// nothing happens.
func Timeout(who node.Set, least int) Move {
	return stimulation{who: who, least: least, stimulus: stimulus{kind: node.TimeoutEvent}}
}

// A stimulation brings an event to instances by itself, without a message. What they send
// in answer stays in flight.
type stimulation struct {
	who   node.Set
	least int // how many of them must take it; the others go on as if it had not come
	stimulus
	withoutFlow
}

func (x stimulation) bring(p *player, _ *env, members node.Set) bool {
	p.reach(nil, members)
	spared := x.who.Len() - x.least
	for i := range x.who.All {
		if p.stimulate(i, x.stimulus) {
			continue
		}
		if spared--; spared < 0 || p.lack.coin != "" {
			return false
		}
	}
	p.why = ""
	return true
}

// Faults.

// Crash stops an instance.
func Crash(who int) Move { return instanceFault{who: who, kind: crashEvent} }

// Restart starts an instance again, with what its code keeps.
func Restart(who int) Move { return instanceFault{who: who, kind: restartEvent} }

// Amnesia lets an instance lose its whole state.
func Amnesia(who int) Move { return instanceFault{who: who, kind: amnesiaEvent} }

// An instanceFault is what happens to an instance without its code being asked: it
// crashes, restarts or loses its state.
type instanceFault struct {
	who  int
	kind node.EventKind
	withoutFlow
}

func (x instanceFault) bring(p *player, _ *env, _ node.Set) bool {
	before := p.vec[x.who]
	o := p.sys.transitions.react(p.ctx, before, stimulus{kind: x.kind})
	if o.refused != "" {
		return p.refuse("%s %s", p.sys.instances[x.who].Name, o.refused)
	}
	p.vec[x.who] = o.next
	p.observe(x.who, o)
	if p.record != nil {
		p.note(0, -1, x.who, stimulus{kind: x.kind}, Delivered, before, o)
	}
	return true
}

// fall returns what a crash, a restart or amnesia does to a local state: a crash stops
// the instance, which is seen, and keeps its state, a restart keeps what the node's code says it keeps
// (see [node.Restarter]), and amnesia keeps nothing. Code that failed is down for good.
func fall(sys *System, id uint32, kind node.EventKind) outcome {
	l := *sys.states.at(id)
	switch {
	case l.flags&broken != 0:
		return outcome{next: id, refused: "is down for good: its code failed"}
	case kind == crashEvent && l.flags&crashed != 0:
		return outcome{next: id, refused: "is down already"}
	}
	// To start an instance anew that runs is to crash it first.
	var seen []uint32
	if l.flags&crashed == 0 {
		seen = []uint32{sys.values.observation(node.Observation{Kind: node.Crashed})}
	}
	if kind == crashEvent {
		l.flags |= crashed
		return outcome{next: sys.states.local(l), seen: seen}
	}
	var next uint32
	failure := guard(func() (err error) {
		if kind == amnesiaEvent {
			next, err = sys.states.begin(l.start, l.flags.restarted()|amnesiac)
		} else {
			next, err = sys.states.restarted(id, l.flags.restarted())
		}
		return err
	})
	if failure != nil {
		return failed(sys, l, *failure)
	}
	return outcome{next: sys.states.withCoins(next, l.coins), seen: seen}
}

// The network.

// Partition parts the network. It takes the place of an earlier partition and of cuts.
func Partition(sys *System, parts []node.Set) Move {
	return networkChange{
		parts: parts,
		change: func(t *topology) *topology {
			whole := connected(sys)
			whole.filters, whole.held, whole.orders, whole.twice = t.filters, t.held, t.orders, t.twice
			return whole.partitioned(parts)
		},
	}
}

// Heal lets all instances reach all others again.
func Heal(sys *System) Move {
	return networkChange{change: func(*topology) *topology { return connected(sys) }}
}

// A Link is a way for messages, in one direction, from one instance to another.
type Link struct{ From, To int }

// CutLink cuts a link.
func CutLink(l Link) Move {
	return networkChange{says: l.key, change: func(t *topology) *topology { return t.cut(node.SetOf(l.From), node.SetOf(l.To)) }}
}

// HoldLink lets messages on a link queue up.
func HoldLink(l Link) Move {
	return networkChange{says: l.key, change: func(t *topology) *topology { return t.hold(l) }}
}

// Lose loses messages of some types on the links from some instances to some.
func Lose(sys *System, types []string, from, to node.Set) Move {
	var filters []filter
	for _, kind := range types {
		filters = append(filters, sys.envs.numbered(filter{kind: kind, from: from, to: to}))
	}
	return networkChange{filters: filters, change: func(t *topology) *topology {
		for _, f := range filters {
			t = t.filter(f)
		}
		return t
	}}
}

// Repeat lets the next message of a type on a link arrive again in a later step.
func Repeat(sys *System, kind string, l Link) Move {
	f := sys.envs.numbered(filter{kind: kind, from: node.SetOf(l.From), to: node.SetOf(l.To), doubles: true, later: true})
	return networkChange{filters: []filter{f}, change: func(t *topology) *topology { return t.doubled(f) }}
}

// Duplicate lets the next message of a type on a link arrive twice.
func Duplicate(sys *System, kind string, l Link) Move {
	f := sys.envs.numbered(filter{kind: kind, from: node.SetOf(l.From), to: node.SetOf(l.To), doubles: true})
	return networkChange{filters: []filter{f}, change: func(t *topology) *topology { return t.doubled(f) }}
}

// Order lets an instance hear some first, of messages that arrive together.
func Order(who int, first []int) Move {
	says := func(k *renamedKey) {
		for _, i := range append([]int{who}, first...) {
			k.set(node.SetOf(i))
		}
	}
	return networkChange{says: says, change: func(t *topology) *topology { return t.prefer(who, first) }}
}

// A networkChange changes who reaches whom.
type networkChange struct {
	change  func(*topology) *topology
	parts   []node.Set        // the partition that it brings, if that is all it does
	filters []filter          // those that it brings
	says    func(*renamedKey) // what it does beside that, after a renaming; nil if nothing
	withoutFlow
}

func (x networkChange) bring(p *player, _ *env, _ node.Set) bool {
	p.after = x.change(p.topology)
	return true
}

// ReleaseLink lets the first messages that queue on a link pass, or all if count is 0,
// which ends the hold.
func ReleaseLink(l Link, count int) Move { return release{Link: l, count: count} }

// A release lets messages pass a held link, all of them and those to come if
// count is 0.
type release struct {
	Link
	count int
	withoutFlow
}

func (x release) bring(p *player, e *env, _ node.Set) bool {
	if !slices.Contains(p.topology.held, x.Link) {
		return p.refuse("that link is not held, so nothing queues on it")
	}
	if x.count == 0 {
		p.after = p.topology.unhold(x.Link)
	}
	queue := 0
	for _, q := range e.flight {
		if x.holds(q) {
			queue++
		}
	}
	if queue < x.count {
		return p.refuse("of %d messages that are to pass, %d wait on that link", x.count, queue)
	}
	return true
}

func (x release) flow(p *player, e *env, _ node.Set) {
	let := 0
	for _, q := range e.flight {
		if x.holds(q) && (x.count == 0 || let < x.count) {
			q.released = true
			let++
		}
		p.flight = append(p.flight, q)
	}
}

// holds reports whether q queues on the link.
func (x release) holds(q packet) bool {
	return int(q.from) == x.From && int(q.to) == x.To && !q.released
}
