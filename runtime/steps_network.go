package runtime

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/twinsh/twinsh/runtime/english"
	"github.com/twinsh/twinsh/runtime/node"
)

// This file is who reaches whom, and the steps that change it.

var networkKinds = []Action{
	PartitionStep{}, HealStep{}, CutStep{}, DropStep{}, DeafStep{}, HoldStep{}, ReleaseStep{}, OrderStep{},
	DuplicateStep{},
}

// A topology says who reaches whom. It is immutable.
type topology struct {
	reach   []node.Set // reach[i] is whom instance i reaches, itself included
	filters []filter
	parts   []node.Set // the partition in force, for people; nil if there is none
	held    []link
	orders  []order
	twice   []filter // what arrives twice, the next time
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
// force for a single round or delivery. One that doubles lets the next of these
// messages arrive twice instead.
type filter struct {
	kind     string
	from, to node.Set
	doubles  bool
	number   uint32
}

const ofPhase = 1 << 31

// numbered returns the filter with its number.
func (k *code) numbered(f filter) filter {
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

// matches reports whether f is about a message of the given type on the link.
func (f *filter) matches(kind string, from, to int) bool {
	return f.from.Has(from) && f.to.Has(to) && (f.kind == "" || f.kind == kind)
}

func openTopology(c *Cluster) *topology {
	t := &topology{reach: make([]node.Set, len(c.instances))}
	for i := range t.reach {
		t.reach[i] = c.servers | c.clients
	}
	return t
}

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
	next.parts = parts
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

func (t *topology) cut(from, to node.Set) *topology {
	next := t.clone()
	for i := range from.All {
		next.reach[i] &^= to &^ node.SetOf(i)
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
func (t *topology) ties() bool { return len(t.held)+len(t.twice) > 0 }

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

// topology interns t. The open topology is number 0.
func (k *code) topology(t *topology) uint32 {
	key := string(t.append(nil))
	k.mu.Lock()
	defer k.mu.Unlock()
	if id, ok := k.byTop[key]; ok {
		return id
	}
	id := k.topos.append(t)
	k.byTop[key] = id
	return id
}

// append appends the encoding of a topology.
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
		}
	}
	number(uint64(len(t.held)))
	for _, l := range t.held {
		number(uint64(l.from))
		number(uint64(l.to))
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

// A PartitionStep parts the network, until it heals. It takes the place of an
// earlier partition and of cuts; filters, holds, orders and duplications stay. Each server
// instance is in exactly one group. A client that no group names reaches every
// group, and every group reaches it.
type PartitionStep struct{ Groups [][]string }

// Name implements [Action].
func (a PartitionStep) Name() string { return "partition" }

// String implements [Action].
func (a PartitionStep) String() string { return notation(a) }

// Title implements [Action].
func (a PartitionStep) Title() string { return "partition " + groupsTitle(a.Groups) }

func (a PartitionStep) edit(e editor) Action {
	a.Groups = required(e, "groups", GroupsArg, a.Groups)
	return a
}

func (a PartitionStep) bind(s *step) (Action, error) {
	parts, err := s.cluster.partition(a.Groups)
	if err != nil {
		return nil, err
	}
	a.Groups = s.cluster.Groups(parts)
	s.parts = parts
	s.move = reshape{parts: parts, change: func(t *topology) *topology {
		whole := openTopology(s.cluster)
		whole.filters, whole.held, whole.orders, whole.twice = t.filters, t.held, t.orders, t.twice
		return whole.partitioned(parts)
	}}
	return a, nil
}

// A HealStep ends partitions, cuts, drops, holds, orders and duplications: all instances reach
// all others again.
type HealStep struct{}

// Name implements [Action].
func (a HealStep) Name() string { return "heal" }

// String implements [Action].
func (a HealStep) String() string { return notation(a) }

// Title implements [Action].
func (a HealStep) Title() string { return "the network heals" }

func (a HealStep) edit(editor) Action { return a }

func (a HealStep) bind(s *step) (Action, error) {
	s.move = reshape{change: func(*topology) *topology { return openTopology(s.cluster) }}
	return a, nil
}

// A CutStep cuts the link from one instance to another, in that direction only.
type CutStep struct{ Src, Dst string }

// Name implements [Action].
func (a CutStep) Name() string { return "cut" }

// String implements [Action].
func (a CutStep) String() string { return notation(a) }

// Title implements [Action].
func (a CutStep) Title() string { return "cut " + a.Src + " → " + a.Dst }

func (a CutStep) edit(e editor) Action {
	a.Src = required(e, "src", InstanceArg, a.Src)
	a.Dst = required(e, "dst", InstanceArg, a.Dst)
	return a
}

func (a CutStep) bind(s *step) (Action, error) {
	l, err := s.link(a.Src, a.Dst)
	s.move = reshape{change: func(t *topology) *topology { return t.cut(node.SetOf(l.from), node.SetOf(l.to)) }}
	return a, err
}

// A DropStep loses messages of a type on the way from Src to Dst, until the network
// heals. An empty end stands for all instances. A type that the protocol does not
// have is an [UnknownTypeError]; see [node.Typed].
type DropStep struct{ Type, Src, Dst string }

// Name implements [Action].
func (a DropStep) Name() string { return "drop" }

// String implements [Action].
func (a DropStep) String() string { return notation(a) }

// Title implements [Action].
func (a DropStep) Title() string {
	text := "drop " + a.Type
	if a.Src != "" {
		text += " from " + a.Src
	}
	if a.Dst != "" {
		text += " to " + a.Dst
	}
	return text
}

func (a DropStep) edit(e editor) Action {
	a.Type = required(e, "type", TypeArg, a.Type)
	a.Src = optional(e, "src", InstanceArg, a.Src)
	a.Dst = optional(e, "dst", InstanceArg, a.Dst)
	return a
}

func (a DropStep) bind(s *step) (Action, error) {
	from, to := s.cluster.all(), s.cluster.all()
	for _, end := range []struct {
		name string
		set  *node.Set
	}{{a.Src, &from}, {a.Dst, &to}} {
		if end.name == "" {
			continue
		}
		i, err := s.cluster.Instance(end.name)
		if err != nil {
			return nil, err
		}
		*end.set = node.SetOf(i)
	}
	if a.Type == "" {
		return nil, errors.New("the message type is empty; name one, or use cut")
	}
	return a, s.filtering([]string{a.Type}, from, to)
}

// A DeafStep lets an instance hear no messages of the given types, until the network
// heals. A type that the protocol does not have is an [UnknownTypeError]; see [node.Typed].
type DeafStep struct {
	ID    string // an instance
	Types []string
}

// Name implements [Action].
func (a DeafStep) Name() string { return "deaf" }

// String implements [Action].
func (a DeafStep) String() string { return notation(a) }

// Title implements [Action].
func (a DeafStep) Title() string { return a.ID + " is deaf to " + strings.Join(a.Types, ", ") }

func (a DeafStep) edit(e editor) Action {
	a.ID = required(e, "id", InstanceArg, a.ID)
	a.Types = required(e, "types", TypesArg, a.Types)
	return a
}

func (a DeafStep) bind(s *step) (Action, error) {
	i, err := s.cluster.Instance(a.ID)
	if err != nil {
		return nil, err
	}
	if len(a.Types) == 0 {
		return nil, errors.New("no message types are named")
	}
	a.Types = once(a.Types)
	return a, s.filtering(a.Types, s.cluster.all(), node.SetOf(i))
}

// filtering makes the step one after which messages of the given types are lost
// on some links.
func (s *step) filtering(types []string, from, to node.Set) error {
	if err := s.cluster.KnownTypes(types...); err != nil {
		return err
	}
	for _, kind := range types {
		s.filters = append(s.filters, s.cluster.code.numbered(filter{kind: kind, from: from, to: to}))
	}
	filters := s.filters
	s.move = reshape{change: func(t *topology) *topology {
		for _, f := range filters {
			t = t.filter(f)
		}
		return t
	}}
	return nil
}

// A HoldStep lets messages on a link queue up, until a [ReleaseStep] lets them go.
type HoldStep struct{ Src, Dst string }

// Name implements [Action].
func (a HoldStep) Name() string { return "hold" }

// String implements [Action].
func (a HoldStep) String() string { return notation(a) }

// Title implements [Action].
func (a HoldStep) Title() string { return "hold " + a.Src + " → " + a.Dst }

func (a HoldStep) edit(e editor) Action {
	a.Src = required(e, "src", InstanceArg, a.Src)
	a.Dst = required(e, "dst", InstanceArg, a.Dst)
	return a
}

func (a HoldStep) bind(s *step) (Action, error) {
	l, err := s.link(a.Src, a.Dst)
	s.move = reshape{change: func(t *topology) *topology { return t.hold(l) }}
	return a, err
}

// A ReleaseStep lets the first Count messages that queue on a held link go; they
// arrive with the next delivery on whichever step. 0 releases all of them and ends
// the hold.
type ReleaseStep struct {
	Src, Dst string
	Count    int
}

// Name implements [Action].
func (a ReleaseStep) Name() string { return "release" }

// String implements [Action].
func (a ReleaseStep) String() string { return notation(a) }

// Title implements [Action].
func (a ReleaseStep) Title() string {
	link := a.Src + " → " + a.Dst
	if a.Count > 0 {
		return fmt.Sprintf("release %s %s", english.Count(a.Count, "message"), link)
	}
	return "release " + link
}

func (a ReleaseStep) edit(e editor) Action {
	a.Src = required(e, "src", InstanceArg, a.Src)
	a.Dst = required(e, "dst", InstanceArg, a.Dst)
	a.Count = optional(e, "count", CountArg, a.Count)
	return a
}

func (a ReleaseStep) bind(s *step) (Action, error) {
	l, err := s.link(a.Src, a.Dst)
	if err == nil && a.Count < 0 {
		err = fmt.Errorf("count is %d, want 1 or more, or none for all", a.Count)
	}
	s.move = release{l, a.Count}
	return a, err
}

// An OrderStep lets an instance hear first, of messages that arrive together, those
// from the given instances, in that order, and then the others as usual: in the
// order of the senders. No instances means as usual.
type OrderStep struct {
	ID    string // an instance
	First []string
}

// Name implements [Action].
func (a OrderStep) Name() string { return "order" }

// String implements [Action].
func (a OrderStep) String() string { return notation(a) }

// Title implements [Action].
func (a OrderStep) Title() string {
	if len(a.First) == 0 {
		return a.ID + " hears all in the usual order"
	}
	return a.ID + " hears first: " + strings.Join(a.First, ", ")
}

func (a OrderStep) edit(e editor) Action {
	a.ID = required(e, "id", InstanceArg, a.ID)
	a.First = optional(e, "first", InstancesArg, a.First)
	return a
}

func (a OrderStep) bind(s *step) (Action, error) {
	c := s.cluster
	i, err := c.Instance(a.ID)
	if err != nil {
		return nil, err
	}
	if _, err := c.set(a.First); err != nil {
		return nil, fmt.Errorf("first: %w", err)
	}
	var senders []int
	for _, name := range a.First {
		senders = append(senders, c.byName[name])
	}
	s.move = reshape{change: func(t *topology) *topology { return t.prefer(i, senders) }}
	return a, nil
}

// A DuplicateStep lets a message arrive twice: the next of the given type that is
// delivered from Src to Dst, be it in flight already or sent later. Of several such
// steps each doubles a message of its own. What is sent to the next leader is not
// doubled, and what is lost, be it that Dst is down, leaves the duplication for
// later. A type that the protocol does not have is an [UnknownTypeError]; see [node.Typed].
type DuplicateStep struct{ Type, Src, Dst string }

// Name implements [Action].
func (a DuplicateStep) Name() string { return "duplicate" }

// String implements [Action].
func (a DuplicateStep) String() string { return notation(a) }

// Title implements [Action].
func (a DuplicateStep) Title() string {
	return "the next " + a.Type + " " + a.Src + " → " + a.Dst + " arrives twice"
}

func (a DuplicateStep) edit(e editor) Action {
	a.Type = required(e, "type", TypeArg, a.Type)
	a.Src = required(e, "src", InstanceArg, a.Src)
	a.Dst = required(e, "dst", InstanceArg, a.Dst)
	return a
}

func (a DuplicateStep) bind(s *step) (Action, error) {
	l, err := s.link(a.Src, a.Dst)
	if err != nil {
		return nil, err
	}
	if a.Type == "" {
		return nil, errors.New("the message type is empty; name one")
	}
	if err := s.cluster.KnownTypes(a.Type); err != nil {
		return nil, err
	}
	f := s.cluster.code.numbered(filter{kind: a.Type, from: node.SetOf(l.from), to: node.SetOf(l.to), doubles: true})
	s.filters = []filter{f}
	s.move = reshape{change: func(t *topology) *topology { return t.doubled(f) }}
	return a, nil
}
