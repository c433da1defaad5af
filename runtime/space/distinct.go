package space

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"math/big"
	"slices"
)

// distinct is n different members of a space, one after the other. Its digits
// are those of the factorial number system: each says how many members that
// are still unused come before the one that is chosen.
type distinct struct {
	of      *Space
	members []Scenario
	n       int
	ways    []*big.Int // ways[k]: to choose the last k members
}

// newDistinct lists the members, which takes time and memory linear in the size of s: choosing
// without repetition has no arithmetic without knowing which of them are the same.
func newDistinct(ctx context.Context, s *Space, n int) (*distinct, error) {
	d := &distinct{of: s, n: n}
	known := map[string]bool{}
	for sc := range s.All {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if key := sc.key(); !known[key] {
			known[key] = true
			d.members = append(d.members, sc)
		}
	}
	if n > len(d.members) {
		return nil, fmt.Errorf("distinct: n is %d, but the space has only %d different members", n, len(d.members))
	}
	d.count()
	return d, ctx.Err()
}

// count finds in how many ways the last members can be chosen. It takes as many
// multiplications as are chosen.
func (d *distinct) count() {
	ways := one
	d.ways = append(d.ways, ways)
	for k := 1; k <= d.n; k++ {
		ways = new(big.Int).Mul(ways, big.NewInt(int64(len(d.members)-d.n+k)))
		d.ways = append(d.ways, ways)
	}
}

// maxLen is the length of the n longest members together, and not n times
// the longest: none is chosen twice.
func (d *distinct) maxLen() int {
	var lengths []int
	for _, m := range d.members {
		lengths = append(lengths, len(m))
	}
	slices.Sort(lengths)
	sum := 0
	for _, n := range lengths[len(lengths)-d.n:] {
		sum += n
	}
	return sum
}

func (d *distinct) size() *big.Int  { return d.ways[d.n] }
func (d *distinct) parts() []*Space { return []*Space{d.of} }

func (d *distinct) digested(b []byte) []byte { return binary.AppendUvarint(b, uint64(d.n)) }

// take reads the digits from the last to the first, as all forms do, and turns them into members
// from the first to the last, since a digit counts those that are left. That is quadratic in n,
// which is small: the steps of a scenario.
func (d *distinct) take(u *unranking) {
	digits := make([]int, d.n)
	for k := d.n - 1; k >= 0; k-- {
		digits[k] = u.digit(len(d.members) - k)
	}
	// The members chosen so far, in order, decide which one a digit means.
	var chosen []int
	for k, digit := range digits {
		place := 0
		for place < len(chosen) && chosen[place] <= digit {
			place++
			digit++
		}
		chosen = slices.Insert(chosen, place, digit)
		digits[k] = digit
	}
	for _, i := range slices.Backward(digits) {
		u.put(d.members[i]...)
	}
}

// each goes through the members in order at each place, which is the order of the digits.
func (d *distinct) each(prefix Scenario, yield func(Scenario) bool) bool {
	used := make([]bool, len(d.members))
	var choose func(sc Scenario, n int) bool
	choose = func(sc Scenario, n int) bool {
		if n == 0 {
			return yield(sc)
		}
		for i, m := range d.members {
			if used[i] {
				continue
			}
			used[i] = true
			if !choose(append(sc, m...), n-1) {
				return false
			}
			used[i] = false
		}
		return true
	}
	return choose(prefix, d.n)
}

// match follows all ways to cut the scenario into members at once. A way is known by where it ends and
// who is used; of several such the least index counts. There are several where one
// member is the beginning of another.
func (d *distinct) match(sc Scenario, from int) []match {
	type state struct {
		end  int
		used used
	}
	states := map[state]*big.Int{{end: from}: new(big.Int)}
	for k := range d.n {
		after := map[state]*big.Int{}
		for s, index := range states {
			for digit, i := range s.used.others(len(d.members)) {
				m := d.members[i]
				if !sc.continues(s.end, m) {
					continue
				}
				to := state{s.end + len(m), s.used.with(i)}
				sum := new(big.Int).Mul(index, big.NewInt(int64(len(d.members)-k)))
				sum.Add(sum, big.NewInt(int64(digit)))
				if best, ok := after[to]; !ok || sum.Cmp(best) < 0 {
					after[to] = sum
				}
			}
		}
		states = after
	}
	var all, found []match
	for s, index := range states {
		all = append(all, match{s.end, index})
	}
	slices.SortFunc(all, func(a, b match) int { return a.index.Cmp(b.index) })
	for _, m := range all {
		found = keep(found, m)
	}
	return found
}

// used is a set of members that can be part of a key: their numbers in order,
// two bytes each. There may be many members, but few of them are used.
type used string

// MaxMembers numbers fit into two bytes.
const _ = uint16(MaxMembers - 1)

// with returns the set with one more member. It copies, since sets are shared by ways.
func (u used) with(i int) used {
	place := 0
	for place < len(u) && u.at(place) < i {
		place += 2
	}
	b := binary.BigEndian.AppendUint16([]byte(u[:place]), uint16(i))
	return used(append(b, u[place:]...))
}

// at returns the member whose number begins at a byte.
func (u used) at(place int) int { return int(u[place])<<8 | int(u[place+1]) }

// others iterates over the members that are not used, counted from 0.
func (u used) others(members int) iter.Seq2[int, int] {
	return func(yield func(digit, member int) bool) {
		place := 0
		for i := range members {
			if place < len(u) && u.at(place) == i {
				place += 2
			} else if !yield(i-place/2, i) {
				return
			}
		}
	}
}
