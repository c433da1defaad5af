package dsl

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"

	"github.com/twinsh/twinsh/dsl/internal/guard"
	"github.com/twinsh/twinsh/dsl/internal/interp"
	"github.com/twinsh/twinsh/dsl/internal/spell"
	"github.com/twinsh/twinsh/dsl/internal/value"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/node"
)

// Linearizability and the sequential objects that it is judged by: those of the library, by
// a word, those of a script, model(init, step), and either for each key, keyed(…). The
// other properties are in builtin_properties.go.
//
// The check is runtime/check/linearizable.go. It asks a model "what may this operation do
// in this state", very often the same again, and demands an answer that depends on nothing
// else, from several goroutines. A function of a script becomes such a model by three
// means: it is called through asking, which freezes what it sees; states and results are
// made comparable ([value.Comparable]), so that equal ones are one; and each answer is
// remembered.
//
// Tested in models_test.go, where each model of the library finds a flaw and a correct
// history.

// A modelValue is a sequential object in a script. It is immutable. text is how a script
// makes it, for properties that are written into scripts; init and step are there for
// fingerprints.
type modelValue struct {
	check.Model
	text  string         // the call that makes it again, "" if it is not known
	keyed bool           // there is one for each key
	init  starlark.Value // of a model of a script, and the functions of it
	step  starlark.Callable
	key   starlark.Callable // of keyed(model, key), nil if an operation names its key
}

// functions lists the functions of a script in the model.
func (m *modelValue) functions() []starlark.Value {
	var list []starlark.Value
	for _, fn := range []starlark.Callable{m.step, m.key} {
		if fn != nil {
			list = append(list, fn)
		}
	}
	return list
}

func (m *modelValue) String() string        { return m.Name }
func (m *modelValue) Type() string          { return "model" }
func (m *modelValue) Freeze()               {}
func (m *modelValue) Truth() starlark.Bool  { return true }
func (m *modelValue) Hash() (uint32, error) { return starlark.String(m.Name).Hash() }

// Literal writes the model as a script makes it; see interp.Written.
func (m *modelValue) Literal() string { return m.text }

// aModel is a parameter that takes a model, or the word for one of the library. The pointer
// is nil if it is not given.
type aModel struct{ *modelValue }

// Unpack implements [starlark.Unpacker].
func (a *aModel) Unpack(v starlark.Value) error {
	if m, ok := v.(*modelValue); ok {
		a.modelValue = m
		return nil
	}
	words, _ := check.Models()
	name, ok := starlark.AsString(v)
	if !ok {
		return fmt.Errorf(`got %s, want a model: model(init, step), keyed(…) or one of "%s"`, given(v), strings.Join(words, `", "`))
	}
	m, ok := check.ModelOf(name)
	if !ok {
		return fmt.Errorf(`no model is called %q%s; there are "%s", and model(init, step)`, name, spell.Hint(name, words), strings.Join(words, `", "`))
	}
	a.modelValue = &modelValue{Model: m, text: v.String(), init: starlark.None}
	return nil
}

// modelsText lists the models of the library, for people.
//
// It becomes a part of the documentation of linearizable, so that a model which is added to
// package check is documented there.
func modelsText() string {
	words, about := check.Models()
	var lines []string
	for _, word := range words {
		lines = append(lines, fmt.Sprintf("%q has %s.", word, about[word]))
	}
	return strings.Join(lines, "\n")
}

func linearizableEntry() Entry {
	return Entry{
		Signature: `linearizable(model="register", *, faults=None)`,
		Doc: `Operations look as if each happened at one moment between its invocation and its return (atomicity).
The initial value of a register is None, and to write None is an error: no read could show whether it was written.
model says what they do when they are carried out one after another: a word for a model of the library, keyed(…) for one object for each key, or model(…) for one of the script. An operation that the model does not have is an error.
Operations that were cut short may or may not have taken effect; those that were aborted, by self.fails(), have not. Those of faulty clients may have taken effect at any time, once or not at all.
` + faultsDoc + `
` + modelsText() + `
read(), dequeue() and pop() return None while there is nothing. cas() and contains() return True or False; so do add() and remove(), True if that changed the set. acquire() returns False if the lock is held, by whichever client, and release() if this one does not hold it. append() may return the index of its entry, from 0 on, inc() and dec() the new value, which is 0 at first. These five may return None instead: inc(), dec(), append(), add() and remove(). enqueue(), push(), append(), the write() of "cas", and acquire() and release() if they succeed, return None or True. The write() of "register" returns None.`,
		Example: kvStage + `exchange("c1", ["A", "B", "C"])
exchange("c1", ["A", "B", "C"])
check(linearizable())
check(linearizable("cas"))`,
		call: callLinearizable,
	}
}

func strictlyLinearizableEntry() Entry {
	return Entry{
		Signature: `strictly_linearizable(model="register", *, faults=None)`,
		Doc: `As linearizable(), and what a crash cuts short takes effect before the crash or never (Aguilera and Frølund 2003).
An operation is cut short if its client crashes while it is under way, or its code fails. Also one that the client finishes when it is back took effect before. To linearizable() it may do so at any later time, so that a write that no read has seen yet may show up in the end.
model is as for linearizable().
` + faultsDoc,
		Example: kvStage + `exchange("c1", ["A"])
crash("c1")
exchange("c2", ["A", "B", "C"])
check(strictly_linearizable())`,
		call: func(c *call) (starlark.Value, error) { return callConsistency(c, check.StrictlyLinearizable, false) },
	}
}

// callLinearizable makes one value for linearizable(), linearizable("register") and
// register models by that word: their name in reports is plain "linearizable". A register
// has a quick check of its own (see unique in runtime/check). The call is written again
// from the text of the model, since interp.Written would not know one that a variable
// holds.
func callLinearizable(c *call) (starlark.Value, error) {
	var m aModel
	var faults faultBound
	if err := c.Unpack(&m, &faults); err != nil {
		return nil, err
	}
	if m.modelValue == nil || m.text == `"register"` {
		return faults.of(&propertyValue{name: check.Linearizable().Name(), text: interp.Written(c), property: check.Linearizable()}), nil
	}
	return ofModel(c, check.LinearizableTo(m.Model), m.modelValue, faults), nil
}

func keyedEntry() Entry {
	return Entry{
		Signature: "keyed(model, key=None)",
		Doc: `A model of many objects, one for each key, which do not touch each other: linearizable(keyed("register")) is a K-V store.
Each operation names its key, operation("write", key = "x", value = "red"), or has no other argument, operation("read", "x"). The model of an object sees the operation without the key; a single argument that remains has no name any more.
With key the key is computed: key(op) returns it, for an operation with name and arg, and the model of an object sees the operation as it is. If the model is to see another, key returns a pair of the key and that operation. A key is any value that nodes can keep, but no such pair.
The operations on each key are judged by themselves, which is the same and quicker.`,
		Example: `store = keyed("cas")
print(store)
print(linearizable(store))

def by_path(op):
    return op.arg.path, operation("write", op.arg.value) if op.name == "write" else operation("read")

print(keyed("register", key = by_path))`,
		call: callKeyed,
	}
}

// callKeyed refuses keys within keys: an operation names one. The keyed model remembers the
// functions of the inner one, as they are what a fingerprint has to take in. The call is written from the text
// of the model and the name of the function, if both are known.
func callKeyed(c *call) (starlark.Value, error) {
	var m aModel
	var given starlark.Value
	if err := c.Unpack(&m, &given); err != nil {
		return nil, err
	}
	if m.keyed {
		return nil, fmt.Errorf("keyed: the model is %s already", m)
	}
	if given == nil || given == starlark.None {
		keyed := &modelValue{Model: check.Keyed(m.Model), keyed: true, init: m.init, step: m.step}
		if m.text != "" {
			keyed.text = "keyed(" + m.text + ")"
		}
		return keyed, nil
	}
	fn, ok := given.(starlark.Callable)
	if !ok {
		return nil, fmt.Errorf("keyed: key is a %s, want a function of an operation", given.Type())
	}
	if fn, ok := fn.(*starlark.Function); ok && !takes(fn, 1) {
		signature, _ := interp.Signature(fn)
		return nil, fmt.Errorf("keyed: key is %s, want a function of one parameter, key(op)", signature)
	}
	judge, err := asking(interp.RunOf(c.Thread), asked{
		of:      "the key of " + m.Name,
		looks:   "a key is that of the operation that is given, and does not depend on the session",
		changes: "a key",
	}, fn)
	if err != nil {
		return nil, fmt.Errorf("keyed: key: %w", err)
	}
	k := &keys{judge: judge}
	keyed := &modelValue{Model: check.KeyedBy(m.Model, k.of), keyed: true, init: m.init, step: m.step, key: fn}
	if fn, ok := fn.(*starlark.Function); ok && m.text != "" && fn.Name() != "lambda" {
		keyed.text = "keyed(" + m.text + ", key = " + fn.Name() + ")"
	}
	return keyed, nil
}

// keys are the calls of the function of keyed(…, key), each of which is remembered: a search asks for the few
// operations of its clients at every step.
type keys struct {
	judge func(context.Context, starlark.Tuple, *player) (starlark.Value, error)
	mu    sync.Mutex
	known map[node.Operation]keyOf
}

// A keyOf is what the function says of an operation.
type keyOf struct {
	key  any
	rest node.Operation
}

// of implements the function of [check.KeyedBy]. It may be called concurrently. Errors are not remembered, as
// one may be that of a context which ended.
func (k *keys) of(ctx context.Context, op node.Operation) (key any, rest node.Operation, err error) {
	k.mu.Lock()
	found, ok := k.known[op]
	k.mu.Unlock()
	if ok {
		return found.key, found.rest, nil
	}
	said, err := k.judge(ctx, starlark.Tuple{value.Operation(op)}, new(player))
	if err != nil {
		return nil, op, err
	}
	found.rest = op
	if pair, ok := said.(starlark.Tuple); ok && len(pair) == 2 {
		if rest, ok := pair[1].(value.Operation); ok {
			said, found.rest = pair[0], node.Operation(rest)
		}
	}
	if said == starlark.None {
		return nil, op, fmt.Errorf("the key of %s is None (a path without return?); want a value that differs for each object", value.Operation(op))
	}
	if found.key, err = value.Comparable(said); err != nil {
		return nil, op, fmt.Errorf("the key of %s %w", value.Operation(op), err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.known == nil {
		k.known = map[node.Operation]keyOf{}
	}
	k.known[op] = found
	return found.key, found.rest, nil
}

func modelEntry() Entry {
	return Entry{
		Signature: `model(init, step, name="a model")`,
		Doc: `What operations do when they are carried out one after another, for linearizable().
init is the first state, or a function without parameters that returns it. A state is any value that nodes can keep.
step(state, op) returns what op may do in a state: a list of pairs (next state, result), several if it may do this or that, none if it cannot happen there. If its result is None, what op returned is not looked at.
op has name, arg and client. If the code of step names op.result or op.open, op has these two, too: what op returned, None if it did not, and whether it did not, be it cut short or still under way. Then a search keeps whole histories, and else what the object may be, which is much quicker. An open operation need not take effect; what step returns is what it may do if it does. A single pair need not be in a list.
step is called once for each state and operation, what it sees of the script is frozen, and its errors are mistakes of the script. For an operation that it does not know it had better fail.`,
		Example: `def step(balance, op):
    if op.name == "deposit":
        return [(balance + op.arg, None)]
    if op.name == "withdraw":  # it is refused now and then, and always if there is too little
        return [(balance, False)] + ([(balance - op.arg, True)] if balance >= op.arg else [])
    fail("an account has deposit and withdraw, not", op)

print(linearizable(model(0, step, name = "an account")))`,
		call: callModel,
	}
}

// callModel checks all that can be known before a search: that the name says something,
// that the first state can be kept, that step can be called with two arguments and that it
// can be frozen. init is called once, here, if it is a function. The state is copied, by
// its encoding. Calls of step begin with the first judgement.
func callModel(c *call) (starlark.Value, error) {
	var init starlark.Value
	var step starlark.Callable
	name := "a model"
	if err := c.Unpack(&init, &step, &name); err != nil {
		return nil, err
	}
	if strings.TrimSpace(name) == "" {
		return nil, fmt.Errorf("model: name is empty; want what it is, as in %q", "a queue")
	}
	text := interp.Written(c)
	first := init
	if fn, ok := init.(starlark.Callable); ok {
		var err error
		if first, err = starlark.Call(c.Thread, fn, nil, nil); err != nil {
			return nil, fmt.Errorf("model: init: %w", err)
		}
	}
	state, err := value.Comparable(first)
	if err != nil {
		return nil, fmt.Errorf("model: the first state %w", err)
	}
	if fn, ok := step.(*starlark.Function); ok && !takesTwo(fn) {
		signature, _ := interp.Signature(fn)
		return nil, fmt.Errorf("model: step is %s, want a function of two parameters, step(state, op)", signature)
	}
	judge, err := asking(interp.RunOf(c.Thread), asked{
		of:      name,
		looks:   "a model looks at the state and the operation that it is given, and not at the session",
		changes: "a model",
	}, step)
	if err != nil {
		return nil, fmt.Errorf("model: step: %w", err)
	}
	in := interpreter(c).scripts
	s := &steps{judge: judge, name: name, blind: sync.OnceValue(func() bool {
		seen, err := interp.Capture(in, step)
		return err == nil && !seen.Reads("result") && !seen.ReadsAttribute("open")
	})}
	return &modelValue{
		Model: check.Model{Name: name, Init: state, Step: s.step, Blind: s.blind},
		text:  text, init: value.FromGo(state), step: step,
	}, nil
}

// takesTwo reports whether a function can be called with two arguments.
func takesTwo(fn *starlark.Function) bool { return takes(fn, 2) }

// takes reports whether a function can be called with so many arguments.
//
// It knows parameters, defaults, *args and **kwargs. A lambda with a wrong number of them
// would else be found by the first scenario in which an operation returns, under a longer
// error.
func takes(fn *starlark.Function, n int) bool {
	most, least := fn.NumParams()-fn.NumKwonlyParams(), 0
	if fn.HasKwargs() {
		most--
	}
	if fn.HasVarargs() {
		most--
	}
	for i := range most {
		if fn.ParamDefault(i) == nil {
			least++
		}
	}
	return least <= n && (most >= n || fn.HasVarargs())
}

// steps are the calls of the function of a model, each of which is remembered. A search
// asks for the same few thousand states and operations again and again, and a call of
// Starlark takes microseconds where a look-up takes nanoseconds.
type steps struct {
	judge func(context.Context, starlark.Tuple, *player) (starlark.Value, error)
	name  string
	blind func() bool // whether the function never asks what a call returned
	mu    sync.Mutex
	known map[stepKey][]check.Outcome
}

// Both are comparable: a composite state is its canonical encoding. The call has the result
// in it, None for one that did not return; so step may look at it.
type stepKey struct {
	state any
	call  check.Call
}

// maxSteps bounds how many calls are remembered. Then all are forgotten: a model whose
// states grow without end gains nothing from the oldest, and no order of use is worth its
// upkeep.
const maxSteps = 1 << 16

// step implements the Step of a [check.Model]. It may be called concurrently, and holds no
// lock while it calls the script; two goroutines may then ask the same, and get the same
// answer. An error is not remembered, because it may be that of a context which ended.
func (s *steps) step(ctx context.Context, state any, call check.Call) ([]check.Outcome, error) {
	if s.blind() {
		call.Returned, call.Result = false, nil
	}
	key := stepKey{state, call}
	s.mu.Lock()
	outcomes, ok := s.known[key]
	s.mu.Unlock()
	if ok {
		return outcomes, nil
	}
	fields := starlark.StringDict{
		"name": starlark.String(call.Name), "arg": value.FromGo(call.Arg), "client": starlark.String(call.Client),
	}
	if !s.blind() {
		fields["result"], fields["open"] = value.FromGo(call.Result), starlark.Bool(!call.Returned)
	}
	op := starlarkstruct.FromStringDict(starlarkstruct.Default, fields)
	returned, err := s.judge(ctx, starlark.Tuple{value.FromGo(state), op}, new(player))
	if err != nil {
		return nil, err
	}
	if outcomes, err = outcomesOf(returned); err != nil {
		return nil, fmt.Errorf("%s: step(%s, %s) %w", s.name, guard.Text(value.FromGo(state)), call.Operation, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil || len(s.known) >= maxSteps {
		s.known = map[stepKey][]check.Outcome{}
	}
	s.known[key] = outcomes
	return outcomes, nil
}

// outcomesOf reads what the function of a model returned: a pair, or a list of them. A
// tuple is a pair and never a list of pairs, so that there is no doubt which was meant. A
// result of None matches whatever was returned.
func outcomesOf(v starlark.Value) ([]check.Outcome, error) {
	pairs := []starlark.Value{v}
	if list, ok := v.(*starlark.List); ok {
		pairs = pairs[:0]
		for e := range list.Elements() {
			pairs = append(pairs, e)
		}
	}
	outcomes := make([]check.Outcome, 0, len(pairs))
	for _, e := range pairs {
		pair, ok := e.(starlark.Tuple)
		if !ok || len(pair) != 2 {
			return nil, fmt.Errorf("returned %s, want a list of pairs (next state, result), as in [(state, None)]", element(v))
		}
		next, err := value.Comparable(pair[0])
		if err != nil {
			return nil, fmt.Errorf("returned a next state that %w", err)
		}
		result, err := value.Comparable(pair[1])
		if err != nil {
			return nil, fmt.Errorf("returned a result that %w", err)
		}
		outcomes = append(outcomes, check.Outcome{Next: next, Result: result, Any: result == nil})
	}
	return outcomes, nil
}
