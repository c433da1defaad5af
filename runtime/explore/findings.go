package explore

import (
	"context"
	"iter"
	"maps"
	"math/big"
	"slices"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/explore/internal/judge"
	"github.com/twinsh/twinsh/runtime/node"
)

// passingKept is how many passing scenarios a report shows.
const passingKept = 3

// Findings are what was found so far, and on what the verdicts rest. They stand in the
// report from the beginning, so that a search that is stopped has nothing left to gather.
// They are written between layers, by one goroutine; workers only ask what is known already.
type findings struct {
	report      *Report
	judge       *judge.Judge
	known       map[judge.Flaw]bool // what went wrong in the layers before
	progressing int                 // how many of the report's passing scenarios, the first ones, made progress
}

func newFindings(r *Report, j *judge.Judge) *findings {
	return &findings{report: r, judge: j, known: map[judge.Flaw]bool{}}
}

// passed keeps a passing scenario if there is room for it: one with progress
// may take the place of one without. The world is asked for only if it is kept, because
// playing a scenario costs more than finding it.
func (f *findings) passed(progress bool, world func() *runtime.World) {
	kept := &f.report.Passing
	at := len(*kept)
	if progress {
		at = f.progressing
	}
	if at == passingKept {
		return
	}
	if progress {
		f.progressing++
	}
	*kept = slices.Insert(*kept, at, world())
	*kept = (*kept)[:min(passingKept, len(*kept))]
}

// found notes what shows at the end of w for the first time, and in how many prefixes
// of that length. Why it is wrong is asked of the property itself, of the scenario that was
// played for real and not of what a monitor remembers; that may take a little longer than the
// search (see [grace]). It returns where the number of scenarios in which it shows is counted.
func (f *findings) found(ctx context.Context, what judge.Flaw, length int, w *runtime.World, count *big.Int) (scenarios *big.Int) {
	f.known[what] = true
	r := f.report
	scenarios = new(big.Int)
	last, cancel := grace(ctx)
	defer cancel()
	if what.Failure != "" {
		fails := Failing{kind: what.Failure, Length: length, Shortest: count, Scenarios: scenarios, Counterexample: w}
		if o, first := failure(w, func(f node.Failure) bool { return f.Kind() == what.Failure }); first != nil {
			fails.Instance, fails.Failure = w.Cluster().Instances()[o.Instance].Name, *first
		} else if by, p, end := f.judge.Played(last, what.Failure, w); by != "" {
			fails.Instance, fails.Failure, fails.By, fails.Counterexample = w.Cluster().Instances()[p.Instance].Name, p.Failure, by, end
		}
		r.Failures = append(r.Failures, fails)
		return scenarios
	}
	why, good := f.judge.Explain(last, what.Property, w)
	v := Violation{
		Property: r.Checked[what.Property], Why: why, Length: length, Shortest: count, Scenarios: scenarios,
		Beyond: check.Beyond(f.judge.Property(what.Property), w), Counterexample: w, Good: good, index: what.Property,
	}
	if v.Beyond {
		v.BeyondCrashes = w.BeyondCrashes()
	}
	r.Violations = append(r.Violations, v)
	return scenarios
}

// gather adds up what the workers found in a layer: of each flaw the least parent link and the
// sum of prefixes, so that it does not matter which of them met it. Only here, once for each
// flaw of a search, is a scenario played. Replay returns the world to which
// a parent link leads, after so many steps.
func (f *findings) gather(ctx context.Context, team []*worker, length int, replay func(from parentLink) *runtime.World) {
	wrong := map[judge.Flaw]*evidence{}
	var passing []passed
	for _, w := range team {
		for what, e := range w.wrong {
			if sum := wrong[what]; sum != nil {
				sum.from = min(sum.from, e.from)
				sum.count.add(e.count)
			} else {
				wrong[what] = e
			}
		}
		passing = append(passing, w.passing...)
	}
	for _, what := range slices.SortedFunc(maps.Keys(wrong), judge.Flaw.Compare) {
		f.found(ctx, what, length, replay(wrong[what].from), wrong[what].count.big())
	}
	slices.SortFunc(passing, passed.compare)
	for _, p := range passing {
		f.passed(p.progress, func() *runtime.World { return replay(p.from) })
	}
}

// sum counts the scenarios in which something shows, and all of them. What a scenario counts
// for depends on where it ended: one that ended early stands for all that its space lists from
// there on, so that covered is the size of the space when everything was judged.
func (f *findings) sum(t *tallies, places []*place) {
	r := f.report
	byProperty := map[int]*big.Int{}
	for i := range r.Violations {
		byProperty[r.Violations[i].index] = r.Violations[i].Scenarios
	}
	byKind := map[string]*big.Int{}
	for i := range r.Failures {
		byKind[r.Failures[i].Kind()] = r.Failures[i].Scenarios
	}
	for e, n := range t.scenarios(places) {
		r.Covered.Add(r.Covered, n)
		if e.progress {
			r.Progressed.Add(r.Progressed, n)
		}
		if e.outcome == endsEarly {
			r.EndedEarly.Add(r.EndedEarly, n)
		}
		for i := range f.judge.Count() {
			if e.violated.Has(i) {
				byProperty[i].Add(byProperty[i], n)
			}
		}
		for _, kind := range f.judge.Failures(e.failed) {
			byKind[kind].Add(byKind[kind], n)
		}
	}
}

// needsEnd is what it takes first to test what is judged at the end of a scenario.
const needsEnd = "a scenario that comes to its end"

// rest reports on what the verdicts rest: properties that were never put to the test, by their
// own measure (a monitor that implements [check.Testing] knows), and decisions that could not
// have differed.
func (f *findings) rest(properties []check.Property) {
	r := f.report
	r.Decided = f.judge.Decided()
	tested := f.judge.Tested()
	for i := range f.judge.Count() {
		needs := check.Needs(f.judge.Property(i))
		if check.IsAtEnd(f.judge.Property(i)) {
			r.AtEnd = append(r.AtEnd, r.Checked[i])
			if r.Ended().Sign() == 0 { // then what was tested was seen on the way
				tested &^= 1 << i
				needs = needsEnd
			}
		}
		if !tested.Has(i) {
			r.Untested = append(r.Untested, Untested{r.Checked[i], needs})
		}
	}
	for _, p := range properties {
		r.Comparing = r.Comparing || check.Comparing(p)
	}
}

// forget drops what was counted: another shard reports it. What was found may be in
// scenarios of this shard as well.
func (f *findings) forget() {
	f.progressing = 0
	r := f.report
	r.Worlds, r.Steps, r.Passing = 0, 0, nil
	for i := range r.Violations {
		r.Violations[i].Shortest = new(big.Int)
	}
	for i := range r.Failures {
		r.Failures[i].Shortest = new(big.Int)
	}
}

// dropEmpty drops what only scenarios of other shards show. It was found by this one all the
// same, in the layers that all shards go through before the work is cut.
func (f *findings) dropEmpty() {
	r := f.report
	r.Violations = slices.DeleteFunc(r.Violations, func(v Violation) bool { return v.Shortest.Sign()+v.Scenarios.Sign() == 0 })
	r.Failures = slices.DeleteFunc(r.Failures, func(f Failing) bool { return f.Shortest.Sign()+f.Scenarios.Sign() == 0 })
}

// tallies counts scenarios by the place that they reached and by what became
// of them; the count of the place says how many scenarios of the space that is. Counts are
// kept as words and become numbers in the end (see [tallies.scenarios]): workers add to them
// at every step that ends a scenario, and big numbers would allocate. Nearly all scenarios end
// without a flaw, and those lie in one list; the map holds the others.
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

// An ending is where and how scenarios ended, and what had gone wrong. It has all that a
// scenario is counted by, so that no scenario has to be kept to count it.
type ending struct {
	place    uint32
	outcome  outcome
	progress bool
	violated judge.Marks
	failed   uint32
}

func newTallies(words int) tallies { return tallies{words: words, marred: map[ending]weight{}} }

// add counts scenarios that end at a place.
func (t *tallies) add(place uint32, how outcome, v *judge.Verdict, count weight) {
	if !v.Clean() {
		e := ending{place, how, v.Progress, v.Violated, v.Failed}
		if t.marred[e] == nil {
			t.marred[e] = make(weight, t.words)
		}
		t.marred[e].add(count)
		return
	}
	t.at(place, how, v.Progress).add(count)
}

// at returns the count of scenarios that end at a place while nothing went wrong. The list
// grows to the places that were reached: a space may have thousands, and each worker a list.
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

// scenarios lists how many scenarios of the space ended in each way so far. It changes
// nothing: what is counted of a complete layer is the same whether or not it was looked at.
func (t *tallies) scenarios(places []*place) iter.Seq2[ending, *big.Int] {
	number := func(at *place, how outcome, count weight) *big.Int {
		n := at.at.Count()
		if how == reachesEnd {
			n = big.NewInt(int64(at.at.Accepts()))
		}
		return n.Mul(n, count.big())
	}
	return func(yield func(ending, *big.Int) bool) {
		reached := len(t.counts) / (2 * int(outcomes) * t.words)
		for _, at := range places[:reached] {
			for how := range outcomes {
				for _, progress := range []bool{false, true} {
					w := t.at(at.index, how, progress)
					if !w.zero() && !yield(ending{place: at.index, outcome: how, progress: progress}, number(at, how, w)) {
						return
					}
				}
			}
		}
		for e, w := range t.marred {
			if !yield(e, number(places[e.place], e.outcome, w)) {
				return
			}
		}
	}
}

// left reports whether some scenarios were not followed, because they had violated all
// that is checked. What is said to be without effect may have one there.
func (t *tallies) left(places []*place) bool {
	for e := range t.marred {
		if e.outcome == violatesAll && !places[e.place].last {
			return true
		}
	}
	return false
}

// covered returns how many scenarios were judged so far.
func (t *tallies) covered(places []*place) *big.Int {
	sum := new(big.Int)
	for _, n := range t.scenarios(places) {
		sum.Add(sum, n)
	}
	return sum
}
