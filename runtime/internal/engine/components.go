package engine

import (
	"slices"

	"github.com/twinsh/twinsh/runtime/node"
)

// A component is a set of instances that no message enters or leaves during a step:
// a client and its reach, or one part of a partition. What happens in it
// depends on nothing but its stimulus, its members' local states and what is in
// flight among them, so it is played once and remembered. There are far fewer
// different components than different steps, and one look-up replaces dozens of
// deliveries.

// What the keys of components begin with: a number for the kind of step, and for
// an exchange its client.
const (
	ofExchange = iota
	ofRound
	ofDelivery
)

// apart returns the components into which a step falls, or nil if it has to be
// played as a whole: messages that wait tie the components together, and a recorded
// step must show each delivery.
func (m *Simulator) apart(s *Step) []node.Set {
	if m.p.record != nil || !m.p.lossy || m.p.topology.ties() {
		return nil
	}
	return s.components
}

// component plays the step among members of its i-th component, from memory if it
// can; after the last component comes the whole step. It leaves in m.p.packets how
// many messages were delivered: the limit of them is one for the whole step.
//
// A remembered component is the number of the reason for which it cannot happen; or
// the number of its list of observations, how many messages were delivered,
// how many packets it leaves in flight, if filters lost messages the number of
// their list (which someFiltered says), the packets (two words each) and, unless
// the scenario ends with it, the new local state of each member.
func (m *Simulator) component(s *Step, e *env, i int, members node.Set) bool {
	key := append(m.key[:0], m.setting(s, e, i))
	if s.begins() {
		// Once the members know that the round began it does not matter who leads it, nor
		// which it is, if their states do not hold it.
		m.p.bring(e, s.move, members)
		m.keepMatched()
		m.p.matched = m.p.matched[:0]
		if m.quiet(e, members) {
			m.rest(e, members)
			return true
		}
	}
	for i := range members.All {
		key = append(key, m.p.vec[i])
	}
	for _, p := range e.flight {
		if p.among(members) {
			w, msg := p.words()
			key = append(key, w, msg)
		}
	}
	if s.begins() {
		key = m.appendOpening(key, members)
	}
	m.key = key
	v, ok := m.components.get(key)
	if !ok {
		v = m.playComponent(s, e, members)
	}
	if len(v) == 1 {
		m.p.lack = m.p.sys.values.at(v[0]).(lacking)
		m.p.why = m.p.lack.why
		return false
	}
	if v[0] != 0 {
		m.lists = append(m.lists, v[0])
	}
	m.p.packets = int(v[1])
	count := v[2] &^ someFiltered
	if v[2] != count {
		m.p.matched = append(m.p.matched[:0], m.p.sys.values.pairs(v[3])...)
		m.keepMatched()
		v = v[1:]
	}
	packets := v[3 : 3+2*count]
	v = v[3+2*count:]
	for ; len(packets) > 0; packets = packets[2:] {
		m.p.flight = append(m.p.flight, packetOf(packets[0], packets[1]))
	}
	if len(v) > 0 {
		k := 0
		for i := range members.All {
			m.p.vec[i] = v[k]
			k++
		}
	}
	return true
}

// quiet reports whether no member sent anything as the round began,
// nor was anything in flight.
func (m *Simulator) quiet(e *env, members node.Set) bool {
	for _, p := range m.p.next {
		if members.Has(int(p.to)) {
			return false
		}
	}
	for _, p := range e.flight {
		if p.among(members) {
			return false
		}
	}
	return len(m.p.deferred) == 0 && members&m.p.sys.quieting == 0
}

// rest ends the round for quiet members, which takes no memory.
func (m *Simulator) rest(e *env, members node.Set) {
	m.keepSeen()
	m.fresh = m.fresh || m.under != nil && m.p.sys.values.several(m.p.seen)
	if m.expected.leaders == 0 {
		return
	}
	for i := range (members & m.p.sys.servers).All {
		if m.rested[i] == 0 {
			m.rested[i] = m.classAfter(e, i, m.p.opening.states[i]) + 1
		}
		m.p.vec[i] = m.rested[i] - 1
	}
}

// appendOpening adds to a key what the opening of a round brought about among members,
// beside their states.
func (m *Simulator) appendOpening(key []uint32, members node.Set) []uint32 {
	const mark = 1 << 31 // no packet begins with that
	for _, p := range m.p.next {
		if members.Has(int(p.to)) {
			w, msg := p.words()
			key = append(key, mark|w, msg)
		}
	}
	if len(m.p.deferred)+len(m.p.seen) > 0 {
		key = append(key, mark|mark>>1, uint32(len(m.p.deferred)))
		for _, d := range m.p.deferred {
			key = append(key, uint32(d.from), uint32(d.reach), uint32(d.reach>>32), d.msg)
		}
		key = append(key, m.p.seen...)
	}
	return key
}

// A setting is what the components of a step have in common that differ only in the
// states of their members and in what is in flight.
type setting struct {
	topology, epoch, round uint32
	expected               expectation
}

// settings are the numbers of the components of a step. It keeps those that it used last.
type settings struct {
	setting
	components []uint32 // then that of the whole step
}

func (m *Simulator) setting(s *Step, e *env, i int) uint32 {
	here := setting{topology: e.topology, epoch: m.epoch, expected: m.expected}
	if !s.begins() {
		here.expected.leaders = 0 // classes are made after the step
	} else if m.expected.leaders != 0 {
		here.round = e.round // a part of what a state stands for
	}
	p := s.last.Load()
	if p == nil || p.setting != here {
		p = m.newSettings(s, here)
	}
	return p.components[i]
}

func (m *Simulator) newSettings(s *Step, here setting) *settings {
	p := &settings{setting: here}
	low, high, ends := here.expected.words()
	all := m.p.sys.All()
	for i, members := range append(slices.Clip(s.components), all) {
		key := []uint32{s.what, p.topology, s.shape, p.epoch, p.round,
			uint32(members), uint32(members >> 32), low, high, ends}
		if i == len(s.components) { // how they are kept apart does not follow from who they are
			for _, part := range s.components {
				key = append(key, uint32(part), uint32(part>>32))
			}
		}
		number := m.p.sys.settings.putFunc(key, func() []uint32 { return []uint32{uint32(m.p.sys.settings.count)} })
		p.components = append(p.components, number[0])
	}
	s.last.Store(p)
	return p
}

// someFiltered is added to the number of packets of a component in which filters lost messages.
const someFiltered = 1 << 31

// outcomeOf begins what is remembered of the component under way.
func (m *Simulator) outcomeOf(packets int) []uint32 {
	value := []uint32{m.p.sys.values.list(m.p.seen), uint32(m.p.packets), uint32(packets)}
	if len(m.p.matched) > 0 {
		slices.Sort(m.p.matched)
		value[2] |= someFiltered
		value = append(value, m.p.sys.values.list(m.p.matched))
	}
	return value
}

// playedInVain remembers of the component under way that it cannot happen, and why.
func (m *Simulator) playedInVain(flight int) []uint32 {
	m.p.flight = m.p.flight[:flight]
	m.p.lack.why = m.p.why
	return m.p.sys.components.put(m.key, []uint32{m.p.sys.values.value(m.p.lack)})
}

// playComponent plays the step among members for the first time; the states in
// m.p.vec are then those after it, but m.p.flight is as it was.
func (m *Simulator) playComponent(s *Step, e *env, members node.Set) []uint32 {
	flight := len(m.p.flight)
	possible, same := m.under.watch(&m.p, s, func() bool {
		if !s.begins() && !m.p.bring(e, s.move, members) {
			return false
		}
		m.p.flow(e, s.move, members)
		return m.p.why == ""
	})
	m.fresh = m.fresh || !same
	if !possible {
		return m.playedInVain(flight)
	}
	if m.p.last {
		m.p.flight = m.p.flight[:flight]
		return m.p.sys.components.put(m.key, m.outcomeOf(0))
	}
	m.forgetMembers(e, s, members)
	value := m.outcomeOf(len(m.p.flight) - flight)
	for _, p := range m.p.flight[flight:] {
		w, msg := p.words()
		value = append(value, w, msg)
	}
	m.p.flight = m.p.flight[:flight]
	for i := range members.All {
		value = append(value, m.p.vec[i])
	}
	return m.p.sys.components.put(m.key, value)
}
