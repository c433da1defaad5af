package dsl

import (
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/twinsh/twinsh/dsl/internal/guard"
	"github.com/twinsh/twinsh/dsl/internal/value"
)

// definitions are what a script that is written during a call can draw upon.
type definitions struct {
	in      *Interpreter
	past    []*statement        // that define something
	globals starlark.StringDict // what they define
	modules map[string]string   // load statements, by the name that they define
	exports []export
	running map[starlark.Value]bool // functions that have not returned yet
}

// An export is what a module that was loaded gives under a name.
type export struct {
	name  string
	value starlark.Value
	load  string // the statement
}

func (c *call) definitions() definitions {
	r := runOf(c.thread)
	d := definitions{in: c.in(), past: slices.Clone(c.in().past), globals: starlark.StringDict{}, modules: map[string]string{}, running: map[starlark.Value]bool{}}
	for name, v := range c.in().globals {
		d.globals[name] = v
	}
	for i := range c.thread.CallStackDepth() {
		if f, ok := c.thread.DebugFrame(i).Callable().(*starlark.Function); ok {
			d.running[f] = true
		}
	}
	// The statements of the main script above the one that is executed now. Of
	// a text that is evaluated they are known already, and the same.
	main := r.loading[0]
	outermost := c.thread.DebugFrame(c.thread.CallStackDepth() - 1)
	if f, ok := outermost.Callable().(*starlark.Function); ok {
		for name, v := range f.Globals() {
			d.globals[name] = v
		}
	}
	text := c.in().sources[main.name()]
	if parsed, err := dialect.Parse(main.name(), text, 0); err == nil {
		for _, s := range parsed.Stmts {
			switch s.(type) {
			case *syntax.LoadStmt, *syntax.DefStmt, *syntax.AssignStmt:
				if start, _ := s.Span(); start.Line < outermost.Position().Line {
					d.past = append(d.past, newStatement(text, s))
				}
			}
			if load, ok := s.(*syntax.LoadStmt); ok { // which defines no global variable
				d.loaded(r, main, load)
			}
		}
	}
	var files []file
	for f := range r.loader.done {
		files = append(files, f)
	}
	slices.SortFunc(files, func(a, b file) int { return -strings.Compare(a.name(), b.name()) })
	for _, f := range files { // those of @std last: they come first
		path := f.path
		if f.std() {
			path = f.name()
		}
		globals := r.loader.done[f].globals
		for _, name := range globals.Keys() {
			if !strings.HasPrefix(name, "_") {
				statement := fmt.Sprintf("load(%q, %q)", path, name)
				d.modules[name] = statement
				d.exports = append(d.exports, export{name, globals[name], statement})
			}
		}
	}
	return d
}

// loaded notes what a load statement of the main script defines.
func (d *definitions) loaded(r *run, main file, load *syntax.LoadStmt) {
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
func (d *definitions) bound(name string) bool {
	return slices.ContainsFunc(d.past, func(s *statement) bool { return slices.Contains(s.binds, name) })
}

// own returns the names that a value has in the script.
func (d *definitions) own(v starlark.Value) []string {
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
func (d *definitions) exported(v starlark.Value) []string {
	var names []string
	for _, e := range d.exports {
		if e.value == v && !d.bound(e.name) && !d.in.builtins.Has(e.name) {
			d.modules[e.name] = e.load
			names = append(names, e.name)
		}
	}
	return names
}

// expressions returns how a script may write a value that was made by calls, the
// likeliest first: by functions that it names, by a name of its own, then by what
// it could load. Whether they make it again, only running them says.
func (d *definitions) expressions(v starlark.Value, made []making) []string {
	var texts []string
	add := func(names []string, args string) {
		for _, name := range names {
			if !slices.Contains(texts, name+args) {
				texts = append(texts, name+args)
			}
		}
	}
	for _, names := range []func(starlark.Value) []string{d.own, d.exported} {
		for _, m := range made {
			if !d.running[m.maker] {
				add(names(m.maker), m.args)
			}
		}
		add(names(v), "")
	}
	return texts
}

// protocols returns expressions that may make a protocol.
func (d *definitions) protocols(p *protocolValue) []string {
	texts := d.expressions(p, p.made)
	if text := d.in.staged[p]; text != "" {
		texts = append(texts, text)
	}
	return texts
}

// properties returns expressions that may make a property.
func (d *definitions) properties(p *propertyValue) []string {
	texts := d.expressions(p, p.made)
	if p.text != "" && d.sees(p.text) {
		texts = append([]string{p.text}, texts...)
	}
	return texts
}

// sees reports whether all names in an expression can be had.
func (d *definitions) sees(text string) bool {
	e, err := dialect.ParseExpr("script", text, 0)
	return err == nil && !slices.ContainsFunc(mentions(e), func(name string) bool {
		return !d.bound(name) && d.modules[name] == "" && !d.in.builtins.Has(name) && !starlark.Universe.Has(name)
	})
}

// of returns statements that define the names in a text. An operation that
// nothing defines is defined by its name.
func (d *definitions) of(text string) string {
	parsed, err := dialect.Parse("script", text, 0)
	if err != nil {
		return ""
	}
	names := map[string]bool{}
	var mentioned []string
	for _, s := range parsed.Stmts {
		for _, name := range mentions(s) {
			if !names[name] {
				mentioned = append(mentioned, name)
			}
			names[name] = true
		}
	}
	chosen := defining(d.past, names)
	var loads, operations []string
	for _, name := range mentioned {
		switch {
		case d.bound(name) || d.in.builtins.Has(name) || starlark.Universe.Has(name):
		case d.modules[name] != "":
			loads = append(loads, d.modules[name])
		default:
			operations = append(operations, operationText(name))
		}
	}
	chosen = append(chosen, operations...)
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

// written returns a call as a script can write it again, "" if it cannot. A
// function is written by its name.
func (c *call) written() string {
	var args []string
	add := func(prefix string, v starlark.Value) bool {
		text, ok := literal(v)
		if f, isFunction := v.(*starlark.Function); isFunction && f.Name() != "lambda" {
			text, ok = f.Name(), true
		}
		args = append(args, prefix+text)
		return ok
	}
	for _, v := range c.args {
		if !add("", v) {
			return ""
		}
	}
	for _, kw := range c.kwargs {
		if !add(string(kw[0].(starlark.String))+" = ", kw[1]) {
			return ""
		}
	}
	return c.Name() + "(" + strings.Join(args, ", ") + ")"
}

// literal writes a value out, if it can be.
func literal(v starlark.Value) (string, bool) {
	if guard.Tree(v, value.MaxSize) != nil {
		return "", false
	}
	switch v := v.(type) {
	case starlark.NoneType, starlark.Bool, starlark.Int, starlark.Float, starlark.String, starlark.Bytes, value.Operation:
		return v.String(), true
	case *starlark.List, starlark.Tuple:
		for e := range starlark.Elements(v.(starlark.Iterable)) {
			if _, ok := literal(e); !ok {
				return "", false
			}
		}
		return v.String(), true
	case *starlark.Dict:
		for _, item := range v.Items() {
			if _, ok := literal(item); !ok {
				return "", false
			}
		}
		return v.String(), true
	}
	return "", false
}

// A making is a call that made a value.
type making struct {
	maker starlark.Value // the function
	args  string         // with parentheses
}

// makings returns the calls of functions of scripts that are under way, the
// innermost first: any of them may return what this call makes. Those that cannot
// be written again are left out. Arguments that a function has passed on to
// functions within it are found in captured ones.
func (c *call) makings(captured ...starlark.Value) []making {
	passedOn := map[syntax.Position]starlark.Value{}
	for _, v := range captured {
		freeVariables(v, passedOn)
	}
	var made []making
	for i := 1; i < c.thread.CallStackDepth(); i++ {
		frame := c.thread.DebugFrame(i)
		fn, ok := frame.Callable().(*starlark.Function)
		if !ok || fn.Name() == "lambda" {
			continue
		}
		if strings.HasPrefix(fn.Name(), "<") { // the file that all of them are called from
			break
		}
		if args, ok := argumentsOf(frame, fn, passedOn); ok {
			made = append(made, making{fn, args})
		}
	}
	return made
}

// argumentsOf writes the arguments of a call that is under way, if it can be done.
func argumentsOf(frame starlark.DebugFrame, fn *starlark.Function, passedOn map[syntax.Position]starlark.Value) (string, bool) {
	if fn.HasVarargs() || fn.HasKwargs() {
		return "", false
	}
	var args []string
	for i := range fn.NumParams() {
		binding, value := frame.Local(i)
		if v, ok := passedOn[binding.Pos]; ok {
			value = v
		}
		if value == nil {
			return "", false
		}
		if d := fn.ParamDefault(i); d != nil {
			if same, err := starlark.Equal(d, value); err == nil && same {
				continue
			}
		}
		text, ok := literal(value)
		if !ok {
			return "", false
		}
		args = append(args, binding.Name+" = "+text)
	}
	return "(" + strings.Join(args, ", ") + ")", true
}

// freeVariables collects what a function, and those that it can call, know of
// the variables of functions around them.
func freeVariables(v starlark.Value, found map[syntax.Position]starlark.Value) {
	fn, ok := v.(*starlark.Function)
	if !ok {
		return
	}
	for i := range fn.NumFreeVars() {
		binding, value := fn.FreeVar(i)
		if _, known := found[binding.Pos]; !known && value != nil {
			found[binding.Pos] = value
			freeVariables(value, found)
		}
	}
}
