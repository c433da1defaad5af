package dsl

import (
	"strings"
	"testing"
)

// blaming has servers that accuse those who sent them different things in one
// round; careless ones accuse the one that leads a second time.
const blaming = `
def blames(careless):
    def init(self):
        self.said, self.blamed = {}, set()
    def on_round(self, round):
        if round.leader == self.id:
            self.broadcast("say", round = round.number, value = round.input)
    def on_say(self, m):
        if m.sender in self.said and (careless or self.said[m.sender] != (m.round, m.value) and self.said[m.sender][0] == m.round):
            self.blamed.add(m.sender)
        self.said[m.sender] = (m.round, m.value)
    def on_timeout(self):
        self.decide(1, self.id)
    return protocol("blaming", replica = role(init = init, on_round = on_round, on_say = on_say, on_timeout = on_timeout))
def justly(w):
    for i in ["A", "B"]:
        for b in w.state(i).blamed:
            if b not in ["C", "D"]:
                return "%s blames %s, which is correct" % (i, b)
    return True
def space():
    return rounds(["A", "C"], partitions(max = 1)) * 2
`

// A property says for how many faulty servers it promises something, and only
// where more are faulty its verdict says that it proves nothing.
func TestBeyond(t *testing.T) {
	const some, only = "beyond f, proves nothing", "more servers are faulty than agreement allows: beyond f, its verdict proves nothing"
	for _, test := range []struct{ name, script, want, not string }{
		{"an invariant holds for any number", `cluster(blames(False), n = 4, f = 1)
twin("C")
twin("D")
r = explore(space(), check = invariant("just", justly))`, "just holds in all 4 scenarios\nFalse", "beyond"},
		{"and is violated for any number", `cluster(blames(True), n = 4, f = 1)
twin("C")
twin("D")
r = explore(space(), check = invariant("just", justly))`, "just VIOLATED", "beyond"},
		{"one with a bound", `cluster(blames(True), n = 4, f = 1)
twin("C")
twin("D")
r = explore(space(), check = invariant("just", justly, faults = 1))`,
			"just (up to 1 faulty) holds in all 4 scenarios; 0% made progress\nnote       NOTHING put just (up to 1 faulty) to the test: it takes a world where at most 1 server is faulty, and there was none; its verdict proves nothing\nFalse", "beyond"},
		{"beyond f on the way", `cluster(blames(False), n = 4, f = 1)
r = explore((amnesias(["C"]) + amnesias(["D"]) | heals() * 3) + timeouts(["A"]) + timeouts(["B"]), check = agreement())`,
			some + "\nnote       that is so in the shortest counterexample of agreement; a longer one within f is not ruled out\nTrue", ""},
		{"within its bound", `cluster(blames(True), n = 4, f = 1)
twin("C")
twin("D")
r = explore(space(), check = invariant("just", justly, faults = 2))`, "just (up to 2 faulty) VIOLATED", "beyond"},
		{"beyond the bound on the way", `cluster(blames(False), n = 4, f = 1)
r = explore((amnesias(["C"]) + amnesias(["D"]) | heals() * 3) + timeouts(["A"]) + timeouts(["B"]), check = [agreement(faults = 1), agreement(faults = 2), at_end(agreement(faults = 1))])`,
			"verdict    agreement (up to 2 faulty) VIOLATED   shortest after 4 steps", "beyond"},
		{"within the bound, longer", `cluster(blames(False), n = 4, f = 1)
r = explore((amnesias(["C"]) + amnesias(["D"]) | heals() * 3) + timeouts(["A"]) + timeouts(["B"]), check = agreement(faults = 1))`,
			"verdict    agreement (up to 1 faulty) VIOLATED   shortest after 5 steps (1 of that length)\n           in 1 scenario (50.0% of those covered)", "beyond"},
		{"a violation before it", `cluster(blames(False), n = 4, f = 1)
r = explore(timeouts(["A"]) + timeouts(["B"]) + amnesias(["C"]), check = [agreement(faults = 0), at_end(agreement(faults = 0))])`,
			"agreement (up to 0 faulty) VIOLATED   shortest after 2 steps", "at the end VIOLATED"},
		{"agreement is for f", `cluster(blames(False), n = 4, f = 1)
twin("C")
twin("D")
r = explore(timeouts() * 2, check = [agreement(), invariant("just", justly)])`, only + "\nTrue", some},
		{"f is enough", `cluster(blames(False), n = 4, f = 1)
twin("C")
r = explore(timeouts() * 2, check = [agreement(), invariant("just", justly)])`, "agreement VIOLATED", "beyond"},
		{"validity is for any number", `cluster(blames(False), n = 4, f = 1)
twin("C")
twin("D")
r = explore(timeouts(), check = validity(["A", "B"]))`, "validity holds in all", "beyond"},
		{"check", `cluster(blames(False), n = 4, f = 1)
twin("C")
twin("D")
r = struct(beyond = None)
check([invariant("just", justly), invariant("just with one", justly, faults = 1), validity([])])`,
			"just: holds\njust with one (up to 1 faulty): holds; it takes a world where at most 1 server is faulty to put that to the test, and there was none, so this proves nothing\nvalidity: holds; it takes", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			out, err := runScript(t, blaming+test.script+"\nprint(r)\nprint(r.beyond)\n")
			if err != nil || !strings.Contains(out, test.want) || test.not != "" && strings.Contains(out, test.not) {
				t.Errorf("got %v\n%s\nwant %q, and not %q", err, out, test.want, test.not)
			}
		})
	}
	for script, want := range map[string]string{
		`invariant("i", lambda w: True, faults = -1)`:  "invariant: faults: got -1, want a number of servers or None",
		`invariant("i", lambda w: True, faults = "f")`: `invariant: faults: got "f", want a number of servers or None`,
		`agreement(faults = 1 << 40)`:                  "agreement: faults: got 1099511627776, want a number of servers or None",
		`validity([1], faults = 1.5)`:                  "validity: faults: got 1.5, want a number of servers or None",
		`linearizable("queue", faults = -2)`:           "linearizable: faults: got -2, want a number of servers or None",
		`k_atomic(2, faults = [])`:                     "k_atomic: faults: got [], want a number of servers or None",
		`history(faults = 1)`:                          "history: name is a NoneType, want what should hold",
	} {
		if _, err := runScript(t, script); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got error %v, want %q", script, err, want)
		}
	}
}
