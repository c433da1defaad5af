package runtime

import (
	"fmt"

	"github.com/twinsh/twinsh/runtime/node"
)

// Observed is an entry of a history: an observation, where and when it was made.
type Observed struct {
	node.Observation
	Step     int // the step of the scenario that it belongs to, from 1
	Instance int // index into Cluster.Instances
}

// A History is what was observed along a scenario, in order. Observations of
// one step keep the order in which the simulation made them.
type History struct {
	Cluster *Cluster
	Events  []Observed
	// Faulty has bit i set if instance i belongs to a faulty identity.
	Faulty node.Set
	// Crashes are those of instances, in order. They are apart from the events, because few
	// properties ask for them.
	Crashes []Crash
	// turns has for each step how many steps it is if it is a view, else 0; it is nil if no
	// step is a view.
	turns []int
}

// A Crash is that an instance crashed, was restarted while it ran, or lost its memory.
type Crash struct {
	Step, Instance int
	After          int // how many of the events came before it
}

// Observe adds to the history what was observed next.
func (h *History) Observe(o Observed) {
	if o.Kind == node.Crashed {
		h.Crashes = append(h.Crashes, Crash{Step: o.Step, Instance: o.Instance, After: len(h.Events)})
		return
	}
	h.Events = append(h.Events, o)
}

// WithCrashes returns the events with the crashes among them, as observations that are
// [node.Crashed].
func (h History) WithCrashes() []Observed {
	all := make([]Observed, 0, len(h.Events)+len(h.Crashes))
	at := 0
	for _, c := range h.Crashes {
		all = append(append(all, h.Events[at:c.After]...), Observed{Observation: node.Observation{Kind: node.Crashed}, Step: c.Step, Instance: c.Instance})
		at = c.After
	}
	return append(all, h.Events[at:]...)
}

// Place names a step of the history as pictures number it, which show the steps of views one
// by one: "step 3", or "view 4 (steps 7 and 8)". Of what was observed in a view it is not
// known here in which of its steps that was.
func (h History) Place(step int) string {
	if step < 1 || step > len(h.turns) {
		return fmt.Sprintf("step %d", step)
	}
	first := 1
	for _, n := range h.turns[:step-1] {
		first += max(n, 1)
	}
	switch n := h.turns[step-1]; n {
	case 0:
		return fmt.Sprintf("step %d", first)
	case 1:
		return fmt.Sprintf("step %d (view %d)", first, step)
	case 2:
		return fmt.Sprintf("view %d (steps %d and %d)", step, first, first+1)
	default:
		return fmt.Sprintf("view %d (steps %d to %d)", step, first, first+n-1)
	}
}
