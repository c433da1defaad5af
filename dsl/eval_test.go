package dsl

import (
	"strings"
	"testing"

	"go.starlark.net/starlark"
)

// evalAll evaluates each text and returns the values, errors included.
func evalAll(t *testing.T, in *Interpreter, texts ...string) string {
	t.Helper()
	var got []string
	for _, text := range texts {
		err := in.EvalText(t.Context(), "text", text, func(v starlark.Value) {
			if v != nil {
				got = append(got, v.String())
			}
		})
		if err != nil {
			got = append(got, err.(*Error).Problems[0].Message)
		}
	}
	return strings.Join(got, "; ")
}

func TestFunctionsSeeReboundGlobals(t *testing.T) {
	for name, c := range map[string]struct {
		texts []string
		want  string
	}{
		"variable":         {[]string{"x = 1\ndef f(): return x", "x = 2", "f()"}, "2"},
		"in one text":      {[]string{"x = 1\ndef f(): return x\nx = 2\nf()"}, "2"},
		"function":         {[]string{"def g(): return 1", "def f(): return g()", "def g(): return 2", "f()"}, "2"},
		"lambda":           {[]string{"x = 1", "f = lambda: x", "x = 2", "f()"}, "2"},
		"nested":           {[]string{"x = 1", "def f():\n    def g(): return x\n    return g", "h = f()", "x = 2", "h()"}, "2"},
		"within a loop":    {[]string{"i = 0", "def f(): return i * 10", "xs = []", "for i in range(3): xs.append(f())", "xs"}, "[0, 10, 20]"},
		"within an if":     {[]string{"x = 1\ndef f(): return x", "if True:\n    x = 5\n    y = f()", "y"}, "5"},
		"builtin":          {[]string{"def f(): return matches('a', 'a')", "matches = lambda a, b: 'mine'", "f()"}, `"mine"`},
		"augmented":        {[]string{"x = 1", "x += 4", "x"}, "5"},
		"several at once":  {[]string{"def f(): return (a, b)\n(a, [b]) = 1, [2]\nf()"}, "(1, 2)"},
		"comprehension":    {[]string{"x = 3", "[x for x in range(2)]", "x"}, "[0, 1]; 3"},
		"local variable":   {[]string{"x = 3", "def f():\n    x = 1\n    return x", "f()", "x"}, "1; 3"},
		"load":             {[]string{`load("colours.star", "red")`, "def f(): return red", `red = "pale"`, "f()"}, `"pale"`},
		"defined later":    {[]string{"def f(): return g()\ndef g(): return 7\nf()"}, "7"},
		"not yet defined":  {[]string{"def f(): return y\nf()\ny = 1"}, "global variable y referenced before assignment"},
		"augmented before": {[]string{"nothing += 1"}, "undefined: nothing"},
		"undefined":        {[]string{"def f(): return nothing"}, "undefined: nothing"},
	} {
		if got := evalAll(t, testInterpreter(t, nil), c.texts...); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}

func TestEvalTextShowsWhatWasDone(t *testing.T) {
	in := testInterpreter(t, nil)
	if got := evalAll(t, in, "1\nx = 2\nx\n1 // 0\n3", "x"); got != "1; 2; floored division by zero; 2" {
		t.Errorf("got %s", got)
	}
	err := in.EvalText(t.Context(), "place", "x = 1\n\ndef f():\n    y = 2\n\n    return 1 // 0\nf()", func(starlark.Value) {})
	if err == nil || !strings.HasPrefix(err.Error(), "place:6:14: ") {
		t.Errorf("got %v, want the position in the text", err)
	}
}

func TestGlobals(t *testing.T) {
	in := testInterpreter(t, nil)
	evalAll(t, in, "def f(a, b=1, *c, d, **e): pass", "x = 1")
	for _, name := range in.Names() {
		if name != strings.TrimSpace(name) || name == "" {
			t.Errorf("the name %q cannot be written", name)
		}
	}
	signature, params := Signature(in.Global("f"))
	if want := "f(a, b=1, *c, d, **e)"; signature != want || strings.Join(params, " ") != "a b d" {
		t.Errorf("got %s and %q, want %s", signature, params, want)
	}
	if signature, _ := Signature(in.Global("exchange")); signature != "exchange(client, reach)" {
		t.Errorf("got %s", signature)
	}
	if signature, _ := Signature(in.Global("x")); signature != "" {
		t.Errorf("a number has the signature %s", signature)
	}
}
