package explore

import (
	"context"
	"slices"

	"github.com/twinsh/twinsh/runtime"
)

// replay walks from the start to where a parent link of the layer under way leads.
// A last step that cannot happen is left out.
func (x *search) replay(ctx context.Context, from parentLink) *runtime.World {
	var choices []int
	for layer := len(x.parents) - 1; ; layer-- {
		choices = append(choices, int(uint32(from)))
		if layer == 0 {
			break
		}
		from = x.parents[layer][from>>32]
	}
	// The choices are those from canonical search nodes: node is the one that the
	// search went on from, but for its position, and the real world what it is
	// before the renamings.
	w, at := x.options.Start, x.place(x.space.Start())
	width := len(w.Vector())
	node := append(slices.Clone(w.Vector()), x.past)
	next := slices.Clone(node)
	sim := x.cluster.NewSimulator()
	var names *canonicalizer
	if x.symmetry != nil {
		names = x.newCanonicalizer()
	}
	undo, layer := 0, 0
	for _, choice := range slices.Backward(choices) {
		step, to := at.choice(choice) // the search went on from here, so it was expanded
		after, err := w.Do(x.image(at, choice, undo))
		if err != nil {
			return w
		}
		sim.Expect(to.leaders)
		sim.Take(next[:width], node[:width], step)
		if x.symmetry != nil {
			// The search did the same, so it is remembered and no error.
			next[width], _ = x.monitors.step(ctx, node[width], sim.Seen(), step, next[:width])
		}
		w, at = after, to
		node, next = next, node
		if layer++; layer >= x.symmetricFrom {
			// An error would have ended the search at this world.
			g, _ := names.canonical(node)
			undo = x.undoing(undo, g)
		}
	}
	return w
}

// undoing returns the number of the renaming that takes back the g-th, and then
// does what undo does.
func (x *search) undoing(undo, g int) int {
	if x.symmetry == nil {
		return 0
	}
	back, then := x.symmetry.Inverse(g), x.symmetry.Renaming(undo)
	both := make(runtime.Renaming, len(back))
	for i, j := range back {
		both[i] = then[j]
	}
	n, ok := x.renamings.Of(both)
	if !ok {
		panic("explore: the renamings are no group")
	}
	return n
}

// choices returns how many steps can be chosen.
func (p *place) choices() int {
	n := 0
	for _, g := range p.groups {
		n += len(g.steps)
	}
	return n
}

// choice returns the step that is chosen by a number, and where it leads.
func (p *place) choice(n int) (runtime.Step, *place) {
	for _, g := range p.groups {
		if n < len(g.steps) {
			return g.steps[n], g.to
		}
		n -= len(g.steps)
	}
	panic("explore: a parent link names a choice that does not exist")
}
