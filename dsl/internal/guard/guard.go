// Package guard keeps a script from ending the process of its host, or from
// holding it up.
//
// A Starlark thread can be stopped between two steps, and most of what the
// library does within a step is short. What is not can run for ever, need all
// memory, or recurse until the process has no stack left, which Go cannot
// recover from. So each of these is bounded before it begins:
//
//	Shallow     texts that nest too deep to be compiled             source.go
//	Recursive   functions that refer to themselves                  recursion.go
//	Rewrite     operators and methods, which call those below       rewrite.go
//	Universe    functions of the library that take long             universe.go
//	Hidden      what rewritten text calls                           operators.go
//	JSON        the library's module json                           json.go
//	Freezable   values that Freeze would not come back from         nesting.go
//	Printable   values whose text would be too long                 nesting.go
//	Tree        values that hold themselves, or are large           nesting.go
//	Hashable    values whose hash would take too long               nesting.go
//	Compare     comparisons of values that hold others              compare.go
//	            operators and methods of sets and dicts             tables.go
//	Matches     regular expressions                                 pattern.go
//	Poll        whether a thread was cancelled                      poll.go
//	Watch       the memory of the process                           memory.go
//
// # How a bound acts
//
// There are three ways. What is known to be too large before it begins is refused, with an
// error that says how large it is and what would be allowed (a "check" before a call). What
// goes through many elements asks its thread every thousand steps whether to go on ([Poll]),
// so that it ends with a cancelled context, a budget, or a limit of steps, and counts the
// steps that it took. And what the library does in one piece, without an end or a count, is
// done here instead, with the same results and the same errors: comparisons, operators of sets and
// dicts, sorting. A table in a test has the worst call of each operator, function and method
// that the library has, and fails for one that is not in it.
//
// Limits are on single values. How many values there are is the affair of the limit of steps
// and of the watch of the memory: a script may well fill what its host allows, in many steps.
//
// # What is not bounded here
//
// Recursion of a script's functions, which Starlark refuses itself; the length of its text,
// which the executor of scripts looks at; and builtins of the host, which count and poll by
// themselves.
//
// Nothing here has state of its own. All functions may be called from several goroutines, as
// the library allows for the values that they are given.
//
// # Why in this way
//
// There is no bound to be had from outside: a goroutine cannot be killed, and an allocation
// that fails or a stack that is full ends the process. A process of its own for each script
// would do, but a search calls functions of scripts from many goroutines, a call of which
// takes microseconds. So the places where one step may take long are closed one by one: functions
// by wrapping them, operators by rewriting the text, and what the library does with values
// by measuring them first.
package guard

// Limits of values. They are far beyond what scripts need, and small enough
// for whatever is done with one value to take a fraction of a second. They are the same on each
// machine, so that a script that holds here does not fail there.
const (
	// MaxDepth bounds how deep values nest where they are walked: printed,
	// frozen, encoded as JSON or hashed. The library recurses for each level,
	// and a process whose stack is full ends, which nothing in Go can prevent.
	MaxDepth = 1000
	// MaxText bounds strings, in bytes.
	MaxText = 16 << 20
	// MaxElements bounds what one call puts into a list, tuple, dict or set.
	MaxElements = 2 << 20
	// MaxBits bounds the factors of integers that are multiplied, which takes about a millisecond
	// at this length. The product may have twice as many, and cannot be multiplied again.
	MaxBits = 1 << 20
	// maxFrozen bounds how many tuples and functions one walk freezes, each
	// counted as often as the library comes to it: a tuple of twice the same
	// tuple and so on is small in memory and endless to walk.
	maxFrozen = 1 << 21
	// maxSource bounds how deep the parts of a text nest. Chains of operators
	// nest, too, so that it is large.
	maxSource = 10_000
)
