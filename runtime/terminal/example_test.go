package terminal_test

import (
	"fmt"
	"os"

	"github.com/twinsh/twinsh/runtime/terminal"
)

// What others wrote is shown and not obeyed: here it would clear the screen, and make
// what follows green.
func Example() {
	fmt.Fprintln(&terminal.Writer{To: os.Stdout}, "all held\x1b[2J\x1b[32m, as far as is known")
	// Output:
	// all held\x1b[2J\x1b[32m, as far as is known
}
