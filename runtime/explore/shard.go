package explore

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
)

// A Shard is one of several parts of a search that can run in different
// processes. Every shard walks the same first layers, until there are enough
// different worlds; then each takes an equal share of them, in order, as its
// own work. What was counted before that belongs to the first shard. Worlds
// that two shards reach are searched twice, so sharding costs some work, but no
// scenario is counted twice, and the reports add up to that of the whole.
type Shard struct {
	Index, Count int // of Count shards, from 0; a Count of 0 means the whole
}

// enoughRows is how many worlds there are for each shard when the work is cut.
const enoughRows = 16

// cut keeps the rows of the search's shard, once there are enough of them.
func (x *search) cut(layer *frontier) *frontier {
	s := x.options.Shard
	if s.Count < 2 || x.isCut || layer.len() < enoughRows*s.Count {
		return layer
	}
	x.isCut = true
	last := len(x.origins) - 1
	kept := newFrontier(x.width, x.words, 1)
	for rank := layer.len() * s.Index / s.Count; rank < layer.len()*(s.Index+1)/s.Count; rank++ {
		row, w := layer.at(rank)
		kept.add(row, w, x.origins[last][rank])
	}
	x.origins[last] = kept.seal()
	if s.Index > 0 {
		x.forgetCounts()
	}
	return kept
}

// forgetCounts drops what was counted and found so far: another shard tells it.
func (x *search) forgetCounts() {
	clear(x.tallies.counts)
	x.progressing = 0
	r := x.report
	r.Worlds, r.Steps, r.Violations, r.Passing, r.Counterexample = 0, 0, nil, nil, nil
	r.Beyond = x.options.Start.Beyond()
}

// savedVersion is the version of the format of [Saved].
const savedVersion = 1

// A Saved report is one without worlds, which can be written down as JSON and
// added to those of other shards. Numbers of scenarios are decimal texts.
type Saved struct {
	Version int
	Search  string // what was searched; only reports of one search can be added
	Shard   Shard
	Kind    string
	Space   string
	System  string
	Checked []string
	Size    *big.Int
	Covered *big.Int
	EndedEarly,
	Progressed *big.Int
	Worlds         int
	Steps          int
	Runs           int
	Renamings      int
	Depth          int
	Beyond         bool
	Stopped        string `json:",omitempty"`
	Violations     []Violation
	Counterexample []string `json:",omitempty"` // its steps from the starting world
}

// Save returns the report as it can be written down.
func (r *Report) Save() *Saved {
	s := &Saved{
		Version: savedVersion, Search: r.subject, Shard: r.shard, Kind: r.Kind, Space: r.Space, System: r.System,
		Checked: r.Checked, Size: r.Size, Covered: r.Covered, EndedEarly: r.EndedEarly, Progressed: r.Progressed,
		Worlds: r.Worlds, Steps: r.Steps, Runs: r.Runs, Renamings: r.Renamings, Depth: r.Depth, Beyond: r.Beyond,
		Violations: r.Violations,
	}
	if r.Stopped != nil {
		s.Stopped = r.Stopped.Error()
	}
	if r.Counterexample != nil {
		for _, w := range r.Counterexample.Path()[1:] {
			s.Counterexample = append(s.Counterexample, w.Step().String())
		}
	}
	return s
}

// ReadSaved reads a report that was written as JSON.
func ReadSaved(data []byte) (*Saved, error) {
	s := new(Saved)
	if err := json.Unmarshal(data, s); err != nil {
		return nil, fmt.Errorf("this is no report: %w", err)
	}
	if s.Version != savedVersion {
		return nil, fmt.Errorf("the report has version %d, want %d", s.Version, savedVersion)
	}
	for _, n := range []*big.Int{s.Size, s.Covered, s.EndedEarly, s.Progressed} {
		if n == nil {
			return nil, fmt.Errorf("the report lacks a number of scenarios")
		}
	}
	for _, v := range s.Violations {
		if v.Shortest == nil || v.Scenarios == nil {
			return nil, fmt.Errorf("the report lacks the number of scenarios that violate %s", v.Property)
		}
	}
	return s, nil
}

// Merge adds the reports of all shards of one search, each given once, in any
// order. The counterexample is that which the whole search would have shown.
func Merge(reports []*Saved) (*Saved, error) {
	if len(reports) == 0 {
		return nil, fmt.Errorf("merge: no reports are given")
	}
	reports = slices.Clone(reports)
	slices.SortStableFunc(reports, func(a, b *Saved) int { return a.Shard.Index - b.Shard.Index })
	first := reports[0]
	if first.Shard.Count != len(reports) {
		return nil, fmt.Errorf("merge: %d reports are given of a search in %d shards", len(reports), first.Shard.Count)
	}
	sum := *first
	sum.Shard = Shard{}
	sum.Covered, sum.EndedEarly, sum.Progressed = new(big.Int), new(big.Int), new(big.Int)
	sum.Violations, sum.Counterexample, sum.Worlds, sum.Steps = nil, nil, 0, 0
	shortest := -1
	for i, r := range reports {
		switch {
		case r.Search != first.Search || r.Shard.Count != first.Shard.Count:
			return nil, fmt.Errorf("merge: the reports are of different searches: %s and %s", first.Space, r.Space)
		case r.Shard.Index != i:
			return nil, fmt.Errorf("merge: shard %d/%d is missing, or another is there twice", i, first.Shard.Count)
		}
		sum.Covered.Add(sum.Covered, r.Covered)
		sum.EndedEarly.Add(sum.EndedEarly, r.EndedEarly)
		sum.Progressed.Add(sum.Progressed, r.Progressed)
		sum.Worlds += r.Worlds
		sum.Steps += r.Steps
		sum.Runs = max(sum.Runs, r.Runs)
		sum.Depth = min(sum.Depth, r.Depth)
		if sum.Stopped == "" {
			sum.Stopped = r.Stopped
		}
		if n := len(r.Counterexample); n > 0 && (shortest < 0 || n < shortest) {
			shortest = n
			sum.Counterexample, sum.Beyond = r.Counterexample, r.Beyond
		}
		for _, v := range r.Violations {
			sum.add(v)
		}
	}
	slices.SortStableFunc(sum.Violations, func(a, b Violation) int { return a.Length - b.Length })
	return &sum, nil
}

// add adds a violation to those of the same property.
func (s *Saved) add(v Violation) {
	i := slices.IndexFunc(s.Violations, func(w Violation) bool { return w.Property == v.Property })
	if i < 0 {
		v.Shortest, v.Scenarios = new(big.Int).Set(v.Shortest), new(big.Int).Set(v.Scenarios)
		s.Violations = append(s.Violations, v)
		return
	}
	w := &s.Violations[i]
	w.Scenarios.Add(w.Scenarios, v.Scenarios)
	switch {
	case v.Length < w.Length:
		w.Length, w.Why = v.Length, v.Why
		w.Shortest.Set(v.Shortest)
	case v.Length == w.Length:
		w.Shortest.Add(w.Shortest, v.Shortest)
	}
}

// Text shows the report as [Report.Text] does. Worlds that several shards
// reached count several times.
func (s *Saved) Text() string {
	r := Report{
		Kind: s.Kind, Space: s.Space, System: s.System, Checked: s.Checked, Size: s.Size, Covered: s.Covered,
		EndedEarly: s.EndedEarly, Progressed: s.Progressed, Worlds: s.Worlds, Steps: s.Steps, Runs: s.Runs,
		Renamings: s.Renamings, Depth: s.Depth, Beyond: s.Beyond, Violations: s.Violations,
	}
	if s.Stopped != "" {
		r.Stopped = LimitError{s.Stopped}
	}
	return r.Text()
}
