package explore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/explore"
	"github.com/twinsh/twinsh/runtime/internal/engine"
	"github.com/twinsh/twinsh/runtime/internal/simtest"
	"github.com/twinsh/twinsh/runtime/space"
)

// count returns a cluster of n counters, and its timeouts.
func count(t testing.TB, n int, p simtest.Counters) (*runtime.Cluster, *space.Space) {
	t.Helper()
	s := simtest.OnCounters(t, n, p)
	return s.Cluster, s.Timeouts()
}

// Wherever a search is when its context ends, it does no more work that takes long,
// and its report says what was judged until then.
func TestSearchEndsAtOnce(t *testing.T) {
	for _, stop := range []int{0, 1, 2, 40} {
		t.Run(fmt.Sprintf("invariant %d", stop), func(t *testing.T) {
			c, timeouts := count(t, 4, simtest.Counters{})
			ctx, cancel := context.WithCancelCause(t.Context())
			calls := 0
			end := check.Invariant("counted", func(ctx context.Context, _ *runtime.World) (bool, string, error) {
				if calls++; calls > stop {
					cancel(explore.LimitError{What: "enough"})
				}
				return true, "", ctx.Err()
			})
			o := explore.Options{Start: c.Start(), Invariants: []check.WorldProperty{end}, Workers: 1}
			r, err := explore.Explore(ctx, timeouts.Times(12), o)
			stopped(t, r, err, "enough")
			if calls != stop+1 {
				t.Errorf("%d worlds were judged, want %d", calls, stop+1)
			}
			// Of a layer that was gone through in part, it is said how much that is.
			if (r.Partial > 0) != (stop == 40) {
				t.Errorf("%g of a layer were judged", r.Partial)
			}
			for _, part := range []string{"; judged: all scenarios of up to 3 steps, and 1.6% of those of 4\n", "scenarios, up to 3 steps, and at 1.6% of those of 4"} {
				if stop == 40 && !strings.Contains(r.Text(), part) {
					t.Errorf("want %q in\n%s", part, r.Text())
				}
			}
			calls = stop
			r, err = explore.Sample(t.Context(), timeouts.Times(12), 100, 1, o)
			if err != nil || r.Stopped != nil || calls <= stop {
				t.Errorf("in another context it is stopped: %v, %v", r, err)
			}
		})
		t.Run(fmt.Sprintf("node %d", stop), func(t *testing.T) {
			for _, symmetry := range []explore.Symmetry{explore.Never, explore.Always} {
				ctx, cancel := context.WithCancelCause(t.Context())
				reactions := 0
				c, timeouts := count(t, 4, simtest.Counters{React: func(n int, _ string) {
					if reactions = n + 1; n >= stop {
						cancel(explore.LimitError{What: "enough"})
					}
				}})
				r, err := explore.Explore(ctx, timeouts.Times(30), explore.Options{Start: c.Start(), Symmetry: symmetry, Workers: 1})
				stopped(t, r, err, "enough")
				if reactions != stop+1 {
					t.Errorf("%d reactions, want %d", reactions, stop+1)
				}
			}
		})
		t.Run(fmt.Sprintf("sampled invariant %d", stop), func(t *testing.T) {
			for _, novelty := range []bool{false, true} {
				c, timeouts := count(t, 4, simtest.Counters{})
				ctx, cancel := context.WithCancelCause(t.Context())
				calls := 0
				end := check.Invariant("counted", func(ctx context.Context, _ *runtime.World) (bool, string, error) {
					if calls++; calls > stop {
						cancel(explore.LimitError{What: "enough"})
					}
					return true, "", ctx.Err()
				})
				r, err := explore.Sample(ctx, timeouts.Times(700), 1<<40, 1, explore.Options{
					Start: c.Start(), Invariants: []check.WorldProperty{end}, Workers: 1, Novelty: novelty,
				})
				stopped(t, r, err, "enough")
				if calls != stop+1 {
					t.Errorf("%d worlds were judged, want %d", calls, stop+1)
				}
			}
		})
	}
}

// A worker looks whether it is to end also where neither code nor a property runs,
// and there is but one world to go on from.
func TestNodesEnd(t *testing.T) {
	c, timeouts := count(t, 7, simtest.Counters{React: func(_ int, id string) { panic(id) }})
	steps := timeouts.Steps()[:1]
	for _, parts := range space.PartitionsUpTo(c.Servers(), 4) {
		step, err := c.Step(runtime.PartitionStep{Groups: c.Groups(parts)})
		if err != nil {
			t.Fatal(err)
		}
		steps = append(steps, step)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	end := judging(func(h runtime.History) {
		if len(h.Events) > 0 {
			cancel(explore.LimitError{What: "enough"})
		}
	})
	r, err := explore.Explore(ctx, space.Of(steps...), explore.Options{Start: c.Start(), Properties: []check.Property{end}, Workers: 1})
	stopped(t, r, err, "enough")
	if r.Steps > 32 || len(steps) < 700 {
		t.Errorf("%d of %d steps were taken", r.Steps, len(steps))
	}
}

// judging is a property that holds, and calls a function with what it judges.
type judging func(runtime.History)

func (judging) Name() string { return "judging" }
func (p judging) Judge(_ context.Context, h runtime.History) (check.Verdict, error) {
	p(h)
	return check.Verdict{Holds: true}, nil
}

// stopped checks that a report is one of a search that was stopped.
func stopped(t *testing.T, r *explore.Report, err error, why string) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if r.Stopped == nil || r.Stopped.Error() != why || r.Complete() || !strings.Contains(r.Text(), "stopped    "+why) {
		t.Errorf("stopped by %v:\n%s", r.Stopped, r.Text())
	}
}

// A search that ends while it looks for symmetry has a report, of nothing.
func TestSetUpEnds(t *testing.T) {
	for _, stop := range []int{0, 5} {
		ctx, cancel := context.WithCancelCause(t.Context())
		renamed := 0
		c, timeouts := count(t, 10, simtest.Counters{Rename: func(n int) {
			if renamed = n + 1; n >= stop {
				cancel(explore.LimitError{What: "enough"})
			}
		}})
		r, err := explore.Explore(ctx, timeouts.Times(4), explore.Options{Start: c.Start(), Symmetry: explore.Always})
		stopped(t, r, err, "enough")
		if r.Covered.Sign() != 0 || r.Steps != 0 || r.Worlds != 0 || renamed > stop+10 {
			t.Errorf("%d states were renamed:\n%s", renamed, r.Text())
		}
	}
	done, cancel := context.WithCancel(t.Context())
	cancel()
	c, timeouts := count(t, 4, simtest.Counters{})
	for _, symmetry := range []explore.Symmetry{explore.Auto, explore.Always, explore.Never} {
		r, err := explore.Explore(done, timeouts.Times(4), explore.Options{Start: c.Start(), Symmetry: symmetry})
		if err != nil || !errors.Is(r.Stopped, context.Canceled) || r.Covered.Sign() != 0 || !strings.Contains(r.Text(), "stopped    interrupted") {
			t.Errorf("got %v, %v", r, err)
		}
	}
	r, err := explore.Sample(done, timeouts.Times(4), 10, 1, explore.Options{Start: c.Start()})
	if err != nil || !errors.Is(r.Stopped, context.Canceled) || r.Covered.Sign() != 0 {
		t.Errorf("a sample: %v, %v", r, err)
	}
}

// Of thousands of renamings, only some are tried on the starting world.
func TestSetUpIsCheap(t *testing.T) {
	renamed := 0
	c, timeouts := count(t, 10, simtest.Counters{Rename: func(n int) { renamed = n + 1 }})
	r, err := explore.Explore(t.Context(), timeouts.Times(0), explore.Options{Start: c.Start(), Symmetry: explore.Always})
	if err != nil || !r.OK() {
		t.Fatal(err)
	}
	if order := len(engine.NameSymmetries(c.Engine())); order < 5000 || renamed > 200 {
		t.Errorf("%d states were renamed for %d renamings", renamed, order)
	}
}

// Two workers go on from two worlds at the same time.
func TestSmallLayersUseAllWorkers(t *testing.T) {
	var together sync.WaitGroup
	together.Add(2)
	met := make(chan struct{})
	go func() { together.Wait(); close(met) }()
	alone := atomic.Bool{}
	c, timeouts := count(t, 2, simtest.Counters{React: func(n int, _ string) {
		if n < 2 {
			return // the first layer has one world
		}
		if n < 4 {
			together.Done()
		}
		select {
		case <-met:
		case <-time.After(20 * time.Second):
			alone.Store(true)
		}
	}})
	r, err := explore.Explore(t.Context(), timeouts.Times(2), explore.Options{Start: c.Start(), Symmetry: explore.Never, Workers: 2})
	if err != nil || !r.OK() {
		t.Fatal(err)
	}
	if alone.Load() {
		t.Error("one worker went on from both worlds")
	}
}

// Large states end a search at its memory limit, and what is counted is no less
// than what the states take.
func TestMemoryOfLargeStates(t *testing.T) {
	const limit = 24 << 20
	c, timeouts := count(t, 4, simtest.Counters{Size: 64 << 10})
	r, err := explore.Explore(t.Context(), timeouts.Times(400), explore.Options{Start: c.Start(), MaxMemory: limit, Symmetry: explore.Never})
	stopped(t, r, err, fmt.Sprintf("the memory limit of %d bytes was reached", limit))
	if states := c.Engine().Learnt().States * 64 << 10; states > limit*5/4 || r.Memory < states {
		t.Errorf("%d bytes are counted, and states take %d", r.Memory, states)
	}
}

// Memory is looked at while a single property is judged, too, whatever took it.
func TestMemoryAmidAProperty(t *testing.T) {
	const limit = 24 << 20
	var kept []byte
	hoards := check.Invariant("hoards", func(ctx context.Context, _ *runtime.World) (bool, string, error) {
		kept = make([]byte, 4*limit)
		select {
		case <-ctx.Done():
			return true, "", ctx.Err()
		case <-time.After(time.Minute):
			return false, "", errors.New("nothing ends it")
		}
	})
	c, timeouts := count(t, 4, simtest.Counters{})
	r, err := explore.Explore(t.Context(), timeouts, explore.Options{Start: c.Start(), MaxMemory: limit, Invariants: []check.WorldProperty{hoards}})
	stopped(t, r, err, fmt.Sprintf("the memory limit of %d bytes was reached", limit))
	if len(kept) == 0 {
		t.Error("nothing was judged")
	}
}

// A search that is stopped before it has judged where scenarios start says that nothing was judged,
// and not that something holds there.
func TestStoppedBeforeAnything(t *testing.T) {
	c, timeouts := count(t, 3, simtest.Counters{})
	for asked, want := range map[int]bool{0: true, 1: false} {
		ctx, cancel := context.WithCancelCause(t.Context())
		calls := 0
		end := check.Invariant("asked", func(ctx context.Context, _ *runtime.World) (bool, string, error) {
			if calls++; calls > asked {
				cancel(explore.LimitError{What: "enough"})
			}
			return true, "", ctx.Err()
		})
		r, err := explore.Explore(ctx, timeouts.Times(2), explore.Options{Start: c.Start(), Invariants: []check.WorldProperty{end}, Workers: 1})
		stopped(t, r, err, "enough")
		for _, text := range []string{r.Text(), r.Save().Text()} {
			if strings.Contains(text, "nothing was judged") != want || strings.Contains(text, "asked not judged: the search was stopped before it had judged where scenarios start") != want ||
				strings.Contains(text, "asked holds") == want {
				t.Errorf("after %d worlds:\n%s", asked, text)
			}
		}
	}
}
