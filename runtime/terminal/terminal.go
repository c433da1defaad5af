// Package terminal keeps texts that others wrote from giving orders to a
// terminal: to move the cursor, to set the title, to hide or reorder what is
// shown.
//
//	Visible  shows a text as it is, and the orders in it as escapes
//	Writer   does that to all that a program prints
//	Style    is what twinsh itself orders: bold, faint or a colour
package terminal

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Visible returns text in which everything that a terminal obeys instead of
// showing it is written as Go writes it in a string: \x1b, \r, \u202e. Newlines
// and tabs stay; they are layout. What is not UTF-8 is written byte by byte. The
// result of a second call is that of the first.
func Visible(text string) string {
	clean := true
	for _, r := range text {
		if obeyed(r) || r == utf8.RuneError {
			clean = false
			break
		}
	}
	if clean {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case r == '\r':
			b.WriteString(`\r`)
		case obeyed(r) && r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		case obeyed(r) && r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		case obeyed(r):
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			b.WriteRune(r)
		}
		i += size
	}
	return b.String()
}

// obeyed reports whether r is an order rather than a character: C0 and C1
// controls, and what changes the direction or the place of others. The joiners
// are a part of how words of some languages are written.
func obeyed(r rune) bool {
	switch r {
	case '\n', '\t', '\u200c', '\u200d':
		return false
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}

// A Writer writes what is [Visible] of the texts that it is given, and colours if
// it may. A text is one call of Write.
type Writer struct {
	To io.Writer
	// Color lets sequences pass that change nothing but colour and weight. What
	// others wrote has to be made visible before it is coloured.
	Color bool
}

// colors are such sequences: those that twinsh writes, and no others, such as
// one that hides what follows.
var colors = regexp.MustCompile("\x1b\\[(0|1|2|22|31|33|34|35|36)(;(0|1|2|22|31|33|34|35|36))*m")

// Write implements [io.Writer].
func (w *Writer) Write(p []byte) (int, error) {
	text := string(p)
	var b strings.Builder
	if w.Color {
		at := 0
		for _, found := range colors.FindAllStringIndex(text, -1) {
			b.WriteString(Visible(text[at:found[0]]))
			b.WriteString(text[found[0]:found[1]])
			at = found[1]
		}
		text = text[at:]
	}
	b.WriteString(Visible(text))
	if _, err := io.WriteString(w.To, b.String()); err != nil {
		return 0, err
	}
	return len(p), nil
}
