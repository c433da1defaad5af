package check

import (
	"context"
	"fmt"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/node"
)

// Validity returns the property that correct replicas decide only values for
// which allowed returns true.
func Validity(allowed func(ctx context.Context, value any) (bool, error)) Property {
	return validity{allowed}
}

type validity struct {
	allowed func(context.Context, any) (bool, error)
}

func (validity) promisesAlways() {}

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
