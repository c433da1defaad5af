package trace

import (
	"strings"
	"testing"
)

// A text is broken between words, or within one that is too long, and cut only
// where it may have no more lines.
func TestWrap(t *testing.T) {
	for _, c := range []struct {
		text    string
		n, most int
		want    string
	}{
		{"one two", 7, 9, "one two"},
		{"one two three", 7, 9, "one two/  three"},
		{"one two", 6, 9, "one/  two"},
		{"abcdefghij", 4, 9, "abcd/  ef/  gh/  ij"},
		{"one two three", 7, 1, "one tw…"},
		{"one two three four", 7, 2, "one two/  thre…"},
		{"", 7, 9, ""},
		{"ä é", 1, 9, "ä é"},
	} {
		if got := strings.Join(wrap(c.text, c.n, c.most), "/"); got != c.want {
			t.Errorf("%q at %d, %d lines: %q, want %q", c.text, c.n, c.most, got, c.want)
		}
	}
}
