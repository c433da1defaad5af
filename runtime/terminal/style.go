package terminal

import "github.com/fatih/color"

// A Style is how a terminal shows a text.
type Style color.Attribute

// The styles that twinsh uses.
const (
	Plain   = Style(color.Reset)
	Bold    = Style(color.Bold)
	Faint   = Style(color.Faint)
	Red     = Style(color.FgRed)
	Yellow  = Style(color.FgYellow)
	Blue    = Style(color.FgBlue)
	Magenta = Style(color.FgMagenta)
	Cyan    = Style(color.FgCyan)
)

// Paint returns text in the style, and takes the style back after it. It does not ask
// the environment whether there are colours: the host did, and a [Writer] that may show
// them lets them pass.
func (s Style) Paint(text string) string {
	if s == Plain {
		return text
	}
	c := color.New(color.Attribute(s))
	c.EnableColor()
	return c.Sprint(text)
}
