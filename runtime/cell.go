package runtime

import "slices"

// A cell is a set of instances that no message enters or leaves during a step:
// a client and its reach, or one part of a partition. What happens in it
// depends on nothing but its stimulus, its members' local states and what is in
// flight among them, so it is played once and remembered. There are far fewer
// different cells than different steps, and one look-up replaces dozens of
// deliveries.

// cells returns the cells into which a step falls, or nil if it has to be
// played as a whole: messages that wait tie the cells together, and a recorded
// step must show each delivery.
func (m *Simulator) cells(s Step) []Set {
	if m.record != nil || !m.lossy || len(m.topology.held) > 0 {
		return nil
	}
	return s.cells
}

// cell plays the step among members of its i-th cell, from memory if it can;
// after the last cell comes the whole step. It leaves in m.packets how many
// messages were delivered: the limit of them is one for the whole step.
//
// A remembered cell is the number of the reason for which it cannot happen; or
// the number of its list of observations, how many messages were delivered,
// how many packets it leaves in flight, if filters lost messages the number of
// their list (which someFiltered says), the packets (two words each) and, unless
// the scenario ends with it, the new local state of each member.
func (m *Simulator) cell(s Step, e *env, i int, members Set) bool {
	key := append(m.key[:0], m.place(s, e, i))
	if s.kind == RoundStep {
		// Then it does not matter who leads the round, nor which it is, if
		// the members' states do not tell.
		m.begin(s, members)
		if m.quiet(e, members) {
			m.rest(e, members)
			return true
		}
	}
	for i := range members.All {
		key = append(key, m.vec[i])
	}
	for _, p := range e.flight {
		if members.Has(int(p.from)) && members.Has(int(p.to)) {
			w, msg := p.words()
			key = append(key, w, msg)
		}
	}
	if s.kind == RoundStep {
		key = m.opened(key, members)
	}
	m.key = key
	v, ok := m.code.cells.get(key)
	if !ok {
		m.fresh = true
		v = m.playCell(s, e, members)
	}
	if len(v) == 1 {
		m.why = (*m.code.values.at(v[0])).(string)
		return false
	}
	if v[0] != 0 {
		m.lists = append(m.lists, v[0])
	}
	m.packets = int(v[1])
	count := v[2] &^ someFiltered
	if v[2] != count {
		m.matched = append(m.matched[:0], *m.code.lists.at(v[3])...)
		m.keepMatched()
		v = v[1:]
	}
	packets := v[3 : 3+2*count]
	v = v[3+2*count:]
	for ; len(packets) > 0; packets = packets[2:] {
		m.flight = append(m.flight, packetOf(packets[0], packets[1]))
	}
	if len(v) > 0 {
		k := 0
		for i := range members.All {
			m.vec[i] = v[k]
			k++
		}
	}
	return true
}

// quiet reports whether nobody among members sent anything as the round began,
// nor was anything in flight.
func (m *Simulator) quiet(e *env, members Set) bool {
	for _, p := range m.next {
		if members.Has(int(p.to)) {
			return false
		}
	}
	for _, p := range e.flight {
		if members.Has(int(p.from)) && members.Has(int(p.to)) {
			return false
		}
	}
	return len(m.deferred) == 0
}

// rest ends the round for quiet members, which takes no memory.
func (m *Simulator) rest(e *env, members Set) {
	m.keepSeen()
	if m.expected.leaders == 0 {
		return
	}
	o := &m.opening
	for i := range (members & m.cluster.servers).All {
		if o.rested[i] == 0 {
			o.rested[i] = m.classAfter(e, i, o.states[i]) + 1
		}
		m.vec[i] = o.rested[i] - 1
	}
}

// opened adds to a key what the opening of a round brought about among members,
// beside their states.
func (m *Simulator) opened(key []uint32, members Set) []uint32 {
	const mark = 1 << 31 // no packet begins with that
	for _, p := range m.next {
		if members.Has(int(p.to)) {
			w, msg := p.words()
			key = append(key, mark|w, msg)
		}
	}
	if len(m.deferred)+len(m.seen) > 0 {
		key = append(key, mark|mark>>1, uint32(len(m.deferred)))
		for _, d := range m.deferred {
			key = append(key, uint32(d.from), uint32(d.reach), uint32(d.reach>>32), d.msg)
		}
		key = append(key, m.seen...)
	}
	return key
}

// A place is what the cells of a step have in common that differ only in the
// states of their members and in what is in flight.
type place struct {
	topology, realm, round uint32
	expected               expectation
}

// places are numbers of the cells of a step. It keeps those that it used last.
type places struct {
	place
	cells []uint32 // then that of the whole step
}

func (m *Simulator) place(s Step, e *env, i int) uint32 {
	here := place{topology: e.topology, realm: m.realm, expected: m.expected}
	if s.kind != RoundStep {
		here.expected.leaders = 0 // classes are made after the step
	} else if m.expected.leaders != 0 {
		here.round = e.round // a part of what a state stands for
	}
	p := s.last.Load()
	if p == nil || p.place != here {
		p = m.newPlaces(s, here)
	}
	return p.cells[i]
}

func (m *Simulator) newPlaces(s Step, here place) *places {
	p := &places{place: here}
	who := s.who
	if s.kind == RoundStep {
		who = 0
	}
	low, high, ends := here.expected.words()
	all := m.cluster.servers | m.cluster.clients
	for i, members := range append(slices.Clip(s.cells), all) {
		key := []uint32{uint32(s.kind)<<16 | uint32(who), p.topology, s.shape, p.realm, p.round,
			uint32(members), uint32(members >> 32), low, high, ends}
		if i == len(s.cells) { // how they are kept apart is not told by who they are
			for _, part := range s.cells {
				key = append(key, uint32(part), uint32(part>>32))
			}
		}
		number := m.code.places.putFunc(key, func() []uint32 { return []uint32{uint32(m.code.places.count)} })
		p.cells = append(p.cells, number[0])
	}
	s.last.Store(p)
	return p
}

// someFiltered is added to the number of packets of a cell in which filters lost messages.
const someFiltered = 1 << 31

// cellValue begins what is remembered of the cell under way.
func (m *Simulator) cellValue(packets int) []uint32 {
	value := []uint32{m.code.list(m.seen), uint32(m.packets), uint32(packets)}
	if len(m.matched) > 0 {
		slices.Sort(m.matched)
		value[2] |= someFiltered
		value = append(value, m.code.list(m.matched))
	}
	return value
}

// playCell plays the step among members for the first time; the states in
// m.vec are then those after it, but m.flight is as it was.
func (m *Simulator) playCell(s Step, e *env, members Set) []uint32 {
	flight := len(m.flight)
	if s.kind != RoundStep {
		m.begin(s, members)
	}
	if !m.run(s, e, members) {
		return m.code.cells.put(m.key, []uint32{m.code.value(m.why)})
	}
	if m.expected.ends {
		m.flight = m.flight[:flight]
		return m.code.cells.put(m.key, m.cellValue(0))
	}
	m.post(s, e, members)
	value := m.cellValue(len(m.flight) - flight)
	for _, p := range m.flight[flight:] {
		w, msg := p.words()
		value = append(value, w, msg)
	}
	m.flight = m.flight[:flight]
	for i := range members.All {
		value = append(value, m.vec[i])
	}
	return m.code.cells.put(m.key, value)
}
