package dsl

import (
	"strings"
	"testing"
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
