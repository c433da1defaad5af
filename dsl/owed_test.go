package dsl

import (
	"strings"
	"testing"

	"github.com/twinsh/twinsh/kvproto"
	"github.com/twinsh/twinsh/runtime/node"
	"github.com/twinsh/twinsh/stdlib"
)

// What a good network is taken to do, and what counts as owed, in systems with clients.
func TestLivenessWithClients(t *testing.T) {
	// A client begins a write once, with its first exchange, and goes on until it is answered.
	const writer = `
def begin(self): self.state = 0
def on_exchange(self):
    if self.state == 2:
        self.refuse("it is done")
        return
    if self.state == 0:
        self.state = 1
        self.invoked(operation("write", 1))
    self.broadcast("request", value = 1)
def on_reply(self, m):
    if self.state == 1:
        self.state = 2
        self.returns(None)
client = role(init = begin, on_exchange = on_exchange, on_reply = on_reply)
def init(self): self.decided, self.wanted = None, None
def decides(self, value):
    if self.decided == None:
        self.decided = value
        self.decide(1, value)
def on_request(self, m):
    decides(self, m.value)
    self.send(m.sender, "reply")
alone = protocol("alone", replica = role(init = init, on_request = on_request), client = client)
def wants(self, m): self.wanted = (m.value, m.sender)
def on_round(self, round):
    if round.leader == self.id and self.wanted: self.broadcast("proposal", value = self.wanted[0], client = self.wanted[1])
def on_proposal(self, m):
    decides(self, m.value)
    self.send(m.client, "reply")
led = protocol("led", replica = role(init = init, on_request = wants, on_proposal = on_proposal, on_round = on_round), client = client)
mute = protocol("mute", replica = role(init = init, on_request = lambda self, m: None, on_round = lambda self, r: None), client = client)
`
	// A client keeps on its disk that it began a write, and never begins it again.
	const forgetful = `
def init(self): self.begun = 0
def on_exchange(self):
    if self.begun:
        self.refuse("it has begun")
        return
    self.begun = 1
    self.invoked(operation("write", 1))
    self.broadcast("request")
p = protocol("forgetful", replica = role(on_request = lambda self, m: None),
    client = role(init = init, persistent = ["begun"], on_exchange = on_exchange))
cluster(p, n = 1, f = 0, clients = {"c": []})
`
	for _, test := range []struct{ name, script, want string }{
		{"clients owe no decision", writer + `
cluster(alone, n = 4, f = 1, clients = {"c": []})
for i in ["A", "B", "C", "D"]: cut("c", i)
exchange("c", ["A"])
print(judge(terminates(3)).why)
cluster(mute, n = 4, f = 1, clients = {"c": []})
exchange("c", ["A"])
print(judge(terminates(3)).why.split(":")[0].split(" in ")[0])`, "\nthe operation of c has not ended\n"},
		{"clients go on with what they began", writer + `
def stored(w): return w.state("D").decided == 1 or "D has nothing"
for p in [alone, led, mute]:
    cluster(p, n = 4, f = 1, clients = {"c": []})
    drop("request")
    exchange("c", ["A"])
    print([judge(q).holds for q in [live(20), terminates(20), eventually("stored", stored, 20)]])
    drops_ = explore(exchanges("c", [["A"]]), check = [live(20), eventually("stored", stored, 20)])
    print(len(drops_.violations))`, "[True, True, True]\n0\n[True, True, True]\n0\n[False, False, False]\n2\n"},
		{"a protocol that clients drive decides once", writer + `
for p in [led, alone]:
    cluster(p, n = 4, f = 1, clients = {"c": []})
    exchange("c", ["A", "B", "C", "D"])
    if p == led: round("B")
    print(judge(live(5)).holds, judge(terminates(5)).holds)`, "True True\nTrue True\n"},
		{"a restart within a view", forgetful + `
lost = exchanges("c", [["A"]]) + restarts("c")
kept = restarts("c") + exchanges("c", [["A"]])
for space in [lost, view("v", lost), kept, view("v", kept), view("v", restarts("c") + lost)]:
    r = explore(space, check = at_end(terminates(2)))
    run(space.at(0))
    print(len(r.violations), judge(terminates(2)).holds)
    goto(0)`, "0 True\n0 True\n1 False\n1 False\n0 True\n"},
		{"replicas of a store owe no decision", `
load("@std//kv.star", "kv", "read", "write")
cluster(kv(), n = 4, f = 1)
v = judge(terminates(4))
print(v.holds, v.vacuous)
cluster(kv(), n = 4, f = 1, clients = {"c1": [write("red")], "c2": [read()]})
r = explore(crashes(["A"]) + crashes(["B"]) + exchanges("c1", [["C", "D"]]), check = at_end(terminates(4)))
s = shrink(r)
print(s.why.split(":")[0], s.world.depth)`, "True True\nthe operation of c1 never ends 3\n"},
		{"shrunk, decisions stay owed", `
def on_value(self, m):
    self.votes.add(m.sender)
    if len(self.votes) == 3: self.decide(1, "x")
def init(self): self.votes = set()
def on_round(self, round):
    if round.number == 1: self.broadcast("value")
def ask(self): 
    self.invoked(operation("ask"))
    self.broadcast("value")
p = protocol("votes", replica = role(init = init, on_value = on_value, on_round = on_round), client = role(on_exchange = ask))
cluster(p, n = 4, f = 1)
r = explore(rounds("A", partitions(exactly = 2)).filter(lambda s: len(s.groups[0]) == 3), check = terminates(4))
print(len(r.violations), shrink(r).why.split(" in ")[0])`, "1 D has not decided\n"},
		{"nothing correct owes anything", `
load("@std//kv.star", "kv", "read", "write")
def asked(): cluster(kv(), clients = {"c1": [write("red")], "c2": [read()]})
asked()
twin("c1")
print(explore(exchanges("c1", reach = [["A"]]) * 2, check = terminates(3)).vacuous)
asked()
print(explore(exchanges("c1", reach = [["A"]]) + crashes("c1"), check = at_end(terminates(3))).vacuous)
asked()
print(explore(exchanges("c1", reach = [["A"]]) + crashes("c2"), check = at_end(terminates(3))).vacuous)
print(explore(exchanges("c1"), check = eventually("true", lambda w: True, 2)).vacuous)
print(explore(exchanges("c1") * 2, check = eventually("false", lambda w: False, 2)).vacuous)`,
			"True\nTrue\nFalse\nTrue\nFalse\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			out, err := runWithLibrary(t, test.script)
			if err != nil || out != test.want {
				t.Errorf("got %v\n%s\nwant\n%s", err, out, test.want)
			}
		})
	}
}

// A verdict on the end of scenarios speaks of those that come to it.
func TestBoundsAtEnd(t *testing.T) {
	const stage = `
load("@std//kv.star", "kv", "read", "write")
cluster(kv(), clients = {"c1": [write("red")], "c2": [read()]})
asked = exchanges(reach = [["A", "B", "C"]]) * 4
never = exchanges("c2", [["A", "B", "C"]]) * 9
true = invariant("true", lambda w: True)
false = invariant("false", lambda w: False)
`
	for _, test := range []struct{ call, want, not string }{
		{`print(explore(asked, check = at_end(true)))`, "true at the end holds in the 6 scenarios that come to their end", "in all"},
		{`print(explore(asked, check = [true, at_end(true)]))`, "true holds in all 16 scenarios; true at the end holds in the 6 scenarios that come to their end", "true at the end hold "},
		{`print(explore(asked, check = [true, at_end(false)]))`, "true holds in all 16 scenarios", "come to their end"},
		{`show(explore(asked, check = at_end(true)))`, "nothing is violated in the 6 scenarios that come to their end", "in all"},
		{`print(explore(exchanges("c1", [["A", "B", "C"]]), check = at_end(true)))`, "true at the end holds in the 1 scenario\n", "come"},
		{`print(sample(asked, 40, seed = 1, check = at_end(true)))`, "that come to their end", "in the 40"},
		{`print(explore(never, check = at_end(false)))`, "false at the end holds in vain: no scenario comes to its end", "in the 1"},
		{`print(explore(never, check = at_end(false)))`, "NOTHING put false at the end to the test: it takes a scenario that comes to its end, and there was none", "something"},
		{`print(explore(never, check = at_end(linearizable())))`, "it takes a scenario that comes to its end, and there was none", "operation"},
		{`print(explore(never, check = at_end(terminates(3))))`, "it takes a scenario that comes to its end, and there was none", "operation"},
	} {
		out, err := runWithLibrary(t, stage+test.call)
		if err != nil || !strings.Contains(out, test.want) || strings.Contains(out, test.not) {
			t.Errorf("%s: got %v\n%s\nwant %q, and no %q", test.call, err, out, test.want, test.not)
		}
	}
}

// Steps of a view are one step of a scenario, and several of its picture, behind which those of a
// good network stand.
func TestGoodStepsAfterAView(t *testing.T) {
	out, err := runWithLibrary(t, `
load("@std//hotstuff.star", "hotstuff")
cluster(hotstuff(), n = 4, f = 1)
late = eventually("never", lambda w: w.round_number < 3 or "it is late", 2)
run(view("v", rounds("A", partitions(max = 1)) * 3).at(0))
show(check = late)
goto(0)
for _ in range(3): round("A")
show(check = late)
`)
	if err != nil || strings.Count(out, "good: the network heals") != 2 {
		t.Errorf("got %v\n%s\nwant the good network twice", err, out)
	}
}

// runWithLibrary runs a script that may load what comes with twinsh, and returns what it prints.
func runWithLibrary(t *testing.T, script string) (string, error) {
	t.Helper()
	var out strings.Builder
	kv := Protocol{Name: "kv", Doc: "A store.", New: func(map[string]any) (node.Protocol, error) { return kvproto.New(kvproto.Options{}), nil }}
	in, err := New(Config{Modules: stdlib.Modules, Protocols: []Protocol{kv}, Stdout: &out})
	if err == nil {
		err = in.Exec(t.Context(), "x.star", script)
	}
	return out.String(), err
}
