package node

import (
	"cmp"
	"slices"
)

// Arguments are the argument of an operation that takes several, each with a name:
// cas(new=2, old=1). They are comparable, and equal if the same names have equal
// values. The zero value has none of them.
type Arguments struct {
	Name  string
	Value any // comparable
	More  any // the Arguments with later names, nil if there are none
}

// ArgumentsOf returns the arguments with these names and values.
func ArgumentsOf(values map[string]any) Arguments {
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Compare(b, a) })
	var all any
	for _, name := range names {
		all = Arguments{name, values[name], all}
	}
	first, _ := all.(Arguments)
	return first
}

// Map returns the values by their names.
func (a Arguments) Map() map[string]any {
	values := map[string]any{}
	for at, ok := a, a.Name != ""; ok; at, ok = at.More.(Arguments) {
		values[at.Name] = at.Value
	}
	return values
}

// String is what would stand in the parentheses of a call: new=2, old=1.
func (a Arguments) String() string {
	text, between := "", ""
	for at, ok := a, a.Name != ""; ok; at, ok = at.More.(Arguments) {
		text += between + at.Name + "=" + Text(at.Value)
		between = ", "
	}
	return text
}

// Renamed implements [RenamedValue]: a text that is the name of an identity counts as
// that identity.
func (a Arguments) Renamed(to func(string) string) any {
	values := a.Map()
	for name, v := range values {
		switch v := v.(type) {
		case string:
			values[name] = to(v)
		case RenamedValue:
			values[name] = v.Renamed(to)
		}
	}
	return ArgumentsOf(values)
}
