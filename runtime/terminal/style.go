package terminal

import "fmt"

// A Style is how a terminal shows a text: the number of its attribute (ECMA-48, SGR).
type Style int

// The styles that twinsh uses.
const (
	Plain   Style = 0
	Bold    Style = 1
	Faint   Style = 2
	Red     Style = 31
	Yellow  Style = 33
	Blue    Style = 34
	Magenta Style = 35
	Cyan    Style = 36
)

// Paint returns text in the style, and takes the style back after it. A [Writer] that
// may show colours lets that pass.
func (s Style) Paint(text string) string {
	switch s {
	case Plain:
		return text
	case Bold, Faint:
		return fmt.Sprintf("\x1b[%dm%s\x1b[22m", s, text)
	}
	return fmt.Sprintf("\x1b[%dm%s\x1b[0m", s, text)
}
