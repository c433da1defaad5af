package dsl

import (
	"fmt"
	"slices"
	"sync"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/twinsh/twinsh/dsl/internal/interp"
	"github.com/twinsh/twinsh/runtime"
)

// A worldValue is a world in a script. It is immutable, and equal to another
// if the systems are in the same condition, whatever led there.
type worldValue struct {
	*runtime.World
	judged bool // an invariant is given it, without a past
}

// Binary implements [starlark.HasBinary]: no operator takes a world.
func (w *worldValue) Binary(op syntax.Token, y starlark.Value, side starlark.Side) (starlark.Value, error) {
	if w.judged {
		return nil, nil
	}
	switch y.(type) {
	case starlark.Int:
		if op == syntax.STAR {
			return nil, fmt.Errorf("world * %s: %s", y, insteadOfWorld(w.World, "%s * "+y.String()))
		}
	case *spaceValue, *worldValue:
		if op == syntax.PLUS || op == syntax.PIPE {
			expression := "%s " + op.String() + " …"
			if side == starlark.Right {
				expression = "… " + op.String() + " %s"
			}
			return nil, fmt.Errorf("%s with a world: %s", op, insteadOfWorld(w.World, expression))
		}
	}
	return nil, nil
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

// worldMethods are the acts, which a world has as methods, and what it shows.
var worldMethods = sync.OnceValue(func() map[string]*interp.Builtin {
	entries := []Entry{stateEntry(), historyEntry()}
	for _, family := range actFamilies() {
		entries = append(entries, family.Entries...)
	}
	return methodsOf(entries...)
})

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
