package adversary

import (
	"math/rand/v2"
	"slices"
)

// With is the case with one property in place of its own.
func (c *Case) With(p Property) *Case {
	d := c.clone()
	d.Properties = []Property{p}
	return d
}

// Changed draws a case that differs from c in one option, or in none.
func (c *Case) Changed(rng *rand.Rand) *Case {
	d := c.clone()
	p := &pen{few: values, Rand: rng, c: d, lives: 1, most: 1000}
	p.names = !c.Honest || !c.Symmetric
	switch rng.IntN(12) {
	case 0, 1, 2:
		d.Held = !c.Held
	case 3, 4:
		p.changeProperty()
	case 5, 6:
		p.changeHandler()
	case 7:
		d.Replica.Persistent = []string{"x"}
		if slices.Equal(c.Replica.Persistent, d.Replica.Persistent) {
			d.Replica.Persistent = nil
		}
	case 8:
		if n := len(c.Start); n > 0 {
			d.Start = d.Start[:n-1]
		} else {
			d.Start = []Step{{Kind: "drop", Types: []string{pick(p, types...)}}}
		}
	case 9:
		d.F = (c.F + 1) % c.N
	case 10:
		if len(c.Clients) > 0 {
			first := &d.Clients[0]
			first.Program = append(slices.Clone(first.Program), Operation{"write", "3"})
		} else {
			p.changeProperty()
		}
	case 11: // nothing but the options of a search
	}
	return d
}

// changeProperty draws another property, maybe of the same name.
func (p *pen) changeProperty() {
	was := p.c.Properties
	if len(was) == 1 && was[0].Kind == "validity" {
		v := pick(p, append(values, `"1a"`, `"2a"`)...)
		p.c.Properties = []Property{{Kind: "validity", Text: "validity(lambda v: v != " + v + ")", Name: "validity", Value: v}}
		return
	}
	for range 20 {
		p.c.Properties = nil
		p.properties()
		if !slices.EqualFunc(p.c.Properties, was, func(a, b Property) bool { return a.Text == b.Text }) {
			return
		}
	}
}

// changeHandler lets replicas do something more, before or after the rest, or
// takes something away.
func (p *pen) changeHandler() {
	h := &p.c.Replica.Handlers[p.IntN(len(p.c.Replica.Handlers))]
	switch n := p.IntN(3); {
	case h.Event == "timeout" && len(h.Body) == 0:
	case n == 0 && len(h.Body) > 0:
		i := p.IntN(len(h.Body))
		h.Body = slices.Delete(h.Body, i, i+1)
	case n == 1:
		h.Body = slices.Insert(h.Body, 0, p.statement(h.Event, false))
	default:
		h.Body = append(h.Body, p.statement(h.Event, false))
	}
}
