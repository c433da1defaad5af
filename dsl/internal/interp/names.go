package interp

import (
	"fmt"

	"go.starlark.net/starlark"
)

// Names is a parameter that takes names: a list, tuple or set of strings.
type Names []string

// Unpack implements [starlark.Unpacker].
func (n *Names) Unpack(v starlark.Value) error {
	list, ok := v.(starlark.Iterable)
	if !ok {
		return fmt.Errorf(`got %s, want a list of names, as in ["A", "B"]`, v.Type())
	}
	*n = Names{}
	for name := range starlark.Elements(list) {
		s, ok := starlark.AsString(name)
		if !ok {
			return fmt.Errorf(`got a list with %s in it, want names, as in ["A", "B"]`, name.Type())
		}
		*n = append(*n, s)
	}
	return nil
}
