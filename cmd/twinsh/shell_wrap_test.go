package main

import (
	"strings"
	"testing"
)

func TestWrapping(t *testing.T) {
	for text, want := range map[string]string{
		"one two three\n":                   "one two\n  three\n",
		"one two\n":                         "one two\n",
		"\x1b[1mone two\x1b[0m\nthree\n":    "\x1b[1mone two\x1b[0m\nthree\n",
		"one two three four five six\n":     "one two\n  three\n  four\n  five\n  six\n",
		"antidisestablishmentarianism!\n":   "antidisestablishmentarianism!\n",
		" 1  drawn with a line   A  B  C\n": " 1  drawn with a line   A  B  C\n",
		"A – é ü\nB\n":                      "A – é ü\nB\n",
	} {
		var b strings.Builder
		n, err := wrapping{&b, func() int { return 8 }}.Write([]byte(text))
		if b.String() != want || n != len(text) || err != nil {
			t.Errorf("%q: got %q, %d, %v, want %q", text, b.String(), n, err, want)
		}
		b.Reset()
		if (wrapping{&b, func() int { return 0 }}).Write([]byte(text)); b.String() != text {
			t.Errorf("where there is no terminal: got %q", b.String())
		}
	}
}
