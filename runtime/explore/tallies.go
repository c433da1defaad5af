package explore

import (
	"math/big"
	"time"
)

// tallies counts scenarios by the place that they reached and by what became
// of them; the count of the place tells how many scenarios of the space that is.
type tallies struct {
	words  int
	counts []uint64          // of those in which nothing went wrong: [place][outcome][progress][word]
	marred map[ending]weight // of the others
}

// An outcome is why a scenario is not followed any further.
type outcome uint8

const (
	reachesEnd  outcome = iota
	endsEarly           // a step cannot happen
	outcomes            // how many of them are possible if nothing went wrong
	violatesAll = outcomes
)

// An ending is where and how scenarios ended, and what had gone wrong.
type ending struct {
	place    uint32
	outcome  outcome
	progress bool
	violated marks
	failed   uint32
}

func newTallies(words int) tallies { return tallies{words: words, marred: map[ending]weight{}} }

// add counts scenarios that end at a place.
func (t *tallies) add(place uint32, how outcome, v *verdict, count weight) {
	if !v.clean() {
		e := ending{place, how, v.progress, v.violated, v.failed}
		if t.marred[e] == nil {
			t.marred[e] = make(weight, t.words)
		}
		t.marred[e].add(count)
		return
	}
	t.at(place, how, v.progress).add(count)
}

// at returns the count of scenarios that end at a place while nothing went wrong.
func (t *tallies) at(place uint32, how outcome, progress bool) weight {
	k := 2 * int(how)
	if progress {
		k++
	}
	i := (int(place)*2*int(outcomes) + k) * t.words
	for len(t.counts) < i+t.words {
		t.counts = append(t.counts, make([]uint64, 2*int(outcomes)*t.words)...)
	}
	return t.counts[i : i+t.words]
}

// gather adds what another counted.
func (t *tallies) gather(other *tallies) {
	for i := 0; i < len(other.counts); i += t.words {
		for len(t.counts) <= i {
			t.counts = append(t.counts, make([]uint64, 2*int(outcomes)*t.words)...)
		}
		weight(t.counts[i : i+t.words]).add(other.counts[i : i+t.words])
	}
	for e, count := range other.marred {
		if t.marred[e] == nil {
			t.marred[e] = make(weight, t.words)
		}
		t.marred[e].add(count)
	}
}

// sum turns the tallies into counts of scenarios.
func (x *search) sum() {
	r := x.report
	byProperty := map[int]*big.Int{}
	for i := range r.Violations {
		byProperty[r.Violations[i].index] = r.Violations[i].Scenarios
	}
	byKind := map[string]*big.Int{}
	for i := range r.Failures {
		byKind[r.Failures[i].Failure.Kind()] = r.Failures[i].Scenarios
	}
	x.count(func(e ending, n *big.Int) {
		r.Covered.Add(r.Covered, n)
		if e.progress {
			r.Progressed.Add(r.Progressed, n)
		}
		if e.outcome == endsEarly {
			r.EndedEarly.Add(r.EndedEarly, n)
		}
		for i := range x.judged() {
			if e.violated.has(i) {
				byProperty[i].Add(byProperty[i], n)
			}
		}
		for _, kind := range x.monitors.failures(e.failed) {
			byKind[kind].Add(byKind[kind], n)
		}
	})
	r.Runs = x.cluster.Learnt().Runs
	r.Elapsed = time.Since(x.began)
}

// count calls yield with the number of scenarios of each kind so far. It changes nothing:
// what is counted of a complete layer is the same whether or not it was looked at.
func (x *search) count(yield func(e ending, n *big.Int)) {
	scenarios := func(at *place, how outcome, count weight) *big.Int {
		n := at.at.Count()
		if how == reachesEnd {
			n = big.NewInt(int64(at.at.Accepts()))
		}
		return n.Mul(n, count.big())
	}
	reached := len(x.tallies.counts) / (2 * int(outcomes) * x.words)
	for _, at := range x.places[:reached] {
		for how := range outcomes {
			for _, progress := range []bool{false, true} {
				if w := x.tallies.at(at.index, how, progress); !w.zero() {
					yield(ending{place: at.index, outcome: how, progress: progress}, scenarios(at, how, w))
				}
			}
		}
	}
	for e, w := range x.tallies.marred {
		yield(e, scenarios(x.places[e.place], e.outcome, w))
	}
}

// covered returns how many scenarios were judged so far.
func (x *search) covered() *big.Int {
	sum := new(big.Int)
	x.count(func(_ ending, n *big.Int) { sum.Add(sum, n) })
	return sum
}
