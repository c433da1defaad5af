package guard

import (
	"fmt"

	"go.starlark.net/syntax"
)

// Shallow reports where a parsed text nests too deep to be resolved and
// compiled, which recurse. The parser bounds brackets and blocks by itself, but
// not chains: a + b + c and so on is a tree whose left side is as deep as the
// chain is long. The error is a [syntax.Error]. The walk itself recurses, too, but stops at the
// bound, which Go's stack has room for.
func Shallow(file *syntax.File) error {
	depth := 0
	var err error
	for _, s := range file.Stmts {
		syntax.Walk(s, func(n syntax.Node) bool {
			if n == nil {
				depth--
				return false
			}
			if err == nil && depth >= maxSource {
				err = syntax.Error{Pos: begin(s), Msg: fmt.Sprintf("this nests deeper than %d levels, each operator in a chain being one", maxSource)}
			}
			if err != nil {
				return false
			}
			depth++
			return true
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// MaxDigits bounds the digits of a number that is read: that takes the longer for each
// the more there are.
const MaxDigits = MaxBits / 3

// begin returns a place in a statement. Its span is found by walking down one
// side of it, which may be too deep for that: so this does it in a loop.
func begin(s syntax.Stmt) syntax.Position {
	switch s := s.(type) {
	case *syntax.AssignStmt:
		return s.OpPos
	case *syntax.DefStmt:
		return s.Def
	case *syntax.ForStmt:
		return s.For
	case *syntax.IfStmt:
		return s.If
	case *syntax.ReturnStmt:
		return s.Return
	case *syntax.ExprStmt:
		return beginExpr(s.X)
	}
	return syntax.Position{}
}

func beginExpr(e syntax.Expr) syntax.Position {
	for {
		switch x := e.(type) {
		case *syntax.BinaryExpr:
			e = x.X
		case *syntax.CondExpr:
			e = x.True
		case *syntax.DotExpr:
			e = x.X
		case *syntax.CallExpr:
			e = x.Fn
		case *syntax.IndexExpr:
			e = x.X
		case *syntax.SliceExpr:
			e = x.X
		case *syntax.TupleExpr:
			if x.Lparen.IsValid() || len(x.List) == 0 {
				return x.Lparen
			}
			e = x.List[0]
		default:
			return syntax.Start(e)
		}
	}
}
