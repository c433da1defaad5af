package runtime

import (
	"errors"
	"fmt"
	"strings"

	"github.com/twinsh/twinsh/runtime/english"
	"github.com/twinsh/twinsh/runtime/internal/engine"
	"github.com/twinsh/twinsh/runtime/node"
)

var networkKinds = []Action{
	PartitionStep{}, HealStep{}, CutStep{}, DropStep{}, DeafStep{}, HoldStep{}, ReleaseStep{}, OrderStep{},
	DuplicateStep{},
	ReplayStep{},
}

// A PartitionStep parts the network, until it heals. It takes the place of an
// earlier partition and of cuts; filters, holds, orders and duplications stay. Each server
// instance is in exactly one group. A client that no group names reaches every
// group, and every group reaches it.
type PartitionStep struct{ Groups [][]string }

func (a PartitionStep) Name() string   { return "partition" }
func (a PartitionStep) String() string { return notation(a) }
func (a PartitionStep) Title() string  { return "partition " + groupsTitle(a.Groups) }

func (a PartitionStep) edit(e editor) Action {
	a.Groups = required(e, "groups", ofInstances, a.Groups)
	return a
}

func (a PartitionStep) bind(c *Cluster) (Action, engine.Move, error) {
	parts, err := c.partition(a.Groups)
	if err != nil {
		return nil, nil, err
	}
	a.Groups = c.Groups(parts)
	return a, engine.Partition(c.system, parts), nil
}

// A HealStep ends partitions, cuts, drops, holds, orders and duplications: all instances reach
// all others again.
type HealStep struct{}

func (a HealStep) Name() string   { return "heal" }
func (a HealStep) String() string { return notation(a) }
func (a HealStep) Title() string  { return "the network heals" }

func (a HealStep) edit(editor) Action { return a }

func (a HealStep) bind(c *Cluster) (Action, engine.Move, error) {
	return a, engine.Heal(c.system), nil
}

// A CutStep cuts the link from one instance to another, in that direction only.
type CutStep struct{ Src, Dst string }

func (a CutStep) Name() string   { return "cut" }
func (a CutStep) String() string { return notation(a) }
func (a CutStep) Title() string  { return "cut " + a.Src + " → " + a.Dst }

func (a CutStep) edit(e editor) Action {
	a.Src = required(e, "src", ofInstances, a.Src)
	a.Dst = required(e, "dst", ofInstances, a.Dst)
	return a
}

func (a CutStep) bind(c *Cluster) (Action, engine.Move, error) {
	l, err := c.link(a.Src, a.Dst)
	return a, engine.CutLink(l), err
}

// A DropStep loses messages of a type on the way from Src to Dst, until the network
// heals. An empty end stands for all instances. A type that the protocol does not
// have is an [UnknownTypeError]; see [node.Typed].
type DropStep struct{ Type, Src, Dst string }

func (a DropStep) Name() string   { return "drop" }
func (a DropStep) String() string { return notation(a) }
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
	a.Type = required(e, "type", ofOthers, a.Type)
	a.Src = optional(e, "src", ofInstances, a.Src)
	a.Dst = optional(e, "dst", ofInstances, a.Dst)
	return a
}

func (a DropStep) bind(c *Cluster) (Action, engine.Move, error) {
	from, to := c.system.All(), c.system.All()
	for _, end := range []struct {
		name string
		set  *node.Set
	}{{a.Src, &from}, {a.Dst, &to}} {
		if end.name == "" {
			continue
		}
		i, err := c.Instance(end.name)
		if err != nil {
			return nil, nil, err
		}
		*end.set = node.SetOf(i)
	}
	if a.Type == "" {
		return nil, nil, errors.New("the message type is empty; name one, or use cut")
	}
	if err := c.KnownTypes(a.Type); err != nil {
		return nil, nil, err
	}
	return a, engine.Lose(c.system, []string{a.Type}, from, to), nil
}

// A DeafStep lets an instance hear no messages of the given types, until the network
// heals. A type that the protocol does not have is an [UnknownTypeError]; see [node.Typed].
type DeafStep struct {
	ID    string // an instance
	Types []string
}

func (a DeafStep) Name() string   { return "deaf" }
func (a DeafStep) String() string { return notation(a) }
func (a DeafStep) Title() string  { return a.ID + " is deaf to " + strings.Join(a.Types, ", ") }

func (a DeafStep) edit(e editor) Action {
	a.ID = required(e, "id", ofInstances, a.ID)
	a.Types = required(e, "types", ofOthers, a.Types)
	return a
}

func (a DeafStep) bind(c *Cluster) (Action, engine.Move, error) {
	i, err := c.Instance(a.ID)
	if err != nil {
		return nil, nil, err
	}
	if len(a.Types) == 0 {
		return nil, nil, errors.New("no message types are named")
	}
	a.Types = once(a.Types)
	if err := c.KnownTypes(a.Types...); err != nil {
		return nil, nil, err
	}
	return a, engine.Lose(c.system, a.Types, c.system.All(), node.SetOf(i)), nil
}

// A HoldStep lets messages on a link queue up, until a [ReleaseStep] lets them go.
type HoldStep struct{ Src, Dst string }

func (a HoldStep) Name() string   { return "hold" }
func (a HoldStep) String() string { return notation(a) }
func (a HoldStep) Title() string  { return "hold " + a.Src + " → " + a.Dst }

func (a HoldStep) edit(e editor) Action {
	a.Src = required(e, "src", ofInstances, a.Src)
	a.Dst = required(e, "dst", ofInstances, a.Dst)
	return a
}

func (a HoldStep) bind(c *Cluster) (Action, engine.Move, error) {
	l, err := c.link(a.Src, a.Dst)
	return a, engine.HoldLink(l), err
}

// A ReleaseStep lets the first Count messages that queue on a held link go; they
// arrive with the next delivery on whichever step. 0 releases all of them and ends
// the hold.
type ReleaseStep struct {
	Src, Dst string
	Count    int
}

func (a ReleaseStep) Name() string   { return "release" }
func (a ReleaseStep) String() string { return notation(a) }
func (a ReleaseStep) Title() string {
	link := a.Src + " → " + a.Dst
	if a.Count > 0 {
		return fmt.Sprintf("release %s %s", english.Count(a.Count, "message"), link)
	}
	return "release " + link
}

func (a ReleaseStep) edit(e editor) Action {
	a.Src = required(e, "src", ofInstances, a.Src)
	a.Dst = required(e, "dst", ofInstances, a.Dst)
	a.Count = optional(e, "count", ofOthers, a.Count)
	return a
}

func (a ReleaseStep) bind(c *Cluster) (Action, engine.Move, error) {
	l, err := c.link(a.Src, a.Dst)
	if err == nil && a.Count < 0 {
		err = fmt.Errorf("count is %d, want 1 or more, or none for all", a.Count)
	}
	return a, engine.ReleaseLink(l, a.Count), err
}

// An OrderStep lets an instance hear first, of messages that arrive together, those
// from the given instances, in that order, and then the others as usual: in the
// order of the senders. No instances means as usual.
type OrderStep struct {
	ID    string // an instance
	First []string
}

func (a OrderStep) Name() string   { return "order" }
func (a OrderStep) String() string { return notation(a) }
func (a OrderStep) Title() string {
	if len(a.First) == 0 {
		return a.ID + " hears all in the usual order"
	}
	return a.ID + " hears first: " + strings.Join(a.First, ", ")
}

func (a OrderStep) edit(e editor) Action {
	a.ID = required(e, "id", ofInstances, a.ID)
	a.First = optional(e, "first", ofInstances, a.First)
	return a
}

func (a OrderStep) bind(c *Cluster) (Action, engine.Move, error) {
	i, err := c.Instance(a.ID)
	if err != nil {
		return nil, nil, err
	}
	if _, err := c.set(a.First); err != nil {
		return nil, nil, fmt.Errorf("first: %w", err)
	}
	var senders []int
	for _, name := range a.First {
		sender, _ := c.Instance(name)
		senders = append(senders, sender)
	}
	return a, engine.Order(i, senders), nil
}

// A DuplicateStep lets a message arrive twice: the next of the given type that is
// delivered from Src to Dst, be it in flight already or sent later. Of several such
// steps each doubles a message of its own. What is sent to the next leader is not
// doubled, and what is lost, be it that Dst is down, leaves the duplication for
// later. A type that the protocol does not have is an [UnknownTypeError]; see [node.Typed].
type DuplicateStep struct{ Type, Src, Dst string }

func (a DuplicateStep) Name() string   { return "duplicate" }
func (a DuplicateStep) String() string { return notation(a) }
func (a DuplicateStep) Title() string {
	return "the next " + a.Type + " " + a.Src + " → " + a.Dst + " arrives twice"
}

func (a DuplicateStep) edit(e editor) Action { return DuplicateStep(onLink(a).edited(e)) }

func (a DuplicateStep) bind(c *Cluster) (Action, engine.Move, error) {
	l, err := onLink(a).bound(c)
	if err != nil {
		return nil, nil, err
	}
	return a, engine.Duplicate(c.system, a.Type, l), nil
}

// An onLink is the next message of a type on a link, of which something special is to come.
type onLink struct{ Type, Src, Dst string }

func (a onLink) edited(e editor) onLink {
	a.Type = required(e, "type", ofOthers, a.Type)
	a.Src = required(e, "src", ofInstances, a.Src)
	a.Dst = required(e, "dst", ofInstances, a.Dst)
	return a
}

// bound returns the link, if there is one, and messages of the type.
func (a onLink) bound(c *Cluster) (engine.Link, error) {
	l, err := c.link(a.Src, a.Dst)
	if err != nil {
		return engine.Link{}, err
	}
	if a.Type == "" {
		return engine.Link{}, errors.New("the message type is empty; name one")
	}
	return l, c.KnownTypes(a.Type)
}

// A ReplayStep lets a message that was heard be heard again: the next of the given type that
// is delivered from Src to Dst arrives again in a later step. Until then it is in flight, so
// that it comes in the first hop of the next round, delivery or exchange in which the link
// lets it pass, and is lost where messages in flight are. All else is as with a [DuplicateStep].
type ReplayStep struct{ Type, Src, Dst string }

func (a ReplayStep) Name() string   { return "replay" }
func (a ReplayStep) String() string { return notation(a) }
func (a ReplayStep) Title() string {
	return "the next " + a.Type + " " + a.Src + " → " + a.Dst + " arrives again later"
}

func (a ReplayStep) edit(e editor) Action { return ReplayStep(onLink(a).edited(e)) }

func (a ReplayStep) bind(c *Cluster) (Action, engine.Move, error) {
	l, err := onLink(a).bound(c)
	if err != nil {
		return nil, nil, err
	}
	return a, engine.Repeat(c.system, a.Type, l), nil
}
