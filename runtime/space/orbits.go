package space

import (
	"context"
	"fmt"
	"math/big"
	"slices"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/internal/engine"
)

// Scenarios that differ only in names form an orbit: renaming turns one into
// the other. The renaming is one for the whole scenario. Reducing each step by
// itself would lose scenarios, because who was cut off in one round matters to
// who is cut off in the next.

// Symmetries returns the renamings of the cluster that turn each scenario of
// the space into one of the space. They form a group. A space without steps
// has none. A scenario that is listed twice is turned into one that is, too.
// The error is that of ctx, if it ends first.
func (s *Space) Symmetries(ctx context.Context) ([]engine.Renaming, error) {
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
// order of the space, until it returns false. (If a step leads to two positions,
// it is the first step by step.) It goes through a scenario step
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
	_, err = g.representatives(g.crowd([]member{{s.Start(), one}}), nil, actions, yield)
	return err
}

// A group is how the symmetries of a space act on its steps: a group in the sense of algebra,
// which permutes them. It lives for one question, belongs to one goroutine, and remembers what
// it found out of positions and crowds, since each of its up to n! elements asks the same.
//
// Counting orbits takes a walk of the automaton for each element, by the lemma of Burnside
// (Cauchy, Frobenius): there are as many orbits as scenarios that an element leaves alone, on
// average. Listing representatives takes one walk in which elements drop out.
type group struct {
	watch  watch
	steps  []runtime.Step
	number map[string]int // of each step, by text
	byKey  map[string]int // of each step, by its key
	kept   []engine.Renaming
	leads  map[*Position]*exits
	crowds map[string]*crowd
}

// An action is what one renaming does to the steps of a space. It is a permutation of their
// numbers, found once, because to rename a step and look it up by its key costs far more than to
// look at a number.
type action struct {
	renaming engine.Renaming
	image    []int32 // of each step, by number
}

// exits are where the steps lead from a position, by their number, nil for those
// that cannot be taken there.
type exits struct {
	to   []*Position
	ways [][]int32 // the steps of each edge of the position
	// more are the positions beside that to which some steps lead, so that a scenario is
	// listed twice; nil if no step does.
	more map[int32][]*Position
}

// leadAlike reports whether two steps lead to the same positions, as often.
func (e *exits) leadAlike(a, b int32) bool {
	if e.more == nil {
		return e.to[a] == e.to[b]
	}
	all := func(i int32) []*Position {
		if e.to[i] == nil {
			return nil
		}
		return slices.SortedFunc(slices.Values(append(slices.Clone(e.more[i]), e.to[i])), func(p, q *Position) int { return p.id - q.id })
	}
	return slices.Equal(all(a), all(b))
}

// newGroup returns the group of no renamings yet. Steps that do the same have one key; see
// [engine.Step.Key].
func newGroup(ctx context.Context, steps []runtime.Step) *group {
	g := &group{
		watch: watch{ctx: ctx}, steps: steps, number: make(map[string]int, len(steps)),
		byKey: make(map[string]int, len(steps)), leads: map[*Position]*exits{}, crowds: map[string]*crowd{},
	}
	for i, step := range steps {
		g.number[step.String()] = i
		if key, ok := step.Engine().Key(nil); ok {
			g.byKey[key] = i
		}
	}
	return g
}

// group returns the group of all symmetries of the cluster that map the space to itself. A space
// that singles a server out, as rounds("A") does, has those only that leave A alone.
func (s *Space) group(ctx context.Context) (*group, error) {
	g := newGroup(ctx, s.Steps())
	if len(g.steps) == 0 {
		return g, ctx.Err()
	}
	var err error
	g.kept, err = g.keepers(engine.Symmetries(g.steps[0].Cluster().Engine()), s.Start(), false)
	return g, err
}

// Kept lists those of a group of renamings after which each scenario stands at
// the same positions of the space as before, step by step. A search may take
// worlds at one position that they turn into each other for one. The error is
// that of ctx, if it ends first.
func (s *Space) Kept(ctx context.Context, renamings []engine.Renaming) ([]engine.Renaming, error) {
	return newGroup(ctx, s.Steps()).keepers(renamings, s.Start(), true)
}

// keepers lists those of a group of renamings that preserve what begins at start.
func (g *group) keepers(renamings []engine.Renaming, start *Position, inPlace bool) ([]engine.Renaming, error) {
	return engine.Subgroup(renamings, func(i int) (bool, error) {
		a, err := g.action(renamings[i])
		if a == nil || err != nil {
			return false, err
		}
		if inPlace {
			return g.keeps(a, start)
		}
		return g.preserves(a, start)
	})
}

// action finds how a renaming acts on steps; nil if it leads out of them. Steps
// that are not renamed stay as they are under the identity only.
func (g *group) action(r engine.Renaming) (*action, error) {
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
		key, ok := step.Engine().Key(r)
		image, known := g.byKey[key]
		if !ok || !known {
			return nil, nil
		}
		a.image[i] = int32(image)
	}
	return a, nil
}

// keeps reports whether the action turns scenarios from start into scenarios
// that stand at the same positions.
func (g *group) keeps(a *action, start *Position) (bool, error) {
	if a.renaming.Identity() {
		return true, nil
	}
	seen := map[*Position]bool{start: true}
	for queue := []*Position{start}; len(queue) > 0; {
		p := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		e, err := g.exits(p)
		if err != nil {
			return false, err
		}
		for step := range e.to {
			if err := g.watch.err(); err != nil {
				return false, err
			}
			if !e.leadAlike(int32(step), a.image[step]) {
				return false, nil
			}
		}
		for _, way := range p.Edges() {
			if !seen[way.To] {
				seen[way.To] = true
				queue = append(queue, way.To)
			}
		}
	}
	return true, nil
}

// preserves reports whether the action turns scenarios from start into
// scenarios from start: it walks from a crowd and from where the renamed steps
// lead, side by side.
func (g *group) preserves(a *action, start *Position) (bool, error) {
	if a.renaming.Identity() {
		return true, nil
	}
	type pair struct{ at, image *crowd }
	first := g.crowd([]member{{start, one}})
	seen := map[pair]bool{{first, first}: true}
	for queue := []pair{{first, first}}; len(queue) > 0; {
		p := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if err := g.grow(p.at); err != nil {
			return false, err
		}
		if err := g.grow(p.image); err != nil {
			return false, err
		}
		if len(p.at.to) != len(p.image.to) || p.at.accepts.Cmp(p.image.accepts) != 0 {
			return false, nil
		}
		for step, next := range p.at.to {
			if err := g.watch.err(); err != nil {
				return false, err
			}
			image := p.image.to[a.image[step]]
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

// A crowd is all positions to which the same steps lead, and in how many ways:
// where a step leads to two positions, several paths are one scenario, and it is
// listed as often. There are as many crowds as the automaton has positions after
// the subset construction; without such steps each is one position.
type crowd struct {
	members []member
	accepts *big.Int         // how many listed scenarios end here
	to      map[int32]*crowd // by step; nil until it is grown
	order   []int32          // these steps, in the order of the space
}

// A member is a position of a crowd, and in how many ways the same steps lead there.
type member struct {
	at   *Position
	ways *big.Int
}

// crowd returns the crowd of the members, who are merged if they are the same.
func (g *group) crowd(members []member) *crowd {
	place := map[*Position]int{}
	var merged []member
	for _, m := range members {
		if i, ok := place[m.at]; ok {
			merged[i].ways = new(big.Int).Add(merged[i].ways, m.ways)
			continue
		}
		place[m.at] = len(merged)
		merged = append(merged, m)
	}
	var key []byte
	for _, m := range merged {
		key = fmt.Appendf(key, "%d %d ", m.at.ID(), m.ways)
	}
	c := g.crowds[string(key)]
	if c == nil {
		c = &crowd{members: merged}
		g.crowds[string(key)] = c
	}
	return c
}

// grow finds where steps lead from a crowd. It is one step of the subset construction (Rabin and
// Scott, "Finite Automata and Their Decision Problems", IBM Journal 1959), with numbers of ways
// in place of sets.
func (g *group) grow(c *crowd) error {
	if c.to != nil {
		return nil
	}
	accepts, to, order := new(big.Int), map[int32][]member{}, []int32(nil)
	for _, m := range c.members {
		e, err := g.exits(m.at)
		if err != nil {
			return err
		}
		accepts.Add(accepts, new(big.Int).Mul(m.ways, big.NewInt(int64(m.at.Accepts()))))
		for k, way := range m.at.Edges() {
			for _, i := range e.ways[k] {
				if err := g.watch.err(); err != nil {
					return err
				}
				if to[i] == nil {
					order = append(order, i)
				}
				to[i] = append(to[i], member{way.To, m.ways})
			}
		}
	}
	next := make(map[int32]*crowd, len(to))
	for i, members := range to {
		next[i] = g.crowd(members)
	}
	c.accepts, c.to, c.order = accepts, next, order
	return nil
}

// exits finds where the steps from p lead, once for all renamings.
func (g *group) exits(p *Position) (*exits, error) {
	if e := g.leads[p]; e != nil {
		return e, nil
	}
	e := &exits{to: make([]*Position, len(g.steps))}
	for _, way := range p.Edges() {
		numbers := make([]int32, 0, len(way.Steps))
		for _, s := range way.Steps {
			if err := g.watch.err(); err != nil {
				return nil, err
			}
			i := g.number[s.String()]
			numbers = append(numbers, int32(i))
			if e.to[i] == nil {
				e.to[i] = way.To
				continue
			}
			if e.more == nil {
				e.more = map[int32][]*Position{}
			}
			e.more[int32(i)] = append(e.more[int32(i)], way.To)
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

// err is the error of the context, looked at every 256th time.
func (w *watch) err() error {
	if w.asked++; w.asked%256 != 0 {
		return nil
	}
	return w.ctx.Err()
}

// fixed counts the scenarios from p of which the action leaves each step alone. It looks at each
// position once, which known remembers, so that it is linear in the automaton and not in the
// number of scenarios.
func (g *group) fixed(a *action, p *Position, known map[*Position]*big.Int) (*big.Int, error) {
	if n := known[p]; n != nil {
		return n, nil
	}
	e, err := g.exits(p)
	if err != nil {
		return nil, err
	}
	n := big.NewInt(int64(p.Accepts()))
	for k, way := range p.Edges() {
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

// representatives goes on from a prefix that the given actions leave alone. Of the steps that may
// come next it takes those of which no remaining action makes an earlier one: then the scenario is
// the least of its orbit, step by step. An action that moves the step to a later one has had its
// say and drops out, since whatever follows, the image is greater (orderly generation: Read,
// "Every One a Winner", Annals of Discrete Mathematics 1978).
func (g *group) representatives(c *crowd, prefix Scenario, actions []*action, yield func(Scenario) bool) (more bool, err error) {
	if err := g.grow(c); err != nil {
		return false, err
	}
	for n := new(big.Int); n.Cmp(c.accepts) < 0; n.Add(n, one) {
		if !yield(append(Scenario{}, prefix...)) {
			return false, nil
		}
	}
	place := make(map[int32]int, len(c.order)) // where each step stands in the order
	for at, i := range c.order {
		place[i] = at
	}
	for _, i := range c.order {
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
		if more, err := g.representatives(c.to[i], append(prefix, g.steps[i]), alone, yield); !more || err != nil {
			return false, err
		}
	}
	return true, nil
}
