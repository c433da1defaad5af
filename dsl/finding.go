package dsl

import (
	"context"
	"fmt"
	"slices"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/explore"
	"github.com/twinsh/twinsh/runtime/node"
	"github.com/twinsh/twinsh/runtime/trace"
)

// What a search found, as values of scripts: violations and failures (which a script shows,
// explains and shrinks in the same way, so that they are of one type), failures on the way
// to a world, and verdicts.

// A finding is what a search found, in a script: a violation of a property, or that the
// nodes' code fails. It can be shown, explained and shrunk. Its attributes are those of a
// struct; what Go needs of it stands beside them, and cannot be reached or forged by
// scripts.
type finding struct {
	*starlarkstruct.Struct
	world    *runtime.World // where the shortest counterexample ends
	property *propertyValue // that is violated, nil if code fails
	why      string
	kind     string         // of the failure, if there is one
	good     []runtime.Step // what a good network does after the counterexample, in vain
}

func (f *finding) Type() string { return "finding" }

// trace returns the trace of the counterexample, with what is wrong in it. It plays the
// scenario with all deliveries and ends with ctx.
func (f *finding) trace(ctx context.Context) (*trace.Trace, error) {
	t, err := traceOn(ctx, f.world, f.good)
	if err != nil {
		return nil, err
	}
	name, about := "", trace.Failed
	if f.property != nil {
		name, about = f.property.name, f.property.concern()
	}
	return t, t.Find(ctx, name, f.why, f.world, about)
}

// newFinding makes a finding with the attributes that both kinds have. length and shortest
// are of the shortest scenarios, scenarios counts all in which it goes wrong, exactly,
// which may be more than an int holds.
func newFinding(f finding, fields starlark.StringDict, length int, shortest, scenarios starlark.Int) *finding {
	fields["why"], fields["length"] = starlark.String(f.why), starlark.MakeInt(length)
	fields["shortest"], fields["scenarios"] = shortest, scenarios
	fields["counterexample"] = &worldValue{World: f.world}
	f.Struct = starlarkstruct.FromStringDict(starlarkstruct.Default, fields)
	return &f
}

// failing is a failure of the nodes' code in a script. Its kind (the place in the code,
// else the message) is what shrink keeps, so that a scenario is not shrunk to another
// failure.
func failing(f explore.Failing) *finding {
	return newFinding(finding{world: f.Counterexample, why: f.Why(), kind: f.Failure.Kind()},
		failureFields(f.Instance, f.Failure), f.Length, starlark.MakeBigInt(f.Shortest), starlark.MakeBigInt(f.Scenarios))
}

// A report, a verdict and history speak of failures by the same names.
func failureFields(instance string, f node.Failure) starlark.StringDict {
	return starlark.StringDict{
		"instance": starlark.String(instance), "place": starlark.String(f.Place),
		"message": starlark.String(f.Message), "calls": starlark.String(f.Calls),
	}
}

// It is one text wherever a failure is said in a sentence, so that tests and people find
// it.
func codeFailed(instance string, f node.Failure) string {
	return fmt.Sprintf("the code of %s failed: %s", instance, f)
}

// failuresIn lists the failures on the way to a world, one of each kind: the same line that
// fails in three replicas is one mistake.
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

// failureList lists failures in a script: those on the way to a world, and those that a
// property met when it played on from there. The step of the latter counts on from the
// world's depth, as if the steps had been taken.
func failureList(w *runtime.World, played []check.Played) starlark.Value {
	failed := failuresIn(w)
	for _, p := range played {
		failed = append(failed, runtime.Observed{Observation: node.Observation{Kind: node.Failed, Failure: p.Failure}, Instance: p.Instance, Step: p.Depth(w)})
	}
	var list []starlark.Value
	for _, o := range failed {
		name := w.Cluster().Instances()[o.Instance].Name
		fields := failureFields(name, o.Failure)
		fields["step"], fields["why"] = starlark.MakeInt(o.Step), starlark.String(codeFailed(name, o.Failure))
		list = append(list, starlarkstruct.FromStringDict(starlarkstruct.Default, fields))
	}
	return starlark.NewList(list)
}

// A verdictValue is what judge returns. It is a struct, but for one thing: reading its
// failures is noted (see alarm.go).
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
