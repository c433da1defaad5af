package main

import (
	"cmp"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/twinsh/twinsh/dsl/repl"
	"github.com/twinsh/twinsh/stdlib"
)

// The shell as a program: how it is put together, when it ends and with which status. How
// it reads, completes and shows is in dsl/repl, which knows no process. What was typed, in
// the sense of a history for the arrow keys, is the only thing that twinsh keeps of a user.
//
// Tested by cmd/twinsh/blackbox in a terminal of its own (shell_test.go,
// shell_window_test.go, signals_test.go).

// shell reads statements, executes them and shows what comes of them. If no one
// types, the exit status is that of the worst statement: then it is a script that was piped in.
//
// The session runs in a goroutine of its own, because reading from a terminal cannot be
// interrupted. When a signal ends the shell while it waits for a key, that goroutine is left
// behind and the process ends.
func (p *program) shell(ctx context.Context) int {
	limitMemory(p.memory)
	in, err := p.interpreter(".", nil)
	if err != nil {
		return p.report(err)
	}
	editor, err := p.editor()
	if err != nil {
		return p.report(err)
	}
	defer editor.Close()
	errs := wrapping{p.stderr, p.columns} // errors are shown in whole words
	worst := allHeld
	session := repl.New(repl.Config{
		Interpreter: in,
		Editor:      editor,
		Stdout:      p.stdout,
		Color:       p.colorOut,
		Width:       p.columns,
		Module:      module,
		Report:      func(err error) { worst = max(worst, p.reportTo(errs, err)) },
	})
	// Ctrl-C is for what runs in the shell, other signals are for the shell.
	ctx, stop := p.stoppable(ctx, endings[1:]...)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- session.Run(ctx) }()
	select {
	case err = <-ended:
	case <-ctx.Done():
		// Nothing wakes one who waits for a key. What runs says how far it came.
		err = ctx.Err()
		// A session that waits for a key will not notice; one that runs something is about to end it.
		for !session.Waits() {
			select {
			case err = <-ended:
			case <-time.After(10 * time.Millisecond):
				continue
			}
			break
		}
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		return p.report(err)
	}
	if status := p.stopped(); status != 0 {
		return status
	}
	if editor.Interactive() {
		return allHeld
	}
	return worst
}

// columns returns how many columns the terminal has now, 0 if there is none: a
// window can change while the shell runs.
func (p *program) columns() int {
	if p.width == 0 {
		return 0
	}
	return columns(os.Stdout)
}

// module returns the text of a module that the shell can load, for the completion of what it
// defines. It reads below the current folder only, as load does.
func module(name string) (string, error) {
	if path, ok := strings.CutPrefix(name, "@std//"); ok {
		text, err := stdlib.Modules.ReadFile(path)
		return string(text), err
	}
	root, err := os.OpenRoot(".")
	if err != nil {
		return "", err
	}
	defer root.Close()
	text, err := root.ReadFile(name)
	return string(text), err
}

// editor returns where the shell reads from: a terminal that can do something,
// one that cannot, or something that is no terminal. One that cannot move its cursor gets prompts
// and no more; a pipe gets none, so that what is printed is what statements print.
func (p *program) editor() (repl.Editor, error) {
	f, ok := p.stdin.(*os.File)
	switch {
	case !ok || !term.IsTerminal(int(f.Fd())):
		return repl.Lines(p.stdin, nil), nil
	case p.width == 0 || os.Getenv("TERM") == "dumb":
		return repl.Lines(p.stdin, p.stdout), nil
	}
	return repl.Terminal(historyFile(), p.colorOut)
}

// historyFile returns the file in which the shell keeps what was typed, "" if
// the user has no place for it. It is where the XDG Base Directory Specification puts the state of
// programs, and its folder is the user's alone: what is typed may be private.
func historyFile() string {
	home, _ := os.UserHomeDir()
	state := os.Getenv("XDG_STATE_HOME")
	if state == "" && home == "" {
		return ""
	}
	dir := filepath.Join(cmp.Or(state, filepath.Join(home, ".local", "state")), "twinsh")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return ""
	}
	return filepath.Join(dir, "history")
}
