package trace

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// shivizParser is the expression by which ShiViz reads the rest of the log.
const shivizParser = `(?<event>.*)\n(?<host>\S*) (?<clock>{.*})`

// ShiViz returns a log for ShiViz (Beschastnikh, Wang, Brun and Ernst,
// "Debugging Distributed Systems", CACM 2016). Each instance is a host, twins
// too, with a vector clock (Fidge 1988, Mattern 1989). An event is that
// something reached an instance; what it sent then, and whom that never
// reaches, is told with it. The first two lines tell ShiViz how to read the
// others, which is also how it reads what is pasted.
func (t *Trace) ShiViz() string {
	v := &vectors{Trace: t, now: make([]clock, len(t.Lanes)), waiting: map[parcel][]clock{}}
	for i, l := range t.Lanes {
		v.now[i] = make(clock, len(t.Lanes))
		host := hostName(l.Name)
		if slices.Contains(v.hosts, host) {
			host = fmt.Sprintf("%s_%d", host, i)
		}
		v.hosts = append(v.hosts, host)
	}
	v.b.WriteString(shivizParser + "\n\n")
	for k := range t.Steps {
		v.step(&t.Steps[k])
	}
	return v.b.String()
}

// A clock counts the events of each lane.
type clock []int

// A parcel is a message in flight. Equal ones cannot be told apart.
type parcel struct {
	from, to int
	text     string
}

type vectors struct {
	*Trace
	b       strings.Builder
	hosts   []string
	now     []clock
	waiting map[parcel][]clock // when they were sent, oldest first
}

func (v *vectors) step(s *Step) {
	// Messages of a hop were sent in the one before it.
	for rest := s.Deliveries; len(rest) > 0; {
		wave := rest[:prefix(rest, func(d Delivery) bool { return d.Hop == rest[0].Hop })]
		rest = rest[len(wave):]
		next := rest
		if len(rest) > 0 {
			next = rest[:prefix(rest, func(d Delivery) bool { return d.Hop == rest[0].Hop })]
		}
		sent := make([]clock, len(v.now))
		for i, c := range v.now {
			sent[i] = slices.Clone(c)
		}
		for i, d := range wave {
			switch p := (parcel{d.From, d.To, d.Text}); {
			case d.Fate == Waiting:
				v.waiting[p] = append(v.waiting[p], sent[d.From])
			case d.Fate != Delivered:
			case d.From < 0:
				v.event(s, d, nil, v.sends(wave[i+1:], next, d.To))
			default:
				from := sent[d.From]
				if queue := v.waiting[p]; len(queue) > 0 {
					from, v.waiting[p] = queue[0], queue[1:]
				}
				v.event(s, d, from, v.sends(wave[i+1:], next, d.To))
			}
		}
	}
}

// sends tells what a lane sent in a hop: the next hop shows it. It is told with
// the lane's last event in the hop, that is, unless others follow.
func (v *vectors) sends(others, next []Delivery, lane int) string {
	if slices.ContainsFunc(others, func(d Delivery) bool { return d.To == lane && d.Fate == Delivered }) {
		return ""
	}
	var b strings.Builder
	var texts []string
	for _, d := range next {
		if d.From != lane || slices.Contains(texts, d.Text) {
			continue
		}
		texts = append(texts, d.Text)
		var to, never []int
		for _, e := range next {
			if e.From != lane || e.Text != d.Text {
				continue
			}
			if e.Fate == Delivered || e.Fate == Waiting {
				to = append(to, e.To)
			} else {
				never = append(never, e.To)
			}
		}
		fmt.Fprintf(&b, "; sends %s", d.Text)
		if len(to) > 0 {
			b.WriteString(" to " + v.names(to))
		}
		if len(never) > 0 {
			b.WriteString(" (lost: " + v.names(never) + ")")
		}
	}
	return b.String()
}

// event writes an event of the lane that d reached. The clock, if any, is that
// of the sender when it sent.
func (v *vectors) event(s *Step, d Delivery, sender clock, sends string) {
	now := v.now[d.To]
	for i, n := range sender {
		now[i] = max(now[i], n)
	}
	now[d.To]++
	var parts []string
	for i, n := range now {
		if n > 0 {
			name, _ := json.Marshal(v.hosts[i]) // strings always can be
			parts = append(parts, fmt.Sprintf("%s:%d", name, n))
		}
	}
	text := fmt.Sprintf("%d %s", s.Number, s.Title)
	if d.From >= 0 {
		text = fmt.Sprintf("%d gets %s from %s", s.Number, d.Text, v.Lanes[d.From].Name)
	}
	for _, o := range d.Seen {
		text += "; " + observed(d.To, o).one
	}
	if text += sends; d.Changed && d.Summary != "" {
		text += "; now " + d.Summary
	}
	fmt.Fprintf(&v.b, "%s\n%s {%s}\n", oneLine(text), v.hosts[d.To], strings.Join(parts, ", "))
}

// hostName makes a name that ShiViz can tell from what follows.
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
