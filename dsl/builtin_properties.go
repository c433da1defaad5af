package dsl

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"

	"github.com/twinsh/twinsh/dsl/internal/guard"
	"github.com/twinsh/twinsh/dsl/internal/interp"
	"github.com/twinsh/twinsh/dsl/internal/value"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/terminal"
	"github.com/twinsh/twinsh/runtime/trace"
)

// Properties, and the judging of one world: check prints and ends the script, judge returns
// what it found. Searches judge in the same way (builtin_search.go). Linearizability is in
// builtin_models.go, the value that all of these return in property.go.
//
// The definitions stand in package check, with the papers that they come from: regular and
// safe registers are Lamport's ("On Interprocess Communication", 1986), agreement and
// validity are those of consensus. Each builtin here makes one of them of what a script
// says, and notes how the script said it.
//
// Order of validation: arguments first, then functions that cannot be frozen, and no world
// is looked at until something is judged, so that a property can be made before there is a
// system.
//
// Tested in findings_test.go, playing_test.go, beyond_test.go and vacuity_test.go.

// propertiesFamily makes properties, and judges the current world by them.
func propertiesFamily() Family {
	return Family{"properties", "what should hold", []Entry{
		linearizableEntry(), strictlyLinearizableEntry(), sequentiallyConsistentEntry(), kAtomicEntry(), monotonicReadsEntry(), readYourWritesEntry(), regularEntry(), safeEntry(), agreementEntry(), validityEntry(),
		liveEntry(), terminatesEntry(), eventuallyEntry(), atEndEntry(),
		invariantEntry(), modelEntry(), keyedEntry(), checkEntry(), judgeEntry(),
	}}
}

func regularEntry() Entry {
	return ofHistory("regular", `Each read, taken alone, returns a value that was not overwritten before the read began.
Two reads may disagree on the order of the writes.`, check.Regular)
}

func safeEntry() Entry {
	return ofHistory("safe", `Each read that overlaps no write returns what a regular register could; others may return anything (Lamport 1986).
A write that never returned overlaps each later read. One that was aborted did not happen: it overlaps no read, not even one during which it was under way, and no read may return its value.`, check.Safe)
}

func agreementEntry() Entry {
	return ofHistory("agreement", `No two correct replicas decide differently for a slot, and none does so twice.`, check.Agreement)
}

// ofHistory makes the entry of a property of histories that has no arguments. It takes the
// constructor, so that a list of families makes no property.
func ofHistory(name, doc string, property func() check.Property) Entry {
	return Entry{
		Signature: name + "(*, faults=None)",
		Doc:       doc + "\n" + faultsDoc,
		Example: kvStage + `exchange("c1", ["A", "B", "C"])
exchange("c1", ["A", "B", "C"])
check(` + name + `())`,
		call: func(c *call) (starlark.Value, error) { return callOfHistory(c, property()) },
	}
}

// faultsDoc is what the parameter faults of a property of histories means.
const faultsDoc = `With faults it is judged only while at most so many servers are faulty, and the report says so; see invariant().`

// callOfHistory makes a property whose name says all of it.
func callOfHistory(c *call, p check.Property) (starlark.Value, error) {
	var faults faultBound
	if err := c.Unpack(&faults); err != nil {
		return nil, err
	}
	return faults.of(&propertyValue{name: p.Name(), text: interp.Written(c), property: p}), nil
}

func validityEntry() Entry {
	return Entry{
		Signature: "validity(allowed, *, faults=None)",
		Doc: `Correct replicas decide only allowed values.
They are a list, or a function of a value that returns True or False, and nothing else.
` + faultsDoc,
		Example: roundStage + `for leader in ["A", "B", "C", "D"]:
    round(leader)
check(validity(["1a", "2a"]))
check(validity(lambda v: v.endswith("a")))`,
		call: callValidity,
	}
}

// callValidity takes a list as it is now. What a script appends to it later would change
// what a search judges half-way, so that it is copied; a function is frozen by asking
// instead.
func callValidity(c *call) (starlark.Value, error) {
	var allowed starlark.Value
	var faults faultBound
	if err := c.Unpack(&allowed, &faults); err != nil {
		return nil, err
	}
	holds, err := allows(c.Thread, allowed)
	if err != nil {
		return nil, err
	}
	p := check.Validity(holds)
	if list, ok := allowed.(starlark.Iterable); ok {
		allowed = starlark.Tuple(slices.Collect(starlark.Elements(list))) // as it is now
	}
	return faults.of(&propertyValue{name: p.Name(), text: interp.Written(c), made: interp.Makings(c, allowed), args: []starlark.Value{allowed}, property: p}), nil
}

// allows returns the function of a value that a list or a function stands for. It may be
// called concurrently. What a replica decided is shown to a function as a value of the
// language; an answer other than True or False is an error, of the first decision that is
// judged. In a list the equality is that of Starlark, by which 1 and 1.0 are one value and
// 1 and True are not.
func allows(thread *starlark.Thread, allowed starlark.Value) (func(context.Context, any) (bool, error), error) {
	switch allowed := allowed.(type) {
	case starlark.Callable:
		judge, err := judging(interp.RunOf(thread), "validity", allowed)
		if err != nil {
			return nil, fmt.Errorf("validity: allowed: %w", err)
		}
		return func(ctx context.Context, v any) (bool, error) {
			answer, err := judge(ctx, starlark.Tuple{value.FromGo(v)}, new(player))
			if err != nil {
				return false, err
			}
			allowed, ok := answer.(starlark.Bool)
			if !ok {
				return false, fmt.Errorf("validity: the function returned %s, want True or False", returned(answer))
			}
			return bool(allowed), nil
		}, nil
	case starlark.Iterable:
		values, err := guard.Elements(thread, allowed)
		if err != nil {
			return nil, fmt.Errorf("validity: allowed: %w", err)
		}
		return func(_ context.Context, v any) (bool, error) {
			for _, a := range values {
				if equal, err := starlark.Equal(a, value.FromGo(v)); err != nil || equal {
					return equal, err
				}
			}
			return false, nil
		}, nil
	}
	return nil, fmt.Errorf("validity: allowed is %s, want a list of values or a function", article(allowed))
}

func invariantEntry() Entry {
	return Entry{
		Signature: "invariant(name, fn, faults=None)",
		Doc: `A property of single worlds, or of single steps, judged by a function.
With faults it is judged only while at most so many servers are faulty: what twins, other code and amnesia of more do breaks no promise, and the report says up to how many it was judged. With None an invariant is judged whatever happens. Other properties without a number are judged everywhere, too; those but validity() promise something for f, and where more are faulty their verdicts say "beyond f, proves nothing".
fn(world) returns True if all is well, else False or a text that says what is wrong; anything else, such as None or an empty text, is an error.
fn(before, after), a function that takes two worlds, judges each step by the world before it and that after it, and so says what may change: [][A]_vars of TLA+. A view is one step. A step that leaves the world as it was changes nothing, and is not judged. What a step violates stays violated, and the verdict names the first such step of the way. Which step it was fn does not see, since scenarios that go through the same two worlds go on as one. at_end() takes no such property.
The world that fn is given has no past: its depth, steps, parent and history() are errors, and so is the session's world. Those that fn makes of it, as in w.timeout("A"), begin there, and code that fails in a step that fn takes so is a finding, in report.failures. In a search fn is called for several worlds at the same time, so what it sees of the script is frozen.`,
		Example: kvStage + `def few_crashes(w):
    return len(w.crashed) < 2 or "two are down"

check(invariant("few crashes", few_crashes))

def forward(before, after):
    return all([before.state(i).version <= after.state(i).version for i in ["A", "B", "C", "D"]])

print(explore(exchanges() * 4, check = invariant("versions grow", forward)).ok)`,
		call: callInvariant,
	}
}

// callInvariant makes an invariant of a function.
//
// The world that fn gets has no past, even in check(…), where one is at hand: else a
// function that looks at it would work at a prompt and fail in a search. Only a starting
// world is passed as it is. Steps that fn takes from there are real steps; code that fails
// in them goes into the verdict by the player.
//
// How many parameters fn has says of what it is judged: both are what TLA+ calls [] of a formula
// without and with primed variables. One that can be called with one world is given one.
//
// Answers are read strictly. None is what a function returns that lacks a return, and must
// not mean that all is well; an empty text is no reason.
func callInvariant(c *call) (starlark.Value, error) {
	var name string
	var fn starlark.Callable
	var bound faultBound
	if err := c.Unpack(&name, &fn, &bound); err != nil {
		return nil, err
	}
	faults, args := -1, []starlark.Value{fn, starlark.None}
	if bound.given {
		faults, args[1] = bound.most, starlark.MakeInt(bound.most)
	}
	holds, err := holding(c, "invariant "+name, name, fn)
	if err != nil {
		return nil, fmt.Errorf("invariant: fn: %w", err)
	}
	var p check.WorldProperty
	switch f, ok := fn.(*starlark.Function); {
	case !ok || takes(f, 1):
		p = check.InvariantUpTo(faults, name, func(ctx context.Context, w *runtime.World) (check.Verdict, error) { return holds(ctx, nil, w) })
	case takes(f, 2):
		p = check.StepInvariant(faults, name, holds)
	default:
		return nil, fmt.Errorf("invariant: fn: %s cannot be called with one argument, the world, nor with two, the worlds before and after a step", f.Name())
	}
	return &propertyValue{name: p.Name(), text: interp.Written(c), made: interp.Makings(c, fn), args: args, invariant: p}, nil
}

// holding returns a function that judges worlds by calling fn with each that is not nil: one, or those
// before and after a step. If fn returns False, it says that what it is asked for does not hold.
func holding(c *call, of, what string, fn starlark.Callable) (func(ctx context.Context, before, w *runtime.World) (check.Verdict, error), error) {
	judge, err := judging(interp.RunOf(c.Thread), of, fn)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, before, w *runtime.World) (check.Verdict, error) {
		var args starlark.Tuple
		given := func(w *runtime.World) *runtime.World {
			if w == nil {
				return nil
			}
			if w.Depth() > 0 { // it is the same to it how the world came about
				w = w.WithoutPast()
			}
			args = append(args, &worldValue{World: w, judged: true})
			return w
		}
		p := &player{before: given(before), from: given(w)}
		v, err := judge(ctx, args, p)
		if err != nil {
			return check.Verdict{}, err
		}
		verdict, err := saidBy(what, "the function", v)
		verdict.Failed = p.failed
		return verdict, err
	}, nil
}

// judging returns a function that judges by calling fn; see asking. Failures of code in
// steps that fn takes go to the player. The error for a function that looks at the
// session's world names what to write instead, which is a method of the same name.
func judging(r *interp.Run, of string, fn starlark.Callable) (func(ctx context.Context, what starlark.Tuple, p *player) (starlark.Value, error), error) {
	return asking(r, asked{
		of:      of,
		looks:   "an invariant looks at the world that it is given and neither sees nor changes the session's; worlds have methods of the same names",
		changes: "a property",
	}, fn)
}

func checkEntry() Entry {
	return Entry{
		Signature: "check(property=[])",
		Doc: `Judges the current world and what was observed on the way to it, and prints the verdict.
property is a property or a list of them. If one does not hold, or if code of a node has failed, the script ends with the storyboard, the story of that (see why) and exit status 1. Who is faulty is who is so in the current world.`,
		Example: kvStage + `exchange("c2", ["A", "B", "C"])
check(linearizable())`,
		call: callCheck,
	}
}

// callCheck judges, prints, and fails if anything does not hold. For each property in turn:
// that it was checked here is noted for :save, it is judged by who is faulty in the current
// world, and what is wrong goes into a trace of the way. Then the failures of code on the
// way, which no property speaks of. All verdicts are in the text, those that hold, too; the
// picture is one, of the scenario, with the first finding's story.
//
// A failure in steps that a property took by itself lies beyond the world that is checked.
// It has a trace of its own, which is drawn only if nothing else is.
//
// The error is drawn already (coloured, with lines that must not be broken), which is what
// Drawn says to those who print it. Nothing is an alarm here, since all is shown.
func callCheck(c *call) (starlark.Value, error) {
	var properties propertyList
	if err := c.Unpack(&properties); err != nil {
		return nil, err
	}
	w, err := worldOf(c)
	if err != nil {
		return nil, err
	}
	var verdicts []string
	var t *trace.Trace
	drawn := func() *trace.Trace { // a picture of the whole way, if something is wrong with it
		if t == nil {
			t = trace.Of(w)
		}
		return t
	}
	for _, p := range properties {
		notes := ""
		if p.beyond(w) {
			notes = "; " + p.excess(w)
		}
		if s, err := moving(c); err == nil {
			s.checked(w, p.text)
		}
		v, err := p.judge(interp.ContextOf(c.Thread), w)
		if err != nil {
			return nil, err
		}
		switch {
		case !v.Holds:
			verdicts = append(verdicts, fmt.Sprintf("%s: VIOLATED%s\n%s", p.name, notes, v.Why))
			if err := p.find(interp.ContextOf(c.Thread), drawn(), w); err != nil {
				return nil, err
			}
		case v.Vacuous:
			verdicts = append(verdicts, fmt.Sprintf("%s: holds%s; it takes %s to put that to the test, and there was none, so this proves nothing", p.name, notes, p.needs()))
		default:
			verdicts = append(verdicts, fmt.Sprintf("%s: holds%s", p.name, notes))
		}
		for _, f := range v.Failed {
			end, err := f.Walk(interp.ContextOf(c.Thread), w)
			if err != nil {
				return nil, err
			}
			why := fmt.Sprintf("the code of %s failed in step %d, in steps that %s takes to judge: %s",
				w.Cluster().Instances()[f.Instance].Name, end.Depth(), p.name, f.Failure)
			verdicts = append(verdicts, why)
			if len(drawn().Findings) == 0 { // one picture shows one scenario
				t = trace.Of(end)
				if err := t.Find(interp.ContextOf(c.Thread), "", why, end, trace.Failed); err != nil {
					return nil, err
				}
			}
		}
	}
	failed := failuresIn(w.Unfolded())
	for _, o := range failed {
		why := fmt.Sprintf("the code of %s failed in step %d: %s", w.Cluster().Instances()[o.Instance].Name, o.Step, o.Failure)
		verdicts = append(verdicts, why)
		if err := drawn().Find(interp.ContextOf(c.Thread), "", why, w.Unfolded().Path()[o.Step], trace.Failed); err != nil {
			return nil, err
		}
	}
	if len(properties) == 0 && len(failed) == 0 {
		verdicts = append(verdicts, "no node's code failed")
	}
	text := strings.Join(verdicts, "\n")
	if t != nil && len(t.Findings) > 0 {
		text = terminal.Visible(text+"\n\n") + trace.Storyboard(t, traceOptions(interpreter(c)))
		if story := strings.Join(t.Findings[0].Story, "\n"); story != "" {
			text += "\n" + terminal.Visible(story)
		}
		return nil, &CheckFailed{Message: strings.TrimRight(text, "\n"), Drawn: true}
	}
	fmt.Fprintln(plainOut(interpreter(c)), text)
	return starlark.None, nil
}

func judgeEntry() Entry {
	return Entry{
		Signature: "judge(property, world=None)",
		Doc: `Judges a world (default: the current one) quietly. The result is a struct: holds, why, witness, vacuous and failures.
failures lists the code of nodes that failed on the way, or in steps that the property takes by itself to judge: instance, step, message, place, calls and why. A script that ends without having looked at failures that there are ends with exit status 1. So it does if it takes a step itself in which code fails, and afterwards looks neither at the failures of a verdict or a report of a world that the step led to, nor at the history() of one, nor asks why() it failed.`,
		Example: kvStage + `exchange("c2", ["A", "B", "C"])
print(judge(linearizable()).holds)`,
		call: callJudge,
	}
}

// callJudge is check without a word: a script goes on with the verdict. A property of
// histories cannot be judged in a world that has no past. Failures of code are attributes
// of the verdict, and an alarm until they are read.
func callJudge(c *call) (starlark.Value, error) {
	var p *propertyValue
	var w *worldValue
	if err := c.Unpack(&p, &w); err != nil {
		return nil, err
	}
	if w == nil {
		current, err := worldOf(c)
		if err != nil {
			return nil, err
		}
		w = &worldValue{World: current}
	}
	if p.ofWay() {
		if err := w.past("judge: " + p.name); err != nil {
			return nil, err
		}
	}
	v, err := p.judge(interp.ContextOf(c.Thread), w.World)
	if err != nil {
		return nil, err
	}
	var a *alarm
	instances := w.Cluster().Instances()
	if failed := failuresIn(w.World); len(failed) > 0 {
		a = alarmed(c, "the failures of this verdict", "print(verdict.failures)", codeFailed(instances[failed[0].Instance].Name, failed[0].Failure), w.World)
	} else if len(v.Failed) > 0 {
		a = alarmed(c, "the failures of this verdict", "print(verdict.failures)", codeFailed(instances[v.Failed[0].Instance].Name, v.Failed[0].Failure))
	}
	return &verdictValue{starlarkstruct.FromStringDict(starlarkstruct.Default, starlark.StringDict{
		"holds": starlark.Bool(v.Holds), "why": starlark.String(v.Why),
		"witness": nameList(v.Witness), "vacuous": starlark.Bool(v.Vacuous), "failures": failureList(w.World, v.Failed),
	}), a}, nil
}
