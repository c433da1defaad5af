package explore

import (
	"cmp"
	"context"
	"math/big"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/explore/internal/judge"
	"github.com/twinsh/twinsh/runtime/internal/engine"
	"github.com/twinsh/twinsh/runtime/node"
)

// A witness takes steps and says what properties think of what it sees. Each goroutine
// needs its own.
//
// It has two caches before the judge's own, which all share under a lock: a table that is
// looked up by the list of observations alone, since most steps of a search node are seen
// with one past, and behind it a map. What a step makes observable is few things beside the
// worlds that it leads to, so that nearly every step is answered by the table.
type witness struct {
	sim      *engine.Simulator
	judge    *judge.Judge
	names    *canonicalizer               // nil if worlds are as they are; else no observation may name an instance
	verdicts map[[2]uint32]*judge.Verdict // what it has seen of the monitors'
	last     [1 << 8]folded               // of these, by list of observations
}

// A folded is the verdict after a monitor state and a list of observations.
type folded struct {
	key   [2]uint32
	after *judge.Verdict // nil if there is none
}

func newWitness(sim *engine.Simulator, j *judge.Judge) *witness {
	return &witness{sim: sim, judge: j, verdicts: map[[2]uint32]*judge.Verdict{}}
}

// after returns the verdict after the step that the simulator took last.
func (w *witness) after(ctx context.Context, v *judge.Verdict, step runtime.Step, to engine.Vector) (*judge.Verdict, error) {
	var err error
	if step.Engine().Forgets() != 0 { // a step is judged by who is faulty after it
		if v, err = w.judge.Forget(ctx, v, to); err != nil {
			return nil, err
		}
	}
	if list := w.sim.Seen(); list != 0 { // the list without observations, of most steps, changes no past
		if v, err = w.fold(ctx, v.Past, list); err != nil {
			return nil, err
		}
	}
	if w.judge.Recalls() {
		return w.judge.Restart(v, w.restarted(step))
	}
	return v, nil
}

// restarted returns the instances that restarted in the step that the simulator took last, and
// neither began nor ended an operation since: what they had begun may be lost. In a view a
// restart has steps before it and after it.
func (w *witness) restarted(step runtime.Step) (who node.Set) {
	for k, in := range step.InTurn() {
		if !runtime.Is[runtime.RestartStep](in) {
			continue
		}
		who |= in.Instances()
		for i, o := range w.sim.SeenSince(k) {
			if o.Kind == node.Invoked || o.Ends() {
				who &^= node.SetOf(i)
			}
		}
	}
	return who
}

// fold asks the monitors, which all workers share, once for each pair.
func (w *witness) fold(ctx context.Context, mon, list uint32) (*judge.Verdict, error) {
	key := [2]uint32{mon, list}
	last := &w.last[list%uint32(len(w.last))]
	if last.after != nil && last.key == key {
		return last.after, nil
	}
	v, ok := w.verdicts[key]
	if !ok {
		if w.names != nil && !w.names.NameFree(list) {
			return nil, asymmetry{why: "what is observed names servers or clients that are interchangeable"}
		}
		var err error
		if v, err = w.judge.Fold(ctx, mon, list); err != nil {
			return nil, err
		}
		w.verdicts[key] = v
	}
	*last = folded{key, v}
	return v, nil
}

// again takes a step from one search node to another, as a search did before: on the way back
// to a checkpoint, and along a counterexample. It does to the node what takeAll and arrive do,
// and counts nothing. It reports whether the step is possible.
func (w *witness) again(ctx context.Context, from, to searchNode, step runtime.Step, at *place) (possible bool, err error) {
	w.sim.Expect(at.leaders)
	if !w.sim.Take(to.vector(), from.vector(), step.Engine()) {
		return false, w.sim.Err()
	}
	v, err := w.after(ctx, w.judge.Verdict(from.past()), step, to.vector())
	if err != nil {
		return true, err
	}
	// What was violated on the way counts for what comes after it.
	if v, err = w.judge.World(ctx, v, from.vector(), to.vector()); err != nil {
		return true, err
	}
	to.setPast(v.Past)
	to.setPlace(at.index)
	return true, nil
}

// verdictBytes is about what a map takes for each verdict.
const verdictBytes = 80

// bytes returns about how much memory the witness occupies.
func (w *witness) bytes() int {
	n := len(w.verdicts) * verdictBytes
	if w.names != nil {
		n += w.names.Bytes()
	}
	return n
}

// A worker expands search nodes. What it counts is added up when the layer is done: until
// then it shares nothing with other workers but the next frontier and what the judge and the
// cluster remember. It allocates for what is new and for nothing else, so that a search that
// only takes steps from memory leaves the garbage collector nothing to do.
type worker struct {
	*witness
	search   *search
	renamer  *renamer   // nil if worlds are as they are
	node     searchNode // where a step leads; one for all steps, which is copied
	recent   recent
	tallies  tallies
	effects  effects
	steps    int
	scaled   weight                   // of the choices that one stands for
	expanded weight                   // of the search nodes that this worker expanded
	wrong    map[judge.Flaw]*evidence // what goes wrong in this layer for the first time in the search
	passing  []passed
	counted  int // bytes that it remembers, as counted last
	err      error
}

// An evidence is the least choice by which a flaw shows in a layer, and how many
// prefixes it shows in for the first time.
type evidence struct {
	from  parentLink
	count weight
}

// A passed is a scenario that violates nothing: the rank of the search node before its last
// step, and its last choice. It is a number and no world until it is known to be shown.
type passed struct {
	from     parentLink
	progress bool
}

// pollSteps is after how many steps a worker asks whether it is to end. All that
// may take long beside steps (the code of nodes, properties) asks by itself. To ask takes a
// lock in some contexts, which is too much for every step.
const pollSteps = 16

func newWorker(ctx context.Context, x *search) *worker {
	g := x.graph
	w := &worker{
		search: x, node: make(searchNode, g.width), expanded: g.weight(), scaled: g.weight(),
		tallies: newTallies(g.words), effects: g.choices.none(), wrong: map[judge.Flaw]*evidence{},
	}
	if g.canonical() {
		w.witness = newWitness(x.symmetry.simulator(), x.judge)
		w.names = newCanonicalizer(x.symmetry)
		w.renamer = newRenamer(ctx, x.symmetry, len(g.parents)-1)
	} else {
		w.witness = newWitness(engine.NewSimulator(x.cluster.Engine()), x.judge)
	}
	w.sim.SetContext(ctx)
	return w
}

// expandAll expands the search nodes from the first rank to before the last, until
// w.err says why not, and returns how many it expanded.
func (w *worker) expandAll(ctx context.Context, nodes *frontier, first, last int, next *frontier) (done int) {
	full := w.search.cluster.Engine().Full()
	for rank := first; rank < last; rank++ {
		if full.Err() != nil {
			w.err = context.Cause(full)
			break
		}
		if w.err = w.expand(ctx, nodes, rank, next); w.err != nil {
			break
		}
		done++
	}
	return done
}

// expand takes each step that is possible from a search node. The error says why the
// search node was left: what was judged until then counts as covered, the node does not count
// as expanded, and a search that resumes goes through it again, from counts without it. Where
// code of a node meets the end of the context, which has no error to return, the simulator is
// left by a panic; that is caught once for a search node and not for each step.
func (w *worker) expand(ctx context.Context, nodes *frontier, rank int, next *frontier) error {
	var err error
	if left := w.sim.Within(func() { err = w.takeAll(ctx, nodes, rank, next) }); left != nil {
		return left
	}
	return err
}

// takeAll is expand that may be left amid a step. Choices are numbered in the order of the
// space whether or not they are possible, so that a parent link names a step without looking
// at worlds.
func (w *worker) takeAll(ctx context.Context, nodes *frontier, rank int, next *frontier) error {
	node, weight := nodes.at(rank)
	src, dst := node.vector(), w.node.vector()
	at := w.search.graph.places[node.place()]
	here := w.judge.Verdict(node.past())
	choice := 0
	ended := at.final // whether the scenario that ends here passed already
	stands, err := w.names.orbits(node, at)
	if err != nil {
		return asymmetry{why: err.Error()}
	}
	// Steps that lead to one place stand together, so that the simulator learns once for
	// each edge what may come next.
	for g := range at.edges {
		edge := &at.edges[g]
		edge.to.expected(w.sim)
		for s, step := range edge.steps {
			from, count := parentLink(rank)<<32|parentLink(choice), weight
			choice++
			if stands != nil {
				n := stands[choice-1]
				if n == 0 {
					continue
				}
				count = w.scaled.times(weight, uint64(n))
			}
			if w.steps++; w.steps%pollSteps == 0 {
				if err := ctx.Err(); err != nil {
					return err
				}
			}
			possible := w.sim.Take(dst, src, step.Engine())
			// Asking first is cheap, and after the first few nodes there is nothing to note.
			if filtered := w.sim.Filtered(); len(filtered) > 0 || !w.effects.knows(edge.numbers[s], possible) {
				w.effects.note(edge.numbers[s], possible, filtered)
			}
			if w.renamer != nil {
				from, to := w.renamer.due(rank, choice, w.sim.Fresh())
				if err := w.renamer.check(ctx, from, to, at, choice-1, src, dst, w.sim.Seen(), possible); err != nil {
					return err
				}
			}
			if !possible { // the scenarios that choose it end here, and count for all that they go on with
				w.tallies.add(edge.to.index, endsEarly, here, count)
				if !ended && here.Clean() {
					w.pass(from, here.Progress)
					ended = true
				}
				continue
			}
			seen, err := w.after(ctx, here, step, dst)
			if err != nil {
				return err
			}
			if err := w.arrive(ctx, edge.to, src, here, seen, count, from, next); err != nil {
				return err
			}
		}
	}
	w.expanded.add(weight)
	w.count()
	return nil
}

// count adds what the worker remembers more than before to the memory of the search, once
// for each search node.
func (w *worker) count() {
	if now := w.bytes() + w.recent.bytes(); now != w.counted {
		w.search.bounds.workers.Add(int64(now - w.counted))
		w.counted = now
	}
}

// arrive judges the world in w.node, before which the vector and the verdict were others, and
// adds it to the next layer. A scenario is gone on with though it violates a property, as
// long as another is left to judge: what is said of one must not depend on the others.
func (w *worker) arrive(ctx context.Context, at *place, src engine.Vector, before, v *judge.Verdict, count weight, from parentLink, next *frontier) error {
	v, err := w.judge.World(ctx, v, src, w.node.vector())
	if err != nil {
		return err
	}
	if !v.Clean() {
		w.note(before, v, count, from)
		if w.judge.Over(v) {
			w.tallies.add(at.index, violatesAll, v, count)
			return nil
		}
	}
	if at.final {
		end, err := w.judge.End(ctx, v, w.node.vector())
		if err != nil {
			return err
		}
		if end != v {
			w.note(v, end, count, from)
		}
		w.tallies.add(at.index, reachesEnd, end, count)
		if end.Clean() {
			w.pass(from, end.Progress)
		}
	}
	if at.last {
		return nil
	}
	w.node.setPast(v.Past)
	w.node.setPlace(at.index)
	place := w.recent.placeOf(w.node)
	if w.recent.merge(place, w.node, count, from) {
		return nil
	}
	err = w.join(place, next)
	w.recent.put(place, w.node, count, from)
	return err
}

// join lets the search node at a place among the recent ones, if there is one, join the next
// layer. It was judged first and is made canonical then: invariants and observations are those
// of the scenario.
func (w *worker) join(place int, next *frontier) error {
	if w.recent.parents[place] == free {
		return nil
	}
	node, count := w.recent.at(place)
	if w.names != nil {
		if _, err := w.names.canonical(node); err != nil {
			return err
		}
	}
	if !next.add(node, count, w.recent.parents[place]) {
		return tooManyNodes(w.search.graph.limits.nodes)
	}
	return nil
}

// joinAll lets all recent search nodes join the next layer, which lacks some of them if there
// is an error.
func (w *worker) joinAll(next *frontier) error {
	var err error
	left := w.sim.Within(func() { // names of states may be more than can be numbered
		for place := range w.recent.parents {
			if err = w.join(place, next); err != nil {
				break
			}
		}
	})
	return cmp.Or(left, err)
}

// note keeps what went wrong in a step, unless the search knows a shorter
// scenario for it. Of those of this layer the least parent link stays, which is the one that
// a single worker would meet first.
func (w *worker) note(before, after *judge.Verdict, count weight, from parentLink) {
	for f := range w.judge.Flaws(before, after) {
		if w.search.findings.known[f] {
			continue
		}
		e := w.wrong[f]
		if e == nil {
			e = &evidence{from, w.search.graph.weight()}
			w.wrong[f] = e
		}
		e.from = min(e.from, from)
		e.count.add(count)
	}
}

// pass keeps the least few scenarios that pass, those with progress first. Each worker
// keeps as many as are shown, so that the least of all are among them.
func (w *worker) pass(from parentLink, progress bool) {
	f := passed{from, progress}
	if len(w.passing) == passingKept && !f.before(w.passing[passingKept-1]) {
		return
	}
	w.passing = append(w.passing, f)
	slices.SortFunc(w.passing, passed.compare)
	w.passing = w.passing[:min(passingKept, len(w.passing))]
}

func (f passed) before(g passed) bool { return f.compare(g) < 0 }

func (f passed) compare(g passed) int {
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

// A crew is the workers of one layer, and how far they have come.
type crew struct {
	search      *search
	nodes, next *frontier
	team        []*worker
	block       int          // search nodes that a worker takes at a time
	taken, done atomic.Int64 // search nodes
	stop        context.CancelCauseFunc
	began       time.Time
	covered     *big.Int // scenarios in the layers before, nil if progress is not shown
}

// blockNodes is how many search nodes a worker takes at a time; fewer of a small layer, so
// that all workers have some. A block is some milliseconds of work where steps are taken from
// memory, so that the counter that deals blocks out is no place where workers meet.
const blockNodes = 256

// countSteps is after how many steps a worker counts memory, if that is limited.
const countSteps = 1 << 12

// newCrew returns at most so many workers for a layer, who can stop all of it.
func newCrew(x *search, nodes *frontier, workers int, stop context.CancelCauseFunc) *crew {
	workers = min(workers, nodes.len())
	shards := 1 // of one worker nothing waits
	if workers > 1 {
		shards = 64
	}
	c := &crew{
		search: x, nodes: nodes, next: x.graph.frontier(shards), team: make([]*worker, workers), stop: stop, began: time.Now(),
		// A quarter of a fair share at a time evens out that nodes differ in what they cost.
		block: max(1, min(blockNodes, nodes.len()/(4*workers))),
	}
	if x.options.Progress != nil {
		c.covered = x.tallies.covered(x.graph.places)
	}
	return c
}

// work expands the layer, until that is done or ctx ends, and returns how many search nodes
// were expanded as a whole.
func (c *crew) work(ctx context.Context) (done int) {
	var group sync.WaitGroup
	for i := range c.team {
		group.Go(func() { c.one(ctx, i) })
	}
	group.Wait()
	return int(c.done.Load())
}

// one is what each worker does: it takes blocks of search nodes as long as there are some.
// The first shows progress, which stands for that of all.
func (c *crew) one(ctx context.Context, i int) {
	w := newWorker(ctx, c.search) // made here, what workers write to lies apart in memory
	w.recent = newRecent(c.search.graph, c.nodes.len())
	c.team[i] = w
	counted := 0
	o := c.search.options
	for w.err == nil && ctx.Err() == nil {
		first := int(c.taken.Add(int64(c.block))) - c.block
		if first >= c.nodes.len() {
			break
		}
		c.done.Add(int64(w.expandAll(ctx, c.nodes, first, min(first+c.block, c.nodes.len()), c.next)))
		if o.MaxMemory > 0 && w.steps-counted >= countSteps {
			counted = w.steps
			c.search.memory(c.nodes, c.next)
		}
		if o.Progress != nil && i == 0 {
			c.search.reportProgress(c.nodes, c.next, Progress{
				Done: first, Covered: c.covered, Steps: w.steps * len(c.team), Elapsed: time.Since(c.began),
			})
		}
	}
	if w.err == nil { // also if ctx has ended: all search nodes may be expanded
		w.err = w.joinAll(c.next)
	}
	if isLimit(w.err) {
		c.stop(w.err)
	}
}
