package adversary

import (
	"slices"
	"strings"
)

// Smaller lists what c is without one of its parts, the largest parts first. The test takes
// the first that still differs in the same way, and goes on from there (the greedy half of
// delta debugging; Zeller and Hildebrandt, TSE 2002). What is listed may be a case that
// makes no sense, such as a start that cannot happen; the test looks.
func (c *Case) Smaller() (all []*Case) {
	add := func(change func(*Case)) {
		d := c.clone()
		change(d)
		all = append(all, d)
	}
	for _, s := range c.Space.smaller() {
		add(func(d *Case) { d.Space = s })
	}
	for i := range c.Properties {
		if len(c.Properties) > 1 {
			add(func(d *Case) { d.Properties = slices.Delete(d.Properties, i, i+1) })
		}
	}
	for i := range c.Extras {
		add(func(d *Case) { d.Extras = slices.Delete(d.Extras, i, i+1) })
	}
	for i := range c.Start {
		add(func(d *Case) { d.Start = slices.Delete(d.Start, i, i+1) })
	}
	roles := func(d *Case) []*Role {
		all := []*Role{&d.Replica}
		for _, r := range []*Role{d.Client, d.Liar} {
			if r != nil {
				all = append(all, r)
			}
		}
		return all
	}
	for k, r := range roles(c) {
		for i, h := range r.Handlers {
			if len(h.Body) > 1 {
				add(func(d *Case) { roles(d)[k].Handlers[i].Body = nil })
			}
		}
		for i, h := range r.Handlers {
			for j, s := range h.Body {
				add(func(d *Case) { roles(d)[k].Handlers[i].Body = slices.Delete(roles(d)[k].Handlers[i].Body, j, j+1) })
				if s.If != "" {
					add(func(d *Case) { roles(d)[k].Handlers[i].Body[j].If = "" })
				}
			}
		}
		if len(r.Persistent) > 0 {
			add(func(d *Case) { roles(d)[k].Persistent = nil })
		}
	}
	if c.Held {
		add(func(d *Case) { d.Held = false })
	}
	return all
}

// It is as deep as the changes go: lists of steps and properties, handlers and statements.
func (c *Case) clone() *Case {
	d := *c
	d.Replica = c.Replica.clone()
	if c.Client != nil {
		r := c.Client.clone()
		d.Client = &r
	}
	if c.Liar != nil {
		r := c.Liar.clone()
		d.Liar = &r
	}
	d.Start, d.Properties = slices.Clone(c.Start), slices.Clone(c.Properties)
	d.Extras, d.Clients = slices.Clone(c.Extras), slices.Clone(c.Clients)
	return &d
}

func (r Role) clone() Role {
	r.Handlers = slices.Clone(r.Handlers)
	for i := range r.Handlers {
		r.Handlers[i].Body = slices.Clone(r.Handlers[i].Body)
	}
	return r
}

// smaller lists parts of the space, and it with smaller parts. What lists one scenario only
// stays. A noun is halved by writing what it lists as stories, which says the same in more
// words, but no longer depends on the noun.
func (s Space) smaller() (all []Space) {
	switch s.Op {
	case "|", "+":
		all = append(all, s.Of[0], s.Of[1])
	case "each":
		all = append(all, s.Of...)
	case "*", "distinct", "constant", "maybe", "filter", "view":
		all = append(all, s.Of[0])
		if s.Times > 2 {
			all = append(all, Space{Op: s.Op, Of: s.Of, Times: s.Times - 1})
		}
	}
	for i, part := range s.Of {
		if s.Op == "each" { // which makes what it makes
			break
		}
		for _, less := range part.smaller() {
			of := slices.Clone(s.Of)
			of[i] = less
			all = append(all, Space{Op: s.Op, Of: of, Times: s.Times, Keep: s.Keep})
		}
	}
	if s.Op == "" && len(s.Lists) > 1 {
		for _, half := range [][]Scenario{s.Lists[:len(s.Lists)/2], s.Lists[len(s.Lists)/2:]} {
			all = append(all, listed(half))
		}
	}
	return all
}

// listed is the space of the given scenarios.
func listed(of []Scenario) Space {
	s := Space{Lists: of}
	var texts []string
	for _, sc := range of {
		text := "begin"
		for _, step := range sc {
			text += "." + step.act()
		}
		texts = append(texts, "way("+text+")")
	}
	s.Text = "(" + strings.Join(texts, " | ") + ")"
	return s
}
