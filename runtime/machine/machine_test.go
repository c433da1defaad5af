package machine

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// A guard ends work at its limit: of what is counted at once, of the heap if
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
			g := &Guard{limit: limit, least: 5000, counted: func() int { return tc.counted },
				heap: func() int { return now }, collect: func() { collections++; now = tc.collected }}
			if tc.name == "a heap that shrank before" {
				now = 4000
				if _, ok := g.look(); !ok {
					t.Fatal("the limit is reached")
				}
			}
			now = tc.heap
			_, ok := g.look()
			if ok == tc.ends || collections != tc.collections {
				t.Errorf("within the limit: %t, after %d collections", ok, collections)
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
		g := &Guard{limit: limit, heap: func() int { return 0 }, counted: filled}
		ctx, cancel := context.WithCancel(t.Context())
		g.Watch(ctx, cancel)
		if ctx.Err() == nil {
			t.Error("the watch ends and says nothing")
		}
		if over := time.Since(began) - time.Second; over < 0 || over > waitLeast {
			t.Errorf("the limit was noticed %s late", over)
		}
		if len(looks) > 15 {
			t.Errorf("%d looks, at %v", len(looks), looks)
		}
	})
	for left, want := range map[int]time.Duration{
		-1 << 40: waitLeast, 0: waitLeast, 1 << 20: waitLeast, 1 << 30: time.Second / 16, 1 << 40: waitMost,
	} {
		if got := UntilFull(left); got != want {
			t.Errorf("with %d bytes left a guard waits %s, want %s", left, got, want)
		}
	}
}
