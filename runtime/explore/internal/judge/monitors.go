package judge

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/internal/engine"
	"github.com/twinsh/twinsh/runtime/node"
)

// monitors folds what scenarios make observable into one number for each search node, that
// of its past: what each property needs to remember, which of them are violated,
// how the nodes' code failed, and whether anything was decided or returned at
// all. A property is judged once for each different past, not once for each
// world. But for recalls, which is set before a search begins, all may be used
// concurrently.
type monitors struct {
	cluster *runtime.Cluster
	folds   []check.Monitor // of the properties, in their order
	recalls bool            // who has decided, and who has begun an operation, is remembered
	atEnd   Marks           // of properties that are judged at the end of a scenario only
	// replicasAct says that a replica began an operation, so that states may
	// name servers.
	replicasAct atomic.Bool

	pasts     *pasts
	failures  *failureSets
	decisions *decisions
}

// newMonitors prepares to judge properties in a search in which some instances
// are faulty from the start and others may become so.
func newMonitors(c *runtime.Cluster, properties []check.Property, faulty, mayForget node.Set) *monitors {
	m := &monitors{cluster: c, pasts: newPasts(), failures: newFailureSets(), decisions: newDecisions()}
	none := past{watched: (c.Servers() | c.Clients()) &^ faulty}
	for i, p := range properties {
		if check.IsAtEnd(p) {
			m.atEnd |= 1 << i
		}
		fold := check.MonitorOf(p, c, faulty, mayForget)
		m.folds = append(m.folds, fold)
		none.states = append(none.states, fold.Start())
	}
	m.pasts.add(none)
	return m
}

// past returns the past that a history makes that is over when the search begins:
// it is judged as a whole.
func (m *monitors) past(ctx context.Context, h runtime.History, happened check.Past) (uint32, error) {
	after, err := m.after(ctx, *m.pasts.at(0), h.WithCrashes())
	if err != nil {
		return 0, err
	}
	if m.recalls {
		after.happened = happened
	}
	return m.pasts.add(after)
}

// fold returns the past after all that was observed in a step, the list of that
// number. An error is that of a property.
func (m *monitors) fold(ctx context.Context, before, list uint32) (uint32, error) {
	return remember(m.pasts, m.pasts.after, [2]uint32{before, list}, func() (past, error) {
		var seen []runtime.Observed
		for i, o := range m.cluster.Engine().Observations(list) {
			seen = append(seen, runtime.Observed{Observation: o, Instance: i})
		}
		return m.after(ctx, *m.pasts.at(before), seen)
	})
}

// after returns the past after observations. It also notes for the whole search what was
// decided, and that replicas operate: it is called at least once for each pair of a past and a
// list of observations, and to note twice is to note once.
func (m *monitors) after(ctx context.Context, before past, seen []runtime.Observed) (past, error) {
	after := before
	after.states = slices.Clone(before.states)
	var failures []string
	for _, o := range seen {
		switch o.Kind {
		case node.Invoked:
			if m.cluster.Servers().Has(o.Instance) {
				m.replicasAct.Store(true)
			}
		case node.Returned, node.Decided:
			if o.Kind == node.Decided && before.watched.Has(o.Instance) {
				m.decisions.note(o.Slot, valueText(o.Value))
			}
			after.Progress = after.Progress || before.watched.Has(o.Instance)
		case node.Failed:
			failures = append(failures, o.Failure.Kind())
		}
	}
	if failures != nil {
		after.Failed = m.failures.with(before.Failed, failures)
	}
	if m.recalls {
		after.happened = before.happened.After(seen)
	}
	events := withoutCrashes(seen)
	for i, fold := range m.folds {
		given := events
		if check.SeesCrashes(fold) {
			given = seen
		}
		var err error
		if after.states[i], err = fold.Next(ctx, before.states[i], given); err != nil {
			return past{}, err
		}
		if !m.atEnd.Has(i) && fold.Violated(after.states[i]) {
			after.Violated |= 1 << i
		}
	}
	return after, nil
}

// withoutCrashes is what most properties are to see, which is nearly always all.
func withoutCrashes(seen []runtime.Observed) []runtime.Observed {
	crash := func(o runtime.Observed) bool { return o.Kind == node.Crashed }
	if !slices.ContainsFunc(seen, crash) {
		return seen
	}
	return slices.DeleteFunc(slices.Clone(seen), crash)
}

// ends returns which properties a scenario violates that ends with a past, of those that are
// judged there.
func (m *monitors) ends(ctx context.Context, number uint32) (violated Marks, err error) {
	if m.atEnd == 0 {
		return 0, nil
	}
	if violated, ok := m.pasts.atEnd(number); ok {
		return violated, nil
	}
	for i, fold := range m.folds {
		if !m.atEnd.Has(i) {
			continue
		}
		state := m.pasts.at(number).states[i]
		bad := fold.Violated(state)
		if e, ok := fold.(check.Ending); ok && !bad {
			if bad, err = e.Ends(ctx, state); err != nil {
				return 0, err
			}
		}
		if bad {
			violated |= 1 << i
		}
	}
	m.pasts.ends(number, violated)
	return violated, nil
}

// restart returns the past after instances restarted: what they had begun may be lost.
func (m *monitors) restart(before uint32, who node.Set) (uint32, error) {
	if was := m.pasts.at(before); was.happened.Open&who == 0 {
		return before, nil
	}
	return remember(m.pasts, m.pasts.restarted, forgetting{before, who}, func() (past, error) {
		after := *m.pasts.at(before)
		after.happened.Open &^= who
		return after, nil
	})
}

// tested returns which properties were put to the test. A monitor that does not say is taken
// for one that always is.
func (m *monitors) tested() (tested Marks) {
	for i, fold := range m.folds {
		if t, ok := fold.(check.Testing); !ok || t.Tested() {
			tested |= 1 << i
		}
	}
	return tested
}

// keepHistories reports whether some state is a history, which says what each
// instance did.
func (m *monitors) keepHistories() bool {
	return slices.ContainsFunc(m.folds, func(fold check.Monitor) bool {
		_, ok := fold.(check.Forgetful)
		return ok
	})
}

// forget returns the past after instances became faulty. What they did before does not count
// any more, as if they had been faulty from the start: a prefix is judged by who is faulty at its
// end. Monitors without a history have nothing to take back.
func (m *monitors) forget(ctx context.Context, before uint32, faulty node.Set) (uint32, error) {
	return remember(m.pasts, m.pasts.lost, forgetting{before, faulty}, func() (past, error) {
		after := *m.pasts.at(before)
		after.states = slices.Clone(after.states)
		after.watched &^= faulty
		for i, fold := range m.folds {
			if f, ok := fold.(check.Forgetful); ok {
				var err error
				if after.states[i], err = f.Forget(ctx, after.states[i], faulty); err != nil {
					return past{}, err
				}
				if !m.atEnd.Has(i) && fold.Violated(after.states[i]) {
					after.Violated |= 1 << i
				}
			}
		}
		return after, nil
	})
}

// breaks returns the past after what was found by invariants, whatever the past in it. Verdicts
// on worlds are a part of the past as those on histories are, so that one number says all that is
// known to be wrong.
func (m *monitors) breaks(before uint32, found breaking) (uint32, error) {
	found.past = before
	return remember(m.pasts, m.pasts.broken, found, func() (past, error) {
		after := *m.pasts.at(before)
		after.Violated |= found.invariants
		after.Failed = m.failures.with(after.Failed, m.failures.of(found.failed))
		return after, nil
	})
}

// renamable reports whether all states can be renamed as if clients had taken each
// other's names. Where one cannot, clients keep their names, and servers may still change theirs.
func (m *monitors) renamable() bool {
	return !slices.ContainsFunc(m.folds, func(fold check.Monitor) bool {
		_, ok := fold.(check.Renamable)
		return !ok
	})
}

// rename returns the past after the g-th renaming of a symmetry.
func (m *monitors) rename(before uint32, g int, r engine.Renaming) (uint32, error) {
	return remember(m.pasts, m.pasts.named, [2]uint32{before, uint32(g)}, func() (past, error) {
		after := *m.pasts.at(before)
		after.states = slices.Clone(after.states)
		for i, fold := range m.folds {
			if fold, ok := fold.(check.Renamable); ok { // others name no instance
				after.states[i] = fold.Rename(after.states[i], func(i int) int { return r[i] })
			}
		}
		return after, nil
	})
}

// content returns what tells a past from those that renamings make of it, the same
// in each run.
func (m *monitors) content(number uint32) string {
	return m.pasts.content(number, func(p *past) (text string) {
		for i, fold := range m.folds {
			if fold, ok := fold.(check.Renamable); ok {
				text += strconv.Quote(fold.Content(p.states[i]))
			}
		}
		return text
	})
}

func (m *monitors) verdict(number uint32) *Verdict { return &m.pasts.at(number).Verdict }

// decisions are the values that correct replicas decided in a search, whatever the
// scenario: where all of a slot are one, a verdict that they agree rests on little.
type decisions struct {
	mu sync.Mutex
	of map[int]string // by slot, the value as a text, "" if there were several
}

func newDecisions() *decisions { return &decisions{of: map[int]string{}} }

// note notes that a slot was decided. It may be called concurrently.
func (d *decisions) note(slot int, value string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if was, ok := d.of[slot]; ok && was != value {
		value = ""
	}
	d.of[slot] = value
}

// valueText distinguishes values.
func valueText(v any) string {
	text := fmt.Sprintf("%T %s", v, node.Text(v))
	if len(text) > 2*sha256.Size {
		text = fmt.Sprintf("%x", sha256.Sum256([]byte(text)))
	}
	return text
}
