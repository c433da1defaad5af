package dsl

import (
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/resolve"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// What a role cannot mean is found when it is defined, not when some scenario
// first runs the handler: a function that cannot be called as its event calls
// it, and a variable that was to be an attribute of self.

// parameters are those that a function of a role is called with.
func parameters(name string) []string {
	switch name {
	case "init", "show", "on_timeout", "on_exchange":
		return []string{"self"}
	case "rebase":
		return []string{"self", "by"}
	case "on_round":
		return []string{"self", "round"}
	case "on_invoke":
		return []string{"self", "op"}
	}
	return []string{"self", "m"}
}

// check reports a function of the role that its event cannot call, or that
// assigns a variable which is never read and has the name of an attribute.
func (r *role) check(in *Interpreter) error {
	s := &capturedGlobals{in: in, files: map[string]*syntax.File{}}
	attributes := map[string]bool{}
	texts := map[string]syntax.Node{}
	for _, name := range r.names() {
		fn, ok := r.handlers[name].(*starlark.Function)
		if !ok {
			continue
		}
		if err := callable(name, fn); err != nil {
			return err
		}
		if texts[name] = s.text(fn); texts[name] == nil {
			continue
		}
		self, _ := fn.Param(0)
		for _, attribute := range assignedAttributes(texts[name], self) {
			attributes[attribute] = true
		}
	}
	for _, name := range r.names() {
		if texts[name] == nil {
			continue
		}
		for _, id := range unread(texts[name]) {
			if attributes[id.Name] {
				return fmt.Errorf("role: %s assigns the variable %s and never reads it (%s); the attribute is written self.%s", name, id.Name, id.NamePos, id.Name)
			}
		}
	}
	return nil
}

// callable reports whether a function can be called as its event calls it.
func callable(name string, fn *starlark.Function) error {
	want := parameters(name)
	most := fn.NumParams() - fn.NumKwonlyParams()
	if fn.HasVarargs() {
		most--
	}
	if fn.HasKwargs() {
		most--
	}
	least, required := 0, false
	for i := range fn.NumParams() {
		if fn.ParamDefault(i) != nil {
			continue
		}
		switch positional := i < most; {
		case positional:
			least++
		case i < most+fn.NumKwonlyParams():
			required = true // by name, and no event gives any
		}
	}
	if !required && least <= len(want) && (len(want) <= most || fn.HasVarargs()) {
		return nil
	}
	signature, _ := Signature(fn)
	return fmt.Errorf("role: %s is called with (%s), which %s (%s) does not take; write def %s(%s)",
		name, strings.Join(want, ", "), signature, fn.Position(), name, strings.Join(want, ", "))
}

// assignedAttributes lists the attributes of self that a text assigns.
func assignedAttributes(text syntax.Node, self string) []string {
	var names []string
	syntax.Walk(text, func(n syntax.Node) bool {
		if assign, ok := n.(*syntax.AssignStmt); ok {
			for _, target := range targets(assign.LHS) {
				if dot, ok := target.(*syntax.DotExpr); ok {
					if id, ok := dot.X.(*syntax.Ident); ok && id.Name == self {
						names = append(names, dot.Name.Name)
					}
				}
			}
		}
		return true
	})
	return names
}

// unread lists the local variables that statements x = … of a function assign
// and nothing reads, each once.
func unread(text syntax.Node) []*syntax.Ident {
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

// targets lists what the left side of an assignment assigns.
func targets(e syntax.Expr) []syntax.Expr {
	var list []syntax.Expr
	switch e := e.(type) {
	case *syntax.ParenExpr:
		return targets(e.X)
	case *syntax.TupleExpr:
		for _, x := range e.List {
			list = append(list, targets(x)...)
		}
	case *syntax.ListExpr:
		for _, x := range e.List {
			list = append(list, targets(x)...)
		}
	default:
		list = append(list, e)
	}
	return list
}
