package guard

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// idle is a function that does nothing. It is frozen, so that all threads may call it.
var idle = sync.OnceValue(func() starlark.Value {
	globals, err := starlark.ExecFileOptions(&syntax.FileOptions{}, new(starlark.Thread), "idle", "def idle(): pass", nil)
	if err != nil {
		panic(err)
	}
	globals.Freeze()
	return globals["idle"]
})

// Poll counts steps of a thread and reports whether it was cancelled or has
// taken all its steps. A function of Go that works for long calls it every
// thousand elements or so. A thread does not say whether it was cancelled, but
// calling a function finds out: the interpreter looks at the steps and at the cancellation in
// each call. It costs about as much as a call of a function of a script, which is why it is not
// asked for each element.
func Poll(thread *starlark.Thread, steps uint64) error {
	thread.Steps += steps
	_, err := starlark.Call(thread, idle(), nil, nil)
	if eval, ok := err.(*starlark.EvalError); ok {
		return errors.New(eval.Msg) // where idle stands does not matter
	}
	return err
}

// interval is how many elements, or steps, are taken between two polls: few enough for an
// interrupt to act at once, many enough for the polls not to be felt.
const interval = 1 << 10

// A polled is an iterable that ends when its thread is cancelled, or after as
// many elements as are allowed. The library sees an end; err says which. What the library
// made of the elements until then is thrown away by who passed it.
type polled struct {
	starlark.Iterable
	thread *starlark.Thread
	most   int // 0 means any number
	err    error
}

// long returns v as a polled, or nil if it is no iterable or has few elements: then the
// function sees the value itself, which is quicker and may have methods that an iterable
// has not.
func long(thread *starlark.Thread, v starlark.Value, most int) *polled {
	iterable, ok := v.(starlark.Iterable)
	if !ok {
		return nil
	}
	if n := starlark.Len(v); n >= 0 && n <= interval {
		return nil
	}
	return &polled{Iterable: iterable, thread: thread, most: most}
}

func (p *polled) Iterate() starlark.Iterator {
	return &polledIterator{Iterator: p.Iterable.Iterate(), polled: p}
}

type polledIterator struct {
	starlark.Iterator
	*polled
	n     int
	steps uint64 // not yet counted
}

// It counts an element as many steps as it takes to hash it, as most of these functions put
// them into tables.
func (it *polledIterator) Next(v *starlark.Value) bool {
	if it.err != nil || !it.Iterator.Next(v) {
		return false
	}
	it.n++
	if it.most > 0 && it.n > it.most {
		it.err = errElements
	} else if it.steps += uint64(hashSteps(*v)); it.steps >= interval {
		it.err = Poll(it.thread, it.steps)
		it.steps = 0
	}
	return it.err == nil
}

var errElements = fmt.Errorf("more than %d elements", MaxElements)

// Elements returns the elements of an iterable, of which there may be no more than
// [MaxElements]. It ends when thread is cancelled. On an error the list is of no use.
func Elements(thread *starlark.Thread, iterable starlark.Iterable) ([]starlark.Value, error) {
	p := &polled{Iterable: iterable, thread: thread, most: MaxElements}
	list := slices.Collect(starlark.Elements(p))
	return list, p.err
}
