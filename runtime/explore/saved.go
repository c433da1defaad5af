package explore

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
)

// A Saved report is one without worlds, which can be written down as JSON and
// added to those of other shards. It has the parts of a [Report], but for its course,
// of which it says no more than why the search stopped. Numbers of scenarios are exact,
// however many digits they have.
//
// Equal searches have equal bytes, whatever the machine and the number of workers, but for the
// handler runs of clusters that had learnt something before.
type Saved struct {
	File   string      `json:"-"` // from which it was read, for errors; may be ""
	Search Fingerprint // what was searched; only reports of one search can be added
	Question
	Extent
	Reduction
	Cost
	Found
	Basis
	Stopped        string   `json:",omitempty"` // why, "" if all of the shard was covered
	Counterexample []string `json:",omitempty"` // its steps from the starting world
}

// Save returns the report as it can be written down. It shares its parts with r, and takes the
// fingerprint of the search, for which it looks at all steps of the space once.
func (r *Report) Save() *Saved {
	s := &Saved{
		Search: r.fingerprint(), Question: r.Question, Extent: r.Extent, Reduction: r.Reduction, Cost: r.Cost, Found: r.Found, Basis: r.Basis,
	}
	if r.Stopped != nil {
		s.Stopped = r.Stopped.Error()
	}
	if w := r.Counterexample(); w != nil {
		for _, w := range w.Path()[1:] {
			s.Counterexample = append(s.Counterexample, w.Step().Text())
		}
	}
	return s
}

// Text shows the report as [Report.Text] does. Worlds that several shards
// reached count several times.
func (s *Saved) Text() string {
	r := Report{Question: s.Question, Extent: s.Extent, Reduction: s.Reduction, Cost: s.Cost, Found: s.Found, Basis: s.Basis}
	if s.Stopped != "" {
		r.Stopped = LimitError{What: s.Stopped}
	}
	return r.Text()
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

// check reports figures that no search can have. A file may have been made by hand, or be the
// work of another program: what is added to other reports at least fits together.
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

// checkFindings reports violations and failures that no search can have found. A search takes
// one step more than the layers that it completed, so that no flaw shows after more than that.
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

// An Ending is how the scripts ended that wrote a file of reports.
type Ending struct {
	Status int // the exit status
	// Early says that a script did not come to its end, so that it may have had more
	// to search: a check failed in it, say.
	Early bool
}

// The format of a file of reports: a line, each report as a line of JSON, and a
// last line that says how the scripts ended, and the SHA-256 of all before it. A file that was
// cut has no last line, and one without it says that its script may still be running: so a
// verdict is never read from a part of what was searched. The checksum finds damage, and is no
// signature. Fields that are not known are an error, because a report of which a part is not
// understood cannot be added to another.

// reportsLine begins each file of reports; reportsMagic is that of this format.
const (
	reportsLine  = "twinsh reports "
	reportsMagic = reportsLine + "4"
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
// stopped, and figures that no search can have. It trusts nothing: whatever the data, it
// returns an error or reports whose figures are possible.
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
