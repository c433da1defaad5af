package check

import (
	"context"
	"math/bits"
	"slices"
)

// An ordering asks whether operations can be put into an order in which they could have
// returned what they did.
type ordering struct {
	ops  []operation
	init any
	// before reports that i is not after j if both are in the order.
	before func(i, j int) bool
	// optional reports whether an operation may be left out.
	optional func(i int) bool
	// step lists the states after operation i, in a state; none if it cannot be next.
	step func(ctx context.Context, state any, i int) ([]any, error)
	// reads reports whether an operation changes no state.
	reads func(i int) bool
}

// orderingKey is what matters of how far an attempt got.
type orderingKey struct {
	placed string // the set of operations that are in the order, or cannot be any more
	state  any
}

// A choice is an operation that may be next, and the states after it.
type choice struct {
	i      int
	states []any
}

// choices lists what may be next in a state once some operations are placed.
func (o *ordering) choices(ctx context.Context, placed set, state any, after []set) ([]choice, error) {
	var choices []choice
	for i := range o.ops {
		if placed.has(i) || !o.free(placed, after[i]) {
			continue
		}
		states, err := o.step(ctx, state, i)
		if err != nil {
			return nil, err
		}
		choices = append(choices, choice{i, states})
		// A read that keeps nothing out may as well come now as later.
		if len(states) > 0 && o.reads(i) && !o.optional(i) && after[i].within(placed) {
			return choices[len(choices)-1:], nil
		}
	}
	return choices, nil
}

// find tries orders, depth first, and goes on from no set of operations and state twice, as
// Lowe does ("Testing for linearizability", 2017). That takes time exponential in the number
// of operations that before leaves unordered: it gives up with a [LimitError]. Operations that
// may be left out are in the order only where that is of use. The error may be that of ctx.
func (o *ordering) find(ctx context.Context) (order []int, ok bool, err error) {
	after := o.predecessors()
	left := 0
	for i := range o.ops {
		if !o.optional(i) {
			left++
		}
	}
	seen, tries := map[orderingKey]bool{}, 0
	var try func(placed set, state any, left int) (bool, error)
	try = func(placed set, state any, left int) (bool, error) {
		if left == 0 {
			return true, nil
		}
		key := orderingKey{placed.key(), state}
		if seen[key] {
			return false, nil
		}
		seen[key] = true
		if tries++; tries%1024 == 0 {
			if err := ctx.Err(); err != nil {
				return false, err
			}
			if tries >= maxTries/16 {
				return false, tooMany(overlapping(o.ops), writeOnce)
			}
		}
		choices, err := o.choices(ctx, placed, state, after)
		if err != nil {
			return false, err
		}
		for _, c := range choices {
			i, states := c.i, c.states
			// Those that may be left out and would have to be before i are left out.
			next, fewer := placed.with(after[i]), left
			next.add(i)
			if !o.optional(i) {
				fewer--
			}
			for _, state := range states {
				order = append(order, i)
				if ok, err := try(next, state, fewer); ok || err != nil {
					return ok, err
				}
				order = order[:len(order)-1]
			}
		}
		return false, nil
	}
	ok, err = try(newSet(len(o.ops)), o.init, left)
	if !ok || err != nil {
		return nil, false, err
	}
	order, err = o.trimmed(ctx, order)
	return order, err == nil, err
}

// predecessors lists, for each operation, those that are not after it. They are asked for at each
// step of each attempt, so that the quadratic work is done once.
func (o *ordering) predecessors() []set {
	after := make([]set, len(o.ops))
	for i := range o.ops {
		after[i] = newSet(len(o.ops))
		for j := range o.ops {
			if i != j && o.before(j, i) {
				after[i].add(j)
			}
		}
	}
	return after
}

// trimmed leaves out of an order, from its end, the operations that it can do without. A person reads
// the order as an explanation, in which an operation that need not have happened is a distraction.
func (o *ordering) trimmed(ctx context.Context, order []int) ([]int, error) {
	for k := len(order) - 1; k >= 0; k-- {
		if !o.optional(order[k]) {
			continue
		}
		without := slices.Delete(slices.Clone(order), k, k+1)
		if fits, err := o.fits(ctx, without); err != nil {
			return nil, err
		} else if fits {
			order = without
		}
	}
	return order, nil
}

// free reports whether nothing that has to be before an operation is left.
func (o *ordering) free(placed, before set) bool {
	for w := range before {
		for rest := before[w] &^ placed[w]; rest != 0; rest &= rest - 1 {
			if !o.optional(w*64 + bits.TrailingZeros64(rest)) {
				return false
			}
		}
	}
	return true
}

// fits reports whether the operations can be carried out in an order. A step may have several
// outcomes, so that all states are followed that are possible so far.
func (o *ordering) fits(ctx context.Context, order []int) (bool, error) {
	states := []any{o.init}
	for _, i := range order {
		var next []any
		for _, state := range states {
			some, err := o.step(ctx, state, i)
			if err != nil {
				return false, err
			}
			for _, s := range some {
				if !slices.Contains(next, s) {
					next = append(next, s)
				}
			}
		}
		states = next
	}
	return len(states) > 0, nil
}

// A set is a set of small numbers.
type set []uint64

// newSet returns an empty set of the numbers below n: one bit for each.
func newSet(n int) set { return make(set, (n+63)/64) }

func (s set) add(i int)      { s[i/64] |= 1 << (i % 64) }
func (s set) has(i int) bool { return s[i/64]&(1<<(i%64)) != 0 }

// with returns the union.
func (s set) with(t set) set {
	u := slices.Clone(s)
	for w := range t {
		u[w] |= t[w]
	}
	return u
}

// within reports whether all of s is in t.
func (s set) within(t set) bool {
	for w := range s {
		if s[w]&^t[w] != 0 {
			return false
		}
	}
	return true
}

// key is the set as a part of a key of maps, which a slice cannot be.
func (s set) key() string {
	b := make([]byte, 0, 8*len(s))
	for _, w := range s {
		for k := 0; k < 64; k += 8 {
			b = append(b, byte(w>>k))
		}
	}
	return string(b)
}
