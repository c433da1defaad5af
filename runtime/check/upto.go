package check

import (
	"context"
	"fmt"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/english"
	"github.com/twinsh/twinsh/runtime/node"
)

// UpTo returns the property that p holds while at most so many servers are faulty, as accountable
// safety promises something for more than f. What happened up to some step is judged by who is
// faulty there: where more are, it is not judged, and breaks no promise. What was violated before
// stays so.
//
// Without it most properties promise something for f, and are judged wherever that ends: see
// [Beyond].
func UpTo(faults int, p Property) Property { return upTo{p, faults} }

type upTo struct {
	Property
	most int
}

// Name says up to where p is judged.
func (p upTo) Name() string { return boundedName(p.Property.Name(), p.most) }

func (p upTo) inner() named { return p.Property }

func (p upTo) bound() int { return p.most }

// Judge implements [Property].
func (p upTo) Judge(ctx context.Context, h runtime.History) (Verdict, error) {
	if h.Cluster.FaultyServers(h.Faulty) > p.most {
		return Verdict{Holds: true, Vacuous: true}, nil
	}
	return p.Property.Judge(ctx, h)
}

// bounded is a property that is judged only while at most so many servers are faulty.
type bounded interface{ bound() int }

// boundOf returns how many servers may be faulty for p to be judged, if it says so.
func boundOf(p named) (most int, ok bool) {
	for p != nil {
		if b, ok := p.(bounded); ok && b.bound() >= 0 {
			return b.bound(), true
		}
		e, ok := p.(interface{ inner() named })
		if !ok {
			break
		}
		p = e.inner()
	}
	return 0, false
}

func boundedName(name string, most int) string {
	return fmt.Sprintf("%s (up to %d faulty)", name, most)
}

// whereBounded adds to what puts a property to the test that not too many are faulty then.
func whereBounded(needs string, most int) string {
	if most == 0 {
		return needs + " where no server is faulty"
	}
	return fmt.Sprintf("%s where at most %s %s faulty", needs, english.Count(most, "server"), english.Plural(most, "is", "are"))
}

// monitor returns a monitor of p, or of what p is at the end of a scenario. It is that of the
// property itself where no history is beyond the bound.
func (p upTo) monitor(c *runtime.Cluster, faulty, mayForget node.Set, isAtEnd bool) Monitor {
	of := p.Property
	if isAtEnd {
		of = AtEnd(of)
	}
	switch {
	case c.FaultyServers(faulty) > p.most:
		return &unjudged{}
	case c.FaultyServers(faulty|mayForget) <= p.most:
		return MonitorOf(of, c, faulty, mayForget)
	}
	return &upToMonitor{Monitor: MonitorOf(of, c, faulty, mayForget), cluster: c, faulty: faulty, most: p.most, atEnd: isAtEnd}
}

// unjudged is the monitor of a property that is judged nowhere: too many are faulty from the start.
type unjudged struct{ safety }

func (*unjudged) Start() string { return pardoned }

func (*unjudged) Next(_ context.Context, state string, _ []runtime.Observed) (string, error) {
	return state, nil
}

// Rename implements [Renamable].
func (*unjudged) Rename(state string, _ func(int) int) string { return state }

// Content implements [Renamable].
func (*unjudged) Content(string) string { return "" }

// pardoned is the state of monitors from where on nothing is judged. It is the state of no other.
const pardoned = "pardoned"

// upToMonitor is a monitor that judges nothing any more once too many forgot.
type upToMonitor struct {
	Monitor
	cluster *runtime.Cluster
	faulty  node.Set // at the start
	most    int
	atEnd   bool // who is faulty at the end counts, whatever was violated before
}

// Next implements [Monitor].
func (m *upToMonitor) Next(ctx context.Context, state string, seen []runtime.Observed) (string, error) {
	if state == pardoned {
		return state, nil
	}
	return m.Monitor.Next(ctx, state, seen)
}

// Violated implements [Monitor].
func (m *upToMonitor) Violated(state string) bool {
	return state != pardoned && m.Monitor.Violated(state)
}

// Forget implements [Forgetful].
func (m *upToMonitor) Forget(ctx context.Context, state string, faulty node.Set) (string, error) {
	switch f, ok := m.Monitor.(Forgetful); {
	case state == pardoned || m.Monitor.Violated(state) && !m.atEnd:
		return state, nil
	case m.cluster.FaultyServers(m.faulty|faulty) > m.most:
		return pardoned, nil
	case ok:
		return f.Forget(ctx, state, faulty)
	}
	return state, nil
}

// Ends implements [Ending].
func (m *upToMonitor) Ends(ctx context.Context, state string) (bool, error) {
	if e, ok := m.Monitor.(Ending); ok && state != pardoned {
		return e.Ends(ctx, state)
	}
	return m.Violated(state), nil
}

// SeesCrashes implements [Crashing].
func (m *upToMonitor) SeesCrashes() bool { return SeesCrashes(m.Monitor) }

// Tested implements [Testing].
func (m *upToMonitor) Tested() bool {
	t, ok := m.Monitor.(Testing)
	return !ok || t.Tested()
}
