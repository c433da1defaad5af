package trace

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/twinsh/twinsh/runtime/english"
)

// A Format is a way to show a trace, as scripts and flags name it. There is a constant for each,
// beside the code that draws it, so that a program can name what it renders, whichever that
// is; a text that is none of them is a Format that is not [Format.Known].
type Format string

// A renderer makes a trace into a text of one format. Each format has one, beside the
// code that draws it. It is all that there is of a format: names and endings in flags and
// scripts, their help and completion, and which files may be written over follow from it.
type renderer struct {
	format  Format
	about   string   // what it is, for the help: a log with vector clocks
	endings []string // of the names of files that ask for it, none if it has none of its own
	drawn   bool     // whether it is drawn for a terminal: in colours, as wide as that is
	finds   bool     // whether it shows findings
	render  func(*Trace, Options) (string, error)
	// recognizes reports whether a text begins as what render returns.
	recognizes func(text string) bool
}

// renderers returns those of all formats, in the order of their names in messages.
func renderers() []renderer {
	return []renderer{storyboardRenderer, messagesRenderer, htmlRenderer, mermaidRenderer, shivizRenderer, jsonRenderer}
}

// renderer returns the renderer of a format, nil if there is no such format.
func (f Format) renderer() *renderer {
	all := renderers()
	if i := slices.IndexFunc(all, func(r renderer) bool { return r.format == f }); i >= 0 {
		return &all[i]
	}
	return nil
}

// known returns the renderer of a format, an empty one if there is no such format: what a script
// or a flag asks for is a text, and a question about one that means nothing must not panic.
func (f Format) known() renderer {
	if r := f.renderer(); r != nil {
		return *r
	}
	return renderer{}
}

// Formats lists all formats, as names.
func Formats() []string {
	var names []string
	for _, r := range renderers() {
		names = append(names, string(r.format))
	}
	return names
}

// About says in a few words what a format is: a sequence diagram for Markdown. It is "" if
// there is no such format, as each answer below is the zero value then.
func (f Format) About() string { return f.known().about }

// Ending returns with what names of files of the format end, "" if it has no ending
// of its own.
func (f Format) Ending() string {
	if r := f.known(); len(r.endings) > 0 {
		return r.endings[0]
	}
	return ""
}

// FormatOf returns the format that the ending of a file's name asks for, in capitals or not; without an
// ending that is the storyboard. The error names the endings that there are.
func FormatOf(file string) (Format, error) {
	ending := strings.ToLower(filepath.Ext(file))
	if ending == "" {
		return FormatStoryboard, nil
	}
	var known []string
	for _, r := range renderers() {
		if slices.Contains(r.endings, ending) {
			return r.format, nil
		}
		known = append(known, r.endings[:min(1, len(r.endings))]...)
	}
	return "", fmt.Errorf("no format is known by %s, only %s", ending, english.Join(known, "and"))
}

// drawing is the first line of a storyboard and of a diagram, or the first two: the name of
// the protocol and the size of the system. A script or a note that a person wrote begins
// otherwise, and that is all that this has to tell apart.
var drawing = regexp.MustCompile(`^[^#"'\n]*(   |\n *)n=[0-9]+ f=[0-9]+`)

// Recognizes reports whether data begins as what [Trace.Render] returns for the
// format, of which a program may take that file for one of its own. Four
// kilobytes are enough.
func (f Format) Recognizes(data []byte) bool {
	r := f.renderer()
	return r != nil && r.recognizes(string(data))
}

// Drawn reports whether the format is for a terminal, for which the options of
// [Trace.Render] count. The others are read by other programs.
func (f Format) Drawn() bool { return f.known().drawn }

// Finds reports whether the format shows the [Finding]s of a trace.
func (f Format) Finds() bool { return f.known().finds }

// Known reports whether there is such a format.
func (f Format) Known() bool { return f.renderer() != nil }

// Options say how to draw.
type Options struct {
	Width int  // the longest line, in characters; 0 means 80
	Color bool // whether to colour with ANSI escape sequences
	Full  bool // whether a diagram lists below each step what its messages say, nothing left out
}

// Render returns the trace in a format, ended by a newline. The options
// count for formats that are [Format.Drawn].
func (t *Trace) Render(f Format, o Options) (string, error) {
	r := f.renderer()
	if r == nil {
		return "", fmt.Errorf("there is no format %q, only %s", f, strings.Join(Formats(), ", "))
	}
	return r.render(t, o)
}
