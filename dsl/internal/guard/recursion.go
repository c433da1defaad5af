package guard

import (
	"go.starlark.net/resolve"
	"go.starlark.net/syntax"
)

// Recursive finds functions within functions that refer to themselves,
// directly or through each other. file has been resolved. The error is a
// [resolve.ErrorList] and names the place of each.
//
// Starlark refuses recursion when a function is called. A function within
// another holds what it refers to, though, so that one that refers to itself
// holds itself, and freezing it, as is done with everything that the code of
// nodes sees, does not end. Functions that get hold of themselves in other ways,
// such as a tuple in which they are put, are left to [Freezable].
//
// It is a search for a cycle from each variable that holds a function, quadratic in how many
// of them there are. Of a variable that is assigned several functions it takes all: which
// one it holds when is not looked at, so that what it refuses need not recurse in each run.
func Recursive(file *syntax.File) error {
	g := holding{functions: map[variable][]node{}}
	for _, s := range file.Stmts {
		syntax.Walk(s, g.note)
	}
	var errs resolve.ErrorList
	reported := map[variable]bool{}
	for _, v := range g.order {
		cycle := g.cycle(v)
		if cycle == nil || reported[v] {
			continue
		}
		var through []string
		for _, w := range cycle {
			reported[w] = true
			if w != v {
				through = append(through, w.Name)
			}
		}
		errs = append(errs, resolve.Error{Pos: v.NamePos, Msg: recursive(v.Name, through)})
	}
	if len(errs) > 0 {
		return errs
	}
	return nil
}

// A variable is known by the first identifier that binds it, which the resolver notes at
// every use.
type variable = *syntax.Ident

// A node is a function in the text.
type node = *resolve.Function

// holding is which variables of functions hold which functions: a graph whose edges are
// free variables, in which Recursive looks for cycles.
type holding struct {
	functions map[variable][]node
	order     []variable // as in the text
}

// note remembers what is assigned a function, by def or as a lambda.
func (g *holding) note(n syntax.Node) bool {
	switch n := n.(type) {
	case *syntax.DefStmt:
		g.assign(n.Name, n.Function)
	case *syntax.AssignStmt:
		name, ok := n.LHS.(*syntax.Ident)
		value := n.RHS
		for {
			paren, inside := value.(*syntax.ParenExpr)
			if !inside {
				break
			}
			value = paren.X
		}
		if lambda, isLambda := value.(*syntax.LambdaExpr); ok && isLambda {
			g.assign(name, lambda.Function)
		}
	}
	return true
}

func (g *holding) assign(name *syntax.Ident, function any) {
	b, ok := name.Binding.(*resolve.Binding)
	if !ok || b.First == nil || b.Scope == resolve.Global {
		return
	}
	if g.functions[b.First] == nil {
		g.order = append(g.order, b.First)
	}
	g.functions[b.First] = append(g.functions[b.First], function.(*resolve.Function))
}

// cycle returns the variables through which v refers to itself, v first; nil if it does
// not. It is a search in depth from v that enters each variable once. All cycles of a text
// take time in the square of its functions at the most.
func (g *holding) cycle(v variable) []variable {
	visited := map[variable]bool{}
	var path []variable
	var reaches func(variable) bool
	reaches = func(w variable) bool {
		path = append(path, w)
		for _, fn := range g.functions[w] {
			for _, free := range fn.FreeVars {
				next := free.First
				if next == v {
					return true
				}
				if !visited[next] && g.functions[next] != nil {
					visited[next] = true
					if reaches(next) {
						return true
					}
				}
			}
		}
		path = path[:len(path)-1]
		return false
	}
	if reaches(v) {
		return path
	}
	return nil
}
