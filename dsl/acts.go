package dsl

import (
	"fmt"

	"go.starlark.net/starlark"

	"github.com/twinsh/twinsh/runtime"
)

// act takes a step. In a script it moves the session; on a world value it
// leaves that world as it was. Either way it returns the next world.
func (c *call) act(makeStep func(*runtime.Cluster) (runtime.Step, error)) (starlark.Value, error) {
	w, err := c.world()
	if err != nil {
		return nil, err
	}
	step, err := makeStep(w.Cluster())
	if err != nil {
		return nil, err
	}
	next, err := w.DoContext(contextOf(c.thread), step)
	if err != nil {
		return nil, err
	}
	c.took(next)
	if c.receiver == nil {
		s, err := c.moving()
		if err != nil {
			return nil, err
		}
		s.at(next)
	}
	return &worldValue{World: next}, nil
}

// kvStage is how the examples of acts begin.
const kvStage = `load("@std//kv.star", "kv", "read", "write")
cluster(kv(), clients = {"c1": [write("red")], "c2": [read()]})
`

// actFamilies are the builtins that are methods of worlds, too.
func actFamilies() []Family {
	return []Family{
		{"acts", "what happens", actsFamily()},
		{"network", "who reaches whom", networkFamily()},
		{"faults", "what goes wrong with an instance", faultsFamily()},
	}
}

func actsFamily() []Entry {
	return []Entry{{
		Signature: "exchange(client, reach)",
		Doc: `A client runs the current phase of its operation with the instances in reach.
It begins the phase, or continues it if it is open. Of the reach only the ones that the topology lets it reach take part. Messages flow among them until none is left; those to others are lost, or wait if the network holds them.
If too few answer, the phase stays open and the next exchange of the client continues it.`,
		Example: kvStage + `exchange("c1", ["A", "B", "C"])
exchange("c1", ["A", "B", "D"])
show()`,
		call: func(c *call) (starlark.Value, error) {
			var client string
			var reach names
			if err := c.unpack(&client, &reach); err != nil {
				return nil, err
			}
			return c.act(func(cl *runtime.Cluster) (runtime.Step, error) { return cl.Exchange(client, reach) })
		},
	}, {
		Signature: "round(leader, groups=None, hops=0, deaf=[], types=[])",
		Doc: `A round begins, led by all instances of an identity.
The leader first hears what was sent to the next leader. Every server learns that the round began, then messages flow inside the groups, for that many hops (0: until none is left). Instances that are deaf hear no messages of the given types in this round; a type that no role handles or sends is an error.`,
		Example: `load("@std//hotstuff.star", "hotstuff")
cluster(hotstuff())
twin("A")
round("A", [["A", "B"], ["A'", "C", "D"]])`,
		call: func(c *call) (starlark.Value, error) {
			var leader string
			var p phaseArgs
			if err := c.unpack(&leader, &p.groups, &p.hops, &p.deaf, &p.types); err != nil {
				return nil, err
			}
			return c.act(func(cl *runtime.Cluster) (runtime.Step, error) {
				phase, err := p.phase(cl, c.Name())
				if err != nil {
					return runtime.Step{}, err
				}
				return cl.Round(leader, phase)
			})
		},
	}, {
		Signature: "deliver(hops=0, groups=None, deaf=[], types=[])",
		Doc: `What is in flight arrives, and what is sent in answer, for that many hops (0: until none is left).
Groups are a partition for this step only; deaf instances hear no messages of the given types.`,
		Example: kvStage + `invoke("c2", read())
deliver(hops = 1)
deliver()`,
		call: func(c *call) (starlark.Value, error) {
			var p phaseArgs
			if err := c.unpack(&p.hops, &p.groups, &p.deaf, &p.types); err != nil {
				return nil, err
			}
			return c.act(func(cl *runtime.Cluster) (runtime.Step, error) {
				phase, err := p.phase(cl, c.Name())
				if err != nil {
					return runtime.Step{}, err
				}
				return cl.Deliver(phase)
			})
		},
	}, {
		Signature: "invoke(client, op)",
		Doc:       `A client begins an operation and carries it through by itself, as messages arrive; deliver lets them.`,
		Example: kvStage + `invoke("c1", write("green"))
deliver()`,
		call: func(c *call) (starlark.Value, error) {
			var client string
			var op operation
			if err := c.unpack(&client, &op); err != nil {
				return nil, err
			}
			return c.act(func(cl *runtime.Cluster) (runtime.Step, error) { return cl.Invoke(client, runtime.Operation(op)) })
		},
	}, {
		Signature: "timeout(*ids)",
		Doc:       `Instances wait in vain; what they send then stays in flight.`,
		Example: kvStage + `invoke("c1", write("green"))
timeout("c1")
deliver()`,
		call: func(c *call) (starlark.Value, error) {
			var args starlark.Tuple
			if err := c.unpack(&args); err != nil {
				return nil, err
			}
			var ids names
			if err := ids.Unpack(args); err != nil {
				return nil, fmt.Errorf("timeout: ids: %w", err)
			}
			return c.act(func(cl *runtime.Cluster) (runtime.Step, error) { return cl.Timeout(ids...) })
		},
	}}
}

// groups is a parameter that takes a partition: a list of lists of names.
type groups [][]string

// Unpack implements [starlark.Unpacker].
func (g *groups) Unpack(v starlark.Value) error {
	list, ok := v.(starlark.Iterable)
	if !ok {
		return fmt.Errorf(`got %s, want a list of groups, as in [["A", "B"], ["C"]]`, v.Type())
	}
	*g = groups{}
	for e := range starlark.Elements(list) {
		var group names
		if err := group.Unpack(e); err != nil {
			return err
		}
		*g = append(*g, group)
	}
	return nil
}

// phaseArgs are the arguments of acts in which messages flow.
type phaseArgs struct {
	groups groups
	hops   int
	deaf   names
	types  names
}

func (p *phaseArgs) phase(cl *runtime.Cluster, act string) (runtime.Phase, error) {
	phase := runtime.Phase{Hops: p.hops, Types: p.types}
	if p.groups != nil {
		var err error
		if phase.Parts, err = cl.Parts(act, p.groups); err != nil {
			return phase, err
		}
	}
	for _, id := range p.deaf {
		i, err := cl.Instance(id)
		if err != nil {
			return phase, fmt.Errorf("%s: deaf: %w", act, err)
		}
		phase.Deaf |= runtime.Of(i)
	}
	return phase, nil
}

// onOne makes the entry of an act that happens to one instance.
func onOne(signature, doc, example string, step func(*runtime.Cluster, string) (runtime.Step, error)) Entry {
	return Entry{Signature: signature, Doc: doc, Example: example, call: func(c *call) (starlark.Value, error) {
		var id string
		if err := c.unpack(&id); err != nil {
			return nil, err
		}
		return c.act(func(cl *runtime.Cluster) (runtime.Step, error) { return step(cl, id) })
	}}
}

func faultsFamily() []Entry {
	return []Entry{
		onOne("crash(id)", `An instance stops; messages to it are lost.
An operation of a client that crashed may or may not take effect.`,
			kvStage+`exchange("c1", ["A", "B", "C"])
crash("c1")`, (*runtime.Cluster).Crash),
		onOne("restart(id)", `An instance starts again, crashed or not, with what its protocol keeps across a restart.`,
			kvStage+`crash("A")
restart("A")`, (*runtime.Cluster).Restart),
		onOne("amnesia(id)", `An instance loses its whole state and goes on as if it were new.
Its identity counts as faulty from then on.`,
			kvStage+`exchange("c1", ["A", "B", "C"])
exchange("c1", ["A", "B", "C"])
amnesia("C")
show()`, (*runtime.Cluster).Amnesia),
	}
}
