package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
)

// versionCommand says what was built from which source, which is the first thing to know when two
// machines disagree. It is what the build recorded: there is no number to be kept by hand.
//
// The version is that of the module as the Go tool stamped it: a tag, or a pseudo-version
// of the commit. Checkpoints and reports are refused by another version for what it may do
// otherwise; this is how to compare them.
func versionCommand() command {
	return command{
		name:    "version",
		summary: "say which twinsh this is",
		help:    "Prints the version of twinsh, of Go, and the platform.",
		run: func(_ context.Context, p *program, args []string) int {
			if len(args) > 0 {
				return p.misuse("version: takes no arguments, got %q", args[0])
			}
			version := "(unknown)"
			if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
				version = info.Main.Version
			}
			fmt.Fprintf(p.stdout, "twinsh %s %s %s/%s\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return allHeld
		},
	}
}
