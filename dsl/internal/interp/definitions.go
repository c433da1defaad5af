package interp

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// Definitions are what a script that is written can draw upon: what was evaluated, and
// during a call also what the main script has defined so far and the modules that it
// loaded.
type Definitions struct {
	in      *Interpreter
	past    []*Statement        // that define something
	globals starlark.StringDict // what they define
	modules map[string]string   // load statements, by the name that they define
	exports []export
	running map[starlark.Value]bool // functions that have not returned yet
}

// An export is what a module that was loaded gives under a name. Names that begin with _ are
// private to a module.
type export struct {
	name  string
	value starlark.Value
	load  string // the statement
}

// NewDefinitions returns what was evaluated so far.
func NewDefinitions(in *Interpreter) *Definitions {
	return &Definitions{in: in, past: slices.Clone(in.past), globals: maps.Clone(in.globals), modules: map[string]string{}, running: map[starlark.Value]bool{}}
}

// DefinitionsAt returns what a script can draw upon during a call.
func DefinitionsAt(c *Call) *Definitions {
	r := RunOf(c.Thread)
	d := NewDefinitions(r.in)
	for i := range c.Thread.CallStackDepth() {
		if f, ok := c.Thread.DebugFrame(i).Callable().(*starlark.Function); ok {
			d.running[f] = true
		}
	}
	d.above(r, c.Thread.DebugFrame(c.Thread.CallStackDepth()-1))
	d.export(r.loader)
	return d
}

// above adds the statements of the main script above the one that is executed now. Of
// a text that is evaluated they are known already, and the same.
func (d *Definitions) above(r *Run, outermost starlark.DebugFrame) {
	main := r.loading[0]
	if f, ok := outermost.Callable().(*starlark.Function); ok {
		maps.Copy(d.globals, f.Globals())
	}
	text := d.in.sources[main.name()]
	parsed, err := Dialect.Parse(main.name(), text, 0)
	if err != nil {
		return
	}
	for _, s := range parsed.Stmts {
		switch s.(type) {
		case *syntax.LoadStmt, *syntax.DefStmt, *syntax.AssignStmt:
			// What stands below has not been executed yet.
			if start, _ := s.Span(); start.Line < outermost.Position().Line {
				d.past = append(d.past, NewStatement(text, s))
			}
		}
		if load, ok := s.(*syntax.LoadStmt); ok { // which defines no global variable
			d.loaded(r, main, load)
		}
	}
}

// export adds what the modules that were loaded give, those of @std first.
func (d *Definitions) export(l *loader) {
	files := slices.SortedFunc(maps.Keys(l.done), func(a, b file) int { return -strings.Compare(a.name(), b.name()) })
	for _, f := range files {
		path := f.path
		if f.std() {
			path = f.name()
		}
		globals := l.done[f].globals
		for _, name := range globals.Keys() {
			if !strings.HasPrefix(name, "_") {
				statement := fmt.Sprintf("load(%q, %q)", path, name)
				d.modules[name] = statement
				d.exports = append(d.exports, export{name, globals[name], statement})
			}
		}
	}
}

// loaded notes what a load statement of the main script defines.
func (d *Definitions) loaded(r *Run, main file, load *syntax.LoadStmt) {
	f, err := r.loader.find(main, load.ModuleName())
	if err != nil || r.loader.done[f] == nil {
		return
	}
	for i, as := range load.To {
		if v := r.loader.done[f].globals[load.From[i].Name]; v != nil {
			d.globals[as.Name] = v
		}
	}
}

// bound reports whether a statement of the script defines a name.
func (d *Definitions) bound(name string) bool {
	return slices.ContainsFunc(d.past, func(s *Statement) bool { return slices.Contains(s.Binds, name) })
}

// Names returns the names that a value has in the script.
func (d *Definitions) Names(v starlark.Value) []string {
	var names []string
	for _, name := range d.globals.Keys() {
		if d.globals[name] == v && d.bound(name) {
			names = append(names, name)
		}
	}
	return names
}

// exported returns the names under which modules give a value and the script
// can load it.
func (d *Definitions) exported(v starlark.Value) []string {
	var names []string
	for _, e := range d.exports {
		if e.value == v && !d.bound(e.name) && !d.in.builtins.Has(e.name) {
			d.modules[e.name] = e.load
			names = append(names, e.name)
		}
	}
	return names
}

// Expressions returns how a script may write a value that was made by calls, the
// likeliest first: by functions that it names, by a name of its own, then by what
// it could load. Whether they make it again, only running them says. A function that has not
// returned cannot be what is written: it would call what is being written.
func (d *Definitions) Expressions(v starlark.Value, made []Making) []string {
	var texts []string
	add := func(names []string, args string) {
		for _, name := range names {
			if !slices.Contains(texts, name+args) {
				texts = append(texts, name+args)
			}
		}
	}
	for _, names := range []func(starlark.Value) []string{d.Names, d.exported} {
		for _, m := range made {
			if !d.running[m.Maker] {
				add(names(m.Maker), m.Args)
			}
		}
		add(names(v), "")
	}
	return texts
}

// Sees reports whether all names in an expression can be had.
func (d *Definitions) Sees(text string) bool {
	e, err := Dialect.ParseExpr("script", text, 0)
	return err == nil && !slices.ContainsFunc(Mentions(e), func(name string) bool {
		return !d.bound(name) && d.modules[name] == "" && !d.in.builtins.Has(name) && !starlark.Universe.Has(name)
	})
}

// Of returns statements that define the names in a text, and what these need in turn: loads first,
// then the rest in the order of the script. undefined returns one for a
// name that nothing defines.
func (d *Definitions) Of(text string, undefined func(name string) string) string {
	parsed, err := Dialect.Parse("script", text, 0)
	if err != nil {
		return ""
	}
	names := map[string]bool{}
	var mentioned []string
	for _, s := range parsed.Stmts {
		for _, name := range Mentions(s) {
			if !names[name] {
				mentioned = append(mentioned, name)
			}
			names[name] = true
		}
	}
	chosen := Defining(d.past, names)
	var loads, others []string
	for _, name := range mentioned {
		switch {
		case d.bound(name) || d.in.builtins.Has(name) || starlark.Universe.Has(name):
		case d.modules[name] != "":
			loads = append(loads, d.modules[name])
		default:
			others = append(others, undefined(name))
		}
	}
	chosen = append(chosen, others...)
	text = joined(loads)
	if len(loads) > 0 && len(chosen) > 0 {
		text += "\n"
	}
	if text += joined(chosen); text != "" {
		text += "\n"
	}
	return text
}

// joined puts statements below each other, with a blank line around functions.
func joined(statements []string) string {
	var b strings.Builder
	for i, text := range statements {
		text = strings.TrimSuffix(text, "\n")
		if i > 0 && (strings.Contains(text, "\n") || strings.Contains(statements[i-1], "\n")) {
			b.WriteString("\n")
		}
		b.WriteString(text + "\n")
	}
	return b.String()
}
