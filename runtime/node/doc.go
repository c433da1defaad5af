// Package node is what an author of a node imports: the words between the code of one
// replica or client and the simulation that plays it. It simulates nothing itself.
//
// # How to write a node
//
//   - A [Protocol] makes the nodes of a cluster. Each is given a [Self]: its identity,
//     and who the servers are. It does not learn whether it is a twin.
//   - A [Node] has one method, [Node.React], which is called with an [Event]: a
//     [Message] arrived, a [Round] began, a client is to begin an [Operation], the node
//     waited in vain. What the node sends ([Reaction.Send], [Reaction.Broadcast]) and
//     what a property may see of it ([Reaction.Decided], [Reaction.Returned]) goes to
//     the [Reaction]; so does the refusal of an event that cannot happen to it now.
//   - Messages are values that Go compares without following a pointer.
//   - That is enough. A node that has a [State] besides is searched much faster.
//
// What a node or a protocol can do more, it says by a method: keep part of its state
// across a restart ([Restarter]), show its state ([Inspector]), treat identities the
// same ([Symmetric], [ClientSymmetric], with [Renamer] and [RenamedValue]) or round
// numbers ([Rebaser]), react to moments of a step ([Attentive]), read coins ([Randomized]), never abort an operation ([Committing]), tolerate crashes only ([CrashTolerant]), list the types of its messages ([Typed]) or say how they read
// ([Labeler]).
//
// A test drives a node by hand: it hands the zero [Reaction] to React and reads from it
// what was sent and observed, as the example does.
//
// # If you know etcd's raft
//
// Its RawNode is driven in the same way, by a program that owns time and transport. Here
// that is the simulation:
//
//	raft                              here
//	RawNode.Step(m)                   React with a MessageEvent
//	RawNode.Tick, an election timeout React with a TimeoutEvent, once for a whole time out
//	RawNode.Propose                   React with an InvokeEvent of a client, or Round.Input
//	Ready.Messages                    Reaction.Send, Reaction.Broadcast
//	Ready.CommittedEntries            Reaction.Decided, a slot for each index
//	Storage, HardState                what Restart leaves; see Restarter
//	Status, BasicStatus               Summary and Fields; see Inspector
//	ErrProposalDropped                Reaction.Refuse
//	a panic of logger.Panicf          Reaction.Fail, or a panic: both are findings
//	globalRand.Intn                   Reaction.Coin, as the scenario has thrown it
//
// What is sent in one reaction is on its way when it ends; there is no Advance. A node is
// not asked whether it is ready, and reads no clock: an election timeout happens when a
// step says so. Configuration changes are messages and state of the protocol.
//
// # Words for all
//
// An [Observation] is what a property may see of a node, a [Failure] how its code
// failed. An [Identity] is a name with one address and one key, an [Instance] one
// running copy of its code, a [Set] a set of instances. [Text] shows values to people.
package node
