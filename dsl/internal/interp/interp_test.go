package interp

import (
	"errors"
	"go/parser"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// noHints is a host that knows nothing of mistakes.
type noHints struct{}

func (noHints) Unparsed(string, int, string) string      { return "" }
func (noHints) Undefined(string, syntax.Position) string { return "" }
func (noHints) Foreign(string) string                    { return "" }
func (noHints) Called(string, string) string             { return "" }
func (noHints) Failed(string) string                     { return "" }

// newInterpreter makes an interpreter of a host with one builtin, twice(text, times=2),
// which prints into b.
func newInterpreter(t *testing.T, b *strings.Builder) *Interpreter {
	twice := NewBuiltin(Builtin{Signature: "twice(text, times=2)", Code: func(c *Call) (starlark.Value, error) {
		var text string
		times := 2
		if err := c.Unpack(&text, &times); err != nil {
			return nil, err
		}
		if RunOf(c.Thread).Host() != b {
			t.Error("a builtin sees another host")
		}
		return starlark.String(strings.Repeat(text, times)), nil
	}})
	in, err := New(Config{
		Host: b, Builtins: starlark.StringDict{"twice": twice}, Hints: noHints{}, MaxSteps: 100_000,
		Modules: fstest.MapFS{"more.star": {Data: []byte("'''More.'''\ndef thrice(text):\n    return twice(text, 3)\n_own = 1")}},
		Print:   func(text string) { b.WriteString(text + "\n") },
	})
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func TestExec(t *testing.T) {
	for script, want := range map[string]string{
		"print(twice('ab'))": "abab\n",
		"load('@std//more.star', 'thrice')\nprint(thrice('a'))":          "aaa\n",
		"load('@std//mor.star', 'thrice')":                               "there is no file @std//mor.star (did you mean @std//more.star?)",
		"\nprint(twise('ab'))":                                           "x.star:2:7: undefined: twise (did you mean twice?)",
		"twice(1)":                                                       "twice: text: got int, want string",
		"twice('a', time = 1)":                                           "twice: no parameter is named time (did you mean times?); it is twice(text, times=2)",
		"def f():\n    return twice()\nf()":                              "x.star:2:17: twice: text is missing; it is twice(text, times=2)",
		"x = twice\ndef twice():\n    return x.y\ntwice()":               "twice is the function that is defined in line 2, not the builtin",
		"for i in range(1 << 40):\n    pass":                             "stopped after 100000 steps, which is the limit",
		"def g():\n    print('in')\n    [][1]\ndef f():\n    g()\nf()\n": "in f",
	} {
		var b strings.Builder
		in := newInterpreter(t, &b)
		got := ""
		if err := in.Exec(t.Context(), "x.star", script); err != nil {
			got = err.Error()
		}
		if got = b.String() + got; !strings.Contains(got, want) {
			t.Errorf("%s\ngot  %s\nwant %s", script, got, want)
		}
		var limit *StepLimitError
		if err := in.Exec(t.Context(), "y.star", script); errors.As(err, &limit) != strings.Contains(want, "steps") {
			t.Errorf("%s: %v", script, err)
		}
	}
}

// Text that is evaluated sees what was defined before it, and what it defines can be
// written again.
func TestEvalAndDefinitions(t *testing.T) {
	var b strings.Builder
	in := newInterpreter(t, &b)
	for _, line := range []string{"load('@std//more.star', 'thrice')", "n = 'x'", "def f():\n    return thrice(n)\n\n", "unused = 1", "n += 'y'", "f()"} {
		lines := strings.SplitAfter(line+"\n", "\n")
		v, err := in.Eval(t.Context(), "line", func() ([]byte, error) {
			if len(lines) == 0 {
				return nil, io.EOF
			}
			next := lines[0]
			lines = lines[1:]
			return []byte(next), nil
		})
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if line == "f()" && v != starlark.String("xyxyxy") {
			t.Errorf("got %v", v)
		}
	}
	script := NewDefinitions(in).Of("f()\nown()", func(name string) string { return "def " + name + "():\n    pass\n" })
	again := newInterpreter(t, &b)
	if err := again.Exec(t.Context(), "again.star", script+"print(f(), own())"); err != nil || b.String() != "xyxyxy None\n" {
		t.Errorf("%s\ngot %q, %v", script, b.String(), err)
	}
	if strings.Contains(script, "unused") {
		t.Errorf("%s\ndefines what is not needed", script)
	}
	m, ok := in.Module("more")
	if !ok || m.Doc != "More." || strings.Join(m.Defines, " ") != "thrice" {
		t.Errorf("the module is described as %+v, %v", m, ok)
	}
}

// What runs scripts does not depend on what they are about.
func TestKnowsNoSystem(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	const module = "github.com/twinsh/twinsh/"
	known := map[string]bool{"dsl/internal/guard": true, "dsl/internal/spell": true, "runtime/terminal": true}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range file.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if of, own := strings.CutPrefix(path, module); own && !known[of] {
				t.Errorf("%s imports %s", name, of)
			}
		}
	}
}
