package dsl

import (
	"fmt"
	"strings"

	"go.starlark.net/starlark"

	"github.com/twinsh/twinsh/dsl/internal/interp"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/trace"
)

// why(): how it came about, in sentences. They are derived in runtime/trace by playing logs
// of instances again with less and less in them, so that what is said is what the code did
// and no guess at quorums; this file chooses which question is asked of the trace.
//
// why returns its text, where show prints: a script can look into it. It takes as long as
// the runs of handlers that it needs, up to 100,000 for an instance, and ends with the
// context.

func whyEntry() Entry {
	return Entry{
		Signature: "why(what=None)",
		Doc: `Shows the story of a violation, or of what was decided, returned, aborted or failed last.
what is a report, one of its violations or failures, a property that does not hold in the current world, or a world; without it the current world is meant, and after enter(report) what the report says of it. The result is the text; nothing is printed.
"Just enough" for a decision, a return or a failure are those messages and events, of all that reached the instance until then, that bring it about by themselves, and not without any one of them: the instance's code is run again with less and less to find them. Of a return it is also said who of those whose answers count had not got what was sent to them, or had lost it: with its memory, or in a restart without which it would have answered otherwise.`,
		Example: kvStage + `report = explore(exchanges() * 4, check = linearizable())
if not report.ok:
    print(why(report))
exchange("c1", ["A", "B", "C"])
exchange("c1", ["A", "B", "C"])
print(why())`,
		call: callWhy,
	}
}

// callWhy asks by what it is given. Without an argument, and where enter(report) led, it is
// what the report says of the world: a violation seldom lies in the last observation alone.
// A property is judged at the session's world, and "holds" is an answer, no error.
func callWhy(c *call) (starlark.Value, error) {
	var what starlark.Value
	if err := c.Unpack(&what); err != nil {
		return nil, err
	}
	switch v := what.(type) {
	case nil:
		w, err := worldOf(c)
		if err != nil {
			return nil, err
		}
		if r := interpreter(c).session.entered; r != nil && r.Counterexample() == w {
			return whyReport(c, r)
		}
		return whyWorld(c, w)
	case *worldValue:
		return whyWorld(c, v.World)
	case *reportValue:
		return whyReport(c, v)
	case *finding:
		return whyFinding(c, v)
	// The session's world is judged, as by check, but to hold is an answer here.
	case *propertyValue:
		w, err := worldOf(c)
		if err != nil {
			return nil, err
		}
		t := trace.Of(w)
		if err := v.find(interp.ContextOf(c.Thread), t, w); err != nil {
			return nil, err
		}
		if len(t.Findings) == 0 {
			return starlark.String(v.name + " holds"), nil
		}
		return starlark.String(story(t)), nil
	}
	return nil, fmt.Errorf("why: what is %s, want a report, one of its violations or failures, a property or a world", article(what))
}

// A report without findings has no story; the answer names its bounds, so that it is not
// taken for "nothing can go wrong".
func whyReport(c *call, r *reportValue) (starlark.Value, error) {
	f := r.first()
	if f == nil {
		return starlark.String("nothing is violated " + r.Bounds()), nil
	}
	return whyFinding(c, f)
}

// The sentence that says what is violated comes last, as it is the conclusion.
func whyFinding(c *call, f *finding) (starlark.Value, error) {
	t, err := f.trace(interp.ContextOf(c.Thread))
	if err != nil {
		return nil, err
	}
	return starlark.String(story(t)), nil
}

// whyWorld says how that came about which was observed in the last step, or in any step of
// a view: a failure, else decisions, else how operations ended, since what is rarer is more
// likely what was meant. To ask why code failed is to look at the failure (see alarm.go).
func whyWorld(c *call, w *runtime.World) (starlark.Value, error) {
	t := trace.Of(w)
	kind, seen := trace.ObservationKind(""), map[trace.ObservationKind]bool{}
	if w.Depth() > 0 {
		for _, step := range t.Steps[len(t.Steps)-len(w.Step().InTurn()):] {
			for _, d := range step.Deliveries {
				for _, o := range d.Seen {
					seen[o.Kind] = true
				}
			}
		}
	}
	for _, k := range []trace.ObservationKind{trace.Failed, trace.Decided, trace.Returned, trace.Aborted} {
		if kind == "" && seen[k] {
			kind = k
		}
	}
	if kind == "" {
		return nil, fmt.Errorf("why: nothing was decided, nothing returned or was aborted and nothing failed in the last step; " +
			"name a property, as in why(agreement()), or go to a step where something did")
	}
	if kind == trace.Failed {
		looked(interpreter(c), w)
	}
	var lines []string
	said, err := t.Explain(interp.ContextOf(c.Thread), w, kind)
	if err != nil {
		return nil, err
	}
	for _, s := range said {
		lines = append(lines, t.Say(s))
	}
	return starlark.String(strings.Join(lines, "\n")), nil
}

// story is that of the findings of a trace, one of which there is. Texts of properties end
// with a full stop once, whether they have one or not.
func story(t *trace.Trace) string {
	var lines []string
	for _, f := range t.Findings {
		lines = append(lines, f.Story...)
		if f.Property == "" {
			lines = append(lines, f.Why)
		} else {
			lines = append(lines, fmt.Sprintf("%s is violated: %s.", f.Property, strings.TrimSuffix(f.Why, ".")))
		}
	}
	return strings.Join(lines, "\n")
}
