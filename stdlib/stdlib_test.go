package stdlib_test

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/twinsh/twinsh/dsl"
	"github.com/twinsh/twinsh/stdlib"
)

// output runs a script and returns what it prints. Beside the modules of @std
// it can load one for each protocol in Go.
func output(t *testing.T, script string, protocols ...dsl.Protocol) string {
	t.Helper()
	modules := fstest.MapFS{}
	names, err := fs.Glob(stdlib.Modules, "*.star")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := stdlib.Modules.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		modules[name] = &fstest.MapFile{Data: text}
	}
	for _, p := range protocols {
		modules[p.Name+".star"] = &fstest.MapFile{Data: fmt.Appendf(nil, "%s = native(%[1]q)\n", p.Name)}
	}
	var out strings.Builder
	in, err := dsl.New(dsl.Config{Modules: modules, Protocols: protocols, Stdout: &out})
	if err != nil {
		t.Fatal(err)
	}
	if err := in.Exec(t.Context(), "x.star", script); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestChains(t *testing.T) {
	output(t, `
load("@std//assert.star", "assert")
load("@std//chain.star", "GENESIS", "conflict", "extend", "extends", "height", "name", "parent_of", "path", "round_of")

a = extend(GENESIS, 1, "1a")
ab = extend(a, 2, "2b")
ac = extend(a, 3, "3c")
assert.eq([height(c) for c in [GENESIS, a, ab]], [0, 1, 2])
assert.eq([round_of(c) for c in [GENESIS, a, ac]], [0, 1, 3])
assert.eq([parent_of(c) for c in [GENESIS, a, ac]], [None, GENESIS, a])
assert.eq([name(c) for c in [GENESIS, a, ac]], ["G", "1a", "3c"])
assert.eq([extends(ab, c) for c in [GENESIS, a, ab, ac]], [True, True, True, False])
assert.eq([conflict(ab, c) for c in [GENESIS, a, ab, ac]], [False, False, False, True])
assert.eq([path(c, ab) for c in [GENESIS, a, ab, ac]], [[a, ab], [ab], [], [ab]])
`)
}

func TestQuorums(t *testing.T) {
	output(t, `
load("@std//assert.star", "assert")
load("@std//quorum.star", "byzantine_quorum", "majority", "voters")

for n in range(1, 12):
    # Any two majorities share one; with one vote less they need not. Those that did not crash are one.
    assert.true(2 * majority(n) - n > 0 and 2 * (majority(n) - 1) - n <= 0, n)
    assert.true(majority(n) <= n - (n - 1) // 2, n)
    for f in range((n + 2) // 3):
        q = byzantine_quorum(n, f)
        # Any two quorums share a correct identity; with one vote less they need not.
        assert.true(q + q - n > f, (n, f))
        assert.true(2 * (q - 1) - n <= f, (n, f))
        # The correct ones are a quorum.
        assert.true(q <= n - f, (n, f))
votes = set([("A", 1), ("B", 1), ("A", 2), ("A", 1)])
assert.eq([voters(votes, v) for v in [1, 2, 3]], [["A", "B"], ["A"], []])
`)
	output(t, `
load("@std//assert.star", "assert")
load("@std//quorum.star", "certificate")

def on_round(self, round):
    self.votes = []
    for value in ["x", round.number]:
        self.send("A", "vote", vote = self.sign(value))

def on_vote(self, m):
    self.votes.append(m.vote)
    self.certs = [certificate(self.votes, value, 2) for value in ["x", 1, "y"]]

cluster(protocol("p", role(on_round = on_round, on_vote = on_vote)), n = 2, f = 0)
round("A")
assert.eq(str(state("A").certs), '[signed("x", by = 2), signed(1, by = 2), None]')
`)
}

// Without faults the protocols decide, however long they run.
func TestProgress(t *testing.T) {
	for _, name := range []string{"hotstuff", "streamlet"} {
		got := output(t, fmt.Sprintf(`
load("@std//%[1]s.star", make = %[1]q)
cluster(make())
for i in range(40):
    round("ABCD"[i %% 4])
check(agreement())
decided = [h for h in history() if h.kind == "decided"]
print(len(decided), len(history()), decided[-1].slot, decided[-1].value)
`, name))
		want := map[string]string{"hotstuff": "148 148 37 37a\n", "streamlet": "156 156 39 39a\n"}[name]
		if want = "agreement: holds\n" + want; got != want {
			t.Errorf("%s: got  %swant %s", name, got, want)
		}
	}
	got := output(t, `
load("@std//bracha.star", "bracha", "totality")
cluster(bracha(), network = "held")
round("B")
round("A")  # which begins nothing
check(agreement())
check(totality(["A", "B", "C", "D"]))
print([state(i).delivered for i in "ABCD".elems()])
`)
	if want := "agreement: holds\ntotality: holds\n[\"1a\", \"1a\", \"1a\", \"1a\"]\n"; got != want {
		t.Errorf("bracha: got  %swant %s", got, want)
	}
}

// Reliable broadcast by a twin: what each threshold is for.
func TestBracha(t *testing.T) {
	for _, test := range []struct{ options, property, want string }{
		{"", "agreement()", "holds"},
		{"", "everybody", "holds"},
		{"amplify = False", "agreement()", "holds"},
		{"amplify = False", "everybody", "3 B, C delivered, but D never will"},
		{"echo_quorum = 2", "agreement()", "holds"},
		{"echo_quorum = 2", "everybody", "3 B, C delivered, but D never will"},
		{"deliver_quorum = 2", "agreement()", "holds"},
		{"deliver_quorum = 2", "everybody", "4 B delivered, but C, D never will"},
		{"echo_quorum = 2, deliver_quorum = 2", "agreement()", `3 B decided "1a" for slot 1 in step 3, but D decided "1b" for it in step 3`},
		{"ready_quorum = 1", "agreement()", "holds"}, // only a forger shows what is wrong with that
		{"ready_quorum = 1", "everybody", "holds"},
	} {
		got := output(t, fmt.Sprintf(`
load("@std//bracha.star", "bracha", "totality")
cluster(bracha(%s), network = "held")
twin("A")
everybody = totality(["B", "C", "D"])
report = explore(rounds("faulty", partitions(max = 2), phases = 4), check = %s, first = True)
if report.ok and not report.vacuous:
    print("holds")
for v in report.violations:
    print(v.length, v.why)
`, test.options, test.property))
		if got != test.want+"\n" {
			t.Errorf("bracha(%s): %s: got  %swant %s", test.options, test.property, got, test.want)
		}
	}
}

// Protocols that promise to treat servers the same do.
func TestSymmetry(t *testing.T) {
	for _, test := range []struct{ name, space string }{
		{"hotstuff", `rounds("faulty", partitions(max = 2)) * 5`},
		{"streamlet", `rounds("faulty", partitions(max = 2), deaf = [[], ["B"], ["C"], ["D"]], types = ["vote"]) * 4`},
	} {
		got := output(t, fmt.Sprintf(`
load("@std//%[1]s.star", make = %[1]q)
cluster(make())
twin("A")
reports = [explore(%[2]s, check = agreement(), symmetry = used) for used in [False, True]]
print(reports[1].asymmetry, reports[1].worlds < reports[0].worlds, reports[0].progress == reports[1].progress)
`, test.name, test.space))
		if want := " True True\n"; got != want {
			t.Errorf("%s: got %swant%s", test.name, got, want)
		}
	}
}

// hearsay is the worst protocol: a replica decides what it hears first.
const hearsay = `
def on_propose(self, m):
    if not self.done:
        self.done = True
        self.decide(1, m.value)

def init(self):
    self.done = False

def hearsay(value):
    def on_round(self, round):
        if round.leader == self.id:
            self.broadcast("propose", value = value(round))
    return protocol("hearsay", replica = role(init = init, on_round = on_round, on_propose = on_propose))
`

// What leaders propose differs, so that to decide whatever is heard is no
// agreement, even if all are correct. It is if all propose the same.
func TestInputsDiffer(t *testing.T) {
	for _, test := range []struct{ value, want string }{
		{"round.input", `agreement VIOLATED 2 A decided "1a" for slot 1 in step 1, but D decided "2a" for it in step 2`},
		{`"a"`, "agreement holds"},
	} {
		got := output(t, hearsay+fmt.Sprintf(`
cluster(hearsay(lambda round: %s))
report = explore(rounds(partitions = partitions(max = 2)) * 4, check = agreement())
for v in report.violations:
    print("agreement VIOLATED", v.length, v.why)
if report.ok:
    print("agreement holds")
`, test.value))
		if got != test.want+"\n" {
			t.Errorf("%s: got %s", test.value, got)
		}
	}
}

// An old lock is a proven loop, although new inputs are kept, too.
func TestRebaseInput(t *testing.T) {
	for _, test := range []struct{ rebase, want string }{
		{"rebase_input(value, by)", "a proven loop"},
		{"value", "no progress in 60 good rounds"},
	} {
		got := output(t, fmt.Sprintf(`
load("@std//rounds.star", "rebase_input")

def init(self):
    self.lock = ""
    self.input = ""

def on_round(self, round):
    self.input = round.input
    if round.leader == self.id:
        self.broadcast("propose", value = self.lock or round.input)

def on_propose(self, m):
    self.lock = self.lock or m.value

def rebase(self, by):
    value = self.lock
    self.lock = %[1]s
    value = self.input
    self.input = %[1]s

cluster(protocol("locks", replica = role(init = init, rebase = rebase, on_round = on_round, on_propose = on_propose)), n = 3, f = 0)
round("A", groups = [["A"], ["B", "C"]])
print(try_(lambda: check(live(60))).error)
`, test.rebase))
		if !strings.Contains(got, test.want) {
			t.Errorf("%s: got %s", test.rebase, got)
		}
	}
}
