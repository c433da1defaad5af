package explore

import (
	"cmp"
	"context"
	"maps"
	"math/big"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/explore/internal/judge"
	"github.com/twinsh/twinsh/runtime/internal/engine"
	"github.com/twinsh/twinsh/runtime/space"
)

// batchDraws is how many scenarios are drawn before any of them is looked at.
// It must not depend on the number of workers, because what is drawn after a
// batch may depend on what came of it.
const batchDraws = 32

// A sampler draws scenarios batch by batch, and plays each from the start to its end.
//
// A search merges scenarios that come to one world, which a sample does not try: of a space
// of 10^30 scenarios few draws meet, and what a draw costs is its steps, most of them from
// memory. What it does share is what the cluster learns, and one judge.
//
// Draws of a batch are played by whichever worker is free, and noted in the order of their
// numbers, so that a sample is the same for any number of workers.
type sampler struct {
	*inquiry
	seed    uint64
	count   int
	drawing *space.Drawing // of indices, if what is drawn does not depend on what was
	archive *archive       // nil if it does not
	start   *prefix
	team    []*witness

	finds     map[judge.Flaw]*find
	worlds    map[string]bool // those met, by what key makes of them
	states    sightings       // of local states, by number
	histories sightings       // of tuples of the monitors, by number
}

// A prefix is a world that a sample reached, and how.
type prefix struct {
	parent *prefix
	choice choice
	at     *space.Position // nil unless draws are guided
	vector engine.Vector
	seen   *judge.Verdict
}

// steps lists the steps of p. Prefixes share what they begin with, which is what lets an
// archive keep many.
func (p *prefix) steps() space.Scenario {
	var steps space.Scenario
	for ; p.parent != nil; p = p.parent {
		steps = append(steps, p.choice.step)
	}
	slices.Reverse(steps)
	return steps
}

// key returns a text that is the same for equal worlds only.
func (p *prefix) key() string { return string(p.vector.AppendKey(make([]byte, 0, 4*len(p.vector)))) }

// A draw is a scenario that was drawn and what came of it. It goes on from a
// prefix that was known before.
type draw struct {
	from  *prefix
	rank  *big.Int
	steps []choice
	taken []*prefix      // what was reached
	end   *judge.Verdict // on the whole scenario, nil if it did not come to its end
	early bool           // the next step could not happen
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

func newSampler(of *space.Space, o Options, count int, seed uint64) *sampler {
	s := &sampler{inquiry: newInquiry("sample", of, o), seed: seed, count: count, worlds: map[string]bool{}, finds: map[judge.Flaw]*find{}}
	s.report.Seed = seed
	return s
}

// run draws until all is drawn, or ctx ends.
func (s *sampler) run(ctx context.Context) (*Report, error) {
	r := s.report
	switch err := s.begin(ctx); {
	case err != nil && ctx.Err() == nil:
		return nil, err
	case err != nil:
		r.Stopped = context.Cause(ctx)
	}
	for from := 0; from < s.count && r.Stopped == nil; from += batchDraws {
		if err := s.batch(ctx, from, min(from+batchDraws, s.count)); err != nil {
			return nil, err
		}
		r.Memory = max(r.Memory, s.memory())
	}
	s.conclude(ctx)
	r.Runs = s.cluster.Engine().Learnt().Runs
	r.Worlds, r.Depth, r.Coverage = len(s.worlds), s.space.MaxLen(), s.coverage()
	r.Elapsed = time.Since(s.began)
	return r, nil
}

// begin judges the starting world, and prepares to draw. A space that is no larger than the
// sample is drawn as a whole, guided or not, because then nothing is left to prefer.
func (s *sampler) begin(ctx context.Context) error {
	seen, err := s.judge.Begin(ctx, s.options.Start)
	if err != nil {
		return err
	}
	s.start = &prefix{at: s.space.Start(), vector: s.options.Start.Vector(), seen: seen}
	size := s.space.Size()
	all := size.Cmp(big.NewInt(int64(s.count))) <= 0
	if all {
		s.count = int(size.Int64())
	}
	if s.options.Novelty && !all {
		s.archive = newArchive()
	} else {
		s.drawing = s.space.Draw(s.seed)
	}
	for range max(1, min(s.options.Workers, s.count)) {
		w := newWitness(engine.NewSimulator(s.cluster.Engine()), s.judge)
		w.sim.SetContext(ctx)
		s.team = append(s.team, w)
	}
	return nil
}

// batch judges the draws with numbers from first to before last. What they make
// known is noted in their order, whichever worker made them. If ctx ends amid the batch, the
// draws before the first that was not played to its end count, and none after it, so that the
// sample is one that could have been asked for.
func (s *sampler) batch(ctx context.Context, first, last int) error {
	if s.archive != nil {
		s.archive.weigh()
	}
	draws := make([]*draw, last-first)
	for i := range draws {
		draws[i] = &draw{from: s.start}
		if s.archive == nil {
			draws[i].rank, _ = s.drawing.Next()
		} else if s.guide(ctx, draws[i], first+i) != nil {
			s.report.Stopped = context.Cause(ctx)
			return nil
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
		s.note(d, first+i)
	}
	return nil
}

// unrank finds the steps of a scenario that was drawn by its index, which takes arithmetic
// with as many digits as the size of the space has: workers do it, not the one who draws.
func (s *sampler) unrank(d *draw) error {
	scenario, err := s.space.At(d.rank)
	for _, step := range scenario {
		d.steps = append(d.steps, choice{step: step})
	}
	return err
}

// play takes the steps of a draw until nothing is left to judge: a scenario that has
// violated all that is checked, or whose next step cannot happen, is over, and counts as
// covered.
func (s *sampler) play(ctx context.Context, w *witness, d *draw) {
	at := d.from
	for _, c := range d.steps {
		if s.judge.Over(at.seen) {
			return
		}
		to := make(engine.Vector, len(at.vector))
		if d.err = ctx.Err(); d.err != nil {
			return
		}
		if d.early = !w.sim.Take(to, at.vector, c.step.Engine()); d.early {
			d.err = w.sim.Err()
			return
		}
		seen, err := w.after(ctx, at.seen, c.step, to)
		if err == nil {
			seen, err = s.judge.World(ctx, seen, at.vector, to)
		}
		if d.err = err; err != nil {
			return
		}
		at = &prefix{parent: at, choice: c, at: c.to, vector: to, seen: seen}
		d.taken = append(d.taken, at)
	}
	if !s.judge.Over(at.seen) {
		d.end, d.err = s.judge.End(ctx, at.seen, at.vector)
	}
}

// memory counts the bytes of what was drawn, and of tables: see [search.memory].
func (s *sampler) memory() int {
	const drawBytes, prefixBytes = 160, 200 // about what a map takes for a number, and a prefix
	n := s.cluster.Engine().Learnt().Bytes + s.judge.Bytes() +
		len(s.worlds)*(4*s.cluster.Engine().Width()+pairBytes) + 8*(cap(s.states.by)+cap(s.histories.by))
	if s.archive != nil {
		n += len(s.archive.prefixes)*(prefixBytes+4*s.cluster.Engine().Width()) + len(s.archive.drawn)*drawBytes
	} else {
		n += int(s.report.Covered.Int64()) * drawBytes
	}
	s.bounds.occupied.Store(int64(n))
	return n
}

// note adds a draw to the report. It is called for one draw after the other.
func (s *sampler) note(d *draw, number int) {
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
		s.histories.see(p.seen.Past, number)
		if s.archive != nil && fresh > 0 && !s.judge.Over(p.seen) {
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
	if end.seen.Progress {
		r.Progressed.Add(r.Progressed, one)
	}
	if d.end != nil {
		for f := range s.judge.Flaws(end.seen, d.end) {
			s.found(f, end)
		}
	}
	if end.seen.Clean() && (d.end == nil || d.end.Clean()) {
		if d.early && s.judge.AtEnd() {
			return // it would read like a scenario that ends there, and that may violate something
		}
		s.findings.passed(end.seen.Progress, func() *runtime.World { return s.walk(end.steps()) })
		return
	}
	// Each flaw is noted at the shortest prefix of this draw that shows it, be it one that
	// another draw led to.
	for p := end; ; p = p.parent {
		before := &judge.Verdict{}
		if p.parent != nil {
			before = p.parent.seen
		}
		for f := range s.judge.Flaws(before, p.seen) {
			s.found(f, p)
		}
		if p.parent == nil {
			return
		}
	}
}

// found notes what shows at the end of a prefix; a shorter one takes the
// place of a longer. Unlike in a search, the first to be found need not be the shortest.
func (s *sampler) found(f judge.Flaw, end *prefix) {
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

// conclude reports what was found, the shortest first; of several of one length
// violations in the order of the properties, then failures. Scenarios are played for real only
// here: while draws are made there are vectors and verdicts.
func (s *sampler) conclude(ctx context.Context) {
	order := slices.SortedFunc(maps.Keys(s.finds), func(f, g judge.Flaw) int {
		if n := cmp.Compare(s.finds[f].length, s.finds[g].length); n != 0 {
			return n
		}
		return f.Compare(g)
	})
	for _, f := range order {
		at := s.finds[f]
		s.findings.found(ctx, f, at.length, s.walk(at.shortest.steps()), big.NewInt(int64(at.ofLength))).Set(at.sum)
	}
	s.findings.rest(s.options.Properties)
}

// walk takes steps that are known to be possible, but for the last of a scenario that ends
// early.
func (s *sampler) walk(steps space.Scenario) *runtime.World {
	w := s.options.Start
	for _, step := range steps {
		next, err := w.Do(step)
		if err != nil {
			break
		}
		w = next
	}
	return w
}

// coverage says what was met. The probability of something new is estimated as Good and
// Turing did for words, here with draws for the words of a text: a draw that met something
// alone is a species seen once (see [Coverage]; for tests of programs: Böhme, "STADS: Software
// Testing as Species Discovery", TOSEM 2018). The estimate is of draws that do not depend on
// one another, so that there is none of guided ones.
func (s *sampler) coverage() *Coverage {
	c := &Coverage{States: s.states.count, Transitions: s.report.Runs, Histories: s.histories.count}
	switch covered := s.report.Covered; {
	case s.report.Complete():
	case s.archive != nil || covered.Sign() == 0:
		c.Unseen = -1
	default:
		alone := map[int]bool{} // draws that met something which no other did
		for _, list := range [][]int{s.states.by, s.histories.by} {
			for _, draw := range list {
				if draw > 0 {
					alone[draw] = true
				}
			}
		}
		c.Unseen = share(big.NewInt(int64(len(alone))), covered)
	}
	return c
}

// sightings are, for each thing by its number, which draw met it: its number
// plus 1, 0 if none did and -1 if several did. Local states and pasts have small numbers, in
// the order in which they were learnt, so that a list is enough.
type sightings struct {
	by    []int
	count int
}

// see notes that a draw met a thing, and reports whether it is the first one.
func (s *sightings) see(thing uint32, draw int) bool {
	for int(thing) >= len(s.by) {
		s.by = append(s.by, make([]int, len(s.by)+int(thing)+1)...)
	}
	switch s.by[thing] {
	case 0:
		s.by[thing] = draw + 1
		s.count++
		return true
	case draw + 1:
	default:
		s.by[thing] = -1
	}
	return false
}
