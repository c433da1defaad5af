package english_test

import (
	"testing"
	"unicode/utf8"

	"github.com/twinsh/twinsh/runtime/english"
)

func TestSqueeze(t *testing.T) {
	t.Parallel()
	const text = "round 1, led by Ä"
	for n, want := range map[int]string{0: "", 1: "…", 3: "ro…", 4: "ro…Ä", 9: "round…y Ä", 17: text, 99: text} {
		got := english.Squeeze(text, n)
		if got != want || utf8.RuneCountInString(got) > n {
			t.Errorf("%q in %d: %q, want %q", text, n, got, want)
		}
	}
}
