package guard

import (
	"fmt"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"go.starlark.net/syntax"
)

// Names of what rewritten text calls. No script can spell them.
const (
	namePlus    = " +"
	nameTimes   = " *"
	namePercent = " %"
	nameTuple   = " ()"
	nameArgs    = " *args"
	nameMethod  = " ."
)

// IsHidden reports whether a name is one that only rewritten text uses.
func IsHidden(name string) bool { return strings.HasPrefix(name, " ") }

// Hidden returns what rewritten text calls. It has to be predeclared.
func Hidden() starlark.StringDict {
	hidden := starlark.StringDict{}
	for name, fn := range map[string]func(starlark.Tuple) (starlark.Value, error){
		namePlus:    plus,
		nameTimes:   times,
		namePercent: percent,
		nameTuple:   tuple,
		nameArgs:    rest,
		nameMethod:  attribute,
	} {
		hidden[name] = starlark.NewBuiltin(strings.TrimSpace(name), func(_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
			return fn(args)
		})
	}
	return hidden
}

// plus returns the right side of x + y, if it is not so large that adding it
// again and again could take all memory before that is noticed.
func plus(args starlark.Tuple) (starlark.Value, error) {
	y := args[0]
	switch y := y.(type) {
	case starlark.String:
		if len(y) > MaxText {
			return nil, fmt.Errorf("+: a string of %d bytes is too long to be added; want at most %d", len(y), MaxText)
		}
	case starlark.Bytes:
		if len(y) > MaxText {
			return nil, fmt.Errorf("+: %d bytes are too many to be added; want at most %d", len(y), MaxText)
		}
	case starlark.Sequence: // a list, a tuple, or what a list is extended by in place
		if n := y.Len(); n > MaxElements {
			return nil, fmt.Errorf("+: a %s of %d elements is too long to be added; want at most %d", y.Type(), n, MaxElements)
		}
	}
	return y, nil
}

// times returns x * y.
func times(args starlark.Tuple) (starlark.Value, error) {
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
	return starlark.Binary(syntax.STAR, x, y)
}

func bits(n starlark.Int) int {
	if _, small := n.Int64(); small {
		return 64
	}
	return n.BigInt().BitLen()
}

// repeated reports a sequence that would be too long if it is repeated n times.
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
func percent(args starlark.Tuple) (starlark.Value, error) {
	x, y := args[0], args[1]
	if format, ok := x.(starlark.String); ok {
		if err := shortInterpolation(string(format), y); err != nil {
			return nil, err
		}
	}
	return starlark.Binary(syntax.PERCENT, x, y)
}

// shortInterpolation bounds a text that takes each element of a tuple once, or
// the values of a mapping as often as it names them.
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

// tuple returns a tuple, unless it nests too deep or too often for its hash.
func tuple(args starlark.Tuple) (starlark.Value, error) {
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

// rest checks the arguments that a function takes as *rest, which are a tuple.
func rest(args starlark.Tuple) (starlark.Value, error) {
	_, err := tuple(args)
	return starlark.True, err
}

// attribute returns x.name.
func attribute(args starlark.Tuple) (starlark.Value, error) {
	x, name := args[0], string(args[1].(starlark.String))
	if object, ok := x.(starlark.HasAttrs); ok {
		if attr, err := method(object, name); attr != nil || err != nil {
			return attr, err
		}
	}
	return nil, fmt.Errorf("%s has no .%s field or method", x.Type(), name)
}
