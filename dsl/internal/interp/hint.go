package interp

import (
	"fmt"
	"regexp"
	"strings"

	"go.starlark.net/syntax"
)

// Hints are what a host knows of the mistakes that are made in its scripts. Each returns
// "" if it does not know. A hint follows the message after a semicolon, and says what would be
// right; it is asked for when there is an error, so that it may take its time.
type Hints interface {
	// Unparsed says what to write instead of what the parser did not expect in a line
	// before a column, which counts characters from 1.
	Unparsed(line string, column int, message string) string
	// Undefined returns the expression that a name which nothing defines stands for.
	Undefined(name string, at syntax.Position) string
	// Foreign says what to write instead of a name that other languages have.
	Foreign(name string) string
	// Called says what a variable is if a value of that type is called as a function.
	Called(name, typ string) string
	// Failed says what to write instead of what an operator or a method refused.
	Failed(message string) string
}

var uncallable = regexp.MustCompile(`^invalid call of non-function \((\w+)\)$`)

// hint says what to do about an error of a call in a script, "" if it does not know.
func hint(in *Interpreter, e *Error, message string) string {
	if len(e.Stack) == 0 {
		return ""
	}
	frame := e.Stack[len(e.Stack)-1]
	lines := LinesOf(in.sources[frame.Pos.Filename()])
	if !IsFile(frame) || strings.HasPrefix(frame.Pos.Filename(), StdPrefix) {
		return ""
	}
	m := uncallable.FindStringSubmatch(message)
	if m == nil {
		if len(e.Stack) > 1 && IsFile(e.Stack[len(e.Stack)-2]) && in.builtins.Has(frame.Name) {
			return fmt.Sprintf("; %s is the function %s, not the builtin", frame.Name, definedAt(in, frame.Pos.Filename(), frame.Name))
		}
		return andThen(in.config.Hints.Failed(message))
	}
	name := ""
	if n := int(frame.Pos.Line); n >= 1 && n <= len(lines) {
		name = nameBefore(lines[n-1], int(frame.Pos.Col))
	}
	switch {
	case name == "":
		return ""
	case in.builtins.Has(name):
		return fmt.Sprintf("; %s is the variable %s, not the builtin", name, definedAt(in, frame.Pos.Filename(), name))
	}
	return andThen(in.config.Hints.Called(name, m[1]))
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
func definedAt(in *Interpreter, name, variable string) string {
	parsed, err := Dialect.Parse(name, in.sources[name], 0)
	if err == nil {
		for _, s := range parsed.Stmts {
			for _, bound := range NewStatement(in.sources[name], s).Binds {
				if start, _ := s.Span(); bound == variable {
					return fmt.Sprintf("that is defined in line %d", start.Line)
				}
			}
		}
	}
	return "that was defined before"
}

// andThen puts a hint behind a message.
func andThen(hint string) string {
	if hint == "" {
		return ""
	}
	return "; " + hint
}
