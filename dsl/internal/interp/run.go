package interp

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"

	"go.starlark.net/starlark"

	"github.com/twinsh/twinsh/dsl/internal/guard"
)

// A Run is one execution. It has a thread of its own, because a thread that
// was cancelled, or took all its steps, stays so. Builtins find the run that they are called in
// by their thread.
type Run struct {
	in        *Interpreter
	ctx       context.Context
	loader    *loader
	loading   []file          // modules that are being executed, the main one first
	uses      map[file][]file // what each of them loads
	settled   map[file]bool   // modules that are known to be those of the files now
	exhausted atomic.Bool     // all steps were taken
	late      []lateError     // what went wrong without ending it
}

const runKey = "twinsh run"

// RunOf returns the execution that a thread belongs to, nil if it is that of the code
// of a node.
func RunOf(thread *starlark.Thread) *Run {
	r, _ := thread.Local(runKey).(*Run)
	return r
}

// ContextOf returns the context of the execution that thread belongs to. A
// builtin that works for long watches it: cancelling a thread does not interrupt Go code. It
// panics for the thread of a node's code, which has no execution.
func ContextOf(thread *starlark.Thread) context.Context { return RunOf(thread).ctx }

// run calls execute with a fresh thread, and explains its error.
func (in *Interpreter) run(ctx context.Context, loader *loader, main file, execute func(*starlark.Thread) error) error {
	defer in.turns.Add(1)
	r := &Run{in: in, ctx: ctx, loader: loader, loading: []file{main}, uses: map[file][]file{}, settled: map[file]bool{}}
	in.running = r
	in.mistake.Store(nil)
	defer func() { in.running = nil }()
	if limit := in.config.MaxMemory; limit > 0 {
		var exceeded context.CancelCauseFunc
		r.ctx, exceeded = context.WithCancelCause(ctx)
		// The cause says that it was the memory: the context itself only says that it was cancelled.
		defer guard.Watch(limit, func(used uint64) { exceeded(&MemoryLimitError{limit, used}) })()
		defer exceeded(nil)
	}
	thread := r.Thread(main.name())
	thread.Load = r.load
	stop := context.AfterFunc(r.ctx, func() { thread.Cancel("interrupted") })
	defer stop()
	err := func() (err error) {
		defer recovered(&err)
		return execute(thread)
	}()
	return r.explainAll(err)
}

// Interpreter returns the interpreter that executes r.
func (r *Run) Interpreter() *Interpreter { return r.in }

// Host returns the host of the interpreter.
func (r *Run) Host() any { return r.in.config.Host }

// Dir returns the folder from which the main script loads modules.
func (r *Run) Dir() string { return r.loader.local.dir }

// Thread returns a fresh thread of the execution, with all steps to take: the limit is one for each
// call of a handler or an invariant, or a search would use up that of its script. It is not
// cancelled with the execution; who makes it sees to that, with [context.AfterFunc].
func (r *Run) Thread(name string) *starlark.Thread {
	thread := &starlark.Thread{
		Name:  name,
		Print: func(_ *starlark.Thread, text string) { r.in.config.Print(text) },
		OnMaxSteps: func(thread *starlark.Thread) {
			r.exhausted.Store(true)
			thread.Cancel("too many steps")
		},
	}
	thread.SetLocal(runKey, r)
	thread.SetMaxExecutionSteps(r.in.config.MaxSteps)
	return thread
}

// Stopped returns why the execution has to end, or nil. Nothing in a script
// may hold up such an end: a builtin that catches the errors of functions asks first.
func (r *Run) Stopped() error {
	if r.exhausted.Load() {
		return &StepLimitError{r.in.config.MaxSteps}
	}
	if limit, ok := context.Cause(r.ctx).(*MemoryLimitError); ok {
		return limit
	}
	return r.ctx.Err()
}

// Late notes that something went wrong in a call which goes on, such as that a checkpoint could not
// be written: hours of a search are not thrown away for that. The script ends
// with that error, beside another one if there is one.
func (r *Run) Late(thread *starlark.Thread, err error) {
	at := &starlark.EvalError{Msg: err.Error(), CallStack: thread.CallStack()}
	for _, late := range r.late {
		if late.at.Msg == at.Msg && slices.Equal(late.at.CallStack, at.CallStack) {
			return // in a loop once is enough
		}
	}
	r.late = append(r.late, lateError{&UnwrittenError{err}, at})
}

// A lateError is an error at a place that the script has left.
type lateError struct {
	error
	at *starlark.EvalError
}

// explainAll says what err means, and what could not be written. Either may be
// missing.
func (r *Run) explainAll(err error) error {
	if err == nil && len(r.late) == 0 {
		return nil
	}
	e := &Error{}
	if err != nil {
		e = explain(r.in, err, r.Stopped())
	}
	for _, late := range r.late {
		there := explain(r.in, late.at, nil)
		e.Problems = append(e.Problems, there.Problems...)
		e.cause = errors.Join(e.cause, late.error)
	}
	return e
}
