package adversary

import (
	"fmt"
	"strings"
)

// Cases of operations on objects other than a register.

// A serving is the pen that draws them.
type serving struct{ *pen }

// An alphabet is what clients ask of an object, and what a replica does when it serves them, in
// lines; it leaves in r what it answers. State is in x, which is None at first, k and log_.
type alphabet struct {
	operations []Operation
	serves     string
}

// alphabets are those of objects; free is a lock that is none. Those with keys ask for the same by key.
var alphabets = map[string]alphabet{
	"cas": {[]Operation{{"read", "None"}, {"write", "1"}, {"write", "2"}, {"cas", "old = 1, new = 2"}, {"cas", "old = None, new = 1"}}, `
if name == "write":
    self.x = arg
elif name == "read":
    r = self.x
else:
    r = self.x == arg[0]
    self.x = arg[1] if r else self.x`},
	"counter": {[]Operation{{"read", "None"}, {"inc", "None"}, {"inc", "2"}, {"dec", "None"}}, `
if name == "inc":
    self.k += 1 if arg == None else arg
elif name == "dec":
    self.k -= 1
r = self.k`},
	"leap":  {[]Operation{{"read", "None"}, {"inc", "None"}}, "self.k += 1 if name == \"inc\" else 0\nr = self.k"},
	"stale": {[]Operation{{"read", "None"}, {"inc", "None"}}, "r = self.k\nself.k += 1 if name == \"inc\" else 0"},
	"torn":  {[]Operation{{"read", "None"}, {"inc", "None"}}, "self.k += 1 if name == \"inc\" else 0\nr = self.k"},
	"adds":  {[]Operation{{"inc", "1"}, {"inc", "2"}, {"read", "None"}}, "self.k += arg if name == \"inc\" else 0\nr = self.k"},
	"owned": {[]Operation{{"read", "None"}, {"inc", "None"}}, "r = self.k\nself.k = self.k + 1 if name == \"inc\" else 0"},
	"queue": {[]Operation{{"enqueue", "1"}, {"enqueue", "2"}, {"dequeue", "None"}, {"dequeue", "None"}}, `
if name == "enqueue":
    self.log_ = self.log_ + [arg]
elif self.log_:
    r = self.log_[0]
    self.log_ = self.log_[1:]`},
	"stack": {[]Operation{{"push", "1"}, {"push", "2"}, {"pop", "None"}, {"pop", "None"}}, `
if name == "push":
    self.log_ = self.log_ + [arg]
elif self.log_:
    r = self.log_[-1]
    self.log_ = self.log_[:-1]`},
	"set": {[]Operation{{"add", "1"}, {"remove", "1"}, {"contains", "1"}, {"add", "2"}, {"contains", "2"}}, `
r = arg in self.log_
if name == "add":
    self.log_ = self.log_ if r else self.log_ + [arg]
    r = not r
elif name == "remove":
    self.log_ = [v for v in self.log_ if v != arg]`},
	"log": {[]Operation{{"append", "1"}, {"append", "2"}, {"read", "None"}}, `
r = len(self.log_) if name == "append" else self.log_
self.log_ = self.log_ + [arg] if name == "append" else self.log_`},
	"free": {[]Operation{{"acquire", "None"}, {"release", "None"}}, `
r = self.x == None if name == "acquire" else self.x != None
self.x = m.sender if name == "acquire" else None`},
	"lock": {[]Operation{{"acquire", "None"}, {"release", "None"}}, `
r = self.x == (None if name == "acquire" else m.sender)
if r:
    self.x = m.sender if name == "acquire" else None`},
}

// serve draws clients that ask replicas to carry out operations on an object, and replicas that
// do so, each for itself: what comes of it depends on whom a client reaches, and may be right.
// It is aimed at monitors that forget a way in which an object may be, or keep one too many.
func (p serving) serve() {
	c := p.c
	p.symmetric = false
	c.Symmetric = p.chance(30)
	c.N, c.F = pick(p.pen, 1, 1, 2, 2, 3), 0
	if p.most = min(p.most, 120); c.N > 1 && p.chance(25) {
		c.Twins = append(c.Twins, Twin{ID: "A", Copies: 2})
	}
	words := []string{"cas", "counter", "queue", "stack", "set", "log", "lock", "lock", "leap", "stale", "owned", "torn", "torn", "adds", "adds"}
	word := pick(p.pen, words...)
	is := alphabets[word]
	object := word
	operations := is.operations
	if word == "lock" && p.chance(30) { // any may release it
		is = alphabets["free"]
	}
	if (word == "lock" || word == "counter" || word == "stale") && p.chance(45) {
		object, operations = "keyed "+word, nil
		for _, op := range is.operations {
			if op.Arg == "None" {
				operations = append(operations, Operation{op.Name, `"x"`}, Operation{op.Name, `"y"`})
			}
		}
		is.serves = strings.NewReplacer("arg == None", "True", "self.x == (", "self.x == (", "else arg", "else 1").Replace(is.serves)
	}
	for k := range pick(p.pen, 1, 2, 2, 2) {
		client := Client{Name: fmt.Sprint("c", k+1)}
		inOrder, from := p.chance(70), pick(p.pen, 0, 0, p.IntN(len(operations))) // those that are listed one after another make sense so
		for i := range pick(p.pen, 1, 2, 3, 3, 4) {
			op := operations[(from+i)%len(operations)]
			if !inOrder {
				op = pick(p.pen, operations...)
			}
			client.Program = append(client.Program, op)
		}
		c.Clients = append(c.Clients, client)
	}
	if p.chance(20) {
		c.Twins = append(c.Twins, Twin{ID: "c1", Copies: 2})
	}
	serves := "name, arg, r = m.v[0], m.v[1], None\n" + strings.TrimSpace(is.serves)
	if p.chance(20) { // it says less, or something else
		serves += "\nr = " + pick(p.pen, "None", "True", "self.x", "self.k", "r if r != True else None")
	}
	c.Replica = Role{Handlers: []Handler{{Event: "round"}, {Event: "m1"}, {Event: "m2"},
		{Event: "m0", Body: []Statement{{"", serves + fmt.Sprintf("\nif %s:\n    self.send(m.sender, \"m1\", v = r, h = 1, c = None)", pick(p.pen, "True", "True", "True", "self.x == None", "self.k < 2"))}}}}}
	if p.chance(30) {
		c.Replica.Persistent = []string{"x", "k", "log_"}
	}
	ask := `self.broadcast("m0", v = (op.name, (op.arg.old, op.arg.new) if op.name == "cas" else op.arg), h = 0, c = None)`
	end := Statement{fmt.Sprintf("self.open and len(self.got) >= %d", pick(p.pen, 1, 1, c.N)), "self.returns(m.v)\nself.open, self.at = False, self.at + 1"}
	handlers := []Handler{
		{Event: "exchange", Body: []Statement{
			{"self.at >= len(self.program)", "self.refuse(\"is done\")\nreturn"},
			{"", "op = self.program[self.at]"},
			{"not self.open", "self.invoked(op)\nself.open, self.got = True, set()"},
			{"", ask},
		}},
		{Event: "invoke", Body: []Statement{{"self.open", "self.refuse(\"is busy\")\nreturn"}, {"", "self.invoked(op)\nself.open, self.got = True, set()"}, {"", ask}}},
		{Event: "m0"}, {Event: "m2"},
		{Event: "m1", Body: []Statement{{"", "self.got.add(m.sender)"}, end}},
	}
	if p.chance(20) {
		fails := Statement{and(end.If, "m.v == "+pick(p.pen, "None", "False", "1")), "self.fails(\"no\")\nself.open, self.at = False, self.at + 1"}
		handlers[4].Body = []Statement{handlers[4].Body[0], fails, end}
	}
	c.Client = &Role{Handlers: handlers}
	p.about(object)
	switch p.IntN(6) {
	case 0, 1:
		if p.cutShort(operations) {
			return
		}
	case 2, 3, 4:
		p.inTurn()
		return
	}
	invokes := func() Space { return p.invokesOf(operations) }
	p.long(p.exchanges, p.exchanges, p.exchanges, p.exchanges, p.links, p.deliver, hopes{pen: p.pen}.happensToSome, invokes)
	p.c.Space = p.views(p.c.Space)
}

// inTurn draws a space in which clients carry out what they have to in any order, one after another,
// so that much happens to the object.
func (p serving) inTurn() {
	servers, clients := p.c.Instances()
	of := Space{Text: fmt.Sprintf("exchanges(%s, [%s])", list(clients), list(servers))}
	for _, client := range clients {
		of.Lists = append(of.Lists, Scenario{{Kind: "exchange", Who: client, Names: servers}})
	}
	times := 1
	for times < 6 && (Space{Op: "*", Of: []Space{of}, Times: times + 1}).size() <= p.most {
		times++
	}
	p.c.Space = Space{Op: "*", Of: []Space{of}, Times: times}
	if p.chance(30) {
		if longer := (Space{Op: "+", Of: []Space{{Op: "maybe", Of: []Space{hopes{pen: p.pen}.happensToSome()}}, p.c.Space}}); longer.size() <= p.most {
			p.c.Space = longer
		}
	}
}

// cutShort draws a space in which c1 may crash with an operation under way, which arrives before or
// after what c2 asks for. It reports whether that is small enough.
func (p serving) cutShort(operations []Operation) bool {
	c := p.c
	if len(c.Clients) < 2 {
		c.Clients = append(c.Clients, Client{Name: "c2"})
	}
	second := &c.Clients[1]
	for len(second.Program) < 2 {
		second.Program = append(second.Program, pick(p.pen, operations[0], pick(p.pen, operations...)))
	}
	servers, _ := c.Instances()
	one := func(text string, step Step) Space { return Space{Text: text, Lists: []Scenario{{step}}} }
	op := pick(p.pen, operations[1:]...)
	begins := one(fmt.Sprintf("invokes([%s], [%q])", op.text(), "c1"), Step{Kind: "invoke", Who: "c1", Op: op})
	falls := pick(p.pen, one(`crashes(["c1"])`, Step{Kind: "crash", Names: []string{"c1"}}), one(`restarts(["c1"])`, Step{Kind: "restart", Names: []string{"c1"}}))
	falls = Space{Op: "maybe", Of: []Space{falls}}
	asks := one(fmt.Sprintf("exchanges([%q], [%s])", "c2", list(servers)), Step{Kind: "exchange", Who: "c2", Names: servers})
	arrives := Space{Op: "maybe", Of: []Space{p.deliver()}}
	c.Space = begins
	for _, part := range pick(p.pen, []Space{falls, arrives, asks, arrives, asks}, []Space{arrives, falls, asks, arrives, asks}, []Space{falls, asks, arrives, asks}) {
		c.Space = Space{Op: "+", Of: []Space{c.Space, part}}
	}
	return c.Space.size() <= p.most
}

// about draws properties of what operations on an object returned.
func (p serving) about(object string) {
	inner, keyed := keyedObject(object)
	if !keyed {
		inner = object
	}
	model, named := fmt.Sprintf("%q", inner), inner
	if text, is := scripted[inner]; is {
		model = text
	}
	if keyed {
		model, named = "keyed("+model+")", object
	}
	name := map[string]string{
		"cas": "a compare-and-set register", "counter": "a counter", "queue": "a queue", "stack": "a stack", "set": "a set", "log": "an append-only log", "lock": "a lock",
		"leap": "a model", "owned": "a model", "torn": "a model", "adds": "a model", "stale": "stale", "keyed counter": "a counter for each key", "keyed lock": "a lock for each key", "keyed stale": "stale for each key",
	}[named]
	linearizable := Property{Kind: "object", Text: "linearizable(" + model + ")", Name: "linearizable to " + name, Value: object}
	sequential := Property{Kind: "sequential object", Text: "sequentially_consistent(" + model + ")", Name: "sequentially consistent to " + name, Value: object}
	strict := Property{Kind: "strict object", Text: "strictly_linearizable(" + model + ")", Name: "strictly linearizable to " + name, Value: object}
	p.c.Properties = []Property{pick(p.pen, linearizable, linearizable, sequential, strict)}
	p.c.Extras = []Property{linearizable, sequential, strict}
}

// invokesOf draws which client may begin which of some operations.
func (p serving) invokesOf(operations []Operation) (s Space) {
	_, clients := p.c.Instances()
	who := p.some(clients, 1)
	ops := []Operation{pick(p.pen, operations...)}
	if other := pick(p.pen, operations...); other != ops[0] {
		ops = append(ops, other)
	}
	return invokesOf(ops, who)
}

// exchanges are exchanges of some clients with some servers.
func (p serving) exchanges() (s Space) {
	servers, clients := p.c.Instances()
	who := p.some(clients, 1)
	reaches := [][]string{p.some(servers, 1)}
	if other := p.some(servers, 1); p.chance(60) && list(other) != list(reaches[0]) {
		reaches = append(reaches, other)
	}
	for _, client := range who {
		for _, reach := range reaches {
			s.Lists = append(s.Lists, Scenario{{Kind: "exchange", Who: client, Names: reach}})
		}
	}
	s.Text = fmt.Sprintf("exchanges(%s, %s)", list(who), lists(reaches))
	return s
}
