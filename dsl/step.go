package dsl

import (
	"fmt"
	"slices"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/twinsh/twinsh/dsl/internal/value"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/english"
	"github.com/twinsh/twinsh/runtime/node"
)

// What a script reads of a step. There is no list of attributes for each kind: the
// arguments of an action are data (see [runtime.Edit]), so that a kind which gets an
// argument has it here, in dir(step) and in error messages at once.

// A stepValue is a step in a script: a word for what it does, which is the name of
// the act that takes it, and the arguments of that. Steps are equal if their
// notations are.
//
// The word and the names are those of the act, so that what a filter reads is what the act
// would be given, and s.kind in ["crash", "amnesia"] needs no table to be looked up in.
//
// A view, which is no act, is the word view, with its name and its steps.
type stepValue runtime.Step

func (s stepValue) String() string       { return runtime.Step(s).Text() }
func (s stepValue) Type() string         { return "step" }
func (s stepValue) Freeze()              {}
func (s stepValue) Truth() starlark.Bool { return true }

// Notations are the same in every run, other than the numbers of the engine.
func (s stepValue) Hash() (uint32, error) { return starlark.String(runtime.Step(s).String()).Hash() }

// CompareSameType compares the notations.
//
// They name the arguments in full; steps of two clusters that read the same are equal.
func (s stepValue) CompareSameType(op syntax.Token, y starlark.Value, depth int) (bool, error) {
	return starlark.CompareDepth(op, starlark.String(runtime.Step(s).String()), starlark.String(runtime.Step(y.(stepValue)).String()), depth)
}

// AttrNames implements [starlark.HasAttrs].
func (s stepValue) AttrNames() []string {
	names := []string{"kind"}
	for _, arg := range argumentsOf(runtime.Step(s).Action()) {
		names = append(names, arg.Name)
	}
	slices.Sort(names)
	return names
}

// Attr implements [starlark.HasAttrs].
//
// Other than for most values, a name that is not there is an error which lists those that
// are: kinds differ in what they have, and a filter is often the first to look.
func (s stepValue) Attr(name string) (starlark.Value, error) {
	action := runtime.Step(s).Action()
	if name == "kind" {
		return starlark.String(action.Name()), nil
	}
	for _, arg := range argumentsOf(action) {
		if arg.Name == name {
			if _, steps := arg.Value.([]runtime.Action); steps {
				return stepList(runtime.Step(s).InTurn()), nil
			}
			return argumentValue(arg), nil
		}
	}
	return nil, starlark.NoSuchAttrError(fmt.Sprintf("the step %s has no .%s; a %s has %s", s, name, action.Name(), english.Join(s.AttrNames(), "and")))
}

// stepList is steps in a script, frozen.
//
// Frozen, because it is a part of a step or a space, which do not change.
func stepList(steps []runtime.Step) starlark.Value {
	all := make([]starlark.Value, len(steps))
	for i, step := range steps {
		all[i] = stepValue(step)
	}
	list := starlark.NewList(all)
	list.Freeze()
	return list
}

// argumentsOf lists the arguments of an action, those that are left out, too.
//
// It edits the action and throws the result away, because that is the walk which comes to
// the empty ones as well; [runtime.Arguments] leaves them out.
func argumentsOf(a runtime.Action) []runtime.Argument {
	var all []runtime.Argument
	runtime.Edit(a, func(arg runtime.Argument) any {
		all = append(all, arg)
		return arg.Value
	})
	return all
}

// argumentValue is an argument of an action in a script: what the act takes for it,
// frozen. One that is left out is what the act takes it to be then.
//
// It panics for a type of argument that has no case here: a kind of step that has one
// cannot be read by scripts yet.
func argumentValue(arg runtime.Argument) starlark.Value {
	switch v := arg.Value.(type) {
	case string:
		if v == "" && arg.Optional {
			return starlark.None
		}
		return starlark.String(v)
	case int:
		return starlark.MakeInt(v)
	case node.Operation:
		return value.Operation(v)
	case runtime.Faces:
		if len(v) == 1 {
			return value.FromGo(v[0])
		}
		faces := make([]starlark.Value, len(v))
		for i, face := range v {
			faces[i] = value.FromGo(face)
		}
		list := starlark.NewList(faces)
		list.Freeze()
		return list
	case []string:
		list := nameList(v)
		list.Freeze()
		return list
	case [][]string:
		if v == nil {
			return starlark.None
		}
		groups := make([]starlark.Value, len(v))
		for i, group := range v {
			groups[i] = nameList(group)
		}
		list := starlark.NewList(groups)
		list.Freeze()
		return list
	}
	panic("dsl: no value for the argument " + arg.Name)
}
