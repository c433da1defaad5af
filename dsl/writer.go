package dsl

import (
	"fmt"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/twinsh/twinsh/dsl/internal/interp"
	"github.com/twinsh/twinsh/dsl/internal/role"
	"github.com/twinsh/twinsh/dsl/internal/value"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/explore"
	"github.com/twinsh/twinsh/runtime/node"
)

// How a script is written that leads from nothing to a world: by :save, of what a person
// did at a prompt, and by shrink, of a scenario that a search found.
//
// The hard part is the definitions. A protocol is a value, made somewhere of functions that
// were defined somewhere, maybe by a function with arguments, in a module, in a loop. The
// script has to make it again. Nothing keeps that by itself, so values remember the calls
// under way when they were made (interp.Making), and there are several guesses at how to
// write each:
//
//   1. by a function that the script can name, with the arguments that it was called with,
//   2. by a variable that holds the value,
//   3. by what a module that was loaded exports.
//
// What a text needs (variables, functions, load statements) is then added by
// [interp.Definitions], and what those need. Whether a guess is right cannot be read off
// it. So shrink runs each script before it prints it, and takes the first that shows the
// violation (see replayed in builtin_shrink.go); :save, which has nothing to compare with,
// writes what the person wrote.
//
// Tested by TestScript, TestScriptWritesProtocols and the tests in shrink_test.go, which
// execute what was written.

// A writer writes scripts that lead from nothing to a world: what they need of what was
// defined, the system, the steps and the checks. It writes what :save keeps and what
// shrink prints.
type writer struct {
	*interp.Definitions
	in *Interpreter
}

// script is the whole script of a system and what happens in it. protocol is an expression
// that makes its protocol. Definitions come first; they are found by the names in the rest.
func (w writer) script(protocol string, c runtime.Config, happens string) string {
	text := w.systemText(protocol, c) + happens
	return w.needs(text) + text
}

// needs returns the statements that define the names in a text. An operation that nothing
// defines is defined by its name: steps show write("red"), which is a function of a module
// that the script may not have loaded under that name.
func (w writer) needs(text string) string {
	return w.Of(text, func(name string) string {
		return fmt.Sprintf("def %s(*arg, **args):\n    return operation(%q, *arg, **args)\n", name, name)
	})
}

// protocols returns expressions that may make a protocol, the likeliest first. Of text that
// was evaluated it is known how the protocol was written in the call of cluster.
func (w writer) protocols(p *protocolValue) []string {
	texts := w.Expressions(p, p.made)
	if text := w.in.staged[p]; text != "" {
		texts = append(texts, text)
	}
	return texts
}

// properties returns expressions that may make a property, the likeliest first: the call
// itself if all that it names can be had.
func (w writer) properties(p *propertyValue) []string {
	texts := w.Expressions(p, p.made)
	if p.text != "" && w.Sees(p.text) {
		texts = append([]string{p.text}, texts...)
	}
	if p.ends != nil {
		for _, text := range w.properties(p.ends) {
			texts = append(texts, "at_end("+text+")")
		}
	}
	return texts
}

// sessionScript writes how a session came to its world. Checks are made where they were
// made, between the steps, and one that fails there fails again.
func sessionScript(in *Interpreter) (string, error) {
	at, err := in.session.current()
	if err != nil {
		return "", err
	}
	w := writer{interp.NewDefinitions(in.scripts), in}
	protocol, err := w.protocol(at.Cluster().Config().Protocol.(*protocolValue))
	if err != nil {
		return "", err
	}
	happens := ""
	for _, at := range at.Path() {
		if at.Depth() > 0 {
			happens += takenText(at.Step())
		}
		for _, text := range in.session.checks[at] {
			happens += "check(" + text + ")\n"
		}
	}
	return w.script(protocol, at.Cluster().Config(), happens), nil
}

// takenText is a step as a script takes it: a view as its steps, below its name.
//
// A script cannot take a view as one step; what happens in it is the same, one step at a
// time.
func takenText(step runtime.Step) string {
	text := ""
	if view, ok := step.Action().(runtime.ViewStep); ok {
		text = fmt.Sprintf("# view %q\n", view.Called)
	}
	for _, s := range step.InTurn() {
		text += s.Text() + "\n"
	}
	return text
}

// protocol returns how a session wrote its protocol: a name, or how it is made. The error
// says what a person can do, since a session that cannot be saved has been worked on for a
// while.
func (w writer) protocol(p *protocolValue) (string, error) {
	if names := w.Names(p); len(names) > 0 {
		return names[0], nil
	}
	if strings.Contains(p.call, "(") && w.Sees(p.call) {
		return p.call, nil
	}
	if text := w.in.staged[p]; text != "" {
		return text, nil
	}
	return "", fmt.Errorf("nothing here is a name for the protocol %s; assign it to a variable before cluster(…)", p)
}

// noteStaging remembers how a statement of text writes the protocol, if it set up a system.
// It is called after each statement that a shell executes, when the statement is at hand
// and the session knows what came of it; later it could not be said which text made the
// value.
func noteStaging(in *Interpreter, text string, parsed syntax.Stmt) {
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
			in.staged[p] = interp.TextOf(text, call.Args[0])
		}
		return true
	})
}

// shrunkScripts returns scripts that may play a scenario and judge it, and whether they are
// whole: whether they lack no definition. There is one at least. They are all combinations
// of ways to write the protocol and the property, in the order in which they are worth
// trying. One that is not whole says what nothing defines, so that a person can complete it, and
// fails until then: kept as a test it would else pass.
func shrunkScripts(c *call, s *explore.Shrunk, properties propertyList) (texts []string, whole bool) {
	w := writer{interp.DefinitionsAt(c), interpreter(c)}
	var judged []string
	if s.Failure != nil {
		judged = []string{"check()\n"}
	}
	for _, p := range properties {
		if len(judged) == 0 && p.name == s.Property {
			for _, text := range w.properties(p) {
				judged = append(judged, "check("+text+")\n")
			}
		}
	}
	whole = len(judged) > 0
	if !whole {
		judged = []string{fmt.Sprintf("fail(%q)\n", "not whole: write check(…) here with "+s.Property+", which has no name here")}
	}
	config := s.World.Cluster().Config()
	protocol := config.Protocol.(*protocolValue)
	steps := stepsText(s.World) + goodText(s.Good)
	for _, check := range judged {
		for _, text := range w.protocols(protocol) {
			texts = append(texts, w.script(text, config, steps+check))
		}
	}
	if len(texts) > 0 {
		return texts, whole
	}
	note := fmt.Sprintf("# %s stands for a protocol that no variable here or in a module holds, and no function there makes\n", protocol.Name())
	happens := steps + judged[0]
	return []string{w.needs(w.systemText("None", config)+happens) + note + w.systemText(protocol.Name(), config) + happens}, false
}

// The start is not a part of it: a script that is written begins where the system begins.
func stepsText(w *runtime.World) string {
	var b strings.Builder
	for _, step := range stepsTo(w) {
		b.WriteString(step.Text() + "\n")
	}
	return b.String()
}

// goodText says, in comments, what a good network does in vain; steps that are the same stand
// once.
func goodText(steps []runtime.Step) string {
	text := ""
	for len(steps) > 0 {
		n := 1
		for n < len(steps) && steps[n].Text() == steps[0].Text() {
			n++
		}
		if text == "" {
			text = "# From here on the network is good, and yet this leads nowhere:\n"
		}
		text += "#     " + steps[0].Text()
		if n > 1 {
			text += fmt.Sprintf("   %d times", n)
		}
		text, steps = text+"\n", steps[n:]
	}
	return text
}

// systemText is the calls that set up a system. What has its default is left out where
// people leave it out: names that are A, B, C and so on, the network, two copies.
func (w writer) systemText(protocol string, c runtime.Config) string {
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
			fmt.Fprintf(&b, "    %q: %s,\n", client.Name, w.programText(client.Program))
		}
		b.WriteString("}")
	}
	if c.Held {
		b.WriteString(`, network = "held"`)
	}
	b.WriteString(")\n")
	for _, t := range c.Twins {
		fmt.Fprintf(&b, "twin(%q", t.ID)
		if t.Copies != 2 && t.Code == nil || t.Copies != 1 && t.Code != nil {
			fmt.Fprintf(&b, ", k = %d", t.Copies)
		}
		if t.Program != nil {
			fmt.Fprintf(&b, ", program = %s", w.programText(t.Program))
		}
		if t.Code != nil {
			fmt.Fprintf(&b, ", replica = %s", w.role(t.Code.(*protocolValue)))
		}
		b.WriteString(")\n")
	}
	return b.String()
}

// role writes the role of code that stands in place of a protocol's, by a name that it has,
// as a function makes it, or by the names of its handlers. One that has none of these is written
// as code that does nothing.
func (w writer) role(p *protocolValue) string {
	r := p.Protocol.(*role.Protocol).Replica()
	if texts := append(w.Names(r), w.Expressions(r, p.made)...); len(texts) > 0 {
		return texts[0]
	}
	text, ok := r.Call(func(f starlark.Callable) string {
		if names := w.Names(f); len(names) > 0 {
			return names[0]
		}
		return ""
	})
	if ok {
		return text
	}
	return "role()"
}

func quoted(names []string) string {
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = fmt.Sprintf("%q", name)
	}
	return "[" + strings.Join(list, ", ") + "]"
}

func (w writer) programText(program []node.Operation) string {
	list := make([]string, len(program))
	for i, op := range program {
		list[i] = operationText(w.in, op)
	}
	return "[" + strings.Join(list, ", ") + "]"
}

// operationText writes an operation as a call of the function that modules make it with, write("red").
// Where that name is a builtin, as release is, or no name at all, it is operation("release").
func operationText(in *Interpreter, op node.Operation) string {
	text := value.Text(op)
	parsed, err := interp.Dialect.ParseExpr("name", op.Name, 0)
	_, isName := parsed.(*syntax.Ident)
	if err == nil && isName && !in.scripts.Builtins().Has(op.Name) && !starlark.Universe.Has(op.Name) {
		return text
	}
	args := strings.TrimPrefix(text, op.Name+"(")
	if args != ")" {
		args = ", " + args
	}
	return fmt.Sprintf("operation(%q", op.Name) + args
}

// actionText writes an action as a script does: a call of its builtin. It is what the
// runtime calls to show a step (see runtime.Config.Write), so that titles, reports and
// errors all say what could be typed. The names of arguments are those of the parameters:
// that the two agree is what makes acts and actions one thing (see builtin_acts.go).
// Required arguments stand by position, as people write them. A view has no
// call that takes it by itself; it is written as what happens in it.
func actionText(in *Interpreter, a runtime.Action) string {
	if view, ok := a.(runtime.ViewStep); ok {
		texts := make([]string, len(view.Steps))
		for i, step := range view.Steps {
			texts[i] = actionText(in, step)
		}
		return fmt.Sprintf("view %q: %s", view.Called, strings.Join(texts, "; "))
	}
	var args []string
	rest := in.scripts.Builtins()[a.Name()].(*interp.Builtin).Rest()
	for _, arg := range runtime.Arguments(a) {
		v := argumentValue(arg)
		switch {
		case arg.Name == rest:
			for e := range starlark.Elements(v.(starlark.Iterable)) {
				args = append(args, e.String())
			}
		case arg.Optional:
			args = append(args, arg.Name+" = "+v.String())
		default:
			text := v.String()
			if op, ok := v.(value.Operation); ok {
				text = operationText(in, node.Operation(op))
			}
			args = append(args, text)
		}
	}
	return a.Name() + "(" + strings.Join(args, ", ") + ")"
}
