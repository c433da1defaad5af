// Package engine is all that plays steps and remembers what came of them. It knows
// instances, identities and local states by number; names, actions and worlds are the
// affair of package runtime, which is its face.
//
// What a step means, from top to bottom and without memory:
//
//   - play.go: a player plays one step, one delivery after the other. Read this first.
//   - moves.go: the kinds of steps, and those in which no message travels.
//   - opening.go: how a round begins.
//   - topology.go, environment.go: who reaches whom, what is in flight.
//   - record.go: what happened, if that is asked for. replay.go: what an instance does if
//     less had reached it.
//
// What is learnt, by a [System], in tables that only grow:
//
//   - transitions.go: the transition cache. The code of a node runs once for each local
//     state and event (stimulus.go). failure.go: and may fail.
//   - values.go, states.go, environment.go: equal things are one number.
//   - table.go: tables whose readers never lock. limits.go: what happens when one is full.
//   - vector.go: a [Vector] is a world in such numbers.
//
// What plays from memory:
//
//   - simulator.go: a [Simulator] takes steps from vector to vector, by components
//     (components.go) and openings of rounds that it has met before. step.go: what it
//     wants to know of a step.
//   - quotient.go: states that no later step can distinguish are one.
//   - renaming.go, group.go, symmetry.go, canonical.go: worlds that differ in names only
//     are one. key.go: steps after a renaming. content.go, encode.go: what states are, in bytes that are the same in each
//     process.
package engine
