package dsl

import (
	"context"
	"fmt"
	"strings"

	"go.starlark.net/starlark"

	"github.com/twinsh/twinsh/dsl/internal/interp"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
)

// What the entries of liveness say of a good network, each once.
const (
	goodNetworkDoc = `A good network heals, connects all correct instances, and lets arrive what is in flight. Then it goes on in good rounds. In each of them, in this order, a correct identity that runs leads a round, if the replicas have on_round; each correct client whose operation is under way has an exchange with all servers that are connected, if it has on_exchange; and if timeouts are due, all connected instances time out at once for which that makes a difference, and what is in flight arrives. When they are due depends on the protocol. Without on_round, timeouts are due in each good round. With it, each correct identity first leads six rounds in a row, since a chain of blocks takes several to commit, and after each of these turns, that is in every sixth round, timeouts are due. If they had an effect, as many good rounds follow in which leaders change each time, and all time out after each. Then it begins anew. Where the protocol reads coins, one of which no throw is left shows the same value to all from there on; what is owed has to come with some such value, not with each: that it can come, and not how likely that is, is what is asked.
That is one way on, and not all that a good network may do. Timeouts come to all at once, so that a protocol in which some server has to wait longer, or more often, than the others, as with random timeouts, is reported as stuck where with real clocks it would go on; what is written in brackets behind the verdict says what was played.
The faulty ones may do what they like: each choice of their instances, from all that are present to none, must let the others come to it. Those that are present are connected, but lead no rounds; the others are silent. The first choice that does not is reported. Who is down stays down; where servers that are down and the faulty ones are more than f, the verdict says "beyond f, proves nothing".`
	loopDoc = `If a world repeats, the failure is a proven loop; for that, worlds with rounds are equal if they differ in the numbers of rounds only (see rebase in role). Else the verdict says that it rests on a bound, and proves no loop. The steps of the good network stand behind those of the scenario, in show(), why() and shrink(); counterexample ends before them.
Code that fails in these steps is a finding of its own, in report.failures, whatever the verdict.`
)

func liveEntry() Entry {
	return Entry{
		Signature: "live(within)",
		Doc: `Progress for ever: from any world on, some correct replica decides something within that many good rounds.
A protocol that decides once, for one slot and no other, is done when every correct replica that is not down has decided; worlds after that count as live. It decides once if it decides for one slot only from its start on, in a good network without the faulty ones in which clients begin all that they can and no code fails, until nothing was decided for as many good rounds, at most 1,000.
` + goodNetworkDoc + `
` + loopDoc,
		Example: roundStage + `check(live(within = 12))`,
		call:    func(c *call) (starlark.Value, error) { return callProgress(c, check.Live) },
	}
}

func terminatesEntry() Entry {
	return Entry{
		Signature: "terminates(within)",
		Doc: `What was begun comes to an end: from any world on, within that many good rounds.
Then every operation that a correct client, or replica, began has returned or failed, and every correct replica has decided. Who is down, or whose code fails, owes nothing.
Decisions are owed as soon as a correct replica has decided; in a system without clients from the start, if the protocol is known to decide: a correct replica does, or code fails, in a good network from the start of the cluster on, with none of the faulty instances or with all, within as many good rounds, or until all leaders have had their turns twice if that takes longer, and at most 1,000. Where none has decided by then, none owes a decision: give a larger within to a protocol that decides later. Replicas of a store, where none ever decides, owe nothing, and where nothing correct owes anything the report says that nothing put the property to the test; whether anything is ever decided, ask live(). One decision of each replica is enough: of a protocol that decides one slot after the other, ask live(). A client that restarts owes nothing for what it began before.
See live() for what a good network does, proven loops and bounds.`,
		Example: `load("@std//kv.star", "kv", "write")
cluster(kv(), clients = {"c": [write("red")]})
exchange("c", ["A"])
check(terminates(within = 3))`,
		call: func(c *call) (starlark.Value, error) { return callProgress(c, check.Terminates) },
	}
}

// callProgress makes a property of which only a bound is known.
func callProgress(c *call, property func(within int) check.Liveness) (starlark.Value, error) {
	var within int
	if err := c.Unpack(&within); err != nil {
		return nil, err
	}
	if err := goodRounds(c, within); err != nil {
		return nil, err
	}
	p := property(within)
	return &propertyValue{name: p.Name(), text: interp.Written(c), args: []starlark.Value{starlark.MakeInt(within)}, invariant: p}, nil
}

// mostGoodRounds is how many good rounds may be asked for: counts of them have 32 bits.
const mostGoodRounds = 1 << 30

// goodRounds checks a number of good rounds.
func goodRounds(c *call, within int) error {
	if within < 1 || within > mostGoodRounds {
		return fmt.Errorf("%s: within is %d rounds, want 1 to %d", c.Name(), within, mostGoodRounds)
	}
	return nil
}

func eventuallyEntry() Entry {
	return Entry{
		Signature: "eventually(name, fn, within)",
		Doc: `From any world on, there comes a world of which fn is true, within that many good rounds.
fn(world) is as in invariant(): it returns True, or False or a text that says what is missing. It is asked about the world itself and about that after each step of the good network. That it stays true is not asked for. If it is true of every world at once, nothing puts the property to the test, and the report says so.
See live() for what a good network does, proven loops and bounds.`,
		Example: roundStage + `def caught_up(w):
    return w.state("B").committed == w.state("C").committed or "B and C have committed other blocks"

for _ in range(5):
    round("D", groups = [["A", "B", "D"], ["A'", "C"]])
check(eventually("C catches up with B", caught_up, within = 12))`,
		call: callEventually,
	}
}

func callEventually(c *call) (starlark.Value, error) {
	var name string
	var fn starlark.Callable
	var within int
	if err := c.Unpack(&name, &fn, &within); err != nil {
		return nil, err
	}
	if strings.TrimSpace(name) == "" {
		return nil, fmt.Errorf("eventually: the name is empty; say what comes true, as in \"all have caught up\"")
	}
	if err := goodRounds(c, within); err != nil {
		return nil, err
	}
	if f, ok := fn.(*starlark.Function); ok && !takes(f, 1) {
		return nil, fmt.Errorf("eventually: fn: %s cannot be called with one argument, the world", f.Name())
	}
	holds, err := holding(c, "eventually "+name, "it", fn)
	if err != nil {
		return nil, fmt.Errorf("eventually: fn: %w", err)
	}
	p := check.Eventually(name, within, func(ctx context.Context, w *runtime.World) (check.Verdict, error) { return holds(ctx, nil, w) })
	return &propertyValue{name: name, text: interp.Written(c), made: interp.Makings(c, fn), args: []starlark.Value{fn, starlark.MakeInt(within)}, invariant: p}, nil
}

func atEndEntry() Entry {
	return Entry{
		Signature: "at_end(property)",
		Doc: `The property holds at the end of each scenario; what happens on the way may violate it for a while.
A search judges it where a scenario of its space is complete, and not one that ended early because a step could not happen; the verdict says how many came to their end if some did not. check and judge take the current world for the end.
Properties that play on, as live() does, cost least so.`,
		Example: roundStage + `def together(w):
    return w.state("B").committed == w.state("C").committed or "B and C have committed other blocks"

together = invariant("together", together)
healed = rounds("D", partitions(exactly = 2)) * 3 + rounds("D", partitions(max = 1)) * 3
print(explore(healed, check = together).ok, explore(healed, check = at_end(together)).ok)`,
		call: callAtEnd,
	}
}

func callAtEnd(c *call) (starlark.Value, error) {
	var of *propertyValue
	if err := c.Unpack(&of); err != nil {
		return nil, err
	}
	if of.atEnd() {
		return nil, fmt.Errorf("at_end: %s is judged at the end already", of.name)
	}
	if of.invariant != nil && check.OfSteps(of.invariant) {
		return nil, fmt.Errorf("at_end: %s is judged of steps, and what one of them violates stays violated; want a property of worlds, as invariant(name, fn) whose fn takes one world, or of histories", of.name)
	}
	p := &propertyValue{text: interp.Written(c), made: interp.Makings(c, of.args...), args: []starlark.Value{of}, ends: of}
	if of.invariant != nil {
		p.invariant = check.WorldAtEnd(of.invariant)
		p.name = p.invariant.Name()
	} else {
		p.property = check.AtEnd(of.property)
		p.name = p.property.Name()
	}
	return p, nil
}
