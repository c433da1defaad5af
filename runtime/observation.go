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
	// turns has for each step how many steps it is if it is a view, else 0; it is nil if no
	// step is a view.
	turns []int
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
