package adversary

import (
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/starlark"
)

// Sequential objects, as the reference describes those of linearizable(), and orders of
// operations on them: all are tried. A state is the value that the object holds; queues, stacks
// and logs are tuples, the oldest element first.

// An outcome is what an operation may do in a state.
type outcome struct {
	next, result starlark.Value
	any          bool // the result is not looked at
}

// done is what an operation does of which it is known at most that it is done.
func done(next starlark.Value) []outcome {
	return []outcome{{next: next, result: starlark.None}, {next: next, result: starlark.True}}
}

// perhaps is what an operation does that returns something or None.
func perhaps(next, result starlark.Value) []outcome {
	return []outcome{{next: next, result: starlark.None}, {next: next, result: result}}
}

// empty is the first state of an object.
func empty(object string) starlark.Value {
	switch object {
	case "counter", "leap", "stale", "owned", "torn", "adds":
		return starlark.MakeInt(0)
	case "queue", "stack", "set", "log":
		return starlark.Tuple{}
	}
	return starlark.None
}

// does lists what an operation of an instance may do. It is open if it never returned.
func does(object string, state starlark.Value, by string, op *operation, open bool) []outcome {
	if held, is := state.(starlark.Tuple); is {
		return doesToList(object, held, op)
	}
	n, _ := starlark.AsInt32(state)
	step, err := starlark.AsInt32(op.arg)
	if err != nil {
		step = 1
	}
	switch object + " " + op.name {
	case "register read", "cas read", "counter read", "leap read", "torn read", "adds read":
		return []outcome{{next: state, result: state}}
	case "register write":
		return []outcome{{next: op.arg, result: starlark.None}}
	case "cas write":
		return done(op.arg)
	case "cas cas":
		if equal(state, op.named("old")) {
			return []outcome{{next: op.named("new"), result: starlark.True}}
		}
		return []outcome{{next: state, result: starlark.False}}
	case "counter inc":
		return perhaps(starlark.MakeInt(n+step), starlark.MakeInt(n+step))
	case "counter dec":
		return perhaps(starlark.MakeInt(n-step), starlark.MakeInt(n-step))
	case "lock acquire":
		if state == starlark.None {
			return done(starlark.String(by))
		}
		return []outcome{{next: state, result: starlark.False}}
	case "lock release":
		if equal(state, starlark.String(by)) {
			return done(starlark.None)
		}
		return []outcome{{next: state, result: starlark.False}}

	// Those of scripts, see scripted.
	case "leap inc":
		return []outcome{{next: starlark.MakeInt(n + 1), any: true}, {next: starlark.MakeInt(n + 2), result: starlark.MakeInt(n + 2)}}
	case "stale inc", "owned inc":
		if object == "owned" && by != "c1" {
			return nil
		}
		return []outcome{{next: starlark.MakeInt(n + 1), any: true}}
	case "adds inc":
		return []outcome{{next: starlark.MakeInt(n + step), any: true}}
	case "torn inc":
		if open {
			return []outcome{{next: starlark.MakeInt(n + 2), any: true}}
		}
		return []outcome{{next: starlark.MakeInt(n + 1), any: true}}
	case "stale read":
		return []outcome{{next: state, result: state}, {next: state, result: starlark.MakeInt(n - 1)}}
	case "owned read":
		return []outcome{{next: starlark.MakeInt(0), result: state}}
	}
	panic("no object has " + object + " " + op.name)
}

// doesToList is does for objects whose state is a list.
func doesToList(object string, held starlark.Tuple, op *operation) []outcome {
	at := slices.IndexFunc(held, func(v starlark.Value) bool { return equal(v, op.arg) })
	more := append(slices.Clip(held), op.arg)
	switch object + " " + op.name {
	case "queue enqueue", "stack push":
		return done(more)
	case "queue dequeue", "stack pop":
		if len(held) == 0 {
			return []outcome{{next: held, result: starlark.None}}
		}
		if object == "queue" {
			return []outcome{{next: held[1:], result: held[0]}}
		}
		return []outcome{{next: held[:len(held)-1], result: held[len(held)-1]}}
	case "set contains":
		return []outcome{{next: held, result: starlark.Bool(at >= 0)}}
	case "set add":
		if at >= 0 {
			more = held
		}
		return perhaps(more, starlark.Bool(at < 0))
	case "set remove":
		if at < 0 {
			return perhaps(held, starlark.False)
		}
		return perhaps(slices.Delete(slices.Clone(held), at, at+1), starlark.True)
	case "log append":
		return append(done(more), outcome{next: more, result: starlark.MakeInt(len(held))})
	case "log read":
		return []outcome{{next: held, result: starlark.NewList(slices.Clone(held))}}
	}
	panic("no object has " + object + " " + op.name)
}

// scripted are objects that scripts describe: one that takes a step or two, one of which old
// values are read, one that only c1 adds to and that is reset when it is read, one to which what was cut
// short adds twice, and one that adds an argument.
var scripted = map[string]string{
	"leap":  `model(0, lambda s, op: [(s + 1, None), (s + 2, s + 2)] if op.name == "inc" else (s, s))`,
	"stale": `model(lambda: 0, lambda s, op: [(s + 1, None)] if op.name == "inc" else [(s, r) for r in [s, s - 1]], name = "stale")`,
	"torn":  `model(0, lambda s, op: (s, s) if op.name == "read" else (s + (2 if op.open else 1), None))`,
	"adds":  `model(0, lambda s, op: (s + op.arg, None) if op.name == "inc" else (s, s))`,
	"owned": `model(0, lambda s, op: ([(s + 1, None)] if op.client == "c1" else []) if op.name == "inc" else [(0, s)] if op.result in [None, s] else [])`,
}

// explains reports whether calls can be put into an order, one after another, in which each does
// what it may on an object. Those that need not have happened may be left out. before says of
// two calls whether the order of the first before the second is given.
func explains(object string, names []string, calls []call, states map[string]starlark.Value, before func(a, b call) bool) bool {
	if !slices.ContainsFunc(calls, call.counts) {
		return true
	}
	for i, c := range calls {
		rest := slices.Delete(slices.Clone(calls), i, i+1)
		if slices.ContainsFunc(rest, func(m call) bool { return m.counts() && before(m, c) }) {
			continue
		}
		rest = slices.DeleteFunc(rest, func(m call) bool { return before(m, c) }) // it is too late for these
		of, key, op := object, "", c.op
		if inner, keyed := keyedObject(object); keyed {
			of, key, op = inner, op.arg.String(), &operation{name: op.name, arg: starlark.None}
		}
		state, known := states[key]
		if !known {
			state = empty(of)
		}
		for _, o := range does(of, state, names[c.by], op, !c.counts()) {
			if c.counts() && !o.any && !equal(o.result, c.result) {
				continue
			}
			next := map[string]starlark.Value{key: o.next}
			for k, v := range states {
				if k != key {
					next[k] = v
				}
			}
			if explains(object, names, rest, next, before) {
				return true
			}
		}
	}
	return false
}

// keyedObject returns the object of which there is one for each key.
func keyedObject(object string) (inner string, keyed bool) {
	var word string
	n, _ := fmt.Sscanf(object, "keyed %s", &word)
	return word, n == 1
}

// ofObject reports whether operations are on an object that is no register.
func (c *Case) ofObject() bool {
	return len(c.Properties) > 0 && strings.HasSuffix(c.Properties[0].meant().Kind, "object")
}

// ofObject judges what operations on an object returned. Sequential consistency is asked of each
// beginning of a history, as what faulty clients do later may have happened before.
func ofObject(p Property, instances []instance, history []Event, faulty []bool) bool {
	var names []string
	for _, in := range instances {
		names = append(names, in.name)
	}
	explained := func(history []Event, before func(a, b call) bool) bool {
		calls, ok := callsOf(history, faulty)
		return ok && explains(p.Value, names, calls, nil, before)
	}
	switch p.Kind {
	case "object":
		return explained(history, call.endsBefore)
	case "strict object":
		return explained(history, call.takesEffectBefore)
	}
	for end := range history {
		seen := slices.Clone(history[:end+1])
		for _, e := range history[end+1:] {
			if e.Kind == "invoked" && faulty[e.Instance] {
				seen = append(seen, e)
			}
		}
		if !explained(seen, func(a, b call) bool { return a.by == b.by && a.endsBefore(b) }) {
			return false
		}
	}
	return true
}
