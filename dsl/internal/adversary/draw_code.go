package adversary

import (
	"fmt"
	"slices"
)

// Random code of nodes. Statements are texts over a fixed set of attributes, of a handler's
// arguments and of the methods of self; each makes sense in the handlers for which it is
// drawn. What matters is not what such a protocol is good for, but that states differ in
// small things, that these are carried on by messages, and that something is decided by
// them.
//
// Messages have a number of hops h, which grows with each answer and is bounded by lives,
// so that no step goes on for ever: a protocol that never falls silent would only show that
// it is stopped.

// Mostly one of the two values that are the case's own.
func (p *pen) constant() string {
	if p.chance(80) {
		return pick(p, p.few...)
	}
	return pick(p, values...)
}

// value draws an expression: what it is made of depends on the event. Identities are among
// them only if handlers may name them; a sender's name in a decided value is what an
// unsound renaming shows in.
func (p *pen) value(event string) string {
	all := []string{p.constant(), p.constant(), p.constant(), "self.x", "self.x", "self.k"}
	switch event {
	case "round":
		all = append(all, "round.number", "round.input", "round.input")
	case "timeout", "exchange", "quiet":
	case "hop":
		all = append(all, "k")
	case "invoke":
		all = append(all, "op.arg", "op.arg")
	default:
		all = append(all, "m.v", "m.v", "m.v")
		if p.names {
			all = append(all, "m.sender")
		}
	}
	if p.names {
		all = append(all, "self.id")
	}
	return pick(p, all...)
}

// condition draws a condition, or none. Who leads, who sent and how many did are drawn
// most, as protocols do.
func (p *pen) condition(event string) string {
	if p.chance(45) {
		return ""
	}
	all := []string{"", "", "self.x == " + p.constant(), "self.x == None", "self.k == 2", "self.k > 0",
		"not self.done", "self.done", fmt.Sprintf("len(self.got) >= %d", pick(p, 1, 2, 2, 3)), "len(self.got) > self.f", "self.cert != None", "type(self.x) == \"int\""}
	switch event {
	case "round":
		lead := "round.leader == self.id"
		all = append(all, lead, lead, lead, fmt.Sprintf("round.number == %d", pick(p, 1, 2, 3)),
			fmt.Sprintf("round.number == %d and %s", pick(p, 1, 2, 3), lead), "round.leader == self.peer", "self.cert != None and "+lead)
	case "hop":
		all = append(all, "k == 1", "k == 2")
	case "timeout", "exchange", "invoke", "quiet":
	default:
		all = append(all, "self.x == m.v", "m.v == "+p.constant(), "m.sender == self.id", "self.peer == m.sender",
			"verify(m.c, by = m.sender)", "verify(m.c, by = 2)", "len(self.log_) > 0 and self.log_[0] == m.sender", "len(self.log_) > 1", "type(m.v) == \"int\"")
		if p.names {
			all = append(all, `m.sender == "A"`, "self.id < m.sender")
		}
	}
	if p.names {
		all = append(all, `self.id == "B"`, `self.id != "A"`)
	}
	return pick(p, all...)
}

// "" is the condition that always holds.
func and(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + " and (" + b + ")"
}

// statement draws what a handler does: a third changes the state, a fourth sends, the rest
// decides or, in clients, returns. What a client returns ends its operation, so that there
// is one at a time and histories are well-formed; the few replicas that begin operations of
// their own do so, too. Clients that abort operations are in some cases only; then replicas
// begin none.
func (p *pen) statement(event string, client bool) Statement {
	message := slices.Contains(types, event)
	s := Statement{If: p.condition(event)}
	changes := []string{"self.x = " + p.value(event), "self.x = " + p.value(event), "self.k = (self.k + 1) % 3", "self.done = True",
		"self.done = not self.done", "self.cert = self.sign(" + p.value(event) + ")", "self.got = set()",
		"self.x = digest(" + p.constant() + ")", "self.cert = digest((self.k, " + p.constant() + "))"}
	if message {
		changes = append(changes, "self.cert = digest(m.sender)", "self.got.add(m.sender)", "self.got.add(m.sender)", "self.log_ = (self.log_ + [m.sender])[-2:]",
			"self.peer = m.sender", "self.cert = m.c",
			"self.cert = combine([self.cert, m.c], count = 2) if verify(self.cert, by = self.id) and verify(m.c, by = m.sender) and self.cert.value == m.c.value else self.cert")
	}
	if event == "round" {
		changes = append(changes, "self.peer = round.leader")
	}
	switch roll := p.IntN(100); {
	case roll < 35:
		s.Do = pick(p, changes...)
	// An answer counts one more hop than what it answers, and is sent only while that is
	// less than lives.
	case roll < 62:
		h := "0"
		if message {
			h = "m.h + 1"
			s.If = and(fmt.Sprintf("m.h < %d", p.lives), s.If)
		}
		fields := fmt.Sprintf("%q, v = %s, h = %s, c = self.cert", pick(p, types...), p.value(event), h)
		to := []string{"next", "next", "next", "peer", "all"}
		if message {
			to = append(to, "sender", "sender", "sender")
		} else {
			to = append(to, "all", "all")
		}
		if p.names {
			to = append(to, "A")
		}
		switch pick(p, to...) {
		case "next":
			s.Do = "self.send(self.next_leader, " + fields + ")"
		case "peer":
			s.If, s.Do = and("self.peer != None", s.If), "self.send(self.peer, "+fields+")"
		case "all":
			s.Do = "self.broadcast(" + fields + ")"
		case "sender":
			s.Do = "self.send(m.sender, " + fields + ")"
		case "A":
			s.Do = `self.send("A", ` + fields + ")"
		}
	// The end of an operation: a value if it was a read.
	case client && message:
		if !p.chance(15) { // else it may end what has not begun
			s.If = and("self.open", s.If)
		}
		end := "self.returns(" + p.value(event) + " if self.reads else None)"
		if p.aborts && p.chance(20) {
			end = pick(p, `self.fails("no")`, "self.fails()")
		}
		s.Do = end + "\nself.open, self.at = False, self.at + 1"
	case client:
		s.Do = pick(p, changes...)
	case roll < 97 || len(p.c.Clients) == 0 || p.aborts: // replicas write where no client aborts: see check.LimitError
		s.Do = fmt.Sprintf("self.decide(%d, %s)", pick(p, 0, 0, 0, 1), p.value(event))
		if p.chance(20) {
			s.Do = "self.decide(0, self.cert)"
		}
	// A replica may begin an operation of its own, a write, and end it in another handler.
	case p.chance(50):
		if !p.chance(15) {
			s.If = and("not self.open", s.If)
		}
		s.Do = "self.invoked(operation(\"write\", " + pick(p, plainValues...) + "))\nself.open = True"
	default:
		s.If, s.Do = and("self.open", s.If), "self.returns(None)\nself.open = False"
	}
	return s
}

// Each handler has one to three random statements, and beside them what makes a case more
// likely to come to something: leaders begin, clients ask and end, replicas answer and
// decide, and a round forgets what the one before left. That last is what makes worlds
// equal that had different pasts, without which a search merges nothing. Now and then code
// fails, or refuses.
func (p *pen) role(client bool) Role {
	var r Role
	for _, name := range []string{"x", "k", "got", "log_", "peer", "done", "cert", "at", "open", "reads"} {
		if p.chance(25) {
			r.Persistent = append(r.Persistent, name)
		}
	}
	moments := p.chance(25)
	events := append([]string{"round", "timeout", "hop", "quiet"}, types...)
	if client {
		events = append([]string{"exchange", "invoke", "timeout", "hop", "quiet"}, types...)
	}
	for _, event := range events {
		h := Handler{Event: event}
		if event == "timeout" && p.chance(30) {
			continue // no handler takes it
		}
		if (event == "hop" || event == "quiet") && !moments {
			continue
		}
		if p.chance(2) {
			h.Body = append(h.Body, Statement{p.condition(event), pick(p, `fail("no")`, "self.x = 1 // 0")})
		}
		if event != "round" && !slices.Contains(types, event) && p.chance(25) {
			h.Body = append(h.Body, Statement{p.condition(event), "self.refuse(\"is busy\")\nreturn"})
		}
		h.Body = append(h.Body, p.works(event, client)...)
		for range 1 + p.IntN(3) {
			h.Body = append(h.Body, p.statement(event, client))
		}
		if event == "hop" || event == "quiet" {
			h.Body = p.seldom(h.Body)
		}
		// Agreement and validity see decisions only; without these a case would say
		// nothing.
		if !client && slices.Contains(types, event) && p.chance(25) {
			h.Body = append(h.Body, Statement{pick(p, "", "not self.done", p.condition(event)), fmt.Sprintf("self.decide(0, %s)", pick(p, "m.v", "m.v", p.value(event)))})
		}
		// And without a leader that begins, most rounds would be silent.
		if event == "round" && p.chance(60) {
			h.Body = append(h.Body, Statement{"round.leader == self.id", fmt.Sprintf("self.broadcast(%q, v = %s, h = 0, c = self.cert)", pick(p, types...), p.value(event))})
		}
		if event == "round" && p.chance(45) {
			// What was of use in this round is of none in the next.
			if p.chance(50) {
				h.Body = append(h.Body, Statement{p.condition(event), "self.decide(0, self.x)"})
			}
			h.Body = append(h.Body, Statement{pick(p, "", "", p.condition(event)), pick(p, "self.x = None", "self.x, self.done = None, False",
				"self.x, self.k, self.got, self.log_, self.peer, self.done, self.cert = None, 0, set(), [], None, False, None")})
		}
		r.Handlers = append(r.Handlers, h)
	}
	return r
}

// works is what a handler does in a protocol that works.
func (p *pen) works(event string, client bool) []Statement {
	switch event {
	// A client that works: it begins the operation that comes next and asks all
	// servers. What is drawn beside may spoil it in any way.
	case "exchange":
		return []Statement{
			{"self.at >= len(self.program)", "self.refuse(\"is done\")\nreturn"},
			{"not self.open", "self.invoked(self.program[self.at])\nself.open, self.reads = True, self.program[self.at].name == \"read\""},
			{"", "self.broadcast(\"m0\", v = self.program[self.at].arg, h = 0, c = self.cert)"},
		}
	case "invoke":
		return []Statement{
			{"self.open", "self.refuse(\"is busy\")\nreturn"},
			{"", "self.invoked(op)"},
			{"", "self.open, self.reads = True, op.name == \"read\""},
			{"", "self.broadcast(\"m0\", v = op.arg, h = 0, c = self.cert)"},
		}
	// Servers keep the last value that they heard of and answer with it: a register of
	// one phase, which is linearizable in some scenarios and not in others.
	case "m0":
		if !client && len(p.c.Clients) > 0 {
			return []Statement{
				{"m.v != None", "self.x = m.v"},
				{fmt.Sprintf("m.h < %d", p.lives), `self.send(m.sender, "m1", v = self.x, h = m.h + 1, c = self.cert)`},
			}
		}
	}
	return nil
}

// seldom lets what answers a moment do so twice at most, so that all steps end: a moment
// comes again when something was sent.
func (p *pen) seldom(body []Statement) []Statement {
	for i, s := range body {
		body[i] = Statement{and("self.said < 2", s.If), "self.said += 1\n" + s.Do}
	}
	return body
}

// changeHandler lets replicas do something more, before or after the rest, or
// takes something away.
//
// A handler that does nothing at timeouts is left so: it may be one that the role has not.
func (p *pen) changeHandler() {
	h := &p.c.Replica.Handlers[p.IntN(len(p.c.Replica.Handlers))]
	switch n := p.IntN(3); {
	case h.Event == "timeout" && len(h.Body) == 0:
	case n == 0 && len(h.Body) > 0:
		i := p.IntN(len(h.Body))
		h.Body = slices.Delete(h.Body, i, i+1)
	case n == 1 && h.Event != "hop" && h.Event != "quiet":
		h.Body = slices.Insert(h.Body, 0, p.statement(h.Event, false))
	case h.Event == "hop" || h.Event == "quiet":
		h.Body = append(h.Body, p.seldom([]Statement{p.statement(h.Event, false)})...)
	default:
		h.Body = append(h.Body, p.statement(h.Event, false))
	}
}
