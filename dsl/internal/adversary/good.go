package adversary

import (
	"fmt"
	"slices"
)

// The good network, in the player: what the reference says at live(), step by step, from each
// world anew. Nothing is remembered of a way on, no loop is looked for, and what is owed is
// read off the world and its history after each step instead of being paid off.

// turn is how many rounds in a row a leader has.
const turn = 6

// A prospect is a world from which a network that became good goes on.
type prospect struct {
	s       *System
	at      *World
	there   []bool     // who is connected: the correct ones and those of the faulty that are present
	correct []bool     // as it was when the network became good
	groups  [][]string // those who are connected, and each of the others alone
	leaders []string   // none in a protocol without rounds
	face    string     // what coins show of which no throw is left, "" if none are read
	asks    func() []int
	over    func() bool // asked after each step

	rounds   int  // good rounds since the leaders' turns began
	rotation bool // each leads one round
	timed    bool // some timeouts had an effect since then
}

// faces lists what coins may show then: one after the other, each is tried.
func (s *System) faces() []string {
	if s.c.Coins == nil {
		return []string{""}
	}
	return s.c.Coins
}

// becomesGood connects the correct instances and those of the faulty whose numbers are given.
func (s *System) becomesGood(w *World, present []int, face string) *prospect {
	g := &prospect{s: s, at: w, face: face}
	var connected []string
	var alone [][]string
	leads := map[string]bool{}
	for i, faulty := range s.Faulty(w) {
		name := s.instances[i].name
		there := !faulty || slices.Contains(present, i)
		g.there, g.correct = append(g.there, there), append(g.correct, !faulty)
		if there {
			connected = append(connected, name)
		} else {
			alone = append(alone, []string{name})
		}
		leads[name] = !faulty && !w.nodes[i].down()
	}
	if connected != nil {
		g.groups = [][]string{connected}
	}
	g.groups = append(g.groups, alone...)
	for i := range s.c.N {
		if id := string(rune('A' + i)); leads[id] && s.rounds() {
			g.leaders = append(g.leaders, id)
		}
	}
	return g
}

// rounds reports whether replicas have a handler of rounds.
func (s *System) rounds() bool { return s.functions["replica_round"] != nil }

// take takes a step if it can happen, and reports whether all is over then.
func (g *prospect) take(step Step) bool {
	if next := g.s.Do(g.at, step); next != nil {
		if g.at = next; next.failed != nil {
			g.s.lost.Store(true)
		}
	}
	return g.at.failed != nil || g.over()
}

// begin heals the network; then what is in flight arrives.
func (g *prospect) begin() bool {
	if g.take(Step{Kind: "heal"}) {
		return true
	}
	if g.face != "" {
		servers, clients := g.s.c.Instances()
		all := append(slices.Clone(servers), clients...)
		if g.take(Step{Kind: "coin", Who: "*", Types: []string{g.face}, Groups: [][]string{all}}) {
			return true
		}
	}
	return g.arrives()
}

func (g *prospect) arrives() bool {
	return len(g.at.flight) > 0 && g.take(Step{Kind: "deliver", Groups: g.groups})
}

// round plays a good round.
func (g *prospect) round() bool {
	due := true
	if n := len(g.leaders); n > 0 {
		leader := g.leaders[g.rounds/turn%n]
		if due = (g.rounds+1)%turn == 0; g.rotation {
			leader, due = g.leaders[g.rounds%n], true
		}
		if g.take(Step{Kind: "round", Who: leader, Groups: g.groups}) {
			return true
		}
	}
	var servers []string
	for i, in := range g.s.instances {
		if g.there[i] && !in.client {
			servers = append(servers, in.name)
		}
	}
	for _, i := range g.asks() {
		if len(servers) > 0 && g.take(Step{Kind: "exchange", Who: g.s.instances[i].name, Names: servers}) {
			return true
		}
	}
	if due && g.timeouts() {
		return true
	}
	if g.rounds++; g.rounds == max(1, turn*len(g.leaders)) {
		g.rotation = len(g.leaders) > 0 && !g.rotation && g.timed
		g.rounds, g.timed = 0, false
	}
	return false
}

// timeouts lets all time out for whom that makes a difference; then what is in flight arrives.
func (g *prospect) timeouts() bool {
	var who []string
	for i, in := range g.s.instances {
		if !g.there[i] {
			continue
		}
		if next := g.s.Do(g.at, Step{Kind: "timeout", Names: []string{in.name}}); next != nil && !same(g.at, next, i) {
			who = append(who, in.name)
		}
	}
	if who == nil {
		return false
	}
	g.timed = true
	return g.take(Step{Kind: "timeout", Names: who}) || g.arrives()
}

// same reports whether a timeout of an instance made no difference.
func same(w, next *World, i int) bool {
	mails := func(w *World) (n int) {
		for _, box := range w.mailboxes {
			n += len(box)
		}
		return n
	}
	was, is := w.nodes[i], next.nodes[i]
	if len(w.History) != len(next.History) || len(w.flight) != len(next.flight) || mails(w) != mails(next) || was.broken != is.broken || len(was.attrs) != len(is.attrs) || len(was.coins) != len(is.coins) {
		return false
	}
	for name, v := range was.attrs {
		if !equal(v, is.attrs[name]) {
			return false
		}
	}
	return true
}

// operating lists the correct clients that run and whose operation is under way.
func (g *prospect) operating() (all []int) {
	for i, in := range g.s.instances {
		if n := g.at.nodes[i]; in.client && g.correct[i] && !n.down() && n.operating {
			all = append(all, i)
		}
	}
	return all
}

// decided reports whether a correct server did in the history from some place on, and for
// which slots.
func (g *prospect) decided(from int) (slots []int) {
	for _, e := range g.at.History[from:] {
		if e.Kind == "decided" && g.correct[e.Instance] && !g.s.instances[e.Instance].client {
			slots = append(slots, e.Slot)
		}
	}
	return slots
}

// fails lists the lines in which code failed in the history from some place on.
func (g *prospect) fails(from int) (lines []int) {
	for _, e := range g.at.History[from:] {
		if e.Kind == "failed" {
			lines = append(lines, e.Line)
		}
	}
	return lines
}

// A judgement is what a property that plays on says of a world, and the lines in which code
// failed meanwhile.
type judgement struct {
	holds bool
	lines []int
}

// playsOn judges a world by a property that plays on: it must come about for each choice of the
// faulty instances that are present, from all to none. The first for which it does not settles
// it.
func (s *System) playsOn(w *World, p Property) (is judgement) {
	var faulty []int
	for i, is := range s.Faulty(w) {
		if is {
			faulty = append(faulty, i)
		}
	}
	for choice := 1<<len(faulty) - 1; choice >= 0; choice-- {
		var present []int
		for k, i := range faulty {
			if choice>>k&1 == 1 {
				present = append(present, i)
			}
		}
		over := false
		for _, face := range s.faces() {
			g := s.becomesGood(w, present, face)
			g.asks, g.over = g.operating, func() bool { return s.reached(w, g, p) }
			if g.over() { // nothing is waited for, present or not
				return judgement{holds: true}
			}
			over = g.begin()
			for range p.Within {
				over = over || g.round()
			}
			is.lines = append(is.lines, g.fails(len(w.History))...)
			if over {
				break
			}
		}
		if !over {
			return is
		}
	}
	is.holds = true
	return is
}

// reached reports whether what a property waits for has come about on the way from w.
func (s *System) reached(w *World, g *prospect, p Property) bool {
	running := func(i int) bool { return g.correct[i] && !g.at.nodes[i].down() }
	switch p.Kind {
	case "live":
		leads, done := false, true
		for i, in := range s.instances {
			if !in.client && g.correct[i] && !w.nodes[i].down() {
				leads, done = true, done && w.nodes[i].decided
			}
		}
		return !leads || done && s.decidesOnce(p.Within) || len(g.decided(len(w.History))) > 0
	case "terminates":
		owed := len(g.decided(0)) > 0 || len(s.c.Clients) == 0 && s.decides(p.Within)
		for i, in := range s.instances {
			if n := g.at.nodes[i]; running(i) && (n.operating || owed && !in.client && !n.decided) {
				return false
			}
		}
		return true
	}
	return s.claim(g.at, p) >= p.Claim.Most // eventually
}

// decidesOnce reports whether the protocol decides once, as live(within) sees it: in a good
// network from the beginning, without the faulty ones, in which clients begin all that they
// can, it decides in one slot only, until it has decided nothing for so many good rounds; or it
// has decided for one all the time.
func (s *System) decidesOnce(within int) bool {
	return s.once("once", within, func() bool {
		some := false
		for _, face := range s.faces() {
			one, never := s.oneSlot(within, face)
			if !one && !never {
				return false
			}
			some = some || one
		}
		return some
	})
}

// oneSlot reports whether it does with coins that show some value, or whether it decides in none.
func (s *System) oneSlot(within int, face string) (one, never bool) {
	g := s.becomesGood(s.Begin(), nil, face)
	leads := false
	var clients []int
	correct := 0
	for i, in := range s.instances {
		if g.correct[i] && in.client {
			clients = append(clients, i)
		} else if g.correct[i] {
			correct, leads = correct+1, true
		}
	}
	g.asks = func() []int { return clients }
	g.over = func() bool {
		return len(g.fails(0)) > 0 || len(slices.Compact(slices.Sorted(slices.Values(g.decided(0))))) > 1
	}
	if !leads || g.begin() {
		return false, false
	}
	most := min(within, 1000)
	for k, quiet := 0, 0; quiet < most && k < (correct+1)*most; k++ {
		before := len(g.decided(0))
		if g.round() {
			return false, false
		}
		if quiet++; len(g.decided(0)) > before {
			quiet = 0
		}
	}
	return len(g.decided(0)) > 0, len(g.decided(0)) == 0
}

// decides reports whether the protocol is known to decide, as terminates(within) sees it: a
// correct server does, or code fails, in a good network from the beginning, with none of the
// faulty ones or with all.
func (s *System) decides(within int) bool {
	return s.once("decides", within, func() bool {
		var faulty []int
		for i, is := range s.Faulty(s.Begin()) {
			if is {
				faulty = append(faulty, i)
			}
		}
		for k := range 2 * len(s.faces()) {
			g := s.becomesGood(s.Begin(), [][]int{nil, faulty}[k%2], s.faces()[k/2])
			g.asks = func() []int { return nil }
			g.over = func() bool { return len(g.fails(0))+len(g.decided(0)) > 0 }
			over := g.begin()
			for range min(max(within, 2*max(1, turn*len(g.leaders))), 1000) {
				over = over || g.round()
			}
			if over {
				return true
			}
		}
		return false
	})
}

// once is what is true of the case, whichever world is judged.
func (s *System) once(what string, within int, find func() bool) bool {
	key := fmt.Sprint(what, within)
	if is, ok := s.facts.Load(key); ok {
		return is.(bool)
	}
	is := find()
	s.facts.Store(key, is)
	return is
}

// Longer is the property with so many more good rounds.
func (p Property) Longer(by int) Property {
	p.Within += by
	if p.Inner != nil {
		longer := p.Inner.Longer(by)
		p.Inner = &longer
	}
	return p
}

// playing reports whether a property plays on from each world, and which one, if it is judged
// at the end.
func playing(p Property) (Property, bool) {
	if p.Kind == "at end" {
		return playing(*p.Inner)
	}
	return p, slices.Contains([]string{"live", "terminates", "eventually"}, p.Kind)
}

// PlaysOn reports whether a good network goes on from the worlds that it judges.
func (p Property) PlaysOn() bool {
	_, plays := playing(p)
	return plays
}
