package runtime

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/twinsh/twinsh/runtime/english"
	"github.com/twinsh/twinsh/runtime/node"
)

var roundKinds = []Action{RoundStep{}, DeliverStep{}}

// A Phase is how messages flow during a round or a delivery: wave after wave,
// inside the groups of a partition. The zero Phase delivers everything under
// the topology in force.
type Phase struct {
	// Groups is a partition for this step only, nil for none: each server instance
	// is in exactly one group. A client that no group names reaches every group.
	Groups [][]string
	// Hops is how many waves are delivered; what is sent in the last one stays
	// in flight. 0 means until nothing is in flight.
	Hops int
	// Deaf are instances that hear no messages of the given types in this step.
	Deaf, Types []string
}

func (p Phase) edit(e editor) Phase {
	p.Groups = optional(e, "groups", GroupsArg, p.Groups)
	p.Hops = optional(e, "hops", CountArg, p.Hops)
	p.Deaf = optional(e, "deaf", InstancesArg, p.Deaf)
	p.Types = optional(e, "types", TypesArg, p.Types)
	return p
}

// title says how messages flow as far as that is out of the ordinary: for 2 hops;
// A B | C D; A deaf to vote.
func (p Phase) title() string {
	text := ""
	if p.Hops > 0 {
		text += " for " + english.Count(p.Hops, "hop")
	}
	if p.Groups != nil {
		text += "; " + groupsTitle(p.Groups)
	}
	if len(p.Deaf) > 0 {
		text += fmt.Sprintf("; %s deaf to %s", strings.Join(p.Deaf, " "), strings.Join(p.Types, ", "))
	}
	return text
}

// groupsTitle shows a partition: A B | C D.
func groupsTitle(groups [][]string) string {
	var texts []string
	for _, g := range groups {
		texts = append(texts, strings.Join(g, " "))
	}
	return strings.Join(texts, " | ")
}

// A flow is a phase with numbers for names.
type flow struct {
	parts []node.Set // nil: as the topology has it
	deaf  node.Set
	types []string
	hops  int // 0: until nothing is in flight
}

// flows checks a phase and fills in what it means for the step.
func (s *step) flows(p Phase) (Phase, flow, error) {
	c := s.cluster
	p.Types = once(p.Types)
	f := flow{hops: p.Hops, types: p.Types}
	if p.Hops < 0 {
		return p, f, fmt.Errorf("hops is %d, want 1 or more, or none for all", p.Hops)
	}
	switch {
	case len(p.Deaf) > 0 && len(p.Types) == 0:
		return p, f, fmt.Errorf("deaf names %s, and types no message that is not heard; add types%s", strings.Join(p.Deaf, ", "), c.someOf())
	case len(p.Deaf) == 0 && len(p.Types) > 0:
		return p, f, fmt.Errorf("types names %s, and deaf no instance that does not hear that; add deaf, with instances of %s",
			strings.Join(p.Types, ", "), strings.Join(c.Names(c.all()), ", "))
	}
	if err := c.KnownTypes(p.Types...); err != nil {
		return p, f, err
	}
	if slices.Contains(p.Types, "") {
		return p, f, errors.New("types: a message type is empty")
	}
	var err error
	if f.deaf, err = c.set(p.Deaf); err != nil {
		return p, f, fmt.Errorf("deaf: %w", err)
	}
	p.Deaf = c.Names(f.deaf)
	for _, kind := range p.Types {
		filter := c.code.numbered(filter{kind: kind, from: c.all(), to: f.deaf})
		filter.number |= ofPhase
		s.deaf = append(s.deaf, filter)
	}
	if p.Groups != nil {
		if f.parts, err = c.partition(p.Groups); err != nil {
			return p, f, err
		}
		p.Groups = c.Groups(f.parts)
	}
	s.parts, s.components = f.parts, f.parts
	if f.parts == nil || c.clients != 0 {
		s.components = []node.Set{c.all()}
	}
	s.shape = c.shape(f, s.deaf)
	return p, f, nil
}

// shape numbers what distinguishes flows beside the members of a component. If all
// instances are in one, that includes how they are parted.
func (c *Cluster) shape(f flow, deaf []filter) uint32 {
	text := fmt.Sprint("phase ", f.hops)
	if c.clients != 0 {
		text += fmt.Sprint(f.parts)
	}
	for _, d := range deaf {
		text += fmt.Sprintf(" %q %d %d", d.kind, d.from, d.to)
	}
	return c.code.value(text)
}

func (f flow) key(k *renamedKey) bool {
	k.word(uint64(f.hops))
	k.set(f.deaf)
	for _, kind := range f.types {
		k.text(kind)
	}
	k.sets(f.parts)
	return true
}

// partition turns groups of names into the parts of a partition, ordered by their
// first members.
func (c *Cluster) partition(groups [][]string) ([]node.Set, error) {
	parts := []node.Set{}
	for _, group := range groups {
		p, err := c.set(group)
		if err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	var named node.Set
	for _, p := range parts {
		if p == 0 {
			return nil, errors.New("a group is empty")
		}
		if twice := p & named; twice != 0 {
			return nil, fmt.Errorf("%s is in two groups", c.Names(twice)[0])
		}
		named |= p
	}
	if missing := c.servers &^ named; missing != 0 {
		return nil, fmt.Errorf("%s is in no group; each of %s must be in one", c.Names(missing)[0], strings.Join(c.Names(c.servers), ", "))
	}
	return sortParts(parts), nil
}

// Groups names the members of the parts of a partition; nil stays nil.
func (c *Cluster) Groups(parts []node.Set) [][]string {
	if parts == nil {
		return nil
	}
	groups := make([][]string, len(parts))
	for i, p := range parts {
		groups[i] = c.Names(p)
	}
	return groups
}

// A RoundStep begins a round that an identity leads. First all of its instances
// hear what was sent to the next leader and reached them; then every server learns
// that the round began, and messages flow. Leaders may propose [node.Round].Input, which
// is different in each round and for each twin.
type RoundStep struct {
	Leader string // an identity
	Phase
}

// Name implements [Action].
func (a RoundStep) Name() string { return "round" }

// String implements [Action].
func (a RoundStep) String() string { return notation(a) }

// Title implements [Action].
func (a RoundStep) Title() string { return a.Leader + " leads" + a.Phase.title() }

func (a RoundStep) edit(e editor) Action {
	a.Leader = required(e, "leader", IdentityArg, a.Leader)
	a.Phase = a.Phase.edit(e)
	return a
}

func (a RoundStep) bind(s *step) (Action, error) {
	c := s.cluster
	id, err := c.Identity(a.Leader)
	if err != nil {
		return nil, fmt.Errorf("leader: %w", err)
	}
	if c.identities[id].Client {
		return nil, fmt.Errorf("leader: %s is a client; servers lead", a.Leader)
	}
	r := round{leader: id, instances: c.identities[id].Instances}
	if a.Phase, r.flow, err = s.flows(a.Phase); err != nil {
		return nil, err
	}
	s.named, s.move, s.what = r.instances, r, ofRound<<16
	return a, nil
}

// A DeliverStep lets what is in flight arrive, and what is sent in answer.
type DeliverStep struct{ Phase }

// Name implements [Action].
func (a DeliverStep) Name() string { return "deliver" }

// String implements [Action].
func (a DeliverStep) String() string { return notation(a) }

// Title implements [Action].
func (a DeliverStep) Title() string { return "deliver" + a.Phase.title() }

func (a DeliverStep) edit(e editor) Action {
	a.Phase = a.Phase.edit(e)
	return a
}

func (a DeliverStep) bind(s *step) (Action, error) {
	var d deliver
	var err error
	if a.Phase, d.flow, err = s.flows(a.Phase); err != nil {
		return nil, err
	}
	s.move, s.what = d, ofDelivery<<16
	return a, nil
}

// once sorts types of messages, and leaves each of them once.
func once(types []string) []string {
	slices.Sort(types) // a list of the step's own
	return slices.Compact(types)
}
