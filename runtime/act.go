package runtime

import "fmt"

// An Act is what a step does, told in names only. It can be changed, and be
// made a step again of this or of another cluster. Fields that mean nothing to
// its kind are empty.
type Act struct {
	Kind StepKind
	// Who is the client of an exchange or an invocation, the identity that
	// leads a round, the instance that an order is for, or that is deaf from now
	// on (a drop).
	Who string
	// Names are the reach of an exchange, those that time out, crash, restart or
	// forget, those that are heard first (order), or that are deaf in a round or a
	// delivery.
	Names []string
	// Groups is the partition of a partition step, a round or a delivery, nil
	// if it has none.
	Groups [][]string
	// Types are the types of the messages that are lost: to the deaf, or on a link.
	Types []string
	// Src and Dst are the link that is cut, held or released, or that loses
	// messages; "" stands for everybody.
	Src, Dst string
	// Count is the number of hops of a round or a delivery, or of the messages
	// that are released; 0 means all.
	Count     int
	Operation Operation // of an invocation
}

// Act tells what s does.
func (s Step) Act() Act {
	c := s.cluster
	a := s.link
	a.Kind = s.kind
	switch s.kind {
	case ExchangeStep:
		a.Who, a.Names = c.instances[s.who].Name, c.Names(s.set&^Of(s.who))
	case InvokeStep:
		a.Who, a.Operation = c.instances[s.who].Name, (*c.code.values.at(s.value)).(Operation)
	case TimeoutStep, CrashStep, RestartStep, AmnesiaStep:
		a.Names = c.Names(s.set)
	case RoundStep:
		a.Who = c.identities[s.who].Name
	}
	for _, part := range s.public.Parts {
		a.Groups = append(a.Groups, c.Names(part))
	}
	if s.kind == RoundStep || s.kind == DeliverStep {
		a.Names, a.Types, a.Count = c.Names(s.public.Deaf), s.public.Types, s.public.Hops
	}
	return a
}

// Make returns the step of c that does what a tells. Errors are those of the
// methods that make such steps.
func (c *Cluster) Make(a Act) (Step, error) {
	switch a.Kind {
	case ExchangeStep:
		return c.Exchange(a.Who, a.Names)
	case InvokeStep:
		return c.Invoke(a.Who, a.Operation)
	case TimeoutStep, CrashStep, RestartStep, AmnesiaStep:
		return c.happening(a.Kind, happenings[a.Kind], a.Names...)
	case RoundStep, DeliverStep:
		p, err := c.phaseOf(a)
		if err != nil {
			return Step{}, err
		}
		if a.Kind == DeliverStep {
			return c.Deliver(p)
		}
		return c.Round(a.Who, p)
	case PartitionStep:
		return c.Partition(a.Groups)
	case HealStep:
		return c.Heal(), nil
	case CutStep:
		return c.Cut(a.Src, a.Dst)
	case DropStep:
		if a.Who != "" {
			return c.Deaf(a.Who, a.Types)
		}
		if len(a.Types) != 1 {
			return Step{}, fmt.Errorf("drop: %d message types, want one", len(a.Types))
		}
		return c.Drop(a.Types[0], a.Src, a.Dst)
	case HoldStep:
		return c.Hold(a.Src, a.Dst)
	case ReleaseStep:
		return c.Release(a.Src, a.Dst, a.Count)
	case OrderStep:
		return c.Order(a.Who, a.Names)
	}
	return Step{}, fmt.Errorf("make: there is no kind of step with number %d", a.Kind)
}

// phaseOf returns how messages flow in a round or a delivery.
func (c *Cluster) phaseOf(a Act) (Phase, error) {
	p := Phase{Types: a.Types, Hops: a.Count}
	var err error
	if p.Deaf, err = c.set(a.Names); err == nil && a.Groups != nil {
		p.Parts, err = c.Parts("groups", a.Groups)
	}
	return p, err
}
