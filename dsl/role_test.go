package dsl

import (
	"fmt"
	"strings"
	"testing"

	"github.com/twinsh/twinsh/dsl/internal/value"
	"github.com/twinsh/twinsh/runtime/node"
)

// observed runs a script and returns what the session's history says: failures
// in full, and the values that were decided.
func observed(t *testing.T, script string) []string {
	t.Helper()
	in := testInterpreter(t, nil)
	if err := in.Exec(t.Context(), "x.star", script+"\nhistory()\n"); err != nil {
		t.Fatal(err)
	}
	w := in.session.world
	var texts []string
	for _, o := range w.History().Events {
		text := o.Failure.Line()
		if o.Kind == node.Decided {
			text = value.FromGo(o.Value).String()
		}
		texts = append(texts, w.Cluster().Instances()[o.Instance].Name+": "+text)
	}
	return texts
}

// What goes wrong in a handler is a finding that names the protocol, the
// handler, the identity and the line.
func TestFindings(t *testing.T) {
	const stored = "values may be None, bool, int, float, string, bytes, list, tuple, dict, set, struct, operation, digest or a signed value"
	for _, test := range []struct{ name, script, want string }{
		{"stores a function", `
def on_round(self, round):
    self.votes = {"A": len}`,
			"protocol p: on_round: cannot set self.votes: it holds a builtin_function_or_method; " + stored + " (x.star:3:9)"},
		{"stores a function in a list", `
def on_round(self, round):
    self.votes = []
    self.votes.append(on_round)`,
			"protocol p: on_round: self.votes holds a function; " + stored + " (x.star:2:1)"},
		{"stores itself", `
def on_round(self, round):
    self.me = self`,
			"protocol p: on_round: cannot set self.me: it holds a self; " + stored + " (x.star:3:9)"},
		{"stores a list in itself", `
def on_round(self, round):
    self.votes = []
    self.votes.append(self.votes)`,
			"protocol p: on_round: self.votes nests deeper than 64 levels (x.star:2:1)"},
		{"stores more than fits", `
def on_round(self, round):
    x = ()
    for _ in range(19):
        x = (x, x)
    self.votes = x`,
			"protocol p: on_round: cannot set self.votes: it is larger than 1048576 bytes (x.star:6:9)"},
		{"makes more than can be walked", `
def on_round(self, round):
    x = ()
    for _ in range(60):
        x = (x, x)
    self.votes = x`,
			"protocol p: on_round: the tuple holds more than 2097152 values in tuples, each counted as often as it is held (x.star:5:14)"},
		{"stores more than fits in a dict", `
def on_round(self, round):
    x = ()
    for _ in range(30):
        x = {0: x, 1: x}
    self.votes = x`,
			"protocol p: on_round: cannot set self.votes: it is larger than 1048576 bytes (x.star:6:9)"},
		{"renames itself", `
def on_round(self, round):
    self.id = "B"`,
			"protocol p: on_round: cannot set self.id, which every node has; call the attribute something else (x.star:3:9)"},
		{"replaces a method", `
def on_round(self, round):
    self.sign = 1`,
			"protocol p: on_round: cannot set self.sign, which every node has; call the attribute something else (x.star:3:9)"},
		{"changes a message", `
def on_round(self, round):
    self.send("A", "hello", to = ["A"])
def on_hello(self, m):
    m.to.append("B")`,
			"protocol p: on_hello: append: cannot append to frozen list; nothing but the attributes of self can be changed, and what came with a message is copied first, as in list(m.values) (x.star:5:16)"},
		{"sets a field of a message", `
def on_round(self, round):
    self.send("A", "hello", to = ["A"])
def on_hello(self, m):
    m.to = "B"`,
			"protocol p: on_hello: cannot set .to: a message cannot be changed after it was sent (x.star:5:6)"},
		{"names a field like one that is there", `
def on_round(self, round):
    self.send("A", "hello", sender = "B")`,
			"protocol p: on_round: self.send: message hello: every message has a sender already; use another field name (x.star:3:14)"},
		{"names a message like an event", `
def on_round(self, round):
    self.broadcast("timeout")`,
			"protocol p: on_round: self.broadcast: message timeout: on_timeout is the handler of an event; call the message something else (x.star:3:19)"},
		{"sends a function", `
def on_round(self, round):
    self.broadcast("hello", fn = len)`,
			"protocol p: on_round: self.broadcast: message hello: field fn holds a builtin_function_or_method; " + stored + " (x.star:3:19)"},
		{"sends to no one", `
def on_round(self, round):
    self.send("AA", "hello")`,
			`protocol p: on_round: self.send: there is no "AA" (did you mean A?); the replicas are A, B, C, D, and self.next_leader (x.star:3:14)`},
		{"has no handler for an event", `
def on_hello(self, m):
    pass`,
			"protocol p has no handler on_round; its role has on_hello (x.star:4:27)"},
		{"has no handler for a message", `
def on_round(self, round):
    self.send("A", "hello")`,
			"protocol p has no handler on_hello, and hello is sent at x.star:3:5; its role has on_round (x.star:4:27)"},
		{"never ends", `
def on_round(self, round):
    for i in range(1 << 40):
        pass`,
			"protocol p: on_round: it did not end within 10000000 steps (x.star:3:5)"},
		{"never falls silent", `
def on_round(self, round):
    self.send("A", "hello", count = 0)
def on_hello(self, m):
    self.send("A", "hello", count = m.count + 1)`,
			"still sends hello after 1000 hops; a node must fall silent when nothing new reaches it"},
		{"fails", `
def on_round(self, round):
    fail("no", round.leader)`,
			"protocol p: on_round: no A (x.star:3:9)"},
		{"fails in a helper", `
def half(x):
    return x // 0
def on_round(self, round):
    half(round.number)`,
			"protocol p: on_round: floored division by zero (x.star:3:14)"},
		{"calls what needs a session", `
def on_round(self, round):
    explore(rounds())`,
			"protocol p: on_round: rounds: the code of a node cannot call it; it deals with self and what happened, no more (x.star:3:19)"},
		{"acts on a world", `
other = cluster(protocol("q", role()))
def on_round(self, round):
    other.crash("A")`,
			"protocol p: on_round: crash: the code of a node cannot call it; it deals with self and what happened, no more (x.star:4:16)"},
		{"decides a function", `
def on_round(self, round):
    self.decide(1, len)`,
			"protocol p: on_round: self.decide: value holds a builtin_function_or_method; " + stored + " (x.star:3:16)"},
		{"remembers in a list of the script", `
seen = []
def on_round(self, round):
    seen.append(round.number)`,
			"protocol p: on_round: append: cannot append to frozen list; nothing but the attributes of self can be changed, and what came with a message is copied first, as in list(m.values) (x.star:4:16)"},
		{"remembers through a helper", `
seen = {"rounds": set()}
def note(x):
    seen["rounds"].add(x)
notes = struct(round = note)
def on_round(self, round):
    notes.round(round.number)`,
			"protocol p: on_round: add: cannot insert into frozen hash table; nothing but the attributes of self can be changed, and what came with a message is copied first, as in list(m.values) (x.star:4:23)"},
		{"remembers in a default", `
def on_round(self, round, seen = []):
    seen.append(round.number)`,
			"protocol p: on_round: append: cannot append to frozen list; nothing but the attributes of self can be changed, and what came with a message is copied first, as in list(m.values) (x.star:3:16)"},
		{"remembers in a lambda's default", `
note = lambda x, seen = []: seen.append(x)
on_round = lambda self, round: note(round.number)`,
			"protocol p: on_round: append: cannot append to frozen list; nothing but the attributes of self can be changed, and what came with a message is copied first, as in list(m.values) (x.star:2:40)"},
		{"remembers in a closure", `
def make():
    seen = []
    def note(x):
        seen.append(x)
    def on_round(self, round):
        note(round.number)
    return on_round
on_round = make()`,
			"protocol p: on_round: append: cannot append to frozen list; nothing but the attributes of self can be changed, and what came with a message is copied first, as in list(m.values) (x.star:5:20)"},
		{"remembers through a function in a default", `
seen = []
def make(how):
    def on_round(self, round, how = how):
        how(round.number)
    return on_round
on_round = make(lambda x: seen.append(x))`,
			"protocol p: on_round: append: cannot append to frozen list; nothing but the attributes of self can be changed, and what came with a message is copied first, as in list(m.values) (x.star:7:38)"},
		{"remembers through a function in a closure", `
seen = []
def make(how):
    def on_round(self, round):
        how(round.number)
    return on_round
on_round = make(lambda x: seen.append(x))`,
			"protocol p: on_round: append: cannot append to frozen list; nothing but the attributes of self can be changed, and what came with a message is copied first, as in list(m.values) (x.star:7:38)"},
		{"remembers through a function in a list", `
seen = []
todo = [[], lambda x: seen.append(x)]
todo[0].append(todo)
def on_round(self, round):
    todo[1](round.number)`,
			"protocol p: on_round: append: cannot append to frozen list; nothing but the attributes of self can be changed, and what came with a message is copied first, as in list(m.values) (x.star:3:34)"},
		{"remembers through a method", `
seen = []
note = seen.append
def on_round(self, round):
    note(round.number)`,
			"protocol p: on_round: append: cannot append to frozen list; nothing but the attributes of self can be changed, and what came with a message is copied first, as in list(m.values) (x.star:5:9)"},
		{"remembers through its state", `
template = []
def on_round(self, round):
    self.seen = template
    self.seen.append(round.number)`,
			"protocol p: on_round: append: cannot append to frozen list; nothing but the attributes of self can be changed, and what came with a message is copied first, as in list(m.values) (x.star:5:21)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var handlers []string
			for _, name := range []string{"on_round", "on_hello"} {
				if strings.Contains(test.script, name) {
					handlers = append(handlers, name+" = "+name)
				}
			}
			got := observed(t, fmt.Sprintf("%s\ncluster(protocol(\"p\", role(%s)))\nround(\"A\")\n", test.script, strings.Join(handlers, ", ")))
			if len(got) == 0 || got[0] != "A: "+test.want {
				t.Errorf("got  %s\nwant A: %s", strings.Join(got, "\n"), test.want)
			}
		})
	}
}

// What the cases above do wrong can be done right.
func TestNoFindings(t *testing.T) {
	got := observed(t, `
limits = {"hops": [1, 2, 3]}
results = []

def limit(n):
    return n in limits["hops"]

def init(self):
    self.seen = []
    self.template = limits["hops"] + [4]
    self.signed = self.sign(["x"])

def on_round(self, round):
    self.seen.append(round.number)
    self.template.append(round.number)
    if round.leader == self.id:
        self.broadcast("hello", count = 0, to = self.seen)

def on_hello(self, m):
    self.seen = m.to + [m.count]
    self.seen.append(self.signed)
    if limit(m.count + 1):
        self.send(self.id, "hello", count = m.count + 1, to = [])
    elif verify(self.signed, by = self.id) and matches(m.sender, "^[A-D]$"):
        self.decide(1, struct(op = operation("done"), template = self.template))

cluster(protocol("p", role(init = init, on_round = on_round, on_hello = on_hello)))
results.append(round("A"))
limit = limit
`)
	want := `struct(op = done(), template = [1, 2, 3, 4, 1])`
	for i, id := range []string{"A", "B", "C", "D"} {
		if len(got) != 4 || got[i] != id+": "+want {
			t.Fatalf("got %s, want %s of each", strings.Join(got, "\n"), want)
		}
	}
}

func TestDecidesTwice(t *testing.T) {
	script := `
def on_round(self, round):
    self.decide(1, %s)
cluster(protocol("p", role(on_round = on_round)))
round("A")
round("A")
check(agreement())
`
	err := testInterpreter(t, nil).Exec(t.Context(), "x.star", fmt.Sprintf(script, "round.number"))
	if err == nil || !strings.Contains(err.Error(), "A decided 1 for slot 1 in step 1, and then 2 for it in step 2") {
		t.Errorf("got %v", err)
	}
	if err := testInterpreter(t, nil).Exec(t.Context(), "x.star", fmt.Sprintf(script, "round.leader")); err != nil {
		t.Errorf("deciding the same again: %v", err)
	}
}

// A variable that a handler uses is part of its code. To give it another value
// is to make another protocol.
func TestAssignedSince(t *testing.T) {
	const script = `
quorum = 3
def enough(n):
    return n >= quorum
def on_round(self, round):
    self.decide(round.number, enough(2))
p = protocol("p", role(on_round = on_round))
cluster(p, n = 1, f = 0)
round("A")
quorum = 2
%s
round("A")
`
	got := observed(t, fmt.Sprintf(script, ""))
	want := "A: protocol p: on_round: the variable quorum was assigned since the protocol was first used; what handlers depend on must not change, so make the protocol anew (x.star:5:1)"
	if len(got) != 2 || got[0] != "A: False" || got[1] != want {
		t.Errorf("got %q", got)
	}
	anew := `cluster(protocol("p", role(on_round = on_round)), n = 1, f = 0)`
	if got := observed(t, fmt.Sprintf(script, anew)); len(got) != 1 || got[0] != "A: True" {
		t.Errorf("made anew: got %q", got)
	}
}

// With clients, whose names a replica does not know, the simulation finds
// receivers that there are not.
func TestReceivers(t *testing.T) {
	got := observed(t, `
def on_exchange(self):
    self.broadcast("hello")
def on_hello(self, m):
    self.send(m.sender if self.id == "A" else "c2", "hi")
def on_hi(self, m):
    self.decide(1, m.sender)
cluster(protocol("p", role(on_hello = on_hello), client = role(on_exchange = on_exchange, on_hi = on_hi)), n = 2, f = 0, clients = {"c1": []})
exchange("c1", ["A", "B"])
`)
	want := []string{`B: sends to no identity "c2"; there are A, B, c1`, `c1: "A"`}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestRestart(t *testing.T) {
	var out strings.Builder
	err := testInterpreter(t, &out).Exec(t.Context(), "x.star", `
def init(self):
    self.kept, self.lost = [], []
def on_round(self, round):
    self.kept.append(round.number)
    self.lost.append(round.number)
    self.late = round.number
cluster(protocol("p", role(init = init, on_round = on_round, persistent = ["kept", "late"])))
round("A")
restart("B")
print(state("B"))
amnesia("B")
print(state("B"), state("A"))
crash("C")
round("A")
restart("C")
print(state("C"))
`)
	const want = `struct(kept = [1], late = 1, lost = [])
struct(kept = [], lost = []) struct(kept = [1], late = 1, lost = [1])
struct(kept = [1], late = 1, lost = [])
`
	if err != nil || out.String() != want {
		t.Errorf("got %v\n%s\nwant\n%s", err, out.String(), want)
	}
}

// Nodes are made for each system anew, even if it has as many servers.
func TestFreshNodes(t *testing.T) {
	var out strings.Builder
	err := testInterpreter(t, &out).Exec(t.Context(), "x.star", `
def init(self):
    self.others = self.replicas
p = protocol("p", role(init = init))
for servers in [["A", "B"], ["A", "C"]]:
    cluster(p, f = 0, servers = servers)
    print(state("A").others)
`)
	if want := "(\"A\", \"B\")\n(\"A\", \"C\")\n"; err != nil || out.String() != want {
		t.Errorf("got %v, %s, want %s", err, out.String(), want)
	}
}

// There is no way to a value signed by another identity but to receive it.
func TestNoForgery(t *testing.T) {
	for _, test := range []struct{ name, forge string }{
		{"struct", `struct(value = "x", signer = "B")`},
		{"dict", `{"value": "x", "signer": "B"}`},
		{"tuple", `("x", "B")`},
		{"text", `str(self.sign("x")).replace("A", "B")`},
		{"own", `self.sign("x")`},
		{"signed by another inside", `self.sign(struct(value = "x", signer = "B"))`},
		{"name in the value", `self.sign(("x", "B"))`},
		{"certificate of one", `combine([self.sign("x")], count = 1)`},
		{"one vote twice", `combine([self.sign("x"), self.sign("x")], count = 2)`},
		{"too few", `combine([self.sign("x")], count = 2)`},
	} {
		for by, why := range map[string]string{`"B"`: "another", "2": "a quorum"} {
			got := observed(t, fmt.Sprintf(`
def on_round(self, round):
    forged = %s
    self.decide(1, verify(forged, by = %s))
cluster(protocol("p", role(on_round = on_round)), n = 1, f = 0)
round("A")
`, test.forge, by))
			if len(got) != 1 || got[0] != "A: False" {
				t.Errorf("%s passes for signed by %s: %q", test.name, why, got)
			}
		}
	}
	for _, test := range []struct{ name, script, want string }{
		{"certificates count as votes", `combine([self.sign("x"), combine([self.sign("x")], count = 1)], count = 2)`,
			"combine: got a list with a certificate of 1 identities in it, want what single ones signed"},
		{"different values", `combine([self.sign("x"), self.sign("y")], count = 1)`, `combine: "x" and "y" are not equal; combine signatures of equal values`},
		{"no votes", `combine([], count = 0)`, "combine: count is 0, want 1 or more"},
		{"lookalikes", `combine([struct(value = "x", signer = "B")], count = 1)`, "combine: got a list with struct in it, want signed values"},
		{"change of the value", `self.sign(["x"]).value.append("y")`, "append: cannot append to frozen list; nothing but the attributes of self can be changed, and what came with a message is copied first, as in list(m.values)"},
		{"by what", `verify(self.sign("x"), by = None)`, "verify: by is a NoneType, want an identity or a number of them"},
		{"call of the type", `type(self.sign("x"))("x", "B")`, `invalid call of non-function (string)`},
	} {
		got := observed(t, fmt.Sprintf("def on_round(self, round):\n    %s\ncluster(protocol(\"p\", role(on_round = on_round)), n = 1, f = 0)\nround(\"A\")", test.script))
		if len(got) != 1 || !strings.HasPrefix(got[0], "A: protocol p: on_round: "+test.want+" (x.star:2:") {
			t.Errorf("%s: got  %q\nwant %s", test.name, got, test.want)
		}
	}
	for _, field := range []string{"value", "signer"} {
		got := observed(t, fmt.Sprintf(`
def on_round(self, round):
    s = self.sign("x")
    s.%s = "B"
cluster(protocol("p", role(on_round = on_round)), n = 1, f = 0)
round("A")
`, field))
		if len(got) != 1 || !strings.Contains(got[0], "can't assign to ."+field+" field of signed") {
			t.Errorf("assigned to %s: %q", field, got)
		}
	}
}

// What identities really signed is verified, no matter who brings it.
func TestSigned(t *testing.T) {
	got := observed(t, `
def on_round(self, round):
    self.votes = set()
    value = ["x"]
    vote = self.sign(value)
    value.append("changed after it was signed")
    self.send("3", "vote", vote = vote)
def on_vote(self, m):
    if verify(m.vote, by = m.sender):
        self.votes.add(m.vote.signer)
        self.last = m.vote
    if len(self.votes) == 3:
        self.send("A", "relay", vote = self.last)
def on_relay(self, m):
    self.decide(1, (m.vote.value, m.vote.signer, m.sender, verify(m.vote, by = "3"), verify(m.vote, by = 3), verify(m.vote, by = m.vote.signer)))
cluster(protocol("p", role(on_round = on_round, on_vote = on_vote, on_relay = on_relay)), f = 0, servers = ["A", "B", "3"])
round("A")
`)
	if want := `A: (["x"], "3", "3", True, False, True)`; len(got) != 1 || got[0] != want {
		t.Errorf("got  %q\nwant %s", got, want)
	}
	got = observed(t, `
def on_round(self, round):
    self.votes = []
    self.broadcast("vote", vote = self.sign(("x", 1)))
def on_vote(self, m):
    self.votes.append(m.vote)
    cert = combine(self.votes, count = 2)
    if cert:
        self.decide(len(self.votes), (cert, verify(cert, by = 2), verify(cert, by = 3), verify(cert, by = "A")))
cluster(protocol("p", role(on_round = on_round, on_vote = on_vote)), n = 2, f = 0)
round("A")
`)
	if want := `A: (signed(("x", 1), by = 2), True, False, False)`; len(got) != 2 || got[0] != want {
		t.Errorf("got  %q\nwant %s", got, want)
	}
}

// Clients that nothing can begin are a mistake of the protocol, not idle clients.
func TestClientsThatDoNothing(t *testing.T) {
	for client, want := range map[string]string{
		"role(on_ack = lambda self, m: None)":     "protocol: client: the role has neither on_exchange nor on_invoke, so that its clients can do nothing; it has on_ack",
		"role(on_exchanges = lambda self: None)":  "role: on_exchanges is the handler of messages of the type exchanges (did you mean on_exchange?)",
		"role(on_timout = lambda self: None)":     "role: on_timout is no event, and lambda (x.star:1:",
		"role(on_timuot = lambda self: None)":     "takes no message (did you mean on_timeout?)",
		"role(on_hops2 = lambda: None)":           "role: on_hops2 is called with (self, m)",
		"role(onexchange = lambda self: None)":    "role: unexpected keyword argument onexchange (did you mean on_exchange?)",
		"role(on_exchange = lambda self: None)":   "",
		"role(on_invoke = lambda self, op: None)": "",
		"role(on_timeout = lambda self: None)":    "",
		"None":                                    "",
	} {
		err := testInterpreter(t, nil).Exec(t.Context(), "x.star", "protocol('p', replica = role(on_round = lambda self, round: None), client = "+client+")")
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got the error %v, want %q", client, err, want)
		}
	}
}
