package dsl

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fingerprinted is a script that a test edits.
const fingerprinted = `
load("@std//assert.star", "assert")
load("helper.star", "double")

limit = 3
names = {"x": [1, 2]}

def helper(n):
    return n + limit

def make(step, base):
    def more(n, by = base):
        return n + by

    def on_round(self, round):
        self.seen = double(helper(round.number)) + more(step)
        if round.leader == self.id and len(names["x"]) < 9:
            self.broadcast("hi")

    def on_hi(self, m):
        self.decide(0, "v")

    def on_exchange(self):
        self.send("A", "hi")

    return protocol("p", replica = role(on_round = on_round, on_hi = on_hi), client = role(on_exchange = on_exchange))

def small(w):
    return w.round_number < limit + 90 and spots.size > 0

def allowed(v):
    return v == "v" or v in names

cluster(make(5, 1), n = 2, f = 0)
spots = rounds(["A"] * 9 + ["B"])
space = rounds("any") * 4
props = [invariant("small", small), validity(allowed), agreement()]
`

const (
	stopped = `explore(space, check = props, max_worlds = 2, checkpoint = "progress")` + "\n"
	resumed = `r = explore(space, check = props, checkpoint = "progress", resume = True)` + "\n" + `print(r.complete, r.ok)` + "\n"
)

// A checkpoint belongs to what its script says and means, wherever it lies and
// however it is laid out.
func TestFingerprintOfScripts(t *testing.T) {
	files := t.TempDir()
	const module = "def double(n):\n    return 2 * n\n"
	run := func(dir, script, module string) (string, error) {
		t.Helper()
		write(t, dir, "helper.star", module)
		write(t, dir, "script.star", script)
		var out strings.Builder
		in, err := New(Config{Modules: testModules(t), Stdout: &out, WriteDir: files})
		if err != nil {
			t.Fatal(err)
		}
		err = in.ExecFile(t.Context(), filepath.Join(dir, "script.star"))
		return out.String(), err
	}
	edit := func(text, old, new string) string {
		if !strings.Contains(text, old) {
			t.Fatalf("%q is not there", old)
		}
		return strings.ReplaceAll(text, old, new)
	}
	here := t.TempDir()
	if _, err := run(here, fingerprinted+stopped, module); err != nil {
		t.Fatal(err)
	}
	saved, err := os.ReadFile(filepath.Join(files, "progress"))
	if err != nil {
		t.Fatal(err)
	}
	const code, invariant, valid = "the code of the protocol", "the arguments of small", "the arguments of validity"
	for _, tc := range []struct{ name, script, module, want string }{
		{"unchanged", fingerprinted, module, ""},
		{"laid out otherwise", "# more\n\n" + edit(fingerprinted, "    return n + limit", "    # why not\n    return n  +  limit"), module, ""},
		{"something else", edit(fingerprinted, "limit = 3", "limit = 3\nother = 4"), module, ""},
		{"a handler", edit(fingerprinted, `broadcast("hi")`, `send("A", "hi")`), module, code},
		{"a literal", edit(fingerprinted, "self.decide(0,", "self.decide(1,"), module, code},
		{"what a handler calls", edit(fingerprinted, "return n + limit", "return n - limit"), module, code},
		{"a global that it names", edit(fingerprinted, "limit = 3", "limit = 4"), module, code + ", " + invariant},
		{"deep in a global", edit(fingerprinted, "[1, 2]", "[1, 3]"), module, code + ", " + valid},
		{"what it captured", edit(fingerprinted, "make(5,", "make(6,"), module, code},
		{"the type of what it captured", edit(fingerprinted, "make(5,", "make(5.0,"), module, code},
		{"a default value", edit(fingerprinted, "make(5, 1)", "make(5, 2)"), module, code},
		{"the name of an attribute", edit(fingerprinted, "self.seen", "self.saw"), module, code},
		{"the role of clients", edit(fingerprinted, `self.send("A"`, `self.send("B"`), module, code},
		{"what survives amnesia", edit(fingerprinted, "on_hi = on_hi)", `on_hi = on_hi, persistent = ["seen"])`), module, code},
		{"whether it is symmetric", edit(fingerprinted, "on_exchange = on_exchange))", "on_exchange = on_exchange), symmetric = True)"), module, code},
		{"what it tolerates", edit(fingerprinted, "on_exchange = on_exchange))", "on_exchange = on_exchange), tolerates = \"crash\")"), module, "the system (p n=2 f=0 there, p n=2 f=0, tolerates crashes here), " + code},
		{"a module", fingerprinted, edit(module, "2 *", "3 *"), code},
		{"another branch", edit(fingerprinted, "        if round.leader == self.id and len(names[\"x\"]) < 9:\n            self.", "        self."), module, code},
		{"the invariant", edit(fingerprinted, "limit + 90", "limit + 91"), module, invariant},
		{"a space that it names", edit(fingerprinted, `["A"] * 9 + ["B"]`, `["B"] + ["A"] * 9`), module, invariant},
		{"the validity function", edit(fingerprinted, `v == "v"`, `v == "w"`), module, valid},
		{"a list for a function", edit(fingerprinted, "validity(allowed)", `validity(["v", "x"])`), module, valid},
		{"one property less", edit(fingerprinted, ", agreement()", ""), module, "the property agreement"},
		{"the network", edit(fingerprinted, "f = 0)", `f = 0, network = "held")`), module, "the network (lossy there, held here)"},
		{"the space", edit(fingerprinted, `rounds("any")`, `rounds("A")`), module, "the size of the space (256 there, 16 here)"},
		{"a space of the same size", edit(fingerprinted, `rounds("any") * 4`, `rounds("any") * 3 + rounds("any", hops = 1)`), module, "the space"},
		{"the start", fingerprinted + "round(\"A\")\n", module, "the start"},
	} {
		// From another folder: no name of a file counts.
		if err := os.WriteFile(filepath.Join(files, "progress"), saved, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := run(t.TempDir(), tc.script+resumed, tc.module)
		switch {
		case tc.want == "" && (err != nil || out != "True True\n"):
			t.Errorf("%s: it does not go on: %q, %v", tc.name, out, err)
		case tc.want != "" && (err == nil || !strings.Contains(err.Error(), "was written by another search; what differs is "+tc.want)):
			t.Errorf("%s: got %q, %v, want %s", tc.name, out, err, tc.want)
		}
	}
}

// A search with symmetry that is checked on a sample does not become one with
// symmetry that is checked.
func TestSymmetryModeIsKept(t *testing.T) {
	const script = `
def on_round(self, round):
    if round.leader == self.id:
        self.broadcast("hi")
def on_hi(self, m):
    self.count = 1
p = protocol("p", replica = role(on_round = on_round, on_hi = on_hi), symmetric = True)
cluster(p, n = 3, f = 0)
explore(rounds("any") * 3, symmetry = "sampled", max_worlds = 2, checkpoint = "progress")
explore(rounds("any") * 3, symmetry = True, checkpoint = "progress", resume = True)
`
	in, err := New(Config{WriteDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	err = in.Exec(t.Context(), "x.star", script)
	if err == nil || !strings.Contains(err.Error(), "what differs is symmetry (sampled there, always here)") {
		t.Errorf("got %v", err)
	}
}
