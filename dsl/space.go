package dsl

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/twinsh/twinsh/dsl/internal/guard"
	"github.com/twinsh/twinsh/dsl/internal/interp"
	"github.com/twinsh/twinsh/dsl/internal/role"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/space"
)

// A scenarioValue is a scenario in a script: a sequence of steps.
type scenarioValue space.Scenario

func (s scenarioValue) String() string {
	texts := make([]string, len(s))
	for i, step := range s {
		texts[i] = step.Text()
	}
	return "[" + strings.Join(texts, ", ") + "]"
}
func (s scenarioValue) Type() string          { return "scenario" }
func (s scenarioValue) Freeze()               {}
func (s scenarioValue) Truth() starlark.Bool  { return len(s) > 0 }
func (s scenarioValue) Hash() (uint32, error) { return starlark.String(s.String()).Hash() }

// Len, Index and Iterate make a scenario a sequence of texts.
func (s scenarioValue) Len() int                   { return len(s) }
func (s scenarioValue) Index(i int) starlark.Value { return starlark.String(s[i].Text()) }
func (s scenarioValue) Iterate() starlark.Iterator { return &indexIterator{s, 0} }

// CompareSameType compares the texts of the steps.
func (s scenarioValue) CompareSameType(op syntax.Token, y starlark.Value, depth int) (bool, error) {
	return starlark.CompareDepth(op, starlark.String(s.String()), starlark.String(y.String()), depth)
}

type indexIterator struct {
	of starlark.Indexable
	i  int
}

func (it *indexIterator) Next(p *starlark.Value) bool {
	if it.i >= it.of.Len() {
		return false
	}
	*p = it.of.Index(it.i)
	it.i++
	return true
}
func (it *indexIterator) Done() {}

// A spaceValue is a space in a script.
type spaceValue struct {
	*space.Space
	in *Interpreter
}

func (s *spaceValue) String() string        { return s.Space.String() }
func (s *spaceValue) Type() string          { return "space" }
func (s *spaceValue) Freeze()               {}
func (s *spaceValue) Truth() starlark.Bool  { return s.Size().Sign() > 0 }
func (s *spaceValue) Hash() (uint32, error) { return 0, fmt.Errorf("unhashable type: space") }

// Iterate goes through the scenarios in order.
func (s *spaceValue) Iterate() starlark.Iterator {
	return &spaceIterator{space: s.Space, next: new(big.Int)}
}

type spaceIterator struct {
	space *space.Space
	next  *big.Int
}

func (it *spaceIterator) Next(p *starlark.Value) bool {
	scenario, err := it.space.At(it.next)
	if err != nil {
		return false
	}
	it.next = new(big.Int).Add(it.next, big.NewInt(1))
	*p = scenarioValue(scenario)
	return true
}
func (it *spaceIterator) Done() {}

// maxTimes bounds how many steps scenarios have, so n in space * n; longer ones
// are of no use. maxNested bounds how deep the parts of a space lie in each other.
const (
	maxTimes  = 10_000
	maxNested = 100_000
)

// bounded returns a space of which a script may make others. The steps are those
// of its longest scenario: a space is not made before they are known to be few.
func (s *spaceValue) bounded(steps int, made func() *space.Space) (starlark.Value, error) {
	if steps > maxTimes {
		return nil, fmt.Errorf("the space would have scenarios of %d steps, want at most %d", steps, maxTimes)
	}
	of := made()
	if of.Depth() > maxNested {
		return nil, fmt.Errorf("the space is put together of more than %d parts, one in the other; put them together in a balanced way", maxNested)
	}
	return &spaceValue{of, s.in}, nil
}

// Binary implements a + b, a | b and a * n.
func (s *spaceValue) Binary(op syntax.Token, y starlark.Value, side starlark.Side) (starlark.Value, error) {
	if n, ok := y.(starlark.Int); ok && op == syntax.STAR {
		times, err := starlark.AsInt32(n)
		if err != nil || times < 0 || times > maxTimes {
			return nil, fmt.Errorf("space * %s: want a number of times from 0 to %d", n, maxTimes)
		}
		return s.bounded(times*s.MaxLen(), func() *space.Space { return s.Times(times) })
	}
	other, ok := y.(*spaceValue)
	if !ok {
		return nil, nil
	}
	if side == starlark.Right {
		s, other = other, s
	}
	switch op {
	case syntax.PLUS:
		return s.bounded(s.MaxLen()+other.MaxLen(), func() *space.Space { return space.Then(s.Space, other.Space) })
	case syntax.PIPE:
		return s.bounded(0, func() *space.Space { return space.Or(s.Space, other.Space) })
	}
	return nil, nil
}

var spaceMethods = map[string]*interp.Builtin{
	"at": built(Entry{Signature: "at(i)", Doc: "The i-th scenario, from 0.", call: func(c *call) (starlark.Value, error) {
		var i starlark.Int
		if err := c.Unpack(&i); err != nil {
			return nil, err
		}
		scenario, err := c.Receiver().(*spaceValue).At(i.BigInt())
		return scenarioValue(scenario), err
	}}),
	"distinct": built(Entry{Signature: "distinct(n)", Doc: "Sequences of n different scenarios of this space.", call: func(c *call) (starlark.Value, error) {
		var n int
		if err := c.Unpack(&n); err != nil {
			return nil, err
		}
		if n < 0 || n > maxTimes {
			return nil, fmt.Errorf("distinct: n is %d, want 0 to %d", n, maxTimes)
		}
		of := c.Receiver().(*spaceValue)
		s, err := of.Distinct(interp.ContextOf(c.Thread), n)
		if err != nil {
			return nil, err
		}
		return of.bounded(s.MaxLen(), func() *space.Space { return s })
	}}),
	"representatives": built(Entry{Signature: "representatives(max=1000)", Doc: "One scenario of each orbit, the first in order: a list of at most max.", call: func(c *call) (starlark.Value, error) {
		most := 1000
		if err := c.Unpack(&most); err != nil {
			return nil, err
		}
		list := starlark.NewList(nil)
		if most < 0 || most > space.MaxChoices {
			return nil, fmt.Errorf("representatives: max is %d, want 0 to %d", most, space.MaxChoices)
		}
		var full error
		err := c.Receiver().(*spaceValue).Representatives(interp.ContextOf(c.Thread), func(sc space.Scenario) bool {
			if list.Len() < most {
				full = list.Append(scenarioValue(sc))
			}
			return list.Len() < most && full == nil
		})
		if err != nil || full != nil {
			return nil, errors.Join(err, full)
		}
		return list, nil
	}}),
	"constant": built(Entry{Signature: "constant(n)", Doc: "Each scenario of this space n times in a row.", call: func(c *call) (starlark.Value, error) {
		var n int
		if err := c.Unpack(&n); err != nil {
			return nil, err
		}
		if n < 0 || n > maxTimes {
			return nil, fmt.Errorf("constant: n is %d, want 0 to %d", n, maxTimes)
		}
		of := c.Receiver().(*spaceValue)
		return of.bounded(n*of.MaxLen(), func() *space.Space { return of.Constant(n) })
	}}),
}

// AttrNames implements [starlark.HasAttrs].
func (s *spaceValue) AttrNames() []string {
	return []string{"at", "constant", "distinct", "orbits", "representatives", "size"}
}

// Attr implements [starlark.HasAttrs].
func (s *spaceValue) Attr(name string) (starlark.Value, error) {
	switch name {
	case "size":
		return starlark.MakeBigInt(s.Size()), nil
	case "orbits":
		orbits, err := s.Orbits(s.in.scripts.Context())
		if err != nil {
			return nil, err
		}
		return starlark.MakeBigInt(orbits), nil
	}
	if m := spaceMethods[name]; m != nil {
		return m.Method(s), nil
	}
	return nil, nil
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

// oneOrMore is a parameter that takes a name or a list of names.
type oneOrMore []string

// Unpack implements [starlark.Unpacker].
func (o *oneOrMore) Unpack(v starlark.Value) error {
	if s, ok := starlark.AsString(v); ok {
		*o = oneOrMore{s}
		return nil
	}
	return (*interp.Names)(o).Unpack(v)
}

func spacesFamily() []Entry { return slices.Concat(exchangeSpaces(), roundSpaces(), networkSpaces()) }

func exchangeSpaces() []Entry {
	return []Entry{{
		Signature: "exchanges(clients=None, reach=None)",
		Doc: `The space of all single exchanges of a client with a reach.
Without clients it is all of them, without reach quorums().
a + b is a and then b, a | b is a or b, a * n is n times a. A space has a size, at(i), distinct(n) and constant(n), and can be iterated.
Of scenarios that differ only in names of interchangeable servers, space.orbits is the number up to names, and representatives(max) lists the first of each kind.`,
		Example: kvStage + `s = exchanges(reach = subsets(max = 3)) * 6
print(s.size, s.at(0))`,
		call: callExchanges,
	}, {
		Signature: "quorums(size=None)",
		Doc: `The reaches of that many server identities (default 2f+1), as lists of instances.
Each twinned identity takes part with any of its instances or with several.`,
		Example: kvStage + `print(quorums())`,
		call: func(c *call) (starlark.Value, error) {
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
		},
	}, {
		Signature: "subsets(min=1, max=None)",
		Doc:       `The reaches of min to max server identities (default: all), as lists of instances, as quorums.`,
		Example:   kvStage + `print(len(subsets(max = 3)))`,
		call: func(c *call) (starlark.Value, error) {
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
		},
	},
		each("crashes", "crash", "crashes of one of the instances (default: all)", func(id string) runtime.Action { return runtime.CrashStep{ID: id} }),
		each("restarts", "restart", "restarts of one of the instances (default: all)", func(id string) runtime.Action { return runtime.RestartStep{ID: id} }),
		each("amnesias", "amnesia", "amnesias of one of the instances (default: all)", func(id string) runtime.Action { return runtime.AmnesiaStep{ID: id} }),
		each("timeouts", "timeout", "timeouts of one of the instances (default: all)", func(id string) runtime.Action {
			return runtime.TimeoutStep{IDs: []string{id}}
		}),
		{
			Signature: "steps(*scenarios)",
			Doc: `The space that holds the given scenarios.
A scenario is the steps of a world (world().steps) or of a space (space.at(i)). It puts a story that was played by hand into a space.`,
			Example: kvStage + `exchange("c1", ["A"])
begun = steps(world().steps)
undo()
print((begun + exchanges("c2") * 2).size)`,
			call: callSteps,
		},
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

// each makes the entry of a plural noun: the space of an act on one instance.
func each(plural, act, doc string, action func(id string) runtime.Action) Entry {
	return Entry{
		Signature: plural + "(ids=None)",
		Doc:       "The space of all single " + doc + ".",
		Example:   kvStage + "print(" + plural + "([\"A\", \"c1\"]).at(0))",
		call: func(c *call) (starlark.Value, error) {
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
					return nil, fmt.Errorf("%s: %w", plural, err)
				}
				steps = append(steps, s)
			}
			return named(c, steps), nil
		},
	}
}

// quorumOf returns the size of a quorum if a script does not say: 2f+1.
func quorumOf(cl *runtime.Cluster) int { return min(2*cl.Config().F+1, cl.Config().N) }

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

// withoutClients says why a system has no clients, and what it has instead.
func withoutClients(cl *runtime.Cluster) string {
	p := cl.Config().Protocol.(*protocolValue)
	if script, ok := p.Protocol.(*role.Protocol); ok && !script.HasClients() {
		return fmt.Sprintf("the protocol %s has no clients; what happens to it are rounds(…), and acts on single replicas such as timeouts(…)", p.Name())
	}
	return `no client is in the system; cluster takes them, as in cluster(…, clients = {"c1": [read()]})`
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
