package dsl

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A hostile script is executed in a process of its own, with little memory,
// because it may be the end of one.
type hostile struct {
	name   string
	script string
	module string // text of "m.star", which the script can load
	want   string // of the error; empty if there is none
}

// hostileKey is the environment variable that names the folder of the script.
const hostileKey = "TWINSH_HOSTILE_SCRIPT"

// TestHostileChild is not a test but the process in which a hostile script runs.
func TestHostileChild(t *testing.T) {
	dir := os.Getenv(hostileKey)
	if dir == "" {
		t.Skip("run by the tests of hostile scripts")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	in, err := New(Config{Stdout: os.Stdout})
	if err != nil {
		t.Fatal(err)
	}
	if err := in.ExecFile(ctx, filepath.Join(dir, "main.star")); err != nil {
		fmt.Println("error:", err)
	}
	os.Exit(0)
}

// run executes the script and fails unless it ends as it should.
func (h hostile) run(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "main.star", h.script)
	write(t, dir, "m.star", h.module)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	child := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestHostileChild$")
	if sh, err := exec.LookPath("sh"); err == nil {
		child = exec.CommandContext(ctx, sh, "-c", `ulimit -v 6000000; exec "$0" "$@"`, os.Args[0], "-test.run=^TestHostileChild$")
	}
	child.Env = append(os.Environ(), hostileKey+"="+dir)
	var out bytes.Buffer
	limited := &firstBytes{to: &out, left: 1 << 16}
	child.Stdout, child.Stderr = limited, limited
	err := child.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) || ctx.Err() != nil {
		t.Fatalf("the process died (%v): %.2000s", err, out.String())
	} else if err != nil {
		t.Fatal(err)
	}
	_, failed, found := strings.Cut(out.String(), "error: ")
	if h.want == "" && found || !strings.Contains(failed, h.want) {
		t.Errorf("got %.2000q\nwant an error with %q", out.String(), h.want)
	}
}

// firstBytes keeps the first bytes of what is written and drops the rest.
type firstBytes struct {
	to   io.Writer
	left int
}

func (f *firstBytes) Write(p []byte) (int, error) {
	n := min(len(p), f.left)
	f.left -= n
	f.to.Write(p[:n])
	return len(p), nil
}

func runHostile(t *testing.T, list []hostile) {
	for _, h := range list {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			h.run(t)
		})
	}
}

// inFunction makes a protocol in a function, with the given definitions before
// the handler that calls work.
func inFunction(definitions string) string {
	return "def make():\n" + indented(definitions) + `
    def on_round(self, round):
        self.x = work(round.number)
    return protocol("p", replica = role(on_round = on_round))

cluster(make(), n = 4, f = 1)
round("A")
`
}

// Functions that refer to themselves from within a function hold themselves,
// and freezing such a one never ends.
func TestRecursiveClosures(t *testing.T) {
	runHostile(t, []hostile{
		{name: "itself", want: "main.star:2:9: function work called recursively: it refers to itself", script: inFunction(`
def work(n):
    return 1 if n == 0 else n * work(n - 1)`)},
		{name: "each other", want: "main.star:2:9: function even called recursively: it refers to itself through work", script: inFunction(`
def even(n):
    return n == 0 or work(n - 1)
def work(n):
    return n != 0 and even(n - 1)`)},
		{name: "lambda", want: "main.star:2:5: function work called recursively", script: inFunction(`
work = lambda n: 1 if n == 0 else n * work(n - 1)`)},
		{name: "from further inside", want: "main.star:2:9: function work called recursively", script: inFunction(`
def work(n):
    def inner(n):
        return [work(m) for m in range(n)]
    return inner(n)`)},
		{name: "through another name", want: "role: on_round: function work called recursively", script: inFunction(`
def work(n):
    return other(n - 1) if n else 0
other = work`)},
		{name: "through a tuple", want: "role: on_round: function work called recursively", script: inFunction(`
def work(n):
    return found[0](n - 1) if n else 0
found = (0, (work,))`)},
		{name: "in an invariant", want: "invariant: fn: function holds called recursively", script: `
def make():
    def holds(w):
        return found[0](w) if w.depth else True
    found = (holds,)
    return invariant("i", holds)
make()`},
		{name: "loaded", want: `the variable f of`, script: `load("m.star", "f")`, module: `
def make():
    def f(n):
        return found[0](n - 1) if n else 0
    found = (f,)
    return f
f = make()`},
		{name: "after the role was made", want: "protocol p: function work called recursively", script: `
def make():
    found = ()
    def work(n):
        return found
    def on_round(self, round):
        self.x = work(1)
    p = protocol("p", replica = role(on_round = on_round))
    found = (work,)
    return p
cluster(make(), n = 4, f = 1)`},
		{name: "in a variable of the script", want: "the variable found: function work called recursively", script: `
def make():
    def work(n):
        return mine
    mine = (work,)
    return work
found = [make()]
def on_round(self, round):
    self.x = len(found)
cluster(protocol("p", replica = role(on_round = on_round)), n = 4, f = 1)`},
		{name: "chain", want: "role: on_round: nests deeper than 1000 levels", script: `
def link(f):
    return lambda n: f
def make():
    work = lambda n: n
    for i in range(500000):
        work = link(work)
    return protocol("p", replica = role(on_round = work))
cluster(make())`},
		{name: "many times", want: "role: on_round: holds more than 2097152 tuples and functions", script: `
def link(f, g):
    return lambda n: (f, g)
def make():
    work = lambda n: n
    for i in range(60):
        work = link(work, work)
    return protocol("p", replica = role(on_round = work))
cluster(make())`},
	})
}

// What looks like recursion and is none stays allowed.
func TestNoRecursion(t *testing.T) {
	for _, script := range []string{
		inFunction("def helper(n):\n    return n\ndef work(n):\n    return helper(n)"),
		inFunction("def work(n):\n    return n\nolder = work\ndef work(n):\n    return older(n)"),
		inFunction("def work(n):\n    def work(n):\n        return n\n    return work(n)"),
		inFunction("table = {}\ndef work(n):\n    return table['other'](n)\ndef other(n):\n    return n + len(table)\ntable['work'] = work\ntable['other'] = other"),
		"a = [1]\na.append(a)\nprint(a)\nd = {}\nd[1] = d\nprint(d)\n" + inFunction("def work(n):\n    return len(a)"),
	} {
		if err := testInterpreter(t, nil).Exec(t.Context(), "x.star", script); err != nil {
			t.Errorf("%s\n%v", script, err)
		}
	}
}
