package dsl

import (
	"fmt"
	"strings"
	"testing"
)

// staged sets up a system of four servers that count timeouts.
func staged(t *testing.T, out *strings.Builder) *Interpreter {
	t.Helper()
	in := testInterpreter(t, out)
	if got := evalAll(t, in, `
def on_timeout(self):
    self.count += 1
def init(self):
    self.count = 0
def show(self):
    return str(self.count)
counter = protocol("counter", role(init = init, show = show, on_timeout = on_timeout))
def counts(): return [state(id).count for id in ["A", "B"]]`, "cluster(counter)"); !strings.HasPrefix(got, "world(") {
		t.Fatal(got)
	}
	return in
}

func TestWalks(t *testing.T) {
	in := staged(t, nil)
	for _, c := range []struct{ text, want string }{
		{`timeout("A")`, "[1, 0]"},
		{`timeout("A")`, "[2, 0]"},
		{`timeout("B")`, "[2, 1]"},
		{"undo()", "[2, 0]"},
		{"goto(0)", "[0, 0]"},
		{"redo()", "[1, 0]"},
		{"goto(3)", "[2, 1]"},
		{"goto(1)", "[1, 0]"},
		{`timeout("B")`, "[1, 1]"},
		{"goto(branches()[0])", "[2, 1]"},
		{"goto(branches()[1])", "[1, 1]"},
		{"enter(branches()[0])", "[2, 1]"},
		{"undo(2)", "[1, 0]"},
	} {
		evalAll(t, in, c.text)
		if got := evalAll(t, in, "counts()"); got != c.want {
			t.Errorf("after %s: got %s, want %s", c.text, got, c.want)
		}
	}
	want := "* 0  3 steps, ahead: … timeout(\"B\")\n* 1  2 steps, ahead: … timeout(\"B\")"
	if got := evalAll(t, in, "branches()"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for text, want := range map[string]string{
		"goto(4)":       "goto: there is no step 4 here; steps 0 to 3 are",
		"goto(-1)":      "goto: there is no step -1 here; steps 0 to 3 are",
		`goto("start")`: "goto: got a string, want a world or the number of a step; enter(report) goes to a counterexample",
		"enter(None)":   "enter: got None, want a world; a report of a search that found nothing has no counterexample",
		"enter(3)":      "enter: got an int, want a report, one of its violations or failures, or a world",
	} {
		if got := evalAll(t, in, text); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

// A session that wanders about forever keeps the last branches only, and never
// loses the one that it is on.
func TestBranchesAreBounded(t *testing.T) {
	in := staged(t, nil)
	texts := `
def wander():
    for i in range(100):
        goto(0)
        for id in ["A", "B", "C", "D"]:
            for k in range(i % 5 + 1):
                timeout(id)
wander()`
	evalAll(t, in, texts)
	if got := evalAll(t, in, "len(branches())", "branches()[-1].depth == world().depth"); got != fmt.Sprint(maxBranches, "; True") {
		t.Errorf("got %s", got)
	}
}

func TestEnterGoesToOtherSystems(t *testing.T) {
	in := staged(t, nil)
	got := evalAll(t, in, `timeout("A")`, "old = world()", `cluster(counter, n = 7)`, "enter(old).depth", `undo()`, `twin("D")`, "state(\"D'\").count")
	if want := "1; world(counter, after 0 steps); world(counter, after 0 steps); 0"; !strings.HasSuffix(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A world of another system is no place on the way here: it is entered on purpose.
func TestGotoStaysInTheSystem(t *testing.T) {
	in := staged(t, nil)
	evalAll(t, in, `timeout("A")`, "old = world()", `cluster(counter, n = 7)`)
	want := "goto: the world is of another system, counter n=4 f=1, than the current one, counter n=7 f=1; enter(world) goes to a world of any system"
	_, err := in.Eval(t.Context(), "x.star", func() ([]byte, error) { return []byte("goto(old)\n"), nil })
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
	if got := evalAll(t, in, "world().depth", "enter(old).depth", "goto(old).depth"); got != "0; 1; 1" {
		t.Errorf("got %s", got)
	}
}

func TestNext(t *testing.T) {
	var out strings.Builder
	in := staged(t, &out)
	evalAll(t, in, `crash("B")`, `partition(["A", "B"], ["C", "D"])`, "next()")
	for _, want := range []string{"\nrestart(\"B\") ", "\nheal() "} {
		if !strings.Contains("\n"+out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
	evalAll(t, in, `restart("B")`, "heal()")
	out.Reset()
	evalAll(t, in, "next()")
	if strings.Contains(out.String(), "heal()") || strings.Contains(out.String(), "restart") {
		t.Errorf("nothing is broken, and yet:\n%s", out.String())
	}
}

// What a script leads to is what it was saved from.
func TestScript(t *testing.T) {
	in := staged(t, nil)
	evalAll(t, in, "unneeded = 1", `twin("B")`, `timeout("A")`, `timeout("B'")`, `timeout("A")`, "undo()")
	script, err := in.Script()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(script, "unneeded") || strings.Contains(script, "def counts") {
		t.Errorf("it holds what it doesn't need:\n%s", script)
	}
	again := testInterpreter(t, nil)
	if err := again.Exec(t.Context(), "saved.star", script); err != nil {
		t.Fatalf("%v\n%s", err, script)
	}
	for i := range in.World().Cluster().Instances() {
		if got, want := again.World().Summary(i), in.World().Summary(i); got != want {
			t.Errorf("instance %d is at %s, want %s", i, got, want)
		}
	}
	if again.World().Depth() != 2 {
		t.Errorf("it takes %d steps, want 2", again.World().Depth())
	}
	if _, err := testInterpreter(t, nil).Script(); err == nil {
		t.Error("a script leads to no system at all")
	}
}

// An operation may have the name of a builtin, or none that a script can call.
func TestScriptWritesOperations(t *testing.T) {
	in := testInterpreter(t, nil)
	evalAll(t, in, "def on_exchange(self): self.invoked(self.program[0])", "def on_invoke(self, op): self.invoked(op)", "def on_round(self, round): pass",
		`p = protocol("p", replica = role(on_round = on_round), client = role(on_exchange = on_exchange, on_invoke = on_invoke))`,
		`cluster(p, n = 1, f = 0, clients = {"c1": [operation("release", 1)], "c2": [operation("len"), operation("two words", key = "x")]})`,
		`exchange("c1", ["A"])`, `invoke("c2", operation("release"))`)
	script, err := in.Script()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`[operation("release", 1)]`, `[operation("len"), operation("two words", key="x")]`, `invoke("c2", operation("release"))`} {
		if !strings.Contains(script, want) {
			t.Errorf("it does not say %s:\n%s", want, script)
		}
	}
	if err := testInterpreter(t, nil).Exec(t.Context(), "saved.star", script); err != nil {
		t.Errorf("%v\n%s", err, script)
	}
}

// A protocol that no variable holds is written as cluster was given it.
func TestScriptWritesProtocols(t *testing.T) {
	in := staged(t, nil)
	evalAll(t, in, "def make(n): return protocol('made', role(init = init, on_timeout = on_timeout))", "cluster(make(n = 3), f = 0, n = 2)", `timeout("A")`)
	script, err := in.Script()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(script, "\ncluster(make(n = 3), n = 2, f = 0)\ntimeout(\"A\")\n") {
		t.Errorf("got\n%s", script)
	}
	if err := testInterpreter(t, nil).Exec(t.Context(), "saved.star", script); err != nil {
		t.Errorf("%v\n%s", err, script)
	}
	evalAll(t, in, "def inner(p): return cluster(p)", "inner(make(1))")
	if script, err := in.Script(); err == nil {
		t.Errorf("no reader can know what p was:\n%s", script)
	}
}
