package check

import (
	"cmp"
	"math"
	"slices"
)

// If each value was written once at most, it is known which write each read
// returned, and whether a history of a register is linearizable takes no search
// (Gibbons and Korach, "Testing Shared Memories", SIAM J. Comput. 1997). A write
// and the reads of its value are a cluster. The register holds the value at least
// from the first return among them to the last invocation, its zone, if that comes
// later: a forward zone. If it comes earlier, all of them overlap from that
// invocation to that return, a backward zone, and one moment of it is enough.
// There is an order if no two forward zones overlap and no backward zone lies
// within a forward one.

// A cluster is a write, or the first value of the register, and the reads that
// returned it, by number.
type cluster struct {
	write int   // initial if the register held the value at first
	reads []int // in the order of their invocations
	// returned is the place of the first return, invoked that of the last invocation.
	returned, invoked int
	at                int // by which clusters are put in order
}

const initial = -1

func (c *cluster) forward() bool { return c.returned < c.invoked }

// unique returns an order of the operations of a register that explains what was
// returned, if there is one. Known is false if values are written twice, so that
// the order has to be searched for. Operations that did not return are in it only
// if a read needs them. It takes time n log n for n operations.
func unique(init any, ops []operation) (order []int, ok, known bool) {
	clusters, ok, known := clustersOf(init, ops)
	if !ok || !known {
		return nil, false, known
	}
	var forward, backward []*cluster
	for _, c := range clusters {
		if c.forward() {
			c.at = c.returned
			forward = append(forward, c)
		} else {
			backward = append(backward, c)
		}
	}
	slices.SortFunc(forward, func(a, b *cluster) int { return cmp.Compare(a.returned, b.returned) })
	for i := range forward[min(1, len(forward)):] {
		if forward[i+1].returned < forward[i].invoked {
			return nil, false, true
		}
	}
	for _, b := range backward {
		// The only forward zone in which it may begin is the last that began before.
		i, _ := slices.BinarySearchFunc(forward, b.invoked, func(c *cluster, place int) int { return cmp.Compare(c.returned, place) })
		b.at = b.invoked
		if i > 0 && b.invoked < forward[i-1].invoked {
			if b.returned < forward[i-1].invoked {
				return nil, false, true
			}
			b.at = forward[i-1].invoked // right after that zone
		}
	}
	slices.SortStableFunc(clusters, func(a, b *cluster) int { return cmp.Compare(a.at, b.at) })
	for _, c := range clusters {
		if c.write != initial {
			order = append(order, c.write)
		}
		order = append(order, c.reads...)
	}
	return order, true, true
}

// clustersOf parts the operations that matter into clusters: those that returned,
// and the writes that did not but whose values were read. It reports whether each
// return can be explained by itself, and whether values are written once.
func clustersOf(init any, ops []operation) (clusters []*cluster, ok, known bool) {
	read := map[any]bool{}
	for i := range ops {
		if ops[i].Name == opRead && ops[i].returned() {
			read[ops[i].result] = true
		}
	}
	first := &cluster{write: initial, returned: math.MinInt, invoked: math.MinInt}
	of := map[any]*cluster{init: first}
	clusters = append(clusters, first)
	for i := range ops {
		op := &ops[i]
		if op.Name != opWrite || !op.returned() && !read[op.Arg] {
			continue
		}
		if of[op.Arg] != nil {
			return nil, false, false
		}
		c := &cluster{write: i, returned: op.ended, invoked: op.began}
		of[op.Arg] = c
		clusters = append(clusters, c)
	}
	for i := range ops {
		op := &ops[i]
		if !op.returned() {
			continue
		}
		if op.Name == opWrite {
			if op.result != nil {
				return nil, false, true
			}
			continue
		}
		c := of[op.result]
		if c == nil || c.write != initial && op.precedes(&ops[c.write]) {
			return nil, false, true
		}
		c.reads = append(c.reads, i) // operations are in the order of their invocations
		c.returned, c.invoked = min(c.returned, op.ended), max(c.invoked, op.began)
	}
	return clusters, true, true
}
