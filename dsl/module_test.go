package dsl

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestModuleRunsOnce(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "noisy.star", "print('loaded')\nx = 1")
	write(t, dir, "a.star", "load('noisy.star', 'x')\na = x")
	write(t, dir, "main.star", "load('a.star', 'a')\nload('noisy.star', 'x')\nload('./noisy.star', y = 'x')\nprint(a + x + y)")
	var out strings.Builder
	in := testInterpreter(t, &out)
	for range 2 { // each execution is fresh
		if err := in.ExecFile(t.Context(), filepath.Join(dir, "main.star")); err != nil {
			t.Fatal(err)
		}
	}
	if out.String() != "loaded\n3\nloaded\n3\n" {
		t.Errorf("got %q", out.String())
	}
}

func TestConfinement(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "secret.star", "secret = 1")
	write(t, dir, "scripts/inside.star", "secret = 2")
	for link, target := range map[string]string{
		"out.star": "../secret.star", "far": dir, "in.star": "inside.star",
	} {
		if err := os.Symlink(target, filepath.Join(dir, "scripts", link)); err != nil {
			t.Skip("no symbolic links here:", err)
		}
	}
	for _, c := range []struct{ name, want string }{
		{"in.star", ""},
		{"out.star", "out.star cannot be read: path escapes from parent"},
		{"far/secret.star", "secret.star cannot be read: path escapes from parent"},
		{"../secret.star", "a script reads only below its folder"},
		{filepath.ToSlash(dir) + "/secret.star", "a script reads only below its folder"},
	} {
		write(t, dir, "scripts/main.star", `load("`+c.name+`", "secret")`)
		err := testInterpreter(t, nil).ExecFile(t.Context(), filepath.Join(dir, "scripts", "main.star"))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("load of %s: got the error %v, want %q", c.name, err, c.want)
		}
	}
}

func TestTextWithoutFolder(t *testing.T) {
	in, err := New(Config{Modules: testModules(t)})
	if err != nil {
		t.Fatal(err)
	}
	if err := in.Exec(t.Context(), "text", `load("@std//assert.star", "assert")`); err != nil {
		t.Error(err)
	}
	err = in.Exec(t.Context(), "text", `load("colours.star", "red")`)
	if err == nil || !strings.Contains(err.Error(), "this text has no folder to load from") {
		t.Errorf("got the error %v", err)
	}
}
