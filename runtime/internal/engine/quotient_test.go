package engine_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/internal/engine"
	"github.com/twinsh/twinsh/runtime/internal/simtest"
	"github.com/twinsh/twinsh/runtime/node"
)

// Worlds that are one to a simulator that expects rounds do the same in each of
// these rounds, and end the same.
func TestForgottenWorldsDoTheSame(t *testing.T) {
	t.Parallel()
	pairs := 0
	rapid.Check(t, func(t *rapid.T) {
		c := simtest.GossipCluster(t)
		var leaders node.Set
		var rounds []runtime.Step
		for id := range c.Config().N {
			if id > 0 && rapid.Bool().Draw(t, "does not lead") {
				continue
			}
			leaders |= c.Identities()[id].Instances
		}
		for len(rounds) < 4 {
			s := simtest.GossipStep(t, c)
			if who, round := s.Engine().Opening(); round && who&^leaders == 0 {
				rounds = append(rounds, s)
			} else if len(rounds) == 0 {
				s, err := c.Step(runtime.RoundStep{Leader: c.Identities()[0].Name, Phase: runtime.Phase{}})
				if err != nil {
					t.Fatal(err)
				}
				rounds = append(rounds, s)
			}
		}
		pool := slices.Clone(rounds)
		for range rapid.IntRange(0, 5).Draw(t, "steps") {
			pool = append(pool, simtest.GossipStep(t, c))
		}

		sim, forgetful, last := engine.NewSimulator(c.Engine()), engine.NewSimulator(c.Engine()), engine.NewSimulator(c.Engine())
		last.ExpectEnd()
		first := map[string]engine.Vector{}
		known := map[string]bool{}
		worlds := []engine.Vector{c.Start().Vector()}
		for at := 0; at < len(worlds) && at < 60; at++ {
			v := worlds[at]
			forgetful.Expect(leaders)
			forgotten := slices.Clone(v)
			forgetful.Forget(forgotten)
			key := fmt.Sprint(forgotten)
			if first[key] == nil {
				first[key] = v
			} else {
				pairs++
			}
			for _, s := range rounds {
				sameRound(t, first[key], v, s)
				sameRound(t, forgotten, v, s)
			}
			for _, s := range pool {
				next, same := make(engine.Vector, len(v)), make(engine.Vector, len(v))
				can := sim.Take(next, v, s.Engine())
				if last.Take(same, v, s.Engine()) != can {
					t.Fatalf("%s from %v: possible if something follows: %v", s, v, can)
				}
				if !can {
					continue
				}
				if got, want := fmt.Sprint(perInstance(c.Engine(), last)), fmt.Sprint(perInstance(c.Engine(), sim)); got != want {
					t.Fatalf("%s from %v shows\n%s if nothing follows, want\n%s", s, v, got, want)
				}
				if text := fmt.Sprint(next); !known[text] {
					known[text] = true
					worlds = append(worlds, slices.Clone(next))
				}
				expected := leaders
				if rapid.Bool().Draw(t, "A alone leads") {
					expected = c.Identities()[0].Instances
				}
				forgetful.Expect(expected)
				forgetful.Take(same, v, s.Engine())
				forgetful.Forget(next)
				if !slices.Equal(next, same) {
					t.Fatalf("%s from %v: %v is forgotten on the way, %v afterwards", s, v, same, next)
				}
			}
		}
	})
	if !testing.Short() && pairs == 0 {
		t.Error("no two worlds were ever one")
	}
	t.Logf("%d worlds were taken for others", pairs)
}

func sameRound(t *rapid.T, a, b engine.Vector, s runtime.Step) {
	after := func(v engine.Vector) string {
		m := engine.NewSimulator(s.Cluster().Engine())
		dst := make(engine.Vector, len(v))
		if !m.Take(dst, v, s.Engine()) {
			return m.Why()
		}
		return fmt.Sprint(dst, perInstance(s.Cluster().Engine(), m))
	}
	if x, y := after(a), after(b); x != y {
		t.Fatalf("%s leads from %v to\n%s, and from %v to\n%s", s, a, x, b, y)
	}
}

// What distinguishes worlds before the round, but not in it, is forgotten: votes
// that are too few, and mail to one that does not lead.
func TestForgetting(t *testing.T) {
	c, err := runtime.NewCluster(runtime.Config{Protocol: petition{}, N: 4, F: 1})
	if err != nil {
		t.Fatal(err)
	}
	a, b := node.SetOf(0), node.SetOf(1)
	after := func(leaders node.Set, groups ...[]string) string {
		s, err := c.Step(runtime.RoundStep{Leader: "A", Phase: runtime.Phase{Groups: groups}})
		if err != nil {
			t.Fatal(err)
		}
		m := engine.NewSimulator(c.Engine())
		m.Expect(leaders)
		v := make(engine.Vector, c.Engine().Width())
		if !m.Take(v, c.Start().Vector(), s.Engine()) {
			t.Fatal(m.Why())
		}
		return fmt.Sprint(v)
	}
	everybody := []string{"A", "B", "C", "D"}
	apart := [][]string{{"A"}, {"B"}, {"C"}, {"D"}}
	for _, test := range []struct {
		name    string
		leaders node.Set
		groups  [][]string
		same    bool // as if everybody was alone
	}{
		{"enough", a, [][]string{everybody}, false},
		{"enough for B", b, [][]string{everybody}, false},
		{"enough for C", b, [][]string{{"A", "C", "D"}, {"B"}}, true},
		{"three without B", a | b, [][]string{{"A", "C", "D"}, {"B"}}, false},
		{"too few", a | b, [][]string{{"A", "B"}, {"C", "D"}}, true},
		{"anything may follow", 0, [][]string{{"A", "B"}, {"C", "D"}}, false},
	} {
		if same := after(test.leaders, test.groups...) == after(test.leaders, apart...); same != test.same {
			t.Errorf("%s: same is %v", test.name, same)
		}
	}
}

// A petition is a protocol in which each server signs in each round, for the
// next leader, who acts on three signatures.
type petition struct{}

func (petition) Name() string                           { return "petition" }
func (petition) NewServer(node.Self) (node.Node, error) { return new(petitioner), nil }
func (petition) NewClient(node.Self, []node.Operation) (node.Node, error) {
	return new(petitioner), nil
}
func (p *petitioner) AppendBinary(b []byte) ([]byte, error) { return append(b, p.signed), nil }
func (p *petitioner) UnmarshalBinary(b []byte) error        { p.signed = b[0]; return nil }

type petitioner struct{ signed byte }

func (p *petitioner) React(e node.Event, out *node.Reaction) {
	if e.Kind == node.MessageEvent {
		p.signed++
		return
	}
	if p.signed >= 3 {
		out.Broadcast("heard")
	}
	p.signed = 0
	out.SendNextLeader("signature")
}
