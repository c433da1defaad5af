package explore

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
type Shard struct {
	Index, Count int // of Count shards, from 0; a Count of 0 means the whole
}

// enoughNodes is how many search nodes there are for each shard when the work is cut.
const enoughNodes = 16

// A Saved report is one without worlds, which can be written down as JSON and
// added to those of other shards. Numbers of scenarios are decimal texts.
type Saved struct {
	File    string      `json:"-"` // from which it was read, for errors; may be ""
	Search  Fingerprint // what was searched; only reports of one search can be added
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
	StartsBeyond   []string   `json:",omitempty"`
	CountDown      []string   `json:",omitempty"`
	Stopped        string     `json:",omitempty"`
	NoEffect       []NoEffect `json:",omitempty"`
	Violations     []Violation
	Failures       []Failing
	Untested       []Untested     `json:",omitempty"`
	Decided        map[int]string `json:",omitempty"`
	Comparing      bool           `json:",omitempty"`
	Counterexample []string       `json:",omitempty"` // its steps from the starting world
}

// Save returns the report as it can be written down.
func (r *Report) Save() *Saved {
	s := &Saved{
		Search: r.fingerprint(), Shard: r.shard, Kind: r.Kind, Space: r.Space, System: r.System,
		Checked: r.Checked, Size: r.Size, Covered: r.Covered, EndedEarly: r.EndedEarly, Progressed: r.Progressed,
		Worlds: r.Worlds, Steps: r.Steps, Runs: r.Runs, Renamings: r.Renamings, Depth: r.Depth, Beyond: r.Beyond, StartsBeyond: r.StartsBeyond, CountDown: r.CountDown,
		Violations: r.Violations, Failures: r.Failures, Untested: r.Untested, Decided: r.Decided, Comparing: r.comparing, NoEffect: r.NoEffect,
	}
	if r.Stopped != nil {
		s.Stopped = r.Stopped.Error()
	}
	if r.Counterexample != nil {
		for _, w := range r.Counterexample.Path()[1:] {
			s.Counterexample = append(s.Counterexample, w.Step().Text())
		}
	}
	return s
}

// check reports figures that no search can have.
func (s *Saved) check() error {
	for _, n := range []*big.Int{s.Size, s.Covered, s.EndedEarly, s.Progressed} {
		if n == nil || n.Sign() < 0 {
			return errors.New("a number of scenarios is missing or negative")
		}
	}
	for _, n := range []int{s.Worlds, s.Steps, s.Runs, s.Depth, s.Renamings - 1} {
		if n < 0 {
			return fmt.Errorf("%d worlds, %d steps, %d handler runs, depth %d and %d renamings cannot be", s.Worlds, s.Steps, s.Runs, s.Depth, s.Renamings)
		}
	}
	switch k := s.Shard; {
	case s.Kind != "explore" || len(s.Search) == 0:
		return fmt.Errorf("a report of kind %q with %d marks of its search cannot be added to others", s.Kind, len(s.Search))
	case k.Count < 0 || k.Index < 0 || k.Index >= max(k.Count, 1):
		return fmt.Errorf("there is no shard %d of %d", k.Index+1, k.Count)
	case s.Covered.Cmp(s.Size) > 0:
		return fmt.Errorf("%s scenarios are covered, and there are %s", s.Covered, s.Size)
	case s.EndedEarly.Cmp(s.Covered) > 0 || s.Progressed.Cmp(s.Covered) > 0:
		return fmt.Errorf("%s scenarios ended early and %s made progress, of %s that are covered", s.EndedEarly, s.Progressed, s.Covered)
	case s.Worlds > s.Steps:
		return fmt.Errorf("%d worlds were gone on from in %d steps", s.Worlds, s.Steps)
	}
	return s.checkFindings()
}

// checkFindings reports violations and failures that no search can have found.
func (s *Saved) checkFindings() error {
	seen := map[string]bool{}
	for _, v := range s.Violations {
		switch {
		case !slices.Contains(s.Checked, v.Property):
			return fmt.Errorf("violations of %q are given, which was not checked", v.Property)
		case seen[v.Property]:
			return fmt.Errorf("the violations of %q are given twice", v.Property)
		case v.Length < 0 || v.Length > s.Depth+1:
			return fmt.Errorf("%s is violated after %d steps, and %d were taken", v.Property, v.Length, s.Depth+1)
		case !s.fit(v.Shortest, v.Scenarios):
			return fmt.Errorf("the numbers of scenarios that violate %s do not fit together", v.Property)
		case len(s.Counterexample) < v.Length && len(s.Violations) == 1:
			return fmt.Errorf("%s is violated after %d steps, but the counterexample has %d", v.Property, v.Length, len(s.Counterexample))
		}
		seen[v.Property] = true
	}
	for _, f := range s.Failures {
		if !s.fit(f.Shortest, f.Scenarios) || f.Length < 0 || f.Length > s.Depth+1 {
			return fmt.Errorf("the numbers of scenarios in which the code of %s fails do not fit together", f.Instance)
		}
	}
	if len(s.Counterexample) > 0 && len(s.Violations) == 0 && len(s.Failures) == 0 {
		return errors.New("there is a counterexample, but nothing is violated")
	}
	return nil
}

// fit reports whether something can show in so many scenarios, after so many
// shortest prefixes of them. Each prefix goes on in a scenario at least, and no
// two go on in the same one, so that there are as many scenarios. They are in the
// report itself if the search judged them all and had them all: a search that
// stops may have judged only the prefix, and the first shard counts the prefixes
// that were found before the work was shared out, whichever shard goes on with
// them. What shows in no scenario of a report at all is not in it.
func (s *Saved) fit(shortest, scenarios *big.Int) bool {
	switch {
	case shortest == nil || scenarios == nil || shortest.Sign() < 0 || scenarios.Sign() < 0,
		shortest.Sign()+scenarios.Sign() == 0,
		shortest.Cmp(s.Size) > 0 || scenarios.Cmp(s.Covered) > 0:
		return false
	case s.Stopped != "" || s.Shard.Count > 1 && s.Shard.Index == 0:
		return true
	}
	// Another shard counts the shortest if this one found none of its own.
	return shortest.Cmp(scenarios) <= 0 && (shortest.Sign() > 0 || s.Shard.Count > 1)
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
	for _, r := range reports {
		if err := r.check(); err != nil {
			return nil, fmt.Errorf("merge: %s: %w", r.named(), err)
		}
	}
	if err := fitTogether(reports); err != nil {
		return nil, fmt.Errorf("merge: %w", err)
	}
	sum := *first
	sum.Shard = Shard{}
	sum.Covered, sum.EndedEarly, sum.Progressed = new(big.Int), new(big.Int), new(big.Int)
	sum.Violations, sum.Failures, sum.Counterexample, sum.Worlds, sum.Steps = nil, nil, nil, 0, 0
	var shown *Saved // whose counterexample is that of the whole
	decided := map[int]string{}
	sum.Decided = decided
	for i, r := range reports {
		sum.Covered.Add(sum.Covered, r.Covered)
		sum.EndedEarly.Add(sum.EndedEarly, r.EndedEarly)
		sum.Progressed.Add(sum.Progressed, r.Progressed)
		// What is possible in one shard only has an effect in the whole.
		sum.NoEffect = inBoth(sum.NoEffect, r.NoEffect)
		sum.Worlds += r.Worlds
		sum.Steps += r.Steps
		sum.Runs = max(sum.Runs, r.Runs)
		sum.Depth = min(sum.Depth, r.Depth)
		if sum.Stopped == "" {
			sum.Stopped = r.Stopped
		}
		if shown == nil || r.showsBefore(shown) {
			shown = r
		}
		for _, v := range r.Violations {
			sum.add(v)
		}
		if i > 0 { // what some shard tested is tested
			sum.Untested = slices.DeleteFunc(slices.Clone(sum.Untested), func(u Untested) bool { return !slices.Contains(r.Untested, u) })
		}
		for slot, value := range r.Decided {
			if was, ok := decided[slot]; ok && was != value {
				value = ""
			}
			decided[slot] = value
		}
		for _, f := range r.Failures {
			sum.addFailing(f)
		}
	}
	sum.Counterexample = shown.Counterexample
	slices.SortFunc(sum.Violations, sum.before)
	slices.SortFunc(sum.Failures, failsBefore)
	whole := Report{Checked: sum.Checked, StartsBeyond: sum.StartsBeyond, Violations: sum.Violations}
	sum.Beyond = len(whole.beyond()) > 0
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
	return &sum, nil
}

// fitTogether reports why reports, in the order of their shards, are not all
// shards of one search, each once.
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

// named says which report it is, as in "b.json (shard 2/4)".
func (s *Saved) named() string {
	which := "a report without shards"
	if s.Shard.Count > 0 {
		which = fmt.Sprintf("shard %d/%d", s.Shard.Index+1, s.Shard.Count)
	}
	if s.File == "" {
		return which
	}
	return s.File + " (" + which + ")"
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
// a failure.
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
		w.Length, w.Why, w.Beyond = v.Length, v.Why, v.Beyond
		w.Shortest.Set(v.Shortest)
	case v.Length == w.Length:
		w.Shortest.Add(w.Shortest, v.Shortest)
	}
}

// addFailing adds a failure to those of the same kind.
func (s *Saved) addFailing(f Failing) {
	i := slices.IndexFunc(s.Failures, func(g Failing) bool { return g.Kind() == f.Kind() })
	if i < 0 {
		f.Shortest, f.Scenarios = new(big.Int).Set(f.Shortest), new(big.Int).Set(f.Scenarios)
		s.Failures = append(s.Failures, f)
		return
	}
	g := &s.Failures[i]
	g.Scenarios.Add(g.Scenarios, f.Scenarios)
	switch {
	case f.Length < g.Length:
		g.Length, g.Instance, g.Failure = f.Length, f.Instance, f.Failure
		g.Shortest.Set(f.Shortest)
	case f.Length == g.Length:
		g.Shortest.Add(g.Shortest, f.Shortest)
	}
}

// Text shows the report as [Report.Text] does. Worlds that several shards
// reached count several times.
func (s *Saved) Text() string {
	r := Report{
		Kind: s.Kind, Space: s.Space, System: s.System, Checked: s.Checked, Size: s.Size, Covered: s.Covered,
		EndedEarly: s.EndedEarly, Progressed: s.Progressed, Worlds: s.Worlds, Steps: s.Steps, Runs: s.Runs,
		Renamings: s.Renamings, Depth: s.Depth, Beyond: s.Beyond, StartsBeyond: s.StartsBeyond, CountDown: s.CountDown, Violations: s.Violations, Failures: s.Failures,
		Untested: s.Untested, Decided: s.Decided, comparing: s.Comparing, NoEffect: s.NoEffect, shard: s.Shard,
	}
	if s.Stopped != "" {
		r.Stopped = LimitError{What: s.Stopped}
	}
	return r.Text()
}

// An Ending is how the scripts ended that wrote a file of reports.
type Ending struct {
	Status int // the exit status
	// Early says that a script did not come to its end, so that it may have had more
	// to search: a check failed in it, say.
	Early bool
}

// The format of a file of reports: a line, each report as a line of JSON, and a
// last line that says how the scripts ended, and the SHA-256 of all before it.

// reportsLine begins each file of reports; reportsMagic is that of this format.
const (
	reportsLine  = "twinsh reports "
	reportsMagic = reportsLine + "3"
	reportsEnd   = "scripts ended with status %d, early %t"
)

// IsReports reports whether data begins as a file of reports, of this or of
// another version.
func IsReports(data []byte) bool { return bytes.HasPrefix(data, []byte(reportsLine)) }

// EncodeReports returns reports as they stand in a file, which says how the scripts
// that made them ended. It has no end yet if they go on, and end is nil.
func EncodeReports(reports []*Saved, end *Ending) ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintln(&b, reportsMagic)
	for _, r := range reports {
		line, err := json.Marshal(r)
		if err != nil {
			return nil, err
		}
		b.Write(append(line, '\n'))
	}
	if end != nil {
		fmt.Fprintf(&b, reportsEnd, end.Status, end.Early)
		sum := sha256.Sum256(b.Bytes())
		fmt.Fprintf(&b, ", sha256 %s\n", hex.EncodeToString(sum[:]))
	}
	return b.Bytes(), nil
}

// DecodeReports reads a file of reports, and how the scripts ended that wrote it. It
// refuses what was cut or changed, what scripts wrote that ended with an error or were
// stopped, and figures that no search can have.
func DecodeReports(data []byte) (reports []*Saved, end Ending, err error) {
	lines, end, err := endOfReports(data)
	if err != nil {
		return nil, end, err
	}
	for i, line := range lines {
		s := new(Saved)
		decoder := json.NewDecoder(bytes.NewReader(line))
		decoder.DisallowUnknownFields()
		err := decoder.Decode(s)
		if err == nil {
			if _, more := decoder.Token(); !errors.Is(more, io.EOF) {
				err = errors.New("something follows the report")
			}
		}
		if err == nil {
			err = s.check()
		}
		if err != nil {
			return nil, end, fmt.Errorf("line %d: %w", i+2, err)
		}
		reports = append(reports, s)
	}
	if len(reports) == 0 {
		return nil, end, errors.New("it holds no report: the script explored nothing")
	}
	return reports, end, nil
}

// endOfReports reads the first and the last line of a file of reports, and returns
// the lines between them.
func endOfReports(data []byte) (lines [][]byte, end Ending, err error) {
	head, rest, _ := bytes.Cut(data, []byte("\n"))
	switch {
	case len(data) == 0:
		return nil, end, errors.New("it is empty")
	case !IsReports(data):
		return nil, end, errors.New("it holds no reports; twinsh run -reports writes them")
	case string(head) != reportsMagic:
		return nil, end, fmt.Errorf("it begins with %q, and this version of twinsh reads %q", cut(head), reportsMagic)
	}
	for len(rest) > 0 {
		line, after, whole := bytes.Cut(rest, []byte("\n"))
		if !whole {
			return nil, end, errors.New("it was cut off within a line")
		}
		lines, rest = append(lines, line), after
	}
	if len(lines) == 0 {
		return nil, end, errors.New("it was cut off, or the script that writes it is still running")
	}
	last := lines[len(lines)-1]
	lines = lines[:len(lines)-1]
	said, claimed, _ := bytes.Cut(last, []byte(", sha256 "))
	if _, err := fmt.Sscanf(string(said), reportsEnd, &end.Status, &end.Early); err != nil || string(said) != fmt.Sprintf(reportsEnd, end.Status, end.Early) {
		return nil, end, errors.New("it has no last line: it was cut off, or the script that writes it is still running")
	}
	sum := sha256.Sum256(data[:len(data)-len(last)-1+len(said)])
	if string(claimed) != hex.EncodeToString(sum[:]) {
		return nil, end, errors.New("it is damaged: its checksum is wrong")
	}
	if end.Status != 0 && end.Status != 1 {
		return nil, end, fmt.Errorf("the script ended with status %d, before it was done", end.Status)
	}
	return lines, end, nil
}

// cut returns the beginning of what may be long.
func cut(line []byte) []byte { return line[:min(len(line), 40)] }
