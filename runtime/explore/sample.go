package explore

import (
	"context"
	"fmt"
	"math/big"
	"time"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/space"
)

// Sample judges count scenarios of s, drawn uniformly and without drawing one
// twice; a space with no more than count is covered completely. Equal seeds
// draw equal scenarios. The counterexample is the shortest violating prefix of
// those drawn, the first drawn of several.
func Sample(ctx context.Context, s *space.Space, count int, seed uint64, o Options) (*Report, error) {
	if err := o.check(s); err != nil {
		return nil, fmt.Errorf("sample: %w", err)
	}
	began := time.Now()
	o.Symmetry = Never // nothing is merged
	x := newSearch(s, o)
	w := x.newWorker()
	x.report = newReport("sample", s, o)
	x.report.Seed = seed
	start := x.monitors.verdict(x.startMonitor())
	worlds := map[string]bool{}
	one := big.NewInt(1)
	for _, rank := range s.Sample(count, seed) {
		if x.report.Stopped = ctx.Err(); x.report.Stopped != nil {
			break
		}
		scenario, err := s.At(rank)
		if err != nil {
			return nil, err
		}
		if err := x.draw(w, scenario, start, worlds); err != nil {
			return nil, err
		}
		x.report.Covered.Add(x.report.Covered, one)
	}
	x.report.Worlds = len(worlds)
	x.report.Runs = x.cluster.Learnt().Runs
	x.report.Depth = s.MaxLen()
	x.report.Elapsed = time.Since(began)
	return x.report, nil
}

// draw runs one scenario.
func (x *search) draw(w *worker, scenario space.Scenario, seen verdict, worlds map[string]bool) error {
	src, dst := make(runtime.Vector, x.cluster.Width()), make(runtime.Vector, x.cluster.Width())
	copy(src, x.options.Start.Vector())
	one := big.NewInt(1)
	taken := 0
	violated, err := x.judge(seen, src)
	for _, step := range scenario {
		if err != nil || violated != none {
			break
		}
		if !w.sim.Take(dst, src, step) {
			x.report.EndedEarly.Add(x.report.EndedEarly, one)
			break
		}
		x.report.Steps++
		taken++
		worlds[fmt.Sprint(dst)] = true
		seen = w.after(seen, step, dst)
		violated, err = x.judge(seen, dst)
		src, dst = dst, src
	}
	if err != nil {
		return err
	}
	if seen.progress {
		x.report.Progressed.Add(x.report.Progressed, one)
	}
	if violated == none {
		x.passed(seen.progress, func() *runtime.World { return x.walk(scenario[:taken]) })
		return nil
	}
	x.foundInSample(violated, taken, scenario[:taken])
	return nil
}

// foundInSample notes a violation; a shorter one takes the place of a longer.
func (x *search) foundInSample(v, length int, prefix space.Scenario) {
	r := x.report
	w := x.walk(prefix)
	if r.Counterexample == nil || length < r.Counterexample.Depth()-x.options.Start.Depth() {
		r.Counterexample, r.Beyond = w, w.Beyond()
	}
	name, why := x.explain(v, w)
	for i := range r.Violations {
		old := &r.Violations[i]
		if old.Property != name {
			continue
		}
		old.Scenarios.Add(old.Scenarios, big.NewInt(1))
		if length < old.Length {
			old.Length, old.Why, old.Shortest = length, why, new(big.Int)
		}
		if length == old.Length {
			old.Shortest.Add(old.Shortest, big.NewInt(1))
		}
		return
	}
	r.Violations = append(r.Violations, Violation{name, why, length, big.NewInt(1), big.NewInt(1)})
}

// walk takes steps that are known to be possible.
func (x *search) walk(steps space.Scenario) *runtime.World {
	w := x.options.Start
	for _, s := range steps {
		next, err := w.Do(s)
		if err != nil {
			break
		}
		w = next
	}
	return w
}

// explain names the v-th property and says why it does not hold in w.
func (x *search) explain(v int, w *runtime.World) (name, why string) {
	if v < len(x.properties) {
		return x.properties[v].Name(), x.properties[v].Judge(w.History()).Why
	}
	p := x.options.Invariants[v-len(x.properties)]
	verdict, err := p.JudgeWorld(w)
	if err != nil {
		verdict = check.Verdict{Why: err.Error()}
	}
	return p.Name(), verdict.Why
}
