package dsl

import (
	"fmt"
	"strings"
	"testing"
)

// upTo has replicas that decide in each round, and whose code fails in some round: at all
// of them when they have decided, or at one before it does.
const upTo = `
def counts(fails_in, at):
    def on_round(self, round):
        if round.number < fails_in or self.id != at:
            self.decide(round.number, "x")
        if round.number == fails_in and at in (self.id, "all"):
            fail("cannot go on")
    return protocol("counting", replica = role(on_round = on_round))
`

// voting has replicas that decide once, when they have heard three votes.
const voting = `
def init(self):
    self.heard, self.done = set(), False
def on_round(self, round):
    self.broadcast("vote")
def on_vote(self, m):
    self.heard.add(m.sender)
    if len(self.heard) == 3 and not self.done:
        self.done = True
        self.decide(1, "x")
cluster(protocol("voting", replica = role(init = init, on_round = on_round, on_vote = on_vote)), n = 4, f = 1)
`

// Code that fails in steps which a property takes by itself is a finding, whatever the
// property says, in searches and samples, in judge and in check.
func TestFailuresOfPropertiesThatPlay(t *testing.T) {
	for _, test := range []struct{ name, script, want, not string }{
		{"none decides", upTo + `
cluster(counts(2, "all"))
r = explore(rounds("A", partitions(max = 1)), check = live(2))
print(r, r.failures[0].length, r.failures[0].counterexample.depth, r.failures[0].instance)`,
			"the code of A failed in the steps that live within 2 rounds takes to judge: protocol counting: on_round: cannot go on", ""},
		{"one decides and fails", upTo + `
cluster(counts(1, "all"))
r = explore(rounds("A", partitions(max = 1)), check = live(2))
print(r.failures[0].length, r.failures[0].scenarios, r.failures[0].counterexample.depth, r.failures[0].place)`, "0 1 2 playing:7:17", ""},
		{"the others go on", upTo + `
cluster(counts(2, "B"))
r = explore(rounds("A", partitions(max = 1)), check = live(2))
print([v.property for v in r.violations], [(f.length, f.instance) for f in r.failures])`, `[] [(1, "B")]`, ""},
		{"nothing fails", upTo + `
cluster(counts(9, "B"))
print(explore(rounds("A", partitions(max = 1)), check = live(2)))`, "live within 2 rounds holds in the 1 scenario", "FAILED"},
		{"it fails both ways", upTo + `
cluster(counts(2, "B"))
r = explore(rounds("A", partitions(max = 1)) * 2, check = live(2))
print([(f.length, f.counterexample.depth, f.shortest, f.scenarios) for f in r.failures])
print([f.why.split(":")[0] for f in r.failures])`,
			`[(1, 3, 1, 1), (2, 2, 1, 1)]` + "\n" + `["the code of B failed in the steps that live within 2 rounds takes to judge", "the code of B failed"]`, ""},
		{"a sample", upTo + `
cluster(counts(2, "B"))
r = sample(rounds("A", partitions(max = 1)), 1, check = live(2))
print([(f.length, f.instance) for f in r.failures])`, `[(1, "B")]`, ""},
		{"an invariant that plays on", upTo + `
cluster(counts(2, "B"))
r = explore(rounds("A", partitions(max = 1)), check = invariant("goes on", lambda w: w.round("A").depth > 0))
print([(f.length, f.instance, f.why.split(":")[0]) for f in r.failures])`, `[(1, "B", "the code of B failed in the steps that goes on takes to judge")]`, ""},
		{"judge", upTo + `
cluster(counts(1, "B"))
v = judge(live(2))
print(v.holds, [(f.instance, f.step) for f in v.failures])`, `True [("B", 2)]`, ""},
		{"judge without a look", upTo + `
cluster(counts(1, "B"))
print(judge(live(2)).holds)`, "the script never looks at the failures of this verdict", ""},
		{"a report without a look", upTo + `
cluster(counts(1, "B"))
print(explore(rounds("A"), check = live(2)).complete)`, "the script never looks at the failures of this report", ""},
		{"check", upTo + `
cluster(counts(1, "B"))
check(live(2))`, "the code of B failed in step 2, in steps that live within 2 rounds takes to judge", ""},
		{"shrunk and explained", upTo + `
cluster(counts(2, "B"))
r = explore(rounds("A") * 2, check = live(2))
print(shrink(r.failures[0]), why(r.failures[0]))`, "B fails", ""},
		{"with a checkpoint", upTo + `
cluster(counts(3, "B"))
space = rounds("A", partitions(max = 1)) * 2 + timeouts()
whole = explore(space, check = live(2))
part = explore(space, check = live(2), checkpoint = "c", max_worlds = 1)
rest = explore(space, check = live(2), checkpoint = "c", resume = True)
print(part.complete, len(rest.failures) > 0, [(f.length, f.counterexample.depth, f.why) for f in whole.failures] == [(f.length, f.counterexample.depth, f.why) for f in rest.failures])
whole.failures, part.failures, rest.failures`, "False True True", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out strings.Builder
			in, err := New(Config{Stdout: &out, WriteDir: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			if err := in.Exec(t.Context(), "playing", test.script); err != nil {
				out.WriteString(err.Error())
			}
			if got := out.String(); !strings.Contains(got, test.want) || test.not != "" && strings.Contains(got, test.not) {
				t.Errorf("got\n%s\nwant %q, and not %q", got, test.want, test.not)
			}
		})
	}
}

// Where more than f servers are faulty or down, live promises nothing; one that is down
// alone is no more than f.
func TestLiveWithServersDown(t *testing.T) {
	const beyond = "B is down: with the faulty ones, more than f = 1 servers are missing, which breaks no promise"
	for _, test := range []struct{ name, script, want, not string }{
		{"down and faulty", "twin(\"A\")\ncrash(\"B\")\n", beyond, ""},
		{"two down", "crash(\"B\")\ncrash(\"C\")\n", "; B and C are down: more than f = 1 servers are missing", "faulty ones"},
		{"one down", "crash(\"B\")\n", "live within 3 rounds hold in", "beyond"},
		{"one faulty", "twin(\"A\")\n", "live within 3 rounds hold in", "beyond"},
		{"up again", "twin(\"A\")\ncrash(\"B\")\nrestart(\"B\")\n", "live within 3 rounds hold in", "beyond"},
	} {
		t.Run(test.name, func(t *testing.T) {
			script := voting + test.script + `
r = explore(rounds("D", partitions(max = 1)), check = [live(3), agreement()])
print(r)
print(r.beyond)
`
			out, err := runScript(t, script)
			if err != nil || !strings.Contains(out, test.want) || test.not != "" && strings.Contains(out, test.not) {
				t.Errorf("got %v\n%s\nwant %q, and not %q", err, out, test.want, test.not)
			}
			if said := strings.Contains(out, "more servers are faulty or down than live within 3 rounds allows"); said != strings.Contains(out, "VIOLATED") || said != strings.HasSuffix(out, "True\n") {
				t.Errorf("got\n%s", out)
			}
		})
	}
}

// Where all code fails at what is in flight when the network becomes good, nothing is left that
// could be played. That is a verdict with a failure, and no mistake of the script.
func TestAllFailAtWhatIsInFlight(t *testing.T) {
	t.Parallel()
	const script = `
def on_timeout(self):
    self.broadcast("asked")
def on_asked(self, m):
    %s
cluster(protocol("p", role(on_timeout = on_timeout, on_asked = on_asked)), n = 2, f = 0)
timeout("A")
v = judge(live(3))
print(v.holds, [f.message for f in v.failures])
r = explore(timeouts(), check = live(3))
print(len(r.violations), [f.message for f in r.failures])
`
	for body, want := range map[string]string{
		`fail("no")`:               "False [\"protocol p: on_asked: no\"]\n1 [\"protocol p: on_asked: no\"]\n",
		`self.decide(1, m.sender)`: "True []\n0 []\n",
	} {
		out, err := runScript(t, fmt.Sprintf(script, body))
		if err != nil || out != want {
			t.Errorf("%s: %v\n%s\nwant\n%s", body, err, out, want)
		}
	}
}
