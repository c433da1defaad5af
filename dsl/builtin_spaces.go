package dsl

import (
	"fmt"
	"math/big"
	"strings"

	"go.starlark.net/starlark"

	"github.com/twinsh/twinsh/dsl/internal/guard"
	"github.com/twinsh/twinsh/dsl/internal/role"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/space"
)

// spacesFamily are the plural nouns: each makes the space of single steps of a kind. Those
// of rounds and of the network stand in files of their own.
func spacesFamily() Family {
	return Family{"spaces", "what may happen", []Entry{
		exchangesEntry(), quorumsEntry(), subsetsEntry(), crashesEntry(), restartsEntry(), amnesiasEntry(), timeoutsEntry(), stepsEntry(),
		roundsEntry(), deliveriesEntry(),
		partitionsEntry(), duplicatesEntry(), releasesEntry(), ordersEntry(),
	}}
}

func exchangesEntry() Entry {
	return Entry{
		Signature: "exchanges(clients=None, reach=None)",
		Doc: `The space of all single exchanges of a client with a reach.
Without clients it is all of them, without reach quorums().
a + b is a and then b, a | b is a or b, a * n is n times a. A space has a size, at(i), distinct(n) and constant(n), and can be iterated.
Of scenarios that differ only in names of interchangeable servers, space.orbits is the number up to names, and representatives(max) lists the first of each kind.`,
		Example: kvStage + `s = exchanges(reach = subsets(max = 3)) * 6
print(s.size, s.at(0))`,
		call: callExchanges,
	}
}

func callExchanges(c *call) (starlark.Value, error) {
	var clients oneOrMore
	var reach groups
	if err := c.Unpack(&clients, &reach); err != nil {
		return nil, err
	}
	w, err := here(c)
	if err != nil {
		return nil, err
	}
	cl := w.Cluster()
	if clients == nil {
		if clients = cl.Names(cl.Clients()); len(clients) == 0 {
			return nil, fmt.Errorf("exchanges: %s", withoutClients(cl))
		}
	}
	if reach == nil {
		quorum := quorumOf(cl)
		if err := space.Listable(space.CountSubsets(cl, quorum, quorum), "quorums"); err != nil {
			return nil, fmt.Errorf("exchanges: %w", err)
		}
		for _, set := range space.Quorums(cl, quorum) {
			reach = append(reach, cl.Names(set))
		}
	}
	if err := space.Listable(product(len(clients), len(reach)), "exchanges"); err != nil {
		return nil, fmt.Errorf("exchanges: %w; give fewer clients or reaches", err)
	}
	var steps []runtime.Step
	for _, client := range clients {
		for _, r := range reach {
			s, err := cl.Step(runtime.ExchangeStep{Client: client, Reach: r})
			if err != nil {
				return nil, fmt.Errorf("exchanges: %w", err)
			}
			steps = append(steps, s)
		}
	}
	return named(c, steps), nil
}

// withoutClients says why a system has no clients, and what it has instead.
func withoutClients(cl *runtime.Cluster) string {
	p := cl.Config().Protocol.(*protocolValue)
	if script, ok := p.Protocol.(*role.Protocol); ok && !script.HasClients() {
		return fmt.Sprintf("the protocol %s has no clients; what happens to it are rounds(…), and acts on single replicas such as timeouts(…)", p.Name())
	}
	return `no client is in the system; cluster takes them, as in cluster(…, clients = {"c1": [read()]})`
}

func quorumsEntry() Entry {
	return Entry{
		Signature: "quorums(size=None)",
		Doc: `The reaches of that many server identities (default 2f+1), as lists of instances.
Each twinned identity takes part with any of its instances or with several.`,
		Example: kvStage + `print(quorums())`,
		call:    callQuorums,
	}
}

func callQuorums(c *call) (starlark.Value, error) {
	size := -1
	if err := c.Unpack(&size); err != nil {
		return nil, err
	}
	w, err := here(c)
	if err != nil {
		return nil, err
	}
	if size < 0 {
		size = quorumOf(w.Cluster())
	}
	return reaches(c, w.Cluster(), size, size)
}

// quorumOf returns the size of a quorum if a script does not say: 2f+1.
func quorumOf(cl *runtime.Cluster) int { return min(2*cl.Config().F+1, cl.Config().N) }

func subsetsEntry() Entry {
	return Entry{
		Signature: "subsets(min=1, max=None)",
		Doc:       `The reaches of min to max server identities (default: all), as lists of instances, as quorums.`,
		Example:   kvStage + `print(len(subsets(max = 3)))`,
		call:      callSubsets,
	}
}

func callSubsets(c *call) (starlark.Value, error) {
	least, most := 1, -1
	if err := c.Unpack(&least, &most); err != nil {
		return nil, err
	}
	w, err := here(c)
	if err != nil {
		return nil, err
	}
	if most < 0 {
		most = w.Cluster().Config().N
	}
	return reaches(c, w.Cluster(), least, most)
}

func reaches(c *call, cl *runtime.Cluster, least, most int) (starlark.Value, error) {
	n := cl.Config().N
	if least < 1 || most > n || least > most {
		return nil, fmt.Errorf("%s: from %d to %d identities, want 1 to n = %d", c.Name(), least, most, n)
	}
	if err := space.Listable(space.CountSubsets(cl, least, most), "reaches"); err != nil {
		return nil, fmt.Errorf("%s: %w", c.Name(), err)
	}
	list := starlark.NewList(nil)
	for _, set := range space.Subsets(cl, least, most) {
		if err := list.Append(nameList(cl.Names(set))); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func crashesEntry() Entry {
	return onEach("crashes", func(id string) runtime.Action { return runtime.CrashStep{ID: id} })
}

func restartsEntry() Entry {
	return onEach("restarts", func(id string) runtime.Action { return runtime.RestartStep{ID: id} })
}

func amnesiasEntry() Entry {
	return onEach("amnesias", func(id string) runtime.Action { return runtime.AmnesiaStep{ID: id} })
}

func timeoutsEntry() Entry {
	return onEach("timeouts", func(id string) runtime.Action { return runtime.TimeoutStep{IDs: []string{id}} })
}

// onEach makes the entry of a plural noun: the space of an act on one instance.
func onEach(plural string, action func(id string) runtime.Action) Entry {
	return Entry{
		Signature: plural + "(ids=None)",
		Doc:       "The space of all single " + plural + " of one of the instances (default: all).",
		Example:   kvStage + "print(" + plural + "([\"A\", \"c1\"]).at(0))",
		call:      func(c *call) (starlark.Value, error) { return callOnEach(c, action) },
	}
}

func callOnEach(c *call, action func(id string) runtime.Action) (starlark.Value, error) {
	var ids oneOrMore
	if err := c.Unpack(&ids); err != nil {
		return nil, err
	}
	w, err := here(c)
	if err != nil {
		return nil, err
	}
	if ids == nil {
		ids = w.Cluster().Names(w.Cluster().Servers() | w.Cluster().Clients())
	}
	var steps []runtime.Step
	for _, id := range ids {
		s, err := w.Cluster().Step(action(id))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.Name(), err)
		}
		steps = append(steps, s)
	}
	return named(c, steps), nil
}

func stepsEntry() Entry {
	return Entry{
		Signature: "steps(*scenarios)",
		Doc: `The space that holds the given scenarios.
A scenario is the steps of a world (world().steps) or of a space (space.at(i)). It puts a story that was played by hand into a space.`,
		Example: kvStage + `exchange("c1", ["A"])
begun = steps(world().steps)
undo()
print((begun + exchanges("c2") * 2).size)`,
		call: callSteps,
	}
}

func callSteps(c *call) (starlark.Value, error) {
	var args starlark.Tuple
	if err := c.Unpack(&args); err != nil {
		return nil, err
	}
	var all *space.Space
	for _, arg := range args {
		scenario, ok := arg.(scenarioValue)
		if !ok {
			return nil, fmt.Errorf("steps: got %s, want a scenario, as in steps(world().steps)", arg.Type())
		}
		one := space.Of().Times(0)
		for _, s := range scenario {
			one = space.Then(one, space.Of(s))
		}
		if all == nil {
			all = one
		} else {
			all = space.Or(all, one)
		}
	}
	if all == nil {
		return nil, fmt.Errorf("steps: no scenario is given")
	}
	if all.Depth() > maxNested {
		return nil, fmt.Errorf("steps: %d scenarios of up to %d steps are too many", len(args), all.MaxLen())
	}
	return &spaceValue{all.Named(fmt.Sprintf("steps(…%d)", len(args))), interpreter(c)}, nil
}

// named makes the space of single steps that a call stands for.
func named(c *call, steps []runtime.Step) starlark.Value {
	return &spaceValue{space.Of(steps...).Named(callText(c)), interpreter(c)}
}

// callText shows the call, in short.
func callText(c *call) string {
	var args []string
	for _, v := range c.Args {
		args = append(args, short(v))
	}
	for _, kw := range c.Kwargs {
		args = append(args, fmt.Sprintf("%s = %s", string(kw[0].(starlark.String)), short(kw[1])))
	}
	return c.Name() + "(" + strings.Join(args, ", ") + ")"
}

// short shows an argument; a long list shows its length.
func short(v starlark.Value) string {
	if guard.Within(v, 100) == nil {
		if s := v.String(); len(s) <= 40 {
			return s
		}
	}
	if n := starlark.Len(v); n >= 0 {
		return fmt.Sprintf("…%d", n)
	}
	return "…"
}

// product returns how many ways there are to choose one of each of several lists.
func product(lengths ...int) *big.Int {
	n := big.NewInt(1)
	for _, length := range lengths {
		n.Mul(n, big.NewInt(int64(length)))
	}
	return n
}
