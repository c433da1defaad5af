package guard

import (
	"errors"
	"fmt"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"go.starlark.net/syntax"
)

// Comparing a list with another takes as long as all that they hold, each as often
// as it is held. So what holds others is compared here, as the library does it, but
// counting steps: one for each pair, and one for every 64 bytes of texts. The library
// gives up below ten levels, which a chain of blocks reaches soon; here the bound is
// [MaxDepth], as everywhere.
// Otherwise what comes out is what the library would say, errors and all. To compare two
// names or numbers, which is nearly all that scripts do, costs no more than there.

// A work counts what is done within one step of a script, and ends with its thread. Its error,
// once there, is that of all that follows.
type work struct {
	thread *starlark.Thread
	steps  uint64
	err    error // of the thread
}

// take counts steps, and looks every few of them whether to go on. The error is that of the
// thread: cancelled, or out of steps. After it w is of no more use.
func (w *work) take(steps int) error {
	if w.steps += uint64(steps); w.steps >= interval && w.err == nil {
		w.err = Poll(w.thread, w.steps)
		w.steps = 0
	}
	return w.err
}

// textSteps is how many steps it takes to compare or to hash a value that holds no other.
// 64 bytes are one step, which is about what the interpreter does in the time; other
// scalars are one. So is a large integer: how large they get is bounded.
func textSteps(v starlark.Value) int {
	switch v := v.(type) {
	case starlark.String:
		return 1 + len(v)/64
	case starlark.Bytes:
		return 1 + len(v)/64
	}
	return 1
}

// hashSteps is how many steps it takes to find a value in a table: its hash is made of all that a
// tuple holds.
//
// Starlark keeps no hash of a tuple. How deep one may nest was looked at where it was made.
func hashSteps(v starlark.Value) int {
	if tuple, ok := v.(starlark.Tuple); ok {
		steps := 1
		for _, e := range tuple {
			steps += hashSteps(e)
		}
		return steps
	}
	return textSteps(v)
}

// compare returns x op y, of values that nest less deep than that.
//
// Results and errors are those of [starlark.CompareDepth]; TestGuardedIsTheSame compares
// the two. Dicts and structs have no order, so that only == and != come to them here.
// Values of other types go back to the library, whose comparison of them is short.
func (w *work) compare(op syntax.Token, x, y starlark.Value, depth int) (bool, error) {
	if depth < 1 {
		return false, fmt.Errorf("%w; compare digest(value), as in a block that names its parent by its digest", errDepth)
	}
	if err := w.take(min(textSteps(x), textSteps(y))); err != nil {
		return false, err
	}
	equality := op == syntax.EQL || op == syntax.NEQ
	var equal bool
	var err error
	switch a := x.(type) {
	case *starlark.List:
		if b, ok := y.(*starlark.List); ok {
			return w.compareSequences(op, a, b, depth)
		}
	case starlark.Tuple:
		if b, ok := y.(starlark.Tuple); ok {
			return w.compareSequences(op, a, b, depth)
		}
	case *starlark.Set:
		if b, ok := y.(*starlark.Set); ok {
			return w.compareSets(op, a, b)
		}
	}
	if !equality {
		return starlark.CompareDepth(op, x, y, depth)
	}
	switch a := x.(type) {
	case *starlark.Dict:
		b, ok := y.(*starlark.Dict)
		if !ok {
			return op == syntax.NEQ, nil
		}
		equal, err = w.equalDicts(a, b, depth)
	case *starlarkstruct.Struct:
		b, ok := y.(*starlarkstruct.Struct)
		if !ok {
			return op == syntax.NEQ, nil
		}
		equal, err = w.equalStructs(a, b, depth)
	default:
		return starlark.CompareDepth(op, x, y, depth)
	}
	return equal == (op == syntax.EQL), err
}

// compareSequences compares lists with lists and tuples with tuples: by the first elements that
// differ, else by their lengths.
func (w *work) compareSequences(op syntax.Token, x, y starlark.Indexable, depth int) (bool, error) {
	n, m := x.Len(), y.Len()
	if n != m && (op == syntax.EQL || op == syntax.NEQ) {
		return op == syntax.NEQ, nil
	}
	for i := range min(n, m) {
		equal, err := w.compare(syntax.EQL, x.Index(i), y.Index(i), depth-1)
		switch {
		case err != nil:
			return false, err
		case equal:
		case op == syntax.EQL || op == syntax.NEQ:
			return op == syntax.NEQ, nil
		default:
			return w.compare(op, x.Index(i), y.Index(i), depth-1)
		}
	}
	return starlark.Compare(op, starlark.MakeInt(n), starlark.MakeInt(m))
}

func (w *work) equalDicts(x, y *starlark.Dict, depth int) (bool, error) {
	if x.Len() != y.Len() {
		return false, nil
	}
	for key, v := range x.Entries() {
		if err := w.take(hashSteps(key)); err != nil {
			return false, err
		}
		other, found, err := y.Get(key)
		if err != nil || !found {
			return false, err
		}
		if equal, err := w.compare(syntax.EQL, v, other, depth-1); err != nil || !equal {
			return false, err
		}
	}
	return true, nil
}

func (w *work) equalStructs(x, y *starlarkstruct.Struct, depth int) (bool, error) {
	if x.Len() != y.Len() {
		return false, nil
	}
	if equal, err := starlark.Equal(x.Constructor(), y.Constructor()); err != nil || !equal {
		return false, err
	}
	names := y.AttrNames()
	i := 0
	for name, v := range x.Entries() {
		if name != names[i] {
			return false, nil
		}
		i++
		other, err := y.Attr(name)
		if err != nil {
			return false, err
		}
		if equal, err := w.compare(syntax.EQL, v, other, depth-1); err != nil || !equal {
			return false, err
		}
	}
	return true, nil
}

// compareSets compares by what is in which: < is to be a proper subset, and of two sets neither
// need be less.
func (w *work) compareSets(op syntax.Token, x, y *starlark.Set) (bool, error) {
	n, m := x.Len(), y.Len()
	switch op {
	case syntax.EQL, syntax.NEQ:
		if n != m {
			return op == syntax.NEQ, nil
		}
		equal, err := w.within(x, y)
		return equal == (op == syntax.EQL), err
	case syntax.LE, syntax.LT:
		if n > m || op == syntax.LT && n == m {
			return false, nil
		}
		return w.within(x, y)
	default:
		if n < m || op == syntax.GT && n == m {
			return false, nil
		}
		return w.within(y, x)
	}
}

// within reports whether all of x is in y.
func (w *work) within(x, y *starlark.Set) (bool, error) {
	for e := range x.Elements() {
		if err := w.take(hashSteps(e)); err != nil {
			return false, err
		}
		if found, err := y.Has(e); err != nil || !found {
			return false, err
		}
	}
	return true, nil
}

// comparisonOf returns the function that x op y calls.
func comparisonOf(op syntax.Token) builtinCode {
	return func(thread *starlark.Thread, args starlark.Tuple) (starlark.Value, error) {
		ok, err := Compare(thread, op, args[0], args[1])
		if err != nil {
			return nil, err
		}
		return starlark.Bool(ok), nil
	}
}

// Compare returns x op y. It counts steps, and ends when thread is cancelled. What holds no
// others goes straight to the library, since that is nearly all there is to compare in a
// script; texts count for their lengths.
func Compare(thread *starlark.Thread, op syntax.Token, x, y starlark.Value) (bool, error) {
	switch x.(type) {
	case *starlark.List, starlark.Tuple, *starlark.Dict, *starlark.Set, *starlarkstruct.Struct:
		w := work{thread: thread}
		return w.compare(op, x, y, MaxDepth)
	case starlark.String, starlark.Bytes:
		thread.Steps += uint64(min(textSteps(x), textSteps(y)) - 1)
	}
	return starlark.Compare(op, x, y)
}

// contains returns the function that x in y calls, or x not in y. In lists and tuples each
// element is compared; in tables and texts the library looks, and what the look-up takes is
// counted.
func contains(op syntax.Token) builtinCode {
	return func(thread *starlark.Thread, args starlark.Tuple) (starlark.Value, error) {
		x, y := args[0], args[1]
		var list starlark.Indexable
		switch y := y.(type) {
		case *starlark.List:
			list = y
		case starlark.Tuple:
			list = y
		default:
			thread.Steps += uint64(hashSteps(x) - 1)
			return starlark.Binary(op, x, y)
		}
		i, err := indexOf(thread, list, x, 0, list.Len())
		if err != nil {
			return nil, err
		}
		return starlark.Bool(i >= 0 == (op == syntax.IN)), nil
	}
}

// indexOf returns where a value is first in a list from start to end, -1 if it is not.
//
// Its time is in the elements before the one that is found, with all that they hold.
func indexOf(thread *starlark.Thread, list starlark.Indexable, v starlark.Value, start, end int) (int, error) {
	w := work{thread: thread}
	for i := start; i < min(end, list.Len()); i++ {
		if equal, err := w.compare(syntax.EQL, list.Index(i), v, MaxDepth); err != nil {
			return -1, err
		} else if equal {
			return i, nil
		}
	}
	return -1, nil
}

// listIndex is list.index of the library, with indexOf for the search. Bounds below 0 count
// from the end.
func listIndex(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var v starlark.Value
	var bounds [2]starlark.Value
	if err := starlark.UnpackPositionalArgs(b.Name(), args, kwargs, 1, &v, &bounds[0], &bounds[1]); err != nil {
		return nil, err
	}
	list := b.Receiver().(*starlark.List)
	at := [2]int{0, list.Len()}
	for i, bound := range bounds {
		if bound == nil || bound == starlark.None {
			continue
		}
		n, err := starlark.AsInt32(bound)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", b.Name(), err)
		}
		if n < 0 {
			n += list.Len()
		}
		at[i] = min(max(n, 0), list.Len())
	}
	i, err := indexOf(thread, list, v, at[0], at[1])
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", b.Name(), err)
	case i < 0:
		return nil, fmt.Errorf("%s: value not in list", b.Name())
	}
	return starlark.MakeInt(i), nil
}

// listRemove is list.remove of the library. An element is found by comparing here and taken out by
// pop, which refuses a frozen list and one that is iterated over, in the words for that.
func listRemove(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var v starlark.Value
	if err := starlark.UnpackPositionalArgs(b.Name(), args, kwargs, 1, &v); err != nil {
		return nil, err
	}
	list := b.Receiver().(*starlark.List)
	i, err := indexOf(thread, list, v, 0, list.Len())
	if err == nil && i < 0 {
		err = errors.New("element not found")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.Name(), err)
	}
	pop, err := list.Attr("pop")
	if err != nil {
		return nil, err
	}
	if _, err := starlark.Call(thread, pop, starlark.Tuple{starlark.MakeInt(i)}, nil); err != nil {
		return nil, errors.New(strings.ReplaceAll(err.Error(), "pop", "remove"))
	}
	return starlark.None, nil
}

// extremum is max and min of the library: of equal values the first.
//
// The iterable needs no poll of its own, as each of its elements is compared and so
// counted.
func extremum(op syntax.Token) libraryCode {
	return func(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		if len(args) == 0 {
			return nil, fmt.Errorf("%s requires at least one positional argument", b.Name())
		}
		var key starlark.Callable
		if err := starlark.UnpackArgs(b.Name(), nil, kwargs, "key?", &key); err != nil {
			return nil, err
		}
		var values starlark.Value = args
		if len(args) == 1 {
			values = args[0]
		}
		iter := starlark.Iterate(values)
		if iter == nil {
			return nil, fmt.Errorf("%s: %s value is not iterable", b.Name(), values.Type())
		}
		defer iter.Done()
		var best, bestKey, v starlark.Value
		w := work{thread: thread}
		for iter.Next(&v) {
			k := v
			if key != nil {
				var err error
				if k, err = starlark.Call(thread, key, starlark.Tuple{v}, nil); err != nil {
					return nil, err
				}
			}
			better := best == nil
			if !better {
				var err error
				if better, err = w.compare(op, k, bestKey, MaxDepth); err != nil {
					return nil, fmt.Errorf("%s: %w", b.Name(), err)
				}
			}
			if better {
				best, bestKey = v, k
			}
		}
		if best == nil {
			return nil, fmt.Errorf("%s: argument is an empty sequence", b.Name())
		}
		return best, nil
	}
}
