package engine

import (
	"github.com/twinsh/twinsh/runtime/node"
)

// This file is how moves are made: one function for each thing that can happen. What
// they do stands in player.go.

// Exchange lets a client run the current phase of its operation with the servers in
// its reach.
func Exchange(client int, reach node.Set) Move {
	return exchange{client, reach | node.SetOf(client)}
}

// Invoke lets a client begin an operation and send its first messages. The argument of
// the operation is not [Unsound].
func Invoke(sys *System, client int, op node.Operation) Move {
	return prompt{node.SetOf(client), 1, stimulus{kind: node.InvokeEvent, arg: sys.values.value(op)}}
}

// Timeout lets instances wait in vain, at least so many of them; to those that cannot
// nothing happens.
func Timeout(who node.Set, least int) Move {
	return prompt{who, least, stimulus{kind: node.TimeoutEvent}}
}

// Crash stops an instance.
func Crash(who int) Move { return befall{who, crashEvent} }

// Restart starts an instance again, with what its code keeps.
func Restart(who int) Move { return befall{who, restartEvent} }

// Amnesia lets an instance lose its whole state.
func Amnesia(who int) Move { return befall{who, amnesiaEvent} }

// A Flow is how messages flow during a round or a delivery.
type Flow struct {
	Parts []node.Set // nil: as the topology has it
	Deaf  node.Set   // hear no messages of the types
	Types []string
	Hops  int // 0: until nothing is in flight
}

// Round begins a round that an identity leads.
func Round(sys *System, leader int, f Flow) Move {
	return round{leader, sys.identities[leader].Instances, f}
}

// Deliver lets what is in flight flow.
func Deliver(f Flow) Move { return deliver{f} }

// Partition parts the network. It takes the place of an earlier partition and of cuts.
func Partition(sys *System, parts []node.Set) Move {
	return reshape{parts: parts, change: func(t *topology) *topology {
		whole := openTopology(sys)
		whole.filters, whole.held, whole.orders, whole.twice = t.filters, t.held, t.orders, t.twice
		return whole.partitioned(parts)
	}}
}

// Heal lets all instances reach all others again.
func Heal(sys *System) Move {
	return reshape{change: func(*topology) *topology { return openTopology(sys) }}
}

// A Link is a way for messages, in one direction, from one instance to another.
type Link struct{ From, To int }

// CutLink cuts a link.
func CutLink(l Link) Move {
	return reshape{change: func(t *topology) *topology { return t.cut(node.SetOf(l.From), node.SetOf(l.To)) }}
}

// HoldLink lets messages on a link queue up.
func HoldLink(l Link) Move {
	return reshape{change: func(t *topology) *topology { return t.hold(l) }}
}

// ReleaseLink lets the first messages that queue on a link pass, or all if count is 0,
// which ends the hold.
func ReleaseLink(l Link, count int) Move { return release{l, count} }

// Lose loses messages of some types on the links from some instances to some.
func Lose(sys *System, types []string, from, to node.Set) Move {
	var filters []filter
	for _, kind := range types {
		filters = append(filters, sys.envs.numbered(filter{kind: kind, from: from, to: to}))
	}
	return reshape{filters: filters, change: func(t *topology) *topology {
		for _, f := range filters {
			t = t.filter(f)
		}
		return t
	}}
}

// Duplicate lets the next message of a type on a link arrive twice.
func Duplicate(sys *System, kind string, l Link) Move {
	f := sys.envs.numbered(filter{kind: kind, from: node.SetOf(l.From), to: node.SetOf(l.To), doubles: true})
	return reshape{filters: []filter{f}, change: func(t *topology) *topology { return t.doubled(f) }}
}

// Order lets an instance hear some first, of messages that arrive together.
func Order(who int, first []int) Move {
	return reshape{change: func(t *topology) *topology { return t.prefer(who, first) }}
}
