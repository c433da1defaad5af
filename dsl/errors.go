package dsl

import "github.com/twinsh/twinsh/dsl/internal/interp"

// An Error is what went wrong in a script: Problems, each with a place, a message and
// the line of the script, and the Stack of the calls that led there. Render shows it
// with colours or without, and errors.As finds what was the reason: one of the
// following, or the error of a cancelled context.
type Error = interp.Error

// A Problem is a message about a place in a script.
type Problem = interp.Problem

// A CheckFailed is the cause of an [Error] if the script is in order and what it
// claims is not: a check or an assertion did not hold.
type CheckFailed = interp.CheckFailed

// A StepLimitError is the cause of an [Error] if a script took more steps than
// [Config.MaxSteps].
type StepLimitError = interp.StepLimitError

// A MemoryLimitError is the cause of an [Error] if the process occupied more bytes
// than [Config.MaxMemory] while a script was executed.
type MemoryLimitError = interp.MemoryLimitError

// A PanicError is the cause of an [Error] if Go code panicked.
type PanicError = interp.PanicError

// An UnwrittenError is the cause of an [Error] if a script went on to its end,
// but a checkpoint or a report could not be written.
type UnwrittenError = interp.UnwrittenError
