package dsl

import (
	"context"
	"fmt"
	"strings"

	"go.starlark.net/starlark"

	"github.com/twinsh/twinsh/dsl/internal/interp"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/english"
	"github.com/twinsh/twinsh/runtime/node"
	"github.com/twinsh/twinsh/runtime/trace"
)

// How a session walks between worlds that were. A world is immutable and knows its parent,
// so going back is nothing but another current world: nothing is undone in the sense of
// being computed backwards, and each of these is a few assignments in session.go, however
// long the way was. Steps on the way are not played again either.
//
// next() is the exception in this family: it looks ahead. It is for people, who would have
// to know the whole language to see what can be done; a script asks a space.
//
// Tested in time_test.go; the prompt of a shell, which shows where one stands, is made in
// dsl/repl.

// timeFamily walks back and forth between worlds.
func timeFamily() Family {
	return Family{"time", "worlds that were", []Entry{
		worldEntry(), gotoEntry(), enterEntry(), undoEntry(), redoEntry(), branchesEntry(),
		nextEntry(),
	}}
}

func worldEntry() Entry {
	return Entry{
		Signature: "world()",
		Doc: `The current world: the whole system at this moment, which nothing changes any more.
It has depth, parent, steps, round_number, faulty and crashed, state(id), history(), and every act as a method that returns the next world and leaves this one as it is.`,
		Example: kvStage + `w = world()
a = w.exchange("c1", ["A", "B", "C"])
b = w.exchange("c1", ["B", "C", "D"])
print(w.depth, a.steps, b.steps)`,
		call: callWorld,
	}
}

// callWorld hands out the current world. In an invariant it refuses (see worldOf): what a
// function that judges is called with is the world that it judges, and the session's would
// make its answer depend on where the script happens to stand.
func callWorld(c *call) (starlark.Value, error) {
	if err := c.Unpack(); err != nil {
		return nil, err
	}
	w, err := worldOf(c)
	if err != nil {
		return nil, err
	}
	return &worldValue{World: w}, nil
}

func gotoEntry() Entry {
	return Entry{
		Signature: "goto(where)",
		Doc: `Makes a world the current one, or goes to a step.
The world is one of the current system; enter() goes to other systems, too. A number is that of a step on the way to the current world, or of one that was undone since; 0 is the start.`,
		Example: kvStage + `start = world()
exchange("c1", ["A", "B", "C"])
goto(start)
goto(0)`,
		call: callGoto,
	}
}

// callGoto takes a world or a number. A world has to be of the current system: that goto(w)
// silently exchanges the system under a script is the mistake it is there to stop, since a
// cluster that was set up anew prints as the one before (anew says so). A number counts
// along the one line that the session is on, with what was undone at its end, so that
// goto(n) and then goto(m) come back to the same world; it makes no new branch.
func callGoto(c *call) (starlark.Value, error) {
	var where starlark.Value
	if err := c.Unpack(&where); err != nil {
		return nil, err
	}
	s, err := moving(c)
	if err != nil {
		return nil, err
	}
	switch where := where.(type) {
	case *worldValue:
		if s.world != nil && where.Cluster() != s.world.Cluster() {
			return nil, fmt.Errorf("goto: the world is of another system, %s, than the current one, %s%s; enter(world) goes to a world of any system",
				where.Cluster(), s.world.Cluster(), anew(where.Cluster(), s.world.Cluster()))
		}
		return s.enter(where.World), nil
	case starlark.Int:
		w, err := worldOf(c)
		if err != nil {
			return nil, err
		}
		last := w.Depth() + len(s.undone)
		n, err := starlark.AsInt32(where)
		if err != nil || n < 0 || n > last {
			return nil, fmt.Errorf("goto: there is no step %s here; steps 0 to %d are", where, last)
		}
		return s.walk(n - w.Depth()), nil
	}
	return nil, fmt.Errorf("goto: got %s, want a world or the number of a step; enter(report) goes to a counterexample", article(where))
}

func enterEntry() Entry {
	return Entry{
		Signature: "enter(what)",
		Doc: `Goes to where a report or a world leads: of a report to the end of its counterexample. If that is a world of another system, that one is the current system from then on.
undo(), redo() and goto(n) walk back and forth on the way to it; whatever is done on the way is a new branch.`,
		Example: `load("@std//kv.star", "kv", "read", "write")
cluster(kv(write_back = False), clients = {"c1": [write("red")], "c2": [read(), read()]})
enter(explore(exchanges(reach = subsets(max = 3)) * 4, check = linearizable(), first = True))
undo()
exchange("c2", ["A", "B", "C"])`,
		call: callEnter,
	}
}

// callEnter is goto without the check of the system, for what comes out of a search or of
// shrink, whose worlds may be of a smaller system. It remembers the report, so that why()
// with no argument explains what the report found rather than what happened last. A report
// that found nothing is an error and not a no-op: what would follow in a script is
// explained about another world than was meant.
func callEnter(c *call) (starlark.Value, error) {
	var what starlark.Value
	if err := c.Unpack(&what); err != nil {
		return nil, err
	}
	s, err := moving(c)
	if err != nil {
		return nil, err
	}
	switch what := what.(type) {
	case *worldValue:
		return s.enter(what.World), nil
	case *reportValue:
		if what.Counterexample() == nil {
			return nil, fmt.Errorf("enter: the report has no counterexample; %s", what.instead("enter"))
		}
		s.entered = what
		return s.enter(what.Counterexample()), nil
	case *finding:
		return s.enter(what.world), nil
	case starlark.NoneType:
		return nil, fmt.Errorf("enter: got None, want a world; a report of a search that found nothing has no counterexample")
	}
	return nil, fmt.Errorf("enter: got %s, want a report, one of its violations or failures, or a world", article(what))
}

func undoEntry() Entry {
	return Entry{
		Signature: "undo(n=1)",
		Doc:       `Goes back n steps.`,
		Example: kvStage + `exchange("c1", ["A", "B", "C"])
undo()`,
		call: callUndo,
	}
}

// callUndo refuses to go back beyond the start instead of stopping there: a script that
// counts its steps wrong should hear of it.
func callUndo(c *call) (starlark.Value, error) {
	n := 1
	if err := c.Unpack(&n); err != nil {
		return nil, err
	}
	w, err := worldOf(c)
	if err != nil {
		return nil, err
	}
	if n < 1 || n > w.Depth() {
		return nil, fmt.Errorf("undo: n is %d, and %s taken", n, counted(w.Depth()))
	}
	s, err := moving(c)
	if err != nil {
		return nil, err
	}
	return s.walk(-n), nil
}

func redoEntry() Entry {
	return Entry{
		Signature: "redo(n=1)",
		Doc:       `Takes n steps again that were undone, if no other step was taken since.`,
		Example: kvStage + `exchange("c1", ["A", "B", "C"])
undo()
redo()`,
		call: callRedo,
	}
}

// callRedo walks along session.undone, which any other step than a redo empties.
func callRedo(c *call) (starlark.Value, error) {
	n := 1
	if err := c.Unpack(&n); err != nil {
		return nil, err
	}
	s, err := moving(c)
	if err != nil {
		return nil, err
	}
	if n < 1 || n > len(s.undone) {
		return nil, fmt.Errorf("redo: n is %d, and %s undone", n, counted(len(s.undone)))
	}
	return s.walk(n), nil
}

func branchesEntry() Entry {
	return Entry{
		Signature: "branches()",
		Doc: fmt.Sprintf(`Where this session has been in the system of the current world: a list of the worlds at the ends of its branches, the oldest first.
Undone steps are not lost when others are taken instead: goto(branches()[0]) goes back there. The last %d are kept.`, maxBranches),
		Example: kvStage + `exchange("c1", ["A", "B", "C"])
undo()
exchange("c1", ["B", "C", "D"])
print(branches())
goto(branches()[0])`,
		call: callBranches,
	}
}

// callBranches lists ends of the current system only: those of others are in the session,
// too, but an index into a mixture would change its meaning with each cluster(…). goes to
// one of them by goto(branches()[i]) stays in the system that way.
func callBranches(c *call) (starlark.Value, error) {
	if err := c.Unpack(); err != nil {
		return nil, err
	}
	if _, err := worldOf(c); err != nil {
		return nil, err
	}
	s := interpreter(c).session
	var ends []*runtime.World
	for _, end := range s.ends {
		if end.Cluster() == s.world.Cluster() {
			ends = append(ends, end)
		}
	}
	return &branchList{ends, s.world}, nil
}

func nextEntry() Entry {
	return Entry{
		Signature: "next()",
		Doc:       `Prints what can happen here, as calls to copy: what each client would do next, what is in flight, what could recover.`,
		Example:   kvStage + `next()`,
		call:      callNext,
	}
}

// callNext prints, and returns nothing: its lines are for eyes, and a script that parsed
// them would hold by accident. It goes through plainOut, as titles contain names of the
// script.
func callNext(c *call) (starlark.Value, error) {
	if err := c.Unpack(); err != nil {
		return nil, err
	}
	w, err := worldOf(c)
	if err != nil {
		return nil, err
	}
	lines := nextActs(interp.ContextOf(c.Thread), w)
	if len(lines) == 0 {
		lines = []string{"nothing that the protocol does by itself can happen here; faults can"}
	}
	_, err = fmt.Fprintln(plainOut(interpreter(c)), strings.Join(lines, "\n"))
	return starlark.None, err
}

// nextActs lists what can happen in w: calls, each with a remark.
//
// Every act in the list is one that can happen here: it is taken, in a world that is thrown
// away, and its title is what the step is called in pictures. An act that is refused is
// left out without a word, be it that the client has done its program or that a role has no
// such handler. What is suggested for a client is the largest exchange that it can count
// on, n - f of the instances that it reaches and that are up. Rounds are listed where there
// are no clients: a protocol that has both is mostly driven by its clients, and the list is
// to be short.
//
// The steps are remembered by the engine as any others are, so that what was looked at here
// costs nothing when it is then done. If ctx ends, acts that are not in memory are missing
// from the list; the script is stopped then, too, at its next step.
func nextActs(ctx context.Context, w *runtime.World) []string {
	c := w.Cluster()
	var lines []string
	add := func(a runtime.Action) {
		s, err := c.Step(a)
		if err != nil {
			return
		}
		next, err := w.DoContext(ctx, s)
		if err != nil {
			return
		}
		lines = append(lines, fmt.Sprintf("%-36s # %s", s.Text(), trace.Last(next, 1).Steps[0].Title))
	}
	for client := range (c.Clients() &^ w.Crashed()).All {
		// As many of those it reaches as it can count on to answer.
		reach := c.Names(w.Reach(client) & c.Servers() &^ w.Crashed())
		add(runtime.ExchangeStep{Client: c.Names(node.SetOf(client))[0], Reach: reach[:min(len(reach), c.Config().N-c.Config().F)]})
	}
	if flight := w.InFlight(); len(flight) > 0 {
		var texts []string
		for _, p := range flight[:min(len(flight), 3)] {
			names := c.Instances()
			texts = append(texts, fmt.Sprintf("%s %s → %s", node.LabelOf(c.Config().Protocol, p.Event.Message), names[p.From].Name, names[p.To].Name))
		}
		if len(flight) > len(texts) {
			texts = append(texts, "…")
		}
		lines = append(lines, fmt.Sprintf("%-36s # %s in flight: %s", "deliver(hops = 1)", english.Count(len(flight), "message"), strings.Join(texts, ", ")))
	}
	if c.Clients() == 0 {
		for _, id := range c.Identities() {
			add(runtime.RoundStep{Leader: id.Name})
		}
	}
	for _, name := range c.Names(w.Crashed()) {
		add(runtime.RestartStep{ID: name})
	}
	if w.Parts() != nil {
		add(runtime.HealStep{})
	}
	return lines
}

// counted is a number of steps with the verb that fits it.
func counted(n int) string {
	return english.Count(n, "step") + english.Plural(n, " was", " were")
}
