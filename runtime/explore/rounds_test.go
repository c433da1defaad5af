package explore_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/explore"
	"github.com/twinsh/twinsh/runtime/internal/simtest"
	"github.com/twinsh/twinsh/runtime/space"
)

// rounds returns the space of one round led by A or C under any partition
// into at most two parts.
func (s stage) rounds() *space.Space {
	return s.Rounds(space.PartitionsUpTo(s.Servers(), 2), "A", "C")
}

func voting(t testing.TB, p simtest.Ballots) stage {
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

// Any start, code that fails or does not, and any properties agree with the
// oracle: each violation and each failure is found beside the others, with a
// shortest counterexample of which the property itself says the same.
func TestRandomRoundsAgreeWithOracle(t *testing.T) {
	t.Parallel()
	var violated, failed, both int
	rapid.Check(t, func(rt *rapid.T) {
		s := voting(t, simtest.Ballots{Quorum: rapid.IntRange(2, 3).Draw(rt, "quorum"), Brittle: rapid.Bool().Draw(rt, "brittle")})
		mishaps := []string{"amnesia A", "amnesia B", "amnesia C'", "crash D", "restart B", "[A B C | C' D]", "heal"}
		pick := func(of []runtime.Step, most int) []runtime.Step {
			return rapid.SliceOfN(rapid.SampledFrom(of), 1, most).Draw(rt, "steps")
		}
		var steps []runtime.Step
		for _, line := range mishaps {
			steps = append(steps, s.Read(line))
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
		fails := slices.ContainsFunc(slices.Collect(maps.Keys(l.Flaws)), func(name string) bool { return strings.HasPrefix(name, "failure ") })
		if fails {
			failed++
		}
		if n := len(l.Flaws); n > 0 && !fails || n > 1 {
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
