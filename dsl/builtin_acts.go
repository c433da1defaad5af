package dsl

import (
	"fmt"

	"go.starlark.net/starlark"

	"github.com/twinsh/twinsh/dsl/internal/interp"
	"github.com/twinsh/twinsh/dsl/internal/value"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/node"
)

// The acts of clients, of leaders and of time, and the faults: each takes one step of one
// kind. Those that change the network stand in builtin_network.go.
//
// An act has no code of its own. The kinds of steps are data in package runtime
// (steps_clients.go, steps_rounds.go, steps_faults.go, steps_network.go), and acting reads
// off a kind which arguments it has. So an entry here says how an act is called and what it
// means to people, and nothing of what it does: that is runtime/internal/engine/play.go.
// What holds an entry and a kind together is that the names of the parameters are the names
// of the arguments: every example is run by a test, and fails if they differ. That each act
// has its plural noun, TestEveryActHasANoun checks.
//
// Each act is a builtin, which moves the session on, and a method of worlds, which does
// not: both are made of the same entry (see worldMethods), and act asks which of the two
// was called.

// actFamilies are the builtins that are methods of worlds, too: exactly those that take a
// step. What looks at a world, as state and history do, is added by worldMethods.
func actFamilies() []Family {
	return []Family{actsFamily(), networkFamily(), faultsFamily()}
}

// actsFamily are acts of clients, of leaders and of time. Each takes a step of one kind.
//
// In each of these messages may flow, or something is put in flight. What only changes the
// network or an instance is in the other two families, so that help() shows the few words
// first with which most scripts are written.
func actsFamily() Family {
	return Family{"acts", "what happens", []Entry{
		exchangeEntry(), roundEntry(), deliverEntry(), invokeEntry(), timeoutEntry(), coinEntry(),
	}}
}

func exchangeEntry() Entry {
	return Entry{
		Signature: "exchange(client, reach)",
		Doc: `A client runs the current phase of its operation with the instances in reach.
It begins the phase, or continues it if it is open. Of the reach only the ones that the topology lets it reach take part. Messages flow among them until none is left; those to others are lost, or wait if the network holds them.
If too few answer, the phase stays open and the next exchange of the client continues it.`,
		Example: kvStage + `exchange("c1", ["A", "B", "C"])
exchange("c1", ["A", "B", "D"])
show()`,
		call: acting(runtime.ExchangeStep{}),
	}
}

func roundEntry() Entry {
	return Entry{
		Signature: "round(leader, groups=None, hops=0, deaf=[], types=[])",
		Doc: `A round begins, led by all instances of an identity.
The leader first hears what was sent to the next leader. Every server learns that the round began, then messages flow inside the groups, for that many hops (0: until none is left). Instances that are deaf hear no messages of the given types in this round; a type that no role handles or sends is an error.`,
		Example: `load("@std//hotstuff.star", "hotstuff")
cluster(hotstuff())
twin("A")
round("A", [["A", "B"], ["A'", "C", "D"]])`,
		call: acting(runtime.RoundStep{}),
	}
}

func deliverEntry() Entry {
	return Entry{
		Signature: "deliver(hops=0, groups=None, deaf=[], types=[])",
		Doc: `What is in flight arrives, and what is sent in answer, for that many hops (0: until none is left).
Groups are a partition for this step only; deaf instances hear no messages of the given types.`,
		Example: kvStage + `invoke("c2", read())
deliver(hops = 1)
deliver()`,
		call: acting(runtime.DeliverStep{}),
	}
}

func invokeEntry() Entry {
	return Entry{
		Signature: "invoke(client, op)",
		Doc:       `A client begins an operation and carries it through by itself, as messages arrive; deliver lets them.`,
		Example: kvStage + `invoke("c1", write("green"))
deliver()`,
		call: acting(runtime.InvokeStep{}),
	}
}

func timeoutEntry() Entry {
	return Entry{
		Signature: "timeout(*ids, least=0)",
		Doc: `Instances wait in vain; what they send then stays in flight.
The step takes place only if each of them can time out: one that is down, or whose code refuses, cannot. With least = k it takes place if at least k of them can; to the others nothing happens.`,
		Example: kvStage + `invoke("c1", write("green"))
timeout("c1")
deliver()`,
		call: acting(runtime.TimeoutStep{}),
	}
}

// faultsFamily are acts that change one instance.
//
// The faulty behaviour that Twins is about has no act: it follows from twin() and from who
// reaches whom. These are the faults of the crash-recovery model beside it. A crash and a
// restart leave an identity correct; amnesia makes it faulty, because a replica that
// forgets what it promised breaks what the others count on.
func faultsFamily() Family {
	return Family{"faults", "what goes wrong with an instance", []Entry{
		crashEntry(), restartEntry(), amnesiaEntry(),
	}}
}

func crashEntry() Entry {
	return Entry{
		Signature: "crash(id)",
		Doc: `An instance stops; messages to it are lost.
An operation of a client that crashed may or may not take effect.`,
		Example: kvStage + `exchange("c1", ["A", "B", "C"])
crash("c1")`,
		call: acting(runtime.CrashStep{}),
	}
}

func restartEntry() Entry {
	return Entry{
		Signature: "restart(id)",
		Doc:       `An instance starts again, crashed or not, with what its protocol keeps across a restart.`,
		Example: kvStage + `crash("A")
restart("A")`,
		call: acting(runtime.RestartStep{}),
	}
}

func amnesiaEntry() Entry {
	return Entry{
		Signature: "amnesia(id)",
		Doc: `An instance loses its whole state and goes on as if it were new.
Its identity counts as faulty from then on.`,
		Example: kvStage + `exchange("c1", ["A", "B", "C"])
exchange("c1", ["A", "B", "C"])
amnesia("C")
show()`,
		call: acting(runtime.AmnesiaStep{}),
	}
}

// acting is the code of a builtin that takes a step of one kind. Its parameters
// are the arguments of the action.
//
// The parameters are unpacked in the order of the signature, which may be another than that
// of the action's fields: variables are looked up by name. Those that are not given keep
// the zero value of the kind, which is what the engine takes for "left out". A parameter
// *name takes a list argument apart, as in partition(["A"], ["B"]): it is unpacked like a
// list that was given as one, so that it makes the same errors.
//
// Nothing is validated here but types. Whether there is an instance or a type of message of
// that name, or whether groups part all servers, [runtime.Cluster.Step] says for every way
// in which a step can be made: acts, spaces, checkpoints and notation.
func acting(kind runtime.Action) func(*call) (starlark.Value, error) {
	return func(c *call) (starlark.Value, error) {
		given := map[string]any{}
		runtime.Edit(kind, func(arg runtime.Argument) any {
			given[arg.Name] = variableFor(arg)
			return arg.Value
		})
		var rest starlark.Tuple
		var variables []any
		for _, name := range c.Params() {
			if name == c.Rest() {
				variables = append(variables, &rest)
			} else {
				variables = append(variables, given[name])
			}
		}
		if err := c.Unpack(variables...); err != nil {
			return nil, err
		}
		if name := c.Rest(); name != "" {
			if err := given[name].(starlark.Unpacker).Unpack(rest); err != nil {
				return nil, fmt.Errorf("%s: %w; each is an argument of its own, as in the example of help(%q)", c.Name(), err, c.Name())
			}
		}
		return act(c, runtime.Edit(kind, func(arg runtime.Argument) any {
			switch v := given[arg.Name].(type) {
			case *string:
				return *v
			case *interp.Names:
				return []string(*v)
			case *typeNames:
				return []string(*v)
			case *groups:
				return [][]string(*v)
			case *faces:
				return runtime.Faces(*v)
			case *int:
				return *v
			case *value.Operation:
				return node.Operation(*v)
			}
			return arg.Value
		}))
	}
}

// variableFor returns a variable for an argument, of a type that [interp.Call.Unpack] takes.
//
// Integers, operations and partitions have one type of Go each. A list of strings is either
// of instances or of types of messages: what it was meant to be differs in what an error
// suggests, so that it has two. Anything else is a single name.
func variableFor(arg runtime.Argument) any {
	switch arg.Value.(type) {
	case []string:
		if !arg.Instances {
			return new(typeNames)
		}
		return new(interp.Names)
	case [][]string:
		return new(groups)
	case runtime.Faces:
		return new(faces)
	case int:
		return new(int)
	case node.Operation:
		return new(value.Operation)
	}
	return new(string)
}

// typeNames is a parameter that takes a list of types of messages.
//
// One string would be unpacked as an error of its letters, and is by far the likeliest
// mistake, since drop and duplicate take one type and deaf takes several.
type typeNames []string

// Unpack implements [starlark.Unpacker].
func (n *typeNames) Unpack(v starlark.Value) error {
	if kind, ok := starlark.AsString(v); ok {
		return fmt.Errorf("got the string %q, want a list of types of messages, as in [%q]", kind, kind)
	}
	return (*interp.Names)(n).Unpack(v)
}

// act takes a step. In a script it moves the session; on a world value it
// leaves that world as it was. Either way it returns the next world.
//
// It checks, in this order: that there is a world to act in, and that the code which calls
// may look at it (an invariant may not look at the session's, see outside); that the action
// makes sense in the cluster; and that it can happen in this world, which playing it finds
// out. An error of any of these leaves the session as it was. The session is moved last,
// when nothing can fail any more.
//
// It takes as long as the step, which ends with the context of the script.
func act(c *call, action runtime.Action) (starlark.Value, error) {
	w, err := worldOf(c)
	if err != nil {
		return nil, err
	}
	step, err := w.Cluster().Step(action)
	if err != nil {
		return nil, err
	}
	next, err := w.DoContext(interp.ContextOf(c.Thread), step)
	if err != nil {
		return nil, err
	}
	took(c, next)
	if c.Receiver() == nil {
		s, err := moving(c)
		if err != nil {
			return nil, err
		}
		s.at(next)
	}
	return &worldValue{World: next}, nil
}
