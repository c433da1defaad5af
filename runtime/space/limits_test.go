package space_test

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/internal/engine"
	"github.com/twinsh/twinsh/runtime/space"
)

// Counts are the lengths of the lists.
func TestChoicesAreCounted(t *testing.T) {
	for n := range 9 {
		for least := -1; least <= n+1; least++ {
			for most := -1; most <= n+2; most++ {
				want := 0
				for k := max(least, 0); k <= min(most, n); k++ {
					want += len(space.Partitions(1<<n-1, k))
				}
				if got := space.CountPartitions(n, least, most); got.Cmp(big.NewInt(int64(want))) != 0 {
					t.Fatalf("%d elements in %d to %d parts: %s ways, want %d", n, least, most, got, want)
				}
			}
		}
	}
	for _, c := range []*runtime.Cluster{
		twinned(t, 2), twinned(t, 5), twinned(t, 4, runtime.Twin{ID: "C", Copies: 2}),
		twinned(t, 4, runtime.Twin{ID: "A", Copies: 4}, runtime.Twin{ID: "D", Copies: 2}, runtime.Twin{ID: "c1", Copies: 3}),
	} {
		for least := -1; least <= 6; least++ {
			for most := -1; most <= 6; most++ {
				if got, want := space.CountSubsets(c, least, most), len(space.Subsets(c, least, most)); got.Cmp(big.NewInt(int64(want))) != 0 {
					t.Errorf("%s: %s reaches of %d to %d, want %d", c, got, least, most, want)
				}
			}
		}
	}
	// The 26th Bell number, and all but the empty set of 26.
	if got := space.CountPartitions(26, 1, 26); got.String() != "49631246523618756274" {
		t.Errorf("%s partitions of 26", got)
	}
	if got := space.CountSubsets(twinned(t, 26), 1, 26); got.Int64() != 1<<26-1 {
		t.Errorf("%s reaches of 26", got)
	}
	if err := space.Listable(big.NewInt(space.MaxChoices), "reaches"); err != nil {
		t.Error(err)
	}
	if err := space.Listable(big.NewInt(space.MaxChoices+1), "reaches"); err == nil || !strings.Contains(err.Error(), "1,048,577 reaches") {
		t.Errorf("one reach too many: %v", err)
	}
}

// ending is a context that ends when it is asked for the n-th time.
type ending struct {
	context.Context
	asked, last int
}

func (e *ending) Err() error {
	if e.asked++; e.asked >= e.last {
		return context.Canceled
	}
	return nil
}

// Whatever may take long ends at the first question that finds the context ended.
func TestWorkOnSpacesEnds(t *testing.T) {
	c := twinned(t, 7)
	var steps []runtime.Step
	for _, parts := range space.PartitionsUpTo(c.Servers(), 4) {
		steps = append(steps, must(t)(c.Step(runtime.PartitionStep{Groups: c.Groups(parts)})))
	}
	s := space.Of(steps...).Times(3)
	works := map[string]func(context.Context) error{
		"symmetries": func(ctx context.Context) error { _, err := s.Symmetries(ctx); return err },
		"orbits":     func(ctx context.Context) error { _, err := s.Orbits(ctx); return err },
		"kept":       func(ctx context.Context) error { _, err := s.Kept(ctx, engine.Symmetries(c.Engine())); return err },
		"representatives": func(ctx context.Context) error {
			return s.Representatives(ctx, func(space.Scenario) bool { return true })
		},
		"distinct": func(ctx context.Context) error { _, err := space.Of(steps...).Distinct(ctx, 2); return err },
	}
	for name, work := range works {
		for _, last := range []int{1, 2, 20} {
			ctx := &ending{t.Context(), 0, last}
			if err := work(ctx); !errors.Is(err, context.Canceled) || ctx.asked != last {
				t.Errorf("%s: ended with %v after %d questions, want %d", name, err, ctx.asked, last)
			}
		}
	}
}

// Spaces of many parts are cheap, and so is one of more scenarios than can be listed.
func TestSpacesOfManyParts(t *testing.T) {
	c := twinned(t, 4)
	crash := space.Of(faultSteps(t, c, "crash")...)
	sum := crash
	for range 9999 {
		sum = space.Then(sum, crash)
	}
	if text := sum.String(); len(text) < 10000*len(" + ") || sum.MaxLen() != 10000 || sum.Depth() != 9999 {
		t.Errorf("a sum of 10000 spaces has %d steps, depth %d and a text of %d bytes", sum.MaxLen(), sum.Depth(), len(text))
	}
	either := crash
	for range 999 {
		either = space.Or(either, crash)
	}
	if either.Size().Int64() != 4 || either.Depth() != 999 {
		t.Errorf("%s scenarios, depth %d", either.Size(), either.Depth())
	}
	drawing := crash.Times(3000).Draw(1)
	seen := map[string]bool{}
	for range 100 {
		i, ok := drawing.Next()
		if !ok || seen[i.String()] {
			t.Fatalf("draw %d: %v", len(seen), ok)
		}
		seen[i.String()] = true
	}
	drawing = crash.Times(2).Draw(1)
	n := 0
	for ; ; n++ {
		if _, ok := drawing.Next(); !ok {
			break
		}
	}
	if n != 16 {
		t.Errorf("%d draws of %s", n, fmt.Sprint(crash.Times(2).Size()))
	}
}

// A space of twice the same space, and so on, has a text that ends.
func TestTextIsCut(t *testing.T) {
	s := space.Of().Times(0)
	for range 60 {
		s = space.Or(s, s)
	}
	if n := len(s.String()); n < 1<<19 || n > 1<<21 {
		t.Errorf("the text has %d bytes, want about a mebibyte", n)
	}
}
