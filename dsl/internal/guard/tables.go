package guard

import (
	"fmt"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// Operators and methods of sets and dicts look up each element, which takes long if
// many have one hash, and which nothing stops within the library. So they are made
// of single look-ups here. Hashes are no secret (Crosby and Wallach, "Denial of Service via
// Algorithmic Complexity Attacks", USENIX Security 2003), and a script may well have made its
// values for that.

// each calls do for the elements of values, counting steps. It ends after MaxElements, so that an
// iterable without an end has one.
func (w *work) each(name string, values starlark.Value, do func(starlark.Value) error) error {
	iter := starlark.Iterate(values)
	if iter == nil {
		return fmt.Errorf("%s: got %s, want iterable", name, values.Type())
	}
	defer iter.Done()
	var v starlark.Value
	for n := 0; iter.Next(&v); n++ {
		if n >= MaxElements {
			return fmt.Errorf("%s: %w", name, errElements)
		}
		err := w.take(hashSteps(v))
		if err == nil {
			err = do(v)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// copied returns a copy of a set, in the same order.
func (w *work) copied(name string, x *starlark.Set) (*starlark.Set, error) {
	set := new(starlark.Set)
	err := w.each(name, x, set.Insert)
	return set, err
}

// combine returns the set that an operator or the method of its name makes. x and the
// others stay as they are. The order of the result is that of the library: elements of x
// that remain, then new ones; of an intersection, the order of the other.
func (w *work) combine(name string, op syntax.Token, x *starlark.Set, others ...starlark.Value) (starlark.Value, error) {
	if op == syntax.AMP {
		set := new(starlark.Set)
		err := w.each(name, others[0], func(v starlark.Value) error {
			if found, err := x.Has(v); err != nil || !found {
				return err
			}
			return set.Insert(v)
		})
		return set, err
	}
	set, err := w.copied(name, x)
	if err != nil {
		return nil, err
	}
	for _, other := range others {
		if err := w.each(name, other, func(v starlark.Value) error {
			if op == syntax.PIPE {
				return set.Insert(v)
			}
			found, err := set.Delete(v)
			if op == syntax.CIRCUMFLEX && err == nil && !found {
				err = set.Insert(v)
			}
			return err
		}); err != nil {
			return nil, err
		}
	}
	return set, nil
}

// combined returns the function that x op y calls, of sets and dicts and others: integers
// have these operators, too, and values of a host. The library does all but sets and dicts.
func combined(op syntax.Token) builtinCode {
	return func(thread *starlark.Thread, args starlark.Tuple) (starlark.Value, error) {
		w := work{thread: thread}
		switch x := args[0].(type) {
		case *starlark.Set:
			if y, ok := args[1].(*starlark.Set); ok {
				return w.combine(op.String(), op, x, y)
			}
		case *starlark.Dict:
			if y, ok := args[1].(*starlark.Dict); ok && op == syntax.PIPE {
				dict := new(starlark.Dict)
				for _, from := range []*starlark.Dict{x, y} {
					if err := w.put(op.String(), dict, from); err != nil {
						return nil, err
					}
				}
				return dict, nil
			}
		}
		return starlark.Binary(op, args[0], args[1])
	}
}

// put adds the entries of a dict to another.
func (w *work) put(name string, to, from *starlark.Dict) error {
	return w.each(name, from, func(key starlark.Value) error {
		v, _, err := from.Get(key)
		if err != nil {
			return err
		}
		return to.SetKey(key, v)
	})
}

// merge does x |= y where that changes x, a dict, and returns what is left to be added: an empty
// dict, since the assignment that follows is made by the library all the same. Other types it
// leaves to that: x | y of two sets, say, is a new set.
//
// The empty dict lets the library refuse an x that is frozen, in its own words.
func merge(thread *starlark.Thread, args starlark.Tuple) (starlark.Value, error) {
	x, ok := args[0].(*starlark.Dict)
	y, both := args[1].(*starlark.Dict)
	if !ok || !both || x == y {
		return args[1], nil
	}
	w := work{thread: thread}
	err := w.put("|=", x, y)
	return new(starlark.Dict), err
}

// setMethod is the method of sets that does what an operator does.
func setMethod(op syntax.Token) libraryCode {
	return func(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		if len(kwargs) > 0 {
			return nil, fmt.Errorf("%s: unexpected keyword arguments", b.Name())
		}
		if len(args) != 1 && op != syntax.PIPE {
			return nil, fmt.Errorf("%s: got %d arguments, want 1", b.Name(), len(args))
		}
		w := work{thread: thread}
		return w.combine(b.Name(), op, b.Receiver().(*starlark.Set), args...)
	}
}
