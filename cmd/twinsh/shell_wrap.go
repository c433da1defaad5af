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
//
// It is for errors at a prompt, which are sentences; whatever has columns or marks of its
// own knows the width itself and is drawn to fit.
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
//
// A word that is longer than a line is left to the terminal: broken here, it could not be
// copied. Columns are counted in characters, as if each were as wide as a letter.
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
