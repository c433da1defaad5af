package dsl

import (
	"fmt"

	"go.starlark.net/starlark"

	"github.com/twinsh/twinsh/dsl/internal/interp"
	"github.com/twinsh/twinsh/dsl/internal/value"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/node"
)

// actFamilies are the builtins that are methods of worlds, too.
func actFamilies() []Family {
	return []Family{actsFamily(), networkFamily(), faultsFamily()}
}

// actsFamily are acts of clients, of leaders and of time. Each takes a step of one kind.
func actsFamily() Family {
	return Family{"acts", "what happens", []Entry{
		exchangeEntry(), roundEntry(), deliverEntry(), invokeEntry(), timeoutEntry(),
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
func variableFor(arg runtime.Argument) any {
	switch arg.Value.(type) {
	case []string:
		if !arg.Instances {
			return new(typeNames)
		}
		return new(interp.Names)
	case [][]string:
		return new(groups)
	case int:
		return new(int)
	case node.Operation:
		return new(value.Operation)
	}
	return new(string)
}

// typeNames is a parameter that takes a list of types of messages.
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
