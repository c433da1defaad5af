package engine

import (
	"errors"
	"fmt"
	"runtime"
	"strings"

	"github.com/twinsh/twinsh/runtime/node"
)

// A failureError is a failure that the node's code has put in words.
type failureError struct{ node.Failure }

func (e failureError) Error() string { return e.Message }

// guard runs code of a node, and turns an error or a panic into a failure, the same each
// time.
func guard(f func() error) (failure *node.Failure) {
	defer func() {
		if p := recover(); p != nil {
			if stop, ok := p.(stopped); ok {
				panic(stop) // not the node's affair
			}
			place, calls := frames()
			failure = &node.Failure{Message: fmt.Sprintf("panic: %v", p), Place: place, Calls: calls}
		}
	}()
	err := f()
	var known failureError
	switch {
	case errors.As(err, &known):
		return &known.Failure
	case err != nil:
		return &node.Failure{Message: err.Error()}
	}
	return nil
}

// frames lists the functions of the node's code that led to a panic, without
// addresses and directories, so that a run prints the same on each machine. The
// place is that of the innermost one.
func frames() (place, calls string) {
	pc := make([]uintptr, 64)
	stack := runtime.CallersFrames(pc[:runtime.Callers(3, pc)])
	var b strings.Builder
	for {
		f, more := stack.Next()
		if strings.Contains(f.Function, "/runtime/internal/engine.") {
			break // from here on it is the simulation's code
		}
		if !strings.HasPrefix(f.Function, "runtime.") {
			at := node.Place(f.File, f.Line)
			if place == "" {
				place = at
			}
			fmt.Fprintf(&b, "  %s %s\n", f.Function, at)
		}
		if !more {
			break
		}
	}
	return place, strings.TrimSuffix(b.String(), "\n")
}
