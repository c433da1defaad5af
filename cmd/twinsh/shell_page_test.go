package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/twinsh/twinsh/dsl/repl"
)

var rewriteShellPage = flag.Bool("rewrite-shell-page", false, "write what the shell answers to docs/shell.md")

// A replay is an editor that types lines and shows them as a terminal does.
type replay struct {
	lines  []string
	screen *bytes.Buffer
}

func (r *replay) ReadLine(prompt string) (string, error) {
	if len(r.lines) == 0 {
		return "", io.EOF
	}
	line := r.lines[0]
	r.lines = r.lines[1:]
	fmt.Fprintf(r.screen, "%s%s\n", prompt, line)
	return line, nil
}

func (r *replay) Remember(string)   {}
func (r *replay) Follow(repl.Guide) {}
func (r *replay) Interactive() bool { return true }
func (r *replay) Close() error      { return nil }

var (
	consoleBlock = regexp.MustCompile("(?s)```console\n(.*?)```\n")
	promptLine   = regexp.MustCompile(`(?m)^(?:twinsh|\w+ \d+.*?)> (.*)$`)
)

// TestShellPage replays the sessions of docs/shell.md, word for word. A block
// that begins without a system begins a session; others continue it.
func TestShellPage(t *testing.T) {
	page, err := filepath.Abs("../../docs/shell.md")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	var session *repl.Session
	var editor *replay
	rewritten := consoleBlock.ReplaceAllStringFunc(string(text), func(block string) string {
		if strings.HasPrefix(block, "```console\ntwinsh> ") {
			session, editor = replaying(t)
		}
		for _, m := range promptLine.FindAllStringSubmatch(block, -1) {
			editor.lines = append(editor.lines, m[1])
		}
		editor.screen.Reset()
		if err := session.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		screen := editor.screen.String()
		first := promptLine.FindStringIndex(screen) // after the welcome
		if first == nil {
			t.Fatalf("nothing is typed in\n%s", block)
		}
		got := "```console\n" + screen[first[0]:] + "```\n"
		if got != block && !*rewriteShellPage {
			t.Errorf("got\n%s\nwant\n%s", got, block)
		}
		return got
	})
	if *rewriteShellPage {
		if err := os.WriteFile(page, []byte(rewritten), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	// What was saved is a script that passes.
	var out bytes.Buffer
	p := &program{stdout: &out, stderr: &out}
	if status := p.main(t.Context(), []string{"run", "repaired.star"}); status != allHeld {
		script, _ := os.ReadFile("repaired.star")
		t.Errorf("the saved script ends with status %d: %s\n%s", status, &out, script)
	}
}

func replaying(t *testing.T) (*repl.Session, *replay) {
	t.Helper()
	screen := new(bytes.Buffer)
	editor := &replay{screen: screen}
	p := &program{stdout: screen, stderr: screen, width: 88}
	in, err := p.interpreter(".", nil)
	if err != nil {
		t.Fatal(err)
	}
	return repl.New(repl.Config{
		Interpreter: in, Editor: editor, Stdout: screen, Width: func() int { return p.width }, Module: module,
		Report: func(err error) { p.report(err) },
	}), editor
}
