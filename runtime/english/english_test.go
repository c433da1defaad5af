package english_test

import (
	"math/big"
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

func TestNumbersAreGrouped(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0", 999: "999", -999: "-999", 1000: "1,000", -1000: "-1,000", 62523502209: "62,523,502,209"} {
		if got := english.Number(n); got != want || english.Grouped(big.NewInt(int64(n))) != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}
