package dsl

import (
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
		Signature: `show(what=None, format="storyboard")`,
		Doc: `Prints the way to a world: the current one, a given one, or the counterexample of a report.
A "storyboard" has a row for each step and a column for each server; "messages" draws every message as an arrow. show("messages") is short for that.`,
		Example: kvStage + `exchange("c1", ["A", "B", "C"])
show()
show("messages")`,
		call: callShow,
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
	var what starlark.Value
	format := "storyboard"
	if err := c.unpack(&what, &format); err != nil {
		return nil, err
	}
	var w *runtime.World
	switch v := what.(type) {
	case nil:
	case starlark.String:
		format = string(v)
	case *worldValue:
		w = v.World
	case *reportValue:
		if w = v.Counterexample; w == nil {
			return nil, fmt.Errorf("show: the report has no counterexample; show one of its passing worlds")
		}
	default:
		return nil, fmt.Errorf("show: what is a %s, want a world, a report or a format", what.Type())
	}
	if w == nil {
		var err error
		if w, err = c.world(); err != nil {
			return nil, err
		}
	}
	t := trace.Of(w)
	var text string
	switch format {
	case "storyboard":
		text = t.Storyboard(c.in().traceOptions())
	case "messages":
		text = t.Diagram(c.in().traceOptions())
	default:
		return nil, fmt.Errorf(`show: format is %q%s, want "storyboard" or "messages"`, format, Hint(format, []string{"storyboard", "messages"}))
	}
	fmt.Fprintln(c.in().config.Stdout, strings.TrimRight(text, "\n"))
	return starlark.None, nil
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
