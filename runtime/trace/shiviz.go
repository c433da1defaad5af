package trace

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/twinsh/twinsh/runtime"
)

// shivizParser is the expression by which ShiViz reads the rest of the log.
const shivizParser = `(?<event>.*)\n(?<host>\S*) (?<clock>{.*})`

// FormatShiViz is a log with vector clocks.
const FormatShiViz Format = "shiviz"

var shivizRenderer = renderer{
	format: FormatShiViz, about: "a log with vector clocks", endings: []string{".log"},
	render:     func(t *Trace, o Options) (string, error) { return ShiViz(t), nil },
	recognizes: func(text string) bool { return strings.HasPrefix(text, shivizParser) },
}

// ShiViz returns a log for ShiViz (Beschastnikh, Wang, Brun and Ernst,
// "Debugging Distributed Systems", CACM 2016). Each instance is a host, twins
// too, with a vector clock (Fidge 1988, Mattern 1989). An event is that
// something reached an instance; what it sent then, and whom that never
// reaches, is written with it. The first two lines say to ShiViz how to read the
// others, which is also how it reads what is pasted.
func ShiViz(t *Trace) string {
	v := &vectors{Trace: t, now: make([]clock, len(t.Lanes)), at: map[runtime.Place]clock{}, sent: map[runtime.Place][]runtime.Place{}}
	for i, l := range t.Lanes {
		v.now[i] = make(clock, len(t.Lanes))
		host := hostName(l.Name)
		if slices.Contains(v.hosts, host) {
			host = fmt.Sprintf("%s_%d", host, i)
		}
		v.hosts = append(v.hosts, host)
	}
	v.b.WriteString(shivizParser + "\n\n")
	// What becomes of a message is known only later than the event that sends it is written, so that
	// is collected first.
	everything := runtime.Place{Step: len(t.Steps) + 1}
	for p, d := range t.until(everything) {
		if d.Origin != nil {
			v.sent[*d.Origin] = append(v.sent[*d.Origin], p)
		}
	}
	for p, d := range t.until(everything) {
		if d.Fate == runtime.Delivered {
			v.event(p, d)
		}
	}
	return v.b.String()
}

// A clock counts the events of each lane. An event is two lines of the log, what happened and
// then the host with its clock, which is a JSON object of the hosts that it knows of:
//
//	2 gets update v1 red from c1; sends ack to c1; now v1 red
//	A {"A":2, "c1":3}
//
// The clock is the least upper bound of the host's own and of that of the event that sent
// what arrived, and one more for this event. A message of which the sender is not known
// (a [Delivery] without Origin) and what a step itself asks of a host bring no knowledge.
type clock []int

type vectors struct {
	*Trace
	b     strings.Builder
	hosts []string
	now   []clock
	at    map[runtime.Place]clock           // what it was after an event
	sent  map[runtime.Place][]runtime.Place // by the event that sent them, what became of messages
}

// sends says what was sent at an event. A message that waits first is on its
// way; what became of it is written where it arrives.
func (v *vectors) sends(event runtime.Place) string {
	type group struct {
		text      string
		message   int
		mail      bool
		to, never []int
	}
	var groups []*group
	for _, p := range v.sent[event] {
		d := v.Trace.at(p)
		i := slices.IndexFunc(groups, func(g *group) bool { return g.text == d.Text && g.message == d.Message && g.mail == d.Mail() })
		if i < 0 {
			i, groups = len(groups), append(groups, &group{text: d.Text, message: d.Message, mail: d.Mail()})
		}
		switch g := groups[i]; {
		case slices.Contains(g.to, d.To) || slices.Contains(g.never, d.To):
		case d.Fate == runtime.Delivered || d.Fate == runtime.Waiting:
			g.to = append(g.to, d.To)
		default:
			g.never = append(g.never, d.To)
		}
	}
	var b strings.Builder
	for _, g := range groups {
		fmt.Fprintf(&b, "; sends %s", g.text)
		if g.mail {
			b.WriteString(" to the next leader")
			continue
		}
		if len(g.to) > 0 {
			b.WriteString(" to " + v.names(g.to))
		}
		if len(g.never) > 0 {
			b.WriteString(" (lost: " + v.names(g.never) + ")")
		}
	}
	return b.String()
}

// event writes the event that d is.
func (v *vectors) event(p runtime.Place, d *Delivery) {
	now := v.now[d.To]
	if d.Origin != nil {
		for i, n := range v.at[*d.Origin] {
			now[i] = max(now[i], n)
		}
	}
	now[d.To]++
	v.at[p] = slices.Clone(now)
	var parts []string
	for i, n := range now {
		if n > 0 {
			name, _ := json.Marshal(v.hosts[i]) // strings always can be
			parts = append(parts, fmt.Sprintf("%s:%d", name, n))
		}
	}
	text := fmt.Sprintf("%d %s", p.Step, v.Steps[p.Step-1].Title)
	if d.From >= 0 {
		text = fmt.Sprintf("%d gets %s from %s", p.Step, d.carried(), v.Lanes[d.From].Name)
	}
	if d.Moment != "" {
		text = fmt.Sprintf("%d %s", p.Step, d.Moment)
	}
	for _, o := range d.Seen {
		text += "; " + observed(d.To, o).one
	}
	for _, note := range d.Notes {
		text += "; notes " + note
	}
	if text += v.sends(p); d.Changed && d.Summary != "" {
		text += "; now " + d.Summary
	}
	fmt.Fprintf(&v.b, "%s\n%s {%s}\n", oneLine(text), v.hosts[d.To], strings.Join(parts, ", "))
}

// hostName makes a name that ShiViz can distinguish from what follows: its expression takes what
// stands before the first blank for the host. Two names that become one this way get their
// numbers, or their events would be those of one host.
func hostName(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || !unicode.IsPrint(r) || r == '{' || r == '}' {
			return '_'
		}
		return r
	}, name)
}

func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return '�'
		}
		return r
	}, text)
}
