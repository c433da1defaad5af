package adversary

import "slices"

// Who reaches whom, in the player: as lists that are searched, in the words of the
// language. A step adds to a copy, because the network before belongs to another world.

// A network says what passes, until it heals. The zero network lets everything pass.
type network struct {
	parts   [][]string
	cuts    [][2]int
	filters []filter
	held    [][2]int
	first   map[int][]int
	again   []again
}

// An again lets the next message of a type on a link arrive twice.
type again struct {
	step     string // duplicate or replay
	kind     string
	from, to int
}

// A filter stops messages of a type from an instance to another; -1 is any.
type filter struct {
	kind     string
	from, to int
}

// passes reports whether the network lets anything pass from one instance to another. To
// itself always.
func (p *play) passes(from, to int) bool {
	return from == to || together(p.net.parts, p.s.instances[from].name, p.s.instances[to].name) &&
		!slices.Contains(p.net.cuts, [2]int{from, to})
}

// together reports whether no two parts keep a and b apart: a name in no part, as a
// client's, is kept apart from none.
func together(parts [][]string, a, b string) bool {
	in := func(name string) int {
		return slices.IndexFunc(parts, func(p []string) bool { return slices.Contains(p, name) })
	}
	x, y := in(a), in(b)
	return x < 0 || y < 0 || x == y
}

// Filters are for a type; those of the step alone stand beside those of the network. They
// do not hold for what an instance sends to itself.
func (p *play) filtered(kind string, from, to int) bool {
	return from != to && slices.ContainsFunc(append(slices.Clone(p.filters), p.net.filters...), func(f filter) bool {
		return f.kind == kind && (f.from < 0 || f.from == from) && (f.to < 0 || f.to == to)
	})
}

// parted keeps parts apart for this step. It does not take the place of the network's
// partition, but is another one.
func (p *play) parted(parts [][]string) {
	p.within = func(from, to int) bool {
		return together(parts, p.s.instances[from].name, p.s.instances[to].name)
	}
}

// For this step, and for what is sent in it to the next leader.
func (p *play) deafened(step Step) {
	for _, i := range p.numbers(step.Names) {
		for _, kind := range step.Types {
			p.filters = append(p.filters, filter{kind, -1, i})
		}
	}
}

// reshape changes the network. A partition takes the place of the one before and of cuts;
// what else there is stays.
func (p *play) reshape(step Step) {
	end := func(name string) int {
		if name == "" {
			return -1
		}
		return p.s.byName[name]
	}
	n := &p.net
	switch step.Kind {
	case "partition":
		n.parts, n.cuts = step.Groups, nil
	case "heal":
		*n = network{}
	case "cut":
		n.cuts = append(slices.Clip(n.cuts), [2]int{end(step.Src), end(step.Dst)})
	case "drop":
		n.filters = append(slices.Clip(n.filters), filter{step.Types[0], end(step.Src), end(step.Dst)})
	case "deaf":
		for _, kind := range step.Types {
			n.filters = append(slices.Clip(n.filters), filter{kind, -1, end(step.Who)})
		}
	case "duplicate", "replay":
		n.again = append(slices.Clip(n.again), again{step.Kind, step.Types[0], end(step.Src), end(step.Dst)})
	case "hold":
		n.held = append(slices.Clip(n.held), [2]int{end(step.Src), end(step.Dst)})
	case "order":
		first := map[int][]int{}
		for i, list := range n.first {
			first[i] = list
		}
		first[end(step.Who)] = nil
		for _, name := range step.Names {
			first[end(step.Who)] = append(first[end(step.Who)], end(name))
		}
		n.first = first
	default:
		panic("no step is called " + step.Kind)
	}
}
