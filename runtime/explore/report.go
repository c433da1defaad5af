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
	// says why, if symmetry was asked for, or if the protocol says that it treats names
	// the same and does not.
	Renamings   int
	Sampled     bool // only a sample was checked of the protocol's promise
	Asymmetry   string
	fingerprint func() Fingerprint
	shard       Shard
	comparing   bool // decisions were compared
	asked       bool // for symmetry: then Text says why there is none

	Depth int // layers that were covered completely
	// Partial is the share of scenarios of one step more that was judged
	// before the search stopped; 1 only if that are all of them.
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
