package explore

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// A guard ends a search at its limit: of what is counted at once, of the heap if
// what has grown is in use and not garbage.
func TestGuard(t *testing.T) {
	const limit = 1000
	for _, tc := range []struct {
		name                     string
		counted, heap, collected int
		ends                     bool
		collections              int
	}{
		{name: "little", counted: 900, heap: 5000 + 900, collected: 5000 + 900},
		{name: "counted", counted: limit + 1, heap: 5000, ends: true},
		{name: "garbage", heap: 5000 + 901, collected: 5000 + 800, collections: 1},
		{name: "in use", heap: 5000 + 901, collected: 5000 + 801, ends: true, collections: 1},
		{name: "a heap that shrank before", heap: 4000 + 901, collected: 4000 + 800, collections: 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			collections := 0
			now := 5000
			g := &guard{limit: limit, least: 5000, counted: func() int { return tc.counted },
				heap: func() int { return now }, collect: func() { collections++; now = tc.collected }}
			if tc.name == "a heap that shrank before" {
				now = 4000
				if _, err := g.look(); err != nil {
					t.Fatal(err)
				}
			}
			now = tc.heap
			_, err := g.look()
			var stop LimitError
			if errors.As(err, &stop) != tc.ends || collections != tc.collections {
				t.Errorf("got %v after %d collections", err, collections)
			}
			if tc.ends && stop.What != "the memory limit of 1000 bytes was reached" {
				t.Errorf("it says %q", stop.What)
			}
		})
	}
	if heapInUse() < 1<<16 {
		t.Error("the heap is empty")
	}
}

// A guard looks seldom while much memory is left and often when little is, until its
// context ends.
func TestGuardWatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// The heap fills at half of the rate that a guard reckons with.
		const limit = 8 << 30
		began := time.Now()
		var looks []time.Duration
		filled := func() int {
			looks = append(looks, time.Since(began))
			return int(time.Since(began).Seconds() * fillRate / 2)
		}
		g := &guard{limit: limit, heap: func() int { return 0 }, counted: filled}
		ctx, cancel := context.WithCancelCause(t.Context())
		go g.watch(ctx, cancel)
		<-ctx.Done()
		var stop LimitError
		if !errors.As(context.Cause(ctx), &stop) {
			t.Errorf("the watch ends with %v", context.Cause(ctx))
		}
		if over := time.Since(began) - time.Second; over < 0 || over > guardLeast {
			t.Errorf("the limit was noticed %s late", over)
		}
		if len(looks) > 15 {
			t.Errorf("%d looks, at %v", len(looks), looks)
		}
	})
	for left, want := range map[int]time.Duration{
		0: guardLeast, 1 << 20: guardLeast, 1 << 30: time.Second / 16, 1 << 40: guardMost,
	} {
		if got := untilFull(left); got != want {
			t.Errorf("with %d bytes left a guard waits %s, want %s", left, got, want)
		}
	}
}

// What is to be said of a violation may be said a little longer than the search goes on.
func TestGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancelCause(t.Context())
		last, cancel := grace(ctx)
		defer cancel()
		stop(LimitError{What: "enough"})
		time.Sleep(graceTime - time.Millisecond)
		if last.Err() != nil {
			t.Error("there is no grace")
		}
		time.Sleep(2 * time.Millisecond)
		var limit LimitError
		if last.Err() == nil || !errors.As(context.Cause(last), &limit) {
			t.Errorf("grace lasts; %v", context.Cause(last))
		}
	})
}
