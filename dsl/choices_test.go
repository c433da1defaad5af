package dsl

import (
	"strings"
	"testing"
)

// What an act takes, its noun takes as a list of choices: a list is the choice of what it
// would be with each of its names alone, in the same order.
func TestNounsTakeListsOfNames(t *testing.T) {
	for _, c := range []struct {
		list, apart, bad, errs string
	}{
		{`duplicates(["ack", "update"], "A", "c1")`, `duplicates("ack", "A", "c1") | duplicates("update", "A", "c1")`,
			`duplicates(["ack", "no"], "A", "c1")`, `no node handles or sends a message of type "no"`},
		{`replays(["ack", "update"], "A", ["c1", "B"])`, `replays("ack", "A", ["c1", "B"]) | replays("update", "A", ["c1", "B"])`,
			`replays(["ack", 1], "A", "c1")`, "replays: type: got a list with int in it"},
		{`releases("c1", ["A", "B"], max = 2)`, `releases("c1", "A") | releases("c1", "B") | steps(release_2("A"), release_2("B"))`,
			`releases("c1", ["A", "Z"])`, `releases: release: no instance "Z"`},
		{`orders(["c1", "c2"], ["A", "B"])`, `orders("c1", ["A", "B"]) | orders("c2", ["A", "B"])`,
			`orders(["c1", "Z"], ["A"])`, `orders: order: no instance "Z"`},
		{`drops(["ack", "update"], "A", "c1")`, `drops("ack", "A", "c1") | drops("update", "A", "c1")`,
			`drops(["ack"], "A", [""])`, `drops: dst: "" is no instance`},
	} {
		var out strings.Builder
		stage := `def on_update(self, m):
    self.send(m.sender, "ack")

def on_ack(self, m):
    pass

def on_exchange(self):
    self.broadcast("update")

p = protocol("p", role(on_update = on_update), role(on_exchange = on_exchange, on_ack = on_ack))
cluster(p, n = 4, clients = {"c1": [], "c2": []})
hold("c1", "A")
hold("c1", "B")
def release_2(server):
    return releases("c1", server, max = 2).at(1)[0]
`
		script := stage + "a, b = [str(s) for s in " + c.list + "], [str(s) for s in " + c.apart + "]\n" +
			"print(sorted(a) == sorted(b), len(a))\n"
		if err := testInterpreter(t, &out).Exec(t.Context(), "x.star", script); err != nil || !strings.HasPrefix(out.String(), "True ") {
			t.Errorf("%s: got %v and %s", c.list, err, &out)
		}
		if err := testInterpreter(t, &out).Exec(t.Context(), "x.star", stage+c.bad); err == nil || !strings.Contains(err.Error(), c.errs) {
			t.Errorf("%s: got %v, want %s", c.bad, err, c.errs)
		}
	}
}
