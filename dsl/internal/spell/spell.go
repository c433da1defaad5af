// Package spell finds what a misspelt name was meant to be.
package spell

import (
	"fmt"
	"strings"
)

// Hint returns " (did you mean x?)" with the candidate nearest to name, or "".
func Hint(name string, candidates []string) string {
	if best := Nearest(name, candidates); best != "" {
		return fmt.Sprintf(" (did you mean %s?)", best)
	}
	return ""
}

// Nearest returns the candidate that the fewest typing errors turn into name,
// the first of several. If none is like it, it returns "". Case and
// underscores do not count.
func Nearest(name string, candidates []string) string {
	fold := func(s string) []rune {
		return []rune(strings.ToLower(strings.ReplaceAll(s, "_", "")))
	}
	typed := fold(name)
	best, limit := "", (len(typed)+1)/3 // one error in three letters is a slip, more is another word
	for _, c := range candidates {
		if d := distance(typed, fold(c)); d < limit || d == limit && best == "" {
			best, limit = c, d
		}
	}
	return best
}

// distance counts the typing errors between a and b: letters missing, too
// many, wrong, or swapped with their neighbour. No letter is counted twice.
// This is the optimal string alignment distance, after F. J. Damerau, "A
// technique for computer detection and correction of spelling errors", CACM 1964.
func distance(a, b []rune) int {
	// rows[i%3][j] is the distance between a[:i] and b[:j].
	var rows [3][]int
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		row, above := rows[i%3], rows[(i+2)%3]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			wrong := 1
			if a[i-1] == b[j-1] {
				wrong = 0
			}
			row[j] = min(above[j-1]+wrong, above[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], rows[(i+1)%3][j-2]+1)
			}
		}
	}
	return rows[len(a)%3][len(b)]
}
