package trace

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/node"
)

// operationText shows an operation to people: write "red".
func operationText(op node.Operation) string {
	if op.Arg == nil {
		return op.Name
	}
	return op.Name + " " + node.Text(op.Arg)
}

// title says what the step is, with what the recorder knows beside its action.
func (r *recorder) title(w *runtime.World, s *Step) string {
	switch a := w.Step().Action().(type) {
	case runtime.ExchangeStep:
		text := a.Client
		if op := r.current[s.Client]; op.Name != "" {
			text += " " + operationText(op)
		}
		if phase := s.phase(); phase != "" {
			text += ": " + phase
		}
		return text + " → " + strings.Join(a.Reach, " ")
	case runtime.InvokeStep:
		return a.Client + " begins " + operationText(r.current[s.Client])
	case runtime.RoundStep:
		text := fmt.Sprintf("round %d: %s leads", w.Round(), a.Leader)
		if parts := w.Step().Parts(); parts != nil {
			text += "; " + r.partsText(parts)
		}
		return text
	case runtime.PartitionStep:
		text := a.Title()
		if mended(w) {
			text += "; earlier cuts end"
		}
		return text
	}
	return w.Step().Action().Title()
}

// mended reports whether the partition that led to w ended a cut: a link, within a part
// of it, that no partition before kept apart.
func mended(w *runtime.World) bool {
	before := w.Parent()
	all := w.Cluster().Servers() | w.Cluster().Clients()
	for i := range all.All {
		apart := all &^ before.Reach(i)
		for _, part := range before.Parts() {
			if part.Has(i) {
				for _, other := range before.Parts() {
					if other != part {
						apart &^= other
					}
				}
			}
		}
		if apart&w.Reach(i) != 0 {
			return true
		}
	}
	return false
}

// carried is what a message says, and how it came, if it came otherwise than
// inside of the step.
func (d *Delivery) carried() string { return d.Text + d.way() }

// inFull is carried with nothing left out.
func (d *Delivery) inFull() string { return d.full() + d.way() }

func (d *Delivery) way() string {
	switch {
	case d.Again:
		return " (again)"
	case !d.Mail():
		return ""
	case d.Origin != nil:
		return fmt.Sprintf(" (to the next leader, in step %d)", d.Origin.Step)
	}
	return " (to the next leader)"
}

// counted is a state in which a client counts answers: write back 0/3.
var counted = regexp.MustCompile(`^(.+) \d+/\d+$`)

// phase names what the client of an exchange does: in its own words if its state
// tells them, else by the messages that it sends.
func (s *Step) phase() string {
	types := s.sent()
	for _, d := range s.Deliveries {
		if words := counted.FindStringSubmatch(d.Summary); words != nil && d.Hop == 0 && d.To == s.Client && len(types) > 0 {
			return words[1]
		}
	}
	return strings.Join(types, ", ")
}

// sent lists the types of the messages with which the client began the step.
func (s *Step) sent() []string {
	var types []string
	for _, d := range s.Deliveries {
		if d.Hop == 1 && d.From == s.Client && !slices.Contains(types, d.Type) {
			types = append(types, d.Type)
		}
	}
	return types
}

func (t *Trace) names(lanes []int) string {
	var names []string
	for _, i := range lanes {
		names = append(names, t.Lanes[i].Name)
	}
	return strings.Join(names, " ")
}

// partsText shows a partition: A B | C D.
func (t *Trace) partsText(parts []node.Set) string {
	var texts []string
	for _, p := range parts {
		texts = append(texts, t.names(indices(p)))
	}
	return strings.Join(texts, " | ")
}

// A remark is something to be said about some lanes.
type remark struct {
	lanes []int  // none: it speaks for itself
	one   string // what one lane does: decides "x" in slot 1
	many  string // what several do: decide "x" in slot 1
	brief string // what is written on the lane itself, if that is less
	style style
	// failed says that it is what code says that fails, which is shown in full.
	failed bool
}

// observed describes an observation of a lane.
func observed(lane int, o Observation) remark {
	r := remark{lanes: []int{lane}, style: bold}
	switch o.Kind {
	case Invoked:
		r.one, r.many = "begins "+o.Text, "begin "+o.Text
	case Returned:
		rest := strings.TrimRight(" "+o.Text, " ")
		r.one, r.many = "returns"+rest, "return"+rest
	case Decided:
		rest := fmt.Sprintf("%s in slot %d", o.Text, o.Slot)
		r.one, r.many = "decides "+rest, "decide "+rest
		r.brief = fmt.Sprintf("slot %d: %s", o.Slot, o.Text)
	case Failed:
		first, _, _ := strings.Cut(o.Text, "\n")
		r.one, r.many, r.style, r.failed = "fails: "+first, "fail: "+first, red, true
	}
	return r
}

// text is the remark with the names of the lanes that it is about.
func (t *Trace) text(r remark) string {
	switch {
	case len(r.lanes) == 0:
		return r.one
	case len(r.lanes) == 1:
		return t.names(r.lanes) + " " + r.one
	}
	return t.names(r.lanes) + " " + r.many
}

// faultText says why the identity of a lane is faulty.
func (t *Trace) faultText(lane int) string {
	if !t.Lanes[lane].Twinned {
		return t.Lanes[lane].Name + " forgot everything"
	}
	var same []string
	for _, l := range t.Lanes {
		if l.Identity == t.Lanes[lane].Identity {
			same = append(same, l.Name)
		}
	}
	return enumerate(same) + " are one identity"
}

// header says what system the trace is of.
func (t *Trace) header(c *canvas) {
	type part struct {
		text  string
		style style
		mark  string
	}
	parts := []part{{t.Protocol, bold, ""}, {fmt.Sprintf("n=%d f=%d", t.N, t.F), plain, ""}}
	for i, l := range t.Lanes {
		if i > 0 && t.Lanes[i-1].Identity == l.Identity || !l.Faulty {
			continue
		}
		parts = append(parts, part{t.faultText(i), t.style(i), " (faulty)"})
	}
	row, col := c.row(), 0
	for _, p := range parts {
		if col > 0 && col+runes(p.text)+runes(p.mark) > c.width {
			row, col = c.row(), indent
		}
		col = c.put(row, col, shorten(p.text, c.width-col-runes(p.mark)), p.style)
		col = c.put(row, col, p.mark, red) + 3
	}
	if t.Beyond {
		c.put(c.row(), 0, shorten(fmt.Sprintf("more than f=%d servers are faulty: nothing is promised", t.F), c.width), red)
	}
	c.row()
}
