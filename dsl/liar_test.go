package dsl

import (
	"strings"
	"testing"
)

// Code in place of the protocol's counts as faulty, whatever it decides itself, holds its own
// key only, and is said to be beyond twins. With symmetry and without the counts are the same.
func TestOtherCode(t *testing.T) {
	const script = `
def init(self):
    self.leader, self.round = None, 0

def on_round(self, round):
    self.leader, self.round = round.leader, round.number
    if round.leader == self.id:
        self.broadcast("value", value = self.sign(round.number))

def on_value(self, m):
    if verify(m.value, by = self.leader) or not checks:
        self.decide(self.round, m.value.value)

def listens(self, round):
    self.leader = round.leader
    self.decide(round.number, "a lie")

def lies(self):
    for id in self.replicas:
        if id != self.id:
            self.send(id, "value", value = self.sign("a lie to the leader" if id == self.leader else "a lie"))

liar = role(on_round = listens, on_timeout = lies)
p = protocol("signed", role(init = init, on_round = on_round, on_value = on_value), symmetric = True)
cluster(p, n = 4, f = 1)
twin("B", replica = liar)
print(world().faulty)
def counts(symmetry):
    r = explore(rounds(["A", "C", "D"]) + timeouts("B") + deliveries(), check = agreement(), symmetry = symmetry)
    if symmetry:
        print(r)
        print(r.renamings > 1, r.ok)
    return (r.covered, r.violations[0].scenarios if r.violations else 0)
print(counts(True) == counts(False))
`
	for checks, want := range map[string]string{"checks = False\n": "\nTrue False\nTrue\n", "checks = True\n": "\nTrue True\nTrue\n"} {
		out, err := runScript(t, checks+script)
		if err != nil || !strings.HasSuffix(out, want) || !strings.HasPrefix(out, "[\"B\"]\n") ||
			!strings.Contains(out, "signed n=4 f=1, beyond twins: B runs other code\n") {
			t.Errorf("%s: %v\n%s", checks, err, out)
		}
	}
}

// A liar has its own key, and what is shrunk or saved writes its code.
func TestOtherCodeHasOneKey(t *testing.T) {
	out, err := runScript(t, `
def on_round(self, round):
    if round.leader == self.id:
        self.broadcast("value", value = self.sign("right"))

def on_value(self, m):
    if verify(m.value, by = "A"):
        self.decide(1, m.value.value)

def lies(self, round):
    self.broadcast("value", value = self.sign("wrong"))

def echoes(self, m):
    if m.value.signer != "A":
        return
    self.broadcast("value", value = self.sign(m.value.value + "!"))
    self.broadcast("value", value = self.sign("A"))

liar = role(on_round = lies, on_value = echoes)
p = protocol("signed", role(on_round = on_round, on_value = on_value))
cluster(p, n = 4, f = 1)
twin("C", replica = liar)
print(explore(rounds() * 3, check = validity(lambda v: v == "right")).ok)

def trusts(self, m):
    self.decide(1, m.value.value)

q = protocol("trusts", role(on_round = on_round, on_value = trusts))
cluster(q, n = 4, f = 1)
twin("C", k = 2, replica = liar)
print(world().faulty)
right = validity(lambda v: v == "right")
print(shrink(explore(rounds() * 2, check = right)))
`)
	if err != nil || !strings.HasPrefix(out, "True\n") || !strings.Contains(out, `twin("C", k = 2, replica = liar)`) || !strings.Contains(out, "liar = role(on_round = lies, on_value = echoes)") {
		t.Errorf("%v\n%s", err, out)
	}
}

// What cannot stand in place of a protocol's code.
func TestWrongOtherCode(t *testing.T) {
	const stage = `
def nothing(self, m): pass
liar = role(on_x = nothing)
p = protocol("p", role(on_x = nothing))
cluster(p)
`
	for script, want := range map[string]string{
		`twin("B", replica = nothing)`:             "twin: replica: got function, want role",
		`twin("B", replica = p)`:                   "twin: replica: got protocol, want role",
		`twin("E", replica = liar)`:                `twin: no identity "E"`,
		`twin("B", k = 0, replica = liar)`:         "twin: k is 0, want at least",
		`twin("B", k = "2", replica = liar)`:       "twin: k: got string, want int",
		`twin("B", k = 1)`:                         "twin: k is 1, want at least 2 instances of B",
		"twin(\"B\")\ntwin(\"B\", replica = liar)": "twin: B is a twin already",
		"heal()\ntwin(\"B\", replica = liar)":      "twins are declared before the first step",
		"twin(\"B\", replica = liar)\ndrop(\"y\")": `no node handles or sends a message of type "y"; there are x`,
	} {
		_, err := runScript(t, stage+script)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", script, err, want)
		}
	}
}

// Code that no variable holds is written by the names of its handlers.
func TestShrunkCodeWithoutName(t *testing.T) {
	const script = `
def on_round(self, round):
    self.broadcast("ask", v = self.id)

def on_ask(self, m):
    pass

def on_lie(self, m):
    self.decide(0, self.id)

def lies(self, m):
    self.send(m.sender, "lie", v = 1)

p = protocol("p", replica = role(on_round = on_round, on_ask = on_ask, on_lie = on_lie))
cluster(p, n = 3, f = 0)
twin("A", k = 2, replica = role(on_ask = lies, handlers = {"lie": lies}, label = {"lie": lambda m: "a lie"} if named else {}))
print(shrink(explore(rounds("C", hops = 2), check = agreement())))
`
	const code = `twin("A", k = 2, replica = role(on_ask = lies, on_lie = lies))`
	out, err := runScript(t, "named = False\n"+script)
	if err != nil || !strings.Contains(out, code) {
		t.Errorf("%v, want %s in\n%s", err, code, out)
	}
	out, err = runScript(t, "named = True\n"+script)
	if err != nil || !strings.Contains(out, "# no script plays this scenario again") {
		t.Errorf("%v, want that a label without a name cannot be written\n%s", err, out)
	}
}

// A faulty server that runs other code may begin operations where those of the protocol do not: what it
// began may have happened. Without that what a client read is explained by nothing.
func TestOtherCodeOperates(t *testing.T) {
	t.Parallel()
	for begins, want := range map[string]string{`self.invoked(operation("write", 7))`: "[True, True, True, True]", "pass": "[False, False, False, False]"} {
		out, err := runScript(t, `
def on_ask(self, m):
    self.send(m.sender, "have", value = None)
def lies(self, m):
    `+begins+`
    self.send(m.sender, "have", value = 7)
def on_exchange(self):
    self.invoked(operation("read"))
    self.broadcast("ask")
def on_have(self, m):
    self.returns(m.value)
cluster(protocol("p", role(on_ask = on_ask), role(on_exchange = on_exchange, on_have = on_have)), n = 2, f = 1, clients = {"c": [], "d": []})
twin("B", replica = role(on_ask = lies))
specs = [linearizable(), linearizable("cas"), strictly_linearizable(), sequentially_consistent()]
print([explore(exchanges(["c", "d"], [["A"], ["B"]]), check = p).ok for p in specs])
`)
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("%s: %v, want %s in\n%s", begins, err, want, out)
		}
	}
}
