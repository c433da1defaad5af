package judge

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/internal/engine"
	"github.com/twinsh/twinsh/runtime/node"
)

// monitors folds what scenarios make observable into one number for each search node:
// a tuple of what each property needs to remember, which of them are violated,
// how the nodes' code failed, and whether anything was decided or returned at
// all. A property is judged once for each different tuple, not once for each
// world.
type monitors struct {
	cluster    *runtime.Cluster
	properties []check.Property
	recalls    bool // who has decided is remembered
	folds      []check.Monitor

	mu     sync.RWMutex
	next   map[[2]uint32]uint32 // (tuple, list of observations) -> tuple
	lost   map[forgetting]uint32
	names  map[[2]uint32]uint32 // (tuple, number of a renaming) -> tuple
	broken map[breaking]uint32
	// contents are those of tuples that were put in order.
	contents map[uint32]string
	ids      map[string]uint32
	tuple    []*tuple
	// decided is the value of each slot that a correct replica decided, as a text,
	// "" if there were several.
	decided map[int]string
	kinds   map[string]uint32 // sets of failures, by what is in them
	failed  [][]string        // the sets, by number; each is in some tuple
	most    int               // tuples
	texts   int               // bytes of the tuples and their keys
	// replicasAct says that a replica began an operation, so that states may
	// name servers.
	replicasAct atomic.Bool
}

// mostPasts is how many pasts there can be: they have numbers of 32 bits, and there is
// room for what goes on until all workers have stopped.
const mostPasts = 7 << 29

// TooManyPasts is the error of a search in which there are more.
func TooManyPasts(most int) error {
	return engine.LimitError{What: fmt.Sprintf("properties remember more than %d different pasts, which is as many as a search can number", most)}
}

// tupleBytes is about what a tuple takes beside its texts, pairBytes what a map
// takes for each pair of numbers.
const (
	tupleBytes = 160
	pairBytes  = 40
)

// bytes returns about how much memory the monitors occupy.
func (m *monitors) bytes() int {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.texts + pairBytes*(len(m.next)+len(m.lost)+len(m.names)+len(m.broken))
}

// A tuple never changes once it has a number.
type tuple struct {
	states  []string
	watched node.Set // instances that are correct so far: only they make progress
	Verdict
}

// A forgetting is that instances become faulty by amnesia.
type forgetting struct {
	tuple  uint32
	faulty node.Set
}

// A breaking is that invariants are found violated, or meet failures of code when they
// play on.
type breaking struct {
	tuple      uint32
	invariants Marks
	failed     uint32 // the number of a set of kinds
}

// newMonitors prepares to judge properties in a search in which some instances
// are faulty from the start and others may become so.
func newMonitors(c *runtime.Cluster, properties []check.Property, faulty, mayForget node.Set) *monitors {
	m := &monitors{
		cluster:    c,
		properties: properties,
		next:       map[[2]uint32]uint32{},
		lost:       map[forgetting]uint32{},
		names:      map[[2]uint32]uint32{},
		broken:     map[breaking]uint32{},
		contents:   map[uint32]string{},
		ids:        map[string]uint32{},
		kinds:      map[string]uint32{"": 0},
		decided:    map[int]string{},
		failed:     [][]string{nil},
		most:       mostPasts,
	}
	t := tuple{watched: (c.Servers() | c.Clients()) &^ faulty}
	for _, p := range properties {
		fold := check.MonitorOf(p, c, faulty, mayForget)
		m.folds = append(m.folds, fold)
		t.states = append(t.states, fold.Start())
	}
	m.intern(t)
	return m
}

// past returns the tuple after a history that is over when the search begins:
// it is judged as a whole.
func (m *monitors) past(ctx context.Context, h runtime.History) (uint32, error) {
	after, err := m.after(ctx, *m.at(0), h.Events)
	if err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.intern(after)
}

// fold returns the tuple after all that was observed in a step, the list of that
// number. It may be called concurrently. An error is that of a property.
func (m *monitors) fold(ctx context.Context, id, list uint32) (uint32, error) {
	return remember(m, m.next, [2]uint32{id, list}, func() (tuple, error) {
		var seen []runtime.Observed
		for i, o := range m.cluster.Engine().Observations(list) {
			seen = append(seen, runtime.Observed{Observation: o, Instance: i})
		}
		return m.after(ctx, *m.at(id), seen)
	})
}

// after returns the tuple after observations.
func (m *monitors) after(ctx context.Context, before tuple, seen []runtime.Observed) (tuple, error) {
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
				m.decides(o.Slot, valueText(o.Value))
			}
			if o.Kind == node.Decided && m.recalls {
				after.decided |= node.SetOf(o.Instance)
			}
			after.Progress = after.Progress || before.watched.Has(o.Instance)
		case node.Failed:
			failures = append(failures, o.Failure.Kind())
		}
	}
	if failures != nil {
		after.Failed = m.fails(before.Failed, failures)
	}
	for i, fold := range m.folds {
		var err error
		if after.states[i], err = fold.Next(ctx, before.states[i], seen); err != nil {
			return tuple{}, err
		}
		if fold.Violated(after.states[i]) {
			after.Violated |= 1 << i
		}
	}
	return after, nil
}

// decides notes that a slot was decided.
func (m *monitors) decides(slot int, value string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if was, ok := m.decided[slot]; ok && was != value {
		value = ""
	}
	m.decided[slot] = value
}

// valueText distinguishes values.
func valueText(v any) string {
	text := fmt.Sprintf("%T %s", v, node.Text(v))
	if len(text) > 2*sha256.Size {
		text = fmt.Sprintf("%x", sha256.Sum256([]byte(text)))
	}
	return text
}

// tested returns which properties were put to the test.
func (m *monitors) tested() (tested Marks) {
	for i, fold := range m.folds {
		if t, ok := fold.(check.Testing); !ok || t.Tested() {
			tested |= 1 << i
		}
	}
	return tested
}

// fails returns the number of a set of failures with more in it.
func (m *monitors) fails(set uint32, more []string) uint32 {
	if len(more) == 0 {
		return set
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	kinds := append(slices.Clone(m.failed[set]), more...)
	slices.Sort(kinds)
	kinds = slices.Compact(kinds)
	key := fmt.Sprintf("%q", kinds)
	number, ok := m.kinds[key]
	if !ok {
		number = uint32(len(m.failed))
		m.kinds[key] = number
		m.failed = append(m.failed, kinds)
	}
	return number
}

// failures lists what is in a set of failures.
func (m *monitors) failures(set uint32) []string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.failed[set]
}

// keepHistories reports whether some state is a history, which says what each
// instance did.
func (m *monitors) keepHistories() bool {
	return slices.ContainsFunc(m.folds, func(fold check.Monitor) bool {
		_, ok := fold.(check.Forgetful)
		return ok
	})
}

// forget returns the tuple after instances became faulty. It may be called
// concurrently.
func (m *monitors) forget(ctx context.Context, id uint32, faulty node.Set) (uint32, error) {
	return remember(m, m.lost, forgetting{id, faulty}, func() (tuple, error) {
		after := *m.at(id)
		after.states = slices.Clone(after.states)
		after.watched &^= faulty
		for i, fold := range m.folds {
			if f, ok := fold.(check.Forgetful); ok {
				var err error
				if after.states[i], err = f.Forget(ctx, after.states[i], faulty); err != nil {
					return tuple{}, err
				}
				if fold.Violated(after.states[i]) {
					after.Violated |= 1 << i
				}
			}
		}
		return after, nil
	})
}

// breaks returns the tuple after what was found by invariants, whatever its tuple. It
// may be called concurrently.
func (m *monitors) breaks(id uint32, found breaking) (uint32, error) {
	found.tuple = id
	return remember(m, m.broken, found, func() (tuple, error) {
		after := *m.at(id)
		after.Violated |= found.invariants
		after.Failed = m.fails(after.Failed, m.failures(found.failed))
		return after, nil
	})
}

// renamable reports whether all states can be renamed as if clients had taken each
// other's names.
func (m *monitors) renamable() bool {
	return !slices.ContainsFunc(m.folds, func(fold check.Monitor) bool {
		_, ok := fold.(check.Renamable)
		return !ok
	})
}

// rename returns the tuple after the g-th renaming of a symmetry. It may be
// called concurrently.
func (m *monitors) rename(id uint32, g int, r engine.Renaming) (uint32, error) {
	return remember(m, m.names, [2]uint32{id, uint32(g)}, func() (tuple, error) {
		after := *m.at(id)
		after.states = slices.Clone(after.states)
		for i, fold := range m.folds {
			if fold, ok := fold.(check.Renamable); ok { // others name no instance
				after.states[i] = fold.Rename(after.states[i], func(i int) int { return r[i] })
			}
		}
		return after, nil
	})
}

// content returns what tells a tuple from those that renamings make of it, the same
// in each run. It may be called concurrently.
func (m *monitors) content(id uint32) string {
	m.mu.RLock()
	text, ok := m.contents[id]
	m.mu.RUnlock()
	if ok {
		return text
	}
	for i, fold := range m.folds {
		if fold, ok := fold.(check.Renamable); ok {
			text += strconv.Quote(fold.Content(m.at(id).states[i]))
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.contents[id] = text
	m.texts += len(text) + pairBytes
	return text
}

// remember returns the number of the tuple that is known under a key, or finds
// it. It may be called concurrently. What ends in an error is not remembered.
func remember[K comparable](m *monitors, known map[K]uint32, key K, find func() (tuple, error)) (uint32, error) {
	m.mu.RLock()
	to, ok := known[key]
	m.mu.RUnlock()
	if ok {
		return to, nil
	}
	after, err := find()
	if err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if to, err = m.intern(after); err == nil {
		known[key] = to
	}
	return to, err
}

// intern numbers t; m.mu is held, or no one else knows m yet. The error is a
// [LimitError].
func (m *monitors) intern(t tuple) (uint32, error) {
	var key strings.Builder
	fmt.Fprint(&key, t.watched, t.Progress, t.Violated, t.decided, t.Failed)
	for _, s := range t.states {
		key.WriteString(" ")
		key.WriteString(strconv.Itoa(len(s)))
		key.WriteString(" ")
		key.WriteString(s)
	}
	if id, ok := m.ids[key.String()]; ok {
		return id, nil
	}
	if len(m.tuple) >= m.most {
		return 0, TooManyPasts(m.most)
	}
	id := uint32(len(m.tuple))
	t.Past = id
	m.tuple = append(m.tuple, &t)
	m.ids[key.String()] = id
	m.texts += 2*key.Len() + tupleBytes
	return id, nil
}

func (m *monitors) verdict(id uint32) *Verdict { return &m.at(id).Verdict }

func (m *monitors) at(id uint32) *tuple {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.tuple[id]
}
