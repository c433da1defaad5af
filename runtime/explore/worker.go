package explore

import (
	"context"
	"iter"
	"slices"

	"github.com/twinsh/twinsh/runtime"
)

// A finding is a scenario that ends in a violation, or passes: the rank of the
// search node before its last step, and its last choice.
type finding struct {
	from     parentLink
	progress bool
}

// A flaw is a property that is violated, by its place among those judged, or a
// kind of failure of the nodes' code.
type flaw struct {
	property int
	failure  string // "" if it is a property
}

// An evidence is the least choice by which a flaw shows in a layer, and how many
// prefixes it shows in for the first time.
type evidence struct {
	from  parentLink
	count weight
}

// A worker expands search nodes. What it counts is added up when the layer is done.
type worker struct {
	search   *search
	sim      *runtime.Simulator
	node     []uint32
	tallies  tallies
	effects  effects
	steps    int
	expanded weight             // of the search nodes that this worker expanded
	wrong    map[flaw]*evidence // what goes wrong in this layer for the first time in the search
	passing  []finding
	verdicts map[[2]uint32]*verdict // what this worker has seen of the monitors'
	last     [1 << 8]folded         // of these, by list of observations
	names    *canonicalizer
	renamer  *renamer
	bytes    int // of what it remembers, as counted last
	err      error
}

// A folded is the verdict after a monitor state and a list of observations.
type folded struct {
	key   [2]uint32
	after *verdict // nil if there is none
}

// pollSteps is after how many steps a worker asks whether it is to end. All that
// may take long beside steps (the code of nodes, properties) asks by itself.
const pollSteps = 16

func (x *search) newWorker(ctx context.Context) *worker {
	w := &worker{
		search: x, sim: x.cluster.NewSimulator(), node: make([]uint32, x.width), expanded: make(weight, x.words),
		tallies: newTallies(x.words), effects: x.choices.newEffects(), wrong: map[flaw]*evidence{}, verdicts: map[[2]uint32]*verdict{},
	}
	if x.symmetric() {
		w.names = x.newCanonicalizer()
		w.sim = x.cluster.NewSimulatorIn(x.epoch)
		w.renamer = x.newRenamer(ctx)
	}
	w.sim.SetContext(ctx)
	return w
}

// expandAll expands the search nodes from the first rank to before the last, until
// w.err says why not, and returns how many it expanded.
func (w *worker) expandAll(ctx context.Context, nodes *frontier, first, last int, next *frontier) (done int) {
	full := w.search.cluster.Full()
	for rank := first; rank < last; rank++ {
		if full.Err() != nil {
			w.err = context.Cause(full)
			break
		}
		if w.expand(ctx, nodes, rank, next); w.err != nil {
			break
		}
		done++
	}
	return done
}

// expand takes each step that is possible from a search node. If w.err is not nil
// afterwards, it says why the search node was left.
func (w *worker) expand(ctx context.Context, nodes *frontier, rank int, next *frontier) {
	if err := w.sim.Within(func() { w.takeAll(ctx, nodes, rank, next) }); err != nil {
		w.err = err
	}
}

// takeAll is expand that may be left amid a step.
func (w *worker) takeAll(ctx context.Context, nodes *frontier, rank int, next *frontier) {
	x := w.search
	node, weight := nodes.at(rank)
	width := x.width - 2
	at := x.places[node[width+1]]
	here := x.monitors.verdict(node[width])
	choice := 0
	ended := at.at.Accepts() > 0 // whether the scenario that ends here passed already
	for g := range at.groups {
		group := &at.groups[g]
		x.expect(w.sim, group.to)
		for s := range group.steps {
			from := parentLink(rank)<<32 | parentLink(choice)
			choice++
			if w.steps++; w.steps%pollSteps == 0 {
				if w.err = ctx.Err(); w.err != nil {
					return
				}
			}
			possible := w.sim.Take(w.node[:width], node[:width], group.steps[s])
			if filtered := w.sim.Filtered(); len(filtered) > 0 || !w.effects.knows(group.numbers[s], possible) {
				w.effects.note(x.choices, group.numbers[s], possible, filtered)
			}
			if w.renamer != nil {
				from, to := w.renamer.due(rank, choice, w.sim.Fresh())
				w.err = w.renamer.check(ctx, from, to, at, choice-1, node[:width], w.node[:width], w.sim.Seen(), possible)
				if w.err != nil {
					return
				}
			}
			if !possible {
				w.tallies.add(group.to.index, endsEarly, here, weight)
				if !ended && here.clean() {
					w.pass(from, here.progress)
					ended = true
				}
				continue
			}
			seen := w.after(ctx, here, group.steps[s], w.node[:width])
			if w.err != nil {
				return
			}
			if w.arrive(ctx, group.to, here, seen, weight, from, next); w.err != nil {
				return
			}
		}
	}
	w.expanded.add(weight)
	w.count()
}

// count adds what the worker remembers more than before to the memory of the search.
func (w *worker) count() {
	now := len(w.verdicts) * verdictBytes
	if w.names != nil {
		now += w.names.Bytes()
	}
	if now != w.bytes {
		w.search.workerBytes.Add(int64(now - w.bytes))
		w.bytes = now
	}
}

// verdictBytes is about what a map takes for each verdict.
const verdictBytes = 80

// after returns the verdict after the step that the worker's simulator took
// last, unless w.err says why there is none.
func (w *worker) after(ctx context.Context, v *verdict, step runtime.Step, to runtime.Vector) *verdict {
	if list := w.sim.Seen(); list != 0 {
		v = w.fold(ctx, v.monitor, list)
	}
	if runtime.Is[runtime.AmnesiaStep](step) && w.err == nil {
		v = w.verdict(w.search.monitors.forget(ctx, v.monitor, w.search.cluster.FaultyIn(to)))
	}
	return v
}

// fold asks the monitors, which all workers share, once for each pair.
func (w *worker) fold(ctx context.Context, mon, list uint32) *verdict {
	key := [2]uint32{mon, list}
	last := &w.last[list%uint32(len(w.last))]
	if last.after != nil && last.key == key {
		return last.after
	}
	v, ok := w.verdicts[key]
	if !ok {
		if w.names != nil && !w.names.NameFree(list) {
			w.err = asymmetry{why: "what is observed names servers or clients that are interchangeable"}
		}
		if v = w.verdict(w.search.monitors.fold(ctx, mon, list)); w.err == nil {
			w.verdicts[key] = v
		}
	}
	if w.err == nil {
		*last = folded{key, v}
	}
	return v
}

// verdict returns that of a tuple, if there is one.
func (w *worker) verdict(tuple uint32, err error) *verdict {
	if err != nil {
		w.err = err
		return nil
	}
	return w.search.monitors.verdict(tuple)
}

// arrive judges the world in w.node, before which the verdict was another, and
// adds it to the next layer.
func (w *worker) arrive(ctx context.Context, at *place, before, v *verdict, count weight, from parentLink, next *frontier) {
	x := w.search
	width := x.width - 2
	if v, w.err = x.judge(ctx, v, w.node[:width]); w.err != nil {
		return
	}
	if !v.clean() {
		w.note(before, v, count, from)
		if x.over(v) {
			w.tallies.add(at.index, violatesAll, v, count)
			return
		}
	}
	if at.at.Accepts() > 0 {
		w.tallies.add(at.index, reachesEnd, v, count)
		if v.clean() {
			w.pass(from, v.progress)
		}
	}
	if at.last {
		return
	}
	w.node[width], w.node[width+1] = v.monitor, at.index
	if w.names != nil {
		if _, w.err = w.names.canonical(w.node); w.err != nil {
			return
		}
	}
	if !next.add(w.node, count, from) {
		w.err = tooManyNodes(x.limits.nodes)
	}
}

// note keeps what went wrong in a step, unless the search knows a shorter
// scenario for it.
func (w *worker) note(before, after *verdict, count weight, from parentLink) {
	for f := range w.search.flaws(before, after) {
		if w.search.known[f] {
			continue
		}
		e := w.wrong[f]
		if e == nil {
			e = &evidence{from, make(weight, w.search.words)}
			w.wrong[f] = e
		}
		e.from = min(e.from, from)
		e.count.add(count)
	}
}

// flaws lists what shows in one verdict and not yet in one before.
func (x *search) flaws(before, after *verdict) iter.Seq[flaw] {
	return func(yield func(flaw) bool) {
		for i := range x.judged() {
			if (after.violated &^ before.violated).has(i) && !yield(flaw{property: i}) {
				return
			}
		}
		if before.failed == after.failed {
			return
		}
		known := x.monitors.failures(before.failed)
		for _, kind := range x.monitors.failures(after.failed) {
			if !slices.Contains(known, kind) && !yield(flaw{failure: kind}) {
				return
			}
		}
	}
}

// pass keeps the least few scenarios that pass, those with progress first.
func (w *worker) pass(from parentLink, progress bool) {
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
