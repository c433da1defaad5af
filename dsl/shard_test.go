package dsl

import (
	"strings"
	"testing"

	"github.com/twinsh/twinsh/runtime/explore"
)

// A shard claims no more than it covered, in its report, in show and in why, and
// says that it is one.
func TestShardClaims(t *testing.T) {
	const hearsay = `
def init(self):
    self.done = False
def on_round(self, round):
    if round.leader == self.id:
        self.broadcast("propose", value = round.input)
def on_propose(self, m):
    if not self.done:
        self.done = True
        self.decide(1, m.value)
cluster(protocol("hearsay", replica = role(init = init, on_round = on_round, on_propose = on_propose)), n = 4, f = 1)
`
	const search = hearsay + `
r = explore(rounds() * 2, check = agreement())
print(r)
print("why", why(r) if not r.violations else "")
if not r.violations:
    show(r)
`
	// Replicas that remember all that they hear come to many worlds.
	growing := func(check, as string) string {
		return strings.NewReplacer("    if not self.done", "    self.heard += (m.value,)\n    if not self.done",
			"self.done = False", "self.done, self.heard = False, ()", "rounds() * 2", "rounds() * 3", check, as).Replace(search)
	}
	report := func(script string, i, count int) string {
		t.Helper()
		var out strings.Builder
		in, err := New(Config{Stdout: &out, Shard: explore.Shard{Index: i, Count: count}})
		if err != nil {
			t.Fatal(err)
		}
		if err := in.Exec(t.Context(), "x.star", script); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	for _, test := range []struct {
		name, script string
		index, count int
		want         []string
	}{
		{"all was done before the work was shared out", search, 0, 3, []string{"shard      1 of 3;", "agreement VIOLATED"}},
		{"so that nothing is left for others", search, 1, 3, []string{
			"shard      2 of 3;", "agreement not judged: shard 2 of 3 covered no scenario\n",
			"why nothing is violated as far as was judged: shard 2 of 3 covered no scenario\n",
			"\nnothing is violated as far as was judged: shard 2 of 3 covered no scenario; no scenario"}},
		{"the whole is no shard", search, 0, 1, []string{"1,024   all covered", "agreement VIOLATED"}},
		{"a part that holds", growing("check = agreement()", `check = invariant("fine", lambda w: True)`), 1, 2,
			[]string{"shard      2 of 2;", "fine holds in the ", " scenarios that shard 2 of 2 covered; ", "why nothing is violated in the "}},
		{"a part that was stopped", growing("agreement()", `invariant("fine", lambda w: True), max_worlds = 80`), 1, 2, []string{"stopped    going on would take more than 80 worlds\n", "fine not judged: shard 2 of 2"}},
	} {
		out := report(test.script, test.index, test.count)
		for _, want := range test.want {
			if !strings.Contains(out, want) {
				t.Errorf("%s: it does not say %q:\n%s", test.name, want, out)
			}
		}
		if strings.Contains(out, "all scenarios") || (test.count == 1) == strings.Contains(out, "shard") {
			t.Errorf("%s:\n%s", test.name, out)
		}
	}
}

// What does not go with a shard is named as a script writes it, with what would be right.
func TestShardArguments(t *testing.T) {
	for argument, want := range map[string]string{
		`first = True`:          `explore: a shard covers its part wholly, so that it cannot stop at the first violation; leave first = True out, or do without shards`,
		`checkpoint = "search"`: `explore: a shard has no checkpoint; leave checkpoint = "search" out, or do without shards`,
	} {
		in, err := New(Config{Stdout: new(strings.Builder), Shard: explore.Shard{Index: 1, Count: 2}})
		if err != nil {
			t.Fatal(err)
		}
		script := "cluster(protocol(\"mute\", replica = role(init = lambda self: None)), n = 1, f = 0)\nexplore(rounds(), check = agreement(), " + argument + ")"
		if err := in.Exec(t.Context(), "x.star", script); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v\nwant %s", argument, err, want)
		}
	}
}
