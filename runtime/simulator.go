package runtime

import (
	"fmt"
	"slices"
)

// A step that goes on longer than this is taken for one that never ends.
const (
	maxHops    = 1000
	maxPackets = 1 << 16
)

// A Vector is a world without its past: the local state of each instance, as
// numbers that the cluster gives out, and the number of its environment
// (topology, round, messages in flight). Equal vectors of one cluster are
// worlds with equal futures. The numbers depend on the order in which things
// were learnt: they must not be stored, nor decide what is printed.
type Vector []uint32

// A Simulator takes steps from vector to vector. It holds the scratch space
// for that, so each goroutine needs its own; they share what the cluster
// learns.
type Simulator struct {
	cluster *Cluster
	code    *code

	vec      []uint32 // the local states, as the step goes on
	topology *topology
	part     [MaxInstances]Set // whom an instance may reach in this phase
	outside  Fate              // what becomes of messages to others
	lossy    bool
	wave     []packet
	next     []packet
	flight   []packet
	deferred []deferral
	seen     []uint32 // pairs of instance and observation
	lists    []uint32
	packets  int
	realm    uint32 // simulators of one realm share what they remember of cells
	fresh    bool
	why      string
	key      []uint32
	record   *[]Delivery
}

// NewSimulator returns a simulator for worlds of this cluster.
func (c *Cluster) NewSimulator() *Simulator {
	return &Simulator{cluster: c, code: c.code, lossy: c.config.Network == Lossy}
}

// NewRealm returns a number for a set of simulators that share nothing of what
// others remember of cells, so that each cell is fresh to them once.
func (c *Cluster) NewRealm() uint32 { return c.realms.Add(1) }

// NewSimulatorIn returns a simulator in a realm. See [Cluster.NewRealm].
func (c *Cluster) NewSimulatorIn(realm uint32) *Simulator {
	m := c.NewSimulator()
	m.realm = realm
	return m
}

// Width is the length of this cluster's vectors.
func (c *Cluster) Width() int { return len(c.instances) + 1 }

// Start writes the vector of the starting world to dst.
func (c *Cluster) StartVector(dst Vector) {
	for i, in := range c.instances {
		dst[i] = c.code.fresh[in.start]
	}
	dst[len(c.instances)] = 0
}

// Take writes to dst the vector to which s leads from src, and reports whether
// s can happen there at all. If not, dst is undefined and Why says why. The
// two vectors must not overlap.
func (m *Simulator) Take(dst, src Vector, s Step) bool {
	m.lists, m.why, m.fresh = m.lists[:0], "", false
	switch s.kind {
	case ExchangeStep, RoundStep, DeliverStep, InvokeStep, TimeoutStep:
		return m.play(dst, src, s)
	case CrashStep, RestartStep, AmnesiaStep:
		return m.befall(dst, src, s)
	case ReleaseStep:
		return m.release(dst, src, s)
	default:
		return m.reshape(dst, src, s)
	}
}

// Seen lists what the last step taken made observable, as numbers of lists of
// observations; see [Cluster.Observations]. It is valid until the next step.
func (m *Simulator) Seen() []uint32 { return m.lists }

// Fresh reports whether the last step held something that no simulator of the
// same realm had played before.
func (m *Simulator) Fresh() bool { return m.fresh }

// Why says why the last step could not happen.
func (m *Simulator) Why() string { return m.why }

func (m *Simulator) refuse(format string, args ...any) bool {
	m.why = fmt.Sprintf(format, args...)
	return false
}

// befall crashes, restarts or empties instances.
func (m *Simulator) befall(dst, src Vector, s Step) bool {
	copy(dst, src)
	m.fresh = true
	m.seen = m.seen[:0]
	kind := crashEvent
	switch s.kind {
	case RestartStep:
		kind = restartEvent
	case AmnesiaStep:
		kind = amnesiaEvent
	}
	for i := range s.set.All {
		o := m.code.react(src[i], stimulus{kind: kind})
		if o.refused != "" {
			return m.refuse("%s %s", m.cluster.instances[i].Name, o.refused)
		}
		dst[i] = o.next
		m.observe(i, o)
		if m.record != nil {
			m.note(0, -1, i, Event{Kind: kind}, Delivered, src[i], o)
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
		t := *m.code.topos.at(after.topology)
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

// play runs a step in which nodes react.
func (m *Simulator) play(dst, src Vector, s Step) bool {
	last := len(dst) - 1
	e := *m.code.envs.at(src[last])
	copy(dst, src)
	m.vec = dst[:last]
	m.topology = *m.code.topos.at(e.topology)
	m.flight, m.deferred = m.flight[:0], m.deferred[:0]
	if s.kind != RoundStep {
		m.deferred = append(m.deferred, e.deferred...) // a round hands them over
	}
	if cells := m.cells(s); cells != nil {
		if s.kind == ExchangeStep {
			for _, p := range e.flight {
				if !s.set.Has(int(p.from)) || !s.set.Has(int(p.to)) {
					m.flight = append(m.flight, p)
				}
			}
		}
		for _, members := range cells {
			if !m.cell(s, e, members) {
				return false
			}
		}
	} else {
		m.seen, m.fresh = m.seen[:0], true
		if !m.run(s, e, m.cluster.servers|m.cluster.clients) {
			return false
		}
		m.keepSeen()
	}
	if s.kind != RoundStep && len(m.flight)+len(m.deferred)+len(e.flight)+len(e.deferred) == 0 {
		return true // the environment is as it was
	}
	m.settle(dst, s, e)
	return true
}

// settle interns the environment after a step.
func (m *Simulator) settle(dst Vector, s Step, e *env) {
	after := env{topology: e.topology, round: e.round, flight: m.flight, deferred: m.deferred}
	if s.kind == RoundStep {
		after.round++
	}
	slices.SortStableFunc(after.flight, packet.compareLinks)
	slices.SortStableFunc(after.deferred, func(a, b deferral) int { return int(a.from) - int(b.from) })
	dst[len(dst)-1] = m.code.env(&after)
}

// run plays the step among members: stimuli, then wave after wave. Messages
// to others are lost or, in a network that holds them, wait.
func (m *Simulator) run(s Step, e *env, members Set) bool {
	m.wave, m.next, m.packets, m.outside = m.wave[:0], m.next[:0], 0, Cut
	switch s.kind {
	case ExchangeStep:
		return m.runExchange(s, e, members)
	case RoundStep:
		return m.runRound(s, e, members)
	case DeliverStep:
		m.open(s.phase.parts, members)
		m.runPhase(s.phase, e, members)
		return true
	}
	kind := TimeoutEvent
	if s.kind == InvokeStep {
		kind = InvokeEvent
	}
	m.open(nil, members)
	for i := range s.set.All {
		if !m.stimulate(i, stimulus{kind: kind, arg: s.value}, true) {
			return false
		}
	}
	m.flight = append(append(m.flight, e.flight...), m.next...)
	return true
}

func (m *Simulator) runExchange(s Step, e *env, members Set) bool {
	m.outside = Lost
	for i := range s.set.All {
		m.part[i] = s.set
	}
	if !m.stimulate(s.who, stimulus{kind: ExchangeEvent}, true) {
		return false
	}
	for _, p := range e.flight {
		// What waits among those who take part arrives with the first wave.
		if s.set.Has(int(p.from)) && s.set.Has(int(p.to)) {
			m.wave = append(m.wave, p)
		} else if members != s.set {
			m.flight = append(m.flight, p)
		}
	}
	m.wave = append(m.wave, m.next...)
	m.runWaves(0, s.set)
	return true
}

func (m *Simulator) runRound(s Step, e *env, members Set) bool {
	// What was sent to the next leader comes first: the leader begins the
	// round knowing it.
	leaders := m.cluster.identities[s.who].Instances & members
	m.open(s.phase.parts, members)
	for i := range leaders.All {
		for _, d := range e.deferred {
			if d.reach.Has(i) {
				m.arrive(0, packet{from: d.from, to: uint8(i), msg: d.msg})
			}
		}
	}
	for i := range (m.cluster.servers & members).All {
		round := Round{Number: int(e.round) + 1, Leader: m.cluster.identities[s.who].Name, Input: m.cluster.input(i, s.who)}
		if !m.stimulate(i, stimulus{kind: RoundEvent, arg: m.code.value(round)}, false) {
			return false
		}
	}
	m.runPhase(s.phase, e, members)
	return true
}

// runPhase delivers what is in flight among members and what is in m.next.
// What remains after the last hop stays in flight.
func (m *Simulator) runPhase(p phase, e *env, members Set) {
	base := m.topology
	if p.deaf != nil {
		m.topology = base.clone()
		m.topology.filters = append(m.topology.filters, p.deaf...)
	}
	for _, p := range e.flight {
		if members.Has(int(p.from)) && members.Has(int(p.to)) {
			m.wave = append(m.wave, p)
		}
	}
	m.wave = append(m.wave, m.next...)
	m.runWaves(p.hops, members)
	m.flight = append(m.flight, m.wave...)
	m.topology = base
}

// open sets whom each member may reach: its part, or everybody.
func (m *Simulator) open(parts []Set, members Set) {
	all := m.cluster.servers | m.cluster.clients
	var named Set
	for _, p := range parts {
		named |= p
	}
	for i := range members.All {
		m.part[i] = all
	}
	for _, p := range parts {
		for i := range (p & members).All {
			m.part[i] = p | all&^named
		}
	}
}

// runWaves delivers wave after wave, at most hops of them unless that is 0.
// The wave that is left over stays in m.wave. In each wave messages arrive in
// the order of their senders, unless the topology says otherwise.
func (m *Simulator) runWaves(hops int, members Set) {
	for hop := 1; len(m.wave) > 0 && (hops == 0 || hop <= hops); hop++ {
		m.packets += len(m.wave)
		if hop > maxHops || m.packets > maxPackets {
			m.fail(m.wave[0], hop)
			m.wave = m.wave[:0]
			return
		}
		slices.SortStableFunc(m.wave, func(a, b packet) int { return m.topology.place(a) - m.topology.place(b) })
		m.next = m.next[:0]
		for _, p := range m.wave {
			m.route(hop, p, members)
		}
		m.wave, m.next = m.next, m.wave
	}
}

// route delivers p, loses it, or lets it wait.
func (m *Simulator) route(hop int, p packet, members Set) {
	from, to := int(p.from), int(p.to)
	fate := Delivered
	switch {
	case from == to:
	case len(m.topology.held) > 0 && !p.released && slices.Contains(m.topology.held, link{from, to}):
		fate = Waiting
	case !m.topology.reach[from].Has(to):
		fate = Cut
	case !m.part[from].Has(to) || !members.Has(to):
		fate = m.outside
	case len(m.topology.filters) > 0 && m.topology.filtered(MessageType(*m.code.values.at(p.msg)), from, to):
		fate = Filtered
	}
	if fate == Delivered {
		m.arrive(hop, p)
		return
	}
	if !m.lossy && fate != Filtered {
		fate = Waiting
	}
	if fate == Waiting {
		m.flight = append(m.flight, p)
	}
	if m.record != nil {
		e := m.code.event(stimulus{MessageEvent, m.cluster.instances[from].Identity, p.msg})
		m.note(hop, from, to, e, fate, m.vec[to], &outcome{next: m.vec[to]})
	}
}

// arrive lets the receiver of p react.
func (m *Simulator) arrive(hop int, p packet) {
	to := int(p.to)
	before := m.vec[to]
	s := stimulus{MessageEvent, m.cluster.instances[p.from].Identity, p.msg}
	o := m.code.react(before, s)
	m.vec[to] = o.next
	m.emit(to, o)
	if m.record != nil {
		fate := Delivered
		if o.down {
			fate = Down
		}
		m.note(hop, int(p.from), to, m.code.event(s), fate, before, o)
	}
}

// stimulate lets instance i react to what the step itself brings. A refusal
// ends the step; so does an instance that is down, if it must be up.
func (m *Simulator) stimulate(i int, s stimulus, must bool) bool {
	before := m.vec[i]
	o := m.code.react(before, s)
	if o.refused != "" {
		return m.refuse("%s", o.refused)
	}
	if o.down && must {
		return m.refuse("%s is down", m.cluster.instances[i].Name)
	}
	m.vec[i] = o.next
	m.emit(i, o)
	if m.record != nil && !o.down {
		m.note(0, -1, i, m.code.event(s), Delivered, before, o)
	}
	return true
}

// emit puts what an instance sends in the next wave.
func (m *Simulator) emit(from int, o *outcome) {
	m.observe(from, o)
	for _, s := range o.sends {
		if s.to == nextLeader {
			m.deferMessage(from, s.msg)
			continue
		}
		to := m.cluster.servers
		if s.to != allServers {
			to = m.cluster.identities[s.to].Instances
		}
		for i := range to.All {
			m.next = append(m.next, packet{from: uint8(from), to: uint8(i), msg: s.msg})
		}
	}
}

func (m *Simulator) deferMessage(from int, msg uint32) {
	reach := m.topology.reach[from] & m.part[from] & m.cluster.servers
	if len(m.topology.filters) > 0 {
		kind := MessageType(*m.code.values.at(msg))
		for i := range (reach &^ Of(from)).All {
			if m.topology.filtered(kind, from, i) {
				reach &^= Of(i)
			}
		}
	}
	m.deferred = append(m.deferred, deferral{uint8(from), reach, msg})
}

// fail ends a step that does not end by itself.
func (m *Simulator) fail(p packet, hop int) {
	from := int(p.from)
	text := fmt.Sprintf("still sends %s after %d hops and %d messages; a node must fall silent when nothing new reaches it",
		MessageType(*m.code.values.at(p.msg)), hop-1, m.packets)
	l := *m.code.locals.at(m.vec[from])
	l.flags |= broken
	m.vec[from] = m.code.local(l)
	m.seen = append(m.seen, uint32(from), m.code.observation(Observation{Kind: Failed, Text: text}))
}

func (m *Simulator) observe(i int, o *outcome) {
	for _, id := range o.seen {
		m.seen = append(m.seen, uint32(i), id)
	}
}

// keepSeen interns what was observed since m.seen was emptied.
func (m *Simulator) keepSeen() {
	if len(m.seen) > 0 {
		m.lists = append(m.lists, m.code.list(m.seen))
	}
}
