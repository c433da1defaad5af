// Package guard keeps a script from ending the process of its host, or from
// holding it up.
//
// A Starlark thread can be stopped between two steps, and most of what the
// library does within a step is short. What is not can run for ever, need all
// memory, or recurse until the process has no stack left, which Go cannot
// recover from. So each of these is bounded before it begins:
//
//	Recursive   functions that refer to themselves                recursion.go
//	Freezable   values that Freeze would not come back from       nesting.go
package guard

// Limits of values. They are far beyond what scripts need, and small enough
// for whatever is done with one value to take a fraction of a second.
const (
	// MaxDepth bounds how deep values nest where they are walked: printed,
	// frozen, encoded as JSON or hashed.
	MaxDepth = 1000
	// maxFrozen bounds how many tuples and functions one walk freezes, each
	// counted as often as the library comes to it: a tuple of twice the same
	// tuple and so on is small in memory and endless to walk.
	maxFrozen = 1 << 21
)
