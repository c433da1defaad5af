package dsl

import (
	"strings"
	"testing"

	"github.com/twinsh/twinsh/runtime/node"
)

// stubborn decides what it hears first, of those who lead and of those who time out.
const stubborn = `
def on_round(self, round):
    if round.leader == self.id:
        self.broadcast("say", value = round.input)
def on_say(self, m):
    self.decide(0, m.value)
def on_timeout(self):
    self.decide(0, "tired")
def lies(self, round):
    self.decide(0, "a lie")
code = role(on_round = on_round, on_say = on_say, on_timeout = on_timeout)
def made(tolerates):
    return protocol("stubborn", code, tolerates = tolerates)
`

// A protocol that tolerates crashes only takes 2f+1 servers. It promises nothing once
// something else happened, and each verdict says what that is; without it, or if the protocol
// tolerates Byzantine faults, none does.
func TestToleratesCrashes(t *testing.T) {
	const (
		says   = "note       beyond crash faults: "
		proves = "; the protocol promises nothing then, so that this proves nothing\n"
	)
	for _, test := range []struct{ name, script, want, not string }{
		{"n follows from f", `cluster(made("crash"), f = 2)` + "\nprint(len(subsets(max = 1)))", "5\n", "note"},
		{"and is four else", `cluster(made("byzantine"))` + "\nprint(len(subsets(max = 1)))", "4\n", "note"},
		{"three are enough", `cluster(made("crash"), n = 3)`, "", "note"},
		{"and else they are not", `cluster(made("byzantine"), n = 3)`, "note: n = 3 is fewer than 3f+1 = 4 servers; Byzantine faults of f = 1 can be too many for it\n", ""},
		{"two are not enough", `cluster(made("crash"), n = 2)`, "note: n = 2 is fewer than 2f+1 = 3 servers; crashes of f = 1 can be too many for it\n", ""},
		{"a quorum is a majority", `cluster(made("crash"), n = 5)` + "\nprint(len(quorums()), len(quorums()[0]))", "10 3\n", ""},
		{"and else 2f+1", `cluster(made("byzantine"), n = 7, f = 2)` + "\nprint(len(quorums()), len(quorums()[0]))", "21 5\n", ""},
		{"the system says so", `cluster(made("crash"))` + "\nprint(explore(rounds(), check = agreement()))", "stubborn n=3 f=1, tolerates crashes\n", "beyond"},
		{"crashes are no more", `cluster(made("crash"))` + "\nprint(explore(crashes() + restarts() + rounds() * 2, check = agreement()))", "agreement VIOLATED", "beyond"},
		{"twins", `cluster(made("crash"))
twin("C")
print(explore(rounds() * 2, check = agreement()))`, says + "C has twins" + proves, "longer one"},
		{"twins, in vain", `cluster(made("crash"))
twin("C")
r = explore(timeouts("A") + timeouts("B"), check = [agreement(), validity(["tired"])])
print(r)
print(r.beyond)`, says + "C has twins" + proves + "note       all decisions for a slot were of one value, in all scenarios: they could not have differed\nTrue\n", "VIOLATED"},
		{"twins of another protocol", `cluster(made("byzantine"))
twin("C")
print(explore(rounds() * 2, check = agreement()))`, "VIOLATED", "beyond"},
		{"other code", `cluster(made("crash"))
twin("B", replica = role(on_round = lies))
print(explore(rounds() * 2, check = agreement()))`, says + "B runs other code" + proves, ""},
		{"amnesia on the way", `cluster(made("crash"))
r = explore(amnesias("A") + rounds("B") + timeouts("B"), check = agreement())
print(r)
print(r.beyond)`, says + "A lost its memory" + proves + "note       that is so in the shortest counterexample of agreement; a longer one within what is promised is not ruled out\nTrue\n", ""},
		{"a violation before it", `cluster(made("crash"))
print(explore(rounds("B") + timeouts("B") + amnesias("A"), check = agreement()))`, "agreement VIOLATED", "beyond"},
		{"an invariant that names faults", `cluster(made("crash"))
twin("C")
print(explore(timeouts("A"), check = [agreement(), invariant("none", lambda w: "never", faults = 1)]))`,
			says + "C has twins; the protocol promises nothing then, so that the verdict of agreement proves nothing\n", ""},
		{"one that does not", `cluster(made("crash"))
twin("C")
print(explore(timeouts("A"), check = invariant("none", lambda w: "never")))`, says + "C has twins" + proves, ""},
		{"check", `cluster(made("crash"))
twin("C")
timeout("A")
timeout("B")
check(agreement())`, "agreement: holds; beyond crash faults: C has twins, which proves nothing\n", ""},
		{"a picture", `cluster(made("crash"))
twin("C")
timeout("A")
show()`, "beyond crash faults: nothing is promised\n", "more than f"},
	} {
		t.Run(test.name, func(t *testing.T) {
			out, err := runScript(t, stubborn+test.script+"\n")
			if err != nil || !strings.Contains(out+"\n", test.want) || test.not != "" && strings.Contains(out, test.not) {
				t.Errorf("got %v\n%s\nwant %q, and not %q", err, out, test.want, test.not)
			}
		})
	}
	for script, want := range map[string]string{
		`made("crashes")`: `protocol: tolerates is "crashes" (did you mean crash?), want "byzantine" or "crash"`,
		`made("")`:        `protocol: tolerates is "", want "byzantine" or "crash"`,
		`made(None)`:      "protocol: tolerates: got NoneType, want string",
		`made(1)`:         "protocol: tolerates: got int, want string",
	} {
		if _, err := runScript(t, stubborn+script); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got error %v, want %q", script, err, want)
		}
	}
}

// parting has a client that may crash while its write is on its way to the server.
const parting = `
def init(self):
    self.value = None
def on_put(self, m):
    self.value = m.value
    self.send(m.sender, "stored")
def on_ask(self, m):
    self.send(m.sender, "have", value = self.value)
def begin(self):
    self.next = 0
def on_exchange(self):
    if self.next == len(self.program):
        self.refuse("is done")
        return
    op = self.program[self.next]
    self.invoked(op)
    if op.name == "write":
        self.broadcast("put", value = op.arg)
    else:
        self.broadcast("ask")
def on_stored(self, m):
    self.next += 1
    self.returns(None)
def on_have(self, m):
    self.next += 1
    self.returns(m.value)
def on_invoke(self, op):
    self.next = 1
    self.invoked(op)
    self.broadcast("put", value = op.arg)
p = protocol("p", role(init = init, on_put = on_put, on_ask = on_ask), role(init = begin, persistent = ["next"], on_exchange = on_exchange, on_invoke = on_invoke, on_stored = on_stored, on_have = on_have))
cluster(p, n = 1, f = 0, clients = {"w": [], "r": [operation("read")] * 3})
# The write is on its way when its client crashes, and arrives after a read or before.
late = invokes(operation("write", 1), "w") + crashes("w") + exchanges("r") + (deliveries() | heals()) + exchanges("r")
early = invokes(operation("write", 1), "w") + deliveries(hops = 1) + crashes("w") + exchanges("r") * 2
`

// A write that its client did not live to see may not show up later, if it did not before. To
// linearizable() it may. What a script says of a history sees the crash, too, if it asks.
func TestStrict(t *testing.T) {
	t.Parallel()
	const bySelf = `
def by_hand(h):
    for w in h:
        for a in h:
            for b in h:
                if w.crashed != None and a.name == "read" and b.name == "read" and a.before(b) and not b.open and w.crashed < a.begin and a.result != b.result:
                    return "%s shows up after its client crashed" % w
    return True
def by_fold(state, event):
    if event.kind == "crashed":
        return ("crashed", state[1]), True
    if event.kind == "returned" and event.name == "read" and state[0] == "crashed":
        return (state[0], state[1] + [event.result]), len(set(state[1] + [event.result])) == 1 or "it shows up"
    return state, True
specs = [strictly_linearizable(), strictly_linearizable("cas"), history("by hand", by_hand), history("by fold", (None, []), by_fold)]
`
	out, err := runScript(t, parting+bySelf+`
r = explore(late, check = specs + [linearizable()])
print([(v.property, v.length, v.scenarios) for v in r.violations], r.violations[0].why)
print(why(r))
print(explore(early, check = specs + [linearizable()]).violations, explore(early, check = strictly_linearizable()).vacuous)
r = explore(exchanges("r") * 2, check = strictly_linearizable())
print(r)
`)
	for _, want := range []string{
		`[("strictly linearizable", 5, 1), ("strictly linearizable to a compare-and-set register", 5, 1), ("by hand", 5, 1), ("by fold", 5, 1)] ` +
			`r read() returned 1 in step 5 after w write(1) was cut short by a crash in step 2 and r read() had returned None in step 3; no order of the operations explains that. None would have been right`,
		"\n[] False\n",
		"NOTHING put strictly linearizable to the test: it takes an operation that can change a register and was cut short by a crash, after which another one returned, and there was none",
	} {
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("%v, no %q in\n%s", err, want, out)
		}
	}
}

// Crashes are no part of what other searches remember.
func TestCrashesCostNothing(t *testing.T) {
	t.Parallel()
	out, err := runScript(t, parting+`
def plain(h):
    return True
def asks(h):
    return len([op for op in h if op.crashed == 0]) == 0
def worlds(spec):
    return explore(invokes(operation("write", 1), "w") + (crashes("w") + restarts("w") | heals() * 2) + deliveries() + exchanges("r"), check = spec).worlds
print(worlds(linearizable()) == worlds(regular()), worlds(history("plain", plain)) == worlds(linearizable()), worlds(history("asks", asks)) > worlds(history("plain", plain)))
`)
	if err != nil || out != "True True True\n" {
		t.Errorf("%v\n%s", err, out)
	}
}

// What a protocol says of itself is not lost where a script holds it.
func TestProtocolSaysWhatItDoes(t *testing.T) {
	t.Parallel()
	inside := struct {
		node.Protocol
		serving
	}{}
	for name, says := range map[string]bool{
		"OnlyServes": (&protocolValue{Protocol: inside}).OnlyServes(), "NeverAborts": (&protocolValue{Protocol: inside}).NeverAborts(),
		"CrashTolerant": (&protocolValue{Protocol: inside}).CrashTolerant(), "Roundless": (&protocolValue{Protocol: inside}).Roundless(),
		"Symmetric": (&protocolValue{Protocol: inside}).Symmetric(),
	} {
		if !says {
			t.Errorf("%s is lost", name)
		}
	}
	// A faulty server that only serves leaves the monitors of a model what they are.
	worlds := map[string]string{}
	for name, answers := range map[string]string{"serves": "pass", "may operate": "if self.id == 'Z': self.invoked(op)"} {
		out, err := runScript(t, `
answers = [1, 2, 3, 4]
op = operation("get")
def init(self):
    self.given = 0
def on_ask(self, m):
    self.given += 1
    self.send(m.sender, "answer", value = self.given)
    `+answers+`
def begin(self):
    self.next = 0
def on_exchange(self):
    if self.next == 3:
        self.refuse("is done")
        return
    self.next += 1
    self.invoked(op)
    self.broadcast("ask")
def on_answer(self, m):
    self.returns(m.value)
p = protocol("p", role(init = init, on_ask = on_ask), role(init = begin, on_exchange = on_exchange, on_answer = on_answer))
cluster(p, n = 2, f = 0, clients = {"c": [], "d": []})
twin("B")
r = explore(exchanges(reach = [["A"]]) * 6, check = linearizable(model(0, lambda s, op: (s + 1, s + 1))))
print(r.ok, r.worlds)
`)
		if err != nil || !strings.HasPrefix(out, "True ") {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
		worlds[name] = out
	}
	if worlds["serves"] == worlds["may operate"] {
		t.Errorf("what may be is kept, or the histories, in both: %v", worlds)
	}
}

// serving says yes to all that a protocol can say.
type serving struct{}

func (serving) OnlyServes() bool    { return true }
func (serving) NeverAborts() bool   { return true }
func (serving) CrashTolerant() bool { return true }
func (serving) Roundless() bool     { return true }
func (serving) Symmetric() bool     { return true }
