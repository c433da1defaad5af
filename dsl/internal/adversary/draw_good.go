package adversary

import (
	"fmt"
	"strings"
)

// Cases of what comes about in a good network, which good.go judges: properties for any
// protocol, and protocols and spaces of a shape of their own.

// A hopes is the pen that draws them.
type hopes struct {
	*pen
	patient bool // properties wait for many rounds
}

// hopeful draws a property of what comes about in a good network.
func (p hopes) hopeful() Property {
	servers, _ := p.c.Instances()
	within := pick(p.pen, 1, 1, 2, 2, 3, 3, 6, 7, 7, turn*len(servers)+1+p.IntN(4))
	if p.patient {
		within = turn*(len(servers)-1) + p.IntN(10)
	}
	if within > 7 && p.most > 60 {
		within = 3
	}
	property := Property{Within: within}
	switch p.IntN(5) {
	case 0, 1:
		property.Kind = "live"
	case 2, 3:
		property.Kind = "terminates"
	default:
		of := p.some(servers, 1)
		property.Kind, property.Of, property.Claim = "eventually", of, Claim{pick(p.pen, "k", "done", "done", "rounds", "rounds"), 1 + p.IntN(len(of))}
		if property.Claim.Kind == "rounds" { // some come just in time, or too late by one
			property.Claim.Most = within + p.IntN(4)
		}
		property.Name = "many " + property.Claim.Kind
		property.Text = fmt.Sprintf("eventually(%q, lambda w: %s >= %d, within = %d)", property.Name, property.Claim.count(of, "w"), property.Claim.Most, within)
		return property
	}
	property.Text = fmt.Sprintf("%s(%d)", property.Kind, within)
	property.Name = fmt.Sprintf("%s within %d rounds", property.Kind, within)
	return property
}

// atEnd is a property at the end of scenarios.
func atEnd(of Property) Property {
	return Property{Kind: "at end", Name: of.Name + " at the end", Text: "at_end(" + of.Text + ")", Inner: &of}
}

// hope draws a protocol in which something comes about or does not: replicas that count votes
// of rounds, hello in timeouts, or what clients ask for, and that may be stuck by what was lost
// before. It is aimed at good networks that forget a step, take them in another order, or let
// the wrong ones take part.
func (p hopes) hope() {
	c := p.c
	p.symmetric = false
	c.Symmetric = p.chance(40)
	c.N = pick(p.pen, 2, 3, 3, 3, 4)
	p.most = min(p.most, 60)
	if p.chance(45) {
		c.Twins = []Twin{{ID: string(rune('A' + p.IntN(c.N))), Copies: 2}}
	}
	rounds, clients := p.chance(60), p.chance(45)
	vote := func(h int) string { return fmt.Sprintf("v = %s, h = %d, c = None", pick(p.pen, p.few[0], "self.k"), h) }
	most := pick(p.pen, 1, 2, 2)
	decide := fmt.Sprintf("self.decide(%s, %s)", pick(p.pen, "0", "0", "self.k"), p.few[0])
	does := map[string][]Statement{
		"timeout": {
			{pick(p.pen, "", "not self.done", "self.said < 2"), pick(p.pen, "self.said += 1\n", "", "") + "self.broadcast(\"m2\", " + vote(0) + ")"},
			{pick(p.pen, "self.peer != None", "self.k == 1"), pick(p.pen, "self.peer = None", "self.k = 2", "self.got = set()")},
		},
		"m1": {{"", "self.got.add(m.sender)"}, {fmt.Sprintf("len(self.got) >= %d", min(c.N, 1+most)), pick(p.pen, "self.k = (self.k + 1) % 3", "self.done = True", "self.k = 2")},
			{pick(p.pen, "self.k == 2", "self.done", "len(self.got) == self.n") + pick(p.pen, "", " and self.cert == None"), "self.cert = 1\n" + decide}},
		"m2": {{"", "self.got.add(m.sender)"}, {fmt.Sprintf("len(self.got) >= %d", c.N-p.IntN(2)), pick(p.pen, "self.done = True", "self.k = 2", decide)},
			{pick(p.pen, "self.done", "self.k == 2", "m.h == 0"), pick(p.pen, decide, "self.peer = None", "self.k = (self.k + 1) % 3")}},
		"m0": {{pick(p.pen, "", "", "self.peer == None or self.peer == m.sender"), "self.peer = m.sender\nself.send(m.sender, \"m1\", " + vote(1) + ")"}},
	}
	if rounds && p.chance(30) { // it takes so many timeouts, which come at the end of turns
		does["timeout"] = append(does["timeout"], Statement{"", "self.said += 1"}, Statement{fmt.Sprintf("self.said == %d", c.N+p.IntN(4)-1), decide})
		p.patient = true
	}
	if p.chance(15) {
		event := pick(p.pen, "m1", "m2", "timeout")
		does[event] = append(does[event], Statement{pick(p.pen, "self.k == 2", "self.done", "len(self.got) > 1"), `fail("no")`})
	}
	events := append([]string{"timeout"}, types...)
	if rounds && p.chance(15) { // else a good network has nothing to play
		events = events[1:]
	}
	if rounds {
		events = append(events, "round")
		does["round"] = []Statement{
			{pick(p.pen, "", "round.leader != self.peer", "self.k == 0"), pick(p.pen, "self.got = set()", "self.got, self.k = set(), 0", "self.peer = round.leader")},
			{"round.leader == self.id", pick(p.pen, "self.broadcast", "self.broadcast", "self.send") + "(" + pick(p.pen, "\"m0\", ", "\"m0\", ", "\"m1\", ") + vote(0) + ")"},
		}
		if does["round"][1].Do[:9] == "self.send" {
			does["round"][1].Do = strings.Replace(does["round"][1].Do, "(", "(self.next_leader, ", 1)
		}
	}
	if p.chance(20) {
		events = append(events, "quiet")
		does["quiet"] = p.seldom([]Statement{{pick(p.pen, "", "len(self.got) > 1"), pick(p.pen, "self.k = 2", "self.broadcast(\"m1\", "+vote(1)+")")}})
	}
	for _, event := range events {
		c.Replica.Handlers = append(c.Replica.Handlers, Handler{Event: event, Body: does[event]})
	}
	for _, name := range []string{"got", "done", "peer", "cert"} {
		if p.chance(50) {
			c.Replica.Persistent = append(c.Replica.Persistent, name)
		}
	}
	parts := []func() Space{p.deliver, p.happen, p.together, p.filters, p.links, p.happensToSome}
	if rounds {
		parts = append(parts, p.wholeRounds, p.partedRounds, p.deafRounds, p.ledRounds, p.ledRounds)
	}
	if clients {
		p.asking()
		parts = append(parts, p.exchanging, p.exchanging, p.exchanging, p.invokes)
	}
	p.properties()
	p.long(parts...)
	p.c.Space = p.views(p.c.Space)
}

// asking draws clients that ask all replicas and return when some have answered.
func (p hopes) asking() {
	c := p.c
	for k := range pick(p.pen, 1, 1, 2) {
		c.Clients = append(c.Clients, Client{Name: fmt.Sprint("c", k+1), Program: []Operation{{"write", "1"}, {"read", "None"}}[:1+p.IntN(2)]})
	}
	if p.chance(15) {
		c.Twins = append(c.Twins, Twin{ID: "c1", Copies: 2})
	}
	ask := `self.broadcast("m0", v = None, h = 0, c = None)`
	begun := "self.open, self.got = True, set()"
	timeout := Handler{Event: "timeout", Body: []Statement{{"not self.open", "self.refuse(\"waits for nothing\")\nreturn"}, {"", ask}}}
	c.Client = &Role{Handlers: []Handler{
		{Event: "exchange", Body: []Statement{
			{"self.at >= len(self.program)", "self.refuse(\"is done\")\nreturn"},
			{"not self.open", "self.invoked(self.program[self.at])\n" + begun},
			{pick(p.pen, "", "", "self.said == 0"), "self.said = 1\n" + ask},
		}},
		{Event: "invoke", Body: []Statement{{"self.open", "self.refuse(\"is busy\")\nreturn"}, {"", "self.invoked(op)\n" + begun}, {"", ask}}},
		{Event: "m0"}, {Event: "m2"},
		{Event: "m1", Body: []Statement{{"", "self.got.add(m.sender)"},
			{fmt.Sprintf("self.open and len(self.got) >= %d", pick(p.pen, 1, c.N, max(1, c.N-1))), pick(p.pen, "self.returns(None)", "self.returns(None)", "self.fails()") + "\nself.open, self.at, self.said = False, self.at + 1, 0"}}},
	}}
	if p.chance(60) {
		c.Client.Handlers = append(c.Client.Handlers, timeout)
	}
	if p.chance(40) {
		c.Client.Persistent = []string{"open", "at", "got"}
	}
}

// properties draws properties of what comes about, and others beside them.
func (p hopes) properties() {
	one := p.hopeful()
	if p.chance(15) {
		one = atEnd(one)
	}
	all := []Property{one}
	if other := p.hopeful(); p.chance(30) && other.Name != one.Name {
		all = append(all, other)
	}
	if p.chance(25) {
		all = append(all, atEnd(Property{Kind: "agreement", Text: "agreement()", Name: "agreement"}))
	}
	p.c.Properties = all
	p.c.Extras = []Property{p.hopeful(), p.hopeful(), atEnd(pick(p.pen, p.invariant, p.hopeful)())}
}

// exchanging are exchanges of any client with all servers, or with one.
func (p hopes) exchanging() (s Space) {
	servers, clients := p.c.Instances()
	reaches := [][]string{servers}
	if p.chance(60) {
		reaches = append(reaches, p.some(servers, 1))
	}
	for _, client := range clients {
		for _, reach := range reaches {
			s.Lists = append(s.Lists, Scenario{{Kind: "exchange", Who: client, Names: reach}})
		}
	}
	s.Text = fmt.Sprintf("exchanges(%s, %s)", list(clients), lists(reaches))
	return s
}

// happensToSome is what befalls one of a few instances, clients included.
func (p hopes) happensToSome() (s Space) {
	servers, clients := p.c.Instances()
	kind := pick(p.pen, "crash", "crash", "restart", "amnesia")
	ids := p.some(append(servers, clients...), 1)
	for _, id := range ids {
		s.Lists = append(s.Lists, Scenario{{Kind: kind, Names: []string{id}}})
	}
	s.Text = map[string]string{"crash": "crashes", "restart": "restarts", "amnesia": "amnesias"}[kind] + "(" + list(ids) + ")"
	return s
}
