package space

import (
	"context"
	"math/big"

	"github.com/twinsh/twinsh/runtime"
)

// Scenarios that differ only in names form an orbit: renaming turns one into
// the other. The renaming is one for the whole scenario. Reducing each step by
// itself would lose scenarios, because who was cut off in one round matters to
// who is cut off in the next.

// Symmetries returns the renamings of the cluster that turn each scenario of
// the space into one of the space. They form a group. A space without steps
// has none, and one in which a step leads to two positions, so that it may list
// a scenario twice, only the identity. The error is that of ctx, if it ends first.
func (s *Space) Symmetries(ctx context.Context) ([]runtime.Renaming, error) {
	g, err := s.group(ctx)
	if err != nil {
		return nil, err
	}
	return g.kept, nil
}

// Orbits returns the number of scenarios up to symmetry, by Burnside's lemma:
// the average, over the group, of how many scenarios an element leaves alone.
// The error is that of ctx, if it ends first.
func (s *Space) Orbits(ctx context.Context) (*big.Int, error) {
	g, err := s.group(ctx)
	if err != nil {
		return nil, err
	}
	if len(g.kept) == 0 {
		return s.Size(), nil
	}
	sum := new(big.Int)
	for _, r := range g.kept {
		a, err := g.action(r)
		if err != nil {
			return nil, err
		}
		n, err := g.fixed(a, s.Start(), map[*Position]*big.Int{})
		if err != nil {
			return nil, err
		}
		sum.Add(sum, n)
	}
	return sum.Div(sum, big.NewInt(int64(len(g.kept)))), nil
}

// Representatives calls yield with one scenario of each orbit, the first in the
// order of the space, until it returns false. It goes through a scenario step
// by step and keeps the renamings that leave what it has so far alone: a step
// that one of them turns into an earlier one cannot be part of a first scenario
// (Read, "Every one a winner", 1978). The error is that of ctx, if it ends first.
func (s *Space) Representatives(ctx context.Context, yield func(Scenario) bool) error {
	g, err := s.group(ctx)
	if err != nil {
		return err
	}
	var actions []*action
	for _, r := range g.kept {
		a, err := g.action(r)
		if err != nil {
			return err
		}
		actions = append(actions, a)
	}
	_, err = g.representatives(s.Start(), nil, actions, yield)
	return err
}

// A group is how the symmetries of a space act on its steps.
type group struct {
	watch  watch
	steps  []runtime.Step
	number map[string]int // of each step, by text
	byKey  map[string]int // of each step, by its key
	kept   []runtime.Renaming
	leads  map[*Position]*exits
}

type action struct {
	renaming runtime.Renaming
	image    []int32 // of each step, by number
}

// exits are where the steps lead from a position, by their number, nil for those
// that cannot be taken there.
type exits struct {
	to    []*Position
	ways  [][]int32 // the steps of each group of the position
	count int
	twice bool // a step leads to two positions, so that a scenario is listed twice
}

func newGroup(ctx context.Context, steps []runtime.Step) *group {
	g := &group{
		watch: watch{ctx: ctx}, steps: steps, number: make(map[string]int, len(steps)),
		byKey: make(map[string]int, len(steps)), leads: map[*Position]*exits{},
	}
	for i, step := range steps {
		g.number[step.String()] = i
		if key, ok := step.Key(nil); ok {
			g.byKey[key] = i
		}
	}
	return g
}

func (s *Space) group(ctx context.Context) (*group, error) {
	g := newGroup(ctx, s.Steps())
	if len(g.steps) == 0 {
		return g, ctx.Err()
	}
	var err error
	g.kept, err = g.keepers(g.steps[0].Cluster().Symmetries(), s.Start(), false)
	return g, err
}

// Kept lists those of a group of renamings after which each scenario stands at
// the same positions of the space as before, step by step. A search may take
// worlds at one position that they turn into each other for one. The error is
// that of ctx, if it ends first.
func (s *Space) Kept(ctx context.Context, renamings []runtime.Renaming) ([]runtime.Renaming, error) {
	return newGroup(ctx, s.Steps()).keepers(renamings, s.Start(), true)
}

// keepers lists those of a group of renamings that preserve what begins at start.
func (g *group) keepers(renamings []runtime.Renaming, start *Position, inPlace bool) ([]runtime.Renaming, error) {
	return runtime.Subgroup(renamings, func(i int) (bool, error) {
		a, err := g.action(renamings[i])
		if a == nil || err != nil {
			return false, err
		}
		return g.preserves(a, start, inPlace)
	})
}

// action finds how a renaming acts on steps; nil if it leads out of them. Steps
// that are not renamed stay as they are under the identity only.
func (g *group) action(r runtime.Renaming) (*action, error) {
	a := &action{r, make([]int32, len(g.steps))}
	identity := r.Identity()
	for i, step := range g.steps {
		if err := g.watch.err(); err != nil {
			return nil, err
		}
		if identity {
			a.image[i] = int32(i)
			continue
		}
		key, ok := step.Key(r)
		image, known := g.byKey[key]
		if !ok || !known {
			return nil, nil
		}
		a.image[i] = int32(image)
	}
	return a, nil
}

// preserves reports whether the action turns scenarios from start into
// scenarios from start: it walks from a position and from where the renamed
// steps lead, side by side. If in place, the two must be the same position.
func (g *group) preserves(a *action, start *Position, inPlace bool) (bool, error) {
	if a.renaming.Identity() {
		return true, nil
	}
	type pair struct{ at, image *Position }
	seen := map[pair]bool{{start, start}: true}
	for queue := []pair{{start, start}}; len(queue) > 0; {
		p := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		from, err := g.exits(p.at)
		if err != nil {
			return false, err
		}
		to, err := g.exits(p.image)
		if err != nil {
			return false, err
		}
		if inPlace && p.at != p.image || from.twice || to.twice || from.count != to.count || p.at.Accepts() != p.image.Accepts() {
			return false, nil
		}
		for step, next := range from.to {
			if err := g.watch.err(); err != nil {
				return false, err
			}
			if next == nil {
				continue
			}
			image := to.to[a.image[step]]
			if image == nil {
				return false, nil
			}
			if q := (pair{next, image}); !seen[q] {
				seen[q] = true
				queue = append(queue, q)
			}
		}
	}
	return true, nil
}

// exits finds where the steps from p lead, once for all renamings.
func (g *group) exits(p *Position) (*exits, error) {
	if e := g.leads[p]; e != nil {
		return e, nil
	}
	e := &exits{to: make([]*Position, len(g.steps))}
	for _, way := range p.Groups() {
		numbers := make([]int32, 0, len(way.Steps))
		for _, s := range way.Steps {
			if err := g.watch.err(); err != nil {
				return nil, err
			}
			i := g.number[s.String()]
			numbers = append(numbers, int32(i))
			if e.to[i] != nil {
				e.twice = true
			} else {
				e.count++
			}
			e.to[i] = way.To
		}
		e.ways = append(e.ways, numbers)
	}
	g.leads[p] = e
	return e, nil
}

// A watch asks a context now and then whether it has ended, so that asking costs
// next to nothing.
type watch struct {
	ctx   context.Context
	asked uint
}

func (w *watch) err() error {
	if w.asked++; w.asked%256 != 0 {
		return nil
	}
	return w.ctx.Err()
}

// fixed counts the scenarios from p of which the action leaves each step alone.
func (g *group) fixed(a *action, p *Position, known map[*Position]*big.Int) (*big.Int, error) {
	if n := known[p]; n != nil {
		return n, nil
	}
	e, err := g.exits(p)
	if err != nil {
		return nil, err
	}
	n := big.NewInt(int64(p.Accepts()))
	for k, way := range p.Groups() {
		alone := int64(0)
		for _, i := range e.ways[k] {
			if err := g.watch.err(); err != nil {
				return nil, err
			}
			if a.image[i] == i {
				alone++
			}
		}
		if alone > 0 {
			after, err := g.fixed(a, way.To, known)
			if err != nil {
				return nil, err
			}
			n.Add(n, new(big.Int).Mul(big.NewInt(alone), after))
		}
	}
	known[p] = n
	return n, nil
}

// representatives goes on from a prefix that the given actions leave alone.
func (g *group) representatives(p *Position, prefix Scenario, actions []*action, yield func(Scenario) bool) (more bool, err error) {
	for range p.Accepts() {
		if !yield(append(Scenario{}, prefix...)) {
			return false, nil
		}
	}
	e, err := g.exits(p)
	if err != nil {
		return false, err
	}
	place := map[int32]int{} // where each step stands in the order of this position
	for _, way := range e.ways {
		for _, i := range way {
			place[i] = len(place)
		}
	}
	for k, group := range p.Groups() {
		for at, s := range group.Steps {
			i := e.ways[k][at]
			first := true
			var alone []*action
			for _, a := range actions {
				if err := g.watch.err(); err != nil {
					return false, err
				}
				if image := a.image[i]; image == i {
					alone = append(alone, a)
				} else if place[image] < place[i] {
					first = false
					break
				}
			}
			if !first {
				continue
			}
			if more, err := g.representatives(group.To, append(prefix, s), alone, yield); !more || err != nil {
				return false, err
			}
		}
	}
	return true, nil
}
