package runtime

import (
	"context"
	"fmt"
	"slices"
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
	deaf     []filter          // of this step, beside those of the topology
	part     [MaxInstances]Set // whom an instance may reach in this phase
	outside  Fate              // what becomes of messages to others
	lossy    bool
	wave     []packet
	next     []packet
	flight   []packet
	deferred []deferral
	opening  opening
	expected expectation
	seen     []uint32 // pairs of instance and observation
	lists    []uint32 // of observations, a list for each cell
	all      uint32   // the number of one list of all of them
	packets  int      // delivered in this step or cell; one more than the limit if it was ended
	matched  []uint32 // filters that lost a message in the cell under way
	filtered []uint32 // and in the step
	realm    uint32   // simulators of one realm share what they remember of cells
	fresh    bool
	why      string
	key      []uint32
	record   *[]Delivery
	ctx      context.Context // ends the work of nodes' code; see SetContext
	err      error
	within   bool // Within is under way
}

// NewSimulator returns a simulator for worlds of this cluster.
func (c *Cluster) NewSimulator() *Simulator {
	ctx := context.Background()
	return &Simulator{cluster: c, code: c.code, lossy: c.config.Network == Lossy, opening: opening{cluster: c, ctx: ctx}, ctx: ctx}
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

// StartVector writes the vector of the starting world to dst.
func (c *Cluster) StartVector(dst Vector) {
	for i, in := range c.instances {
		dst[i] = c.code.fresh[in.start]
	}
	dst[len(c.instances)] = 0
}

// SetContext makes steps end when ctx does: no more of the nodes' code is run
// then, Take reports false, and Err is the error of ctx. What was under way is
// not remembered.
func (m *Simulator) SetContext(ctx context.Context) { m.ctx, m.opening.ctx = ctx, ctx }

// Err returns why the last step was given up, nil if it was not: because the
// context ended, or the cluster can learn no more (a [LimitError]).
func (m *Simulator) Err() error { return m.err }

// Take writes to dst the vector to which s leads from src, and reports whether
// s can happen there at all. If not, dst is undefined and Why says why. The
// two vectors must not overlap.
func (m *Simulator) Take(dst, src Vector, s Step) (ok bool) {
	m.err = nil
	if m.within {
		return m.take(dst, src, s)
	}
	if m.err = m.Within(func() { ok = m.take(dst, src, s) }); m.err != nil {
		ok, m.why = false, m.err.Error()
	}
	return ok
}

// Within runs f, which takes steps, and is left amid a step if the context of the
// simulator ends or the cluster can learn no more; Within returns the error then.
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
		m.opening.src = nil // it may be half an opening
	}()
	f()
	whole = true
	return nil
}

func (m *Simulator) take(dst, src Vector, s Step) bool {
	m.lists, m.all, m.why, m.fresh = m.lists[:0], 0, "", false
	m.matched, m.filtered = m.matched[:0], m.filtered[:0]
	ok := false
	switch s.kind {
	case ExchangeStep, RoundStep, DeliverStep, InvokeStep, TimeoutStep:
		ok = m.play(dst, src, s)
	case CrashStep, RestartStep, AmnesiaStep:
		ok = m.befall(dst, src, s)
	case ReleaseStep:
		ok = m.release(dst, src, s)
	default:
		ok = m.reshape(dst, src, s)
	}
	if ok && s.kind != RoundStep && m.expected.leaders != 0 { // rounds did so in post or rest
		for i := range m.cluster.servers.All {
			m.fresh = m.first(i, dst[i], forgotten, (*m.code.envs.at(dst[len(dst)-1])).round) || m.fresh
		}
		m.Forget(dst)
	}
	if ok && len(m.lists) > 0 {
		m.all = m.lists[0]
		if len(m.lists) > 1 {
			m.all = m.code.joined(m.lists)
		}
		// In other company, what is known of an instance or a cell comes in another place.
		m.fresh = m.fresh || m.realm != 0 && m.code.ordered(m.lists)
	}
	return ok
}

// Seen returns what the last step taken made observable, as the number of a list of
// observations; see [Cluster.Observations]. It is 0 if that is nothing.
func (m *Simulator) Seen() uint32 { return m.all }

// Filtered lists the numbers of the filters ([Step.Filters]) that lost a message
// in the last step taken, each that would have lost it. It is valid until the
// next step.
func (m *Simulator) Filtered() []uint32 { return m.filtered }

// Fresh reports whether the last step held something that no simulator of the
// same realm had played before.
func (m *Simulator) Fresh() bool { return m.fresh }

// forgotten is what happens to a state that stands for its class from then on.
const forgotten = 1 << 31

// first reports whether no simulator of this realm asked before with the same
// arguments and expectations. It tells nothing outside of realms.
func (m *Simulator) first(i int, id, what, more uint32) bool {
	if m.realm == 0 {
		return false
	}
	low, high, ends := m.expected.words()
	key := [...]uint32{m.realm, uint32(i), id, what, more, low, high, ends}
	if _, ok := m.code.played.get(key[:]); ok {
		return false
	}
	m.code.played.put(key[:], nil)
	return true
}

// Why says why the last step could not happen.
func (m *Simulator) Why() string { return m.why }

func (m *Simulator) refuse(format string, args ...any) bool {
	m.why = fmt.Sprintf(format, args...)
	return false
}

// play runs a step in which nodes react.
func (m *Simulator) play(dst, src Vector, s Step) bool {
	last := len(dst) - 1
	e := *m.code.envs.at(src[last])
	copy(dst, src)
	m.vec = dst[:last]
	m.topology, m.deaf = *m.code.topos.at(e.topology), s.phase.deaf
	m.flight = m.flight[:0]
	if s.kind == RoundStep {
		if m.opening.expected != m.expected || !m.opening.is(m.vec, e.round, s.who) {
			m.opening.of(m.vec, m.cluster.servers, e.round, s.who)
			m.opening.expected = m.expected
			for i := range m.cluster.servers.All {
				m.fresh = m.first(i, m.vec[i], uint32(RoundEvent)|uint32(s.who)<<8, e.round) || m.fresh
			}
		}
		if m.why = m.opening.why; m.why != "" {
			return false
		}
	}
	if cells := m.cells(s); cells != nil {
		if s.kind == ExchangeStep {
			for _, p := range e.flight {
				if !s.set.Has(int(p.from)) || !s.set.Has(int(p.to)) {
					m.flight = append(m.flight, p)
				}
			}
		}
		sent := 0
		for i, members := range cells {
			if !m.cell(s, e, i, members) {
				return false
			}
			sent += m.packets
		}
		if len(cells) > 1 && sent > m.code.limits.packets {
			// Who failed is to be found among all of them.
			copy(dst, src)
			m.flight, m.lists, m.filtered = m.flight[:0], m.lists[:0], m.filtered[:0]
			m.cell(s, e, len(cells), m.cluster.servers|m.cluster.clients)
		}
	} else {
		m.fresh = true
		all := m.cluster.servers | m.cluster.clients
		m.begin(s, all)
		if !m.run(s, e, all) {
			return false
		}
		if !m.expected.ends {
			m.post(s, e, all)
		}
		m.keepSeen()
		m.keepMatched()
	}
	if m.expected.ends || s.kind != RoundStep && len(m.flight)+len(e.flight) == 0 {
		return true // the environment is as it was, or does not matter
	}
	after := env{topology: e.topology, round: e.round, flight: m.flight}
	if s.kind == RoundStep {
		after.round++
	}
	slices.SortStableFunc(after.flight, packet.compareLinks)
	dst[last] = m.code.env(&after)
	return true
}

// begin prepares members for a step: takes away their letters, and opens the round.
func (m *Simulator) begin(s Step, members Set) {
	m.next, m.seen, m.deferred, m.packets = m.next[:0], m.seen[:0], m.deferred[:0], 0
	m.matched = m.matched[:0]
	if s.kind == RoundStep {
		m.open(s.phase.parts, members)
		for i := range (members & m.cluster.servers).All {
			m.vec[i] = m.opening.states[i]
		}
		for _, e := range m.opening.events {
			if !members.Has(e.instance) {
				continue
			}
			m.emit(e.instance, e.outcome)
			if m.record != nil && (e.from >= 0 || !e.down) {
				m.note(0, e.from, e.instance, m.code.event(e.stimulus), e.fate(), e.before, e.outcome)
			}
		}
		return
	}
	for i := range members.All {
		l := m.code.locals.at(m.vec[i])
		m.vec[i] = l.bare
		for _, letter := range l.letters {
			m.deferred = append(m.deferred, deferral{letter.from, Of(i), letter.msg})
		}
	}
}

// post leaves letters where they wait, and forgets what no later step needs.
func (m *Simulator) post(s Step, e *env, members Set) {
	for i := range (members & m.cluster.servers).All {
		var letters []letter
		for _, d := range m.deferred {
			if d.reach.Has(i) {
				letters = append(letters, letter{d.from, d.msg})
			}
		}
		m.vec[i] = m.code.mailed(m.vec[i], letters)
		if m.expected.leaders != 0 && s.kind == RoundStep {
			m.vec[i] = m.classAfter(e, i, m.vec[i])
		}
	}
}

// classAfter is the class of the state of instance i after a round.
func (m *Simulator) classAfter(e *env, i int, id uint32) uint32 {
	return m.code.class(m.ctx, id, class{instance: i, round: e.round + 1, leaders: m.expected.leaders})
}

// run plays the step among members after its begin: stimuli, then wave after
// wave. Messages to others are lost or, in a network that holds them, wait.
func (m *Simulator) run(s Step, e *env, members Set) bool {
	m.wave, m.outside = m.wave[:0], Cut
	switch s.kind {
	case ExchangeStep:
		return m.runExchange(s, e, members)
	case RoundStep:
		m.runPhase(s.phase, e, members)
		return true
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
		if !m.stimulate(i, stimulus{kind: kind, arg: s.value}) {
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
	if !m.stimulate(s.who, stimulus{kind: ExchangeEvent}) {
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

// runPhase delivers what is in flight among members and what is in m.next.
// What remains after the last hop stays in flight.
func (m *Simulator) runPhase(p phase, e *env, members Set) {
	for _, p := range e.flight {
		if members.Has(int(p.from)) && members.Has(int(p.to)) {
			m.wave = append(m.wave, p)
		}
	}
	m.wave = append(m.wave, m.next...)
	m.runWaves(p.hops, members)
	m.flight = append(m.flight, m.wave...)
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
		if hop > m.code.limits.hops {
			m.fail(hop)
			return
		}
		slices.SortStableFunc(m.wave, func(a, b packet) int { return m.topology.place(a) - m.topology.place(b) })
		m.next = m.next[:0]
		for _, p := range m.wave {
			m.route(hop, p, members)
			if m.packets > m.code.limits.packets {
				m.fail(hop)
				return
			}
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
	case m.filters() && m.loses(p.msg, from, to):
		fate = Filtered
	}
	if fate == Delivered {
		m.packets++
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

// filters reports whether some type of message may be lost in this step.
func (m *Simulator) filters() bool { return len(m.topology.filters)+len(m.deaf) > 0 }

// loses reports whether filters lose a message on a link, and notes which.
func (m *Simulator) loses(msg uint32, from, to int) bool {
	kind := MessageType(*m.code.values.at(msg))
	standing := m.matching(m.topology.filters, kind, from, to)
	return m.matching(m.deaf, kind, from, to) || standing
}

// matching reports whether some filters lose a message, and notes which.
func (m *Simulator) matching(filters []filter, kind string, from, to int) bool {
	lost := false
	for i := range filters {
		if f := &filters[i]; f.loses(kind, from, to) {
			m.matched = noteFilter(m.matched, f.number)
			lost = true
		}
	}
	return lost
}

func noteFilter(noted []uint32, number uint32) []uint32 {
	if slices.Contains(noted, number) {
		return noted
	}
	return append(noted, number)
}

// keepMatched adds to the filters of the step those of the cell.
func (m *Simulator) keepMatched() {
	for _, number := range m.matched {
		m.filtered = noteFilter(m.filtered, number)
	}
}

// arrive lets the receiver of p react.
func (m *Simulator) arrive(hop int, p packet) {
	to := int(p.to)
	before := m.vec[to]
	s := stimulus{MessageEvent, m.cluster.instances[p.from].Identity, p.msg}
	o := m.code.react(m.ctx, before, s)
	m.vec[to] = o.next
	m.emit(to, o)
	if m.record != nil {
		m.note(hop, int(p.from), to, m.code.event(s), o.fate(), before, o)
	}
}

// fate returns what became of the message to which an instance reacted.
func (o *outcome) fate() Fate {
	if o.down {
		return Down
	}
	return Delivered
}

// stimulate lets instance i react to what the step itself brings. A refusal
// ends the step, and so does an instance that is down.
func (m *Simulator) stimulate(i int, s stimulus) bool {
	before := m.vec[i]
	o := m.code.react(m.ctx, before, s)
	if o.refused != "" {
		return m.refuse("%s", o.refused)
	}
	if o.down {
		return m.refuse("%s is down", m.cluster.instances[i].Name)
	}
	m.vec[i] = o.next
	m.emit(i, o)
	if m.record != nil {
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

// A deferral is a message to whoever leads the next round, on the way to the
// instances that the sender reaches in this one.
type deferral struct {
	from  uint8
	reach Set
	msg   uint32
}

func (m *Simulator) deferMessage(from int, msg uint32) {
	reach := m.topology.reach[from] & m.part[from] & m.cluster.servers
	if m.filters() {
		for i := range (reach &^ Of(from)).All {
			if m.loses(msg, from, i) {
				reach &^= Of(i)
			}
		}
	}
	m.deferred = append(m.deferred, deferral{uint8(from), reach, msg})
}

// loudest returns the first message in the wave of the instance that has most
// of them there.
func (m *Simulator) loudest() packet {
	var count [MaxInstances]int
	for _, p := range m.wave {
		count[p.from]++
	}
	loudest := m.wave[0]
	for _, p := range m.wave {
		if n, most := count[p.from], count[loudest.from]; n > most || n == most && p.from < loudest.from {
			loudest = p
		}
	}
	return loudest
}

// fail ends a step that does not end by itself. What is on its way is lost.
func (m *Simulator) fail(hop int) {
	p := m.loudest()
	from := int(p.from)
	text := fmt.Sprintf("still sends %s after %d hops and %d messages; a node must fall silent when nothing new reaches it",
		MessageType(*m.code.values.at(p.msg)), hop-1, m.packets)
	l := *m.code.locals.at(m.vec[from])
	l.flags |= broken
	m.vec[from] = m.code.local(l)
	o := Observation{Kind: Failed, Failure: Failure{Message: text}}
	m.seen = append(m.seen, uint32(from), m.code.observation(o))
	if m.record != nil {
		*m.record = append(*m.record, Delivery{Hop: hop, From: -1, To: from, Fate: Down, Seen: []Observation{o}})
	}
	m.wave = m.wave[:0]
	m.packets = m.code.limits.packets + 1
}

func (m *Simulator) observe(i int, o *outcome) {
	for _, id := range o.seen {
		m.seen = append(m.seen, uint32(i), id)
	}
}

// keepSeen interns what was observed since the step began.
func (m *Simulator) keepSeen() {
	if len(m.seen) > 0 {
		m.lists = append(m.lists, m.code.list(m.seen))
	}
}
