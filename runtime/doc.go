// Package runtime simulates a distributed system, one step at a time, in which
// some identities run as twins.
//
// Twins (Bano et al., "Twins: BFT Systems Made Robust", OPODIS 2021) emulate a
// Byzantine node without attack code: two or more instances of the unmodified,
// correct node run under one identity. To the others they look like one node
// that equivocates, omits and forgets.
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
// What plays the steps is package internal/engine. What a step means stands there, in
// play.go, from top to bottom. The packages of runtime that search millions of steps
// get at it by four doors: [Cluster.Engine], [Cluster.WorldAt], [Step.Engine] and
// [World.Vector]. They take and return what only those packages can name.
//
// In the words of model checking, a cluster and its steps are a labelled transition
// system: a world is a state, a step is an action, and a search explores the state
// space. Nodes do not run concurrently: a step says which messages arrive, hop by hop,
// and that fixes their interleaving.
//
// Local states, messages and observations are interned: equal ones are one
// small number. A world is a short vector of such numbers, and each pair of
// local state and event runs the node's code once; every later time is a table
// look-up.
package runtime
