package dsl

import (
	"strings"
	"testing"
)

// locking has a lock server that a client can hold, and no decisions at all.
const locking = `
def on_ask(self, m):
    if self.holder == None:
        self.holder = m.sender
        self.send(m.sender, "grant")
def on_grant(self, m):
    self.has = True
def on_exchange(self):
    self.broadcast("ask")
def client_init(self):
    self.has = False
def init(self):
    self.holder = None
lock = protocol("lock", replica = role(init = init, on_ask = on_ask),
    client = role(init = client_init, on_exchange = on_exchange, on_grant = on_grant))
cluster(lock, n = 1, f = 0, clients = {"c1": [], "c2": []})
space = exchanges(reach = [["A"]]) * 3
alone = invariant("one holder", lambda w: not (w.state("c1").has and w.state("c2").has))
`

// deciding has replicas that decide what a function makes of their name and the
// round.
const deciding = `
def make(value, slot):
    def on_round(self, round):
        v = value(self.id, round)
        if v != None:
            self.decide(slot(round), v)
    return protocol("deciding", replica = role(on_round = on_round))
def whole():
    return partitions(max = 1)
`

// storing has a client that reads if A answers.
const storing = `
def on_exchange(self):
    self.invoked(operation("read"))
    self.broadcast("ask")
def on_ask(self, m):
    if self.id == "A":
        self.send(m.sender, "answer")
def on_answer(self, m):
    self.returns(None)
cluster(protocol("storing", replica = role(on_ask = on_ask), client = role(on_exchange = on_exchange, on_answer = on_answer)), n = 2, f = 0, clients = {"c1": []})
`

// registering has a client whose operations are given, which A carries out.
const registering = `
def on_exchange(self):
    self.broadcast("do")
def on_do(self, m):
    self.send(m.sender, "done", value = self.value)
def client_init(self):
    self.i = 0
def on_done(self, m):
    if self.i < len(self.program):
        op = self.program[self.i]
        self.i += 1
        self.invoked(op)
        self.returns(None)
def init(self):
    self.value = None
register = protocol("registering", replica = role(init = init, on_do = on_do), client = role(init = client_init, on_exchange = on_exchange, on_done = on_done))
`

// What a verdict rests on is measured for each property by what puts that to the
// test, and said in its words.
func TestVacuity(t *testing.T) {
	const nothing = "NOTHING put "
	for _, test := range []struct{ name, script, want, not string }{
		{"an invariant needs no decision", locking + `r = explore(space, check = alone)`, "one holder holds in all 8 scenarios\nFalse False", nothing},
		{"agreement needs two", locking + `r = explore(space, check = [alone, agreement()])`,
			"NOTHING put agreement to the test: it takes two decisions for one slot, and there was none; its verdict proves nothing\nTrue False", "NOTHING put one holder"},
		{"validity needs one", locking + `r = explore(space, check = [validity([1])])`, "NOTHING put validity to the test: it takes a decision,", ""},
		{"one decision is not two", deciding + `
cluster(make(lambda id, round: 1 if id == "A" else None, lambda round: round.number), n = 2, f = 0)
r = explore(rounds("A", whole()) * 2, check = [agreement(), validity([1])])`, "NOTHING put agreement to the test", "NOTHING put validity"},
		{"decisions that could not differ", deciding + `
cluster(make(lambda id, round: round.number, lambda round: round.number), n = 2, f = 0)
r = explore(rounds("any", whole()) * 2, check = agreement())`, "all decisions for a slot were of one value, in all scenarios: they could not have differed\nFalse True", nothing},
		{"decisions that could", deciding + `
cluster(make(lambda id, round: round.leader, lambda round: round.number), n = 2, f = 0)
r = explore(rounds("any", whole()) * 2, check = agreement())`, "agreement holds in all 4 scenarios; 100% made progress\nFalse False", "could not have differed"},
		{"validity does not compare", deciding + `
cluster(make(lambda id, round: 1, lambda round: round.number), n = 2, f = 0)
r = explore(rounds("any", whole()) * 2, check = validity([1]))`, "False True", "could not have differed"},
		{"live plays", deciding + `
cluster(make(lambda id, round: 1 if round.number > 2 else None, lambda round: round.number), n = 2, f = 0)
r = explore(rounds("any", whole()), check = live(within = 4))`, "live within 4 rounds holds in all 2 scenarios\nFalse False", nothing},
		{"live cannot play", deciding + `
cluster(make(lambda id, round: 1, lambda round: round.number), n = 1, f = 0)
twin("A")
r = explore(rounds("any", whole()), check = live(within = 4))`, "NOTHING put live within 4 rounds to the test: it takes a correct server that can lead", ""},
		{"reads of the initial value", registering + `cluster(register, n = 1, f = 0, clients = {"c1": [operation("read")] * 3})
r = explore(exchanges("c1") * 3, check = [linearizable(), regular(), safe()])`, nothing + "linearizable to the test: it takes a write that began before some operation returned", ""},
		{"a write by another client counts", registering + `cluster(register, n = 1, f = 0, clients = {"c1": [operation("read")] * 3, "c2": [operation("write", 7)]})
r = explore(exchanges("c2") + exchanges("c1") * 3, check = [linearizable(), regular(), safe()])`, "linearizable VIOLATED", nothing},
		{"regular needs a read after a write began", registering + `cluster(register, n = 1, f = 0, clients = {"c1": [operation("read")], "c2": [operation("write", 7)]})
r = explore(exchanges("c1") + exchanges("c2"), check = [linearizable(), regular()])`, nothing + "regular to the test: it takes a read that returned after a write began", nothing + "linearizable"},
		{"safe, too", registering + `cluster(register, n = 1, f = 0, clients = {"c1": [operation("read")]})
r = explore(exchanges("c1"), check = safe())`, nothing + "safe to the test", ""},
		{"a sample, too", registering + `cluster(register, n = 1, f = 0, clients = {"c1": [operation("read")] * 2})
r = sample(exchanges("c1") * 2, 1, check = regular())`, nothing + "regular to the test", ""},
		{"linearizable needs a write before an operation returned", storing + `r = explore(exchanges("c1", [["B"]]), check = linearizable())`,
			"NOTHING put linearizable to the test: it takes a write that began before some operation returned, and there was none; its verdict proves nothing", ""},
		{"one that did", storing + `r = explore(exchanges("c1", [["A"]]) * 2, check = linearizable())`, nothing + "linearizable to the test", ""},
		{"a sample", locking + `r = sample(space, 3, check = [alone, agreement()])`, "NOTHING put agreement to the test: it takes", "so far"},
	} {
		out, err := runScript(t, test.script+"\nprint(r)\nprint(r.vacuous, r.uniform)")
		if err != nil || !strings.Contains(out, test.want) || test.not != "" && strings.Contains(out, test.not) {
			t.Errorf("%s: %v\n%s\nwant %q, not %q", test.name, err, out, test.want, test.not)
		}
	}
}

// A search that was stopped says what it judged, in the words of what was judged.
func TestStoppedVerdict(t *testing.T) {
	out, err := runScript(t, deciding+`
cluster(make(lambda id, round: round.leader, lambda round: round.number), n = 4, f = 1)
r = explore(rounds() * 4, check = [agreement(), invariant("fine", lambda w: True)], max_worlds = 20)
print(r)`)
	if err != nil || strings.Contains(out, "0 scenarios") || strings.Contains(out, "NOTHING") ||
		!strings.Contains(out, "agreement, fine hold as far as was judged: at the beginnings of all scenarios, up to 2 steps\n") {
		t.Errorf("%v\n%s", err, out)
	}
	out, err = runScript(t, locking+`
r = explore(space, check = [alone, agreement()], max_worlds = 2)
print(r)`)
	if err != nil || !strings.Contains(out, "NOTHING put agreement to the test so far: it takes two decisions") {
		t.Errorf("%v\n%s", err, out)
	}
	out, err = runScript(t, deciding+`
cluster(make(lambda id, round: id if round.number == 2 and round.leader == "A" else None, lambda round: 1), n = 4, f = 1)
r = explore(rounds() * 4, check = [agreement()], first = True)
print(r)`)
	if err != nil || strings.Contains(out, "of those covered") || !strings.Contains(out, "in at least ") || !strings.Contains(out, "of all)") {
		t.Errorf("%v\n%s", err, out)
	}
}

// An operation that a model does not know is an error, not a violation.
func TestUnknownOperations(t *testing.T) {
	const store = `
def on_exchange(self):
    self.invoked(OP)
    self.returns("x")
p = protocol("p", replica = role(), client = role(on_exchange = on_exchange))
cluster(p, n = 1, f = 0, clients = {"c1": PROGRAM})
space = exchanges(reach = [["A"]]) * 2
`
	script := func(op, program string) string {
		return strings.NewReplacer("OP", op, "PROGRAM", program).Replace(store)
	}
	get := `operation("get", "k")`
	for _, property := range []string{"linearizable", "regular", "safe"} {
		for _, test := range []struct{ call, program, want string }{
			{"explore(space, check = %())", "[" + get + "]", `explore: % cannot judge the program of c1: a register has the operations read() and write(value), not get("k")`},
			{"sample(space, 1, check = %())", "[" + get + "]", `sample: % cannot judge the program of c1: `},
			{"explore(space, check = %())", "[]", `%: a register has the operations read() and write(value), not get("k")`},
			{"explore(space, check = %())", `[operation("write")]`, `explore: % cannot judge the program of c1: write() writes nothing, which is what a register holds at first, so that no read can show whether it did; give it a value`},
			{"explore(space, check = %())", `[operation("write", None)]`, `which is what a register holds at first`},
			{"judge(%(), world().exchange(\"c1\", [\"A\"]))", "[]", `%: c1 in step 1: a register has the operations read() and write(value), not get("k")`},
		} {
			want := strings.ReplaceAll(test.want, "%", property)
			if property == "linearizable" {
				want = strings.ReplaceAll(want, "%", "linearizable")
			}
			_, err := runScript(t, script(get, test.program)+strings.ReplaceAll(test.call, "%", property))
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s, program %s: %v, want %s", test.call, test.program, err, want)
			}
		}
		if _, err := runScript(t, script(`operation("read")`, "[]")+property+"()\nexplore(space, check = "+property+"())"); err != nil {
			t.Errorf("a read: %v", err)
		}
	}
}

// live accepts a protocol that decides once after success, and finds one that
// gets stuck before it, also if others have decided.
func TestLiveOnce(t *testing.T) {
	const once = `
def init(self):
    self.got, self.done = set(), False
def on_round(self, round):
    if round.leader == self.id and not self.done:
        self.broadcast("propose", value = round.number)
def on_propose(self, m):
    if not STUCK or m.value == 1 or self.id == "A":
        self.broadcast("vote", value = m.value)
def on_vote(self, m):
    self.got.add((m.sender, m.value))
    if not self.done and len([1 for s, v in self.got if v == m.value]) >= self.n - self.f:
        self.done = True
        self.decide(1, m.value)
STUCK = False
p = protocol("once", replica = role(init = init, on_round = on_round, on_propose = on_propose, on_vote = on_vote))
`
	const search = `
cluster(p, n = 4, f = 1)
r = explore(rounds("A", partitions(max = 2)) * 2, check = live(within = 30))
print(r)
print(r.ok, judge(live(within = 30), (r.counterexample or r.passing[0])).holds == r.ok)`
	for stuck, want := range map[string]string{"STUCK = False\n": "\nTrue True\n", "STUCK = True\n": "\nFalse True\n"} {
		script := strings.Replace(once, "STUCK = False\n", stuck, 1)
		out, err := runScript(t, script+search)
		if err != nil || !strings.HasSuffix(out, want) {
			t.Errorf("%s%v\n%s", stuck, err, out)
		}
	}
	// A, B and C decide, and without B's and C's votes D never will.
	out, err := runScript(t, strings.Replace(once, "STUCK = False", "STUCK = True", 1)+`
cluster(p, n = 4, f = 1)
round("A")
print(judge(live(within = 30)).holds)
goto(0)
round("A", [["A", "B", "C"], ["D"]])
print(judge(live(within = 30)).holds, explore(rounds("A", partitions(max = 1)), check = live(within = 30)).ok)`)
	if err != nil || out != "True\nFalse False\n" {
		t.Errorf("%v\n%s", err, out)
	}
	// What decides one slot after the other is not done with the first one.
	const chain = `
def init(self):
    self.next = 1
def on_round(self, round):
    if round.leader == self.id:
        self.broadcast("propose", slot = round.number)
def on_propose(self, m):
    if m.slot == self.next:
        self.next += 1
        self.decide(m.slot, "x")
cluster(protocol("chain", replica = role(init = init, on_round = on_round, on_propose = on_propose)), n = 2, f = 0)
round("A")
print(judge(live(within = 30)).holds)
for leader in ["A", "B"]: # each misses one of the other's
    round(leader, [["A"], ["B"]])
print(judge(live(within = 30)).holds, explore(rounds("A", partitions(max = 1)), check = live(within = 30)).ok)`
	if out, err := runScript(t, chain); err != nil || out != "True\nFalse False\n" {
		t.Errorf("%v\n%s", err, out)
	}
}
