package runtime

import (
	"fmt"
	"strings"

	"github.com/twinsh/twinsh/runtime/internal/engine"
	"github.com/twinsh/twinsh/runtime/node"
)

var clientKinds = []Action{ExchangeStep{}, InvokeStep{}, TimeoutStep{}}

// An ExchangeStep lets a client begin or continue the current phase of its current
// operation with exactly the server instances in its reach, as far as the topology
// lets it reach them. It runs until nothing is in flight among them.
type ExchangeStep struct {
	Client string   // an instance
	Reach  []string // instances of servers
}

func (a ExchangeStep) Name() string   { return "exchange" }
func (a ExchangeStep) String() string { return notation(a) }
func (a ExchangeStep) Title() string  { return a.Client + " → " + strings.Join(a.Reach, " ") }

func (a ExchangeStep) edit(e editor) Action {
	a.Client = required(e, "client", ofInstances, a.Client)
	a.Reach = required(e, "reach", ofInstances, a.Reach)
	return a
}

func (a ExchangeStep) bind(c *Cluster) (Action, engine.Move, error) {
	client, err := c.client(a.Client)
	if err != nil {
		return nil, nil, err
	}
	reach, err := c.set(a.Reach)
	if err != nil {
		return nil, nil, fmt.Errorf("reach: %w", err)
	}
	if reach == 0 {
		return nil, nil, fmt.Errorf("the reach of %s is empty; name the servers that take part", a.Client)
	}
	if bad := reach &^ c.Servers(); bad != 0 {
		return nil, nil, fmt.Errorf("reach: %s is a client; a client exchanges with servers (%s)", c.Names(bad)[0], strings.Join(c.Names(c.Servers()), ", "))
	}
	a.Reach = c.Names(reach)
	return a, engine.Exchange(client, reach), nil
}

// An InvokeStep lets a client begin an operation and send its first messages.
// They, and whatever follows, travel in later steps; see [DeliverStep].
type InvokeStep struct {
	Client string // an instance
	Op     node.Operation
}

func (a InvokeStep) Name() string   { return "invoke" }
func (a InvokeStep) String() string { return notation(a) }
func (a InvokeStep) Title() string  { return a.Client + " begins " + a.Op.String() }

func (a InvokeStep) edit(e editor) Action {
	a.Client = required(e, "client", ofInstances, a.Client)
	a.Op = required(e, "op", ofOthers, a.Op)
	return a
}

func (a InvokeStep) bind(c *Cluster) (Action, engine.Move, error) {
	client, err := c.client(a.Client)
	if err != nil {
		return nil, nil, err
	}
	if bad := engine.Unsound(a.Op.Arg); bad != "" {
		return nil, nil, fmt.Errorf("%s: an argument of type %T %s", a.Op.Name, a.Op.Arg, bad)
	}
	return a, engine.Invoke(c.system, client, a.Op), nil
}

// A TimeoutStep lets instances wait in vain. What they send stays in flight.
type TimeoutStep struct {
	IDs []string // instances
	// Least is how many of them must be able to time out; to the others nothing
	// happens. 0 means all of them.
	Least int
}

func (a TimeoutStep) Name() string   { return "timeout" }
func (a TimeoutStep) String() string { return notation(a) }
func (a TimeoutStep) Title() string {
	text := verb(a.IDs, "times out", "time out")
	if a.Least > 0 {
		text += ", those that can"
	}
	return text
}

func (a TimeoutStep) edit(e editor) Action {
	a.IDs = required(e, "ids", ofInstances, a.IDs)
	a.Least = optional(e, "least", ofOthers, a.Least)
	return a
}

func (a TimeoutStep) bind(c *Cluster) (Action, engine.Move, error) {
	ids, err := c.instances("ids", a.IDs)
	if err != nil {
		return nil, nil, err
	}
	a.IDs = c.Names(ids)
	switch all := ids.Len(); {
	case a.Least < 0 || a.Least > all:
		return nil, nil, fmt.Errorf("least is %d, want 1 to %d, or none for all", a.Least, all)
	case a.Least == 0:
		return a, engine.Timeout(ids, all), nil
	case a.Least == all:
		a.Least = 0 // one way to write it
		return a, engine.Timeout(ids, all), nil
	}
	return a, engine.Timeout(ids, a.Least), nil
}

// verb says what one or several do.
func verb(ids []string, one, many string) string {
	if len(ids) == 1 {
		return ids[0] + " " + one
	}
	return strings.Join(ids, " ") + " " + many
}
