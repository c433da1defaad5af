package trace

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/english"
)

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

// What is said in several pictures is said here, once, so that the storyboard, the page and an
// explanation call the same thing by the same words.

// fateWords say what became of a message that did not arrive, within a sentence.
var fateWords = map[runtime.Fate]string{
	runtime.Lost: "lost", runtime.Cut: "cut off", runtime.Filtered: "kept back by a filter", runtime.Waiting: "still in flight", runtime.Down: "down",
}

// fateTexts say it on their own.
var fateTexts = map[runtime.Fate]string{
	runtime.Lost: "lost: the receiver takes no part", runtime.Cut: "lost: the network lets nothing pass here",
	runtime.Filtered: "lost: a filter lets no such message pass here", runtime.Waiting: "stays in flight", runtime.Down: "lost: the receiver is down",
}

// counted is a state in which a client counts answers: write back 0/3. A protocol whose clients
// show themselves so has its phases named in titles in its own words.
var counted = regexp.MustCompile(`^(.+) \d+/\d+$`)

// phase names what the client of an exchange does: in its own words if its state
// has them, else by the messages that it sends.
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

// A remark is something to be said about some lanes. Several lanes of which the same is to be
// said have one remark, with the verb in its other number.
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
	case Aborted:
		r.one, r.many, r.style = "aborts", "abort", plain
		if o.Text != "" {
			r.one, r.many = r.one+": "+o.Text, r.many+": "+o.Text
		}
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
func (r remark) text(t *Trace) string {
	switch {
	case len(r.lanes) == 0:
		return r.one
	case len(r.lanes) == 1:
		return t.names(r.lanes) + " " + r.one
	}
	return t.names(r.lanes) + " " + r.many
}

// faultyLanes returns a lane of each faulty identity.
func faultyLanes(t *Trace) []int {
	var lanes []int
	for i, l := range t.Lanes {
		if l.Faulty && (i == 0 || t.Lanes[i-1].Identity != l.Identity) {
			lanes = append(lanes, i)
		}
	}
	return lanes
}

// beyondText says why nothing is promised, where nothing is.
func beyondText(t *Trace) string {
	if t.Crashes {
		return "beyond crash faults: nothing is promised"
	}
	return fmt.Sprintf("more than f=%d servers are faulty: nothing is promised", t.F)
}

// faultText says why the identity of a lane is faulty. There are two ways only: it runs as
// several instances, or it lost its memory.
func faultText(t *Trace, lane int) string {
	if t.Lanes[lane].Other {
		return "beyond twins: " + t.Lanes[lane].Identity + " runs other code"
	}
	if !t.Lanes[lane].Twinned {
		return t.Lanes[lane].Name + " forgot everything"
	}
	var same []string
	for _, l := range t.Lanes {
		if l.Identity == t.Lanes[lane].Identity {
			same = append(same, l.Name)
		}
	}
	return english.Join(same, "and") + " are one identity"
}
