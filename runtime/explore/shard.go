package explore

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
)

// A Shard is one of several parts of a search that can run in different
// processes. Every shard walks the same first layers, until there are enough
// different worlds; then each takes an equal share of them, in order, as its
// own work. What was counted before that belongs to the first shard. Worlds
// that two shards reach are searched twice, so sharding costs some work, but no
// scenario is counted twice, and the reports add up to that of the whole.
//
// Nothing passes between shards while they search. That they cut the same layer in the
// same way follows from its order, which depends on nothing but the space and the
// protocol, and the fingerprint of their reports is the proof that these were the same.
type Shard struct {
	Index, Count int // of Count shards, from 0; a Count of 0 means the whole
}

// enoughNodes is how many search nodes there are for each shard when the work is cut: enough
// that shards have about as much to do, and few enough that little is done by all of them.
const enoughNodes = 16

// cut keeps the search nodes of the search's shard, once there are enough of them. It is asked
// between layers, and cuts once: all scenarios that lead through a node are in one shard then,
// with its whole weight. Their parent links still lead to the layer before, which every shard has.
func (x *search) cut(layer *frontier) *frontier {
	s := x.options.Shard
	if s.Count < 2 || x.isCut || layer.len() < enoughNodes*s.Count {
		return layer
	}
	x.isCut = true
	last := len(x.graph.parents) - 1
	kept := x.graph.frontier(1)
	for rank := layer.len() * s.Index / s.Count; rank < layer.len()*(s.Index+1)/s.Count; rank++ {
		node, w := layer.at(rank)
		kept.add(node, w, x.graph.parents[last][rank])
	}
	x.graph.parents[last], _ = kept.seal(context.Background()) // they are in order, so that it takes no time
	if s.Index > 0 {
		x.forget()
	}
	return kept
}

// forget drops what was counted and found so far: another shard reports it. That a flaw was
// found is remembered, because the shortest counterexample to it is in the layers that all have.
func (x *search) forget() {
	x.tallies = newTallies(x.graph.words)
	x.findings.forget()
}

// Merge adds the reports of all shards of one search, each given once, in any
// order. The counterexample is that which the whole search would have shown. Reports that are
// not all of one search are an error, and so are sums that no search can have: if all of the
// space was searched, it is covered exactly once.
func Merge(reports []*Saved) (*Saved, error) {
	if len(reports) == 0 {
		return nil, fmt.Errorf("merge: no reports are given")
	}
	reports = slices.Clone(reports)
	slices.SortStableFunc(reports, func(a, b *Saved) int { return a.Shard.Index - b.Shard.Index })
	for _, r := range reports {
		if err := r.check(); err != nil {
			return nil, fmt.Errorf("merge: %s: %w", r.named(), err)
		}
	}
	if err := fitTogether(reports); err != nil {
		return nil, fmt.Errorf("merge: %w", err)
	}
	sum := reports[0].alone()
	for _, r := range reports[1:] {
		sum.add(r)
	}
	if c := sum.Covered.Cmp(sum.Size); c > 0 || c < 0 && sum.Stopped == "" {
		return nil, fmt.Errorf("merge: the shards cover %s scenarios together, and there are %s", sum.Covered, sum.Size)
	}
	for _, v := range sum.Violations {
		if !sum.fit(v.Shortest, v.Scenarios) {
			return nil, fmt.Errorf("merge: the numbers of scenarios that violate %s do not add up", v.Property)
		}
	}
	for _, f := range sum.Failures {
		if !sum.fit(f.Shortest, f.Scenarios) {
			return nil, fmt.Errorf("merge: the numbers of scenarios in which the code of %s fails do not add up", f.Instance)
		}
	}
	return sum, nil
}

// fitTogether reports why reports, in the order of their shards, are not all
// shards of one search, each once. That they are of one search their fingerprints say, and what
// differs is named.
func fitTogether(reports []*Saved) error {
	first := reports[0]
	count := max(first.Shard.Count, 1)
	for i, r := range reports {
		if max(r.Shard.Count, 1) != count {
			return fmt.Errorf("%s and %s are of different numbers of shards", first.named(), r.named())
		}
		if d := r.Search.differences(first.Search); d != "" {
			return fmt.Errorf("%s and %s are of different searches; what differs is %s", first.named(), r.named(), d)
		}
		if i > 0 && r.Shard.Index == reports[i-1].Shard.Index {
			return fmt.Errorf("%s and %s are the same shard", reports[i-1].named(), r.named())
		}
	}
	var missing []string
	for i := range count {
		if !slices.ContainsFunc(reports, func(r *Saved) bool { return r.Shard.Index == i }) {
			missing = append(missing, fmt.Sprintf("%d/%d", i+1, count))
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("of the %d shards of this search there is no report of %s", count, strings.Join(missing, ", "))
	}
	return nil
}

// alone returns a copy to which other reports can be added, that of the whole. It shares
// no number with the original.
func (s *Saved) alone() *Saved {
	sum := *s
	sum.Shard, sum.Partial = Shard{}, 0
	if s.Shard.Count > 1 {
		sum.Asymmetry, sum.Asked = "", false // there is none because of the shards
	}
	sum.Covered, sum.EndedEarly, sum.Progressed = new(big.Int), new(big.Int), new(big.Int)
	sum.Extent.add(s.Extent)
	sum.Found = Found{}
	sum.addFound(s.Found)
	sum.Decided = maps.Clone(s.Decided)
	return &sum
}

// add adds the report of another shard, part by part.
func (s *Saved) add(r *Saved) {
	if r.showsBefore(s) {
		s.Counterexample = r.Counterexample
	}
	s.Extent.add(r.Extent)
	s.Cost.add(r.Cost)
	s.addFound(r.Found)
	s.Basis.add(r.Basis)
	if s.Stopped == "" {
		s.Stopped = r.Stopped
	}
}

// add adds the scenarios of another shard. All shards were at the least depth.
func (e *Extent) add(f Extent) {
	e.Covered.Add(e.Covered, f.Covered)
	e.EndedEarly.Add(e.EndedEarly, f.EndedEarly)
	e.Progressed.Add(e.Progressed, f.Progressed)
	e.Depth, e.Unbegun = min(e.Depth, f.Depth), e.Unbegun && f.Unbegun
}

// add adds what another shard took. Handler runs do not add up, because shards run the
// same ones: those of the shard with the most are a lower bound.
func (c *Cost) add(d Cost) {
	c.Worlds += d.Worlds
	c.Steps += d.Steps
	c.Runs = max(c.Runs, d.Runs)
}

// add adds what the verdicts of another shard rest on.
func (b *Basis) add(c Basis) {
	// What is possible in one shard only has an effect in the whole, and what some
	// shard put to the test is tested.
	b.NoEffect = inBoth(b.NoEffect, c.NoEffect)
	var untested []Untested
	for _, u := range b.Untested {
		i := slices.IndexFunc(c.Untested, func(v Untested) bool { return v.Property == u.Property })
		switch {
		case i < 0:
			continue
		case u.Needs == needsEnd: // if scenarios of the other came to their end, it was something else
			u = c.Untested[i]
		}
		untested = append(untested, u)
	}
	b.Untested = untested
	for slot, value := range c.Decided {
		if was, ok := b.Decided[slot]; ok && was != value {
			value = ""
		}
		if b.Decided == nil {
			b.Decided = map[int]string{}
		}
		b.Decided[slot] = value
	}
}

// addFound adds what another shard found, in the order in which one search finds it: of
// one property, or one kind of failure, the shortest stays, and of two that are as short
// the first.
func (s *Saved) addFound(f Found) {
	for _, v := range f.Violations {
		s.addViolation(v)
	}
	for _, v := range f.Failures {
		s.addFailing(v)
	}
	slices.SortFunc(s.Violations, s.before)
	slices.SortFunc(s.Failures, failsBefore)
}

// before orders violations as one search finds them.
func (s *Saved) before(a, b Violation) int {
	return cmp.Or(a.Length-b.Length, slices.Index(s.Checked, a.Property)-slices.Index(s.Checked, b.Property))
}

// failsBefore orders failures as one search finds them.
func failsBefore(a, b Failing) int {
	return cmp.Or(a.Length-b.Length, cmp.Compare(a.Kind(), b.Kind()))
}

// showsBefore reports whether the counterexample of s is one that a search of the
// whole would show rather than that of t: that of a violation goes before that of
// a failure. Of equal ones the first shard's is shown, whose search nodes come first in the layer
// that was cut.
func (s *Saved) showsBefore(t *Saved) bool {
	switch {
	case len(s.Violations) > 0 && len(t.Violations) > 0:
		return s.before(s.Violations[0], t.Violations[0]) < 0
	case len(s.Violations) > 0 || len(t.Violations) > 0:
		return len(s.Violations) > 0
	case len(s.Failures) > 0 && len(t.Failures) > 0:
		return failsBefore(s.Failures[0], t.Failures[0]) < 0
	}
	return len(s.Failures) > 0
}

// addViolation adds a violation to those of the same property.
func (f *Found) addViolation(v Violation) {
	i := slices.IndexFunc(f.Violations, func(w Violation) bool { return w.Property == v.Property })
	if i < 0 {
		v.Shortest, v.Scenarios = new(big.Int).Set(v.Shortest), new(big.Int).Set(v.Scenarios)
		f.Violations = append(f.Violations, v)
		return
	}
	w := &f.Violations[i]
	w.Scenarios.Add(w.Scenarios, v.Scenarios)
	switch {
	case v.Length < w.Length:
		w.Length, w.Why, w.Beyond, w.BeyondCrashes = v.Length, v.Why, v.Beyond, v.BeyondCrashes
		w.Shortest.Set(v.Shortest)
	case v.Length == w.Length:
		w.Shortest.Add(w.Shortest, v.Shortest)
	}
}

// addFailing adds a failure to those of the same kind.
func (f *Found) addFailing(v Failing) {
	i := slices.IndexFunc(f.Failures, func(w Failing) bool { return w.Kind() == v.Kind() })
	if i < 0 {
		v.Shortest, v.Scenarios = new(big.Int).Set(v.Shortest), new(big.Int).Set(v.Scenarios)
		f.Failures = append(f.Failures, v)
		return
	}
	w := &f.Failures[i]
	w.Scenarios.Add(w.Scenarios, v.Scenarios)
	switch {
	case v.Length < w.Length:
		w.Length, w.Instance, w.Failure = v.Length, v.Instance, v.Failure
		w.Shortest.Set(v.Shortest)
	case v.Length == w.Length:
		w.Shortest.Add(w.Shortest, v.Shortest)
	}
}
