package stdlib_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// A slow count of the scenarios in which chained HotStuff violates agreement:
// the rules of the protocol and of rounds once more, for A, A', B, C, D with A
// leading, without any code of the simulation. Chains are as in streamlet: "1a 3b ".

type hotstuffRules struct{ prefer, consecutive bool }

// A copyState is what one instance knows between two rounds.
type copyState struct {
	high      string // the certified chain; "" for none
	own       string // what it proposed last
	preferred int
	committed string
	votes     string // for its turn as a leader: "A 1a 2a ;"
}

type hotstuffWorld struct {
	at      [5]copyState
	decided string // by correct replicas: "slot=value " in order
}

func identityOf(i int) string { return "AABCD"[i : i+1] }

// learn takes note of a certificate and returns the new commit, or "".
func (p hotstuffRules) learn(s *copyState, chain string) []string {
	if epoch(chain) > epoch(s.high) || epoch(chain) == epoch(s.high) && chain == s.own {
		s.high = chain
	}
	n := height(chain)
	parent := part(chain, n-1)
	if p.prefer {
		s.preferred = max(s.preferred, epoch(parent))
	}
	if n < 3 {
		return nil
	}
	first := part(chain, n-2)
	straight := epoch(first)+1 == epoch(parent) && epoch(parent)+1 == epoch(chain)
	if p.consecutive && !straight || strings.HasPrefix(s.committed, first) {
		return nil
	}
	var blocks []string
	for h := 1; h <= height(first); h++ {
		if block := part(first, h); !strings.HasPrefix(s.committed, block) {
			blocks = append(blocks, fmt.Sprintf("%d=%s", h, name(block)))
		}
	}
	s.committed = first
	return blocks
}

// round plays a round under a partition into two parts and reports whether the
// correct replicas still agree.
func (p hotstuffRules) round(w hotstuffWorld, number int, parts [5]int) (hotstuffWorld, bool) {
	decided := strings.Fields(w.decided)
	agree := true
	decide := func(i int, blocks []string) {
		for _, block := range blocks {
			if i < 2 || slices.Contains(decided, block) {
				continue
			}
			slot, _, _ := strings.Cut(block, "=")
			agree = agree && !slices.ContainsFunc(decided, func(d string) bool { return strings.HasPrefix(d, slot+"=") })
			decided = append(decided, block)
		}
	}
	var proposed, cert [2]string
	for i := range 2 { // the votes that reached the leaders, then their proposals
		s := &w.at[i]
		voters := map[string]map[string]bool{}
		for letter := range strings.SplitSeq(s.votes, ";") {
			if voter, chain, ok := strings.Cut(letter, " "); ok {
				if voters[chain] == nil {
					voters[chain] = map[string]bool{}
				}
				if voters[chain][voter] = true; len(voters[chain]) >= 3 {
					decide(i, p.learn(s, chain))
				}
			}
		}
		cert[i] = s.high
		s.own = s.high + fmt.Sprintf("%d%c ", number, 'a'+i)
		proposed[i] = s.own
	}
	voted := [5]string{}
	for i := range w.at {
		for l, chain := range proposed {
			if parts[i] != parts[l] {
				continue
			}
			if cert[l] != "" {
				decide(i, p.learn(&w.at[i], cert[l]))
			}
			if voted[i] == "" && epoch(cert[l]) >= w.at[i].preferred {
				voted[i] = chain
			}
		}
	}
	for l := range 2 {
		w.at[l].votes = ""
		for i, chain := range voted {
			if chain != "" && parts[i] == parts[l] {
				w.at[l].votes += identityOf(i) + " " + chain + ";"
			}
		}
	}
	slices.Sort(decided)
	w.decided = strings.Join(decided, " ")
	return w, agree
}

// violations counts the scenarios of so many rounds in which agreement breaks.
func (p hotstuffRules) violations(rounds int, whole bool) (violating, worlds int) {
	var partitions [][5]int
	for bits := range 16 {
		if bits > 0 || whole {
			partitions = append(partitions, [5]int{0, bits & 1, bits >> 1 & 1, bits >> 2 & 1, bits >> 3})
		}
	}
	layer := map[hotstuffWorld]int{{}: 1}
	for number := range rounds {
		worlds += len(layer)
		next := map[hotstuffWorld]int{}
		violating *= len(partitions)
		for w, count := range layer {
			for _, parts := range partitions {
				if to, agree := p.round(w, number+1, parts); agree {
					next[to] += count
				} else {
					violating += count
				}
			}
		}
		layer = next
	}
	return violating, worlds + len(layer)
}

// The search counts as many violations as the slow count does.
func TestHotStuffViolations(t *testing.T) {
	for _, test := range []struct {
		options string
		rules   hotstuffRules
		whole   bool
		rounds  int
		want    int
	}{
		{"", hotstuffRules{true, true}, true, 6, 0},
		{"prefer = False", hotstuffRules{false, true}, false, 7, 457728},
		{"prefer = False", hotstuffRules{false, true}, true, 7, 704384},
		{"consecutive = False", hotstuffRules{true, false}, true, 7, 1573888},
	} {
		if testing.Short() && test.rounds > 6 && test.whole {
			continue
		}
		t.Run(fmt.Sprint(test.options, test.whole), func(t *testing.T) {
			parts := "exactly = 2"
			if test.whole {
				parts = "max = 2"
			}
			got := output(t, fmt.Sprintf(`
load("@std//hotstuff.star", "hotstuff")
cluster(hotstuff(%s))
twin("A")
report = explore(rounds("faulty", partitions(%s)) * %d, check = agreement())
print(report.violations[0].scenarios if report.violations else 0)
`, test.options, parts, test.rounds))
			slow, worlds := test.rules.violations(test.rounds, test.whole)
			t.Log(worlds, "worlds")
			if slow != test.want || got != fmt.Sprintln(test.want) {
				t.Errorf("the search counts %s, the slow count %d, want %d", strings.TrimSpace(got), slow, test.want)
			}
		})
	}
}

// What has no effect is reported the same with symmetry and without: votes to the
// next leader are lost, but none of those to a replica that is alone.
func TestNoEffectUnderSymmetry(t *testing.T) {
	for _, test := range []struct{ space, want string }{
		{`rounds("any", partitions(max = 2), deaf = [["B"], ["C"], ["D"]], types = ["vote"]) * 3`, "[]\n"},
		{`rounds("any", partitions(exactly = 5), deaf = [["B"], ["C"], ["D"]], types = ["propose", "vote"]) * 3`,
			`["B deaf: it never loses a message of type \"propose\"", "B deaf: it never loses a message of type \"vote\"", ` +
				`"C deaf: it never loses a message of type \"propose\"", "C deaf: it never loses a message of type \"vote\"", ` +
				`"D deaf: it never loses a message of type \"propose\"", "D deaf: it never loses a message of type \"vote\""]` + "\n"},
	} {
		for _, symmetry := range []string{"False", "True"} {
			got := output(t, fmt.Sprintf(`
load("@std//hotstuff.star", "hotstuff")
cluster(hotstuff())
twin("A")
report = explore(%s, check = agreement(), symmetry = %s)
print(report.renamings > 1)
print(["%%s: %%s" %% (n.choice, n.why) for n in report.no_effect])
`, test.space, symmetry))
			if got != symmetry+"\n"+test.want {
				t.Errorf("%s, symmetry = %s: got %s", test.space, symmetry, got)
			}
		}
	}
}

// What is possible in one world is possible, renamed, in those that it stands for.
func TestPossibleUnderSymmetry(t *testing.T) {
	for _, symmetry := range []string{"False", "True"} {
		got := output(t, fmt.Sprintf(`
def on_timeout(self):
    self.waited = True

cluster(protocol("waiting", symmetric = True, replica = role(on_timeout = on_timeout)), n = 3, f = 0)
space = crashes(["A", "B", "C"]) + crashes(["A", "B", "C"]) + (timeouts(["A"]) | timeouts(["B"]) | timeouts(["C"]))
report = explore(space, check = agreement(), symmetry = %s)
print(report.renamings > 1, report.no_effect)
`, symmetry))
		if got != symmetry+" []\n" {
			t.Errorf("symmetry = %s: got %s", symmetry, got)
		}
	}
}
