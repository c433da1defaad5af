package dsl

import (
	"fmt"
	"slices"
	"sync"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"go.starlark.net/syntax"

	"github.com/twinsh/twinsh/dsl/internal/interp"
	"github.com/twinsh/twinsh/dsl/internal/value"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/node"
)

// A worldValue is a world in a script. It is immutable, and equal to another
// if the systems are in the same condition, whatever led there.
type worldValue struct {
	*runtime.World
	judged bool // an invariant is given it, without a past
}

// past is an error if what led to w is not known, because an invariant judges it.
func (w *worldValue) past(what string) error {
	if !w.judged {
		return nil
	}
	return fmt.Errorf("%s: the world that an invariant is given has no past, only a state: scenarios that meet in one world go on as one; let nodes keep in their state what matters", what)
}

func (w *worldValue) String() string {
	return fmt.Sprintf("world(%s, after %d steps)", w.Cluster().Config().Protocol.Name(), w.Depth())
}
func (w *worldValue) Type() string          { return "world" }
func (w *worldValue) Freeze()               {}
func (w *worldValue) Truth() starlark.Bool  { return true }
func (w *worldValue) Hash() (uint32, error) { return 0, fmt.Errorf("unhashable type: world") }

// CompareSameType compares what the systems are in, not how they got there.
func (w *worldValue) CompareSameType(op syntax.Token, y starlark.Value, _ int) (bool, error) {
	other := y.(*worldValue)
	equal := w.Same(other.World)
	switch op {
	case syntax.EQL:
		return equal, nil
	case syntax.NEQ:
		return !equal, nil
	}
	return false, fmt.Errorf("worlds have no order: %s", op)
}

// worldMethods are the acts, which a world has as methods.
var worldMethods = sync.OnceValue(func() map[string]*interp.Builtin {
	methods := map[string]*interp.Builtin{}
	for _, family := range actFamilies() {
		for _, entry := range family.Entries {
			methods[entry.Name()] = built(entry)
		}
	}
	for _, entry := range []Entry{stateEntry(), historyEntry()} {
		methods[entry.Name()] = built(entry)
	}
	return methods
})

// AttrNames implements [starlark.HasAttrs].
func (w *worldValue) AttrNames() []string {
	names := []string{"crashed", "depth", "faulty", "parent", "round_number", "steps"}
	for name := range worldMethods() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Attr implements [starlark.HasAttrs].
func (w *worldValue) Attr(name string) (starlark.Value, error) {
	switch name {
	case "depth", "parent", "steps":
		if err := w.past(name); err != nil {
			return nil, err
		}
	}
	switch name {
	case "depth":
		return starlark.MakeInt(w.Depth()), nil
	case "round_number":
		return starlark.MakeInt(w.Round()), nil
	case "parent":
		if w.Parent() == nil {
			return starlark.None, nil
		}
		return &worldValue{World: w.Parent()}, nil
	case "steps":
		return stepsTo(w.World), nil
	case "faulty":
		return nameList(w.Cluster().Names(w.Faulty())), nil
	case "crashed":
		return nameList(w.Cluster().Names(w.Crashed())), nil
	}
	if m := worldMethods()[name]; m != nil {
		return m.Method(w), nil
	}
	return nil, nil
}

// stepsTo returns the scenario that led to w.
func stepsTo(w *runtime.World) scenarioValue {
	var steps scenarioValue
	for _, v := range w.Path()[1:] {
		steps = append(steps, v.Step())
	}
	return steps
}

func nameList(names []string) starlark.Value {
	values := make([]starlark.Value, len(names))
	for i, name := range names {
		values[i] = starlark.String(name)
	}
	return starlark.NewList(values)
}

func stateEntry() Entry {
	return Entry{
		Signature: "state(id)",
		Doc:       `What an instance knows now, as a struct of the fields that its protocol shows.`,
		Example: kvStage + `exchange("c1", ["A", "B", "C"])
print(state("c1"))`,
		call: func(c *call) (starlark.Value, error) {
			var id string
			if err := c.Unpack(&id); err != nil {
				return nil, err
			}
			w, err := worldOf(c)
			if err != nil {
				return nil, err
			}
			i, err := w.Cluster().Instance(id)
			if err != nil {
				return nil, fmt.Errorf("state: %w", err)
			}
			fields := starlark.StringDict{}
			for _, f := range w.Fields(i) {
				fields[f.Name] = value.FromGo(f.Value)
			}
			return starlarkstruct.FromStringDict(starlarkstruct.Default, fields), nil
		},
	}
}

func historyEntry() Entry {
	return Entry{
		Signature: "history()",
		Doc: `What was observed so far: a list of structs with step, instance and kind, in the order of the steps. Within a step they are in the order in which they happened to those who could reach each other; the order of what happened in different parts means nothing.
An "invoked" has an operation, a "returned" a value, a "decided" a slot and a value, a "failed" a text.`,
		Example: kvStage + `exchange("c2", ["A", "B", "C"])
print(history())`,
		call: func(c *call) (starlark.Value, error) {
			if err := c.Unpack(); err != nil {
				return nil, err
			}
			if w, ok := c.Receiver().(*worldValue); ok {
				if err := w.past("history"); err != nil {
					return nil, err
				}
			}
			w, err := worldOf(c)
			if err != nil {
				return nil, err
			}
			looked(interpreter(c), w)
			list := starlark.NewList(nil)
			for _, o := range w.History().Events {
				fields := starlark.StringDict{
					"step":     starlark.MakeInt(o.Step),
					"instance": starlark.String(w.Cluster().Instances()[o.Instance].Name),
				}
				kind := "failed"
				switch o.Kind {
				case node.Invoked:
					kind, fields["operation"] = "invoked", value.Operation(o.Operation)
				case node.Returned:
					kind, fields["value"] = "returned", value.FromGo(o.Value)
				case node.Decided:
					kind, fields["slot"], fields["value"] = "decided", starlark.MakeInt(o.Slot), value.FromGo(o.Value)
				default:
					fields["text"] = starlark.String(o.Failure.String())
				}
				fields["kind"] = starlark.String(kind)
				if err := list.Append(starlarkstruct.FromStringDict(starlarkstruct.Default, fields)); err != nil {
					return nil, err
				}
			}
			return list, nil
		},
	}
}
