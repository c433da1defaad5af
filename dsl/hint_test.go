package dsl

import (
	"strings"
	"testing"

	"go.starlark.net/starlark"
)

const hinted = `
def on_round(self, round):
    self.decide(1, 1)
def make():
    return protocol("p", role(on_round = on_round))
p = make()
cluster(p)
`

// An error of a call that means something else says what is right.
func TestHints(t *testing.T) {
	for script, want := range map[string]string{
		`round("A") * 2`:                       `round("A") has happened and is no space; rounds(…) * 2 lists what may happen`,
		`2 * round("A")`:                       `rounds(…) * 2 lists`,
		`crash("A") + rounds()`:                `crash("A") has happened and is no space; crashes(…) + … lists`,
		`rounds() | crash("A")`:                `crash("A") has happened and is no space; … | crashes(…) lists`,
		`heal() * 2`:                           `heal() has happened and is no space; heals(…) * 2 lists what may happen`,
		`world() * 2`:                          `a world is no space; exchanges(…) and rounds(…) are`,
		`explore(round("A"))`:                  `got world, want space; round("A") has happened and is no space; rounds(…) lists`,
		`rounds * 2`:                           "rounds is a function and has to be called: rounds(…) * 2",
		`rounds() + crashes`:                   "crashes is a function and has to be called: … + crashes(…)",
		`explore(rounds)`:                      "rounds is a function and has to be called: rounds(…)",
		`explore(rounds(), check = agreement)`: "agreement is a function and has to be called: agreement(…)",
		`cluster(make)`:                        "cluster: protocol: got function, want protocol; make is a function and has to be called: make(…)",
		`cluster(p())`:                         "invalid call of non-function (protocol); p is a protocol already, as in cluster(p, …)",
		"r = rounds()\nexplore(r())":           "r is a space already, as in explore(r, …)",
		"if True:\n    show = 3\nshow()":       "invalid call of non-function (int); show is the variable that is defined in line 8, not the builtin",
		"\ndef show(self):\n    return self.x\nshow(p)":               "protocol has no .x field or method; show is the function that is defined in line 9, not the builtin",
		"def show(self):\n    pass\nshow()":                           "function show missing 1 argument (self); show is the function that is defined in line 8, not the builtin",
		"def run(x):\n    fail('no', x)\nrun(1)":                      "x.star:9:9: no 1\n",
		"def f(x):\n    return x.y\nf(1)":                             "int has no .y field or method\n",
		`check([agreement])`:                                          "check: property: got a list with the function agreement, which has to be called, in it, want properties",
		`cluster(p, clients = {"c": [make]})`:                         "cluster: clients: c: got a list with the function make, which has to be called, in it, want operations",
		`cluster(p, clients = {"c": [1]})`:                            "got a list with int in it, want operations",
		`exchanges()`:                                                 "exchanges: the protocol p has no clients; what happens to it are rounds(…)",
		`view("v", [rounds(), rounds()])`:                             "view: space: got list, want space; a + b is one space after the other, a | b either",
		`each([1], lambda i: [rounds()])`:                             "fn returned a list for 1, want a space or a step; a + b is one",
		`each([1], lambda i: None)`:                                   "fn returned nothing (a path without return?) for 1, want a space or a step",
		`each(["A"], lambda l: round(l))`:                             "plural nouns make spaces, as in rounds(leader)",
		`rounds() * 2.5`:                                              "a space is repeated a whole number of times, as in space * 2",
		`rounds()[0]`:                                                 "the scenarios of a space are space.at(i), as in space.at(0)",
		`exchanges(reach = ["A"])`:                                    `reach: got a list with the string "A" in it, want a list of reaches, as in [["A", "B"], ["C"]]`,
		`exchanges(reach = quorums)`:                                  "reach: got the function quorums, which has to be called, want a list of reaches",
		`check(linearizable(keyed))`:                                  "model: got the function keyed, which has to be called, want a model",
		`digest("x").value`:                                           "digest has no .value field or method; a digest has no fields",
		`undo(1, 2)`:                                                  "undo: got 2 arguments by position, want at most 1",
		`exchanges("c1")`:                                             "no instance \"c1\"",
		`protocol("q", on_round)`:                                     "got function, want role\n",
		"x = [p]\nx[0]()":                                             "invalid call of non-function (protocol)\n",
		"def show(self):\n    return self.x\nsorted([1], key = show)": "int has no .x field or method\n",
	} {
		_, err := runScript(t, hinted+script)
		if want != "" && (err == nil || !strings.Contains(err.Error()+"\n", want)) {
			t.Errorf("%s: %v, want %q", script, err, want)
		}
	}
}

// A protocol that has clients says how a system gets them.
func TestHintOfClients(t *testing.T) {
	_, err := runScript(t, `
def on_exchange(self):
    pass
cluster(protocol("p", role(), client = role(on_exchange = on_exchange)))
exchanges()`)
	if err == nil || !strings.Contains(err.Error(), `exchanges: no client is in the system; cluster takes them, as in cluster(…, clients = {"c1": [read()]})`) {
		t.Error(err)
	}
}

// In a shell a name may have been defined in another statement.
func TestHintInShell(t *testing.T) {
	in := testInterpreter(t, nil)
	evalAll(t, in, "def show(self):\n    return self.x\n")
	err := in.EvalText(t.Context(), "[9]", "show(3)", func(starlark.Value) {})
	if err == nil || !strings.Contains(err.Error(), "int has no .x field or method; show is the function that") {
		t.Error(err)
	}
}

// A script can show each report.
func TestShowNothing(t *testing.T) {
	stage := hinted + "r = explore(rounds(), check = agreement())\n"
	const says = "nothing is violated in all 32 scenarios; show(report.passing[0]) takes a scenario that holds\n"
	for script, want := range map[string]string{
		"show(r)": says, `show(r, "messages")`: says, "show(r.passing[0])": "p   n=4 f=1\n",
		`show(explore(rounds() * 30, check = agreement(), max_worlds = 1))`: "nothing is violated as far as was judged: at the beginnings of all scenarios, up to ",
	} {
		if out, err := runScript(t, stage+script); err != nil || !strings.HasPrefix(out, want) {
			t.Errorf("%s: %v\n%s", script, err, out)
		}
	}
	for script, want := range map[string]string{
		`show(r, "mermaid")`: "show: nothing is violated in all 32 scenarios; show(report.passing[0])",
		`show(r, "mesages")`: "did you mean messages?",
		`enter(r)`:           "enter: the report has no counterexample; enter(report.passing[0]) takes a scenario that holds",
	} {
		if _, err := runScript(t, stage+script); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", script, err, want)
		}
	}
}

// A singular verb acts, a plural noun enumerates: no act is without its noun.
func TestEveryActHasANoun(t *testing.T) {
	for _, family := range []Family{actsFamily(), faultsFamily(), networkFamily()} {
		for _, act := range family.Entries {
			if pluralOf(act.Name()) == "" {
				t.Errorf("no space lists what %s may do", act.Name())
			}
		}
	}
}
