package adversary

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// Values that are easily taken for each other, and others.
var values = []string{`1`, `"1"`, `1.0`, `None`, `"None"`, `True`, `"True"`, `"<nil>"`, `(1,)`, `"(1,)"`, `[1]`, `2`}

// plainValues are what operations can carry.
var plainValues = []string{`1`, `"1"`, `1.0`, `True`, `"None"`, `2`}

var types = []string{"m0", "m1", "m2"}

// A pen draws.
type pen struct {
	*rand.Rand
	c     *Case
	lives int      // hops that an answer to an answer goes on for
	names bool     // whether handlers may name identities
	few   []string // values that handlers use most
	alike bool     // whether steps are drawn for all identities alike, so that renamings apply
	most  int      // scenarios
}

func (p *pen) chance(percent int) bool { return p.IntN(100) < percent }

func pick[T any](p *pen, from ...T) T { return from[p.IntN(len(from))] }

// Draw draws a case of at most that many scenarios. It depends on the seed only.
func Draw(seed uint64, most int) *Case {
	c := &Case{}
	p := &pen{Rand: rand.New(rand.NewPCG(seed, 17)), c: c, most: most}
	c.Symmetric = p.chance(65)
	c.Honest = p.chance(85)
	p.names = !c.Symmetric || !c.Honest
	p.few = []string{pick(p, values...), pick(p, values...)}
	if p.chance(60) {
		p.few = pick(p, []string{`1`, `"1"`}, []string{`1`, `1.0`}, []string{`None`, `"None"`}, []string{`None`, `"<nil>"`},
			[]string{`True`, `"True"`}, []string{`(1,)`, `"(1,)"`}, []string{`(1,)`, `[1]`}, []string{`1`, `True`})
	}
	p.alike = c.Symmetric && p.chance(75)
	p.system()
	c.Replica = p.role(false)
	if len(c.Clients) > 0 {
		r := p.role(true)
		c.Client = &r
	}
	p.start()
	p.space()
	p.properties()
	p.extras()
	return c
}

func (p *pen) system() {
	c := p.c
	c.N = pick(p, 1, 2, 2, 3, 3, 3, 3, 3, 3, 4, 4, 5)
	c.F = min(pick(p, 0, 1, 1, 1, 2), c.N-1)
	c.Held = p.chance(20)
	p.lives = pick(p, 1, 2)
	if !p.alike && p.chance(50) {
		for k := range pick(p, 1, 2, 2) {
			client := Client{Name: fmt.Sprint("c", k+1)}
			for range pick(p, 1, 1, 2) {
				if p.chance(50) {
					client.Program = append(client.Program, Operation{"read", "None"})
				} else {
					client.Program = append(client.Program, Operation{"write", pick(p, plainValues...)})
				}
			}
			c.Clients = append(c.Clients, client)
		}
	}
	if p.chance(55) && (!p.alike || p.chance(40)) {
		c.Twins = append(c.Twins, Twin{string(rune('A' + p.IntN(c.N))), pick(p, 2, 2, 2, 2, 3)})
	}
	if len(c.Clients) > 0 && p.chance(30) {
		c.Twins = append(c.Twins, Twin{"c1", 2})
	}
	if c.N == 5 {
		c.Twins, p.lives = nil, 1
	}
}

func (p *pen) constant() string {
	if p.chance(80) {
		return pick(p, p.few...)
	}
	return pick(p, values...)
}

// value draws an expression: what it is made of depends on the event.
func (p *pen) value(event string) string {
	all := []string{p.constant(), p.constant(), p.constant(), "self.x", "self.x", "self.k"}
	switch event {
	case "round":
		all = append(all, "round.number", "round.input", "round.input")
	case "timeout", "exchange":
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

// condition draws a condition, or none.
func (p *pen) condition(event string) string {
	if p.chance(45) {
		return ""
	}
	all := []string{"", "", "self.x == " + p.constant(), "self.x == None", "self.k == 2", "self.k > 0",
		"not self.done", "self.done", fmt.Sprintf("len(self.got) >= %d", pick(p, 1, 2, 2, 3)), "self.cert != None", "type(self.x) == \"int\""}
	switch event {
	case "round":
		lead := "round.leader == self.id"
		all = append(all, lead, lead, lead, fmt.Sprintf("round.number == %d", pick(p, 1, 2, 3)),
			fmt.Sprintf("round.number == %d and %s", pick(p, 1, 2, 3), lead), "round.leader == self.peer", "self.cert != None and "+lead)
	case "timeout", "exchange", "invoke":
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

func and(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + " and (" + b + ")"
}

// statement draws what a handler does.
func (p *pen) statement(event string, client bool) Statement {
	message := slices.Contains(types, event)
	s := Statement{If: p.condition(event)}
	changes := []string{"self.x = " + p.value(event), "self.x = " + p.value(event), "self.k = (self.k + 1) % 3", "self.done = True",
		"self.done = not self.done", "self.cert = self.sign(" + p.value(event) + ")", "self.got = set()"}
	if message {
		changes = append(changes, "self.got.add(m.sender)", "self.got.add(m.sender)", "self.log_ = (self.log_ + [m.sender])[-2:]",
			"self.peer = m.sender", "self.cert = m.c",
			"self.cert = combine([self.cert, m.c], count = 2) if verify(self.cert, by = self.id) and verify(m.c, by = m.sender) and self.cert.value == m.c.value else self.cert")
	}
	if event == "round" {
		changes = append(changes, "self.peer = round.leader")
	}
	switch roll := p.IntN(100); {
	case roll < 35:
		s.Do = pick(p, changes...)
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
	case client && message:
		s.If = and("self.open", s.If)
		s.Do = "self.returns(" + p.value(event) + " if self.reads else None)\nself.open, self.at = False, self.at + 1"
	case client:
		s.Do = pick(p, changes...)
	case roll < 97 || len(p.c.Clients) == 0:
		s.Do = fmt.Sprintf("self.decide(%d, %s)", pick(p, 0, 0, 0, 1), p.value(event))
		if p.chance(20) {
			s.Do = "self.decide(0, self.cert)"
		}
	case p.chance(50):
		s.If, s.Do = and("not self.open", s.If), "self.invoked(operation(\"write\", "+pick(p, plainValues...)+"))\nself.open = True"
	default:
		s.If, s.Do = and("self.open", s.If), "self.returns(None)\nself.open = False"
	}
	return s
}

func (p *pen) role(client bool) Role {
	var r Role
	for _, name := range []string{"x", "k", "got", "log_", "peer", "done", "cert", "at", "open", "reads"} {
		if p.chance(25) {
			r.Persistent = append(r.Persistent, name)
		}
	}
	events := append([]string{"round", "timeout"}, types...)
	if client {
		events = append([]string{"exchange", "invoke", "timeout"}, types...)
	}
	for _, event := range events {
		h := Handler{Event: event}
		if event == "timeout" && p.chance(30) {
			continue // nobody is interested
		}
		if p.chance(2) {
			h.Body = append(h.Body, Statement{p.condition(event), pick(p, `fail("no")`, "self.x = 1 // 0")})
		}
		if event != "round" && !slices.Contains(types, event) && p.chance(25) {
			h.Body = append(h.Body, Statement{p.condition(event), "self.refuse(\"is busy\")\nreturn"})
		}
		switch event {
		case "exchange":
			h.Body = append(h.Body,
				Statement{"self.at >= len(self.program)", "self.refuse(\"is done\")\nreturn"},
				Statement{"not self.open", "self.invoked(self.program[self.at])\nself.open, self.reads = True, self.program[self.at].name == \"read\""},
				Statement{"", "self.broadcast(\"m0\", v = self.program[self.at].arg, h = 0, c = self.cert)"})
		case "invoke":
			h.Body = append(h.Body,
				Statement{"self.open", "self.refuse(\"is busy\")\nreturn"},
				Statement{"", "self.invoked(op)"},
				Statement{"", "self.open, self.reads = True, op.name == \"read\""},
				Statement{"", "self.broadcast(\"m0\", v = op.arg, h = 0, c = self.cert)"})
		case "m0":
			if !client && len(p.c.Clients) > 0 {
				h.Body = append(h.Body, Statement{"m.v != None", "self.x = m.v"},
					Statement{fmt.Sprintf("m.h < %d", p.lives), `self.send(m.sender, "m1", v = self.x, h = m.h + 1, c = self.cert)`})
			}
		}
		for range 1 + p.IntN(3) {
			h.Body = append(h.Body, p.statement(event, client))
		}
		if !client && slices.Contains(types, event) && p.chance(25) {
			h.Body = append(h.Body, Statement{pick(p, "", "not self.done", p.condition(event)), fmt.Sprintf("self.decide(0, %s)", pick(p, "m.v", "m.v", p.value(event)))})
		}
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

// some draws a part of the names, in order, of at least that many.
func (p *pen) some(names []string, least int) (some []string) {
	for {
		some = nil
		for _, name := range names {
			if p.chance(50) {
				some = append(some, name)
			}
		}
		if len(some) >= least {
			return some
		}
	}
}

// groups draws a partition of the servers.
func (p *pen) groups() [][]string {
	servers, _ := p.c.Instances()
	groups := make([][]string, 1+p.IntN(min(3, len(servers))))
	for _, name := range servers {
		at := p.IntN(len(groups))
		groups[at] = append(groups[at], name)
	}
	return sorted(groups, servers)
}

// sorted puts the groups in the order of their first members.
func sorted(groups [][]string, servers []string) [][]string {
	groups = slices.DeleteFunc(groups, func(g []string) bool { return len(g) == 0 })
	slices.SortFunc(groups, func(a, b []string) int { return slices.Index(servers, a[0]) - slices.Index(servers, b[0]) })
	return groups
}

func (p *pen) leader() string { return string(rune('A' + p.IntN(p.c.N))) }

// step draws a step of any kind.
func (p *pen) step() Step {
	servers, clients := p.c.Instances()
	all := append(slices.Clone(servers), clients...)
	kinds := []string{"round", "round", "round", "deliver", "timeout", "crash", "restart", "amnesia", "partition", "heal", "cut", "drop", "deaf", "order"}
	if p.chance(40) {
		kinds = append(kinds, "hold", "hold", "release")
	}
	if len(clients) > 0 {
		kinds = append(kinds, "exchange", "exchange", "exchange", "invoke", "invoke")
	}
	s := Step{Kind: pick(p, kinds...)}
	switch s.Kind {
	case "round", "deliver":
		if s.Kind == "round" {
			s.Who = p.leader()
		}
		if p.chance(60) {
			s.Groups = p.groups()
		}
		if p.chance(30) {
			s.Names, s.Types = []string{pick(p, servers...)}, []string{pick(p, types...)}
		}
		s.Count = pick(p, 0, 0, 1, 2)
	case "timeout", "crash", "restart", "amnesia":
		s.Names = []string{pick(p, all...)}
	case "partition":
		s.Groups = p.groups()
	case "cut", "hold", "release":
		s.Src, s.Dst = pick(p, all...), pick(p, all...)
		if s.Src == s.Dst {
			return Step{Kind: "heal"}
		}
		if s.Kind == "release" {
			s.Count = p.IntN(2)
		}
	case "drop":
		s.Types = []string{pick(p, types...)}
		if p.chance(50) {
			s.Src = pick(p, all...)
		}
		if p.chance(50) {
			s.Dst = pick(p, all...)
		}
	case "deaf":
		s.Who, s.Types = pick(p, all...), []string{pick(p, types...)}
	case "order":
		s.Who, s.Names = pick(p, all...), p.some(all, 1)
	case "exchange":
		s.Who, s.Names = pick(p, clients...), p.some(servers, 1)
	case "invoke":
		s.Who, s.Op = pick(p, clients...), Operation{"write", pick(p, plainValues...)}
		if p.chance(50) {
			s.Op = Operation{"read", "None"}
		}
	}
	return s
}

// start draws the way to the start: steps that can happen.
func (p *pen) start() {
	if p.alike || p.chance(45) {
		return
	}
	p.c.Start = p.possible(1 + p.IntN(4))
}

// possible draws steps that can happen one after the other from the beginning.
func (p *pen) possible(n int) (steps []Step) {
	s, err := NewSystem(p.c)
	if err != nil {
		panic(err)
	}
	w := s.Begin()
	for range n {
		step := p.step()
		if next := s.Do(w, step); next != nil {
			w, steps = next, append(steps, step)
		}
	}
	return steps
}

func (p *pen) space() {
	var of Space
	if p.alike {
		// Rounds after rounds, so that much can be forgotten and merged.
		of = p.rounds()
		for of.size() > p.most {
			of = p.rounds()
		}
		n := 1
		for n < 5 && (Space{Op: "*", Of: []Space{of}, Times: n + 1}).size() <= p.most && (n+1)*of.longest() <= 6 {
			n++
		}
		of = Space{Op: "*", Of: []Space{of}, Times: max(1, n-p.IntN(2))}
	}
	for range 2 + p.IntN(4) {
		next := p.part()
		if of.Text == "" && of.Op == "" {
			of = next
			continue
		}
		if longer := (Space{Op: "+", Of: []Space{of, next}}); longer.size() <= p.most && longer.longest() <= 6 {
			of = longer
		}
	}
	p.c.Space = of
}

// size bounds the number of scenarios.
func (s Space) size() int {
	switch s.Op {
	case "|":
		return s.Of[0].size() + s.Of[1].size()
	case "+":
		return s.Of[0].size() * s.Of[1].size()
	case "*", "distinct":
		n := 1
		for range s.Times {
			n *= s.Of[0].size()
		}
		return n
	case "constant":
		return s.Of[0].size()
	}
	return len(s.Lists)
}

func (s Space) longest() int {
	switch s.Op {
	case "|":
		return max(s.Of[0].longest(), s.Of[1].longest())
	case "+":
		return s.Of[0].longest() + s.Of[1].longest()
	case "*", "distinct", "constant":
		return s.Times * s.Of[0].longest()
	}
	n := 0
	for _, sc := range s.Lists {
		n = max(n, len(sc))
	}
	return n
}

// part draws a space that may be one part of the whole.
func (p *pen) part() Space {
	for {
		leaf := p.choice()
		s := leaf
		switch p.IntN(10) {
		case 0, 1, 2:
			s = Space{Op: "*", Of: []Space{leaf}, Times: pick(p, 1, 2, 2, 2, 3)}
		case 3, 4:
			s = Space{Op: "|", Of: []Space{leaf, p.choice()}}
		case 5:
			if n := len(unique(leaf.Lists)); n > 1 {
				s = Space{Op: "distinct", Of: []Space{leaf}, Times: min(n, 2)}
			}
		case 6:
			s = Space{Op: "constant", Of: []Space{leaf}, Times: 2}
		}
		if s.size() <= p.most && s.longest() <= 5 {
			return s
		}
	}
}

// partitions draws a choice of partitions, and its text.
func (p *pen) partitions() (string, [][][]string) {
	servers, _ := p.c.Instances()
	if !p.alike && (p.chance(45) || len(servers) > 4) {
		var all [][][]string
		var texts, known []string
		for range 1 + p.IntN(3) {
			g := p.groups()
			if text := (Step{Kind: "partition", Groups: g}).String(); !slices.Contains(known, text) {
				all, known = append(all, g), append(known, text)
				texts = append(texts, "steps(begin."+text+".steps)")
			}
		}
		return strings.Join(texts, " | "), all
	}
	n := 1 + p.IntN(min(3, len(servers)))
	if len(servers) > 4 || p.alike && p.chance(60) {
		n = 1
	}
	if p.chance(50) {
		return fmt.Sprintf("partitions(max = %d)", n), partitions(servers, 1, n)
	}
	return fmt.Sprintf("partitions(exactly = %d)", n), partitions(servers, n, n)
}

// partitions lists the partitions into least to most groups.
func partitions(names []string, least, most int) (all [][][]string) {
	var place func(at int, groups [][]string)
	place = func(at int, groups [][]string) {
		if at == len(names) {
			if len(groups) >= least && len(groups) <= most {
				all = append(all, groups)
			}
			return
		}
		for i := range groups {
			longer := slices.Clone(groups)
			longer[i] = append(slices.Clip(groups[i]), names[at])
			place(at+1, longer)
		}
		place(at+1, append(slices.Clip(groups), []string{names[at]}))
	}
	place(0, nil)
	return all
}

// choice draws a choice of steps.
func (p *pen) choice() Space {
	servers, clients := p.c.Instances()
	all := append(slices.Clone(servers), clients...)
	kinds := []string{"rounds", "rounds", "rounds", "rounds", "rounds", "happenings", "happenings", "deliveries", "steps", "partitions"}
	if len(clients) > 0 {
		kinds = append(kinds, "exchanges", "exchanges", "exchanges", "exchanges", "exchanges", "exchanges")
	}
	if p.alike {
		kinds = []string{"rounds", "rounds", "rounds", "rounds", "rounds", "rounds", "deliveries", "happenings"}
	}
	var s Space
	switch pick(p, kinds...) {
	case "rounds":
		return p.rounds()
	case "deliveries":
		text, parts := p.partitions()
		hops := pick(p, 0, 0, 1)
		for _, g := range parts {
			s.Lists = append(s.Lists, Scenario{{Kind: "deliver", Groups: g, Count: hops}})
		}
		s.Text = fmt.Sprintf("deliveries(%s, hops = %d)", text, hops)
	case "partitions":
		text, parts := p.partitions()
		for _, g := range parts {
			s.Lists = append(s.Lists, Scenario{{Kind: "partition", Groups: g}})
		}
		s.Text = "(" + text + ")"
	case "steps":
		var texts []string
		for range 1 + p.IntN(2) {
			steps := p.possible(1 + p.IntN(3))
			if len(steps) == 0 {
				steps = []Step{{Kind: "heal"}}
			}
			text := "begin"
			for _, step := range steps {
				text += "." + step.act()
			}
			texts = append(texts, "steps("+text+".steps)")
			if s.Lists == nil || texts[0] != texts[len(texts)-1] {
				s.Lists = append(s.Lists, Scenario(steps))
			} else {
				texts = texts[:1]
			}
		}
		s.Text = "(" + strings.Join(texts, " | ") + ")"
	case "happenings":
		kind := pick(p, "crash", "restart", "amnesia", "timeout")
		ids := p.some(all, 1)
		if p.alike {
			ids = servers
		}
		for _, id := range ids {
			s.Lists = append(s.Lists, Scenario{{Kind: kind, Names: []string{id}}})
		}
		plural := map[string]string{"crash": "crashes", "restart": "restarts", "amnesia": "amnesias", "timeout": "timeouts"}[kind]
		s.Text = plural + "(" + list(ids) + ")"
	case "exchanges":
		who := p.some(clients, 1)
		var reaches [][]string
		for range 1 + p.IntN(3) {
			reaches = append(reaches, p.some(servers, 1))
		}
		for _, client := range who {
			for _, reach := range reaches {
				s.Lists = append(s.Lists, Scenario{{Kind: "exchange", Who: client, Names: reach}})
			}
		}
		s.Text = fmt.Sprintf("exchanges(%s, %s)", list(who), lists(reaches))
	}
	return s
}

func (p *pen) rounds() (s Space) {
	servers, _ := p.c.Instances()
	var ids []string
	for i := range p.c.N {
		ids = append(ids, string(rune('A'+i)))
	}
	leaders := p.some(ids, 1)
	who := list(leaders)
	if p.alike || p.chance(45) {
		leaders, who = ids, `"any"`
	}
	text, parts := p.partitions()
	args := []string{who, text}
	deaf, kinds := [][]string{nil}, []string(nil)
	phases, hops := 1, 0
	switch p.IntN(8) {
	case 0, 1:
		deaf, kinds = [][]string{nil}, p.some(types, 1)
		texts := []string{"[]"}
		for _, id := range servers {
			if p.alike || id == pick(p, servers...) {
				deaf, texts = append(deaf, []string{id}), append(texts, list([]string{id}))
			}
		}
		args = append(args, "deaf = ["+strings.Join(texts, ", ")+"]", "types = "+list(kinds))
	case 2:
		phases = 2
		args = append(args, "phases = 2")
	case 3, 4:
		hops = 1 + p.IntN(2)
		args = append(args, fmt.Sprintf("hops = %d", hops))
	}
	for _, leader := range leaders {
		for _, g := range parts {
			for _, d := range deaf {
				step := Step{Kind: "round", Who: leader, Groups: g, Names: d, Count: hops}
				if d != nil {
					step.Types = kinds
				}
				if phases == 1 {
					s.Lists = append(s.Lists, Scenario{step})
					continue
				}
				step.Count = 1
				for _, then := range parts {
					s.Lists = append(s.Lists, Scenario{step, {Kind: "deliver", Groups: then}})
				}
			}
		}
	}
	s.Text = "rounds(" + strings.Join(args, ", ") + ")"
	return s
}

func (p *pen) properties() {
	all := []func() Property{
		func() Property { return Property{Kind: "agreement", Text: "agreement()", Name: "agreement"} },
		func() Property { return Property{Kind: "agreement", Text: "agreement()", Name: "agreement"} },
		func() Property {
			v := p.constant()
			if p.chance(30) {
				return Property{Kind: "validity", Text: "validity([" + v + "])", Name: "validity", Value: v, Only: true}
			}
			return Property{Kind: "validity", Text: "validity(lambda v: v != " + v + ")", Name: "validity", Value: v}
		},
		p.invariant,
	}
	if len(p.c.Clients) > 0 {
		linearizable := func() Property { return Property{Kind: "linearizable", Text: "linearizable()", Name: "linearizable"} }
		all = append(all, linearizable, linearizable, linearizable)
	}
	if p.alike {
		all = all[:3]
	}
	for range pick(p, 1, 1, 2) {
		q := pick(p, all...)()
		if !slices.ContainsFunc(p.c.Properties, func(other Property) bool { return other.Name == q.Name }) {
			p.c.Properties = append(p.c.Properties, q)
		}
	}
}

// extras are properties of values, so that it counts which ones were decided.
func (p *pen) extras() {
	for range 2 {
		v := pick(p, append(slices.Clone(p.few), `"1a"`, `"2a"`, `""`, `2`)...)
		p.c.Extras = append(p.c.Extras, Property{Kind: "validity", Text: "validity(lambda v: v != " + v + ")", Name: "validity", Value: v})
	}
	if len(p.c.Clients) > 0 {
		p.c.Extras = append(p.c.Extras, Property{Kind: "linearizable", Text: "linearizable()", Name: "linearizable"})
	}
}

func (p *pen) invariant() Property {
	servers, clients := p.c.Instances()
	of := p.some(append(servers, clients...), 1)
	claim := Claim{pick(p, "crashed", "rounds", "faulty", "k", "done"), p.IntN(3)}
	count := map[string]string{
		"crashed": "len(w.crashed)", "rounds": "w.round_number", "faulty": "len(w.faulty)",
		"k":    fmt.Sprintf("len([i for i in %s if w.state(i).k == 2])", list(of)),
		"done": fmt.Sprintf("len([i for i in %s if w.state(i).done])", list(of)),
	}[claim.Kind]
	return Property{Kind: "invariant", Name: "few " + claim.Kind, Claim: claim, Of: of,
		Text: fmt.Sprintf("invariant(%q, lambda w: %s <= %d)", "few "+claim.Kind, count, claim.Most)}
}
