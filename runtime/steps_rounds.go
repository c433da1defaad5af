package runtime

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/twinsh/twinsh/runtime/english"
	"github.com/twinsh/twinsh/runtime/internal/engine"
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
	p.Groups = optional(e, "groups", ofInstances, p.Groups)
	p.Hops = optional(e, "hops", ofOthers, p.Hops)
	p.Deaf = optional(e, "deaf", ofInstances, p.Deaf)
	p.Types = optional(e, "types", ofOthers, p.Types)
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

// flowOf checks a phase, and returns it in one way to write it and with numbers for
// names.
func flowOf(c *Cluster, p Phase) (Phase, engine.Flow, error) {
	p.Types = once(p.Types)
	f := engine.Flow{Hops: p.Hops, Types: p.Types}
	if p.Hops < 0 {
		return p, f, fmt.Errorf("hops is %d, want 1 or more, or none for all", p.Hops)
	}
	switch {
	case len(p.Deaf) > 0 && len(p.Types) == 0:
		return p, f, fmt.Errorf("deaf names %s, and types no message that is not heard; add types%s", strings.Join(p.Deaf, ", "), c.someOf())
	case len(p.Deaf) == 0 && len(p.Types) > 0:
		return p, f, fmt.Errorf("types names %s, and deaf no instance that does not hear that; add deaf, with instances of %s",
			strings.Join(p.Types, ", "), strings.Join(c.Names(c.system.All()), ", "))
	}
	if err := c.KnownTypes(p.Types...); err != nil {
		return p, f, err
	}
	if slices.Contains(p.Types, "") {
		return p, f, errors.New("types: a message type is empty")
	}
	var err error
	if f.Deaf, err = c.set(p.Deaf); err != nil {
		return p, f, fmt.Errorf("deaf: %w", err)
	}
	p.Deaf = c.Names(f.Deaf)
	if p.Groups != nil {
		if f.Parts, err = c.partition(p.Groups); err != nil {
			return p, f, err
		}
		p.Groups = c.Groups(f.Parts)
	}
	return p, f, nil
}

// A RoundStep begins a round that an identity leads. First all of its instances
// hear what was sent to the next leader and reached them; then every server learns
// that the round began, and messages flow. Leaders may propose [node.Round].Input, which
// is different in each round and for each twin.
type RoundStep struct {
	Leader string // an identity
	Phase
}

func (a RoundStep) Name() string   { return "round" }
func (a RoundStep) String() string { return notation(a) }
func (a RoundStep) Title() string  { return a.Leader + " leads" + a.Phase.title() }

func (a RoundStep) edit(e editor) Action {
	a.Leader = required(e, "leader", ofOthers, a.Leader)
	a.Phase = a.Phase.edit(e)
	return a
}

func (a RoundStep) bind(c *Cluster) (Action, engine.Move, error) {
	id, err := c.system.Identity(a.Leader)
	if err != nil {
		return nil, nil, fmt.Errorf("leader: %w", err)
	}
	if c.Identities()[id].Client {
		return nil, nil, fmt.Errorf("leader: %s is a client; servers lead", a.Leader)
	}
	var f engine.Flow
	if a.Phase, f, err = flowOf(c, a.Phase); err != nil {
		return nil, nil, err
	}
	return a, engine.Round(c.system, id, f), nil
}

// A DeliverStep lets what is in flight arrive, and what is sent in answer.
type DeliverStep struct{ Phase }

func (a DeliverStep) Name() string   { return "deliver" }
func (a DeliverStep) String() string { return notation(a) }
func (a DeliverStep) Title() string  { return "deliver" + a.Phase.title() }

func (a DeliverStep) edit(e editor) Action {
	a.Phase = a.Phase.edit(e)
	return a
}

func (a DeliverStep) bind(c *Cluster) (Action, engine.Move, error) {
	var f engine.Flow
	var err error
	if a.Phase, f, err = flowOf(c, a.Phase); err != nil {
		return nil, nil, err
	}
	return a, engine.Deliver(f), nil
}

// once sorts types of messages, and leaves each of them once.
func once(types []string) []string {
	slices.Sort(types) // a list of the step's own
	return slices.Compact(types)
}
