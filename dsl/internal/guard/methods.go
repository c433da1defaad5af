package guard

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// methods lists the methods of the library's types that take long, or whose
// result may be large. A method that is in no list is short for any receiver of a length that is
// allowed: it looks at one element, or once at a text.
//
// They are listed by name alone: what is done to a method suits all types of the library
// that have one of that name.
var methods = map[string]guarded{
	"extend":     {most: MaxElements},
	"issubset":   {},
	"issuperset": {},
	"update":     {most: MaxElements},
	"items":      {after: pairsHashable},
	"popitem":    {after: Hashable},
	"format":     {before: shortFormat},
	"join":       {before: shortJoin},
	"replace":    {before: shortReplace},
	"split":      {before: fewParts},
	"rsplit":     {before: fewParts},
	"splitlines": {before: fewLines},
	"startswith": {before: fewTexts},
	"endswith":   {before: fewTexts},
}

// replaced lists the methods that are others here than in the library, by the type that has
// them: those that compare or look up each element, and strip, which takes the text times
// the letters.
var replaced = map[string]map[string]libraryCode{
	"list": {"index": listIndex, "remove": listRemove},
	"set": {
		"difference":           setMethod(syntax.MINUS),
		"intersection":         setMethod(syntax.AMP),
		"symmetric_difference": setMethod(syntax.CIRCUMFLEX),
		"union":                setMethod(syntax.PIPE),
	},
	"string": {"strip": strip, "lstrip": strip, "rstrip": strip},
}

// isMethod reports whether a method of that name is another or guarded for some type. The
// rewriting asks it of each x.name in a text, of which the type is not known.
func isMethod(name string) bool {
	_, ok := methods[name]
	for _, of := range replaced {
		ok = ok || of[name] != nil
	}
	return ok
}

// method returns a method of v, guarded if it is one of the library's that
// needs it, nil if v has no attribute of that name. A value of the host may have a method of
// the same name, which is its own affair.
func method(v starlark.HasAttrs, name string) (starlark.Value, error) {
	attr, err := v.Attr(name)
	if err != nil || attr == nil {
		return attr, err
	}
	switch v.(type) {
	case *starlark.List, *starlark.Dict, *starlark.Set, starlark.String, starlark.Bytes:
		if code := replaced[v.Type()][name]; code != nil {
			return starlark.NewBuiltin(name, code).BindReceiver(v), nil
		}
		if g, ok := methods[name]; ok {
			return g.wrap(attr.(*starlark.Builtin)), nil
		}
	}
	return attr, nil
}

// getattr is that of the library, for guarded methods: it would be a way around the
// rewriting.
func getattr(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var object, otherwise starlark.Value
	var name string
	if err := starlark.UnpackPositionalArgs(b.Name(), args, kwargs, 2, &object, &name, &otherwise); err != nil {
		return nil, err
	}
	var attr starlark.Value
	var err error
	if object, ok := object.(starlark.HasAttrs); ok {
		attr, err = method(object, name)
	}
	switch {
	case err == nil && attr != nil:
		return attr, nil
	case otherwise != nil:
		return otherwise, nil
	case err != nil:
		return nil, fmt.Errorf("%s: %w", b.Name(), err)
	}
	return nil, fmt.Errorf("%s: %s has no .%s field or method", b.Name(), object.Type(), name)
}

// hasattr asks for the attribute itself only if it is not among the names of those
// that there are: to ask whether there is one is not to look at it.
func hasattr(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var object starlark.Value
	var name string
	if err := starlark.UnpackPositionalArgs(b.Name(), args, kwargs, 2, &object, &name); err != nil {
		return nil, err
	}
	o, ok := object.(starlark.HasAttrs)
	if !ok {
		return starlark.False, nil
	}
	if slices.Contains(o.AttrNames(), name) {
		return starlark.True, nil
	}
	v, err := o.Attr(name)
	return starlark.Bool(err == nil && v != nil), nil
}

// length returns how long the text of a value is at most. A text within a text has no quotes.
func length(v starlark.Value) (int, error) {
	if s, ok := starlark.AsString(v); ok {
		return len(s), nil
	}
	p := printing{most: MaxText}
	err := p.visit(v, 0)
	return p.size, err
}

// fits reports a text of more than MaxText bytes that would come out: of so many bytes, and so
// many times so many more. It divides, because the product may not fit into a number.
func fits(size, times, each int) error {
	if size > MaxText || times > 0 && each > (MaxText-size)/times {
		return fmt.Errorf("the result may be longer than %d bytes", MaxText)
	}
	return nil
}

// shortFormat bounds a text in which each field is the longest argument. Which field takes
// which is not looked up: a format has few fields, and an estimate that is too high refuses
// only what is large anyway.
func shortFormat(receiver starlark.Value, args starlark.Tuple, kwargs []starlark.Tuple) error {
	longest := 0
	note := func(v starlark.Value) error {
		n, err := length(v)
		if err != nil {
			return fmt.Errorf("the %s %w", v.Type(), err)
		}
		longest = max(longest, n)
		return nil
	}
	for _, arg := range args {
		if err := note(arg); err != nil {
			return err
		}
	}
	for _, kwarg := range kwargs {
		if err := note(kwarg[1]); err != nil {
			return err
		}
	}
	format := string(receiver.(starlark.String))
	return fits(len(format), strings.Count(format, "{"), longest)
}

// shortJoin bounds a text of all elements with a separator between them.
//
// A list is summed up, in a walk that ends at the limit. A sequence of a type of its own,
// such as a range, is taken to have short elements: the library refuses those that are no
// strings.
func shortJoin(receiver starlark.Value, args starlark.Tuple, _ []starlark.Tuple) error {
	if len(args) != 1 {
		return nil // what is wrong says the library
	}
	separator := len(receiver.(starlark.String))
	size := 0
	var longest int
	switch list := args[0].(type) {
	case *starlark.List, starlark.Tuple, *starlark.Dict, *starlark.Set:
		for e := range starlark.Elements(list.(starlark.Iterable)) {
			s, _ := starlark.AsString(e)
			if size += separator + len(s); size > MaxText {
				break
			}
		}
		return fits(size, 0, 0)
	// What a host's type holds is not looked at, since that may cost much.
	case starlark.Sequence: // of a type of its own, with short elements
		longest = list.Len()
	}
	return fits(longest, longest, separator)
}

// shortReplace bounds a text in which each occurrence grows by the difference of the two.
func shortReplace(receiver starlark.Value, args starlark.Tuple, _ []starlark.Tuple) error {
	if len(args) < 2 {
		return nil
	}
	text := string(receiver.(starlark.String))
	before, _ := starlark.AsString(args[0])
	after, _ := starlark.AsString(args[1])
	if len(after) <= len(before) {
		return nil
	}
	times := strings.Count(text, before)
	if len(args) > 2 {
		if most, err := starlark.AsInt32(args[2]); err == nil && most >= 0 {
			times = min(times, most)
		}
	}
	return fits(len(text), times, len(after)-len(before))
}

// fewParts bounds how many texts a text is split into, which each take more room than a letter.
func fewParts(receiver starlark.Value, args starlark.Tuple, _ []starlark.Tuple) error {
	text := string(receiver.(starlark.String))
	parts := len(text)/2 + 1 // of single letters between spaces
	if len(args) > 0 {
		if separator, ok := starlark.AsString(args[0]); ok && separator != "" {
			parts = strings.Count(text, separator) + 1
		}
	}
	if len(args) > 1 {
		if most, err := starlark.AsInt32(args[1]); err == nil && most > MaxElements {
			return fmt.Errorf("maxsplit is %d, want at most %d", most, MaxElements)
		}
	}
	return few(parts)
}

func fewLines(receiver starlark.Value, _ starlark.Tuple, _ []starlark.Tuple) error {
	return few(strings.Count(string(receiver.(starlark.String)), "\n") + 1)
}

func few(parts int) error {
	if parts > MaxElements {
		return fmt.Errorf("the result may have %w", errElements)
	}
	return nil
}

// strip is that of the library, which looks for each letter among all to be stripped: with a
// long text of these that is quadratic. A table of letters makes it linear.
func strip(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var chars string
	if err := starlark.UnpackPositionalArgs(b.Name(), args, kwargs, 0, &chars); err != nil {
		return nil, err
	}
	text := string(b.Receiver().(starlark.String))
	out := unicode.IsSpace
	if chars != "" {
		letters := make([]bool, 1+slices.Max([]rune(chars)))
		for _, c := range chars {
			letters[c] = true
		}
		out = func(c rune) bool { return int(c) < len(letters) && letters[c] }
	}
	if b.Name() != "rstrip" {
		text = strings.TrimLeftFunc(text, out)
	}
	if b.Name() != "lstrip" {
		text = strings.TrimRightFunc(text, out)
	}
	return starlark.String(text), nil
}

// fewTexts bounds the texts that one may begin or end with, as each is compared.
func fewTexts(_ starlark.Value, args starlark.Tuple, _ []starlark.Tuple) error {
	if len(args) == 0 {
		return nil
	}
	if tuple, ok := args[0].(starlark.Tuple); ok {
		size := 0
		for _, e := range tuple {
			if size += textSteps(e); size > MaxElements {
				return fmt.Errorf("the texts are longer than %d bytes", 64*MaxElements)
			}
		}
	}
	return nil
}
