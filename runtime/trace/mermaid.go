package trace

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/twinsh/twinsh/runtime"
)

// FormatMermaid is a sequence diagram for Markdown.
const FormatMermaid Format = "mermaid"

var mermaidRenderer = renderer{
	format: FormatMermaid, about: "a sequence diagram for Markdown", endings: []string{".mmd", ".mermaid"}, finds: true,
	render:     func(t *Trace, o Options) (string, error) { return Mermaid(t), nil },
	recognizes: func(text string) bool { return strings.HasPrefix(text, "sequenceDiagram\n") },
}

// Mermaid returns a sequence diagram in the language of Mermaid, which many
// readers of Markdown draw. Twins stand in one box; a message that never
// arrives ends in a cross, one that stays in flight in an open arrow. Lanes are p0, p1, …
// with their names beside that, because names such as C' or "end" mean something to Mermaid.
//
//	->>  arrived
//	-x   never arrives
//	-)   stays in flight
//
// How large a text is drawn is for its readers to say; some stop at 50,000 characters.
func Mermaid(t *Trace) string {
	var b strings.Builder
	b.WriteString("sequenceDiagram\n")
	line := func(format string, args ...any) { fmt.Fprintf(&b, "  "+format+"\n", args...) }
	for i := 0; i < len(t.Lanes); {
		l := t.Lanes[i]
		boxed := l.Twinned
		if boxed {
			line("box rgba(128, 128, 128, 0.15) %s is one identity", mermaidText(l.Identity))
		}
		for ; i < len(t.Lanes) && t.Lanes[i].Identity == l.Identity; i++ {
			kind := "participant"
			if l.Client {
				kind = "actor"
			}
			line("%s p%d as %s", kind, i, mermaidText(t.Lanes[i].Name))
		}
		if boxed {
			line("end")
		}
	}
	across := fmt.Sprintf("p0,p%d", len(t.Lanes)-1)
	if len(t.Lanes) == 1 {
		across = "p0"
	}
	for k := range t.Steps {
		s := &t.Steps[k]
		if heading := s.heading(); heading != "" {
			line("Note over %s: %s", across, mermaidText(heading))
		}
		line("Note over %s: %d  %s", across, s.Number, mermaidText(s.Title))
		for _, d := range s.Deliveries {
			if d.From >= 0 {
				arrow := "-x"
				switch d.Fate {
				case runtime.Delivered:
					arrow = "->>"
				case runtime.Waiting:
					arrow = "-)"
				}
				line("p%d%sp%d: %s", d.From, arrow, d.To, mermaidText(d.carried()))
			}
			for _, o := range d.Seen {
				line("Note over p%d: %s", d.To, mermaidText(observed(d.To, o).one))
			}
			for _, note := range d.Notes {
				line("Note over p%d: %s", d.To, mermaidText(note))
			}
		}
		for i, state := range s.States {
			if state.Changed && state.Summary != "" && !t.Lanes[i].Client {
				// States of clients change with every message, and the title says what they do.
				line("Note right of p%d: %s", i, mermaidText(state.Summary))
			}
		}
	}
	for _, f := range t.Findings {
		// A verdict may be long, and Mermaid makes its boxes as wide as a text that it may not break.
		line("Note over %s: wrap: %s: %s", across, mermaidText(f.Title()), mermaidText(f.Why))
	}
	return b.String()
}

// mermaidText escapes what means something to Mermaid, or nothing at all. It takes #59; for a
// character by its number; a semicolon ends a statement, %% begins a comment, $$ a formula, < and >
// are HTML, braces are read as a shape, and "wrap:" at the beginning asks for line breaks.
func mermaidText(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case strings.ContainsRune("#;<>%{}$", r), r == ':' && strings.HasSuffix(b.String(), "wrap"):
			fmt.Fprintf(&b, "#%d;", r)
		case unicode.IsSpace(r):
			b.WriteByte(' ')
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			b.WriteRune('�')
		}
	}
	if strings.TrimSpace(b.String()) == "" {
		return "–" // an empty text is an error there
	}
	return b.String()
}
