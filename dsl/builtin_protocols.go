package dsl

import (
	"fmt"
	"slices"

	"go.starlark.net/starlark"

	"github.com/twinsh/twinsh/dsl/internal/interp"
	"github.com/twinsh/twinsh/dsl/internal/role"
	"github.com/twinsh/twinsh/dsl/internal/spell"
	"github.com/twinsh/twinsh/dsl/internal/value"
)

// What scripts write protocols with: roles, protocols of roles, signatures and operations.
// The nodes themselves, self and the checks of roles are in dsl/internal/role, what nodes
// keep and send in dsl/internal/value; here are the names that scripts call.
//
// Signatures are symbolic, as in the model of Dolev and Yao ("On the Security of Public Key
// Protocols", 1983): a signed value is a value of a type of its own that self.sign makes
// and nothing else does. No key is searched for and no computation is spent; that none can
// be forged is a fact of the language (TestNoForgery). verify and combine are pure, so that
// handlers may call them, and so is operation.

// protocolsFamily is for protocols that are written in a script.
func protocolsFamily() Family {
	return Family{"protocols", "what the nodes run", []Entry{
		roleEntry(), messageEntry(), protocolEntry(), verifyEntry(), combineEntry(), digestEntry(), operationEntry(),
	}}
}

// One example serves role and protocol: neither can be shown without the other.
const echoExample = `def on_exchange(self):
    self.broadcast("hello", by = self.id)

def on_hello(self, m):
    self.heard = m.by

echo = protocol("echo", replica = role(on_hello = on_hello), client = role(on_exchange = on_exchange))
cluster(echo, n = 1, f = 0, clients = {"c": []})
exchange("c", ["A"])
print(state("A").heard)`

// What its documentation says of the attributes of self and of what may be kept is the
// contract between a script and dsl/internal/role; the limits and the reasons stand there.
func roleEntry() Entry {
	return Entry{
		Signature: "role(init=None, show=None, label={}, rebase=None, persistent=[], handlers={}, **on)",
		Doc: `The code of replicas or of clients.
It is functions that are called with self when something happens to a node.
on_round(self, round), on_timeout(self), on_exchange(self), on_invoke(self, op), on_hop(self, k), on_quiet(self), and on_<type>(self, m) for messages of that type, as keywords or as handlers = {type: function}. init(self) sets the first state; they return nothing. show(self) returns a few words on the state for people; what they mean is said in its docstring, which pictures show. label is a dict from message type to a function of a message, without a sender, that returns how it reads in pictures, as in {"vote": lambda m: "vote for " + m.value}; show("messages", full = True) writes what it says in full. rebase(self, by) subtracts by from each round number in the state; it promises that only differences of round numbers matter, and lets live() prove loops. Inputs that the state keeps stay as they are, or go through rebase_input of @std//rounds.star, all of them.
on_hop runs before each hop of a round, a delivery or an exchange in which something arrives among those with whom the node is connected; k is 1 for the first. on_quiet runs when nothing is in flight among them (any more), be it at the beginning or at the end, and again only after something was. What it sends flows on; a node that sends something at each quiet moment never falls silent, which is a failure.
The attributes of self are the state: None, bool, int, float, string, bytes, list, tuple, dict, set, struct, operations, digests and signed values. A restart keeps those named in persistent. Two attributes that hold one list hold two once the handler has ended.
self also has these names, which the state cannot use: self.id, self.n, self.f, self.replicas (the identities of all servers), self.program (the operations of a client, a tuple) and self.next_leader (see round); and to act, self.send(to, type, **fields), self.broadcast(type, **fields), self.decide(slot, value), self.invoked(op), self.returns(value), self.fails(reason), self.refuse(why), self.sign(value), self.log(text) and self.coin(name), which returns what a coin shows that the scenario has thrown (see coin). self.refuse(why) says that what the handler was called for cannot happen here: the step does not take place. What a handler prints or logs stands in pictures with what it did. A slot is an integer.
returns(value) ends the operation that was invoked(op). fails(reason) ends one that did not happen and never will, as a write that was aborted: no order of the operations has it. Of one that may have happened neither is said. To end one when none is under way, or to begin one amid another, is a failure of the code.
A message m has m.sender, m.type and its fields, which are given by name, or by position where the type is a message(…); a round has round.number, round.leader and round.input.
The input is what this instance may propose: "1a" in round 1, "1b" for the twin of its leader, "2a" in round 2; "" if it does not lead. No two inputs of a scenario are equal, so that leaders agree only if the protocol makes them.
Handlers must depend on nothing but self and what happened, because each runs once for each different state and event. Global variables that they use cannot be changed any more once the system is set up.`,
		Example: echoExample,
		call:    callRole,
	}
}

// callRole takes its arguments apart itself, because on_… are parameters that no signature
// lists: [role.New] says which names there can be, looks whether each function can be
// called as its event calls it, and finds the nearest name for one that is misspelt. The
// place of the call goes along, for failures of nodes that have no handler.
func callRole(c *call) (starlark.Value, error) {
	if len(c.Args) > 0 {
		return nil, fmt.Errorf("role: functions are given by keyword, as in role(on_round = on_round)")
	}
	return role.New(interpreter(c).scripts, c.Kwargs, c.Place())
}

func messageEntry() Entry {
	return Entry{
		Signature: "message(type, *fields)",
		Doc: `A type of messages with a signature: the names of its fields in order.
It stands where the name of a type does: self.send(to, vote, 1, "x") and self.broadcast(vote, 1, value = "x") give fields by position or by name, each of them once, and handlers and label of a role take it as a key.`,
		Example: `vote = message("vote", "view", "value")

def on_round(self, round):
    if round.leader == self.id:
        self.broadcast(vote, round.number, round.input)

def on_vote(self, m):
    self.decide(m.view, m.value)

cluster(protocol("p", role(on_round = on_round, handlers = {vote: on_vote}, label = {vote: lambda m: "vote for " + m.value})), n = 1, f = 0)
round("A")
show("messages")`,
		pure: true,
		call: callMessage,
	}
}

// callMessage is pure, as handlers may make a signature, too; two with one name and the
// same fields mean the same.
func callMessage(c *call) (starlark.Value, error) {
	var name string
	var given starlark.Tuple
	if err := c.Unpack(&name, &given); err != nil {
		return nil, err
	}
	var fields interp.Names
	if err := fields.Unpack(given); err != nil {
		return nil, fmt.Errorf("message: fields: %w", err)
	}
	k, err := value.NewKind(name, fields)
	if err != nil {
		return nil, fmt.Errorf("message: %w", err)
	}
	return k, nil
}

// What a protocol may tolerate, as scripts say it.
const (
	byzantineFaults = "byzantine"
	crashFaults     = "crash"
)

func protocolEntry() Entry {
	return Entry{
		Signature: `protocol(name, replica, client=None, symmetric=False, tolerates="byzantine", coins=[])`,
		Doc: `A protocol whose nodes are written in the script.
With symmetric = True it promises that it treats identities the same, so that a search may take scenarios that differ only in names for one.
tolerates says which faults of servers it is made for. With "byzantine" a system has 3f+1 servers if nothing else is said, of which up to f may be faulty in any way. With "crash" it has 2f+1, of which up to f may crash, and a quorum is a majority. Crashes, restarts and lost messages are no other faults; where an identity has twins, runs other code or lost its memory, such a protocol promises nothing, and verdicts say so: "beyond crash faults: C has twins".
coins lists what a coin may show to code that reads one by self.coin(name), 1,024 values at most; the scenario throws it, see coin.`,
		Example: echoExample,
		call:    callProtocol,
	}
}

// callProtocol refuses a client that nothing can begin: it would be silent in every
// scenario, and all properties of operations would hold without a test. Nothing is frozen
// and no handler runs yet; that comes with the first node (see role.Protocol). What the
// functions see is noted for scripts that are written.
func callProtocol(c *call) (starlark.Value, error) {
	var name string
	var replica, client *role.Role
	var symmetric bool
	var coins faces
	tolerates := byzantineFaults
	if err := c.Unpack(&name, &replica, &client, &symmetric, &tolerates, &coins); err != nil {
		return nil, err
	}
	if tolerates != byzantineFaults && tolerates != crashFaults {
		return nil, fmt.Errorf("protocol: tolerates is %q%s, want %q or %q", tolerates, spell.Hint(tolerates, []string{byzantineFaults, crashFaults}), byzantineFaults, crashFaults)
	}
	if client != nil && !client.Begins() {
		return nil, fmt.Errorf("protocol: client: the role has neither on_exchange nor on_invoke, so that its clients can do nothing; it has %s", client.Handlers())
	}
	for i, v := range coins {
		if slices.Contains(coins[:i], v) {
			return nil, fmt.Errorf("protocol: coins: %s stands twice in the list", value.FromGo(v))
		}
	}
	var handlers []starlark.Value
	for _, h := range append(replica.Functions(), client.Functions()...) {
		handlers = append(handlers, h)
	}
	promises := role.Promises{Symmetric: symmetric, Crashes: tolerates == crashFaults, Coins: coins}
	p := role.NewProtocol(interpreter(c).scripts, name, replica, client, promises)
	return &protocolValue{p, name, interp.Makings(c, handlers...)}, nil
}

// verify and combine are functions and not methods of a signed value, because what a
// handler was sent need not be one: verify(m.proof, by = …) is False for None, where
// m.proof.verify would fail.
func verifyEntry() Entry {
	return Entry{
		Signature: "verify(signed, by)",
		Doc: `Whether a value was signed by an identity.
If by is a number, whether it was signed by that many identities together (see combine). Only self.sign and combine make signed values, so no one can forge one. A signed value has value and signer, which is an identity or a number.`,
		Example: `print(verify("not signed at all", by = "A"))`,
		pure:    true,
		call:    callVerify,
	}
}

// callVerify answers False for what is no signed value, whatever it is: a handler verifies
// what it was sent, and that may be anything. That by is neither an identity nor a number
// is a mistake in the handler itself, and an error. A certificate of three is not one of
// two, as with threshold schemes, whose number is fixed.
func callVerify(c *call) (starlark.Value, error) {
	var v, by starlark.Value
	if err := c.Unpack(&v, &by); err != nil {
		return nil, err
	}
	if !value.IsSigner(by) {
		return nil, fmt.Errorf("verify: by is %s, want an identity or a number of them", article(by))
	}
	s, ok := v.(*value.Signed)
	if !ok {
		return starlark.False, nil
	}
	equal, err := starlark.Equal(s.Signer, by)
	return starlark.Bool(equal), err
}

func combineEntry() Entry {
	return Entry{
		Signature: "combine(signed, count)",
		Doc: `Makes a certificate: one value that count identities signed together, of values that each of them signed.
It is a threshold signature: the result says that so many signed, but not who did. None if too few did.`,
		Example: `print(combine([], count = 3))`,
		pure:    true,
		call:    callCombine,
	}
}

// callCombine returns None for too few signatures, which in a protocol is the usual case:
// the handler asks each time a vote comes in. The list may hold several of one signer, who
// counts once. See [value.Combine] for what is refused.
func callCombine(c *call) (starlark.Value, error) {
	var list starlark.Iterable
	var count int
	if err := c.Unpack(&list, &count); err != nil {
		return nil, err
	}
	if count < 1 {
		return nil, fmt.Errorf("combine: count is %d, want 1 or more", count)
	}
	s, err := value.Combine(list, count)
	switch {
	case err != nil:
		return nil, fmt.Errorf("combine: %w", err)
	case s == nil:
		return starlark.None, nil
	}
	return s, nil
}

func digestEntry() Entry {
	// What digests stand for is kept as long as this function is, and so as long as the
	// protocols whose code calls it.
	kept := new(value.Digests)
	return Entry{
		Signature: "digest(value)",
		Doc: `What stands for a value as its cryptographic hash does.
Digests are equal if the values are, and there is no way from one to the value: who is given a digest has to be sent the value, too, and compares digest(value). A digest takes 17 bytes in a state or a message, however large the value is, so that a block names its parent by it. It may be a key of a dict, be signed and be decided. It is symbolic, as signatures are: pictures say of what it is the digest, and no two values have one.`,
		Example: `genesis = ("block", 0, None)
child = ("block", 1, digest(genesis))
print(digest(child))
print(child[2] == digest(("block", 0, None)), child[2] == digest(child))`,
		pure: true,
		call: func(c *call) (starlark.Value, error) { return callDigest(c, kept) },
	}
}

// callDigest refuses what cannot be kept, since a digest is made of the encoding. Two
// sessions may share what digests stand for, but never depend on each other: equal values
// have one digest anywhere.
func callDigest(c *call, kept *value.Digests) (starlark.Value, error) {
	var v starlark.Value
	if err := c.Unpack(&v); err != nil {
		return nil, err
	}
	d, err := kept.Of(v)
	if err != nil {
		return nil, fmt.Errorf("digest: the value %w", err)
	}
	return d, nil
}

// It is the only way to an operation, so that what read(), write("red") and cas(old = 1,
// new = 2) make in different modules is one thing to a protocol in Go, to properties and to
// models.
func operationEntry() Entry {
	return Entry{
		Signature: "operation(name, arg=None, **args)",
		Doc: `Something that a client can be asked to do.
Modules make their operations with it: write("red") of @std//kv.star is operation("write", "red").
It has the attributes name and arg. The argument is None, a bool, an int, a float or a string. Several of them are given by name; arg is a struct of them then, as in op.arg.old.`,
		Example: `op = operation("write", "red")
print(op, op.name, op.arg)
op = operation("cas", old = 1, new = 2)
print(op, op.arg.old, op.arg.new)`,
		pure: true,
		call: callOperation,
	}
}

// callOperation takes one argument without a name or several with names, never both, since
// op.arg is then either the value or a struct. Arguments are values that nodes in Go can
// compare, so that an operation means the same to kvproto and to a role.
func callOperation(c *call) (starlark.Value, error) {
	var name string
	var arg plain
	var args []starlark.Tuple
	if err := c.Unpack(&name, &arg, &args); err != nil {
		return nil, err
	}
	if arg.value != nil && args != nil {
		return nil, fmt.Errorf("operation: %s has an argument without a name and others with one; give each a name", name)
	}
	all, err := value.Argument(arg.value, args)
	if err != nil {
		return nil, fmt.Errorf("operation: %w", err)
	}
	return value.Operation{Name: name, Arg: all}, nil
}
