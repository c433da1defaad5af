package dsl

import (
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/starlark"

	"github.com/twinsh/twinsh/dsl/internal/interp"
	"github.com/twinsh/twinsh/dsl/internal/spell"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/english"
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

func traceOptions(in *Interpreter) trace.Options {
	return trace.Options{Width: in.config.Width, Color: in.config.Color}
}

// formatsText lists the formats of pictures, with the endings of their files.
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

func viewsFamily() []Entry {
	return []Entry{{
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
	}, {
		Signature: "why(what=None)",
		Doc: `Shows the story of a violation, or of what was decided, returned or failed last.
what is a report, one of its violations or failures, a property that does not hold in the current world, or a world; without it the current world is meant, and after enter(report) what the report says of it. The result is the text; nothing is printed.
"Just enough" for a decision, a return or a failure are those messages and events, of all that reached the instance until then, that bring it about by themselves, and not without any one of them: the instance's code is run again with less and less to find them. Of a return it is also said who of those whose answers count had not got what was sent to them.`,
		Example: kvStage + `report = explore(exchanges() * 4, check = linearizable())
if not report.ok:
    print(why(report))
exchange("c1", ["A", "B", "C"])
exchange("c1", ["A", "B", "C"])
print(why())`,
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
		full         bool
	)
	if err := c.Unpack(&what, &format, &file, &properties, &full); err != nil {
		return nil, err
	}
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
		return nil, fmt.Errorf("show: what is a %s, want a world, a report or a format", what.Type())
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

// pictureFormat returns the format that the arguments of show ask for.
func pictureFormat(format, file string, full bool) (trace.Format, error) {
	f := trace.Format(format)
	if format == "" {
		var err error
		if f, err = trace.FormatOf(file); err != nil {
			return "", fmt.Errorf("show: %w", err)
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

// showNothing says that a report has nothing to show, and what there is instead.
// Another program that reads a picture cannot read that.
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

// instead says what a report without a counterexample has that fn can be called with.
func (r *reportValue) instead(fn string) string {
	if len(r.Passing) == 0 {
		return "no scenario that holds to its end was kept either"
	}
	return fn + "(report.passing[0]) takes a scenario that holds"
}

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
