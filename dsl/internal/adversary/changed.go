package adversary

import (
	"math/rand/v2"
	"slices"
)

// Pairs of cases that differ in one thing. A checkpoint of the one must be refused by a
// search of the other, or, if the difference cannot matter, lead to the report that a
// search from the beginning makes.

// With is the case with one property in place of its own. Searches that stop early see more
// of a case that way.
func (c *Case) With(p Property) *Case {
	d := c.clone()
	d.Properties = []Property{p}
	return d
}

// Changed draws a case that differs from c in one option, or in none. Each of them is a
// part of the fingerprint: the network, a property or its argument, a handler, what is
// persistent, the start, f, a program. The network, properties and handlers come up most,
// and now and then nothing differs but the options of the search.
func (c *Case) Changed(rng *rand.Rand) *Case {
	d := c.clone()
	p := &pen{few: values, Rand: rng, c: d, lives: 1, most: 1000}
	p.names = !c.Honest || !c.Symmetric
	p.aborts = c.ofObject() // no replica writes where there is no register
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
			first, more := &d.Clients[0], Operation{"write", "3"}
			if c.ofObject() && len(first.Program) > 0 {
				more = first.Program[0]
			}
			first.Program = append(slices.Clone(first.Program), more)
		} else {
			p.changeProperty()
		}
	case 11: // nothing but the options of a search
	}
	if c.Coins != nil && !readsCoins(d) { // that is an error of its own
		return c.clone()
	}
	return d
}
