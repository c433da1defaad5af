// Package adversary writes random scripts and knows what is true of them.
//
//	Draw      draws a Case: a protocol, a system, a start, a space, properties   draw.go
//	          half of them of any kind (draw_code.go, draw_space.go), the others
//	          such that a certain mistake would show                             shape.go, draw_good.go, draw_objects.go
//	          and now and then with coins                                        coins.go
//	          or with properties that promise something for few faults only      promises.go
//	Case      is the script, in parts that can be taken away one by one          adversary.go
//	          its space, and what that lists                                     space.go
//	Play      plays a scenario, delivery by delivery                             player.go
//	Judge     judges every scenario of the space one by one                      judge.go
//	          what comes about in a good network                                 good.go
//	          what operations on objects returned                                conditions.go, objects.go
//	Smaller   lists what a case is without one of its parts                      smaller.go
//	Changed   draws a case that differs in one option                            changed.go
//
// It is the other side of a comparison, so it shares nothing with what it is
// compared with: it has its own self, messages, signatures, delivery, spaces
// and properties, and remembers, merges and leaves out nothing. All that it
// takes from elsewhere is the interpreter of Starlark.
//
// # How it is used
//
// TestDifferential of package dsl draws cases by seed, lets Judge find out what is true of
// each, and runs the script of the case in every way that the language has of searching:
// with and without symmetry, by one worker and several, resumed, in shards, sampled,
// shrunk. Any difference is a bug, of the one side or the other; Smaller makes the case
// small before it is shown. This is differential testing (McKeeman, "Differential Testing
// for Software", 1998) with generated programs, as Csmith does it for compilers (Yang et
// al., PLDI 2011). So a new noun, step or property is not done before it is drawn here,
// too.
//
// # What it must not do
//
// It must be obviously right rather than fast: worlds are copied, orders are tried, spaces
// are lists. It must not take a short cut that the other side takes, or both could be wrong
// in the same way; not even helpers are shared. And it must be the same for each seed, as a
// seed is how a failure is reported: nothing in it iterates over a map where the order
// matters.
package adversary
