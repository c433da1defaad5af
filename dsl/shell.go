package dsl

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/twinsh/twinsh/dsl/internal/guard"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/node"
)

// World returns the current world, nil if there is no system yet.
func (in *Interpreter) World() *runtime.World { return in.session.world }

// Names lists the global variables that evaluated text sees, in order, without
// those of Starlark itself.
func (in *Interpreter) Names() []string {
	return slices.DeleteFunc(in.globals.Keys(), func(name string) bool {
		return guard.IsHidden(name) || name == lastValue || starlark.Universe.Has(name) && in.globals[name] == in.builtins[name]
	})
}

// Global returns the value of a global variable, nil if there is none.
func (in *Interpreter) Global(name string) starlark.Value { return in.globals[name] }

// Define adds a function without parameters to what evaluated text sees, and to
// what help knows. Its documentation is written as that of an [Entry].
func (in *Interpreter) Define(name, doc string, fn func() error) {
	e := Entry{Signature: name + "()", Doc: doc, call: func(c *call) (starlark.Value, error) {
		if err := c.unpack(); err != nil {
			return nil, err
		}
		return starlark.None, fn()
	}}
	in.globals[name] = newBuiltin(e)
	in.defined = append(in.defined, e)
}

// Families returns all that evaluated text sees beyond Starlark itself: [Families],
// and what the host defined.
func (in *Interpreter) Families() []Family {
	if len(in.defined) == 0 {
		return Families()
	}
	return append(Families(), Family{"shell", "for those who type", in.defined})
}

// Enter makes a world of this interpreter the current one.
func (in *Interpreter) Enter(w *runtime.World) { in.session.enter(w) }

// Resize says how many columns Stdout has from now on; 0 means 80.
func (in *Interpreter) Resize(columns int) { in.config.Width = columns }

// Modules lists what evaluated text can load, in order: modules of @std, then
// the scripts in the folder of the interpreter.
func (in *Interpreter) Modules() []string {
	var names []string
	for _, t := range []*tree{in.loader.std, in.loader.local} {
		if t.files == nil {
			continue
		}
		prefix := ""
		if t == in.loader.std {
			prefix = stdPrefix
		}
		for _, pattern := range []string{"*.star", "*/*.star", "*/*/*.star"} {
			paths, _ := fs.Glob(t.files, pattern) // the patterns are well formed
			for _, p := range paths {
				names = append(names, prefix+p)
			}
		}
	}
	return names
}

// Signature returns how a function is called, as in exchange(client, reach),
// and the names of the parameters that can be given by name. The signature is
// empty if v is no function or does not tell.
func Signature(v starlark.Value) (signature string, params []string) {
	switch v := v.(type) {
	case *builtin:
		return v.entry.Signature, v.params.names()
	case *starlark.Function:
		// They come in this order: by position, by name only, *rest, **others.
		last := v.NumParams()
		var rest, others string
		if v.HasKwargs() {
			last--
			others, _ = v.Param(last)
		}
		if v.HasVarargs() {
			last--
			rest, _ = v.Param(last)
		}
		var shown []string
		for i := range last {
			if i == last-v.NumKwonlyParams() {
				shown = append(shown, "*"+rest)
			}
			name, _ := v.Param(i)
			params = append(params, name)
			if d := v.ParamDefault(i); d != nil {
				name += "=" + guard.Text(d)
			}
			shown = append(shown, name)
		}
		if rest != "" && v.NumKwonlyParams() == 0 {
			shown = append(shown, "*"+rest)
		}
		if others != "" {
			shown = append(shown, "**"+others)
		}
		return v.Name() + "(" + strings.Join(shown, ", ") + ")", params
	}
	return "", nil
}

// Script returns a script that leads from nothing to the current world: what
// was evaluated so far, as far as it is needed, the system, the steps, and the
// checks that were made on the way.
func (in *Interpreter) Script() (string, error) {
	w, err := in.session.current()
	if err != nil {
		return "", err
	}
	protocol, err := in.protocolText(w.Cluster().Config().Protocol.(*protocolValue))
	if err != nil {
		return "", err
	}
	acts := stagingText(protocol, w.Cluster().Config())
	for _, at := range w.Path() {
		if at.Depth() > 0 {
			acts += at.Step().Text() + "\n"
		}
		for _, text := range in.session.checks[at] {
			acts += "check(" + text + ")\n"
		}
	}
	return in.needed(acts) + acts, nil
}

// protocolText returns an expression that makes a protocol.
func (in *Interpreter) protocolText(p *protocolValue) (string, error) {
	for _, name := range in.Names() {
		if in.globals[name] == p {
			return name, nil
		}
	}
	if maker, _, isCall := strings.Cut(p.call, "("); isCall && in.globals.Has(maker) {
		return p.call, nil
	}
	if text := in.staged[p]; text != "" {
		return text, nil
	}
	return "", fmt.Errorf("nothing here is a name for the protocol %s; assign it to a variable before cluster(…)", p)
}

// noteStaging remembers how a statement of text writes the protocol, if it set
// up a system.
func (in *Interpreter) noteStaging(text string, parsed syntax.Stmt) {
	p := in.session.protocol
	if p == nil || in.staged[p] != "" {
		return
	}
	syntax.Walk(parsed, func(n syntax.Node) bool {
		call, ok := n.(*syntax.CallExpr)
		if !ok || len(call.Args) == 0 {
			return true
		}
		if fn, ok := call.Fn.(*syntax.Ident); ok && fn.Name == "cluster" {
			in.staged[p] = textOf(text, call.Args[0])
		}
		return true
	})
}

// stagingText is the calls that set up a system.
func stagingText(protocol string, c runtime.Config) string {
	var b strings.Builder
	fmt.Fprintf(&b, "cluster(%s, ", protocol)
	letters := true
	for i, name := range c.Servers {
		letters = letters && name == string(rune('A'+i))
	}
	if letters {
		fmt.Fprintf(&b, "n = %d", c.N)
	} else {
		fmt.Fprintf(&b, "servers = %s", quoted(c.Servers))
	}
	fmt.Fprintf(&b, ", f = %d", c.F)
	if len(c.Clients) > 0 {
		b.WriteString(", clients = {\n")
		for _, client := range c.Clients {
			fmt.Fprintf(&b, "    %q: %s,\n", client.Name, programText(client.Program))
		}
		b.WriteString("}")
	}
	if c.Network == runtime.Held {
		b.WriteString(`, network = "held"`)
	}
	b.WriteString(")\n")
	for _, t := range c.Twins {
		fmt.Fprintf(&b, "twin(%q", t.ID)
		if t.Copies != 2 {
			fmt.Fprintf(&b, ", k = %d", t.Copies)
		}
		if t.Program != nil {
			fmt.Fprintf(&b, ", program = %s", programText(t.Program))
		}
		b.WriteString(")\n")
	}
	return b.String()
}

func quoted(names []string) string {
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = fmt.Sprintf("%q", name)
	}
	return "[" + strings.Join(list, ", ") + "]"
}

func programText(program []node.Operation) string {
	list := make([]string, len(program))
	for i, op := range program {
		list[i] = op.String()
	}
	return "[" + strings.Join(list, ", ") + "]"
}

// needed returns the statements that define the names in a text, in the order
// in which they were evaluated, and those that these need in turn. Operations
// that nothing defines are defined by their names.
func (in *Interpreter) needed(text string) string {
	parsed, err := dialect.Parse("script", text, 0)
	if err != nil {
		return "" // a name of the protocol's own cannot be written in Starlark
	}
	names := map[string]bool{}
	var operations []string
	for _, s := range parsed.Stmts {
		for _, name := range mentions(s) {
			if !in.globals.Has(name) && !starlark.Universe.Has(name) && !names[name] {
				operations = append(operations, name)
			}
			names[name] = true
		}
	}
	chosen := defining(in.past, names)
	for _, name := range operations {
		chosen = append(chosen, operationText(name))
	}
	if len(chosen) == 0 {
		return ""
	}
	return joined(chosen) + "\n"
}

// defining returns the statements, in order, that define some names, and those
// that these need in turn: before them, or after them if functions need them, which
// see variables as they are when they are called. It adds what they mention to the names.
func defining(past []*statement, names map[string]bool) []string {
	needed := make([]bool, len(past))
	for more := true; more; {
		more = false
		for i, s := range past {
			if needed[i] || !slices.ContainsFunc(s.binds, func(name string) bool { return names[name] }) {
				continue
			}
			needed[i], more = true, true
			for _, name := range s.mentions {
				names[name] = true
			}
		}
	}
	var chosen []string
	for i, s := range slices.Backward(past) {
		if needed[i] && !slices.Contains(chosen, s.text) {
			chosen = append(chosen, s.text)
		}
	}
	slices.Reverse(chosen)
	return chosen
}

// operationText defines an operation by its name.
func operationText(name string) string {
	return fmt.Sprintf("def %s(*arg):\n    return operation(%q, *arg)\n", name, name)
}

// mentions lists the names of variables in n, local ones too. Names of
// attributes and of arguments are none.
func mentions(n syntax.Node) []string {
	var names []string
	syntax.Walk(n, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.DotExpr:
			names = append(names, mentions(n.X)...)
			return false
		case *syntax.CallExpr:
			names = append(names, mentions(n.Fn)...)
			for _, arg := range n.Args {
				if named, ok := arg.(*syntax.BinaryExpr); ok && named.Op == syntax.EQ {
					arg = named.Y
				}
				names = append(names, mentions(arg)...)
			}
			return false
		case *syntax.Ident:
			names = append(names, n.Name)
		}
		return true
	})
	return names
}
