package dsl

import (
	"fmt"
	"time"

	"go.starlark.net/starlark"

	"github.com/twinsh/twinsh/dsl/internal/interp"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/explore"
)

// The way from a script to package explore, and back: explore and sample judge a space, run
// plays one scenario. shrink, which searches among smaller scenarios, is in
// builtin_shrink.go.
//
// What these add to [explore.Explore] and [explore.Sample] is what belongs to a script: the
// session's world as the start, files below the folder of the host, the shard that the host
// chose, errors that name parameters of the language, and the alarm for failures of code.
//
// The context of the script ends a search cleanly: it returns a report of what was judged
// so far, and not an error. A script has no chance to look at that report, since its next
// step fails; so it is printed here (see reported). Tested in search_test.go, shard_test.go
// and, as programs that are killed and go on, in cmd/twinsh/blackbox.

// searchFamily judges scenarios. What it finds is a report.
func searchFamily() Family {
	return Family{"search", "judge scenarios", []Entry{
		exploreEntry(), sampleEntry(), shrinkEntry(), runEntry(),
	}}
}

func exploreEntry() Entry {
	return Entry{
		Signature: "explore(space, check=[], start=None, first=False, symmetry=None, budget=None, max_worlds=0, max_memory=None, checkpoint=None, resume=False, workers=0)",
		Doc: `Judges every scenario of a space, from a world (default: the current one), and returns a report.
Scenarios that lead to the same world go on as one, so that billions of them take seconds; the first counterexample is as short as any. With first = True the search stops after the shortest. If the protocol says that it treats servers the same, or clients with one program, worlds that differ only in their names go on as one, too, once there are many: always with symmetry = True, never with False. Verdicts and counts are the same, because all that code does is checked under each renaming. Where it is asked for and cannot be used, the report says why, and so does report.asymmetry: the protocol makes no promise, see protocol(), or there is an invariant, which may look at names. With symmetry = "sampled" a sample of steps is checked instead, which pays for few servers only, and the verdict rests on the protocol's promise.
The search stops cleanly after budget (seconds, or "90s", "2m"), before it keeps more than max_worlds, or when it occupies max_memory ("16GiB", or bytes), and says what was covered.
It notes in the file checkpoint, below the current folder, how far it has come, and goes on from there with resume = True; without that it begins anew; a file that is damaged, or of another search, is refused. A checkpoint holds whole steps: it is written when all scenarios of one length are judged, and what was judged of the next length is judged again after a resume. So a budget that is too short for one more step gets nowhere, however often it is resumed, and the report says so. The way back to where the file was written takes one step for each world, and none of the budget; report.continued is the step from which the search went on, None if it began anew.
The file is locked meanwhile. One of another search is refused, and the error says what differs: the space, the start, the network, a property or its arguments, symmetry, or the code of functions and the variables that they use; comments and layout do not count.
A scenario is followed until it has violated all that is checked. Code of nodes that fails is a finding of its own kind: the node is down for good, as if it had crashed, and the scenario is judged on.
A report has ok, complete, size, covered, ended_early, progress (the share of scenarios in which a correct replica decided or an operation returned), vacuous (something that was checked was not put to the test; the report says what that takes), uniform (all decisions for a slot were of one value in all scenarios, so that they could not have differed), worlds, steps, runs, depth, renamings, asymmetry, violations, failures, counterexample (a world), passing and seconds; beyond, whether more servers are faulty than something that was checked promises anything for; memory, the most bytes that worlds and tables occupied at the end of a layer.
A violation has property, why, length (steps of the shortest scenario), shortest (how many of that length there are), scenarios (how many there are at all) and counterexample. Properties of one name are distinguished: in the order of check, invariants last, the second is "name (2)". A failure has instance, message, place, calls, and the same; one that live or an invariant meets in steps that it takes by itself has a counterexample that goes on from the scenario to where the code fails. counterexample is that of the first violation, else of the first failure. A script that ends without having looked at failures that there are ends with exit status 1.
report.no_effect lists what mattered in no scenario: steps that never took place, filters (deaf, types, drop) that never lost a message, and duplications that never let one arrive twice; those in force at the start, too. Each has choice, type (of the messages, "" of a step) and why. Interrupted, it says what was covered.`,
		Example: kvStage + `report = explore(exchanges() * 4, check = linearizable())
print(report)`,
		call: callExplore,
	}
}

// callExplore checks each argument by itself, that there is a start and a scenario in the
// space, combinations that cannot be, and that the checkpoint lies where scripts may write.
// Whether the properties, the space and the start belong to one system, and whether the
// checkpoint is one of this search, the search itself finds out.
//
// Properties are digested only if a fingerprint is needed (o.Code): that walks all code
// which they can see.
//
// A report that cannot be saved is no reason to lose it: the error is kept for the end of
// the script (Run.Late), and the script goes on with the report that it has.
func callExplore(c *call) (starlark.Value, error) {
	var (
		s          *spaceValue
		properties propertyList
		start      *worldValue
		first      bool
		symmetry   starlark.Value
		budget     seconds
		maxWorlds  int
		maxMemory  memory
		checkpoint fileName
		resume     bool
		workers    int
	)
	if err := c.Unpack(&s, &properties, &start, &first, &symmetry, &budget, &maxWorlds, &maxMemory, &checkpoint, &resume, &workers); err != nil {
		return nil, err
	}
	if workers < 0 {
		return nil, fmt.Errorf("explore: workers is %d, want 1 or more, or 0 for one for each processor", workers)
	}
	o, err := searchOptions(c, s, properties, start)
	if err != nil {
		return nil, err
	}
	if maxWorlds < 0 {
		return nil, fmt.Errorf("explore: max_worlds is %d, want 1 or more, or 0 for any number", maxWorlds)
	}
	if resume && checkpoint == "" {
		return nil, fmt.Errorf("explore: resume goes with checkpoint = the file to go on from")
	}
	// The search refuses these as well; here it is said how a script does without.
	switch shard := interpreter(c).config.Shard; {
	case shard.Count > 1 && first:
		return nil, fmt.Errorf("explore: a shard covers its part wholly, so that it cannot stop at the first violation; leave first = True out, or do without shards")
	case shard.Count > 1 && checkpoint != "":
		return nil, fmt.Errorf("explore: a shard has no checkpoint; leave checkpoint = %q out, or do without shards", string(checkpoint))
	}
	if checkpoint != "" {
		folder, err := writable(interpreter(c), "explore: checkpoint", string(checkpoint))
		if err != nil {
			return nil, err
		}
		defer folder.Close()
		o.Folder = folder
	}
	o.First, o.Workers = first, workers
	o.Budget, o.MaxWorlds, o.MaxMemory = time.Duration(budget), maxWorlds, int(maxMemory)
	o.Checkpoint, o.Resume = string(checkpoint), resume
	switch symmetry {
	case nil:
	case starlark.True:
		o.Symmetry = explore.Always
	case starlark.False:
		o.Symmetry = explore.Never
	case starlark.String("sampled"):
		o.Symmetry = explore.Sampled
	default:
		return nil, fmt.Errorf("explore: symmetry is %s, want True, False, None or \"sampled\"", symmetry)
	}
	o.Shard = interpreter(c).config.Shard
	o.Code = func() []explore.Part { return properties.code(interpreter(c)) }
	report, err := explore.Explore(interp.ContextOf(c.Thread), s.Space, o)
	if err != nil {
		return nil, err
	}
	// What was found is not lost because it cannot be written.
	if report.Unsaved != nil {
		interp.RunOf(c.Thread).Late(c.Thread, report.Unsaved)
	}
	if keep := interpreter(c).config.Report; keep != nil {
		if err := keep(report); err != nil {
			interp.RunOf(c.Thread).Late(c.Thread, fmt.Errorf("explore: the report cannot be written: %w", err))
		}
	}
	if o.Shard.Index > 0 {
		looked(interpreter(c), o.Start) // the report of the first shard has what failed on the way to the start
	}
	return reported(c, report, properties, nil)
}

func sampleEntry() Entry {
	return Entry{
		Signature: "sample(space, count, seed=1, check=[], start=None, guide=None, workers=0, budget=None, max_memory=None)",
		Doc: `Judges count scenarios drawn from a space and returns a report.
They are drawn uniformly, and none twice. With guide = "novelty" draws prefer to go on, at random, from the beginning of one that led to local states which none before had met, and are uniform again when nothing new comes of it; a scenario that is drawn again counts once. That finds what lies behind long chains of local states; where these are few, uniform draws do as well. The shares in its report say nothing about the space.
The same seed draws the same scenarios. After budget, or when it occupies max_memory, the sample stops cleanly and says what was drawn.
The report has coverage: how many different local states, transitions (handler runs) and histories were met, and unseen, an estimate of the probability that one more draw meets a new local state or history (None with a guide).`,
		Example: kvStage + `report = sample(exchanges() * 4, 100, seed = 7, check = linearizable())
print(report)
print(report.coverage.states)`,
		call: callSample,
	}
}

// maxDraws bounds how many scenarios a sample draws: each takes some memory.
//
// That none is drawn twice, takes an entry in a table for each (see space.Drawing), a
// hundred bytes or so.
const maxDraws = 1_000_000_000

// callSample has the arguments of callExplore that make sense for draws. The seed is any
// integer, and the same seed draws the same for any number of workers. None for guide is a
// uniform sample: the argument is unpacked as a string, which stays empty.
func callSample(c *call) (starlark.Value, error) {
	var (
		s          *spaceValue
		count      int
		seed       = 1
		properties propertyList
		start      *worldValue
		guide      string
		workers    int
		budget     seconds
		maxMemory  memory
	)
	if err := c.Unpack(&s, &count, &seed, &properties, &start, &guide, &workers, &budget, &maxMemory); err != nil {
		return nil, err
	}
	if guide != "" && guide != "novelty" {
		return nil, fmt.Errorf(`sample: guide is %q, want "novelty" or None`, guide)
	}
	if workers < 0 {
		return nil, fmt.Errorf("sample: workers is %d, want 1 or more, or 0 for one for each processor", workers)
	}
	if count < 1 || count > maxDraws {
		return nil, fmt.Errorf("sample: count is %d, want 1 to %d", count, maxDraws)
	}
	o, err := searchOptions(c, s, properties, start)
	if err != nil {
		return nil, err
	}
	o.Novelty, o.Workers = guide == "novelty", workers
	o.Budget, o.MaxMemory = time.Duration(budget), int(maxMemory)
	report, err := explore.Sample(interp.ContextOf(c.Thread), s.Space, count, uint64(seed), o)
	return reported(c, report, properties, err)
}

func runEntry() Entry {
	return Entry{
		Signature: "run(scenario)",
		Doc: `Takes the steps of a scenario from the current world and returns the world where it ends.
A step that cannot happen ends the scenario early; one of another system is an error.`,
		Example: kvStage + `space = exchanges("c1") * 2
for scenario in space:
    w = world()
    run(scenario)
    goto(w)`,
		call: callRun,
	}
}

// callRun looks at all steps before it takes the first: one of another system is an error
// that leaves the session where it was. A step that cannot happen is no error but the end,
// as in a search, where such a scenario "ended early"; the world that is returned says by
// its depth how far it came. An interrupt is neither, and leaves the session in place, too.
func callRun(c *call) (starlark.Value, error) {
	var scenario scenarioValue
	if err := c.Unpack(&scenario); err != nil {
		return nil, err
	}
	w, err := worldOf(c)
	if err != nil {
		return nil, err
	}
	for i, step := range scenario {
		if step.Cluster() != w.Cluster() {
			return nil, fmt.Errorf("run: step %d, %s, is of another system, %s, than the world, which is of %s%s", i+1, step.Text(), step.Cluster(), w.Cluster(), anew(step.Cluster(), w.Cluster()))
		}
	}
	for _, step := range scenario {
		next, err := w.DoContext(interp.ContextOf(c.Thread), step)
		if err := interp.ContextOf(c.Thread).Err(); err != nil {
			return nil, err
		}
		if err != nil {
			break
		}
		w = next
		took(c, w)
	}
	s, err := moving(c)
	if err != nil {
		return nil, err
	}
	s.at(w)
	return &worldValue{World: w}, nil
}

// anew says why two systems may look the same, if they do.
func anew(one, other *runtime.Cluster) string {
	if one.String() != other.String() {
		return ""
	}
	return "; they look the same, but one was set up anew"
}

// searchOptions turns the common arguments of searches into options. An empty space is an
// error: every property holds of it, and the script that made it meant something else.
// Progress goes to the host, which may show it.
func searchOptions(c *call, s *spaceValue, properties propertyList, start *worldValue) (explore.Options, error) {
	var o explore.Options
	if start != nil {
		o.Start = start.World
	} else {
		w, err := worldOf(c)
		if err != nil {
			return o, err
		}
		o.Start = w
	}
	if s.Size().Sign() == 0 { // all of nothing holds
		return o, fmt.Errorf("%s: the space holds no scenario; a list of leaders, clients or instances that it is made of is empty, or a filter keeps none", c.Name())
	}
	o.Properties, o.Invariants = properties.split()
	o.Progress = interpreter(c).config.Progress
	return o, nil
}

// reported returns a report, unless the script was interrupted: then the report is printed,
// because nothing that comes after will, and a shell finds it in the variable _. If code
// failed, the report raises an alarm, and answers for the steps that led to its
// counterexamples.
func reported(c *call, report *explore.Report, properties propertyList, err error) (starlark.Value, error) {
	if err != nil {
		return nil, err
	}
	r := &reportValue{Report: report, properties: properties}
	if err := interp.ContextOf(c.Thread).Err(); err != nil {
		fmt.Fprintln(plainOut(interpreter(c)), report.Text())
		interpreter(c).scripts.Globals()[interp.LastValue] = r // for those who go on in a shell
		return nil, err
	}
	if len(report.Failures) > 0 {
		first := report.Failures[0]
		var ways []*runtime.World
		for _, f := range report.Failures {
			ways = append(ways, f.Counterexample)
		}
		r.alarm = alarmed(c, "the failures of this report", "print(report.failures)", codeFailed(first.Instance, first.Failure), ways...)
	}
	return r, nil
}
