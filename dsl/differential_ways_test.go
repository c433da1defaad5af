package dsl

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/twinsh/twinsh/dsl/internal/adversary"
	"github.com/twinsh/twinsh/runtime/explore"
)

// plays compares the space, and some of its scenarios step by step.
func (x *comparison) plays() string {
	servers, clients := x.c.Instances()
	script := x.c.Stage() + say + fmt.Sprintf("instances = %s\n", jsonText(append(servers, clients...))) + look + `
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
	script += `print(json.encode({"Label": "steps", "Passing": [["%s: %s = %s" % (s, name, getattr(s, name)) for s in space.steps for name in dir(s)]]}))
`
	all, err := x.run(script)
	if err != nil {
		return fmt.Sprint("the script fails: ", err)
	}
	var want, got, read []string
	for _, sc := range x.scenarios {
		want = append(want, sc.String())
		for _, step := range sc {
			read = append(read, step.Read()...)
		}
	}
	last := len(all) - 1
	slices.Sort(read)
	slices.Sort(all[last].Passing[0])
	if read = slices.Compact(read); !slices.Equal(read, all[last].Passing[0]) {
		return fmt.Sprintf("the steps: they are\n%s\nwant\n%s", strings.Join(all[last].Passing[0], "\n"), strings.Join(read, "\n"))
	}
	all = all[:last]
	for _, sc := range all[0].Passing {
		got = append(got, strings.Join(sc, "; "))
	}
	slices.Sort(want)
	listed := slices.Clone(got)
	slices.Sort(listed)
	if all[0].Refused != "" || all[0].Size != len(x.scenarios) || !slices.Equal(listed, want) {
		return fmt.Sprintf("the space: it has %d scenarios, want %d: %s\n%s\nwant\n%s", all[0].Size, len(x.scenarios), all[0].Refused,
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
			return fmt.Sprintf("a world: %s leads to\n%s\nwant\n%s", path, one.Refused, want)
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
	script := x.c.Stage() + say + fmt.Sprintf(`
say("symmetry = False", full(symmetry = False, workers = 1))
say("symmetry = True", full(symmetry = True, workers = 2))
say("symmetry = None", full(workers = 7))
say("symmetry = sampled", full(symmetry = "sampled", workers = 1))
for i in range(len(extras)):
    say("extra %%d, symmetry = True" %% i, explore(space, check = extras[i], symmetry = True, workers = 2))
    say("extra %%d, symmetry = False" %% i, explore(space, check = extras[i], symmetry = False, workers = 1))
say("first", full(first = True, symmetry = %[2]s))
say("sample", sample(space, space.size, seed = %[1]d, check = properties))
def resumed(name, symmetry):
    limit = %[3]d
    for i in range(20):
        r = full(symmetry = symmetry, checkpoint = name, resume = True, max_worlds = limit, workers = 1 + i %% 3)
        if r.complete:
            break
        limit *= 4
    say("resumed " + name, r)
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
				return fmt.Sprintf("orbits: there are %d, and %d representatives", r.Size, r.Covered)
			}
			continue
		case "symmetry = sampled":
			if !x.c.Honest {
				continue // it rests on a promise that is not kept
			}
		}
		if r.Renamings > 1 {
			x.tally.renamed = 1
		}
		if r.Asymmetry != "" {
			x.tally.asymmetric = 1
		}
		if strings.HasPrefix(r.Label, "resumed") {
			x.tally.resumed = 1
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

// shards compares the sum of the reports of shards with that of a whole search.
func (x *comparison) shards() string {
	count := 2 + x.rng.IntN(2)
	var sum, whole *explore.Saved
	for _, count := range []int{1, count} {
		var saved []*explore.Saved
		for i := range count {
			y := &execution{t: x.t, dir: x.dir, shard: explore.Shard{Index: i, Count: count}}
			if _, err := y.run(x.c.Stage() + say + "full()\n"); err != nil {
				return fmt.Sprint("the script fails: ", err)
			}
			saved = append(saved, y.saved[0])
		}
		var err error
		whole = sum
		if sum, err = explore.Merge(saved); err != nil {
			return fmt.Sprint("shards: ", err)
		}
	}
	// Worlds that several shards reach are searched by all of them.
	whole.Worlds, whole.Steps, whole.Runs = sum.Worlds, sum.Steps, sum.Runs
	if sum.Text() != whole.Text() || !slices.Equal(sum.Counterexample, whole.Counterexample) {
		return fmt.Sprintf("shards: %d of them:\n%s\n%s\nwant\n%s\n%s", count,
			sum.Text(), strings.Join(sum.Counterexample, "; "), whole.Text(), strings.Join(whole.Counterexample, "; "))
	}
	r := scriptReport{Size: int(sum.Size.Int64()), Covered: int(sum.Covered.Int64()), Ended: int(sum.EndedEarly.Int64())}
	if sum.Covered.Sign() > 0 {
		r.Progress = float64(sum.Progressed.Int64()) / float64(r.Covered)
	}
	if r.Size != x.truth.Size || r.Covered != x.truth.Size || r.Ended != x.truth.Ended || int(sum.Progressed.Int64()) != x.truth.Progressed {
		return fmt.Sprintf("shards: %d of them: %+v\nwant %+v", count, r, x.truth)
	}
	for _, v := range sum.Violations {
		f := x.truth.Found[v.Property]
		if f.Length != v.Length || f.Scenarios != int(v.Scenarios.Int64()) || !x.ambiguous(x.c.Space) && f.Shortest != int(v.Shortest.Int64()) {
			return fmt.Sprintf("shards: %d of them: %+v\nwant %+v", count, v, x.truth)
		}
	}
	return ""
}

// changes resumes a search with something changed. That is refused, or the
// report is that of a search from the beginning.
func (x *comparison) changes() string {
	c := x.c
	if n := x.rng.IntN(len(c.Extras) + 1); n < len(c.Extras) {
		c = c.With(c.Extras[n])
	}
	changed := c.Changed(x.rng)
	name := x.file()
	symmetry := []string{"True", "False", "None", `"sampled"`}
	was := symmetry[x.rng.IntN(4)]
	is := was // else nothing but that is refused
	if x.rng.IntN(4) == 0 {
		is = symmetry[x.rng.IntN(4)]
	}
	most := 1 + x.rng.IntN(1<<x.rng.IntN(6)) // worlds before the change, seldom many
	if !c.Honest || !changed.Honest {
		was, is = "True", symmetry[x.rng.IntN(4)/3]
	}
	if _, err := x.run(c.Stage() + say + fmt.Sprintf("full(symmetry = %s, checkpoint = %q, max_worlds = %d)\n", was, name, most)); err != nil {
		return fmt.Sprint("the script fails: ", err)
	}
	all, err := x.run(changed.Stage() + say + fmt.Sprintf(`
attempt("resumed", lambda: full(symmetry = %[1]s, checkpoint = %[2]q, resume = True))
say("from the beginning", full(symmetry = False))
`, is, name))
	if err != nil {
		return fmt.Sprint("the changed script fails: ", err, "\n", changed.Stage())
	}
	if all[0].Refused != "" {
		x.tally.refused = 1
		return ""
	}
	got, want := all[0].counts(), all[1].counts()
	if got != want {
		return fmt.Sprintf("changed: %s, and resumed as what is below: %s\nwant %s\n%s", name, got, want, changed.Stage())
	}
	return ""
}

// counts is what does not depend on symmetry.
func (r scriptReport) counts() string {
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
	script := x.c.Stage() + say + `
r = full(symmetry = False)
for i in range(len(r.violations)):
    v = r.violations[i]
    q = [q for q in properties if str(q) == v.property][0]
    s = shrink(v.counterexample, q)
    judged = judge(q, s.world)
    looked = judged.failures  # else the script would fail
    print(json.encode({"Label": v.property, "Refused": s.script, "Size": s.world.depth,
        "Passing": [[str(judged.holds)]], "Counterexample": steps_of(s.world)}))
`
	all, err := x.run(script)
	if err != nil {
		return fmt.Sprint("shrink: ", err)
	}
	for _, s := range all {
		x.tally.shrunk = 1
		if s.Passing[0][0] != "False" {
			return fmt.Sprintf("shrink: then %s holds:\n%s", s.Label, s.Refused)
		}
		if s.Size > x.truth.Found[s.Label].Length+len(x.c.Start) {
			return fmt.Sprintf("shrink: the counterexample to %s has %d steps:\n%s", s.Label, s.Size, s.Refused)
		}
		if strings.Contains(s.Refused, "has no name here") {
			continue // an invariant that no variable holds cannot be written down
		}
		// The script plays it, and ends with the check that fails.
		if _, err := x.run(s.Refused); err == nil || !strings.Contains(err.Error(), "does not hold") && !strings.Contains(err.Error(), "VIOLATED") && !strings.Contains(err.Error(), "violated") {
			return fmt.Sprintf("shrink: the script that it prints ends with %v:\n%s", err, s.Refused)
		}
	}
	return ""
}
