package guard

import (
	"runtime"
	"runtime/metrics"
	"time"
)

// watchInterval is how often Watch looks. What a script allocates in one step
// is bounded, so that it does not get far in the meantime.
const watchInterval = 10 * time.Millisecond

// Watch calls exceeded, once, when the process occupies more than limit bytes
// and collecting garbage does not help. Far beyond the limit it does not wait
// for that. The watch ends with a call of what Watch returns.
func Watch(limit uint64, exceeded func(used uint64)) (end func()) {
	done := make(chan struct{})
	go func() {
		ticker := time.NewTicker(watchInterval)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
			}
			used := Occupied()
			if used <= limit {
				continue
			}
			if used < limit+limit/8 {
				runtime.GC()
				if used = Occupied(); used <= limit-limit/16 {
					continue
				}
			}
			exceeded(used)
			return
		}
	}()
	return func() { close(done) }
}

// Occupied returns how many bytes of memory the heap of the process takes: what
// is in use, what is garbage, and what is free between.
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
