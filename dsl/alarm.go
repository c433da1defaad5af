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

// An alarm is that code of nodes failed, and whether the script has looked at
// that. A script may not end as if nothing had happened: that code fails is a finding,
// and nothing else would say so if the properties hold.
type alarm struct {
	at   syntax.Position // of the call that found it
	text string
	seen bool
}

// look returns a value for those who look at failures.
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

// A player collects the failures that a property meets when it plays on from a world.
type player struct {
	from   *runtime.World
	failed []check.Played
}

// took notes that the script took a step, which led to w, if code failed in it.
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

// took notes code that failed in the step that led to w.
func (p *player) took(w *runtime.World) {
	path := w.Path()
	if path[0] != p.from {
		return // it did not go on from the world that is judged
	}
	var steps []runtime.Step
	for _, v := range path[1:] {
		steps = append(steps, v.Step())
	}
	for _, o := range w.History().Events {
		known := func(q check.Played) bool { return q.Failure.Kind() == o.Failure.Kind() }
		if o.Step == w.Depth() && o.Kind == node.Failed && !slices.ContainsFunc(p.failed, known) {
			p.failed = append(p.failed, check.Played{Instance: o.Instance, Failure: o.Failure, Steps: steps})
		}
	}
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

// unseen returns an error about the first failure that the script did not look at.
func unseen(in *Interpreter) error {
	for _, a := range in.alarms {
		if !a.seen {
			first, _, _ := strings.Cut(a.text, "\n")
			return interp.ErrorAt(in.scripts, a.at, first, &CheckFailed{Message: first, AtEnd: true})
		}
	}
	return nil
}
