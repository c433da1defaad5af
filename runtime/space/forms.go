package space

import (
	"encoding/binary"
	"math/big"
	"slices"

	"github.com/twinsh/twinsh/runtime"
)

// A form is how a space is made of others. Everything that a form does to an
// index rests on one view: the index of a scenario is a number in mixed radix
// (Knuth, The Art of Computer Programming, volume 2, section 4.1) whose digits are the choices
// made, the last choice being the last digit. So any scenario of a space of 10^100 is written
// in time linear in its length, and no list is ever made.
//
// A form does four things that must agree, which a test holds against a plain list: it counts
// (size), it finds a scenario of an index (take), it finds the index of a scenario (match), and
// it lists (each). What a search walks is a fifth, the automaton. How a space is filtered, and what
// its digest covers, is asked of each form too, so that a new one cannot be forgotten there. Forms
// are immutable.
type form interface {
	part
	parts() []*Space
	// take takes the last digits off the index and puts the steps that they
	// choose before those put so far.
	take(u *unranking)
	// each calls yield with each scenario appended to prefix, as long as it
	// returns true, and reports whether it always did. What yield gets is valid
	// until it returns.
	each(prefix Scenario, yield func(Scenario) bool) bool
	// match finds the scenarios with which sc[from:] begins.
	match(sc Scenario, from int) []match
	// filtered returns what f keeps of s, whose form it is.
	filtered(f filtering, s *Space) *Space
	// digested appends what there is to know of the form beside its parts, see [Space.Digest].
	digested(b []byte) []byte
}

// An unranking is a scenario that is being written, from its end, and what is
// left of its index.
type unranking struct {
	index big.Int
	to    Scenario
	free  int // to[free:] is written

	radix, rest big.Int
}

// digit takes the last digit off the index. The two numbers beside the index are kept for the
// next digit, because a sample asks for millions of them.
func (u *unranking) digit(radix int) int {
	u.radix.SetInt64(int64(radix))
	u.index.QuoRem(&u.index, &u.radix, &u.rest)
	return int(u.rest.Int64())
}

// put writes steps before those that are there already: the last digit comes off an index first,
// and it is that of the last choice.
func (u *unranking) put(steps ...runtime.Step) {
	u.free -= len(steps)
	copy(u.to[u.free:], steps)
}

// A match is the first scenario of those that end the same. Matches are listed in
// the order of their indices.
type match struct {
	end   int
	index *big.Int
}

// keep adds a match unless an earlier one ends the same: what comes after it depends on where
// it ends alone, and of those that a space lists twice the first index is the answer. It keeps
// the number of matches below the length of the scenario.
func keep(known []match, m match) []match {
	if slices.ContainsFunc(known, func(k match) bool { return k.end == m.end }) {
		return known
	}
	return append(known, m)
}

// follow goes on from matches with those of s.
func follow(before []match, sc Scenario, s *Space) []match {
	var after []match
	for _, m := range before {
		for _, n := range s.form.match(sc, m.end) {
			index := new(big.Int).Mul(m.index, s.size)
			after = keep(after, match{n.end, index.Add(index, n.index)})
		}
	}
	return after
}

// empty is the empty scenario. It is the one of zero times any space, and what maybe adds.
type empty struct{}

func (empty) size() *big.Int                              { return one }
func (empty) parts() []*Space                             { return nil }
func (empty) take(*unranking)                             {}
func (empty) match(_ Scenario, from int) []match          { return []match{{from, new(big.Int)}} }
func (empty) each(p Scenario, y func(Scenario) bool) bool { return y(p) }
func (empty) digested(b []byte) []byte                    { return b }

var one = big.NewInt(1)

// A choice is one step, any of these. A step that is given twice is one of them: two scenarios
// that do the same would else both be searched, and sizes would count them twice.
type choice struct {
	steps []runtime.Step
	index map[string]int // by text
}

// add adds steps that it does not have.
func (c *choice) add(steps ...runtime.Step) {
	for _, step := range steps {
		if _, known := c.index[step.String()]; !known {
			c.index[step.String()] = len(c.steps)
			c.steps = append(c.steps, step)
		}
	}
}

func (c *choice) size() *big.Int    { return big.NewInt(int64(len(c.steps))) }
func (c *choice) parts() []*Space   { return nil }
func (c *choice) take(u *unranking) { u.put(c.steps[u.digit(len(c.steps))]) }

func (c *choice) digested(b []byte) []byte {
	for _, step := range c.steps {
		text := step.String()
		b = binary.AppendUvarint(b, uint64(len(text)))
		b = append(b, text...)
	}
	return b
}

func (c *choice) each(prefix Scenario, yield func(Scenario) bool) bool {
	for _, step := range c.steps {
		if !yield(append(prefix, step)) {
			return false
		}
	}
	return true
}

func (c *choice) match(sc Scenario, from int) []match {
	if from < len(sc) {
		if i, ok := c.index[sc[from].String()]; ok {
			return []match{{from + 1, big.NewInt(int64(i))}}
		}
	}
	return nil
}

// then is a followed by b. Its index is that of a's scenario times b's size plus that of b's.
type then struct{ a, b *Space }

func (t then) size() *big.Int  { return new(big.Int).Mul(t.a.size, t.b.size) }
func (t then) parts() []*Space { return []*Space{t.a, t.b} }

func (then) digested(b []byte) []byte { return b }

func (t then) take(u *unranking) {
	t.b.form.take(u)
	t.a.form.take(u)
}

func (t then) each(prefix Scenario, yield func(Scenario) bool) bool {
	return t.a.form.each(prefix, func(sc Scenario) bool { return t.b.form.each(sc, yield) })
}

func (t then) match(sc Scenario, from int) []match {
	return follow(t.a.form.match(sc, from), sc, t.b)
}

// or is a's scenarios, then b's. Its digit is an index of either, those of b behind those of a,
// so that it is no digit of one radix: it is split off as a whole.
type or struct{ a, b *Space }

func (o or) size() *big.Int  { return new(big.Int).Add(o.a.size, o.b.size) }
func (o or) parts() []*Space { return []*Space{o.a, o.b} }

func (or) digested(b []byte) []byte { return b }

func (o or) take(u *unranking) {
	var left, digit big.Int
	left.QuoRem(&u.index, o.size(), &digit)
	u.index.Set(&digit)
	if digit.Cmp(o.a.size) < 0 {
		o.a.form.take(u)
	} else {
		u.index.Sub(&digit, o.a.size)
		o.b.form.take(u)
	}
	u.index.Set(&left)
}

func (o or) each(prefix Scenario, yield func(Scenario) bool) bool {
	return o.a.form.each(prefix, yield) && o.b.form.each(prefix, yield)
}

func (o or) match(sc Scenario, from int) []match {
	found := o.a.form.match(sc, from)
	for _, m := range o.b.form.match(sc, from) {
		found = keep(found, match{m.end, new(big.Int).Add(o.a.size, m.index)})
	}
	return found
}

// union is the scenarios of several spaces, one space after the other.
type union struct {
	of    []*Space
	first []*big.Int // the index of the first scenario of each, and how many there are
}

func (x *union) size() *big.Int  { return x.first[len(x.of)] }
func (x *union) parts() []*Space { return x.of }

func (*union) digested(b []byte) []byte { return b }

// Which space an index is in is searched by halves: there may be a million of them.
func (x *union) take(u *unranking) {
	var left, digit big.Int
	left.QuoRem(&u.index, x.size(), &digit)
	i, _ := slices.BinarySearchFunc(x.first, &digit, func(first, digit *big.Int) int {
		if first.Cmp(digit) <= 0 {
			return -1
		}
		return 1
	})
	u.index.Sub(&digit, x.first[i-1])
	x.of[i-1].form.take(u)
	u.index.Set(&left)
}

func (x *union) each(prefix Scenario, yield func(Scenario) bool) bool {
	for _, s := range x.of {
		if !s.form.each(prefix, yield) {
			return false
		}
	}
	return true
}

func (x *union) match(sc Scenario, from int) (found []match) {
	for i, s := range x.of {
		for _, m := range s.form.match(sc, from) {
			found = keep(found, match{m.end, new(big.Int).Add(x.first[i], m.index)})
		}
	}
	return found
}

// times is n scenarios, one after the other: n digits of one radix. It is a form of its own, and
// not a chain of n of then, so that a space of a thousand rounds is no deeper than one of two.
type times struct {
	of *Space
	n  int
}

func (t times) size() *big.Int  { return new(big.Int).Exp(t.of.size, big.NewInt(int64(t.n)), nil) }
func (t times) parts() []*Space { return []*Space{t.of} }

func (t times) digested(b []byte) []byte { return binary.AppendUvarint(b, uint64(t.n)) }

func (t times) take(u *unranking) {
	for range t.n {
		t.of.form.take(u)
	}
}

func (t times) each(prefix Scenario, yield func(Scenario) bool) bool {
	if t.n == 0 {
		return yield(prefix)
	}
	return t.of.form.each(prefix, func(sc Scenario) bool { return times{t.of, t.n - 1}.each(sc, yield) })
}

func (t times) match(sc Scenario, from int) []match {
	found := empty{}.match(sc, from)
	for range t.n {
		found = follow(found, sc, t.of)
	}
	return found
}

// constant is one scenario n times: one digit, and the steps that it chooses written n times.
type constant struct {
	of *Space
	n  int
}

func (c constant) size() *big.Int  { return c.of.size }
func (c constant) parts() []*Space { return []*Space{c.of} }

func (c constant) digested(b []byte) []byte { return binary.AppendUvarint(b, uint64(c.n)) }

func (c constant) take(u *unranking) {
	end := u.free
	c.of.form.take(u)
	member := u.to[u.free:end]
	for range c.n - 1 {
		u.put(member...)
	}
}

func (c constant) each(prefix Scenario, yield func(Scenario) bool) bool {
	return c.of.form.each(prefix, func(sc Scenario) bool {
		member := sc[len(prefix):]
		for range c.n - 1 {
			sc = append(sc, member...)
		}
		return yield(sc)
	})
}

func (c constant) match(sc Scenario, from int) []match {
	var found []match
	for _, m := range c.of.form.match(sc, from) {
		repeated := slices.Repeat(sc[from:m.end], c.n)
		if sc.continues(from, repeated) {
			found = append(found, match{from + len(repeated), m.index})
		}
	}
	return found
}

// continues reports whether sc goes on with the given steps.
func (sc Scenario) continues(from int, with Scenario) bool {
	if len(sc)-from < len(with) {
		return false
	}
	for i, step := range with {
		if sc[from+i].String() != step.String() {
			return false
		}
	}
	return true
}
