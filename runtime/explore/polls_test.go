package explore

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twinsh/twinsh/runtime/internal/engine"
	"github.com/twinsh/twinsh/runtime/internal/simtest/store"
	"github.com/twinsh/twinsh/runtime/space"
)

// endsAt is a context that ends when it is asked for the n-th time.
type endsAt struct {
	context.Context
	asked, last int
}

func (e *endsAt) Err() error {
	if e.asked++; e.asked >= e.last {
		return context.Canceled
	}
	return nil
}

// What a search does between steps ends with its context, too, wherever it may be
// long: where a place has many ways on, a layer many search nodes or a space many steps.
func TestWorkBetweenStepsEnds(t *testing.T) {
	c := store.On(t, "c1=(read) c2=(read)")
	steps := c.Exchanges("c1 c2", c.Quorums(3)).Steps()
	different, err := space.Of(steps...).Distinct(t.Context(), 2) // each step leads to a place of its own
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Start: c.Start()}
	search := func(s *space.Space) *search {
		x := newSearch(s, o)
		if err := x.seekSymmetry(t.Context()); err != nil {
			t.Fatal(err)
		}
		return x
	}
	for name, work := range map[string]func(context.Context) error{
		"the ways on from a place": func(ctx context.Context) error {
			x := search(different)
			return x.graph.open(ctx, x.graph.place(different.Start()))
		},
		"what had no effect, renamed": func(ctx context.Context) error {
			x := search(space.Of(steps...).Times(2))
			return x.effects.spread(ctx, x.space.Steps(), x.symmetry)
		},
		"a step that is checked under each renaming": func(ctx context.Context) error {
			x := search(space.Of(steps...).Times(2))
			at := x.graph.place(x.space.Start())
			if err := x.graph.open(t.Context(), at); err != nil {
				return err
			}
			r := newRenamer(t.Context(), x.symmetry, 0)
			src, dst := c.Start().Vector(), make(engine.Vector, c.Engine().Width())
			at.edges[0].to.expected(r.sim)
			ok := r.sim.Take(dst, src, steps[0].Engine())
			return r.check(ctx, 1, x.symmetry.Order(), at, 0, src, dst, r.sim.Seen(), ok)
		},
		"a search that is resumed": func(ctx context.Context) error {
			s := space.Of(steps...).Times(3)
			o := o
			o.Checkpoint, o.MaxWorlds = filepath.Join(t.TempDir(), "search"), 1
			if _, err := Explore(t.Context(), s, o); err != nil {
				return err
			}
			k, release, err := o.keeper()
			if err != nil {
				return err
			}
			defer release()
			saved, err := k.read()
			if err != nil {
				return err
			}
			x := search(s)
			x.keeper, x.options.Workers = k, 1
			if err := x.graph.open(t.Context(), x.graph.place(s.Start())); err != nil {
				return err
			}
			_, err = (&resumption{x, saved}).layer(ctx)
			return err
		},
		"a layer that is merged": func(ctx context.Context) error {
			x := search(space.Of(steps...).Times(2))
			layer, err := x.first(t.Context())
			if err != nil {
				return err
			}
			next, _, err := x.layer(t.Context(), layer, x.options.Workers)
			if err != nil {
				return err
			}
			parents, err := next.seal(t.Context())
			if err != nil {
				return err
			}
			_, _, err = x.merge(ctx, next, parents)
			return err
		},
		"a draw that is guided": func(ctx context.Context) error {
			_, err := suffix(ctx, space.Of(steps...).Times(3).Start(), rand.New(rand.NewPCG(1, 2)))
			return err
		},
		"a layer that is ranked": func(ctx context.Context) error {
			f := newFrontier(1, 1, 1, 2)
			f.add([]uint32{0}, weight{1}, 2)
			f.add([]uint32{1}, weight{1}, 1)
			_, err := f.seal(ctx)
			return err
		},
	} {
		for _, last := range []int{1, 2} {
			ctx := &endsAt{t.Context(), 0, last}
			if err := work(ctx); !errors.Is(err, context.Canceled) || ctx.asked != last {
				t.Errorf("%s: %v after %d questions, want %d", name, err, ctx.asked, last)
			}
		}
	}
}

// A sort asks again and again, however many keys it has in one pass.
func TestSortAsks(t *testing.T) {
	keys, values := make([]uint64, 3*sortChunk), make([]uint32, 3*sortChunk)
	for i := range keys {
		keys[i] = uint64(i+1) % 2
	}
	for last := 1; last <= 6; last++ { // one pass to count and one to move, three chunks each
		ctx := &endsAt{t.Context(), 0, last}
		if err := sortByKey(ctx, keys, values); !errors.Is(err, context.Canceled) || ctx.asked != last {
			t.Errorf("%v after %d questions, want %d", err, ctx.asked, last)
		}
	}
}

// endsIn is a context that ends when a function asks it.
type endsIn struct {
	context.Context
	function string
	ended    bool
}

func (e *endsIn) Err() error {
	if e.ended = e.ended || strings.Contains(string(debug.Stack()), "."+e.function+"("); e.ended {
		return context.Canceled
	}
	return nil
}

// A search that ends while it ranks a layer says that all of the layer was judged, and
// leaves a checkpoint of the layer before, from which it comes to the same end.
func TestRankingEnds(t *testing.T) {
	s, o := branching(t)
	whole, err := Explore(t.Context(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	o.Checkpoint, o.Workers = filepath.Join(t.TempDir(), "search"), 2 // whose search nodes are not in order
	x := newSearch(s, o)
	var release func()
	if x.keeper, release, err = o.keeper(); err != nil {
		t.Fatal(err)
	}
	ctx := &endsIn{Context: t.Context(), function: "sortByKey"}
	r, err := x.run(ctx)
	release()
	if err != nil || !errors.Is(r.Stopped, context.Canceled) || r.Partial != 1 || r.Covered.Cmp(whole.Covered) >= 0 {
		t.Fatalf("%v\n%s", err, r.Text())
	}
	o.Resume = true
	again, err := Explore(t.Context(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	if steps := again.Continued.Steps; steps != r.Depth {
		t.Errorf("it goes on after step %d, want %d", steps, r.Depth)
	}
	again.Continued, again.Runs = nil, whole.Runs
	if again.Text() != whole.Text() {
		t.Errorf("resumed:\n%s\nuninterrupted:\n%s", again.Text(), whole.Text())
	}
}

// A search whose progress is shown leaves a checkpoint that fits, wherever it is stopped.
func TestWatchedSearchIsResumed(t *testing.T) {
	s, o := branching(t)
	o.Workers = 1
	whole, err := Explore(t.Context(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	for layer := 1; layer <= 4; layer++ {
		o := o
		o.Checkpoint = filepath.Join(t.TempDir(), "search")
		ctx, cancel := context.WithCancel(t.Context())
		o.Progress = func(p Progress) {
			if p.Layer == layer {
				cancel()
			}
		}
		stopped, err := Explore(ctx, s, o)
		if err != nil || stopped.Stopped == nil {
			t.Fatalf("layer %d: %v, %v", layer, stopped, err)
		}
		o.Progress, o.Resume = nil, true
		again, err := Explore(t.Context(), s, o)
		if err != nil {
			t.Errorf("layer %d: %v", layer, err)
			continue
		}
		again.Continued, again.Runs = nil, whole.Runs
		if again.Text() != whole.Text() {
			t.Errorf("layer %d, resumed:\n%s\nuninterrupted:\n%s", layer, again.Text(), whole.Text())
		}
	}
}

// A search that is stopped writes no checkpoint that is there already.
func TestCheckpointIsWrittenOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, o := branching(t)
		o.Checkpoint, o.Workers = filepath.Join(t.TempDir(), "search"), 1
		for _, o.Resume = range []bool{false, true} {
			ctx, cancel := context.WithCancel(t.Context())
			var before os.FileInfo
			o.Progress = func(p Progress) {
				time.Sleep(2 * saveEvery)
				if !p.Back && p.Layer == 2 {
					var err error
					if before, err = os.Stat(o.Checkpoint); err != nil {
						t.Fatal(err)
					}
					cancel()
				}
			}
			r, err := Explore(ctx, s, o)
			if err != nil {
				t.Fatal(err)
			}
			after, err := os.Stat(o.Checkpoint)
			if err != nil || before == nil || !os.SameFile(before, after) {
				t.Errorf("resumed: %v; written anew: %v, %v", o.Resume, before, err)
			}
			if r.Stopped == nil || r.Checkpoint == "" || r.Unsaved != nil {
				t.Errorf("resumed: %v\n%s", o.Resume, r.Text())
			}
		}
	})
}

// branching returns a space of four exchanges, each of which leads to different worlds.
func branching(t *testing.T) (*space.Space, Options) {
	t.Helper()
	s := store.On(t, "c1=(write red) c2=(read)")
	return s.Exchanges("c1 c2", s.Subsets(2, 3)).Times(4), Options{Start: s.Start()}
}
