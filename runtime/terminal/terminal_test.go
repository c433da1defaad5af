package terminal

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestVisible(t *testing.T) {
	for text, want := range map[string]string{
		"plain\ttext\nof two lines\n": "plain\ttext\nof two lines\n",
		"\x1b[31mred\x1b[0m":          `\x1b[31mred\x1b[0m`,
		"\x1b]0;title\a":              `\x1b]0;title\x07`,
		"all is well\rVIOLATED":       `all is well\rVIOLATED`,
		"\u009b2J":                    `\u009b2J`,
		"\x9b2J":                      `\x9b2J`,
		"a\u202eb\u2066c\u200fd":      `a\u202eb\u2066c\u200fd`,
		"\b\x7f\x00":                  `\x08\x7f\x00`,
		"\u2028\ufeff\U000e0041":      `\u2028\ufeff\U000e0041`,
		"half \xc3":                   `half \xc3`,
		"a replacement \ufffd":        "a replacement \ufffd",
		"C⚡ ✗ │ → “ä” 日本 👩\u200d🚀 ن\u200cن": "C⚡ ✗ │ → “ä” 日本 👩\u200d🚀 ن\u200cن",
	} {
		if got := Visible(text); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
		if got := Visible(Visible(text)); got != want {
			t.Errorf("%q is shown as %q the second time", text, got)
		}
	}
}

func TestWriter(t *testing.T) {
	const text = "\x1b[1;31mbold\x1b[0m \x1b[8mhidden \x1b[2J\x1b[38;5;1m \x1b[1m\r\n"
	for color, want := range map[bool]string{
		false: `\x1b[1;31mbold\x1b[0m \x1b[8mhidden \x1b[2J\x1b[38;5;1m \x1b[1m\r` + "\n",
		true:  "\x1b[1;31mbold\x1b[0m" + ` \x1b[8mhidden \x1b[2J\x1b[38;5;1m ` + "\x1b[1m" + `\r` + "\n",
	} {
		var b bytes.Buffer
		n, err := (&Writer{To: &b, Color: color}).Write([]byte(text))
		if n != len(text) || err != nil || b.String() != want {
			t.Errorf("colours %v: wrote %q, want %q (%d, %v)", color, b.String(), want, n, err)
		}
	}
	broken := errors.New("broken")
	if n, err := (&Writer{To: failing{broken}}).Write([]byte(text)); n != 0 || err != broken {
		t.Errorf("got %d, %v", n, err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func FuzzVisible(f *testing.F) {
	f.Add("\x1b[31m\u202e\xff")
	f.Fuzz(func(t *testing.T, text string) {
		got := Visible(text)
		if !utf8.ValidString(got) || strings.ContainsFunc(got, obeyed) || Visible(got) != got {
			t.Errorf("%q is shown as %q", text, got)
		}
	})
}
