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

// alphabets are those of objects. Those with keys ask for the same by key.
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
	c.N, c.F = pick(p.pen, 1, 2, 2, 3), 0
	if p.most = min(p.most, 120); c.N > 1 && p.chance(25) {
		c.Twins = append(c.Twins, Twin{ID: "A", Copies: 2})
	}
	words := []string{"cas", "counter", "queue", "stack", "set", "log", "lock", "leap", "stale", "owned"}
	word := pick(p.pen, words...)
	is := alphabets[word]
	object := word
	operations := is.operations
	if (word == "lock" || word == "counter" || word == "stale") && p.chance(40) {
		object, operations = "keyed "+word, nil
		for _, op := range is.operations {
			if op.Arg == "None" {
				operations = append(operations, Operation{op.Name, `"x"`}, Operation{op.Name, `"y"`})
			}
		}
		is.serves = strings.NewReplacer("arg == None", "True", "self.x == (", "self.x == (", "else arg", "else 1").Replace(is.serves)
	}
	for k := range pick(p.pen, 1, 2, 2) {
		client := Client{Name: fmt.Sprint("c", k+1)}
		for range 1 + p.IntN(2) {
			client.Program = append(client.Program, pick(p.pen, operations...))
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
	invokes := func() Space { return p.invokesOf(operations) }
	p.long(p.exchanges, p.exchanges, p.exchanges, p.exchanges, p.links, p.deliver, hopes{pen: p.pen}.happensToSome, invokes)
	p.c.Space = p.views(p.c.Space)
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
		"leap": "a model", "owned": "a model", "stale": "stale", "keyed counter": "a counter for each key", "keyed lock": "a lock for each key", "keyed stale": "stale for each key",
	}[named]
	linearizable := Property{Kind: "object", Text: "linearizable(" + model + ")", Name: "linearizable to " + name, Value: object}
	sequential := Property{Kind: "sequential object", Text: "sequentially_consistent(" + model + ")", Name: "sequentially consistent to " + name, Value: object}
	p.c.Properties = []Property{pick(p.pen, linearizable, linearizable, sequential)}
	p.c.Extras = []Property{linearizable, sequential}
}

// invokesOf draws which client may begin which of some operations.
func (p serving) invokesOf(operations []Operation) (s Space) {
	_, clients := p.c.Instances()
	who := p.some(clients, 1)
	ops := []Operation{pick(p.pen, operations...)}
	if other := pick(p.pen, operations...); other != ops[0] {
		ops = append(ops, other)
	}
	var texts []string
	for _, op := range ops {
		texts = append(texts, op.text())
	}
	for _, client := range who {
		for _, op := range ops {
			s.Lists = append(s.Lists, Scenario{{Kind: "invoke", Who: client, Op: op}})
		}
	}
	s.Text = fmt.Sprintf("invokes([%s], %s)", strings.Join(texts, ", "), list(who))
	return s
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
