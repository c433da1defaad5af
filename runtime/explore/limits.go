package explore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twinsh/twinsh/runtime/internal/engine"
	"github.com/twinsh/twinsh/runtime/machine"
)

// A LimitError is why a search stopped that ran into a limit of its options, or
// of what it can number.
type LimitError = engine.LimitError

// Limits keep what has numbers of 32 bits below that, with room for what goes on
// until all workers have stopped. Tests make them small.
type limits struct {
	nodes   int // of a layer: ranks, and places in a shard plus one
	choices int // at a place: half of a parent link
}

func defaultLimits() limits { return limits{nodes: 7 << 29, choices: 7 << 29} }

// The memory of maps and nodes is counted by estimates, because to ask the heap stops or slows
// all workers. The guard, which does ask the heap, stands beside them for what is not counted.

// pairBytes is about what a map takes for each pair of numbers.
const pairBytes = 40

func isLimit(err error) bool {
	var limit LimitError
	return errors.As(err, &limit)
}

func tooManyNodes(most int) error {
	return LimitError{What: fmt.Sprintf("a layer has more than %d worlds, which is as many as a search can number", most)}
}

func tooManyChoices(most int) error {
	return LimitError{What: fmt.Sprintf("more than %d steps are possible at one place, which is as many as a search can number", most)}
}

// graceTime is how much longer than a search its last words may take.
const graceTime = 100 * time.Millisecond

// grace returns a context for saying what is wrong with a scenario that was found
// to violate a property: a search that is stopped still says that, if it takes no
// longer than graceTime.
func grace(ctx context.Context) (context.Context, context.CancelFunc) {
	last, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	detach := context.AfterFunc(ctx, func() {
		time.AfterFunc(graceTime, func() { cancel(context.Cause(ctx)) })
	})
	return last, func() { detach(); cancel(nil) }
}

// bounds are the time and the memory of a search or a sample, as they are used up. Workers
// write to them now and then, a watch beside them reads; nothing waits.
type bounds struct {
	clock    *clock       // of the budget, nil before it runs
	occupied atomic.Int64 // bytes when memory was counted last
	workers  atomic.Int64 // bytes of what the workers remember
}

// within bounds a search by its budget, its memory and what its cluster can learn: all three end
// a context, and so do those who stop it from outside, so that workers look at one thing. Its
// cause is what the report gives for the reason. The function ends the watch.
func (b *bounds) within(ctx context.Context, o Options) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	full := o.Start.Cluster().Engine().Full()
	if full.Err() != nil {
		cancel(context.Cause(full))
	}
	ignore := context.AfterFunc(full, func() { cancel(context.Cause(full)) })
	b.clock = newClock(o.Budget, func() {
		cancel(o.overBudget())
	})
	stop := func() { ignore(); b.clock.pause(); cancel(nil) }
	if o.MaxMemory > 0 {
		guard := machine.NewGuard(o.MaxMemory, func() int { return int(b.occupied.Load()) })
		go guard.Watch(ctx, func() { cancel(memoryLimit(o.MaxMemory)) })
	}
	return ctx, stop
}

// A clock calls a function when it has run for some time; nil never does.
type clock struct {
	timer *time.Timer // nil if there is no end
	left  time.Duration
	since time.Time
}

// newClock returns a clock that runs; 0 means for ever.
func newClock(budget time.Duration, end func()) *clock {
	c := &clock{left: budget, since: time.Now()}
	if budget > 0 {
		c.timer = time.AfterFunc(budget, end)
	}
	return c
}

// pause stops the clock until what it returns is called for the first time, unless
// the time is over.
func (c *clock) pause() (resume func()) {
	if c == nil || c.timer == nil || !c.timer.Stop() {
		return func() {}
	}
	c.left -= time.Since(c.since)
	return sync.OnceFunc(func() {
		c.since = time.Now()
		c.timer.Reset(max(c.left, 0))
	})
}

func (o Options) overBudget() error {
	return LimitError{What: fmt.Sprintf("the time budget of %s is used up", o.Budget)}
}

func memoryLimit(bytes int) error {
	return LimitError{What: fmt.Sprintf("the memory limit of %d bytes was reached", bytes)}
}
