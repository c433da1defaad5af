package dsl

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"go.starlark.net/syntax"

	"github.com/twinsh/twinsh/dsl/internal/interp"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/explore"
	"github.com/twinsh/twinsh/runtime/node"
	"github.com/twinsh/twinsh/runtime/trace"
)

// A finding is what a search found, in a script: a violation of a property, or
// that the nodes' code fails. It can be shown, explained and shrunk.
type finding struct {
	*starlarkstruct.Struct
	world    *runtime.World // where the shortest counterexample ends
	property *propertyValue // that is violated, nil if code fails
	why      string
	kind     string // of the failure, if there is one
}

func (f *finding) Type() string { return "finding" }

func newFinding(f finding, fields starlark.StringDict, length int, shortest, scenarios starlark.Int) *finding {
	fields["why"], fields["length"] = starlark.String(f.why), starlark.MakeInt(length)
	fields["shortest"], fields["scenarios"] = shortest, scenarios
	fields["counterexample"] = &worldValue{World: f.world}
	f.Struct = starlarkstruct.FromStringDict(starlarkstruct.Default, fields)
	return &f
}

// violation is a violation in a script.
func (r *reportValue) violation(v explore.Violation) *finding {
	f := finding{world: v.Counterexample, why: v.Why}
	f.property = r.properties.judged()[slices.Index(r.Checked, v.Property)]
	return newFinding(f, starlark.StringDict{"property": starlark.String(v.Property)},
		v.Length, starlark.MakeBigInt(v.Shortest), starlark.MakeBigInt(v.Scenarios))
}

// failing is a failure of the nodes' code in a script.
func failing(f explore.Failing) *finding {
	return newFinding(finding{world: f.Counterexample, why: codeFailed(f.Instance, f.Failure), kind: f.Failure.Kind()},
		failureFields(f.Instance, f.Failure), f.Length, starlark.MakeBigInt(f.Shortest), starlark.MakeBigInt(f.Scenarios))
}

func failureFields(instance string, f node.Failure) starlark.StringDict {
	return starlark.StringDict{
		"instance": starlark.String(instance), "place": starlark.String(f.Place),
		"message": starlark.String(f.Message), "calls": starlark.String(f.Calls),
	}
}

func codeFailed(instance string, f node.Failure) string {
	return fmt.Sprintf("the code of %s failed: %s", instance, f)
}

// trace returns the trace of the counterexample, with what is wrong in it.
func (f *finding) trace(ctx context.Context) (*trace.Trace, error) {
	t := trace.Of(f.world)
	name := ""
	if f.property != nil {
		name = f.property.name
	}
	return t, t.Find(ctx, name, f.why, f.world, concern(name))
}

// first returns what a report found first, nil if it found nothing.
func (r *reportValue) first() *finding {
	switch {
	case len(r.Violations) > 0:
		return r.violation(r.Violations[0])
	case len(r.Failures) > 0:
		return failing(r.Failures[0])
	}
	return nil
}

// failuresIn lists the failures on the way to a world, one of each kind.
func failuresIn(w *runtime.World) []runtime.Observed {
	var found []runtime.Observed
	for _, o := range w.History().Events {
		known := func(p runtime.Observed) bool { return p.Failure.Kind() == o.Failure.Kind() }
		if o.Kind == node.Failed && !slices.ContainsFunc(found, known) {
			found = append(found, o)
		}
	}
	return found
}

// failureList is failuresIn in a script.
func failureList(w *runtime.World) starlark.Value {
	var list []starlark.Value
	for _, o := range failuresIn(w) {
		name := w.Cluster().Instances()[o.Instance].Name
		fields := failureFields(name, o.Failure)
		fields["step"], fields["why"] = starlark.MakeInt(o.Step), starlark.String(codeFailed(name, o.Failure))
		list = append(list, starlarkstruct.FromStringDict(starlarkstruct.Default, fields))
	}
	return starlark.NewList(list)
}

// An alarm is that code of nodes failed, and whether the script has looked at
// that. A script may not end as if nothing had happened.
type alarm struct {
	at   syntax.Position // of the call that found it
	text string
	seen bool
}

// alarmed notes that a call met code that fails, and how a script looks at that. It
// returns nil if a property made the call: what it does is no affair of the script's.
// The alarm takes the place of those about steps on the given ways.
func alarmed(c *call, what, how, text string, ways ...*runtime.World) *alarm {
	if c.Thread.Local(judgingKey) != nil {
		return nil
	}
	a := &alarm{text: fmt.Sprintf("%s met code of nodes that fails, and the script never looks at %s, as in %s: %s", c.Name(), what, how, text)}
	if c.Thread.CallStackDepth() > 1 {
		a.at = c.Thread.CallFrame(1).Pos
	}
	for _, w := range ways {
		looked(interpreter(c), w)
	}
	interpreter(c).alarms = append(interpreter(c).alarms, a)
	return a
}

// took notes that the script took a step, which led to w, if code failed in it.
func took(c *call, w *runtime.World) {
	if w.Failed() == w.Parent().Failed() {
		return
	}
	events := w.History().Events
	last := events[slices.IndexFunc(events, func(o runtime.Observed) bool { return o.Step == w.Depth() && o.Kind == node.Failed })]
	a := alarmed(c, "it", "print(history())", codeFailed(w.Cluster().Instances()[last.Instance].Name, last.Failure))
	if a == nil {
		return
	}
	if interpreter(c).played == nil {
		interpreter(c).played = map[*runtime.World]*alarm{}
	}
	interpreter(c).played[w] = a
}

// looked notes that the script looks at what was observed on the way to w.
func looked(in *Interpreter, w *runtime.World) {
	for ; w != nil && len(in.played) > 0; w = w.Parent() {
		if a := in.played[w]; a != nil {
			a.seen = true
			delete(in.played, w)
		}
	}
}

// look returns a value for those who look at failures.
func (a *alarm) look(v starlark.Value) starlark.Value {
	if a != nil {
		a.seen = true
	}
	return v
}

// unseen returns an error about the first failure that the script did not look at.
func unseen(in *Interpreter) error {
	for _, a := range in.alarms {
		if !a.seen {
			first, _, _ := strings.Cut(a.text, "\n")
			return interp.ErrorAt(in.scripts, a.at, first, &CheckFailed{Message: first})
		}
	}
	return nil
}

// A verdictValue is what judge returns.
type verdictValue struct {
	*starlarkstruct.Struct
	alarm *alarm
}

// Attr implements [starlark.HasAttrs].
func (v *verdictValue) Attr(name string) (starlark.Value, error) {
	value, err := v.Struct.Attr(name)
	if name == "failures" {
		v.alarm.look(value)
	}
	return value, err
}
