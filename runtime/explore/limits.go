package explore

import (
	"context"
	"time"
)

// A LimitError is why a search stopped that ran into a limit of its options.
type LimitError struct{ What string }

func (e LimitError) Error() string { return e.What }

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
