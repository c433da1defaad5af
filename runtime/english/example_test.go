package english_test

import (
	"fmt"

	"github.com/twinsh/twinsh/runtime/english"
)

// Sentences are right for one thing and for many.
func Example() {
	for _, late := range [][]string{{"A"}, {"A", "B"}, {"A", "B", "C"}} {
		fmt.Printf("%s %s late: %s\n", english.Count(len(late), "server"), english.Plural(len(late), "is", "are"), english.Join(late, "and"))
	}
	// Output:
	// 1 server is late: A
	// 2 servers are late: A and B
	// 3 servers are late: A, B and C
}
