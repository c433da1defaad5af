package guard

import (
	"fmt"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"go.starlark.net/syntax"
)

// What rewritten text calls in place of operators: each does what the operator does, by
// [starlark.Binary], after it has seen that the result is not too large; or piece by piece,
// where a comparison or a table could take long (compare.go, tables.go). The errors of the
// library are those that a script sees, with the place of the operator.

// Names of what rewritten text calls. No script can spell them.
//
// Each begins with a space, which no identifier can. They are the operators themselves,
// because the names appear in stacks.
const (
	namePlus    = " +"
	nameTimes   = " *"
	namePercent = " %"
	nameTuple   = " ()"
	nameArgs    = " *args"
	nameMethod  = " ."
	nameAdd     = " +="
	nameMerge   = " |="
)

// operators are those that are called by their own names, after a space.
var operators = map[syntax.Token]builtinCode{
	syntax.EQL:        comparisonOf(syntax.EQL),
	syntax.NEQ:        comparisonOf(syntax.NEQ),
	syntax.LT:         comparisonOf(syntax.LT),
	syntax.LE:         comparisonOf(syntax.LE),
	syntax.GT:         comparisonOf(syntax.GT),
	syntax.GE:         comparisonOf(syntax.GE),
	syntax.IN:         contains(syntax.IN),
	syntax.NOT_IN:     contains(syntax.NOT_IN),
	syntax.PIPE:       combined(syntax.PIPE),
	syntax.AMP:        combined(syntax.AMP),
	syntax.CIRCUMFLEX: combined(syntax.CIRCUMFLEX),
	syntax.MINUS:      combined(syntax.MINUS),
}

// A builtinCode is what rewritten text calls. It has as many arguments as the operator has sides,
// by position; the text was written by [Rewrite], so that they are not counted.
type builtinCode = func(*starlark.Thread, starlark.Tuple) (starlark.Value, error)

// A libraryCode is a function that takes the place of one of the library.
type libraryCode = func(*starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error)

// IsHidden reports whether a name is one that only rewritten text uses. Lists of names, and so
// completion, leave those out.
func IsHidden(name string) bool { return strings.HasPrefix(name, " ") }

// Hidden returns what rewritten text calls. It has to be predeclared. In calls that an error
// lists the functions are named by their operators, without the space.
func Hidden() starlark.StringDict {
	hidden := starlark.StringDict{}
	functions := map[string]builtinCode{
		namePlus:    plus,
		nameAdd:     addend,
		nameMerge:   merge,
		nameTimes:   times,
		namePercent: percent,
		nameTuple:   tuple,
		nameArgs:    rest,
		nameMethod:  attribute,
	}
	for op, fn := range operators {
		functions[" "+op.String()] = fn
	}
	for name, fn := range functions {
		hidden[name] = starlark.NewBuiltin(strings.TrimSpace(name), func(thread *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
			return fn(thread, args)
		})
	}
	return hidden
}

// plus returns x + y.
//
// Each operand is looked at and not their sum, so that a result may be twice the limit and
// is refused as an operand.
func plus(_ *starlark.Thread, args starlark.Tuple) (starlark.Value, error) {
	for _, v := range args {
		if err := addable(v); err != nil {
			return nil, err
		}
	}
	return starlark.Binary(syntax.PLUS, args[0], args[1])
}

// addend returns the last of its arguments, the right side of x += y, if it can be added: the
// other is x, if it can be evaluated again. The addition itself is left to the library,
// because a list grows in place by it and other holders of that list see it.
func addend(_ *starlark.Thread, args starlark.Tuple) (starlark.Value, error) {
	for i, v := range args {
		if _, list := v.(*starlark.List); list && i < len(args)-1 {
			continue // which grows in place
		}
		if err := addable(v); err != nil {
			return nil, err
		}
	}
	return args[len(args)-1], nil
}

// addable reports a value that is so large that adding to it, or adding it, again
// and again could take all memory before that is noticed. What comes of two that are just
// small enough is twice as large, and is refused the next time.
func addable(v starlark.Value) error {
	switch v := v.(type) {
	case starlark.String:
		if len(v) > MaxText {
			return fmt.Errorf("+: a string of %d bytes is too long to be added; want at most %d", len(v), MaxText)
		}
	case starlark.Bytes:
		if len(v) > MaxText {
			return fmt.Errorf("+: %d bytes are too many to be added; want at most %d", len(v), MaxText)
		}
	case starlark.Tuple:
		if len(v) > MaxElements {
			return fmt.Errorf("+: a tuple of %d elements is too long to be added; want at most %d", len(v), MaxElements)
		}
		if err := Hashable(v); err != nil {
			return fmt.Errorf("+: the tuple %w", err)
		}
	case starlark.Sequence: // a list, or what a list is extended by in place
		if n := v.Len(); n > MaxElements {
			return fmt.Errorf("+: a %s of %d elements is too long to be added; want at most %d", v.Type(), n, MaxElements)
		}
	}
	return nil
}

// times returns x * y.
//
// Starlark repeats sequences in one step, and multiplies integers of any length in one.
func times(_ *starlark.Thread, args starlark.Tuple) (starlark.Value, error) {
	x, y := args[0], args[1]
	switch a := x.(type) {
	case starlark.Int:
		if b, ok := y.(starlark.Int); ok {
			if bits(a) > MaxBits || bits(b) > MaxBits {
				return nil, fmt.Errorf("*: the factors have %d and %d bits, want at most %d", bits(a), bits(b), MaxBits)
			}
			break
		}
		if err := repeated(y, a); err != nil {
			return nil, err
		}
	default:
		if n, ok := y.(starlark.Int); ok {
			if err := repeated(x, n); err != nil {
				return nil, err
			}
		}
	}
	// A tuple repeated is as long as was allowed, but what it holds may be walked as often.
	v, err := starlark.Binary(syntax.STAR, x, y)
	if _, isTuple := v.(starlark.Tuple); isTuple {
		if err := Hashable(v); err != nil {
			return nil, fmt.Errorf("*: the tuple %w", err)
		}
	}
	return v, err
}

func bits(n starlark.Int) int {
	if _, small := n.Int64(); small {
		return 64
	}
	return n.BigInt().BitLen()
}

// repeated reports a sequence that would be too long if it is repeated n times. A count that
// does not fit into 32 bits, or is not positive, is left to the library where that is no harm.
func repeated(v starlark.Value, n starlark.Int) error {
	most := MaxElements
	switch v.(type) {
	case starlark.String, starlark.Bytes:
		most = MaxText
	case *starlark.List, starlark.Tuple:
	default:
		return nil
	}
	count, err := starlark.AsInt32(n)
	if size := starlark.Len(v); size > 0 && n.Sign() > 0 && (err != nil || count > most/size) {
		return fmt.Errorf("*: a %s of length %d, %s times, is too long; want at most %d", v.Type(), size, n, most)
	}
	return nil
}

// percent returns x % y.
//
// Of numbers it is the remainder. A format is measured as if each of its verbs stood for
// the longest value.
func percent(_ *starlark.Thread, args starlark.Tuple) (starlark.Value, error) {
	x, y := args[0], args[1]
	if format, ok := x.(starlark.String); ok {
		if err := shortInterpolation(string(format), y); err != nil {
			return nil, err
		}
	}
	return starlark.Binary(syntax.PERCENT, x, y)
}

// shortInterpolation bounds a text that takes each element of a tuple once, or
// the values of a mapping as often as it names them. It is a bound from above: a format that
// names a short value many times beside a long one that it names once may be refused.
func shortInterpolation(format string, v starlark.Value) error {
	size, times, longest := len(format), strings.Count(format, "%"), 0
	if tuple, ok := v.(starlark.Tuple); ok {
		for _, e := range tuple {
			n, err := length(e)
			if err != nil {
				return fmt.Errorf("%%: the %s %w", e.Type(), err)
			}
			if size += n; size > MaxText {
				break
			}
		}
	} else {
		n, err := length(v)
		if err != nil {
			return fmt.Errorf("%%: the %s %w", v.Type(), err)
		}
		longest = n
	}
	if err := fits(size, times, longest); err != nil {
		return fmt.Errorf("%%: %w", err)
	}
	return nil
}

// tuple returns a tuple, unless it nests too deep or too often for its hash. A tuple whose
// elements are no tuples needs no look, which is nearly each that a script makes.
//
// The hash of a tuple walks all that it holds, as a tree: t = (t, t), thirty times over,
// would take minutes to hash. Such a value comes about where a tuple is put into another,
// so that it is measured there.
func tuple(_ *starlark.Thread, args starlark.Tuple) (starlark.Value, error) {
	for _, e := range args[0].(starlark.Tuple) {
		switch e.(type) {
		case starlark.Tuple, *starlarkstruct.Struct:
			if err := Hashable(args[0]); err != nil {
				return nil, fmt.Errorf("the tuple %w", err)
			}
			return args[0], nil
		}
	}
	return args[0], nil
}

// rest checks the arguments that a function takes as *rest, which are a tuple. It returns True,
// so that the lambda's condition holds.
func rest(thread *starlark.Thread, args starlark.Tuple) (starlark.Value, error) {
	_, err := tuple(thread, args)
	return starlark.True, err
}

// attribute returns x.name.
//
// It finds the guarded method where the type has one. Its error is that of the interpreter
// for the same.
func attribute(_ *starlark.Thread, args starlark.Tuple) (starlark.Value, error) {
	x, name := args[0], string(args[1].(starlark.String))
	if object, ok := x.(starlark.HasAttrs); ok {
		if attr, err := method(object, name); attr != nil || err != nil {
			return attr, err
		}
	}
	return nil, fmt.Errorf("%s has no .%s field or method", x.Type(), name)
}
