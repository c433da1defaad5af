package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/twinsh/twinsh/dsl"
	"github.com/twinsh/twinsh/runtime/explore"
	"github.com/twinsh/twinsh/runtime/terminal"
)

// twinsh run: scripts are executed here, and all flags that bound or split their work are
// declared here. The shell has none of them; what it takes is the default of each.
//
// What is not here is what a script may do. An interpreter is given files, streams and
// limits by program.interpreter, and a script can go no further.

// What the flags are set to stays in the program, for all scripts of a call.
func runCommand() command {
	return command{
		name:    "run",
		args:    "[FLAGS] FILE... [-- ARG...]",
		summary: "execute scripts",
		help: `
Executes each script, one after the other, each in a session of its own.
"twinsh FILE" does the same.

  -steps N         stop a script after N steps of Starlark; 0, the default, means never
  -memory SIZE     stop a script when twinsh occupies that much memory, as in 8GiB;
                   the default is three quarters of what there is
  -shard I/K       explore only the I-th of K parts of each space, from 1
  -reports FILE    write each report to FILE, for twinsh merge
  -progress HOW    show progress as a "line" on a terminal, as "json", or "none"
  -- ARG...        what the scripts see as args

A script loads modules from its own folder and those below it, and those that
come with twinsh as "@std//name.star".

Exit status: 0 all held, 1 a check or an assertion failed, 2 an error in a
script, bad usage or output that could not be written. Of several scripts the
worst counts. Ctrl-C stops the script that is running, and a search says how far
it has come: 130. So do SIGTERM, 143, and SIGHUP, 129. A second signal stops it
at once. When the reader of what is printed goes away, as head does, the script
stops without a word: 2.`,
		flags: func(p *program, flags *flag.FlagSet) {
			flags.Uint64Var(&p.steps, "steps", 0, "")
			flags.Func("memory", "", memoryFlag(&p.memory))
			flags.Func("shard", "", shardFlag(&p.shard))
			flags.StringVar(&p.reports.name, "reports", "", "")
			flags.Func("progress", "", progressFlag(&p.progress, p.stderr))
		},
		run: run,
	}
}

// run executes scripts, one after the other: a script may use all processors and most of the
// memory. Each has an interpreter of its own, so that none sees what another defined. All names
// are looked at before the first script begins, because that may take hours.
//
// A script that fails does not keep the next ones from running, a signal does.
func run(ctx context.Context, p *program, args []string) int {
	limitMemory(p.memory)
	files, args := args, []string(nil)
	if i := slices.Index(files, "--"); i >= 0 {
		files, args = files[:i], files[i+1:]
	}
	if len(files) == 0 {
		return p.misuse("run: no script given, as in twinsh run scripts/examples/five_exchanges.star")
	}
	for _, name := range files {
		if strings.HasPrefix(name, "-") {
			return p.misuse("run: flags come before the files, arguments of the script after --; what is %s?", name)
		}
		info, err := os.Stat(name)
		if err == nil && info.IsDir() {
			return p.misuse("run: %s is a folder; name the scripts in it", name)
		}
		if err != nil && name != files[0] {
			return p.misuse("run: there is no file %s; none of the scripts was run. Arguments of a script come after --", name)
		}
	}
	// The file is written before anything runs: that it cannot be should not be found out at the
	// end, and an old one must not be taken for that of this run.
	if err := p.reports.write(nil); err != nil {
		return p.misuse("run: %v", err)
	}
	// Only now, since before it there is nothing to stop that takes time.
	ctx, stop := p.stoppable(ctx, endings...)
	defer stop()
	end := explore.Ending{Status: allHeld}
	for i, name := range files {
		in, err := p.interpreter("", args)
		if err != nil {
			return p.report(err)
		}
		if err := in.ExecFile(ctx, name); err != nil {
			var failed *dsl.CheckFailed
			// A check that fails in the middle means that the searches after it have no
			// report; a failure of code that was not looked at is found at the end, when
			// all are there.
			end.Early = end.Early || !errors.As(err, &failed) || !failed.AtEnd
			end.Status = max(end.Status, p.report(err))
		}
		if ctx.Err() != nil {
			if len(files) > 1 && p.stopped() != 0 {
				fmt.Fprintf(p.stderr, "twinsh: interrupted in %s, script %d of %d\n", terminal.Visible(name), i+1, len(files))
			}
			break
		}
	}
	if err := p.reports.write(&end); err != nil {
		return max(end.Status, p.misuse("run: %v", err))
	}
	return end.Status
}
