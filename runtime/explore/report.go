package explore

import (
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/explore/internal/judge"
	"github.com/twinsh/twinsh/runtime/node"
	"github.com/twinsh/twinsh/runtime/space"
)

// A Report says what was covered and what was found. Its parts are what it can be asked,
// and all but the last are in a [Saved] report, too: that one can be written down, has
// no worlds, and is added to those of other shards part by part.
type Report struct {
	Question
	Extent
	Reduction
	Cost
	Found
	Basis
	Course
	Coverage *Coverage // of a sample
	// Passing are a few scenarios that violate nothing, those with progress
	// first. One that ends early is there as far as it goes.
	Passing []*runtime.World

	fingerprint func() Fingerprint // of a search; it looks at all steps, so that it is found when it is needed
}

// A Question is what was asked: of which scenarios of which system, and what.
type Question struct {
	Kind   string // "explore" or "sample"
	Space  string
	System string // the protocol and who is there
	// Checked are the properties, those of worlds last. No two have one name: the
	// second validity, say, is "validity (2)".
	Checked []string
	Size    *big.Int // scenarios that the space lists
	Shard   Shard    // which part of a search it is the report of
	Seed    uint64   `json:",omitempty"` // of a sample
}

// An Extent is how many scenarios of the space were judged, and how far.
type Extent struct {
	Covered    *big.Int // scenarios that were judged
	EndedEarly *big.Int // those in which some step could not happen: the client had finished, say
	Progressed *big.Int // those in which a correct identity decided or returned something
	Depth      int      // layers that were covered completely
	// Unbegun is true if the search was stopped before it had judged where scenarios start, so that
	// nothing was.
	Unbegun bool `json:",omitempty"`
	// Partial is the share of scenarios of one step more that was judged
	// before the search stopped; 1 only if that are all of them. It does not add up
	// over shards, and is not written down.
	Partial float64 `json:"-"`
}

// Ended returns how many of the scenarios that were judged came to their end. They are those in
// which each step took place.
func (e *Extent) Ended() *big.Int { return new(big.Int).Sub(e.Covered, e.EndedEarly) }

// Progress returns the share of scenarios, of those covered, in which a
// correct identity decided or returned something.
func (e *Extent) Progress() float64 { return share(e.Progressed, e.Covered) }

func share(part, whole *big.Int) float64 {
	if whole.Sign() == 0 {
		return 0
	}
	f, _ := new(big.Rat).SetFrac(part, whole).Float64()
	return f
}

// A Reduction is what symmetry had to do with a search: under how many renamings worlds
// were taken for one, and on whose word.
type Reduction struct {
	// Renamings is how many renamings of servers and clients there are under which
	// worlds are one; 1 if worlds that differ in names count as different.
	Renamings int
	Sampled   bool `json:",omitempty"` // only a sample was checked of the protocol's promise
	// Asymmetry says why there is no symmetry, if it was asked for, or if the protocol
	// says that it treats names the same and does not.
	Asymmetry string `json:",omitempty"`
	Asked     bool   `json:",omitempty"` // for symmetry: then the text says why there is none
}

// A Cost is what it took. The numbers of worlds and steps are the same in equal searches;
// the others depend on what the cluster had learnt before, and on the machine.
type Cost struct {
	Worlds int // different worlds from which the search went on
	Steps  int // steps taken in the search
	Runs   int // runs of the nodes' code since the cluster was made
	// Memory is the most bytes that worlds and tables occupied at the end of a layer,
	// as counted: the search nodes of two layers, what the cluster has learnt, and what is
	// known of renamings, properties and places. What properties, and code that is
	// not of the search, keep for themselves is not in it. Of a sample it is what
	// was drawn, and tables.
	Memory  int           `json:"-"`
	Elapsed time.Duration `json:"-"`
	Workers int           `json:"-"`
}

// A Found is what went wrong in some scenario, in the order in which it was found: the
// shortest first, of equal length as properties were given, and failures by kind.
type Found struct {
	Violations []Violation
	Failures   []Failing
}

// Counterexample returns that of the first violation, else of the first failure, nil if
// there are none.
func (f *Found) Counterexample() *runtime.World {
	switch {
	case len(f.Violations) > 0:
		return f.Violations[0].Counterexample
	case len(f.Failures) > 0:
		return f.Failures[0].Counterexample
	}
	return nil
}

// A Basis is what the verdicts rest on. A property that holds because nothing could have
// violated it holds by accident, and a reader is to know that.
type Basis struct {
	// Untested are the properties that nothing put to the test, so that their
	// verdicts prove nothing.
	Untested []Untested `json:",omitempty"`
	// AtEnd are the properties that are judged at the end of a scenario only.
	AtEnd []string `json:",omitempty"`
	// Decided is, for each slot that a correct replica decided, what stands for
	// the value: "" if there were different ones in the search.
	Decided map[int]string `json:",omitempty"`
	// Comparing says that some property compares decisions, so that it matters
	// whether they could have differed.
	Comparing bool `json:",omitempty"`
	// NoEffect lists the choices of the space that mattered in no scenario: steps
	// that never took place, filters that never lost a message and duplications that
	// never let one arrive twice. It is nil if not all was searched, and of a sample.
	NoEffect []NoEffect `json:",omitempty"`
	// StartsBeyond are the properties that promise nothing in the starting world,
	// because more servers are faulty there than they allow (see [check.Beyond]).
	StartsBeyond []string `json:",omitempty"`
	// BeyondCrashes says what happened before the search that is more than the protocol tolerates (see
	// [runtime.World.BeyondCrashes]).
	BeyondCrashes []string `json:",omitempty"`
	// CountDown are the properties for which servers that are down count as faulty ones
	// do (see [check.CountsDown]).
	CountDown []string `json:",omitempty"`
}

// An Untested is a property that was not put to the test, and what it takes.
type Untested struct{ Property, Needs string }

// Vacuous reports whether some property was not put to the test, so that its
// verdict proves nothing.
func (b *Basis) Vacuous() bool { return len(b.Untested) > 0 }

// Uniform reports whether something was decided, and all decisions for a slot
// were of one value throughout the search: then they could not have differed.
func (b *Basis) Uniform() bool {
	for _, value := range b.Decided {
		if value == "" {
			return false
		}
	}
	return len(b.Decided) > 0
}

// A Course is how a search went in this process: where it began, why it stopped, and
// from where it can go on.
type Course struct {
	// Stopped says why the search ended before all was covered, nil if it didn't.
	Stopped error
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
}

// A Continued says from where a search went on that resumed a checkpoint.
type Continued struct {
	File      string
	Steps, Of int  // after how many steps of the scenarios, which have at most so many
	There     bool // false if the search stopped on the way back to there
}

// ErrFirst is why a search stopped that was to find the first violation only. The layer in which
// it shows was gone through to its end, so that all that is as short is counted.
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
	BeyondCrashes  []string       `json:",omitempty"` // what happens in it that the protocol does not tolerate, with Beyond
	Counterexample *runtime.World `json:"-"`          // the first shortest
	Good           []runtime.Step `json:"-"`          // what a good network does after it, in vain; see [check.Verdict]
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
		Question:  Question{Kind: kind, Space: s.String(), System: o.Start.Cluster().String(), Checked: o.names(), Size: s.Size()},
		Extent:    Extent{Covered: new(big.Int), EndedEarly: new(big.Int), Progressed: new(big.Int)},
		Reduction: Reduction{Renamings: 1},
		Cost:      Cost{Workers: o.Workers},
	}
	r.BeyondCrashes = o.Start.BeyondCrashes()
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

// Beyond reports whether more servers were faulty than some property promises anything
// for, or otherwise than the protocol tolerates (see [check.Beyond]): in its counterexample or, if it has none, in the starting
// world.
func (r *Report) Beyond() bool {
	byCrashes, _, byCount := r.beyond()
	return len(byCrashes)+len(byCount) > 0
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
