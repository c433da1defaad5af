package space

import (
	"math/big"
	"slices"
)

// distinct is n different members of a space, one after the other. Its digits
// are those of the factorial number system: each says how many members that
// are still unused come before the one that is chosen.
type distinct struct {
	of      *Space
	members []member
	n       int
	ways    []*big.Int // ways[k]: to choose the last k members
}

type member struct {
	scenario Scenario
	space    *Space
}

func newDistinct(s *Space, n int) *distinct {
	d := &distinct{of: s, n: n}
	known := map[string]bool{}
	for sc := range s.All {
		if key := sc.key(); !known[key] {
			known[key] = true
			d.members = append(d.members, member{sc, word(sc)})
		}
	}
	ways := one
	for k := range n + 1 {
		if k > 0 {
			ways = new(big.Int).Mul(ways, big.NewInt(int64(len(d.members)-n+k)))
		}
		d.ways = append(d.ways, ways)
	}
	return d
}

func (d *distinct) maxLen() int {
	var lengths []int
	for _, m := range d.members {
		lengths = append(lengths, len(m.scenario))
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

func (d *distinct) take(u *unranking) {
	digits := make([]int, d.n)
	for k := d.n - 1; k >= 0; k-- {
		digits[k] = u.digit(len(d.members) - k)
	}
	unused := slices.Clone(d.members)
	chosen := make([]Scenario, d.n)
	for k, digit := range digits {
		chosen[k] = unused[digit].scenario
		unused = slices.Delete(unused, digit, digit+1)
	}
	for _, sc := range slices.Backward(chosen) {
		u.put(sc...)
	}
}

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
			if !choose(append(sc, m.scenario...), n-1) {
				return false
			}
			used[i] = false
		}
		return true
	}
	return choose(prefix, d.n)
}

func (d *distinct) match(sc Scenario, from int) []match {
	type state struct {
		end  int
		used used
	}
	states := map[state]*big.Int{{from, nobody(len(d.members))}: new(big.Int)}
	for k := range d.n {
		after := map[state]*big.Int{}
		for s, index := range states {
			digit := 0
			for i, m := range d.members {
				if s.used.has(i) {
					continue
				}
				if sc.continues(s.end, m.scenario) {
					to := state{s.end + len(m.scenario), s.used.with(i)}
					sum := new(big.Int).Mul(index, big.NewInt(int64(len(d.members)-k)))
					sum.Add(sum, big.NewInt(int64(digit)))
					if best, ok := after[to]; !ok || sum.Cmp(best) < 0 {
						after[to] = sum
					}
				}
				digit++
			}
		}
		states = after // in no order, but the best match of each end is one
	}
	var found []match
	for s, index := range states {
		found = keep(found, match{s.end, index})
	}
	return found
}

// used is a set of members, as bits, that can be a key.
type used string

func nobody(members int) used { return used(make([]byte, (members+7)/8)) }

func (u used) has(i int) bool { return u[i/8]>>(i%8)&1 != 0 }

func (u used) with(i int) used {
	b := []byte(u)
	b[i/8] |= 1 << (i % 8)
	return used(b)
}
