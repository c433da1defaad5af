package dsl

import (
	"path/filepath"
	"strings"
	"testing"

	"go.starlark.net/starlark"

	"github.com/twinsh/twinsh/dsl/internal/guard"
)

// The whole text of a script counts, or it is an error that says where.
func TestTextIsRead(t *testing.T) {
	dir := t.TempDir()
	for bad, want := range map[string]string{
		"x = 1\ny = 2\x00\nfail(\"not read\")\n": ":2:6: a NUL byte",
		"x = 1 # \xff\n":                         ":1:9: the byte 0xff, which is not UTF-8",
		"s = \"ä\xc3\"\n":                        ":1:7: the byte 0xc3",
		"\x00":                                   ":1:1: a NUL byte",
		"def f():\n    return 1\n\nx = f()\n\x00\x00": ":5:1: a NUL byte",
	} {
		write(t, dir, "main.star", bad)
		write(t, dir, "loads.star", `load("main.star", "x")`)
		nothing := func(starlark.Value) {}
		lines := strings.SplitAfter(bad, "\n")
		ways := map[string]func(*Interpreter) error{
			"ExecFile": func(in *Interpreter) error { return in.ExecFile(t.Context(), filepath.Join(dir, "main.star")) },
			"a module": func(in *Interpreter) error { return in.ExecFile(t.Context(), filepath.Join(dir, "loads.star")) },
			"Exec":     func(in *Interpreter) error { return in.Exec(t.Context(), "main.star", bad) },
			"EvalText": func(in *Interpreter) error { return in.EvalText(t.Context(), "main.star", bad, nothing) },
			"EvalFile": func(in *Interpreter) error { return in.EvalFile(t.Context(), filepath.Join(dir, "main.star"), nothing) },
			"Eval": func(in *Interpreter) error {
				_, err := in.Eval(t.Context(), "main.star", func() ([]byte, error) { return []byte(strings.Join(lines, "")), nil })
				return err
			},
		}
		for way, execute := range ways {
			err := execute(testInterpreter(t, nil))
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s of %q: got %v, want %s", way, bad, err, want)
			}
		}
	}
	if err := testInterpreter(t, nil).Exec(t.Context(), "x.star", "s = \"äöü \ufffd 日本\" # ☃\n"); err != nil {
		t.Error(err)
	}
}

// A text that is too long to be parsed is refused before that.
func TestTextIsBounded(t *testing.T) {
	dir := t.TempDir()
	long := "#" + strings.Repeat("-", guard.MaxText)
	write(t, dir, "long.star", long)
	for way, execute := range map[string]func(*Interpreter) error{
		"Exec":     func(in *Interpreter) error { return in.Exec(t.Context(), "long.star", long) },
		"ExecFile": func(in *Interpreter) error { return in.ExecFile(t.Context(), filepath.Join(dir, "long.star")) },
		"EvalText": func(in *Interpreter) error {
			return in.EvalText(t.Context(), "long.star", long, func(starlark.Value) {})
		},
	} {
		err := execute(testInterpreter(t, nil))
		if err == nil || !strings.Contains(err.Error(), "long.star:1:1: the script is longer than 16777216 bytes") {
			t.Errorf("%s: got %.200v", way, err)
		} else if n := len(err.Error()); n > 1000 {
			t.Errorf("%s: the error has %d bytes", way, n)
		}
	}
}
