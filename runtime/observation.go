package runtime

import (
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
}
