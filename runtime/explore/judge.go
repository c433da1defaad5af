package explore

import (
	"context"
	"encoding/binary"
	"iter"
	"slices"
	"sync"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/internal/engine"
	"github.com/twinsh/twinsh/runtime/node"
	"github.com/twinsh/twinsh/runtime/space"
)

// A judge says what is thought of worlds and of what led to them. Properties of
// histories are judged by monitors, invariants by looking at worlds; together they
// come to one verdict, of which there are few.
type judge struct {
	properties []check.Property
	monitors   *monitors
	invariants *invariants
	mayForget  node.Set // who suffers amnesia in some scenario
	all        marks    // of all properties; nothing is left to judge in a scenario that violates them
	before     marks    // those put to the test before a checkpoint was written
	start      *verdict // on the starting world, once it is known
}

// marks are properties, a bit for each: those of histories first, then
// invariants, each in the order given.
type marks uint64

// mostProperties is how many properties can be judged.
const mostProperties = 64

func (m marks) has(i int) bool { return m&(1<<i) != 0 }

// A verdict is what a search needs of a past. It is large, and there is one for
// each search node and step: workers pass on where it is.
type verdict struct {
	monitor  uint32 // the tuple of the monitors
	failed   uint32 // how code failed: the number of a set of kinds, 0 if it did not
	progress bool
	violated marks
	decided  node.Set // who has decided, if some property of worlds recalls that
}

// clean reports whether nothing went wrong.
func (v *verdict) clean() bool { return v.violated == 0 && v.failed == 0 }

// A flaw is a property that is violated, by its place among those judged, or a
// kind of failure of the nodes' code.
type flaw struct {
	property int
	failure  string // "" if it is a property
}

func newJudge(s *space.Space, o Options) *judge {
	c, forgetful := o.Start.Cluster(), mayForget(s)
	j := &judge{
		properties: o.Properties,
		monitors:   newMonitors(c, o.Properties, o.Start.Faulty(), forgetful),
		invariants: newInvariants(c, o.Invariants),
		mayForget:  forgetful,
	}
	j.all = 1<<j.judged() - 1
	return j
}

// mayForget returns the instances of identities that suffer amnesia in some
// scenario of the space.
func mayForget(s *space.Space) node.Set {
	var set node.Set
	for _, step := range s.Steps() {
		if runtime.Is[runtime.AmnesiaStep](step) {
			set |= step.Cluster().Engine().SameIdentity(step.Instances())
		}
	}
	return set
}

// judged returns how many properties are judged.
func (j *judge) judged() int { return len(j.properties) + len(j.invariants.properties) }

// property returns the i-th of all that are judged.
func (j *judge) property(i int) interface{ Name() string } {
	if i < len(j.properties) {
		return j.properties[i]
	}
	return j.invariants.properties[i-len(j.properties)]
}

// begin judges the starting world, and the path to it as a whole, by who is faulty
// there.
func (j *judge) begin(ctx context.Context, start *runtime.World) (*verdict, error) {
	var err error
	if j.monitors.recalls, err = j.invariants.recalls(ctx); err != nil {
		return nil, err
	}
	past, err := j.monitors.past(ctx, start.History())
	if err != nil {
		return nil, err
	}
	j.start, err = j.world(ctx, j.monitors.verdict(past), start.Vector())
	return j.start, err
}

// world returns the verdict on a world with the given vector and past. It may be
// called concurrently.
func (j *judge) world(ctx context.Context, past *verdict, vector engine.Vector) (*verdict, error) {
	if len(j.invariants.properties) == 0 {
		return past, nil
	}
	violated, err := j.invariants.broken(ctx, vector, past.decided)
	if violated <<= len(j.properties); err != nil || violated&^past.violated == 0 {
		return past, err
	}
	after, err := j.monitors.breaks(past.monitor, violated)
	if err != nil {
		return nil, err
	}
	return j.monitors.verdict(after), nil
}

// fold returns the verdict after all that was observed in a step, the list of that
// number. It may be called concurrently.
func (j *judge) fold(ctx context.Context, past, list uint32) (*verdict, error) {
	after, err := j.monitors.fold(ctx, past, list)
	if err != nil {
		return nil, err
	}
	return j.monitors.verdict(after), nil
}

// forget returns the verdict after a step in which instances suffered amnesia, and
// which led to the given vector. It may be called concurrently.
func (j *judge) forget(ctx context.Context, v *verdict, to engine.Vector) (*verdict, error) {
	after, err := j.monitors.forget(ctx, v.monitor, j.monitors.cluster.Engine().Faulty(to))
	if err != nil {
		return nil, err
	}
	return j.monitors.verdict(after), nil
}

// verdict returns that on a past. It may be called concurrently.
func (j *judge) verdict(past uint32) *verdict { return j.monitors.verdict(past) }

// over reports whether nothing is left to judge in a scenario.
func (j *judge) over(v *verdict) bool { return j.all != 0 && v.violated == j.all }

// flaws lists what shows in one verdict and not yet in one before.
func (j *judge) flaws(before, after *verdict) iter.Seq[flaw] {
	return func(yield func(flaw) bool) {
		for i := range j.judged() {
			if (after.violated &^ before.violated).has(i) && !yield(flaw{property: i}) {
				return
			}
		}
		if before.failed == after.failed {
			return
		}
		known := j.monitors.failures(before.failed)
		for _, kind := range j.monitors.failures(after.failed) {
			if !slices.Contains(known, kind) && !yield(flaw{failure: kind}) {
				return
			}
		}
	}
}

// explain says why the i-th property does not hold in w.
func (j *judge) explain(ctx context.Context, i int, w *runtime.World) string {
	ctx, cancel := grace(ctx)
	defer cancel()
	var v check.Verdict
	var err error
	if i < len(j.properties) {
		v, err = j.properties[i].Judge(ctx, w.History())
	} else {
		v, err = j.invariants.properties[i-len(j.properties)].JudgeWorld(ctx, w)
	}
	if err != nil {
		return err.Error()
	}
	return v.Why
}

// tested returns which properties were put to the test so far.
func (j *judge) tested() marks {
	return j.before | j.monitors.tested() | j.invariants.tested<<len(j.properties)
}

// bytes returns about how much memory the judge occupies.
func (j *judge) bytes() int { return j.monitors.bytes() + j.invariants.bytes() }

// invariants judges worlds, each different one once.
type invariants struct {
	cluster    *runtime.Cluster
	properties []check.WorldProperty

	mu       sync.RWMutex
	judged   map[string]marks
	recalled marks // those that depend on who has decided before
	tested   marks // those with a verdict that is not vacuous
}

func newInvariants(c *runtime.Cluster, properties []check.WorldProperty) *invariants {
	return &invariants{cluster: c, properties: properties, judged: map[string]marks{}}
}

// bytes returns about how much memory the verdicts occupy.
func (v *invariants) bytes() int {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return len(v.judged) * (4*v.cluster.Engine().Width() + pairBytes)
}

// recalls reports whether some of them depend on who has decided before.
func (v *invariants) recalls(ctx context.Context) (bool, error) {
	for i, p := range v.properties {
		if r, ok := p.(check.Recalling); ok {
			yes, err := r.Recalls(ctx, v.cluster)
			if err != nil {
				return false, err
			}
			if yes {
				v.recalled |= 1 << i
			}
		}
	}
	return v.recalled != 0, nil
}

// broken returns which invariants do not hold in the world that has the given
// vector, before which the given instances have decided, the first being bit 0.
func (v *invariants) broken(ctx context.Context, vector engine.Vector, decided node.Set) (marks, error) {
	key := make([]byte, 0, 4*len(vector)+8)
	key = binary.LittleEndian.AppendUint64(key, uint64(decided))
	for _, word := range vector {
		key = binary.LittleEndian.AppendUint32(key, word)
	}
	v.mu.RLock()
	violated, ok := v.judged[string(key)]
	v.mu.RUnlock()
	if ok {
		return violated, nil
	}
	// Two workers may judge one world; they come to the same verdict.
	w := v.cluster.WorldAt(vector)
	tested := marks(0)
	for i, p := range v.properties {
		var judged check.Verdict
		var err error
		if r, ok := p.(check.Recalling); ok && v.recalled.has(i) {
			judged, err = r.JudgeAfter(ctx, w, decided)
		} else if ok {
			judged, err = r.JudgeAfter(ctx, w, 0)
		} else {
			judged, err = p.JudgeWorld(ctx, w)
		}
		if err != nil {
			return 0, err
		}
		if !judged.Holds {
			violated |= 1 << i
		}
		if !judged.Vacuous {
			tested |= 1 << i
		}
	}
	v.mu.Lock()
	v.tested |= tested
	v.judged[string(key)] = violated
	v.mu.Unlock()
	return violated, nil
}
