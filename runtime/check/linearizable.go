package check

import (
	"cmp"
	"context"
	"fmt"
	"hash/maphash"
	"slices"
	"sort"
	"sync"

	"github.com/anishathalye/porcupine"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/english"
	"github.com/twinsh/twinsh/runtime/node"
)

// linearizable looks for an order of the operations that explains what was
// returned. For a register whose values are written once that takes no search (see
// unique). Otherwise porcupine's version of the algorithm of Wing and Gong
// ("Testing and Verifying Concurrent Objects", 1993) and Lowe ("Testing for
// linearizability", 2017) tries orders, which takes exponential time in the number
// of operations that overlap: it gives up after maxTries, with a [LimitError].
type linearizable struct {
	model  Model
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

// maxTries bounds how often a search for an order carries out an operation of a register,
// and with that its memory, to some hundred megabytes. Those of other objects, which are
// larger and run code of scripts, are carried out less often.
const maxTries = 1 << 20

// A LimitError says that a property gave up: it does not know whether it holds.
type LimitError struct{ What string }

func (e LimitError) Error() string { return e.What }

// tooMany is the LimitError for operations that overlap.
func tooMany(overlapping int, remedy string) error {
	return LimitError{fmt.Sprintf("linearizable: gave up: with %d operations that overlap there are too many orders to be tried; %s", overlapping, remedy)}
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
	if p.model.register {
		return "linearizable"
	}
	return "linearizable to " + p.model.Name
}

func (p *linearizable) Judge(ctx context.Context, h runtime.History) (Verdict, error) {
	h.Events = slices.DeleteFunc(slices.Clone(h.Events), func(e runtime.Observed) bool {
		return !e.OfOperation()
	})
	h.Events = Canonical(h)
	if err := unknownIn(p, h); err != nil {
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
		return Verdict{}, err
	}
	if !e.ok {
		why, err := p.model.why(ctx, ops)
		if err != nil {
			// That it does not hold is known, and counts.
			why = "no order of the operations explains what they returned; which return is to blame was not found out: " + err.Error()
		}
		return Verdict{Why: why}, nil
	}
	v := Verdict{Holds: true, Vacuous: !p.model.tried(ctx, ops)}
	for _, i := range e.order {
		v.Witness = append(v.Witness, ops[i].witness())
	}
	return v, nil
}

func (p *linearizable) needs() string {
	if p.model.register {
		return "a write that began before some operation returned"
	}
	return "an operation that can change " + p.model.Name + " and began before some operation returned"
}

func (p *linearizable) refuses(op node.Operation) error {
	if p.model.Knows == nil {
		return nil
	}
	return p.model.Knows(op)
}

// witness is the operation as a line of an explanation.
func (o *operation) witness() string {
	switch {
	case o.faulty:
		return o.String() + " (faulty client)"
	case !o.returned():
		return o.String() + " (never returned)"
	case o.quiet():
		return o.String()
	}
	return o.String() + " = " + node.Text(o.result)
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
	if e.order, e.ok, err = p.model.explain(ctx, ops); err != nil {
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
		return m.explainKeys(ctx, ops)
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
		if op.returned() {
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

// explainKeys is explain for the operations on each key by themselves.
func (m Model) explainKeys(ctx context.Context, ops []operation) (order []int, ok bool, err error) {
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
	var orders [][]int
	for _, key := range keys {
		some := make([]operation, len(on[key]))
		for k, i := range on[key] {
			some[k] = ops[i]
			if m.inner != nil {
				_, some[k].Operation, _ = cutKey(ops[i].Operation)
			}
		}
		one, ok, err := each.explain(ctx, some)
		if err != nil || !ok {
			return nil, false, err
		}
		for k, i := range one {
			one[k] = on[key][i]
		}
		orders = append(orders, one)
	}
	return merged(ops, orders), true, nil
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

// why says where no order explains the operations any more, which earlier
// returns stand in the way, and what would have been right.
func (m Model) why(ctx context.Context, ops []operation) (string, error) {
	ops, last, err := m.shortest(ctx, ops)
	if err != nil {
		return "", err
	}
	culprit := &ops[last]
	var right []string
	if !culprit.aborted {
		if right, err = m.possible(ctx, ops, last); err != nil {
			return "", err
		}
	}
	// What is left is 1-minimal: if any one of these operations had not ended, there
	// would be an order.
	var because []string
	for i := len(ops) - 1; i >= 0; i-- {
		if i == last || !ops[i].over() {
			continue
		}
		was := ops[i]
		ops[i].forget()
		_, ok, err := m.explain(ctx, ops)
		if err != nil {
			return "", err
		}
		if ok {
			ops[i] = was
			because = append(because, was.withReturn("had returned"))
		}
	}
	slices.Reverse(because)

	text := fmt.Sprintf("%s returned %s in step %d", culprit, node.Text(culprit.result), culprit.endedIn)
	if culprit.aborted {
		text = culprit.withReturn("returned")
	}
	if because == nil {
		text += ", which no order of the operations explains"
	} else if culprit.aborted {
		text += " after " + english.Join(because, "and") + "; no order of the operations without it explains that"
	} else {
		text += " after " + english.Join(because, "and") + "; no order of the operations explains that"
	}
	if right != nil {
		text += ". " + english.Join(right, "or") + " would have been right"
	}
	return text, nil
}

// shortest forgets all returns, and that operations were aborted, after the first one from which on the
// operations have no explanation, and says whose that is.
func (m Model) shortest(ctx context.Context, ops []operation) (known []operation, last int, err error) {
	var returns []int
	for i, op := range ops {
		if op.over() {
			returns = append(returns, i)
		}
	}
	// Places are in canonical order, in which the ends of operations in several steps may
	// stand otherwise than they came.
	slices.SortFunc(returns, func(i, j int) int {
		return cmp.Or(ops[i].endedIn-ops[j].endedIn, ops[i].ended-ops[j].ended)
	})
	until := func(k int) []operation {
		known := slices.Clone(ops)
		for _, i := range returns[k+1:] {
			known[i].forget()
		}
		return known
	}
	// What has no explanation gets none by what comes later.
	k := sort.Search(len(returns)-1, func(k int) bool {
		if err != nil {
			return true
		}
		_, ok, failed := m.explain(ctx, until(k))
		if failed != nil {
			err = failed
		}
		return !ok
	})
	return until(k), returns[k], err
}

// possible lists what ops[i] could have returned, among the values that occur and those
// that the model offers.
func (m Model) possible(ctx context.Context, ops []operation, i int) ([]string, error) {
	values := []any{nil, m.Init}
	for _, op := range ops {
		values = append(values, op.Arg, op.result)
	}
	if !m.register { // what the model offers as it looks for an order
		call := ops[i].call()
		_, _, err := m.hearing(func(c Call, outcomes []Outcome) {
			if c.Client == call.Client && c.Result == call.Result && c.Returned {
				for _, o := range outcomes {
					values = append(values, o.Result)
				}
			}
		}).explain(ctx, ops)
		if err != nil {
			return nil, err
		}
	}
	tried := map[string]bool{}
	var right []string
	for _, v := range values {
		text := fmt.Sprintf("%T %#v", v, v)
		if tried[text] {
			continue
		}
		tried[text] = true
		other := slices.Clone(ops)
		other[i].result = v
		_, ok, err := m.explain(ctx, other)
		if err != nil {
			return nil, err
		}
		if ok {
			right = append(right, node.Text(v))
		}
	}
	return right, nil
}
