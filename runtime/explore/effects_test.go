package explore_test

import (
	"fmt"
	"path/filepath"
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

// effectsSeen is what an oracle sees of choices, in what the worlds of each
// scenario record of their deliveries.
type effectsSeen struct {
	steps           []runtime.Step
	tried, possible map[string]bool
	atStart         map[string]string // why steps cannot happen at the start
	filters         []*filterSeen
}

// A filterSeen is that instances do not hear messages of a type from others, in
// one step or until the network heals.
type filterSeen struct {
	text     string
	kind     string
	from, to node.Set
	oneStep  bool
	lost     bool
}

func newEffects(of *space.Space, start *runtime.World) *effectsSeen {
	e := &effectsSeen{steps: of.Steps(), tried: map[string]bool{}, possible: map[string]bool{}, atStart: map[string]string{}}
	for _, s := range e.steps {
		for _, f := range filtersOf(s) {
			e.filter(f)
		}
	}
	for _, f := range standing(start) {
		e.filter(f)
	}
	return e
}

// filter returns the filter that does what f does.
func (e *effectsSeen) filter(f filterSeen) *filterSeen {
	for _, g := range e.filters {
		if g.kind == f.kind && g.from == f.from && g.to == f.to && g.oneStep == f.oneStep {
			return g
		}
	}
	e.filters = append(e.filters, &f)
	return &f
}

// filtersOf reads the filters that a step brings from what it says of itself.
func filtersOf(s runtime.Step) []filterSeen {
	c := s.Cluster()
	all := c.Servers() | c.Clients()
	set := func(names ...string) node.Set {
		var set node.Set
		for _, name := range names {
			if name == "" {
				return all
			}
			i, err := c.Instance(name)
			if err != nil {
				panic(err)
			}
			set |= node.SetOf(i)
		}
		return set
	}
	f := filterSeen{text: s.String(), from: all, to: all}
	var types []string
	phase := func(p runtime.Phase) {
		f.text, f.to, f.oneStep = strings.Join(p.Deaf, ", ")+" deaf", set(p.Deaf...), true
		types = p.Types
	}
	switch a := s.Action().(type) {
	case runtime.DeafStep:
		f.to, types = set(a.ID), a.Types
	case runtime.DropStep:
		f.from, f.to, types = set(a.Src), set(a.Dst), []string{a.Type}
	case runtime.RoundStep:
		phase(a.Phase)
	case runtime.DeliverStep:
		phase(a.Phase)
	}
	var filters []filterSeen
	for _, f.kind = range types {
		filters = append(filters, f)
	}
	return filters
}

// standing lists the filters of steps on the way to w that are still in force.
func standing(w *runtime.World) []filterSeen {
	var filters []filterSeen
	for _, v := range w.Path()[1:] {
		switch v.Step().Action().(type) {
		case runtime.HealStep:
			filters = nil
		case runtime.DropStep, runtime.DeafStep:
			filters = append(filters, filtersOf(v.Step())...)
		}
	}
	return filters
}

// note notes what came of a step, which led to w.
func (e *effectsSeen) note(step runtime.Step, first bool, w *runtime.World, err error) {
	e.tried[step.String()] = true
	if err != nil {
		if first {
			e.atStart[step.String()] = strings.Replace(err.Error(), step.Text()+":", "; at the start:", 1)
		}
		return
	}
	e.possible[step.String()] = true
	in := standing(w.Parent())
	if !runtime.Is[runtime.DropStep](step) && !runtime.Is[runtime.DeafStep](step) {
		in = append(in, filtersOf(step)...)
	}
	for _, d := range w.Deliveries() {
		for _, f := range in {
			if d.Fate == runtime.Filtered && f.kind == node.MessageType(d.Event.Message) && f.from.Has(d.From) && f.to.Has(d.To) {
				e.filter(f).lost = true
			}
		}
	}
}

// missing lists what never mattered.
func (e *effectsSeen) missing() []string {
	var list []string
	for _, s := range e.steps {
		switch text := s.String(); {
		case !e.tried[text]:
			list = append(list, text+": no scenario comes to it")
		case !e.possible[text]:
			list = append(list, text+": it can never happen"+e.atStart[text])
		}
	}
	for _, f := range e.filters {
		if !f.lost {
			list = append(list, fmt.Sprintf("%s: it never loses a message of type %q", f.text, f.kind))
		}
	}
	return list
}

// Of rounds with deaf instances, drops that stand, mishaps and heals, a search
// reports those that mattered nowhere: with symmetry and without, with one
// worker and two, and in shards.
func TestNoEffectAgreesWithOracle(t *testing.T) {
	reported := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		network := rapid.SampledFrom([]runtime.Network{runtime.Lossy, runtime.Lossy, runtime.Held}).Draw(rt, "network")
		s := newStage(t, twinned(runtime.Config{Protocol: ballots{quorum: rapid.IntRange(2, 3).Draw(rt, "quorum")}, N: 3, F: 1, Network: network}, "C"))
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
		for _, line := range want.noEffect {
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
		if !slices.Equal(merged, want.noEffect) {
			rt.Fatalf("shards: %q\nwhole: %q", merged, want.noEffect)
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
		s := voting(t, ballots{quorum: 3})
		p := runtime.Phase{Deaf: []string{"B"}, Types: []string{"vote", "ghost"}}
		deaf, err := s.Step(runtime.RoundStep{Leader: "A", Phase: p})
		if err != nil {
			t.Fatal(err)
		}
		drop, err := s.Step(runtime.DropStep{Type: "ghost", Src: "", Dst: "A"})
		if err != nil {
			t.Fatal(err)
		}
		mishaps := space.Of(drop, s.step("crash D"), s.step("restart B"))
		of := inTurn(s.rounds(), space.Of(deaf), mishaps, s.of("crash D"), s.of("crash D"), s.rounds())
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
	s := voting(t, ballots{quorum: 3})
	of := inTurn(s.of("crash A"), eitherOf(s.of("crash A"), inTurn(s.of("crash A"), s.of("restart B"))))
	got := ledgerOf(s.explores(of, check.Agreement())).noEffect
	if want := []string{"restart B: no scenario comes to it"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	start, err := s.Start().Do(s.step("crash A"))
	if err != nil {
		t.Fatal(err)
	}
	r := s.exploresWith(of, explore.Options{Start: start})
	if want := []string{"crash A: it can never happen; at the start: A is down already", "restart B: no scenario comes to it"}; !slices.Equal(ledgerOf(r).noEffect, want) {
		t.Errorf("got %q, want %q", r.NoEffect, want)
	}
	if !strings.Contains(r.Text(), "\nno effect  crash A: it can never happen; at the start: A is down already\n") {
		t.Errorf("not in the text:\n%s", r.Text())
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
