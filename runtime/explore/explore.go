// Package explore judges every scenario of a space, or a sample of it.
//
// It is an explicit-state model checker for runs of bounded length: breadth-first, over a state
// space whose nodes are a world, what the properties remember of the past, and a
// position in the space of scenarios. Two reductions, both exact, keep the state space
// small: worlds that differ in names only are one (symmetry reduction), and so are
// local states that no later step can distinguish (the bisimulation quotient; see
// [runtime.Simulator.Expect]). The interleaving of messages within a step is fixed by
// the step, so the search branches on steps only, not on single messages.
//
//   - [Explore] covers a space completely, layer by layer. All scenarios of one
//     length that lead to the same world are one world with a weight, an exact
//     count, so that the work is that of the different worlds and not that of
//     the scenarios. The first violation found is of minimal length.
//   - [Sample] runs scenarios drawn from a space, one by one, and reports its [Coverage].
//   - [Shrink] takes away from a scenario what it does not need to violate a
//     property.
//   - [Options] says what to judge and where to begin; a [Report] says what was
//     covered and what was found.
//
// Reports do not depend on the number of workers or on the order in which
// they come to work, except for the time that they state.
package explore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"os"
	"slices"
	"time"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/node"
	"github.com/twinsh/twinsh/runtime/space"
)

// Options says what to judge, and where and how.
type Options struct {
	// Start is the world in which the scenarios begin.
	Start *runtime.World
	// Properties are judged on what was observed, from the very beginning of
	// Start's path, which is judged as a whole, by who is faulty at Start. That
	// code of nodes fails is found whatever is judged.
	Properties []check.Property
	// Invariants are judged on each different world, by all workers. The worlds
	// that they see have no past.
	Invariants []check.WorldProperty
	// First stops the search after the first layer with a violation.
	First bool
	// Symmetry says when worlds that differ only in the names of servers are
	// taken for one, if the protocol says that it treats names the same.
	Symmetry Symmetry
	// Budget, MaxWorlds and MaxMemory stop the search cleanly before it takes
	// more time, keeps more worlds or occupies more bytes; 0 means no limit. Bytes
	// are those that the search counts (see Report.Memory) and those by which the
	// heap of the process has grown since the search began, of which it uses four
	// fifths at most, so that the process stays within the limit as a whole. A
	// sample obeys Budget and MaxMemory. The way back to where a checkpoint was
	// written takes no part of Budget.
	Budget    time.Duration
	MaxWorlds int
	MaxMemory int
	// Checkpoint names a file in which the search notes how far it has come,
	// so that it can be killed at any moment. With Resume it goes on from there,
	// if the file is there; without it the search begins anew. A file of another search
	// (see [Fingerprint]) is an error, and with Resume so is a damaged one. So is a file that another process works with.
	// If Folder is not nil, the file is below it, and no symbolic link is followed.
	Checkpoint string
	Folder     *os.Root
	Resume     bool
	// Code are parts of the [Fingerprint] that the search cannot find out by
	// itself: the source of functions that properties call, say. It is called
	// when a fingerprint is needed; nil adds nothing.
	Code func() []Part
	// Shard is which part of the search to do.
	Shard Shard
	// Workers is the number of goroutines, at most MaxWorkers; 0 means one for
	// each processor.
	Workers int
	// Novelty makes a sample prefer what leads to local states never met before.
	Novelty bool
	// Progress, if not nil, is called now and then, from one goroutine at a time.
	Progress func(Progress)
}

// A Symmetry says when a search uses symmetry. Verdicts and counts do not depend
// on it; which of several shortest counterexamples is shown does.
type Symmetry uint8

const (
	Auto    Symmetry = iota // from the first layer on that has many worlds
	Always                  // from the start
	Sampled                 // from the start, and the protocol's promise is checked on a sample only
	Never
)

// Progress is how far a search has come.
type Progress struct {
	// Back says that the search goes back to where a checkpoint was written, after
	// Layer steps: then Done and Nodes are worlds of all layers until there.
	Back          bool
	Layer, Layers int      // steps taken by the scenarios of this layer, and at most
	Done, Nodes   int      // worlds of this layer that were expanded, and all of them
	Covered, Size *big.Int // scenarios judged in the layers before, and all of them
	Worlds, Steps int      // of this layer an estimate
	Bytes         int      // memory of worlds and tables
	Elapsed       time.Duration
	Left          time.Duration // until this layer is done if it goes on as it began, 0 if that is not known
}

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
	// Stopped says why the search ended before all was covered, nil if it didn't.
	Stopped error
	Elapsed time.Duration
	Workers int
	// Continued says from where a search went on that resumed a checkpoint, nil if
	// it began anew.
	Continued *Continued
	// Anew is the checkpoint that a search was to go on from and that is not there, so
	// that it began anew; "" if there is none such.
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
	Instance       string         // whose code failed in the first shortest counterexample
	Failure        node.Failure   // and how
	Length         int            // steps of the shortest counterexample
	Shortest       *big.Int       // prefixes of that length at whose end code fails so for the first time
	Scenarios      *big.Int       // scenarios of the space in which it does, as far as covered
	Counterexample *runtime.World `json:"-"` // the first shortest
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

// Explore judges every scenario of s. If ctx ends before that, the report says
// what was covered until then. The error is of the options, not of what was found.
func Explore(ctx context.Context, s *space.Space, o Options) (r *Report, err error) {
	defer runtime.CatchLimit(&err)
	if err := o.check(s); err != nil {
		return nil, fmt.Errorf("explore: %w", err)
	}
	if k := o.Shard; k.Count < 0 || k.Index < 0 || k.Count > 0 && k.Index >= k.Count {
		return nil, fmt.Errorf("explore: there is no shard %d of %d; the first is 0", k.Index, k.Count)
	}
	if o.Shard.Count > 1 && o.First {
		return nil, fmt.Errorf("explore: a shard covers its part wholly, so that it cannot stop at the first violation; leave first = True out, or do without shards")
	}
	if o.Shard.Count > 1 && o.Checkpoint != "" {
		return nil, fmt.Errorf("explore: a shard has no checkpoint; leave checkpoint = %q out, or do without shards", o.Checkpoint)
	}
	if o.Shard.Count > 1 {
		// Shards must cut the same worlds, so none of them may find out for
		// itself that the protocol is not symmetric.
		o.Symmetry = Never
	}
	var file *checkpointFile
	if o.Checkpoint != "" {
		opened, release, err := o.openCheckpoint()
		if err != nil {
			return nil, fmt.Errorf("explore: checkpoint: %w", err)
		}
		defer release()
		file = opened
	}
	x := newSearch(s, o)
	x.file, x.asked = file, o.Symmetry
	ctx, stop := x.within(ctx)
	defer stop()
	r, err = x.run(ctx)
	var a asymmetry
	if errors.As(err, &a) {
		mode, began := o.Symmetry, x.began
		o.Symmetry = Never
		o.Resume = o.Resume && a.known // one written with symmetry is of no use
		occupied, spent := x.occupied, x.clock
		x = newSearch(s, o)
		x.began, x.asymmetry, x.occupied = began, a.why, occupied
		x.file, x.asked, x.clock = file, mode, spent
		if r, err = x.run(ctx); err == nil {
			r.Asymmetry, r.asked = a.why, mode != Auto
		}
	}
	return r, err
}

// MaxWorkers is how many workers a search can have: more would share nothing but
// the memory.
const MaxWorkers = 256

// check reports why the scenarios of s cannot begin where they are to, or not so.
func (o Options) check(s *space.Space) error {
	if o.Start == nil {
		return errors.New("no world to start from")
	}
	if o.Workers > MaxWorkers {
		return fmt.Errorf("workers is %d, want at most %d", o.Workers, MaxWorkers)
	}
	if n := len(o.Properties) + len(o.Invariants); n > mostProperties {
		return fmt.Errorf("%d properties, want at most %d", n, mostProperties)
	}
	if err := o.operations(); err != nil {
		return err
	}
	for _, step := range s.Steps() {
		if step.Cluster() != o.Start.Cluster() {
			return fmt.Errorf("%s was made for another cluster, %s, than that of the world to start from, %s", step.Text(), step.Cluster(), o.Start.Cluster())
		}
	}
	return nil
}

// names returns what the properties are called in reports, those of worlds last.
// The second of one name is "name (2)".
func (o Options) names() []string {
	var names []string
	add := func(p interface{ Name() string }) {
		name := p.Name()
		for n := 2; slices.Contains(names, name); n++ {
			name = fmt.Sprintf("%s (%d)", p.Name(), n)
		}
		names = append(names, name)
	}
	for _, p := range o.Properties {
		add(p)
	}
	for _, p := range o.Invariants {
		add(p)
	}
	return names
}

// operations reports a program with an operation that some property does not know.
func (o Options) operations() error {
	config := o.Start.Cluster().Config()
	programs := map[string][]node.Operation{}
	for _, c := range config.Clients {
		programs[c.Name] = c.Program
	}
	for _, t := range config.Twins {
		programs[t.ID] = slices.Concat(programs[t.ID], t.Program)
	}
	for _, p := range o.Properties {
		for _, who := range slices.Sorted(maps.Keys(programs)) {
			for _, op := range programs[who] {
				if err := check.Refuses(p, op); err != nil {
					return fmt.Errorf("%s cannot judge the program of %s: %w", p.Name(), who, err)
				}
			}
		}
	}
	return nil
}
