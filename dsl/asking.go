package dsl

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"

	"github.com/twinsh/twinsh/dsl/internal/guard"
	"github.com/twinsh/twinsh/dsl/internal/interp"
)

// Functions of a script that are asked questions while something in Go is at work: those of
// invariants, validity, histories, models, filters and each.
//
// Three things make that different from a call in a script. A search has many workers, so
// that the same function runs on several goroutines at a time. What it answers is
// remembered, or depends on which scenario came first, so that it must be a function of its
// arguments and of nothing else. And it runs deep within a builtin, whose context ends at
// any moment. So:
//
//   - It runs on a thread of its own each time. Starlark threads are not shared, and one that
//     was cancelled stays so.
//   - All that it sees of the script is frozen before the first call, by [interp.Capture]:
//     that is both what lets goroutines share it and what keeps it from taking notes. The script
//     finds the variables frozen afterwards. That comes as late as it can, so that a list may
//     still be filled between making a property and judging by it.
//   - It is marked as one that is asked (askedKey). Builtins that look at the session's world or
//     change it refuse such threads, see outside; methods of worlds work.
//   - The steps that it takes are counted for each call by itself, by the limit of the host.
//
// Tested by TestInvariantsHaveNoPast, TestAnswersOfInvariants, TestModelsAreRemembered and
// TestMistakes.

// asked is what errors say of a function that answers a question about what it is given,
// and the mark of its threads.
type asked struct {
	of      string  // what the function is of
	looks   string  // at what it looks, and at what not
	changes string  // who cannot change what it sees
	player  *player // collects failures of code in steps that it takes, if that is wanted
}

// asking returns a function that calls fn, each time on a fresh thread that ends with ctx.
// A search calls it for much at the same time, so all that fn sees of the script is frozen
// before the first call. It fails at once if fn can never be frozen, because it holds
// itself, say: such an error belongs to the line that makes the property. What is found
// when the first call freezes (globals that fn names may hold anything by then) is the
// error of each call.
//
// The function that it returns may be called concurrently. Its errors are
// [interp.CodeError], with the place in fn and the calls, other than those of freezing. An
// answer is returned as it is; whether it is one is for the caller to say.
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
		// Its own copy, because each call has a player of its own.
		thread.SetLocal(askedKey, by)
		stop := context.AfterFunc(ctx, func() { thread.Cancel("interrupted") })
		defer stop()
		v, err := starlark.Call(thread, fn, what, nil)
		var eval *starlark.EvalError
		// The library has no type for this error. Its texts are "cannot … frozen list" and
		// so on.
		if errors.As(err, &eval) && strings.Contains(eval.Msg, " frozen ") {
			eval.Msg += "; " + by.changes + " cannot change what it sees"
		}
		if eval != nil {
			eval.Msg += fieldsOf(fn, what, eval.Msg)
		}
		if err != nil {
			return nil, interp.NewCodeError(by.of, fn, err)
		}
		return v, nil
	}, nil
}

// missing is what the library says of a field that a struct has not.
var missing = regexp.MustCompile(`^struct has no \.(\w+) attribute`)

// fieldsOf says which fields the structs have that a function was called with, if its error says
// that a struct lacks one that they lack: the operation of a model, the event of a fold. The
// author of the function has never seen one written down.
func fieldsOf(fn starlark.Callable, args starlark.Tuple, message string) (text string) {
	lacks := missing.FindStringSubmatch(message)
	called, ok := fn.(*starlark.Function)
	if lacks == nil || !ok {
		return ""
	}
	for i, arg := range args {
		if s, ok := arg.(*starlarkstruct.Struct); ok && i < called.NumParams() && !slices.Contains(s.AttrNames(), lacks[1]) {
			name, _ := called.Param(i)
			text += fmt.Sprintf("; %s has %s", name, strings.Join(s.AttrNames(), ", "))
		}
	}
	return text
}

// askedKey marks threads that run such a function.
const askedKey = "twinsh asked"

// outside is the error of such a function that asks for the session's world, which says
// nothing about what it is asked about; nil for any other thread. Each builtin that reads
// or moves the session calls it, through worldOf or moving, before it does anything.
func outside(c *call) error {
	by, ok := c.Thread.Local(askedKey).(asked)
	if !ok {
		return nil
	}
	return fmt.Errorf("%s: %s", c.Name(), by.looks)
}
