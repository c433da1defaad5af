package guard

import (
	"go.starlark.net/syntax"
)

// The rewriting of texts. Starlark's interpreter does x + y in one instruction, without a
// hook. But the text can be changed between parsing and resolving: x + y becomes a call of
// a predeclared function that checks and adds, x.join(y) becomes a call of what looks up
// x.join and hands out a guarded one. An optimization in the opposite direction keeps most
// code as it is: where the text itself shows that an operand is short or a number, nothing
// is rewritten.
//
// What may not change: values, errors, places of errors (a call gets the span of what it
// replaces), the order of evaluation and how often something is evaluated. Where these
// cannot be kept the text is left alone, see again. TestGuardedIsTheSame runs random and
// given texts both ways.

// Rewrite makes a text call the functions of [Hidden] where an operator or a
// method could run for long, need all memory, or make what nests too deep.
// Operators of which one side is short as it is written stay what they are, and
// so do tuples that hold nothing that nests. Places and spans stay the same.
// The text has not been resolved.
//
// It is the only way: within a step the interpreter does not ask. What is rewritten, with the
// names of what is called after a space, which no identifier begins with:
//
//	x + y           ` +`(x, y)           unless a side is a number as it is written
//	x * y           ` *`(x, y)           unless a side is a number that makes nothing longer
//	x % y           ` %`(x, y)           unless a side is a number as it is written
//	x < y, x == y   ` <`(x, y) …         unless a side is written out and holds nothing else
//	x in y          ` in`(x, y) …        likewise
//	x | y, & ^ -    ` |`(x, y) …         likewise
//	x.join          ` .`(x, "join")      if some type has a method of that name that is guarded
//	(x, y)          ` ()`((x, y))        unless its elements hold no tuple, or it is taken apart
//	x += y          x += ` +=`(x, y)     x only if to evaluate it twice changes nothing
//	x |= y          x |= ` |=`(x, y)     likewise
//	x *= y, % - & ^ x = ` *`(x, y) …     likewise
//	def f(*r): …    def f(*r): ` *args`(r); …
//	lambda *r: e    lambda *r: e if ` *args`(r) else 0
//
// An augmented assignment is not made to x = x + y, because it changes a list in place.
//
// The parts of a call take the places of what they stand for: the parenthesis that of the
// operator, to which an error points then as if nothing had been rewritten.
//
// It costs one walk over the text. Handlers and invariants run rewritten code millions of times,
// so exceptions are made for what scripts do most and cannot be long: adding a number,
// comparing with a constant, taking a pair apart.
func Rewrite(statements []syntax.Stmt) {
	for i, s := range statements {
		switch s := s.(type) {
		case *syntax.AssignStmt:
			rewriteAssignment(s)
		case *syntax.DefStmt:
			rewriteParams(s.Params)
			Rewrite(s.Body)
			if rest := restOf(s.Params); rest != nil {
				s.Body = checkFirst(s.Body, rest)
			}
		case *syntax.ExprStmt:
			s.X = RewriteExpr(s.X)
		case *syntax.ForStmt:
			rewriteTarget(s.Vars)
			s.X = unguarded(s.X)
			Rewrite(s.Body)
		case *syntax.IfStmt:
			s.Cond = RewriteExpr(s.Cond)
			Rewrite(s.True)
			Rewrite(s.False)
		case *syntax.ReturnStmt:
			s.Result = RewriteExpr(s.Result)
		}
		statements[i] = s
	}
}

func rewriteAssignment(s *syntax.AssignStmt) {
	rewriteTarget(s.LHS)
	switch withoutParens(s.LHS).(type) {
	case *syntax.TupleExpr, *syntax.ListExpr:
		// a, b = b, a is what handlers do all the time: the tuple is never there.
		s.RHS = unguarded(s.RHS) // it is taken apart at once
		return
	}
	s.RHS = RewriteExpr(s.RHS)
	switch s.Op {
	case syntax.PLUS_EQ:
		switch x := again(s.LHS); {
		case number(s.RHS):
		case x != nil:
			s.RHS = call(nameAdd, s.RHS, s.OpPos, x, s.RHS)
		case !brief(s.RHS):
			s.RHS = call(nameAdd, s.RHS, s.OpPos, s.RHS)
		}
	case syntax.PIPE_EQ:
		if x := again(s.LHS); x != nil {
			s.RHS = call(nameMerge, s.RHS, s.OpPos, x, s.RHS)
		}
	case syntax.STAR_EQ, syntax.PERCENT_EQ, syntax.MINUS_EQ, syntax.AMP_EQ, syntax.CIRCUMFLEX_EQ:
		rewriteInPlace(s)
	}
}

// rewriteTarget rewrites what is evaluated within something that is assigned to. The target
// itself has to stay what it is, or it could not be assigned to.
func rewriteTarget(e syntax.Expr) {
	switch e := e.(type) {
	case *syntax.ParenExpr:
		rewriteTarget(e.X)
	case *syntax.TupleExpr:
		for _, x := range e.List {
			rewriteTarget(x)
		}
	case *syntax.ListExpr:
		for _, x := range e.List {
			rewriteTarget(x)
		}
	case *syntax.DotExpr:
		e.X = RewriteExpr(e.X)
	case *syntax.IndexExpr:
		e.X, e.Y = RewriteExpr(e.X), RewriteExpr(e.Y)
	}
}

// RewriteExpr does for an expression what [Rewrite] does for statements. It returns what
// stands in its place, which may be e itself; nil stays nil.
func RewriteExpr(e syntax.Expr) syntax.Expr {
	switch e := e.(type) {
	case *syntax.BinaryExpr:
		return rewriteBinary(e)
	case *syntax.CallExpr:
		e.Fn = RewriteExpr(e.Fn)
		rewriteArgs(e.Args)
	case *syntax.Comprehension:
		e.Body = RewriteExpr(e.Body)
		for _, clause := range e.Clauses {
			switch clause := clause.(type) {
			case *syntax.ForClause:
				rewriteTarget(clause.Vars)
				clause.X = unguarded(clause.X)
			case *syntax.IfClause:
				clause.Cond = RewriteExpr(clause.Cond)
			}
		}
	case *syntax.CondExpr:
		e.Cond, e.True, e.False = RewriteExpr(e.Cond), RewriteExpr(e.True), RewriteExpr(e.False)
	case *syntax.DictEntry:
		e.Key, e.Value = RewriteExpr(e.Key), RewriteExpr(e.Value)
	case *syntax.DictExpr:
		rewriteAll(e.List)
	case *syntax.DotExpr:
		e.X = RewriteExpr(e.X)
		if isMethod(e.Name.Name) {
			name := &syntax.Literal{Token: syntax.STRING, TokenPos: e.NamePos, Raw: e.Name.Name, Value: e.Name.Name}
			return call(nameMethod, e, e.Dot, e.X, name)
		}
	case *syntax.IndexExpr:
		e.X, e.Y = RewriteExpr(e.X), RewriteExpr(e.Y)
	case *syntax.LambdaExpr:
		rewriteParams(e.Params)
		e.Body = RewriteExpr(e.Body)
		if rest := restOf(e.Params); rest != nil {
			never := &syntax.Literal{Token: syntax.INT, TokenPos: rest.NamePos, Raw: "0", Value: int64(0)}
			e.Body = &syntax.CondExpr{If: rest.NamePos, Cond: checkArgs(rest), True: e.Body, ElsePos: rest.NamePos, False: never}
		}
	case *syntax.ListExpr:
		rewriteAll(e.List)
	case *syntax.ParenExpr:
		e.X = RewriteExpr(e.X)
	case *syntax.SliceExpr:
		e.X, e.Lo, e.Hi, e.Step = RewriteExpr(e.X), RewriteExpr(e.Lo), RewriteExpr(e.Hi), RewriteExpr(e.Step)
	case *syntax.TupleExpr:
		rewriteAll(e.List)
		for _, x := range e.List {
			if !flat(x) {
				return call(nameTuple, e, e.Lparen, e)
			}
		}
	case *syntax.UnaryExpr:
		e.X = RewriteExpr(e.X)
	}
	return e
}

func rewriteAll(list []syntax.Expr) {
	for i, e := range list {
		list[i] = RewriteExpr(e)
	}
}

// unguarded rewrites an expression whose value is not kept: if it is a tuple,
// how deep that nests does not matter.
func unguarded(e syntax.Expr) syntax.Expr {
	if tuple, ok := withoutParens(e).(*syntax.TupleExpr); ok {
		rewriteAll(tuple.List)
		return e
	}
	return RewriteExpr(e)
}

func rewriteBinary(e *syntax.BinaryExpr) syntax.Expr {
	switch e.Op {
	case syntax.IN, syntax.NOT_IN, syntax.PERCENT:
		e.X, e.Y = RewriteExpr(e.X), unguarded(e.Y)
	default:
		e.X, e.Y = RewriteExpr(e.X), RewriteExpr(e.Y)
	}
	switch {
	case e.Op == syntax.PLUS && !number(e.X) && !number(e.Y):
		return call(namePlus, e, e.OpPos, e.X, e.Y)
	case e.Op == syntax.STAR && !small(e.X) && !small(e.Y) && !(number(e.X) && number(e.Y)):
		return call(nameTimes, e, e.OpPos, e.X, e.Y)
	case e.Op == syntax.PERCENT && !number(e.X) && !number(e.Y):
		return call(namePercent, e, e.OpPos, e.X, e.Y)
	case operators[e.Op] != nil && !simple(e.X) && !simple(e.Y):
		return call(" "+e.Op.String(), e, e.OpPos, e.X, e.Y)
	}
	return e
}

// rewriteInPlace makes x *= y, for which nothing has an operator of its own, to
// x = x * y. It leaves alone what would not be the same if it is evaluated twice.
func rewriteInPlace(s *syntax.AssignStmt) {
	x := again(s.LHS)
	if x == nil {
		return
	}
	op := map[syntax.Token]syntax.Token{
		syntax.STAR_EQ: syntax.STAR, syntax.PERCENT_EQ: syntax.PERCENT,
		syntax.MINUS_EQ: syntax.MINUS, syntax.AMP_EQ: syntax.AMP, syntax.CIRCUMFLEX_EQ: syntax.CIRCUMFLEX,
	}[s.Op]
	s.Op, s.RHS = syntax.EQ, rewriteBinary(&syntax.BinaryExpr{X: x, OpPos: s.OpPos, Op: op, Y: s.RHS})
}

// again returns a copy of an expression of names, attributes and elements, nil
// for others: to evaluate f()[0] twice would call f twice. It has to be a copy because resolving
// a text writes into its identifiers.
func again(e syntax.Expr) syntax.Expr {
	switch e := e.(type) {
	case *syntax.Ident:
		return &syntax.Ident{NamePos: e.NamePos, Name: e.Name}
	case *syntax.Literal:
		return e
	case *syntax.DotExpr:
		if x := again(e.X); x != nil {
			return &syntax.DotExpr{X: x, Dot: e.Dot, NamePos: e.NamePos, Name: e.Name}
		}
	case *syntax.IndexExpr:
		if x, y := again(e.X), again(e.Y); x != nil && y != nil {
			return &syntax.IndexExpr{X: x, Lbrack: e.Lbrack, Y: y, Rbrack: e.Rbrack}
		}
	}
	return nil
}

func rewriteParams(params []syntax.Expr) {
	for _, p := range params {
		if withDefault, ok := p.(*syntax.BinaryExpr); ok {
			withDefault.Y = RewriteExpr(withDefault.Y)
		}
	}
}

func rewriteArgs(args []syntax.Expr) {
	for i, arg := range args {
		switch arg := arg.(type) {
		case *syntax.BinaryExpr:
			if arg.Op == syntax.EQ {
				arg.Y = RewriteExpr(arg.Y)
				continue
			}
		case *syntax.UnaryExpr:
			if arg.Op == syntax.STAR || arg.Op == syntax.STARSTAR {
				arg.X = RewriteExpr(arg.X)
				continue
			}
		}
		args[i] = RewriteExpr(arg)
	}
}

// restOf returns the parameter *rest, nil if there is none. Such a parameter is a tuple that no
// expression of the text makes, so that it is looked at where it comes in.
func restOf(params []syntax.Expr) *syntax.Ident {
	for _, p := range params {
		if star, ok := p.(*syntax.UnaryExpr); ok && star.Op == syntax.STAR && star.X != nil {
			return star.X.(*syntax.Ident)
		}
	}
	return nil
}

// checkFirst puts a check of *rest before a body, after its documentation: a text that is
// no longer the first statement documents nothing.
func checkFirst(body []syntax.Stmt, rest *syntax.Ident) []syntax.Stmt {
	at := 0
	if doc, ok := body[0].(*syntax.ExprStmt); ok {
		if text, isLiteral := doc.X.(*syntax.Literal); isLiteral && text.Token == syntax.STRING {
			at = 1
		}
	}
	checked := append([]syntax.Stmt{}, body[:at]...)
	checked = append(checked, &syntax.ExprStmt{X: checkArgs(rest)})
	return append(checked, body[at:]...)
}

func checkArgs(rest *syntax.Ident) syntax.Expr {
	return call(nameArgs, rest, rest.NamePos, &syntax.Ident{NamePos: rest.NamePos, Name: rest.Name})
}

// call makes a call that stands in the place of an expression, with its span, so that
// errors point at the operator and the marks below a line cover the expression.
func call(name string, instead syntax.Expr, at syntax.Position, args ...syntax.Expr) *syntax.CallExpr {
	start, end := instead.Span()
	end.Col-- // a call ends after its parenthesis
	if !at.IsValid() {
		at = start
	}
	return &syntax.CallExpr{Fn: &syntax.Ident{NamePos: start, Name: name}, Lparen: at, Args: args, Rparen: end}
}

// Parentheses mean nothing to what a value is.
func withoutParens(e syntax.Expr) syntax.Expr {
	for {
		paren, ok := e.(*syntax.ParenExpr)
		if !ok {
			return e
		}
		e = paren.X
	}
}

// What follows says of an expression, by how it is written, that its value cannot be long. Of
// names and calls nothing is known.

// brief reports whether a value is as short as it is written: a text or a list that is
// written out, a comparison.
func brief(e syntax.Expr) bool {
	switch e := withoutParens(e).(type) {
	case *syntax.Literal, *syntax.ListExpr, *syntax.DictExpr:
		return true
	case *syntax.UnaryExpr:
		return e.Op == syntax.NOT || brief(e.X)
	case *syntax.BinaryExpr:
		return comparison(e.Op) || brief(e.X) && brief(e.Y)
	}
	return false
}

// simple reports whether a value is written out and holds no other: to compare anything with it is
// quick, whatever that is.
func simple(e syntax.Expr) bool {
	switch e := withoutParens(e).(type) {
	case *syntax.Literal:
		return true
	case *syntax.Ident:
		return e.Name == "None" || e.Name == "True" || e.Name == "False"
	case *syntax.UnaryExpr:
		return e.Op == syntax.NOT || simple(e.X)
	}
	return false
}

// small reports whether a value is a number that makes nothing long that is
// multiplied by it.
func small(e syntax.Expr) bool {
	switch e := withoutParens(e).(type) {
	case *syntax.Literal:
		n, integer := e.Value.(int64)
		return e.Token == syntax.FLOAT || integer && n <= 1
	case *syntax.UnaryExpr:
		return e.Op == syntax.MINUS && number(e.X)
	}
	return false
}

func number(e syntax.Expr) bool {
	literal, ok := withoutParens(e).(*syntax.Literal)
	return ok && (literal.Token == syntax.INT || literal.Token == syntax.FLOAT)
}

// flat reports whether a value holds no tuple. Lists and dicts may hold some, but cannot be
// hashed, so that how deep a tuple with them nests does not matter.
func flat(e syntax.Expr) bool {
	switch e := withoutParens(e).(type) {
	case *syntax.Literal, *syntax.ListExpr, *syntax.DictExpr, *syntax.Comprehension, *syntax.LambdaExpr:
		return true
	case *syntax.UnaryExpr:
		return true
	case *syntax.BinaryExpr:
		return e.Op != syntax.PLUS && e.Op != syntax.STAR && e.Op != syntax.AND && e.Op != syntax.OR
	}
	return false
}

func comparison(op syntax.Token) bool {
	switch op {
	case syntax.EQL, syntax.NEQ, syntax.LT, syntax.GT, syntax.LE, syntax.GE, syntax.IN, syntax.NOT_IN:
		return true
	}
	return false
}
