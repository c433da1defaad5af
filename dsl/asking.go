package dsl

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"go.starlark.net/starlark"

	"github.com/twinsh/twinsh/dsl/internal/guard"
	"github.com/twinsh/twinsh/dsl/internal/interp"
)

// asked is what errors say of a function that answers a question about what it is given.
type asked struct {
	of      string  // what the function is of
	looks   string  // at what it looks, and at what not
	changes string  // who cannot change what it sees
	player  *player // collects failures of code in steps that it takes, if that is wanted
}

// asking returns a function that calls fn, each time on a fresh thread that ends with
// ctx. A search calls it for much at the same time, so all that fn sees of the script is
// frozen before the first call. It fails if fn cannot be.
func asking(r *interp.Run, by asked, fn starlark.Callable) (func(ctx context.Context, what starlark.Tuple, p *player) (starlark.Value, error), error) {
	if err := guard.Freezable(fn); err != nil {
		return nil, err
	}
	freeze := sync.OnceValue(func() error { _, err := interp.Capture(r.Interpreter(), fn); return err })
	return func(ctx context.Context, what starlark.Tuple, p *player) (starlark.Value, error) {
		if err := freeze(); err != nil {
			return nil, err
		}
		thread := r.Thread(by.of)
		by := by
		by.player = p
		thread.SetLocal(askedKey, by)
		stop := context.AfterFunc(ctx, func() { thread.Cancel("interrupted") })
		defer stop()
		v, err := starlark.Call(thread, fn, what, nil)
		var eval *starlark.EvalError
		if errors.As(err, &eval) && strings.Contains(eval.Msg, " frozen ") {
			eval.Msg += "; " + by.changes + " cannot change what it sees"
		}
		if err != nil {
			return nil, interp.NewCodeError(by.of, fn, err)
		}
		return v, nil
	}, nil
}

// askedKey marks threads that run such a function.
const askedKey = "twinsh asked"

// outside is the error of such a function that asks for the session's world, which
// says nothing about what it is asked about; nil for any other thread.
func outside(c *call) error {
	by, ok := c.Thread.Local(askedKey).(asked)
	if !ok {
		return nil
	}
	return fmt.Errorf("%s: %s", c.Name(), by.looks)
}
