package dsl

import (
	"fmt"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/twinsh/twinsh/dsl/internal/role"
	"github.com/twinsh/twinsh/runtime"
)

// What people mean when they use an act for a space, a function for what it
// returns, or a name of their own for a builtin.

// pluralOf returns the name of the space whose single scenarios are steps of a kind. It
// knows the English of the names that there are, and TestEveryActHasANoun finds one that it
// does not: an act without a noun would make a hint without a name.
func pluralOf(kind string) string {
	for _, e := range spacesFamily().Entries {
		switch e.Name() {
		case kind, kind + "s", kind + "es", strings.TrimSuffix(kind, "y") + "ies":
			return e.Name()
		}
	}
	return ""
}

// insteadOfWorld says what stands for a world where a space is wanted, in an expression
// such as "%s * 2". round("A") * 2 is the commonest mistake of all: it has taken the step
// already, and the error can name the very step and its plural.
func insteadOfWorld(w *runtime.World, expression string) string {
	if w.Depth() == 0 {
		return "a world is no space; exchanges(…) and rounds(…) are, as in explore(rounds(…) * 2)"
	}
	space := fmt.Sprintf(expression, pluralOf(w.Step().Action().Name())+"(…)")
	return fmt.Sprintf("%s has happened and is no space; %s lists what may happen", w.Step().Text(), space)
}

// meant says what is probably meant if v was given for a variable that does not take it, ""
// if that is not known. The variable is a pointer to what the parameter is unpacked into,
// and so says what was wanted. A function where a value is wanted has most likely not been
// called, as in check(agreement).
func meant(v starlark.Value, variable any) string {
	switch variable.(type) {
	case *scenarioValue:
		return ofScenario(v)
	case **spaceValue, *partitionChoices, **protocolValue, *propertyList, **worldValue:
	default:
		return ""
	}
	switch v := v.(type) {
	case *worldValue:
		_, parts := variable.(*partitionChoices)
		if _, ok := variable.(**spaceValue); (ok || parts) && !v.judged {
			return "; " + insteadOfWorld(v.World, "%s")
		}
	case *starlark.List:
		if _, ok := variable.(**spaceValue); ok {
			return ofList(v)
		}
	case starlark.Callable:
		if name := v.Name(); name != "lambda" {
			return fmt.Sprintf("; %s is a function and has to be called: %s(…)", name, name)
		}
	}
	return ""
}

// ofScenario says how a scenario is had from what was given for one. A list is not taken for a
// scenario anywhere, because steps([a, b]) would read as a choice of two.
func ofScenario(v starlark.Value) string {
	switch v.(type) {
	case stepValue:
		return "; steps(step).at(0) is the scenario of one step"
	case *starlark.List, starlark.Tuple:
		return "; (steps(a) + steps(b)).at(0) is the scenario of two steps, world().steps the one that was played"
	case *spaceValue:
		return "; a space holds many, as in for scenario in space, or space.at(0)"
	case *worldValue:
		return "; world.steps is the scenario that led to it"
	}
	return ""
}

// element describes what stands in a list that should hold something else. It is for
// parameters that take lists, whose errors meant does not see the elements of.
func element(v starlark.Value) string {
	if text := given(v); text != v.Type() {
		return text + ","
	}
	return v.Type()
}

// given describes a value that stands where something else is wanted.
func given(v starlark.Value) string {
	if fn, ok := v.(starlark.Callable); ok && fn.Name() != "lambda" {
		return fmt.Sprintf("the function %s, which has to be called", fn.Name())
	}
	return v.Type()
}

// hints implements [interp.Hints]: what the interpreter, which knows Starlark only, adds to
// its errors. Each method returns "" where it has nothing better to say than the error
// itself; a wrong hint costs more than none, which TestNoAdvice is there for.
type hints struct{ in *Interpreter }

// Unparsed implements [interp.Hints], for text that is no Starlark: see python.go.
func (h hints) Unparsed(line string, column int, message string) string {
	return instead(line, column, message)
}

// Foreign implements [interp.Hints], for names that Python has and Starlark has not.
func (h hints) Foreign(name string) string { return insteadOfName[name] }

// Undefined implements [interp.Hints]: in a function of a role an attribute of self is
// nearer than any builtin.
func (h hints) Undefined(name string, at syntax.Position) string {
	if role.OfSelf(h.in.scripts, name, at) {
		return "self." + name
	}
	return ""
}

// Called implements [interp.Hints], for a value that was called as if it were a function:
// kv = kv(…) in one line, kv() in a later one.
func (h hints) Called(name, typ string) string {
	switch typ {
	case "protocol":
		return fmt.Sprintf("%s is a protocol already, as in cluster(%s, …)", name, name)
	case "space":
		return fmt.Sprintf("%s is a space already, as in explore(%s, …)", name, name)
	}
	return ""
}

// Failed implements [interp.Hints], for operators and methods that refused. The texts are
// those of the Starlark library, which has no types for them.
func (h hints) Failed(message string) string {
	for _, failed := range insteadOfFailed {
		if failed.message.MatchString(message) {
			return failed.text
		}
	}
	return ""
}
