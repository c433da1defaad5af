package dsl

import (
	"errors"
	"strings"
	"testing"
)

// gauges are replicas with a number that timeouts and rounds move, so that worlds are come to from
// several sides: 0 from 1 and from 2, of which only the latter falls by more than one.
const gauges = `
load("@std//assert.star", "assert")
def init(self):
    self.x = 0
def on_timeout(self):
    self.x = {0: 1, 1: 2, 2: 0}[self.x]
def on_m(self, m):
    self.x = 0 if m.sender != self.id else self.x
def on_round(self, round):
    self.broadcast("m")
cluster(protocol("gauges", replica = role(init = init, on_timeout = on_timeout, on_round = on_round, on_m = on_m)), n = 2, f = 0)
def slowly(most):
    def falls(before, after):
        for i in ["A", "B"]:
            if before.state(i).x - after.state(i).x > most:
                return "%s falls from %d to %d" % (i, before.state(i).x, after.state(i).x)
        return True
    return invariant("slowly", falls)
begin = world()
`

// brute plays scenarios one by one and looks at each step, as a script would without properties of
// steps.
const brute = `
def brute(space, most):
    wrong, shortest = 0, None
    for scenario in space:
        enter(begin)
        run(scenario)
        after, first = world(), None
        for _ in scenario:
            if any([after.parent.state(i).x - after.state(i).x > most for i in ["A", "B"]]):
                first = after.depth
            after = after.parent
        if first != None:
            wrong += 1
            shortest = first if shortest == None else min(shortest, first)
    enter(begin)
    return wrong, shortest
`

// Searches, samples, judge and shrink come to what brute force does, whatever the workers and
// whatever else is judged; the right bound is violated nowhere.
func TestInvariantsOfSteps(t *testing.T) {
	out, err := runScript(t, gauges+brute+`
space = (timeouts() | rounds("A")) * 4
for most in [0, 1, 2]:
    wrong, shortest = brute(space, most)
    for r in [explore(space, check = slowly(most), workers = 3), explore(space, check = [slowly(most), invariant("small", lambda w: w.state("A").x < 2)]),
              sample(space, space.size, check = slowly(most)), explore(space, check = slowly(most), symmetry = True)]:
        found = [v for v in r.violations if v.property == "slowly"]
        assert.eq([(v.scenarios, v.length) for v in found], [(wrong, shortest)] if wrong else [])
        for v in found:
            assert.true(not judge(slowly(most), v.counterexample).holds and judge(slowly(most), v.counterexample.parent).holds)
            assert.eq(v.why, judge(slowly(most), v.counterexample).why)
            assert.eq(shrink(v.counterexample, slowly(most)).world.depth, shortest)
    print(most, wrong > 0, shortest)
`)
	if err != nil || out != "0 True 2\n1 True 3\n2 False None\n" {
		t.Errorf("%v\n%s", err, out)
	}
}

// A view is one step: what falls and rises within it did not change. The other way round a view may
// change more than each of its steps, and is shrunk as a view.
func TestInvariantsOfViews(t *testing.T) {
	out, err := runScript(t, gauges+`
round_trip = timeouts(["A"]) * 3
print(explore(round_trip, check = slowly(1)).ok, explore(view("v", round_trip), check = slowly(1)).ok)
def rises(before, after):
    return after.state("A").x - before.state("A").x < 2
rises = invariant("rises", rises)
twice = timeouts(["A"]) * 2
print(explore(twice, check = rises).ok)
r = explore(timeouts(["B"]) + view("v", twice), check = rises)
print(r.ok, r.violations[0].why, shrink(r).world.steps)
print(why(r))
`)
	want := `False True
True
False view 2 (steps 2 and 3): rises does not hold [view "v": timeout("A"); timeout("A")]
`
	if err != nil || !strings.HasPrefix(out, want) {
		t.Errorf("%v\n%s", err, out)
	}
}

// What lies before the start counts, as for properties of histories, by who is faulty at the start. A
// step that leaves the world as it was is not judged, and where there is no other nothing is proven.
func TestWhichStepsAreJudged(t *testing.T) {
	out, err := runScript(t, gauges+`
for i in range(3):
    timeout("A")
after = timeouts(["B"])
r = explore(after, check = slowly(1))
print(r.violations[0].length, r.violations[0].why, sample(after, 1, check = slowly(1)).ok, judge(slowly(1)).holds)
print(why(slowly(1)).split("\n")[-1])
print(explore(after, check = slowly(1), start = begin).ok)
never = invariant("never", lambda before, after: False)
v = judge(never, begin)
print(v.holds, v.vacuous, explore(timeouts() * 0, check = never, start = begin).ok)
print(judge(never, begin.heal()).vacuous, explore(heals(), check = never, start = begin).ok)
bounded = invariant("never", lambda before, after: False, faults = 0)
amnesia("B")
print(judge(bounded).holds, judge(never).holds, explore(after, check = bounded).ok, explore(after, check = never).ok)
print(explore(after, check = bounded, start = begin).ok)
`)
	want := `0 step 3: A falls from 2 to 0 False False
slowly is violated: step 3: A falls from 2 to 0.
True
True True True
True True
True False True False
False
`
	if err != nil || out != want {
		t.Errorf("%v\n%s", err, out)
	}
}

// Code that fails where such a function plays on is a finding, from the world after a step as from
// that before it.
func TestInvariantsOfStepsPlayOn(t *testing.T) {
	for _, on := range []string{`before.round("A").round("A")`, `after.round("A")`} {
		for _, judged := range []string{
			`[(f.instance, f.counterexample.depth) for f in explore(rounds("A", partitions(max = 1)), check = p).failures]`,
			`[(f.instance, f.step) for f in judge(p, world().round("A")).failures]`,
		} {
			out, err := runScript(t, upTo+`
cluster(counts(2, "B"))
p = invariant("plays", lambda before, after: `+on+`.round_number > 0)
print(`+judged+")")
			if err != nil || out != "[(\"B\", 2)]\n" {
				t.Errorf("%s, %s: %v\n%s", on, judged, err, out)
			}
		}
	}
}

// Mistakes have a place and a remedy.
func TestMistakesInInvariantsOfSteps(t *testing.T) {
	for script, want := range map[string]string{
		`invariant("i", lambda: True)`:                                      "invariant: fn: lambda cannot be called with one argument, the world, nor with two, the worlds before and after a step",
		`invariant("i", lambda a, b, c: True)`:                              "invariant: fn: lambda cannot be called with one",
		`at_end(invariant("i", lambda a, b: True))`:                         "at_end: i is judged of steps, and what one of them violates stays violated; want",
		`eventually("e", lambda a, b: True, within = 3)`:                    "eventually: fn: lambda cannot be called with one argument, the world",
		`explore(one, check = invariant("i", lambda a, b: None))`:           "invariant i: the function returned nothing",
		`explore(one, check = invariant("i", lambda a, b: ""))`:             `invariant i: the function returned the text ""`,
		`explore(one, check = invariant("i", lambda a, b: a.steps))`:        "invariant i: steps: the world that an invariant is given has no past",
		`explore(one, check = invariant("i", lambda a, b: b.parent))`:       "invariant i: parent: the world that an invariant is given has no past",
		`explore(one, check = invariant("i", lambda a, b: world()))`:        "an invariant looks at the world that it is given and neither sees",
		`explore(one, check = invariant("i", lambda a, b: 1 // 0))`:         "invariant i: floored division by zero",
		`sample(one, 1, check = invariant("i", lambda a, b: 1 // 0))`:       "invariant i: floored division by zero",
		`explore(one, check = invariant("i", lambda a, b: seen.append(1)))`: "append: cannot append to frozen list; a property cannot change what it sees",
		`explore(one, check = invariant("j", lambda w: judge(p, w).holds))`: "judge: p: the world that an invariant is given has no past",
	} {
		_, err := runScript(t, gauges+"one = timeouts()\nseen = []\np = invariant(\"p\", lambda a, b: True)\n"+script)
		var failed *CheckFailed
		if err == nil || errors.As(err, &failed) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", script, err, want)
		}
	}
}
