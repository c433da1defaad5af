package dsl

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/starlark"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/trace"
)

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func (in *Interpreter) traceOptions() trace.Options {
	return trace.Options{Width: in.config.Width, Color: in.config.Color}
}

func viewsFamily() []Entry {
	return []Entry{{
		Signature: `show(what=None, format=None, file=None, check=[])`,
		Doc: `Shows the way to a world: the current one, a given one, or the counterexample of a report.
A "storyboard" has a row for each step and a column for each server; "messages" draws every message as an arrow. show("messages") is short for that. "html" is a page to walk through the scenario in a browser, "mermaid" a sequence diagram for Markdown, "shiviz" a log with vector clocks, and "json" the trace for other programs and for twinsh view.
With file it is written there, below the current folder, instead of printed; without format the name says which: .html, .json, .mmd, .log or else a storyboard. What is violated, of a report or of the properties in check, is explained in html, mermaid and json.`,
		Example: kvStage + `exchange("c1", ["A", "B", "C"])
show()
show("messages")
show("mermaid")`,
		call: callShow,
	}, {
		Signature: "why(what)",
		Doc: `Tells the story of a violation.
It says who wrote what to whom and what those who answered had not seen, or which quorums stood behind two decisions. what is a report, or a property that does not hold in the current world. The result is the text; nothing is printed.`,
		Example: kvStage + `report = explore(exchanges() * 4, check = linearizable())
if not report.ok:
    print(why(report))
print(why(linearizable()))`,
		call: callWhy,
	}, stateEntry(), historyEntry(), {
		Signature: "diff(before, after)",
		Doc:       `What differs between two worlds: a dict from instance to the texts of its state in both.`,
		Example: kvStage + `w = world()
exchange("c1", ["A", "B", "C"])
print(diff(w, world()))`,
		call: callDiff,
	}}
}

func callShow(c *call) (starlark.Value, error) {
	var (
		what         starlark.Value
		format, file string
		properties   propertyList
	)
	if err := c.unpack(&what, &format, &file, &properties); err != nil {
		return nil, err
	}
	var t *trace.Trace
	var w *runtime.World
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
		if w = v.Counterexample; w == nil {
			return nil, fmt.Errorf("show: the report has no counterexample; show one of its passing worlds")
		}
		t = traceOf(v)
	default:
		return nil, fmt.Errorf("show: what is a %s, want a world, a report or a format", what.Type())
	}
	if w == nil {
		var err error
		if w, err = c.world(); err != nil {
			return nil, err
		}
	}
	if t == nil {
		t = trace.Of(w)
	}
	for _, p := range properties {
		if err := p.find(contextOf(c.thread), t, w); err != nil {
			return nil, err
		}
	}
	f := trace.Format(format)
	if format == "" {
		f = trace.FormatOf(file)
	}
	if !f.Known() {
		return nil, fmt.Errorf(`show: format is %q%s, want one of %s`, format, Hint(format, trace.Formats()), strings.Join(trace.Formats(), ", "))
	}
	options := c.in().traceOptions()
	if file != "" {
		options = trace.Options{}
	}
	text, err := t.Render(f, options)
	if err != nil {
		return nil, err
	}
	if file != "" {
		return starlark.None, c.in().write("show: file", file, text, f.Recognizes)
	}
	fmt.Fprintln(c.in().config.Stdout, strings.TrimRight(text, "\n"))
	return starlark.None, nil
}

// traceOf returns the trace of a report's counterexample, which it has, with
// what that violates.
func traceOf(r *reportValue) *trace.Trace {
	w := r.Counterexample
	t := trace.Of(w)
	for _, v := range r.Violations {
		// A longer one is of another scenario.
		if v.Length == r.Violations[0].Length {
			t.Find(v.Property, v.Why, w.Depth())
			break
		}
	}
	return t
}

// find notes in the trace of w that p is violated there, if it is, and, if p
// speaks of histories, from which step on.
func (p *propertyValue) find(ctx context.Context, t *trace.Trace, w *runtime.World) error {
	v, err := p.judge(ctx, w)
	if err != nil || v.Holds {
		return err
	}
	if p.property != nil {
		for _, earlier := range w.Path() {
			first, err := p.judge(ctx, earlier)
			if err != nil {
				return err
			}
			if !first.Holds {
				v, w = first, earlier
				break
			}
		}
	}
	t.Find(p.name, v.Why, w.Depth())
	return nil
}

func callWhy(c *call) (starlark.Value, error) {
	var what starlark.Value
	if err := c.unpack(&what); err != nil {
		return nil, err
	}
	switch v := what.(type) {
	case *reportValue:
		if len(v.Violations) == 0 || v.Counterexample == nil {
			return starlark.String("nothing is violated"), nil
		}
		return starlark.String(story(traceOf(v))), nil
	case *propertyValue:
		w, err := c.world()
		if err != nil {
			return nil, err
		}
		t := trace.Of(w)
		if err := v.find(contextOf(c.thread), t, w); err != nil {
			return nil, err
		}
		if len(t.Findings) == 0 {
			return starlark.String(v.name + " holds"), nil
		}
		return starlark.String(story(t)), nil
	}
	return nil, fmt.Errorf("why: what is a %s, want a report or a property", what.Type())
}

// story tells the findings of a trace, one of which there is.
func story(t *trace.Trace) string {
	var lines []string
	for _, f := range t.Findings {
		lines = append(lines, f.Story...)
		lines = append(lines, fmt.Sprintf("%s is violated: %s.", f.Property, strings.TrimSuffix(f.Why, ".")))
	}
	return strings.Join(lines, "\n")
}

func callDiff(c *call) (starlark.Value, error) {
	var before, after *worldValue
	if err := c.unpack(&before, &after); err != nil {
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
