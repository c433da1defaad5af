// Package english puts numbers and lists into sentences, and long texts into little room.
package english

import (
	"fmt"
	"math/big"
	"strings"
)

// Count returns a number with its noun: 1 step, 3 steps.
func Count(n int, noun string) string {
	return fmt.Sprintf("%d %s", n, Plural(n, noun, noun+"s"))
}

// Number shows a number with commas between thousands: 62,523.
func Number(n int) string { return Grouped(big.NewInt(int64(n))) }

// Grouped is [Number] of any whole number, as the size of a space may be.
func Grouped(n *big.Int) string {
	s := n.String()
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Plural returns one if n is 1, else many.
func Plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// Join lists words, the last two with a conjunction between them: a, b and c.
func Join(words []string, conjunction string) string {
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " " + conjunction + " " + words[n-1]
	}
	return strings.Join(words, "")
}

// Squeeze takes letters out of the middle of a text, so that it has at most n, an ellipsis
// included: texts of values differ at their ends more often than not. Where no end has room
// it keeps the beginning.
func Squeeze(text string, n int) string {
	s := []rune(text)
	switch {
	case len(s) <= n:
		return text
	case n < 1:
		return ""
	case n < 4:
		return strings.TrimRight(string(s[:n-1]), " ") + "…"
	}
	head := n * 3 / 5
	return string(s[:head]) + "…" + string(s[len(s)-(n-1-head):])
}
