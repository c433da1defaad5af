package runtime

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A topology says who reaches whom. It is immutable.
type topology struct {
	reach   []Set // reach[i] is whom instance i reaches, itself included
	filters []filter
	parts   []Set // the partition in force, for people; nil if there is none
	held    []link
	orders  []order
}

// A link is a way for messages, in one direction.
type link struct{ from, to int }

// An order says whom an instance hears first.
type order struct {
	of    int
	first []int
}

// A filter loses messages of one type ("" for any) on some links. Its number is
// that of the others that do the same; ofPhase is in that of one which is in
// force for a single round or delivery.
type filter struct {
	kind     string
	from, to Set
	number   uint32
}

const ofPhase = 1 << 31

// filter returns the filter with its number.
func (k *code) filter(kind string, from, to Set) filter {
	f := filter{kind: kind, from: from, to: to}
	k.mu.Lock()
	defer k.mu.Unlock()
	number, ok := k.filters[f]
	if !ok {
		number = uint32(len(k.filters))
		k.filters[f] = number
	}
	f.number = number
	return f
}

// loses reports whether f loses a message of the given type on the link.
func (f *filter) loses(kind string, from, to int) bool {
	return f.from.Has(from) && f.to.Has(to) && (f.kind == "" || f.kind == kind)
}

func openTopology(c *Cluster) *topology {
	t := &topology{reach: make([]Set, len(c.instances))}
	for i := range t.reach {
		t.reach[i] = c.servers | c.clients
	}
	return t
}

func (t *topology) clone() *topology {
	next := *t
	next.reach = slices.Clone(t.reach)
	next.filters, next.held, next.orders = slices.Clip(t.filters), slices.Clip(t.held), slices.Clip(t.orders)
	return &next
}

// partitioned returns t with links only inside the parts. Instances that no
// part names reach everybody, as before.
func (t *topology) partitioned(parts []Set) *topology {
	next := t.clone()
	next.parts = parts
	var named Set
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

func (t *topology) cut(from, to Set) *topology {
	next := t.clone()
	for i := range from.All {
		next.reach[i] &^= to &^ SetOf(i)
	}
	return next
}

func (t *topology) filter(f filter) *topology {
	next := t.clone()
	if !slices.Contains(next.filters, f) {
		next.filters = append(next.filters, f)
	}
	return next
}

func (t *topology) hold(l link) *topology {
	if slices.Contains(t.held, l) {
		return t
	}
	next := t.clone()
	next.held = append(next.held, l)
	return next
}

func (t *topology) unhold(l link) *topology {
	next := t.clone()
	next.held = slices.DeleteFunc(slices.Clone(t.held), func(m link) bool { return m == l })
	return next
}

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
func (t *topology) ties() bool { return len(t.held) > 0 }

// place says where a packet stands among those that arrive together at one instance.
func (t *topology) place(p packet) int {
	for _, o := range t.orders {
		if o.of == int(p.to) {
			if i := slices.Index(o.first, int(p.from)); i >= 0 {
				return i - len(o.first)
			}
		}
	}
	return int(p.from)
}

// topology interns t.
func (k *code) topology(t *topology) uint32 {
	var b strings.Builder
	fmt.Fprint(&b, t.reach, t.parts, t.held, t.orders)
	for _, f := range t.filters {
		fmt.Fprintf(&b, " %q %d %d", f.kind, f.from, f.to)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if id, ok := k.byTop[b.String()]; ok {
		return id
	}
	id := k.topos.append(t)
	k.byTop[b.String()] = id
	return id
}

// env is the part of a world that is not the local state of an instance. It is
// immutable.
type env struct {
	topology uint32
	round    uint32 // how many rounds began
	flight   []packet
}

// A packet is a message in flight between two instances. One that was released
// from a held link passes it.
type packet struct {
	from, to uint8
	released bool
	msg      uint32
}

// compareLinks orders packets by their links. Those of one link keep the order
// in which they were sent.
func (p packet) compareLinks(q packet) int {
	return cmp.Or(cmp.Compare(p.from, q.from), cmp.Compare(p.to, q.to))
}

// words encodes p, for the keys of tables.
func (p packet) words() (uint32, uint32) {
	w := uint32(p.from)<<8 | uint32(p.to)
	if p.released {
		w |= 1 << 16
	}
	return w, p.msg
}

func packetOf(w, msg uint32) packet {
	return packet{uint8(w >> 8), uint8(w), w>>16 != 0, msg}
}

// env interns e.
func (k *code) env(e *env) uint32 {
	key := make([]uint32, 0, 16)
	key = append(key, e.topology, e.round)
	for _, p := range e.flight {
		w, msg := p.words()
		key = append(key, w, msg)
	}
	if v, ok := k.byEnv.get(key); ok {
		return v[0]
	}
	kept := &env{e.topology, e.round, slices.Clone(e.flight)}
	return k.byEnv.putFunc(key, func() []uint32 { return []uint32{k.envs.append(kept)} })[0]
}
