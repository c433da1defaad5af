package check

import (
	"context"
	"slices"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/node"
)

// A leniency is a monitor that expects less of some replicas: those that are
// faulty.
type leniency interface {
	Monitor
	// among returns a monitor with the same states for histories in which
	// exactly the given instances are faulty.
	among(faulty node.Set) Monitor
}

// A recallingMonitor makes another one fit for replicas that become faulty by
// amnesia. What they did before counts as done by a faulty replica from then on,
// so it remembers what happened since a correct one that may forget began its
// first operation, and what the other monitor remembered until then. Most replicas
// never begin any: then it remembers nothing more.
type recallingMonitor struct {
	safety
	of           leniency
	faulty       node.Set // at the start
	mayForget    node.Set // and are correct at the start
	observations numbers
}

// recalled is the state of a recallingMonitor.
type recalled struct {
	Faulty node.Set // of those that may forget
	Now    string   // of the other monitor
	// Before is what the other monitor remembered before Since, pairs of an
	// instance and the number of an observation.
	Before string   `json:",omitempty"`
	Since  [][2]int `json:",omitempty"`
}

// recalling returns m itself if no instance may forget.
func recalling(m leniency, faulty, mayForget node.Set) Monitor {
	if mayForget == 0 {
		return m
	}
	return &recallingMonitor{of: m, faulty: faulty, mayForget: mayForget}
}

func (m *recallingMonitor) Start() string { return encode(recalled{Now: m.of.Start()}) }

// Next folds into the state as it is now, and keeps what happened since a replica that may forget
// began an operation: should it forget, all that is folded once more without it.
func (m *recallingMonitor) Next(ctx context.Context, state string, seen []runtime.Observed) (string, error) {
	if state == violated {
		return state, nil
	}
	s := decode[recalled](state)
	if s.Since == nil && m.someMayForget(s.Faulty, seen) {
		s.Before, s.Since = s.Now, [][2]int{}
	}
	var err error
	if s.Now, err = m.next(ctx, s, s.Now, seen); err != nil || s.Now == violated {
		return violated, err
	}
	if s.Since != nil {
		s.Since = m.pairs(append(m.events(s.Since), seen...))
	}
	return encode(s), nil
}

// SeesCrashes implements [Crashing]. What is kept of replicas that operate has no crashes in it: where
// these matter, no replica is known to operate and a history is kept if one may.
func (m *recallingMonitor) SeesCrashes() bool { return SeesCrashes(m.of) }

// next returns what the other monitor makes of more observations if those are
// faulty that are so in s.
func (m *recallingMonitor) next(ctx context.Context, s recalled, state string, seen []runtime.Observed) (string, error) {
	of := m.of.among(m.faulty | s.Faulty)
	next, err := of.Next(ctx, state, seen)
	if t, ok := of.(Testing); ok && t.Tested() {
		m.met.Store(true)
	}
	return next, err
}

// Forget implements [Forgetful].
func (m *recallingMonitor) Forget(ctx context.Context, state string, faulty node.Set) (string, error) {
	if state == violated {
		return state, nil
	}
	s := decode[recalled](state)
	s.Faulty |= faulty & m.mayForget
	if s.Since != nil {
		// Whatever explains what was seen explains it now: operations of faulty
		// replicas may do what they did. So nothing is violated by that.
		since := m.events(s.Since)
		var err error
		if s.Now, err = m.next(ctx, s, s.Before, since); err != nil || s.Now == violated {
			return violated, err
		}
		if !m.someMayForget(s.Faulty, since) {
			s.Before, s.Since = "", nil
		}
	}
	return encode(s), nil
}

// someMayForget reports whether some operation is that of a replica that may
// become faulty yet.
func (m *recallingMonitor) someMayForget(faulty node.Set, seen []runtime.Observed) bool {
	return slices.ContainsFunc(seen, func(o runtime.Observed) bool {
		return o.OfOperation() && (m.mayForget &^ faulty).Has(o.Instance)
	})
}

// events is the inverse of pairs.
func (m *recallingMonitor) events(pairs [][2]int) []runtime.Observed {
	var events []runtime.Observed
	for _, pair := range pairs {
		o := m.observations.value(pair[1]).(node.Observation)
		events = append(events, runtime.Observed{Observation: o, Instance: pair[0]})
	}
	return events
}

// pairs writes down what there is of operations, in [Canonical] order.
func (m *recallingMonitor) pairs(events []runtime.Observed) [][2]int {
	pairs := [][2]int{}
	for _, o := range Canonical(runtime.History{Events: events}) {
		if o.OfOperation() {
			pairs = append(pairs, [2]int{o.Instance, m.observations.number(o.Observation)})
		}
	}
	return pairs
}
