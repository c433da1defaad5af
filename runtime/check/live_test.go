package check_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/node"
)

// A ballot is a protocol in which the leader of a round proposes the value that
// it voted for, or else its input, servers vote before everybody, and 2f+1
// votes for a value decide it. It comes with rules that break its progress.
type ballot struct {
	once     bool   // a server votes for the first value that it sees, for ever
	only     string // only this one decides
	rounds   int    // a server decides after that many rounds of one leader in a row
	noRound  bool   // there are no rounds
	remember bool   // a server remembers what its input was in this round
}

func (ballot) Name() string { return "ballot" }
func (p ballot) NewServer(self node.Self) (node.Node, error) {
	return &balloter{rule: p, self: self}, nil
}
func (ballot) NewClient(node.Self, []node.Operation) (node.Node, error) {
	return nil, errors.New("no clients")
}

type balloter struct {
	rule ballot
	self node.Self
	ballotState
}

type ballotState struct {
	Round  int
	Leader string
	InARow int
	Voted  string
	Input  string
	Votes  map[string]uint64 // who voted for each value
}

type (
	proposal struct {
		Round int
		Value string
	}
	vote proposal
)

func (b *balloter) React(e node.Event, out *node.Reaction) {
	switch {
	case e.Kind == node.RoundEvent && b.rule.noRound:
		out.Refuse("it knows no rounds")
	case e.Kind == node.RoundEvent:
		b.InARow++
		if e.Round.Leader != b.Leader {
			b.Leader, b.InARow = e.Round.Leader, 1
		}
		b.Round, b.Votes = e.Round.Number, nil
		if !b.rule.once {
			b.Voted = ""
		}
		if b.rule.remember {
			b.Input = e.Round.Input
		}
		if b.Leader == b.self.ID {
			value := b.Voted
			if value == "" {
				value = e.Round.Input
			}
			out.Broadcast(proposal{b.Round, value})
		}
	case e.Kind == node.MessageEvent:
		switch m := e.Message.(type) {
		case proposal:
			if b.Voted == "" {
				b.Voted = m.Value
			}
			out.Broadcast(vote{m.Round, b.Voted})
		case vote:
			if b.Votes == nil {
				b.Votes = map[string]uint64{}
			}
			b.Votes[m.Value] |= 1 << slices.Index(b.self.Servers, e.From)
			decided := bits.OnesCount64(b.Votes[m.Value]) == 2*b.self.F+1 && b.InARow >= b.rule.rounds
			if decided && strings.Contains(b.self.ID, b.rule.only) {
				out.Decided(m.Round, m.Value)
			}
		}
	}
}

func (b *balloter) AppendBinary(to []byte) ([]byte, error) {
	state, err := json.Marshal(b.ballotState)
	return append(to, state...), err
}

func (b *balloter) UnmarshalBinary(from []byte) error {
	b.ballotState = ballotState{}
	return json.Unmarshal(from, &b.ballotState)
}

// A rebasedBallot is one whose worlds repeat but for the numbers of rounds.
type rebasedBallot struct {
	ballot
	keepInputs bool // what Rebase does with inputs
}

func (p rebasedBallot) NewServer(self node.Self) (node.Node, error) {
	return &rebaser{balloter{rule: p.ballot, self: self}, p.keepInputs}, nil
}

type rebaser struct {
	balloter
	keepInputs bool
}

func (b *rebaser) Rebase(by int) bool {
	b.Round -= by
	if b.keepInputs {
		return true
	}
	b.Voted, b.Input = node.RebaseInput(b.Voted, by), node.RebaseInput(b.Input, by)
	votes := map[string]uint64{}
	for value, who := range b.Votes {
		votes[node.RebaseInput(value, by)] = who
	}
	b.Votes = votes
	return true
}

func TestLive(t *testing.T) {
	const split = "round C: A C | B D C'" // they vote a | b
	for _, tc := range []struct {
		name     string
		protocol node.Protocol
		story    string // steps from the start, separated by ;
		within   int
		want     string // "" if it holds
	}{
		{"from the start", ballot{}, "", 1, ""},
		{"after a split vote", ballot{}, split, 1, ""},
		{"a split vote that stays", ballot{once: true}, split, 40, "with C of the faulty instances present, no correct replica decides: no progress in 40 good rounds"},
		{"no split", ballot{once: true}, "round C: A B C D | C'", 1, ""},
		{"a proven loop", rebasedBallot{ballot{once: true}, false}, split, 40,
			"with C of the faulty instances present, nothing is ever decided: the world after 36 good rounds is that after 18 again, a proven loop"},
		{"a loop too long", rebasedBallot{ballot{once: true}, false}, split, 36, "no progress in 36 good rounds"},
		{"a proven loop, inputs as they are", rebasedBallot{ballot{once: true}, true}, split, 40, "after 36 good rounds is that after 18 again, a proven loop"},
		{"a loop of new inputs", rebasedBallot{ballot{once: true, remember: true}, false}, split, 60, "after 36 good rounds is that after 18 again, a proven loop"},
		{"new inputs as they are", rebasedBallot{ballot{once: true, remember: true}, true}, split, 60, "no progress in 60 good rounds"},
		{"no loop while it counts", rebasedBallot{ballot{rounds: 5}, false}, split, 40, ""},
		// The network becomes good: what held messages back is over.
		{"a partition", ballot{}, "partition A B | C C' D", 1, ""},
		{"cuts", ballot{}, "cut A; cut B", 1, ""},
		// One identity leads for several rounds, but not for ever.
		{"three in a row", ballot{rounds: 3}, "", 3, ""},
		{"three in a row, too soon", ballot{rounds: 3}, "", 2, "no progress in 2 good rounds"},
		{"six in a row", ballot{rounds: 6}, "", 6, ""},
		{"seven in a row", ballot{rounds: 7}, "", 100, "no progress in 100 good rounds"},
		// Decisions of faulty instances don't count.
		{"only a correct one decides", ballot{only: "B"}, "", 1, ""},
		{"only a faulty one decides", ballot{only: "C"}, "", 50, "no progress in 50 good rounds"},
		{"it became faulty", ballot{only: "B"}, "amnesia B", 50, "with B, C and C' of the faulty instances present"},
		// Faulty identities may fall silent.
		{"too many faulty ones", ballot{}, "amnesia B", 50, "with none of the faulty instances present, no correct replica decides"},
		{"too many crashes", ballot{}, "crash B", 50, "with none of the faulty instances present, no correct replica decides"},
		{"all crashed", ballot{}, "crash A; crash B; crash D", 1, "vacuous"},
		{"no rounds", ballot{noRound: true}, "", 3, `error: live: round A groups=A,B,C,C',D: it knows no rounds`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, err := runtime.NewCluster(runtime.Config{Protocol: tc.protocol, N: 4, F: 1, Twins: []runtime.Twin{{ID: "C", Copies: 2}}})
			if err != nil {
				t.Fatal(err)
			}
			v, err := check.Live(tc.within).JudgeWorld(t.Context(), goOn(t, c.Start(), tc.story))
			got := v.Why
			switch {
			case err != nil:
				got = "error: " + err.Error()
			case v.Holds && v.Vacuous:
				got = "vacuous"
			case v.Holds != (v.Why == ""):
				t.Errorf("verdict %+v", v)
			}
			if tc.want == "" && got != "" || !strings.Contains(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// Where no instance is faulty, a verdict speaks of none.
func TestLiveWithoutFaultyInstances(t *testing.T) {
	c, err := runtime.NewCluster(runtime.Config{Protocol: ballot{rounds: 7}, N: 4, F: 1})
	if err != nil {
		t.Fatal(err)
	}
	v, err := check.Live(20).JudgeWorld(t.Context(), c.Start())
	if err != nil {
		t.Fatal(err)
	}
	want := "no correct replica decides: no progress in 20 good rounds, which is a bound and no proof (A, B, C and D lead 6 rounds in a row each)"
	if v.Why != want || len(v.Good) != 21 { // the network heals first
		t.Errorf("got %q, after %d steps, want %q", v.Why, len(v.Good), want)
	}
}

// goOn takes the steps of a story.
func goOn(t *testing.T, w *runtime.World, story string) *runtime.World {
	t.Helper()
	c := w.Cluster()
	groups := func(text string) (groups [][]string) {
		for g := range strings.SplitSeq(text, "|") {
			groups = append(groups, strings.Fields(g))
		}
		return groups
	}
	for line := range strings.SplitSeq(story, ";") {
		act, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		var (
			s   runtime.Step
			err error
		)
		switch act {
		case "":
			continue
		case "round":
			leader, parts, _ := strings.Cut(rest, ":")
			s, err = c.Step(runtime.RoundStep{Leader: leader, Phase: runtime.Phase{Groups: groups(parts)}})
		case "partition":
			s, err = c.Step(runtime.PartitionStep{Groups: groups(rest)})
		case "cut":
			s, err = c.Step(runtime.CutStep{Src: rest, Dst: "D"})
		case "crash":
			s, err = c.Step(runtime.CrashStep{ID: rest})
		case "amnesia":
			s, err = c.Step(runtime.AmnesiaStep{ID: rest})
		}
		if err == nil {
			w, err = w.Do(s)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func TestValidity(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	p := check.Validity(func(_ context.Context, v any) (bool, error) {
		if v == nil {
			return false, errors.New("nil is no value")
		}
		return v != "bad", nil
	})
	for _, tc := range []struct {
		name    string
		history string
		faulty  node.Set
		want    check.Verdict
	}{
		{"nothing decided", "c1 write bad", 0, check.Verdict{Holds: true, Vacuous: true}},
		{"valid", "A decides good for 1\nB decides fine for 1", 0, check.Verdict{Holds: true}},
		{"not valid", "A decides good for 1\nB decides bad for 2", 0,
			check.Verdict{Why: `B decided "bad" for slot 2 in step 2, which is not valid`}},
		{"by a faulty one", "A decides good for 1; B decides bad for 2", node.SetOf(1), check.Verdict{Holds: true}},
		{"by a faulty one only", "B decides bad for 2", node.SetOf(1), check.Verdict{Holds: true, Vacuous: true}},
	} {
		h := runtime.History{Cluster: c, Events: parse(t, c, tc.history), Faulty: tc.faulty}
		if got := judge(t, p, h); got.Holds != tc.want.Holds || got.Vacuous != tc.want.Vacuous || got.Why != tc.want.Why {
			t.Errorf("%s: %+v, want %+v", tc.name, got, tc.want)
		}
	}
	undecided := runtime.History{Cluster: c, Events: []runtime.Observed{{Observation: node.Observation{Kind: node.Decided}}}}
	if v, err := p.Judge(t.Context(), undecided); fmt.Sprint(err) != "validity: nil cannot be judged: nil is no value" {
		t.Errorf("a value that cannot be judged: %+v, %v", v, err)
	}

	rapid.Check(t, func(t *rapid.T) {
		h := runtime.History{Cluster: c, Faulty: node.SetOf(2)}
		m := check.MonitorOf(p, c, h.Faulty, 0)
		if _, own := p.(check.Monitored); !own {
			t.Fatalf("validity has no monitor of its own")
		}
		state := m.Start()
		for range rapid.IntRange(0, 6).Draw(t, "decisions") {
			e := runtime.Observed{Instance: rapid.IntRange(0, 3).Draw(t, "replica")}
			e.Kind = rapid.SampledFrom([]node.ObservationKind{node.Decided, node.Failed}).Draw(t, "kind")
			e.Value = rapid.SampledFrom([]any{"good", "good", "fine", "bad"}).Draw(t, "value")
			h.Events = append(h.Events, e)
			state = next(t, m, state, []runtime.Observed{e})
			if v := judge(t, p, h); v.Holds == m.Violated(state) {
				t.Fatalf("verdict %+v, state %q", v, state)
			}
		}
	})
}
