package explore

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/explore/internal/judge"
	"github.com/twinsh/twinsh/runtime/node"
	"github.com/twinsh/twinsh/runtime/space"
)

// A Report says what was covered and what was found.
type Report struct {
	Kind   string // "explore" or "sample"
	Space  string
	System string // the protocol and who is there
	// Checked are the properties, those of worlds last. No two have one name: the
	// second validity, say, is "validity (2)".
	Checked    []string
	Seed       uint64   // of a sample
	Size       *big.Int // scenarios that the space lists
	Covered    *big.Int // scenarios that were judged
	EndedEarly *big.Int // those in which some step could not happen: the client had finished, say
	Progressed *big.Int // those in which a correct identity decided or returned something

	Worlds int // different worlds from which the search went on
	Steps  int // steps taken in the search
	Runs   int // runs of the nodes' code since the cluster was made

	Coverage *Coverage // of a sample

	// NoEffect lists the choices of the space that mattered in no scenario: steps
	// that never took place, filters that never lost a message and duplications that
	// never let one arrive twice. It is nil if
	// not all was searched, and of a sample.
	NoEffect []NoEffect

	// Renamings is how many renamings of servers worlds were taken for one
	// under; 1 if worlds that differ in names count as different. Asymmetry
	// says why, if the protocol says that it treats names the same and does not.
	Renamings   int
	Sampled     bool // only a sample was checked of the protocol's promise
	Asymmetry   string
	fingerprint func() Fingerprint
	shard       Shard
	comparing   bool // decisions were compared
	asked       bool // for symmetry: then Text says why there is none

	Depth int // layers that were covered completely
	// Partial is the share of scenarios of one step more that was judged
	// before the search stopped.
	Partial float64
	// Untested are the properties that nothing put to the test, so that their
	// verdicts prove nothing.
	Untested []Untested
	// Decided is, for each slot that a correct replica decided, what stands for
	// the value: "" if there were different ones in the search.
	Decided    map[int]string
	Violations []Violation
	Failures   []Failing
	// Counterexample is that of the first violation, else of the first failure,
	// nil if there are none.
	Counterexample *runtime.World
	// Passing are a few scenarios that violate nothing, those with progress
	// first. One that ends early is there as far as it goes.
	Passing []*runtime.World
	// Beyond says that more servers were faulty than some property promises
	// anything for (see [check.Beyond]): in its counterexample or, if it has none,
	// in the starting world.
	Beyond bool
	// StartsBeyond are the properties for which that is so in the starting world.
	StartsBeyond []string
	// CountDown are the properties for which servers that are down count as faulty ones
	// do (see [check.CountsDown]).
	CountDown []string
	// Stopped says why the search ended before all was covered, nil if it didn't.
	Stopped error
	Elapsed time.Duration
	Workers int
	// Continued says from where a search went on that resumed a checkpoint, nil if
	// it began anew.
	Continued *Continued
	// Anew says why a search began anew that was to go on from a checkpoint, "" if none
	// was to.
	Anew string
	// Checkpoint is the file of a search that stopped, "" if it has none that leads
	// to where it got.
	Checkpoint string
	// Unsaved says why the last checkpoint could not be written, nil if it was.
	Unsaved error
	// Memory is the most bytes that worlds and tables occupied at the end of a layer,
	// as counted: the search nodes of two layers, what the cluster has learnt, and what is
	// known of renamings, properties and places. What properties, and code that is
	// not of the search, keep for themselves is not in it. Of a sample it is what
	// was drawn, and tables.
	Memory int
}

// A Continued says from where a search went on.
type Continued struct {
	File      string
	Steps, Of int  // after how many steps of the scenarios, which have at most so many
	There     bool // false if the search stopped on the way back to there
}

// ErrFirst is why a search stopped that was to find the first violation only.
var ErrFirst = errors.New("stopped at the first violation")

// A Violation says how often a property is violated, whatever else is. A
// scenario is followed until it has violated all properties.
type Violation struct {
	Property       string
	Why            string         // what goes wrong in the first shortest counterexample to it
	Length         int            // steps of the shortest counterexample
	Shortest       *big.Int       // prefixes of that length that violate it
	Scenarios      *big.Int       // scenarios of the space that violate it, as far as covered
	Beyond         bool           `json:",omitempty"` // whether more servers are faulty in it than the property promises anything for
	Counterexample *runtime.World `json:"-"`          // the first shortest
	index          int            // of the property, among all that are judged
}

// A Failing says how often the nodes' code fails in one way: at one place, or
// with one message if the place is not known. A scenario goes on after a failure,
// as after a crash, and is judged on.
type Failing struct {
	Instance  string       // whose code failed in the first shortest counterexample
	Failure   node.Failure // and how
	Length    int          // steps of the shortest counterexample
	Shortest  *big.Int     // prefixes of that length at whose end code fails so for the first time
	Scenarios *big.Int     // scenarios of the space in which it does, as far as covered
	// By is the property that met the failure in steps that it takes by itself, on from a
	// world in the space: live in its rounds. Length, Shortest and Scenarios are of what
	// leads to that world, and Counterexample goes on to where the code fails. It is ""
	// if the code fails in a step of the space.
	By             string         `json:",omitempty"`
	Counterexample *runtime.World `json:"-"` // the first shortest
	kind           string
}

// Kind says in which way code fails: at one place, or with one message, and in whose
// steps. Each kind is found once.
func (f Failing) Kind() string {
	switch {
	case f.kind != "":
		return f.kind
	case f.By != "":
		return f.By + ": " + f.Failure.Kind()
	}
	return f.Failure.Kind()
}

// Why says whose code fails, how, and in whose steps.
func (f Failing) Why() string {
	in := ""
	if f.By != "" {
		in = " in the steps that " + f.By + " takes to judge"
	}
	return fmt.Sprintf("the code of %s failed%s: %s", f.Instance, in, f.Failure)
}

func newReport(kind string, s *space.Space, o Options, j *judge.Judge) *Report {
	r := &Report{
		Kind: kind, Space: s.String(), System: o.Start.Cluster().String(), Checked: o.names(), Size: s.Size(),
		Covered: new(big.Int), EndedEarly: new(big.Int), Progressed: new(big.Int), Workers: o.Workers, Renamings: 1,
	}
	for i := range j.Count() {
		if check.Beyond(j.Property(i), o.Start) {
			r.StartsBeyond = append(r.StartsBeyond, r.Checked[i])
		}
		if check.CountsDown(j.Property(i)) {
			r.CountDown = append(r.CountDown, r.Checked[i])
		}
	}
	return r
}

// OK reports whether all was covered, nothing violated, and no code failed.
func (r *Report) OK() bool {
	return len(r.Violations) == 0 && len(r.Failures) == 0 && r.Complete()
}

// Complete reports whether every scenario of the space was judged.
func (r *Report) Complete() bool { return r.Covered.Cmp(r.Size) == 0 }

// An Untested is a property that was not put to the test, and what it takes.
type Untested struct{ Property, Needs string }

// Vacuous reports whether some property was not put to the test, so that its
// verdict proves nothing.
func (r *Report) Vacuous() bool { return len(r.Untested) > 0 }

// Uniform reports whether something was decided, and all decisions for a slot
// were of one value throughout the search: then they could not have differed.
func (r *Report) Uniform() bool {
	for _, value := range r.Decided {
		if value == "" {
			return false
		}
	}
	return len(r.Decided) > 0
}

// Progress returns the share of scenarios, of those covered, in which a
// correct identity decided or returned something.
func (r *Report) Progress() float64 { return share(r.Progressed, r.Covered) }

func share(part, whole *big.Int) float64 {
	if whole.Sign() == 0 {
		return 0
	}
	f, _ := new(big.Rat).SetFrac(part, whole).Float64()
	return f
}

// Text shows the report to people. It states no times, so that equal searches
// have equal texts.
func (r *Report) Text() string {
	var b strings.Builder
	line := func(label, format string, args ...any) {
		fmt.Fprintf(&b, "%-10s %s\n", label, fmt.Sprintf(format, args...))
	}
	r.figures(line)
	r.course(line)
	found := func(what string, length int, shortest, in *big.Int, why string) {
		line("verdict", "%s   shortest after %s (%s of that length)", what, steps(length), Grouped(shortest))
		if in.Cmp(shortest) < 0 {
			in = shortest // each goes on in a scenario at least, judged to its end or not
		}
		line("", "in %s", r.shareOf(in))
		for _, l := range strings.Split(why, "\n") {
			if l != "" {
				line("", "%s", l)
			}
		}
	}
	for _, v := range r.Violations {
		found(v.Property+" VIOLATED", v.Length, v.Shortest, v.Scenarios, v.Why)
	}
	for _, f := range r.Failures {
		found("CODE FAILED", f.Length, f.Shortest, f.Scenarios, f.Why())
	}
	if kept := r.kept(); len(kept) > 0 || len(r.Checked) == 0 {
		line("verdict", "%s", r.holds(kept))
	}
	r.noEffect(line)
	for _, note := range r.notes() {
		line("note", "%s", note)
	}
	return strings.TrimRight(b.String(), "\n")
}

// A lineWriter writes a line of a report, with what it is about before it.
type lineWriter func(label, format string, args ...any)

// figures writes what was searched, and how much of it.
func (r *Report) figures(line lineWriter) {
	line(r.Kind, "%s   %s", r.Space, r.System)
	covered := "all covered"
	switch {
	case r.Kind == "sample":
		covered = fmt.Sprintf("%s drawn with seed %d", Grouped(r.Covered), r.Seed)
	case !r.Complete():
		covered = fmt.Sprintf("%s covered (%s)", Grouped(r.Covered), percent(r.Covered, r.Size))
	}
	early := ""
	if r.EndedEarly.Sign() > 0 {
		early = fmt.Sprintf("   %s ended early", percent(r.EndedEarly, r.Covered))
	}
	line("scenarios", "%s   %s%s", Grouped(r.Size), covered, early)
	if r.part() {
		line("shard", "%d of %d; what is said here is of its part of the scenarios only", r.shard.Index+1, r.shard.Count)
	}
	renamed := ""
	if r.Renamings > 1 {
		renamed = fmt.Sprintf(" up to %d renamings", r.Renamings)
		if r.Sampled {
			renamed += " (sampled)"
		}
	}
	line("worlds", "%s different%s   %s steps   %s handler runs",
		Grouped(big.NewInt(int64(r.Worlds))), renamed, Grouped(big.NewInt(int64(r.Steps))), Grouped(big.NewInt(int64(r.Runs))))
	r.Coverage.text(r.Covered, line)
}

// course writes how the search went, as far as that is out of the ordinary.
func (r *Report) course(line lineWriter) {
	if r.Asymmetry != "" && r.asked {
		line("symmetry", "not used: %s", r.Asymmetry)
	}
	if c := r.Continued; c != nil && c.There {
		line("continued", "after step %d of %d (from checkpoint %s)", c.Steps, c.Of, c.File)
	}
	if r.Anew != "" {
		line("began anew", "%s", r.Anew)
	}
	if r.Stopped != nil && !errors.Is(r.Stopped, ErrFirst) {
		why := r.Stopped.Error()
		if errors.Is(r.Stopped, context.Canceled) {
			why = "interrupted"
		}
		partial := ""
		if r.Partial > 0 {
			partial = fmt.Sprintf(", and %.1f%% of those of %d", 100*r.Partial, r.Depth+1)
		}
		if r.Kind == "sample" || r.part() {
			line("stopped", "%s", why)
		} else {
			line("stopped", "%s; judged: all scenarios of up to %d steps%s", why, r.Depth, partial)
		}
	}
	if r.Stopped != nil && !errors.Is(r.Stopped, ErrFirst) && r.Checkpoint != "" {
		line("checkpoint", "%s", r.goesOn())
	}
	if r.Unsaved != nil {
		line("unsaved", "%v", r.Unsaved)
	}
}

// goesOn says from where a search that resumes the checkpoint will go on.
func (r *Report) goesOn() string {
	c := r.Continued
	if c != nil && !c.There {
		return fmt.Sprintf("%s leads to step %d of %d, and the search stopped on the way back there", r.Checkpoint, c.Steps, c.Of)
	}
	text := fmt.Sprintf("%s leads to step %d", r.Checkpoint, r.Depth)
	if r.Partial > 0 {
		text += fmt.Sprintf("; what was judged of step %d is not in it", r.Depth+1)
	}
	if c != nil && c.Steps == r.Depth {
		text += ", and resuming with no more time or memory would come no further"
	}
	return text
}

// kept lists the properties that nothing violates.
func (r *Report) kept() []string {
	return slices.DeleteFunc(slices.Clone(r.Checked), func(name string) bool {
		return slices.ContainsFunc(r.Violations, func(v Violation) bool { return v.Property == name })
	})
}

// shareOf says in how many scenarios something shows. Those that a search
// covered before it stopped say nothing about the others.
func (r *Report) shareOf(n *big.Int) string {
	switch {
	case r.Kind == "sample" || r.Complete():
		return fmt.Sprintf("%s (%s of those covered)", scenarios(n), percent(n, r.Covered))
	default:
		return fmt.Sprintf("at least %s (%s of all)", scenarios(n), percent(n, r.Size))
	}
}

// part reports whether the report is that of a shard, which judged a part of the
// scenarios, whatever their length.
func (r *Report) part() bool { return r.shard.Count > 1 }

// idle says that a shard judged nothing.
func (r *Report) idle() string {
	return fmt.Sprintf("shard %d of %d covered no scenario", r.shard.Index+1, r.shard.Count)
}

// Bounds says where nothing is violated that the report has no violation of, as
// in "in all 64 scenarios". Of a shard that is no more than what it covered: what
// shows at the beginning of a scenario may be counted by another shard.
func (r *Report) Bounds() string {
	switch {
	case r.part() && r.Covered.Sign() == 0:
		return "as far as was judged: " + r.idle()
	case r.part():
		return fmt.Sprintf("in the %s that shard %d of %d covered", scenarios(r.Covered), r.shard.Index+1, r.shard.Count)
	case r.Kind != "sample" && !r.Complete():
		text := fmt.Sprintf("as far as was judged: at the beginnings of all scenarios, up to %s", steps(r.Depth))
		if r.Partial > 0 {
			text += fmt.Sprintf(", and at %.1f%% of those of %d", 100*r.Partial, r.Depth+1)
		}
		return text
	case !r.Complete() || r.Covered.IsInt64() && r.Covered.Int64() == 1:
		return "in the " + scenarios(r.Covered)
	}
	return "in all " + scenarios(r.Covered)
}

// holds states a verdict with its bounds.
func (r *Report) holds(kept []string) string {
	what := "nothing was checked: no node's code fails"
	switch {
	case len(kept) > 1:
		what = strings.Join(kept, ", ") + " hold"
	case len(kept) == 1:
		what = kept[0] + " holds"
	case len(r.Failures) > 0:
		what = "nothing else was checked"
	}
	if r.part() && r.Covered.Sign() == 0 && len(r.Checked) > 0 {
		return fmt.Sprintf("%s not judged: %s", strings.Join(kept, ", "), r.idle())
	}
	text := what + " " + r.Bounds()
	if !r.part() && r.Kind != "sample" && !r.Complete() {
		return text
	}
	if r.Progressed.Sign() > 0 || len(r.Untested) > 0 {
		text += fmt.Sprintf("; %s made progress", percent(r.Progressed, r.Covered))
	}
	return text
}

func (r *Report) notes() []string {
	var notes []string
	beyond, missing := r.beyond(), "faulty"
	if slices.ContainsFunc(beyond, func(name string) bool { return slices.Contains(r.CountDown, name) }) {
		missing = "faulty or down"
	}
	switch {
	case len(beyond) == 0:
	case len(beyond) == len(r.Checked):
		notes = append(notes, fmt.Sprintf("more servers are %s than f allows: beyond f, proves nothing", missing))
	default:
		notes = append(notes, fmt.Sprintf("more servers are %s than %s allows: beyond f, its verdict proves nothing", missing, strings.Join(beyond, ", ")))
	}
	sofar, all := "", ", in all scenarios"
	switch {
	case r.part():
		sofar, all = " in this shard", ""
	case !r.Complete() && r.Kind != "sample":
		sofar = " so far"
	}
	for _, u := range r.Untested {
		notes = append(notes, fmt.Sprintf("NOTHING put %s to the test%s: it takes %s, and there was none; its verdict proves nothing", u.Property, sofar, u.Needs))
	}
	if r.comparing && r.Uniform() && len(r.Untested) == 0 {
		notes = append(notes, fmt.Sprintf("all decisions for a slot were of one value%s%s: they could not have differed", sofar, all))
	}
	if r.Sampled {
		notes = append(notes, "that the protocol treats servers the same was checked on a sample; the rest is its promise")
	}
	if errors.Is(r.Stopped, ErrFirst) {
		notes = append(notes, fmt.Sprintf("stopped at the first violation; %s was left out", percent(new(big.Int).Sub(r.Size, r.Covered), r.Size)))
	}
	return notes
}

// beyond lists the properties that promise nothing where they were judged.
func (r *Report) beyond() []string {
	var names []string
	for _, v := range r.Violations {
		if v.Beyond {
			names = append(names, v.Property)
		}
	}
	for _, name := range r.kept() {
		if slices.Contains(r.StartsBeyond, name) {
			names = append(names, name)
		}
	}
	return names
}

func steps(n int) string {
	if n == 1 {
		return "1 step"
	}
	return fmt.Sprintf("%d steps", n)
}

func scenarios(n *big.Int) string {
	if n.IsInt64() && n.Int64() == 1 {
		return "1 scenario"
	}
	return Grouped(n) + " scenarios"
}

// Grouped shows a number with commas: 62,523,502,209.
func Grouped(n *big.Int) string {
	s := n.String()
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// percent shows a share, rounded, but never all or nothing for what is not.
func percent(part, whole *big.Int) string {
	if part.Sign() == 0 || whole.Sign() == 0 {
		return "0%"
	}
	if part.Cmp(whole) == 0 {
		return "100%"
	}
	p := share(part, whole) * 100
	switch {
	case p < 0.01:
		return "<0.01%"
	case p > 99.99:
		return ">99.99%"
	case p < 1 || p > 99:
		return fmt.Sprintf("%.2f%%", p)
	}
	return fmt.Sprintf("%.1f%%", p)
}

// noEffectShown is how many choices without effect the text names.
const noEffectShown = 3

func (r *Report) noEffect(line func(label, format string, args ...any)) {
	if !r.Complete() {
		return
	}
	for i, n := range r.NoEffect {
		if left := len(r.NoEffect) - i; i == noEffectShown && left > 1 {
			line("no effect", "and %s more, which report.no_effect lists", Grouped(big.NewInt(int64(left))))
			return
		}
		line("no effect", "%s", n)
	}
}

// Coverage is what a sample met.
type Coverage struct {
	// States are the different local states in which instances were after a
	// step, Transitions the different pairs of a local state and an event (the
	// runs of the nodes' code since the cluster was made), and Histories what
	// the properties tell apart of what was observed.
	States, Transitions, Histories int
	// Unseen estimates the probability that one more draw meets a local state
	// or a history that none has met: it is the share of the draws that met one
	// that no other met (Good, "The Population Frequencies of Species and the
	// Estimation of Population Parameters", Biometrika 1953). It is 0 if the
	// space was covered, and negative if there is no such estimate, because
	// nothing was drawn, or what was drawn depended on what was met before.
	Unseen float64
}

// text shows the coverage to people, in two lines.
func (c *Coverage) text(drawn *big.Int, line func(label, format string, args ...any)) {
	if c == nil {
		return
	}
	grouped := func(n int) string { return Grouped(big.NewInt(int64(n))) }
	line("coverage", "%s local states   %s transitions   %s histories", grouped(c.States), grouped(c.Transitions), grouped(c.Histories))
	unseen := "nothing"
	if c.Unseen > 0 {
		unseen = fmt.Sprintf("about %.2g of further draws would meet a new local state or history (Good-Turing)", c.Unseen)
	} else if c.Unseen < 0 && drawn.Sign() == 0 {
		unseen = "no estimate: nothing was drawn to its end"
	} else if c.Unseen < 0 {
		unseen = "no estimate: what was drawn depended on what was met"
	}
	line("unseen", "%s", unseen)
}
