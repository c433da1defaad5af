package interp

import (
	"fmt"
	"iter"
	"reflect"
	"strings"
	"sync/atomic"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"go.starlark.net/syntax"

	"github.com/twinsh/twinsh/dsl/internal/guard"
)

// A Captured is what functions see of the script that defines them: the global variables
// that they name, themselves or through functions that they may call.
//
// What such a function gives is remembered, and it is called by several goroutines at a
// time. So it must not depend on what changes, such as a list of the script in which it
// notes something. Starlark freezes the variables of a module when the module ends, but
// the main script is still running when its functions are called.
type Captured struct {
	Texts
	visited map[any]bool // functions and containers
	seen    map[variable]bool
	globals []global
	checked atomic.Uint64 // the turn in which none of them had changed, plus one
}

type variable struct {
	module *starlark.Module
	name   string
}

type global struct {
	variable
	value starlark.Value // nil if it is not yet assigned
}

// Capture freezes functions and what they see. It fails if something of that
// cannot be frozen, such as a function that holds itself.
func Capture(in *Interpreter, functions ...starlark.Callable) (*Captured, error) {
	s := &Captured{
		Texts:   NewTexts(in),
		visited: map[any]bool{},
		seen:    map[variable]bool{},
	}
	for _, fn := range functions {
		if err := s.add(fn); err != nil {
			return nil, err
		}
	}
	// What was found may name variables that hold functions that name others.
	for i := 0; i < len(s.globals); i++ {
		if v := s.globals[i].value; v != nil {
			if err := s.add(v); err != nil {
				return nil, fmt.Errorf("the variable %s: %w", s.globals[i].name, err)
			}
		}
	}
	return s, nil
}

// add freezes a value, and notes what the functions in it see.
func (s *Captured) add(v starlark.Value) error {
	if err := guard.Freezable(v); err != nil {
		return err
	}
	v.Freeze()
	s.visit(v)
	return nil
}

// visit notes what the functions in a value see. What it has met it does not visit again; depth
// is bounded, because the value could be frozen.
func (s *Captured) visit(v starlark.Value) {
	if v == nil {
		return
	}
	each := func(values iter.Seq[starlark.Value]) {
		for e := range values {
			s.visit(e)
		}
	}
	var known any
	switch v := v.(type) {
	case *starlark.Function, *starlark.List, *starlark.Dict, *starlark.Set, *starlarkstruct.Struct:
		known = v
	case starlark.Tuple:
		if len(v) > 0 {
			known = &v[0]
		}
	}
	if known != nil {
		if s.visited[known] {
			return
		}
		s.visited[known] = true
	}
	switch v := v.(type) {
	case *starlark.Function:
		s.function(v)
	case *starlark.Builtin:
		s.visit(v.Receiver())
	case starlark.Tuple:
		each(starlark.Elements(v))
	case *starlark.List:
		each(starlark.Elements(v))
	case *starlark.Set:
		each(starlark.Elements(v))
	case *starlark.Dict:
		for key, value := range v.Entries() {
			s.visit(key)
			s.visit(value)
		}
	case *starlarkstruct.Struct:
		for _, name := range v.AttrNames() {
			if field, err := v.Attr(name); err == nil {
				s.visit(field)
			}
		}
	}
}

func (s *Captured) function(fn *starlark.Function) {
	for i := range fn.NumParams() {
		s.visit(fn.ParamDefault(i))
	}
	for i := range fn.NumFreeVars() {
		_, v := fn.FreeVar(i)
		s.visit(v)
	}
	values := valuesOf(fn.Module())
	for _, name := range s.named(fn) {
		at := variable{fn.Module(), name}
		if !s.seen[at] {
			s.seen[at] = true
			s.globals = append(s.globals, global{at, values(name)})
		}
	}
}

// valuesOf looks up what a module sees: its own variables, then those that it
// was given, which are builtins or the variables of a shell. Own ones are copied by the library for
// each look-up of all, so that this is done once for many names.
func valuesOf(module *starlark.Module) func(name string) starlark.Value {
	own := module.Globals()
	return func(name string) starlark.Value {
		if v := own[name]; v != nil {
			return v
		}
		return module.Predeclared()[name]
	}
}

// Values yields the values of the global variables that the functions see, with their names.
func (s *Captured) Values(yield func(v starlark.Value, name string) bool) {
	for _, g := range s.globals {
		if g.value != nil && !yield(g.value, g.name) {
			return
		}
	}
}

// Walk visits the text of the functions, in no order.
func (s *Captured) Walk(visit func(syntax.Node)) {
	for known := range s.visited {
		fn, ok := known.(*starlark.Function)
		if !ok {
			continue
		}
		if text := s.Of(fn); text != nil {
			syntax.Walk(text, func(n syntax.Node) bool {
				if n != nil {
					visit(n)
				}
				return true
			})
		}
	}
}

// Changed returns the name of a variable that was assigned since, or "". It may
// be called concurrently; variables are assigned between the interpreter's turns
// only. So all variables are compared once a turn, and a call in between costs the reading of
// two counters. Freezing keeps values from being changed, this keeps variables from being
// assigned: what was remembered of the functions would not hold any more.
func (s *Captured) Changed() string {
	turn := s.in.turns.Load() + 1
	if s.checked.Load() == turn {
		return ""
	}
	var module *starlark.Module
	var values func(string) starlark.Value
	for _, g := range s.globals {
		if g.module != module {
			module = g.module
			values = valuesOf(module)
		}
		if !same(g.value, values(g.name)) {
			return g.name
		}
	}
	s.checked.Store(turn)
	return ""
}

// same reports whether a variable holds the same value as before. Values that
// Go cannot compare, such as tuples, may be equal ones.
func same(before, now starlark.Value) bool {
	if before == nil || now == nil || reflect.TypeOf(before).Comparable() {
		return before == now
	}
	equal, err := starlark.Equal(before, now)
	return equal || err != nil
}

// Reads reports whether the functions, or those that they may call, read an attribute of some
// name of anything, or may do so by a text.
func (s *Captured) Reads(attribute string) bool {
	return s.has(func(n syntax.Node) bool {
		if l, ok := n.(*syntax.Literal); ok {
			value, _ := l.Value.(string)
			return strings.Contains(value, attribute)
		}
		return reads(n, attribute)
	})
}

// ReadsAttribute is Reads for an attribute whose name is a common word, which texts hold that are none: a text
// counts only where the functions ask for attributes by texts at all.
func (s *Captured) ReadsAttribute(attribute string) bool {
	if s.has(func(n syntax.Node) bool { return reads(n, attribute) }) {
		return true
	}
	byText := func(n syntax.Node) bool {
		id, ok := n.(*syntax.Ident)
		return ok && (id.Name == "getattr" || id.Name == "hasattr")
	}
	return s.has(byText) && s.Reads(attribute)
}

// reads reports whether a node of a program reads an attribute by its name.
func reads(n syntax.Node, attribute string) bool {
	dot, ok := n.(*syntax.DotExpr)
	return ok && dot.Name.Name == attribute
}

// has reports whether some node is in the code of the functions, or of those that they may call, or
// may be there because the code is not known.
func (s *Captured) has(is func(syntax.Node) bool) bool {
	for v := range s.visited {
		fn, ok := v.(*starlark.Function)
		if !ok {
			continue
		}
		text, found := s.Of(fn), false
		if text == nil {
			return true
		}
		syntax.Walk(text, func(n syntax.Node) bool {
			found = found || n != nil && is(n)
			return !found
		})
		if found {
			return true
		}
	}
	return false
}
