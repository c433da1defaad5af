package runtime

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"unsafe"

	"github.com/twinsh/twinsh/runtime/node"
)

// A World is the whole system at one moment, and how it came about. It is
// immutable and may be shared.
type World struct {
	cluster *Cluster
	vector  Vector
	parent  *World
	step    Step
	depth   int
	seen    uint32 // the list of what was observed in the step

	once       sync.Once // for:
	deliveries []Delivery
}

// Start returns the world in which nothing has happened yet.
func (c *Cluster) Start() *World {
	w := &World{cluster: c, vector: make(Vector, c.Width())}
	c.StartVector(w.vector)
	return w
}

// WorldAt returns the world that has the given vector, without its past.
func (c *Cluster) WorldAt(v Vector) *World { return &World{cluster: c, vector: slices.Clone(v)} }

// Do returns the world after s. The error says why s cannot happen here; it is a
// [LimitError] if the cluster can learn no more.
func (w *World) Do(s Step) (*World, error) { return w.DoContext(context.Background(), s) }

// DoContext is Do that ends with ctx, and then returns its error.
func (w *World) DoContext(ctx context.Context, s Step) (*World, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m := w.cluster.simulator()
	m.SetContext(ctx)
	defer func() {
		m.SetContext(context.Background())
		w.cluster.release(m)
	}()
	return m.do(w, s)
}

func (m *Simulator) do(w *World, s Step) (*World, error) {
	if s.step == nil {
		return nil, errors.New("there is no such step")
	}
	if s.cluster != w.cluster {
		return nil, fmt.Errorf("%s: the step was made for another cluster, %s, than that of the world, %s", s.Text(), s.cluster, w.cluster)
	}
	next := &World{cluster: w.cluster, vector: make(Vector, len(w.vector)), parent: w, step: s, depth: w.depth + 1}
	if !m.Take(next.vector, w.vector, s) {
		if m.err != nil {
			return nil, m.err
		}
		return nil, fmt.Errorf("%s: %s", s.Text(), m.why)
	}
	next.seen = m.Seen()
	return next, nil
}

func (c *Cluster) simulator() *Simulator {
	if m, ok := c.idle.Get().(*Simulator); ok {
		return m
	}
	return c.NewSimulator()
}

func (c *Cluster) release(m *Simulator) { c.idle.Put(m) }

// Cluster returns the cluster that w is a world of.
func (w *World) Cluster() *Cluster { return w.cluster }

// Parent returns the world before the last step, nil for a starting world.
func (w *World) Parent() *World { return w.parent }

// Step returns the step that led here; it is the zero Step for a starting world.
func (w *World) Step() Step { return w.step }

// Depth returns the number of steps since the start.
func (w *World) Depth() int { return w.depth }

// Vector returns what tells w from other worlds. The caller must not change it.
func (w *World) Vector() Vector { return w.vector }

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
		h.Events = append(h.Events, w.cluster.Observations(v.seen, v.depth)...)
	}
	return h
}

// Observations returns the list of observations that has the number that
// [Simulator.Seen] gives, as made in the given step.
func (c *Cluster) Observations(list uint32, step int) []Observed {
	pairs := *c.code.lists.at(list)
	seen := make([]Observed, 0, len(pairs)/2)
	for p := range slices.Chunk(pairs, 2) {
		seen = append(seen, Observed{*c.code.seen.at(p[1]), step, int(p[0])})
	}
	return seen
}

// Deliveries returns what happened in the step that led to w, in order. The step
// is played again when that is first asked for, and the answer is kept. The caller
// must not change it.
func (w *World) Deliveries() []Delivery {
	if w.parent == nil {
		return nil
	}
	w.once.Do(func() {
		m := w.cluster.NewSimulator()
		m.record = &w.deliveries
		m.Take(make(Vector, len(w.vector)), w.parent.vector, w.step)
	})
	return w.deliveries
}

// Crashed returns the instances that are down.
func (w *World) Crashed() node.Set { return w.cluster.flagged(w.vector, down) }

// Failed returns the instances whose code failed, which are down for good.
func (w *World) Failed() node.Set { return w.cluster.flagged(w.vector, broken) }

// Faulty returns the instances of faulty identities: those that run as twins
// and those of which an instance suffered amnesia.
func (w *World) Faulty() node.Set { return w.cluster.FaultyIn(w.vector) }

// FaultyIn is [World.Faulty] for a vector.
func (c *Cluster) FaultyIn(v Vector) node.Set {
	return c.twinned | c.SameIdentity(c.flagged(v, amnesiac))
}

// SameIdentity returns all instances of the identities that s has an instance of.
func (c *Cluster) SameIdentity(s node.Set) node.Set {
	var all node.Set
	for i := range s.All {
		all |= c.identities[c.instances[i].Identity].Instances
	}
	return all
}

func (c *Cluster) flagged(v Vector, f flags) node.Set {
	var s node.Set
	for i := range c.instances {
		if c.code.locals.at(v[i]).flags&f != 0 {
			s |= node.SetOf(i)
		}
	}
	return s
}

// Beyond reports whether more servers are faulty in w than the cluster's f
// allows, so that nothing that goes wrong breaks a promise.
func (w *World) Beyond() bool { return w.cluster.Beyond(w.Faulty()) }

// Beyond reports whether faulty holds more server identities than f.
func (c *Cluster) Beyond(faulty node.Set) bool { return c.FaultyServers(faulty) > c.config.F }

// FaultyServers returns how many server identities have an instance in faulty.
func (c *Cluster) FaultyServers(faulty node.Set) int {
	n := 0
	for _, id := range c.identities {
		if !id.Client && id.Instances&faulty != 0 {
			n++
		}
	}
	return n
}

// Summary returns a few words on the state of instance i, "" if its code has none.
func (w *World) Summary(i int) string { return w.cluster.code.summary(w.vector[i]) }

// Changed reports whether the step that led to w changed the local state of
// instance i. What is sent to the next leader and waits there changes nothing.
func (w *World) Changed(i int) bool {
	k := w.cluster.code
	return w.parent != nil && k.locals.at(w.vector[i]).bare != k.locals.at(w.parent.vector[i]).bare
}

// Fields returns what the state of instance i consists of, as its code shows it.
func (w *World) Fields(i int) (fields []node.Field) {
	w.cluster.code.inspect(w.vector[i], func(n node.Inspector) { fields = n.Fields() })
	return fields
}

// A Packet is a message in flight between two instances.
type Packet struct {
	From, To int
	Message  node.Message
}

// InFlight returns the messages in flight, in the order in which they will arrive.
func (w *World) InFlight() []Packet {
	var packets []Packet
	for _, p := range w.env().flight {
		packets = append(packets, Packet{int(p.from), int(p.to), *w.cluster.code.values.at(p.msg)})
	}
	return packets
}

// Reach returns whom instance i can reach now, itself included.
func (w *World) Reach(i int) node.Set {
	return (*w.cluster.code.topos.at(w.env().topology)).reach[i]
}

// Parts returns the partition in force, nil if there is none.
func (w *World) Parts() []node.Set {
	return (*w.cluster.code.topos.at(w.env().topology)).parts
}

// Round returns how many rounds have begun.
func (w *World) Round() int { return int(w.env().round) }

func (w *World) env() *env { return *w.cluster.code.envs.at(w.vector[len(w.vector)-1]) }

// Full returns a context that ends when the cluster has learnt nearly as much as it
// can: an eighth of the room is left in some table. Its cause is a [LimitError].
func (c *Cluster) Full() context.Context { return c.code.full }

// A Size tells how much a cluster has learnt.
type Size struct {
	States, Messages int // different local states; messages, operations and rounds
	Runs             int // different pairs of local state and event: runs of the nodes' code
	Components       int // different components of steps remembered
	Bytes            int // memory of the tables, roughly
}

// Learnt says how much the cluster has learnt so far. Several searches of one
// cluster add up.
func (c *Cluster) Learnt() Size {
	k := c.code
	k.mu.Lock()
	s := Size{States: k.locals.n, Messages: k.values.n}
	bodies := k.bodies + k.locals.n*int(unsafe.Sizeof(local{})) + len(k.contents)*2*int(unsafe.Sizeof(content{}))
	k.mu.Unlock()
	s.Runs, s.Components = k.transitions.size(), k.components.size()
	s.Bytes = bodies + k.transitions.bytes() + k.components.bytes() + k.byEnv.bytes() + k.byList.bytes() + k.joins.bytes() +
		k.byMail.bytes() + k.classOf.bytes() + k.classes.bytes() + k.places.bytes() + k.played.bytes()
	return s
}
