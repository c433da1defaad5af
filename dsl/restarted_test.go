package dsl

import (
	"strings"
	"testing"
)

// Where a replica decides twice because it restarted and had kept nothing, the story says
// so; where it would have decided so all the same, it does not.
func TestWhyNamesRestarts(t *testing.T) {
	const once = `
def init(self):
    self.done = False
def on_round(self, round):
    if round.leader == self.id:
        self.broadcast("propose", value = round.input)
def on_propose(self, m):
    if not self.done or CARELESS:
        self.done = True
        self.decide(1, m.value)
CARELESS = False
cluster(protocol("once", replica = role(init = init, on_round = on_round, on_propose = on_propose)))
`
	const cause = "C decides \"1a\" in slot 1 in step 1, and restarts in step 3: with all that reached it otherwise the same, it would not have decided so in step 4."
	const steps = "round(\"A\")\nround(\"B\")\nrestart(\"C\")\nround(\"B\", [[\"A\"], [\"B\", \"C\", \"D\"]])\nprint(why(agreement()))"
	for _, test := range []struct {
		script string
		said   bool
	}{
		{once + steps, true},
		{once + strings.Replace(steps, "restart", "crash(\"C\")\nundo()\nrestart", 1), true},
		{strings.Replace(once, "CARELESS = False", "CARELESS = True", 1) + steps, false},
		{strings.Replace(once, "CARELESS = False", "CARELESS = True", 1) + strings.Replace(steps, "\"C\")", "\"D\")", 1), false},
	} {
		out, err := runScript(t, test.script)
		if err != nil || strings.Contains(out, cause) != test.said || strings.Contains(out, "restarts") != test.said || !strings.Contains(out, "agreement is violated") {
			t.Errorf("said %v, %v:\n%s", test.said, err, out)
		}
	}
}

// What a handler logs has room in the diagram, as what it decides has.
func TestDiagramOfLogs(t *testing.T) {
	out, err := runScript(t, `
def on_round(self, round):
    self.log("hello %s" % self.id)
cluster(protocol("talking", replica = role(on_round = on_round)), n = 4, f = 0)
round("A")
show("messages")
`)
	if err != nil || !strings.Contains(out, "hello A  hello B  hello C  hello D\n") {
		t.Errorf("%v\n%s", err, out)
	}
}

// A replica whose code fails is down in the storyboard; nothing changed in it.
func TestStoryboardOfFailures(t *testing.T) {
	out, err := runScript(t, `
def on_round(self, round):
    if self.id != "B":
        fail("no")
cluster(protocol("failing", replica = role(on_round = on_round)), n = 3, f = 0)
round("A")
show()
history()
`)
	if err != nil || strings.Contains(out, "changed") || !strings.Contains(out, " 1  round 1: A leads  down  \u00b7     down\n") {
		t.Errorf("%v\n%s", err, out)
	}
}

// What a server did not keep in a restart is named, if its answer rests on it, and not if it
// keeps it.
func TestWhyNamesRestartsOfServers(t *testing.T) {
	const script = `
def init(self):
    self.v = "nothing"

def on_put(self, m):
    self.v = m.v
    self.send(m.sender, "ok")

def on_get(self, m):
    self.send(m.sender, "val", v = self.v)

def on_invoke(self, op):
    self.invoked(op)
    if op.name == "write":
        self.send("A", "put", v = op.arg)
    else:
        self.send("A", "get")

store = role(init = init, on_put = on_put, on_get = on_get, persistent = kept)
client = role(on_invoke = on_invoke, on_ok = lambda self, m: self.returns(None), on_val = lambda self, m: self.returns(m.v))
cluster(protocol("p", store, client), n = 1, f = 0, clients = {"w": [], "r": []})
invoke("w", operation("write", "red"))
deliver()
crash("A")
restart("A")
invoke("r", operation("read"))
deliver()
print(why())
`
	const said = "A restarted in step 4, before it answered: with all that reached it otherwise the same, it would have answered otherwise."
	for kept, want := range map[string]bool{"[]": true, `["v"]`: false} {
		out, err := runScript(t, "kept = "+kept+script)
		if err != nil || strings.Contains(out, said) != want || !strings.Contains(out, "Just enough for r to return that") {
			t.Errorf("persistent = %s: %v\n%s", kept, err, out)
		}
	}
}

// A story of what is stuck does not write out whole states.
func TestWhySqueezesStates(t *testing.T) {
	out, err := runScript(t, `
def init(self):
    self.waits = []

def show(self):
    return "seen " + " ".join(self.waits)

def on_timeout(self):
    self.waits.append("a timeout that came too soon")

cluster(protocol("p", role(init = init, show = show, on_timeout = on_timeout)), n = 1, f = 0)
[timeout("A") for _ in range(9)]
print(why(invariant("never", lambda w: len(w.state("A").waits) < 9)))`)
	if err != nil || !strings.Contains(out, "after it A is at seen a timeout") || strings.Count(out, "a timeout that came") > 2 {
		t.Errorf("%v\n%s", err, out)
	}
}
