package dsl

import (
	"strings"
	"testing"
)

// tossing is a protocol in which each replica takes over what its coin shows, as often as
// the scenario says that a round begins, and decides it in the slot of the round.
const tossing = `
def init(self):
    self.value = None

def on_round(self, round):
    self.value = self.coin("c")
    self.decide(round.number, self.value)

p = protocol("tossing", role(init = init, on_round = on_round), coins = [0, 1, "x"])
def values(w):
    return [w.state(i).value for i in ["A", "B", "C", "C'"]]
cluster(p, n = 3, f = 0)
twin("C")
`

// What a coin shows reaches whom the step says, once, whatever else happens to them.
func TestCoin(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]string{
		`coin("c", 1); round("A")`:                                               `[1, 1, 1, 1]`,
		`coin("c", 1); coin("c", 0); round("A")`:                                 `[0, 0, 0, 0]`,
		`coin("c", 1.0); round("A")`:                                             `[1, 1, 1, 1]`,
		`coin("c", [0, 1], groups = [["A", "C'"], ["B", "C"]]); round("A")`:      `[0, 1, 1, 0]`,
		`coin("c", "x"); coin("c", 0, groups = [["B"]]); round("A")`:             `["x", 0, "x", "x"]`,
		`coin("c", 1); round("A"); coin("c", 0); round("A")`:                     `[0, 0, 0, 0]`,
		`coin("*", 1); round("A"); round("A")`:                                   `[1, 1, 1, 1]`,
		`coin("*", 1); coin("c", 0, groups = [["B"]]); round("A")`:               `[1, 0, 1, 1]`,
		`coin("c", 1); restart("A"); amnesia("B"); round("A")`:                   `[1, 1, 1, 1]`,
		`crash("A"); coin("c", 1); restart("A"); round("A")`:                     `[1, 1, 1, 1]`,
		`coin("c", 1); crash("A"); round("A"); restart("A")`:                     `[None, 1, 1, 1]`,
		`coin("c", 1); coin("d", 0); round("A")`:                                 `[1, 1, 1, 1]`,
		`coin("c", [1, 0], groups = [["A", "B", "C"], ["C'"]]); round("A")`:      `[1, 1, 1, 0]`,
		`coin("c", [0, 0], groups = [["A", "B"], ["C", "C'"]]); round("A")`:      `[0, 0, 0, 0]`,
		`coin("c", 1); w = world(); round("A"); goto(w.coin("c", 0).round("A"))`: `[0, 0, 0, 0]`,
	} {
		if strings.Contains(script, "goto") {
			script = strings.Replace(script, "goto(", "print(values(", 1) + ")"
		} else {
			script += "; print(values(world()))"
		}
		out, err := runScript(t, tossing+strings.ReplaceAll(script, "; ", "\n"))
		if err != nil || strings.TrimSpace(out) != want {
			t.Errorf("%s: %q, %v, want %s", script, out, err, want)
		}
	}
}

// A step that asks for what no throw says cannot happen, and says what is missing where.
func TestCoinIsLacking(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]string{
		`round("A")`:                                              `round("A"): A reads the coin "c" (x.star:6:27), of which no throw is left for it`,
		`coin("c", 0); round("A"); round("A")`:                    `A reads the coin "c" (`,
		`coin("c", 0, groups = [["A"]]); round("A")`:              `B reads the coin "c" (`,
		`coin("d", 0); round("A")`:                                `A reads the coin "c" (`,
		`coin("c", 0); round("B"); deliver(); undo(); round("A")`: `A reads the coin "c" (`,
	} {
		out, err := runScript(t, tossing+strings.ReplaceAll(script, "; ", "\n"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %q, %v, want %s", script, out, err, want)
		}
	}
	// In a search such scenarios end early, and a report says of each step that never could happen why.
	out, err := runScript(t, tossing+`
r = explore((coins("c", 0) + rounds("A", partitions(max = 1))) * 2 | rounds("A", partitions(max = 1)) * 2, check = agreement())
print(r)
s = explore(maybe(coins("c", 0)) + rounds("A", partitions(max = 1)), check = agreement())
print(s)
`)
	if err != nil || !strings.Contains(out, "50.0% ended early") {
		t.Errorf("%v\n%s", err, out)
	}
}

// What makes no sense is refused, with the place and what would be right.
func TestBadCoins(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]string{
		`coin("c", 2)`:                               `coin: shows: 2; a coin of protocol tossing shows 0, 1 or "x"`,
		`coin("c", True)`:                            `coin: shows: True; a coin of protocol tossing shows 0, 1 or "x"`,
		`coin("c", None)`:                            `coin: shows: got NoneType, want what a coin shows`,
		`coin("c", [])`:                              `coin: shows: no value is given, want one of 0, 1 or "x"`,
		`coin("c", [0, 1])`:                          `coin: shows: 2 values, and no groups of instances that see one each`,
		`coin("c", [0, 1], groups = [["A"]])`:        `coin: groups: there are 1, and 2 values to see; want one group for each`,
		`coin("c", [0, 1], groups = [["A"], []])`:    `coin: groups: no instance is named`,
		`coin("c", [0, 1], groups = [["A"], ["A"]])`: `coin: groups: A is in two groups`,
		`coin("c", 0, groups = [["Z"]])`:             `coin: groups: no instance "Z"`,
		`coin("c", 0, groups = ["A"])`:               `want a list of groups, as in [["A", "B"], ["C"]]`,
		`coin("", 0)`:                                `coin: the name is empty; name the coin as the code of the protocol does`,
		`coin("c")`:                                  `coin: shows is missing; it is coin(name, shows, groups=None)`,
		`coin(1, 0)`:                                 `coin: name: got int, want string`,
		`coins("c", [0, 7])`:                         `coins: coin: shows: 7; a coin of protocol tossing shows`,
		`coins("c", [])`:                             `coins: shows is empty, want one value at least`,
		`coins("c", local = [])`:                     `coins: local: got an empty list, want True, for all servers, or a list of instances`,
		`coins("c", local = 1)`:                      `coins: local: got int, want True, for all servers, or a list of instances`,
		`coins("c", local = ["A", "A"])`:             `A is named twice`,
		`coins("c", local = ["Z"])`:                  `coins: coin: groups: no instance "Z"`,
		`coin("c", range(1 << 40))`:                  `coin: shows: got a range of more than 1024 values, want at most so many`,
		`coins("c", range(1 << 40), local = True)`:   `coins: shows: got a range of more than 1024 values, want at most so many`,
		`protocol("q", role(), coins = range(1025))`: `protocol: coins: got a range of more than 1024 values, want at most so many`,
		`protocol("q", role(), coins = [0])`:         `protocol q: coins lists what a coin may show, and no function reads one; code does so by self.coin(name)`,
		`protocol("q", role(), coins = [0, 0.0])`:    `protocol: coins: 0 stands twice in the list`,
		`protocol("q", role(), coins = [None])`:      `got NoneType, want what a coin shows`,
		`cluster(protocol("q", role(on_round = lambda self, round: None)), n = 1, f = 0); coin("c", 0)`:                                                           `coin: protocol q reads no coins: it lists nothing that one may show`,
		`cluster(protocol("q", role(on_round = lambda self, round: None)), n = 1, f = 0); coins("c")`:                                                             `coins: protocol q reads no coins: it lists nothing that one may show; list it in protocol(…, coins = [0, 1])`,
		`cluster(protocol("q", role(on_round = lambda self, round: [self.coin("c"), None][1])), n = 1, f = 0); round("A"); print(history()[0].text); fail("end")`: `end`,
	} {
		if strings.HasPrefix(script, "protocol") {
			script = "cluster(" + script + ", n = 1, f = 0)"
		}
		out, err := runScript(t, tossing+strings.ReplaceAll(script, "; ", "\n"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %q, %v, want %s", script, out, err, want)
		}
		if want == "end" && !strings.Contains(out, "self.coin: protocol q does not list what a coin may show; write protocol(…, coins = [0, 1])") {
			t.Errorf("%s: %s", script, out)
		}
	}
}

// agreeing is a protocol of two replicas that is wrong with some coins: who hears the other's value
// decides the smaller one, who hears nothing decides what a coin shows. With careful = True that
// one waits.
const agreeing = `
def agreeing(careful, common = False):
    def init(self):
        self.heard = []
    def on_round(self, round):
        self.heard = []
        self.broadcast("value", v = round.number, at = round.number)
    def on_value(self, m):
        self.heard.append(m.sender)
    def on_timeout(self):
        if len(self.heard) == self.n:
            self.decide(1, 0)
        elif not careful:
            self.decide(1, self.coin("r%d" % len(self.heard)))
    return protocol("agreeing", role(init = init, on_round = on_round, on_value = on_value, on_timeout = on_timeout), coins = [0, 1])
`

// A search finds which coins break agreement, and nothing in the corrected version. What
// it finds is played again, shrunk, explained and written as a script; coins that are never read
// are named.
func TestSearchOfCoins(t *testing.T) {
	t.Parallel()
	search := agreeing + `
def search(p, **args):
    cluster(p, n = 2, f = 0)
    space = coins("r1", local = True) + coins("r2") + rounds("A", partitions(max = 2)) + timeouts(all = True)
    return explore(space, check = agreement(), **args)
`
	out, err := runScript(t, search+`
r = search(agreeing(careful = False))
print(r)
print(r.violations[0].scenarios, r.counterexample)
s = shrink(r)
print(s.script)
print(why(r))
show(r, "mermaid")
show(r, "json")
`)
	for _, want := range []string{
		"scenarios  16   all covered",
		`no effect  the coin "r2": no instance ever reads it`,
		"\n4 ", // of the 8 in which the network is parted
		`coin("r1", [0, 1], groups = [["A"], ["B"]])`,
		"check(agreement())",
		"the coin r1 shows",
		`"kind":"coin"`,
	} {
		if err != nil || !strings.Contains(strings.ReplaceAll(out, `"kind": "`, `"kind":"`), want) {
			t.Errorf("%v: no %q in\n%s", err, want, out)
		}
	}
	out, err = runScript(t, search+`
r = search(agreeing(careful = True))
print(r.ok, r.covered, [str(e) for e in r.no_effect])
`)
	if err != nil || !strings.Contains(out, `True 16 [`) || !strings.Contains(out, `\"the coin \\\"r1\\\"\"`) {
		t.Errorf("%v\n%s", err, out)
	}
}

// Worlds are equal only if what their coins will show is, and throws that were read leave
// nothing behind.
func TestCoinsAndEqualWorlds(t *testing.T) {
	t.Parallel()
	out, err := runScript(t, `
def on_round(self, round):
    self.coin("c")
def on_timeout(self):
    self.decide(1, self.coin("c"))
p = protocol("p", role(on_round = on_round, on_timeout = on_timeout), coins = [0, 1])
cluster(p, n = 2, f = 0)
rounds_ = rounds("A", partitions(max = 1))
read = explore(coins("c", local = True) + rounds_, check = agreement())
unread = explore(coins("c", local = True) + timeouts("A") + timeouts("B"), check = agreement())
print(read.worlds, unread.worlds, unread.violations[0].scenarios)
`)
	if err != nil || strings.TrimSpace(out) != "2 9 2" {
		t.Errorf("%v\n%s", err, out)
	}
}

// Views and each take coins as any choice, and symmetric protocols are searched up to names
// with what their own coins show.
func TestCoinsInSpaces(t *testing.T) {
	t.Parallel()
	out, err := runScript(t, `
def init(self):
    self.value = 0
def on_round(self, round):
    self.value = self.coin("c")
    self.broadcast("value", v = self.value)
def on_value(self, m):
    if m.v != self.value:
        self.decide(1, m.v)
p = protocol("p", role(init = init, on_round = on_round, on_value = on_value), symmetric = True, coins = [0, 1])
cluster(p, n = 3, f = 0)
shared = view("v", each(coins("c", local = True), partitions(max = 2), lambda c, p: c + rounds("A", p)))
print(shared.size, shared.at(9)[0].steps[0])
symmetric = view("v", coins("c", local = True) + rounds("any", partitions(max = 2)))
for name, space in [("shared", shared), ("symmetric", symmetric), ("plain", coins("c", local = True) + rounds("any", partitions(max = 2)))]:
    a = explore(space * 2 if name != "plain" else space, check = agreement(), symmetry = True)
    b = explore(space * 2 if name != "plain" else space, check = agreement(), symmetry = False)
    print(name, a.violations[0].scenarios == b.violations[0].scenarios, a.worlds < b.worlds, a.covered == b.covered, a.counterexample.depth == b.counterexample.depth)
print(symmetric.orbits, coins("c", local = True).orbits, coins("c").orbits)
kept = coins("c", local = True).filter(lambda s: s.kind == "coin" and s.name == "c" and s.groups != None)
print(kept.size, kept.at(0)[0].shows, kept.at(0)[0].groups, coins("c").at(1)[0].shows)
`)
	want := `32 coin("c", [0, 1], groups = [["A", "C"], ["B"]])
shared True True True True
symmetric True True True True
plain True True True True
20 4 2
6 [0, 1] [["A", "B"], ["C"]] 1
`
	if err != nil || out != want {
		t.Errorf("%v\n%s\nwant\n%s", err, out, want)
	}
}

// A good network throws all coins anew, which show the same: a protocol that ends with
// luck is live, one that does not is not, whatever they show.
func TestGoodNetworkThrowsCoins(t *testing.T) {
	t.Parallel()
	const stage = `
def matching(wanted):
    def init(self):
        self.value, self.done = 0, False
    def on_round(self, round):
        if not self.done and self.coin("r%d" % round.number) == wanted:
            self.done = True
            self.decide(1, wanted)
    return protocol("matching", role(init = init, on_round = on_round), coins = [0, 1])
def verdicts(wanted):
    cluster(matching(wanted), n = 3, f = 0)
    coin("r1", 0)
    print([judge(q).holds for q in [live(4), terminates(4), eventually("one is done", lambda w: w.state("A").done, 4)]])
`
	for wanted, want := range map[string]string{"0": "[True, True, True]\n", "1": "[True, True, True]\n", "2": "[False, True, False]\n"} {
		out, err := runScript(t, stage+"verdicts("+wanted+")")
		if err != nil || out != want {
			t.Errorf("wanted %s: %q, %v, want %q", wanted, out, err, want)
		}
	}
	out, err := runScript(t, stage+`
cluster(matching(2), n = 3, f = 0)
coin("r1", 0)
v = judge(live(4))
print(v.why)
r = explore(rounds("A", partitions(max = 1)), check = live(4))
print(shrink(r).script)
`)
	for _, want := range []string{
		"with all coins thrown from there on showing 0, and likewise with any other value, no correct replica decides",
		`coin("*", 0`,
	} {
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("%v: no %q in\n%s", err, want, out)
		}
	}
}
