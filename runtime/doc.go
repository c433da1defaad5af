// Package runtime simulates a distributed system, one step at a time, in which
// some identities run as twins.
//
// Twins (Bano et al., "Twins: BFT Systems Made Robust", OPODIS 2021) emulate a
// Byzantine node without attack code: two or more instances of the unmodified,
// correct node run under one identity. To the others they look like one node
// that equivocates, omits and forgets.
//
// # Usage
//
// A [Config] says who is there, [NewCluster] checks it. [Cluster.Step] checks an action
// and makes a step of it, [World.Do] takes the step, and [World.History] is what was
// observed, for a property to judge:
//
//	c, err := runtime.NewCluster(runtime.Config{Protocol: p, N: 4, F: 1, Twins: []runtime.Twin{{ID: "C", Copies: 2}}})
//	step, err := c.Step(runtime.RoundStep{Leader: "A"})
//	w, err := c.Start().Do(step)
//	verdict, err := check.Agreement().Judge(ctx, w.History())
//
// # Words
//
//   - A [node.Protocol] makes the nodes; a [node.Node] is the deterministic code of one
//     replica or client, and reacts to a [node.Event] with a [node.Reaction]. An author of
//     nodes imports package node alone.
//   - A [Config] says who is there; a [Cluster] is what never changes during a
//     simulation, and what was learnt of its nodes' code so far.
//   - A [Step] is one thing that happens to the whole system: an [Action], which
//     is plain data, in a cluster, which checks it.
//   - A [World] is the whole system at one moment. It is immutable: a step
//     leads from one world to another, and going back in time is keeping the
//     old one.
//   - A [History] is what a property may see of a world's past; a [Delivery]
//     is what people may see of one step.
//   - A [Past] is all that happened on the way to a world, delivery by delivery, with
//     what caused what.
//
// # Steps
//
// The kinds of actions, each with its notation, which [Cluster.ParseStep] reads. One page
// of code is one kind: its arguments, its title, and what it is in a cluster.
//
//	steps_clients.go
//	  ExchangeStep     exchange c1 A,B,C         a client runs the phase it is in with its reach, to the end
//	  InvokeStep       invoke c1 write("red")    a client begins an operation; its messages travel later
//	  TimeoutStep      timeout A,B               instances wait in vain
//	  CoinStep         coin r1 0                 a coin shows something to code that asks
//	steps_rounds.go
//	  RoundStep        round A groups=A,B|C,D    an identity leads; messages flow inside the groups
//	  DeliverStep      deliver hops=1            what is in flight arrives, wave after wave
//	steps_faults.go
//	  CrashStep        crash A                   an instance stops
//	  RestartStep      restart A                 it starts again, with what its code keeps
//	  AmnesiaStep      amnesia A                 it starts again with nothing, and is faulty
//	steps_network.go
//	  PartitionStep    partition A,B|C,D         messages stay inside the groups
//	  HealStep         heal                      all reach all again
//	  CutStep          cut A B                   a link loses all, in one direction
//	  DropStep         drop ack src=A            links lose messages of a type
//	  DeafStep         deaf A vote               an instance loses messages of types
//	  HoldStep         hold A B                  messages queue up on a link
//	  ReleaseStep      release A B count=1       and are let go
//	  OrderStep        order A first=C,B         which of those that arrive together come first
//	  DuplicateStep    duplicate ack A B         the next message of a type arrives twice
//	  ReplayStep       replay ack A B            the next message of a type arrives again in a later step
//	steps_views.go
//	  ViewStep         view v "crash A",heal     several steps count as one
//
// # Rooms
//
//   - node: what an author of a node imports.
//   - internal/engine: plays steps, and remembers what came of them. What a step means
//     stands in play.go, from top to bottom.
//   - space: sets of scenarios with a size, an order and an index.
//   - check: properties, and monitors that fold histories.
//   - explore: the search, samples, shrinking, reports.
//   - trace: pictures and explanations of one scenario.
//
// # Doors
//
// The packages that search millions of steps do so by the engine's numbers and not by
// names. They get at it by four methods, and by these only: [Cluster.Engine],
// [Cluster.WorldAt], [Step.Engine] and [World.Vector]. Their types belong to an internal
// package, so that no other module can name them; hosts have no use for them.
//
// # The model
//
// In the words of model checking, a cluster and its steps are a labelled transition
// system: a world is a state, a step is an action, and a search explores the state
// space. Nodes do not run concurrently: a step says which messages arrive, hop by hop,
// and that fixes their interleaving.
//
// Local states, messages and observations are interned: equal ones are one
// small number. A world is a short vector of such numbers, and each pair of
// local state and event runs the node's code once; every later time is a table
// look-up. The tables only grow, for as long as the cluster is in use: a host that plays
// many unrelated systems makes a cluster for each.
package runtime
