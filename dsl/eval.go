package dsl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"go.starlark.net/resolve"
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

// scopeName is how rewritten text refers to the scope. No script can spell it.
const scopeName = " "

// A scope is the global variables of an interpreter as a mapping.
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

// lastValue is the variable that holds what the last expression gave.
const lastValue = "_"

// Eval reads one statement with readline and executes it among the names that
// earlier calls defined. If it is an expression, Eval returns its value, else
// nil; the variable _ holds the last value that was not None. At the end of the input, readline and Eval return io.EOF; any other
// error of readline abandons the statement and is returned. The name stands for
// the text in messages and should be another one for each call. Other errors
// are those of [Interpreter.ExecFile].
func (in *Interpreter) Eval(ctx context.Context, name string, readline func() ([]byte, error)) (starlark.Value, error) {
	var text strings.Builder
	var readErr error
	parsed, parseErr := dialect.ParseCompoundStmt(name, func() ([]byte, error) {
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
	parsed, err := dialect.Parse(name, text, 0)
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
	parsed, err := dialect.Parse(main.name(), text, 0)
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
		statements := make([]*statement, len(parsed.Stmts))
		known := map[string]bool{}
		for i, s := range parsed.Stmts {
			statements[i] = newStatement(text, s)
			for _, name := range statements[i].binds {
				known[name] = true
			}
		}
		for i, s := range statements {
			var value starlark.Value
			var err error
			if e, ok := parsed.Stmts[i].(*syntax.ExprStmt); ok {
				value, err = starlark.EvalExprOptions(dialect, thread, guard.RewriteExpr(e.X), in.globals)
			} else {
				err = in.execStatement(thread, main.name(), s, known)
			}
			if err != nil {
				return in.unassigned(err)
			}
			if len(s.binds) > 0 {
				in.past = append(in.past, s)
			}
			in.noteStaging(text, parsed.Stmts[i])
			if value != nil && value != starlark.None {
				in.globals[lastValue] = value
			}
			done(value)
		}
		return nil
	})
}

// execStatement executes a statement that is no expression. Names in known will
// be defined when functions are called.
func (in *Interpreter) execStatement(thread *starlark.Thread, name string, s *statement, known map[string]bool) error {
	parsed := &syntax.File{Path: name, Stmts: s.rewritten, Options: dialect}
	program, err := program(parsed, func(name string) bool { return known[name] || in.globals.Has(name) })
	if err != nil {
		return err
	}
	_, err = program.Init(thread, in.globals)
	return err
}

var uninitialized = regexp.MustCompile(`internal error: predeclared variable (\w+) is uninitialized`)

// unassigned puts an error about a variable that has no value yet in words.
func (in *Interpreter) unassigned(err error) error {
	var eval *starlark.EvalError
	if errors.As(err, &eval) {
		eval.Msg = uninitialized.ReplaceAllString(eval.Msg, "global variable $1 referenced before assignment")
	}
	return err
}

// A statement is one that is to be evaluated, or was.
type statement struct {
	text      string
	rewritten []syntax.Stmt
	binds     []string // the global variables that it assigns
	mentions  []string // the global variables and builtins in it
}

func newStatement(text string, s syntax.Stmt) *statement {
	made := &statement{text: textOf(text, s)}
	made.mentions = globalsIn(made.text)
	made.rewritten = made.rewrite([]syntax.Stmt{s})
	return made
}

// globalsIn lists the names in a statement that are not local to a function in it.
func globalsIn(text string) []string {
	parsed, err := dialect.Parse("statement", text, 0)
	if err != nil {
		return nil // a part of what could be parsed can be
	}
	all := func(string) bool { return true }
	if err := resolve.File(parsed, all, all); err != nil {
		return mentions(parsed.Stmts[0])
	}
	var names []string
	syntax.Walk(parsed, func(n syntax.Node) bool {
		id, ok := n.(*syntax.Ident)
		if !ok {
			return true
		}
		if b, ok := id.Binding.(*resolve.Binding); ok && b.Scope != resolve.Local && b.Scope != resolve.Cell && b.Scope != resolve.Free {
			names = append(names, id.Name)
		}
		return true
	})
	return names
}

// linesOf splits a text as the parser does: a carriage return ends a line, too.
func linesOf(text string) []string {
	return strings.Split(lineEnds.Replace(text), "\n")
}

var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// textOf returns the whole text of a part of a text.
func textOf(text string, part syntax.Node) string {
	start, end := part.Span()
	// The spans of some nodes, and so of what ends in them, lack the bracket
	// that closes them.
	closing := func(at syntax.Position) {
		if at.Line > end.Line || at.Line == end.Line && at.Col >= end.Col {
			end = at
			end.Col++
		}
	}
	syntax.Walk(part, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.LoadStmt:
			closing(n.Rparen)
		case *syntax.IndexExpr:
			closing(n.Rbrack)
		case *syntax.SliceExpr:
			closing(n.Rbrack)
		case *syntax.TupleExpr:
			if n.Lparen.IsValid() {
				closing(n.Rparen)
			}
		}
		return true
	})
	lines := slices.Clone(linesOf(text)[start.Line-1 : end.Line])
	last := []rune(lines[len(lines)-1])
	lines[len(lines)-1] = string(last[:min(int(end.Col)-1, len(last))])
	first := []rune(lines[0])
	lines[0] = string(first[min(int(start.Col)-1, len(first)):])
	return strings.Join(lines, "\n")
}

// rewrite makes statements outside of functions assign to the scope. Functions
// have local variables, which stay what they are.
func (s *statement) rewrite(list []syntax.Stmt) []syntax.Stmt {
	var rewritten []syntax.Stmt
	// copyOut assigns what the previous statement bound in its program.
	copyOut := func(id *syntax.Ident) {
		value := &syntax.Ident{NamePos: id.NamePos, Name: id.Name}
		rewritten = append(rewritten, &syntax.AssignStmt{OpPos: id.NamePos, Op: syntax.EQ, LHS: s.target(id), RHS: value})
	}
	for _, stmt := range list {
		rewritten = append(rewritten, stmt)
		switch stmt := stmt.(type) {
		case *syntax.AssignStmt:
			stmt.LHS = s.target(stmt.LHS)
		case *syntax.ForStmt:
			stmt.Vars = s.target(stmt.Vars)
			stmt.Body = s.rewrite(stmt.Body)
		case *syntax.IfStmt:
			stmt.True = s.rewrite(stmt.True)
			stmt.False = s.rewrite(stmt.False)
		case *syntax.DefStmt:
			copyOut(stmt.Name)
		case *syntax.LoadStmt:
			for _, id := range stmt.To {
				copyOut(id)
			}
		}
	}
	return rewritten
}

// target rewrites what is assigned to.
func (s *statement) target(e syntax.Expr) syntax.Expr {
	switch e := e.(type) {
	case *syntax.Ident:
		s.binds = append(s.binds, e.Name)
		at := e.NamePos
		return &syntax.IndexExpr{
			X:      &syntax.Ident{NamePos: at, Name: scopeName},
			Lbrack: at,
			Y:      &syntax.Literal{Token: syntax.STRING, TokenPos: at, Raw: `""`, Value: e.Name},
			Rbrack: at,
		}
	case *syntax.ParenExpr:
		e.X = s.target(e.X)
	case *syntax.TupleExpr:
		for i := range e.List {
			e.List[i] = s.target(e.List[i])
		}
	case *syntax.ListExpr:
		for i := range e.List {
			e.List[i] = s.target(e.List[i])
		}
	}
	return e
}
