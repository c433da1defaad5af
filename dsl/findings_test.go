package dsl

import (
	"errors"
	"strings"
	"testing"

	"github.com/twinsh/twinsh/runtime/explore"
)

// run executes a script and returns what it prints and its error.
func runScript(t *testing.T, script string) (string, error) {
	t.Helper()
	var out strings.Builder
	err := testInterpreter(t, &out).Exec(t.Context(), "x.star", script)
	return out.String(), err
}

// brittle is a protocol whose replicas decide who they are, and whose code fails
// in round 2 wherever "B" was heard of. The fixed one has the fault taken out.
const brittle = `
def make(broken):
    def inner(self):
        return 1 // (0 if broken else 1)
    def on_round(self, round):
        if round.number == 2:
            inner(self)
        self.decide(round.number, self.id)
    return protocol("brittle", replica = role(on_round = on_round))
`

// Failures are findings beside the violated properties, each with a
// counterexample of its own; a corrected protocol has none.
func TestFailuresInReports(t *testing.T) {
	out, err := runScript(t, brittle+`
late = invariant("late", lambda w: w.round_number < 3)
cluster(make(True), n = 2, f = 0)
r = explore(rounds("A", partitions(max = 1)) * 3, check = [validity(["A", "B"]), agreement(), late])
print(r.ok, [(v.property, v.length, v.counterexample.depth) for v in r.violations])
f = r.failures[0]
print(len(r.failures), f.instance, f.length, f.scenarios == r.size, f.counterexample.depth, f.place)
print(f.message)
print(f.calls)
print("CODE FAILED" in str(r), "validity holds" in str(r))
print(why(f))
cluster(make(False), n = 2, f = 0)
r = explore(rounds("A", partitions(max = 1)) * 3, check = [validity(["A", "B"])])
print(r.ok, r.failures)`)
	want := `False [("agreement", 1, 1), ("late", 3, 3)]
1 A 2 True 2 x.star:4:18
protocol brittle: on_round: floored division by zero
  x.star:7:18: in on_round
  x.star:4:18: in inner
True True
`
	if err != nil || !strings.HasPrefix(out, want) || !strings.HasSuffix(out, "\nTrue []\n") || !strings.Contains(out, "the code of A failed: ") {
		t.Errorf("%v\n%s\nwant\n%s", err, out, want)
	}
}

// A script that does not look at failures has not held.
func TestFailuresMustBeSeen(t *testing.T) {
	for _, test := range []struct {
		name, script string
		seen         bool
	}{
		{"explore", `r = explore(rounds("A") * 2, check = validity(["A", "B"]))`, false},
		{"a report that is printed", `print(explore(rounds("A") * 2, check = validity(["A", "B"])))`, false},
		{"sample", `r = sample(rounds("A") * 2, 4)`, false},
		{"seen", `len(explore(rounds("A") * 2).failures)`, true},
		{"judge", `judge(agreement(), world().round("A").round("A")).holds`, false},
		{"judge, seen", `judge(agreement(), world().round("A").round("A")).failures`, true},
		{"nothing fails", `judge(agreement(), world().round("A")).holds`, true},
		{"asked for only", `r = explore(rounds("A") * 2)
hasattr(r, "failures") and "failures" in dir(r)`, false},
		{"a verdict that is asked only", `hasattr(judge(agreement(), explore(rounds("A") * 2).failures[0].counterexample), "failures")`, false},
		{"got by name", `getattr(explore(rounds("A") * 2), "failures")`, true},
		{"one of two", `explore(rounds("A") * 2).failures
r = explore(rounds("A") * 2)`, false},
	} {
		_, err := runScript(t, brittle+"cluster(make(True), n = 2, f = 0)\n"+test.script)
		var failed *CheckFailed
		if test.seen != (err == nil) || !test.seen && (!errors.As(err, &failed) || !strings.Contains(err.Error(), "the code of A failed: protocol brittle") || !strings.Contains(err.Error(), "x.star:1")) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

// Steps that a script takes itself are no better: if code fails in one of them, it has
// to be looked at where that is seen.
func TestFailuresOfPlayedStepsMustBeSeen(t *testing.T) {
	for _, test := range []struct {
		name, script string
		seen         bool
	}{
		{"acts", "round(\"A\")\nround(\"A\")\nround(\"A\")", false},
		{"nothing fails", `round("A")`, true},
		{"methods", `world().round("A").round("A")`, false},
		{"run", "for s in rounds(\"A\", partitions(max = 1)) * 2:\n    run(s)", false},
		{"shown", "round(\"A\")\nround(\"A\")\nshow()", false},
		{"judged, and not looked at", "round(\"A\")\nround(\"A\")\njudge(agreement()).holds", false},
		{"undone", "round(\"A\")\nround(\"A\")\nundo()\nhistory()", false},
		{"history before", "round(\"A\")\nhistory()\nround(\"A\")", false},
		{"history", "round(\"A\")\nround(\"A\")\nhistory()", true},
		{"history later", "round(\"A\")\nround(\"A\")\nw = round(\"A\")\ngoto(0)\nw.history()", true},
		{"why", "round(\"A\")\nround(\"A\")\nwhy()", true},
		{"verdict", "round(\"A\")\nround(\"A\")\njudge(agreement()).failures", true},
		{"report", "round(\"A\")\nround(\"A\")\nexplore(rounds(\"A\")).failures", true},
		{"one of two", "w = world().round(\"A\")\nw.round(\"A\").history()\nw.round(\"A\")", false},
		{"in an invariant", `explore(rounds("A"), check = invariant("i", lambda w: w.round("A").round("A") != None))`, false},
		{"in an invariant, seen", `explore(rounds("A"), check = invariant("i", lambda w: w.round("A").round("A") != None)).failures`, true},
		{"in an invariant that judges", `explore(rounds("A"), check = invariant("i", lambda w: judge(agreement(), w.round("A").round("A")) != None))`, false},
	} {
		_, err := runScript(t, brittle+"cluster(make(True), n = 2, f = 0)\n"+test.script)
		var failed *CheckFailed
		if test.seen != (err == nil) || !test.seen && (!errors.As(err, &failed) || !strings.Contains(err.Error(), "the code of A failed: protocol brittle") || !strings.Contains(err.Error(), "x.star:1")) {
			t.Errorf("%s: %v", test.name, err)
		}
		if _, err := runScript(t, brittle+"cluster(make(False), n = 2, f = 0)\n"+test.script); err != nil {
			t.Errorf("%s, corrected: %v", test.name, err)
		}
	}
	_, err := runScript(t, brittle+"cluster(make(True), n = 2, f = 0)\nround(\"A\")\nround(\"A\")")
	want := "x.star:12:6: round met code of nodes that fails, and the script never looks at it, as in print(history()): the code of A failed: protocol brittle: on_round: floored division by zero (x.star:4:18)"
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v\nwant %s", err, want)
	}
}

// Two properties of one name are two: each violation is one of its own property.
func TestPropertiesOfOneName(t *testing.T) {
	out, err := runScript(t, brittle+`cluster(make(False), n = 2, f = 0)
is_a, is_b = validity(["A"]), validity(["B"])
few = invariant("rounds", lambda w: w.round_number < 1)
fewer = invariant("rounds", lambda w: w.round_number < 2)
r = explore(rounds(["A"], partitions(max = 1)) * 2, check = [few, is_a, fewer, is_b])
for v in r.violations:
    print(v.property, v.length, v.why)
print([shrink(r, p).world.depth for p in (few, fewer)], shrink(r, "rounds (2)").world.depth)
`)
	want := `validity 1 B decided "B" for slot 1 in step 1, which is not valid
validity (2) 1 A decided "A" for slot 1 in step 1, which is not valid
rounds 1 rounds does not hold
rounds (2) 2 rounds does not hold
[1, 2] 2
`
	if err != nil || out != want {
		t.Errorf("%v, and\n%s\nwant\n%s", err, out, want)
	}
}

// Code that fails on the way to the start of a search is in the report of the first
// of its shards, which has to be looked at. The others have nothing to look at.
func TestFailuresBeforeTheStartOfShards(t *testing.T) {
	for _, test := range []struct {
		shard  int
		script string
		seen   bool
	}{
		{0, "explore(rounds(\"A\")).failures", true},
		{1, "explore(rounds(\"A\")).failures", true},
		{0, "explore(rounds(\"A\"))", false},
		{1, "explore(rounds(\"A\"))", true},
		{1, "explore(rounds(\"A\"), start = begin)", false}, // of another start
	} {
		in, err := New(Config{Shard: explore.Shard{Index: test.shard, Count: 2}})
		if err != nil {
			t.Fatal(err)
		}
		err = in.Exec(t.Context(), "x.star", brittle+"cluster(make(True), n = 2, f = 0)\nbegin = world()\nround(\"A\")\nround(\"A\")\n"+test.script)
		var failed *CheckFailed
		if test.seen != (err == nil) || !test.seen && !errors.As(err, &failed) {
			t.Errorf("shard %d, %s: %v", test.shard+1, test.script, err)
		}
	}
}

// An invariant says whether a world is as it should be, and if not, what is wrong.
func TestAnswersOfInvariants(t *testing.T) {
	for answer, want := range map[string]string{
		"True": "", "False": "i does not hold", `"so"`: "so",
		`""`:   `invariant i: the function returned the text "", which does not say what is wrong; want True, False or a text that does`,
		`" "`:  `invariant i: the function returned the text " ", which does not say`,
		"None": "invariant i: the function returned nothing (a path without return?), want True, False or a text that says what is wrong",
		"0":    "invariant i: the function returned an int, want True",
	} {
		for _, call := range []string{"check(%)", `r = explore(rounds("A"), check = %)
assert.true(r.ok, r.violations and r.violations[0].why)`} {
			_, err := runScript(t, "load(\"@std//assert.star\", \"assert\")\n"+brittle+"cluster(make(False), n = 2, f = 0)\n"+strings.ReplaceAll(call, "%", `invariant("i", lambda w: `+answer+")"))
			var failed *CheckFailed
			verdict := errors.As(err, &failed)
			if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || verdict == strings.HasPrefix(want, "invariant")) {
				t.Errorf("%s in %s: %v, want %s", answer, call, err, want)
			}
		}
	}
}

// check fails if code of a node has failed, whatever it checks.
func TestCheckOfFailures(t *testing.T) {
	const stage = brittle + "cluster(make(True), n = 2, f = 0)\nround(\"A\")\n"
	out, err := runScript(t, stage+"check()\ncheck([validity([\"A\", \"B\"])])")
	if err != nil || out != "no node's code failed\nvalidity: holds\n" {
		t.Errorf("%v\n%s", err, out)
	}
	for _, call := range []string{"check()", `check(validity(["A", "B"]))`, `check(invariant("fine", lambda w: True))`} {
		_, err := runScript(t, stage+"round(\"A\")\n"+call)
		var failed *CheckFailed
		if !errors.As(err, &failed) || !strings.Contains(failed.Message, "the code of A failed in step 2: protocol brittle: on_round: floored division by zero (x.star:4:18)") ||
			strings.Contains(failed.Message, "VIOLATED") || !strings.Contains(failed.Message, "in inner") {
			t.Errorf("%s: %v", call, err)
		}
	}
	if _, err := runScript(t, stage+"round(\"A\")\ncheck(agreement())"); err == nil || !strings.Contains(err.Error(), "agreement: VIOLATED") || !strings.Contains(err.Error(), "the code of A failed") {
		t.Errorf("a violation beside a failure: %v", err)
	}
}

// Errors of functions that are no handlers are mistakes of the script: they name
// the function, the place and the calls, and are no verdict.
func TestMistakes(t *testing.T) {
	const stage = `
def deep():
    return 1 // 0
def on_round(self, round):
    self.decide(1, "x")
def live_on(self, round):
    pass
cluster(protocol("p", replica = role(on_round = on_round, show = lambda self: deep())), n = 2, f = 0)
twice = rounds("A") * 2
`
	for _, test := range []struct{ name, script, want string }{
		{"invariant", `explore(twice, check = invariant("looks", lambda w: deep()))`, "invariant looks: floored division by zero"},
		{"invariant in sample", `sample(twice, 4, check = invariant("looks", lambda w: deep()))`, "invariant looks: floored division by zero"},
		{"invariant in check", `check(invariant("looks", lambda w: deep()))`, "invariant looks: floored division by zero"},
		{"invariant in shrink", `shrink(world(), invariant("looks", lambda w: deep()))`, "invariant looks: floored division by zero"},
		{"validity", `explore(twice, check = [agreement(), validity(lambda v: deep())])`, "validity: floored division by zero"},
		{"show", `show()`, "protocol p: show at A: floored division by zero"},
		{"show in an invariant", `explore(twice, check = invariant("looks", lambda w: diff(w, w.round("A")) != 1))`, "invariant looks: protocol p: show at A: floored division by zero"},
		{"init", `cluster(protocol("p", replica = role(init = lambda self: deep())), n = 2, f = 0)`, "protocol p: init at A: floored division by zero"},
		{"rebase", `cluster(protocol("p", replica = role(on_round = live_on, rebase = lambda self, by: deep())), n = 1, f = 0)
check(live(within = 9))`, "protocol p: rebase at A: floored division by zero"},
	} {
		out, err := runScript(t, stage+test.script)
		var failed *CheckFailed
		var e *Error
		if !errors.As(err, &e) || errors.As(err, &failed) || out != "" {
			t.Errorf("%s: %v\n%s", test.name, err, out)
			continue
		}
		if p := e.Problems[0]; p.Message != test.want || p.Pos.String() != "x.star:3:14" || !strings.Contains(e.Error(), "in deep") {
			t.Errorf("%s: %v, want %s in line 3", test.name, err, test.want)
		}
	}
}

// shrink takes any finding of a report, and the first of none that is named.
func TestShrinkChosen(t *testing.T) {
	const search = brittle + `
cluster(make(True), n = 2, f = 0)
r = explore(rounds("A", partitions(max = 1)) * 3, check = [agreement(), invariant("late", late)])
`
	const late = "def late(w):\n    return w.round_number < 3\n"
	for _, test := range []struct{ name, call, property, last string }{
		{"the first", "shrink(r)", "agreement", "check(agreement())"},
		{"by its name", `shrink(r, "late")`, "late", `check(invariant("late", late))`},
		{"by a property", `shrink(r, agreement())`, "agreement", "check(agreement())"},
		{"a violation", `shrink(r.violations[1])`, "late", `check(invariant("late", late))`},
		{"a failure", `shrink(r.failures[0])`, "None", "check()"},
		{"a world and a property that holds", `shrink(r.failures[0].counterexample, validity(["A", "B"]))`, "None", "check()"},
	} {
		out, err := runScript(t, late+search+"s = "+test.call+"\nprint(s.property)\nprint(s)\nr.failures")
		property, script, _ := strings.Cut(out, "\n")
		if err != nil || property != test.property || !strings.HasSuffix(script, "\n"+test.last+"\n") {
			t.Errorf("%s: %v\n%s", test.name, err, out)
			continue
		}
		_, err = runScript(t, script)
		var failed *CheckFailed
		if !errors.As(err, &failed) {
			t.Errorf("%s: %v\n%s", test.name, err, script)
		}
	}
	for call, want := range map[string]string{
		`shrink(r, "agreemnt")`:                `shrink: the report has no violation of "agreemnt" (did you mean agreement?); it has agreement, late`,
		`shrink(r.violations[0], agreement())`: "shrink: check goes with a world",
		`shrink(explore(rounds("A")))`:         "shrink: the report has no violation; there is nothing to shrink",
		`shrink(3)`:                            "shrink: scenario is an int, want a world",
	} {
		if _, err := runScript(t, late+search+call); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", call, err, want)
		}
	}
}

// What lies before the start is judged by who is faulty there: search, check,
// judge, why and shrink agree.
func TestAmnesiaBeforeTheStart(t *testing.T) {
	const stage = `
def on_round(self, round):
    if round.number == 1:
        self.decide(0, self.id)
cluster(protocol("p", replica = role(on_round = on_round)), n = 2, f = 1)
first = world()
round("A")
`
	out, err := runScript(t, stage+`
amnesia("B")
again = rounds("A", partitions(exactly = 1)) * 2
r = explore(again, check = agreement())
s = sample(again, 1, check = agreement())
print(r.ok, s.ok, judge(agreement()).holds)
check(agreement())
print(why(agreement()))
w = first.round("A").amnesia("B")
for s in [steps(w.steps), steps(w.steps) + again]:
    r = explore(s, check = agreement(), start = first)
    v = r.violations[0]
    print(v.length, bool(v.why), judge(agreement(), v.counterexample).holds, judge(agreement(), w).holds, bool(why(r)))
    print(shrink(r).world.depth, shrink(w, agreement()).world.depth)`)
	want := "True True True\nagreement: holds; it takes two decisions for one slot to put that to the test, and there was none, so this proves nothing\nagreement holds\n1 True False True True\n1 1\n1 True False True True\n1 1\n"
	if _, out, _ := strings.Cut(out, "\n"); err != nil || out != want {
		t.Errorf("%v\n%s\nwant\n%s", err, out, want)
	}
}

// Steps of another system are no steps of this one.
func TestRunOfAnotherSystem(t *testing.T) {
	const stage = `
def on_round(self, round):
    pass
p = protocol("p", replica = role(on_round = on_round))
cluster(p, n = 2, f = 0)
old = (rounds("A") * 2).at(0)
`
	for _, test := range []struct{ script, want string }{
		{"run(old)", ""},
		{"cluster(p, n = 3, f = 0)\nrun(old)", `run: step 1, round("A"`},
		{"cluster(p, n = 3, f = 0)\nrun(old)", "is of another system, p n=2 f=0, than the world, which is of p n=3 f=0"},
		{"cluster(p, n = 2, f = 0)\nrun(old)", "they look the same, but one was set up anew"},
		{"cluster(p, n = 3, f = 0)\nrun((rounds(\"A\") * 1).at(0))", ""},
	} {
		_, err := runScript(t, stage+test.script)
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: %v, want %s", test.script, err, test.want)
		}
	}
}

// A script that shrink prints holds the whole text of each definition, whatever
// it ends in.
func TestShrunkSourceIsWhole(t *testing.T) {
	for _, last := range []string{
		`self.c = 1 == self.l[0]`,
		`self.c = self.l[0:1]`,
		`self.c = self.l[:]`,
		`self.c = ()`,
		`self.c = (1, (2, self.l[0]))`,
		`self.c = str(self.l[0])`,
		`self.c = {"a": self.l[0]}`,
		`self.c = {k: self.l[k] for k in [0]}`,
		`self.c = [x for x in self.l[:]]`,
		`self.c = [x for x in self.l if x == self.l[0]]`,
		`self.c = (lambda x: self.l[x])(0)`,
		`self.c = len([lambda x: self.l[x]][0:1])`,
		`self.c = "a]b)c}" + "#"`,
		`self.c = "a]b" + str(self.l[0]) # a comment with ] and )`,
		`self.c = -self.l[0]`,
		`self.c = not self.l[0]`,
		`self.c = 1 if self.l else self.l[0]`,
		"self.c = self.l[\n        0\n    ]",
		"self.c = '''two\nlines]'''[\n0:1]",
		`self.c = self.l[0]; self.d = self.l[0]`,
		`return None if self.l else self.l[0]`,
		"for x in self.l: self.c = self.l[x]",
		"if self.l: self.c = self.l[0]",
		"if not self.l:\n        pass\n    else:\n        self.c = self.l[0]",
	} {
		script := "def init(self):\n    self.l = [0]\ndef on_round(self, round):\n    self.decide(0, self.id)\n    " + last + `
p = [protocol("p", replica = role(init = init, on_round = on_round))][0]
cluster(p, n = 2, f = 0)
print(shrink(explore(rounds("any"), check = agreement())))`
		out, err := runScript(t, script)
		body, _, _ := strings.Cut(last, " #")
		if err != nil || !strings.Contains(out, body+"\n") || strings.HasPrefix(out, "# no script") {
			t.Errorf("%s: %v\n%s", last, err, out)
			continue
		}
		var failed *CheckFailed
		if _, err := runScript(t, out); !errors.As(err, &failed) {
			t.Errorf("%s: %v\n%s", last, err, out)
		}
	}
}

// A script that does not show what it should says so.
func TestShrunkScriptIsRun(t *testing.T) {
	out, err := runScript(t, `
p = protocol("p", replica = role(on_round = lambda self, round: self.decide(0, 1)))
cluster(p, n = 2, f = 0)
round("A")
names = ["A"]
names.append("B")
def odd(v):
    return len(names) == 1
print(shrink(world(), validity(odd)))`)
	const note = "# no script plays this scenario again: run by itself, it shows nothing wrong\n# its steps are:\n#   round(\"A\")\nfail(\"no script plays this scenario again\")\n"
	if err != nil || out != note {
		t.Errorf("%v\n%s", err, out)
	}
}

// An invariant sees a state, and no past: what a search does not know must not
// look as if nothing had happened. It is so wherever it is judged.
func TestInvariantsHaveNoPast(t *testing.T) {
	stage := `
def on_round(self, round):
    self.last = round.number
    self.decide(round.number, self.id)
cluster(protocol("p", role(on_round = on_round)), n = 2, f = 0)
round("A")
space = rounds("A", partitions(max = 1)) * 2
`
	for _, c := range []struct{ fn, want string }{
		{"w.depth < 2", "depth: the world that an invariant is given has no past"},
		{"len(w.steps) < 2", "steps: the world"},
		{"w.parent == None", "parent: the world"},
		{"len(w.history()) < 3", "history: the world"},
		{"judge(validity([]), w).holds", "judge: validity: the world"},
		{"len(history()) < 99", "history: an invariant looks at the world that it is given and neither sees"},
		{"world().round_number < 99", "world: an invariant looks at"},
		{`state("A").last < 99`, "state: an invariant looks at"},
		{"explore(space, check = agreement()).ok", "explore: an invariant looks at"},
	} {
		for _, judged := range []string{"explore(space, check = i)", "sample(space, 1, check = i)", "judge(i)", "check(i)", "shrink(world(), i)"} {
			_, err := runScript(t, stage+"i = invariant(\"i\", lambda w: "+c.fn+")\n"+judged)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s in %s: %v, want %s", c.fn, judged, err, c.want)
			}
		}
	}
	// What is played from that world has a past, which begins there.
	for _, fn := range []string{
		`w.round("A").depth == 1 and len(w.round("A").history()) == 2 and w.round("A").parent == w`,
		`explore(space, check = validity(["A", "B"]), start = w).ok and judge(validity(["A", "B"]), w.round("B")).holds`,
		`w.round_number < 4 and w.state("B").last < 4 and not w.crashed and not w.faulty`,
	} {
		script := stage + "i = invariant(\"i\", lambda w: " + fn + ")\nprint(explore(space, check = i).ok, sample(space, 1, check = i).ok, judge(i).holds)"
		if out, err := runScript(t, script); err != nil || out != "True True True\n" {
			t.Errorf("%s: %v\n%s", fn, err, out)
		}
	}
}

// A text says in an invariant what is wrong; to a validity function it means
// nothing, and must not pass for True.
func TestValidityAnswers(t *testing.T) {
	stage := `
cluster(protocol("p", role(on_round = lambda self, round: self.decide(1, 1))), n = 2, f = 0)
`
	for answer, want := range map[string]string{
		`"wrong"`: "validity: the function returned a string, want True or False", "None": "returned nothing (a path without return?), want", "1": "returned an int, want",
	} {
		_, err := runScript(t, stage+"explore(rounds(), check = validity(lambda v: "+answer+"))")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", answer, err, want)
		}
	}
	if out, err := runScript(t, stage+"print(explore(rounds(), check = validity(lambda v: v == 1)).ok, explore(rounds(), check = validity(lambda v: v == 2)).ok)"); err != nil || out != "True False\n" {
		t.Errorf("%v\n%s", err, out)
	}
}

// A space without a scenario, and types that no instance is deaf to, would make
// everything hold.
func TestEmptyChoices(t *testing.T) {
	stage := `
def on_round(self, round):
    self.broadcast("m")
def on_m(self, m):
    self.decide(1, 1)
cluster(protocol("p", role(on_round = on_round, on_m = on_m)), n = 2, f = 0)
`
	for script, want := range map[string]string{
		"explore(rounds(leaders = []) * 2, check = agreement())":          "explore: the space holds no scenario",
		"sample(crashes([]) + rounds(), 3, check = agreement())":          "sample: the space holds no scenario",
		`rounds(types = ["m"])`:                                           "rounds: types names messages that no instance is deaf to",
		`rounds(deaf = [[], []], types = ["m"])`:                          "",
		`rounds(deaf = [[], ["A"]], types = ["m"])`:                       "",
		"explore((crashes([]) | rounds()) * 2, check = agreement())":      "",
		"explore(rounds() * 0, check = invariant(\"i\", lambda w: True))": "",
	} {
		_, err := runScript(t, stage+script)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", script, err, want)
		}
	}
}
