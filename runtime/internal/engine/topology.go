package engine

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/twinsh/twinsh/runtime/node"
)

// This file is who reaches whom.

// A topology says who reaches whom. It is immutable.
type topology struct {
	// Partitions and cuts are kept as what they come to.
	reach   []node.Set // reach[i] is whom instance i reaches, itself included
	filters []filter
	parts   []node.Set // the partition in force, for people; nil if there is none
	held    []Link
	orders  []order
	twice   []filter // what arrives twice, the next time
}

// An order says whom an instance hears first.
type order struct {
	of    int
	first []int
}

// A filter loses messages of one type ("" for any) on some links. Its number is
// that of the others that do the same; OfPhase is in that of one which is in
// force for a single round or delivery. One that doubles lets the next of these
// messages arrive twice instead.
type filter struct {
	kind     string
	from, to node.Set
	doubles  bool
	later    bool // it doubles: the message arrives again in a later step
	coin     bool // it is no filter but a coin, which had an effect if it was read
	number   uint32
}

// OfPhase is the bit in the number of a filter that is in force for a single round or
// delivery. The same filter has the same other bits if it stands for good.
const OfPhase = 1 << 31

// numbered returns the filter with its number.
func (e *environments) numbered(f filter) filter {
	e.mu.Lock()
	defer e.mu.Unlock()
	number, ok := e.filters[f]
	if !ok {
		number = uint32(len(e.filters))
		e.filters[f] = number
	}
	f.number = number
	return f
}

// matches reports whether f is about a message of the given type on the link.
func (f *filter) matches(kind string, from, to int) bool {
	return f.from.Has(from) && f.to.Has(to) && (f.kind == "" || f.kind == kind)
}

// connected returns the topology in which all reach all.
func connected(sys *System) *topology {
	t := &topology{reach: make([]node.Set, len(sys.instances))}
	for i := range t.reach {
		t.reach[i] = sys.All()
	}
	return t
}

// clone returns a copy to be changed. Lists are shared up to their length, so that
// appending to the copy leaves t as it is; what takes from one copies it first.
func (t *topology) clone() *topology {
	next := *t
	next.reach = slices.Clone(t.reach)
	next.filters, next.held, next.orders, next.twice = slices.Clip(t.filters), slices.Clip(t.held), slices.Clip(t.orders), slices.Clip(t.twice)
	return &next
}

// partitioned returns t with links only inside the parts. Instances that no
// part names reach everybody, as before.
func (t *topology) partitioned(parts []node.Set) *topology {
	next := t.clone()
	next.parts = inOrder(parts)
	var named node.Set
	for _, p := range parts {
		named |= p
	}
	for _, p := range parts {
		for i := range p.All {
			next.reach[i] &= p | ^named
		}
	}
	return next
}

// inOrder returns parts in the order of their first members, so that one partition is
// one topology however it is written.
func inOrder(parts []node.Set) []node.Set {
	return slices.SortedFunc(slices.Values(parts), func(a, b node.Set) int {
		return bits.TrailingZeros64(uint64(a)) - bits.TrailingZeros64(uint64(b))
	})
}

// renamed returns t with other names. What was added to it one after the other stays
// in that order, as it would be after the renamed steps.
func (t *topology) renamed(r Renaming, e *environments) *topology {
	next := &topology{reach: make([]node.Set, len(t.reach))}
	for i, reach := range t.reach {
		next.reach[r[i]] = r.Set(reach)
	}
	for _, part := range t.parts {
		next.parts = append(next.parts, r.Set(part))
	}
	next.parts = inOrder(next.parts)
	filters := func(all []filter) (renamed []filter) {
		for _, f := range all {
			renamed = append(renamed, e.numbered(filter{kind: f.kind, from: r.Set(f.from), to: r.Set(f.to), doubles: f.doubles, later: f.later}))
		}
		return renamed
	}
	next.filters, next.twice = filters(t.filters), filters(t.twice)
	for _, l := range t.held {
		next.held = append(next.held, Link{r[l.From], r[l.To]})
	}
	for _, o := range t.orders {
		var first []int
		for _, i := range o.first {
			first = append(first, r[i])
		}
		next.orders = append(next.orders, order{r[o.of], first})
	}
	return next
}

// cut returns t without the links from some instances to others. An instance always
// reaches itself.
func (t *topology) cut(from, to node.Set) *topology {
	next := t.clone()
	for i := range from.All {
		next.reach[i] &^= to &^ node.SetOf(i)
	}
	return next
}

// filter returns t with f in force. If filters come in another order the topology is
// another one that does the same.
func (t *topology) filter(f filter) *topology {
	next := t.clone()
	if !slices.Contains(next.filters, f) {
		next.filters = append(next.filters, f)
	}
	return next
}

// hold returns t in which messages queue up on a link.
func (t *topology) hold(l Link) *topology {
	if slices.Contains(t.held, l) {
		return t
	}
	next := t.clone()
	next.held = append(next.held, l)
	return next
}

// unhold returns t in which messages pass a link that was held.
func (t *topology) unhold(l Link) *topology {
	next := t.clone()
	next.held = slices.DeleteFunc(slices.Clone(t.held), func(m Link) bool { return m == l })
	return next
}

// prefer returns t in which an instance hears some first; an empty list takes an earlier
// order back.
func (t *topology) prefer(of int, first []int) *topology {
	next := t.clone()
	next.orders = slices.DeleteFunc(slices.Clone(t.orders), func(o order) bool { return o.of == of })
	if len(first) > 0 {
		next.orders = append(next.orders, order{of, first})
	}
	return next
}

// ties reports whether messages may wait, so that what happens in one part of a
// step depends on the others.
func (t *topology) ties() bool { return len(t.held)+len(t.twice) > 0 }

// noteFilter adds the number of a filter to those that were noted, once.
func noteFilter(noted []uint32, number uint32) []uint32 {
	if slices.Contains(noted, number) {
		return noted
	}
	return append(noted, number)
}

func flagByte(set bool) byte {
	if set {
		return 1
	}
	return 0
}

// doubled returns t in which the next message of a type on a link arrives twice.
func (t *topology) doubled(f filter) *topology {
	next := t.clone()
	next.twice = append(next.twice, f)
	return next
}

// doubles returns what lets a message on a link arrive twice, and the topology after
// that, or nil.
func (t *topology) doubles(kind string, from, to int) (*filter, *topology) {
	i := slices.IndexFunc(t.twice, func(f filter) bool { return f.matches(kind, from, to) })
	if i < 0 {
		return nil, t
	}
	next := t.clone()
	next.twice = slices.Delete(slices.Clone(t.twice), i, i+1)
	return &t.twice[i], next
}

// first returns whom an instance hears first, of those whose messages arrive together.
func (t *topology) first(of int) []int {
	for _, o := range t.orders {
		if o.of == of {
			return o.first
		}
	}
	return nil
}

// turn says where a packet stands among those that arrive together at one instance.
func (t *topology) turn(p packet) int { return turnOf(t.first(int(p.to)), int(p.from)) }

// turnOf says where the messages of a sender stand, if some senders are heard first: those in their
// order, then the others in that of all instances.
func turnOf[T int | uint32](first []T, from T) int {
	if i := slices.Index(first, from); i >= 0 {
		return i - len(first)
	}
	return int(from)
}

// topology interns t. The open topology is number 0.
func (e *environments) topology(t *topology) uint32 {
	key := string(t.append(nil))
	e.mu.Lock()
	defer e.mu.Unlock()
	if id, ok := e.byTop[key]; ok {
		return id
	}
	id := e.topos.append(t)
	e.byTop[key] = id
	return id
}

// topologyAt returns a topology.
func (e *environments) topologyAt(id uint32) *topology { return *e.topos.at(id) }

// append appends the encoding of a topology: what it does, and the parts that people see.
// Numbers of filters are left out, since they differ between processes.
func (t *topology) append(b []byte) []byte {
	number := func(n uint64) { b = binary.AppendUvarint(b, n) }
	sets := func(of []node.Set) {
		number(uint64(len(of)))
		for _, s := range of {
			number(uint64(s))
		}
	}
	sets(t.reach)
	sets(t.parts)
	for _, filters := range [][]filter{t.filters, t.twice} {
		number(uint64(len(filters)))
		for _, f := range filters {
			b = appendString(b, f.kind)
			number(uint64(f.from))
			number(uint64(f.to))
			b = append(b, flagByte(f.later))
		}
	}
	number(uint64(len(t.held)))
	for _, l := range t.held {
		number(uint64(l.From))
		number(uint64(l.To))
	}
	number(uint64(len(t.orders)))
	for _, o := range t.orders {
		number(uint64(o.of))
		number(uint64(len(o.first)))
		for _, i := range o.first {
			number(uint64(i))
		}
	}
	return b
}
