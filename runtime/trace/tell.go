package trace

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/twinsh/twinsh/runtime"
)

// kindOf returns the name of the act that makes such a step.
func kindOf(s runtime.Step) string {
	name, _, _ := strings.Cut(s.String(), "(")
	return name
}

// operationText shows an operation to people: write "red".
func operationText(op runtime.Operation) string {
	if op.Arg == nil {
		return op.Name
	}
	return op.Name + " " + runtime.Text(op.Arg)
}

// title tells people what the step is.
func (r *recorder) title(w *runtime.World, s *Step) string {
	switch named := w.Step().Instances(); w.Step().Kind() {
	case runtime.ExchangeStep:
		text := r.Lanes[s.Client].Name
		if op := r.current[s.Client]; op.Name != "" {
			text += " " + operationText(op)
		}
		if phase := s.phase(); phase != "" {
			text += ": " + phase
		}
		return text + " → " + r.names(indices(named&^runtime.Of(s.Client)))
	case runtime.InvokeStep:
		return r.Lanes[s.Client].Name + " begins " + operationText(r.current[s.Client])
	case runtime.RoundStep:
		text := fmt.Sprintf("round %d: %s leads", w.Round(), r.Lanes[indices(named)[0]].Identity)
		if parts := w.Step().Parts(); parts != nil {
			text += "; " + r.partsText(parts)
		}
		return text
	case runtime.DeliverStep:
		return "deliver" + r.phaseText(w.Step().Phase())
	case runtime.PartitionStep:
		text := "partition " + r.partsText(w.Step().Parts())
		if mended(w) {
			text += "; earlier cuts end"
		}
		return text
	case runtime.HealStep:
		return "the network heals"
	case runtime.TimeoutStep:
		return r.names(indices(named)) + plural(named.Len(), " times out", " time out")
	case runtime.CrashStep:
		return r.names(indices(named)) + plural(named.Len(), " crashes", " crash")
	case runtime.RestartStep:
		return r.names(indices(named)) + plural(named.Len(), " restarts", " restart")
	case runtime.AmnesiaStep:
		return r.names(indices(named)) + plural(named.Len(), " forgets everything", " forget everything")
	}
	return linkText(w.Step().Act())
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

// linkText says what a step does to links, with their directions: cut A → B.
func linkText(a runtime.Act) string {
	link := a.Src + " → " + a.Dst
	switch a.Kind {
	case runtime.CutStep:
		return "cut " + link
	case runtime.HoldStep:
		return "hold " + link
	case runtime.ReleaseStep:
		if a.Count > 0 {
			return fmt.Sprintf("release %d %s %s", a.Count, plural(a.Count, "message", "messages"), link)
		}
		return "release " + link
	case runtime.OrderStep:
		if len(a.Names) == 0 {
			return a.Who + " hears all in the usual order"
		}
		return a.Who + " hears first: " + strings.Join(a.Names, ", ")
	case runtime.DropStep:
		text := strings.Join(a.Types, ", ")
		if a.Who != "" {
			return a.Who + " is deaf to " + text
		}
		if text = "drop " + text; a.Src != "" {
			text += " from " + a.Src
		}
		if a.Dst != "" {
			text += " to " + a.Dst
		}
		return text
	}
	return ""
}

// carried is what a message says, and how it came, if it came otherwise than
// inside of the step.
func (d *Delivery) carried() string { return d.Text + d.way() }

// inFull is carried with nothing left out.
func (d *Delivery) inFull() string { return d.full() + d.way() }

func (d *Delivery) way() string {
	switch {
	case !d.Mail():
		return ""
	case d.Origin != nil:
		return fmt.Sprintf(" (to the next leader, in step %d)", d.Origin.Step)
	}
	return " (to the next leader)"
}

// phaseText says how messages flow in a delivery, as far as that is out of the
// ordinary:  for 2 hops; A B | C D; A deaf to vote.
func (r *recorder) phaseText(p runtime.Phase) string {
	text := ""
	if p.Hops > 0 {
		text += fmt.Sprintf(" for %d %s", p.Hops, plural(p.Hops, "hop", "hops"))
	}
	if p.Parts != nil {
		text += "; " + r.partsText(p.Parts)
	}
	if p.Deaf != 0 {
		text += fmt.Sprintf("; %s deaf to %s", r.names(indices(p.Deaf)), strings.Join(p.Types, ", "))
	}
	return text
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
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
func (t *Trace) partsText(parts []runtime.Set) string {
	var texts []string
	for _, p := range parts {
		texts = append(texts, t.names(indices(p)))
	}
	return strings.Join(texts, " | ")
}

// A remark is something to be told about some lanes.
type remark struct {
	lanes []int  // none: it speaks for itself
	one   string // what one lane does: decides "x" in slot 1
	many  string // what several do: decide "x" in slot 1
	brief string // what is written on the lane itself, if that is less
	style style
	// failed says that it is what code says that fails, which is shown in full.
	failed bool
}

// observed tells an observation of a lane.
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
