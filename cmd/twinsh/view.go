package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/twinsh/twinsh/dsl"
	"github.com/twinsh/twinsh/runtime/files"
	"github.com/twinsh/twinsh/runtime/trace"
)

// twinsh view: pictures of traces that were kept. A trace is data: to draw it takes neither
// the script nor the protocol, nor the version of twinsh that made it, and so it can be
// sent to a person who has none of these. The formats are those of show() in a script, and
// are listed by runtime/trace.
//
// What is read is not believed: a trace has a checksum and is decoded within the bounds of
// its own length, and what it says is shown through the same filter as a script's texts
// (see output.go).

// A viewing is what the flags of one call of twinsh view ask for.
//
// There is one for each call, since commands makes the commands anew each time.
type viewing struct{ format, output string }

// declare declares the flags; what was set before stays.
func (v *viewing) declare(_ *program, flags *flag.FlagSet) {
	flags.StringVar(&v.format, "format", v.format, "")
	flags.StringVar(&v.output, "o", v.output, "")
}

func viewCommand() command {
	v := &viewing{}
	return command{
		name:    "view",
		args:    "TRACE.json [-format FORMAT] [-o FILE]",
		summary: "draw a trace that a script wrote",
		help: `
Reads a trace that show(format = "json", file = "trace.json") wrote, and draws it.

  -format FORMAT   one of those below
  -o FILE          where to write it; without, it is printed

` + formats() + `
Without a format the ending of FILE says which.

Exit status: 0 it was drawn, 2 it is no trace or could not be written.`,
		flags: v.declare,
		run:   v.run,
	}
}

// formats lists the formats, a line for each.
func formats() string {
	var b strings.Builder
	for _, name := range trace.Formats() {
		f := trace.Format(name)
		fmt.Fprintf(&b, "  %-15s  %s", name, f.About())
		if f.Ending() != "" {
			fmt.Fprintf(&b, " (%s)", f.Ending())
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// run draws the trace of a file. That need not be one that this version wrote, nor one that twinsh
// wrote at all: the form is documented (trace.Encode), so that other programs may write it, and
// it is checked before anything is drawn.
//
// A file is drawn 80 columns wide and without colours, whatever the terminal is, so that it is the
// same file each time.
func (v *viewing) run(_ context.Context, p *program, args []string) int {
	var inputs []string
	// Package flag stops at the first argument that is no flag. twinsh view t.json -o
	// t.html is what people write, as the file is what comes to mind first.
	for len(args) > 0 { // flags may follow the file
		flags := flag.NewFlagSet("view", flag.ContinueOnError)
		flags.SetOutput(io.Discard)
		v.declare(p, flags)
		if err := flags.Parse(args); err != nil {
			return p.misuse("view: %v; twinsh help view says more", err)
		}
		if args = flags.Args(); len(args) > 0 {
			inputs, args = append(inputs, args[0]), args[1:]
		}
	}
	if len(inputs) != 1 {
		return p.misuse(`view: got %d files, want one that show(format = "json", file = "trace.json") wrote`, len(inputs))
	}
	f := trace.Format(v.format)
	if v.format == "" {
		var err error
		if f, err = trace.FormatOf(v.output); err != nil {
			return p.misuse("view: %v; name one, as in -format %s", err, trace.FormatStoryboard)
		}
	}
	if !f.Known() {
		return p.misuse("view: format is %q%s, want one of %s", v.format, dsl.Hint(v.format, trace.Formats()), strings.Join(trace.Formats(), ", "))
	}
	data, err := os.ReadFile(inputs[0])
	if err != nil {
		return p.misuse("view: %v", err)
	}
	t, err := trace.Decode(data)
	if err != nil {
		return p.misuse("view: %s: %v", inputs[0], err)
	}
	options := trace.Options{Width: p.width, Color: p.colorOut}
	if v.output != "" {
		options = trace.Options{}
	}
	text, err := t.Render(f, options)
	if err != nil {
		return p.misuse("view: %v", err)
	}
	if v.output == "" {
		fmt.Fprint(p.stdout, text)
		return allHeld
	}
	if err := files.WriteAt(v.output, []byte(text), f.Recognizes); err != nil {
		return p.misuse("view: %v", err)
	}
	return allHeld
}
