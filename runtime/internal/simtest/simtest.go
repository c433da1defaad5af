// Package simtest holds what the tests of the simulation share.
//
//   - [Stories] runs the transcripts of a folder: commands, and what is to be answered.
//     [ConfigOf] reads the cluster that a command describes, with the protocols that a caller
//     has; package store does with the K-V store. [Clients] and [Twins] help to make one in Go.
//   - A [Stage] is a cluster on which steps are read from their notation, scenarios from
//     lines, and spaces from lines with choices ([Stage.Space]). [Play] takes the steps of a
//     story.
//   - An [Oracle] goes through all scenarios of a space, one by one, judges each prefix of
//     them, and merges nothing. What it counts is a [Ledger].
//   - [Ballots], [Habit], [Mute], [Sayers] and [Nodes] are protocols of a few lines, [Lock] and
//     [Counters] some with a flaw behind many steps and with hooks; [Whims] and [Chores] operate
//     as a hash says. [Gossip] does whatever may go wrong; [GossipCluster], [RandomConfig],
//     [GossipStep] and [RandomStep] draw what random tests play.
package simtest

import (
	"fmt"
	"testing"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/node"
)

// Cluster makes a cluster.
func Cluster(t testing.TB, config runtime.Config) *runtime.Cluster {
	t.Helper()
	c, err := runtime.NewCluster(config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Do takes a step that was just made.
func Do(t testing.TB, w *runtime.World, s runtime.Step, err error) *runtime.World {
	t.Helper()
	if err == nil {
		w, err = w.Do(s)
	}
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// Nodes returns a protocol of equal nodes.
func Nodes(name string, make func() node.Node) node.Protocol { return nodes{name, make} }

type nodes struct {
	name string
	make func() node.Node
}

func (p nodes) Name() string                           { return p.name }
func (p nodes) NewServer(node.Self) (node.Node, error) { return p.make(), nil }

func (p nodes) NewClient(node.Self, []node.Operation) (node.Node, error) { return p.make(), nil }

// A Func is a node that has no state.
type Func func(e node.Event, out *node.Reaction)

// React implements [node.Node].
func (f Func) React(e node.Event, out *node.Reaction) { f(e, out) }

// Mute is a protocol whose nodes do nothing, for tests that only need their names.
type Mute struct{}

// Name implements [node.Protocol].
func (Mute) Name() string { return "mute" }

// NewServer implements [node.Protocol].
func (Mute) NewServer(node.Self) (node.Node, error) { return Mute{}, nil }

// NewClient implements [node.Protocol].
func (Mute) NewClient(node.Self, []node.Operation) (node.Node, error) { return Mute{}, nil }

// React implements [node.Node].
func (Mute) React(node.Event, *node.Reaction) {}

// Sayers returns a protocol whose nodes send a message to all whenever they waited in
// vain.
func Sayers(what node.Message) node.Protocol { return sayer{what} }

type sayer struct{ what node.Message }

func (sayer) Name() string { return "sayer" }

func (s sayer) NewServer(node.Self) (node.Node, error) { return s, nil }

func (s sayer) NewClient(node.Self, []node.Operation) (node.Node, error) { return s, nil }

func (s sayer) React(e node.Event, out *node.Reaction) {
	if e.Kind == node.TimeoutEvent {
		out.Broadcast(s.what)
	}
}

// Program is what a client runs.
type Program = []node.Operation

// Read is the operation read().
func Read() node.Operation { return node.Operation{Name: "read"} }

// Write is the operation write(v).
func Write(v string) node.Operation { return node.Operation{Name: "write", Arg: v} }

// Clients makes clients c1, c2 and so on with the given programs.
func Clients(programs ...Program) (clients []runtime.Client) {
	for i, p := range programs {
		clients = append(clients, runtime.Client{Name: fmt.Sprint("c", i+1), Program: p})
	}
	return clients
}

// Twins lets identities run as two instances each.
func Twins(ids ...string) []runtime.Twin { return TwinsOf(2, ids...) }

// TwinsOf lets identities run as k instances each.
func TwinsOf(k int, ids ...string) (twins []runtime.Twin) {
	for _, id := range ids {
		twins = append(twins, runtime.Twin{ID: id, Copies: k})
	}
	return twins
}
