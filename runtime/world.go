package runtime

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/twinsh/twinsh/runtime/internal/engine"
	"github.com/twinsh/twinsh/runtime/node"
)

// A World is the whole system at one moment, and how it came about. It is
// immutable and may be shared.
type World struct {
	cluster *Cluster
	vector  engine.Vector
	parent  *World
	step    Step
	depth   int
	seen    uint32 // the list of what was observed in the step

	once       sync.Once // for:
	deliveries []Delivery
}

// Start returns the world in which nothing has happened yet.
func (c *Cluster) Start() *World {
	w := &World{cluster: c, vector: make(engine.Vector, c.system.Width())}
	c.system.Start(w.vector)
	return w
}

// WorldAt returns the world that has the given vector, without its past.
func (c *Cluster) WorldAt(v engine.Vector) *World { return &World{cluster: c, vector: slices.Clone(v)} }

// Do returns the world after s. The error says why s cannot happen here, or that the
// cluster can learn no more.
func (w *World) Do(s Step) (*World, error) { return w.DoContext(context.Background(), s) }

// DoContext is Do that ends with ctx, and then returns its error.
func (w *World) DoContext(ctx context.Context, s Step) (*World, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s.step == nil {
		return nil, errors.New("there is no such step")
	}
	if s.cluster != w.cluster {
		return nil, fmt.Errorf("%s: the step was made for another cluster, %s, than that of the world, %s", s.Text(), s.cluster, w.cluster)
	}
	m := w.cluster.simulator()
	defer w.cluster.idle.Put(m)
	m.SetContext(ctx)
	defer m.SetContext(context.Background())
	next := &World{cluster: w.cluster, vector: make(engine.Vector, len(w.vector)), parent: w, step: s, depth: w.depth + 1}
	if !m.Take(next.vector, w.vector, s.move) {
		if err := m.Err(); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("%s: %s", s.Text(), m.Why())
	}
	next.seen = m.Seen()
	return next, nil
}

// Cluster returns the cluster that w is a world of.
func (w *World) Cluster() *Cluster { return w.cluster }

// Parent returns the world before the last step, nil for a starting world.
func (w *World) Parent() *World { return w.parent }

// Step returns the step that led here; it is the zero Step for a starting world.
func (w *World) Step() Step { return w.step }

// Depth returns the number of steps since the start.
func (w *World) Depth() int { return w.depth }

// WithoutPast returns the same moment as if nothing had led to it.
func (w *World) WithoutPast() *World { return w.cluster.WorldAt(w.vector) }

// Same reports whether two worlds are the same system at the same moment, however that
// came about. They have equal futures then.
func (w *World) Same(other *World) bool {
	return w.cluster == other.cluster && slices.Equal(w.vector, other.vector)
}

// Vector returns the world in the numbers of the engine, for the packages of runtime
// that search. The caller must not change it.
func (w *World) Vector() engine.Vector { return w.vector }

// Path returns the worlds from the start to w.
func (w *World) Path() []*World {
	path := make([]*World, w.depth+1)
	for v := w; v != nil; v = v.parent {
		path[v.depth] = v
	}
	return path
}

// History returns what was observed from the start to w. It plays nothing again.
func (w *World) History() History {
	h := History{Cluster: w.cluster, Faulty: w.Faulty()}
	for _, v := range w.Path()[1:] {
		for i, o := range w.cluster.system.Observations(v.seen) {
			h.Observe(Observed{o, v.depth, i})
		}
		if v.step.inTurn != nil {
			if h.turns == nil {
				h.turns = make([]int, w.depth)
			}
			h.turns[v.depth-1] = len(v.step.inTurn)
		}
	}
	return h
}

// Deliveries returns what happened in the step that led to w, in order. The step
// is played again when that is first asked for, and the answer is kept. The caller
// must not change it.
func (w *World) Deliveries() []Delivery {
	if w.parent == nil {
		return nil
	}
	w.once.Do(func() {
		m := engine.NewSimulator(w.cluster.system)
		records, _ := m.Record(make(engine.Vector, len(w.vector)), w.parent.vector, w.step.move)
		w.deliveries = deliveries(records)
	})
	return w.deliveries
}

// Crashed returns the instances that are down.
func (w *World) Crashed() node.Set { return w.cluster.system.Down(w.vector) }

// Failed returns the instances whose code failed, which are down for good.
func (w *World) Failed() node.Set { return w.cluster.system.Broken(w.vector) }

// Faulty returns the instances of faulty identities: those that run as twins
// and those of which an instance suffered amnesia.
func (w *World) Faulty() node.Set { return w.cluster.system.Faulty(w.vector) }

// Beyond reports whether more servers are faulty in w than the cluster's f
// allows, or anything happened but crashes to a protocol that tolerates no more than these, so
// that nothing that goes wrong breaks a promise.
func (w *World) Beyond() bool {
	return w.cluster.FaultyServers(w.Faulty()) > w.cluster.config.F || len(w.BeyondCrashes()) > 0
}

// BeyondCrashes says, if the protocol tolerates crashes only, of each faulty identity why it is
// more than crashed, in a few words: "C has twins". It is nil if there is none.
func (w *World) BeyondCrashes() []string {
	faulty := w.Faulty()
	if faulty == 0 || !w.cluster.CrashTolerant() {
		return nil
	}
	var list []string
	for _, id := range w.cluster.Identities() {
		switch {
		case id.Instances&faulty == 0:
		case id.Instances&w.cluster.OtherCode() != 0:
			list = append(list, id.Name+" runs other code")
		case id.Instances.Len() > 1:
			list = append(list, id.Name+" has twins")
		default:
			list = append(list, id.Name+" lost its memory")
		}
	}
	return list
}

// FaultyServers returns how many server identities have an instance in faulty.
func (c *Cluster) FaultyServers(faulty node.Set) int {
	n := 0
	for _, id := range c.Identities() {
		if !id.Client && id.Instances&faulty != 0 {
			n++
		}
	}
	return n
}

// Summary returns a few words on the state of instance i, "" if its code has none.
func (w *World) Summary(i int) string { return w.cluster.system.Summary(w.vector, i) }

// Changed reports whether the step that led to w changed the local state of
// instance i. What is sent to the next leader and waits there changes nothing.
func (w *World) Changed(i int) bool {
	return w.parent != nil && !w.cluster.system.SameState(w.vector, w.parent.vector, i)
}

// Fields returns what the state of instance i consists of, as its code shows it.
func (w *World) Fields(i int) []node.Field { return w.cluster.system.Fields(w.vector, i) }

// InFlight returns the messages in flight, in the order in which they will arrive:
// deliveries that wait, of which nothing is known but the link and the message.
func (w *World) InFlight() []Delivery {
	var waiting []Delivery
	for _, p := range w.cluster.system.InFlight(w.vector) {
		instance := w.cluster.Instances()[p.From]
		event := node.Event{Kind: node.MessageEvent, From: w.cluster.Identities()[instance.Identity].Name, Message: p.Message}
		waiting = append(waiting, Delivery{From: p.From, To: p.To, Event: event, Fate: Waiting})
	}
	return waiting
}

// Reach returns whom instance i can reach now, itself included.
func (w *World) Reach(i int) node.Set { return w.cluster.system.Reach(w.vector, i) }

// Parts returns the partition in force, nil if there is none.
func (w *World) Parts() []node.Set { return w.cluster.system.Parts(w.vector) }

// Round returns how many rounds have begun.
func (w *World) Round() int { return w.cluster.system.Round(w.vector) }
