// Command twinsh runs Byzantine scenarios written in the language of package
// dsl. There is one file for each subcommand; "twinsh help" lists them.
//
// It is one host of the language among others: whatever is said of scripts, searches and
// their reports is in the packages below. What is here is what a process adds to them: a command
// line, streams, signals, memory, a terminal, and an exit status.
//
// # What is printed
//
// A text goes through four hands on its way to stdout or stderr, each of which does one thing:
//
//	terminal.Writer   shows what a terminal would obey, such as escape sequences of a script
//	output            notes that it could not be written, and stops the script then
//	progressLine      removes the line of progress first, if one is shown (on stderr)
//	os.Stdout         takes it
//
// Only what twinsh itself colours has escape sequences, and only where colours are shown: on a
// terminal that is not dumb, without NO_COLOR (no-color.org).
//
// # How it ends
//
// Each command returns an exit status, and main alone calls os.Exit. The statuses stand in order of
// how bad they are, so that of several scripts, or of several statements of a shell that reads
// from a file, the largest counts. A signal that stops a search gives 128 and its number, as a
// process that is killed by it would have in a shell.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/twinsh/twinsh/dsl"
	"github.com/twinsh/twinsh/runtime/explore"
	"github.com/twinsh/twinsh/runtime/terminal"
	"github.com/twinsh/twinsh/stdlib"
	"golang.org/x/term"
)

// The exit status says how it went. CI reads them: 1 is that something was found, 2 that
// nothing can be said.
const (
	allHeld     = 0
	checkFailed = 1
	misused     = 2 // bad usage, an error in a script, or output that could not be written
	hungUp      = 129
	interrupted = 130
	terminated  = 143
)

// A command is a subcommand of twinsh. Its help is written by hand and not made from the flags: it
// says more than what each of them is called.
type command struct {
	name    string
	args    string // what follows the name
	summary string
	help    string
	// flags, if not nil, declares the flags; what they are set to is found in
	// the program when run is called.
	flags func(*program, *flag.FlagSet)
	run   func(context.Context, *program, []string) int
}

func commands() []command {
	return []command{runCommand(), mergeCommand(), viewCommand(), versionCommand(), helpCommand()}
}

// A program is one call of twinsh: its streams, what its flags were set to, and which signal came.
// Nothing of it is a global variable, so that tests can have several side by side.
type program struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	// Whether these are terminals that show colours.
	colorOut, colorErr bool
	width              int                    // columns of stdout; 0 if it is no terminal
	progress           func(explore.Progress) // nil if it is not shown
	steps              uint64                 // flag -steps
	memory             uint64                 // flag -memory; 0 means any amount
	shard              explore.Shard          // flag -shard
	reports            reportFile             // flag -reports
	signal             atomic.Int32           // the exit status of the signal that came, 0 if none did
	outputs            []*output              // stdout and stderr below all that is in between
}

func main() {
	p := &program{
		stdin:    os.Stdin,
		colorOut: showsColor(os.Stdout), colorErr: showsColor(os.Stderr),
		width:  columns(os.Stdout),
		memory: machineMemory() / 4 * 3,
	}
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // so that a write fails instead
	ctx, cancel := context.WithCancelCause(context.Background())
	out := &output{name: "stdout", to: os.Stdout, failed: cancel}
	errs := &output{name: "stderr", to: os.Stderr}
	p.outputs = []*output{out, errs}
	p.stdout, p.stderr = filtered(out, p.colorOut), filtered(errs, p.colorErr)
	line := &progressLine{terminal: os.Stderr, width: func() int { return columns(os.Stderr) }}
	if line.width() > 0 && os.Getenv("TERM") != "dumb" {
		p.progress, out.to, errs.to = line.show, line.over(os.Stdout), line.over(os.Stderr)
	}
	status := p.main(ctx, os.Args[1:])
	line.clear()
	os.Exit(p.written(status))
}

// columns returns the width of a terminal, 0 if f is none.
func columns(f *os.File) int {
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// showsColor reports whether a stream is a terminal with colours.
func showsColor(f *os.File) bool {
	return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(f.Fd()))
}

// main does what args say and returns the exit status.
func (p *program) main(ctx context.Context, args []string) int {
	if len(args) == 0 {
		return p.shell(ctx)
	}
	switch args[0] {
	case "-h", "-help", "--help":
		args[0] = "help"
	case "-version", "--version":
		args[0] = "version"
	}
	var names []string
	for _, c := range commands() {
		if c.name == args[0] {
			return p.call(ctx, c, args[1:])
		}
		names = append(names, c.name)
	}
	// twinsh FILE is twinsh run FILE, so that "#!/usr/bin/env twinsh" works, and a script whose
	// name was mistyped is said to be missing, not to be no command.
	if _, err := os.Stat(args[0]); err == nil || strings.HasSuffix(args[0], ".star") {
		return p.call(ctx, runCommand(), args)
	}
	return p.misuse("no command and no file %q%s; twinsh help lists the commands", args[0], dsl.Hint(args[0], names))
}

// call parses the flags of c and runs it.
func (p *program) call(ctx context.Context, c command, args []string) int {
	flags := flag.NewFlagSet(c.name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	if c.flags != nil {
		c.flags(p, flags)
	}
	// What follows -- belongs to the script, even if no file precedes it.
	own, rest := args, []string(nil)
	// Package flag takes the first -- away and goes on with what follows as arguments, so that
	// it would not be known which of them those are.
	for i, arg := range args {
		if arg == "--" {
			own, rest = args[:i], args[i:]
			break
		}
	}
	if err := flags.Parse(own); errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(p.stdout, c.describe())
		return allHeld
	} else if err != nil {
		return p.misuse("%s: %v; twinsh help %s says more", c.name, err, c.name)
	}
	return c.run(ctx, p, append(flags.Args(), rest...))
}

// describe returns the help text of a command.
func (c command) describe() string {
	return fmt.Sprintf("usage: twinsh %s\n\n%s\n", strings.TrimSpace(c.name+" "+c.args), strings.TrimSpace(c.help))
}

// misuse says what is wrong with the way that twinsh was called.
func (p *program) misuse(format string, args ...any) int {
	fmt.Fprintln(p.stderr, "twinsh: "+terminal.Visible(fmt.Sprintf(format, args...)))
	return misused
}

// interpreter makes an interpreter with all that comes with twinsh. Scripts write into the current
// folder and those below it, wherever they themselves are.
func (p *program) interpreter(dir string, args []string) (*dsl.Interpreter, error) {
	return dsl.New(dsl.Config{
		Modules:   stdlib.Modules,
		Protocols: protocols(),
		Dir:       dir,
		WriteDir:  ".",
		Stdout:    p.stdout,
		Color:     p.colorOut,
		Width:     p.width,
		Progress:  p.progress,
		Shard:     p.shard,
		Report:    p.reports.keep,
		MaxSteps:  p.steps,
		MaxMemory: p.memory,
		Args:      args,
	})
}

// report shows what went wrong and returns the exit status for it.
func (p *program) report(err error) int { return p.reportTo(p.stderr, err) }

// reportTo shows an error on a stream. An error that is none of a script is one of usage: a file
// that cannot be read, say. That a script was stopped because what it prints does not arrive is
// not an error of the script, and there is a message about it in the end.
func (p *program) reportTo(stderr io.Writer, err error) int {
	var in *dsl.Error
	if !errors.As(err, &in) {
		return p.misuse("%v", err)
	}
	if errors.Is(err, context.Canceled) && p.stopped() == 0 && p.unwritable() {
		return misused // which is said in the end
	}
	fmt.Fprintln(stderr, in.Render(p.colorErr))
	var failed *dsl.CheckFailed
	var unwritten *dsl.UnwrittenError
	switch {
	case errors.Is(err, context.Canceled):
		return cmp.Or(p.stopped(), interrupted)
	case errors.As(err, &unwritten):
		return misused
	case errors.As(err, &failed):
		return checkFailed
	}
	return misused
}
