// Package english puts numbers into sentences.
package english

import "fmt"

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
