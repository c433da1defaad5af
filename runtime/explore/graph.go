package explore

import (
	"context"
	"slices"
	"sync/atomic"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/explore/internal/judge"
	"github.com/twinsh/twinsh/runtime/internal/engine"
	"github.com/twinsh/twinsh/runtime/node"
	"github.com/twinsh/twinsh/runtime/space"
)

// A graph is the state space of a search as far as it is known: the places of the space,
// with the steps on from each, and of all search nodes how they were reached. Of the
// nodes themselves it keeps none: a scenario is found again by its choices, which takes as
// many steps as it has, and only for the few that are shown.
//
// Workers read it while they expand a layer. It changes between layers only, but for the
// images of steps, which are found when they are first needed.
type graph struct {
	space  *space.Space
	start  *runtime.World
	limits limits
	width  int // words of a search node
	words  int // words of a weight
	// lookAtStates says that some property looks at states, so that they matter even
	// if no step can distinguish them.
	lookAtStates bool
	choices      *choices

	places  []*place
	placeOf map[*space.Position]*place
	bytes   atomic.Int64   // of places
	parents [][]parentLink // of each layer, by rank
	// canonicalFrom is the first layer of canonical worlds.
	canonicalFrom int
}

// A place is a position of the space with what a search needs of it.
type place struct {
	index uint32
	at    *space.Position
	edges []edge // nil until some search node is there
	last  bool   // no scenario goes on from here
	final bool   // some scenario ends here
	// ends says that no state matters here any more.
	ends bool
	// awaited says that leaders is known.
	awaited bool
	// leaders are all instances of those who may lead the next round, if
	// nothing but rounds can come next, and no property looks at states.
	leaders node.Set
	images  images // of the steps
}

// An edge is steps that lead to one place.
type edge struct {
	steps   []runtime.Step
	numbers []uint32 // of the steps among the choices
	to      *place
}

func newGraph(s *space.Space, o Options) *graph {
	return &graph{
		space: s, start: o.Start, limits: defaultLimits(),
		width: o.Start.Cluster().Engine().Width() + 2, words: weightWords(s.Size()),
		lookAtStates: len(o.Invariants) > 0, choices: newChoices(s.Steps(), o.Start),
		placeOf: map[*space.Position]*place{}, canonicalFrom: never,
	}
}

// frontier returns an empty one for a layer.
func (g *graph) frontier(shards int) *frontier {
	return newFrontier(g.width, g.words, shards, g.limits.nodes)
}

// weight returns a weight of 0.
func (g *graph) weight() weight { return make(weight, g.words) }

// canonical reports whether the worlds of the layer under way are canonical.
func (g *graph) canonical() bool { return len(g.parents) > g.canonicalFrom }

// place returns the place of a position. It is not safe for concurrent use.
func (g *graph) place(p *space.Position) *place {
	if at, ok := g.placeOf[p]; ok {
		return at
	}
	at := &place{index: uint32(len(g.places)), at: p, last: p.Last(), final: p.Accepts() > 0}
	at.ends = at.last && !g.lookAtStates
	g.places = append(g.places, at)
	g.placeOf[p] = at
	return at
}

// placeBytes and edgeBytes are about what a place takes and each way on from it,
// the position of the space included.
const (
	placeBytes = 512
	edgeBytes  = 96
)

// open prepares a place to be gone on from, before workers come to it: what they read of a
// place does not change any more. The error is that of ctx, or a
// [LimitError].
func (g *graph) open(ctx context.Context, at *place) error {
	if at.edges != nil || at.last {
		return nil
	}
	var edges []edge
	steps := 0
	for _, way := range at.at.Edges() {
		if err := ctx.Err(); err != nil {
			return err
		}
		to := g.place(way.To)
		if !to.awaited {
			to.leaders, to.awaited = g.leaders(to), true
		}
		numbers := make([]uint32, len(way.Steps))
		steps += len(numbers)
		for i, s := range way.Steps {
			numbers[i] = g.choices.number(s)
		}
		edges = append(edges, edge{steps: way.Steps, numbers: numbers, to: to})
	}
	if steps > g.limits.choices {
		return tooManyChoices(g.limits.choices)
	}
	at.edges = edges
	g.bytes.Add(placeBytes + int64(len(edges))*edgeBytes + 4*int64(steps))
	return nil
}

// memory returns about how much memory the places and the parent links occupy.
func (g *graph) memory() int {
	n := int(g.bytes.Load())
	for _, parents := range g.parents {
		n += 8 * cap(parents)
	}
	return n
}

// leaders returns who may lead the next round at a place, if nothing but rounds can come
// there: then local states that react equally to every such round are one. It returns none
// where that does not hold, which is always right and merges less. It is what
// [engine.Simulator.Expect] needs to know of steps to a place.
func (g *graph) leaders(at *place) node.Set {
	var leaders node.Set
	if at.last || g.lookAtStates {
		return 0
	}
	for _, way := range at.at.Edges() {
		for _, s := range way.Steps {
			who, round := s.Engine().Opening()
			if !round {
				return 0
			}
			leaders |= who
		}
	}
	return leaders
}

// expected lets a simulator know what may follow steps to a place: it merges local states
// that no such step can distinguish, all of them if nothing follows.
func (p *place) expected(sim *engine.Simulator) {
	if p.ends {
		sim.ExpectEnd()
	} else {
		sim.Expect(p.leaders)
	}
}

// refused says why a step cannot happen in the starting world; "" if no scenario begins
// with it. Elsewhere there is no one reason: it may be another in each world.
func (g *graph) refused(ctx context.Context, number uint32) string {
	for _, way := range g.places[0].edges {
		if i := slices.Index(way.numbers, number); i >= 0 {
			c := g.start.Cluster()
			sim := engine.NewSimulator(c.Engine())
			sim.SetContext(ctx)
			if sim.Take(make(engine.Vector, c.Engine().Width()), g.start.Vector(), way.steps[i].Engine()); sim.Err() == nil {
				return sim.Why()
			}
		}
	}
	return ""
}

// ways returns how many steps can be chosen.
func (p *place) ways() int {
	n := 0
	for _, g := range p.edges {
		n += len(g.steps)
	}
	return n
}

// choice returns the step that is chosen by a number, and where it leads. Choices are numbered
// through all edges of the place, as workers do.
func (p *place) choice(n int) (runtime.Step, *place) {
	for _, g := range p.edges {
		if n < len(g.steps) {
			return g.steps[n], g.to
		}
		n -= len(g.steps)
	}
	panic("explore: a parent link names a choice that does not exist")
}

// replay walks from the start to where a parent link of the layer under way leads, in real
// worlds with deliveries and a past. It takes the same choices from the same search nodes as the
// search did; with symmetry those are canonical, so that beside the real world the canonical one
// is walked, and each step is renamed back to the names that the real one has. A last step that cannot happen is left out. If worlds are canonical from some layer
// on, names are those of the search, else nil.
func (g *graph) replay(ctx context.Context, j *judge.Judge, names *canonicalizer, from parentLink) *runtime.World {
	var choices []int
	for layer := len(g.parents) - 1; ; layer-- {
		choices = append(choices, int(uint32(from)))
		if layer == 0 {
			break
		}
		from = g.parents[layer][from>>32]
	}
	// The choices are those from canonical search nodes: node is the one that the
	// search went on from, and the real world what it is before the renamings.
	world, at := g.start, g.place(g.space.Start())
	node := newSearchNode(world.Vector(), j.Start().Past, at.index)
	next := slices.Clone(node)
	w := newWitness(engine.NewSimulator(world.Cluster().Engine()), j)
	undo, layer := 0, 0
	for _, choice := range slices.Backward(choices) {
		step, to := at.choice(choice) // the search went on from here, so it was opened
		real := step
		if names != nil {
			real = names.of.image(at, choice, undo)
		}
		after, err := world.Do(real)
		if err != nil {
			return world
		}
		world, at = after, to
		if names == nil {
			continue
		}
		// The search did the same, so it is remembered and no error, and worlds have a
		// canonical form unless the search ends there.
		_, _ = w.again(ctx, node, next, step, to)
		node, next = next, node
		if layer++; layer >= g.canonicalFrom {
			renamed, _ := names.canonical(node)
			undo = names.of.undoing(undo, renamed)
		}
	}
	return world
}
