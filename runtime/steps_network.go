package runtime

import (
	"errors"
	"fmt"
	"strings"

	"github.com/twinsh/twinsh/internal/english"
)

// A PartitionStep parts the network, until it heals. It takes the place of an
// earlier partition and of cuts; filters, holds and orders stay. Each server
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
		whole.filters, whole.held, whole.orders = t.filters, t.held, t.orders
		return whole.partitioned(parts)
	}}
	return a, nil
}

// A HealStep ends partitions, cuts, drops, holds and orders: all instances reach
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
	s.move = reshape{change: func(t *topology) *topology { return t.cut(SetOf(l.from), SetOf(l.to)) }}
	return a, err
}

// A DropStep loses messages of a type on the way from Src to Dst, until the network
// heals. An empty end stands for all instances. A type that the protocol does not
// have is an [UnknownTypeError]; see [Typed].
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
		set  *Set
	}{{a.Src, &from}, {a.Dst, &to}} {
		if end.name == "" {
			continue
		}
		i, err := s.cluster.Instance(end.name)
		if err != nil {
			return nil, err
		}
		*end.set = SetOf(i)
	}
	if a.Type == "" {
		return nil, errors.New("the message type is empty; name one, or use cut")
	}
	return a, s.filtering([]string{a.Type}, from, to)
}

// A DeafStep lets an instance hear no messages of the given types, until the network
// heals. A type that the protocol does not have is an [UnknownTypeError]; see [Typed].
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
	return a, s.filtering(a.Types, s.cluster.all(), SetOf(i))
}

// filtering makes the step one after which messages of the given types are lost
// on some links.
func (s *step) filtering(types []string, from, to Set) error {
	if err := s.cluster.KnownTypes(types...); err != nil {
		return err
	}
	for _, kind := range types {
		s.filters = append(s.filters, s.cluster.code.filter(kind, from, to))
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
