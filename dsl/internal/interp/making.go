package interp

import (
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/twinsh/twinsh/dsl/internal/guard"
)

// What a script hands to shrink, such as a protocol that a function of it made, has to be written
// again in the script that shrink prints. Values do not know where they come from, but while a
// builtin makes one, the calls that led there are on the stack, with their arguments.

// A Making is a call that made a value.
type Making struct {
	Maker starlark.Value // the function
	Args  string         // with parentheses
}

// Makings returns the calls of functions of scripts that are under way, the
// innermost first: any of them may return what this call makes, which is found out by
// running what is printed. Those that cannot be written again are left out. Arguments that a function has passed on to
// functions within it are found in captured ones.
func Makings(c *Call, captured ...starlark.Value) []Making {
	passedOn := map[syntax.Position]starlark.Value{}
	for _, v := range captured {
		freeVariables(v, passedOn)
	}
	var made []Making
	for i := 1; i < c.Thread.CallStackDepth(); i++ {
		frame := c.Thread.DebugFrame(i)
		fn, ok := frame.Callable().(*starlark.Function)
		if !ok || fn.Name() == "lambda" {
			continue
		}
		if strings.HasPrefix(fn.Name(), "<") { // the file that all of them are called from
			break
		}
		if args, ok := argumentsOf(frame, fn, passedOn); ok {
			made = append(made, Making{fn, args})
		}
	}
	return made
}

// argumentsOf writes the arguments of a call that is under way, if it can be done.
func argumentsOf(frame starlark.DebugFrame, fn *starlark.Function, passedOn map[syntax.Position]starlark.Value) (string, bool) {
	if fn.HasVarargs() || fn.HasKwargs() {
		return "", false
	}
	var args []string
	for i := range fn.NumParams() {
		binding, value := frame.Local(i)
		if v, ok := passedOn[binding.Pos]; ok {
			value = v
		}
		if value == nil {
			return "", false
		}
		if d := fn.ParamDefault(i); d != nil {
			if same, err := starlark.Equal(d, value); err == nil && same {
				continue
			}
		}
		text, ok := literal(value)
		if !ok {
			return "", false
		}
		args = append(args, binding.Name+" = "+text)
	}
	return "(" + strings.Join(args, ", ") + ")", true
}

// freeVariables collects what a function, and those that it can call, know of
// the variables of functions around them.
func freeVariables(v starlark.Value, found map[syntax.Position]starlark.Value) {
	fn, ok := v.(*starlark.Function)
	if !ok {
		return
	}
	for i := range fn.NumFreeVars() {
		binding, value := fn.FreeVar(i)
		if _, known := found[binding.Pos]; !known && value != nil {
			found[binding.Pos] = value
			freeVariables(value, found)
		}
	}
}

// Written returns a call as a script can write it again, "" if it cannot. A
// function is written by its name, which the script that is printed has to define.
func Written(c *Call) string {
	var args []string
	add := func(prefix string, v starlark.Value) bool {
		text, ok := literal(v)
		if f, isFunction := v.(*starlark.Function); isFunction && f.Name() != "lambda" {
			text, ok = f.Name(), true
		}
		args = append(args, prefix+text)
		return ok
	}
	for _, v := range c.Args {
		if !add("", v) {
			return ""
		}
	}
	for _, kw := range c.Kwargs {
		if !add(string(kw[0].(starlark.String))+" = ", kw[1]) {
			return ""
		}
	}
	return c.Name() + "(" + strings.Join(args, ", ") + ")"
}

// maxLiteral bounds what is written out: a pair of pairs of pairs and so on of one value
// is small until then.
const maxLiteral = 1 << 20

// literal writes a value out, if it can be. Sets, structs and functions have no literals.
func literal(v starlark.Value) (string, bool) {
	if guard.Tree(v, maxLiteral) != nil {
		return "", false
	}
	switch v := v.(type) {
	case starlark.NoneType, starlark.Bool, starlark.Int, starlark.Float, starlark.String, starlark.Bytes:
		return v.String(), true
	case interface{ Literal() string }: // of a host
		return v.Literal(), true
	case *starlark.List, starlark.Tuple:
		for e := range starlark.Elements(v.(starlark.Iterable)) {
			if _, ok := literal(e); !ok {
				return "", false
			}
		}
		return v.String(), true
	case *starlark.Dict:
		for _, item := range v.Items() {
			if _, ok := literal(item); !ok {
				return "", false
			}
		}
		return v.String(), true
	}
	return "", false
}
