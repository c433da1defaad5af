package engine

import (
	"context"
	"fmt"
	"slices"

	"github.com/twinsh/twinsh/runtime/node"
)

// This file is what steps mean. A player plays one step, one delivery after the
// other. It keeps nothing of it but where it began and how its round opened, which the
// steps after it often share. It stands on a single question, which
// [transitions.react] answers: what does an event do to the local state of an instance?
//
//   - player.take is a step from beginning to end, each move is what one kind of
//     step does.
//   - [Simulator] takes a step in the same order, but plays its moves among few instances
//     at a time and remembers what came of it (components.go). Random tests compare the
//     two; they alone call player.take.

// A Move is what a step does, with numbers for names (see moves.go). Its first two
// methods are called in their order.
type Move interface {
	// begin readies the members for the step.
	begin(p *player, e *env, members node.Set)

	// run plays the step among members, and reports whether it can happen.
	run(p *player, e *env, members node.Set) bool

	// describe fills in what memory wants to know of the step that takes the move.
	describe(sys *System, s *Step)

	// key appends what the move is after a renaming, and reports whether moves
	// of its kind are renamed at all.
	key(k *renamedKey) bool
}

type player struct {
	sys    *System
	ctx    context.Context // ends the work of nodes' code; see Simulator.SetContext
	lossy  bool
	record *[]Record // what happens is noted there, unless it is nil

	vec      []uint32 // the local states, as the step goes on
	topology *topology
	deaf     []filter                    // of this step, beside those of the topology
	part     [node.MaxInstances]node.Set // whom an instance may reach in this step
	outside  Fate                        // what becomes of messages to others
	opening  opening                     // of the round, if one begins
	wave     []packet                    // what arrives next
	next     []packet                    // what was sent since then
	flight   []packet                    // what stays in flight after the step
	deferred []deferral                  // what was sent to the next leader
	after    *topology                   // the topology after the step
	env      *env                        // where the step taken last began
	number   uint32                      // of that environment
	begun    *topology                   // its topology
	seen     []uint32                    // pairs of instance and observation
	matched  []uint32                    // filters that lost or doubled a message
	packets  int                         // delivered; one more than the limit if the step was ended
	why      string                      // the step cannot happen
}

// take writes to dst the world to which s leads from src, and reports whether s
// can happen there. If not, why says why.
func (p *player) take(dst, src Vector, s *Step) bool {
	all := p.sys.All()
	e := p.start(dst, src, s)
	if r, ok := s.move.(round); ok {
		p.opening.of(p.vec, p.sys.servers, e.round, r.leader)
		if p.why = p.opening.why; p.why != "" {
			return false
		}
	}
	s.move.begin(p, e, all)
	if !s.move.run(p, e, all) {
		return false
	}
	p.leave(all)
	p.end(dst, e, s)
	return true
}

// start makes src the world in which s begins.
func (p *player) start(dst, src Vector, s *Step) *env {
	last := len(dst) - 1
	copy(dst, src)
	if p.env == nil || p.number != src[last] { // many steps begin in one world
		p.env, p.number = p.sys.envs.at(src[last]), src[last]
		p.begun = p.sys.envs.topologyAt(p.env.topology)
	}
	p.vec, p.topology, p.deaf, p.after = dst[:last], p.begun, s.deaf, p.begun
	p.flight, p.why = p.flight[:0], ""
	return p.env
}

// end writes the environment after the step.
func (p *player) end(dst Vector, e *env, s *Step) {
	if !s.begins() && p.after == p.topology && len(p.flight)+len(e.flight) == 0 {
		return // it is as it was
	}
	after := env{topology: e.topology, round: e.round, flight: p.flight}
	if p.after != p.topology {
		after.topology = p.sys.envs.topology(p.after)
	}
	if s.begins() {
		after.round++
	}
	slices.SortStableFunc(after.flight, packet.compareLinks)
	dst[len(dst)-1] = p.sys.envs.env(&after)
}

// ready empties what a step fills.
func (p *player) ready() {
	p.wave, p.next, p.seen, p.deferred, p.matched, p.packets = p.wave[:0], p.next[:0], p.seen[:0], p.deferred[:0], p.matched[:0], 0
}

// keepMail takes what waits for members for the next leader away from them; it is
// given back when the step ends. A node's code sees nothing of it.
func (p *player) keepMail(members node.Set) {
	p.ready()
	for i := range members.All {
		l := p.sys.states.at(p.vec[i])
		p.vec[i] = l.bare
		for _, m := range l.mailbox {
			p.deferred = append(p.deferred, deferral{m.from, node.SetOf(i), m.msg})
		}
	}
}

// leave leaves what was sent to the next leader where it waits.
func (p *player) leave(members node.Set) {
	for i := range (members & p.sys.servers).All {
		var mailbox []mail
		for _, d := range p.deferred {
			if d.reach.Has(i) {
				mailbox = append(mailbox, mail{d.from, d.msg})
			}
		}
		p.vec[i] = p.sys.states.mailed(p.vec[i], mailbox)
	}
}

// An exchange is a client that runs the current phase of its operation among
// members: the client and its reach.
type exchange struct {
	client  int
	members node.Set
}

func (x exchange) begin(p *player, _ *env, members node.Set) { p.keepMail(members) }

func (x exchange) run(p *player, e *env, members node.Set) bool {
	p.outside = Lost
	for i := range x.members.All {
		p.part[i] = x.members
	}
	if !p.stimulate(x.client, stimulus{kind: node.ExchangeEvent}) {
		return false
	}
	for _, q := range e.flight {
		// What waits among those who take part arrives with the first wave.
		if x.members.Has(int(q.from)) && x.members.Has(int(q.to)) {
			p.wave = append(p.wave, q)
		} else if members != x.members {
			p.flight = append(p.flight, q)
		}
	}
	p.wave = append(p.wave, p.next...)
	p.waves(0, x.members)
	return true
}

// A round begins with its opening; then messages flow.
type round struct {
	leader    int      // an identity
	instances node.Set // the leader's
	Flow
}

func (r round) begin(p *player, _ *env, members node.Set) {
	p.ready()
	p.reach(r.Parts, members)
	for i := range (members & p.sys.servers).All {
		p.vec[i] = p.opening.states[i]
	}
	for _, o := range p.opening.events {
		if !members.Has(o.instance) {
			continue
		}
		p.emit(o.instance, o.outcome)
		if p.record != nil && (o.from >= 0 || !o.down) {
			p.note(0, o.from, o.instance, o.stimulus, o.fate(), o.before, o.outcome)
		}
	}
}

func (r round) run(p *player, e *env, members node.Set) bool { return r.Flow.run(p, e, members) }

// An opening is how a round begins, before messages flow: all instances of the
// leader hear what was sent to the next leader, and begin the round knowing it;
// then every server learns that the round began. It does not depend on the
// partition, so that steps that differ in nothing else share it.
type opening struct {
	sys    *System
	ctx    context.Context
	src    []uint32 // whose opening it is
	round  uint32
	leader int
	events []opened
	states []uint32 // with empty mailboxes, after the events
	rested []uint32 // the classes of these, plus one; 0 if unknown
	why    string   // the round cannot begin
	// expected is what may come after the round, which the classes are for.
	expected expectation
	args     []uint32 // numbers of the rounds that instances learn of, plus one
}

// opened is one event of an opening.
type opened struct {
	instance int
	from     int // the instance that sent the mail, -1 for the beginning of the round
	before   uint32
	stimulus
	*outcome
}

// of makes o that of the round after the given number of rounds, as it begins
// for the instances in who.
func (o *opening) of(src []uint32, who node.Set, round uint32, leader int) {
	sys := o.sys
	o.src, o.round, o.leader = append(o.src[:0], src...), round, leader
	o.events, o.why = o.events[:0], ""
	o.states = append(o.states[:0], src...)
	o.rested = append(o.rested[:0], src...)
	clear(o.rested)
	for i := range (who & sys.identities[leader].Instances).All {
		l := sys.states.at(src[i])
		o.recall(i, l, func(e opened) bool { return e.from >= 0 })
		for _, m := range l.mailbox {
			o.react(i, int(m.from), stimulus{node.MessageEvent, sys.instances[m.from].Identity, m.msg})
		}
	}
	for i := range who.All {
		l := sys.states.at(src[i])
		if l.class == nil {
			o.react(i, -1, stimulus{kind: node.RoundEvent, arg: o.arg(i)})
		} else {
			o.recall(i, l, func(e opened) bool { return e.from < 0 })
			o.states[i] = l.class.reaction(leader).state
		}
	}
}

func (o *opening) react(i, from int, s stimulus) {
	before := o.sys.states.at(o.states[i]).bare
	e := opened{i, from, before, s, o.sys.transitions.react(o.ctx, before, s)}
	o.events = append(o.events, e)
	o.states[i] = e.next
	o.note(e)
}

// note notes if an event forbids the round.
func (o *opening) note(e opened) {
	if e.from < 0 && e.refused != "" && o.why == "" {
		o.why = e.refused
	}
}

// run delivers what is in flight among members and what is in p.next. What
// remains after the last hop stays in flight.
func (f Flow) run(p *player, e *env, members node.Set) bool {
	p.outside = Cut
	for _, q := range e.flight {
		if members.Has(int(q.from)) && members.Has(int(q.to)) {
			p.wave = append(p.wave, q)
		}
	}
	p.wave = append(p.wave, p.next...)
	p.waves(f.Hops, members)
	p.flight = append(p.flight, p.wave...)
	return true
}

// A deliver lets what is in flight flow.
type deliver struct{ Flow }

func (d deliver) begin(p *player, _ *env, members node.Set) { p.keepMail(members) }

func (d deliver) run(p *player, e *env, members node.Set) bool {
	p.reach(d.Parts, members)
	return d.Flow.run(p, e, members)
}

// A prompt is an event that the step itself brings to instances. What they send
// stays in flight.
type prompt struct {
	who   node.Set
	least int // how many of them must take it; the others go on as if it had not come
	stimulus
}

func (x prompt) begin(p *player, _ *env, members node.Set) { p.keepMail(members) }

func (x prompt) run(p *player, e *env, members node.Set) bool {
	p.outside = Cut
	p.reach(nil, members)
	spared := x.who.Len() - x.least
	for i := range x.who.All {
		if p.stimulate(i, x.stimulus) {
			continue
		}
		if spared--; spared < 0 {
			return false
		}
	}
	p.flight = append(append(p.flight, e.flight...), p.next...)
	return true
}

// A befall is what happens to an instance without its code being asked: it
// crashes, restarts or loses its state.
type befall struct {
	who  int
	kind node.EventKind
}

func (x befall) begin(p *player, _ *env, members node.Set) { p.keepMail(members) }

func (x befall) run(p *player, e *env, _ node.Set) bool {
	before := p.vec[x.who]
	o := p.sys.transitions.react(p.ctx, before, stimulus{kind: x.kind})
	if o.refused != "" {
		return p.refuse("%s %s", p.sys.instances[x.who].Name, o.refused)
	}
	p.vec[x.who] = o.next
	p.observe(x.who, o)
	if p.record != nil {
		p.note(0, -1, x.who, stimulus{kind: x.kind}, Delivered, before, o)
	}
	p.flight = append(p.flight, e.flight...)
	return true
}

// A reshape changes who reaches whom.
type reshape struct {
	change  func(*topology) *topology
	parts   []node.Set // the partition that it brings, if that is all it does
	filters []filter   // those that it brings
}

func (x reshape) begin(p *player, _ *env, members node.Set) { p.keepMail(members) }

func (x reshape) run(p *player, e *env, _ node.Set) bool {
	p.after = x.change(p.topology)
	p.flight = append(p.flight, e.flight...)
	return true
}

// A release lets messages pass a held link, all of them and those to come if
// count is 0.
type release struct {
	Link
	count int
}

func (x release) begin(p *player, _ *env, members node.Set) { p.keepMail(members) }

func (x release) run(p *player, e *env, _ node.Set) bool {
	if !slices.Contains(p.topology.held, x.Link) {
		return p.refuse("that link is not held, so nothing queues on it")
	}
	let := 0
	for _, q := range e.flight {
		if int(q.from) == x.From && int(q.to) == x.To && !q.released && (x.count == 0 || let < x.count) {
			q.released = true
			let++
		}
		p.flight = append(p.flight, q)
	}
	if let < x.count {
		return p.refuse("%d messages wait on that link", let)
	}
	if x.count == 0 {
		p.after = p.topology.unhold(x.Link)
	}
	return true
}

// reach sets whom each member may reach: its part, or all instances.
func (p *player) reach(parts []node.Set, members node.Set) {
	all := p.sys.All()
	var named node.Set
	for _, part := range parts {
		named |= part
	}
	for i := range members.All {
		p.part[i] = all
	}
	for _, part := range parts {
		for i := range (part & members).All {
			p.part[i] = part | all&^named
		}
	}
}

// waves delivers wave after wave, at most hops of them unless that is 0. The wave
// that is left over stays in p.wave. In each wave messages arrive in the order of
// their senders, unless the topology says otherwise.
func (p *player) waves(hops int, members node.Set) {
	for hop := 1; len(p.wave) > 0 && (hops == 0 || hop <= hops); hop++ {
		if hop > p.sys.limits.hops {
			p.fail(hop)
			return
		}
		slices.SortStableFunc(p.wave, func(a, b packet) int { return p.topology.place(a) - p.topology.place(b) })
		p.next = p.next[:0]
		for _, q := range p.wave {
			p.route(hop, q, members)
			if p.packets > p.sys.limits.packets {
				p.fail(hop)
				return
			}
		}
		p.wave, p.next = p.next, p.wave
	}
}

// route delivers q, loses it, or lets it wait.
func (p *player) route(hop int, q packet, members node.Set) {
	from, to := int(q.from), int(q.to)
	fate := Delivered
	switch {
	case from == to:
	case len(p.topology.held) > 0 && !q.released && slices.Contains(p.topology.held, Link{from, to}):
		fate = Waiting
	case !p.topology.reach[from].Has(to):
		fate = Cut
	case !p.part[from].Has(to) || !members.Has(to):
		fate = p.outside
	case p.filters() && p.loses(q.msg, from, to):
		fate = Filtered
	}
	if fate == Delivered {
		times := 1
		if len(p.after.twice) > 0 && p.sys.states.at(p.vec[to]).flags&down == 0 {
			var twice *filter
			if twice, p.after = p.after.doubles(node.MessageType(p.sys.values.at(q.msg)), from, to); twice != nil {
				times, p.matched = 2, noteFilter(p.matched, twice.number)
			}
		}
		for again := range times {
			p.packets++
			p.arrive(hop, q)
			if p.record != nil {
				(*p.record)[len(*p.record)-1].Again = again > 0
			}
		}
		return
	}
	if !p.lossy && fate != Filtered {
		fate = Waiting
	}
	if fate == Waiting {
		p.flight = append(p.flight, q)
	}
	if p.record != nil {
		s := stimulus{node.MessageEvent, p.sys.instances[from].Identity, q.msg}
		p.note(hop, from, to, s, fate, p.vec[to], &outcome{next: p.vec[to]})
	}
}

// filters reports whether some type of message may be lost in this step.
func (p *player) filters() bool { return len(p.topology.filters)+len(p.deaf) > 0 }

// loses reports whether filters lose a message on a link, and notes which.
func (p *player) loses(msg uint32, from, to int) bool {
	kind := node.MessageType(p.sys.values.at(msg))
	standing := p.matching(p.topology.filters, kind, from, to)
	return p.matching(p.deaf, kind, from, to) || standing
}

// matching reports whether some filters lose a message, and notes which.
func (p *player) matching(filters []filter, kind string, from, to int) bool {
	lost := false
	for i := range filters {
		if f := &filters[i]; f.matches(kind, from, to) {
			p.matched = noteFilter(p.matched, f.number)
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

// arrive lets the receiver of q react.
func (p *player) arrive(hop int, q packet) {
	to := int(q.to)
	before := p.vec[to]
	s := stimulus{node.MessageEvent, p.sys.instances[q.from].Identity, q.msg}
	o := p.sys.transitions.react(p.ctx, before, s)
	p.vec[to] = o.next
	p.emit(to, o)
	if p.record != nil {
		p.note(hop, int(q.from), to, s, o.fate(), before, o)
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
func (p *player) stimulate(i int, s stimulus) bool {
	before := p.vec[i]
	o := p.sys.transitions.react(p.ctx, before, s)
	if o.refused != "" {
		return p.refuse("%s", o.refused)
	}
	if o.down {
		return p.refuse("%s is down", p.sys.instances[i].Name)
	}
	p.vec[i] = o.next
	p.emit(i, o)
	if p.record != nil {
		p.note(0, -1, i, s, Delivered, before, o)
	}
	return true
}

// emit puts what an instance sends in the next wave.
func (p *player) emit(from int, o *outcome) {
	p.observe(from, o)
	for _, s := range o.sends {
		if s.to == nextLeader {
			p.deferMessage(from, s.msg)
			continue
		}
		to := p.sys.servers
		if s.to != allServers {
			to = p.sys.identities[s.to].Instances
		}
		for i := range to.All {
			p.next = append(p.next, packet{from: uint8(from), to: uint8(i), msg: s.msg})
		}
	}
}

// A deferral is a message to the leader of the next round, on the way to the
// instances that the sender reaches in this one.
type deferral struct {
	from  uint8
	reach node.Set
	msg   uint32
}

func (p *player) deferMessage(from int, msg uint32) {
	reach := p.topology.reach[from] & p.part[from] & p.sys.servers
	if p.filters() {
		for i := range (reach &^ node.SetOf(from)).All {
			if p.loses(msg, from, i) {
				reach &^= node.SetOf(i)
			}
		}
	}
	p.deferred = append(p.deferred, deferral{uint8(from), reach, msg})
}

// fail ends a step that does not end by itself. What is on its way is lost.
func (p *player) fail(hop int) {
	q := p.loudest()
	from := int(q.from)
	after := fmt.Sprintf("%d hops", hop-1)
	if p.packets > p.sys.limits.packets {
		after = fmt.Sprintf("%d messages", p.sys.limits.packets)
	}
	// It says the limit and not what was counted, so that a loop is one flaw wherever it is met.
	text := fmt.Sprintf("still sends %s after %s; a node must fall silent when nothing new reaches it",
		node.MessageType(p.sys.values.at(q.msg)), after)
	l := *p.sys.states.at(p.vec[from])
	l.flags |= broken
	p.vec[from] = p.sys.states.local(l)
	seen := p.sys.values.observation(node.Observation{Kind: node.Failed, Failure: node.Failure{Message: text}})
	p.seen = append(p.seen, uint32(from), seen)
	if p.record != nil {
		p.note(hop, -1, from, stimulus{}, Down, p.vec[from], &outcome{next: p.vec[from], seen: []uint32{seen}})
	}
	p.wave = p.wave[:0]
	p.packets = p.sys.limits.packets + 1
}

// loudest returns the first message in the wave of the instance that has most
// of them there.
func (p *player) loudest() packet {
	var count [node.MaxInstances]int
	for _, q := range p.wave {
		count[q.from]++
	}
	loudest := p.wave[0]
	for _, q := range p.wave {
		if n, most := count[q.from], count[loudest.from]; n > most || n == most && q.from < loudest.from {
			loudest = q
		}
	}
	return loudest
}

func (p *player) observe(i int, o *outcome) {
	for _, id := range o.seen {
		p.seen = append(p.seen, uint32(i), id)
	}
}

func (p *player) refuse(format string, args ...any) bool {
	p.why = fmt.Sprintf(format, args...)
	return false
}
