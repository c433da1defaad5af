package main

import (
	"io"
	"regexp"
	"strings"
	"unicode/utf8"
)

// A wrapping writer breaks sentences between words where a terminal would break
// them anywhere. Lines that begin with a blank are left alone: they are drawn,
// or have marks below them. Each Write must be of whole lines.
type wrapping struct {
	w     io.Writer
	width func() int // columns of the terminal now; 0 if there is none
}

func (w wrapping) Write(p []byte) (int, error) {
	width := w.width()
	if width == 0 {
		return w.w.Write(p)
	}
	var b strings.Builder
	for line := range strings.Lines(string(p)) {
		b.WriteString(wrapped(line, width))
	}
	if _, err := io.WriteString(w.w, b.String()); err != nil {
		return 0, err
	}
	return len(p), nil
}

// ornament is what a terminal obeys instead of showing it.
var ornament = regexp.MustCompile("\x1b\\[[0-9;]*m")

// wrapped breaks a line into lines of at most width columns, if its words allow
// that. Those after the first are indented. Colours take no columns.
func wrapped(line string, width int) string {
	if strings.HasPrefix(line, " ") {
		return line
	}
	const indent = "  "
	var b strings.Builder
	column := 0
	for i, word := range strings.Split(line, " ") {
		n := utf8.RuneCountInString(strings.TrimSuffix(ornament.ReplaceAllString(word, ""), "\n"))
		switch {
		case i == 0:
		case column+1+n > width:
			b.WriteString("\n" + indent)
			column = len(indent)
		default:
			b.WriteString(" ")
			column++
		}
		b.WriteString(word)
		column += n
	}
	return b.String()
}
