// Package machine is what a search and a script want to know of the machine that they run on:
// how many processors there are, and how much memory is left. It asks Go's runtime, so that those
// who work with the packages of this project need not have two that are called runtime in one file.
package machine

import (
	"context"
	"runtime"
	"runtime/metrics"
	"time"
)

// Processors returns how many goroutines can work at the same time.
func Processors() int { return runtime.GOMAXPROCS(0) }

// What watches memory looks again before what is left can be filled at fillRate bytes a second,
// and yet not all the time: a look wakes a thread, and takes time from work that has all
// processors. The rate is above what one processor can clear and write.
const (
	fillRate  = 16 << 30
	waitLeast = 2 * time.Millisecond
	waitMost  = 250 * time.Millisecond
)

// UntilFull returns how long what watches memory may wait until it looks again when so many bytes
// are left: as long as it takes to fill them, within bounds. Less than none counts as none.
func UntilFull(left int) time.Duration {
	wait := time.Duration(float64(left) / fillRate * float64(time.Second))
	return min(max(wait, waitLeast), waitMost)
}

// A Guard notices that the memory of some work comes to its limit. It looks at what the
// work counts itself, and at how far the heap of the process has grown since the work
// began, which is what is not counted, too, and whatever else the process does.
//
// The heap holds garbage, because Go collects it only when the heap has doubled. When it
// has grown by nine tenths of the limit, what of it is in use is found out by a collection,
// and that may be eight tenths: the tenth between them is what keeps a guard from collecting
// at each look. The rest is room for what grows between two looks, and for what Go needs.
type Guard struct {
	limit   int
	counted func() int
	heap    func() int // in use, garbage included
	collect func()     // the garbage
	least   int        // that the heap ever was
}

// NewGuard returns a guard of work that begins now. Counted may be called from another
// goroutine, at any time.
func NewGuard(limit int, counted func() int) *Guard {
	g := &Guard{limit: limit, counted: counted, heap: heapInUse, collect: runtime.GC}
	g.least = g.heap()
	return g
}

// Watch looks until ctx ends or the limit is reached; then it calls exceeded, once.
func (g *Guard) Watch(ctx context.Context, exceeded func()) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			left, ok := g.look()
			if !ok {
				exceeded()
				return
			}
			timer.Reset(UntilFull(left))
		}
	}
}

// look returns how many bytes are left before something is to be done, or that the limit
// is reached.
func (g *Guard) look() (left int, ok bool) {
	counted := g.limit - g.counted()
	if counted < 0 {
		return 0, false
	}
	now := g.heap()
	// What was garbage when the work began counts as room once it is collected.
	g.least = min(g.least, now)
	room := g.least + g.limit/10*9
	if now > room {
		g.collect()
		if now = g.heap(); now-g.least > g.limit/10*8 {
			return 0, false
		}
	}
	return min(counted, room-now), true
}

// heapInUse returns the bytes of the heap that hold objects, dead ones among them,
// and what lies unused between them. Reading that takes some microseconds and stops
// nothing, which [runtime.ReadMemStats] does.
func heapInUse() int {
	samples := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/unused:bytes"}}
	metrics.Read(samples)
	return int(samples[0].Value.Uint64() + samples[1].Value.Uint64())
}
