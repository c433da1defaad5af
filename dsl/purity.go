package dsl

import (
	"fmt"
	"iter"
	"reflect"
	"slices"
	"sync/atomic"

	"go.starlark.net/resolve"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"go.starlark.net/syntax"

	"github.com/twinsh/twinsh/dsl/internal/guard"
)

// What a handler does in some state is computed once and remembered. So it must
// not depend on what changes, such as a list of the script in which it notes who
// voted. Starlark freezes the variables of a module when the module ends, but
// the main script is still running when its handlers do.
//
// The same holds for invariants, which are judged in parallel.
//
// A capturedGlobals is what functions see of such a script: the global variables that
// they name, themselves or through functions that they may call.
type capturedGlobals struct {
	in      *Interpreter
	files   map[string]*syntax.File
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

// capture freezes functions and what they see. It fails if something of that
// cannot be frozen, such as a function that holds itself.
func (in *Interpreter) capture(functions ...starlark.Callable) (*capturedGlobals, error) {
	s := &capturedGlobals{
		in:      in,
		files:   map[string]*syntax.File{},
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
func (s *capturedGlobals) add(v starlark.Value) error {
	if err := guard.Freezable(v); err != nil {
		return err
	}
	v.Freeze()
	s.visit(v)
	return nil
}

// visit notes what the functions in a value see.
func (s *capturedGlobals) visit(v starlark.Value) {
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

func (s *capturedGlobals) function(fn *starlark.Function) {
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
// was given, which are builtins or the variables of a shell.
func valuesOf(module *starlark.Module) func(name string) starlark.Value {
	own := module.Globals()
	return func(name string) starlark.Value {
		if v := own[name]; v != nil {
			return v
		}
		return module.Predeclared()[name]
	}
}

// named lists the global variables in the text of a function, as often as they
// occur. Starlark keeps no such list.
func (s *capturedGlobals) named(fn *starlark.Function) []string {
	var names []string
	if text := s.text(fn); text != nil {
		syntax.Walk(text, func(n syntax.Node) bool {
			if id, ok := n.(*syntax.Ident); ok && isGlobal(id) {
				names = append(names, id.Name)
			}
			return true
		})
	}
	return names
}

// sent lists the types of messages that the functions send under names that
// stand in their text, as in self.broadcast("vote").
func (s *capturedGlobals) sent() []string {
	var types []string
	s.walk(func(n syntax.Node) {
		if call, ok := n.(*syntax.CallExpr); ok {
			if kind, ok := sentBy(call); ok && !slices.Contains(types, kind) {
				types = append(types, kind)
			}
		}
	})
	return types
}

// sentAt returns the first place at which the functions send messages of a type,
// by their text; it is not valid if there is none.
func (s *capturedGlobals) sentAt(kind string) (at syntax.Position) {
	s.walk(func(n syntax.Node) {
		if call, ok := n.(*syntax.CallExpr); ok {
			pos, _ := call.Span()
			sent, ok := sentBy(call)
			earlier := pos.Filename() < at.Filename() || pos.Filename() == at.Filename() && before(pos, at)
			if ok && sent == kind && (!at.IsValid() || earlier) {
				at = pos
			}
		}
	})
	return at
}

// assigns reports whether a statement of the functions assigns an attribute of that name.
func (s *capturedGlobals) assigns(attribute string) (found bool) {
	s.walk(func(n syntax.Node) {
		if assign, ok := n.(*syntax.AssignStmt); ok {
			for _, target := range targets(assign.LHS) {
				dot, ok := target.(*syntax.DotExpr)
				found = found || ok && dot.Name.Name == attribute
			}
		}
	})
	return found
}

// walk visits the text of the functions, in no order.
func (s *capturedGlobals) walk(visit func(syntax.Node)) {
	for known := range s.visited {
		fn, ok := known.(*starlark.Function)
		if !ok {
			continue
		}
		if text := s.text(fn); text != nil {
			syntax.Walk(text, func(n syntax.Node) bool {
				if n != nil {
					visit(n)
				}
				return true
			})
		}
	}
}

// sentBy returns the type of message that a call of send or broadcast names.
func sentBy(call *syntax.CallExpr) (string, bool) {
	method, ok := call.Fn.(*syntax.DotExpr)
	if !ok {
		return "", false
	}
	at, sends := map[string]int{"send": 1, "broadcast": 0}[method.Name.Name]
	if !sends || len(call.Args) <= at {
		return "", false
	}
	kind, ok := call.Args[at].(*syntax.Literal)
	if !ok || kind.Token != syntax.STRING {
		return "", false
	}
	return kind.Value.(string), true
}

// text returns the definition of a function, nil if its source is not known.
func (s *capturedGlobals) text(fn *starlark.Function) (text syntax.Node) {
	file := s.file(fn.Position().Filename())
	if file == nil {
		return nil
	}
	syntax.Walk(file, func(n syntax.Node) bool {
		if n != nil && begins(n, fn.Position()) {
			text = n
		}
		return text == nil
	})
	return text
}

// file parses a file that was compiled before.
func (s *capturedGlobals) file(name string) *syntax.File {
	file, ok := s.files[name]
	if !ok {
		var err error
		file, err = dialect.Parse(name, s.in.sources[name], 0)
		if err == nil {
			// What was defined before a piece of text counts as predeclared.
			anything := func(string) bool { return true }
			err = resolve.File(file, anything, starlark.Universe.Has)
		}
		if err != nil {
			file = nil
		}
		s.files[name] = file
	}
	return file
}

// begins reports whether n is the function whose text begins at pos.
func begins(n syntax.Node, pos syntax.Position) bool {
	switch n.(type) {
	case *syntax.DefStmt, *syntax.LambdaExpr:
		start, _ := n.Span()
		return start.Line == pos.Line && start.Col == pos.Col
	}
	return false
}

func isGlobal(id *syntax.Ident) bool {
	b, ok := id.Binding.(*resolve.Binding)
	return ok && (b.Scope == resolve.Global || b.Scope == resolve.Predeclared)
}

// changed returns the name of a variable that was assigned since, or "". It may
// be called concurrently; variables are assigned between the interpreter's turns
// only.
func (s *capturedGlobals) changed() string {
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
