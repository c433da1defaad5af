package explore_test

import (
	"context"
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/explore"
	"github.com/twinsh/twinsh/runtime/internal/simtest"
	"github.com/twinsh/twinsh/runtime/space"
)

func (s stage) samples(of *space.Space, count int, seed uint64, o explore.Options) *explore.Report {
	s.T.Helper()
	o.Start = s.Start()
	r, err := explore.Sample(s.T.Context(), of, count, seed, o)
	if err != nil {
		s.T.Fatal(err)
	}
	return r
}

func locked(t testing.TB, secret ...string) (stage, *space.Space) {
	s := newStage(t, runtime.Config{Protocol: simtest.Lock{Secret: secret}, N: 1, Clients: []runtime.Client{runs("a"), runs("b"), runs("c")}})
	return s, s.Exchanges("a b c", s.Reaches("A")).Times(12)
}

// drawsNeeded returns how many draws it takes to open the lock, at most most.
func drawsNeeded(t testing.TB, seed uint64, novelty bool, most int) int {
	for count := 32; count < most; count *= 2 {
		s, of := locked(t, "a", "b", "b", "c", "a", "c", "c", "b")
		if r := s.samples(of, count, seed, explore.Options{Novelty: novelty}); len(r.Failures) > 0 {
			return count
		}
	}
	return most
}

// A sample opens a short lock, but not one that no client can open.
func TestSampleFindsPlantedFlaw(t *testing.T) {
	for _, novelty := range []bool{false, true} {
		s, of := locked(t, "a", "c", "b")
		r := s.samples(of, 500, 1, explore.Options{Novelty: novelty})
		if len(r.Failures) != 1 || r.Counterexample() == nil || len(r.Violations) > 0 {
			t.Fatalf("%s", r.Text())
		}
		want := []string{`exchange a A`, `exchange c A`, `exchange b A`}
		if got := simtest.Texts(r.Counterexample()); !slices.Equal(got[len(got)-3:], want) || len(got) != r.Failures[0].Length {
			t.Errorf("got %q", got)
		}
		s, of = locked(t, "a", "c", "d")
		if r := s.samples(of, 500, 1, explore.Options{Novelty: novelty}); len(r.Failures) > 0 || r.Covered.Int64() < 400 {
			t.Errorf("no client is d:\n%s", r.Text())
		}
	}
}

// A deep flaw behind local states that come one after the other is found in far
// fewer draws if they prefer what is new: the median of several seeds is less
// than a quarter.
func TestNoveltyFindsDeepFlaw(t *testing.T) {
	var uniform, guided []int
	for seed := range uint64(15) {
		uniform = append(uniform, drawsNeeded(t, seed, false, 1<<13))
		guided = append(guided, drawsNeeded(t, seed, true, 1<<13))
	}
	slices.Sort(uniform)
	slices.Sort(guided)
	if 4*guided[7] > uniform[7] {
		t.Errorf("guided draws %v, uniform draws %v", guided, uniform)
	}
	t.Logf("draws, rounded up to a power of two: guided %v, uniform %v", guided, uniform)
}

// Samples tell the same whatever the number of workers.
func TestSampleWorkersDoNotMatter(t *testing.T) {
	for _, novelty := range []bool{false, true} {
		var want summary
		for _, workers := range []int{1, 2, 3, 7} {
			s := onLine(t, "write_back=false twin=C c1=(write red) c2=(write blue) c3=(read, read)")
			of := simtest.EitherOf(s.Exchanges("c1 c2 c3", s.Subsets(1, 3)), s.Of("restart c1", "amnesia A")).Times(9)
			got := summarize(s.samples(of, 3000, 5, explore.Options{
				Properties: properties(), Invariants: []check.WorldProperty{neverShows("B", "blue")}, Novelty: novelty, Workers: workers,
			}))
			if workers == 1 {
				want = got
				if len(got.report.Violations) < 2 || got.report.Coverage.States < 100 {
					t.Errorf("too little happens:\n%s", got.text)
				}
			} else if !reflect.DeepEqual(got, want) {
				t.Fatalf("novelty = %t, %d workers:\n%s\nwant\n%s", novelty, workers, got.text, want.text)
			}
		}
	}
}

// What novelty draws is in the space, counts once, and is nearly everything
// before long; what a sample finds, the search finds too.
func TestNoveltyStaysInSpace(t *testing.T) {
	s := onLine(t, "quorum=2 c1=(write red) c2=(read)")
	// Scenarios of several lengths, some of which begin others.
	of := simtest.EitherOf(s.Exchanges("c1 c2", s.Reaches("A B", "C D")).Times(4), s.Exchanges("c1 c2", s.Reaches("A B", "C D", "A")).Times(2))
	all := s.explores(of, check.Linearizable())
	r := s.samples(of, int(all.Size.Int64())-1, 3, explore.Options{Properties: []check.Property{check.Linearizable()}, Novelty: true})
	if r.Covered.Cmp(all.Size) >= 0 || r.Covered.Int64() < all.Size.Int64()/3 {
		t.Errorf("%s of %s scenarios are covered", r.Covered, all.Size)
	}
	for _, w := range append(slices.Clone(r.Passing), r.Counterexample()) {
		found := false
		for sc := range of.All {
			found = found || len(sc) >= w.Depth() && slices.EqualFunc(sc[:w.Depth()], simtest.Texts(w), func(s runtime.Step, text string) bool { return s.String() == text })
		}
		if !found {
			t.Errorf("no scenario begins with %q", simtest.Texts(w))
		}
	}
	if r.Violations[0].Length != 4 || r.Violations[0].Scenarios.Cmp(all.Violations[0].Scenarios) > 0 || r.Progressed.Cmp(all.Progressed) > 0 {
		t.Errorf("%s\nbut\n%s", r.Text(), all.Text())
	}
}

// A sample of the whole space covers what the search covers, and leaves nothing
// unseen.
func TestSampleOfAll(t *testing.T) {
	for _, novelty := range []bool{false, true} {
		s := onLine(t, "quorum=2 c1=(write red) c2=(read)")
		of := s.Exchanges("c1 c2", s.Reaches("A B", "C D", "A")).Times(4)
		all := s.explores(of, check.Linearizable())
		r := s.samples(of, 1<<20, 3, explore.Options{Properties: []check.Property{check.Linearizable()}, Novelty: novelty})
		if !r.Complete() || r.Coverage.Unseen != 0 || r.Coverage.Transitions != all.Runs {
			t.Errorf("%s\n%+v", r.Text(), r.Coverage)
		}
		v, w := r.Violations[0], all.Violations[0]
		if v.Scenarios.Cmp(w.Scenarios) != 0 || v.Length != w.Length || r.Progressed.Cmp(all.Progressed) != 0 || r.EndedEarly.Cmp(all.EndedEarly) != 0 {
			t.Errorf("%s\nbut\n%s", r.Text(), all.Text())
		}
	}
}

// The counterexample is the shortest prefix, and how many are as short is counted.
func TestSampleShowsShortest(t *testing.T) {
	for _, novelty := range []bool{false, true} {
		s, of := locked(t, "a", "b")
		r := s.samples(of, 300, 2, explore.Options{Novelty: novelty})
		shortest := 0
		if !novelty {
			for _, rank := range of.Sample(300, 2) {
				if sc, err := of.At(rank); err == nil && sc[0].String() == `exchange a A` && sc[1].String() == `exchange b A` {
					shortest++
				}
			}
		}
		f := r.Failures[0]
		if f.Length != 2 || r.Counterexample().Depth() != 2 || f.Failure.Message != "the lock is open" || !novelty && f.Shortest.Int64() != int64(shortest) {
			t.Errorf("%d are so short:\n%s", shortest, r.Text())
		}
	}
}

// The estimate of what is unseen is the share of draws that met something
// alone, and close to what can be counted in a space that can be listed.
func TestUnseen(t *testing.T) {
	s := onLine(t, "twin=C c1=(write red, write blue) c2=(read)")
	of := s.Exchanges("c1 c2", s.Reaches("A B C", "B C' D", "A B", "C D")).Times(4)
	var states []map[uint32]bool // that each scenario meets
	for scenario := range of.All {
		met := map[uint32]bool{}
		w := s.Start()
		for _, step := range scenario {
			var err error
			if w, err = w.Do(step); err != nil {
				break
			}
			for _, state := range w.Vector()[:len(w.Vector())-1] {
				met[state] = true
			}
		}
		states = append(states, met)
	}
	const count, seeds = 25, 400
	estimates, truths := 0.0, 0.0
	for seed := range uint64(seeds) {
		r := s.samples(of, count, seed, explore.Options{})
		met := map[uint32]int{}
		ranks := of.Sample(count, seed)
		for _, rank := range ranks {
			for state := range states[rank.Int64()] {
				met[state]++
			}
		}
		alone := 0
		for _, rank := range ranks {
			for state := range states[rank.Int64()] {
				if met[state] == 1 {
					alone++
					break
				}
			}
		}
		if want := float64(alone) / count; r.Coverage.Unseen != want || r.Coverage.States != len(met) {
			t.Errorf("seed %d: %+v, want %g unseen and %d states", seed, r.Coverage, want, len(met))
		}
		fresh := 0
		for _, here := range states {
			for state := range here {
				if met[state] == 0 {
					fresh++
					break
				}
			}
		}
		estimates += r.Coverage.Unseen / seeds
		truths += float64(fresh) / float64(len(states)-count) / seeds
	}
	if math.Abs(estimates-truths) > 0.02 || truths < 0.05 {
		t.Errorf("estimated %g, it is %g on average", estimates, truths)
	}
	if r := s.samples(of, count, 1, explore.Options{Novelty: true}); r.Coverage.Unseen >= 0 || r.Coverage.States == 0 {
		t.Errorf("%+v", r.Coverage)
	}
}

// An interrupted sample tells what it drew, and no more.
func TestSampleInterrupted(t *testing.T) {
	s, of := locked(t, "a", "b")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r, err := explore.Sample(ctx, of, 100, 1, explore.Options{Start: s.Start()})
	if err != nil || !errors.Is(r.Stopped, context.Canceled) || r.Covered.Sign() != 0 || r.Coverage.Unseen >= 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	if !strings.Contains(r.Text(), "interrupted\n") || strings.Contains(r.Text(), "all scenarios of") {
		t.Errorf("%s", r.Text())
	}
	// A draw that is interrupted amid its steps does not count, even if none of
	// them calls code or a property, because all that happens is known.
	c, timeouts := count(t, 2, simtest.Counters{React: func(int, string) { panic("once") }})
	ctx, cancel = context.WithCancel(t.Context())
	end := judging(func(h runtime.History) {
		if len(h.Events) == 2 {
			cancel()
		}
	})
	for _, p := range []judging{func(runtime.History) {}, end} {
		if r, err = explore.Sample(ctx, timeouts.Times(100), 1, 1, explore.Options{Start: c.Start(), Properties: []check.Property{p}, Workers: 1}); err != nil {
			t.Fatal(err)
		}
	}
	if !errors.Is(r.Stopped, context.Canceled) || r.Covered.Sign() != 0 {
		t.Errorf("%+v", r)
	}
}
