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

// A stepValue is a step in a script: a word for what it does, which is the name of
// the act that takes it, and the arguments of that. Steps are equal if their
// notations are.
type stepValue runtime.Step

func (s stepValue) String() string        { return runtime.Step(s).Text() }
func (s stepValue) Type() string          { return "step" }
func (s stepValue) Freeze()               {}
func (s stepValue) Truth() starlark.Bool  { return true }
func (s stepValue) Hash() (uint32, error) { return starlark.String(runtime.Step(s).String()).Hash() }

// CompareSameType compares the notations.
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
func (s stepValue) Attr(name string) (starlark.Value, error) {
	action := runtime.Step(s).Action()
	if name == "kind" {
		return starlark.String(action.Name()), nil
	}
	for _, arg := range argumentsOf(action) {
		if arg.Name == name {
			return argumentValue(arg), nil
		}
	}
	return nil, starlark.NoSuchAttrError(fmt.Sprintf("the step %s has no .%s; a %s has %s", s, name, action.Name(), english.Join(s.AttrNames(), "and")))
}

// argumentsOf lists the arguments of an action, those that are left out, too.
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
