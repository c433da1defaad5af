package dsl

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"go.starlark.net/starlark"

	"github.com/twinsh/twinsh/dsl/internal/guard"
	"github.com/twinsh/twinsh/dsl/internal/interp"
	"github.com/twinsh/twinsh/dsl/internal/value"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/english"
)

// Properties of operations beside linearizability: weaker ones of the literature, and
// history(name, …) for what a script says itself. The definitions stand in runtime/check;
// the papers are
//
//	sequential consistency  Lamport, "How to Make a Multiprocessor Computer That Correctly Executes
//	                        Multiprocess Programs", IEEE ToC 1979
//	session guarantees      Terry et al., "Session Guarantees for Weakly Consistent Replicated Data",
//	                        PDIS 1994
//	k-atomicity             Aiyer, Alvisi and Bazzi, "On the Availability of Non-strict Quorum Systems",
//	                        DISC 2005
//
// A property of a script is given in one of two forms. A function of the list of all
// operations is what is easily written; a search has to keep all operations apart for it. A
// fold, step(state, event), says what of the past matters: scenarios whose states are equal
// go on as one.

// consistencyExample is how a property of operations is used.
func consistencyExample(property string) string {
	return kvStage + `exchange("c1", ["A", "B", "C"])
exchange("c1", ["A", "B", "C"])
check(` + property + `)`
}

func sequentiallyConsistentEntry() Entry {
	return Entry{
		Signature: `sequentially_consistent(model="register", *, faults=None)`,
		Doc: `Operations look as if they were carried out one after another, those of each client in its order (Lamport 1979).
Unlike with linearizable() one may come before another that had returned before it began, of another client. What was returned rests on what had begun until then: at each moment there must be such an order. An operation that was cut short, by a restart of its client or the end of the scenario, comes after those that its client had completed, anywhere among those that it began later, or not at all; one that was aborted is left out.
model is as for linearizable(). It takes time exponential in the number of clients. The objects of keyed() are judged as one, because sequential consistency is not local.
` + faultsDoc,
		Example: consistencyExample("sequentially_consistent()"),
		call:    func(c *call) (starlark.Value, error) { return callConsistency(c, check.SequentiallyConsistent, false) },
	}
}

func monotonicReadsEntry() Entry {
	return Entry{
		Signature: `monotonic_reads(model="register", *, faults=None)`,
		Doc: `No client reads an older value after a newer one (Terry et al. 1994, a session guarantee).
There is an order of all writes that respects real time, in which each read of a client reads from the write that its read before read from, or from a later one. How old a value may be is not said.
model is "register", or keyed("register") for a register of each key.
` + faultsDoc,
		Example: consistencyExample("monotonic_reads()"),
		call:    func(c *call) (starlark.Value, error) { return callConsistency(c, check.MonotonicReads, true) },
	}
}

func readYourWritesEntry() Entry {
	return Entry{
		Signature: `read_your_writes(model="register", *, faults=None)`,
		Doc: `Each client reads what it has written itself, or what is newer (Terry et al. 1994, a session guarantee).
There is an order of all writes that respects real time, in which each read reads from the last write that its client had completed before, or from a later one.
model is "register", or keyed("register") for a register of each key.
` + faultsDoc,
		Example: consistencyExample("read_your_writes()"),
		call:    func(c *call) (starlark.Value, error) { return callConsistency(c, check.ReadYourWrites, true) },
	}
}

// callConsistency makes a property of a model, which may have to be of registers.
//
// The default is put into the variable before unpacking, so that no argument and the word
// "register" are the same. Session guarantees speak of which write a read reads from, which
// only registers say.
func callConsistency(c *call, property func(check.Model) check.Property, registers bool) (starlark.Value, error) {
	a := aModel{&modelValue{Model: check.Register(), text: `"register"`}}
	var faults faultBound
	if err := c.Unpack(&a, &faults); err != nil {
		return nil, err
	}
	if registers && a.text != `"register"` && a.text != `keyed("register")` {
		return nil, fmt.Errorf(`%s: the model is %s; want "register" or keyed("register"), whose operations are reads and writes`, c.Name(), a)
	}
	return ofModel(c, property(a.Model), a.modelValue, faults), nil
}

// ofModel is a property of a model in a script.
//
// The call is written from the text of the model, and not from the arguments, which may be
// a variable.
func ofModel(c *call, p check.Property, m *modelValue, faults faultBound) *propertyValue {
	v := &propertyValue{name: p.Name(), args: []starlark.Value{m}, property: p}
	if m.text != "" {
		v.text = c.Name() + "(" + m.text + faults.written() + ")"
	}
	v.made = interp.Makings(c, m.functions()...)
	return faults.of(v)
}

func kAtomicEntry() Entry {
	return Entry{
		Signature: "k_atomic(k, *, faults=None)",
		Doc: `Each read of a register returns one of the last k values that were written.
There is an order of the operations that respects real time, in which that is so (Aiyer, Alvisi and Bazzi 2005). The first value, None, counts as written before all. k_atomic(1) is linearizable().
` + faultsDoc,
		Example: consistencyExample("k_atomic(2)"),
		call:    callKAtomic,
	}
}

func callKAtomic(c *call) (starlark.Value, error) {
	var k int
	var faults faultBound
	if err := c.Unpack(&k, &faults); err != nil {
		return nil, err
	}
	const most = 64
	if k < 1 || k > most {
		return nil, fmt.Errorf("k_atomic: k is %d, want how many values a read may return, from 1 to %d", k, most)
	}
	p := check.KAtomic(k)
	return faults.of(&propertyValue{name: p.Name(), text: interp.Written(c), args: []starlark.Value{starlark.MakeInt(k)}, property: p}), nil
}

// callOfOperations makes a property of the operations of a scenario, of history(name, …).
//
// It takes the arguments apart by how many there are: what stands second is a function of
// all operations, or, with a step, the first state. Every other combination is an error
// that shows both forms.
func callOfOperations(c *call, called, fn, step, init starlark.Value) (*propertyValue, error) {
	name, ok := starlark.AsString(called)
	if !ok {
		return nil, fmt.Errorf("history: name is %s, want what should hold; it is history(name, fn) or history(name, init, step)", article(called))
	}
	if strings.TrimSpace(name) == "" {
		return nil, fmt.Errorf("history: name is empty; want what should hold, as in %q", "no update is lost")
	}
	if step == nil {
		if init != nil {
			return nil, fmt.Errorf("history: there is a first state and no step; it is history(name, fn) or history(name, init, step)")
		}
		return judgedAsWhole(c, name, fn)
	}
	if fn != nil && init != nil {
		return nil, fmt.Errorf("history: fn and init are given; it is history(name, fn) or history(name, init, step)")
	}
	if init == nil {
		init = fn
	}
	// None is a state like any other, if it is written down: it stands where fn would, or is named.
	named := func(kw starlark.Tuple) bool {
		return kw[0] == starlark.String("init") || kw[0] == starlark.String("fn")
	}
	if init == nil && (len(c.Args) > 1 || slices.ContainsFunc(c.Kwargs, named)) {
		init = starlark.None
	}
	if init == nil {
		return nil, fmt.Errorf("history: there is a step and no first state; it is history(name, init, step)")
	}
	return judgedAsFold(c, name, init, step)
}

// historyLooks says at what such functions look.
const historyLooks = "a property of a history looks at the operations that it is given, and not at the session"

func ofHistoryAsked(name string) asked {
	return asked{of: "history " + name, looks: historyLooks, changes: "a property"}
}

// The function is called through asking, with a list of its own each time; what it says is
// read by saidBy. The verdict rests on the operations alone: steps and worlds are not among
// them.
func judgedAsWhole(c *call, name string, given starlark.Value) (*propertyValue, error) {
	fn, ok := given.(starlark.Callable)
	if !ok {
		return nil, fmt.Errorf("history: fn is %s, want a function of the list of operations", article(given))
	}
	judge, err := asking(interp.RunOf(c.Thread), ofHistoryAsked(name), fn)
	if err != nil {
		return nil, fmt.Errorf("history: fn: %w", err)
	}
	p := seeingCrashes(c, fn, check.OfHistory(name, func(ctx context.Context, ops []check.Operation) (check.Verdict, error) {
		list := make([]starlark.Value, len(ops))
		for i := range ops {
			list[i] = &operationRecord{ops[i]}
		}
		v, err := judge(ctx, starlark.Tuple{starlark.NewList(list)}, new(player))
		if err != nil {
			return check.Verdict{}, err
		}
		return saidBy(name, "the function", v)
	}))
	return &propertyValue{name: name, text: interp.Written(c), made: interp.Makings(c, fn), args: []starlark.Value{fn}, property: p}, nil
}

// seeingCrashes lets a property see crashes if its function names them: else a search would tell apart
// what is one to it, and a fold get an event of which it knows nothing.
func seeingCrashes(c *call, fn starlark.Callable, p check.Property) check.Property {
	in := interpreter(c).scripts
	return check.SeeingCrashes(p, sync.OnceValue(func() bool {
		seen, err := interp.Capture(in, fn)
		return err != nil || seen.Reads("crashed")
	}))
}

// States are made comparable, as those of a model are, and init is called once, here. An
// answer that is no pair of a state and a verdict is an error of the script, with the state
// for which it came; so is a state that cannot be kept.
func judgedAsFold(c *call, name string, given, does starlark.Value) (*propertyValue, error) {
	step, ok := does.(starlark.Callable)
	if !ok {
		return nil, fmt.Errorf("history: step is %s, want a function of a state and an event", article(does))
	}
	if fn, ok := step.(*starlark.Function); ok && !takesTwo(fn) {
		signature, _ := interp.Signature(fn)
		return nil, fmt.Errorf("history: step is %s, want a function of two parameters, step(state, event)", signature)
	}
	first := given
	if fn, ok := given.(starlark.Callable); ok {
		var err error
		if first, err = starlark.Call(c.Thread, fn, nil, nil); err != nil {
			return nil, fmt.Errorf("history: init: %w", err)
		}
	}
	init, err := value.Comparable(first)
	if err != nil {
		return nil, fmt.Errorf("history: the first state %w", err)
	}
	judge, err := asking(interp.RunOf(c.Thread), ofHistoryAsked(name), step)
	if err != nil {
		return nil, fmt.Errorf("history: step: %w", err)
	}
	p := seeingCrashes(c, step, check.Fold(name, init, func(ctx context.Context, state any, e check.Event) (any, check.Verdict, error) {
		returned, err := judge(ctx, starlark.Tuple{value.FromGo(state), eventOf(e)}, new(player))
		if err != nil {
			return nil, check.Verdict{}, err
		}
		pair, ok := returned.(starlark.Tuple)
		if !ok || len(pair) != 2 {
			return nil, check.Verdict{}, fmt.Errorf("step(%s, …) returned %s, want a pair (next state, True), or False or a text that says what is wrong in place of True", guard.Text(value.FromGo(state)), stepped(returned))
		}
		next, err := value.Comparable(pair[0])
		if err != nil {
			return nil, check.Verdict{}, fmt.Errorf("step returned a next state that %w", err)
		}
		v, err := saidBy(name, "step", pair[1])
		return next, v, err
	}))
	return &propertyValue{name: name, text: interp.Written(c), made: interp.Makings(c, step), args: []starlark.Value{value.FromGo(init), step}, property: p}, nil
}

// stepped describes what a step of a fold returned in place of a pair. A tuple has the right
// type, so what is wrong with it is its length.
func stepped(v starlark.Value) string {
	if t, ok := v.(starlark.Tuple); ok {
		return english.Count(len(t), "value")
	}
	return returned(v)
}
