package runtime

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/twinsh/twinsh/runtime/node"
)

// A player that remembers nothing, in a cluster that has learnt nothing, does what
// a simulator does from memory, and what a simulator does that takes states for one
// which the rounds to come cannot tell apart. Everything is compared by what it is:
// the two clusters number it differently.
func TestMemoryAndQuotientDoAsThePlayer(t *testing.T) {
	steps, remembered, forgotten := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		c := gossipCluster(t)
		pool := make([]Step, rapid.IntRange(2, 8).Draw(t, "pool"))
		for i := range pool {
			pool[i] = gossipStep(t, c)
		}
		memory := c.NewSimulator()
		for range rapid.IntRange(1, 6).Draw(t, "scenarios") {
			scenario := rapid.SliceOfN(rapid.SampledFrom(pool), 1, 6).Draw(t, "scenario")
			fresh, err := NewCluster(c.config)
			if err != nil {
				t.Fatal(err)
			}
			fresh.code.limits = c.code.limits
			slow := &fresh.NewSimulator().player
			quotient := c.NewSimulator()
			src, want, lean := c.Start().vector, fresh.Start().vector, c.Start().vector
			rounds := 0 // at the end of the scenario
			for rounds < len(scenario) && scenario[len(scenario)-1-rounds].begins() {
				rounds++
			}
			for i, s := range scenario {
				dst, wanted := make(Vector, c.Width()), make(Vector, c.Width())
				same, err := fresh.Step(s.Action())
				if err != nil {
					t.Fatal(err)
				}
				steps++
				slow.seen, slow.matched = slow.seen[:0], slow.matched[:0]
				can, could := memory.Take(dst, src, s), slow.take(wanted, want, same)
				if can != could || memory.Why() != slow.why {
					t.Fatalf("%s: %v (%s), want %v (%s)", s, can, memory.Why(), could, slow.why)
				}
				last := len(scenario) - 1 - i
				if last == 0 {
					quotient.ExpectEnd()
				} else if last < rounds || last == rounds && rounds > 0 {
					quotient.Expect(scenario[i+1].named | c.identities[0].Instances | scenario[len(scenario)-1].named)
					for _, next := range scenario[i+1:] {
						quotient.expected.leaders |= next.named
					}
					forgotten++
				}
				after := make(Vector, c.Width())
				if quotient.Take(after, lean, s) != could || quotient.Why() != slow.why {
					t.Fatalf("%s of the quotient: %s, want %v (%s)", s, quotient.Why(), could, slow.why)
				}
				if !could {
					break
				}
				if !memory.Fresh() {
					remembered++
				}
				if got, want := describe(c, dst), describe(fresh, wanted); got != want {
					t.Fatalf("%s in %v leads to\n%s\nwant\n%s", s, scenario, got, want)
				}
				shown := fmt.Sprint(seenOf(fresh, slow.seen))
				for _, m := range []*Simulator{memory, quotient} {
					if got := fmt.Sprint(seenOf(c, *c.code.lists.at(m.Seen()))); got != shown {
						t.Fatalf("%s in %v shows\n%s\nwant\n%s", s, scenario, got, shown)
					}
					if got, want := filtersOf(c, m.Filtered()), filtersOf(fresh, slow.matched); got != want {
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

// describe says what a world is, in no numbers that depend on what was learnt.
func describe(c *Cluster, v Vector) string {
	var b strings.Builder
	for i := range c.instances {
		l := c.code.locals.at(v[i])
		fmt.Fprintf(&b, "%s %d %d %q %v", c.instances[i].Name, l.start, l.flags, l.body, l.logs)
		for _, m := range l.mailbox {
			fmt.Fprintf(&b, " %d %v", m.from, *c.code.values.at(m.msg))
		}
		b.WriteByte('\n')
	}
	e := c.WorldAt(v).env()
	fmt.Fprintf(&b, "round %d %x\n", e.round, (*c.code.topos.at(e.topology)).append(nil))
	for _, p := range e.flight {
		fmt.Fprintln(&b, p.from, p.to, p.released, *c.code.values.at(p.msg))
	}
	return b.String()
}

// seenOf lists what each instance was seen to do, in order.
func seenOf(c *Cluster, list []uint32) map[int][]node.Observation {
	seen := map[int][]node.Observation{}
	for pair := range slices.Chunk(list, 2) {
		seen[int(pair[0])] = append(seen[int(pair[0])], *c.code.seen.at(pair[1]))
	}
	return seen
}

// filtersOf says what the filters with the given numbers are.
func filtersOf(c *Cluster, numbers []uint32) string {
	var texts []string
	for f, n := range c.code.filters {
		for _, number := range numbers {
			if number&^ofPhase == n {
				texts = append(texts, fmt.Sprint(f.kind, f.from, f.to, number&ofPhase != 0))
			}
		}
	}
	slices.Sort(texts)
	return fmt.Sprint(texts)
}
