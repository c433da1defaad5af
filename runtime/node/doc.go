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
// numbers ([Rebaser]), react to moments of a step ([Attentive]), list the types of its messages ([Typed]) or say how they read
// ([Labeler]).
//
// A test drives a node by hand: it hands the zero [Reaction] to React and reads from it
// what was sent and observed, as the example does.
//
// # Words for all
//
// An [Observation] is what a property may see of a node, a [Failure] how its code
// failed. An [Identity] is a name with one address and one key, an [Instance] one
// running copy of its code, a [Set] a set of instances. [Text] shows values to people.
package node
