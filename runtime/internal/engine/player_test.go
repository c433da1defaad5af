package engine_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/internal/engine"
	"github.com/twinsh/twinsh/runtime/internal/simtest"
)

// A player that remembers nothing, in a cluster that has learnt nothing, does what
// a simulator does from memory, and what a simulator does that takes states for one
// which the rounds to come cannot tell apart. Everything is compared by what it is:
// the two clusters number it differently.
func TestMemoryAndQuotientDoAsThePlayer(t *testing.T) {
	t.Parallel()
	steps, remembered, forgotten := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		c := simtest.GossipCluster(t)
		pool := make([]runtime.Step, rapid.IntRange(2, 8).Draw(t, "pool"))
		for i := range pool {
			pool[i] = simtest.GossipStep(t, c)
		}
		memory := engine.NewSimulator(c.Engine())
		for range rapid.IntRange(1, 6).Draw(t, "scenarios") {
			scenario := rapid.SliceOfN(rapid.SampledFrom(pool), 1, 6).Draw(t, "scenario")
			fresh, err := runtime.NewCluster(c.Config())
			if err != nil {
				t.Fatal(err)
			}
			engine.CopyLimits(fresh.Engine(), c.Engine())
			slow := engine.NewPlayer(fresh.Engine())
			quotient := engine.NewSimulator(c.Engine())
			src, want, lean := c.Start().Vector(), fresh.Start().Vector(), c.Start().Vector()
			for i, s := range scenario {
				dst, wanted := make(engine.Vector, c.Engine().Width()), make(engine.Vector, c.Engine().Width())
				same, err := fresh.Step(s.Action())
				if err != nil {
					t.Fatal(err)
				}
				steps++
				can, could := memory.Take(dst, src, s.Engine()), slow.Take(wanted, want, same.Engine())
				if can != could || memory.Why() != slow.Why() {
					t.Fatalf("%s: %v (%s), want %v (%s)", s, can, memory.Why(), could, slow.Why())
				}
				if expectRest(quotient, c, scenario[i+1:]) {
					forgotten++
				}
				after := make(engine.Vector, c.Engine().Width())
				if quotient.Take(after, lean, s.Engine()) != could || quotient.Why() != slow.Why() {
					t.Fatalf("%s of the quotient: %s, want %v (%s)", s, quotient.Why(), could, slow.Why())
				}
				if !could {
					break
				}
				if !memory.Fresh() {
					remembered++
				}
				if got, want := engine.Describe(c.Engine(), dst), engine.Describe(fresh.Engine(), wanted); got != want {
					t.Fatalf("%s in %v leads to\n%s\nwant\n%s", s, scenario, got, want)
				}
				shown := fmt.Sprint(slow.PerInstance())
				for _, m := range []*engine.Simulator{memory, quotient} {
					if got := fmt.Sprint(perInstance(c.Engine(), m)); got != shown {
						t.Fatalf("%s in %v shows\n%s\nwant\n%s", s, scenario, got, shown)
					}
					if got, want := engine.DescribeFilters(c.Engine(), m.Filtered()), engine.DescribeFilters(fresh.Engine(), slow.Matched()); got != want {
						t.Fatalf("%s in %v filters %s, want %s", s, scenario, got, want)
					}
				}
				src, want, lean = dst, wanted, after
			}
		}
	})
	if !testing.Short() && (remembered == 0 || forgotten == 0) {
		t.Errorf("%d steps were remembered, %d before rounds", remembered, forgotten)
	}
	t.Logf("%d steps, %d remembered, %d before rounds", steps, remembered, forgotten)
}

// expectRest lets a simulator know what comes after its next step, if that is nothing,
// or rounds only, of which it returns true.
func expectRest(m *engine.Simulator, c *runtime.Cluster, rest []runtime.Step) bool {
	if len(rest) == 0 {
		m.ExpectEnd()
		return false
	}
	leaders := c.Identities()[0].Instances
	for _, s := range rest {
		who, round := s.Engine().Opening()
		if !round {
			return false
		}
		leaders |= who
	}
	m.Expect(leaders)
	return true
}
