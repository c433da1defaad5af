package check

import (
	"context"
	"fmt"
	"strings"

	"github.com/twinsh/twinsh/runtime/english"
	"github.com/twinsh/twinsh/runtime/node"
)

// The models of the library: the objects with which papers and tools test linearizability. The
// queue is the example of Herlihy and Wing (TOPLAS 1990); register, compare-and-set, queue, set
// and lock are models of Jepsen's checker, Knossos, too. Each is a table of its operations, so
// that errors, help and completion say what there is without a word of their own.
//
// States are values that Go compares, because equal states are what a judge merges: a list is a
// chain of pairs, not a slice.

// An object is a model of the library.
type object struct {
	word  string // by which scripts call it
	name  string
	init  any
	verbs []verb
	key   string // the argument by which its operations fall apart, if they do
}

// A verb is an operation of an object. What it does is listed as outcomes: several where
// implementations differ in what they return, as in whether add() says that it changed anything.
type verb struct {
	name   string
	params []string
	given  map[string]any // what parameters are that need not be given
	notNil bool
	reads  bool // it changes nothing
	does   func(state any, by string, args []any) []Outcome
}

// Models lists the words for the models of the library, and what operations each has and
// returns, for people.
func Models() (words []string, about map[string]string) {
	about = map[string]string{}
	for _, o := range objects() {
		words = append(words, o.word)
		about[o.word] = o.has()
	}
	return words, about
}

// ModelOf returns the model of the library that is called by a word.
func ModelOf(word string) (m Model, ok bool) {
	for _, o := range objects() {
		if o.word == word {
			return o.model(), true
		}
	}
	return Model{}, false
}

// Register returns the model of a register: write(x) stores x and returns
// nothing (nil), read() returns what was stored last, at first nil.
func Register() Model {
	m, _ := ModelOf("register")
	return m
}

// objects are the models of the library. An operation of which nothing but that it is done
// is known returns nil or true. The set is one object for each value, by its key, so that its
// operations on different values are judged apart (locality, Herlihy and Wing).
func objects() []object {
	return []object{
		{word: "register", name: "a register", verbs: []verb{readVerb, {
			name: opWrite, params: []string{"value"},
			does: func(_ any, _ string, args []any) []Outcome { return []Outcome{{Next: args[0]}} },
		}}},
		{word: "cas", name: "a compare-and-set register", verbs: []verb{readVerb, {
			name: opWrite, params: []string{"value"},
			does: func(_ any, _ string, args []any) []Outcome { return done(args[0]) },
		}, {
			name: "cas", params: []string{"old", "new"},
			does: func(state any, _ string, args []any) []Outcome {
				if state == args[0] {
					return []Outcome{{Next: args[1], Result: true}}
				}
				return []Outcome{{Next: state, Result: false}}
			},
		}}},
		{word: "counter", name: "a counter", init: 0, verbs: []verb{readVerb, {
			name: "inc", params: []string{"by"}, given: map[string]any{"by": 1}, does: counts(1),
		}, {
			name: "dec", params: []string{"by"}, given: map[string]any{"by": 1}, does: counts(-1),
		}}},
		{word: "queue", name: "a queue", verbs: []verb{{
			name: "enqueue", params: []string{"value"}, notNil: true,
			does: func(state any, _ string, args []any) []Outcome { return done(chain{args[0], state}) },
		}, {
			name: "dequeue",
			does: func(state any, _ string, _ []any) []Outcome {
				values := elements(state)
				if len(values) == 0 {
					return []Outcome{{Next: state}}
				}
				return []Outcome{{Next: chained(values[1:]), Result: values[0]}}
			},
		}}},
		{word: "stack", name: "a stack", verbs: []verb{{
			name: "push", params: []string{"value"}, notNil: true,
			does: func(state any, _ string, args []any) []Outcome { return done(chain{args[0], state}) },
		}, {
			name: "pop",
			does: func(state any, _ string, _ []any) []Outcome {
				if top, ok := state.(chain); ok {
					return []Outcome{{Next: top.before, Result: top.last}}
				}
				return []Outcome{{Next: state}}
			},
		}}},
		{word: "set", name: "a set", init: false, key: "value", verbs: []verb{{
			name: "add", params: []string{"value"},
			does: func(state any, _ string, _ []any) []Outcome {
				return []Outcome{{Next: true, Result: !state.(bool)}, {Next: true}}
			},
		}, {
			name: "remove", params: []string{"value"},
			does: func(state any, _ string, _ []any) []Outcome {
				return []Outcome{{Next: false, Result: state}, {Next: false}}
			},
		}, {
			name: "contains", params: []string{"value"}, reads: true,
			does: func(state any, _ string, _ []any) []Outcome { return []Outcome{{Next: state, Result: state}} },
		}}},
		{word: "log", name: "an append-only log", verbs: []verb{{
			name: "append", params: []string{"value"},
			does: func(state any, _ string, args []any) []Outcome {
				return append(done(chain{args[0], state}), Outcome{Next: chain{args[0], state}, Result: len(elements(state))})
			},
		}, {
			name: "read", reads: true,
			does: func(state any, _ string, _ []any) []Outcome {
				return []Outcome{{Next: state, Result: Sequence(elements(state))}}
			},
		}}},
		{word: "lock", name: "a lock", verbs: []verb{{
			name: "acquire",
			does: func(holder any, by string, _ []any) []Outcome {
				if holder == nil {
					return done(by)
				}
				return []Outcome{{Next: holder, Result: false}}
			},
		}, {
			name: "release",
			does: func(holder any, by string, _ []any) []Outcome {
				if holder == by {
					return done(nil)
				}
				return []Outcome{{Next: holder, Result: false}}
			},
		}}},
	}
}

var readVerb = verb{
	name: opRead, reads: true,
	does: func(state any, _ string, _ []any) []Outcome { return []Outcome{{Next: state, Result: state}} },
}

// done is the outcome of what returns nil or true: a reply without content, in either style.
func done(next any) []Outcome { return []Outcome{{Next: next}, {Next: next, Result: true}} }

// counts is what a counter does: it returns nil or its new value.
func counts(sign int) func(any, string, []any) []Outcome {
	return func(state any, _ string, args []any) []Outcome {
		n := state.(int) + sign*args[0].(int)
		return []Outcome{{Next: n}, {Next: n, Result: n}}
	}
}

// A chain is a list that Go can compare; nil is the empty one.
type chain struct{ last, before any }

// elements lists a chain, the first one first. It is linear in the length, and so is each dequeue
// and each read of a log; histories have tens of operations.
func elements(state any) []any {
	var values []any
	for c, ok := state.(chain); ok; c, ok = c.before.(chain) {
		values = append(values, c.last)
	}
	for i, j := 0, len(values)-1; i < j; i, j = i+1, j-1 {
		values[i], values[j] = values[j], values[i]
	}
	return values
}

// chained is the inverse of elements.
func chained(values []any) (state any) {
	for _, v := range values {
		state = chain{v, state}
	}
	return state
}

// model makes a Model of an object.
func (o object) model() Model {
	m := Model{
		Name: o.name,
		Init: o.init,
		Knows: func(op node.Operation) error {
			if o.word == "register" {
				return registerHas(op)
			}
			_, _, err := o.call(op)
			return err
		},
		Step: func(_ context.Context, state any, call Call) ([]Outcome, error) {
			v, args, err := o.call(call.Operation)
			if err != nil {
				return nil, err
			}
			return v.does(state, call.Client, args), nil
		},
		Blind: func() bool { return true },
		reads: func(op node.Operation) bool {
			v, _, err := o.call(op)
			return err == nil && v.reads
		},
		anonymous: o.word != "lock",
		register:  o.word == "register",
	}
	if o.key != "" {
		m.Key = func(op node.Operation) any {
			_, args, err := o.call(op)
			if err != nil {
				return nil
			}
			return args[0]
		}
	}
	return m
}

// call returns which operation of o is called, with what arguments. The error lists what there
// is, because a misspelt operation would else be one that can never be carried out, and each
// history with it a violation.
func (o object) call(op node.Operation) (*verb, []any, error) {
	for i, v := range o.verbs {
		if v.name != op.Name {
			continue
		}
		args, ok := v.args(op.Arg)
		if !ok {
			return nil, nil, misused(op, fmt.Sprintf("%s has the operation %s, not ", o.name, v), keyedHint(op, o.word))
		}
		for _, arg := range args {
			if v.notNil && arg == nil {
				return nil, nil, fmt.Errorf("%s cannot hold no value: that is what it returns when it is empty", o.name)
			}
		}
		return &o.verbs[i], args, nil
	}
	return nil, nil, misused(op, fmt.Sprintf("%s has %s, not ", o.name, o.has()), keyedHint(op, o.word))
}

// args returns the arguments in the order of the parameters, if they fit. A single argument need
// not be named, and those with a default need not be given: then they are whole numbers.
func (v verb) args(arg any) (args []any, ok bool) {
	several, named := arg.(node.Arguments)
	if !named && v.given == nil {
		if len(v.params) == 1 {
			return []any{arg}, true
		}
		return nil, len(v.params) == 0 && arg == nil
	}
	values := several.Map()
	if !named && arg != nil {
		values[v.params[0]] = arg
	}
	for _, name := range v.params {
		value, given := values[name]
		if !given {
			if value, given = v.given[name]; !given {
				return nil, false
			}
		}
		if _, isInt := value.(int); v.given != nil && !isInt {
			return nil, false
		}
		delete(values, name)
		args = append(args, value)
	}
	return args, len(values) == 0
}

// has lists the operations of o: the operations read() and write(value).
func (o object) has() string {
	var list []string
	for _, v := range o.verbs {
		list = append(list, v.String())
	}
	return "the operations " + english.Join(list, "and")
}

// String is how the operation is called: cas(old, new).
func (v verb) String() string {
	params := make([]string, len(v.params))
	for i, name := range v.params {
		params[i] = name
		if given, ok := v.given[name]; ok {
			params[i] += "=" + node.Text(given)
		}
	}
	return v.name + "(" + strings.Join(params, ", ") + ")"
}
