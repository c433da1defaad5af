package explore

// What a search finds, and on what its verdicts rest.

import (
	"cmp"
	"context"
	"maps"
	"math/big"
	"slices"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/node"
)

// rests reports on what the verdicts rest.
func (x *search) rests() {
	r := x.report
	r.Decided = x.monitors.decided
	tested := x.tested()
	for i := range x.judged() {
		if tested.has(i) {
			continue
		}
		p := x.property(i)
		r.Untested = append(r.Untested, Untested{r.Checked[i], check.Needs(p)})
	}
	r.Beyond = len(r.beyond()) > 0
	for _, p := range x.properties {
		r.comparing = r.comparing || check.Comparing(p)
	}
}

// property returns the i-th of all that are judged.
func (x *search) property(i int) interface{ Name() string } {
	if i < len(x.properties) {
		return x.properties[i]
	}
	return x.options.Invariants[i-len(x.properties)]
}

// tested returns which properties were put to the test so far.
func (x *search) tested() marks {
	return x.testedBefore | x.monitors.tested() | x.invariants.tested<<len(x.properties)
}

// judged returns how many properties are judged.
func (x *search) judged() int { return len(x.properties) + len(x.options.Invariants) }

// gather adds up what the workers counted in a layer.
func (x *search) gather(ctx context.Context, team []*worker) {
	wrong := map[flaw]*evidence{}
	var passing []finding
	for _, w := range team {
		x.report.Steps += w.steps
		x.effects.add(w.effects)
		x.tallies.gather(&w.tallies)
		for f, e := range w.wrong {
			if sum := wrong[f]; sum != nil {
				sum.from = min(sum.from, e.from)
				sum.count.add(e.count)
			} else {
				wrong[f] = e
			}
		}
		passing = append(passing, w.passing...)
	}
	for _, f := range slices.SortedFunc(maps.Keys(wrong), flaw.compare) {
		x.found(ctx, f, len(x.parents), x.replay(ctx, wrong[f].from), wrong[f].count.big())
	}
	slices.SortFunc(passing, finding.compare)
	for _, f := range passing {
		x.passed(f.progress, func() *runtime.World { return x.replay(ctx, f.from) })
	}
}

// passed keeps a passing scenario if there is room for it: one with progress
// may take the place of one without.
func (x *search) passed(progress bool, world func() *runtime.World) {
	kept := &x.report.Passing
	at := len(*kept)
	if progress {
		at = x.progressing
	}
	if at == passingKept {
		return
	}
	if progress {
		x.progressing++
	}
	*kept = slices.Insert(*kept, at, world())
	*kept = (*kept)[:min(passingKept, len(*kept))]
}

// found notes what shows at the end of w for the first time in the search.
func (x *search) found(ctx context.Context, f flaw, length int, w *runtime.World, count *big.Int) {
	x.known[f] = true
	r := x.report
	if f.failure != "" {
		r.Failures = append(r.Failures, failing(f.failure, length, w, count))
		if r.Counterexample == nil {
			r.Counterexample = w
		}
		return
	}
	name, why := x.explain(ctx, f.property, w)
	if len(r.Violations) == 0 {
		r.Counterexample = w
	}
	beyond := check.Beyond(x.property(f.property), w.Cluster(), w.Faulty())
	r.Violations = append(r.Violations, Violation{
		Property: name, Why: why, Length: length, Shortest: count, Scenarios: new(big.Int), Beyond: beyond, Counterexample: w, index: f.property,
	})
}

// failing returns the finding that code fails at the end of w.
func failing(kind string, length int, w *runtime.World, count *big.Int) Failing {
	f := Failing{Length: length, Shortest: count, Scenarios: new(big.Int), Counterexample: w}
	if o, found := failure(w, func(f node.Failure) bool { return f.Kind() == kind }); found != nil {
		f.Instance, f.Failure = w.Cluster().Instances()[o.Instance].Name, *found
	}
	return f
}

// compare orders properties as they are judged, and before all failures.
func (f flaw) compare(g flaw) int {
	if f.failure == "" && g.failure == "" {
		return cmp.Compare(f.property, g.property)
	}
	return cmp.Compare(f.failure, g.failure)
}
