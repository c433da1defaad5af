package explore

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/explore/internal/judge"
	"github.com/twinsh/twinsh/runtime/space"
)

// A search covers a space layer by layer, breadth first: the search nodes that scenarios
// of n steps lead to are all there before one of n+1 steps is looked at. That is what makes
// the first violation one of minimal length, and it is what lets nodes be merged with exact
// weights: when a layer is gone on from, nothing can be added to a weight any more. Only two
// layers are in memory at a time, and of those before them the parent links, 8 bytes a node,
// as model checkers keep the predecessor of each state to print a trace (Yu, Manolios and
// Lamport, "Model Checking TLA+ Specifications", CHARME 1999).
//
// Workers share a layer and wait for each other at its end. What they do in between has no
// order, so all that is reported is a sum, a minimum, or a set; see [frontier].
type search struct {
	*inquiry
	graph    *graph
	tallies  tallies
	effects  effects
	symmetry *symmetry // nil: worlds that differ by names are different
	sought   bool      // whether there is a symmetry is known
	// asymmetry is why a search that began with symmetry began anew as this one.
	asymmetry string
	keeper    *keeper // of checkpoints, nil if there are none
	isCut     bool    // only the search nodes of this shard are left
}

// never is the number of no layer.
const never = math.MaxInt

func newSearch(s *space.Space, o Options) *search {
	g := newGraph(s, o)
	x := &search{inquiry: newInquiry("explore", s, o), graph: g, tallies: newTallies(g.words), effects: g.choices.none()}
	x.report.fingerprint = sync.OnceValue(func() Fingerprint { return o.fingerprint(s) })
	x.report.Shard = o.Shard
	return x
}

// anew returns a search that does without symmetry what x began with it, in the time
// and the memory that are left. Nothing that x found is taken over: worlds may have been
// merged that are not one. What the cluster has learnt stays, so that no code runs twice.
func (x *search) anew(o Options, why asymmetry) *search {
	o.Symmetry = Never
	o.Resume = o.Resume && why.known // a checkpoint written with symmetry is of no use
	y := newSearch(x.space, o)
	y.began, y.bounds, y.asymmetry = x.began, x.bounds, why.why
	y.report.fingerprint = x.report.fingerprint // which has the mode that was asked for
	if x.keeper != nil {
		y.keeper = &keeper{checkpointFile: x.keeper.checkpointFile}
	}
	return y
}

// runAnew covers the space without symmetry, and says in the report why.
func (x *search) runAnew(ctx context.Context, o Options, why asymmetry) (*Report, error) {
	r, err := x.anew(o, why).run(ctx)
	if err != nil {
		return nil, err
	}
	r.Asymmetry, r.Asked = why.why, o.Symmetry != Auto
	switch was := x.report.Continued; {
	case r.Continued != nil:
	case was != nil:
		r.Anew = fmt.Sprintf("after step %d, to which %s led, symmetry could not be used: %s", was.Steps, was.File, why.why)
	default:
		r.Anew = x.report.Anew
	}
	return r, nil
}

// run covers the space, as far as bounds and options let it. Whatever ends it early, what
// was judged until then is in the report: an error is returned only for a mistake, of a
// property or of the protocol's promise of symmetry.
func (x *search) run(ctx context.Context) (*Report, error) {
	layer, err := x.first(ctx)
	switch {
	case err != nil && ctx.Err() != nil: // it was stopped before it began: nothing is judged
		x.report.Stopped, x.report.Unbegun, layer = context.Cause(ctx), true, x.graph.frontier(1)
	case err != nil:
		return nil, err
	}
	for x.report.Stopped == nil && layer.len() > 0 && !(x.options.First && len(x.findings.known) > 0) {
		layer = x.cut(layer)
		next, ended, err := x.layer(ctx, layer, x.options.Workers)
		if err != nil {
			return nil, x.firstError(ctx, layer, err)
		}
		if x.report.Stopped != nil { // amid the layer: next has a part of the nodes that belong there
			x.saveStopped(layer)
			break
		}
		// From here on the next layer is complete: its weights are final, and it is ranked.
		parents, err := next.seal(ctx)
		if err != nil { // the whole layer was judged, and yet there is nothing to go on from
			x.report.Stopped, x.report.Partial = context.Cause(ctx), 1
			x.saveStopped(layer)
			break
		}
		// Once worlds are merged the layers after it are made of canonical ones by the workers.
		if !x.graph.canonical() && next.len() >= manyNodes {
			switch next, parents, err = x.merge(ctx, next, parents); {
			case err != nil && ctx.Err() != nil:
				ended = context.Cause(ctx)
			case err != nil:
				return nil, err
			}
		}
		x.graph.parents = append(x.graph.parents, parents)
		x.report.Depth++
		layer = next
		x.report.Stopped = ended
		if most := x.options.MaxWorlds; most > 0 && layer.len() > 0 && x.report.Worlds+layer.len() > most {
			x.report.Stopped = LimitError{What: fmt.Sprintf("going on would take more than %d worlds", most)}
		}
		x.save(layer)
	}
	if x.report.Stopped == nil && layer.len() > 0 {
		x.report.Stopped = ErrFirst
	}
	x.conclude(ctx)
	return x.report, nil
}

// conclude completes the report. What is counted by place becomes numbers of scenarios only
// here: until then a count is of prefixes, in machine words, and the space knows for how many
// scenarios each stands.
func (x *search) conclude(ctx context.Context) {
	r := x.report
	if x.options.Shard.Count > 1 && !x.isCut && x.options.Shard.Index > 0 {
		x.forget() // there was never enough to share
	}
	if x.graph.canonical() {
		r.Renamings = x.symmetry.Order()
		r.Sampled = x.symmetry.sampled
	}
	if r.Stopped == nil && (!x.graph.canonical() || x.effects.spread(ctx, x.space.Steps(), x.symmetry) == nil) {
		r.NoEffect = x.effects.missing(x.tallies.left(x.graph.places), func(step uint32) string { return x.graph.refused(ctx, step) })
	}
	x.findings.sum(&x.tallies, x.graph.places)
	x.findings.rest(x.options.Properties)
	r.Runs = x.cluster.Engine().Learnt().Runs
	r.Elapsed = time.Since(x.began)
	x.findings.dropEmpty()
}

// firstError returns the error that a single worker meets first in a layer in
// which some worker met err, because it must not matter who was faster. Things
// that the workers saw before are fresh to the single one. It costs at most the layer
// once more, and only a search that fails pays it.
func (x *search) firstError(ctx context.Context, nodes *frontier, err error) error {
	if x.options.Workers == 1 {
		return err
	}
	if x.symmetry != nil {
		x.symmetry.renew()
	}
	if _, _, first := x.layer(ctx, nodes, 1); first != nil {
		return first
	}
	return err // ctx ended before that
}

// first returns the layer to begin with: that of the starting world, or that of
// a checkpoint.
func (x *search) first(ctx context.Context) (*frontier, error) {
	// The budget is for what is new: finding the way back takes none of it.
	running := x.bounds.clock.pause()
	c, err := x.kept()
	if c == nil {
		running()
	}
	defer running()
	if err != nil {
		return nil, err
	}
	if x.options.Symmetry == Always || x.options.Symmetry == Sampled {
		if err := x.seekSymmetry(ctx); err != nil {
			return nil, err
		}
		if x.symmetry != nil {
			x.graph.canonicalFrom = 0
		}
	}
	if c != nil {
		return (&resumption{x, c}).layer(ctx)
	}
	seen, err := x.judge.Begin(ctx, x.options.Start)
	if err != nil {
		return nil, err
	}
	start := x.graph.place(x.space.Start())
	one := x.graph.weight()
	one[0] = 1
	layer := x.graph.frontier(1)
	end := seen
	if start.final && !x.judge.Over(seen) {
		if end, err = x.judge.End(ctx, seen, x.options.Start.Vector()); err != nil {
			return nil, err
		}
	}
	for f := range x.judge.Flaws(&judge.Verdict{}, end) {
		x.findings.found(ctx, f, 0, x.options.Start, one.big())
	}
	switch {
	case x.judge.Over(seen):
		x.tallies.add(start.index, violatesAll, seen, one)
	default:
		if start.final {
			x.tallies.add(start.index, reachesEnd, end, one)
			if end.Clean() {
				x.findings.passed(end.Progress, func() *runtime.World { return x.options.Start })
			}
		}
		if !start.last {
			layer.add(x.firstNode(seen.Past, start), one, 0)
		}
	}
	parents, err := layer.seal(ctx)
	x.graph.parents = append(x.graph.parents, parents)
	return layer, err
}

// firstNode returns the search node that the search begins with. If worlds are canonical it is, too:
// no renaming changes it.
func (x *search) firstNode(past uint32, at *place) searchNode {
	node := newSearchNode(x.options.Start.Vector(), past, at.index)
	if x.graph.canonicalFrom == 0 {
		node.setFixed()
	}
	return node
}

// layer expands each search node of a layer and returns the next one. If that is
// complete and the search is to end with it, ended says why.
func (x *search) layer(ctx context.Context, nodes *frontier, workers int) (next *frontier, ended, err error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	for rank := range nodes.len() {
		node, _ := nodes.at(rank)
		if err := x.graph.open(ctx, x.graph.places[node.place()]); err != nil {
			stop(err) // unless ctx has ended
			break
		}
	}
	c := newCrew(x, nodes, workers, stop)
	done := c.work(ctx)
	occupied := x.memory(nodes, c.next)
	x.bounds.workers.Store(0) // the workers of the next layer begin anew
	for _, w := range c.team {
		// What a property says because ctx is done is no error of its own.
		if w.err != nil && ctx.Err() == nil {
			return nil, nil, w.err
		}
	}
	if x.report.Memory = max(x.report.Memory, occupied); x.options.MaxMemory > 0 && x.report.Memory > x.options.MaxMemory {
		stop(memoryLimit(x.options.MaxMemory))
	}
	if x.keeper != nil { // before what workers found of this layer, perhaps a part of it, is added
		x.keeper.complete = x.snapshot()
	}
	x.report.Worlds += done
	x.gather(ctx, c.team)
	switch {
	case done < nodes.len() || slices.ContainsFunc(c.team, func(w *worker) bool { return w.err != nil }):
		x.report.Stopped = context.Cause(ctx)
		x.report.Partial = x.expanded(c.team, nodes)
	case ctx.Err() != nil && !c.next.empty():
		ended = context.Cause(ctx) // between two layers
	}
	return c.next, ended, nil
}

// gather adds up what the workers counted and found in a layer. Workers are gone through in
// an order that means nothing, and nothing here depends on it.
func (x *search) gather(ctx context.Context, team []*worker) {
	for _, w := range team {
		x.report.Steps += w.steps
		x.effects.add(w.effects)
		x.tallies.gather(&w.tallies)
	}
	x.findings.gather(ctx, team, len(x.graph.parents), func(from parentLink) *runtime.World { return x.replay(ctx, from) })
}

// replay walks from the start to where a parent link of the layer under way leads.
func (x *search) replay(ctx context.Context, from parentLink) *runtime.World {
	var names *canonicalizer
	if x.symmetry != nil {
		names = newCanonicalizer(x.symmetry)
	}
	return x.graph.replay(ctx, x.judge, names, from)
}

// expanded returns which share of the scenarios of the next length was judged: by weight,
// because some search nodes stand for billions of scenarios and others for one. It is never 1
// if something is left.
func (x *search) expanded(team []*worker, nodes *frontier) float64 {
	all, done := x.graph.weight(), x.graph.weight()
	for rank := range nodes.len() {
		_, w := nodes.at(rank)
		all.add(w)
	}
	for _, w := range team {
		done.add(w.expanded)
	}
	if part := share(done.big(), all.big()); part < 1 || done.big().Cmp(all.big()) == 0 {
		return part
	}
	return math.Nextafter(1, 0)
}

// memory counts the bytes of what the search keeps, by what each part knows of itself, since
// Go does not say to whom a byte of the heap belongs: the search nodes of the layer under way and
// of the next, the parent links of all search nodes, what the cluster has learnt, what is known
// of renamings, monitors and invariants, the places of the space, and what workers
// remember for themselves. It may be called concurrently.
func (x *search) memory(nodes, next *frontier) int {
	n := nodes.bytes() + next.bytes() + x.graph.memory() + x.cluster.Engine().Learnt().Bytes + x.judge.Bytes() + int(x.bounds.workers.Load())
	if x.symmetry != nil {
		n += x.symmetry.bytes()
	}
	x.bounds.occupied.Store(int64(n))
	return n
}

// reportProgress reports progress; p is that in the layer under way. It is called by one
// worker at the end of a block, never between, so that watching a search costs it nothing.
func (x *search) reportProgress(nodes, next *frontier, p Progress) {
	if p.Done > 0 {
		p.Left = time.Duration(float64(p.Elapsed) * float64(nodes.len()-p.Done) / float64(p.Done))
	}
	p.Layer, p.Layers, p.Nodes, p.Size = len(x.graph.parents), x.space.MaxLen(), nodes.len(), x.report.Size
	p.Worlds, p.Steps = x.report.Worlds+p.Done, x.report.Steps+p.Steps
	p.Bytes, p.Elapsed = x.memory(nodes, next), time.Since(x.began)
	x.options.Progress(p)
}
