package dsl

import (
	"fmt"
	"slices"
	"sync"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/twinsh/twinsh/dsl/internal/interp"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/english"
)

// What a script sees of a world: its attributes, and acts as methods. An act as a method
// returns the next world and leaves the session alone, so that a script can try what would
// happen; an invariant has no other way to look ahead.

// A worldValue is a world in a script. It is immutable, and equal to another if the systems
// are in the same condition, whatever led there: that is the equality of worlds by which a
// search merges scenarios.
type worldValue struct {
	*runtime.World
	judged bool // an invariant is given it, without a past
}

// Binary implements [starlark.HasBinary]: no operator takes a world. It is there for its
// errors. Acts return worlds, and round("A") * 3 or round("A") | round("B") is what one
// writes who means rounds("A"); without it the interpreter would say "unknown binary op:
// world * int". In an invariant the hint would name the last step, which the world has not.
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
//
// A search goes on from a world once, for all scenarios that lead to it. An invariant that
// looked at the way would judge one of them, which one depending on who came first, and the
// verdict would hold by accident. It has to be an error rather than an empty list: a script
// that counts w.steps would otherwise find nothing wrong.
func (w *worldValue) past(what string) error {
	if !w.judged {
		return nil
	}
	return fmt.Errorf("%s: the world that an invariant is given has no past, only a state: scenarios that meet in one world go on as one; let nodes keep in their state what matters", what)
}

func (w *worldValue) String() string {
	return fmt.Sprintf("world(%s, after %s)", w.Cluster().Config().Protocol.Name(), english.Count(w.Depth(), "step"))
}

func (w *worldValue) Type() string          { return "world" }
func (w *worldValue) Freeze()               {}
func (w *worldValue) Truth() starlark.Bool  { return true }
func (w *worldValue) Hash() (uint32, error) { return 0, fmt.Errorf("unhashable type: world") }

// CompareSameType compares what the systems are in, not how they got there. Worlds of two
// clusters are never equal, even of two that were set up in the same way.
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

// Attr implements [starlark.HasAttrs]. Lists are made anew for each call and belong to the
// script. A method is bound to this world here, and called by [act] with it as its
// receiver.
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

// worldMethods are the acts, which a world has as methods, and what it shows. They are made
// once, when first needed, because that parses each signature.
var worldMethods = sync.OnceValue(func() map[string]*interp.Builtin {
	entries := []Entry{stateEntry(), historyEntry()}
	for _, family := range actFamilies() {
		entries = append(entries, family.Entries...)
	}
	return methodsOf(entries...)
})

// stepsTo returns the scenario that led to w.
//
// It begins at the start of its system, or where the past was cut off.
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
