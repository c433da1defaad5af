package dsl

import (
	"strings"
	"testing"
)

// A chain of blocks that name their parents by digests: states stay small however long
// it grows, and symmetry renames what the digests stand for.
const chain = `
def init(self):
    self.tip = digest("genesis")

def on_round(self, round):
    if round.leader == self.id:
        self.broadcast("block", by = self.id, parent = self.tip)

def on_block(self, m):
    if m.parent == self.tip and m.sender == m.by:
        self.tip = digest((m.by, m.parent))



cluster(protocol("chain", replica = role(init = init, on_round = on_round, on_block = on_block), symmetric = True), n = 4)
`

func TestDigestInStates(t *testing.T) {
	out, err := runScript(t, chain+`
for symmetry in (True, False):
    r = explore(rounds(partitions = partitions(max = 2)) * 3, check = agreement(), symmetry = symmetry)
    print(r.covered, r.asymmetry == "", r.renamings > 1)
for i in range(100):
    round("ABCD"[i % 4])
print(len(set([str(state(i)) for i in ["A", "B", "C", "D"]])), state("A").tip == state("B").tip, state("A").tip == digest("genesis"))
print(state("A").tip)
`)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 4 || lines[0] != strings.Replace(lines[1], " False", " True", 1) || lines[2] != "1 True False" {
		t.Error(out)
	}
	if !strings.HasPrefix(lines[3], `digest of ("D", digest`) || len(lines[3]) > 60 {
		t.Error(lines[3])
	}
}

// Values nest deeper than ten levels and are compared; where the library compares them
// itself, the error says what to do.
func TestDeepComparison(t *testing.T) {
	const deep = `
def deep(n, last):
    v = (last,)
    for i in range(n):
        v = (i, v)
    return v
`
	for script, want := range map[string]string{
		`assert_(deep(60, 1) == deep(60, 1) and deep(60, 1) != deep(60, 2))`:  "",
		`assert_(deep(60, 1) in [deep(60, 1)] and deep(60, 1) < deep(60, 2))`: "",
		`assert_(digest(deep(40, 1)) == digest(deep(40, 1)))`:                 "",
		`assert_(digest(1) == digest(1.0) and digest(1) != digest("1"))`:      "",
		`assert_(len(set([digest(1), digest(2), digest(1)])) == 2)`:           "",
		`deep(20, 1) in set([deep(20, 1)])`:                                   "let digest(value) stand for the value",
		`digest(deep(70, 1))`:                                                 "digest: the value nests deeper than 64 levels",
		`digest(len)`:                                                         "digest: the value holds a builtin_function_or_method; values may be",
		`digest(1) < digest(2)`:                                               "digests have no order",
		`digest()`:                                                            "digest: ",
		`digest(1).value`:                                                     "digest has no .value",
	} {
		_, err := runScript(t, deep+"def assert_(ok):\n    if not ok: fail('no')\n"+script)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", script, err, want)
		}
	}
}
