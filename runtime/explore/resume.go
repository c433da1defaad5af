package explore

import (
	"context"
	"fmt"
	"math/big"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/explore/internal/judge"
)

// A resumption is the way back of a search to where a checkpoint was written.
//
// The file holds choices and counts, no world: those are found again by taking one step for
// each search node, from layer to layer, which is a fraction of the steps that the search took
// to find them, and which the code of nodes must answer as it did. So a file is not believed in
// what matters most. What it counts is checked as far as it can be: against the steps taken
// again, against a digest of the worlds of its last layer, and by a balance, in which each
// scenario of the space is either counted or still to come.
//
// Every refusal says what does not fit, and that the file can be removed: the search that
// refuses it leaves it as it is.
type resumption struct {
	*search
	from *checkpoint
}

// layer goes back and returns the layer to go on from. What was found before is in the report
// then, and what was counted in the search.
func (b *resumption) layer(ctx context.Context) (*frontier, error) {
	c, r := b.from, b.report
	r.Continued = &Continued{File: b.keeper.shown, Steps: len(c.parents) - 1, Of: b.space.MaxLen()}
	r.Checkpoint = b.keeper.shown
	if c.Asymmetry != "" && b.options.Symmetry != Never {
		return nil, asymmetry{why: c.Asymmetry, known: true}
	}
	if c.From != never {
		if err := b.seekSymmetry(ctx); err != nil {
			return nil, err
		}
	}
	switch {
	case c.From != never && b.symmetry == nil:
		return nil, b.misfit("it was written with symmetry, which this search does not have")
	case b.graph.canonicalFrom == 0 && c.From != 0:
		return nil, b.misfit("it was written without symmetry")
	case len(c.parents[0]) != 1 || c.parents[0][0] != 0:
		return nil, b.misfit("it begins with %d worlds", len(c.parents[0]))
	}
	b.graph.canonicalFrom = c.From
	seen, err := b.judge.Begin(ctx, b.options.Start)
	if err != nil {
		return nil, err
	}
	start := b.firstNode(seen.Past, b.graph.place(b.space.Start()))
	nodes, worlds, steps, err := b.layersAgain(ctx, start)
	if err != nil {
		return nil, err
	}
	layer, err := b.lastLayer(ctx, nodes)
	if err != nil {
		return nil, err
	}
	if p := c.Progress; p.Worlds != worlds || p.Steps != steps || p.Depth != len(c.parents)-1 {
		return nil, b.misfit("it speaks of %d worlds, %d steps and depth %d, and there are %d, %d and %d",
			p.Worlds, p.Steps, p.Depth, worlds, steps, len(c.parents)-1)
	}
	if err := b.restore(ctx); err != nil {
		return nil, err
	}
	r.Continued.There, b.keeper.layers = true, len(c.parents)
	return layer, b.balance(layer)
}

// layersAgain takes the steps again that led to the search nodes of a checkpoint, from the first
// search node on, and returns those of its last layer, and how many worlds were gone on from
// and steps taken: by the search that wrote it, which took every step from each of them, of those
// that are images of each other one, and not only the one that leads on. Two layers are in memory
// at a time.
func (b *resumption) layersAgain(ctx context.Context, first searchNode) (nodes []searchNode, worlds, steps int, err error) {
	c := b.from
	nodes = []searchNode{first}
	b.graph.parents = c.parents[:1]
	all, done := 0, 0
	for _, parents := range c.parents[1:] {
		all += len(parents)
	}
	for k := 1; k < len(c.parents); k++ {
		names := b.namesIn(k - 1)
		for _, node := range nodes {
			at := b.graph.places[node.place()]
			if err := b.graph.open(ctx, at); err != nil {
				return nil, 0, 0, err
			}
			ways, err := names.ways(node, at)
			if err != nil {
				return nil, 0, 0, err
			}
			worlds, steps = worlds+1, steps+ways
		}
		tell := func(taken int) {
			if b.options.Progress != nil {
				b.options.Progress(Progress{
					Back: true, Layer: len(c.parents) - 1, Layers: b.space.MaxLen(), Done: done + taken, Nodes: all,
					Size: b.report.Size, Bytes: int(b.bounds.occupied.Load()), Elapsed: time.Since(b.began),
				})
			}
		}
		if nodes, err = b.layerAgain(ctx, k, nodes, tell); err != nil {
			return nil, 0, 0, err
		}
		done += len(nodes)
		b.graph.parents = c.parents[:k+1]
	}
	return nodes, worlds, steps, nil
}

// namesIn returns what brought the search nodes of layer k to canonical form, nil if nothing did.
func (b *resumption) namesIn(k int) *canonicalizer {
	if k < b.from.From || b.symmetry == nil {
		return nil
	}
	return newCanonicalizer(b.symmetry)
}

// layerAgain returns the search nodes of layer k, to which the search nodes before it led. The error
// is that of the first search node that cannot be had, whichever worker comes to it: workers go on
// with the blocks that they took when one fails, and of all errors the first in order is returned.
func (b *resumption) layerAgain(ctx context.Context, k int, nodes []searchNode, tell func(taken int)) ([]searchNode, error) {
	parents := b.from.parents[k]
	next := make([]searchNode, len(parents))
	workers := max(1, min(b.options.Workers, len(parents)))
	block := int64(max(1, min(blockNodes, len(parents)/(4*workers))))
	errs := make([]error, len(parents)/int(block)+1) // of blocks
	var failed atomic.Bool
	var taken atomic.Int64
	var group sync.WaitGroup
	for i := range workers {
		group.Go(func() {
			w := newWorker(ctx, b.search)
			names := b.namesIn(k)
			for !failed.Load() {
				from := taken.Add(block) - block
				if from >= int64(len(parents)) {
					return
				}
				to := min(from+block, int64(len(parents)))
				if err := b.nodesAgain(ctx, w, k, nodes, parents[from:to], next[from:to], names); err != nil {
					errs[from/block] = err
					failed.Store(true)
					return
				}
				if i == 0 {
					tell(int(from))
				}
			}
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return next, nil
}

// nodesAgain puts the search nodes of layer k that some parent links lead to in next,
// canonical ones if there are names.
func (b *resumption) nodesAgain(ctx context.Context, w *worker, k int, nodes []searchNode, parents []parentLink, next []searchNode, names *canonicalizer) error {
	for i, from := range parents {
		if from>>32 >= uint64(len(nodes)) {
			return b.misfit("layer %d goes on from world %d of %d", k, from>>32, len(nodes))
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		node := nodes[from>>32]
		at := b.graph.places[node.place()]
		choice := int(uint32(from))
		if choice >= at.ways() {
			return b.misfit("it takes choice %d of %d", choice, at.ways())
		}
		step, to := at.choice(choice)
		next[i] = make(searchNode, b.graph.width)
		possible, err := w.again(ctx, node, next[i], step, to)
		if err != nil {
			return err
		}
		if !possible {
			return fmt.Errorf("checkpoint: %s cannot happen any more: %s", step, w.sim.Why())
		}
		if names != nil {
			if _, err := names.canonical(next[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// lastLayer returns the layer that the search goes on from: its nodes with their
// weights, as they were when the checkpoint was written. Two nodes of the file that are one
// now, or a world with another content, show that code does something else than it did.
func (b *resumption) lastLayer(ctx context.Context, nodes []searchNode) (*frontier, error) {
	c, words := b.from, b.graph.words
	if len(c.weights) != words*len(nodes) {
		return nil, b.misfit("it has %d words for the weights of %d worlds", len(c.weights), len(nodes))
	}
	layer := b.graph.frontier(1)
	digest := uint64(0)
	for i, node := range nodes {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		w := c.weights[i*words : (i+1)*words]
		if !layer.add(node, w, c.parents[len(c.parents)-1][i]) {
			return nil, tooManyNodes(b.graph.limits.nodes)
		}
		digest = digestNode(digest, b.cluster.Engine().Digest(node.vector()), w)
	}
	if _, err := layer.seal(ctx); err != nil {
		return nil, err
	}
	if layer.len() != len(nodes) || digest != c.Digest {
		return nil, fmt.Errorf("checkpoint: the code of the protocol does not do what it did when %s was written", b.keeper.shown)
	}
	return layer, nil
}

// restore puts back what was counted and found. Nothing is taken over that the search could
// not have written: numbers of places, choices and properties are within those that there are,
// and each flaw that some scenario is counted for has been found.
func (b *resumption) restore(ctx context.Context) error {
	p := b.from.Progress
	if n := 2 * int(outcomes) * b.graph.words; len(p.Tallies)%n != 0 || len(p.Tallies)/n > len(b.graph.places) {
		return b.misfit("it has %d tallies for %d places", len(p.Tallies), len(b.graph.places))
	}
	if !p.Effects.fits(b.effects) {
		return b.misfit("it has noted the effects of other choices")
	}
	if p.Progressing < 0 || p.Progressing > len(p.Passing) || len(p.Passing) > passingKept {
		return b.misfit("%d of %d passing scenarios made progress", p.Progressing, len(p.Passing))
	}
	b.tallies.counts, b.findings.progressing = p.Tallies, p.Progressing
	b.effects.add(p.Effects)
	r := b.report
	r.Worlds, r.Steps, r.Depth = p.Worlds, p.Steps, p.Depth
	b.judge.Restore(p.Tested, p.Decided)
	wrong, err := b.restoreMarred(p.Marred)
	if err != nil {
		return err
	}
	steps := map[string]runtime.Step{}
	for _, s := range b.space.Steps() {
		steps[s.String()] = s
	}
	for _, texts := range p.Passing {
		w, err := b.walkAgain(steps, texts)
		if err != nil {
			return err
		}
		r.Passing = append(r.Passing, w)
	}
	for _, f := range p.Found {
		if err := b.restoreFound(ctx, f, steps); err != nil {
			return err
		}
	}
	for f := range wrong {
		if !b.findings.known[f] {
			return b.misfit("something is wrong in scenarios that it counts, but it does not say how: %+v", f)
		}
	}
	return nil
}

// restoreMarred restores the counts of scenarios in which something is wrong, and
// returns what is.
func (b *resumption) restoreMarred(all []marred) (map[judge.Flaw]bool, error) {
	wrong := map[judge.Flaw]bool{}
	for _, m := range all {
		e := ending{m.Place, m.Outcome, m.Progress, m.Violated, b.judge.FailuresOf(m.Failed)}
		if int(m.Place) >= len(b.graph.places) || m.Outcome > violatesAll || m.Violated&^b.judge.All() != 0 || len(m.Count) != b.graph.words || b.tallies.marred[e] != nil {
			return nil, b.misfit("it counts scenarios that cannot be: %+v", m)
		}
		b.tallies.marred[e] = m.Count
		for f := range b.judge.Flaws(&judge.Verdict{}, &judge.Verdict{Violated: e.violated, Failed: e.failed}) {
			wrong[f] = true
		}
	}
	return wrong, nil
}

// walkAgain returns the world to which steps of the space lead from the start.
func (b *resumption) walkAgain(steps map[string]runtime.Step, texts []string) (*runtime.World, error) {
	w := b.options.Start
	for _, text := range texts {
		s, ok := steps[text]
		if !ok {
			return nil, b.misfit("the space has no step %s", text)
		}
		next, err := w.Do(s)
		if err != nil {
			return nil, b.misfit("%v", err)
		}
		w = next
	}
	return w, nil
}

// restoreFound restores one of the things that were found, by playing its counterexample
// again. Why it is one is asked anew, and not read from the file.
func (b *resumption) restoreFound(ctx context.Context, f foundBefore, steps map[string]runtime.Step) error {
	w, err := b.walkAgain(steps, f.Steps)
	if err != nil {
		return err
	}
	at := judge.Flaw{Property: f.Property, Failure: f.Failure}
	if b.findings.known[at] || f.Property < 0 || f.Failure == "" && f.Property >= b.judge.Count() || f.Length < 0 || f.Length > b.from.Progress.Depth ||
		len(f.Steps) != f.Length || len(f.Shortest) == 0 || len(f.Shortest) > 8*b.graph.words {
		return b.misfit("what it found does not fit: %+v", f)
	}
	b.findings.found(ctx, at, f.Length, w, new(big.Int).SetBytes(f.Shortest))
	return nil
}

// balance reports whether each scenario of the space is counted once: as judged,
// or as one that leads through a search node of the layer. The sum is that of a complete search,
// in exact numbers, so that no weight or tally of the file can be changed alone.
func (b *resumption) balance(layer *frontier) error {
	through := map[*place]weight{}
	for rank := range layer.len() {
		node, w := layer.at(rank)
		at := b.graph.places[node.place()]
		if at.last {
			return b.misfit("a scenario goes on from its end")
		}
		if through[at] == nil {
			through[at] = b.graph.weight()
		}
		through[at].add(w)
	}
	sum := b.tallies.covered(b.graph.places)
	for at, w := range through { // those that end at the place were counted when it was reached
		n := new(big.Int).Sub(at.at.Count(), big.NewInt(int64(at.at.Accepts())))
		sum.Add(sum, n.Mul(n, w.big()))
	}
	if sum.Cmp(b.report.Size) != 0 {
		return b.misfit("it counts %s scenarios, and there are %s", sum, b.report.Size)
	}
	return nil
}

// misfit returns an error about a checkpoint that is whole and yet wrong.
func (b *resumption) misfit(format string, args ...any) error {
	return fmt.Errorf("checkpoint: %s does not fit this search: %s; remove it to begin anew", b.keeper.shown, fmt.Sprintf(format, args...))
}
