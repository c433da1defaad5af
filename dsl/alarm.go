package dsl

import (
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/twinsh/twinsh/dsl/internal/interp"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/node"
)

// How a script is held to look at code that failed. Code of a node that panics or divides
// by zero is a finding beside all properties, and the usual script asks report.ok or
// judge(…).holds only, which say nothing of it. So what meets such a failure raises an
// alarm, and a script that ends without having looked at it ends as a check that fails:
// with status 1, and CheckFailed.AtEnd.
//
// Alarms belong to one execution. A shell has none at its end, as what it evaluates has
// been shown to a person. To look means: to read .failures of the report or the verdict, to
// list history() of a world that the step led to, or to ask why() it failed.
//
// There are two ways in. A report or a verdict has one alarm for all that it met. A step
// that the script takes by itself has one of its own, under the world that it led to; it is
// replaced when a verdict or a report covers the same way, so that one failure is one
// alarm. Tested in findings_test.go, TestFailuresMustBeSeen and below.

// An alarm is that code of nodes failed, and whether the script has looked at that. A
// script may not end as if nothing had happened: that code fails is a finding, and nothing
// else would say so if the properties hold. A nil alarm is one that was not raised.
type alarm struct {
	at   syntax.Position // of the call that found it
	text string
	seen bool
}

// look returns a value for those who look at failures. It is the getter itself that counts:
// a script that prints the list has seen it.
func (a *alarm) look(v starlark.Value) starlark.Value {
	if a != nil {
		a.seen = true
	}
	return v
}

// alarmed notes that a call met code that fails, and how a script looks at that. It
// returns nil if a property made the call, as what it meets is in its verdict, or a filter,
// which asks about steps and not about what comes of them.
// The alarm takes the place of those about steps on the given ways.
//
// The place that is shown is that of the call in the script, one frame above the builtin.
func alarmed(c *call, what, how, text string, ways ...*runtime.World) *alarm {
	if outside(c) != nil {
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

// A player collects the failures that a property meets when it plays on from a world. They
// are no alarms, as the script has taken no step: they come back in the verdict.
type player struct {
	before *runtime.World // of a step that is judged; nil if it is a world
	from   *runtime.World
	failed []check.Played
}

// took notes that the script took a step, which led to w, if code failed in it. Who failed
// is a part of the world, so that it costs nothing where none did.
func took(c *call, w *runtime.World) {
	if w.Failed() == w.Parent().Failed() {
		return
	}
	if by, ok := c.Thread.Local(askedKey).(asked); ok && by.player != nil {
		by.player.took(w)
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

// took notes code that failed in the step that led to w, with the steps by which a
// counterexample goes on to it. Of one kind of failure the first is enough.
func (p *player) took(w *runtime.World) {
	path := w.Path()
	if path[0] != p.from && path[0] != p.before {
		return // it did not go on from the world that is judged
	}
	var steps []runtime.Step
	for _, v := range path[1:] {
		steps = append(steps, v.Step())
	}
	for _, o := range w.History().Events {
		known := func(q check.Played) bool { return q.Failure.Kind() == o.Failure.Kind() }
		if o.Step == w.Depth() && o.Kind == node.Failed && !slices.ContainsFunc(p.failed, known) {
			p.failed = append(p.failed, check.Played{Instance: o.Instance, Failure: o.Failure, Steps: steps, Before: path[0] == p.before})
		}
	}
}

// looked notes that the script looks at what was observed on the way to w: at each step of
// it, because the history of a world is that of all worlds before it.
func looked(in *Interpreter, w *runtime.World) {
	for ; w != nil && len(in.played) > 0; w = w.Parent() {
		if a := in.played[w]; a != nil {
			a.seen = true
			delete(in.played, w)
		}
	}
}

// unseen returns an error about the first failure that the script did not look at. One is
// enough to end the script.
func unseen(in *Interpreter) error {
	for _, a := range in.alarms {
		if !a.seen {
			first, _, _ := strings.Cut(a.text, "\n")
			return interp.ErrorAt(in.scripts, a.at, first, &CheckFailed{Message: first, AtEnd: true})
		}
	}
	return nil
}
