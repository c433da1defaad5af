package dsl

import (
	"fmt"
	"math/big"
	"slices"
	"strings"

	"go.starlark.net/starlark"

	"github.com/twinsh/twinsh/dsl/internal/guard"
	"github.com/twinsh/twinsh/dsl/internal/role"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/node"
	"github.com/twinsh/twinsh/runtime/space"
)

// The plural nouns: spaces of single steps, one noun for each act. Here are those of
// clients, of faults and of timeouts, what puts spaces together that is no operator (maybe,
// steps), and what all nouns share. Rounds and deliveries are in builtin_spaces_rounds.go,
// the network in builtin_spaces_network.go. What a script does with a space (+, |, *,
// filter and so on) is in space.go.
//
// All nouns have one shape. They unpack choices (a name, a list of names, a list of lists),
// fill in what was not given from the system, count the product before they list it, make
// an action for each combination, and let the cluster check each (choiceOf). The order of
// the steps is that of the arguments, the first changing slowest; a scenario's index
// follows from it, so that it must not depend on anything else, and checkpoints and samples
// count on that.
//
// A noun needs a system and not a world: it lists what could be done, not what can happen
// here. A step that cannot happen where a scenario comes to it ends that scenario early,
// which a report counts. Tested in counted_test.go, signature_test.go, findings_test.go
// (TestEmptyChoices), and against lists of its own by TestDifferential.

// spacesFamily are the plural nouns: each makes the space of single steps of a kind, and
// so a choice. There is one for each act. Those of rounds and of the network stand in
// files of their own.
//
// pluralOf looks for the noun of an act among these names, see hint.go.
func spacesFamily() Family {
	return Family{"spaces", "what may happen", []Entry{
		exchangesEntry(), invokesEntry(), quorumsEntry(), subsetsEntry(), crashesEntry(), restartsEntry(), amnesiasEntry(), timeoutsEntry(), coinsEntry(),
		roundsEntry(), deliveriesEntry(),
		partitionsEntry(), healsEntry(), cutsEntry(), deafsEntry(), dropsEntry(), duplicatesEntry(), replaysEntry(), holdsEntry(), releasesEntry(), ordersEntry(),
		maybeEntry(), eachEntry(), viewEntry(), stepsEntry(),
	}}
}

func exchangesEntry() Entry {
	return Entry{
		Signature: "exchanges(clients=None, reach=None)",
		Doc: `The space of all single exchanges of a client with a reach.
Without clients it is all of them, without reach quorums().
a + b is a and then b, a | b is a or b, a * n is n times a, maybe(a) is a or nothing. A space has a size, at(i), distinct(n) and constant(n), and can be iterated.
space.filter(fn) is what is left of a space if steps are left out: the scenarios of which fn(step) is True for each step. It is called once for each of space.steps, the different steps of the space in order, and returns True or False; the size is exact. A step has kind, the name of the act that takes it, and that act's arguments: .client and .reach of an exchange, .leader, .groups, .hops, .deaf and .types of a round. One that is left out has its default; one that the act does not have is an error that lists those it has, and so does dir(step). Two steps are equal if they are written in the same way.
Of scenarios that differ only in names of interchangeable servers, space.orbits is the number up to names, and representatives(max) lists the first of each kind.`,
		Example: kvStage + `s = exchanges(reach = subsets(max = 3)) * 6
print(s.size, s.at(0))`,
		call: callExchanges,
	}
}

// callExchanges makes the cluster's quorums its reaches if none are given; their number is
// exponential in the servers, hence the count before the list. The names in reach are those
// of instances: that a twin takes part, or its original, is the choice that Twins is about.
func callExchanges(c *call) (starlark.Value, error) {
	var clients oneOrMore
	var reach reachList
	if err := c.Unpack(&clients, &reach); err != nil {
		return nil, err
	}
	w, err := here(c)
	if err != nil {
		return nil, err
	}
	cl := w.Cluster()
	if clients == nil {
		if clients, err = clientsOf(c, cl); err != nil {
			return nil, err
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
	return ofPairs(c, cl, clients, reach, "clients or reaches", func(client string, reach []string) runtime.Action {
		return runtime.ExchangeStep{Client: client, Reach: reach}
	})
}

// clientsOf names the clients, for calls that are given none. Without any it is an error
// that says why: a script that counts on clients has mistaken the protocol, or forgot to
// declare them.
func clientsOf(c *call, cl *runtime.Cluster) ([]string, error) {
	if cl.Clients() == 0 {
		return nil, fmt.Errorf("%s: %s", c.Name(), withoutClients(cl))
	}
	return cl.Names(cl.Clients()), nil
}

func invokesEntry() Entry {
	return Entry{
		Signature: "invokes(ops, clients=None)",
		Doc: `The space of a client that begins an operation: one of the clients (default: all) and one of the operations.
It carries the operation through as messages arrive, in later steps such as deliveries().`,
		Example: kvStage + `print((invokes([read(), write("green")], "c1") + deliveries() * 2).size)`,
		call:    callInvokes,
	}
}

// callInvokes needs operations: what a client might be asked to do, no system says by
// itself.
func callInvokes(c *call) (starlark.Value, error) {
	var ops someOperations
	var clients oneOrMore
	if err := c.Unpack(&ops, &clients); err != nil {
		return nil, err
	}
	w, err := here(c)
	if err != nil {
		return nil, err
	}
	if clients == nil {
		if clients, err = clientsOf(c, w.Cluster()); err != nil {
			return nil, err
		}
	}
	return ofPairs(c, w.Cluster(), clients, ops, "clients or operations", func(client string, op node.Operation) runtime.Action {
		return runtime.InvokeStep{Client: client, Op: op}
	})
}

// withoutClients says why a system has no clients, and what it has instead. Of a protocol
// in Go it is not known whether it could have some; NewClient says so when one is declared.
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
If the protocol tolerates crashes only, the default is a majority.
Each twinned identity takes part with any of its instances or with several.`,
		Example: kvStage + `print(quorums())`,
		call:    callQuorums,
	}
}

// callQuorums returns a list of reaches and no space, since a reach is a part of a step. A
// negative size is as good as none.
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

// quorumOf returns the size of a quorum if a script does not say: 2f+1, of which any two
// share a correct server if n = 3f+1 (Malkhi and Reiter, "Byzantine Quorum Systems", 1998).
// With fewer servers than that it is all of them. Where servers crash and do nothing worse, any
// two majorities share a server, which is correct (Gifford, "Weighted Voting for Replicated Data", SOSP 1979).
func quorumOf(cl *runtime.Cluster) int {
	if cl.CrashTolerant() {
		return cl.Config().N/2 + 1
	}
	return min(2*cl.Config().F+1, cl.Config().N)
}

func subsetsEntry() Entry {
	return Entry{
		Signature: "subsets(min=1, max=None)",
		Doc:       `The reaches of min to max server identities (default: all), as lists of instances, as quorums.`,
		Example:   kvStage + `print(len(subsets(max = 3)))`,
		call:      callSubsets,
	}
}

// callSubsets is callQuorums for a range of sizes; that a size is larger than n is an
// error, of reaches, rather than an empty list.
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

// It counts identities and lists instances: for an identity that runs as k instances there
// are 2^k - 1 ways to take part. The lists belong to the script, which may change them.
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

// It is not made by onEach, because a timeout takes a set: several that wait in vain
// together are one step of a scenario, which takes place wholly or not at all.
func timeoutsEntry() Entry {
	return Entry{
		Signature: "timeouts(ids=None, all=False)",
		Doc: `The space of timeouts of one of the instances (default: all), or of one of several lists of them.
Instances in a list time out in one step, which takes place only if each of them can; subsets() chooses who does. With all = True the space has one step: all of the given ones (default: the servers) that can time out do, and it takes place if one of them can.`,
		Example: roundStage + `print(timeouts().size, timeouts(all = True).at(0))
print(timeouts(subsets(max = 2)).size)`,
		call: callTimeouts,
	}
}

// callTimeouts makes a choice of sets. With all it is one set, of which at least one can
// time out (least = 1 in the step); a list of lists makes no sense then, as it is no choice
// any more. An instance whose code refuses a timeout would end the scenario otherwise, and
// with many servers one nearly always does.
func callTimeouts(c *call) (starlark.Value, error) {
	var ids setChoices
	var all bool
	if err := c.Unpack(&ids, &all); err != nil {
		return nil, err
	}
	w, err := here(c)
	if err != nil {
		return nil, err
	}
	switch {
	case ids.sets != nil:
	case all:
		ids.sets = [][]string{w.Cluster().Names(w.Cluster().Servers())}
	default:
		for _, name := range everyInstance(w.Cluster()) {
			ids.sets = append(ids.sets, []string{name})
		}
	}
	if all {
		if ids.lists {
			return nil, fmt.Errorf("timeouts: with all = True want the instances that time out in one step, as in timeouts([%q], all = True); without it a list of lists is a choice", w.Cluster().Instances()[0].Name)
		}
		ids.sets = [][]string{slices.Concat(ids.sets...)}
	}
	least := 0
	if all {
		least = 1
	}
	var actions []runtime.Action
	for _, set := range ids.sets {
		actions = append(actions, runtime.TimeoutStep{IDs: set, Least: least})
	}
	return choiceOf(c, w.Cluster(), actions)
}

// onEach makes the entry of a plural noun: the space of an act on one instance. These
// differ in the action only.
func onEach(plural string, action func(id string) runtime.Action) Entry {
	return Entry{
		Signature: plural + "(ids=None)",
		Doc:       "The space of all single " + plural + " of one of the instances (default: all).",
		Example:   kvStage + "print(" + plural + "([\"A\", \"c1\"]).at(0))",
		call:      func(c *call) (starlark.Value, error) { return callOnEach(c, action) },
	}
}

// callOnEach takes any names; that each is one of an instance, the cluster checks.
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
		ids = everyInstance(w.Cluster())
	}
	var actions []runtime.Action
	for _, id := range ids {
		actions = append(actions, action(id))
	}
	return choiceOf(c, w.Cluster(), actions)
}

// everyInstance names the servers, then the clients, which is the order of the instances.
func everyInstance(cl *runtime.Cluster) []string { return cl.Names(cl.Servers() | cl.Clients()) }

func maybeEntry() Entry {
	return Entry{
		Signature: "maybe(space)",
		Doc: `The scenarios of a space, or nothing: then the empty scenario, in which no step is taken.
Where several such spaces follow one another, scenarios can be put together in several ways, and count as often.`,
		Example: roundStage + `s = maybe(crashes(["B"])) + rounds("A") * 2
print(s.size, rounds("A").size)`,
		call: callMaybe,
	}
}

// callMaybe adds the empty scenario, if the space has it not. The empty choice is one more
// way to put a longer scenario together, and is counted as such: (maybe(a) + maybe(a)).size
// is 4 for one step a, of which two scenarios read the same.
func callMaybe(c *call) (starlark.Value, error) {
	var s *spaceValue
	if err := c.Unpack(&s); err != nil {
		return nil, err
	}
	return s.bounded(s.MaxLen(), func() *space.Space { return space.Maybe(s.Space) })
}

func stepsEntry() Entry {
	return Entry{
		Signature: "steps(*scenarios)",
		Doc: `The space that holds the given scenarios.
A scenario is the steps of a world (world().steps) or of a space (space.at(i)), or a single step. It puts a story that was played by hand into a space.`,
		Example: kvStage + `exchange("c1", ["A"])
begun = steps(world().steps)
undo()
print((begun + exchanges("c2") * 2).size)`,
		call: callSteps,
	}
}

// callSteps turns stories into a space. Each scenario is put together of single steps. A
// list is not taken for a scenario, so that steps([a, b]) cannot be mistaken for a choice
// of a and b. How deep the result nests is looked at afterwards, as bounded does.
func callSteps(c *call) (starlark.Value, error) {
	var args starlark.Tuple
	if err := c.Unpack(&args); err != nil {
		return nil, err
	}
	var all *space.Space
	for _, arg := range args {
		var scenario scenarioValue
		switch arg := arg.(type) {
		case scenarioValue:
			scenario = arg
		case stepValue:
			scenario = scenarioValue{runtime.Step(arg)}
		default:
			return nil, fmt.Errorf("steps: got %s, want a scenario, as in steps(world().steps)%s", article(arg), ofScenario(arg))
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

// choiceOf makes the space of single steps that a call stands for, of their actions. The
// cluster checks each action; the first that makes no sense is the error of the call.
// Actions that are equal are one step of the space.
func choiceOf(c *call, cl *runtime.Cluster, actions []runtime.Action) (starlark.Value, error) {
	if err := space.Listable(product(len(actions)), c.Name()); err != nil {
		return nil, fmt.Errorf("%s: %w", c.Name(), err)
	}
	steps := make([]runtime.Step, len(actions))
	for i, action := range actions {
		var err error
		if steps[i], err = cl.Step(action); err != nil {
			return nil, fmt.Errorf("%s: %w", c.Name(), err)
		}
	}
	return named(c, steps), nil
}

// ofPairs is the space of an action for each pair of choices, which are counted before they
// are listed; fewer names what there may be too much of. No action is none. Counting comes
// first because a list of 10^12 pairs would take all memory in one step of the script.
func ofPairs[A, B any](c *call, cl *runtime.Cluster, first []A, second []B, fewer string, action func(A, B) runtime.Action) (starlark.Value, error) {
	if err := space.Listable(product(len(first), len(second)), c.Name()); err != nil {
		return nil, fmt.Errorf("%s: %w; give fewer %s", c.Name(), err, fewer)
	}
	var actions []runtime.Action
	for _, a := range first {
		for _, b := range second {
			if step := action(a, b); step != nil {
				actions = append(actions, step)
			}
		}
	}
	return choiceOf(c, cl, actions)
}

// named makes the space of single steps that a call stands for. Its text is the call, as
// far as that is short, because a report names its space, and a list of a thousand steps is
// no name.
func named(c *call, steps []runtime.Step) starlark.Value {
	return &spaceValue{space.Of(steps...).Named(callText(c)), interpreter(c)}
}

// callText shows the call, in short. It is for people: what a space holds is in its digest.
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
//
// Values are measured before they are written, as one that holds itself has no end.
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
