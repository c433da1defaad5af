package dsl

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/twinsh/twinsh/dsl/internal/guard"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/explore"
)

// A shrunkValue is a scenario from which nothing can be taken away, in a
// script. As a text it is a script that plays it.
type shrunkValue struct {
	*explore.Shrunk
	script string
}

func (s *shrunkValue) String() string        { return strings.TrimSuffix(s.script, "\n") }
func (s *shrunkValue) Type() string          { return "shrunk" }
func (s *shrunkValue) Freeze()               {}
func (s *shrunkValue) Truth() starlark.Bool  { return true }
func (s *shrunkValue) Hash() (uint32, error) { return 0, fmt.Errorf("unhashable type: shrunk") }

var shrunkAttrs = map[string]func(*shrunkValue) starlark.Value{
	"world":  func(s *shrunkValue) starlark.Value { return &worldValue{World: s.World} },
	"steps":  func(s *shrunkValue) starlark.Value { return stepsTo(s.World) },
	"script": func(s *shrunkValue) starlark.Value { return starlark.String(s.script) },
	"property": func(s *shrunkValue) starlark.Value {
		if s.Failure != nil {
			return starlark.None
		}
		return starlark.String(s.Property)
	},
	"why":   func(s *shrunkValue) starlark.Value { return starlark.String(s.Why) },
	"tried": func(s *shrunkValue) starlark.Value { return starlark.MakeInt(s.Tried) },
}

// AttrNames implements [starlark.HasAttrs].
func (s *shrunkValue) AttrNames() []string { return sortedKeys(shrunkAttrs) }

// Attr implements [starlark.HasAttrs].
func (s *shrunkValue) Attr(name string) (starlark.Value, error) {
	if attr := shrunkAttrs[name]; attr != nil {
		return attr(s), nil
	}
	return nil, nil
}

func shrinkEntry() Entry {
	return Entry{
		Signature: "shrink(scenario, check=[])",
		Doc: `Takes away from a scenario what is not needed to violate a property, and prints as a script that plays what remains.
The scenario is a world, such as report.counterexample, or steps from the current world on. check is a property or a list of them; the one that is violated first is that which stays violated. If none is, a failure of a node's code is what stays.
The scenario can also be that of a report: shrink(report) takes what was found first, shrink(report, "agreement") the violation of a property by its name, and shrink(report.violations[1]) or shrink(report.failures[0]) any.
It takes away steps, instances that take part in a step, parts of partitions, twins, operations of clients and whole clients, until every further one is needed. The world in which the result ends may be of a smaller system than before.
The result has world, steps, script, property (None if it is a failure), why, and tried, the number of scenarios that were run. The script was run once before it is printed; one that does not show the same says so.`,
		Example: `load("@std//kv.star", "kv", "read", "write")
cluster(kv(write_back = False), clients = {"c1": [write("red")], "c2": [read(), read()], "c3": [write("blue")]})
twin("C")
report = explore(exchanges(reach = subsets(max = 3)) * 4, check = linearizable())
print(shrink(report.counterexample, linearizable()))`,
		call: callShrink,
	}
}

func callShrink(c *call) (starlark.Value, error) {
	var scenario, what starlark.Value
	if err := c.unpack(&scenario, &what); err != nil {
		return nil, err
	}
	ctx := contextOf(c.thread)
	var properties propertyList
	var shrunk *explore.Shrunk
	f, err := chosen(scenario, what)
	switch {
	case err != nil:
		return nil, err
	case f != nil && f.property == nil:
		shrunk, err = explore.ShrinkFailure(ctx, f.world, f.kind)
	case f != nil:
		properties = propertyList{f.property}
		ofHistory, ofWorld := properties.split()
		shrunk, err = explore.Shrink(ctx, f.world, ofHistory, ofWorld)
	default:
		if what != nil {
			if err := properties.Unpack(what); err != nil {
				return nil, fmt.Errorf("shrink: check: %w", err)
			}
		}
		w, err2 := c.played(scenario)
		if err2 != nil {
			return nil, err2
		}
		ofHistory, ofWorld := properties.split()
		shrunk, err = explore.Shrink(ctx, w, ofHistory, ofWorld)
	}
	if err != nil {
		return nil, err
	}
	script, whole := c.script(shrunk, properties)
	if shrunk.Stopped != nil {
		fmt.Fprintln(c.in().plain(), script) // nothing that comes after will print it
		return nil, shrunk.Stopped
	}
	if whole {
		if err := c.replay(script); err != nil {
			script = fmt.Sprintf("# no script plays this scenario again: %s\n# its steps are:\n", strings.ReplaceAll(err.Error(), "\n", "\n# "))
			for _, step := range stepsTo(shrunk.World) {
				script += "#   " + step.String() + "\n"
			}
		}
	}
	return &shrunkValue{shrunk, script}, nil
}

// chosen returns what of a report is to be shrunk, nil if scenario is no report
// and no finding of one.
func chosen(scenario, what starlark.Value) (*finding, error) {
	switch scenario := scenario.(type) {
	case *finding:
		if what != nil {
			return nil, fmt.Errorf("shrink: check goes with a world; a violation or failure says itself what stays")
		}
		return scenario, nil
	case *reportValue:
		name := ""
		switch what := what.(type) {
		case nil:
		case starlark.String:
			name = string(what)
		case *propertyValue:
			name = what.name
		default:
			return nil, fmt.Errorf("shrink: check is a %s, want the name of a property that the report has a violation of", what.Type())
		}
		if f := scenario.first(); f != nil && name == "" {
			return f, nil
		}
		var names []string
		for _, v := range scenario.Violations {
			if v.Property == name {
				return scenario.violation(v), nil
			}
			names = append(names, v.Property)
		}
		if len(names) == 0 {
			return nil, fmt.Errorf("shrink: the report has no violation; there is nothing to shrink")
		}
		return nil, fmt.Errorf("shrink: the report has no violation of %q%s; it has %s", name, Hint(name, names), strings.Join(names, ", "))
	}
	return nil, nil
}

// replay runs a script that shrink wrote, by itself, and reports if it does not
// end as a check that does not hold.
func (c *call) replay(script string) error {
	config := c.in().config
	config.Stdout, config.Report, config.Progress, config.WriteDir = nil, nil, nil, ""
	again, err := New(config)
	if err != nil {
		return err
	}
	loader, err := newLoader(config.Modules, runOf(c.thread).loader.local.dir)
	if err != nil {
		return err
	}
	defer loader.close()
	err = again.execute(contextOf(c.thread), loader, file{loader.local, "shrunk.star"}, script)
	var failed *CheckFailed
	switch {
	case errors.As(err, &failed):
		return nil
	case err != nil:
		return err
	}
	return errors.New("run by itself, it shows nothing wrong")
}

// played returns the world in which a scenario ends.
func (c *call) played(scenario starlark.Value) (*runtime.World, error) {
	switch scenario := scenario.(type) {
	case *worldValue:
		return scenario.World, nil
	case scenarioValue:
		w, err := c.world()
		if err != nil {
			return nil, err
		}
		for _, step := range scenario {
			if w, err = w.DoContext(contextOf(c.thread), step); err != nil {
				return nil, err
			}
		}
		return w, nil
	case starlark.NoneType:
		return nil, fmt.Errorf("shrink: scenario is None; a report that found nothing has no counterexample")
	}
	return nil, fmt.Errorf("shrink: scenario is a %s, want a world, as in shrink(report.counterexample, …), a report, or steps", scenario.Type())
}

// script returns a script that plays a scenario and judges it, and whether it is
// whole: whether it lacks no definition.
func (c *call) script(s *explore.Shrunk, properties propertyList) (text string, whole bool) {
	judged := ""
	if s.Failure != nil {
		judged = "check()\n"
	}
	for _, p := range properties {
		if judged == "" && p.text != "" && p.name == s.Property {
			judged = "check(" + p.text + ")\n"
		}
	}
	whole = judged != ""
	if !whole {
		judged = fmt.Sprintf("# check(…) with %s, which has no name here\n", s.Property)
	}
	config := s.World.Cluster().Config()
	d := c.definitions()
	protocol := config.Protocol.(*protocolValue)
	rest := stepsText(s.World) + judged
	if text := d.protocol(protocol); text != "" {
		acts := stagingText(text, config) + rest
		return d.of(acts) + acts, whole
	}
	note := fmt.Sprintf("# %s stands for a protocol that has no name here\n", protocol.Name())
	return d.of(stagingText("None", config)+rest) + note + stagingText(protocol.Name(), config) + rest, false
}

func stepsText(w *runtime.World) string {
	var b strings.Builder
	for _, step := range stepsTo(w) {
		b.WriteString(step.String() + "\n")
	}
	return b.String()
}

// definitions are what a script that is written during a call can draw upon.
type definitions struct {
	in      *Interpreter
	past    []*statement        // that define something
	globals starlark.StringDict // what they define
	modules map[string]string   // load statements, by the name that they define
}

func (c *call) definitions() definitions {
	r := runOf(c.thread)
	d := definitions{c.in(), slices.Clone(c.in().past), starlark.StringDict{}, map[string]string{}}
	for name, v := range c.in().globals {
		d.globals[name] = v
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
		for name := range r.loader.done[f].globals {
			d.modules[name] = fmt.Sprintf("load(%q, %q)", path, name)
		}
	}
	return d
}

// defines reports whether a name can be had.
func (d *definitions) defines(name string) bool {
	return d.modules[name] != "" || slices.ContainsFunc(d.past, func(s *statement) bool { return slices.Contains(s.binds, name) })
}

// protocol returns an expression that makes a protocol, "" if there is none.
func (d *definitions) protocol(p *protocolValue) string {
	if maker, _, isCall := strings.Cut(p.made, "("); isCall && d.defines(maker) {
		return p.made
	}
	for _, name := range d.globals.Keys() {
		if d.globals[name] == p && d.defines(name) {
			return name
		}
	}
	return d.in.staged[p]
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
	var loads []string
	for _, name := range mentioned {
		bound := slices.ContainsFunc(d.past, func(s *statement) bool { return slices.Contains(s.binds, name) })
		switch {
		case bound || d.in.builtins.Has(name) || starlark.Universe.Has(name):
		case d.modules[name] != "":
			loads = append(loads, d.modules[name]+"\n")
		default:
			loads = append(loads, operationText(name))
		}
	}
	all := append(loads, chosen...)
	if len(all) == 0 {
		return ""
	}
	return strings.Join(all, "\n") + "\n\n"
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
	if guard.Tree(v, maxSize) != nil {
		return "", false
	}
	switch v := v.(type) {
	case starlark.NoneType, starlark.Bool, starlark.Int, starlark.Float, starlark.String, starlark.Bytes, operation:
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

// maker returns the call of the script's function that makes a protocol by
// calling protocol(), "" if there is none or it cannot be written again.
// Arguments that the function has passed on to its handlers are found in these.
func (c *call) maker(p *scriptProtocol) string {
	frame := c.thread.DebugFrame(1)
	fn, ok := frame.Callable().(*starlark.Function)
	if !ok || fn.Name() == "lambda" || strings.HasPrefix(fn.Name(), "<") || fn.HasVarargs() || fn.HasKwargs() {
		return ""
	}
	passedOn := map[syntax.Position]starlark.Value{}
	for _, r := range []*role{p.replica, p.client} {
		if r == nil {
			continue
		}
		for _, handler := range r.handlers {
			freeVariables(handler, passedOn)
		}
	}
	var args []string
	for i := range fn.NumParams() {
		binding, value := frame.Local(i)
		if v, ok := passedOn[binding.Pos]; ok {
			value = v
		}
		if value == nil {
			return ""
		}
		if d := fn.ParamDefault(i); d != nil {
			if same, err := starlark.Equal(d, value); err == nil && same {
				continue
			}
		}
		text, ok := literal(value)
		if !ok {
			return ""
		}
		args = append(args, binding.Name+" = "+text)
	}
	return fn.Name() + "(" + strings.Join(args, ", ") + ")"
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
