package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/twinsh/twinsh/dsl"
)

// Of the language it says nothing: that is known to interpreters, one of which would have
// to be made.
func helpCommand() command {
	return command{
		name:    "help",
		args:    "[COMMAND]",
		summary: "describe twinsh or one of its commands",
		help: `
Lists the commands, or says more about one of them. What a script can call
comes from the language itself: help() in a script or in the shell.`,
		run: help,
	}
}

// help describes the program or a command on stdout: it was asked for, and is no error.
func help(_ context.Context, p *program, args []string) int {
	if len(args) > 1 {
		return p.misuse("help: takes one command, got %s", strings.Join(args, " "))
	}
	if len(args) == 0 {
		fmt.Fprint(p.stdout, overview())
		return allHeld
	}
	var names []string
	for _, c := range commands() {
		if c.name == args[0] {
			fmt.Fprint(p.stdout, c.describe())
			return allHeld
		}
		names = append(names, c.name)
	}
	return p.misuse("help: no command %q%s; there are %s", args[0], dsl.Hint(args[0], names), strings.Join(names, ", "))
}

// overview is what twinsh help prints: the commands, and what the exit status means.
//
// What a person needs first stands first: that without arguments there is a shell, and that
// a file is run by its name.
func overview() string {
	var b strings.Builder
	b.WriteString(`twinsh writes Byzantine scenarios and runs every one of them.

  twinsh                open the shell
  twinsh FILE           execute a script
  twinsh COMMAND ...

`)
	for _, c := range commands() {
		fmt.Fprintf(&b, "  %-10s %s\n", c.name, c.summary)
	}
	b.WriteString(`
twinsh help COMMAND says more. Exit status: 0 all held, 1 a check failed,
2 bad usage or an error in a script, 130 interrupted, 143 ended by SIGTERM,
129 by SIGHUP.
`)
	return b.String()
}
