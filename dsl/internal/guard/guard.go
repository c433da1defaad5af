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
package guard

// Limits of values. They are far beyond what scripts need, and small enough
// for whatever is done with one value to take a fraction of a second.
const (
	// MaxDepth bounds how deep values nest where they are walked: printed,
	// frozen, encoded as JSON or hashed.
	MaxDepth = 1000
	// MaxText bounds strings, in bytes.
	MaxText = 16 << 20
	// MaxElements bounds what one call puts into a list, tuple, dict or set.
	MaxElements = 2 << 20
	// MaxBits bounds the factors of integers that are multiplied.
	MaxBits = 1 << 20
	// maxFrozen bounds how many tuples and functions one walk freezes, each
	// counted as often as the library comes to it: a tuple of twice the same
	// tuple and so on is small in memory and endless to walk.
	maxFrozen = 1 << 21
	// maxSource bounds how deep the parts of a text nest. Chains of operators
	// nest, too, so that it is large.
	maxSource = 10_000
)
