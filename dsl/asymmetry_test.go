package dsl

import (
	"strings"
	"testing"
)

// Symmetry that was asked for and cannot be used is said to be so, with the reason.
func TestSymmetryNotUsed(t *testing.T) {
	const replicas = `
def on_round(self, round):
    self.broadcast("seen", round = round.number)
def on_seen(self, m):
    self.decide(m.round, m.round)
def fine(w):
    return True
def system(symmetric = True, n = 3):
    cluster(protocol("seeing", replica = role(on_round = on_round, on_seen = on_seen), symmetric = symmetric), n = n, f = 0)
`
	const promise = "the protocol does not promise that it treats servers the same, as one that is declared symmetric does"
	for _, test := range []struct{ name, script, want string }{
		{"used", "system()\nr = explore(rounds() * 2, check = agreement(), symmetry = True)", ""},
		{"no promise", "system(False)\nr = explore(rounds() * 2, check = agreement(), symmetry = True)", promise},
		{"no promise to be sampled", "system(False)\nr = explore(rounds() * 2, check = agreement(), symmetry = \"sampled\")", promise},
		{"not asked for", "system(False)\nr = explore(rounds() * 2, check = agreement())", ""},
		{"refused", "system(False)\nr = explore(rounds() * 2, check = agreement(), symmetry = False)", ""},
		{"an invariant", "system()\nr = explore(rounds() * 2, check = invariant(\"fine\", fine), symmetry = True)", "fine is judged of whole worlds, and may look at names in them"},
		{"live", "system()\nr = explore(rounds() * 2, check = live(3), symmetry = True)", "live within 3 rounds is judged of whole worlds, and may look at names in them"},
		{"amnesia", "system()\nr = explore(amnesias([\"B\"]) + rounds() * 2, check = agreement(), symmetry = True)", "amnesia makes B faulty in some scenarios only"},
		{"the space", "system()\nr = explore(rounds(\"A\", partitions(max = 1)) + rounds(\"B\", partitions(max = 1)) + crashes([\"C\"]), check = agreement(), symmetry = True)", "no renaming of interchangeable servers or clients turns the space into itself"},
		{"the start", "system(n = 2)\ncrash(\"A\")\nr = explore(rounds() * 2, check = agreement(), symmetry = True)", "no renaming that turns the space into itself leaves the world in which it begins as it is"},
	} {
		t.Run(test.name, func(t *testing.T) {
			out, err := runScript(t, replicas+test.script+"\nprint(r)\nprint(r.renamings > 1, r.asymmetry)\n")
			if err != nil {
				t.Fatal(err)
			}
			line := "symmetry   not used: " + test.want + "\n"
			if said := strings.Contains(out, "symmetry   not used"); said != (test.want != "") || said && !strings.Contains(out, line) || !strings.HasSuffix(out, " "+test.want+"\n") {
				t.Errorf("got\n%s\nwant %q", out, line)
			}
			if strings.Contains(out, "\nTrue ") != (test.name == "used") {
				t.Errorf("got\n%s", out)
			}
		})
	}
}
