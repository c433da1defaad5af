package explore_test

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/explore"
	"github.com/twinsh/twinsh/runtime/internal/simtest"
	"github.com/twinsh/twinsh/runtime/node"
	"github.com/twinsh/twinsh/runtime/space"
)

// Of rounds with deaf instances, drops that stand, mishaps and heals, a search
// reports those that mattered nowhere: with symmetry and without, with one
// worker and two, and in shards.
func TestNoEffectAgreesWithOracle(t *testing.T) {
	t.Parallel()
	reported := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		held := rapid.SampledFrom([]bool{false, false, true}).Draw(rt, "held")
		s := newStage(t, twinned(runtime.Config{Protocol: simtest.Ballots{Quorum: rapid.IntRange(2, 3).Draw(rt, "quorum")}, N: 3, F: 1, Held: held}, "C"))
		var pool []runtime.Step
		add := func(step runtime.Step, err error) {
			if err != nil {
				rt.Fatal(err)
			}
			pool = append(pool, step)
		}
		kinds := rapid.SampledFrom([]string{"vote", "proposal", "ghost"})
		name := rapid.SampledFrom(s.Names(s.Servers()))
		for range rapid.IntRange(2, 5).Draw(rt, "rounds") {
			p := runtime.Phase{Groups: s.Groups(rapid.SampledFrom(space.PartitionsUpTo(s.Servers(), 3)).Draw(rt, "parts"))}
			if rapid.IntRange(0, 3).Draw(rt, "deaf") > 0 {
				p.Deaf = s.Names(node.Set(rapid.IntRange(1, 15).Draw(rt, "who")))
				p.Types = rapid.SliceOfNDistinct(kinds, 1, 2, rapid.ID[string]).Draw(rt, "types")
			}
			p.Hops = rapid.IntRange(0, 2).Draw(rt, "hops")
			if rapid.IntRange(0, 3).Draw(rt, "deliver") == 0 {
				add(s.Step(runtime.DeliverStep{Phase: p}))
			} else {
				add(s.Step(runtime.RoundStep{Leader: rapid.SampledFrom([]string{"A", "C"}).Draw(rt, "leader"), Phase: p}))
			}
		}
		end := rapid.SampledFrom(append(s.Names(s.Servers()), ""))
		for range rapid.IntRange(0, 2).Draw(rt, "drops") {
			add(s.Step(runtime.DropStep{Type: kinds.Draw(rt, "type"), Src: end.Draw(rt, "src"), Dst: end.Draw(rt, "dst")}))
			add(s.Step(runtime.DeafStep{ID: name.Draw(rt, "deaf"), Types: rapid.SliceOfNDistinct(kinds, 1, 2, rapid.ID[string]).Draw(rt, "types")}))
		}
		add(s.Step(runtime.CrashStep{ID: name.Draw(rt, "crashes")}))
		add(s.Step(runtime.TimeoutStep{IDs: []string{name.Draw(rt, "waits")}})) // which no server of the protocol does anything about
		add(s.Step(runtime.HealStep{}))
		start := s.Start()
		for range rapid.IntRange(0, 2).Draw(rt, "before") {
			if next, err := start.Do(rapid.SampledFrom(pool).Draw(rt, "step")); err == nil {
				start = next
			}
		}
		of := space.Of().Times(0)
		for range rapid.IntRange(1, 3).Draw(rt, "length") {
			next := space.Of(rapid.SliceOfN(rapid.SampledFrom(pool), 1, 5).Draw(rt, "steps")...)
			of = space.Then(of, next)
		}
		o := explore.Options{
			Start: start, Workers: rapid.IntRange(1, 2).Draw(rt, "workers"), Properties: []check.Property{check.Agreement()},
		}
		want := s.agrees(rt, of, o)
		for _, line := range want.NoEffect {
			reported[line[max(0, len(line)-12):]]++
		}
		var shards []*explore.Saved
		for i := range 2 {
			o.Shard = explore.Shard{Index: i, Count: 2}
			r, err := explore.Explore(t.Context(), of, o)
			if err != nil {
				rt.Fatal(err)
			}
			shards = append(shards, r.Save())
		}
		whole, err := explore.Merge(shards)
		if err != nil {
			rt.Fatal(err)
		}
		var merged []string
		for _, n := range whole.NoEffect {
			merged = append(merged, n.String())
		}
		if !slices.Equal(merged, want.NoEffect) {
			rt.Fatalf("shards: %q\nwhole: %q", merged, want.NoEffect)
		}
	})
	for _, kind := range []string{`type "vote"`, `type "ghost"`} {
		found := 0
		for line, n := range reported {
			if len(line) >= len(kind) && line[len(line)-len(kind):] == kind {
				found += n
			}
		}
		if !testing.Short() && found == 0 {
			t.Errorf("nothing was ever reported of the kind %q", kind)
		}
	}
}

// A search that is stopped in each layer and goes on from its checkpoint reports
// the same.
func TestNoEffectIsResumed(t *testing.T) {
	search := func() (*space.Space, explore.Options) {
		s := voting(t, simtest.Ballots{Quorum: 3})
		p := runtime.Phase{Deaf: []string{"B"}, Types: []string{"vote", "ghost"}}
		deaf, err := s.Step(runtime.RoundStep{Leader: "A", Phase: p})
		if err != nil {
			t.Fatal(err)
		}
		drop, err := s.Step(runtime.DropStep{Type: "ghost", Src: "", Dst: "A"})
		if err != nil {
			t.Fatal(err)
		}
		mishaps := space.Of(drop, s.Read("crash D"), s.Read("restart B"))
		of := simtest.InTurn(s.rounds(), space.Of(deaf), mishaps, s.Of("crash D"), s.Of("crash D"), s.rounds())
		return of, explore.Options{Start: s.Start(), Properties: []check.Property{check.Agreement()}}
	}
	of, o := search()
	want := mustExplore(t, t.Context(), of, o)
	if len(want.NoEffect) != 2 {
		t.Errorf("got %q", want.NoEffect)
	}
	file := filepath.Join(t.TempDir(), "checkpoint")
	for worlds, stops := 1, 0; ; worlds++ {
		of, o := search()
		o.Checkpoint, o.Resume, o.MaxWorlds = file, true, worlds
		got := mustExplore(t, t.Context(), of, o)
		if got.Stopped != nil {
			if stops++; got.NoEffect != nil {
				t.Errorf("stopped, and %q had no effect", got.NoEffect)
			}
			continue
		}
		if !slices.Equal(got.NoEffect, want.NoEffect) {
			t.Errorf("resumed: %q, at once: %q", got.NoEffect, want.NoEffect)
		}
		if stops < 3 {
			t.Errorf("stopped %d times only", stops)
		}
		return
	}
}

// Steps that never take place: those that cannot, and those to which no scenario
// comes because one before them cannot.
func TestStepsWithoutEffect(t *testing.T) {
	s := voting(t, simtest.Ballots{Quorum: 3})
	of := simtest.InTurn(s.Of("crash A"), simtest.EitherOf(s.Of("crash A"), simtest.InTurn(s.Of("crash A"), s.Of("restart B"))))
	got := ledgerOf(s.explores(of, check.Agreement())).NoEffect
	if want := []string{"restart B: no scenario comes to it"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	start, err := s.Start().Do(s.Read("crash A"))
	if err != nil {
		t.Fatal(err)
	}
	r := s.exploresWith(of, explore.Options{Start: start})
	if want := []string{"crash A: it can never happen; at the start: A is down already", "restart B: no scenario comes to it"}; !slices.Equal(ledgerOf(r).NoEffect, want) {
		t.Errorf("got %q, want %q", r.NoEffect, want)
	}
	if !strings.Contains(r.Text(), "\nno effect  crash A: it can never happen; at the start: A is down already\n") {
		t.Errorf("not in the text:\n%s", r.Text())
	}
}

// Of scenarios that are not followed because they have violated all that is checked,
// nothing is said: what they would come to is possible here.
func TestEffectsBehindViolations(t *testing.T) {
	s := voting(t, simtest.Ballots{Quorum: 3})
	up := check.Invariant("A is up", func(_ context.Context, w *runtime.World) (bool, string, error) {
		return !w.Crashed().Has(0), "A is down", nil
	})
	of := simtest.InTurn(s.Of("crash A"), s.Of("restart A"), s.Of("restart B"))
	const hidden = "no scenario comes to it before it violates all that is checked"
	for _, test := range []struct {
		properties []check.Property
		want       []string
	}{
		{nil, []string{"restart A: " + hidden, "restart B: " + hidden}},
		{[]check.Property{check.Agreement()}, nil},
	} {
		r := s.exploresWith(of, explore.Options{Start: s.Start(), Properties: test.properties, Invariants: []check.WorldProperty{up}})
		if got := ledgerOf(r).NoEffect; len(r.Violations) != 1 || !slices.Equal(got, test.want) {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
	// A violation at the end hides nothing.
	of = simtest.InTurn(s.Of("restart B"), s.Of("crash A"))
	r := s.exploresWith(simtest.EitherOf(of, s.Of("crash A")), explore.Options{Start: s.Start(), Invariants: []check.WorldProperty{up}})
	if got := ledgerOf(r).NoEffect; len(r.Violations) != 1 || got != nil {
		t.Errorf("got %q", got)
	}
}

// What mattered in one shard mattered.
func TestMergedEffects(t *testing.T) {
	var shards []*explore.Saved
	for i, list := range [][]explore.NoEffect{
		{{Choice: "a"}, {Choice: "b"}, {Choice: "c", Type: "vote"}, {Choice: "c", Type: "ghost"}},
		{{Choice: "b", Tried: true}, {Choice: "c", Type: "ghost"}, {Choice: "d"}},
	} {
		s, o := storeSpace(t, 3)
		o.Shard = explore.Shard{Index: i, Count: 2}
		saved := mustExplore(t, t.Context(), s, o).Save()
		saved.NoEffect = list
		shards = append(shards, saved)
	}
	whole, err := explore.Merge(shards)
	if want := []explore.NoEffect{{Choice: "b", Tried: true}, {Choice: "c", Type: "ghost"}}; err != nil || !slices.Equal(whole.NoEffect, want) {
		t.Errorf("got %+v, %v, want %+v", whole.NoEffect, err, want)
	}
}
