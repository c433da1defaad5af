package runtime

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

// cell plays the step among members, from memory if it can.
//
// A remembered cell is the number of the reason for which it cannot happen; or
// the number of its list of observations, how many packets it leaves in
// flight, these (two words each), its deferrals (four words each) and the new
// local state of each member.
func (m *Simulator) cell(s Step, e *env, members Set) bool {
	key := append(m.key[:0], uint32(s.kind)<<16|uint32(s.who), e.topology, s.shape, m.realm, uint32(members), uint32(members>>32))
	for i := range members.All {
		key = append(key, m.vec[i])
	}
	counted := len(key)
	key = append(key, 0)
	for _, p := range e.flight {
		if members.Has(int(p.from)) && members.Has(int(p.to)) {
			w, msg := p.words()
			key = append(key, w, msg)
			key[counted]++
		}
	}
	if s.kind == RoundStep {
		key = append(key, e.round)
		for i := range (s.set & members).All {
			for _, d := range e.deferred {
				if d.reach.Has(i) {
					key = append(key, uint32(i)<<8|uint32(d.from), d.msg)
				}
			}
		}
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
	packets := v[2 : 2+2*v[1]]
	v = v[2+2*v[1]:]
	for ; len(packets) > 0; packets = packets[2:] {
		m.flight = append(m.flight, packetOf(packets[0], packets[1]))
	}
	for ; len(v) > members.Len(); v = v[4:] {
		m.deferred = append(m.deferred, deferral{uint8(v[0]), Set(v[1]) | Set(v[2])<<32, v[3]})
	}
	k := 0
	for i := range members.All {
		m.vec[i] = v[k]
		k++
	}
	return true
}

// playCell plays the step among members for the first time; the states in
// m.vec are then those after it, but m.flight and m.deferred are as they were.
func (m *Simulator) playCell(s Step, e *env, members Set) []uint32 {
	flight, deferred := len(m.flight), len(m.deferred)
	m.seen = m.seen[:0]
	if !m.run(s, e, members) {
		return m.code.cells.put(m.key, []uint32{m.code.value(m.why)})
	}
	value := []uint32{m.code.list(m.seen), uint32(len(m.flight) - flight)}
	for _, p := range m.flight[flight:] {
		w, msg := p.words()
		value = append(value, w, msg)
	}
	for _, d := range m.deferred[deferred:] {
		value = append(value, uint32(d.from), uint32(d.reach), uint32(d.reach>>32), d.msg)
	}
	m.flight, m.deferred = m.flight[:flight], m.deferred[:deferred]
	for i := range members.All {
		value = append(value, m.vec[i])
	}
	return m.code.cells.put(m.key, value)
}
