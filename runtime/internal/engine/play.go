package engine

import (
	"context"
	"fmt"
	"slices"

	"github.com/twinsh/twinsh/runtime/node"
)

// This file is what steps mean, in the order in which things happen. Every step that is
// ever taken is taken by player.take, one delivery after the other where it is not known
// already what comes of it. All of it stands on a single question, which
// [transitions.react] answers: what does an event do to the local state of an instance?
//
//   - player.take is a step from beginning to end, player.play what happens in it.
//   - opening.go is how a round begins, before messages flow.
//   - exchange, round and deliver are the steps in which messages flow. The others are
//     events, faults and changes of the network, a few lines each: see moves.go.
//   - waves, route, arrive and emit are how messages travel.
//
// A [Simulator] is the memory of a player. It comes in at the two places that the interface
// memory lists. Random tests compare it with a player whose memory is empty, in a system that
// has learnt nothing.

// A Move is what a step does, with numbers for names. What memory and symmetry want to
// know of it stands with them: see remembered and renamed.
type Move interface {
	// bring lets happen what the step itself brings to members, before any message
	// arrives, and reports whether that can happen.
	bring(p *player, e *env, members node.Set) bool

	// flow lets messages flow among members.
	flow(p *player, e *env, members node.Set)

	remembered
	renamed
}

// A memory stands in for a player where it may know already what would come, and does
// what a forgetful memory lets the player do.
type memory interface {
	// open readies p.opening for a round.
	open(e *env, leader int)

	// among does what player.play does among all members of a step.
	among(e *env, s *Step) bool
}

// A player plays a step. What it holds is of the step under way, but for the world in which
// that began and the opening of its round: many steps begin in one world.
type player struct {
	sys    *System
	ctx    context.Context // ends the work of nodes' code; see Simulator.SetContext
	lossy  bool            // what cannot be delivered is lost; else it waits
	memory memory
	record *[]Record // what happens is noted there, unless it is nil
	last   bool      // no step follows: the world after this one is not made

	env      *env      // where the step began
	number   uint32    // of that environment
	begun    *topology // its topology
	src      []uint32  // the local states there
	vec      []uint32  // and as the step goes on
	topology *topology
	deaf     []filter                    // of this step, beside those of the topology
	part     [node.MaxInstances]node.Set // whom an instance may reach in this step
	outside  Fate                        // what becomes of messages to others
	opening  opening                     // of the round, if one begins
	wave     []packet                    // what arrives next
	next     []packet                    // what was sent since then
	flight   []packet                    // what stays in flight after the step
	regions  []region                    // of those that take part, if some attend to moments
	deferred []deferral                  // what was sent to the next leader
	after    *topology                   // the topology after the step
	seen     []uint32                    // pairs of instance and observation
	matched  []uint32                    // filters that lost or doubled a message
	packets  int                         // delivered; one more than the limit if the step was ended
	why      string                      // the step cannot happen
	lack     lacking                     // because that is lacking
}

// newPlayer returns a player that remembers nothing.
func newPlayer(sys *System) *player {
	ctx := context.Background()
	p := &player{sys: sys, ctx: ctx, lossy: sys.spec.Lossy, opening: opening{sys: sys, ctx: ctx}}
	p.memory = forgetful{p}
	return p
}

// A forgetful memory knows nothing, so that the player plays all of a step.
type forgetful struct{ p *player }

func (f forgetful) open(e *env, leader int) {
	f.p.opening.of(f.p.vec, f.p.sys.servers, e.round, leader)
}

func (f forgetful) among(e *env, s *Step) bool { return f.p.play(e, s.move, s.members) }

// take writes to dst the world to which s leads from src, and reports whether s
// can happen there. If not, why says why.
func (p *player) take(dst, src Vector, s *Step) bool {
	if s.inner != nil {
		return p.inTurn(dst, src, s.inner)
	}
	e := p.begin(dst, src, s)
	if s.begins() {
		p.memory.open(e, s.move.(round).leader)
		if p.why, p.lack = p.opening.why, p.opening.lack; p.why != "" {
			return false
		}
	}
	if !p.memory.among(e, s) {
		return false
	}
	if !p.last {
		p.end(dst, e, s)
	}
	return true
}

// begin makes src the world in which s begins. What is in flight between instances that
// take no part stays there.
func (p *player) begin(dst, src Vector, s *Step) *env {
	last := len(dst) - 1
	copy(dst, src)
	if p.env == nil || p.number != src[last] {
		p.env, p.number = p.sys.envs.at(src[last]), src[last]
		p.begun = p.sys.envs.topologyAt(p.env.topology)
	}
	p.src, p.vec = src[:last], dst[:last]
	p.topology, p.deaf, p.after = p.begun, s.deaf, p.begun
	p.flight, p.why, p.lack = p.flight[:0], "", lacking{}
	if len(p.env.flight) > 0 && s.members != p.sys.All() {
		for _, q := range p.env.flight {
			if !q.among(s.members) {
				p.flight = append(p.flight, q)
			}
		}
	}
	return p.env
}

// play plays the step among members, as if there were no others, and reports whether it
// can happen.
func (p *player) play(e *env, m Move, members node.Set) bool {
	if !p.bring(e, m, members) {
		return false
	}
	p.flow(e, m, members)
	return p.why == ""
}

// bring is the first half of play.
func (p *player) bring(e *env, m Move, members node.Set) bool {
	p.wave, p.next, p.deferred = p.wave[:0], p.next[:0], p.deferred[:0]
	p.seen, p.matched, p.packets, p.outside = p.seen[:0], p.matched[:0], 0, Cut
	if _, begins := m.(round); !begins {
		p.keepMail(members)
	}
	return m.bring(p, e, members)
}

// flow is the second half of play.
func (p *player) flow(e *env, m Move, members node.Set) {
	m.flow(p, e, members)
	if !p.last {
		p.leaveMail(members)
	}
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

// An exchange is a client that runs the current phase of its operation with the servers in
// its reach. Messages flow among them until all is silent. Those to others are lost, or wait
// if the network loses nothing.
type exchange struct {
	client  int
	members node.Set // of the step: the client and its reach
}

func (x exchange) bring(p *player, _ *env, members node.Set) bool {
	p.outside = Lost
	for i := range members.All {
		p.part[i] = members
	}
	return p.stimulate(x.client, stimulus{kind: node.ExchangeEvent})
}

func (x exchange) flow(p *player, e *env, members node.Set) { Flow{}.flow(p, e, members) }

// A Flow is how messages flow during a round or a delivery.
type Flow struct {
	Parts []node.Set // nil: as the topology has it
	Deaf  node.Set   // hear no messages of the types
	Types []string
	Hops  int // 0: until nothing is in flight
}

func (f Flow) bring(p *player, _ *env, members node.Set) bool {
	p.reach(f.Parts, members)
	return true
}

// What is in flight arrives with the first wave. What remains after the last hop stays
// in flight.
func (f Flow) flow(p *player, e *env, members node.Set) {
	for _, q := range e.flight {
		if q.among(members) {
			p.wave = append(p.wave, q)
		}
	}
	p.wave = append(p.wave, p.next...)
	p.waves(f.Hops, members)
	p.flight = append(p.flight, p.wave...)
}

// A deliver lets what is in flight flow.
type deliver struct{ Flow }

// A round begins with its opening; then messages flow.
type round struct {
	leader    int      // an identity
	instances node.Set // the leader's
	Flow
}

func (r round) bring(p *player, _ *env, members node.Set) bool {
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
	return true
}

// From here on: how messages travel.

// reach sets whom each member may reach in this step, of those whom the topology lets it
// reach: its part and those whom no part names. A member that no part names may reach all.
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
// their senders, unless the topology says otherwise. Between two waves those who attend to
// it learn that all is quiet in their part of the network, or else that the next hop begins.
func (p *player) waves(hops int, members node.Set) {
	p.regions = regionsOf(p, members, p.regions[:0])
	for hop := 1; ; hop++ {
		p.silence(hop - 1)
		if p.why != "" || len(p.wave) == 0 || hops > 0 && hop > hops {
			return
		}
		if hop > p.sys.limits.hops {
			p.fail(hop)
			return
		}
		slices.SortStableFunc(p.wave, func(a, b packet) int { return p.topology.turn(a) - p.topology.turn(b) })
		p.next = p.next[:0]
		p.hopBegins(hop)
		for _, q := range p.wave {
			if p.why != "" {
				return
			}
			p.route(hop, q, members)
			if p.packets > p.sys.limits.packets {
				p.fail(hop)
				return
			}
		}
		if p.why != "" {
			return
		}
		p.wave, p.next = p.next, p.wave
	}
}

// silence lets instances know that nothing is in flight in their region, once for each
// silence. What they send joins the next wave, and ends the silence.
func (p *player) silence(hop int) {
	if len(p.regions) == 0 {
		return
	}
	p.moment(hop, stimulus{kind: node.QuietEvent}, p.sys.quieting&fallSilent(p))
	p.wave = append(p.wave, p.next...)
	fallSilent(p)
}

// hopBegins lets instances know that a hop begins, where something is in flight in their
// region. What they send arrives in the hop after it.
func (p *player) hopBegins(hop int) {
	if len(p.regions) == 0 || p.sys.hopping == 0 {
		return
	}
	var there node.Set
	for _, r := range p.regions {
		if !r.silent {
			there |= r.members
		}
	}
	p.moment(hop, stimulus{kind: node.HopEvent, arg: p.sys.values.value(hop)}, p.sys.hopping&there)
}

// moment lets instances react to a moment of the step, in their order. Whether they refuse
// it makes no difference, nor do those that are down.
func (p *player) moment(hop int, s stimulus, who node.Set) {
	p.next = p.next[:0]
	for i := range who.All {
		before := p.vec[i]
		o := p.sys.transitions.react(p.ctx, before, s)
		if o.lacks != "" {
			p.stop(lackOf(p.sys, i, o))
			return
		}
		p.vec[i] = o.next
		p.emit(i, o)
		if p.record != nil {
			p.note(hop, -1, i, s, Delivered, before, o)
		}
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
		var twice *filter
		if len(p.after.twice) > 0 {
			twice = p.doubles(q)
		}
		p.arrive(hop, q, false)
		switch {
		case twice == nil:
		case twice.later:
			p.flight = append(p.flight, packet{from: q.from, to: q.to, msg: q.msg})
			if p.record != nil {
				(*p.record)[len(*p.record)-1].Kept = true
			}
		default:
			p.arrive(hop, q, true)
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
	lost := false
	for _, filters := range [...][]filter{p.deaf, p.topology.filters} {
		for i := range filters {
			if f := &filters[i]; f.matches(kind, from, to) {
				p.matched = noteFilter(p.matched, f.number)
				lost = true
			}
		}
	}
	return lost
}

// doubles returns what lets q arrive twice, nil if nothing does, and notes it. For that q has
// to reach an instance that is up. What lets it arrive twice does so once.
func (p *player) doubles(q packet) *filter {
	if p.sys.states.at(p.vec[q.to]).flags&down != 0 {
		return nil
	}
	var twice *filter
	twice, p.after = p.after.doubles(node.MessageType(p.sys.values.at(q.msg)), int(q.from), int(q.to))
	if twice != nil {
		p.matched = noteFilter(p.matched, twice.number)
	}
	return twice
}

// arrive lets the receiver of q react, to which q may have come just before.
func (p *player) arrive(hop int, q packet, again bool) {
	p.packets++
	to := int(q.to)
	before := p.vec[to]
	s := stimulus{node.MessageEvent, p.sys.instances[q.from].Identity, q.msg}
	o := p.sys.transitions.react(p.ctx, before, s)
	if o.lacks != "" {
		p.stop(lackOf(p.sys, to, o))
		return
	}
	p.vec[to] = o.next
	p.emit(to, o)
	if p.record != nil {
		p.note(hop, int(q.from), to, s, o.fate(), before, o)
		(*p.record)[len(*p.record)-1].Again = again
	}
}

// stimulate lets instance i react to what the step itself brings, and reports whether it
// does: code may refuse it, and an instance that is down does not react. If not, why says why.
func (p *player) stimulate(i int, s stimulus) bool {
	before := p.vec[i]
	o := p.sys.transitions.react(p.ctx, before, s)
	if o.lacks != "" {
		p.stop(lackOf(p.sys, i, o))
		return false
	}
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

// emit puts what an instance sends in the next wave: one packet for each instance of
// the receiver.
func (p *player) emit(from int, o *outcome) {
	p.observe(from, o)
	for _, coin := range o.reads {
		p.matched = noteFilter(p.matched, coin.number)
	}
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

// observe keeps what is seen of an instance from outside.
func (p *player) observe(i int, o *outcome) {
	for _, id := range o.seen {
		p.seen = append(p.seen, uint32(i), id)
	}
}

// A deferral is a message to the leader of the next round, on the way to the
// instances that the sender reaches in this step: any of them may come to lead.
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

// keepMail takes what waits for members for the next leader away from them, until
// leaveMail gives it back at the end of the step. A node's code sees nothing of it.
func (p *player) keepMail(members node.Set) {
	for i := range members.All {
		l := p.sys.states.at(p.vec[i])
		p.vec[i] = l.bare
		for _, m := range l.mailbox {
			p.deferred = append(p.deferred, deferral{m.from, node.SetOf(i), m.msg})
		}
	}
}

// leaveMail leaves what was sent to the next leader where it waits.
func (p *player) leaveMail(members node.Set) {
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

// refuse says why the step cannot happen.
func (p *player) refuse(format string, args ...any) bool {
	p.why = fmt.Sprintf(format, args...)
	return false
}

// stop says that the step cannot happen for lack of a coin.
func (p *player) stop(l lacking) { p.lack, p.why = l, l.why }
