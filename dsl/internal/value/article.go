package value

import (
	"strings"

	"go.starlark.net/starlark"
)

// Article is the type of a value with its article, as errors name what was given.
func Article(v starlark.Value) string {
	if v == nil { // an argument that is not given has no value
		v = starlark.None
	}
	if v.Type() == "int" || strings.HasPrefix(v.Type(), "o") { // operation
		return "an " + v.Type()
	}
	return "a " + v.Type()
}

// Returned describes what a function of a script returned and should not have. None comes
// from a path that has no return far more often than from one that says it.
func Returned(v starlark.Value) string {
	if v == starlark.None {
		return "nothing (a path without return?)"
	}
	return Article(v)
}
