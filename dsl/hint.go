package dsl

import (
	"fmt"
	"regexp"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/twinsh/twinsh/runtime"
)

// What people mean when they use an act for a space, a function for what it
// returns, or a name of their own for a builtin.

// pluralOf returns the name of the space whose single scenarios are steps of a
// kind, "" if there is none.
func pluralOf(kind string) string {
	for _, e := range spacesFamily() {
		switch e.Name() {
		case kind + "s", kind + "es", strings.TrimSuffix(kind, "y") + "ies":
			return e.Name()
		}
	}
	return ""
}

// insteadOfWorld says what stands for a world where a space is wanted, in an
// expression such as "%s * 2".
func insteadOfWorld(w *runtime.World, expression string) string {
	if w.Depth() == 0 {
		return "a world is no space; exchanges(…) and rounds(…) are, as in explore(rounds(…) * 2)"
	}
	space, verb := "steps(world().steps)", "holds what led here"
	if plural := pluralOf(w.Step().Action().Name()); plural != "" {
		space, verb = plural+"(…)", "lists what may happen"
	}
	return fmt.Sprintf("%s has happened and is no space; %s %s", w.Step().Text(), fmt.Sprintf(expression, space), verb)
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

// Binary implements [starlark.HasBinary]: no operator takes a function.
func (b *builtin) Binary(op syntax.Token, y starlark.Value, side starlark.Side) (starlark.Value, error) {
	switch op {
	case syntax.STAR, syntax.PLUS, syntax.PIPE:
	default:
		return nil, nil
	}
	left, right := b.Name()+"(…)", "…"
	if n, ok := y.(starlark.Int); ok {
		right = n.String()
	}
	if side == starlark.Right {
		left, right = right, left
	}
	return nil, fmt.Errorf("%s is a function and has to be called: %s %s %s", b.Name(), left, op, right)
}

// meant says what is probably meant if v was given for a variable that does not
// take it, "" if that is not known.
func meant(v starlark.Value, variable any) string {
	switch variable.(type) {
	case **spaceValue, **protocolValue, *propertyList, **worldValue:
	default:
		return ""
	}
	switch v := v.(type) {
	case *worldValue:
		if _, ok := variable.(**spaceValue); ok && !v.judged {
			return "; " + insteadOfWorld(v.World, "%s")
		}
	case starlark.Callable:
		if name := v.Name(); name != "lambda" {
			return fmt.Sprintf("; %s is a function and has to be called: %s(…)", name, name)
		}
	}
	return ""
}

// element describes what stands in a list that should hold something else.
func element(v starlark.Value) string {
	if fn, ok := v.(starlark.Callable); ok && fn.Name() != "lambda" {
		return fmt.Sprintf("the function %s, which has to be called,", fn.Name())
	}
	return v.Type()
}

var uncallable = regexp.MustCompile(`^invalid call of non-function \((\w+)\)$`)

// hint says what to do about an error of a call in a script, "" if it does not know.
func (in *Interpreter) hint(e *Error, message string) string {
	if len(e.Stack) == 0 {
		return ""
	}
	frame := e.Stack[len(e.Stack)-1]
	lines := linesOf(in.sources[frame.Pos.Filename()])
	if !isFile(frame) || strings.HasPrefix(frame.Pos.Filename(), stdPrefix) {
		return ""
	}
	m := uncallable.FindStringSubmatch(message)
	if m == nil {
		if len(e.Stack) > 1 && isFile(e.Stack[len(e.Stack)-2]) && in.builtins.Has(frame.Name) {
			return fmt.Sprintf("; %s is the function %s, not the builtin", frame.Name, in.definedAt(frame.Pos.Filename(), frame.Name))
		}
		return ""
	}
	name := ""
	if n := int(frame.Pos.Line); n >= 1 && n <= len(lines) {
		name = nameBefore(lines[n-1], int(frame.Pos.Col))
	}
	switch {
	case name == "":
	case in.builtins.Has(name):
		return fmt.Sprintf("; %s is the variable %s, not the builtin", name, in.definedAt(frame.Pos.Filename(), name))
	case m[1] == "protocol":
		return fmt.Sprintf("; %s is a protocol already, as in cluster(%s, …)", name, name)
	case m[1] == "space":
		return fmt.Sprintf("; %s is a space already, as in explore(%s, …)", name, name)
	}
	return ""
}

var lastName = regexp.MustCompile(`\b([\pL_][\pL\d_]*)\s*$`)

// nameBefore returns the variable that stands before column col of a line, counted
// in characters from 1, "" if it is something else.
func nameBefore(line string, col int) string {
	runes := []rune(line)
	before := string(runes[:max(0, min(col-1, len(runes)))])
	m := lastName.FindStringSubmatchIndex(before)
	if m == nil || strings.HasSuffix(before[:m[2]], ".") {
		return ""
	}
	return before[m[2]:m[3]]
}

// definedAt says where a text defines a global variable.
func (in *Interpreter) definedAt(name, variable string) string {
	parsed, err := dialect.Parse(name, in.sources[name], 0)
	if err == nil {
		for _, s := range parsed.Stmts {
			for _, bound := range newStatement(in.sources[name], s).binds {
				if start, _ := s.Span(); bound == variable {
					return fmt.Sprintf("that is defined in line %d", start.Line)
				}
			}
		}
	}
	return "that was defined before"
}
