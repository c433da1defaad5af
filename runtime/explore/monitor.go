package explore

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
)

// monitors folds what scenarios make observable into one number for each row:
// a tuple of what each property needs to remember, and whether anything was
// decided or returned at all. A property is judged once for each different
// tuple, not once for each world.
type monitors struct {
	cluster    *runtime.Cluster
	properties []check.Property
	folds      []check.Monitor

	mu    sync.RWMutex
	next  map[[2]uint32]uint32 // (tuple, list of observations) -> tuple
	lost  map[forgetting]uint32
	names map[[2]uint32]uint32 // (tuple, number of a renaming) -> tuple
	ids   map[string]uint32
	tuple []tuple
	texts int // bytes of the tuples and their keys
	// replicasAct says that a replica began an operation, so that states may
	// name servers.
	replicasAct atomic.Bool
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
	return m.texts + pairBytes*(len(m.next)+len(m.lost)+len(m.names))
}

type tuple struct {
	states   []string
	watched  runtime.Set // instances that are correct so far: only they make progress
	progress bool
	violated int // the first property that is violated, or none
}

const none = -1

// A verdict is what a search needs of a tuple.
type verdict struct {
	monitor  uint32 // the tuple
	progress bool
	violated int // the first property that is violated, or none
}

// A forgetting is that instances become faulty by amnesia.
type forgetting struct {
	tuple  uint32
	faulty runtime.Set
}

// newMonitors prepares to judge properties in a search in which some instances
// are faulty from the start and others may become so.
func newMonitors(c *runtime.Cluster, properties []check.Property, faulty, mayForget runtime.Set) *monitors {
	m := &monitors{
		cluster:    c,
		properties: properties,
		next:       map[[2]uint32]uint32{},
		lost:       map[forgetting]uint32{},
		names:      map[[2]uint32]uint32{},
		ids:        map[string]uint32{},
	}
	t := tuple{watched: (c.Servers() | c.Clients()) &^ faulty, violated: none}
	for _, p := range properties {
		fold := check.MonitorOf(p, c, faulty, mayForget)
		m.folds = append(m.folds, fold)
		t.states = append(t.states, fold.Start())
	}
	m.intern(t)
	return m
}

// fold returns the tuple after a list of observations. It may be called
// concurrently. An error is that of a property.
func (m *monitors) fold(ctx context.Context, id, list uint32) (uint32, error) {
	return remember(m, m.next, [2]uint32{id, list}, func() (tuple, error) {
		before := m.at(id)
		seen := m.cluster.Observations(list, 0)
		after := tuple{watched: before.watched, progress: before.progress, violated: none}
		for _, o := range seen {
			if (o.Kind == runtime.Returned || o.Kind == runtime.Decided) && before.watched.Has(o.Instance) {
				after.progress = true
			}
			if o.Kind == runtime.Invoked && m.cluster.Servers().Has(o.Instance) {
				m.replicasAct.Store(true)
			}
		}
		for i, fold := range m.folds {
			s, err := fold.Next(ctx, before.states[i], seen)
			if err != nil {
				return tuple{}, err
			}
			after.states = append(after.states, s)
			if after.violated == none && fold.Violated(s) {
				after.violated = i
			}
		}
		return after, nil
	})
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
func (m *monitors) forget(ctx context.Context, id uint32, faulty runtime.Set) (uint32, error) {
	return remember(m, m.lost, forgetting{id, faulty}, func() (tuple, error) {
		after := m.at(id)
		after.states = slices.Clone(after.states)
		after.watched &^= faulty
		for i, fold := range m.folds {
			if f, ok := fold.(check.Forgetful); ok {
				var err error
				if after.states[i], err = f.Forget(ctx, after.states[i], faulty); err != nil {
					return tuple{}, err
				}
				if after.violated == none && fold.Violated(after.states[i]) {
					after.violated = i
				}
			}
		}
		return after, nil
	})
}

// renamable reports whether all states can be told that clients took each
// other's names.
func (m *monitors) renamable() bool {
	return !slices.ContainsFunc(m.folds, func(fold check.Monitor) bool {
		_, ok := fold.(check.Renamable)
		return !ok
	})
}

// rename returns the tuple after the g-th renaming of a symmetry. It may be
// called concurrently.
func (m *monitors) rename(id uint32, g int, r runtime.Renaming) uint32 {
	renamed, _ := remember(m, m.names, [2]uint32{id, uint32(g)}, func() (tuple, error) {
		after := m.at(id)
		after.states = slices.Clone(after.states)
		for i, fold := range m.folds {
			if fold, ok := fold.(check.Renamable); ok { // others name no instance
				after.states[i] = fold.Rename(after.states[i], func(i int) int { return r[i] })
			}
		}
		return after, nil
	})
	return renamed
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
	to = m.intern(after)
	known[key] = to
	return to, nil
}

// intern numbers t; m.mu is held, or nobody else knows m yet.
func (m *monitors) intern(t tuple) uint32 {
	var key strings.Builder
	fmt.Fprint(&key, t.watched, t.progress, t.violated)
	for _, s := range t.states {
		key.WriteString(" ")
		key.WriteString(strconv.Itoa(len(s)))
		key.WriteString(" ")
		key.WriteString(s)
	}
	if id, ok := m.ids[key.String()]; ok {
		return id
	}
	id := uint32(len(m.tuple))
	m.tuple = append(m.tuple, t)
	m.ids[key.String()] = id
	m.texts += 2*key.Len() + tupleBytes
	return id
}

func (m *monitors) verdict(id uint32) verdict {
	t := m.at(id)
	return verdict{id, t.progress, t.violated}
}

func (m *monitors) at(id uint32) tuple {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.tuple[id]
}
