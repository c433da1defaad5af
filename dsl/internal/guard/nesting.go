package guard

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

// How large values are before Go walks them. Starlark values are graphs: one list may be
// held a thousand times, or hold itself. The library walks them as trees, by recursion, in
// String, Hash and Freeze, none of which can be stopped; a stack that is full ends the
// process. So each of the four functions here walks first, as the library will, with bounds
// for depth and for how often something is met. What they accept the library can walk.
//
// They recurse themselves, to MaxDepth at the most. Each takes time in what the walk it
// protects takes.

// Freezable reports why values cannot be frozen: a function holds itself, or
// they nest too deep or too often. Freezing them would take the process's stack
// or never end. It walks as [starlark.Value.Freeze] does: lists, dicts, sets
// and structs once, tuples and functions each time, so that a function may be
// in a list that it uses. All values of one call share the bounds.
//
// Frozen is what handlers and invariants see of their script, so that workers may call them at
// the same time, and so that nothing is remembered behind the back of the state of a node.
func Freezable(values ...starlark.Value) error {
	f := freezing{once: map[starlark.Value]bool{}}
	for _, v := range values {
		if err := f.visit(v, 0); err != nil {
			return err
		}
	}
	return nil
}

type freezing struct {
	once    map[starlark.Value]bool // containers that were visited
	holders []holder                // functions that are being visited
	visits  int
}

// A holder is a function that is being visited, and how many containers were visited before
// it: the library ends a walk at a container that is frozen already, so that coming to the
// same function again is endless only if no new container lay on the way.
type holder struct {
	*starlark.Function
	before int
}

// It recurses where Freeze does, and to no more than MaxDepth.
func (f *freezing) visit(v starlark.Value, depth int) error {
	if depth > MaxDepth {
		return errDepth
	}
	switch v := v.(type) {
	case *starlark.List, *starlark.Dict, *starlark.Set, *starlarkstruct.Struct:
		if f.once[v] {
			return nil
		}
		f.once[v] = true
	case starlark.Tuple:
		f.visits += 1 + len(v)/16 // what is in it and walked once takes little
	case *starlark.Function:
		f.visits++
		// If no container was come to since it was last begun, nothing will
		// keep the walk from coming here again.
		again := holder{v, len(f.once)}
		if i := slices.Index(f.holders, again); i >= 0 {
			return selfReference(f.holders[i:])
		}
		f.holders = append(f.holders, again)
		defer func() { f.holders = f.holders[:len(f.holders)-1] }()
	}
	if f.visits > maxFrozen {
		return fmt.Errorf("holds more than %d tuples and functions, each counted as often as it is held", maxFrozen)
	}
	var err error
	parts(v, func(part starlark.Value) bool {
		err = f.visit(part, depth+1)
		return err == nil
	})
	return err
}

var errDepth = fmt.Errorf("nests deeper than %d levels", MaxDepth)

// Printable reports why the text of a value would be too long, or endless: it
// walks as the library does when it makes the text. A list or dict that holds
// itself has an end, because its text says "...", but not if a struct is
// between. The text of values of other types is taken to be short. It ends as soon as it is known
// to be too long, so that it costs no more than the text would.
func Printable(v starlark.Value) error { return Within(v, MaxText) }

// Within is Printable for texts of so many bytes, roughly.
func Within(v starlark.Value, most int) error {
	p := printing{most: most}
	return p.visit(v, 0)
}

// Text returns the text of a value, or says why it has none. It is for showing values; who needs
// the text itself asks Printable.
func Text(v starlark.Value) string {
	if err := Printable(v); err != nil {
		return fmt.Sprintf("<%s that %s>", v.Type(), err)
	}
	return v.String()
}

// Tree reports why a value cannot be written out in so many bytes: it is large,
// or holds itself.
func Tree(v starlark.Value, most int) error {
	p := printing{most: most, tree: true}
	return p.visit(v, 0)
}

type printing struct {
	most int  // bytes
	tree bool // nothing may hold itself
	size int
	path []starlark.Value // lists, dicts and structs that are being walked
}

// Sizes are upper bounds within a small factor: 2 bytes stand for the brackets, commas and
// quotes of each value, and escapes are not counted.
func (p *printing) visit(v starlark.Value, depth int) error {
	if depth > MaxDepth {
		return errDepth
	}
	switch v := v.(type) {
	case starlark.String:
		p.size += 2 + len(v)
	case starlark.Bytes:
		p.size += 3 + len(v)
	case starlark.Int:
		p.size += 2
		if _, small := v.Int64(); !small {
			p.size += numeralCost(v.BigInt().BitLen() / 3)
		}
	case *starlark.List, starlark.Tuple, *starlark.Dict, *starlark.Set:
		p.size += 2
	case starlark.Iterable: // of a type of its own
		p.size += 2
		if !p.tree {
			break
		}
		n := starlark.Len(v)
		if n < 0 || n > p.most {
			return fmt.Errorf("is a %s, which may have any number of elements", v.Type())
		}
		p.size += 8 * n
	default:
		p.size += 2
	}
	if p.size > p.most {
		return fmt.Errorf("is longer than %d bytes as text", p.most)
	}
	switch v := v.(type) {
	case *starlark.List, *starlark.Dict, *starlarkstruct.Struct:
		if i := slices.Index(p.path, v); i >= 0 {
			// The text of lists and dicts looks for itself in what is being written; that of structs does not.
			isStruct := func(v starlark.Value) bool { _, ok := v.(*starlarkstruct.Struct); return ok }
			if p.tree || slices.ContainsFunc(p.path[i:], isStruct) {
				return errors.New("holds itself")
			}
			return nil
		}
		p.path = append(p.path, v)
		defer func() { p.path = p.path[:len(p.path)-1] }()
	case *starlark.Function, *starlark.Builtin:
		return nil
	}
	var err error
	parts(v, func(part starlark.Value) bool {
		err = p.visit(part, depth+1)
		return err == nil
	})
	return err
}

// numeralCost is how long a numeral of so many digits is, with more for a long one: to
// write or to read it takes longer for each digit the more there are. It has no unit; it is
// compared with bytes.
func numeralCost(digits int) int { return digits + digits/longNumeral*digits }

// longNumeral is the number of digits that may be written as fast as other text.
const longNumeral = 1 << 16

// Hashable reports why the hash of a value would take too long: what can be hashed and
// holds others, tuples and structs, nests too deep or too often. Functions that make such
// values call it, so that a value is measured where it comes about, and not each time it is
// hashed.
func Hashable(v starlark.Value) error {
	h := hashing{}
	return h.visit(v, 0)
}

type hashing struct{ visits int }

// Lists, dicts and sets are not walked: they have no hash, and an error says so at once.
func (h *hashing) visit(v starlark.Value, depth int) error {
	switch v := v.(type) {
	case starlark.String:
		h.visits += len(v) / 16
	case starlark.Tuple:
		if depth > MaxDepth {
			return errDepth
		}
		if h.visits += len(v); h.visits > MaxElements {
			break
		}
		for _, e := range v {
			if err := h.visit(e, depth+1); err != nil {
				return err
			}
		}
	case *starlarkstruct.Struct:
		if depth > MaxDepth {
			return errDepth
		}
		for _, e := range v.Entries() {
			h.visits++
			if err := h.visit(e, depth+1); err != nil {
				return err
			}
		}
	}
	if h.visits > MaxElements {
		return fmt.Errorf("holds more than %d values in tuples, each counted as often as it is held", MaxElements)
	}
	return nil
}

// parts yields what a value holds, in the order in which the library walks it: of a function its
// defaults and what it captured, of a method what it is a method of. Global variables do not
// count, they are no part of a function's value.
func parts(v starlark.Value, yield func(starlark.Value) bool) {
	switch v := v.(type) {
	case *starlark.List:
		v.Elements()(yield)
	case starlark.Tuple:
		v.Elements()(yield)
	case *starlark.Set:
		v.Elements()(yield)
	case *starlark.Dict:
		v.Entries()(func(key, value starlark.Value) bool { return yield(key) && yield(value) })
	case *starlarkstruct.Struct:
		v.Entries()(func(_ string, value starlark.Value) bool { return yield(value) })
	case *starlark.Builtin:
		if v.Receiver() != nil {
			yield(v.Receiver())
		}
	case *starlark.Function:
		for i := range v.NumParams() {
			if d := v.ParamDefault(i); d != nil && !yield(d) {
				return
			}
		}
		for i := range v.NumFreeVars() {
			if _, value := v.FreeVar(i); value != nil && !yield(value) {
				return
			}
		}
	}
}

// selfReference describes functions each of which holds the next, and the last
// the first. It begins with the one that stands first in the text, whichever was met first.
func selfReference(cycle []holder) error {
	first := slices.MinFunc(cycle, func(a, b holder) int {
		return int(a.Position().Line) - int(b.Position().Line)
	})
	var through []string
	for _, fn := range cycle {
		if fn != first {
			through = append(through, fn.Name())
		}
	}
	return fmt.Errorf("%s (%s)", recursive(first.Name(), through), first.Position())
}

// recursive says that a function refers to itself, maybe through others. It begins as
// Starlark's own error of a recursive call does.
func recursive(name string, through []string) string {
	how := "it refers to itself"
	if len(through) > 0 {
		how += " through " + strings.Join(through, ", ")
	}
	return fmt.Sprintf("function %s called recursively: %s, and there is no recursion; write a loop over a list of what is left to do", name, how)
}
