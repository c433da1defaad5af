package check

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"sync"

	"github.com/anishathalye/porcupine"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/node"
)

// linearizable looks for an order of the operations that explains what was
// returned. For a register whose values are written once that takes no search (see
// unique). Otherwise porcupine's version of the algorithm of Wing and Gong
// ("Testing and Verifying Concurrent Objects", 1993) and Lowe ("Testing for
// linearizability", 2017) tries orders, which takes exponential time in the number
// of operations that overlap: it gives up after maxTries, with a [LimitError].
//
// The other conditions on an order of operations are judged in the same way, by a search of
// their own (see [ordering]).
type linearizable struct {
	model  Model
	strict bool       // what a crash cuts short takes effect before it or never
	other  *condition // nil: it is linearizability
	events numbers
	mu     sync.Mutex
	memo   map[memoKey]explanation
}

// memoKey is a history without its steps.
type memoKey struct {
	faulty node.Set
	events string
}

// An explanation is an order of operations, if there is one.
type explanation struct {
	order []int
	ok    bool
}

// A condition is another one than linearizability.
type condition struct {
	name    string
	explain explaining
	linear  bool   // it is linearizability to a model that is not the user's
	needs   string // what puts it to the test
	met     func(ops []operation) bool
}

// explaining looks for an order of operations in which a model can carry them out with the
// results that are known. The error is that of the context, of the model, or a [LimitError].
type explaining func(ctx context.Context, m Model, ops []operation) (order []int, ok bool, err error)

// explaining is how p explains.
func (p *linearizable) explaining() explaining {
	if p.other != nil {
		return p.other.explain
	}
	return linearization
}

// linearization is the explaining of linearizability.
func linearization(ctx context.Context, m Model, ops []operation) (order []int, ok bool, err error) {
	return m.explain(ctx, ops)
}

// tried reports whether operations put p to the test.
func (p *linearizable) tried(ctx context.Context, ops []operation) bool {
	if p.other != nil && p.other.met != nil {
		return p.other.met(ops)
	}
	if p.strict {
		return p.model.triedByCrash(ctx, ops)
	}
	return p.model.tried(ctx, ops)
}

// maxTries bounds how often a search for an order carries out an operation of a register,
// and with that its memory, to some hundred megabytes. Those of other objects, which are
// larger and run code of scripts, are carried out less often.
const maxTries = 1 << 20

// A LimitError says that a property gave up: it does not know whether it holds.
type LimitError struct{ What string }

// Error says what there was too much of, and what would help.
func (e LimitError) Error() string { return e.What }

// tooMany is the LimitError for operations that overlap.
func tooMany(overlapping int, remedy string) error {
	return LimitError{fmt.Sprintf("gave up: with %d operations that overlap there are too many orders to be tried; %s", overlapping, remedy)}
}

// What makes it easier to judge a history.
const (
	writeOnce = "if each value of a register is written once, none has to be"
	useKeys   = "those on different keys are tried apart, if the model has keys"
)

// overlapping returns the largest number of operations under way at one time.
func overlapping(ops []operation) int {
	most := 0
	for _, at := range ops {
		n := 0
		for _, op := range ops {
			if op.began <= at.began && at.began < op.ended {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

// memoSize bounds the memory for histories judged before. A search asks for
// the same ones again soon, or never.
const memoSize = 1 << 16

func (p *linearizable) Name() string {
	switch {
	case p.other != nil:
		return p.other.name
	case p.strict:
		return "strictly linearizable" + to(p.model)
	}
	return "linearizable" + to(p.model)
}

// to names the object that a property is about, if that is not a register.
func to(m Model) string {
	if m.register {
		return ""
	}
	return " to " + m.Name
}

// Judge looks for an order that explains all that returned, which is NP-complete in general
// (Gibbons and Korach, SIAM J. Comput. 1997) and quick for the histories that people have: few
// operations overlap, and a register whose values are written once takes no search at all. What was judged
// before is remembered by what happened in it, because a search asks for the same history from
// many worlds. Why a violation is one is found out afterwards, since most histories are none.
func (p *linearizable) Judge(ctx context.Context, h runtime.History) (Verdict, error) {
	h.Events = p.looksAt(h)
	if err := unknownIn(ctx, p, h); err != nil {
		return Verdict{}, err
	}
	ops, wrong := operations(h)
	if wrong != "" {
		return Verdict{Why: wrong}, nil
	}
	if !slices.ContainsFunc(ops, func(o operation) bool { return o.returned() }) {
		return Verdict{Holds: true, Vacuous: true}, nil
	}
	e, err := p.remembered(ctx, h, ops)
	if err != nil {
		return Verdict{}, p.named(err)
	}
	if !e.ok {
		why, err := p.model.why(ctx, ops, p.explaining())
		if err != nil {
			// That it does not hold is known, and counts.
			why = "no order of the operations explains what they returned; which return is to blame was not found out: " + err.Error()
		}
		return Verdict{Why: why}, nil
	}
	v := Verdict{Holds: true, Vacuous: !p.tried(ctx, ops)}
	for _, i := range e.order {
		v.Witness = append(v.Witness, ops[i].witness())
	}
	return v, nil
}

// looksAt lists the events of a history that matter, in canonical order.
func (p *linearizable) looksAt(h runtime.History) []runtime.Observed {
	if !p.strict {
		return canonical(slices.DeleteFunc(slices.Clone(h.Events), func(e runtime.Observed) bool { return !e.OfOperation() }))
	}
	var events []runtime.Observed
	for _, e := range h.WithCrashes() {
		switch {
		case e.Kind == node.Failed: // its code is down for good
			e.Observation = node.Observation{Kind: node.Crashed}
			events = append(events, e)
		case e.OfOperation(), e.Kind == node.Crashed:
			events = append(events, e)
		}
	}
	return canonical(events)
}

// seesCrashes is whether crashes matter.
func (p *linearizable) seesCrashes() bool { return p.strict }

// named says which property gave up.
func (p *linearizable) named(err error) error {
	var limit LimitError
	if errors.As(err, &limit) {
		return fmt.Errorf("%s: %w", p.Name(), err)
	}
	return err
}

func (*linearizable) about() node.ObservationKind { return node.Returned }

// needs names an operation that another order could have made return something else: a history
// of reads, or of one write after all else, is explained whatever the code does.
func (p *linearizable) needs() string {
	switch {
	case p.other != nil && p.other.needs != "":
		return p.other.needs
	case p.strict:
		return "an operation that can change " + p.model.Name + " and was cut short by a crash, after which another one returned"
	}
	if p.model.register {
		return "a write that began before some operation returned"
	}
	return "an operation that can change " + p.model.Name + " and began before some operation returned"
}

func (p *linearizable) refuses(ctx context.Context, op node.Operation) error {
	return p.model.knows(ctx, op)
}

// witness is the operation as a line of an explanation.
func (o *operation) witness() string {
	switch {
	case o.faulty:
		return o.String() + " (faulty client)"
	case o.cut:
		return o.String() + " (before a crash cut it short)"
	case !o.returned():
		return o.String() + " (never returned)"
	case o.quiet():
		return o.String()
	}
	return o.String() + " = " + o.text(o.result)
}

// remembered is explain for a history that may have been judged before.
func (p *linearizable) remembered(ctx context.Context, h runtime.History, ops []operation) (explanation, error) {
	pairs := make([][2]int, len(h.Events))
	for i, e := range h.Events {
		pairs[i] = [2]int{e.Instance, p.events.number(e.Observation)}
	}
	key := memoKey{h.Faulty, encode(pairs)}
	p.mu.Lock()
	e, ok := p.memo[key]
	p.mu.Unlock()
	if ok {
		return e, nil
	}
	var err error
	if e.order, e.ok, err = p.explaining()(ctx, p.model, ops); err != nil {
		return e, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.memo == nil || len(p.memo) >= memoSize {
		p.memo = map[memoKey]explanation{}
	}
	p.memo[key] = e
	return e, nil
}

// explain returns an order of the operations that the model can carry out with
// the results that are known. Those that were aborted are not in it. Operations that did not return are in it only if
// they are needed. The error is that of ctx, or a [LimitError].
func (m Model) explain(ctx context.Context, ops []operation) (order []int, ok bool, err error) {
	if err := ctx.Err(); err != nil {
		return nil, false, err
	}
	if places := happened(ops); len(places) < len(ops) {
		order, ok, err = m.explain(ctx, at(ops, places))
		return among(places, order), ok, err
	}
	if m.Key != nil {
		orders, ok, err := m.explainKeys(ctx, ops, linearization)
		return merged(ops, orders), ok, err
	}
	if m.register {
		if order, ok, known := unique(m.Init, ops); known {
			return order, ok, nil
		}
		needed := needed(ops)
		order, ok, err = m.search(ctx, at(ops, needed))
		return among(needed, order), ok, err
	}
	return m.search(ctx, ops)
}

// among returns which places an order of some of them is of.
func among(places, order []int) []int {
	for k, i := range order {
		order[k] = places[i]
	}
	return order
}

// needed lists the operations of a register without which an order may not explain
// what was returned: those that returned, and the writes of values that were read.
func needed(ops []operation) []int {
	read := map[any]bool{}
	for i := range ops {
		if ops[i].Name == opRead && ops[i].returned() {
			read[ops[i].result] = true
		}
	}
	var list []int
	for i := range ops {
		if ops[i].returned() || ops[i].Name == opWrite && read[ops[i].Arg] {
			list = append(list, i)
		}
	}
	return list
}

// search is explain by trying.
func (m Model) search(ctx context.Context, ops []operation) (order []int, ok bool, err error) {
	tries, most, remedy := 0, maxTries/16, useKeys
	if m.register {
		most, remedy = maxTries, writeOnce
	}
	seed := maphash.MakeSeed()
	object := porcupine.Model{
		Init: func() any { return []any{m.Init} },
		Step: func(states, in, _ any) (bool, any) {
			// Porcupine cannot be stopped. If no operation is possible any more,
			// it soon comes to its end, which then means nothing.
			if tries++; err == nil && tries%1024 == 0 {
				if err = ctx.Err(); err == nil && tries >= most {
					err = tooMany(overlapping(ops), remedy)
				}
			}
			if err != nil {
				return false, states
			}
			var next []any
			next, err = m.steps(ctx, states.([]any), in.(Call))
			return len(next) > 0, next
		},
		Hash: func(states any) (sum uint64) {
			for _, state := range states.([]any) {
				sum ^= maphash.Comparable(seed, state)
			}
			return sum
		},
		Equal: func(some, others any) bool {
			a, b := some.([]any), others.([]any)
			return len(a) == len(b) && !slices.ContainsFunc(a, func(state any) bool { return !slices.Contains(b, state) })
		},
	}
	// Porcupine carries out every operation. One without a return can always
	// go to the end, where nothing is left to see its effect.
	history := make([]porcupine.Operation, len(ops))
	end := 0
	for _, op := range ops {
		end = max(end, op.began+1)
		if op.over() {
			end = max(end, op.ended+1)
		}
	}
	for i, op := range ops {
		history[i] = porcupine.Operation{
			Input: op.call(), Call: int64(op.began), Return: int64(op.ended),
		}
		// No two of the times may be equal, or sorting would decide.
		if op.began == before {
			history[i].Call = int64(i - len(ops))
		}
		if op.ended == forever {
			history[i].Return = int64(end + i)
		}
	}
	result, info := porcupine.CheckOperationsVerbose(object, history, 0)
	if err != nil {
		return nil, false, err
	}
	if result != porcupine.Ok {
		return nil, false, nil
	}
	order = info.PartialLinearizations()[0][0]
	for k := len(order) - 1; k >= 0; k-- {
		if ops[order[k]].returned() {
			continue
		}
		without := slices.Delete(slices.Clone(order), k, k+1)
		fits, err := m.fits(ctx, ops, without)
		if err != nil {
			return nil, false, err
		}
		if fits {
			order = without
		}
	}
	return order, true, nil
}

// fits reports whether the known results can be those of the operations carried
// out in the given order.
func (m Model) fits(ctx context.Context, ops []operation, order []int) (bool, error) {
	states := []any{m.Init}
	for _, i := range order {
		var err error
		if states, err = m.steps(ctx, states, ops[i].call()); err != nil || len(states) == 0 {
			return false, err
		}
	}
	return true, nil
}

// explainKeys explains the operations on each key by themselves.
func (m Model) explainKeys(ctx context.Context, ops []operation, explain explaining) (orders [][]int, ok bool, err error) {
	on := map[any][]int{}
	var keys []any // in the order of the operations
	for i, op := range ops {
		key := m.Key(op.Operation)
		if on[key] == nil {
			keys = append(keys, key)
		}
		on[key] = append(on[key], i)
	}
	each := m
	if each.Key = nil; m.inner != nil {
		each = *m.inner
	}
	for _, key := range keys {
		some := make([]operation, len(on[key]))
		for k, i := range on[key] {
			some[k] = ops[i]
			if m.inner != nil {
				_, some[k].Operation = m.cut(ops[i].Operation)
			}
		}
		one, ok, err := explain(ctx, each, some)
		if err != nil || !ok {
			return nil, false, err
		}
		for k, i := range one {
			one[k] = on[key][i]
		}
		orders = append(orders, one)
	}
	return orders, true, nil
}

// merged makes one order of several that respect real time, and respects it, too. There is
// one (Herlihy and Wing 1990, Theorem 1).
func merged(ops []operation, orders [][]int) (order []int) {
	orders = slices.Clone(orders)
	for {
		orders = slices.DeleteFunc(orders, func(o []int) bool { return len(o) == 0 })
		if len(orders) == 0 {
			return order
		}
		// What returns first of all that is left can be preceded by nothing but what is
		// before it in its own order.
		next := slices.IndexFunc(orders, func(some []int) bool {
			return !slices.ContainsFunc(orders, func(others []int) bool {
				return slices.ContainsFunc(others, func(i int) bool { return ops[i].precedes(&ops[some[0]]) })
			})
		})
		order = append(order, orders[next][0])
		orders[next] = orders[next][1:]
	}
}
