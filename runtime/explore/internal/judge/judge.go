// Package judge says what is thought of a world and of what led to it, its past.
//
// Properties of histories are judged by monitors, which fold what is observed in each
// step into a number; invariants by looking at worlds, each different one once, or at steps, each
// different pair of worlds before and after once. Together
// they come to a [Verdict], of which there are few, so that a search asks for each of
// them seldom. A [Judge] may be used concurrently, but for [Judge.Begin] and [Judge.Restore].
package judge

import (
	"cmp"
	"context"
	"iter"
	"slices"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/internal/engine"
	"github.com/twinsh/twinsh/runtime/node"
)

// A Judge judges the worlds of one search.
type Judge struct {
	atEnd      bool // some are judged at the end of a scenario only; it is asked at each of them
	ofWorlds   bool // some are judged of each world
	properties []check.Property
	monitors   *monitors
	invariants *invariants
	all        Marks    // of all properties; nothing is left to judge in a scenario that violates them
	before     Marks    // those put to the test before a checkpoint was written
	start      *Verdict // on the starting world, once it is known
}

// Marks are properties, a bit for each: those of histories first, then
// invariants, each in the order given. A word holds all of them, so that whether anything
// is wrong, which is asked at each step, is found without a loop.
type Marks uint64

// MostProperties is how many properties can be judged.
const MostProperties = 64

// Has reports whether the i-th is among them.
func (m Marks) Has(i int) bool { return m&(1<<i) != 0 }

// A Verdict is what a search needs of a past. It is large, and there is one for
// each search node and step: workers pass on where it is.
type Verdict struct {
	Past     uint32 // the number of the past, as far as properties remember it
	Failed   uint32 // how code failed: the number of a set of kinds, 0 if it did not
	Progress bool   // whether a correct identity decided or returned something
	Violated Marks
	happened check.Past // what happened, as far as some invariant recalls it
}

// Clean reports whether nothing went wrong.
func (v *Verdict) Clean() bool { return v.Violated == 0 && v.Failed == 0 }

// A Flaw is a property that is violated, by its place among those judged, or a
// kind of failure of the nodes' code.
type Flaw struct {
	Property int
	Failure  string // "" if it is a property
}

// Compare orders properties as they are judged, and before all failures.
func (f Flaw) Compare(g Flaw) int {
	if f.Failure == "" && g.Failure == "" {
		return cmp.Compare(f.Property, g.Property)
	}
	return cmp.Compare(f.Failure, g.Failure)
}

// New returns a judge of what begins in a world, in which the given instances may
// suffer amnesia. Monitors need to know them from the start, because what an identity did counts
// until it becomes faulty, and is kept apart until then.
func New(start *runtime.World, properties []check.Property, invariants []check.WorldProperty, mayForget node.Set) *Judge {
	j := &Judge{
		properties: properties,
		monitors:   newMonitors(start.Cluster(), properties, start.Faulty(), mayForget),
		invariants: newInvariants(start.Cluster(), invariants),
	}
	j.all = 1<<j.Count() - 1
	j.atEnd = j.monitors.atEnd|j.invariants.atEnd != 0
	j.ofWorlds = (1<<len(invariants)-1)&^(j.invariants.atEnd|j.invariants.ofSteps) != 0
	return j
}

// Count returns how many properties are judged.
func (j *Judge) Count() int { return len(j.properties) + len(j.invariants.properties) }

// All returns the marks of all properties.
func (j *Judge) All() Marks { return j.all }

// Property returns the i-th of all that are judged.
func (j *Judge) Property(i int) interface{ Name() string } {
	if i < len(j.properties) {
		return j.properties[i]
	}
	return j.invariants.properties[i-len(j.properties)]
}

// Begin judges the starting world, and the path to it as a whole, by who is faulty
// there. Nothing else may be asked before it, and it is asked once.
func (j *Judge) Begin(ctx context.Context, start *runtime.World) (*Verdict, error) {
	var err error
	if j.monitors.recalls, err = j.invariants.begin(ctx); err != nil {
		return nil, err
	}
	past, err := j.monitors.past(ctx, start.History(), check.PastOf(start))
	if err != nil {
		return nil, err
	}
	v := j.monitors.verdict(past)
	if j.invariants.ofSteps != 0 {
		found, err := j.invariants.path(ctx, start)
		if v, err = j.more(v, found, 0, err); err != nil {
			return nil, err
		}
	}
	j.start, err = j.world(ctx, v, start.Vector())
	return j.start, err
}

// Start returns the verdict on the starting world, once it is known.
func (j *Judge) Start() *Verdict { return j.start }

// World returns the verdict on a world with the given vector and past, and on the step that led
// to it from another vector.
func (j *Judge) World(ctx context.Context, past *Verdict, from, to engine.Vector) (*Verdict, error) {
	if len(j.invariants.properties) == 0 {
		return past, nil
	}
	if j.invariants.ofSteps != 0 {
		found, err := j.invariants.brokenBy(ctx, from, to)
		if past, err = j.more(past, found, 0, err); err != nil {
			return past, err
		}
	}
	return j.world(ctx, past, to)
}

// world returns the verdict on a world.
func (j *Judge) world(ctx context.Context, past *Verdict, vector engine.Vector) (*Verdict, error) {
	if !j.ofWorlds {
		return past, nil
	}
	found, err := j.invariants.broken(ctx, vector, past.happened, false)
	return j.more(past, found, 0, err)
}

// End returns the verdict on a scenario that ends in a world, on which that is the verdict
// as on one in its midst. It counts for nothing that goes on from there.
func (j *Judge) End(ctx context.Context, past *Verdict, vector engine.Vector) (*Verdict, error) {
	if !j.atEnd {
		return past, nil
	}
	violated, err := j.monitors.ends(ctx, past.Past)
	if err != nil {
		return past, err
	}
	found, err := j.invariants.broken(ctx, vector, past.happened, true)
	return j.more(past, found, violated, err)
}

// AtEnd reports whether some property is asked where scenarios end, and nowhere else.
func (j *Judge) AtEnd() bool { return j.atEnd }

// more returns the verdict after more was found.
func (j *Judge) more(past *Verdict, found judgement, violated Marks, err error) (*Verdict, error) {
	violated |= found.violated << len(j.properties)
	if err != nil || violated&^past.Violated == 0 && found.failed == nil {
		return past, err
	}
	after, err := j.monitors.breaks(past.Past, breaking{invariants: violated, failed: j.monitors.failures.with(0, found.failed)})
	if err != nil {
		return nil, err
	}
	return j.monitors.verdict(after), nil
}

// Fold returns the verdict after all that was observed in a step, the list of that
// number.
func (j *Judge) Fold(ctx context.Context, past, list uint32) (*Verdict, error) {
	after, err := j.monitors.fold(ctx, past, list)
	if err != nil {
		return nil, err
	}
	return j.monitors.verdict(after), nil
}

// Forget returns the verdict after a step in which instances suffered amnesia, and
// which led to the given vector.
func (j *Judge) Forget(ctx context.Context, v *Verdict, to engine.Vector) (*Verdict, error) {
	after, err := j.monitors.forget(ctx, v.Past, j.monitors.cluster.Engine().Faulty(to))
	if err != nil {
		return nil, err
	}
	return j.monitors.verdict(after), nil
}

// Recalls reports whether some property depends on who has begun an operation, so that it
// is to know of restarts.
func (j *Judge) Recalls() bool { return j.monitors.recalls }

// Restart returns the verdict after a step in which instances restarted.
func (j *Judge) Restart(v *Verdict, who node.Set) (*Verdict, error) {
	if !j.monitors.recalls || who == 0 {
		return v, nil
	}
	after, err := j.monitors.restart(v.Past, who)
	if err != nil {
		return nil, err
	}
	return j.monitors.verdict(after), nil
}

// Verdict returns that on a past.
func (j *Judge) Verdict(past uint32) *Verdict { return j.monitors.verdict(past) }

// Over reports whether nothing is left to judge in a scenario. Where nothing is checked
// that is never so: failures of code are looked for to the end.
func (j *Judge) Over(v *Verdict) bool { return j.all != 0 && v.Violated == j.all }

// Flaws lists what shows in one verdict and not yet in one before: properties in their
// order, then failures. What is wrong stays wrong, so that each flaw shows once in a scenario.
func (j *Judge) Flaws(before, after *Verdict) iter.Seq[Flaw] {
	return func(yield func(Flaw) bool) {
		for i := range j.Count() {
			if (after.Violated &^ before.Violated).Has(i) && !yield(Flaw{Property: i}) {
				return
			}
		}
		if before.Failed == after.Failed {
			return
		}
		known := j.monitors.failures.of(before.Failed)
		for _, kind := range j.monitors.failures.of(after.Failed) {
			if !slices.Contains(known, kind) && !yield(Flaw{Failure: kind}) {
				return
			}
		}
	}
}

// Failures lists what is in a set of failures.
func (j *Judge) Failures(set uint32) []string { return j.monitors.failures.of(set) }

// FailuresOf returns the number of the set of the given kinds.
func (j *Judge) FailuresOf(kinds []string) uint32 { return j.monitors.failures.with(0, kinds) }

// Explain says why the i-th property does not hold in w, and with which steps it plays on
// from there in vain, if it does. It asks the property and not the
// monitor, which knows that something is wrong and may have forgotten what.
func (j *Judge) Explain(ctx context.Context, i int, w *runtime.World) (why string, good []runtime.Step) {
	var v check.Verdict
	var err error
	if i < len(j.properties) {
		v, err = j.properties[i].Judge(ctx, w.History())
	} else {
		v, err = j.invariants.properties[i-len(j.properties)].JudgeWorld(ctx, w)
	}
	if err != nil {
		return err.Error(), nil
	}
	return v.Why, v.Good
}

// Played finds the failure of a kind that a property of worlds meets when it plays on
// from w: the property, the failure, and the world where it happens. There is none if
// the property cannot be asked any more.
func (j *Judge) Played(ctx context.Context, kind string, w *runtime.World) (by string, f check.Played, end *runtime.World) {
	for _, p := range j.invariants.properties {
		v, err := p.JudgeWorld(ctx, w)
		if err != nil {
			continue
		}
		for _, f := range v.Failed {
			if playedKind(p, f.Failure) != kind {
				continue
			}
			if end, err := f.Walk(ctx, w); err == nil {
				return p.Name(), f, end
			}
		}
	}
	return "", f, w
}

// Tested returns which properties were put to the test so far.
func (j *Judge) Tested() Marks {
	return j.before | j.monitors.tested() | j.invariants.tested<<len(j.properties)
}

// Decided returns the value of each slot that a correct replica decided so far, as a
// text, "" if there were several. Nothing may be judged at the same time.
func (j *Judge) Decided() map[int]string { return j.monitors.decisions.of }

// Restore adds what was tested and decided in an earlier part of the search.
func (j *Judge) Restore(tested Marks, decided map[int]string) {
	j.before = tested & j.all
	for slot, value := range decided {
		j.monitors.decisions.note(slot, value) // "" differs from each other value, and stays
	}
}

// KeepsHistories reports whether some property remembers what each instance did, so
// that pasts cannot be renamed.
func (j *Judge) KeepsHistories() bool { return j.monitors.keepHistories() }

// Renamable reports whether all pasts can be renamed as if clients had taken each
// other's names.
func (j *Judge) Renamable() bool { return j.monitors.renamable() }

// ReplicasAct reports whether a replica began an operation, so that pasts may name
// servers.
func (j *Judge) ReplicasAct() bool { return j.monitors.replicasAct.Load() }

// Rename returns a past after the g-th renaming of a symmetry.
func (j *Judge) Rename(past uint32, g int, r engine.Renaming) (uint32, error) {
	return j.monitors.rename(past, g, r)
}

// Content returns what tells a past from those that renamings make of it, the same
// in each run.
func (j *Judge) Content(past uint32) string { return j.monitors.content(past) }

// LimitPasts makes the number of pasts small that there can be, for tests of what happens when
// there are too many: nothing wraps, and the search ends with what it judged.
func (j *Judge) LimitPasts(most int) { j.monitors.pasts.most = most }

// Bytes returns about how much memory the judge occupies.
func (j *Judge) Bytes() int { return j.monitors.pasts.bytes() + j.invariants.bytes() }
