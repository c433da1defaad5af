package repl

import (
	"strconv"
	"strings"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/terminal"
)

// Prompt says where one stands: the protocol, how many steps were taken, who is
// faulty (⚡) or crashed (✗), and the partition in force. Those are what one forgets to have set, and
// then takes for what the protocol does.
//
//	kv 4 C⚡ {A B|C D}>
func Prompt(w *runtime.World, colored bool) string {
	if w == nil {
		return "twinsh> "
	}
	c := w.Cluster()
	words := []string{paint(colored, terminal.Bold, terminal.Visible(c.Config().Protocol.Name())), strconv.Itoa(w.Depth())}
	var faulty, crashed []string
	for _, id := range c.Identities() {
		if id.Instances&w.Faulty() != 0 {
			faulty = append(faulty, id.Name+"⚡")
		}
	}
	for _, name := range c.Names(w.Crashed()) {
		crashed = append(crashed, name+"✗")
	}
	if len(faulty) > 0 {
		words = append(words, paint(colored, terminal.Red, strings.Join(faulty, " ")))
	}
	if len(crashed) > 0 {
		words = append(words, paint(colored, terminal.Yellow, strings.Join(crashed, " ")))
	}
	if parts := w.Parts(); parts != nil {
		groups := make([]string, len(parts))
		for i, part := range parts {
			groups[i] = strings.Join(c.Names(part), " ")
		}
		words = append(words, paint(colored, terminal.Cyan, "{"+strings.Join(groups, "|")+"}"))
	}
	return strings.Join(words, " ") + "> "
}

// paint returns text in a style, where there are colours.
func paint(colored bool, style terminal.Style, text string) string {
	if !colored {
		return text
	}
	return style.Paint(text)
}
