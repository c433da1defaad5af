package check

import (
	"context"
	"fmt"
	"slices"

	"github.com/twinsh/twinsh/runtime/node"
)

// SequentiallyConsistent returns the property that operations look as if they were carried
// out one after another, those of each client in the order in which it began them (Lamport,
// "How to Make a Multiprocessor Computer That Correctly Executes Multiprocess Programs",
// IEEE Trans. Computers 1979). Unlike with [LinearizableTo] an operation may come before one of
// another client that had returned before it began.
//
// That must be so at each moment: what was returned rests on what had begun until then, and
// is not explained by what begins later. An operation that was cut short comes after those that
// its client had completed, and anywhere among those that it began later, or is left out.
//
// To decide it is NP-complete (Gibbons and Korach, "Testing Shared Memories", SIAM J. Comput.
// 1997). It takes time exponential in the number of clients, and polynomial in the number of
// operations of each on an object with few states. Objects of different keys are judged as
// one, because sequential consistency is not local.
func SequentiallyConsistent(m Model) Property {
	return &linearizable{model: m.together(), other: &condition{name: "sequentially consistent" + to(m), explain: sequence}}
}

// sequence is the explaining of sequential consistency.
func sequence(ctx context.Context, m Model, ops []operation) (order []int, ok bool, err error) {
	var ends []int
	for i := range ops {
		if ops[i].over() {
			ends = append(ends, ops[i].ended)
		}
	}
	slices.Sort(ends)
	for _, end := range ends {
		places, some := until(ops, end)
		o := ordering{
			ops: some, init: m.Init,
			before:   func(i, j int) bool { return some[i].client == some[j].client && some[i].precedes(&some[j]) },
			optional: func(i int) bool { return !some[i].returned() },
			reads:    func(i int) bool { return m.register && some[i].Name == opRead },
			step: func(ctx context.Context, state any, i int) ([]any, error) {
				return m.steps(ctx, []any{state}, some[i].call())
			},
		}
		if order, ok, err = o.find(ctx); !ok || err != nil {
			return nil, false, err
		}
		order = among(places, order)
	}
	return order, true, nil
}

// until returns the operations of the history as it was right after a place, without those
// that were aborted, and which they are.
func until(ops []operation, end int) (places []int, some []operation) {
	for i, o := range ops {
		if o.began > end {
			continue
		}
		if o.ended > end {
			o.forget()
		}
		if !o.aborted {
			places, some = append(places, i), append(some, o)
		}
	}
	return places, some
}

// MonotonicReads returns the property that no client reads an older value of a register after a
// newer one: there is an order of all writes which respects real time, and in which each read
// of a client reads from the write that the one before read from, or from a later one. A read
// reads from a write of its value that began before the read returned, or the first value. It
// is a guarantee of each session (Terry et al., "Session Guarantees for Weakly Consistent
// Replicated Data", PDIS 1994), where a client is a session, and the order of the writes is one
// for all; it does not say how old a value may be. m is a register, or one for each key.
//
// Where values are written several times, it takes time exponential in the number of
// operations that overlap.
func MonotonicReads(m Model) Property {
	return session(m, "monotonic reads", "two reads of one client, of which the first returned a value that was written", func(o, p *operation) bool {
		return o.Name == opRead && p.Name == opRead && o.client == p.client && o.precedes(p)
	}, func(o, p *operation) bool { return o.result != nil })
}

// ReadYourWrites returns the property that each client reads of a register what it has written
// itself, or what is newer: there is an order of all writes as for [MonotonicReads], in which
// each read of a client reads from the last write that this client had completed before, or from
// a later one (Terry et al. 1994).
func ReadYourWrites(m Model) Property {
	return session(m, "read your writes", "a read that returned to a client which had written", func(o, p *operation) bool {
		return o.Name == opWrite && p.Name == opRead && o.client == p.client && o.precedes(p)
	}, func(o, p *operation) bool { return true })
}

// session returns the property that there is an order of the writes which respects real time,
// and in which nothing that ties an operation to a later one is broken. It is put to the test
// by two that are tied and count.
func session(m Model, name, needs string, ties, counts func(o, p *operation) bool) Property {
	of := &condition{name: name, needs: needs}
	if m.Key != nil {
		of.name += " for each key"
	}
	of.explain = func(ctx context.Context, m Model, ops []operation) (order []int, ok bool, err error) {
		if places := happened(ops); len(places) < len(ops) {
			order, ok, err = of.explain(ctx, m, at(ops, places))
			return among(places, order), ok, err
		}
		if m.Key != nil {
			orders, ok, err := m.explainKeys(ctx, ops, of.explain)
			return slices.Concat(orders...), ok, err
		}
		before := func(i, j int) bool {
			o, p := &ops[i], &ops[j]
			return o.precedes(p) && (o.Name == opWrite && p.Name == opWrite || ties(o, p))
		}
		o := ordering{
			ops: ops, init: -1, before: before, step: readsFrom(m.Init, ops),
			optional: func(i int) bool { return !ops[i].returned() },
			reads:    func(i int) bool { return ops[i].Name == opRead },
		}
		return o.find(ctx)
	}
	of.met = func(ops []operation) bool {
		for i := range ops {
			for j := range ops {
				same := m.Key == nil || m.Key(ops[i].Operation) == m.Key(ops[j].Operation)
				if o, p := &ops[i], &ops[j]; same && o.returned() && p.returned() && ties(o, p) && counts(o, p) {
					return true
				}
			}
		}
		return false
	}
	return &linearizable{model: m, other: of}
}

// readsFrom is the step of an ordering whose state is the last write, -1 before the first: a
// read reads from that.
func readsFrom(first any, ops []operation) func(context.Context, any, int) ([]any, error) {
	return func(_ context.Context, state any, i int) ([]any, error) {
		o, last := &ops[i], state.(int)
		value := first
		if last >= 0 {
			value = ops[last].Arg
		}
		switch {
		case o.Name == opWrite && o.returned() && o.result != nil:
			return nil, nil // a register has nothing to say to that
		case o.Name == opWrite:
			return []any{i}, nil
		case !o.returned(), o.result != value, last >= 0 && o.precedes(&ops[last]):
			return nil, nil
		}
		return []any{state}, nil
	}
}

// KAtomic returns the property that there is an order of the operations on a register which
// respects real time, and in which each read returns the value of one of the last k writes
// before it, where the first value counts as written before all (Aiyer, Alvisi and Bazzi, "On
// the Availability of Non-strict Quorum Systems", DISC 2005). With k = 1 that is
// [Linearizable]. It takes time exponential in the number of operations that overlap.
func KAtomic(k int) Property {
	m := Model{
		Name: fmt.Sprintf("a register whose reads may return any of the last %d values", k), Init: chain{last: nil},
		Knows: registerHas, Blind: func() bool { return true }, anonymous: true,
		reads: func(op node.Operation) bool { return op.Name == opRead },
		Step: func(_ context.Context, state any, call Call) ([]Outcome, error) {
			if err := registerHas(call.Operation); err != nil {
				return nil, err
			}
			values := elements(state)
			if call.Name == opWrite {
				values = append(values, call.Arg)
				return []Outcome{{Next: chained(values[max(0, len(values)-k):])}}, nil
			}
			var outcomes []Outcome
			for _, v := range values {
				if o := (Outcome{Next: state, Result: v}); !slices.Contains(outcomes, o) {
					outcomes = append(outcomes, o)
				}
			}
			return outcomes, nil
		},
	}
	return &linearizable{model: m, other: &condition{
		name: fmt.Sprintf("%d-atomic", k), needs: Linearizable().(*linearizable).needs(),
		explain: linearization, linear: true,
		met: func(ops []operation) bool { return tried(ops, func(*operation) bool { return true }) },
	}}
}
