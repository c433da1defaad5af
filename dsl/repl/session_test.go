package repl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.starlark.net/starlark"

	"github.com/twinsh/twinsh/dsl"
	"github.com/twinsh/twinsh/kvproto"
	"github.com/twinsh/twinsh/runtime/node"
	"github.com/twinsh/twinsh/stdlib"
)

// A typist is an Editor that types what it is asked to, and shows that as a
// terminal does. A line "^C" gives the line up, "^D" ends the input.
type typist struct {
	lines      []string
	screen     *strings.Builder
	remembered []string
	Guide
}

func (t *typist) ReadLine(prompt string) (string, error) {
	t.screen.WriteString(prompt)
	if len(t.lines) == 0 {
		return "", io.EOF
	}
	line := t.lines[0]
	t.lines = t.lines[1:]
	fmt.Fprintln(t.screen, line)
	switch line {
	case "^C":
		return "", ErrInterrupted
	case "^D":
		return "", io.EOF
	}
	return line, nil
}

func (t *typist) Remember(text string) { t.remembered = append(t.remembered, text) }
func (t *typist) Follow(g Guide)       { t.Guide = g }
func (t *typist) Interactive() bool    { return true }
func (t *typist) Close() error         { return nil }

// newSession returns a session in which lines are typed, and its editor.
func newSession(t *testing.T, lines ...string) (*Session, *typist) {
	t.Helper()
	editor := &typist{lines: lines, screen: new(strings.Builder)}
	in, err := dsl.New(dsl.Config{
		Modules: stdlib.Modules,
		Protocols: []dsl.Protocol{{
			Name:    "kv",
			Options: []dsl.Option{{Name: "write_back", Default: true}},
			New: func(args map[string]any) (node.Protocol, error) {
				var options kvproto.Options
				if args["write_back"] == false {
					options.WriteBack = kvproto.Off
				}
				return kvproto.New(options), nil
			},
		}},
		Dir:    ".",
		Stdout: editor.screen,
	})
	if err != nil {
		t.Fatal(err)
	}
	return New(Config{
		Interpreter: in,
		Editor:      editor,
		Stdout:      editor.screen,
		Width:       func() int { return 80 },
		Module: func(name string) (string, error) {
			if name == "broken.star" {
				return "x = 1\ndef", nil
			}
			text, err := stdlib.Modules.ReadFile(strings.TrimPrefix(name, "@std//"))
			return string(text), err
		},
		Report: func(err error) { fmt.Fprintln(editor.screen, "error:", err) },
	}), editor
}

// typed returns what is on the screen after lines were typed, without the welcome.
func typed(t *testing.T, lines ...string) string {
	t.Helper()
	s, editor := newSession(t, lines...)
	if err := s.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(editor.screen.String(), welcome)
}

const stage = `load("@std//kv.star", "kv", "read", "write")
cluster(kv(), clients = {"c1": [write("red")], "c2": [read()]})`

func TestConversation(t *testing.T) {
	if n := strings.Count(welcome, "\n"); n != 3 {
		t.Errorf("the welcome has %d lines, want 3", n)
	}
	got := typed(t, stage, `exchange("c1", ["A", "B", "C"])`, `exchange("c1", ["A", "B", "C"])`, "1 +", "[1,", "2]", "undo()", "x = 1 // 0", "None")
	want := `twinsh> load("@std//kv.star", "kv", "read", "write")
cluster(kv(), clients = {"c1": [write("red")], "c2": [read()]})
kv() n=4 f=1   clients c1 c2
kv 0> exchange("c1", ["A", "B", "C"])
1 c1 write "red": query → A B C   7 messages, 1 lost
  c1 idle → query done
kv 1> exchange("c1", ["A", "B", "C"])
2 c1 write "red": update → A B C   7 messages, 1 lost
  A – → v1 red, B – → v1 red, C – → v1 red, c1 query done → done
  c1 returns
kv 2> 1 +
error: [4]:1:4: got newline, want primary expression
    1 +
       ^
kv 2> [1,
... 2]
[1, 2]
kv 2> undo()
at step 1: c1 write "red": query → A B C
  A –, B –, C –, c1 query done
kv 1> x = 1 // 0
error: [7]:1:7: floored division by zero
    x = 1 // 0
          ^
kv 1> None
kv 1> `
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestPrompt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ acts, want string }{
		{"", "kv 0> "},
		{`twin("C")`, "kv 0 C⚡> "},
		{`crash("A")`, "kv 1 A✗> "},
		{`partition(["A", "B"], ["C", "D"])`, "kv 1 {A B|C D}> "},
		{"twin(\"C\")\ntwin(\"B\", k = 3)\ncrash(\"C'\")\namnesia(\"A\")\npartition([\"A\", \"B\", \"B'\", \"B''\"], [\"C\", \"C'\", \"D\"])", "kv 3 A⚡ B⚡ C⚡ C'✗ {A B B' B''|C C' D}> "},
	} {
		s, _ := newSession(t, strings.TrimRight(stage+"\n"+c.acts, "\n"))
		if err := s.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := Prompt(s.Interpreter.World(), false); got != c.want {
			t.Errorf("%s: got %s, want %s", c.acts, got, c.want)
		}
		if colored := Prompt(s.Interpreter.World(), true); !strings.Contains(colored, "\x1b[") {
			t.Errorf("%q shows no colours", colored)
		}
	}
}

func TestLinesOfOneStatement(t *testing.T) {
	t.Parallel()
	s, editor := newSession(t,
		"def f(x):", "    return x", "", // typed
		"def g(x):\n\n    y = x\n\n    return f(y)\n\ng(1)\ng(2)", // pasted
		"def h(", "^C", // given up
		"g(3)",
		"def early():", "    return 6", "def later():", "    return early() + 1", "later()",
		":paste", "def k():", "    pass", "", "    return 4", "k()", "^D",
		"g(5)", "^D", "never typed")
	if err := s.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := editor.screen.String()
	if strings.Contains(got, "error") || !strings.Contains(got, "\n1\n2\n") || !strings.Contains(got, "later()\n7\n") || !strings.Contains(got, "^C\ntwinsh> g(3)\n3\n") ||
		!strings.Contains(got, "^D\n4\n") || strings.Contains(got, "never typed") {
		t.Errorf("got\n%s", got)
	}
	want := []string{"def f(x):\n    return x", "def g(x):\n\n    y = x\n\n    return f(y)\n\ng(1)\ng(2)", "g(3)", "def early():\n    return 6", "def later():\n    return early() + 1", "later()", ":paste", "def k():\n    pass\n\n    return 4\nk()", "g(5)"}
	if !slices.Equal(editor.remembered, want) {
		t.Errorf("it remembers %q", editor.remembered)
	}
}

// Ctrl-C stops whatever runs, at once, and the session goes on.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	for _, endless := range []string{
		"for i in range(1 << 40): i or interrupt()\n",
		"try_(lambda: [i for i in range(1 << 40) if not (i or interrupt())])",
		"interrupt(); explore(exchanges(reach = subsets()) * 40, check = linearizable(), symmetry = False)",
	} {
		large := `cluster(kv(), clients = {"c%d" % i: [write("v%d" % i), read(), read()] for i in range(5)})`
		s, editor := newSession(t, `load("@std//kv.star", "kv", "read", "write")`, large, "x = 7", endless, "x")
		interruptible(s)
		if err := s.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := editor.screen.String(); !strings.Contains(got, ": interrupted\n") || !strings.HasSuffix(got, "x\n7\nkv 0> ") {
			t.Errorf("%s: got\n%s", endless, got)
		}
	}
}

// interruptible defines interrupt(), which a statement calls to be interrupted as
// by Ctrl-C when it has begun.
func interruptible(s *Session) {
	s.Interpreter.Define("interrupt", "Interrupts what runs.", func() error {
		select {
		case s.interrupts <- os.Interrupt:
		default:
		}
		return nil
	})
}

// Where no one types, an interrupt ends the whole session.
func TestInterruptEndsABatch(t *testing.T) {
	t.Parallel()
	s, editor := newSession(t)
	s.Editor = Lines(strings.NewReader("for i in range(1 << 40): i or interrupt()\nprint('survived')\n"), nil)
	interruptible(s)
	if err := s.Run(t.Context()); !errors.Is(err, context.Canceled) || strings.Contains(editor.screen.String(), "survived") {
		t.Errorf("got %v and %q", err, editor.screen)
	}
}

func TestCommands(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	script := filepath.Join(dir, "loaded.star")
	if err := os.WriteFile(script, []byte("x = 5\ndef shell_twice(a, b = 'none'): print(a, a, b)\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	saved := filepath.Join(dir, "saved.star")
	for _, c := range []struct {
		lines []string
		want  string
	}{
		{[]string{":load " + script, "x"}, "\n5\n"},
		{[]string{":load " + script, "x = 1", ":reload", "x"}, "x\n5\n"},
		{[]string{":reload"}, "error: :reload: nothing was loaded yet"},
		{[]string{":load"}, "error: :load: name a file"},
		{[]string{":load none.star"}, "no such file"},
		{[]string{":load " + script, ":twice up"}, "up up none\n"},
		{[]string{":load " + script, ":help"}, ":twice "},
		{[]string{":laod x"}, "error: no command :laod (did you mean load?); :help lists them"},
		{[]string{":quit", "never typed"}, ":quit\n"},
		{[]string{":quit now"}, "error: :quit takes no argument"},
		{[]string{":set diff off", stage, "exchange('c1', ['A', 'B', 'C'])", "1"}, "'C'])\nkv 1> 1"},
		{[]string{":set"}, "diff on "},
		{[]string{":set colour on"}, "error: :set: the only setting is diff"},
		{[]string{":save " + saved}, "error: :save: there is no system yet"},
		{[]string{stage, "exchange('c1', ['A', 'B', 'C'])", ":save " + saved, ":save " + saved}, "saved.star leads to step 1\n"},
		{[]string{stage, ":save " + saved}, "error: :save: there is a file " + saved + " already"},
		{[]string{":load " + saved, "world().depth"}, "kv 1> world().depth\n1\n"},
	} {
		got := typed(t, c.lines...)
		if !strings.Contains(got, c.want) || strings.Contains(got, "never typed") {
			t.Errorf("%q: got\n%s\nwant %s", c.lines, got, c.want)
		}
	}
}

func TestEdit(t *testing.T) {
	t.Setenv("VISUAL", "")
	t.Setenv("EDITOR", "sed -i s/1/2/")
	got := typed(t, "x = 1", ":edit", "x")
	if !strings.HasSuffix(got, "x\n2\ntwinsh> ") {
		t.Errorf("got\n%s", got)
	}
}

// The tour runs through without an error, and ends well.
func TestTour(t *testing.T) {
	t.Parallel()
	s, editor := newSession(t, slices.Repeat([]string{"tour()"}, len(stops))...)
	if err := s.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := editor.screen.String()
	if strings.Contains(got, "error") || !strings.HasSuffix(got, "judge(linearizable()).holds\nTrue\nkv 4 C⚡> ") || !strings.Contains(got, "c2 read() returned None in step 4") {
		t.Errorf("got\n%s", got)
	}
	for i, stop := range stops {
		for line := range strings.Lines(stop.text) {
			if len([]rune(line)) > 80 { // with its newline
				t.Errorf("stop %d: %q is long", i, line)
			}
		}
	}
}

// What the tour says is true where it says it, whatever is tried between two
// stops; what leads to the same place is no detour.
func TestTourAfterDetour(t *testing.T) {
	t.Parallel()
	const back = "The tour goes back to where that\nended"
	for _, c := range []struct {
		between []string
		back    bool
	}{
		{[]string{"undo()"}, true},
		{[]string{"crash(\"A\")"}, true},
		{[]string{"cluster(kv(), clients = {\"x\": [read()]})"}, true},
		{[]string{"undo()", "redo()"}, false},
		{[]string{"undo()", "exchange(\"c1\", [\"A\", \"B\", \"C\"])"}, false},
		{[]string{"print(1)"}, false},
	} {
		lines := slices.Concat([]string{"tour()", "tour()"}, c.between, []string{"tour()", "print(world().steps)"})
		s, editor := newSession(t, lines...)
		if err := s.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		got := editor.screen.String()
		const steps = "[exchange(\"c1\", [\"A\", \"B\", \"C\"]), exchange(\"c1\", [\"C\"])]\n"
		if strings.Contains(got, back) != c.back || !strings.Contains(got, steps) || strings.Contains(got, "error") {
			t.Errorf("%s: got\n%s", c.between, got)
		}
	}
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	s, editor := newSession(t, stage, `twin("C")`, `exchange("c1", ["A", "B", "C"])`,
		"def mine(alpha, beta=1): pass", "w = world()", "def shell_story(): pass")
	if err := s.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		line string
		want string // the words, separated by spaces; … for more
	}{
		{"exch", "exchange( exchanges("},
		{"min", "mine( min("},
		{"de", "def deliver( deliveries(…"},
		{"retu", "return"},
		{"x = w.exch", "exchange("},
		{"w.parent.par", "parent partition("},
		{"w.exchange(", "client = |reach = "},
		{"mine(alp", "alpha = "},
		{"mine(alpha = al", "all("},
		{"mine(1, ", "alpha = |beta = "},
		{`exchange("`, "c1 c2"},
		{`exchange("c1", ["A", "`, "A B C C' D"},
		{`exchange(reach = ["`, "A B C C' D"},
		{`exchange("c1", ["A", "C`, "C C'"},
		{`crash("c`, "c1 c2"},
		{`drop("`, "query report"},
		{`drop(type = "q`, "query"},
		{`round("`, "A B C D c1 c2"},
		{`load("@std//k`, "@std//kv.star"},
		{`load('@std//k`, "@std//kv.star"},
		{`load("@std//kv.star", "`, "kv read write"},
		{`load("@std//kv.star", "kv", "r`, "read"},
		{`load("@std//kv.star", r = "r`, "read"},
		{`load("@std//bracha.star", "`, "bracha totality"},
		{`load("none.star", "`, ""},
		{`load("broken.star", "`, ""},
		{`load(no_string, "`, ""},
		{`help("exchange`, "exchange exchanges"},
		{`show("`, "storyboard messages"},
		{`cluster(network = "h`, "held"},
		{`"exch`, ""},
		{`# exch`, ""},
		{`print("a", exch`, "exchange( exchanges("},
		{`print('it\'s', exch`, "exchange( exchanges("},
		{"w.nothing.x", ""},
		{"world().st", ""}, // calls are not made
		{":s", "save set story"},
		{":set ", "diff on|diff off"},
	} {
		got := editor.Complete(c.line, len(c.line))
		want, more := strings.CutSuffix(c.want, "…")
		var words []string
		if strings.Contains(want, "|") {
			words = strings.Split(want, "|")
		} else {
			words = strings.Fields(want)
			if strings.HasSuffix(want, "= ") {
				words = []string{want}
			}
		}
		ok := slices.Equal(got.Words, words)
		if more {
			ok = len(got.Words) >= len(words)
			for _, w := range words {
				ok = ok && slices.Contains(got.Words, w)
			}
		}
		if !ok {
			t.Errorf("%s: got %q, want %q", c.line, got.Words, words)
		}
		for _, w := range got.Words {
			if !strings.HasPrefix(w, c.line[got.Start:]) {
				t.Errorf("%s: %q does not begin with %q", c.line, w, c.line[got.Start:])
			}
		}
	}
	if got := editor.Complete("exchange(", 9).Signature; got != "exchange(client, reach)" {
		t.Errorf("the signature is %q", got)
	}
	for line, want := range map[string]string{
		`exchange(`:             "exchange(client, reach)",
		`exchange("c`:           "exchange(client, reach)",
		`exchange("c1", ([`:     "exchange(client, reach)",
		`x = w.crash("A") # (`:  "",
		`exchange("c1", ["A"])`: "",
		`mine(1, `:              "mine(alpha, beta=1)",
		`world().exchange(`:     "", // calls are not made
	} {
		if got := editor.Signature(line, len(line)); got != want {
			t.Errorf("%s: the signature is %q, want %q", line, got, want)
		}
	}
	s.before = "exchange(\n"
	if got := editor.Complete(`"c`, 2).Words; !slices.Equal(got, []string{"c1", "c2"}) {
		t.Errorf("on the second line: got %q", got)
	}
}

// Whatever is typed, completion survives it.
func FuzzCompletion(f *testing.F) {
	for _, line := range []string{"", ")", `f("`, "x.", "a.b.", `"""`, "f(a=", "=", "⚡(", `'\`, "w.exchange(\"c1\", ["} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		s, _ := newSession(t)
		c := s.Complete(line, len(line))
		if c.Start < 0 || c.Start > len(line) {
			t.Errorf("%q: start %d", line, c.Start)
		}
	})
}

// What the tour asks to type fits a terminal of 80 columns, prompt and all.
func TestTourFits(t *testing.T) {
	t.Parallel()
	s, editor := newSession(t, slices.Repeat([]string{"tour()"}, len(stops))...)
	if err := s.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(editor.screen.String()) {
		if typed := strings.Contains(line, "> ") || strings.HasPrefix(line, "... "); typed && len([]rune(line)) > 80 {
			t.Errorf("%q is long", line)
		}
	}
}

// People ask for help as in other shells, and name functions without calling them.
func TestQuestions(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"?":          "stage: who is there",
		"help":       "stage: who is there",
		"undo?":      "Goes back n steps.",
		"?undo":      "Goes back n steps.",
		"help undo":  "Goes back n steps.",
		"undo":       "undo(n=1) is a function: undo() calls it, help(undo) describes it",
		"exit":       ":quit or Ctrl-D leaves the shell",
		"help(undo)": "Goes back n steps.",
		"tour?":      "Walks through a story of five exchanges",
		"help(tour)": "Walks through a story of five exchanges",
		"tour":       "tour() is a function: tour() calls it, help(tour) describes it",
		"help shell": "  tour           Walks through a story",
	} {
		if got := typed(t, line); !strings.Contains(got, want) {
			t.Errorf("%s: got\n%s\nwant %s", line, got, want)
		}
	}
}

// What was observed is never cut, and remarks of handlers are shown.
func TestLongObservations(t *testing.T) {
	t.Parallel()
	got := typed(t, `def on_round(self, round):
    print("round", round.number)
    if self.id == "A":
        self.decide(1, "a value that is so long that no line of the shell can hold it, whatever comes before it")
    if self.id == "B":
        self.nothing.x = 1

`, `cluster(protocol("p", replica = role(on_round = on_round)), n = 2, f = 0)`, `round("A")`)
	flat := strings.Join(strings.Fields(got), " ")
	for _, want := range []string{
		`A decides "a value that is so long that no line of the shell can hold it, whatever comes before it" in slot 1`,
		"[1]:6:13", // the place of the failure
		"A: round 1",
	} {
		if !strings.Contains(flat, want) {
			t.Errorf("got\n%s\nwant %s", got, want)
		}
	}
	for line := range strings.Lines(got[strings.LastIndex(got, `round("A")`):]) {
		if len([]rune(line)) > 81 {
			t.Errorf("%q is long", line)
		}
	}
}

// A module whose file, or that of a module below it, has changed is executed
// again by the next load; one that has not is not.
func TestLoadAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("below.star", "y = 1")
	write("above.star", "load('below.star', 'y')\nx = y * 10")
	screen := new(strings.Builder)
	in, err := dsl.New(dsl.Config{Dir: dir, Stdout: screen})
	if err != nil {
		t.Fatal(err)
	}
	load := func(want string) {
		t.Helper()
		screen.Reset()
		if err := in.EvalText(t.Context(), "[1]", "load('above.star', 'x')\nprint(x)\n", func(starlark.Value) {}); err != nil {
			t.Fatal(err)
		}
		if screen.String() != want {
			t.Errorf("got %q, want %q", screen, want)
		}
	}
	load("10\n")
	write("below.star", "y = 2")
	load("20\n")
	write("above.star", "load('below.star', 'y')\nprint('again')\nx = y * 100")
	load("again\n200\n")
	load("200\n")
}

// The last value is kept, and so is the report of a search that was interrupted.
func TestLastValue(t *testing.T) {
	t.Parallel()
	if got := typed(t, "6 * 7", "None", "_ + 1"); !strings.Contains(got, "> _ + 1\n43\n") {
		t.Errorf("got\n%s", got)
	}
	s, editor := newSession(t, `load("@std//kv.star", "kv", "read", "write")`,
		`cluster(kv(), clients = {"c%d" % i: [write("v%d" % i), read(), read()] for i in range(5)})`,
		`explore(exchanges(reach = subsets()) * 40, check = invariant("stop", lambda w: interrupt() == None))`, "_.complete, type(_)")
	interruptible(s)
	if err := s.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := editor.screen.String(); !strings.Contains(got, `(False, "report")`) {
		t.Errorf("got\n%s", got)
	}
}

// A saved script makes the checks that were made, and branches are those of the
// system at hand.
func TestSavedChecks(t *testing.T) {
	t.Parallel()
	saved := filepath.Join(t.TempDir(), "saved.star")
	got := typed(t, stage, `exchange("c2", ["A", "B", "C"])`, "check(linearizable())", `exchange("c1", ["A", "B", "C"])`, "undo()", ":save "+saved,
		`cluster(kv(), clients = {"c1": [write("red")]})`, `twin("C")`, `exchange("c1", ["A", "B", "C"])`, "len(branches())")
	if !strings.Contains(got, "len(branches())\n1\n") {
		t.Errorf("got\n%s\nwant one branch", got)
	}
	text, err := os.ReadFile(saved)
	if err != nil {
		t.Fatal(err)
	}
	if want := "exchange(\"c2\", [\"A\", \"B\", \"C\"])\ncheck(linearizable())\n"; !strings.HasSuffix(string(text), want) {
		t.Errorf("got\n%s\nwant %s at the end", text, want)
	}
}

// A view is shown as its steps, undone as one, and saved as what happens in it.
func TestViews(t *testing.T) {
	t.Parallel()
	saved := filepath.Join(t.TempDir(), "saved.star")
	got := typed(t, stage, `views = view("v", exchanges("c2", [["A", "B", "C"]]) + crashes("A"))`, "run((views * 2).at(0))", "world().depth",
		"undo()", "world().depth", "run(views.at(0))", ":save "+saved)
	for _, want := range []string{"view 1 \"v\"\n1 c2 read: query", "2 A crashes\n", "world().depth\n1\n", "world().depth\n0\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("got\n%s\nwant %s", got, want)
		}
	}
	text, err := os.ReadFile(saved)
	if err != nil {
		t.Fatal(err)
	}
	if want := "# view \"v\"\nexchange(\"c2\", [\"A\", \"B\", \"C\"])\ncrash(\"A\")\n"; !strings.HasSuffix(string(text), want) {
		t.Errorf("got\n%s\nwant %s at the end", text, want)
	}
}

// What nests deep is shown as such, and does not end the shell.
func TestDeepThings(t *testing.T) {
	got := typed(t,
		"x = []", "for i in range(100000): x = [x]", "", "x",
		"def f(y = x): pass", "", "f",
		"print(1"+strings.Repeat(" + 1", 100000)+")",
		"y = [1]", "y.append(y)", "y",
	)
	for _, want := range []string{
		"<list that nests deeper than 1000 levels>", "f(y=<list that nests", "this nests deeper than 10000 levels", "[1, [...]]",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got %.3000s\nwant %s", got, want)
		}
	}
}

// The line editor writes to the terminal itself, so what it is given is harmless.
func TestPromptGivesNoOrders(t *testing.T) {
	s, _ := newSession(t, `def on_round(self, round): pass
p = protocol("p\x1b[31m\x1b[2J\r\u202e", replica = role(on_round = on_round))
cluster(p, n = 2, f = 0)`)
	if err := s.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := `p\x1b[31m\x1b[2J\r\u202e 0> `
	if got := Prompt(s.Interpreter.World(), false); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := Prompt(s.Interpreter.World(), true); strings.Contains(got, "\x1b[31m") || strings.Contains(got, "\r") {
		t.Errorf("got %q", got)
	}
	t.Chdir(t.TempDir())
	if got := typed(t, stage, ":save a\x1b[31m.star"); !strings.Contains(got, "\na\\x1b[31m.star leads to step 0\n") {
		t.Errorf("saves %q", got)
	}
	if got := matching([]string{"plain.star", "a\x1b[2J.star"}, ""); len(got) != 1 {
		t.Errorf("completes %q", got)
	}
	painted := string((&editor{}).Paint([]rune("x = \"\u202e\u009b\""), 0))
	if painted != "x = \"��\"" {
		t.Errorf("paints %q", painted)
	}
}
