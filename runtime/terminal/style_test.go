package terminal_test

import (
	"strings"
	"testing"

	"github.com/twinsh/twinsh/runtime/terminal"
)

// What is painted passes through a Writer that may show colours, and says the same.
func TestPaintPasses(t *testing.T) {
	for _, s := range []terminal.Style{terminal.Plain, terminal.Bold, terminal.Faint, terminal.Red, terminal.Yellow, terminal.Blue, terminal.Magenta, terminal.Cyan} {
		painted := s.Paint("red\nor dead")
		var b strings.Builder
		if (&terminal.Writer{To: &b, Color: true}).Write([]byte(painted)); b.String() != painted {
			t.Errorf("%q is shown as %q", painted, b.String())
		}
		if (s == terminal.Plain) != (painted == "red\nor dead") || !strings.Contains(painted, "red\nor dead") {
			t.Errorf("style %d: got %q", s, painted)
		}
	}
}
