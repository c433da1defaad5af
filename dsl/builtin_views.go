package dsl

import (
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"

	"github.com/twinsh/twinsh/dsl/internal/interp"
	"github.com/twinsh/twinsh/dsl/internal/spell"
	"github.com/twinsh/twinsh/dsl/internal/value"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/english"
	"github.com/twinsh/twinsh/runtime/node"
	"github.com/twinsh/twinsh/runtime/trace"
)

// Looking at worlds: show draws the way to one, state, history and diff return what there
// is as values. Pictures are made in runtime/trace, from a trace: a scenario with all its
// deliveries, which is played when it is first asked for. why is in builtin_why.go.
//
// A picture is of one scenario. What is violated is marked in it by finding the property at
// the step that first violates it (see propertyValue.find).

// viewsFamily shows worlds and reports.
func viewsFamily() Family {
	return Family{"pictures", "look at it", []Entry{
		showEntry(), whyEntry(), stateEntry(), historyEntry(), diffEntry(),
	}}
}

// Its documentation takes the formats from package trace.
func showEntry() Entry {
	return Entry{
		Signature: `show(what=None, format=None, file=None, check=[], full=False)`,
		Doc: `Shows the way to a world: the current one, a given one, or the counterexample of a report.
` + formatsText() + `
show("messages") is short for format = "messages", and with full = True what messages say stands below each step, nothing left out.
With file it is written there, below the current folder, instead of printed, as a whole or not at all, and never over anything but such a picture; without format the ending of the name says which. What is violated, of a report or of the properties in check, is explained in ` + findingFormats() + `.
Of a report that found nothing it prints a line that says so and shows and writes nothing, so that a script can show each report; show(report.passing[0]) shows a scenario that holds. What code says that fails is shown whole, up to 20 lines; values are cut to fit, and stand whole in why(), the page and json.`,
		Example: kvStage + `exchange("c1", ["A", "B", "C"])
show()
show("messages")
show("mermaid")`,
		call: callShow,
	}
}

// formatsText lists the formats of pictures, with the endings of their files.
//
// It stands in the documentation of show, so that formats are listed where they are
// defined.
func formatsText() string {
	var texts []string
	for _, name := range trace.Formats() {
		f := trace.Format(name)
		text := fmt.Sprintf("%q, %s", name, f.About())
		if f.Ending() != "" {
			text += " (" + f.Ending() + ")"
		}
		texts = append(texts, text)
	}
	return "The formats are " + strings.Join(texts, "; ") + "."
}

// findingFormats lists the formats that show what is violated.
func findingFormats() string {
	names := slices.DeleteFunc(trace.Formats(), func(name string) bool { return !trace.Format(name).Finds() })
	return english.Join(names, "and")
}

// callShow finds out what is meant (a world, a counterexample, or only a format), checks
// that format, file and full go together before anything is played, and then makes the
// trace, marks what is violated, draws and writes.
//
// A function show of a role runs while the picture is drawn. That it fails is a mistake of
// the script, which has no other way out of the middle of a drawing (Interpreter.Mistaken);
// the picture is not shown then, as "?" stands in it. A file gets no colours and no width
// of the terminal, so that it is the same wherever it was made. What is drawn has made its
// texts visible itself and goes to Stdout as it is; plain formats go through the filter.
func callShow(c *call) (starlark.Value, error) {
	var (
		what       starlark.Value
		format     string
		name       fileName
		properties propertyList
		full       bool
	)
	if err := c.Unpack(&what, &format, &name, &properties, &full); err != nil {
		return nil, err
	}
	file := string(name)
	var t *trace.Trace
	var w *runtime.World
	var found *finding
	var nothing *reportValue // that found nothing
	switch v := what.(type) {
	case nil:
	case starlark.String:
		if format != "" {
			return nil, fmt.Errorf("show: two formats, %s and %q", v, format)
		}
		format = string(v)
	case *worldValue:
		w = v.World
	case *reportValue:
		if found = v.first(); found == nil {
			nothing = v
		}
	case *finding:
		found = v
	default:
		return nil, fmt.Errorf("show: what is %s, want a world, a report or a format", article(what))
	}
	f, err := pictureFormat(format, file, full)
	if err != nil {
		return nil, err
	}
	if nothing != nil {
		return showNothing(c, nothing, f, file)
	}
	if found != nil {
		if t, err = found.trace(interp.ContextOf(c.Thread)); err != nil {
			return nil, err
		}
		w = found.world
	}
	if w == nil {
		if w, err = worldOf(c); err != nil {
			return nil, err
		}
	}
	if t == nil {
		t = trace.Of(w)
	}
	for _, p := range properties {
		if err := p.find(interp.ContextOf(c.Thread), t, w); err != nil {
			return nil, err
		}
	}
	options := traceOptions(interpreter(c))
	if file != "" {
		options = trace.Options{}
	}
	options.Full = full
	text, err := t.Render(f, options)
	// A mistake in show or in a label counts for more than an error of drawing, which may
	// follow from it.
	if mistake := interpreter(c).scripts.Mistake(); mistake != nil {
		return nil, mistake // the picture would lack what show did not say
	}
	if err != nil {
		return nil, err
	}
	if file != "" {
		if err := writeFile(interpreter(c), "show: file", file, text, f.Recognizes); err != nil {
			return nil, err
		}
		_, err := fmt.Fprintf(interpreter(c).config.Stdout, "wrote %s (%s)\n", file, f)
		return starlark.None, err
	}
	out := plainOut(interpreter(c))
	if f.Drawn() {
		out = interpreter(c).config.Stdout // which are coloured
	}
	fmt.Fprintln(out, strings.TrimRight(text, "\n"))
	return starlark.None, nil
}

// pictureFormat returns the format that the arguments of show ask for: by its name, else by
// the ending of the file, else a storyboard. A page is for a file only, and full for
// messages only: what would have no effect is an error.
func pictureFormat(format, file string, full bool) (trace.Format, error) {
	f := trace.Format(format)
	if format == "" {
		var err error
		if f, err = trace.FormatOf(file); err != nil {
			return "", fmt.Errorf("show: %w; name one, as in format = %q", err, trace.FormatStoryboard)
		}
	}
	switch {
	case !f.Known():
		return "", fmt.Errorf(`show: format is %q%s, want one of %s`, format, spell.Hint(format, trace.Formats()), strings.Join(trace.Formats(), ", "))
	case f == trace.FormatHTML && file == "":
		return "", fmt.Errorf(`show: a page is for a browser; write it to a file, as in show(file = "page.html")`)
	case full && f != trace.FormatMessages:
		return "", fmt.Errorf(`show: full = True goes with "messages", as in show("messages", full = True); a page and JSON hold full texts anyway`)
	}
	return f, nil
}

// showNothing says that a report has nothing to show, and what there is instead. Another
// program that reads a picture cannot read that: where the output is data (JSON, a
// diagram's source), it is an error, so that a pipe breaks at the right place. A file is
// left as it is.
func showNothing(c *call, r *reportValue, f trace.Format, file string) (starlark.Value, error) {
	text := "nothing is violated " + r.Bounds()
	if file != "" {
		text += ", so " + file + " is not written"
	}
	text += "; " + r.instead("show")
	if file == "" && !f.Drawn() {
		return nil, fmt.Errorf("show: %s", text)
	}
	_, err := fmt.Fprintln(plainOut(interpreter(c)), text)
	return starlark.None, err
}

func stateEntry() Entry {
	return Entry{
		Signature: "state(id)",
		Doc:       `What an instance knows now, as a struct of the fields that its protocol shows.`,
		Example: kvStage + `exchange("c1", ["A", "B", "C"])
print(state("c1"))`,
		call: callState,
	}
}

// callState takes instances, so that state("C'") is the twin. A struct with no fields is
// what a protocol shows that shows nothing.
func callState(c *call) (starlark.Value, error) {
	var id string
	if err := c.Unpack(&id); err != nil {
		return nil, err
	}
	w, err := worldOf(c)
	if err != nil {
		return nil, err
	}
	i, err := w.Cluster().Instance(id)
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	fields := starlark.StringDict{}
	for _, f := range w.Fields(i) {
		fields[f.Name] = value.FromGo(f.Value)
	}
	return starlarkstruct.FromStringDict(starlarkstruct.Default, fields), nil
}

func historyEntry() Entry {
	return Entry{
		Signature: "history(name=None, fn=None, step=None, init=None, *, faults=None)",
		Doc: `What was observed so far; given a name, a property of the operations of a scenario.
history() is a list of structs with step, instance and kind, in the order of the steps. Within a step they are in the order in which they happened to those who could reach each other; the order of what happened in different parts means nothing. An "invoked" has an operation, a "returned" a value, a "decided" a slot and a value, a "failed" a text, an "aborted" a reason.
history(name, fn) is a property. fn(h) returns True if all is well, else False or a text that says what is wrong. h lists the operations, in the order in which they began: client, name, arg, result, begin and end, which are places in the history; open, if it has not ended, failed, if it ended by self.fails(reason), and crashed, the place at which its client crashed while it was under way, or None. a.before(b) is whether a ended before b began. Of operations with faulty, those of faulty clients, the result means nothing, and none is before another.
history(name, init, step) is a property that keeps a state instead of all operations, so that long searches stay small. The first state stands where fn would, or by name: history(name, init = None, step = step). step(state, event) is called when an operation begins or ends, and returns a pair: the next state, and True, False or what is wrong. An event has kind ("invoked", "returned" or "aborted"), client, name, arg, result, reason and faulty. If the code of step names "crashed", that is a kind, too: the client of an operation under way crashed, or its code failed. init is the first state, or a function that returns it; a state is any value that nodes can keep. Histories that lead to equal states, with the same operations under way, are one to a search.
Functions of properties see the script as it is at their first call, and cannot change it.
` + faultsDoc,
		Example: kvStage + `def no_read_goes_back(h):
    reads = [op for op in h if op.name == "read" and not op.open]
    for a in reads:
        for b in reads:
            if a.before(b) and a.result != None and b.result == None:
                return "%s after %s" % (b, a)
    return True

def writes_end(count, event):
    if event.name == "write" and event.kind == "returned":
        count += 1
    return count, count < 5 or "too many writes"

exchange("c2", ["A", "B", "C"])
print(history())
check([history("no read goes back", no_read_goes_back), history("few writes", 0, writes_end)])`,
		call: callHistory,
	}
}

// callHistory is two builtins of one name, as a history is what was observed and what a
// property may be of. With arguments it makes a property (see callOfOperations); of a world
// that is an error. Without any it lists what was observed and counts as looking at
// failures (see alarm.go); in an invariant there is no history to be had, of its world or
// of the session's.
func callHistory(c *call) (starlark.Value, error) {
	var name, fn, step, init starlark.Value
	var faults faultBound
	if err := c.Unpack(&name, &fn, &step, &init, &faults); err != nil {
		return nil, err
	}
	of, ofWorld := c.Receiver().(*worldValue)
	if given := name != nil || fn != nil || step != nil || init != nil || faults.given; given && ofWorld {
		return nil, fmt.Errorf("history: that of a world is a list of what was observed; the property is history(name, fn), without a world")
	} else if given {
		p, err := callOfOperations(c, name, fn, step, init)
		if err != nil {
			return nil, err
		}
		return faults.of(p), nil
	}
	if ofWorld {
		if err := of.past("history"); err != nil {
			return nil, err
		}
	}
	w, err := worldOf(c)
	if err != nil {
		return nil, err
	}
	looked(interpreter(c), w)
	list := starlark.NewList(nil)
	for _, o := range w.History().Events {
		fields := starlark.StringDict{
			"step":     starlark.MakeInt(o.Step),
			"instance": starlark.String(w.Cluster().Instances()[o.Instance].Name),
		}
		kind := "failed"
		switch o.Kind {
		case node.Invoked:
			kind, fields["operation"] = "invoked", value.Operation(o.Operation)
		case node.Returned:
			kind, fields["value"] = "returned", value.FromGo(o.Value)
		case node.Decided:
			kind, fields["slot"], fields["value"] = "decided", starlark.MakeInt(o.Slot), value.FromGo(o.Value)
		case node.Aborted:
			kind, fields["reason"] = "aborted", value.FromGo(o.Value)
		default:
			fields["text"] = starlark.String(o.Failure.String())
		}
		fields["kind"] = starlark.String(kind)
		if err := list.Append(starlarkstruct.FromStringDict(starlarkstruct.Default, fields)); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func diffEntry() Entry {
	return Entry{
		Signature: "diff(before, after)",
		Doc:       `What differs between two worlds: a dict from instance to the texts of its state in both.`,
		Example: kvStage + `w = world()
exchange("c1", ["A", "B", "C"])
print(diff(w, world()))`,
		call: callDiff,
	}
}

// callDiff compares short texts of states, as pictures do, and not the states: it is for
// people. An instance whose state changed without a word of it in its text does not appear.
func callDiff(c *call) (starlark.Value, error) {
	var before, after *worldValue
	if err := c.Unpack(&before, &after); err != nil {
		return nil, err
	}
	if before.Cluster() != after.Cluster() {
		return nil, fmt.Errorf("diff: the worlds are of different systems")
	}
	d := new(starlark.Dict)
	for i, in := range before.Cluster().Instances() {
		old, now := before.Summary(i), after.Summary(i)
		if old == now {
			continue
		}
		if err := d.SetKey(starlark.String(in.Name), starlark.Tuple{starlark.String(old), starlark.String(now)}); err != nil {
			return nil, err
		}
	}
	return d, nil
}
