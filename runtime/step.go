package runtime

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/twinsh/twinsh/runtime/node"
)

// An Action is what a step does, as plain data: the instances, identities and
// types of messages that it is about, by name. It belongs to no cluster. The
// kinds are the types whose names end in Step; each is complete in one of the
// files steps_*.go.
//
// The String of an action is its notation: one line that [ParseAction] reads
// back. Two actions are equal if and only if their notations are.
type Action interface {
	fmt.Stringer

	// Name is the word with which the notation begins: exchange.
	Name() string

	// Title says in a few words what happens: cut A → B.
	Title() string

	// edit returns the action with each of its arguments replaced by what e
	// makes of it, in the order in which they are written.
	edit(e editor) Action

	// bind checks the action against s.cluster, and fills in s. Of the ways to
	// write the same action it leaves one.
	bind(s *step) (Action, error)
}

// A Step is an action in one cluster, made and checked by [Cluster.Step]. It is
// immutable, and can be taken in any world of that cluster. Steps of a
// cluster with one notation do the same, and steps are compared by it.
type Step struct{ *step }

type step struct {
	cluster *Cluster
	action  Action
	text    string // its notation
	shown   string // how people see it

	move    move       // what it does, with numbers for names
	named   node.Set   // the instances that it is about
	parts   []node.Set // the partition under which messages flow, or that begins; nil if there is none
	deaf    []filter   // in force for this step only
	filters []filter   // in force from now on

	// What the memory of components wants to know; see components.go.
	components []node.Set // the sets of instances that it keeps apart; nil if it does not
	what       uint32
	shape      uint32
	last       *atomic.Pointer[places]
}

// Step returns the step that takes an action in c. The lists in the action may be
// changed afterwards; the step has its own. The error says what is wrong with the
// action, and what would be right.
func (c *Cluster) Step(a Action) (Step, error) {
	if a == nil {
		return Step{}, fmt.Errorf("step: there is no action")
	}
	if v := reflect.ValueOf(a); v.Kind() == reflect.Pointer && v.IsNil() {
		return Step{}, fmt.Errorf("step: the action is a nil %T", a)
	}
	s := &step{cluster: c, last: new(atomic.Pointer[places])}
	var err error
	if s.action, err = a.edit(copied).bind(s); err != nil {
		return Step{}, fmt.Errorf("%s: %w", a.Name(), err)
	}
	s.text = s.action.String()
	s.shown = s.text
	if c.config.Write != nil {
		s.shown = c.config.Write(s.action)
	}
	return Step{s}, nil
}

// copied is an [editor] that copies lists.
func copied(a Argument) any {
	switch v := a.Value.(type) {
	case []string:
		return slices.Clone(v)
	case [][]string:
		groups := slices.Clone(v)
		for i, group := range groups {
			groups[i] = slices.Clone(group)
		}
		return groups
	}
	return a.Value
}

// ParseStep returns the step of c with the given notation: the inverse of
// [Step.String].
func (c *Cluster) ParseStep(text string) (Step, error) {
	a, err := ParseAction(text)
	if err != nil {
		return Step{}, err
	}
	return c.Step(a)
}

// String returns the notation of the step, "" for the zero Step.
func (s Step) String() string {
	if s.step == nil {
		return ""
	}
	return s.text
}

// Text shows the step to people: in the notation of the host, if the cluster has
// one; see [Config].Write.
func (s Step) Text() string {
	if s.step == nil {
		return ""
	}
	return s.shown
}

// Action returns what the step does. What it refers to must not be changed.
func (s Step) Action() Action { return s.action }

// Cluster returns the cluster that the step was made for.
func (s Step) Cluster() *Cluster { return s.cluster }

// Instances returns the instances that the step is about: of an exchange the
// client and its reach, of a round those of the leader, of a crash the one that
// crashes. Steps that change links or deliver messages have none.
func (s Step) Instances() node.Set { return s.named }

// Parts returns the partition under which messages flow in a round or a
// delivery, or that a partition step brings; nil if there is none.
func (s Step) Parts() []node.Set { return s.parts }

// A Filter is that messages of a type are lost on some links, or that the next of
// them arrives twice. Filters of one cluster that do the same, and for as long, have
// one number.
type Filter struct {
	Number  uint32
	Type    string
	Doubles bool
}

// Filters returns the filters that a step brings: a drop or a duplication for good, in
// the order of its types, a round or a delivery for as long as it lasts.
func (s Step) Filters() []Filter {
	var filters []Filter
	for _, f := range slices.Concat(s.filters, s.deaf) {
		filters = append(filters, Filter{f.number, f.kind, f.doubles})
	}
	return filters
}

// Standing lists the numbers of the filters that are in force in a world.
func (c *Cluster) Standing(v Vector) []uint32 {
	var numbers []uint32
	t := *c.code.topos.at((*c.code.envs.at(v[len(v)-1])).topology)
	for _, f := range slices.Concat(t.filters, t.twice) {
		numbers = append(numbers, f.number)
	}
	return numbers
}

// Key returns a text that says what the step does after a renaming (nil: as it
// is), equal for steps that do the same. It reports false for steps that are not
// renamed: those that change links or name an operation.
func (s Step) Key(r Renaming) (string, bool) {
	key := renamedKey{r, make([]byte, 0, 64)}
	key.text(s.action.Name())
	ok := s.move.key(&key)
	return string(key.b), ok
}

// instances finds the instances that an argument names, at least one.
func (s *step) instances(arg string, names []string) (node.Set, error) {
	set, err := s.cluster.set(names)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", arg, err)
	}
	if set == 0 {
		return 0, fmt.Errorf("%s: no instance is named; name one of %s", arg, strings.Join(s.cluster.Names(s.cluster.all()), ", "))
	}
	return set, nil
}

// client finds an instance of a client.
func (s *step) client(name string) (int, error) {
	c := s.cluster
	i, err := c.Instance(name)
	switch {
	case err != nil:
		return 0, err
	case c.clients.Has(i):
		return i, nil
	case c.clients == 0:
		return 0, fmt.Errorf("%s is a server, and the cluster has no clients", name)
	}
	return 0, fmt.Errorf("%s is a server; the clients are %s", name, strings.Join(c.Names(c.clients), ", "))
}

// link finds the instances at the ends of a link.
func (s *step) link(src, dst string) (l link, err error) {
	if l.from, err = s.cluster.Instance(src); err == nil {
		l.to, err = s.cluster.Instance(dst)
	}
	if err == nil && l.from == l.to {
		err = fmt.Errorf("%s always reaches itself; name two instances", src)
	}
	return l, err
}

// all returns all instances.
func (c *Cluster) all() node.Set { return c.servers | c.clients }

// begins reports whether a round begins with the step.
func (s *step) begins() bool { return s.what == ofRound<<16 }

// A renamedKey is a text that tells what a step does after a renaming.
type renamedKey struct {
	renaming Renaming
	b        []byte
}

func (k *renamedKey) word(w uint64)    { k.b = binary.AppendUvarint(k.b, w) }
func (k *renamedKey) set(s node.Set)   { k.word(uint64(k.renaming.set(s))) }
func (k *renamedKey) text(text string) { k.word(uint64(len(text))); k.b = append(k.b, text...) }

// sets appends the parts of a partition, in whichever order they come.
func (k *renamedKey) sets(parts []node.Set) {
	renamed := make([]node.Set, len(parts))
	for i, part := range parts {
		renamed[i] = k.renaming.set(part)
	}
	slices.Sort(renamed)
	for _, part := range renamed {
		k.word(uint64(part))
	}
}

func (x exchange) key(k *renamedKey) bool { k.set(x.members); return true }
func (x befall) key(k *renamedKey) bool   { k.set(node.SetOf(x.who)); return true }
func (x prompt) key(k *renamedKey) bool   { k.set(x.who); return x.kind == node.TimeoutEvent }
func (x reshape) key(k *renamedKey) bool  { k.sets(x.parts); return x.parts != nil }
func (x release) key(*renamedKey) bool    { return false }
func (d deliver) key(k *renamedKey) bool  { return d.flow.key(k) }
func (r round) key(k *renamedKey) bool    { k.set(r.instances); return r.flow.key(k) }

// Is reports whether the action of a step is of a kind: Is[RoundStep](s).
func Is[A Action](s Step) bool {
	_, ok := s.Action().(A)
	return ok
}
