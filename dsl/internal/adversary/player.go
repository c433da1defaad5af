package adversary

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.starlark.net/starlark"
)

// The player: what a step does, delivery by delivery, once more and in the plainest way. It
// is written from the description of the language and not from the engine: a hop delivers
// what is in flight, in the order of its senders; what is sent then is the next hop. Worlds
// are values that are copied. There is no memory but the trail of judge.go.
//
// The order of everything is a part of what is compared: of reactions within a round
// (servers, in their order), of arrivals in a hop, of what stays in flight. Where the
// language promises no order the test does not look.

// Do returns the world after a step, or nil if it cannot happen. What stays in flight is
// ordered by link, with messages of one link in the order in which they were sent; mails to
// the next leader by sender.
func (s *System) Do(w *World, step Step) *World {
	if step.Kind == "view" {
		return s.view(w, step)
	}
	next := *w
	next.nodes = slices.Clone(w.nodes)
	next.mailboxes = slices.Clone(w.mailboxes)
	next.flight = slices.Clone(w.flight)
	next.History = slices.Clip(w.History)
	next.Depth++
	next.before = w
	p := &play{World: &next, s: s, mailboxes: make([][]packet, len(s.instances))}
	p.within = func(int, int) bool { return true }
	p.takes = func(int) bool { return true }
	if !p.take(step) || p.lacks {
		return nil
	}
	// Stable, as the messages of one link keep their order.
	slices.SortStableFunc(next.flight, func(a, b packet) int {
		if a.from != b.from {
			return a.from - b.from
		}
		return a.to - b.to
	})
	for i, mails := range p.mailboxes {
		if len(mails) > 0 {
			all := append(slices.Clone(next.mailboxes[i]), mails...)
			slices.SortStableFunc(all, func(a, b packet) int { return a.from - b.from })
			next.mailboxes[i] = all
		}
	}
	return &next
}

// view takes the steps of a view, as if there had been one.
//
// All of its steps happen at the depth of the view, wholly or not at all.
func (s *System) view(w *World, step Step) *World {
	at := w
	for _, in := range step.Inner {
		began := *at
		began.Depth = w.Depth
		if at = s.Do(&began, in); at == nil || at.failed != nil {
			return at
		}
	}
	if at != w {
		at.before = w
	}
	return at
}

// The order within a kind counts: who is asked first, and what is sent before what.
func (p *play) take(step Step) bool {
	switch step.Kind {
	case "round":
		return p.takeRound(step)
	case "deliver":
		p.parted(step.Groups)
		p.deafened(step)
		p.waves(step.Count)
		return true
	case "exchange":
		return p.takeExchange(step)
	case "invoke":
		if !p.stimulate(p.s.byName[step.Who], "invoke", made(step.Op)) {
			return false
		}
		p.flight = append(p.flight, p.next...)
		return true
	// With a least number, those that cannot time out are left alone; without one, one that
	// cannot ends the step.
	case "timeout":
		did := 0
		for _, i := range p.numbers(step.Names) {
			if p.stimulate(i, "timeout") {
				did++
			}
		}
		if step.Count == 0 && did < len(step.Names) || did < step.Count {
			return false
		}
		p.flight = append(p.flight, p.next...)
		return true
	case "coin":
		p.toss(step)
		return true
	case "crash", "restart", "amnesia":
		return p.befall(step.Kind, p.s.byName[step.Names[0]])
	case "release":
		return p.release(step)
	}
	p.reshape(step)
	return true
}

// In the order of instances, whichever order the step has them in: several that time out do
// so in that order.
func (p *play) numbers(names []string) (all []int) {
	for _, name := range names {
		all = append(all, p.s.byName[name])
	}
	slices.Sort(all)
	return all
}

// Mails that wait are taken out first, so that what is sent while they are read waits for
// the next round. Then each server that is up learns of the round; only the leader's copies
// have something to propose: the round, and a letter for the copy.
func (p *play) takeRound(step Step) bool {
	p.parted(step.Groups)
	p.deafened(step)
	waiting := p.World.mailboxes
	p.World.mailboxes = make([][]packet, len(p.nodes))
	p.round++
	for i, in := range p.s.instances {
		if in.id == step.Who {
			for _, mail := range waiting[i] {
				p.arrive(mail)
			}
		}
	}
	for i, in := range p.s.instances {
		if in.client || p.nodes[i].down() {
			continue
		}
		input := ""
		if in.id == step.Who {
			input = fmt.Sprintf("%d%c", p.round, 'a'+in.copy)
		}
		if !p.react(i, "round", roundValue(p.round, step.Who, input)) {
			return false
		}
	}
	p.waves(step.Count)
	return true
}

// takeExchange lets a client and its reach talk until they are silent. What waits among
// others is left as it is.
func (p *play) takeExchange(step Step) bool {
	client := p.s.byName[step.Who]
	there := map[int]bool{client: true}
	for _, i := range p.numbers(step.Names) {
		there[i] = true
	}
	p.within = func(from, to int) bool { return there[from] && there[to] }
	p.takes = func(i int) bool { return there[i] }
	var others, among []packet
	for _, m := range p.flight {
		if there[m.from] && there[m.to] {
			among = append(among, m)
		} else {
			others = append(others, m)
		}
	}
	if !p.stimulate(client, "exchange") {
		return false
	}
	p.flight = among
	p.waves(0)
	p.flight = append(others, p.flight...) // what waited before is older than what was sent now
	return true
}

// stimulate lets an instance react to what the step brings, if it can.
func (p *play) stimulate(i int, event string, args ...starlark.Value) bool {
	return !p.nodes[i].down() && p.react(i, event, args...)
}

// react lets an instance react. It reports whether it did not refuse. The handler works on
// copies, so that a refusal and a failure leave the state as it was. Of a failure what was
// observed before stays, what was sent does not go out.
func (p *play) react(i int, event string, args ...starlark.Value) bool {
	n := p.nodes[i]
	attrs := starlark.StringDict{}
	for name, v := range n.attrs {
		attrs[name] = copied(v)
	}
	out := reaction{coins: maps.Clone(n.coins)}
	under := n.under
	line, err := p.s.call(i, attrs, &under, &out, event, args...)
	if out.lacks {
		p.lacks = true
		return false
	}
	if err == nil && out.refused {
		return false
	}
	for _, e := range out.seen {
		p.observe(i, e)
	}
	if err != nil {
		// These are the events that a role need not handle.
		if line == 0 && (event == "timeout" || event == "exchange" || event == "invoke") {
			return false // no handler takes it
		}
		// Its state stays what it was, and can still be looked at.
		p.nodes[i].broken = true
		p.observe(i, Event{Kind: "failed", Line: line})
		return true
	}
	for name, v := range attrs {
		attrs[name] = copied(v)
	}
	p.nodes[i].attrs, p.nodes[i].under, p.nodes[i].coins = attrs, under, out.coins
	for _, m := range out.sends {
		p.send(i, m)
	}
	return true
}

// The order of History is that in which things happen here, by which operations precede
// each other.
func (p *play) observe(i int, e Event) {
	e.Step, e.Instance = p.Depth, i
	switch n := &p.nodes[i]; e.Kind {
	case "decided":
		n.decided = true
	case "invoked", "returned", "aborted":
		n.operating = e.Kind == "invoked"
	}
	p.History = append(p.History, e)
}

// To an identity means to all its instances, to servers to all of theirs, itself included.
// A mail to the next leader is put where it arrives, with each server that may lead, if it
// reaches that now.
func (p *play) send(from int, m sending) {
	for to, in := range p.s.instances {
		switch {
		case m.to == "next":
			if !in.client && (to == from || p.passes(from, to) && p.within(from, to) && !p.filtered(m.message.kind, from, to)) {
				p.mailboxes[to] = append(p.mailboxes[to], packet{from: from, to: to, message: m.message})
			}
		case m.to == "" && !in.client, m.to == in.id:
			p.next = append(p.next, packet{from: from, to: to, message: m.message})
		}
	}
}

// waves delivers what is in flight and what was sent now, wave after wave. What is left
// after the last hop stays in flight. A hundred hops are taken for endless: the player is
// at a loss, and the case does not count.
func (p *play) waves(hops int) {
	wave := append(p.flight, p.next...)
	p.flight, p.next = nil, nil
	near := p.neighbourhoods()
	restless := map[int]bool{} // instances that do not know that all is quiet where they are
	for i := range p.nodes {
		restless[i] = p.takes(i)
	}
	for hop := 1; ; hop++ {
		for i := range p.nodes {
			busy := slices.ContainsFunc(wave, func(m packet) bool { return near[i][m.from] && near[i][m.to] })
			if restless[i] && !busy {
				p.moment(i, "quiet")
			}
			restless[i] = busy
		}
		wave, p.next = append(wave, p.next...), nil
		if len(wave) == 0 || hops != 0 && hop > hops {
			break
		}
		// No protocol that is drawn talks for so long: messages have a number of hops.
		if hop > 100 {
			p.failed = errors.New("endless")
			return
		}
		for i := range p.nodes {
			busy := slices.ContainsFunc(wave, func(m packet) bool { return near[i][m.from] && near[i][m.to] })
			restless[i] = busy
			if busy {
				p.moment(i, "hop", starlark.MakeInt(hop))
			}
		}
		slices.SortStableFunc(wave, func(a, b packet) int { return p.place(a) - p.place(b) })
		for _, m := range wave {
			p.route(m)
		}
		wave, p.next = p.next, nil
	}
	p.flight = append(p.flight, wave...)
}

// neighbourhoods returns, for each instance that takes part, those with whom it is
// connected by links of those who do, in whichever direction.
func (p *play) neighbourhoods() []map[int]bool {
	linked := func(a, b int) bool {
		one := func(from, to int) bool { return p.passes(from, to) && p.within(from, to) }
		return p.takes(a) && p.takes(b) && (one(a, b) || one(b, a))
	}
	near := make([]map[int]bool, len(p.nodes))
	for i := range near {
		near[i] = map[int]bool{i: true}
		for grown := true; grown; {
			grown = false
			for a := range near[i] {
				for b := range near {
					if !near[i][b] && linked(a, b) {
						near[i][b], grown = true, true
					}
				}
			}
		}
	}
	return near
}

// moment lets an instance that is up react to a moment if it has a handler.
func (p *play) moment(i int, event string, args ...starlark.Value) {
	if _, attends := p.s.functions[p.s.instances[i].role()+event]; attends && !p.nodes[i].down() {
		p.react(i, event, args...)
	}
}

// place says when a packet arrives, of those that arrive together: first those that an
// order names, in that order, then by sender.
func (p *play) place(m packet) int {
	first := p.net.first[m.to]
	if at := slices.Index(first, m.from); at >= 0 {
		return at - len(first)
	}
	return m.from
}

// An instance reaches itself, whatever the network is. A held link holds what was not
// released; in a held network whatever is blocked waits, in a lossy one it is gone. A
// filter loses it in both.
func (p *play) route(m packet) {
	waits := slices.Contains(p.net.held, [2]int{m.from, m.to}) && !m.released
	// Where a message goes is decided when it would arrive, by the network of that moment,
	// and not when it is sent.
	blocked := waits || !p.passes(m.from, m.to) || !p.within(m.from, m.to)
	switch {
	case m.from == m.to:
		p.arrive(m)
	case blocked && (waits || p.s.c.Held):
		p.flight = append(p.flight, m)
	case blocked, p.filtered(m.message.kind, m.from, m.to):
	default:
		p.deliver(m)
	}
}

// deliver lets a message arrive, and once more what was said to: now, or in a later step, until
// which it is in flight. To be lost at a receiver that is down is not to arrive.
func (p *play) deliver(m packet) {
	step := ""
	if at := slices.IndexFunc(p.net.again, func(a again) bool { return a.kind == m.message.kind && a.from == m.from && a.to == m.to }); at >= 0 && !p.nodes[m.to].down() {
		step = p.net.again[at].step
		p.net.again = slices.Delete(slices.Clone(p.net.again), at, at+1)
	}
	p.arrive(m)
	switch step {
	case "duplicate":
		p.arrive(m)
	case "replay":
		p.flight = append(p.flight, packet{from: m.from, to: m.to, message: m.message})
	}
}

// A receiver that is down loses the message, whatever the network is.
func (p *play) arrive(m packet) {
	if p.nodes[m.to].down() {
		return
	}
	got := *m.message
	got.sender = p.s.instances[m.from].id
	p.react(m.to, got.kind, &got)
}

// Code that failed is down for good. A restart keeps what is persistent, amnesia nothing;
// both are for instances that run as well.
func (p *play) befall(kind string, i int) bool {
	n := &p.nodes[i]
	if n.broken || kind == "crash" && n.crashed {
		return false
	}
	if !n.crashed { // to be restarted while it runs is to crash
		p.observe(i, Event{Kind: "crashed"})
	}
	if kind == "crash" {
		n.crashed = true
		return true
	}
	n.crashed, n.operating = false, false
	if n.under == oneOperation {
		n.under = perhapsOne
	}
	kept := n.attrs
	n.attrs = p.s.fresh(i)
	if kind == "amnesia" {
		n.forgets = true
		return true
	}
	role := &p.s.c.Replica
	if p.s.instances[i].client {
		role = p.s.c.Client
	}
	if p.s.instances[i].lies {
		role = p.s.c.Liar
	}
	for _, name := range role.Persistent {
		if v, ok := kept[name]; ok {
			n.attrs[name] = v
		}
	}
	return true
}

// Without a count all that waits is let go, be it nothing, and the hold ends; with one
// there must be so many.
func (p *play) release(step Step) bool {
	link := [2]int{p.s.byName[step.Src], p.s.byName[step.Dst]}
	if !slices.Contains(p.net.held, link) {
		return false
	}
	let := 0
	for i, m := range p.flight {
		if [2]int{m.from, m.to} == link && !m.released && (step.Count == 0 || let < step.Count) {
			p.flight[i].released = true
			let++
		}
	}
	if step.Count == 0 {
		p.net.held = slices.DeleteFunc(slices.Clone(p.net.held), func(l [2]int) bool { return l == link })
	}
	return let >= step.Count
}

// Faulty reports for each instance whether its identity is faulty in w: twins from the
// beginning, those that forget from then on.
func (s *System) Faulty(w *World) []bool {
	faulty := map[string]bool{}
	for _, t := range s.c.Twins {
		faulty[t.ID] = true
	}
	for i, n := range w.nodes {
		if n.forgets {
			faulty[s.instances[i].id] = true
		}
	}
	all := make([]bool, len(s.instances))
	for i, in := range s.instances {
		all[i] = faulty[in.id]
	}
	return all
}

// Text shows what can be seen of a world: states, who is down and faulty, and, for each
// instance in turn, what was observed of it. The order of observations of different
// instances within a step is not shown, as it means nothing.
func (s *System) Text(w *World) string {
	var b strings.Builder
	faulty := s.Faulty(w)
	for i, in := range s.instances {
		n := w.nodes[i]
		fmt.Fprintf(&b, "%s %s%v %v\n", in.name, shown(n.attrs), downText(n), truth(faulty[i]))
		for _, e := range w.History {
			if e.Instance == i && e.Kind != "crashed" { // which the step says
				fmt.Fprintf(&b, "  %d %s\n", e.Step, e.text())
			}
		}
	}
	return b.String()
}

func downText(n node) string { return truth(n.down()) }
func truth(yes bool) string  { return map[bool]string{true: "True", false: "False"}[yes] }

func (e Event) text() string {
	switch e.Kind {
	case "invoked":
		return "invoked " + e.Op.String()
	case "returned":
		return "returned " + e.Value.String()
	case "decided":
		return fmt.Sprintf("decided %d %s", e.Slot, e.Value)
	}
	return e.Kind
}

// Play takes the steps of a scenario, as far as they can happen.
func (s *System) Play(w *World, sc Scenario) *World {
	for _, step := range sc {
		next := s.Do(w, step)
		if next == nil {
			break
		}
		w = next
	}
	return w
}
