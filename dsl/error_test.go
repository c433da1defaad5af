package dsl

import (
	"errors"
	"strings"
	"testing"

	"go.starlark.net/starlark"
)

func TestRender(t *testing.T) {
	for _, c := range []struct{ name, script, want string }{
		{"one line", "x = 1\n\tpass\n", `
m.star:2:2: got indent, want primary expression
    pass
    ^`},
		{"calls", "def f(x):\n\tif x:\n\t\treturn 1 // 0\ndef g():\n    return f(1)\ng()\n", `
m.star:3:12: floored division by zero
    return 1 // 0
             ^
calls, innermost last:
  m.star:6:2: in <toplevel>
  m.star:5:13: in g
  m.star:3:12: in f`},
		{"behind an order to the terminal", "s = '\x1b'; y = 1 // 0\n", `
m.star:1:16: floored division by zero
    s = '\x1b'; y = 1 // 0
                      ^`},
		{"every unresolved name", "exchagne\nif True:\n    hlep(json.x + y)\n", `
m.star:1:1: undefined: exchagne (did you mean exchange?)
    exchagne
    ^
m.star:3:5: undefined: hlep (did you mean help?)
    hlep(json.x + y)
    ^
m.star:3:19: undefined: y
    hlep(json.x + y)
                  ^`},
		{"through a builtin", "def f():\n    return [].x\nsorted([2, 1], key = lambda x: f())\n", `
m.star:2:14: list has no .x field or method
    return [].x
             ^
calls, innermost last:
  m.star:3:7: in <toplevel>
  in sorted
  m.star:3:33: in lambda
  m.star:2:14: in f`},
		{"in a module", "load('fails.star', 'y')\n", `
testdata/modules/fails.star:2:14: floored division by zero
    return 1 // x
             ^
calls, innermost last:
  m.star:1:1: in <toplevel>
  testdata/modules/fails.star:4:11: in <toplevel>
  testdata/modules/fails.star:2:14: in divide`},
		{"names of a module", "\n\nload('unresolved.star', 'y')\n", `
testdata/modules/unresolved.star:1:5: undefined: exchagne (did you mean exchange?)
    x = exchagne
        ^
testdata/modules/unresolved.star:2:5: undefined: fial (did you mean fail?)
    y = fial("so")
        ^
calls, innermost last:
  m.star:3:1: in <toplevel>`},
		{"circle", "load('one.star', 'one')\n", `
testdata/modules/sub/two.star:1:1: cannot load ../one.star: modules load each other: testdata/modules/one.star → testdata/modules/sub/two.star → testdata/modules/one.star
    load("../one.star", "one")
    ^
calls, innermost last:
  m.star:1:1: in <toplevel>
  testdata/modules/one.star:1:1: in <toplevel>
  testdata/modules/sub/two.star:1:1: in <toplevel>`},
		{"several lines", `fail("two of four answers\n  A: red\n  B: blue")`, `
m.star:1:5: two of four answers
    fail("two of four answers\n  A: red\n  B: blue")
        ^
  A: red
  B: blue`},
	} {
		err := testInterpreter(t, nil).Exec(t.Context(), "m.star", c.script)
		if err == nil {
			t.Errorf("%s: no error", c.name)
		} else if got := "\n" + err.Error(); got != c.want {
			t.Errorf("%s: got%s\nwant%s", c.name, got, c.want)
		}
	}
}

func TestRenderColor(t *testing.T) {
	err := testInterpreter(t, nil).Exec(t.Context(), "m.star", "1 // 0")
	var e *Error
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	if got, want := e.Render(true), "m.star:1:3: \x1b[1mfloored division by zero\x1b[0m\n    1 // 0\n      \x1b[31m^\x1b[0m"; got != want {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if strings.Contains(e.Render(false), "\x1b") {
		t.Error("colours where none were asked for")
	}
}

// An error in a thread of its own shows both stacks.
func TestStacksOfTwoThreads(t *testing.T) {
	in := testInterpreter(t, nil)
	in.scripts.Builtins()["apart"] = built(Entry{
		Signature: "apart(fn)",
		call: func(c *call) (starlark.Value, error) {
			var fn starlark.Callable
			if err := c.Unpack(&fn); err != nil {
				return nil, err
			}
			return starlark.Call(new(starlark.Thread), fn, nil, nil)
		},
	})
	err := in.Exec(t.Context(), "m.star", "def f():\n    1 // 0\napart(f)")
	want := `m.star:2:7: floored division by zero
    1 // 0
      ^
calls, innermost last:
  m.star:3:6: in <toplevel>
  in apart
  m.star:2:7: in f`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}
