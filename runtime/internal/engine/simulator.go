package engine

import (
	"context"
	"iter"
	"slices"

	"github.com/twinsh/twinsh/runtime/node"
)

// A Simulator takes steps from vector to vector. It holds the scratch space
// for that, so each goroutine needs its own; they share what the system
// learns.
type Simulator struct {
	p         player      // plays, and asks the simulator first
	rested    []uint32    // the classes of the states after the opening, plus one; 0 if unknown
	restedFor expectation // which they are for
	lists     []uint32    // of observations, a list for each component
	turns     []int       // how many of these lists there were before each step of a sequence
	all       uint32      // the number of one list of all of them
	filtered  []uint32    // the filters that lost a message in the step
	epoch     uint32      // coverage epoch: simulators of one share what is fresh to them
	fresh     bool
	under     *equivariance // what is played is compared with its images, unless this is nil
	odd       node.Set      // those whose opening of the round under way is not equivariant
	key       []uint32
	// components are those of the system, as this simulator reads them.
	components reader
	expected   expectation
	err        error
	within     bool      // Within is under way
	between    [2]Vector // between the steps of a sequence
}

// NewSimulator returns a simulator for vectors of a system.
func NewSimulator(sys *System) *Simulator {
	m := &Simulator{p: *newPlayer(sys), components: reader{table: &sys.components}}
	m.p.memory = m
	return m
}

// NewSimulator returns a simulator that finds out whether steps are the same after the
// renamings of y: it compares what it plays with its images, and says in Fresh which steps are
// to be compared as a whole. See [Symmetry.Renew].
func (y *Symmetry) NewSimulator() *Simulator {
	m := NewSimulator(y.sys)
	m.epoch, m.under = y.epoch, newEquivariance(y)
	return m
}

// SetContext makes steps end when ctx does: no more of the nodes' code is run
// then, Take reports false, and Err is the error of ctx. What was under way is
// not remembered.
func (m *Simulator) SetContext(ctx context.Context) { m.p.ctx, m.p.opening.ctx = ctx, ctx }

// Err returns why the last step was given up, nil if it was not: because the
// context ended, or the system can learn no more (a [LimitError]).
func (m *Simulator) Err() error { return m.err }

// Take writes to dst the vector to which s leads from src, and reports whether
// s can happen there at all. If not, dst is undefined and Why says why. The
// two vectors must not overlap.
func (m *Simulator) Take(dst, src Vector, s *Step) (ok bool) {
	m.err = nil
	if m.within {
		return m.step(dst, src, s)
	}
	if m.err = m.Within(func() { ok = m.step(dst, src, s) }); m.err != nil {
		ok, m.p.why = false, m.err.Error()
	}
	return ok
}

// Within runs f, which takes steps, and is left amid a step if the context of the
// simulator ends or the system can learn no more; Within returns the error then.
// For many steps that is cheaper than to be ready for the end in each of them.
func (m *Simulator) Within(f func()) (err error) {
	m.within = true
	whole := false
	defer func() {
		m.within = false
		if whole {
			return
		}
		p := recover()
		stop, stopped := p.(stopped)
		if !stopped {
			panic(p) // a bug
		}
		err = stop.err
		m.p.opening.src = nil // it may be half an opening
	}()
	f()
	whole = true
	return nil
}

// step takes a step, and gathers what was seen of it.
func (m *Simulator) step(dst, src Vector, s *Step) bool {
	m.lists, m.turns, m.all, m.filtered, m.fresh = m.lists[:0], m.turns[:0], 0, m.filtered[:0], false
	ok := false
	if s.inner == nil {
		ok = m.one(dst, src, s)
	} else {
		ok = m.inTurn(dst, src, s.inner)
	}
	if ok && len(m.lists) > 0 {
		m.all = m.lists[0]
		if len(m.lists) > 1 {
			m.all = m.p.sys.values.joined(m.lists)
		}
		// In other company, what is known of an instance or a component comes in another place.
		m.fresh = m.fresh || m.epoch != 0 && m.p.sys.values.ordered(m.lists)
	}
	return ok
}

// one takes a step that is no sequence. What is observed comes after what was before.
func (m *Simulator) one(dst, src Vector, s *Step) bool {
	ok := m.p.take(dst, src, s)
	if ok && !s.begins() && m.expected.leaders != 0 { // rounds did so in settle or rest
		if m.under != nil {
			round := m.p.sys.envs.at(dst[len(dst)-1]).round
			for i := range m.p.sys.servers.All {
				m.fresh = !m.under.begins(m.p.ctx, i, dst[i], round, m.expected.leaders) || m.fresh
			}
		}
		m.Forget(dst)
	}
	return ok
}

// Record takes a step as Take does, and returns each thing that happened, in order. Moments of
// which nothing comes are left out.
func (m *Simulator) Record(dst, src Vector, s *Step) (records []Record, ok bool) {
	m.p.record = &records
	defer func() { m.p.record = nil }()
	ok = m.Take(dst, src, s)
	return slices.DeleteFunc(records, Record.idle), ok
}

// Seen returns what the last step taken made observable, as the number of a list of
// observations; see [System.Observations]. It is 0 if that is nothing.
func (m *Simulator) Seen() uint32 { return m.all }

// SeenSince yields what the last step taken made observable of instances from the k-th of its
// steps on. A step that is no sequence is its own step 0. It is valid until the next step.
func (m *Simulator) SeenSince(k int) iter.Seq2[int, node.Observation] {
	lists := m.lists
	if len(m.turns) > 0 {
		lists = lists[m.turns[k]:]
	}
	return func(yield func(int, node.Observation) bool) {
		for _, list := range lists {
			for i, o := range m.p.sys.Observations(list) {
				if !yield(i, o) {
					return
				}
			}
		}
	}
}

// Filtered lists the numbers of the filters ([Step.Filters]) that lost or doubled a message
// in the last step taken, each that would have lost it. It is valid until the
// next step.
func (m *Simulator) Filtered() []uint32 { return m.filtered }

// Fresh reports whether the last step is to be compared with its images as a whole: it held
// something that no simulator of the same symmetry had played before, and that is not known to
// be the same after renamings by what instances did each (see equivariance). It is false for
// a simulator that is under none.
func (m *Simulator) Fresh() bool { return m.fresh }

// Why says why the last step could not happen.
func (m *Simulator) Why() string { return m.p.why }

// open readies the opening of a round, which is often that of the step before.
func (m *Simulator) open(e *env, leader int) {
	if o := &m.p.opening; m.restedFor != m.expected || !o.is(m.p.vec, e.round, leader) {
		o.of(m.p.vec, m.p.sys.servers, e.round, leader)
		m.restedFor = m.expected
		m.rested = slices.Grow(m.rested[:0], len(m.p.vec))[:len(m.p.vec)]
		clear(m.rested)
		m.odd = 0
		if m.under != nil {
			for i := range m.p.sys.servers.All {
				if !m.under.begins(m.p.ctx, i, m.p.vec[i], e.round, m.p.sys.identities[leader].Instances) {
					m.odd |= node.SetOf(i)
				}
			}
		}
	}
	m.fresh = m.fresh || m.odd != 0
}

// among plays a step by its components, from memory where it can, or as a whole.
func (m *Simulator) among(e *env, s *Step) bool {
	components := m.apart(s)
	if components == nil {
		return m.whole(e, s)
	}
	sent, before, filtered, stuck := 0, len(m.lists), len(m.filtered), false
	for i, members := range components {
		if m.component(s, e, i, members) {
			sent += m.p.packets
			continue
		}
		if len(components) == 1 || m.p.lack.coin == "" {
			return false
		}
		stuck = true
		break
	}
	if len(components) > 1 && (stuck || sent > m.p.sys.limits.packets) {
		// Which code failed, or lacked a coin first, is to be found among all of them.
		copy(m.p.vec, m.p.src)
		m.p.flight, m.lists, m.filtered = m.p.flight[:0], m.lists[:before], m.filtered[:filtered]
		m.p.why, m.p.lack = "", lacking{}
		return m.component(s, e, len(components), m.p.sys.All())
	}
	return true
}

// whole plays a step that does not fall into components.
func (m *Simulator) whole(e *env, s *Step) bool {
	possible, same := m.under.watch(&m.p, s, func() bool { return m.p.play(e, s.move, s.members) })
	m.fresh = m.fresh || !same
	if !possible {
		return false
	}
	m.forgetMembers(e, s, s.members)
	m.keepSeen()
	m.keepMatched()
	return true
}

// forgetMembers makes of the states of members after a round what no round to come can distinguish.
func (m *Simulator) forgetMembers(e *env, s *Step, members node.Set) {
	if m.expected.leaders != 0 && s.begins() {
		for i := range (members & m.p.sys.servers).All {
			m.p.vec[i] = m.classAfter(e, i, m.p.vec[i])
		}
	}
}

// classAfter is the class of the state of instance i after a round. A class is what its
// members do as the next round begins.
func (m *Simulator) classAfter(e *env, i int, id uint32) uint32 {
	if m.under != nil && !m.under.begins(m.p.ctx, i, id, e.round+1, m.expected.leaders) {
		m.fresh, m.odd = true, m.odd|node.SetOf(i)
	}
	return m.p.sys.classes.find(m.p.ctx, id, equivalenceClass{instance: i, round: e.round + 1, leaders: m.expected.leaders})
}

// keepMatched adds to the filters of the step those of the component.
func (m *Simulator) keepMatched() {
	for _, number := range m.p.matched {
		m.filtered = noteFilter(m.filtered, number)
	}
}

// keepSeen interns what was observed since the step began.
func (m *Simulator) keepSeen() {
	if len(m.p.seen) > 0 {
		m.lists = append(m.lists, m.p.sys.values.list(m.p.seen))
	}
}
