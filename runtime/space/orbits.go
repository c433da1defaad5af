package space

import (
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
// a scenario twice, only the identity.
func (s *Space) Symmetries() []runtime.Renaming {
	g := s.group()
	renamings := make([]runtime.Renaming, len(g.actions))
	for i, a := range g.actions {
		renamings[i] = a.renaming
	}
	return renamings
}

// Orbits returns the number of scenarios up to symmetry, by Burnside's lemma:
// the average, over the group, of how many scenarios an element leaves alone.
func (s *Space) Orbits() *big.Int {
	g := s.group()
	if len(g.actions) == 0 {
		return s.Size()
	}
	sum := new(big.Int)
	for _, a := range g.actions {
		sum.Add(sum, a.fixed(s.Start(), map[*Position]*big.Int{}))
	}
	return sum.Div(sum, big.NewInt(int64(len(g.actions))))
}

// Representatives iterates over one scenario of each orbit, the first in the
// order of the space. It goes through a scenario step by step and keeps the
// renamings that leave what it has so far alone: a step that one of them turns
// into an earlier one cannot be part of a first scenario (Read, "Every one a
// winner", 1978).
func (s *Space) Representatives(yield func(Scenario) bool) {
	g := s.group()
	g.representatives(s.Start(), nil, g.actions, yield)
}

// A group is how the symmetries of a space act on its steps.
type group struct {
	number  map[string]int // of each step, by text
	actions []*action
}

type action struct {
	renaming runtime.Renaming
	image    []int // of each step, by number
	number   map[string]int
}

func (s *Space) group() *group {
	steps := s.Steps()
	g := &group{number: map[string]int{}}
	if len(steps) == 0 {
		return g
	}
	for i, step := range steps {
		g.number[step.String()] = i
	}
	byKey := keys(steps)
	for _, r := range steps[0].Cluster().Symmetries() {
		if a := g.action(r, steps, byKey); a != nil && a.preserves(s.Start(), false) {
			g.actions = append(g.actions, a)
		}
	}
	return g
}

// Kept lists those of the renamings after which each scenario stands at the
// same positions of the space as before, step by step. A search may take
// worlds at one position that they turn into each other for one.
func (s *Space) Kept(renamings []runtime.Renaming) []runtime.Renaming {
	steps := s.Steps()
	g := &group{number: map[string]int{}}
	for i, step := range steps {
		g.number[step.String()] = i
	}
	byKey := keys(steps)
	var kept []runtime.Renaming
	for _, r := range renamings {
		if a := g.action(r, steps, byKey); a != nil && a.preserves(s.Start(), true) {
			kept = append(kept, r)
		}
	}
	return kept
}

func keys(steps []runtime.Step) map[string]int {
	byKey := map[string]int{}
	for i, step := range steps {
		if key, ok := step.Key(nil); ok {
			byKey[key] = i
		}
	}
	return byKey
}

// action finds how a renaming acts on steps; nil if it leads out of them. Steps
// that are not renamed stay as they are under the identity only.
func (g *group) action(r runtime.Renaming, steps []runtime.Step, byKey map[string]int) *action {
	a := &action{r, make([]int, len(steps)), g.number}
	for i, step := range steps {
		if r.Identity() {
			a.image[i] = i
			continue
		}
		key, ok := step.Key(r)
		image, known := byKey[key]
		if !ok || !known {
			return nil
		}
		a.image[i] = image
	}
	return a
}

// preserves reports whether the action turns scenarios from start into
// scenarios from start: it walks from a position and from where the renamed
// steps lead, side by side. If in place, the two must be the same position.
func (a *action) preserves(start *Position, inPlace bool) bool {
	if a.renaming.Identity() {
		return true
	}
	type pair struct{ at, image *Position }
	seen := map[pair]bool{{start, start}: true}
	for queue := []pair{{start, start}}; len(queue) > 0; {
		p := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		from, ok := a.exits(p.at)
		to, okImage := a.exits(p.image)
		if inPlace && p.at != p.image || !ok || !okImage || len(from) != len(to) || p.at.Accepts() != p.image.Accepts() {
			return false
		}
		for step, next := range from {
			image := to[a.image[step]]
			if image == nil {
				return false
			}
			if q := (pair{next, image}); !seen[q] {
				seen[q] = true
				queue = append(queue, q)
			}
		}
	}
	return true
}

// exits maps the steps from p to where they lead. It reports false if a step
// leads to two positions, so that a scenario is listed twice.
func (a *action) exits(p *Position) (map[int]*Position, bool) {
	exits := map[int]*Position{}
	for _, g := range p.Groups() {
		for _, s := range g.Steps {
			i := a.number[s.String()]
			if exits[i] != nil {
				return nil, false
			}
			exits[i] = g.To
		}
	}
	return exits, true
}

// fixed counts the scenarios from p of which the action leaves each step alone.
func (a *action) fixed(p *Position, known map[*Position]*big.Int) *big.Int {
	if n := known[p]; n != nil {
		return n
	}
	n := big.NewInt(int64(p.Accepts()))
	for _, g := range p.Groups() {
		alone := int64(0)
		for _, s := range g.Steps {
			if i := a.number[s.String()]; a.image[i] == i {
				alone++
			}
		}
		if alone > 0 {
			n.Add(n, new(big.Int).Mul(big.NewInt(alone), a.fixed(g.To, known)))
		}
	}
	known[p] = n
	return n
}

// representatives goes on from a prefix that the given actions leave alone.
func (g *group) representatives(p *Position, prefix Scenario, actions []*action, yield func(Scenario) bool) bool {
	for range p.Accepts() {
		if !yield(append(Scenario{}, prefix...)) {
			return false
		}
	}
	place := map[int]int{} // where each step stands in the order of this position
	for _, group := range p.Groups() {
		for _, s := range group.Steps {
			place[g.number[s.String()]] = len(place)
		}
	}
	for _, group := range p.Groups() {
		for _, s := range group.Steps {
			i := g.number[s.String()]
			first := true
			var alone []*action
			for _, a := range actions {
				if image := a.image[i]; image == i {
					alone = append(alone, a)
				} else if place[image] < place[i] {
					first = false
					break
				}
			}
			if first && !g.representatives(group.To, append(prefix, s), alone, yield) {
				return false
			}
		}
	}
	return true
}
