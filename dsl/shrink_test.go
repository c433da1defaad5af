package dsl

import (
	"errors"
	"strings"
	"testing"
)

// counting is a protocol that a script makes by a function: a replica decides
// for slot 1, with what its settings say, when it has waited in vain so often.
const counting = `
LIMIT = 2

def unneeded():
    pass

def make(limit, values, label = "x", spare = None):
    def reached(self):
        return self.count >= limit and label == "it's"

    def init(self):
        self.count = 0

    def on_timeout(self):
        self.count += 1
        if reached(self):
            self.decide(1, values[self.id])

    return protocol("counting", role(init = init, on_timeout = on_timeout))

def both_idle(w):
    return w.state("A").count + w.state("B").count < LIMIT or "busy"
`

// What shrink prints plays the scenario again, and it violates the property.
func TestShrunkScripts(t *testing.T) {
	const values = `{"A": "a", "B": "b", "C": "a"}`
	for _, test := range []struct {
		name, script, want string
		steps              int
	}{
		{"settings that handlers know", `
limit = 2
cluster(make(limit, ` + values + `, label = "it's"), n = 3, f = 0)
for id in ["C", "A", "B", "A", "C", "B"]:
    timeout(id, "B" if id == "C" else "C")
print(shrink(world(), agreement()))`,
			`cluster(make(limit = 2, values = {"A": "a", "B": "b", "C": "a"}, label = "it's"), n = 3, f = 0)`, 0},
		{"a protocol with a name", `
p = protocol("named", role(on_timeout = lambda self: self.decide(1, self.id)))
cluster(p, n = 3, f = 0, servers = ["A", "B", "x"])
twin("x")
w = timeout("A", "B", "x")
s = shrink(w, [agreement()])
print(s)`, "cluster(p, servers = [\"A\", \"B\", \"x\"], f = 0)\ntimeout(\"A\", \"B\")\ncheck(agreement())", 1},
		{"an invariant", `
cluster(make(9, []), n = 2, f = 0)
quiet = invariant("both are idle", both_idle)
timeout("A", "B")
timeout("B")
print(shrink(world(), [agreement(), quiet]))`, "cluster(make(limit = 9, values = []), n = 2, f = 0)\ntimeout(\"A\", \"B\")\ncheck(invariant(\"both are idle\", both_idle))", 1},
		{"a property at the end, which a function makes", `
cluster(make(9, []), n = 2, f = 0)
def calm(most):
    return at_end(invariant("calm", lambda w: w.state("A").count < most))
timeout("A")
timeout("B")
timeout("A")
print(shrink(world(), calm(2)))`, "timeout(\"A\")\ntimeout(\"A\")\ncheck(calm(most = 2))", 2},
		{"steps from here on", `
cluster(make(1, ` + values + `, "it's"), n = 3, f = 0)
timeout("C")
rest = [w.timeout("B") for w in [world()]][0].steps
goto(world().parent)
print(shrink(rest, agreement()))`, "timeout(\"C\")\ntimeout(\"B\")\ncheck(agreement())", 2},
		{"a protocol of a function within another", `
def outer(n):
    def inner():
        return make(n, ` + values + `, "it's")
    return inner()
def setting():
    cluster(outer(1), n = 2, f = 0)
    timeout("A", "B")
    print(shrink(world(), agreement()))
setting()`, `cluster(make(limit = 1, values = {"A": "a", "B": "b", "C": "a"}, label = "it's"), n = 2, f = 0)`, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out strings.Builder
			if err := testInterpreter(t, &out).Exec(t.Context(), "x.star", counting+test.script); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(out.String(), test.want) || strings.Contains(out.String(), "unneeded") {
				t.Errorf("got\n%s\nwant it to hold\n%s", out.String(), test.want)
			}
			if strings.Contains(out.String(), "LIMIT") != strings.Contains(test.want, "both_idle") {
				t.Errorf("LIMIT is needed by both_idle only:\n%s", out.String())
			}
			again := testInterpreter(t, nil)
			err := again.Exec(t.Context(), "again.star", out.String())
			var failed *CheckFailed
			if !errors.As(err, &failed) || !strings.Contains(failed.Message, "VIOLATED") {
				t.Errorf("%v\n%s", err, out.String())
			}
			if test.steps > 0 && again.World().Depth() != test.steps {
				t.Errorf("it takes %d steps, want %d", again.World().Depth(), test.steps)
			}
		})
	}
}

// What functions use may be defined after them. A variable of the script that is
// called as a local one of theirs is not needed.
func TestShrunkScriptOfLateDefinitions(t *testing.T) {
	for _, quorum := range []string{"Q", "q()"} {
		out, err := runScript(t, `
m = [undone for undone in [1]]
def init(self):
    self.count = 0
def on_timeout(self):
    for m in [1]:
        self.count += m
    if self.count >= `+quorum+`:
        self.decide(1, self.id)
def q():
    return Q
Q = 1
Q = Q + 1
p = protocol("late", role(init = init, on_timeout = on_timeout))
cluster(p, n = 2, f = 0)
r = explore(timeouts() * 4, check = agreement())
print(shrink(r))
Q = 5`)
		if err != nil || strings.Contains(out, "no script") || strings.Contains(out, "undone") || !strings.Contains(out, "Q = 1\nQ = Q + 1\n") || strings.Contains(out, "Q = 5") {
			t.Errorf("%v\n%s", err, out)
		}
		var failed *CheckFailed
		if err := testInterpreter(t, nil).Exec(t.Context(), "again.star", out); !errors.As(err, &failed) {
			t.Errorf("%v\n%s", err, out)
		}
	}
}

// The shell knows what was evaluated.
func TestShrunkScriptOfShell(t *testing.T) {
	in := testInterpreter(t, nil)
	evalAll(t, in, counting, `cluster(make(1, {"A": "a", "B": "b"}, "it's"), n = 2, f = 0)`, `timeout("A")`, `timeout("B")`, `s = shrink(world(), agreement())`)
	script := evalAll(t, in, "s.script")
	if !strings.Contains(script, `cluster(make(limit = 1, values = {`) && !strings.Contains(script, `cluster(make(1, `) || !strings.Contains(script, `def make(limit`) {
		t.Errorf("got %s", script)
	}
}

// What cannot be written says so.
func TestShrunkScriptWithoutNames(t *testing.T) {
	var out strings.Builder
	in := testInterpreter(t, &out)
	if err := in.Exec(t.Context(), "x.star", `
def late(self):
    self.late = True
cluster(protocol("hidden", role(on_timeout = late)), n = 2, f = 0)
timeout("A", "B")
print(shrink(world(), invariant("never", lambda w: not hasattr(w.state("B"), "late"))))`); err != nil {
		t.Fatal(err)
	}
	want := `# hidden stands for a protocol that no variable here or in a module holds, and no function there makes
cluster(hidden, n = 2, f = 0)
timeout("B")
fail("not whole: write check(…) here with never, which has no name here")
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
	// Kept as a test, such a script must not pass.
	text, err := runScript(t, `def init(self):
    self.slow = True
def late(self):
    self.slow = False
p = protocol("p", role(init = init, on_timeout = late))
cluster(p, n = 2, f = 0)
timeout("A")
print(shrink(world(), invariant("never", lambda w: w.state("A").slow)))`)
	if err != nil || !strings.Contains(text, "cluster(p, n = 2, f = 0)\n") {
		t.Fatalf("%v\n%s", err, text)
	}
	if _, err := runScript(t, text); err == nil || !strings.Contains(err.Error(), "not whole: write check(…) here with never, which has no name here") {
		t.Errorf("%v\n%s", err, text)
	}
}

// An operation may be called as a function of the language is, or as no function can be. It is
// written such that a script can make it, where it is typed again, in programs and in steps.
func TestShrunkOperations(t *testing.T) {
	t.Parallel()
	for op, want := range map[string]string{
		`operation("release")`: `operation("release")`, `operation("in", 3)`: `operation("in", 3)`, `operation("set", key = "x", value = 1)`: `operation("set", key="x", value=1)`,
		`operation("take", 2)`: "take(2)",
	} {
		out, err := runScript(t, `
def on_ask(self, m):
    self.send(m.sender, "yes")
def begins(self, op):
    self.invoked(op)
    self.broadcast("ask")
def on_exchange(self):
    begins(self, self.program[0])
def on_yes(self, m):
    self.returns(7)
p = protocol("p", role(on_ask = on_ask), role(on_exchange = on_exchange, on_invoke = begins, on_yes = on_yes))
def ones(state, op):
    return (state, 1)
op = `+op+`
cluster(p, n = 1, f = 0, clients = {"c": [op], "d": [op]})
spec = linearizable(model(0, ones))
print(shrink(explore(exchanges("c"), check = spec).counterexample, spec).script)
print(shrink(explore(invokes(op, "c") + deliveries(), check = spec).counterexample, spec).script)
`)
		for _, want := range []string{`"c": [` + want + "]", `invoke("c", ` + want + ")"} {
			if err != nil || !strings.Contains(out, want) || strings.Contains(out, "no script plays") {
				t.Errorf("%s: %v, no %s in\n%s", op, err, want, out)
			}
		}
	}
}
