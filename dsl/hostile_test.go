package dsl

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A hostile script may be the end of the process that executes it.
type hostile struct {
	name   string
	script string
	module string // text of "m.star", which the script can load
	want   string // of the error; empty if there is none
}

// hostileKey is the environment variable that names the folder of the scripts
// and the first of them, as in "/tmp/x 3".
const hostileKey = "TWINSH_HOSTILE_SCRIPTS"

// hostileEnd ends what a script and its error print.
const hostileEnd = "\n--- the end of a script ---\n"

// TestHostileChild is not a test but the process that executes hostile scripts.
func TestHostileChild(t *testing.T) {
	dir, from, found := strings.Cut(os.Getenv(hostileKey), " ")
	if !found {
		t.Skip("run by the tests of hostile scripts")
	}
	for i, err := strconv.Atoi(from); ; i++ {
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, strconv.Itoa(i), "main.star")
		if _, err := os.Stat(path); err != nil {
			os.Exit(0)
		}
		in, err := New(Config{Stdout: io.Discard})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		if err := in.ExecFile(ctx, path); err != nil {
			fmt.Printf("error: %.3000v", err)
		}
		cancel()
		fmt.Print(hostileEnd)
	}
}

// runHostile executes scripts in a process of their own, with little memory,
// and in another one after each script that it does not survive.
func runHostile(t *testing.T, list []hostile) {
	t.Parallel()
	dir := t.TempDir()
	for i, h := range list {
		at := filepath.Join(dir, strconv.Itoa(i))
		write(t, at, "main.star", h.script)
		write(t, at, "m.star", h.module)
	}
	for i := 0; i < len(list); {
		out, failed := executeHostile(t, dir, i)
		texts := strings.Split(out, hostileEnd)
		for _, text := range texts[:len(texts)-1] {
			list[i].check(t, text)
			i++
		}
		if i < len(list) {
			t.Errorf("%s: the process died (%v): %.1000s", list[i].name, failed, texts[len(texts)-1])
			i++
		}
	}
}

func (h hostile) check(t *testing.T, out string) {
	t.Helper()
	out = strings.ReplaceAll(out, "\n", "\n\t")
	if h.want == "" && out != "" || !strings.Contains(out, h.want) {
		t.Errorf("%s: got %s\nwant an error with %q", h.name, out, h.want)
	}
}

// executeHostile executes scripts from the given one on, and returns what they
// printed.
func executeHostile(t *testing.T, dir string, from int) (string, error) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	args := []string{"-test.run=^TestHostileChild$"}
	child := exec.CommandContext(ctx, os.Args[0], args...)
	if sh, err := exec.LookPath("sh"); err == nil {
		child = exec.CommandContext(ctx, sh, append([]string{"-c", `ulimit -v 16000000; exec "$0" "$@"`, os.Args[0]}, args...)...)
	}
	child.Env = append(os.Environ(), hostileKey+"="+dir+" "+strconv.Itoa(from))
	out, err := child.CombinedOutput()
	// What a process occupied counts from before it was replaced by another: the
	// peak of this one is in it.
	var own syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &own); err != nil {
		t.Fatal(err)
	}
	if used, ok := child.ProcessState.SysUsage().(*syscall.Rusage); ok && runtime.GOOS == "linux" && used.Maxrss > max(2<<20, own.Maxrss) {
		t.Errorf("the process occupied %d MiB, want at most 2 GiB", used.Maxrss>>10)
	}
	return string(out), err
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
        return found[0](w) if w.round_number else True
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

// nested makes a value x that nests deep, or in which one is held many times.
func nested(start, step string, times int, use string) string {
	return fmt.Sprintf("x = %s\nfor i in range(%d):\n    x = %s\n%s", start, times, step, use)
}

// Values nest as deep as scripts like; what walks through them does not. They nest
// deeper here than is allowed by far, and less than takes long to make.
func TestDeepValues(t *testing.T) {
	const deep, long = 20_000, 30_000
	deeper := "nests deeper than 1000 levels"
	many := "the tuple holds more than 2097152 values in tuples"
	runHostile(t, []hostile{
		{name: "str", script: nested("[]", "[x]", deep, "str(x)"), want: "str: the list " + deeper},
		{name: "repr", script: nested("[]", "{1: x}", deep, "repr(x)"), want: "repr: the dict " + deeper},
		{name: "print", script: nested("None", "struct(x = [x])", deep, "print(1, x)"), want: "print: the struct " + deeper},
		{name: "fail", script: nested("[]", "[x]", deep, "fail(x)"), want: "fail: the list " + deeper},
		{name: "percent", script: nested("[]", "[x]", deep, "f = 'a %s'\nf % x"), want: "%: the list " + deeper},
		{name: "percent in a tuple", script: nested("[]", "[x]", deep, "'a %s %s' % (1, x)"), want: "%: the list " + deeper},
		{name: "format", script: nested("[]", "[x]", deep, "'{}'.format(x)"), want: "format: the list " + deeper},
		{name: "json", script: nested("[]", "[x]", deep, "json.encode(x)"), want: "json.encode: the list " + deeper},
		{name: "json text", script: "json.decode('[' * 20000)", want: "json.decode: the text " + deeper},
		{name: "json objects", script: "json.decode('{\"a\":' * 20000)", want: "json.decode: the text " + deeper},
		{name: "json indent", script: "json.indent('[' * 900 + ']' * 900, indent = 'x' * 1000000)", want: "json.indent: the result may be longer than 16777216 bytes"},
		{name: "tuple", script: nested("()", "(x,)", deep, ""), want: "the tuple " + deeper},
		{name: "structs", script: nested("()", "struct(x = x)", deep, "{x: 1}"), want: "struct: it " + deeper},
		{name: "args", script: "def f(*a):\n    return a\n" + nested("()", "f(x)", deep, ""), want: "the tuple " + deeper},
		{name: "lambda args", script: "f = lambda *a: a\n" + nested("()", "f(x, x)", 60, ""), want: many},
		{name: "pairs", script: nested("()", "(x, x)", 60, "{x: 1}"), want: many},
		{name: "zip", script: nested("1", "zip([x], [x])[0]", 60, ""), want: "zip: the result holds more than"},
		{name: "enumerate", script: nested("1", "enumerate([(x, x)])[0]", 60, ""), want: many},
		{name: "items", script: nested("1", "{x: x}.items()[0]", 60, ""), want: "items: the result holds more than"},
		{name: "popitem", script: nested("1", "getattr({0: x}, 'popitem')()", 2000, ""), want: "popitem: the result nests deeper than 1000 levels"},
		{name: "tuple of a list", script: nested("1", "tuple([x, x])", 60, ""), want: "tuple: the result holds more than"},
		{name: "text of lists", script: nested("['x' * 1000]", "[x, x]", 60, "str(x)"), want: "str: the list is longer than 16777216 bytes as text"},
		{name: "structs twice", script: nested("1", "struct(a = x, b = x)", 60, ""), want: "struct: it holds more than"},
		{name: "json of lists", script: nested("['x' * 1000]", "[x, x]", 60, "json.encode(x)"), want: "json.encode: the list is longer"},
		{name: "written", script: nested("['x' * 1000]", "[x, x]", 60, "validity(x)"), want: ""},
		{name: "written cycle", script: "x = [1]\nx.append(x)\nvalidity(x)", want: ""},
		{name: "cycle through a struct", script: "x = []\nx.append(struct(x = x))\nprint(x)", want: "print: the list holds itself"},
		{name: "cycle as JSON", script: "x = {}\nx['x'] = [x]\njson.encode(x)", want: "json.encode: the dict holds itself"},
		{name: "equal cycles", script: "x = []\nx.append(x)\ny = []\ny.append(y)\nx == y", want: "nests deeper than 1000 levels; compare digest(value)"},
		{name: "global of a module", script: `load("m.star", "x")`, module: nested("[]", "[x]", deep, ""), want: "the variable x of"},
		{name: "sum", script: "x = 1" + strings.Repeat("+1", long), want: "main.star:1:3: this nests deeper than 10000 levels"},
		{name: "calls", script: "x = max" + strings.Repeat("()", long), want: "this nests deeper than 10000 levels"},
		{name: "comparison", script: "print(1" + strings.Repeat(" and 1", long) + ")", want: "this nests deeper than 10000 levels"},
		{name: "elif", script: "if 1:\n    pass\n" + strings.Repeat("elif 1:\n    pass\n", long/2), want: "main.star:1:1: this nests deeper than 10000 levels"},
		{name: "parentheses", script: "x = " + strings.Repeat("(", long), want: "excessive nesting"},
		{name: "lambdas", script: "x = " + strings.Repeat("lambda: ", long) + "1", want: "excessive nesting"},
		{name: "not", script: "x = " + strings.Repeat("not ", long) + "1", want: "excessive nesting"},
		{name: "minus", script: "x = " + strings.Repeat("- ", long) + "1", want: "excessive nesting"},
	})
}

// What would take all memory, or for ever, is refused.
func TestLargeValues(t *testing.T) {
	doubled := func(start, step string) string { return nested(start, step, 60, "") }
	runHostile(t, []hostile{
		{name: "list", script: "list(range(1 << 60))", want: "list: more than 2097152 elements"},
		{name: "tuple", script: "tuple(range(1 << 60))", want: "tuple: more than 2097152 elements"},
		{name: "set", script: "set(range(1 << 60))", want: "set: more than 2097152 elements"},
		{name: "enumerate", script: "enumerate(range(1 << 60))", want: "enumerate: more than 2097152 elements"},
		{name: "zip", script: "zip(range(1 << 60), range(1 << 60))", want: "zip: more than 2097152 elements"},
		{name: "reversed", script: "reversed(range(1 << 60))", want: "reversed: more than 2097152 elements"},
		{name: "sorted", script: "sorted(range(1 << 60))", want: "sorted: more than 2097152 elements"},
		{name: "dict", script: "dict(zip(range(10), range(1 << 60)))\ndict([(range(1 << 60), 1)])", want: "unhashable"},
		{name: "bytes", script: "bytes(range(0, 1 << 60, 256))", want: "bytes: at index 1"},
		{name: "extend", script: "[].extend(range(1 << 60))", want: "extend: more than 2097152 elements"},
		{name: "extend by an operator", script: "x = []\nx += range(1 << 60)", want: "+: a range of 1152921504606846976 elements is too long to be added"},
		{name: "union", script: "set().union(range(1 << 60))", want: "union: more than 2097152 elements"},
		{name: "update", script: "getattr(set(), 'update')(range(1 << 60))", want: "update: more than 2097152 elements"},
		{name: "strings", script: doubled("'a'", "x + x"), want: "+: a string of 33554432 bytes is too long to be added"},
		{name: "strings in place", script: "x = 'a'\nfor i in range(60):\n    x += x", want: "+: a string of 33554432 bytes"},
		{name: "lists", script: doubled("[0]", "x + x"), want: "+: a list of 4194304 elements is too long to be added"},
		{name: "lists in place", script: "x = {0: [0]}\nfor i in range(60):\n    x[0] += x[0]", want: "+: a list of 4194304 elements"},
		{name: "tuples", script: doubled("(0,)", "x + x"), want: "+: a tuple of 4194304 elements"},
		{name: "doubled", script: doubled("[0]", "x * 2"), want: "*: a list of length 2097152, 2 times, is too long"},
		{name: "doubled in place", script: "x = [0]\nfor i in range(60):\n    x *= 2", want: "*: a list of length 2097152, 2 times"},
		{name: "repeated", script: "'ab' * (1 << 29)", want: "*: a string of length 2, 536870912 times, is too long"},
		{name: "repeated by itself", script: "n = 1 << 28\nx = [n]\nx * n", want: "*: a list of length 1, 268435456 times"},
		{name: "replace", script: doubled("'aa'", "x.replace('a', 'aa')"), want: "replace: the result may be longer than 16777216 bytes"},
		{name: "replace nothing", script: "('a' * 10000).replace('', 'b' * 10000)", want: "replace: the result may be longer"},
		{name: "join", script: "','.join(['a' * 100000] * 1000)", want: "join: the result may be longer"},
		{name: "join by a long separator", script: "('a' * 100000).join(['b'] * 1000)", want: "join: the result may be longer"},
		{name: "format", script: doubled("'a'", "'{0}{0}'.format(x)"), want: "format: the result may be longer"},
		{name: "percent", script: doubled("'a'", "'%s%s' % (x, x)"), want: "%: the result may be longer"},
		{name: "percent of a dict", script: doubled("'a'", "'%(k)s%(k)s' % {'k': x}"), want: "%: the result may be longer"},
		{name: "split", script: "(',' * 10000000).split(',')", want: "split: the result may have more than 2097152 elements"},
		{name: "power", script: nested("3", "x * x", 60, ""), want: "*: the factors have"},
		{name: "int", script: "int('9' * 10000000)", want: "int: the text is 10000000 bytes long"},
		{name: "number in JSON", script: "json.decode('9' * 10000000)", want: "json.decode: a number has more than"},
		{name: "json of a range", script: "json.encode([range(1 << 60)])", want: "json.encode: the list is a range"},
		{name: "fail of much", script: "fail(*['x' * (1 << 23)] * 1000000)", want: "fail: the message would be longer than 16777216 bytes"},
		{name: "long separators of fail", script: "fail(sep = 'x' * (1 << 23), *[1] * 1000000)", want: "fail: the message would be longer than 16777216 bytes"},
		{name: "long separators of print", script: "print(sep = 'x' * (1 << 23), *[1] * 1000000)", want: "print: the result may be longer than 16777216 bytes"},
		{name: "zip of much", script: "zip(*[range(1000)] * 2000000)", want: "zip: 1000 elements of each of 2000000 are too many"},
		{name: "numbers in JSON", script: "json.decode('[' + ('9' * 300000 + ',') * 40 + '0]')", want: "json.decode: there are too many long numbers"},
		{name: "long numbers", script: "x = 1 << 511\nfor i in range(11):\n    x *= x\nstr([x] * 40)", want: "str: the list is longer than 16777216 bytes as text"},
		{name: "a long number", script: "x = 1\ny = " + strings.Repeat("9", 400_000), want: "main.star:2:349530: a number of more than 349525 digits"},
		{name: "tuples that hold tuples", script: "x = (('x' * (1 << 16),),) * 100\nfor i in range(20):\n    x = x + x\n{x: 1}", want: "+: the tuple holds more than 2097152 values in tuples"},
		{name: "strings on the left", script: "x = 'a'\ny = 'a' * (1 << 24)\nfor i in range(1 << 20):\n    x += y", want: "+: a string of 16777217 bytes is too long to be added"},
		{name: "pattern", script: "matches('a', '(a*)*' * 200000)", want: "matches: the pattern is 1000000 bytes long"},
		{name: "parts of a pattern", script: "matches('a', 'a{1000}' * 100)", want: "matches: the pattern has 100001 parts"},
		{name: "validity", script: "validity(range(1 << 60))", want: "validity: allowed: more than 2097152 elements"},
	})
}
