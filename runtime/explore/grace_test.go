package explore

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

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
