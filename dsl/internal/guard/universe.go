package guard

import (
	"fmt"
	"slices"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// Functions of the library that may take long, and what takes their place. Most are the
// library's own, wrapped: what may have no end is handed to them as an iterable that ends
// (poll.go), what is too large is refused before or after. Those that compare (sorted, max,
// min) are written anew, as comparing is what takes time in them.

// A check looks at what a function is called with, or at what it returns. It must be quick
// itself, and lets pass whatever the function will refuse: what is wrong with a call, the
// library says better.
type check func(receiver starlark.Value, args starlark.Tuple, kwargs []starlark.Tuple) error

// A guarded is what is done to a function of the library: iterables among its arguments are
// counted and polled, and checks are made before and after.
type guarded struct {
	most   int   // how many elements an iterable may have; 0 means any number
	before check // nil if there is nothing to check
	after  func(starlark.Value) error
}

// universe lists the functions that take long, or whose result may be large.
//
// A function of the universe that is in no table here takes no longer than its arguments
// were long to make, as len and type do.
var universe = map[string]guarded{
	"all":       {},
	"any":       {},
	"bytes":     {most: MaxElements},
	"dict":      {most: MaxElements},
	"enumerate": {most: MaxElements, after: pairsHashable},
	"list":      {most: MaxElements},
	"reversed":  {most: MaxElements},
	"set":       {most: MaxElements},
	"tuple":     {most: MaxElements, after: Hashable},
	"zip":       {most: MaxElements, before: fewCells, after: pairsHashable},
	"int":       {before: fewDigits},
	"print":     {before: printable},
	"repr":      {before: printable},
	"str":       {before: printable},
}

// Universe returns the functions of Starlark's universe that are guarded, by
// name. They can be stopped, count a step for each element, and refuse what is
// too large.
func Universe() starlark.StringDict {
	functions := starlark.StringDict{
		"sorted":  starlark.NewBuiltin("sorted", sorted),
		"getattr": starlark.NewBuiltin("getattr", getattr),
		"hasattr": starlark.NewBuiltin("hasattr", hasattr),
		"max":     starlark.NewBuiltin("max", extremum(syntax.GT)),
		"min":     starlark.NewBuiltin("min", extremum(syntax.LT)),
	}
	for name, g := range universe {
		functions[name] = g.wrap(starlark.Universe[name].(*starlark.Builtin))
	}
	return functions
}

// wrap returns a function that does what fn does, guarded. Its name and its errors are those of
// fn. An argument is replaced only if it may be long: nearly all calls go straight through.
//
// The list of arguments belongs to the caller and is copied before one is replaced. The
// error of a polled argument counts for more than that of the function, which saw only its
// end.
func (g guarded) wrap(fn *starlark.Builtin) *starlark.Builtin {
	wrapped := starlark.NewBuiltin(fn.Name(), func(thread *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		if g.before != nil {
			if err := g.before(fn.Receiver(), args, kwargs); err != nil {
				return nil, fmt.Errorf("%s: %w", fn.Name(), err)
			}
		}
		var watched []*polled
		// The arguments belong to the caller, who may look at them again: they are copied before one is
		// replaced.
		for i, arg := range args {
			if p := g.watch(thread, fn, arg); p != nil {
				if watched == nil {
					args = slices.Clone(args)
				}
				args[i] = p
				watched = append(watched, p)
			}
		}
		v, err := fn.CallInternal(thread, args, kwargs)
		for _, p := range watched {
			if p.err != nil {
				return nil, fmt.Errorf("%s: %w", fn.Name(), p.err)
			}
		}
		if err == nil && g.after != nil {
			if err = g.after(v); err != nil {
				return nil, fmt.Errorf("%s: the result %w", fn.Name(), err)
			}
		}
		return v, err
	})
	if fn.Receiver() != nil {
		return wrapped.BindReceiver(fn.Receiver())
	}
	return wrapped
}

// watch returns what to pass instead of an iterable that may have no end, nil if there is
// no need to. dict and update take a mapping apart by themselves, where nothing could stop
// them, so that they are given its pairs.
func (g guarded) watch(thread *starlark.Thread, fn *starlark.Builtin, arg starlark.Value) *polled {
	if mapping, ok := arg.(starlark.IterableMapping); ok && (fn.Name() == "dict" || fn.Name() == "update") {
		if starlark.Len(arg) <= interval {
			return nil
		}
		var items starlark.Tuple // these take its keys and values
		for _, item := range mapping.Items() {
			items = append(items, item)
		}
		arg = items
	}
	return long(thread, arg, g.most)
}

// printable bounds what print, str and repr make of all their arguments together.
func printable(_ starlark.Value, args starlark.Tuple, kwargs []starlark.Tuple) error {
	size, sep := 0, " "
	for _, kwarg := range kwargs {
		sep, _ = starlark.AsString(kwarg[1])
	}
	if err := fits(0, len(args), len(sep)); err != nil {
		return err
	}
	size = len(args) * len(sep)
	for _, arg := range args {
		p := printing{most: MaxText, size: size}
		if err := p.visit(arg, 0); err != nil {
			return fmt.Errorf("the %s %w", arg.Type(), err)
		}
		size = p.size
	}
	return nil
}

// fewCells bounds what zip makes of its arguments: rows times columns, as each argument
// alone may be within its bounds. The shortest argument says how many rows there are.
func fewCells(_ starlark.Value, args starlark.Tuple, _ []starlark.Tuple) error {
	rows := MaxElements
	for _, arg := range args {
		if n := starlark.Len(arg); n >= 0 {
			rows = min(rows, n)
		}
	}
	if most := 8 * MaxElements; len(args) > 0 && rows > most/len(args) {
		return fmt.Errorf("%d elements of each of %d are too many, want a product of at most %d", rows, len(args), most)
	}
	return nil
}

// fewDigits bounds the length of a number as text: to read one takes time in the square of
// that.
func fewDigits(_ starlark.Value, args starlark.Tuple, _ []starlark.Tuple) error {
	if len(args) > 0 {
		if s, ok := args[0].(starlark.String); ok && len(s) > MaxDigits {
			return fmt.Errorf("the text is %d bytes long, want at most %d", len(s), MaxDigits)
		}
	}
	return nil
}

// pairsHashable checks a list of tuples, which others may be in: enumerate, zip and items wrap what
// they are given into one level more, again and again if a script has them do so.
func pairsHashable(v starlark.Value) error {
	list := v.(*starlark.List)
	for i := range list.Len() {
		if err := Hashable(list.Index(i)); err != nil {
			return err
		}
	}
	return nil
}

// sorted is that of the library, but ends when the thread is cancelled. It is stable, in reverse
// order, too. A key is asked for once for each element.
func sorted(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var (
		iterable starlark.Iterable
		key      starlark.Callable
		reverse  bool
	)
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "iterable", &iterable, "key?", &key, "reverse?", &reverse); err != nil {
		return nil, err
	}
	values, err := Elements(thread, iterable)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.Name(), err)
	}
	type element struct{ key, value starlark.Value }
	elements := make([]element, len(values))
	for i, v := range values {
		elements[i] = element{v, v}
		if key != nil {
			if elements[i].key, err = starlark.Call(thread, key, starlark.Tuple{v}, nil); err != nil {
				return nil, err
			}
		}
	}
	// After an error nothing is compared any more, so that it ends soon.
	w := work{thread: thread}
	less := func(x, y element) bool {
		if err != nil {
			return false
		}
		var ok bool
		ok, err = w.compare(syntax.LT, x.key, y.key, MaxDepth)
		return ok
	}
	slices.SortStableFunc(elements, func(x, y element) int {
		if reverse {
			x, y = y, x
		}
		switch {
		case less(x, y):
			return -1
		case less(y, x):
			return 1
		}
		return 0
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.Name(), err)
	}
	for i, e := range elements {
		values[i] = e.value
	}
	return starlark.NewList(values), nil
}
