package explore_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/explore"
	"github.com/twinsh/twinsh/runtime/node"
	"github.com/twinsh/twinsh/runtime/space"
)

// ballots is a protocol in which replicas vote for the first proposal of a
// round and decide what enough of them voted for. It decides one slot a round.
type ballots struct {
	quorum  int
	brittle bool // to decide b is too much for its code
}

func (ballots) Name() string { return "ballots" }

func (p ballots) NewServer(self node.Self) (node.Node, error) {
	return &voter{ballots: p, self: self}, nil
}

func (ballots) NewClient(node.Self, []node.Operation) (node.Node, error) {
	return nil, fmt.Errorf("ballots have no clients")
}

type (
	proposal struct{ Input string }
	vote     struct{ Input string }
)

type voter struct {
	ballots
	self  node.Self
	round uint64
	voted bool
	votes [2]uint64 // for a and b: who voted for it
}

func (v *voter) React(e node.Event, out *node.Reaction) {
	switch e.Kind {
	case node.RoundEvent:
		v.round, v.voted, v.votes = uint64(e.Round.Number), false, [2]uint64{}
		if e.Round.Leader == v.self.ID {
			out.Broadcast(proposal{e.Round.Input})
		}
	case node.MessageEvent:
		switch m := e.Message.(type) {
		case proposal:
			if !v.voted {
				v.voted = true
				out.Broadcast(vote(m))
			}
		case vote:
			v.count(m.Input, strings.Index("ABCD", e.From), out)
		}
	}
}

func (v *voter) count(input string, from int, out *node.Reaction) {
	votes := &v.votes[input[len(input)-1]-'a'] // 1a, 1b, 2a, …
	before := node.Set(*votes).Len()
	*votes |= 1 << from
	if after := node.Set(*votes).Len(); after > before && after == v.quorum {
		if v.brittle && strings.HasSuffix(input, "b") {
			panic("b is too much")
		}
		out.Decided(int(v.round), input)
	}
}

func (v *voter) AppendBinary(b []byte) ([]byte, error) {
	b = binary.AppendUvarint(b, v.round)
	if v.voted {
		b = append(b, 1)
	}
	return append(b, byte(v.votes[0]), byte(v.votes[1])), nil
}

func (v *voter) UnmarshalBinary(b []byte) error {
	var n int
	v.round, n = binary.Uvarint(b)
	b = b[n:]
	if v.voted = len(b) == 3; v.voted {
		b = b[1:]
	}
	v.votes = [2]uint64{uint64(b[0]), uint64(b[1])}
	return nil
}

// rounds returns the space of one round led by A or C under any partition
// into at most two parts.
func (s stage) rounds() *space.Space {
	return s.led(space.PartitionsUpTo(s.Servers(), 2), "A", "C")
}

// led returns the space of one round led by one of the given identities under
// one of the given partitions.
func (s stage) led(partitions [][]node.Set, by ...string) *space.Space {
	s.t.Helper()
	var steps []runtime.Step
	for _, leader := range by {
		for _, parts := range partitions {
			step, err := s.Step(runtime.RoundStep{Leader: leader, Phase: runtime.Phase{Groups: s.Groups(parts)}})
			if err != nil {
				s.t.Fatal(err)
			}
			steps = append(steps, step)
		}
	}
	return space.Of(steps...)
}

func voting(t testing.TB, p ballots) stage {
	return newStage(t, twinned(runtime.Config{Protocol: p, N: 4, F: 1}, "C"))
}

// onlyA says that nothing is decided that the twin of a leader proposed.
func onlyA() check.Property {
	return check.Validity(func(_ context.Context, v any) (bool, error) { return strings.HasSuffix(v.(string), "a"), nil })
}

// never says that nothing is ever decided.
func never() check.Property {
	return check.Validity(func(context.Context, any) (bool, error) { return false, nil })
}

// What happens in the parts of a partition at the same time agrees with the
// oracle too: decisions, failures, and several of them in one step.
func TestRoundsAgreeWithOracle(t *testing.T) {
	for _, test := range []struct {
		name       string
		protocol   ballots
		properties []check.Property
		property   string // the one that the counterexample violates
	}{
		{"right", ballots{quorum: 3}, []check.Property{check.Agreement()}, ""},
		{"quorum 2", ballots{quorum: 2}, []check.Property{check.Agreement()}, "agreement"},
		{"two properties", ballots{quorum: 2}, []check.Property{onlyA(), check.Agreement()}, "validity"},
		{"the other way round", ballots{quorum: 2}, []check.Property{check.Agreement(), onlyA()}, "agreement"},
		{"without monitors", ballots{quorum: 2}, []check.Property{plain{check.Agreement()}, plain{onlyA()}}, "agreement"},
		{"failure", ballots{quorum: 3, brittle: true}, []check.Property{check.Agreement()}, ""},
		{"failure and a property", ballots{quorum: 2, brittle: true}, []check.Property{check.Agreement(), never()}, "validity"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := voting(t, test.protocol)
			of := inTurn(s.rounds(), s.of("amnesia A", "amnesia C'", "crash D", "[A B C | C' D]"), s.rounds())
			l := s.agrees(t, of, explore.Options{Properties: test.properties})
			first := ""
			r := s.explores(of, test.properties...)
			if len(r.Violations) > 0 {
				first = r.Violations[0].Property
			}
			if failed := len(r.Failures) > 0; failed != test.protocol.brittle {
				t.Errorf("code fails: %t: %s", failed, l)
			}
			if first != test.property {
				t.Errorf("%q is violated first, want %q: %s", first, test.property, l)
			}
			if l.progressed == 0 {
				t.Error("nothing is ever decided")
			}
		})
	}
}

// Any start, code that fails or does not, and any properties agree with the
// oracle: each violation and each failure is found beside the others, with a
// shortest counterexample of which the property itself says the same.
func TestRandomRoundsAgreeWithOracle(t *testing.T) {
	var violated, failed, both int
	rapid.Check(t, func(rt *rapid.T) {
		s := voting(t, ballots{quorum: rapid.IntRange(2, 3).Draw(rt, "quorum"), brittle: rapid.Bool().Draw(rt, "brittle")})
		mishaps := []string{"amnesia A", "amnesia B", "amnesia C'", "crash D", "restart B", "[A B C | C' D]", "heal"}
		pick := func(of []runtime.Step, most int) []runtime.Step {
			return rapid.SliceOfN(rapid.SampledFrom(of), 1, most).Draw(rt, "steps")
		}
		var steps []runtime.Step
		for _, line := range mishaps {
			steps = append(steps, s.step(line))
		}
		var rounds []runtime.Step
		for sc := range s.rounds().All {
			rounds = append(rounds, sc[0])
		}
		start := s.Start()
		for _, step := range rapid.SliceOfN(rapid.SampledFrom(slices.Concat(rounds, steps[:4])), 0, 3).Draw(rt, "before") {
			if next, err := start.Do(step); err == nil {
				start = next
			}
		}
		of := space.Of().Times(0)
		for range rapid.IntRange(0, 3).Draw(rt, "length") {
			next := space.Of(pick(rounds, 4)...)
			if rapid.Bool().Draw(rt, "mishap") {
				next = space.Or(next, space.Of(pick(steps, 2)...))
			}
			of = space.Then(of, next)
		}
		var properties []check.Property
		for _, p := range []check.Property{check.Agreement(), rapid.SampledFrom([]check.Property{onlyA(), never()}).Draw(rt, "validity")} {
			switch rapid.IntRange(0, 2).Draw(rt, "with") {
			case 1:
				properties = append(properties, p)
			case 2:
				properties = append(properties, plain{p})
			}
		}
		var invariants []check.WorldProperty
		if last := rapid.IntRange(0, 5).Draw(rt, "rounds"); last < 4 {
			invariants = append(invariants, check.Invariant("few rounds", func(_ context.Context, w *runtime.World) (bool, string, error) {
				return w.Round() <= last, "too many rounds", nil
			}))
		}
		l := s.agrees(rt, of, explore.Options{
			Start: start, Properties: properties, Invariants: invariants, Workers: rapid.IntRange(1, 2).Draw(rt, "workers"),
		})
		fails := slices.ContainsFunc(slices.Collect(maps.Keys(l.flaws)), func(name string) bool { return strings.HasPrefix(name, "failure ") })
		if fails {
			failed++
		}
		if n := len(l.flaws); n > 0 && !fails || n > 1 {
			violated++
			if fails {
				both++
			}
		}
	})
	if !testing.Short() && (violated == 0 || failed == 0 || both == 0) {
		t.Errorf("%d spaces violate something, in %d code fails, in %d both", violated, failed, both)
	}
}

// A panic of a node's code is found, with the shortest scenario that leads to
// it, also if nothing is checked.
func TestPanicIsFound(t *testing.T) {
	s := voting(t, ballots{quorum: 3, brittle: true})
	r := s.explores(s.rounds().Times(2))
	if len(r.Violations) != 0 || len(r.Failures) != 1 || r.Failures[0].Length != 1 || r.OK() {
		t.Fatalf("%s", r.Text())
	}
	f := r.Failures[0].Failure
	if f.Message != "panic: b is too much" || !strings.HasPrefix(f.Place, "rounds_test.go:") || !strings.Contains(f.Calls, "(*voter).count "+f.Place) {
		t.Errorf("%+v", f)
	}
	if r.Counterexample == nil || r.Counterexample.Depth() != 1 {
		t.Errorf("%q", texts(r.Counterexample))
	}
	sound := voting(t, ballots{quorum: 3})
	if r := sound.explores(sound.rounds().Times(2)); !r.OK() {
		t.Errorf("without the panic:\n%s", r.Text())
	}
}
