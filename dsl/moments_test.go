package dsl

import (
	"strings"
	"testing"
)

// gathering is a leader that waits for all that comes, and then proposes what most sent.
const gathering = `
def init(self):
    self.heard, self.proposed, self.hops = [], False, 0

def on_round(self, round):
    self.heard, self.proposed, self.leads = [], False, round.leader == self.id
    self.send(round.leader, "status", value = self.id)

def on_status(self, m):
    self.heard.append(m.value)

def on_quiet(self):
    if self.leads and not self.proposed:
        self.proposed = True
        self.broadcast("propose", value = max(self.heard), count = len(self.heard))

def on_propose(self, m):
    self.decide(1, (m.value, m.count))

def on_hop(self, k):
    self.hops = k
`

// A leader proposes when nothing more can come in its part of the network, and only then.
func TestOnQuiet(t *testing.T) {
	stage := gathering + `
p = protocol("gathering", role(init = init, on_round = on_round, on_status = on_status, on_quiet = on_quiet, on_propose = on_propose, on_hop = on_hop))
cluster(p, n = 4)
`
	for script, want := range map[string]string{
		`round("A")`: `A ("D", 4)|B ("D", 4)|C ("D", 4)|D ("D", 4)`,
		`round("A", groups = [["A", "B"], ["C", "D"]])`:                `A ("B", 2)|B ("B", 2)`,
		`partition(["A", "B"], ["C", "D"]); round("C")`:                `C ("D", 2)|D ("D", 2)`,
		`round("A", hops = 1); deliver()`:                              `A ("D", 4)|B ("D", 4)|C ("D", 4)|D ("D", 4)`,
		`round("A", hops = 1)`:                                         ``,
		`round("A", deaf = ["A"], types = ["status"])`:                 `A ("A", 1)|B ("A", 1)|C ("A", 1)|D ("A", 1)`,
		`crash("A"); round("A")`:                                       ``,
		`cut("C", "A"); round("A", groups = [["A", "C"], ["B", "D"]])`: `A ("A", 1)|C ("A", 1)`,
	} {
		out, err := runScript(t, stage+strings.ReplaceAll(script, "; ", "\n")+`
print("|".join(["%s %s" % (e.instance, repr(e.value)) for e in history() if e.kind == "decided"]))`)
		if err != nil || strings.TrimSpace(out) != want {
			t.Errorf("%s: %q, %v, want %q", script, out, err, want)
		}
	}
	// Hops count in one step, and in a part that is silent none begins.
	out, err := runScript(t, stage+`
round("A", groups = [["A", "B"], ["C"], ["D"]])
print([state(i).hops for i in ["A", "B", "C", "D"]])
show("shiviz")
print(why(check(validity(lambda v: False))))
`)
	if err == nil {
		t.Errorf("validity holds")
	}
	for _, want := range []string{"[2, 2, 0, 0]\n", "1 all is quiet; sends propose", "1 hop 2 begins"} {
		if !strings.Contains(out, want) {
			t.Errorf("got\n%s\nwant %q", out, want)
		}
	}
}

// One that answers each quiet moment never falls silent; what moments cannot be asked for is
// refused where it is written.
func TestWrongMoments(t *testing.T) {
	const stage = `
def on_round(self, round): pass
def on_ping(self, m): pass
def stage(**on):
    cluster(protocol("p", role(on_round = on_round, on_ping = on_ping, **on)), n = 2, f = 0)
def chatter(self):
    self.broadcast("ping")
def refuses(self):
    self.refuse("will not")
def fails(self):
    fail("quiet!")
def say(w):
    print([(e.instance, e.text) for e in w.history()])
`
	for script, want := range map[string]string{
		"stage(on_quiet = chatter)\nsay(round(\"A\"))":                                  `[("A", "still sends ping after 1000 hops; a node must fall silent when nothing new reaches it")]`,
		"stage(on_quiet = refuses)\nsay(round(\"A\"))":                                  `[]`,
		"stage(on_quiet = fails)\nsay(round(\"A\"))":                                    `[("A", "protocol p: on_quiet: quiet! (x.star:11:9)`,
		"stage(on_quiet = lambda self, m: None)":                                        "role: on_quiet is called with (self), which",
		"stage(on_hop = lambda self: None)":                                             "role: on_hop is called with (self, k), which",
		"stage(on_hops = lambda self, m: None)":                                         "on_hops is the handler of messages of the type hops (did you mean on_hop?)",
		"stage(on_queit = lambda self, m: None)":                                        "did you mean on_quiet?",
		"stage(on_quiet = lambda self: self.send(\"A\", \"quiet\"))\nsay(round(\"A\"))": "message quiet: on_quiet is the handler of an event",
	} {
		out, err := runScript(t, stage+script)
		if err != nil {
			out += err.Error()
		}
		if !strings.Contains(out, want) {
			t.Errorf("%s: %s, want %q", script, out, want)
		}
	}
}
