package check

import (
	"context"
	"fmt"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/node"
)

// Validity returns the property that correct replicas decide only values for
// which allowed returns true. It is external validity, a predicate on values (Cachin, Kursawe, Petzold
// and Shoup, "Secure and Efficient Asynchronous Broadcast Protocols", CRYPTO 2001), which covers
// "what some correct replica proposed" if the function knows the inputs. allowed must be a
// pure function; it may be called concurrently, and its errors end the judging.
func Validity(allowed func(ctx context.Context, value any) (bool, error)) Property {
	return validity{allowed}
}

// validity promises something whatever fails, since one correct replica that decides what is not
// valid is enough of a violation.
type validity struct {
	allowed func(context.Context, any) (bool, error)
}

func (validity) promisesAlways() {}

func (validity) about() node.ObservationKind { return node.Decided }

func (validity) needs() string { return "a decision" }

func (validity) Name() string { return "validity" }

func (p validity) Judge(ctx context.Context, h runtime.History) (Verdict, error) {
	vacuous := true
	for _, e := range h.Events {
		if e.Kind != node.Decided || h.Faulty.Has(e.Instance) {
			continue
		}
		vacuous = false
		ok, err := p.allowed(ctx, e.Value)
		if err != nil {
			return Verdict{}, fmt.Errorf("validity: %s cannot be judged: %w", h.Cluster.Text(e.Value), err)
		}
		if !ok {
			return Verdict{Why: fmt.Sprintf("%s decided %s for slot %d in %s, which is not valid",
				h.Cluster.Instances()[e.Instance].Name, h.Cluster.Text(e.Value), e.Slot, h.Place(e.Step))}, nil
		}
	}
	return Verdict{Holds: true, Vacuous: vacuous}, nil
}

// Concerns implements [Monitored].
func (validity) Concerns(c *runtime.Cluster) node.Set { return c.Servers() }

// Monitor needs no memory: each decision is judged by itself.
func (p validity) Monitor(c *runtime.Cluster, faulty node.Set) Monitor {
	return &validityMonitor{property: p, cluster: c, faulty: faulty}
}

// A validityMonitor has one state beside that of a violation: the search merges as much as if
// there were no property. It calls allowed for each decision that is new to it.
type validityMonitor struct {
	safety
	property validity
	cluster  *runtime.Cluster
	faulty   node.Set
}

func (*validityMonitor) Start() string { return "" }

func (m *validityMonitor) Next(ctx context.Context, state string, seen []runtime.Observed) (string, error) {
	if state == violated {
		return state, nil
	}
	h := runtime.History{Cluster: m.cluster, Events: seen, Faulty: m.faulty}
	v, err := m.property.Judge(ctx, h)
	if err != nil {
		return "", err
	}
	if !v.Vacuous {
		m.met.Store(true)
	}
	if !v.Holds {
		return violated, nil
	}
	return state, nil
}
