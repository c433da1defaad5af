package repl

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/english"
	"github.com/twinsh/twinsh/runtime/terminal"
	"github.com/twinsh/twinsh/runtime/trace"
)

// maxSteps is how many of the steps that were taken at once are shown one by one,
// or one more.
const maxSteps = 3

// A screen is what changes are shown on.
type screen struct {
	width int // in columns
	color bool
}

// screenOf returns how large the output is now.
func screenOf(s *Session) screen { return screen{cmp.Or(s.Width(), 80), s.Color} }

// changes says in a few lines what lies between two worlds, of which the first
// may be nil. There are three cases: a system that was just set up, steps that lead from the one to
// the other, and a walk to some other place, as after undo. Only the steps that are shown are
// recorded, so that a long session does not become slow.
func (s screen) changes(before, now *runtime.World) string {
	if now.Depth() == 0 && (before == nil || before.Cluster() != now.Cluster()) {
		c := now.Cluster()
		text := c.String()
		if clients := c.Names(c.Clients()); len(clients) > 0 {
			text += "   clients " + strings.Join(clients, " ")
		}
		return s.line("", text)
	}
	if before == nil || before.Cluster() != now.Cluster() {
		t := trace.Last(now, 1)
		return s.line("", now.Cluster().String()) + s.step(t, &t.Steps[0], now.Unfolded())
	}
	if !leads(before, now) {
		return s.moved(before, now)
	}
	path := now.Unfolded().Path()
	n := len(path) - 1 - before.Unfolded().Depth()
	var b strings.Builder
	if skipped := n - maxSteps; skipped > 1 {
		fmt.Fprintf(&b, "… %d steps\n", skipped)
		// The last steps are shown: the first ones led there, and can be shown by show().
		n = maxSteps
	}
	t := trace.Last(now, n)
	for i, w := range path[len(path)-n:] {
		b.WriteString(s.step(t, &t.Steps[i], w))
	}
	return b.String()
}

// leads reports whether w is on the way to now. Worlds on one way are the same objects.
func leads(w, now *runtime.World) bool {
	for now.Depth() > w.Depth() {
		now = now.Parent()
	}
	return now == w
}

// step describes the step that led to w, which stands in t: what it was, whose state
// it changed, and what could be observed.
func (s screen) step(t *trace.Trace, step *trace.Step, w *runtime.World) string {
	title := terminal.Visible(fmt.Sprintf("%d %s", step.Number, step.Title))
	text := s.line("", title+messages(step))
	if count, fits := strings.CutPrefix(text, title); fits {
		text = title + paint(s.color, terminal.Faint, strings.TrimSuffix(count, "\n")) + "\n"
	}
	if v := step.View; v != nil && v.At == 1 {
		text = s.line("", fmt.Sprintf("view %d %q", v.Number, v.Name)) + text
	}
	var states []string
	for i, lane := range t.Lanes {
		if was, is := w.Parent().Summary(i), w.Summary(i); was != is {
			states = append(states, strings.Join(strings.Fields(lane.Name+" "+was+" → "+is), " "))
		}
	}
	text += s.line("  ", strings.Join(states, ", "))
	for _, seen := range observed(t, step) {
		text += paint(s.color, terminal.Bold, strings.TrimSuffix(s.lines("  ", seen), "\n")) + "\n"
	}
	for _, d := range step.Deliveries {
		for _, note := range d.Notes {
			text += s.lines("  ", t.Lanes[d.To].Name+": "+note)
		}
	}
	return text
}

// lines returns text broken between words into as many lines as it takes to fit
// the width: what was observed is never cut.
func (s screen) lines(indent, text string) string {
	var b strings.Builder
	for line := range strings.Lines(terminal.Visible(text)) {
		b.WriteString(indent)
		column := len(indent)
		for i, word := range strings.Fields(line) {
			n := utf8.RuneCountInString(word)
			switch {
			case i == 0:
			case column+1+n > s.width:
				b.WriteString("\n" + indent + "  ")
				column = len(indent) + 2
			default:
				b.WriteString(" ")
				column++
			}
			b.WriteString(word)
			column += n
		}
		b.WriteString("\n")
	}
	return b.String()
}

// messages counts what became of the messages of a step.
func messages(step *trace.Step) string {
	count := map[runtime.Fate]int{}
	total := 0
	for _, d := range step.Deliveries {
		if d.From >= 0 {
			total++
			count[d.Fate]++
		}
	}
	if total == 0 {
		return ""
	}
	text := "   " + english.Count(total, "message")
	for _, fate := range []runtime.Fate{runtime.Lost, runtime.Cut, runtime.Filtered, runtime.Waiting, runtime.Down} {
		if n := count[fate]; n > 0 {
			text += fmt.Sprintf(", %d %s", n, fate)
		}
	}
	return text
}

// observed lists what was decided, what returned or was aborted, and by whom: what several did is
// said once.
func observed(t *trace.Trace, step *trace.Step) []string {
	type deed struct{ verb, rest string }
	var deeds []deed
	who := map[deed][]string{}
	for _, d := range step.Deliveries {
		for _, o := range d.Seen {
			var made deed
			switch o.Kind {
			case trace.Returned:
				made = deed{"return", o.Text}
			case trace.Aborted:
				made = deed{"abort", ""}
				if o.Text != "" {
					made.rest = "(" + o.Text + ")"
				}
			case trace.Decided:
				made = deed{"decide", fmt.Sprintf("%s in slot %d", o.Text, o.Slot)}
			case trace.Failed:
				made = deed{"fail", "with " + o.Text}
			default:
				continue // the step says what began
			}
			if !slices.Contains(deeds, made) {
				deeds = append(deeds, made)
			}
			who[made] = append(who[made], t.Lanes[d.To].Name)
		}
	}
	var texts []string
	for _, made := range deeds {
		verb := made.verb
		if len(who[made]) == 1 {
			verb += "s"
		}
		texts = append(texts, strings.TrimSpace(strings.Join(who[made], " ")+" "+verb+" "+made.rest))
	}
	return texts
}

// moved describes a walk to another place: where it is, and what is different.
func (s screen) moved(before, now *runtime.World) string {
	where := "at the start"
	for _, last := range trace.Last(now, 1).Steps {
		where = fmt.Sprintf("at step %d: %s", last.Number, last.Title)
	}
	var states []string
	for i, in := range now.Cluster().Instances() {
		if was, is := before.Summary(i), now.Summary(i); was != is {
			states = append(states, strings.TrimSpace(in.Name+" "+is))
		}
	}
	return s.line("", where) + s.line("  ", strings.Join(states, ", "))
}

// line returns a line that fits the width, or nothing for no text. What is too long is cut: states
// can be asked for, and a step that fills the screen hides the one before.
func (s screen) line(indent, text string) string {
	if text == "" {
		return ""
	}
	runes := []rune(indent + terminal.Visible(text))
	if len(runes) > s.width {
		runes = append(runes[:s.width-1], '…')
	}
	return string(runes) + "\n"
}
