package guard

import (
	"math"
	"runtime"
	"runtime/metrics"
	"time"

	"github.com/twinsh/twinsh/runtime/machine"
)

// The limit of memory. A script cannot be given a heap of its own, so that it is the
// process that is watched, by looking now and then; how often follows from how fast memory
// can be filled. It is the last resort: what a script allocates in one step is bounded
// elsewhere, so that it does not get far between two looks.

// Watch calls exceeded, once, when the process occupies more than limit bytes
// and collecting garbage does not help. Far beyond the limit it does not wait
// for that, unless the garbage is from before the watch. The watch ends with a call of
// what Watch returns.
func Watch(limit uint64, exceeded func(used uint64)) (end func()) {
	done := make(chan struct{})
	go func() {
		timer := time.NewTimer(0)
		defer timer.Stop()
		for first := true; ; first = false {
			select {
			case <-done:
				return
			case <-timer.C:
			}
			// What counts is what is alive, and only collecting garbage says how much that
			// is. It takes long with a large heap, so that it is done close to the limit
			// only. If little comes of it, so that the next look would collect again, the
			// limit counts as reached: else a script at its edge would collect all the
			// time.
			used := Occupied()
			// Garbage may be what is above the limit. To collect it takes time, in which a script that
			// grows fast would take what is left; an eighth beyond the limit that is the greater danger. At
			// least a sixteenth must be free afterwards, or each look would collect again.
			if used > limit && (first || used < limit+limit/8) {
				runtime.GC()
				if after := Occupied(); after <= limit-limit/16 {
					used = after
				}
			}
			if used > limit {
				exceeded(used)
				return
			}
			timer.Reset(machine.UntilFull(int(min(limit-used, math.MaxInt))))
		}
	}()
	return func() { close(done) }
}

// Occupied returns how many bytes of memory the heap of the process takes: what
// is in use, what is garbage, and what is free between. It reads counters of the runtime and stops
// nothing; what the process has given back to the system is not in it.
func Occupied() uint64 {
	samples := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"},
		{Name: "/memory/classes/heap/stacks:bytes"},
	}
	metrics.Read(samples)
	sum := uint64(0)
	for _, s := range samples {
		sum += s.Value.Uint64()
	}
	return sum
}
