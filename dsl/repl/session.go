// Package repl is the shell of twinsh: it reads statements, executes them and
// shows what they changed.
//
//	Session     one conversation with an Interpreter                    session.go
//	Editor      where lines come from; hosts may bring their own        editor.go
//	Terminal    an Editor on a terminal, with history and completion    terminal.go
//	Lines       an Editor that reads any input line by line             editor.go
//	Guide       shows an Editor how a line can go on; a Session does    editor.go
//	Completion  what can be written at the cursor                       complete.go
//
// Lines that begin with a colon are commands to the shell itself (commands.go).
// The prompt says where one stands, and what an act changed is shown in a few
// lines (prompt.go, changes.go).
//
// # A statement
//
// Lines are read until they are a whole statement, as Python's prompt does it: a bracket that is
// open or a block that has begun asks for more, and a blank line ends a block. The statement is
// executed by the Interpreter, which keeps the world and all variables. If it moved the session
// to another world, what lies between the two is shown; then the value of an expression is.
// What a statement did before an error stays done, and is shown.
//
//	kv 1> exchange("c1", ["A", "B", "C"])
//	2 c1 write "red": update → A B C   7 messages, 1 lost
//	  A – → v1 red, B – → v1 red, C – → v1 red, c1 query done → done
//	  c1 returns
//	kv 2>
//
// # Interrupts
//
// Ctrl-C is for what runs: it ends a search with the report of what it covered, and the session goes
// on. Between statements it gives up the line. It never ends the shell, unless something does
// not stop within two seconds and it comes again.
//
// # Hosts
//
// A Session needs an Interpreter, an Editor and somewhere to write, all of which a host may bring. It
// writes texts as they are; what a terminal would obey is shown visibly before it gets there,
// so that neither a script nor the name of a file gives orders.
package repl

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/twinsh/twinsh/dsl"
	"github.com/twinsh/twinsh/dsl/internal/guard"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/terminal"
)

// A Config is what a Session talks to. The first three are needed.
type Config struct {
	Interpreter *dsl.Interpreter
	Editor      Editor
	Stdout      io.Writer
	Color       bool // whether Stdout shows colours
	// Width returns how many columns Stdout has now, 0 if that is not known. It is
	// asked before each statement, because windows change. nil: it is never known.
	Width func() int
	// Module returns the text of a module by the name that load knows it by, so that
	// names in it can be completed before it is loaded. nil: they cannot.
	Module func(name string) (string, error)
	// Report shows an error of a statement, which has its place in its text, or of a
	// command. nil: its text is written to Stdout.
	Report func(error)
}

// A Session is one conversation. It must not be used concurrently, but for [Session.Waits]. While
// it runs it is the one that uses its Interpreter.
type Session struct {
	Config
	interrupts chan os.Signal
	count      int            // of texts that were evaluated, to name them
	ahead      *string        // a line that was read too early
	before     string         // the lines of a statement that is being typed
	last       string         // the last text that was evaluated
	loaded     string         // the last file that was loaded
	quiet      bool           // changes are not shown
	queue      []string       // texts to evaluate before anything else is read
	toured     int            // how many stops of the tour have been made
	touring    bool           // the queue is that of a stop
	left       *runtime.World // where the last stop ended
	quit       bool
	waits      atomic.Bool
}

// New makes a Session, which the Editor's Guide is from now on. It defines tour() for the
// Interpreter.
func New(config Config) *Session {
	s := &Session{Config: config, interrupts: make(chan os.Signal, 1)}
	if s.Width == nil {
		s.Width = func() int { return 0 }
	}
	if s.Module == nil {
		s.Module = func(name string) (string, error) { return "", fmt.Errorf("no module %s is known", name) }
	}
	if s.Report == nil {
		s.Report = func(err error) { fmt.Fprintln(s.Stdout, terminal.Visible(err.Error())) }
	}
	s.Editor.Follow(s)
	s.Interpreter.Define("tour", tourDoc, s.tour)
	return s
}

const welcome = `twinsh writes Byzantine scenarios and runs every one of them.
tour() walks through five exchanges, help() lists what there is, Tab completes.
:help describes the shell, Ctrl-C stops what is running, Ctrl-D leaves.
`

// Run reads and executes until the input ends or ctx is done. While people
// type, no error ends it. Otherwise an interrupt does; the error is then
// [context.Canceled].
func (s *Session) Run(ctx context.Context) error {
	if s.Editor.Interactive() {
		// Between statements, too: an interrupt that comes a moment too late
		// must not end the shell.
		signal.Notify(s.interrupts, os.Interrupt)
		defer signal.Stop(s.interrupts)
		fmt.Fprint(s.Stdout, welcome)
	}
	for !s.quit && ctx.Err() == nil {
		s.waits.Store(true)
		text, err := s.next()
		s.waits.Store(false)
		switch {
		case errors.Is(err, ErrInterrupted):
			continue
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		err = s.execute(ctx, text)
		if err != nil {
			s.Report(err)
		}
		if s.touring && len(s.queue) == 0 {
			s.touring, s.left = false, s.Interpreter.World()
		}
		if errors.Is(err, context.Canceled) && !s.Editor.Interactive() {
			return context.Canceled
		}
	}
	return ctx.Err()
}

// Waits reports whether nothing is running. It may be called at any time.
func (s *Session) Waits() bool { return s.waits.Load() }

// next returns what is to be executed next: a command, a statement, or several
// that were pasted at once. What the tour has in mind comes first, and is shown as if it was
// typed.
func (s *Session) next() (string, error) {
	prompt := Prompt(s.Interpreter.World(), s.Color)
	if len(s.queue) > 0 {
		text := s.queue[0]
		s.queue = s.queue[1:]
		fmt.Fprintln(s.Stdout, prompt+strings.ReplaceAll(text, "\n", "\n"+more))
		return text, nil
	}
	var text string
	var err error
	if s.ahead != nil {
		// It was shown and read when the statement before it ended.
		text, s.ahead = *s.ahead, nil
	} else if text, err = s.Editor.ReadLine(prompt); err != nil {
		return "", err
	}
	if !strings.HasPrefix(text, ":") && !strings.Contains(text, "\n") {
		if text, err = s.statement(text); err != nil {
			return "", err
		}
	}
	if strings.TrimSpace(text) != "" {
		s.Editor.Remember(text)
	}
	return text, nil
}

// more is the prompt for further lines of a statement.
const more = "... "

// statement reads the rest of the statement that begins with first. It is the parser that says
// whether more is needed, by asking for another line. The parser asks one line too far: it sees
// that a block is over by what follows, which is kept for the next statement.
func (s *Session) statement(first string) (string, error) {
	defer func() { s.before = "" }()
	lines := []string{}
	var readErr error
	// What is wrong with the statement is said when it is evaluated.
	parsed, parseErr := new(syntax.FileOptions).ParseCompoundStmt("", func() ([]byte, error) {
		line := first
		if len(lines) > 0 && readErr == nil {
			line, readErr = s.Editor.ReadLine(more)
		}
		if readErr != nil {
			return nil, nil
		}
		lines = append(lines, line)
		s.before += line + "\n"
		return []byte(line + "\n"), nil
	})
	if readErr != nil && !errors.Is(readErr, io.EOF) {
		return "", readErr
	}
	if parseErr == nil {
		parseErr = guard.Shallow(parsed)
	}
	// A block ends where the line after it is not indented. That line is
	// another statement.
	if n := len(lines) - 1; n > 0 && parseErr == nil && len(parsed.Stmts) > 0 && lines[n] != "" {
		if _, end := parsed.Stmts[len(parsed.Stmts)-1].Span(); int(end.Line) <= n {
			s.ahead, lines = &lines[n], lines[:n]
		}
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n"), nil
}

// question is how people ask for help in other shells: ?, ?name, name?, help name.
var question = regexp.MustCompile(`^\s*(?:\?\s*(\w*)|(\w+)\s*\?|help\s+(\w+)|help)\s*$`)

// execute does what a text says.
func (s *Session) execute(ctx context.Context, text string) error {
	if strings.HasPrefix(text, ":") {
		return s.command(ctx, text)
	}
	if strings.TrimSpace(text) == "" {
		return nil
	}
	if m := question.FindStringSubmatch(text); m != nil {
		text = "help()"
		if topic := cmp.Or(m[1:]...); topic != "" {
			text = fmt.Sprintf("help(%q)", topic)
		}
	}
	s.last = text
	return s.evaluate(ctx, func(ctx context.Context, done func(starlark.Value)) error {
		s.count++
		return s.Interpreter.EvalText(ctx, fmt.Sprintf("[%d]", s.count), text+"\n", done)
	})
}

// evaluate executes statements with eval, in a context that Ctrl-C cancels, and
// shows what comes of each. What changed is found by comparing worlds, so that it does not matter
// how a statement got there: an act, goto, a function, a story that was loaded.
func (s *Session) evaluate(ctx context.Context, eval func(context.Context, func(starlark.Value)) error) error {
	ctx, stop := s.interruptible(ctx)
	defer stop()
	s.Interpreter.Resize(s.Width())
	before := s.Interpreter.World()
	show := func(v starlark.Value) {
		now := s.Interpreter.World()
		moved := now != before
		if moved && !s.quiet {
			fmt.Fprint(s.Stdout, screenOf(s).changes(before, now))
		}
		before = now
		// An act returns the world that it leads to, which was just shown.
		if v != nil && v != starlark.None && !(moved && v.Type() == "world") {
			fmt.Fprintln(s.Stdout, terminal.Visible(shown(v)))
		}
	}
	err := eval(ctx, show)
	if err != nil {
		show(nil) // what was done before the error stays done
	}
	return err
}

// shown is how a value is shown. A text of several lines, such as a story, is shown as it
// reads. A function that was named and not called is
// shown with how it is called.
func shown(v starlark.Value) string {
	if text, ok := starlark.AsString(v); ok && strings.Contains(text, "\n") {
		return strings.TrimRight(text, "\n")
	}
	signature, _ := dsl.Signature(v)
	if signature == "" {
		return guard.Text(v)
	}
	name := v.(starlark.Callable).Name()
	return fmt.Sprintf("%s is a function: %s() calls it, help(%s) describes it", signature, name, name)
}

// stubborn is how long something may go on after Ctrl-C before one is offered a
// way out.
const stubborn = 2 * time.Second

// interruptible returns a context that Ctrl-C cancels. Signals of the process go to one channel of
// the session all the time, so that none comes when nothing listens and ends the shell. Its end
// waits for the goroutine that listens, or that could take the next statement's interrupt.
func (s *Session) interruptible(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	select {
	case <-s.interrupts: // it came while nothing was running
	default:
	}
	signal.Notify(s.interrupts, os.Interrupt)
	done, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		select {
		case <-s.interrupts:
			cancel()
		case <-done:
			return
		}
		select {
		// From now on the system does what it does with an interrupt, and ends the process.
		case <-time.After(stubborn):
			fmt.Fprintln(s.Stdout, "still stopping; Ctrl-C again leaves twinsh")
			signal.Stop(s.interrupts)
		case <-done:
		}
	}()
	return ctx, func() {
		close(done)
		<-over // or it could take the interrupt that is meant for what runs next
		cancel()
		if !s.Editor.Interactive() {
			signal.Stop(s.interrupts)
		}
	}
}
