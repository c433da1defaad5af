package interp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/twinsh/twinsh/dsl/internal/guard"
)

// Text that is evaluated piece by piece is not a module. Its global variables
// belong to the interpreter, and are looked up when they are used: a function
// sees what a variable is now, not what it was when the function was defined.
//
// Starlark knows no such variables, but nearly: it looks up predeclared names at
// run time. So each statement is compiled as a program of its own to which all
// global variables are predeclared, and before that every assignment to one is
// rewritten to an assignment to an element of scope: x = 1 to scope["x"] = 1.
//
// Statements are executed one after the other, so that those before a mistake stay done, as people
// at a prompt expect, and so that what each of them changed can be shown.

// scopeName is how rewritten text refers to the scope. No script can spell it.
const scopeName = " "

// A scope is the global variables of an interpreter as a mapping. No value of a script refers to it.
type scope struct{ globals starlark.StringDict }

func (s scope) String() string        { return "scope" }
func (s scope) Type() string          { return "scope" }
func (s scope) Freeze()               {}
func (s scope) Truth() starlark.Bool  { return true }
func (s scope) Hash() (uint32, error) { return 0, errors.New("unhashable type: scope") }

// Get implements [starlark.Mapping]. It is called for x += 1.
func (s scope) Get(name starlark.Value) (starlark.Value, bool, error) {
	if v := s.globals[string(name.(starlark.String))]; v != nil {
		return v, true, nil
	}
	return nil, false, fmt.Errorf("undefined: %s", string(name.(starlark.String)))
}

// SetKey implements [starlark.HasSetKey].
func (s scope) SetKey(name, value starlark.Value) error {
	s.globals[string(name.(starlark.String))] = value
	return nil
}

// LastValue is the variable that holds what the last expression gave.
const LastValue = "_"

// Eval reads one statement with readline and executes it among the names that
// earlier calls defined. If it is an expression, Eval returns its value, else
// nil; the variable _ holds the last value that was not None. At the end of the
// input, readline and Eval return io.EOF; any other error of readline abandons the
// statement and is returned. The name stands for
// the text in messages and should be another one for each call. Other errors
// are those of [Interpreter.ExecFile].
func (in *Interpreter) Eval(ctx context.Context, name string, readline func() ([]byte, error)) (starlark.Value, error) {
	var text strings.Builder
	var readErr error
	parsed, parseErr := Dialect.ParseCompoundStmt(name, func() ([]byte, error) {
		if readErr != nil {
			return nil, nil // which ends the statement
		}
		var line []byte
		line, readErr = readline()
		if readErr != nil && len(line) > 0 {
			line = append(line, '\n') // the last line may lack it
		}
		text.Write(line)
		return line, nil
	})
	if readErr != nil && (readErr != io.EOF || strings.TrimSpace(text.String()) == "") {
		return nil, readErr
	}
	var value starlark.Value
	err := in.evaluate(ctx, in.loader, file{in.loader.text, name}, text.String(), parsed, parseErr, func(v starlark.Value) { value = v })
	return value, err
}

// EvalText executes text, statement after statement, as [Interpreter.Eval]
// does; a function may use names that are defined further down. After each
// statement done is called, with the value if it is an expression, else nil.
func (in *Interpreter) EvalText(ctx context.Context, name, text string, done func(starlark.Value)) error {
	parsed, err := Dialect.Parse(name, text, 0)
	return in.evaluate(ctx, in.loader, file{in.loader.text, name}, text, parsed, err, done)
}

// EvalFile executes the script at path as [Interpreter.EvalText] does. It loads
// modules as [Interpreter.ExecFile] does, afresh each time.
func (in *Interpreter) EvalFile(ctx context.Context, path string, done func(starlark.Value)) error {
	text, loader, main, err := in.open(path)
	if err != nil {
		return err
	}
	defer loader.close()
	parsed, err := Dialect.Parse(main.name(), text, 0)
	return in.evaluate(ctx, loader, main, text, parsed, err, done)
}

// evaluate executes the statements of a parsed text.
func (in *Interpreter) evaluate(ctx context.Context, loader *loader, main file, text string, parsed *syntax.File, parseErr error, done func(starlark.Value)) error {
	in.sources[main.name()] = text
	if err := wellFormed(main.name(), text); err != nil {
		parseErr = err
	}
	return in.run(ctx, loader, main, func(thread *starlark.Thread) error {
		if parseErr != nil {
			return parseErr
		}
		if err := guard.Shallow(parsed); err != nil {
			return err
		}
		statements := make([]*Statement, len(parsed.Stmts))
		known := map[string]bool{}
		for i, s := range parsed.Stmts {
			statements[i] = NewStatement(text, s)
			for _, name := range statements[i].Binds {
				known[name] = true
			}
		}
		for i, s := range statements {
			var value starlark.Value
			var err error
			// A program has no value, so that an expression is evaluated by itself.
			if e, ok := parsed.Stmts[i].(*syntax.ExprStmt); ok {
				value, err = starlark.EvalExprOptions(Dialect, thread, guard.RewriteExpr(e.X), in.globals)
			} else {
				err = in.execStatement(thread, main.name(), s, known)
			}
			if err != nil {
				return unassigned(err)
			}
			if len(s.Binds) > 0 {
				in.past = append(in.past, s)
			}
			if in.config.Executed != nil {
				in.config.Executed(text, parsed.Stmts[i])
			}
			if value != nil && value != starlark.None {
				in.globals[LastValue] = value
			}
			done(value)
		}
		return nil
	})
}

// execStatement executes a statement that is no expression. Names in known will
// be defined when functions are called: they count as predeclared, too, and one that has no value
// yet when it is used is an error then.
func (in *Interpreter) execStatement(thread *starlark.Thread, name string, s *Statement, known map[string]bool) error {
	parsed := &syntax.File{Path: name, Stmts: s.rewritten, Options: Dialect}
	program, err := program(parsed, func(name string) bool { return known[name] || in.globals.Has(name) })
	if err != nil {
		return err
	}
	_, err = program.Init(thread, in.globals)
	return err
}

var uninitialized = regexp.MustCompile(`internal error: predeclared variable (\w+) is uninitialized`)

// unassigned puts an error about a variable that has no value yet in words.
func unassigned(err error) error {
	var eval *starlark.EvalError
	if errors.As(err, &eval) {
		eval.Msg = uninitialized.ReplaceAllString(eval.Msg, "global variable $1 referenced before assignment")
	}
	return err
}
