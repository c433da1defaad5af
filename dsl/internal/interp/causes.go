package interp

import (
	"errors"
	"fmt"
	"runtime/debug"
	"slices"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// CheckFailed is the cause of an [Error] if the script is in order and what it
// claims is not: a check or an assertion did not hold.
type CheckFailed struct {
	Message string
	Drawn   bool // it has colours, and nothing else that a terminal obeys
	AtEnd   bool // the script ran to its end, and should have looked at something
}

func (e *CheckFailed) Error() string { return e.Message }

// StepLimitError is the cause of an [Error] if a script took more steps than
// its host allows.
type StepLimitError struct{ Limit uint64 }

func (e *StepLimitError) Error() string {
	return fmt.Sprintf("stopped after %d steps, which is the limit", e.Limit)
}

// MemoryLimitError is the cause of an [Error] if the process occupied more bytes
// of memory than its host allows while a script was executed.
type MemoryLimitError struct{ Limit, Used uint64 }

func (e *MemoryLimitError) Error() string {
	return fmt.Sprintf("stopped because the process occupies %s of memory, and its limit is %s", mebibytes(e.Used), mebibytes(e.Limit))
}

func mebibytes(n uint64) string { return fmt.Sprintf("%d MiB", n>>20) }

// PanicError is the cause of an [Error] if Go code panicked.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string {
	return fmt.Sprintf("internal error: %v\n%s", e.Value, e.Stack)
}

// recovered, deferred, turns a panic into an error. What no recover can catch, such as a full
// stack, is kept from happening by package guard.
func recovered(err *error) {
	if p := recover(); p != nil {
		*err = &PanicError{p, debug.Stack()}
	}
}

// A CodeError says that a function that a script hands over failed, and where.
// Of a handler that is a finding, of the others a mistake of the script.
type CodeError struct {
	Message string
	Place   syntax.Position // not valid if it is not known
	Calls   starlark.CallStack
	cause   error
}

func (e *CodeError) Error() string {
	if e.Place.IsValid() {
		return fmt.Sprintf("%s (%s)", e.Message, e.Place)
	}
	return e.Message
}

// Unwrap returns the error of the function.
func (e *CodeError) Unwrap() error { return e.cause }

// NewCodeError says that a function failed; of names it, with what it is of: "handler on_vote of
// A", say. Of errors in each other the innermost message counts, it says what is wrong.
func NewCodeError(of string, function starlark.Callable, err error) *CodeError {
	e := &CodeError{Message: fmt.Sprintf("%s: %v", of, err), cause: err}
	var inner *CodeError
	if errors.As(err, &inner) {
		e.Message = of + ": " + inner.Message
	}
	if fn, ok := function.(*starlark.Function); ok {
		e.Place = fn.Position()
	}
	var eval *starlark.EvalError
	if errors.As(err, &eval) {
		e.Calls = eval.CallStack
		// The innermost frame that is in a script, not in a builtin.
		for _, f := range slices.Backward(eval.CallStack) {
			if f.Pos.Line > 0 {
				e.Place = f.Pos
				break
			}
		}
	}
	return e
}

// An UnwrittenError is the cause of an [Error] if a script went on to its end,
// but a checkpoint or a report could not be written.
type UnwrittenError struct{ Err error }

func (e *UnwrittenError) Error() string { return e.Err.Error() }

// Unwrap returns why it could not be written.
func (e *UnwrittenError) Unwrap() error { return e.Err }

// MessageOf returns the message of the innermost error.
func MessageOf(err error) string {
	var eval *starlark.EvalError
	for next := err; errors.As(next, &eval); next = eval.Unwrap() {
		err = eval
	}
	return err.Error()
}
