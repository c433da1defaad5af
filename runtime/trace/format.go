package trace

import (
	"fmt"
	"path/filepath"
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
// .mmd for Mermaid and .log for ShiViz; any other file gets a storyboard.
func FormatOf(file string) Format {
	switch strings.ToLower(filepath.Ext(file)) {
	case ".html", ".htm":
		return FormatHTML
	case ".json":
		return FormatJSON
	case ".mmd", ".mermaid":
		return FormatMermaid
	case ".log":
		return FormatShiViz
	}
	return FormatStoryboard
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
