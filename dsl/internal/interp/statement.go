package interp

import (
	"slices"
	"strings"

	"go.starlark.net/resolve"
	"go.starlark.net/syntax"
)

// A Statement is one that is to be evaluated, or was.
type Statement struct {
	Text      string
	rewritten []syntax.Stmt
	Binds     []string // the global variables that it assigns
	Mentions  []string // the global variables and builtins in it
}

// NewStatement reads a statement of a text.
func NewStatement(text string, s syntax.Stmt) *Statement {
	made := &Statement{Text: TextOf(text, s)}
	made.Mentions = globalsIn(made.Text)
	made.rewritten = made.rewrite([]syntax.Stmt{s})
	return made
}

// globalsIn lists the names in a statement that are not local to a function in it. It parses the
// text again, because resolving writes into what was parsed, and that is still to be rewritten.
func globalsIn(text string) []string {
	parsed, err := Dialect.Parse("statement", text, 0)
	if err != nil {
		return nil // a part of what could be parsed can be
	}
	all := func(string) bool { return true }
	if err := resolve.File(parsed, all, all); err != nil {
		return Mentions(parsed.Stmts[0])
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

// LinesOf splits a text as the parser does: a carriage return ends a line, too. Otherwise the line
// that an error shows would not be the one that it counts.
func LinesOf(text string) []string {
	return strings.Split(lineEnds.Replace(text), "\n")
}

var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// TextOf returns the whole text of a part of a text, with comments and layout within it, from the
// column in which it begins. Columns count characters.
func TextOf(text string, part syntax.Node) string {
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
	lines := slices.Clone(LinesOf(text)[start.Line-1 : end.Line])
	last := []rune(lines[len(lines)-1])
	lines[len(lines)-1] = string(last[:min(int(end.Col)-1, len(last))])
	first := []rune(lines[0])
	lines[0] = string(first[min(int(start.Col)-1, len(first)):])
	return strings.Join(lines, "\n")
}

// rewrite makes statements outside of functions assign to the scope. Functions
// have local variables, which stay what they are. What def and load bind cannot be an element,
// so that an assignment follows them: def f(): … ; scope["f"] = f.
func (s *Statement) rewrite(list []syntax.Stmt) []syntax.Stmt {
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
func (s *Statement) target(e syntax.Expr) syntax.Expr {
	switch e := e.(type) {
	case *syntax.Ident:
		s.Binds = append(s.Binds, e.Name)
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

// Defining returns the statements, in order, that define some names, and those
// that these need in turn: before them, or after them if functions need them, which
// see variables as they are when they are called. It adds what they mention to the names. It takes
// as many rounds as definitions depend on each other, over all statements.
func Defining(past []*Statement, names map[string]bool) []string {
	needed := make([]bool, len(past))
	for more := true; more; {
		more = false
		for i, s := range past {
			if needed[i] || !slices.ContainsFunc(s.Binds, func(name string) bool { return names[name] }) {
				continue
			}
			needed[i], more = true, true
			for _, name := range s.Mentions {
				names[name] = true
			}
		}
	}
	var chosen []string
	for i, s := range slices.Backward(past) {
		if needed[i] && !slices.Contains(chosen, s.Text) {
			chosen = append(chosen, s.Text)
		}
	}
	slices.Reverse(chosen)
	return chosen
}

// Mentions lists the names of variables in n, local ones too. Names of
// attributes and of arguments are none.
func Mentions(n syntax.Node) []string {
	var names []string
	syntax.Walk(n, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.DotExpr:
			names = append(names, Mentions(n.X)...)
			return false
		case *syntax.CallExpr:
			names = append(names, Mentions(n.Fn)...)
			for _, arg := range n.Args {
				if named, ok := arg.(*syntax.BinaryExpr); ok && named.Op == syntax.EQ {
					arg = named.Y
				}
				names = append(names, Mentions(arg)...)
			}
			return false
		case *syntax.Ident:
			names = append(names, n.Name)
		}
		return true
	})
	return names
}

// Unread lists the local variables that statements x = … of a function assign
// and nothing reads, each once. In a handler that is mostly an attribute of self from which
// "self." was left out. The text has been resolved.
func Unread(text syntax.Node) []*syntax.Ident {
	assigned := map[*syntax.Ident]bool{} // places where a variable is assigned
	var order []*syntax.Ident
	syntax.Walk(text, func(n syntax.Node) bool {
		if assign, ok := n.(*syntax.AssignStmt); ok && assign.Op == syntax.EQ {
			if id, ok := assign.LHS.(*syntax.Ident); ok {
				assigned[id] = true
				order = append(order, id)
			}
		}
		return true
	})
	read := map[*syntax.Ident]bool{} // variables, by where they were first assigned
	syntax.Walk(text, func(n syntax.Node) bool {
		if id, ok := n.(*syntax.Ident); ok && !assigned[id] {
			if b, ok := id.Binding.(*resolve.Binding); ok {
				read[b.First] = true
			}
		}
		return true
	})
	return slices.DeleteFunc(order, func(id *syntax.Ident) bool {
		b, ok := id.Binding.(*resolve.Binding)
		local := ok && (b.Scope == resolve.Local || b.Scope == resolve.Cell)
		return !local || read[b.First]
	})
}

// Targets lists what the left side of an assignment assigns.
func Targets(e syntax.Expr) []syntax.Expr {
	var list []syntax.Expr
	switch e := e.(type) {
	case *syntax.ParenExpr:
		return Targets(e.X)
	case *syntax.TupleExpr:
		for _, x := range e.List {
			list = append(list, Targets(x)...)
		}
	case *syntax.ListExpr:
		for _, x := range e.List {
			list = append(list, Targets(x)...)
		}
	default:
		list = append(list, e)
	}
	return list
}
