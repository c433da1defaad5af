// Package explore judges every scenario of a space, or a sample of it.
//
// It is an explicit-state model checker for runs of bounded length: breadth-first, over a state
// space whose nodes are a world, what the properties remember of the past, and a
// position in the space of scenarios. Two reductions, both exact, keep the state space
// small: worlds that differ in names only are one (symmetry reduction), and so are
// local states that no later step can distinguish (the bisimulation quotient). The interleaving of messages within a step is fixed by
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
// they come to work, except for the time and the memory in a [Cost], which its text leaves out.
//
// # A map
//
// [Explore] makes a search, [Sample] a sampler. What they have in common is an inquiry:
// the space, the options, and
//
//   - a judge (package judge), who says what is thought of a world and of what led to it;
//   - findings (findings.go), which write what is found into the report (report.go, text.go), and
//     count scenarios exactly;
//   - bounds (limits.go): budget, memory, and the numbers that there are.
//
// A search (search.go) goes through a graph (graph.go): the places of the space with the
// steps on from them, and how each search node was reached. The nodes of one layer are a
// frontier (frontier.go), expanded by workers (worker.go). Worlds that differ in names only
// are one under a symmetry (symmetry.go), whose promise a renamer checks (renamer.go); effects
// (effects.go) are which choices ever mattered. A keeper (checkpoint.go) writes checkpoints, a
// resumption (resume.go) goes back to one. A sampler (sample.go) draws scenarios instead, guided,
// if it is asked to be, by an archive of what was new (novelty.go).
//
// Beside them stand what parts of a search in several processes are ([Shard], [Merge];
// shard.go), how reports are written down ([Saved]; saved.go), by what they are recognized as
// parts of one search ([Fingerprint]), and [Shrink] with the changes that it tries (changes.go).
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
	"github.com/twinsh/twinsh/runtime/explore/internal/judge"
	"github.com/twinsh/twinsh/runtime/internal/engine"
	"github.com/twinsh/twinsh/runtime/machine"
	"github.com/twinsh/twinsh/runtime/node"
	"github.com/twinsh/twinsh/runtime/space"
)

// Options says what to judge, and where and how.
type Options struct {
	// Start is the world in which the scenarios begin; nil is an error. All steps of the
	// space must be of its cluster.
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
	// (see [Fingerprint]) is an error, and so is a damaged one. So is a file that another process works with.
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
	Worlds        int      // worlds that were expanded, in all layers until now
	Steps         int      // steps that were taken from them; what this layer adds is estimated from one worker
	Bytes         int      // memory of worlds and tables
	Elapsed       time.Duration
	Left          time.Duration // until this layer is done if it goes on as it began, 0 if that is not known
}

// Explore judges every scenario of s. If ctx ends before that, the report says
// what was covered until then. The error is of the options, not of what was found.
//
// The work grows with the number of different worlds and of the steps from each, and the memory
// with the worlds of two layers; the number of scenarios costs nothing but digits.
//
// Searches of one cluster may run at once, or one after the other: they share what was learnt of
// the code of its nodes, so that the second one runs less of it, and what they find and count of
// worlds and scenarios is the same as alone. Report.Runs and Report.Memory count what is
// shared wholly in each of them, a cluster that can learn no more ends them all, and
// Options.MaxMemory looks at the heap of the process, to which all of them add.
func Explore(ctx context.Context, s *space.Space, o Options) (r *Report, err error) {
	defer engine.CatchLimit(&err)
	if err := o.check(ctx, s); err != nil {
		return nil, fmt.Errorf("explore: %w", err)
	}
	if err := o.checkShard(); err != nil {
		return nil, fmt.Errorf("explore: %w", err)
	}
	asked := o.Symmetry == Always || o.Symmetry == Sampled
	if o.Shard.Count > 1 {
		// Shards must cut the same worlds, so none of them may find out for
		// itself that the protocol is not symmetric.
		o.Symmetry = Never
	}
	x := newSearch(s, o)
	if o.Checkpoint != "" {
		k, release, err := o.keeper()
		if err != nil {
			return nil, fmt.Errorf("explore: checkpoint: %w", err)
		}
		defer release()
		x.keeper = k
	}
	ctx, stop := x.bounds.within(ctx, o)
	defer stop()
	r, err = x.run(ctx)
	var a asymmetry
	if errors.As(err, &a) {
		r, err = x.runAnew(ctx, o, a)
	}
	if err == nil && asked && o.Shard.Count > 1 {
		r.Asymmetry, r.Asked = "a search in shards does without", true
	}
	return r, err
}

// Sample judges count scenarios of s, drawn uniformly and without drawing one
// twice; a space with no more than count is covered completely. With
// [Options.Novelty] it prefers scenarios that begin like those that led to
// something new, and one that is drawn again counts once. Equal seeds draw
// equal scenarios. The counterexample is the shortest violating prefix of those
// drawn, the first drawn of several. If ctx ends, or a limit is reached, the report
// says what was drawn until then.
func Sample(ctx context.Context, s *space.Space, count int, seed uint64, o Options) (r *Report, err error) {
	defer engine.CatchLimit(&err)
	if err := o.check(ctx, s); err != nil {
		return nil, fmt.Errorf("sample: %w", err)
	}
	draws := newSampler(s, o, count, seed)
	ctx, stop := draws.bounds.within(ctx, o)
	defer stop()
	return draws.run(ctx)
}

// MaxWorkers is how many workers a search can have: more would share nothing but
// the memory.
const MaxWorkers = 256

// check reports why the scenarios of s cannot begin where they are to, or not so.
func (o Options) check(ctx context.Context, s *space.Space) error {
	if o.Start == nil {
		return errors.New("no world to start from")
	}
	if o.Workers > MaxWorkers {
		return fmt.Errorf("workers is %d, want at most %d", o.Workers, MaxWorkers)
	}
	if n := len(o.Properties) + len(o.Invariants); n > judge.MostProperties {
		return fmt.Errorf("%d properties, want at most %d", n, judge.MostProperties)
	}
	for _, p := range o.Invariants {
		if check.OfSteps(p) && check.IsAtEnd(p) {
			return fmt.Errorf("%s: it is judged of steps, and what one of them violates stays violated; want it as it is, or a property of worlds", p.Name())
		}
	}
	if err := o.operations(ctx); err != nil {
		return err
	}
	for _, step := range s.Steps() {
		if step.Cluster() != o.Start.Cluster() {
			return fmt.Errorf("%s was made for another cluster, %s, than that of the world to start from, %s", step.Text(), step.Cluster(), o.Start.Cluster())
		}
	}
	return nil
}

// checkShard reports a part that is none, and what does not go with parts.
func (o Options) checkShard() error {
	switch k := o.Shard; {
	case k.Count < 0 || k.Index < 0 || k.Count > 0 && k.Index >= k.Count:
		return fmt.Errorf("there is no shard %d of %d; the first is 0", k.Index, k.Count)
	case k.Count > 1 && o.First:
		return errors.New("a shard covers its part wholly, so that it cannot stop at the first violation")
	case k.Count > 1 && o.Checkpoint != "":
		return errors.New("a shard has no checkpoint")
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

// operations reports a program with an operation that some property does not know. Functions
// of scripts are asked, which may take for ever, so that the budget bounds it. There is no
// report then: nothing is known to be judged.
func (o Options) operations(ctx context.Context) error {
	over := o.overBudget()
	if o.Budget > 0 {
		var stop func()
		ctx, stop = context.WithTimeoutCause(ctx, o.Budget, over)
		defer stop()
	}
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
				if err := check.Refuses(ctx, p, op, o.Start.Cluster().Text); err != nil {
					if late := context.Cause(ctx); late == over {
						err = late
					}
					return fmt.Errorf("%s cannot judge the program of %s: %w", p.Name(), who, err)
				}
			}
		}
	}
	return nil
}

// An inquiry is what a search and a sample have in common: what is asked, and what is
// known of the answer.
type inquiry struct {
	space    *space.Space
	options  Options
	cluster  *runtime.Cluster
	judge    *judge.Judge
	findings *findings
	report   *Report
	bounds   *bounds
	began    time.Time
}

func newInquiry(kind string, s *space.Space, o Options) *inquiry {
	if o.Workers <= 0 {
		o.Workers = machine.Processors()
	}
	j := judge.New(o.Start, o.Properties, o.Invariants, mayForget(s))
	r := newReport(kind, s, o, j)
	return &inquiry{
		space: s, options: o, cluster: o.Start.Cluster(), judge: j, findings: newFindings(r, j), report: r, bounds: new(bounds), began: time.Now(),
	}
}

// mayForget returns the instances of identities that suffer amnesia in some
// scenario of the space.
func mayForget(s *space.Space) node.Set {
	var set node.Set
	for _, step := range s.Steps() {
		if forget := step.Engine().Forgets(); forget != 0 {
			set |= step.Cluster().Engine().SameIdentity(forget)
		}
	}
	return set
}
