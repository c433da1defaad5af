package explore

import (
	"math/big"
	"time"
)

// tallies counts scenarios by the place that they reached and by what became
// of them; the count of the place tells how many scenarios of the space that is.
type tallies struct {
	outcomes int
	words    int
	counts   []uint64 // [place][outcome][word]
}

// What becomes of a scenario: it reaches its end, a step cannot happen, or it
// violates the i-th property (violates+i); twice that, plus one if there was
// progress.
const (
	reachesEnd = iota
	endsEarly
	violates
)

func (t *tallies) at(place uint32, outcome int, progress bool) weight {
	k := 2 * outcome
	if progress {
		k++
	}
	i := (int(place)*2*t.outcomes + k) * t.words
	for len(t.counts) < i+t.words {
		t.counts = append(t.counts, make([]uint64, 2*t.outcomes*t.words)...)
	}
	return t.counts[i : i+t.words]
}

// sum turns the tallies into counts of scenarios.
func (x *search) sum() {
	r := x.report
	byProperty := map[string]*big.Int{}
	for i := range r.Violations {
		byProperty[r.Violations[i].Property] = r.Violations[i].Scenarios
	}
	x.count(func(outcome int, progress bool, n *big.Int) {
		r.Covered.Add(r.Covered, n)
		if progress {
			r.Progressed.Add(r.Progressed, n)
		}
		switch {
		case outcome == endsEarly:
			r.EndedEarly.Add(r.EndedEarly, n)
		case outcome >= violates+len(x.properties):
			s := byProperty[x.options.Invariants[outcome-violates-len(x.properties)].Name()]
			s.Add(s, n)
		case outcome >= violates:
			s := byProperty[x.properties[outcome-violates].Name()]
			s.Add(s, n)
		}
	})
	r.Runs = x.cluster.Learnt().Runs
	r.Elapsed = time.Since(x.began)
}

// count calls yield with the number of scenarios of each kind so far.
func (x *search) count(yield func(outcome int, progress bool, n *big.Int)) {
	for _, at := range x.places {
		for outcome := range x.tallies.outcomes {
			for _, progress := range []bool{false, true} {
				w := x.tallies.at(at.index, outcome, progress)
				if w.zero() {
					continue
				}
				n := at.at.Count()
				if outcome == reachesEnd {
					n = big.NewInt(int64(at.at.Accepts()))
				}
				yield(outcome, progress, n.Mul(n, w.big()))
			}
		}
	}
}

// covered returns how many scenarios were judged so far.
func (x *search) covered() *big.Int {
	sum := new(big.Int)
	x.count(func(_ int, _ bool, n *big.Int) { sum.Add(sum, n) })
	return sum
}
