package dsl

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.starlark.net/starlark"
)

func TestOutput(t *testing.T) {
	var out strings.Builder
	if err := testInterpreter(t, &out).Exec(t.Context(), "x.star", `print("a", 1)`); err != nil || out.String() != "a 1\n" {
		t.Errorf("got %q, %v", out.String(), err)
	}
}

// Nothing that a script does keeps it from being stopped, and the next one runs.
func TestLimits(t *testing.T) {
	endless := "def work():\n    for i in range(1 << 40):\n        pass\n"
	for _, script := range []string{endless + "work()", endless + "try_(work)\nprint('survived')"} {
		var out strings.Builder
		in := testInterpreter(t, &out)
		err := in.Exec(t.Context(), "x.star", script)
		var limit *StepLimitError
		if !errors.As(err, &limit) || limit.Limit != 1e6 {
			t.Errorf("got the error %v, want a step limit", err)
		}
		if err != nil && !strings.Contains(err.Error(), "x.star:2:5: stopped after 1000000 steps") {
			t.Errorf("got the message %v", err)
		}
		if err := in.Exec(t.Context(), "y.star", "print(2)"); err != nil || out.String() != "2\n" {
			t.Errorf("afterwards got %q, %v", out.String(), err)
		}
	}
	for _, script := range []string{endless + "work()", endless + "try_(work)\nprint('survived')"} {
		var out strings.Builder
		in, err := New(Config{Stdout: &out})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		err = in.Exec(ctx, "x.star", script)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got the error %v, want that of the context", err)
		}
		if err := in.Exec(t.Context(), "y.star", "print(2)"); err != nil || out.String() != "2\n" {
			t.Errorf("afterwards got %q, %v", out.String(), err)
		}
	}
}

// Steps that a module takes count.
func TestModulesShareTheLimit(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "endless.star", "def work():\n    for i in range(1 << 40):\n        pass\nwork()\n")
	write(t, dir, "main.star", `load("endless.star", "work")`)
	err := testInterpreter(t, nil).ExecFile(t.Context(), filepath.Join(dir, "main.star"))
	var limit *StepLimitError
	if !errors.As(err, &limit) {
		t.Errorf("got the error %v, want a step limit", err)
	}
}

func TestPanicBecomesError(t *testing.T) {
	in := testInterpreter(t, nil)
	in.scripts.Builtins()["burst"] = built(Entry{
		Signature: "burst()",
		call:      func(*call) (starlark.Value, error) { panic("bang") },
	})
	in.scripts.Builtins()["trap"] = trap{starlark.None}
	for _, script := range []string{"def f():\n    burst()\nf()", "trap.x"} {
		err := in.Exec(t.Context(), "x.star", script)
		var p *PanicError
		if !errors.As(err, &p) || p.Value != "bang" {
			t.Errorf("got the error %v, want a panic", err)
		}
		if strings.HasPrefix(script, "def") && !strings.HasPrefix(err.Error(), "x.star:2:10: internal error: bang\n") {
			t.Errorf("got the message %v", err)
		}
	}
	if err := in.Exec(t.Context(), "y.star", "print(1)"); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// A trap panics when it is looked at.
type trap struct{ starlark.Value }

func (trap) Attr(string) (starlark.Value, error) { panic("bang") }
func (trap) AttrNames() []string                 { return nil }

func TestCheckFailed(t *testing.T) {
	var failed *CheckFailed
	if err := testInterpreter(t, nil).Exec(t.Context(), "x.star", `fail("no")`); !errors.As(err, &failed) || failed.Message != "no" {
		t.Errorf("got the error %v, want a failed check", err)
	}
	if err := testInterpreter(t, nil).Exec(t.Context(), "x.star", `1 // 0`); err == nil || errors.As(err, &failed) {
		t.Errorf("got %v, want an error that is no failed check", err)
	}
}

func TestEval(t *testing.T) {
	in := testInterpreter(t, nil)
	input := bufio.NewReader(strings.NewReader(`
x = 1
def f():
    return x

x += 1
(x, f())
load("colours.star", "red")
red
undefined
print = 3
[print,
 x]`))
	var got []string
	for {
		value, err := in.Eval(t.Context(), "in", func() ([]byte, error) { return input.ReadBytes('\n') })
		if err == io.EOF {
			break
		}
		var e *Error
		switch {
		case errors.As(err, &e):
			got = append(got, e.Problems[0].Message)
		case err != nil:
			t.Fatal(err)
		case value != nil:
			got = append(got, value.String())
		}
	}
	want := `(2, 2) "red" undefined: undefined [3, 2]`
	if strings.Join(got, " ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, " "), want)
	}
	abandoned := errors.New("abandoned")
	if _, err := in.Eval(t.Context(), "in", func() ([]byte, error) { return nil, abandoned }); err != abandoned {
		t.Errorf("got %v, want the error of readline", err)
	}
}

func TestNewChecksTheHost(t *testing.T) {
	for _, config := range []Config{
		{Protocols: []Protocol{toyProtocol(), toyProtocol()}},
		{Protocols: []Protocol{{Name: "p", Options: []Option{{Name: "o", Default: 1.5}}}}},
		{Dir: filepath.Join(t.TempDir(), "missing")},
	} {
		if _, err := New(config); err == nil {
			t.Errorf("%+v is accepted", config)
		}
	}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
