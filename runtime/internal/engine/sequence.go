package engine

import (
	"slices"

	"github.com/twinsh/twinsh/runtime/node"
)

// A sequence is steps that happen one after the other and count as one: all of them
// happen, or none. It adds nothing to what its steps mean, so it is played as these are,
// from one vector to the next, and each of them is remembered as it is anywhere else.
type sequence struct {
	name  string
	steps []*Step
}

// InTurn makes one move of several steps; there is at least one, and none of them
// is a sequence.
func InTurn(name string, steps []*Step) Move { return sequence{name, slices.Clone(steps)} }

// A sequence is never played among members, which differ from step to step.
func (sequence) bring(*player, *env, node.Set) bool { panic("engine: a sequence is played as one") }
func (sequence) flow(*player, *env, node.Set)       {}

func (x sequence) describe(_ *System, s *Step) {
	s.inner = x.steps
	for _, in := range x.steps {
		s.Named |= in.Named
		s.filters = append(s.filters, in.filters...)
		s.deaf = append(s.deaf, in.deaf...)
		s.forgets |= in.forgets
	}
}

func (x sequence) key(k *renamedKey) bool {
	k.text(x.name)
	k.word(uint64(len(x.steps)))
	for _, in := range x.steps {
		key, ok := in.Key(k.renaming)
		if !ok {
			return false
		}
		k.text(key) // with its length, since what it consists of has no end
	}
	return true
}

// Opening returns the instances that lead the round with which s begins, and false
// if it begins with something else.
func (s *Step) Opening() (leaders node.Set, ok bool) {
	if s.inner != nil {
		s = s.inner[0]
	}
	return s.Named, s.begins()
}

// Forgets returns the instances that lose their state in s.
func (s *Step) Forgets() node.Set { return s.forgets }

// inTurn takes the steps of a sequence from src to dst. What may come next is what
// comes after the last of them: between two nothing is forgotten.
func (m *Simulator) inTurn(dst, src Vector, steps []*Step) bool {
	after, last := m.expected, m.p.last
	defer func() { m.expected, m.p.last = after, last }() // also if the work is left amid a step
	m.expected, m.p.last = expectation{}, false
	for k, s := range steps {
		to := m.between[k%2]
		if k == len(steps)-1 {
			to, m.expected, m.p.last = dst, after, last
		} else if to == nil {
			to = make(Vector, len(dst))
			m.between[k%2] = to
		}
		m.turns = append(m.turns, len(m.lists))
		if !m.one(to, src, s) {
			return m.p.refuseAt(k)
		}
		src = to
	}
	return true
}

// inTurn is [player.take] of the steps of a sequence.
func (p *player) inTurn(dst, src Vector, steps []*Step) bool {
	var seen, matched []uint32
	for k, s := range steps {
		to := make(Vector, len(dst))
		if !p.take(to, src, s) {
			return p.refuseAt(k)
		}
		seen = append(seen, p.seen...)
		for _, number := range p.matched {
			matched = noteFilter(matched, number)
		}
		src = to
	}
	copy(dst, src)
	p.seen, p.matched = seen, matched
	return true
}

// refuseAt says which step of a sequence cannot happen.
func (p *player) refuseAt(k int) bool {
	return p.refuse("its step %d cannot happen: %s", k+1, p.why)
}
