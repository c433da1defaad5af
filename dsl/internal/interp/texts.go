package interp

import (
	"strings"

	"go.starlark.net/resolve"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// Texts finds the definitions of functions in the texts that an interpreter has compiled. Starlark
// keeps of a function where it begins and what it captured, but not what it says and which
// globals it names. So its file is parsed and resolved once more, when that is first asked for.
type Texts struct {
	in    *Interpreter
	files map[string]*syntax.File
}

// NewTexts returns the texts of what in has compiled until each is asked for.
func NewTexts(in *Interpreter) Texts { return Texts{in, map[string]*syntax.File{}} }

// Of returns the definition of a function, nil if its source is not known.
func (s Texts) Of(fn *starlark.Function) (text syntax.Node) {
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

// maxShown is how long the text of a lambda is that is shown.
const maxShown = 60

// FunctionText shows a function in an expression: by its name, a short lambda by its
// text.
func FunctionText(in *Interpreter, fn starlark.Callable) string {
	f, ok := fn.(*starlark.Function)
	if !ok || f.Name() != "lambda" {
		return fn.Name()
	}
	text := "lambda …"
	if definition := NewTexts(in).Of(f); definition != nil {
		if whole := TextOf(in.sources[f.Position().Filename()], definition); len(whole) <= maxShown && !strings.Contains(whole, "\n") {
			text = whole
		}
	}
	return text
}

// named lists the global variables in the text of a function, as often as they
// occur. Starlark keeps no such list.
func (s Texts) named(fn *starlark.Function) []string {
	var names []string
	if text := s.Of(fn); text != nil {
		syntax.Walk(text, func(n syntax.Node) bool {
			if id, ok := n.(*syntax.Ident); ok && isGlobal(id) {
				names = append(names, id.Name)
			}
			return true
		})
	}
	return names
}

// file parses a file that was compiled before.
func (s Texts) file(name string) *syntax.File {
	file, ok := s.files[name]
	if !ok {
		var err error
		file, err = Dialect.Parse(name, s.in.sources[name], 0)
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

// begins reports whether n is the function whose text begins at pos. No two begin at one place.
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
