package explore

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// resume goes back to where a checkpoint was written and returns the layer to
// go on from.
//
// The budget is for what is new: the way back takes none of it.
func (x *search) resume(ctx context.Context, c *checkpoint) (*frontier, error) {
	if err := x.ours(c); err != nil {
		return nil, err
	}
	defer x.clock.pause()()
	x.report.Continued = &Continued{File: x.file.shown, Steps: len(c.parents) - 1, Of: x.space.MaxLen()}
	x.report.Checkpoint = x.file.shown
	if c.Asymmetry != "" && x.options.Symmetry != Never {
		return nil, asymmetry{why: c.Asymmetry, known: true}
	}
	if c.From != never {
		if err := x.seekSymmetry(ctx); err != nil {
			return nil, err
		}
	}
	switch {
	case c.From != never && x.symmetry == nil:
		return nil, x.misfit("it was written with symmetry, which this search does not have")
	case x.symmetricFrom == 0 && c.From != 0:
		return nil, x.misfit("it was written without symmetry")
	case len(c.parents[0]) != 1 || c.parents[0][0] != 0:
		return nil, x.misfit("it begins with %d worlds", len(c.parents[0]))
	}
	x.symmetricFrom = c.From
	past, err := x.startMonitor(ctx)
	if err != nil {
		return nil, err
	}
	seen, err := x.judge(ctx, x.monitors.verdict(past), x.options.Start.Vector())
	if err != nil {
		return nil, err
	}
	node := append(slices.Clone(x.options.Start.Vector()), seen.monitor, x.place(x.space.Start()).index)
	nodes, worlds, steps, err := x.layersAgain(ctx, c, node)
	if err != nil {
		return nil, err
	}
	layer, err := x.lastLayer(ctx, c, nodes)
	if err != nil {
		return nil, err
	}
	if c.Progress.Worlds != worlds || c.Progress.Steps != steps || c.Progress.Depth != len(c.parents)-1 {
		return nil, x.misfit("it speaks of %d worlds, %d steps and depth %d, and there are %d, %d and %d",
			c.Progress.Worlds, c.Progress.Steps, c.Progress.Depth, worlds, steps, len(c.parents)-1)
	}
	if err := x.restore(ctx, c.Progress); err != nil {
		return nil, err
	}
	x.report.Continued.There, x.kept = true, len(c.parents)
	return layer, x.balance(layer)
}

// lastLayer returns the layer that the search goes on from: its nodes with their
// weights, as they were when the checkpoint was written.
func (x *search) lastLayer(ctx context.Context, c *checkpoint, nodes [][]uint32) (*frontier, error) {
	if len(c.weights) != x.words*len(nodes) {
		return nil, x.misfit("it has %d words for the weights of %d worlds", len(c.weights), len(nodes))
	}
	layer := x.frontier(1)
	digest := uint64(0)
	for i, r := range nodes {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		w := c.weights[i*x.words : (i+1)*x.words]
		if !layer.add(r, w, c.parents[len(c.parents)-1][i]) {
			return nil, tooManyNodes(x.limits.nodes)
		}
		digest = digestNode(digest, x.cluster.Digest(r[:x.width-2]), w)
	}
	if _, err := layer.seal(ctx); err != nil {
		return nil, err
	}
	if layer.len() != len(nodes) || digest != c.Digest {
		return nil, fmt.Errorf("checkpoint: the code of the protocol does not do what it did when %s was written", x.file.shown)
	}
	return layer, nil
}

// layersAgain takes the steps again that led to the search nodes of a checkpoint, from the first
// search node on, and returns those of its last layer, and how many worlds were gone on from
// and steps taken.
func (x *search) layersAgain(ctx context.Context, c *checkpoint, first []uint32) (nodes [][]uint32, worlds, steps int, err error) {
	nodes = [][]uint32{first}
	x.parents = c.parents[:1]
	all, done := 0, 0
	for _, parents := range c.parents[1:] {
		all += len(parents)
	}
	for k := 1; k < len(c.parents); k++ {
		for _, r := range nodes {
			at := x.places[r[x.width-1]]
			if err := x.expand(ctx, at); err != nil {
				return nil, 0, 0, err
			}
			worlds, steps = worlds+1, steps+at.choices()
		}
		tell := func(taken int) {
			if x.options.Progress != nil {
				x.options.Progress(Progress{
					Back: true, Layer: len(c.parents) - 1, Layers: x.space.MaxLen(), Done: done + taken, Nodes: all,
					Size: x.report.Size, Bytes: int(x.occupied.Load()), Elapsed: time.Since(x.began),
				})
			}
		}
		if nodes, err = x.layerAgain(ctx, c, k, nodes, tell); err != nil {
			return nil, 0, 0, err
		}
		done += len(nodes)
		x.parents = c.parents[:k+1]
	}
	return nodes, worlds, steps, nil
}

// layerAgain returns the search nodes of layer k, to which the search nodes before it led. The error
// is that of the first search node that cannot be had, whichever worker comes to it.
func (x *search) layerAgain(ctx context.Context, c *checkpoint, k int, nodes [][]uint32, tell func(taken int)) ([][]uint32, error) {
	parents := c.parents[k]
	next := make([][]uint32, len(parents))
	workers := max(1, min(x.options.Workers, len(parents)))
	block := int64(max(1, min(blockNodes, len(parents)/(4*workers))))
	errs := make([]error, len(parents)/int(block)+1) // of blocks
	var failed atomic.Bool
	var taken atomic.Int64
	var group sync.WaitGroup
	for i := range workers {
		group.Go(func() {
			w := x.newWorker(ctx)
			var names *canonicalizer
			if k >= c.From && x.symmetry != nil {
				names = x.newCanonicalizer()
			}
			for !failed.Load() {
				from := taken.Add(block) - block
				if from >= int64(len(parents)) {
					return
				}
				to := min(from+block, int64(len(parents)))
				if err := w.nodesAgain(ctx, nodes, parents[from:to], next[from:to], names, k); err != nil {
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

// nodesAgain puts the search nodes that some parent links lead to in next.
func (w *worker) nodesAgain(ctx context.Context, nodes [][]uint32, parents []parentLink, next [][]uint32, names *canonicalizer, k int) error {
	for i, from := range parents {
		if from>>32 >= uint64(len(nodes)) {
			return w.search.misfit("layer %d goes on from world %d of %d", k, from>>32, len(nodes))
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		r, err := w.again(ctx, nodes[from>>32], int(uint32(from)))
		if err != nil {
			return err
		}
		if names != nil {
			if _, err := names.canonical(r); err != nil {
				return err
			}
		}
		next[i] = r
	}
	return nil
}

// again takes a choice from a search node, as a search did before.
func (w *worker) again(ctx context.Context, node []uint32, choice int) ([]uint32, error) {
	x := w.search
	width := x.width - 2
	at := x.places[node[width+1]]
	if choice >= at.choices() {
		return nil, x.misfit("it takes choice %d of %d", choice, at.choices())
	}
	step, to := at.choice(choice)
	next := make([]uint32, x.width)
	w.sim.Expect(to.leaders)
	if !w.sim.Take(next[:width], node[:width], step) {
		if w.sim.Err() != nil {
			return nil, w.sim.Err()
		}
		return nil, fmt.Errorf("checkpoint: %s cannot happen any more: %s", step, w.sim.Why())
	}
	seen := w.after(ctx, x.monitors.verdict(node[width]), step, next[:width])
	if w.err != nil {
		return nil, w.err
	}
	// What was violated on the way counts for what comes after it.
	seen, err := x.judge(ctx, seen, next[:width])
	if err != nil {
		return nil, err
	}
	next[width], next[width+1] = seen.monitor, to.index
	return next, nil
}
