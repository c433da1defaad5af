package dsl

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/twinsh/twinsh/dsl/internal/adversary"
	"github.com/twinsh/twinsh/runtime/explore"
)

// The differential test writes random scripts and compares what the language
// says of them, in every way that it has, with what is true: what comes of
// playing each scenario of the space, delivery by delivery, and judging it, by
// code that shares nothing with the simulation, the search and the properties
// (package adversary).
//
// A case that differs is made small and printed, as a script, with its seed:
//
//	go test ./dsl -run TestDifferential -cases 1 -seed N
//
// plays it again.

var (
	differentialCases = flag.Int("cases", 300, "how many random scripts to compare")
	differentialSeed  = flag.Uint64("seed", 1, "the seed of the first of them; the others follow")
	differentialSize  = flag.Int("scenarios", 250, "how many scenarios their spaces have at most")
)

func TestDifferential(t *testing.T) {
	cases := *differentialCases
	if testing.Short() {
		cases = min(cases, 60)
	}
	var (
		mu    sync.Mutex
		total telling
		next  = make(chan uint64)
		done  sync.WaitGroup
		red   bool
	)
	for range runtime.GOMAXPROCS(0) {
		done.Go(func() {
			for seed := range next {
				c := adversary.Draw(seed, *differentialSize)
				told, difference := compare(t, c, seed)
				mu.Lock()
				total.add(told)
				stop := red
				red = red || difference != ""
				mu.Unlock()
				if difference != "" && !stop {
					t.Logf("seed %d (case %d): %s; making it small", seed, seed-*differentialSeed+1, kind(difference))
					small, difference := smaller(t, c, seed, difference)
					t.Errorf("seed %d (case %d): %s\n\n%s", seed, seed-*differentialSeed+1, difference, small.Stage())
				}
			}
		})
	}
	for i := range cases {
		mu.Lock()
		stop := red
		mu.Unlock()
		if stop {
			break
		}
		next <- *differentialSeed + uint64(i)
	}
	close(next)
	done.Wait()
	t.Log(total)
	if !red && cases >= 60 && (total.violated == 0 || total.held == 0 || total.renamed == 0 || total.resumed == 0) {
		t.Error("the cases are too much alike to tell anything")
	}
}

// A telling counts what the cases were like, so that it can be seen whether they
// are worth comparing.
type telling struct {
	cases, scenarios, beyond, violated, held, failed, ended, renamed, asymmetric, resumed, refused, shrunk int
}

func (a *telling) add(b telling) {
	a.cases += b.cases
	a.scenarios += b.scenarios
	a.beyond += b.beyond
	a.violated += b.violated
	a.held += b.held
	a.failed += b.failed
	a.ended += b.ended
	a.renamed += b.renamed
	a.asymmetric += b.asymmetric
	a.resumed += b.resumed
	a.refused += b.refused
	a.shrunk += b.shrunk
}

func (a telling) String() string {
	return fmt.Sprintf("%d cases of %d scenarios (%d out of reach): %d violate something, %d nothing, in %d code fails, %d have scenarios that end early; "+
		"%d used renamings, %d found that they may not; %d were resumed, %d changes refused, %d shrunk",
		a.cases, a.scenarios, a.beyond, a.violated, a.held, a.failed, a.ended, a.renamed, a.asymmetric, a.resumed, a.refused, a.shrunk)
}

// smaller takes parts away from a case as long as it still differs.
func smaller(t *testing.T, c *adversary.Case, seed uint64, difference string) (*adversary.Case, string) {
	for tries := 0; tries < 400; {
		found := false
		for _, part := range c.Smaller() {
			if tries++; tries > 400 {
				break
			}
			if _, d := compare(t, part, seed); kind(d) == kind(difference) {
				c, difference, found = part, d, true
				break
			}
		}
		if !found {
			break
		}
	}
	return c, difference
}

// kind is what a difference begins with; one of a kind is made smaller to one of
// the same, lest the script does not even parse in the end.
func kind(difference string) string {
	begin, _, _ := strings.Cut(difference, ":")
	return begin
}

// A told report is what a script says of one.
type told struct {
	Label          string
	Refused        string // why there is no report
	Size, Covered  int
	Ended          int
	Progress       float64
	Renamings      int
	Asymmetry      string
	Violations     []toldViolation
	Failures       []toldViolation
	Counterexample []string
	Passing        [][]string
}

type toldViolation struct {
	Name                        string
	Length, Shortest, Scenarios int
	Counterexample              []string
}

// telling functions, which scripts print JSON with.
const tell = `
def steps_of(w):
    return [str(s) for s in w.steps]

def tell(label, r):
    print(json.encode({
        "Label": label, "Size": r.size, "Covered": r.covered, "Ended": r.ended_early, "Progress": r.progress,
        "Renamings": r.renamings, "Asymmetry": r.asymmetry,
        "Violations": [{"Name": v.property, "Length": v.length, "Shortest": v.shortest, "Scenarios": v.scenarios,
            "Counterexample": steps_of(v.counterexample)} for v in r.violations],
        "Failures": [{"Name": "line " + v.place.split(":")[1], "Length": v.length, "Shortest": v.shortest, "Scenarios": v.scenarios,
            "Counterexample": steps_of(v.counterexample)} for v in r.failures],
        "Counterexample": steps_of(r.counterexample) if r.counterexample else [],
        "Passing": [steps_of(w) for w in r.passing],
    }))

def attempt(label, fn):
    result = try_(fn)
    if result.ok:
        tell(label, result.value)
    else:
        print(json.encode({"Label": label, "Refused": result.error}))

def full(**options):
    r = explore(space, check = properties, **options)
    looked = r.failures  # else the script would fail
    return r
`

// look prints what can be seen of a world, as the player does.
const look = `
def look(label, w):
    text = ""
    for id in instances:
        s = w.state(id)
        text += "%s %s %s %s %s %s %s %s %s %s\n" % (id, repr(s.x), s.k, sorted(list(s.got)), s.log_, repr(s.peer), s.done, s.cert, id in w.crashed, id in w.faulty)
        for e in w.history():
            if e.instance == id:
                text += "  %d %s" % (e.step, e.kind)
                if e.kind == "invoked":
                    text += " " + str(e.operation)
                elif e.kind == "returned":
                    text += " " + repr(e.value)
                elif e.kind == "decided":
                    text += " %d %r" % (e.slot, e.value)
                text += "\n"
    print(json.encode({"Label": label, "Refused": text}))
`

// An execution runs scripts in a folder.
type execution struct {
	t     *testing.T
	dir   string
	files int // how many were named
	shard explore.Shard
	saved []*explore.Saved
}

// run runs a script and returns what it tells, line by line.
func (x *execution) run(script string) ([]told, error) {
	var out bytes.Buffer
	in, err := New(Config{Stdout: &out, WriteDir: x.dir, Shard: x.shard, Report: func(r *explore.Report) error {
		x.saved = append(x.saved, r.Save())
		return nil
	}})
	if err != nil {
		return nil, err
	}
	if err := in.Exec(x.t.Context(), "script.star", script); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out.String())
	}
	var all []told
	for line := range strings.Lines(out.String()) {
		if !strings.HasPrefix(line, "{") {
			continue // a note
		}
		var one told
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			return nil, fmt.Errorf("%w in %s", err, line)
		}
		all = append(all, one)
	}
	return all, nil
}

// file names a file that is not there.
func (x *execution) file() string {
	x.files++
	return fmt.Sprint("search", x.files)
}

// A comparison is one case and what is true of it.
type comparison struct {
	*execution
	c         *adversary.Case
	system    *adversary.System
	start     *adversary.World
	scenarios []adversary.Scenario
	truth     adversary.Ledger
	extras    []adversary.Ledger
	rng       *rand.Rand
	telling   telling
	steps     map[string]adversary.Step
}

// compare returns what differs, "" if nothing does.
func compare(t *testing.T, c *adversary.Case, seed uint64) (telling, string) {
	x := &comparison{execution: &execution{t: t, dir: t.TempDir()}, c: c, rng: rand.New(rand.NewPCG(seed, 4)), steps: map[string]adversary.Step{}}
	x.telling.cases = 1
	var err error
	if x.system, err = adversary.NewSystem(c); err != nil {
		return x.telling, fmt.Sprint("the player: ", err)
	}
	x.start = x.system.Play(x.system.Begin(), c.Start)
	if x.start.Depth != len(c.Start) {
		return x.telling, "" // a part was taken away that the start needs
	}
	x.scenarios = c.Space.Scenarios()
	lists := [][]adversary.Property{c.Properties}
	for i := range c.Extras {
		lists = append(lists, c.Extras[i:i+1])
	}
	ledgers, ok := x.system.Judge(x.start, x.scenarios, lists...)
	if !ok {
		x.telling.beyond = 1
		return x.telling, ""
	}
	x.truth, x.extras = ledgers[0], ledgers[1:]
	for _, sc := range x.scenarios {
		for _, step := range sc {
			x.steps[step.String()] = step
		}
	}
	for _, step := range c.Start {
		x.steps[step.String()] = step
	}
	x.count()
	for _, part := range []func() string{x.plays, x.searches, x.shards, x.changes, x.changes, x.shrinks} {
		if difference := part(); difference != "" {
			return x.telling, difference
		}
	}
	return x.telling, ""
}

func (x *comparison) count() {
	x.telling.scenarios = len(x.scenarios)
	violated := false
	for name := range x.truth.Found {
		if strings.HasPrefix(name, "line ") {
			x.telling.failed = 1
		} else {
			violated = true
		}
	}
	if violated {
		x.telling.violated = 1
	} else {
		x.telling.held = 1
	}
	if x.truth.Ended > 0 {
		x.telling.ended = 1
	}
}

// plays compares the space, and some of its scenarios step by step.
func (x *comparison) plays() string {
	servers, clients := x.c.Instances()
	script := x.c.Stage() + tell + fmt.Sprintf("instances = %s\n", jsonText(append(servers, clients...))) + look + `
listed = [[str(s) for s in space.at(i)] for i in range(space.size)]
print(json.encode({"Label": "space", "Size": space.size, "Passing": listed,
    "Refused": "" if listed == [[str(s) for s in sc] for sc in space] else "at(i) and iteration differ"}))
look("start", start)
def played(i):
    goto(start)
    run(space.at(i))
    look(str(i), world())
`
	var picked []int
	for range min(40, len(x.scenarios)) {
		picked = append(picked, x.rng.IntN(len(x.scenarios)))
	}
	for _, i := range picked {
		script += fmt.Sprintf("played(%d)\n", i)
	}
	all, err := x.run(script)
	if err != nil {
		return fmt.Sprint("the script fails: ", err)
	}
	var want, got []string
	for _, sc := range x.scenarios {
		want = append(want, sc.String())
	}
	for _, sc := range all[0].Passing {
		got = append(got, strings.Join(sc, "; "))
	}
	slices.Sort(want)
	listed := slices.Clone(got)
	slices.Sort(listed)
	if all[0].Refused != "" || all[0].Size != len(x.scenarios) || !slices.Equal(listed, want) {
		return fmt.Sprintf("the space has %d scenarios, want %d: %s\n%s\nwant\n%s", all[0].Size, len(x.scenarios), all[0].Refused,
			strings.Join(listed, "\n"), strings.Join(want, "\n"))
	}
	for n, one := range all[1:] {
		w := x.start
		path := "the start"
		if n > 0 {
			path = got[picked[n-1]]
			var sc adversary.Scenario
			for _, text := range all[0].Passing[picked[n-1]] {
				sc = append(sc, x.steps[text])
			}
			w = x.system.Play(w, sc)
		}
		if want := x.system.Text(w); one.Refused != want {
			return fmt.Sprintf("%s leads to\n%s\nwant\n%s", path, one.Refused, want)
		}
	}
	return ""
}

func jsonText(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// searches compares searches of all kinds in one process.
func (x *comparison) searches() string {
	limit := 1 + x.rng.IntN(6)
	script := x.c.Stage() + tell + fmt.Sprintf(`
tell("symmetry = False", full(symmetry = False, workers = 1))
tell("symmetry = True", full(symmetry = True, workers = 2))
tell("symmetry = None", full(workers = 7))
tell("symmetry = sampled", full(symmetry = "sampled", workers = 1))
for i in range(len(extras)):
    tell("extra %%d, symmetry = True" %% i, explore(space, check = extras[i], symmetry = True, workers = 2))
    tell("extra %%d, symmetry = False" %% i, explore(space, check = extras[i], symmetry = False, workers = 1))
tell("first", full(first = True, symmetry = %[2]s))
tell("sample", sample(space, space.size, seed = %[1]d, check = properties))
def resumed(name, symmetry):
    limit = %[3]d
    for i in range(20):
        r = full(symmetry = symmetry, checkpoint = name, resume = True, max_worlds = limit, workers = 1 + i %% 3)
        if r.complete:
            break
        limit *= 4
    tell("resumed " + name, r)
resumed(%[4]q, False)
resumed(%[5]q, True)
print(json.encode({"Label": "orbits", "Size": space.orbits, "Covered": len(space.representatives(100000))}))
`, x.rng.IntN(1000), []string{"True", "False", "None"}[x.rng.IntN(3)], limit, x.file(), x.file())
	all, err := x.run(script)
	if err != nil {
		return fmt.Sprint("the script fails: ", err)
	}
	for _, r := range all {
		switch r.Label {
		case "orbits":
			if r.Size != r.Covered {
				return fmt.Sprintf("%d orbits, and %d representatives", r.Size, r.Covered)
			}
			continue
		case "symmetry = sampled":
			if !x.c.Honest {
				continue // it rests on a promise that is not kept
			}
		}
		if r.Renamings > 1 {
			x.telling.renamed = 1
		}
		if r.Asymmetry != "" {
			x.telling.asymmetric = 1
		}
		if strings.HasPrefix(r.Label, "resumed") {
			x.telling.resumed = 1
		}
		properties, truth := x.c.Properties, x.truth
		if _, number, ok := strings.Cut(r.Label, "extra "); ok {
			i := int(number[0] - '0')
			properties, truth = x.c.Extras[i:i+1], x.extras[i]
		}
		if difference := x.check(r, properties, truth); difference != "" {
			return fmt.Sprintf("%s: %s\n%s\nwant %+v", r.Label, difference, jsonText(r), truth)
		}
	}
	return ""
}

// check compares a report with the truth.
func (x *comparison) check(r told, properties []adversary.Property, truth adversary.Ledger) string {
	if r.Refused != "" {
		return "refused: " + r.Refused
	}
	findings := append(slices.Clone(r.Violations), r.Failures...)
	if r.Label == "first" {
		return x.checkFirst(findings)
	}
	if r.Size != truth.Size || r.Covered != truth.Size {
		return fmt.Sprintf("it covers %d of %d", r.Covered, r.Size)
	}
	if r.Ended != truth.Ended {
		return fmt.Sprintf("%d ended early", r.Ended)
	}
	if progressed := r.Progress * float64(r.Covered); math.Abs(progressed-float64(truth.Progressed)) > 0.01 {
		return fmt.Sprintf("%v made progress", progressed)
	}
	if len(findings) != len(truth.Found) {
		return "it finds other flaws"
	}
	for _, v := range findings {
		f, ok := truth.Found[v.Name]
		if !ok || v.Length != f.Length || v.Scenarios != f.Scenarios {
			return fmt.Sprintf("it says %+v", v)
		}
		if r.Label != "sample" && !x.ambiguous(x.c.Space) && v.Shortest != f.Shortest {
			return fmt.Sprintf("it says %+v", v)
		}
		if difference := x.checkCounterexample(v, properties); difference != "" {
			return difference
		}
	}
	for _, steps := range r.Passing {
		w, _, difference := x.replay(steps)
		if difference == "" && slices.ContainsFunc(properties, func(p adversary.Property) bool { return !x.system.Holds(w, p) }) {
			difference = "something is violated in it"
		}
		if difference != "" {
			return fmt.Sprintf("the passing %s: %s", strings.Join(steps, "; "), difference)
		}
	}
	return ""
}

// checkFirst checks a search that stops at what it finds first.
func (x *comparison) checkFirst(findings []toldViolation) string {
	shortest := -1
	for _, f := range x.truth.Found {
		if shortest < 0 || f.Length < shortest {
			shortest = f.Length
		}
	}
	if len(findings) == 0 && len(x.truth.Found) > 0 {
		return "it finds nothing"
	}
	for _, v := range findings {
		if f, ok := x.truth.Found[v.Name]; !ok || v.Length != f.Length || v.Length != shortest {
			return fmt.Sprintf("it says %+v", v)
		}
		if difference := x.checkCounterexample(v, x.c.Properties); difference != "" {
			return difference
		}
	}
	return ""
}

// ambiguous reports whether the space may list one beginning in several ways.
func (x *comparison) ambiguous(s adversary.Space) bool {
	if s.Op == "|" || s.Op == "distinct" || s.Op == "constant" {
		return true
	}
	return strings.Contains(s.Text, "steps(") || slices.ContainsFunc(s.Of, x.ambiguous)
}

// checkCounterexample checks that it is one, and as short as it says.
func (x *comparison) checkCounterexample(v toldViolation, properties []adversary.Property) string {
	w, before, difference := x.replay(v.Counterexample)
	wrong := func(w *adversary.World) bool {
		for _, p := range properties {
			if p.Name == v.Name {
				return !x.system.Holds(w, p)
			}
		}
		return slices.ContainsFunc(w.History, func(e adversary.Event) bool {
			return e.Kind == "failed" && v.Name == "line "+strconv.Itoa(e.Line)
		})
	}
	switch {
	case difference != "":
	case len(v.Counterexample)-len(x.c.Start) != v.Length:
		difference = "it is not as long"
	case !wrong(w):
		difference = "it is none"
	case before != nil && wrong(before):
		difference = "it is not shortest"
	}
	if difference != "" {
		return fmt.Sprintf("the counterexample to %s: %s: %s", v.Name, strings.Join(v.Counterexample, "; "), difference)
	}
	return ""
}

// replay plays the steps of a world that a report shows, which must be the
// beginning of a scenario.
func (x *comparison) replay(steps []string) (w, before *adversary.World, difference string) {
	n := len(x.c.Start)
	if len(steps) < n || strings.Join(steps[:n], "; ") != adversary.Scenario(x.c.Start).String() {
		return nil, nil, "it does not begin at the start"
	}
	if !slices.ContainsFunc(x.scenarios, func(sc adversary.Scenario) bool {
		return len(sc) >= len(steps)-n && sc[:len(steps)-n].String() == strings.Join(steps[n:], "; ")
	}) {
		return nil, nil, "it is in no scenario"
	}
	w = x.start
	for _, text := range steps[n:] {
		before = w
		if w = x.system.Do(w, x.steps[text]); w == nil {
			return nil, nil, text + " cannot happen"
		}
	}
	return w, before, ""
}

// shards compares the sum of the reports of shards.
func (x *comparison) shards() string {
	count := 2 + x.rng.IntN(2)
	var saved []*explore.Saved
	for i := range count {
		y := &execution{t: x.t, dir: x.dir, shard: explore.Shard{Index: i, Count: count}}
		if _, err := y.run(x.c.Stage() + tell + "full()\n"); err != nil {
			return fmt.Sprint("the script fails: ", err)
		}
		saved = append(saved, y.saved[0])
	}
	sum, err := explore.Merge(saved)
	if err != nil {
		return fmt.Sprint("shards: ", err)
	}
	r := told{Size: int(sum.Size.Int64()), Covered: int(sum.Covered.Int64()), Ended: int(sum.EndedEarly.Int64())}
	if sum.Covered.Sign() > 0 {
		r.Progress = float64(sum.Progressed.Int64()) / float64(r.Covered)
	}
	if r.Size != x.truth.Size || r.Covered != x.truth.Size || r.Ended != x.truth.Ended || int(sum.Progressed.Int64()) != x.truth.Progressed {
		return fmt.Sprintf("%d shards: %+v\nwant %+v", count, r, x.truth)
	}
	for _, v := range sum.Violations {
		f := x.truth.Found[v.Property]
		if f.Length != v.Length || f.Scenarios != int(v.Scenarios.Int64()) || !x.ambiguous(x.c.Space) && f.Shortest != int(v.Shortest.Int64()) {
			return fmt.Sprintf("%d shards: %+v\nwant %+v", count, v, x.truth)
		}
	}
	return ""
}

// changes resumes a search with something changed. That is refused, or the
// report is that of a search from the beginning.
func (x *comparison) changes() string {
	changed := x.c.Changed(x.rng)
	if changed == nil {
		return ""
	}
	name := x.file()
	symmetry := []string{"True", "False", "None", `"sampled"`}
	was, is := symmetry[x.rng.IntN(4)], symmetry[x.rng.IntN(4)]
	if !x.c.Honest || !changed.Honest {
		was, is = "True", symmetry[x.rng.IntN(2)]
	}
	if _, err := x.run(x.c.Stage() + tell + fmt.Sprintf("full(symmetry = %s, checkpoint = %q, max_worlds = %d)\n", was, name, 1+x.rng.IntN(8))); err != nil {
		return fmt.Sprint("the script fails: ", err)
	}
	all, err := x.run(changed.Stage() + tell + fmt.Sprintf(`
attempt("resumed", lambda: full(symmetry = %[1]s, checkpoint = %[2]q, resume = True))
tell("from the beginning", full(symmetry = False))
`, is, name))
	if err != nil {
		return fmt.Sprint("the changed script fails: ", err, "\n", changed.Stage())
	}
	if all[0].Refused != "" {
		x.telling.refused = 1
		return ""
	}
	got, want := all[0].counts(), all[1].counts()
	if got != want {
		return fmt.Sprintf("%s, and resumed as what is below: %s\nwant %s\n%s", name, got, want, changed.Stage())
	}
	return ""
}

// counts is what does not depend on symmetry.
func (r told) counts() string {
	text := fmt.Sprint(r.Size, r.Covered, r.Ended, math.Round(r.Progress*float64(r.Covered)))
	for _, v := range append(slices.Clone(r.Violations), r.Failures...) {
		text += fmt.Sprint("; ", v.Name, v.Length, v.Scenarios)
	}
	return text
}

// shrinks compares what shrink leaves with what it says of it.
func (x *comparison) shrinks() string {
	if len(x.truth.Found) == 0 || x.rng.IntN(4) > 0 {
		return ""
	}
	script := x.c.Stage() + tell + `
r = full(symmetry = False)
for i in range(len(r.violations)):
    v = r.violations[i]
    q = [q for q in properties if str(q) == v.property][0]
    s = shrink(v.counterexample, q)
    print(json.encode({"Label": v.property, "Refused": s.script, "Size": s.world.depth,
        "Passing": [[str(judge(q, s.world).holds)]], "Counterexample": steps_of(s.world)}))
`
	all, err := x.run(script)
	if err != nil {
		return fmt.Sprint("shrink: ", err)
	}
	for _, s := range all {
		x.telling.shrunk = 1
		if s.Passing[0][0] != "False" {
			return fmt.Sprintf("shrunk, %s holds:\n%s", s.Label, s.Refused)
		}
		if s.Size > x.truth.Found[s.Label].Length+len(x.c.Start) {
			return fmt.Sprintf("shrunk, the counterexample to %s has %d steps:\n%s", s.Label, s.Size, s.Refused)
		}
		if strings.Contains(s.Refused, "has no name here") {
			continue // an invariant that no variable holds cannot be written down
		}
		// The script plays it, and ends with the check that fails.
		if _, err := x.run(s.Refused); err == nil || !strings.Contains(err.Error(), "does not hold") && !strings.Contains(err.Error(), "VIOLATED") && !strings.Contains(err.Error(), "violated") {
			return fmt.Sprintf("the script that shrink prints ends with %v:\n%s", err, s.Refused)
		}
	}
	return ""
}
