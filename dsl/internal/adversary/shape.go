package adversary

import "fmt"

// A shape is a protocol, with a space for it, in which a certain mistake of a
// search would show. Uniform noise seldom gets there: what a mistake spoils
// has to be different in two scenarios, the only difference between them, and
// decide what is seen later. In shapes, the outline is given and the rest drawn.

// shaped draws a case of some shape. Shapes are small and mostly symmetric, so that memory,
// merging and renaming all have something to do.
func (p *pen) shaped() {
	c := p.c
	c.Honest = true
	c.N, c.F = pick(p, 3, 3, 4), 1
	p.lives, p.symmetric = 1, true
	p.few = pick(p, twoSimilar...)
	c.Symmetric = p.chance(85)
	p.decided()
	pick(p, p.named, p.named, p.forgetful, p.forgetful, p.underway, p.underway, p.lettered, p.lettered, p.late, p.late, hopes{pen: p}.hope, hopes{pen: p}.hope, hopes{pen: p}.hope,
		serving{p}.serve, serving{p}.serve, serving{p}.serve, serving{p}.serve, serving{p}.serve)()
}

// handlers makes the role of replicas of what they do at some events. They know all of the
// others, and do nothing then, so that no message is a failure.
func (p *pen) handlers(does map[string][]Statement) {
	for _, event := range append([]string{"round", "timeout"}, types...) {
		p.c.Replica.Handlers = append(p.c.Replica.Handlers, Handler{Event: event, Body: does[event]})
	}
}

// named draws a protocol in which states hold names, and values that print the same, so
// that of many renamings only one is right, and what a replica decides depends on all of
// them. It is aimed at canonical forms that take two worlds for one, or that rename a part
// of a state and not the rest.
func (p *pen) named() {
	p.c.N = pick(p, 3, 4, 4)
	a, b := p.few[0], p.few[1]
	if p.chance(50) {
		a, b = b, a
	}
	does := map[string][]Statement{}
	for range 1 + p.IntN(2) {
		does["round"] = append(does["round"], pick(p,
			Statement{"round.leader == self.peer", "self.decide(0, self.x)"},
			Statement{"round.leader == self.peer and len(self.log_) == 1", "self.decide(0, self.x)"},
			Statement{"round.leader == self.id and len(self.got) > 1", "self.decide(0, self.x)"},
			Statement{"self.peer == self.id", "self.decide(0, self.x)"},
			Statement{"round.leader in self.got", "self.decide(0, self.x)"},
			Statement{"self.k == 1", "self.decide(0, self.x)"}))
	}
	if p.chance(50) {
		does["round"] = append(does["round"], Statement{pick(p, "", "self.k == 1", "round.leader == self.peer"),
			pick(p, "self.x = None", "self.x, self.k = "+a+", 0", "self.got = set()", "self.x, self.got = None, set()")})
	}
	does["round"] = append(does["round"], Statement{"round.leader == self.id", fmt.Sprintf("self.broadcast(\"m0\", v = %s, h = 0, c = None)", pick(p, a, "self.x", "round.input", "self.k"))})
	if p.chance(50) {
		does["round"] = append(does["round"], Statement{pick(p, "round.leader == self.peer", "self.peer == self.id", "self.k == 1"),
			pick(p, "self.send(self.next_leader, \"m1\", v = self.x, h = 1, c = None)", "self.broadcast(\"m1\", v = self.x, h = 1, c = None)")})
	}
	// Who sent leaves a trace in the state: as a name, in a set, in an order, or in a value
	// that only depends on whether it was this replica, the first that was heard or
	// another.
	for range 2 + p.IntN(3) {
		does["m0"] = append(does["m0"], pick(p,
			Statement{"m.sender == self.id", "self.x = " + b}, Statement{"m.sender != self.id", "self.x = " + a},
			Statement{"self.peer == None", "self.x = m.v"}, Statement{"self.peer == m.sender", "self.x = " + b},
			Statement{"", "self.peer = m.sender"}, Statement{"self.peer == None", "self.peer = m.sender"},
			Statement{"", "self.got.add(m.sender)"}, Statement{"", "self.log_ = (self.log_ + [m.sender])[-2:]"},
			Statement{"m.h < 1", "self.send(m.sender, \"m1\", v = self.x, h = 1, c = None)"},
			Statement{"m.sender == self.peer", "self.k = 1 - self.k"}))
	}
	// What is sent on carries the trace to others, who decide by it.
	does["m1"] = append(does["m1"], Statement{pick(p, "", "self.peer == m.sender", "m.sender in self.got"), pick(p, "self.decide(0, m.v)", "self.x = m.v", "self.got.add(m.sender)")})
	does["timeout"] = append(does["timeout"], Statement{"", pick(p, "self.k = 1", "self.x = "+b, "self.peer = self.id")})
	p.handlers(does)
	if p.chance(25) {
		p.c.N, p.c.Twins = 3, []Twin{{ID: "B", Copies: 2}}
	}
	p.long(p.happen, p.wholeRounds, p.wholeRounds, p.partedRounds)
}

// forgetful draws a protocol of which only what replicas do as a round begins counts: they
// send and decide what the round before left, and reset it. It is aimed at searches that
// take local states for equal which behave the same in most rounds, but not in the one that
// comes.
func (p *pen) forgetful() {
	p.c.N = pick(p, 3, 3, 4)
	does := map[string][]Statement{}
	to := func(kind, v string) string {
		return fmt.Sprintf(pick(p, "self.broadcast(%q, v = %s, h = 1, c = None)", "self.send(self.next_leader, %q, v = %s, h = 1, c = None)",
			"self.send(round.leader, %q, v = %s, h = 1, c = None)"), kind, v)
	}
	when := func() string {
		return pick(p, "", "", "round.leader == self.id", "round.leader != self.id", "self.done", "self.x != None", "round.leader == self.peer")
	}
	if p.chance(50) {
		does["round"] = append(does["round"], Statement{when(), to("m2", pick(p, "self.k", "self.x", p.few[0]))})
	}
	does["round"] = append(does["round"], Statement{when(), to("m1", "self.x")})
	if p.chance(30) {
		does["round"] = append(does["round"], Statement{when(), "self.decide(0, self.x)"})
	}
	// The reset. After it two replicas that differed are equal, and only what they sent
	// says how.
	does["round"] = append(does["round"], Statement{"", pick(p, "self.x, self.k, self.done, self.peer = None, 0, False, None", "self.x = None", "self.x, self.peer = None, None",
		"self.x, self.k, self.got, self.log_, self.peer, self.done, self.cert = None, 0, set(), [], None, False, None")})
	does["round"] = append(does["round"], Statement{"round.leader == self.id", fmt.Sprintf("self.broadcast(\"m0\", v = %s, h = 0, c = None)", pick(p, p.few[0], "round.input", "self.k"))})
	if p.chance(60) { // three kinds of states, two of which look the same: the leader's, others', and those of the deaf
		a := p.IntN(2)
		does["m0"] = []Statement{{"", "self.x = " + p.few[a]}, {"m.sender == self.id", "self.x = " + p.few[1-a]}}
	} else {
		does["m0"] = []Statement{{pick(p, "", "m.sender != self.id"), pick(p, "self.x = m.v", "self.x, self.done = m.v, True", "self.x, self.peer = m.v, m.sender")}}
	}
	if p.chance(40) {
		does["m0"] = append(does["m0"], Statement{pick(p, "m.sender == self.id", "m.h == 0"), pick(p, "self.x = "+p.few[1], "self.k += 1", "self.done = True")})
	}
	for _, kind := range []string{"m1", "m2"} {
		does[kind] = append(does[kind], Statement{pick(p, "", "m.v != None", "m.v == "+p.few[1], "m.sender != self.id"), pick(p, "self.decide(0, m.v)", "self.decide(1, m.v)", "self.x = m.v", "self.decide(0, m.v)")})
	}
	p.handlers(does)
	p.long(p.deafRounds, p.partedRounds, p.wholeRounds, p.wholeRounds, p.rounds, p.ledRounds)
}

// underway draws a protocol whose messages are left in flight, whose senders forget them,
// and that arrive later. It is aimed at the identity, the order and the renaming of
// messages under way.
func (p *pen) underway() {
	does := map[string][]Statement{}
	value := pick(p, "round.input", "self.x", "self.x", "round.number")
	if value == "self.x" {
		does["m1"] = append(does["m1"], Statement{pick(p, "", "m.sender == self.id"), "self.x = m.v"})
	}
	to := fmt.Sprintf(pick(p, "self.broadcast(\"m0\", v = %s, h = 0, c = None)", "self.send(round.leader, \"m0\", v = %s, h = 0, c = None)"), value)
	does["round"] = append(does["round"], Statement{pick(p, "", "round.leader == self.id", "round.leader == self.id"), to})
	if p.chance(50) {
		does["round"] = append(does["round"], Statement{pick(p, "", "round.leader == self.id"), pick(p, "self.x = None", "self.x = round.input", "self.x = round.input")})
	}
	// What arrives in the first hop is passed on; that is what is under way.
	does["m0"] = append(does["m0"], Statement{"m.h < 1", fmt.Sprintf(pick(p, "self.send(m.sender, \"m2\", v = %s, h = 1, c = None)", "self.broadcast(\"m2\", v = %s, h = 1, c = None)"), pick(p, "m.v", "m.v", "self.x"))})
	does["m2"] = append(does["m2"], Statement{pick(p, "", "", "m.sender != self.id", "self.k == 0"), pick(p, "self.decide(0, m.v)", "self.decide(0, m.v)", "self.x = m.v")})
	if p.chance(40) {
		does["m2"] = append(does["m2"], Statement{"", pick(p, "self.k = 1", "self.log_ = (self.log_ + [m.sender])[-2:]", "self.peer = m.sender")})
		does["m2"] = append(does["m2"], Statement{pick(p, "self.peer != None", "len(self.log_) > 1 and self.log_[0] != m.sender", "self.k == 1"), "self.decide(0, " + pick(p, "self.x", "m.v", p.few[0]) + ")"})
	}
	does["timeout"] = append(does["timeout"], Statement{"", fmt.Sprintf("self.broadcast(%q, v = %s, h = 1, c = None)", pick(p, "m1", "m2"), pick(p, "self.x", "self.k", p.few[0], p.few[1]))})
	if p.chance(50) {
		does["timeout"] = append(does["timeout"], Statement{"", pick(p, "self.x = None", "self.x = "+p.few[1], "self.k = 1 - self.k")})
	}
	p.handlers(does)
	c := p.c
	c.Held = p.chance(25)
	if p.chance(30) {
		c.N, c.Twins = 3, []Twin{{ID: pick(p, "A", "B", "C"), Copies: 2}}
	}
	p.long(p.deliver, p.hopRounds, p.hopRounds, p.timeouts, p.deliver, p.partedRounds, p.ledRounds)
}

// lettered draws a protocol in which what is sent to the next leader decides. A mailbox is
// a part of the receiver's local state, which partitions, filters and the deaf of the round
// before have shaped; it is aimed at where one of these is forgotten.
func (p *pen) lettered() {
	c := p.c
	does := map[string][]Statement{}
	next := func(v string) string { return "self.send(self.next_leader, \"m1\", v = " + v + ", h = 1, c = None)" }
	lead := pick(p, "round.leader == self.id", "", "round.leader == self.id", "self.x != None")
	does["round"] = append(does["round"], Statement{lead, next(pick(p, "self.x", "self.x", "round.input", "round.number", "self.k"))})
	if p.chance(30) {
		does["round"] = append(does["round"], Statement{pick(p, "round.leader == self.peer", "self.k == 1"), next(p.few[1])})
	}
	if p.chance(60) {
		does["round"] = append(does["round"], Statement{"", pick(p, "self.x = None", "self.x, self.k = "+p.few[0]+", 0", "self.x, self.peer = None, None")})
	}
	does["round"] = append(does["round"], Statement{"round.leader == self.id", fmt.Sprintf("self.broadcast(\"m0\", v = %s, h = 0, c = None)", pick(p, p.few[0], "round.input", "self.k"))})
	does["m0"] = append(does["m0"], Statement{pick(p, "", "m.sender != self.id"), pick(p, "self.x = m.v", "self.x, self.k = m.v, 1", "self.x, self.peer = m.v, m.sender")})
	if p.chance(50) {
		does["m0"] = append(does["m0"], Statement{"m.sender == self.id", pick(p, "self.x = "+p.few[1], next("self.x"), next(p.few[1]))})
	}
	does["m1"] = append(does["m1"], Statement{pick(p, "", "", "m.v != None", "m.sender != self.id", "len(self.got) > 0"), pick(p, "self.decide(0, m.v)", "self.decide(0, m.v)", "self.decide(1, m.v)", "self.x = m.v")})
	if p.chance(50) {
		does["m1"] = append(does["m1"], Statement{"", pick(p, "self.got.add(m.sender)", "self.x = m.v", "self.peer = m.sender")})
	}
	p.handlers(does)
	if p.chance(35) {
		c.N, c.Twins = 3, []Twin{{ID: pick(p, "A", "B", "C"), Copies: 2}}
	}
	if p.chance(30) {
		p.symmetric = false
		c.Start = p.possible(1)
		if p.chance(60) {
			// With a filter from the start on, mails to the next leader are lost that the
			// space says nothing of.
			kind := Step{Kind: "deaf", Who: p.leader(), Types: []string{"m1"}}
			if p.chance(40) {
				kind = Step{Kind: "drop", Types: []string{"m1"}, Src: p.leader()}
			}
			c.Start = []Step{kind}
		}
		p.symmetric = true
	}
	p.long(p.deafRounds, p.deafRounds, p.partedRounds, p.wholeRounds, p.ledRounds, p.ledRounds)
}

// late draws a protocol in which only what is held up and comes in a later round is decided
// upon, and that then goes on as if nothing had happened. Searches that differ in an option
// have the same worlds, and do not find the same in them: it is aimed at checkpoints that
// are taken for those of another search.
func (p *pen) late() {
	c := p.c
	does := map[string][]Statement{"round": {
		{"", "self.k = round.number"},
		{pick(p, "", "round.leader == self.id", "round.leader == self.id"), pick(p, "self.broadcast(\"m0\", v = round.number, h = 0, c = None)",
			"self.send(round.leader, \"m0\", v = round.number, h = 0, c = None)")},
	}}
	if p.chance(30) {
		does["m0"] = append(does["m0"], Statement{"self.f == " + pick(p, "0", "1", "2"), fmt.Sprintf("self.decide(%s, %s)", pick(p, "0", "1"), p.few[1])})
	}
	does["m0"] = append(does["m0"], Statement{"m.v != self.k", "self.decide(0, " + p.few[0] + ")"})
	p.handlers(does)
	c.Held = p.chance(25)
	c.Properties = []Property{c.Extras[0]}
	if p.chance(30) {
		c.Properties = append(c.Properties, Property{Kind: "agreement", Text: "agreement()", Name: "agreement"})
	}
	// The first round leaves messages behind a partition (if the network holds them); those
	// that follow let them arrive.
	of := p.partedRounds()
	for range pick(p, 2, 2, 3) {
		next := pick(p, p.wholeRounds, p.ledRounds, p.ledRounds)()
		if longer := (Space{Op: "+", Of: []Space{of, next}}); longer.size() <= p.most {
			of = longer
		}
	}
	c.Space = of
}

// decided draws properties of what is decided.
func (p *pen) decided() {
	agreement := Property{Kind: "agreement", Text: "agreement()", Name: "agreement"}
	valid := func(v string) Property {
		return Property{Kind: "validity", Text: "validity(lambda v: v != " + v + ")", Name: "validity", Value: v}
	}
	p.c.Properties = [][]Property{{agreement}, {valid(pick(p, p.few...))}, {agreement, valid(pick(p, p.few...))}}[p.IntN(3)]
	p.c.Extras = []Property{valid(p.few[0]), valid(p.few[1]), valid(pick(p, `"1a"`, `"2a"`, "None", "0"))}
}

// long draws a space of some of the given parts, the first of which is likely to be in it.
// It is seldom short: what goes wrong in one step is seen some steps later. After twenty
// attempts any that is small enough will do.
func (p *pen) long(parts ...func() Space) {
	// Ten attempts to add a part, of which those count that stay small, before, behind or
	// as a repetition.
	for tries := 0; ; tries++ {
		of := pick(p, parts...)()
		for k := range 10 {
			next := pick(p, parts...)()
			if k == 1 {
				next = parts[0]()
			}
			next = p.varied(next)
			longer := Space{Op: "+", Of: []Space{of, next}}
			switch {
			case p.chance(30):
				longer.Of = []Space{next, of}
			case of.Op == "" && p.chance(25):
				longer = Space{Op: "*", Of: []Space{of}, Times: 2}
			}
			if longer.size() <= p.most && longer.longest() <= 5 {
				of = longer
			}
		}
		if of.size() <= p.most && of.longest() >= pick(p, 2, 3, 3, 3, 4) || tries > 20 && of.size() <= p.most {
			p.c.Space = of
			return
		}
	}
}

// ledRounds are rounds of all, led by one who is given. They cost no scenarios,
// and what comes after a mistake is not the same for all names, so that counts do
// not come out right by accident.
func (p *pen) ledRounds() Space {
	servers, _ := p.c.Instances()
	who := p.leader()
	return Space{
		Text:  fmt.Sprintf("rounds([%q], partitions(max = 1))", who),
		Lists: []Scenario{{{Kind: "round", Who: who, Groups: [][]string{servers}}}},
	}
}

func (p *pen) everybody() (ids []string) {
	for i := range p.c.N {
		ids = append(ids, string(rune('A'+i)))
	}
	return ids
}

// wholeRounds are rounds that anybody leads and all are in.
func (p *pen) wholeRounds() Space { return p.roundsWith(1, 1, Step{}, nil) }

// partedRounds are rounds with few partitions.
func (p *pen) partedRounds() Space {
	n := 1 + p.IntN(2)
	return p.roundsWith(n, 2, Step{}, nil)
}

// hopRounds are rounds that leave something in flight.
func (p *pen) hopRounds() Space {
	return p.roundsWith(1, pick(p, 1, 1, 1, 2), Step{Count: 1}, nil)
}

// deafRounds are rounds in which one or none is deaf to some types.
func (p *pen) deafRounds() Space {
	return p.roundsWith(1, 1, Step{}, pick(p, []string{"m1"}, []string{"m0"}, []string{"m0", "m1"}, types))
}

// roundsWith lists rounds that anybody leads, in so many parts. If types are
// given, each instance is deaf to them in some, and none in others.
func (p *pen) roundsWith(least, most int, like Step, deafTo []string) (s Space) {
	servers, _ := p.c.Instances()
	most = min(most, len(servers))
	least = min(least, most)
	text := fmt.Sprintf("partitions(max = %d)", most)
	if least > 1 {
		text = fmt.Sprintf("partitions(exactly = %d)", most)
	}
	args := `"any", ` + text
	if like.Count > 0 {
		args += fmt.Sprintf(", hops = %d", like.Count)
	}
	deaf := [][]string{nil}
	if deafTo != nil {
		for _, name := range servers {
			deaf = append(deaf, []string{name})
		}
		args += ", deaf = " + lists(append([][]string{{}}, deaf[1:]...)) + ", types = " + list(deafTo)
	}
	for _, leader := range p.everybody() {
		for _, g := range partitions(servers, least, most) {
			for _, d := range deaf {
				step := Step{Kind: "round", Who: leader, Groups: g, Names: d, Count: like.Count}
				if d != nil {
					step.Types = deafTo
				}
				s.Lists = append(s.Lists, Scenario{step})
			}
		}
	}
	s.Text = "rounds(" + args + ")"
	return s
}

// deliver is a delivery of what is in flight.
func (p *pen) deliver() (s Space) {
	servers, _ := p.c.Instances()
	most, hops := min(pick(p, 1, 1, 2), len(servers)), pick(p, 0, 0, 1)
	for _, g := range partitions(servers, 1, most) {
		s.Lists = append(s.Lists, Scenario{{Kind: "deliver", Groups: g, Count: hops}})
	}
	s.Text = fmt.Sprintf("deliveries(partitions(max = %d), hops = %d)", most, hops)
	return s
}

// timeouts and happen are what may happen to any server.
func (p *pen) timeouts() Space { return p.happens("timeout", "timeouts") }

// Mostly a timeout, which nodes react to.
func (p *pen) happen() Space {
	switch p.IntN(5) {
	case 0:
		return p.happens("crash", "crashes")
	case 1:
		return p.happens("amnesia", "amnesias")
	}
	return p.timeouts()
}

func (p *pen) happens(kind, plural string) (s Space) {
	servers, _ := p.c.Instances()
	for _, name := range servers {
		s.Lists = append(s.Lists, Scenario{{Kind: kind, Names: []string{name}}})
	}
	s.Text = plural + "(" + list(servers) + ")"
	return s
}
