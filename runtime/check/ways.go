package check

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/node"
)

// modelMonitor remembers every way in which things may be with objects of a model and their
// clients: what registerMonitor does for a register, for any model whose calls do what they
// do whatever is known of their results. An operation takes effect only when a return cannot be
// explained otherwise (Lowe, "Testing for linearizability", 2017), and in any order with those
// that have not yet. The objects of different keys are apart, and what is as it was at first is
// not kept.
type modelMonitor struct {
	safety
	property *linearizable
	cluster  *runtime.Cluster
	faulty   node.Set // servers, which only serve
	numbers  *numbers
}

func (m *modelMonitor) among(faulty node.Set) Monitor {
	return &modelMonitor{property: m.property, cluster: m.cluster, faulty: faulty, numbers: m.numbers}
}

// A modelState is what a modelMonitor remembers. Keys, operations, states and results are
// numbers.
type modelState struct {
	Objects map[int]objectState `json:",omitempty"` // by key
	Moved   bool                `json:",omitempty"` // whether something began that can change an object
}

// An objectState is what is known of the object of one key.
type objectState struct {
	Open map[int]int `json:",omitempty"` // by client, what is under way
	// Cut are clients that crashed amid what is under way, sorted, if that matters: it took effect or
	// never does, which each way knows. It is known of one that never does as nothing that it returns.
	Cut  []int `json:",omitempty"`
	Ways []way // sorted; one at least
}

// A way is one in which an object may be.
type way struct {
	State int
	// Known is, by client, what an operation under way returns, if it has taken effect. Of a
	// read it is all that it may return, sorted: what the object has had to say since.
	Known map[int][]int `json:",omitempty"`
	// Lost are operations that were cut short and may still take effect, sorted: each an
	// instance and an operation.
	Lost [][2]int `json:",omitempty"`
}

// A listed result is a [Sequence] that can be compared.
type listed struct{ values any }

// number returns the number of what a call may return.
func (m *modelMonitor) number(o Outcome) int {
	switch s, isList := o.Result.(Sequence); {
	case o.Any:
		return m.numbers.number(anything{})
	case isList:
		return m.numbers.number(listed{chained(s)})
	}
	return m.numbers.number(o.Result)
}

// anything is the result of what may return anything.
type anything struct{}

// fits reports whether a result of that number is what was returned.
func (m *modelMonitor) fits(number int, result any) bool {
	switch v := m.numbers.value(number).(type) {
	case anything:
		return true
	case listed:
		return Outcome{Result: Sequence(elements(v.values))}.explains(result)
	default:
		return Outcome{Result: v}.explains(result)
	}
}

func (m *modelMonitor) Start() string { return encode(modelState{}) }

func (m *modelMonitor) Next(ctx context.Context, state string, seen []runtime.Observed) (string, error) {
	if state == violated {
		return state, nil
	}
	if _, err := unknown(ctx, m.property, seen); err != nil {
		return "", fmt.Errorf("%s: %w", m.property.Name(), err)
	}
	s := decode[modelState](state)
	if s.Objects == nil {
		s.Objects = map[int]objectState{}
	}
	for _, e := range seen {
		ok, err := true, error(nil)
		switch {
		case e.Kind == node.Invoked && m.faulty.Has(e.Instance):
			// It may have taken effect long ago, which is not kept.
			return "", fmt.Errorf("%s: %s is faulty and begins %s, but the protocol is known as one whose servers begin no operations",
				m.property.Name(), m.cluster.Instances()[e.Instance].Name, e.Operation)
		case e.Kind == node.Invoked:
			err = m.invoked(ctx, &s, e.Instance, e.Operation)
		case m.property.strict && crash(e) && !m.faulty.Has(e.Instance):
			err = m.crashed(ctx, &s, e.Instance)
		case !e.Ends() || m.faulty.Has(e.Instance):
		default:
			if e.Kind == node.Returned && s.Moved {
				m.met.Store(true)
			}
			ok, err = m.ended(ctx, &s, e)
		}
		if err != nil {
			return "", m.property.named(err)
		}
		if !ok {
			return violated, nil
		}
	}
	return encode(s), nil
}

// fresh is the object of a model at first.
func (m *modelMonitor) fresh(of Model) objectState {
	return objectState{Open: map[int]int{}, Ways: []way{{State: m.numbers.number(of.Init)}}}
}

// put keeps what is known of the object of a key, if that is anything. An object that is again as it
// was at first is as one that was never used: so a search merges the pasts of both.
func (s *modelState) put(key int, o, fresh objectState) {
	if len(o.Open) == 0 && len(o.Ways) == 1 && o.Ways[0].State == fresh.Ways[0].State && len(o.Ways[0].Lost) == 0 {
		delete(s.Objects, key)
		return
	}
	s.Objects[key] = o
}

// invoked notes that an operation begins; one of the same client that was under way is cut
// short.
func (m *modelMonitor) invoked(ctx context.Context, s *modelState, client int, op node.Operation) error {
	at := m.property.model.object(op)
	outcomes, err := m.step(ctx, at.of, at.of.Init, client, at.op)
	if err != nil {
		return err
	}
	moves := slices.ContainsFunc(outcomes, func(o Outcome) bool { return o.Next != at.of.Init })
	s.Moved = s.Moved || moves && !m.property.strict
	if key, o, was, ok := m.underWay(s, client); ok {
		op := o.Open[client]
		delete(o.Open, client)
		o.Cut = uncut(o.Cut, client)
		for i := range o.Ways {
			w := &o.Ways[i]
			_, known := w.Known[client]
			w.Known = less(w.Known, client)
			if !known {
				w.lose(client, op)
			}
		}
		if o.Ways, err = m.best(ctx, o.Ways); err != nil {
			return err
		}
		s.put(key, o, m.fresh(was.of))
	}
	key := m.numbers.number(at.key)
	o, ok := s.Objects[key]
	if !ok {
		o = m.fresh(at.of)
	}
	if o.Open == nil {
		o.Open = map[int]int{}
	}
	number := m.numbers.number(op)
	reads := at.of.reads != nil && at.of.reads(at.op)
	o.Open[client] = number
	for i := range o.Ways {
		if !reads {
			break
		}
		if o.Ways[i], err = m.looked(ctx, o.Ways[i], client, at); err != nil {
			return err
		}
	}
	if o.Ways, err = m.best(ctx, o.Ways); err != nil {
		return err
	}
	s.put(key, o, m.fresh(at.of))
	return nil
}

// underWay returns the object that an operation of a client works on now. A client has one operation
// at a time, so that there is one such object at most.
func (m *modelMonitor) underWay(s *modelState, client int) (key int, o objectState, at on, ok bool) {
	for key, o := range s.Objects {
		if number, ok := o.Open[client]; ok {
			return key, o, m.property.model.object(m.numbers.value(number).(node.Operation)), true
		}
	}
	return 0, objectState{}, on{}, false
}

// step lists what an operation may do in a state.
func (m *modelMonitor) step(ctx context.Context, of Model, state any, client int, op node.Operation) ([]Outcome, error) {
	return of.Step(ctx, state, Call{Operation: op, Client: m.cluster.Instances()[client].Name})
}

// looked returns w in which a read under way may return what the object has to say now.
func (m *modelMonitor) looked(ctx context.Context, w way, client int, at on) (way, error) {
	outcomes, err := m.step(ctx, at.of, m.numbers.value(w.State), client, at.op)
	if err != nil {
		return w, err
	}
	values := slices.Clone(w.Known[client])
	for _, o := range outcomes {
		values = insert(values, m.number(o), false)
	}
	w.Known = maps.Clone(w.Known)
	if w.Known == nil {
		w.Known = map[int][]int{}
	}
	w.Known[client] = values
	return w, nil
}

// lose notes that an operation was cut short.
func (w *way) lose(client, op int) {
	w.Lost = append(slices.Clone(w.Lost), [2]int{client, op})
	slices.SortFunc(w.Lost, func(a, b [2]int) int { return slices.Compare(a[:], b[:]) })
}

// less returns a map without a key, nil if nothing is left.
func less(known map[int][]int, client int) map[int][]int {
	if _, ok := known[client]; !ok {
		return known
	}
	known = maps.Clone(known)
	if delete(known, client); len(known) == 0 {
		return nil
	}
	return known
}

// ended notes that the operation of a client returned or was aborted. It reports whether that
// can be.
func (m *modelMonitor) ended(ctx context.Context, s *modelState, e runtime.Observed) (ok bool, err error) {
	client := e.Instance
	key, o, at, ok := m.underWay(s, client)
	if !ok {
		return false, nil
	}
	reads, cut := at.of.reads != nil && at.of.reads(at.op), slices.Contains(o.Cut, client)
	goal := func(w way) bool {
		return slices.ContainsFunc(w.Known[client], func(number int) bool { return m.fits(number, e.Value) })
	}
	var ways []way
	for _, w := range o.Ways {
		_, known := w.Known[client]
		switch {
		case e.Kind == node.Aborted && len(w.Known[client]) > 0 && !reads: // it took effect, so that this is not the way
		case e.Kind == node.Aborted:
			ways = append(ways, w)
		case known && (!reads || cut) && !goal(w): // it took effect, and would have returned something else
		case cut:
			ways = append(ways, w)
		default:
			some, err := m.reach(ctx, o, w, goal, client)
			if err != nil {
				return false, err
			}
			ways = append(ways, some...)
		}
	}
	for i := range ways {
		ways[i].Known = less(ways[i].Known, client)
	}
	o.Open = maps.Clone(o.Open)
	delete(o.Open, client)
	o.Cut = uncut(o.Cut, client)
	if o.Ways, err = m.best(ctx, ways); err != nil || len(o.Ways) == 0 {
		return false, err
	}
	s.put(key, o, m.fresh(at.of))
	return true, nil
}

// reach lists the ways that w may become until the goal is reached, by operations that take
// effect one after another. What the client returns is known once its own does.
func (m *modelMonitor) reach(ctx context.Context, o objectState, w way, goal func(way) bool, client int) (reached []way, err error) {
	seen := map[string]bool{}
	for queue := []way{w}; len(queue) > 0; queue = queue[1:] {
		w := queue[0]
		if goal(w) {
			reached = append(reached, w)
			continue
		}
		if _, known := w.Known[client]; known && !m.reading(o, client) {
			continue // it returns something else
		}
		next, err := m.after(ctx, o, w)
		if err != nil {
			return nil, err
		}
		for _, w := range next {
			if text := encode(w); !seen[text] {
				seen[text] = true
				queue = append(queue, w)
			}
		}
		if len(seen) > maxConfigs {
			return nil, tooMany(len(o.Open)+len(w.Lost), useKeys)
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return reached, nil
}

// reading reports whether what a client does changes nothing, by what the model says of itself. Such
// an operation need not take effect at one moment of a way: all that it could have returned is kept.
func (m *modelMonitor) reading(o objectState, client int) bool {
	at := m.property.model.object(m.numbers.value(o.Open[client]).(node.Operation))
	return at.of.reads != nil && at.of.reads(at.op)
}

// after lists the ways after one more operation took effect, of those that have not yet.
func (m *modelMonitor) after(ctx context.Context, o objectState, w way) (next []way, err error) {
	take := func(client, op, lost int) error {
		at := m.property.model.object(m.numbers.value(op).(node.Operation))
		outcomes, err := m.step(ctx, at.of, m.numbers.value(w.State), client, at.op)
		if err != nil {
			return err
		}
		for _, out := range outcomes {
			n := way{State: m.numbers.number(out.Next), Known: w.Known, Lost: w.Lost}
			if lost >= 0 {
				n.Lost = slices.Delete(slices.Clone(w.Lost), lost, lost+1)
			} else if n.Known = maps.Clone(w.Known); n.Known == nil {
				n.Known = map[int][]int{client: {m.number(out)}}
			} else {
				n.Known[client] = []int{m.number(out)}
			}
			for reader, op := range o.Open {
				if !m.reading(o, reader) || slices.Contains(o.Cut, reader) {
					continue
				}
				if n, err = m.looked(ctx, n, reader, m.property.model.object(m.numbers.value(op).(node.Operation))); err != nil {
					return err
				}
			}
			next = append(next, n)
		}
		return nil
	}
	for _, client := range slices.Sorted(maps.Keys(o.Open)) {
		if _, known := w.Known[client]; !known {
			if err := take(client, o.Open[client], -1); err != nil {
				return nil, err
			}
		}
	}
	for i, l := range w.Lost {
		if i > 0 && l == w.Lost[i-1] {
			continue // equal ones lead to equal ways
		}
		if err := take(l[0], l[1], i); err != nil {
			return nil, err
		}
	}
	return next, nil
}

// best sorts ways and drops those that can do nothing that another one cannot do as well. It
// compares each with each. Ways are few, because operations take effect only when a return asks.
func (m *modelMonitor) best(ctx context.Context, all []way) ([]way, error) {
	ways := map[string]way{}
	for _, w := range all {
		if len(w.Lost) == 0 {
			w.Lost = nil
		}
		ways[encode(w)] = w
	}
	kept := make([]way, 0, len(ways))
	for _, text := range slices.Sorted(maps.Keys(ways)) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		w, covered := ways[text], false
		for other, v := range ways {
			covered = covered || other != text && v.covers(w)
		}
		if !covered {
			kept = append(kept, w)
		}
	}
	if len(kept) > maxConfigs {
		return nil, tooMany(len(kept[0].Known)+len(kept[0].Lost), useKeys)
	}
	return kept, nil
}

// covers reports whether w can explain whatever v can: its reads may return more, and more
// may take effect that need not.
func (w way) covers(v way) bool {
	if w.State != v.State || len(w.Known) != len(v.Known) {
		return false
	}
	for client, values := range v.Known {
		if more, ok := w.Known[client]; !ok || !within(values, more) || len(values) == 0 && len(more) > 0 {
			return false // or v has an operation that never takes effect
		}
	}
	rest := w.Lost
	for _, l := range v.Lost {
		i := slices.Index(rest, l)
		if i < 0 {
			return false
		}
		rest = rest[i+1:]
	}
	return true
}
