// Package english puts numbers and lists into sentences.
package english

import (
	"fmt"
	"strings"
)

// Count returns a number with its noun: 1 step, 3 steps.
func Count(n int, noun string) string {
	return fmt.Sprintf("%d %s", n, Plural(n, noun, noun+"s"))
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
