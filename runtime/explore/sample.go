package explore

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/space"
)

// batchDraws is how many scenarios are drawn before any of them is looked at.
// It must not depend on the number of workers, because what is drawn after a
// batch may depend on what came of it.
const batchDraws = 32

// Sample judges count scenarios of s, drawn uniformly and without drawing one
// twice; a space with no more than count is covered completely. With
// [Options.Novelty] it prefers scenarios that begin like those that led to
// something new, and one that is drawn again counts once. Equal seeds draw
// equal scenarios. The counterexample is the shortest violating prefix of those
// drawn, the first drawn of several. If ctx ends, or a limit is reached, the report
// says what was drawn until then.
func Sample(ctx context.Context, s *space.Space, count int, seed uint64, o Options) (r *Report, err error) {
	defer runtime.CatchLimit(&err)
	if err := o.check(s); err != nil {
		return nil, fmt.Errorf("sample: %w", err)
	}
	o.Symmetry = Never // nothing is merged
	x := newSearch(s, o)
	x.report = newReport("sample", s, o)
	x.report.Seed, x.report.Workers = seed, x.options.Workers
	ctx, stop := x.within(ctx)
	defer stop()
	sampler, err := x.newSampler(ctx, count, seed)
	if err != nil && ctx.Err() == nil {
		return nil, err
	}
	if err != nil {
		x.report.Stopped = context.Cause(ctx)
	}
	for from := 0; from < sampler.count && x.report.Stopped == nil; from += batchDraws {
		if err := sampler.batch(ctx, from, min(from+batchDraws, sampler.count)); err != nil {
			return nil, err
		}
		x.report.Memory = max(x.report.Memory, sampler.memory())
	}
	sampler.findings(ctx)
	x.rests()
	x.report.Runs = x.cluster.Learnt().Runs
	x.report.Worlds = len(sampler.worlds)
	x.report.Depth = s.MaxLen()
	x.report.Coverage = sampler.coverage()
	x.report.Elapsed = time.Since(x.began)
	return x.report, nil
}

// A sampler draws scenarios batch by batch.
type sampler struct {
	*search
	seed    uint64
	count   int
	drawing *space.Drawing // of indices, if what is drawn does not depend on what was
	archive *archive       // nil if it does not
	start   *prefix
	team    []*worker

	finds     map[flaw]*find
	worlds    map[string]bool
	states    sightings // of local states, by number
	histories sightings // of tuples of the monitors, by number
}

// A draw is a scenario that was drawn and what came of it. It goes on from a
// prefix that was known before.
type draw struct {
	from  *prefix
	rank  *big.Int
	steps []choice
	taken []*prefix // what was reached
	early bool      // the next step could not happen
	done  bool
	err   error
}

// A find is a flaw in a sample: the first shortest prefix that shows it, how many
// drawn scenarios do so at that length, and how many at all.
type find struct {
	shortest         *prefix
	length, ofLength int
	sum              *big.Int
}

// A choice is a step of a scenario; guided draws know more of it.
type choice struct {
	step   runtime.Step
	number int // of those at its position
	to     *space.Position
}

func (x *search) newSampler(ctx context.Context, count int, seed uint64) (*sampler, error) {
	s := &sampler{search: x, seed: seed, count: count, worlds: map[string]bool{}, finds: map[flaw]*find{}}
	past, err := x.startMonitor(ctx)
	if err != nil {
		return s, err
	}
	seen, err := x.judge(ctx, x.monitors.verdict(past), x.options.Start.Vector())
	if err != nil {
		return s, err
	}
	s.start = &prefix{at: x.space.Start(), vector: x.options.Start.Vector(), seen: seen}
	size := x.space.Size()
	all := size.Cmp(big.NewInt(int64(count))) <= 0
	if all {
		s.count = int(size.Int64())
	}
	if x.options.Novelty && !all {
		s.archive = newArchive()
	} else {
		s.drawing = x.space.Draw(seed)
	}
	for range max(1, min(x.options.Workers, s.count)) {
		s.team = append(s.team, x.newWorker(ctx))
	}
	return s, nil
}

// batch judges the draws with numbers from first to before last. What they make
// known is noted in their order, whichever worker made them.
func (s *sampler) batch(ctx context.Context, first, last int) error {
	if s.archive != nil {
		s.archive.weigh()
	}
	draws := make([]*draw, last-first)
	for i := range draws {
		draws[i] = &draw{from: s.start}
		if s.archive != nil {
			s.guide(draws[i], first+i)
		} else {
			draws[i].rank, _ = s.drawing.Next()
		}
	}
	var next atomic.Int64
	var group sync.WaitGroup
	for _, w := range s.team {
		group.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(draws) {
					return
				}
				if s.archive == nil {
					draws[i].err = s.unrank(draws[i])
				}
				if draws[i].err == nil {
					s.play(ctx, w, draws[i])
				}
				draws[i].done = true
			}
		})
	}
	group.Wait()
	for i, d := range draws {
		if !d.done || d.err != nil && ctx.Err() != nil {
			s.report.Stopped = context.Cause(ctx)
			break
		}
		if isLimit(d.err) {
			s.report.Stopped = d.err
			break
		}
		if d.err != nil {
			return d.err
		}
		s.note(ctx, d, first+i)
	}
	return nil
}

func (s *sampler) unrank(d *draw) error {
	scenario, err := s.space.At(d.rank)
	for _, step := range scenario {
		d.steps = append(d.steps, choice{step: step})
	}
	return err
}

// play takes the steps of a draw until nothing is left to judge.
func (s *sampler) play(ctx context.Context, w *worker, d *draw) {
	at := d.from
	for _, c := range d.steps {
		if s.over(at.seen) {
			return
		}
		to := make(runtime.Vector, len(at.vector))
		if d.err = ctx.Err(); d.err != nil {
			return
		}
		if d.early = !w.sim.Take(to, at.vector, c.step); d.early {
			d.err = w.sim.Err()
			return
		}
		at = &prefix{parent: at, choice: c, at: c.to, vector: to, seen: w.after(ctx, at.seen, c.step, to)}
		if d.err, w.err = w.err, nil; d.err != nil {
			return
		}
		if at.seen, d.err = s.judge(ctx, at.seen, to); d.err != nil {
			return
		}
		d.taken = append(d.taken, at)
	}
}

// memory counts the bytes of what was drawn, and of tables: see [search.memory].
func (s *sampler) memory() int {
	const drawBytes, prefixBytes = 160, 200 // about what a map takes for a number, and a prefix
	n := s.cluster.Learnt().Bytes + s.monitors.bytes() + s.invariants.bytes() +
		len(s.worlds)*(4*s.cluster.Width()+pairBytes) + 8*(cap(s.states.by)+cap(s.histories.by))
	if s.archive != nil {
		n += len(s.archive.prefixes)*(prefixBytes+4*s.cluster.Width()) + len(s.archive.drawn)*drawBytes
	} else {
		n += int(s.report.Covered.Int64()) * drawBytes
	}
	s.occupied.Store(int64(n))
	return n
}

// note adds a draw to the report.
func (s *sampler) note(ctx context.Context, d *draw, number int) {
	r := s.report
	one := big.NewInt(1)
	end := d.from
	for _, p := range d.taken {
		end = p
		r.Steps++
		s.worlds[p.key()] = true
		fresh := 0
		for _, state := range p.vector[:len(p.vector)-1] {
			if s.states.see(state, number) {
				fresh++
			}
		}
		s.histories.see(p.seen.monitor, number)
		if s.archive != nil && fresh > 0 && !s.over(p.seen) {
			s.archive.add(p, fresh)
		}
	}
	if s.archive != nil && !s.archive.first(d) {
		return // it was counted already
	}
	r.Covered.Add(r.Covered, one)
	if d.early {
		r.EndedEarly.Add(r.EndedEarly, one)
	}
	if end.seen.progress {
		r.Progressed.Add(r.Progressed, one)
	}
	if end.seen.clean() {
		s.passed(end.seen.progress, func() *runtime.World { return s.walk(end.steps()) })
		return
	}
	for p := end; ; p = p.parent {
		before := &verdict{}
		if p.parent != nil {
			before = p.parent.seen
		}
		for f := range s.flaws(before, p.seen) {
			s.foundInSample(ctx, f, p)
		}
		if p.parent == nil {
			return
		}
	}
}

// foundInSample notes what shows at the end of a prefix; a shorter one takes the
// place of a longer.
func (s *sampler) foundInSample(ctx context.Context, f flaw, end *prefix) {
	at, known := s.finds[f]
	if !known {
		at = &find{shortest: end, length: never, sum: new(big.Int)}
		s.finds[f] = at
	}
	at.sum.Add(at.sum, big.NewInt(1))
	switch length := len(end.steps()); {
	case length < at.length:
		at.shortest, at.length, at.ofLength = end, length, 1
	case length == at.length:
		at.ofLength++
	}
}

// findings reports what was found, the shortest first; of several of one length
// violations in the order of the properties, then failures.
func (s *sampler) findings(ctx context.Context) {
	order := slices.SortedFunc(maps.Keys(s.finds), func(f, g flaw) int {
		if n := cmp.Compare(s.finds[f].length, s.finds[g].length); n != 0 {
			return n
		}
		return f.compare(g)
	})
	for _, f := range order {
		at := s.finds[f]
		s.found(ctx, f, at.length, s.walk(at.shortest.steps()), big.NewInt(int64(at.ofLength)))
		if f.failure != "" {
			s.report.Failures[len(s.report.Failures)-1].Scenarios = at.sum
		} else {
			s.report.Violations[len(s.report.Violations)-1].Scenarios = at.sum
		}
	}
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
func (x *search) explain(ctx context.Context, v int, w *runtime.World) (name, why string) {
	ctx, cancel := grace(ctx)
	defer cancel()
	name = x.report.Checked[v]
	var verdict check.Verdict
	var err error
	if v < len(x.properties) {
		verdict, err = x.properties[v].Judge(ctx, w.History())
	} else {
		verdict, err = x.options.Invariants[v-len(x.properties)].JudgeWorld(ctx, w)
	}
	if err != nil {
		return name, err.Error()
	}
	return name, verdict.Why
}
