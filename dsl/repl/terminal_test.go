package repl

import (
	"io"
	"strings"
	"sync"
	"testing"
)

func TestKeyboardJoinsPastes(t *testing.T) {
	t.Parallel()
	const pasted = "\x1b[200~if x:\r\n\r\n\ty\x07 = 1\r\n\x1b[201~"
	for name, c := range map[string]struct{ keys, want string }{
		"a paste":                  {"a" + pasted + "\r", "aif x:␤␤    y = 1\r"},
		"two":                      {pasted + pasted, "if x:␤␤    y = 1if x:␤␤    y = 1"},
		"arrows and other escapes": {"\x1b[A\x1b[2~\x1bb", "\x1b[A\x1b[2~\x1bb"},
		"no paste":                 {"x = 1\ry\r", "x = 1\ry\r"},
	} {
		// However the keys come.
		for _, in := range []*keyboard{
			{in: strings.NewReader(c.keys), wanted: sync.NewCond(new(sync.Mutex))},
			{in: &dribble{c.keys}, wanted: sync.NewCond(new(sync.Mutex))},
		} {
			in.listen(true)
			var got strings.Builder
			buf := make([]byte, 7)
			for {
				n, err := in.Read(buf)
				got.Write(buf[:n])
				if err != nil {
					break
				}
			}
			if got.String() != c.want {
				t.Errorf("%s: got %q, want %q", name, got.String(), c.want)
			}
		}
	}
}

// A dribble is a reader that gives three bytes at a time.
type dribble struct{ text string }

func (d *dribble) Read(p []byte) (int, error) {
	if d.text == "" {
		return 0, io.EOF
	}
	n := copy(p[:min(3, len(p))], d.text)
	d.text = d.text[n:]
	return n, nil
}

func TestColumns(t *testing.T) {
	t.Parallel()
	words := []string{"one", "three", "two", "seven"}
	for width, want := range map[int]string{
		80: "one    three  two    seven\n",
		15: "one    three\ntwo    seven\n",
		7:  "one\nthree\ntwo\nseven\n",
		1:  "one\nthree\ntwo\nseven\n",
	} {
		if got := columns(words, width); got != want {
			t.Errorf("%d: got\n%s\nwant\n%s", width, got, want)
		}
	}
	if columns(nil, 80) != "" {
		t.Error("nothing is listed as something")
	}
	if got := common([]string{"exchange(", "exchanges(", "excite"}); got != "exc" {
		t.Errorf("got %q", got)
	}
}
