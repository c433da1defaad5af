package dsl

import (
	"regexp"
	"strings"
	"testing"
)

// viewed finds, in the second of two views of two rounds, that two values are decided.
const viewed = `
def decide(self, round):
    if round.number > 2:
        self.decide(1, round.input)
cluster(protocol("hasty", replica = role(on_round = decide)), n = 3, f = 0)
report = explore(view("v", rounds("A") + rounds("B")) * 2, check = agreement(), first = True)
`

// The steps of views are steps of the scenario, and none of a good network's.
func TestNoStepOfAViewIsGood(t *testing.T) {
	t.Parallel()
	out, err := runScript(t, viewed+"show(report)\nshow(report, \"json\")")
	if err != nil || !strings.Contains(out, "\n    view 2 \"v\"\n 3  round 3") {
		t.Errorf("%v, and the picture does not number the steps of views:\n%.2000s", err, out)
	}
	if strings.Contains(out, "good: ") || strings.Contains(out, `"good":`) {
		t.Errorf("steps of the scenario are those of a good network in\n%.2000s", out)
	}
}

// After views the steps of a good network are marked, and only these: those that a
// liveness property takes.
func TestGoodStepsAfterViews(t *testing.T) {
	t.Parallel()
	out, err := runScript(t, `
def begin(self):
    self.stuck = False
def jam(self):
    self.stuck = True
def decide(self, round):
    if not self.stuck:
        self.decide(1, "x")
cluster(protocol("jams", replica = role(init = begin, on_timeout = jam, on_round = decide)), n = 3, f = 0)
report = explore(view("v", timeouts(["A"]) + timeouts(["B"])), check = terminates(within = 6), first = True)
show(report)
run(report.counterexample.steps)
show(check = terminates(within = 6))
`)
	good := 0
	for _, step := range regexp.MustCompile(`(?m)^ +(\d+)  (good: )?`).FindAllStringSubmatch(out, -1) {
		if marked := step[2] != ""; marked != (step[1] != "1" && step[1] != "2") {
			t.Errorf("step %s: marked as one of a good network is %v, after two of the scenario", step[1], marked)
		} else if marked {
			good++
		}
	}
	if err != nil || good == 0 {
		t.Errorf("%v: %d steps of a good network in\n%s", err, good, out)
	}
}

// A story, a verdict and a picture number steps in one way, and name the view.
func TestStoriesNumberStepsAsPicturesDo(t *testing.T) {
	t.Parallel()
	out, err := runScript(t, viewed+"print(why(report))\nprint(report)")
	for _, want := range []string{
		`A decides "3a" in slot 1 in step 3 (view 2).`,
		`A decided "3a" for slot 1 in view 2 (steps 3 and 4), but B decided`,
		"shortest after 2 steps",
	} {
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("%v: no %q in\n%s", err, want, out)
		}
	}
}
