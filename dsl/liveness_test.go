package dsl

import (
	"strings"
	"testing"
)

// ibft is Istanbul BFT for one slot: a server that has locked a value accepts no other. In its
// first edition that is so for good, and leaders propose what they have locked; then servers may be
// locked on different values for ever (Saltini, "Correctness analysis of IBFT", 2019). In the
// corrected one, which QBFT and PBFT have, leaders ask a quorum and propose what was locked last.
const ibft = `
def rebase_input(input, by): # as in @std//rounds.star
    letters = input.lstrip("0123456789")
    if letters == input or int(input[:len(input) - len(letters)]) <= by - 6:
        return input
    return "%d%s" % (int(input[:len(input) - len(letters)]) - by, letters)

def ibft(asks):
    def init(self):
        self.locked, self.done = None, False
        on_round(self, None)

    def on_round(self, round):
        self.prepares, self.commits, self.accepted, self.locks = set(), set(), False, {}
        if round == None:
            self.round, self.input = 0, ""
            return
        self.round, self.input = round.number, round.input
        if asks:
            self.send(round.leader, "lock", locked = self.locked)
        elif round.leader == self.id:
            self.broadcast("proposal", value = self.locked[1] if self.locked else round.input)

    def on_lock(self, m):
        self.locks[m.sender] = m.locked
        if len(self.locks) == self.n - self.f:
            locks = [l for l in self.locks.values() if l]
            self.broadcast("proposal", value = max(locks)[1] if locks else self.input)

    def on_proposal(self, m):
        if not self.accepted and (asks or not self.locked or self.locked[1] == m.value):
            self.accepted = True
            self.broadcast("prepare", value = m.value)

    def votes(self, of, m):
        of.add((m.sender, m.value))
        return len([1 for _, value in of if value == m.value])

    def on_prepare(self, m):
        if votes(self, self.prepares, m) == self.n - self.f:
            self.locked = (self.round if asks else 0, m.value)
            self.broadcast("commit", value = m.value)

    def on_commit(self, m):
        if votes(self, self.commits, m) == self.n - self.f and not self.done:
            self.done = True
            self.decide(1, m.value)

    def rebase(self, by):
        def older(lock):
            return lock and (lock[0] - by if asks else 0, rebase_input(lock[1], by))
        self.round -= by
        self.input, self.locked = rebase_input(self.input, by), older(self.locked)
        self.locks = {who: older(lock) for who, lock in self.locks.items()}
        self.prepares = set([(who, rebase_input(value, by)) for who, value in self.prepares])
        self.commits = set([(who, rebase_input(value, by)) for who, value in self.commits])

    return protocol("ibft", replica = role(init = init, on_round = on_round, on_lock = on_lock, on_proposal = on_proposal,
        on_prepare = on_prepare, on_commit = on_commit, rebase = rebase))

def search(asks, property):
    cluster(ibft(asks), n = 4, f = 1)
    twin("A")
    space = rounds("A", partitions(max = 2), deaf = [[], ["B"], ["C"], ["D"]], types = ["prepare"]) * 2
    return explore(space, check = [agreement(), property])
`

// timed has servers that vote for the leader's value if they hear of it in time, and else, when
// they time out, for none at all; three votes for one or the other end a view. Those who
// wait for a vote that was lost wait for ever if none times out (Chan and Pass, "Simplex
// Consensus", TCC 2023, is of this kind).
const timed = `
def timed(timers):
    def init(self):
        self.ended, self.voted, self.votes, self.round = 0, 0, set(), 0

    def on_round(self, round):
        self.round = round.number
        if round.leader == self.id and self.voted == self.ended:
            self.broadcast("proposal", view = self.ended, value = round.input)

    def on_proposal(self, m):
        if m.view == self.ended and self.voted == m.view:
            self.voted = m.view + 1
            self.broadcast("vote", view = m.view, value = m.value)

    def on_vote(self, m):
        if m.view < self.ended:
            self.send(m.sender, "ended", view = self.ended)
        self.votes.add((m.view, m.value, m.sender))
        if m.view == self.ended and len([1 for v in self.votes if v[:2] == (m.view, m.value)]) == self.n - self.f:
            self.ended = m.view + 1
            self.votes = set([v for v in self.votes if v[0] > m.view])
            if m.value:
                self.decide(m.view, m.value)

    def on_ended(self, m):
        self.ended = max(self.ended, m.view)

    def on_timeout(self):
        self.voted = self.ended + 1
        self.broadcast("vote", view = self.ended, value = "")

    handlers = {"round": on_round, "proposal": on_proposal, "vote": on_vote, "ended": on_ended}
    if timers:
        handlers["timeout"] = on_timeout
    return protocol("timed", replica = role(init = init, handlers = handlers))

def split(timers):
    cluster(timed(timers), n = 4, f = 1)
    twin("A")
    halves = partitions(exactly = 2).filter(lambda p: [list(g) for g in p.groups] == [["A", "B"], ["A'", "C", "D"]])
    return rounds("A", halves)
`

// relay has a client that asks for an operation and servers that answer it; it needs answers of
// three, and asks again when it times out.
const relay = `
def relay(asks_again):
    def on_ask(self, m):
        self.send(m.sender, "answer")

    def begin(self):
        self.heard, self.open = set(), False

    def on_invoke(self, op):
        self.invoked(op)
        self.open = True
        self.broadcast("ask")

    def on_answer(self, m):
        self.heard.add(m.sender)
        if self.open and len(self.heard) == 3:
            self.open = False
            self.returns(None)

    def on_timeout(self):
        if self.open:
            self.broadcast("ask")

    client = {"init": begin, "invoke": on_invoke, "answer": on_answer}
    if asks_again:
        client["timeout"] = on_timeout
    init = client.pop("init")
    return protocol("relay", replica = role(on_ask = on_ask), client = role(init = init, handlers = client))

def lost(asks_again):
    cluster(relay(asks_again), n = 4, f = 1, clients = {"c": []})
    cut("c", "A")
    cut("c", "B")
    invoke("c", operation("ask"))
    deliver()
`

// What is known of protocols is found, and nothing in the corrected ones.
func TestLivenessOfProtocols(t *testing.T) {
	for _, test := range []struct{ name, script, want string }{
		// "72 of 4,096" is known from a program that shares nothing with this one.
		{"locked for good", ibft + `
r = search(False, live(within = 40))
print(r.size, [(v.property, v.length, v.scenarios) for v in r.violations], r.violations[0].why)
r = search(False, terminates(within = 40))
print([(v.property, v.scenarios) for v in r.violations])
r = search(False, at_end(terminates(within = 40)))
print([(v.property, v.scenarios) for v in r.violations])`,
			`4096 [("live within 40 rounds", 2, 72)] with A of the faulty instances present, nothing is ever decided: the world after 36 good rounds is that after 18 again, a proven loop (B, C and D lead 6 rounds in a row each)
[("terminates within 40 rounds", 72)]
[("terminates within 40 rounds at the end", 72)]
`},
		{"locks that are given up", ibft + `
print([search(True, p(within = 40)).ok for p in [live, terminates]])`, "[True, True]\n"},
		{"timers", timed + `
print(explore(split(True) + timeouts(), check = live(within = 20)).ok)`, "True\n"},
		{"no timers", timed + `
r = explore(split(False), check = live(within = 40))
print(r.violations[0].why)`,
			"with A of the faulty instances present, no correct replica decides: no progress in 40 good rounds, which is a bound and no proof (B, C and D lead 6 rounds in a row each)\n"},
		{"done", `
def on_round(self, round):
    if not self.done:
        self.done = True
        self.decide(1, "x")
def init(self):
    self.done = False
cluster(protocol("once", replica = role(init = init, on_round = on_round)), n = 4, f = 1)
r = explore(rounds("A", partitions(max = 1)) * 3, check = [terminates(within = 1), live(within = 5)])
print(r.ok, r.vacuous)`, "True False\n"},
		{"an operation", relay + `
lost(True)
print(judge(terminates(within = 3)).holds)
lost(False)
print(judge(terminates(within = 3)).why)`, "True\nthe operation of c never ends: the world after 1 good round is that after 0 again, a proven loop (what is sent arrives)\n"},
		{"an operation that its client forgot", relay + `
lost(False)
restart("c")
print(judge(terminates(within = 3)).vacuous)
print(explore(heals(), check = terminates(within = 3)).ok)
lost(True)
print(explore(restarts("c") + heals(), check = terminates(within = 3)).ok)
cluster(relay(False), n = 4, f = 1, clients = {"c": []})
lose = cuts("c", "A") + cuts("c", "B") + invokes(operation("ask"), "c") + deliveries(partitions(max = 1))
for end in [heals(), restarts("c"), restarts("A")]:
    print([(v.length, v.scenarios) for v in explore(lose + end, check = at_end(terminates(within = 3))).violations])`,
			"True\nTrue\nTrue\n[(5, 1)]\n[]\n[(5, 1)]\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			out, err := runScript(t, test.script)
			if err != nil || out != test.want {
				t.Errorf("got %v\n%s\nwant\n%s", err, out, test.want)
			}
		})
	}
}

// A property is judged at the end of scenarios that are complete, of each of them, and not
// on the way.
func TestAtEnd(t *testing.T) {
	const counting = `
def init(self):
    self.round = 0
def on_round(self, round):
    self.round = round.number
    self.decide(round.number, "x")
cluster(protocol("counting", replica = role(init = init, on_round = on_round)), n = 1, f = 0)
def even(w):
    return w.state("A").round % 2 == 0 or "%d is odd" % w.state("A").round
even = invariant("even", even)
def counts(space, property):
    r = explore(space, check = property)
    for v in r.violations:
        print(v.property, v.length, v.shortest, v.scenarios, v.why)
    s = sample(space, 40, seed = 1, check = property)
    print(r.covered == r.size, len(r.violations) == len(s.violations), [v.length for v in r.violations] == [v.length for v in s.violations])
`
	for _, test := range []struct{ name, script, want string }{
		{"on the way only", `
counts(rounds("A") * 2, even)
counts(rounds("A") * 2, at_end(even))`, "even 1 1 1 1 is odd\nTrue True True\nTrue True True\n"},
		{"at the end", `counts(rounds("A") * 3, at_end(even))`, "even at the end 3 1 1 3 is odd\nTrue True True\n"},
		{"where scenarios go on from the end of others", `counts(maybe(rounds("A")) * 2, at_end(even))`, "even at the end 1 2 2 1 is odd\nTrue True True\n"},
		{"beside others", `counts(rounds("A") * 3, [even, at_end(even), agreement(), at_end(agreement())])`,
			"even 1 1 1 1 is odd\neven at the end 3 1 1 3 is odd\nTrue True True\n"},
		{"not where a scenario ends early", `counts(rounds("A") + crashes("A") * 2, at_end(even))`, "True True True\n"},
		{"the start", `
round("A")
counts(maybe(crashes("A")), at_end(even))`, "even at the end 0 1 2 1 is odd\nTrue True True\n"},
		{"shrunk", `
r = explore(rounds("A") * 5, check = at_end(even))
print(shrink(r).world.depth, len(r.counterexample.steps), judge(at_end(even), r.counterexample).why)
print(shrink(r).script.splitlines()[-1])`, "3 5 5 is odd\ncheck(at_end(invariant(\"even\", even)))\n"},
		{"resumed", `
part = explore(rounds("A") * 3, check = at_end(even), checkpoint = "c", max_worlds = 2)
rest = explore(rounds("A") * 3, check = at_end(even), checkpoint = "c", resume = True)
print(part.complete, [(v.length, v.scenarios) for v in rest.violations])
again = explore(rounds("A") * 3, check = at_end(even), checkpoint = "c", resume = True)
print([(v.length, v.scenarios) for v in again.violations])`, "False [(3, 1)]\n[(3, 1)]\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			in, err := New(Config{Stdout: &out, WriteDir: t.TempDir()})
			if err == nil {
				err = in.Exec(t.Context(), "end", counting+test.script)
			}
			if err != nil || out.String() != test.want {
				t.Errorf("got %v\n%s\nwant\n%s", err, out.String(), test.want)
			}
		})
	}
}

// What a search remembers of good networks changes no verdict: it counts as many violations as
// there are scenarios of which judge, which remembers nothing, says that they violate.
func TestRememberedGoodNetworks(t *testing.T) {
	const count = `
def same(space, properties):
    start, ends = world(), []
    for k in range(space.size):
        enter(start)
        end = run(space.at(k))
        if end.depth == start.depth + len(space.at(k)):
            ends.append(end)
    enter(start)
    for p in properties:
        bad = [end for end in ends if not judge(p, end).holds]
        r = explore(space, check = at_end(p))
        print(p, len(bad) == (r.violations[0].scenarios if r.violations else 0), 0 < len(bad) and len(bad) < space.size)
`
	for _, test := range []struct{ name, script, want string }{
		{"rounds", ibft + `
cluster(ibft(False), n = 4, f = 1)
twin("A")
round("A", groups = [["A", "B", "C"], ["A'", "D"]], deaf = ["B"], types = ["prepare"])
same(rounds("A", partitions(max = 2), deaf = [[], ["B"], ["C"]], types = ["prepare"]), [live(7), live(40), terminates(3), terminates(40)])`,
			"live within 7 rounds True True\nlive within 40 rounds True True\nterminates within 3 rounds True True\nterminates within 40 rounds True True\n"},
		{"timeouts", timed + `
rounds_ = split(True)
def ended(w):
    return w.state("B").ended > 1 or "B has not ended view 1"
same(rounds_ + timeouts(), [live(1), eventually("B ends view 1", ended, 2), eventually("B ends view 1", ended, 12)])`,
			"live within 1 rounds True True\nB ends view 1 True True\nB ends view 1 True False\n"},
		{"clients", relay + `
cluster(relay(False), n = 4, f = 1, clients = {"c": [], "d": []})
def c_heard(w):
    return len(w.state("c").heard) > 2 or "c has heard too few"
same(cuts("c") + (cuts("d") | crashes("c")) + invokes(operation("ask")) + deliveries(partitions(max = 1)) + (heals() | restarts("c")),
    [terminates(1), eventually("c hears", c_heard, 2)])`, "terminates within 1 rounds True False\nc hears True True\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			out, err := runScript(t, count+test.script)
			if err != nil || out != test.want {
				t.Errorf("got %v\n%s\nwant\n%s", err, out, test.want)
			}
		})
	}
}

// The steps of a good network stand behind those of the scenario, wherever that is shown.
func TestGoodStepsAreShown(t *testing.T) {
	out, err := runScript(t, relay+`
cluster(relay(False), n = 4, f = 1, clients = {"c": []})
r = explore(cuts("c", "A") + cuts("c", "B") + invokes(operation("ask"), "c") + deliveries(partitions(max = 1)), check = terminates(within = 3))
v = r.violations[0]
print(v.length, v.counterexample.depth, len(v.good), v.good[0])
show(r)
print(shrink(r).script.split("cluster", 1)[1])
print("good" in show.__name__ if False else why(r))
enter(r.counterexample)
check(terminates(within = 3))
`)
	for _, want := range []string{
		"4 4 1 heal()",
		"5  good: the network heals",
		"# From here on the network is good, and yet this leads nowhere:\n#     heal()\ncheck(terminates(within = 3))",
		"terminates within 3 rounds is violated: the operation of c never ends",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("got %v\n%s\nwant %q in it", err, out, want)
		}
	}
	if err == nil || !strings.Contains(err.Error(), "5  good: the network heals") {
		t.Errorf("check says %v", err)
	}
	// The script of shrink plays them again, and shows them.
	script, err := runScript(t, relay+`
cluster(relay(False), n = 4, f = 1, clients = {"c": []})
print(shrink(explore(cuts("c", "A") + cuts("c", "B") + invokes(operation("ask"), "c") + deliveries(partitions(max = 1)), check = terminates(within = 3))).script)
`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := runScript(t, script); err == nil || !strings.Contains(err.Error(), "good: the network heals") {
		t.Errorf("the script of shrink says %v\n%s", err, script)
	}
}

// Bad arguments are found where they are given.
// To time out without any effect is something that a good network can play: that nothing
// comes of it is a violation and no mistake of the script.
func TestLiveWhereTimeoutsDoNothing(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ timeout, want string }{
		{"if not self.sent:\n        self.sent = True\n        self.broadcast(\"hello\")", "nothing is ever decided: the world after 1 good round is that after 0 again, a proven loop"},
		{"self.broadcast(\"hello\")", "True"},
	} {
		out, err := runScript(t, `
def init(self):
    self.sent, self.here = False, set()
def on_timeout(self):
    `+test.timeout+`
def on_hello(self, m):
    self.here.add(m.sender)
    if len(self.here) == self.n:
        self.here = set()
        self.decide(0, "all are here")
cluster(protocol("meeting", replica = role(init = init, on_timeout = on_timeout, on_hello = on_hello)), n = 3, f = 0)
timeout("A", "B", "C")
deliver(groups = [["A", "B"], ["C"]])
v = judge(live(4))
print(v.holds, v.why)
`)
		if err != nil || !strings.Contains(out, test.want) {
			t.Errorf("%s: %v, want %q in\n%s", test.timeout, err, test.want, out)
		}
	}
}

// A replica whose code failed in a good network owes no decision when another decides later.
func TestFailedCodeOwesNothing(t *testing.T) {
	t.Parallel()
	for decides, want := range map[string]string{"B": "True", "Z": "the operation of c has not ended"} {
		out, err := runScript(t, `
def on_round(self, round):
    if round.leader == self.id:
        if self.id == "A":
            fail("A cannot lead")
        if self.id == "`+decides+`":
            self.decide(0, "decided")
            self.send("c", "answer")
def on_ask(self, m):
    pass
def on_exchange(self):
    if not self.asked:
        self.asked = True
        self.invoked(operation("ask"))
    self.broadcast("ask")
def on_answer(self, m):
    self.returns(None)
def init(self):
    self.asked = False
cluster(protocol("p", replica = role(on_round = on_round, on_ask = on_ask), client = role(init = init, on_exchange = on_exchange, on_answer = on_answer)), n = 2, f = 0, clients = {"c": [operation("ask")]})
exchange("c", ["A"])
v = judge(terminates(8))
looked = v.failures
print(v.holds, v.why)
`)
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("%s decides: %v, want %q in\n%s", decides, err, want, out)
		}
	}
}

func TestBadLiveness(t *testing.T) {
	const stage = voting + `
def true(w):
    return True
`
	for _, test := range []struct{ call, want string }{
		{`live(within = 0)`, "live: within is 0 rounds, want 1 to 1073741824"},
		{`live(within = 1 << 40)`, "live: within is 1099511627776 rounds, want 1 to 1073741824"},
		{`live(within = "3")`, "live: within: got string, want int"},
		{`terminates()`, "terminates: within is missing"},
		{`terminates(within = -1)`, "terminates: within is -1 rounds, want 1 to"},
		{`terminates(within = 2.5)`, "terminates: within: got float, want int"},
		{`eventually("", true, 3)`, `eventually: the name is empty; say what comes true, as in "all have caught up"`},
		{`eventually("x", true, 0)`, "eventually: within is 0 rounds, want 1 to"},
		{`eventually("x", 3, 3)`, "eventually: fn: got int, want callable"},
		{`eventually("x", true)`, "eventually: within is missing"},
		{`judge(eventually("x", lambda w: None, 3))`, "eventually x: the function returned nothing (a path without return?), want True, False or a text that says what is wrong"},
		{`judge(eventually("x", lambda w: "", 3))`, "eventually x: the function returned the text \"\", which does not say what is wrong"},
		{`judge(eventually("x", lambda: True, 3))`, "eventually: fn: lambda cannot be called with one argument, the world"},
		{`judge(eventually("x", lambda w: w.depth > 0, 3))`, "eventually x"},
		{`judge(eventually("x", lambda w: fail("oh"), 3))`, "oh"},
		{`at_end(at_end(agreement()))`, "at_end: agreement at the end is judged at the end already"},
		{`at_end(lambda w: True)`, "at_end: property: got function, want property"},
		{`at_end([agreement()])`, "at_end: property: got list, want property"},
	} {
		out, err := runScript(t, stage+"r = "+test.call+"\nprint(r)")
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v %s, want %s", test.call, err, out, test.want)
		}
	}
}
