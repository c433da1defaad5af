package trace

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A Format is a way to show a trace, as scripts and flags name it.
type Format string

const (
	FormatStoryboard Format = "storyboard"
	FormatMessages   Format = "messages"
	FormatHTML       Format = "html"
	FormatMermaid    Format = "mermaid"
	FormatShiViz     Format = "shiviz"
	FormatJSON       Format = "json"
)

// Formats lists all formats, as names.
func Formats() []string {
	var names []string
	for _, f := range []Format{FormatStoryboard, FormatMessages, FormatHTML, FormatMermaid, FormatShiViz, FormatJSON} {
		names = append(names, string(f))
	}
	return names
}

// FormatOf returns the format that the name of a file asks for: .html, .json,
// .mmd for Mermaid, .log for ShiViz and .txt for a storyboard, which is also for
// names without an ending. The error names these.
func FormatOf(file string) (Format, error) {
	switch ending := strings.ToLower(filepath.Ext(file)); ending {
	case "", ".txt":
		return FormatStoryboard, nil
	case ".html", ".htm":
		return FormatHTML, nil
	case ".json":
		return FormatJSON, nil
	case ".mmd", ".mermaid":
		return FormatMermaid, nil
	case ".log":
		return FormatShiViz, nil
	default:
		return "", fmt.Errorf("no format is known by %s, only .html, .json, .mmd, .log and .txt; name one, as in format = %q", ending, FormatStoryboard)
	}
}

// drawn is the first line of a storyboard and of a diagram, or the first two.
var drawn = regexp.MustCompile(`^[^#"'\n]*(   |\n *)n=[0-9]+ f=[0-9]+`)

// Recognizes reports whether data begins as what [Trace.Render] returns for the
// format, of which a program may take that file for one of its own. Four
// kilobytes are enough.
func (f Format) Recognizes(data []byte) bool {
	text := string(data)
	switch f {
	case FormatHTML:
		return strings.HasPrefix(text, "<!DOCTYPE html>") && strings.Contains(text, " · twinsh</title>")
	case FormatMermaid:
		return strings.HasPrefix(text, "sequenceDiagram\n")
	case FormatShiViz:
		return strings.HasPrefix(text, shivizParser)
	case FormatJSON:
		return strings.HasPrefix(text, "{\n  \"format\": \""+schema+"\"")
	}
	return drawn.MatchString(text)
}

// Known reports whether there is such a format.
func (f Format) Known() bool { return slices.Contains(Formats(), string(f)) }

// Render returns the trace in a format, ended by a newline. The options are
// those of storyboards and diagrams.
func (t *Trace) Render(f Format, o Options) (string, error) {
	switch f {
	case FormatStoryboard:
		return t.Storyboard(o), nil
	case FormatMessages:
		return t.Diagram(o), nil
	case FormatHTML:
		return t.Page()
	case FormatMermaid:
		return t.Mermaid(), nil
	case FormatShiViz:
		return t.ShiViz(), nil
	case FormatJSON:
		text, err := t.Encode()
		return string(text), err
	}
	return "", fmt.Errorf("there is no format %q, only %s", f, strings.Join(Formats(), ", "))
}
