package explore

import (
	"context"
	"fmt"
	"math"
	"math/big"
	goruntime "runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/node"
	"github.com/twinsh/twinsh/runtime/space"
)

// blockNodes is how many search nodes a worker takes at a time; fewer of a small layer, so
// that all workers have some.
const blockNodes = 256

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
	mayForget  node.Set
	limits     limits
	epoch      uint32            // of this search's simulators, if it checks all that is new to them
	symmetry   *runtime.Symmetry // nil: worlds that differ by names are different
	ended      error             // why the search ends with a complete layer
	sought     bool              // whether there is a symmetry is known
	renamings  runtime.RenamingIndex
	// moves says of each renaming whether it renames clients, clientsMove that some do.
	moves       []bool
	clientsMove bool
	past        uint32 // the tuple of the starting world, once it is known
	// symmetricFrom is the first layer of canonical worlds.
	symmetricFrom int
	began         time.Time
	width         int // words of a search node: vector, monitor, position
	words         int // words of a weight

	places   []*place
	placeOf  map[*space.Position]*place
	parents  [][]parentLink  // of each layer, by rank
	complete progressMade    // when the last complete layer was
	file     *checkpointFile // nil if there is none
	saved    time.Time
	kept     int         // layers in the file, 0 if there is none of this search
	print    Fingerprint // nil until it is needed
	clock    *clock      // of the budget
	asked    Symmetry    // the mode, even if the search began anew without symmetry
	isCut    bool        // only the search nodes of this shard are left
	// asymmetry is why a search that began with symmetry began anew as this one.
	asymmetry string

	placeBytes  atomic.Int64  // of places and images
	workerBytes atomic.Int64  // of what the workers remember
	occupied    *atomic.Int64 // bytes when memory was counted last
	choices     *choices
	effects     effects

	report       *Report
	all          marks         // of all properties; nothing is left to judge in a scenario that violates them
	testedBefore marks         // as a checkpoint says
	known        map[flaw]bool // what went wrong in the layers before
	progressing  int           // how many of the report's passing scenarios, the first ones, made progress
	tallies      tallies
}

// A place is a position of the space with what the search needs of it.
type place struct {
	index  uint32
	at     *space.Position
	groups []group // nil until some search node is there
	last   bool    // no scenario goes on from here
	images images  // of the steps
	// awaited says that leaders is known.
	awaited bool
	// leaders are all instances of those who may lead the next round, if
	// nothing but rounds can come next, and no property looks at states.
	leaders node.Set
}

type group struct {
	steps   []runtime.Step
	numbers []uint32 // of the steps among the choices
	to      *place
}

func newSearch(s *space.Space, o Options) *search {
	c := o.Start.Cluster()
	x := &search{
		space:      s,
		options:    o,
		cluster:    c,
		properties: o.Properties,
		began:      time.Now(),
		width:      c.Width() + 2,
		words:      weightWords(s.Size()),

		symmetricFrom: never,
		occupied:      new(atomic.Int64),
		placeOf:       map[*space.Position]*place{},
		known:         map[flaw]bool{},
		tallies:       newTallies(weightWords(s.Size())),
	}
	if x.options.Workers <= 0 {
		x.options.Workers = goruntime.GOMAXPROCS(0)
	}
	x.limits = defaultLimits()
	x.mayForget = mayForget(s)
	x.monitors = newMonitors(c, x.properties, o.Start.Faulty(), x.mayForget)
	x.invariants = newInvariants(c, o.Invariants)
	x.all = 1<<x.judged() - 1
	x.choices = newChoices(s.Steps(), o.Start)
	x.effects = x.choices.newEffects()
	x.report = newReport("explore", s, o)
	x.report.Workers = x.options.Workers
	return x
}

// over reports whether nothing is left to judge in a scenario.
func (x *search) over(v *verdict) bool { return x.all != 0 && v.violated == x.all }

// never is the number of no layer.
const never = math.MaxInt

// symmetric reports whether the worlds of the layer under way are canonical.
func (x *search) symmetric() bool { return len(x.parents) > x.symmetricFrom }

func newReport(kind string, s *space.Space, o Options) *Report {
	judged := 0
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
	}
	r.Checked = o.names()
	add := func(p interface{ Name() string }) {
		if check.Beyond(p, o.Start.Cluster(), o.Start.Faulty()) {
			r.StartsBeyond = append(r.StartsBeyond, r.Checked[judged])
		}
		judged++
	}
	for _, p := range o.Properties {
		add(p)
	}
	for _, p := range o.Invariants {
		add(p)
	}
	return r
}

// mayForget returns the instances of identities that suffer amnesia in some
// scenario of the space.
func mayForget(s *space.Space) node.Set {
	var set node.Set
	for _, step := range s.Steps() {
		if runtime.Is[runtime.AmnesiaStep](step) {
			set |= step.Cluster().SameIdentity(step.Instances())
		}
	}
	return set
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

// placeBytes and groupBytes are about what a place takes and each way on from it,
// the position of the space included.
const (
	placeBytes = 512
	groupBytes = 96
)

// expand prepares a place to be gone on from. The error is that of ctx, or a
// [LimitError].
func (x *search) expand(ctx context.Context, at *place) error {
	if at.groups != nil || at.last {
		return nil
	}
	var groups []group
	steps := 0
	for _, g := range at.at.Groups() {
		if err := ctx.Err(); err != nil {
			return err
		}
		to := x.place(g.To)
		if !to.awaited {
			to.leaders, to.awaited = x.leaders(to), true
		}
		numbers := make([]uint32, len(g.Steps))
		steps += len(numbers)
		for i, s := range g.Steps {
			numbers[i] = x.choices.steps[s.String()]
		}
		groups = append(groups, group{steps: g.Steps, numbers: numbers, to: to})
	}
	if steps > x.limits.choices {
		return tooManyChoices(x.limits.choices)
	}
	at.groups = groups
	x.placeBytes.Add(placeBytes + int64(len(groups))*groupBytes + 4*int64(steps))
	return nil
}

// leaders returns what [runtime.Simulator.Expect] needs to know of steps to a place.
func (x *search) leaders(at *place) node.Set {
	var leaders node.Set
	if at.last || len(x.options.Invariants) > 0 {
		return 0
	}
	for _, g := range at.at.Groups() {
		for _, s := range g.Steps {
			if !runtime.Is[runtime.RoundStep](s) {
				return 0
			}
			leaders |= s.Instances()
		}
	}
	return leaders
}

// expect lets a simulator know what may follow steps to a place.
func (x *search) expect(sim *runtime.Simulator, to *place) {
	if to.last && len(x.options.Invariants) == 0 {
		sim.ExpectEnd()
	} else {
		sim.Expect(to.leaders)
	}
}

// startMonitor folds the path to the starting world. It is judged by who is
// faulty there.
func (x *search) startMonitor(ctx context.Context) (past uint32, err error) {
	if x.monitors.recalls, err = x.invariants.recalls(ctx); err != nil {
		return 0, err
	}
	x.past, err = x.monitors.past(ctx, x.options.Start.History())
	return x.past, err
}

func (x *search) run(ctx context.Context) (*Report, error) {
	layer, err := x.first(ctx)
	switch {
	case err != nil && ctx.Err() != nil:
		x.report.Stopped, layer = context.Cause(ctx), x.frontier(1)
	case err != nil:
		return nil, err
	}
	for x.report.Stopped == nil && layer.len() > 0 && !(x.options.First && len(x.known) > 0) {
		layer = x.cut(layer)
		next, err := x.layer(ctx, layer)
		if err != nil {
			return nil, x.firstError(ctx, layer, err)
		}
		if x.report.Stopped != nil {
			x.saveStopped(layer)
			break
		}
		parents, err := next.seal(ctx)
		if err != nil { // the whole layer was judged, and yet there is nothing to go on from
			x.report.Stopped, x.report.Partial = context.Cause(ctx), 1
			x.saveStopped(layer)
			break
		}
		if !x.symmetric() && next.len() >= manyRows {
			switch next, parents, err = x.useSymmetry(ctx, next, parents); {
			case err != nil && ctx.Err() != nil:
				x.ended = context.Cause(ctx)
			case err != nil:
				return nil, err
			}
		}
		x.parents = append(x.parents, parents)
		x.report.Depth++
		layer = next
		x.report.Stopped = x.ended
		if most := x.options.MaxWorlds; most > 0 && layer.len() > 0 && x.report.Worlds+layer.len() > most {
			x.report.Stopped = LimitError{What: fmt.Sprintf("going on would take more than %d worlds", most)}
		}
		x.save(layer)
	}
	if x.report.Stopped == nil && layer.len() > 0 {
		x.report.Stopped = ErrFirst
	}
	if x.options.Shard.Count > 1 && !x.isCut && x.options.Shard.Index > 0 {
		x.forgetCounts() // there was never enough to share
	}
	x.report.fingerprint, x.report.shard = x.fingerprint, x.options.Shard
	if x.symmetric() {
		x.report.Renamings = x.symmetry.Order()
		x.report.Sampled = x.options.Symmetry == Sampled
	}
	x.report.NoEffect = x.noEffect(ctx)
	x.sum()
	x.rests()
	x.report.dropEmpty()
	return x.report, nil
}

// firstError returns the error that a single worker meets first in a layer in
// which some worker met err, because it must not matter who was faster. Things
// that the workers saw before are fresh to the single one.
func (x *search) firstError(ctx context.Context, nodes *frontier, err error) error {
	if x.options.Workers == 1 {
		return err
	}
	x.options.Workers = 1
	if x.symmetry != nil {
		x.newEpoch()
	}
	if _, first := x.layer(ctx, nodes); first != nil {
		return first
	}
	return err // ctx ended before that
}

// first returns the layer to begin with: that of the starting world, or that of
// a checkpoint.
func (x *search) first(ctx context.Context) (*frontier, error) {
	x.saved = time.Now()
	if x.options.Symmetry == Always || x.options.Symmetry == Sampled {
		if err := x.seekSymmetry(ctx); err != nil {
			return nil, err
		}
		if x.symmetry != nil {
			x.symmetricFrom = 0
		}
	}
	if x.file != nil {
		c, err := x.file.read()
		switch {
		case x.options.Resume && err != nil:
			return nil, fmt.Errorf("resume: %w", err)
		case x.options.Resume && c != nil:
			return x.resume(ctx, c)
		case x.options.Resume:
			x.report.Anew = x.file.shown
		case err == nil && c != nil:
			// Hours of another search are not lost for want of a resume.
			if err := x.ours(c); err != nil {
				return nil, err
			}
		}
	}
	past, err := x.startMonitor(ctx)
	if err != nil {
		return nil, err
	}
	seen := x.monitors.verdict(past)
	first := x.place(x.space.Start())
	one := make(weight, x.words)
	one[0] = 1
	layer := x.frontier(1)
	if seen, err = x.judge(ctx, seen, x.options.Start.Vector()); err != nil {
		return nil, err
	}
	for f := range x.flaws(&verdict{}, seen) {
		x.found(ctx, f, 0, x.options.Start, one.big())
	}
	switch {
	case x.over(seen):
		x.tallies.add(first.index, violatesAll, seen, one)
	default:
		if first.at.Accepts() > 0 {
			x.tallies.add(first.index, reachesEnd, seen, one)
			if seen.clean() {
				x.passed(seen.progress, func() *runtime.World { return x.options.Start })
			}
		}
		if !first.last {
			layer.add(append(slices.Clone(x.options.Start.Vector()), seen.monitor, first.index), one, 0)
		}
	}
	parents, err := layer.seal(ctx)
	x.parents = append(x.parents, parents)
	return layer, err
}

// judge returns the verdict on a world with the given vector and past.
func (x *search) judge(ctx context.Context, past *verdict, vector runtime.Vector) (*verdict, error) {
	if len(x.options.Invariants) == 0 {
		return past, nil
	}
	violated, err := x.invariants.judge(ctx, vector, past.decided)
	if violated <<= len(x.properties); err != nil || violated&^past.violated == 0 {
		return past, err
	}
	after, err := x.monitors.breaks(past.monitor, violated)
	if err != nil {
		return nil, err
	}
	return x.monitors.verdict(after), nil
}

// layer expands each search node of a layer and returns the next one.
func (x *search) layer(ctx context.Context, nodes *frontier) (*frontier, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	for rank := range nodes.len() {
		node, _ := nodes.at(rank)
		if err := x.expand(ctx, x.places[node[x.width-1]]); err != nil {
			stop(err) // unless ctx has ended
			break
		}
	}
	workers := min(x.options.Workers, nodes.len())
	block := int64(max(1, min(blockNodes, nodes.len()/(4*workers))))
	shards := 1
	if workers > 1 {
		shards = 64
	}
	next := x.frontier(shards)
	var (
		group       sync.WaitGroup
		taken, done atomic.Int64
		team        = make([]*worker, workers)
		covered     *big.Int
	)
	began := time.Now()
	if x.options.Progress != nil {
		covered = x.covered()
	}
	for i := range team {
		group.Go(func() {
			// Made here, what workers write to lies apart in memory.
			w := x.newWorker(ctx)
			team[i] = w
			counted := 0
			for w.err == nil && ctx.Err() == nil {
				from := int(taken.Add(block) - block)
				if from >= nodes.len() {
					return
				}
				done.Add(int64(w.expandAll(ctx, nodes, from, min(from+int(block), nodes.len()), next)))
				if isLimit(w.err) {
					stop(w.err)
				}
				if x.options.MaxMemory > 0 && w.steps-counted >= countSteps {
					counted = w.steps
					x.memory(nodes, next)
				}
				if x.options.Progress != nil && i == 0 {
					x.reportProgress(nodes, next, Progress{
						Done: from, Covered: covered, Steps: w.steps * workers, Elapsed: time.Since(began),
					})
				}
			}
		})
	}
	group.Wait()
	occupied := x.memory(nodes, next)
	x.workerBytes.Store(0) // the workers of the next layer begin anew
	for _, w := range team {
		// What a property says because ctx is done is no error of its own.
		if w.err != nil && ctx.Err() == nil {
			return nil, w.err
		}
	}
	if x.report.Memory = max(x.report.Memory, occupied); x.options.MaxMemory > 0 && x.report.Memory > x.options.MaxMemory {
		stop(memoryLimit(x.options.MaxMemory))
	}
	if x.file != nil {
		x.complete = x.snapshot()
	}
	x.report.Worlds += int(done.Load())
	x.gather(ctx, team)
	switch {
	case int(done.Load()) < nodes.len():
		x.report.Stopped = context.Cause(ctx)
		x.report.Partial = x.expanded(team, nodes)
	case ctx.Err() != nil && !next.empty():
		x.ended = context.Cause(ctx) // between two layers
	}
	return next, nil
}

// expanded returns which share of the scenarios of the next length was judged.
func (x *search) expanded(team []*worker, nodes *frontier) float64 {
	all, done := make(weight, x.words), make(weight, x.words)
	for rank := range nodes.len() {
		_, w := nodes.at(rank)
		all.add(w)
	}
	for _, w := range team {
		done.add(w.expanded)
	}
	return share(done.big(), all.big())
}

// countSteps is after how many steps a worker counts memory, if that is limited.
const countSteps = 1 << 12

// memory counts the bytes of worlds and tables: the search nodes of the layer under way and
// of the next, the parent links of all search nodes, what the cluster has learnt, what is known
// of renamings, monitors and invariants, the places of the space, and what workers
// remember for themselves. It may be called concurrently.
func (x *search) memory(nodes, next *frontier) int {
	n := nodes.bytes() + next.bytes() + x.cluster.Learnt().Bytes + x.monitors.bytes() + x.invariants.bytes() +
		int(x.placeBytes.Load()+x.workerBytes.Load())
	for _, parents := range x.parents {
		n += 8 * cap(parents)
	}
	if x.symmetry != nil {
		n += x.symmetry.Bytes()
	}
	x.occupied.Store(int64(n))
	return n
}

// reportProgress reports progress; p is that in the layer under way.
func (x *search) reportProgress(nodes, next *frontier, p Progress) {
	if p.Done > 0 {
		p.Left = time.Duration(float64(p.Elapsed) * float64(nodes.len()-p.Done) / float64(p.Done))
	}
	p.Layer, p.Layers, p.Nodes, p.Size = len(x.parents), x.space.MaxLen(), nodes.len(), x.report.Size
	p.Worlds, p.Steps = x.report.Worlds+p.Done, x.report.Steps+p.Steps
	p.Bytes, p.Elapsed = x.memory(nodes, next), time.Since(x.began)
	x.options.Progress(p)
}
