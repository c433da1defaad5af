package guard

import (
	"errors"
	"fmt"

	"go.starlark.net/lib/json"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

// JSON returns the library's module json, which refuses texts and values that
// are large or nest deep. Both directions recurse, and the text of a value that holds another
// twice, and that another twice, and so on, is exponentially longer than the value.
func JSON() *starlarkstruct.Module {
	member := func(name string) *starlark.Builtin { return json.Module.Members[name].(*starlark.Builtin) }
	encode := guarded{before: encodable}.wrap(member("encode"))
	indent := guarded{before: indentable}.wrap(member("indent"))
	return &starlarkstruct.Module{Name: json.Module.Name, Members: starlark.StringDict{
		"encode": encode,
		"decode": guarded{before: decodable}.wrap(member("decode")),
		"indent": indent,
		"encode_indent": starlark.NewBuiltin("json.encode_indent", func(thread *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
			text, err := encode.CallInternal(thread, args, nil)
			if err != nil {
				return nil, err
			}
			return indent.CallInternal(thread, starlark.Tuple{text}, kwargs)
		}),
	}}
}

// encodable reports a value whose text would be too long. A value that holds itself is one.
func encodable(_ starlark.Value, args starlark.Tuple, _ []starlark.Tuple) error {
	for _, arg := range args {
		if err := Tree(arg, MaxText); err != nil {
			return fmt.Errorf("the %s %w", arg.Type(), err)
		}
	}
	return nil
}

// decodable reports a text that is too long or nests too deep. It is scanned once, which
// takes a fraction of what decoding takes. A text that is no JSON is left for the decoder
// to complain about.
func decodable(_ starlark.Value, args starlark.Tuple, _ []starlark.Tuple) error {
	if len(args) == 0 {
		return nil
	}
	_, err := measure(args[0], 0, 0)
	return err
}

// indentable reports a text that is too long when it is indented: at a depth of 1,000 each
// comma brings 1,000 indents.
func indentable(_ starlark.Value, args starlark.Tuple, kwargs []starlark.Tuple) error {
	if len(args) == 0 {
		return nil
	}
	prefix, indent := "", "\t"
	for _, kwarg := range kwargs {
		switch name, _ := starlark.AsString(kwarg[0]); name {
		case "prefix":
			prefix, _ = starlark.AsString(kwarg[1])
		case "indent":
			indent, _ = starlark.AsString(kwarg[1])
		}
	}
	size, err := measure(args[0], len(prefix), len(indent))
	if err != nil {
		return err
	}
	return fits(size, 0, 0)
}

// measure returns how long a JSON text is when it is indented: a bracket or
// comma is followed by a line's beginning. It fails if the text is too long or
// nests too deep for the decoder, which recurses, or holds too long a number.
func measure(v starlark.Value, prefix, indent int) (int, error) {
	text, _ := starlark.AsString(v)
	if len(text) > MaxText {
		return 0, fmt.Errorf("the text is longer than %d bytes", MaxText)
	}
	size, depth, digits, quoted := 0, 0, 0, false
	numerals := 0 // what the long ones take
	for i := 0; i < len(text); i++ {
		c := text[i]
		size++
		if '0' <= c && c <= '9' && !quoted {
			if digits++; digits > MaxDigits {
				return 0, fmt.Errorf("a number has more than %d digits", MaxDigits)
			}
			continue
		}
		// To read a numeral takes time in the square of its length.
		if digits >= longNumeral {
			if numerals += numeralCost(digits); numerals > MaxText {
				return 0, errors.New("there are too many long numbers")
			}
		}
		digits = 0
		switch {
		case c == '"':
			quoted = !quoted
		case quoted && c == '\\':
			i++
		case quoted:
		case c == '[' || c == '{':
			if depth++; depth > MaxDepth {
				return 0, fmt.Errorf("the text %w", errDepth)
			}
			size += 1 + prefix + depth*indent
		case c == ']' || c == '}':
			depth--
			size += 1 + prefix + max(depth, 0)*indent
		case c == ',':
			size += 1 + prefix + max(depth, 0)*indent
		}
	}
	return size, nil
}
