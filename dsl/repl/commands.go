package repl

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"go.starlark.net/starlark"

	"github.com/twinsh/twinsh/dsl"
	"github.com/twinsh/twinsh/runtime/terminal"
)

// A command is what a line that begins with a colon calls.
type command struct {
	name    string
	args    string
	summary string
	run     func(*Session, context.Context, string) error
}

// own is how the name of a function begins that a script defines as a command: after
// def shell_story(file): …, the command :story draft.html calls it with "draft.html".
const own = "shell_"

// commands lists them in the order of their help.
func commands() []command {
	return []command{
		{"help", "", "list these commands", (*Session).help},
		{"load", "FILE", "execute a script here, and keep what it defines", (*Session).load},
		{"reload", "", "load the same file again", (*Session).reload},
		{"save", "FILE", "write a script that leads to where one is, with its checks", (*Session).save},
		{"edit", "[FILE]", "edit the last input or a file with $EDITOR, and execute it", (*Session).edit},
		{"paste", "", "execute all lines up to Ctrl-D at once; they may be blank", (*Session).paste},
		{"set", "[NAME on|off]", "show or change a setting", (*Session).set},
		{"quit", "", "leave, as Ctrl-D does", func(s *Session, _ context.Context, _ string) error { s.quit = true; return nil }},
	}
}

// command executes a line that begins with a colon. An error in a script that it executed is shown
// as such, with its place; others begin with the command.
func (s *Session) command(ctx context.Context, line string) error {
	name, arg, _ := strings.Cut(strings.TrimSpace(line[1:]), " ")
	arg = strings.TrimSpace(arg)
	var names []string
	for _, c := range commands() {
		if c.name == name {
			if arg != "" && c.args == "" {
				return fmt.Errorf(":%s takes no argument", name)
			}
			if err := c.run(s, ctx, arg); err != nil {
				var inScript *dsl.Error
				if errors.As(err, &inScript) {
					return err
				}
				return fmt.Errorf(":%s: %w", name, err)
			}
			return nil
		}
		names = append(names, c.name)
	}
	if fn := s.Interpreter.Global(own + name); fn != nil {
		var args []string
		for word := range strings.FieldsSeq(arg) {
			args = append(args, fmt.Sprintf("%q", word))
		}
		return s.execute(ctx, own+name+"("+strings.Join(args, ", ")+")")
	}
	return fmt.Errorf("no command :%s%s; :help lists them", name, dsl.Hint(name, names))
}

func (s *Session) help(context.Context, string) error {
	for _, c := range commands() {
		fmt.Fprintf(s.Stdout, "  %-19s %s\n", strings.TrimSpace(":"+c.name+" "+c.args), c.summary)
	}
	for _, name := range s.Interpreter.Names() {
		if short, ok := strings.CutPrefix(name, own); ok {
			fmt.Fprintf(s.Stdout, "  %-19s %s\n", ":"+short, "call "+name)
		}
	}
	fmt.Fprintf(s.Stdout, "A function %sNAME of a script is the command :NAME.\nhelp() lists what scripts can call.\n", own)
	return nil
}

func (s *Session) load(ctx context.Context, file string) error {
	if file == "" {
		return errors.New("name a file, as in :load scripts/five.star")
	}
	s.loaded = file
	return s.reload(ctx, "")
}

// reload executes the last file again. Variables that it no longer defines stay, as in any shell.
func (s *Session) reload(ctx context.Context, _ string) error {
	if s.loaded == "" {
		return errors.New("nothing was loaded yet; :load FILE does")
	}
	return s.evaluate(ctx, func(ctx context.Context, done func(starlark.Value)) error {
		return s.Interpreter.EvalFile(ctx, s.loaded, done)
	})
}

// save writes the way to the current world as a script; dsl says what that is.
func (s *Session) save(_ context.Context, file string) error {
	if file == "" {
		return errors.New("name a file, as in :save story.star")
	}
	if err := s.Interpreter.Save(file); err != nil { // never over what a person wrote
		return err
	}
	fmt.Fprintf(s.Stdout, "%s leads to step %d\n", terminal.Visible(file), s.Interpreter.World().Depth())
	return nil
}

// edit lets the user edit a file, or the last input in a file that is gone afterwards, and executes
// it. The folder is private, because what is typed may be.
func (s *Session) edit(ctx context.Context, file string) error {
	if file != "" {
		if err := s.editor(ctx, file); err != nil {
			return err
		}
		return s.load(ctx, file)
	}
	dir, err := os.MkdirTemp("", "twinsh")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file = filepath.Join(dir, "input.star")
	if err := os.WriteFile(file, []byte(s.last+"\n"), 0o600); err != nil {
		return err
	}
	if err := s.editor(ctx, file); err != nil {
		return err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	edited := strings.TrimRight(string(text), "\n")
	s.Editor.Remember(edited)
	return s.execute(ctx, edited)
}

// editor lets the user edit a file, with what VISUAL or EDITOR names, which may have arguments. The
// editor has the terminal meanwhile: the session's own reads no keys while a statement runs.
func (s *Session) editor(ctx context.Context, file string) error {
	if !s.Editor.Interactive() {
		return errors.New("there is no terminal to edit on")
	}
	words := strings.Fields(cmp.Or(os.Getenv("VISUAL"), os.Getenv("EDITOR"), "vi"))
	cmd := exec.CommandContext(ctx, words[0], append(words[1:], file)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	return cmd.Run()
}

// paste reads lines until the input ends. Where a terminal marks what is pasted it is not needed: an
// Editor then gives all lines at once.
func (s *Session) paste(ctx context.Context, _ string) error {
	if s.Editor.Interactive() {
		fmt.Fprintln(s.Stdout, "paste, then press Ctrl-D at the beginning of a line")
	}
	var lines []string
	for {
		line, err := s.Editor.ReadLine("")
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		lines = append(lines, line)
	}
	text := strings.TrimRight(strings.Join(lines, "\n"), "\n")
	s.Editor.Remember(text)
	return s.execute(ctx, text)
}

func (s *Session) set(_ context.Context, arg string) error {
	words := strings.Fields(arg)
	switch {
	case len(words) == 2 && words[0] == "diff" && (words[1] == "on" || words[1] == "off"):
		s.quiet = words[1] == "off"
	case len(words) > 0:
		return errors.New("the only setting is diff, as in :set diff off")
	}
	state := "on"
	if s.quiet {
		state = "off"
	}
	fmt.Fprintf(s.Stdout, "diff %-4s show what each act changed\n", state)
	return nil
}
