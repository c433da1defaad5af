package adversary

import (
	"maps"
	"slices"

	"go.starlark.net/starlark"
)

// conditionHolds judges the other conditions on what operations returned, each as its
// definition reads.
func conditionHolds(kind string, history []Event, faulty []bool) bool {
	calls, ok := callsOf(history, faulty)
	if !ok {
		return false
	}
	switch kind {
	case "sequential":
		return sequential(history, faulty)
	case "2-atomic":
		return anyOrder(calls, nil, func(order []call, next call, missing []call) bool {
			return !slices.ContainsFunc(missing, func(m call) bool { return m.endsBefore(next) }) && returnsOneOf(order, next, 2)
		})
	case "few reads":
		n := 0
		for _, c := range calls {
			if c.counts() && c.op.name == "read" && c.result != starlark.None {
				n++
			}
		}
		return n < 2
	}
	return inSession(calls, kind == "read your writes")
}

// counts reports whether a call has to be in an order, with what it returned.
func (c call) counts() bool { return !c.faulty && c.ended >= 0 }

// endsBefore reports whether it is known that c ended before d began.
func (c call) endsBefore(d call) bool { return c.counts() && !d.faulty && c.ended < d.began }

// takesEffectBefore reports whether it is known that c took effect before d began, or never does:
// it has ended, or its client crashed, also if that was back and finished it.
func (c call) takesEffectBefore(d call) bool {
	return c.endsBefore(d) || !c.faulty && !d.faulty && c.cut >= 0 && c.cut < d.began
}

// anyOrder reports whether the calls can be put into an order, one after another, of which
// each may be next after those before it. Those that need not be in it may be left out.
func anyOrder(rest, order []call, may func(order []call, next call, missing []call) bool) bool {
	missing := slices.DeleteFunc(slices.Clone(rest), func(c call) bool { return !c.counts() })
	if len(missing) == 0 {
		return true
	}
	for i, c := range rest {
		others := slices.DeleteFunc(slices.Clone(missing), func(m call) bool { return m.began == c.began })
		if may(order, c, others) && anyOrder(slices.Delete(slices.Clone(rest), i, i+1), append(slices.Clone(order), c), may) {
			return true
		}
	}
	return false
}

// returnsOneOf reports whether a call may return what it did after others, if a read may
// return any of the last k values.
func returnsOneOf(order []call, next call, k int) bool {
	if !next.counts() {
		return true
	}
	if next.op.name == "write" {
		return equal(next.result, starlark.None)
	}
	held := []starlark.Value{starlark.None}
	for _, c := range order {
		if c.op.name == "write" {
			held = append(held, c.op.arg)
		}
	}
	return slices.ContainsFunc(held[max(0, len(held)-k):], func(v starlark.Value) bool { return equal(v, next.result) })
}

// sequential judges each beginning of a history: what faulty clients do later may have
// happened before.
func sequential(history []Event, faulty []bool) bool {
	for end := range history {
		seen := slices.Clone(history[:end+1])
		for _, e := range history[end+1:] {
			if e.Kind == "invoked" && faulty[e.Instance] {
				seen = append(seen, e)
			}
		}
		calls, ok := callsOf(seen, faulty)
		if !ok || !anyOrder(calls, nil, func(order []call, next call, missing []call) bool {
			return !slices.ContainsFunc(missing, func(m call) bool { return m.by == next.by && m.endsBefore(next) }) && returnsOneOf(order, next, 1)
		}) {
			return false
		}
	}
	return true
}

// inSession judges the guarantees of sessions: there is an order of the writes in which the
// reads of each client never go back behind the one before, or behind its own writes.
func inSession(calls []call, own bool) bool {
	var writes, reads []call
	for _, c := range calls {
		if c.op.name == "write" {
			writes = append(writes, c)
		} else if c.counts() {
			reads = append(reads, c)
		}
	}
	var try func(order, rest []call) bool
	try = func(order, rest []call) bool {
		if !slices.ContainsFunc(rest, call.counts) && fromWrites(order, reads, own, map[int]int{}) {
			return true
		}
		for i, w := range rest {
			late := slices.ContainsFunc(rest, func(other call) bool { return other.endsBefore(w) }) ||
				slices.ContainsFunc(order, func(other call) bool { return w.endsBefore(other) })
			if !late && returnsOneOf(nil, w, 1) && try(append(slices.Clone(order), w), slices.Delete(slices.Clone(rest), i, i+1)) {
				return true
			}
		}
		return false
	}
	return try(nil, writes)
}

// fromWrites reports whether each read can be given a write that it reads from, -1 before
// all, and that is, for what is monotonic, no earlier one than the least of its client.
func fromWrites(order, reads []call, own bool, least map[int]int) bool {
	if len(reads) == 0 {
		return true
	}
	r := reads[0]
	for from := -1; from < len(order); from++ {
		value := starlark.Value(starlark.None)
		if from >= 0 {
			value = order[from].op.arg
		}
		first, known := least[r.by]
		if !equal(value, r.result) || from >= 0 && r.endsBefore(order[from]) || known && !own && from < first {
			continue
		}
		if own && slices.ContainsFunc(order[from+1:], func(w call) bool { return w.by == r.by && w.endsBefore(r) }) {
			continue
		}
		later := maps.Clone(least)
		later[r.by] = from
		if fromWrites(order, reads[1:], own, later) {
			return true
		}
	}
	return false
}
