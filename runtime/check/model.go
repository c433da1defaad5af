package check

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/twinsh/twinsh/runtime/node"
)

// A Model is a sequential object: what operations do when they are carried out
// one after another.
type Model struct {
	Name string // with its article: a register
	Init any    // its first state, a comparable value
	// Step lists what carrying out a call may do in a state, in an order that is always
	// the same; nothing, if it cannot be carried out there. It must be a pure function. An
	// error ends the judging; it is that of ctx, or a mistake of the model's author.
	Step func(ctx context.Context, state any, call Call) ([]Outcome, error)
	// Knows returns an error that names the operations that the object has if op is none
	// of them. It may be nil: then Step knows.
	Knows func(op node.Operation) error
	// Key returns what an operation works on, a comparable value, if those on different
	// keys do not touch each other: there is an object for each key. It may be nil: then
	// there is one for all.
	Key func(op node.Operation) any

	// Blind reports whether what Step lists is the same whether or not the result of a call is
	// known. Then a search keeps what the objects may be, and else whole histories. It may be
	// nil: then it is not.
	Blind func() bool

	reads     func(op node.Operation) bool // whether an operation changes no state, where that is known
	anonymous bool                         // it does not matter who calls
	register  bool                         // it is Register, which there are quicker ways to judge
	inner     *Model                       // of Keyed: the object that there is for each key
	// apart returns the key of an operation and the rest of it, if there is an inner model.
	apart func(ctx context.Context, op node.Operation) (key any, rest node.Operation, err error)
}

// A Call is an operation as a model sees it.
type Call struct {
	node.Operation
	Client   string // the instance of a client that makes it
	Returned bool   // that is, Result is known
	Result   any
	cut      bool // it need not take effect, and does by a certain time or never
}

// An Outcome is one thing that a call may do.
type Outcome struct {
	Next   any  // the state after it, a comparable value
	Result any  // what the call returns, a comparable value or a [Sequence]
	Any    bool // it may return anything
}

// A Sequence is a result that is a list. A value that an operation returned is equal to
// it if it has a method Elements that returns the same.
type Sequence []any

// lister is an observed value that is a list.
type lister interface {
	Elements() (values []any, ok bool)
}

// explains reports whether o is what a call did that returned result.
func (o Outcome) explains(result any) bool {
	want, isList := o.Result.(Sequence)
	switch {
	case o.Any:
		return true
	case !isList:
		return o.Result == result
	}
	switch result := result.(type) {
	case Sequence:
		return slices.Equal(result, want)
	case lister:
		got, ok := result.Elements()
		return ok && slices.Equal(got, want)
	}
	return false
}

// String shows a list as scripts do: [1, 2].
func (s Sequence) String() string {
	texts := make([]string, len(s))
	for i, v := range s {
		texts[i] = node.Text(v)
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

// Keyed returns the model of many objects, one for each key. Each operation names its key
// by the argument key, as in cas(key="x", new=2, old=1), or by its only argument, as in
// read("x"); the object itself is given the operation without it.
//
// Of an operation without its key a single argument that remains stands alone: write("red")
// for write(key="x", value="red").
func Keyed(inner Model) Model {
	return KeyedBy(inner, func(_ context.Context, op node.Operation) (key any, rest node.Operation, err error) {
		key, rest, ok := cutKey(op)
		if !ok {
			return nil, op, misused(op, "", fmt.Sprintf(" names no key; want one, as in %s(key = …)", op.Name))
		}
		return key, rest, nil
	})
}

// KeyedBy is [Keyed] for keys that are computed: the function returns the key of an operation, a
// comparable value, and what the operation is to the object of that key. It must be pure, and is asked often. Its
// error is that of ctx, or says why the operation has no key, which is a mistake of who uses the model.
func KeyedBy(inner Model, key func(ctx context.Context, op node.Operation) (key any, rest node.Operation, err error)) Model {
	m := Model{Name: inner.Name + " for each key", Init: inner.Init, Blind: inner.Blind, anonymous: inner.anonymous, inner: &inner, apart: key}
	m.Knows = func(op node.Operation) error { return m.knows(context.Background(), op) }
	m.Key = func(op node.Operation) any {
		key, _ := m.cut(op)
		return key
	}
	m.Step = func(ctx context.Context, state any, call Call) ([]Outcome, error) {
		_, rest, err := m.apart(ctx, call.Operation)
		if err != nil {
			return nil, err
		}
		call.Operation = rest
		return inner.Step(ctx, state, call)
	}
	return m
}

// cut returns the key of an operation that m knows, and what it is to the object of that key.
func (m Model) cut(op node.Operation) (key any, rest node.Operation) {
	key, rest, _ = m.apart(context.Background(), op)
	return key, rest
}

// knows returns an error if op is no operation of the object, or the end of ctx.
func (m Model) knows(ctx context.Context, op node.Operation) error {
	if m.inner == nil {
		if m.Knows == nil {
			return nil
		}
		return m.Knows(op)
	}
	_, rest, err := m.apart(ctx, op)
	if err != nil {
		return err
	}
	if err := m.inner.knows(ctx, rest); err != nil {
		return &misuse{op: op, after: ", without its key: ", cause: err}
	}
	return nil
}

// cutKey takes the key from an operation.
func cutKey(op node.Operation) (key any, rest node.Operation, ok bool) {
	args, several := op.Arg.(node.Arguments)
	if !several {
		return op.Arg, node.Operation{Name: op.Name, Arg: node.Arguments{}}, op.Arg != nil
	}
	values := args.Map()
	key, ok = values["key"]
	delete(values, "key")
	rest = node.Operation{Name: op.Name, Arg: node.ArgumentsOf(values)}
	if len(values) == 1 {
		for _, rest.Arg = range values {
		}
	}
	return key, rest, ok
}

// tried reports whether some operation returned that could have returned something else: if
// none that began before can change the first state, all that returned could return what
// they did only.
func (m Model) tried(ctx context.Context, ops []operation) bool {
	if m.register {
		return tried(ops, func(*operation) bool { return true })
	}
	last := before
	for _, o := range ops {
		if o.returned() {
			last = max(last, o.ended)
		}
	}
	return slices.ContainsFunc(ops, func(o operation) bool {
		return o.began <= last && m.changes(ctx, &o)
	})
}

// triedByCrash reports whether an operation that can change the first state was cut short by a
// crash, after which another one returned: it could have shown that the first took effect later.
func (m Model) triedByCrash(ctx context.Context, ops []operation) bool {
	last := before
	for _, o := range ops {
		if o.returned() {
			last = max(last, o.ended)
		}
	}
	return slices.ContainsFunc(ops, func(o operation) bool {
		return o.cut && o.ended < last && m.changes(ctx, &o)
	})
}

// changes reports whether an operation can change the first state.
func (m Model) changes(ctx context.Context, o *operation) bool {
	outcomes, err := m.Step(ctx, m.Init, o.call())
	return err != nil || slices.ContainsFunc(outcomes, func(c Outcome) bool { return c.Next != m.Init })
}

// hearing returns m, which says what its calls may do as they are asked for.
func (m Model) hearing(hear func(Call, []Outcome)) Model {
	step := m.Step
	m.Step = func(ctx context.Context, state any, call Call) ([]Outcome, error) {
		outcomes, err := step(ctx, state, call)
		hear(call, outcomes)
		return outcomes, err
	}
	if m.inner != nil {
		inner := m.inner.hearing(hear)
		m.inner = &inner
	}
	return m
}

// steps returns the states after a call in any of some states, without repetitions. A call
// that did not return need not take effect.
func (m Model) steps(ctx context.Context, states []any, call Call) ([]any, error) {
	var next []any
	for _, state := range states {
		outcomes, err := m.Step(ctx, state, call)
		if err != nil {
			return nil, err
		}
		for _, o := range outcomes {
			if (!call.Returned || o.explains(call.Result)) && !slices.Contains(next, o.Next) {
				next = append(next, o.Next)
			}
		}
		if !call.Returned && (len(outcomes) == 0 || call.cut) && !slices.Contains(next, state) {
			next = append(next, state)
		}
	}
	return next, nil
}

// on is one object that a model is of, and what an operation is to it.
type on struct {
	key any
	of  Model
	op  node.Operation
}

// A keyWithin is a key of an object within that of another.
type keyWithin struct{ outer, inner any }

// object returns the object that an operation works on.
func (m Model) object(op node.Operation) on {
	if m.Key == nil {
		return on{of: m, op: op}
	}
	key := m.Key(op)
	if m.inner == nil {
		m.Key = nil
		return on{key, m, op}
	}
	_, rest := m.cut(op)
	o := m.inner.object(rest)
	o.key = keyWithin{key, o.key}
	return o
}

// together returns the model of the objects of all keys as one.
func (m Model) together() Model {
	if m.Key == nil {
		return m
	}
	if m.inner != nil && m.inner.Key != nil { // keys within keys
		name := m.Name
		m = KeyedBy(m.inner.together(), m.apart)
		m.Name = name
	}
	key, step, first := m.Key, m.Step, m.Init
	m.Key, m.inner, m.apart, m.Init = nil, nil, nil, nil
	m.Step = func(ctx context.Context, state any, call Call) ([]Outcome, error) {
		k := key(call.Operation)
		objects := elements(state)
		i := slices.IndexFunc(objects, func(e any) bool { return e.(keyedState).key == k })
		of := first
		if i >= 0 {
			of = objects[i].(keyedState).state
		}
		outcomes, err := step(ctx, of, call)
		if err != nil {
			return nil, err
		}
		outcomes = slices.Clone(outcomes)
		for o := range outcomes {
			others := slices.Clone(objects)
			if i >= 0 {
				others = slices.Delete(others, i, i+1)
			}
			if next := outcomes[o].Next; next != first { // so that equal objects are equal states
				others = append(others, keyedState{k, next})
			}
			slices.SortFunc(others, func(a, b any) int { return cmp.Compare(keyText(a), keyText(b)) })
			outcomes[o].Next = chained(others)
		}
		return outcomes, nil
	}
	return m
}

// A keyedState is the state of the object of a key.
type keyedState struct{ key, state any }

func keyText(e any) string {
	k := e.(keyedState).key
	return fmt.Sprintf("%T %s", k, node.Text(k))
}
