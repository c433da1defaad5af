package check

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/node"
)

// Canonical returns the events of h in an order that is the same for all
// histories that differ only in the order of events that commute: in each run
// of consecutive events of one kind they are sorted by instance, where that an operation
// returned and that it was aborted is of one kind. Two operations that begin one right after
// the other, or end so, overlap the same operations in either order.
func Canonical(h runtime.History) []runtime.Observed { return canonical(slices.Clone(h.Events)) }

// canonical is [Canonical], in place, of events that may have crashes among them. Those that are asked
// for end what an operation can do, and are of one kind with its returning.
func canonical(events []runtime.Observed) []runtime.Observed {
	ends := func(o runtime.Observed) bool { return o.Ends() || o.Kind == node.Crashed }
	for from := 0; from < len(events); {
		to := from
		for to < len(events) && (events[to].Kind == events[from].Kind || ends(events[to]) && ends(events[from])) {
			to++
		}
		slices.SortStableFunc(events[from:to], func(a, b runtime.Observed) int {
			return cmp.Compare(a.Instance, b.Instance)
		})
		from = to
	}
	return events
}

// numbers gives small numbers to comparable values, so that states can be
// written down. The numbers depend on who came first; nothing that anybody
// sees may.
type numbers struct {
	mu     sync.Mutex
	of     map[any]int
	values []any
}

func (n *numbers) number(v any) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	if i, ok := n.of[v]; ok {
		return i
	}
	if n.of == nil {
		n.of = map[any]int{}
	}
	i := len(n.values)
	n.of[v] = i
	n.values = append(n.values, v)
	return i
}

func (n *numbers) value(i int) any {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.values[i]
}

// content writes down the values with the given numbers, in an order of its own.
func (n *numbers) content(list ...int) string {
	texts := make([]string, len(list))
	for i, number := range list {
		v := n.value(number)
		texts[i] = fmt.Sprintf("%T %#v", v, v)
	}
	slices.Sort(texts)
	return fmt.Sprintf("%q", texts)
}

// encode writes a state down. The same state gives the same string, because
// JSON objects are written in the order of their keys.
func encode(state any) string {
	b, err := json.Marshal(state)
	if err != nil {
		panic(fmt.Sprintf("check: a state cannot be written down: %v", err))
	}
	return string(b)
}

func decode[T any](state string) T {
	var t T
	if err := json.Unmarshal([]byte(state), &t); err != nil {
		panic(fmt.Sprintf("check: %q is no state of this monitor: %v", state, err))
	}
	return t
}

// violated is the state of every monitor whose property is violated; it is no
// JSON, so it is no other state.
const violated = "violated"

// safety is the part that all monitors share: once violated, always violated. It
// knows whether the property was put to the test.
type safety struct{ met atomic.Bool }

func (*safety) Violated(state string) bool { return state == violated }

// Tested implements [Testing].
func (s *safety) Tested() bool { return s.met.Load() }

// historyMonitor is the monitor of a property that has none of its own. Its
// state is the history, pairs of an instance and the number of an observation,
// and who is faulty by now.
type historyMonitor struct {
	safety
	property Property
	cluster  *runtime.Cluster
	faulty   node.Set // at the start
	atEnd    bool     // nothing is judged on the way
	numbers  numbers
}

type pastState struct {
	Faulty node.Set
	Events [][2]int
}

func (m *historyMonitor) Start() string {
	return encode(pastState{Faulty: m.faulty, Events: [][2]int{}})
}

// Next appends what was observed and judges the whole, so that a scenario of n steps is judged n
// times: it is the slow way that every property has, and what the quick ways are tested against.
func (m *historyMonitor) Next(ctx context.Context, state string, seen []runtime.Observed) (string, error) {
	if state == violated {
		return state, nil
	}
	past := decode[pastState](state)
	events := m.events(past)
	for _, o := range seen {
		o.Step = 0
		events = append(events, o)
	}
	if _, ok := m.property.(interface{ inOrder() }); !ok {
		events = canonical(events)
	}
	return m.judged(ctx, m.history(past.Faulty, events))
}

// SeesCrashes implements [Crashing].
func (m *historyMonitor) SeesCrashes() bool { return seesCrashes(m.property) }

// Forget implements [Forgetful].
func (m *historyMonitor) Forget(ctx context.Context, state string, faulty node.Set) (string, error) {
	if state == violated {
		return state, nil
	}
	past := decode[pastState](state)
	return m.judged(ctx, m.history(past.Faulty|faulty, m.events(past)))
}

// events lists what a state remembers, crashes among it.
func (m *historyMonitor) events(past pastState) []runtime.Observed {
	events := make([]runtime.Observed, len(past.Events))
	for i, pair := range past.Events {
		events[i] = runtime.Observed{Observation: m.numbers.value(pair[1]).(node.Observation), Instance: pair[0]}
	}
	return events
}

func (m *historyMonitor) history(faulty node.Set, events []runtime.Observed) runtime.History {
	h := runtime.History{Cluster: m.cluster, Faulty: faulty}
	for _, o := range events {
		h.Observe(o)
	}
	return h
}

// Ends implements [Ending].
func (m *historyMonitor) Ends(ctx context.Context, state string) (bool, error) {
	if state == violated {
		return true, nil
	}
	past := decode[pastState](state)
	return m.violates(ctx, m.history(past.Faulty, m.events(past)))
}

func (m *historyMonitor) violates(ctx context.Context, h runtime.History) (bool, error) {
	v, err := m.property.Judge(ctx, h)
	if err == nil && (!v.Holds || !v.Vacuous) {
		m.met.Store(true)
	}
	return err == nil && !v.Holds, err
}

func (m *historyMonitor) judged(ctx context.Context, h runtime.History) (string, error) {
	if !m.atEnd {
		if bad, err := m.violates(ctx, h); err != nil {
			return "", err
		} else if bad {
			return violated, nil
		}
	}
	events := h.WithCrashes()
	past := pastState{Faulty: h.Faulty, Events: make([][2]int, len(events))}
	for i, o := range events {
		past.Events[i] = [2]int{o.Instance, m.numbers.number(o.Observation)}
	}
	return encode(past), nil
}
