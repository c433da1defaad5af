package explore

import (
	"context"
	"math/big"
	goruntime "runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/space"
)

// blockRows is how many rows a worker takes at a time.
const blockRows = 256

// passingKept is how many passing scenarios a report shows.
const passingKept = 3

// A search covers a space layer by layer.
type search struct {
	space      *space.Space
	options    Options
	cluster    *runtime.Cluster
	properties []check.Property
	monitors   *monitors
	invariants *invariants
	symmetry   *runtime.Symmetry // nil: worlds that differ by names are different
	began      time.Time
	width      int // words of a row: vector, monitor, position
	words      int // words of a weight

	places  []*place
	placeOf map[*space.Position]*place
	origins [][]origin // of each layer, by rank

	report  *Report
	tallies tallies
}

// A place is a position of the space with what the search needs of it.
type place struct {
	index  uint32
	at     *space.Position
	groups []group // nil until some row is there
	last   bool    // no scenario goes on from here
}

type group struct {
	steps []runtime.Step
	to    *place
}

// tallies counts scenarios by the place that they reached and by what became
// of them; the count of the place tells how many scenarios of the space that is.
type tallies struct {
	outcomes int
	words    int
	counts   []uint64 // [place][outcome][word]
}

// What becomes of a scenario: it reaches its end, a step cannot happen, or it
// violates the i-th property (violates+i); twice that, plus one if there was
// progress.
const (
	reachesEnd = iota
	endsEarly
	violates
)

func (t *tallies) at(place uint32, outcome int, progress bool) weight {
	k := 2 * outcome
	if progress {
		k++
	}
	i := (int(place)*2*t.outcomes + k) * t.words
	for len(t.counts) < i+t.words {
		t.counts = append(t.counts, make([]uint64, 2*t.outcomes*t.words)...)
	}
	return t.counts[i : i+t.words]
}

func newSearch(s *space.Space, o Options) *search {
	c := o.Start.Cluster()
	x := &search{
		space:      s,
		options:    o,
		cluster:    c,
		properties: append([]check.Property{check.NoFailure()}, o.Properties...),
		began:      time.Now(),
		width:      c.Width() + 2,
		words:      weightWords(s.Size()),
		placeOf:    map[*space.Position]*place{},
	}
	if x.options.Workers <= 0 {
		x.options.Workers = goruntime.GOMAXPROCS(0)
	}
	x.monitors = newMonitors(c, x.properties, possiblyFaulty(s, o.Start))
	x.invariants = newInvariants(c, o.Invariants)
	x.symmetry = symmetryOf(s, o)
	x.tallies = tallies{outcomes: violates + len(x.properties) + len(o.Invariants), words: x.words}
	x.report = newReport("explore", s, o)
	x.report.Workers = x.options.Workers
	if x.symmetry != nil {
		x.report.Renamings = x.symmetry.Order()
	}
	return x
}

func newReport(kind string, s *space.Space, o Options) *Report {
	r := &Report{
		Kind:       kind,
		Space:      s.String(),
		System:     o.Start.Cluster().String(),
		Size:       s.Size(),
		Covered:    new(big.Int),
		EndedEarly: new(big.Int),
		Progressed: new(big.Int),
		Workers:    1,
		Renamings:  1,
		Beyond:     o.Start.Beyond(),
	}
	for _, p := range o.Properties {
		r.Checked = append(r.Checked, p.Name())
	}
	for _, p := range o.Invariants {
		r.Checked = append(r.Checked, p.Name())
	}
	return r
}

// possiblyFaulty returns the instances of identities that are faulty at the
// start or may become so in a scenario of the space.
func possiblyFaulty(s *space.Space, start *runtime.World) runtime.Set {
	c := start.Cluster()
	faulty := start.Faulty()
	for _, step := range s.Steps() {
		if step.Kind() == runtime.AmnesiaStep {
			for i := range step.Instances().All {
				faulty |= c.Identities()[c.Instances()[i].Identity].Instances
			}
		}
	}
	return faulty
}

// place returns the place of a position. It is not safe for concurrent use.
func (x *search) place(p *space.Position) *place {
	if at, ok := x.placeOf[p]; ok {
		return at
	}
	at := &place{index: uint32(len(x.places)), at: p, last: p.Last()}
	x.places = append(x.places, at)
	x.placeOf[p] = at
	return at
}

// expand prepares a place to be gone on from.
func (x *search) expand(at *place) {
	if at.groups != nil || at.last {
		return
	}
	for _, g := range at.at.Groups() {
		at.groups = append(at.groups, group{g.Steps, x.place(g.To)})
	}
}

// startMonitor folds the path to the starting world.
func (x *search) startMonitor() uint32 {
	m := x.cluster.NewSimulator()
	scratch := make(runtime.Vector, x.cluster.Width())
	mon := uint32(0)
	for _, w := range x.options.Start.Path()[1:] {
		m.Take(scratch, w.Parent().Vector(), w.Step())
		for _, list := range m.Seen() {
			mon = x.monitors.fold(mon, list)
		}
	}
	return mon
}

func (x *search) run(ctx context.Context) (*Report, error) {
	mon := x.startMonitor()
	first := x.place(x.space.Start())
	one := make(weight, x.words)
	one[0] = 1
	row := append(slices.Clone(x.options.Start.Vector()), mon, first.index)
	layer := newFrontier(x.width, x.words, 1)
	violated, err := x.invariants.judge(row[:x.cluster.Width()])
	if err != nil {
		return nil, err
	}
	if v := x.monitors.at(mon).violated; v != none || violated != none {
		if v == none {
			v = len(x.properties) + violated
		}
		x.tallies.at(first.index, violates+v, x.monitors.at(mon).progress).add(one)
		x.found(v, 0, x.options.Start, one)
	} else {
		if first.at.Accepts() > 0 {
			x.tallies.at(first.index, reachesEnd, x.monitors.at(mon).progress).add(one)
		}
		layer.add(row, one, 0)
	}
	x.origins = append(x.origins, layer.seal())
	for layer.len() > 0 && !(x.options.First && len(x.report.Violations) > 0) {
		next, err := x.layer(ctx, layer)
		if err != nil {
			return nil, err
		}
		if x.report.Stopped != nil {
			break
		}
		x.origins = append(x.origins, next.seal())
		x.report.Depth++
		layer = next
	}
	if x.report.Stopped == nil && layer.len() > 0 {
		x.report.Stopped = ErrFirst
	}
	x.sum()
	return x.report, nil
}

// A finding is a scenario that ends in a violation, or passes: the rank of the
// row before its last step, and its last choice.
type finding struct {
	from     origin
	progress bool
}

// A worker expands rows. What it counts is added up when the layer is done.
type worker struct {
	search   *search
	sim      *runtime.Simulator
	row      []uint32
	tallies  tallies
	steps    int
	least    map[int]origin // the least violating choice of each property
	counts   map[int]weight // how many prefixes violate it in this layer
	passing  []finding
	verdicts map[[2]uint32]verdict // what this worker has seen of the monitors'
	names    *runtime.Canonicalizer
	err      error
}

func (x *search) newWorker() *worker {
	w := &worker{
		search: x, sim: x.cluster.NewSimulator(), row: make([]uint32, x.width),
		tallies: tallies{outcomes: x.tallies.outcomes, words: x.words},
		least:   map[int]origin{}, counts: map[int]weight{}, verdicts: map[[2]uint32]verdict{},
	}
	if x.symmetry != nil {
		w.names = x.symmetry.NewCanonicalizer()
	}
	return w
}

// layer expands each row of a layer and returns the next one.
func (x *search) layer(ctx context.Context, rows *frontier) (*frontier, error) {
	for rank := range rows.len() {
		row, _ := rows.at(rank)
		x.expand(x.places[row[x.width-1]])
	}
	workers := min(x.options.Workers, (rows.len()+blockRows-1)/blockRows)
	shards := 1
	if workers > 1 {
		shards = 64
	}
	next := newFrontier(x.width, x.words, shards)
	var (
		group sync.WaitGroup
		taken atomic.Int64
		team  = make([]*worker, workers)
	)
	for i := range team {
		group.Go(func() {
			// Made here, what workers write to lies apart in memory.
			w := x.newWorker()
			team[i] = w
			for w.err == nil && ctx.Err() == nil {
				from := int(taken.Add(blockRows)) - blockRows
				if from >= rows.len() {
					return
				}
				for rank := from; rank < min(from+blockRows, rows.len()) && w.err == nil; rank++ {
					w.expand(rows, rank, next)
				}
				if x.options.Progress != nil && i == 0 {
					x.tell(rows, from, next)
				}
			}
		})
	}
	group.Wait()
	for _, w := range team {
		if w.err != nil {
			return nil, w.err
		}
	}
	x.report.Worlds += rows.len()
	x.gather(team, rows)
	if err := ctx.Err(); err != nil && int(taken.Load()) < rows.len()+blockRows*workers {
		x.report.Stopped = err
	}
	return next, nil
}

// expand takes each step that is possible from a row.
func (w *worker) expand(rows *frontier, rank int, next *frontier) {
	x := w.search
	row, weight := rows.at(rank)
	width := x.width - 2
	at := x.places[row[width+1]]
	here := x.monitors.verdict(row[width])
	choice := 0
	for g := range at.groups {
		group := &at.groups[g]
		for s := range group.steps {
			from := origin(rank)<<32 | origin(choice)
			choice++
			w.steps++
			if !w.sim.Take(w.row[:width], row[:width], group.steps[s]) {
				w.tallies.at(group.to.index, endsEarly, here.progress).add(weight)
				w.pass(from, here.progress)
				continue
			}
			there := here
			for _, list := range w.sim.Seen() {
				there = w.fold(there.monitor, list)
			}
			w.arrive(group.to, there, weight, from, next)
		}
	}
}

// fold asks the monitors, which all workers share, once for each pair.
func (w *worker) fold(mon, list uint32) verdict {
	key := [2]uint32{mon, list}
	v, ok := w.verdicts[key]
	if !ok {
		if w.names != nil && !w.names.Alike(list) {
			w.err = asymmetry{"what is observed names servers"}
		}
		v = w.search.monitors.verdict(w.search.monitors.fold(mon, list))
		w.verdicts[key] = v
	}
	return v
}

// arrive judges the world in w.row and adds it to the next layer.
func (w *worker) arrive(at *place, v verdict, count weight, from origin, next *frontier) {
	x := w.search
	width := x.width - 2
	violated := v.violated
	if violated == none && len(x.invariants.properties) > 0 {
		broken, err := x.invariants.judge(w.row[:width])
		if err != nil {
			w.err = err
			return
		}
		if broken != none {
			violated = len(x.properties) + broken
		}
	}
	if violated != none {
		w.tallies.at(at.index, violates+violated, v.progress).add(count)
		if least, ok := w.least[violated]; !ok || from < least {
			w.least[violated] = from
		}
		if w.counts[violated] == nil {
			w.counts[violated] = make(weight, x.words)
		}
		w.counts[violated].add(count)
		return
	}
	if at.at.Accepts() > 0 {
		w.tallies.at(at.index, reachesEnd, v.progress).add(count)
		w.pass(from, v.progress)
	}
	if at.last {
		return
	}
	if w.names != nil {
		if _, err := w.names.Canonical(w.row[:width]); err != nil {
			w.err = asymmetry{err.Error()}
			return
		}
	}
	w.row[width], w.row[width+1] = v.monitor, at.index
	next.add(w.row, count, from)
}

// pass keeps the least few scenarios that pass, those with progress first.
func (w *worker) pass(from origin, progress bool) {
	f := finding{from, progress}
	if len(w.passing) == passingKept && !f.before(w.passing[passingKept-1]) {
		return
	}
	w.passing = append(w.passing, f)
	slices.SortFunc(w.passing, finding.compare)
	w.passing = w.passing[:min(passingKept, len(w.passing))]
}

func (f finding) before(g finding) bool { return f.compare(g) < 0 }

func (f finding) compare(g finding) int {
	switch {
	case f.progress != g.progress && f.progress:
		return -1
	case f.progress != g.progress:
		return 1
	case f.from < g.from:
		return -1
	case f.from > g.from:
		return 1
	}
	return 0
}

// gather adds up what the workers counted in a layer.
func (x *search) gather(team []*worker, rows *frontier) {
	least := map[int]origin{}
	counts := map[int]weight{}
	var passing []finding
	for _, w := range team {
		x.report.Steps += w.steps
		for i := 0; i < len(w.tallies.counts); i += x.words {
			for len(x.tallies.counts) <= i {
				x.tallies.counts = append(x.tallies.counts, make([]uint64, 2*x.tallies.outcomes*x.words)...)
			}
			weight(x.tallies.counts[i : i+x.words]).add(w.tallies.counts[i : i+x.words])
		}
		for v, from := range w.least {
			if l, ok := least[v]; !ok || from < l {
				least[v] = from
			}
			if counts[v] == nil {
				counts[v] = make(weight, x.words)
			}
			counts[v].add(w.counts[v])
		}
		passing = append(passing, w.passing...)
	}
	for v := range x.tallies.outcomes - violates {
		if from, ok := least[v]; ok {
			x.found(v, len(x.origins), x.replay(from), counts[v])
		}
	}
	slices.SortFunc(passing, finding.compare)
	for _, f := range passing {
		if len(x.report.Passing) < passingKept {
			x.report.Passing = append(x.report.Passing, x.replay(f.from))
		}
	}
}

// found notes a violation at the end of w, if it is the first of its property.
// The first of all is the counterexample; of several in one layer it is that
// of the property named first.
func (x *search) found(v, length int, w *runtime.World, count weight) {
	name, why := x.explain(v, w)
	for i := range x.report.Violations {
		if x.report.Violations[i].Property == name {
			return
		}
	}
	x.report.Violations = append(x.report.Violations, Violation{
		Property: name, Why: why, Length: length, Shortest: count.big(), Scenarios: new(big.Int),
	})
	if x.report.Counterexample == nil {
		x.report.Counterexample = w
		x.report.Beyond = w.Beyond()
	}
}

// replay walks from the start to where an origin of the layer under way leads.
// A last step that cannot happen is left out.
func (x *search) replay(from origin) *runtime.World {
	var choices []int
	for layer := len(x.origins) - 1; ; layer-- {
		choices = append(choices, int(uint32(from)))
		if layer == 0 {
			break
		}
		from = x.origins[layer][from>>32]
	}
	// The choices are those from canonical worlds. The real world is another
	// one, which a renaming turns into the canonical one.
	w, at := x.options.Start, x.place(x.space.Start())
	var names *runtime.Canonicalizer
	if x.symmetry != nil {
		names = x.symmetry.NewCanonicalizer()
	}
	renaming := 0
	for _, choice := range slices.Backward(choices) {
		x.expand(at)
		step, to := at.choice(choice)
		if renaming != 0 {
			step = at.renamed(step, names.Inverse(renaming))
		}
		after, err := w.Do(step)
		if err != nil {
			return w
		}
		w, at = after, to
		if names != nil {
			// An error would have ended the search at this world.
			renaming, _ = names.Canonical(slices.Clone(w.Vector()))
		}
	}
	return w
}

// choice returns the step that is chosen by a number, and where it leads.
func (p *place) choice(n int) (runtime.Step, *place) {
	for _, g := range p.groups {
		if n < len(g.steps) {
			return g.steps[n], g.to
		}
		n -= len(g.steps)
	}
	panic("explore: an origin names a choice that does not exist")
}

// renamed returns the step at p that does what s does after the renaming.
func (p *place) renamed(s runtime.Step, r runtime.Renaming) runtime.Step {
	key, _ := s.Key(r)
	for _, g := range p.groups {
		for _, t := range g.steps {
			if k, ok := t.Key(nil); ok && k == key {
				return t
			}
		}
	}
	panic("explore: the space is not closed under a renaming that keeps it")
}

// sum turns the tallies into counts of scenarios.
func (x *search) sum() {
	r := x.report
	byProperty := map[string]*big.Int{}
	for i := range r.Violations {
		byProperty[r.Violations[i].Property] = r.Violations[i].Scenarios
	}
	for _, at := range x.places {
		for outcome := range x.tallies.outcomes {
			for _, progress := range []bool{false, true} {
				w := x.tallies.at(at.index, outcome, progress)
				if w.zero() {
					continue
				}
				n := at.at.Count()
				if outcome == reachesEnd {
					n = big.NewInt(int64(at.at.Accepts()))
				}
				n = new(big.Int).Mul(w.big(), n)
				r.Covered.Add(r.Covered, n)
				if progress {
					r.Progressed.Add(r.Progressed, n)
				}
				switch {
				case outcome == endsEarly:
					r.EndedEarly.Add(r.EndedEarly, n)
				case outcome >= violates+len(x.properties):
					s := byProperty[x.options.Invariants[outcome-violates-len(x.properties)].Name()]
					s.Add(s, n)
				case outcome >= violates:
					s := byProperty[x.properties[outcome-violates].Name()]
					s.Add(s, n)
				}
			}
		}
	}
	r.Runs = x.cluster.Learnt().Runs
	r.Elapsed = time.Since(x.began)
}

// tell reports progress.
func (x *search) tell(rows *frontier, done int, next *frontier) {
	x.options.Progress(Progress{
		Layer: len(x.origins), Layers: x.space.MaxLen(),
		Done: done, Rows: rows.len(),
		Size: x.report.Size, Worlds: x.report.Worlds + done, Steps: x.report.Steps,
		Bytes: rows.bytes() + next.bytes() + x.cluster.Learnt().Bytes, Elapsed: time.Since(x.began),
	})
}
