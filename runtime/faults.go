package runtime

import "slices"

// befall crashes, restarts or empties instances.
func (m *Simulator) befall(dst, src Vector, s Step) bool {
	copy(dst, src)
	m.seen = m.seen[:0]
	kind := crashEvent
	switch s.kind {
	case RestartStep:
		kind = restartEvent
	case AmnesiaStep:
		kind = amnesiaEvent
	}
	for i := range s.set.All {
		l := m.code.locals.at(src[i])
		o := m.code.react(m.ctx, l.bare, stimulus{kind: kind})
		m.fresh = m.first(i, src[i], uint32(kind), 0) || m.fresh
		if o.refused != "" {
			return m.refuse("%s %s", m.cluster.instances[i].Name, o.refused)
		}
		dst[i] = m.code.mailed(o.next, l.letters)
		m.observe(i, o)
		if m.record != nil {
			m.note(0, -1, i, Event{Kind: kind}, Delivered, l.bare, o)
		}
	}
	m.keepSeen()
	return true
}

// release lets messages pass a held link.
func (m *Simulator) release(dst, src Vector, s Step) bool {
	copy(dst, src)
	last := len(dst) - 1
	after := **m.code.envs.at(src[last])
	t := *m.code.topos.at(after.topology)
	if !slices.ContainsFunc(t.held, func(l link) bool { return s.set.Has(l.from) && l.to == s.who }) {
		return m.refuse("that link is not held, so nothing queues on it")
	}
	after.flight = slices.Clone(after.flight)
	let := 0
	for i, p := range after.flight {
		if s.set.Has(int(p.from)) && int(p.to) == s.who && !p.released && (s.count == 0 || let < s.count) {
			after.flight[i].released = true
			let++
		}
	}
	if let < s.count {
		return m.refuse("%d messages wait on that link", let)
	}
	if s.count == 0 {
		for from := range s.set.All {
			t = t.unhold(from, s.who)
		}
		after.topology = m.code.topology(t)
	}
	dst[last] = m.code.env(&after)
	return true
}

// reshape changes the topology.
func (m *Simulator) reshape(dst, src Vector, s Step) bool {
	copy(dst, src)
	m.fresh = true
	last := len(dst) - 1
	e := *m.code.envs.at(src[last])
	changed := *e
	changed.topology = m.code.topology(s.change.apply(*m.code.topos.at(e.topology)))
	dst[last] = m.code.env(&changed)
	return true
}
