package dsl

import (
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/twinsh/twinsh/dsl/internal/interp"
	"github.com/twinsh/twinsh/runtime"
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
