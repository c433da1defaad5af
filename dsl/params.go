package dsl

import (
	"fmt"

	"go.starlark.net/starlark"

	"github.com/twinsh/twinsh/dsl/internal/value"
)

// plain is a parameter that takes what [toGo] takes.
type plain struct{ value any }

// Unpack implements [starlark.Unpacker].
func (p *plain) Unpack(v starlark.Value) (err error) {
	p.value, err = value.ToGo(v)
	return err
}

// names is a parameter that takes names: a list, tuple or set of strings.
type names []string

// Unpack implements [starlark.Unpacker].
func (n *names) Unpack(v starlark.Value) error {
	list, ok := v.(starlark.Iterable)
	if !ok {
		return fmt.Errorf(`got %s, want a list of names, as in ["A", "B"]`, v.Type())
	}
	*n = names{}
	for name := range starlark.Elements(list) {
		s, ok := starlark.AsString(name)
		if !ok {
			return fmt.Errorf(`got a list with %s in it, want names, as in ["A", "B"]`, name.Type())
		}
		*n = append(*n, s)
	}
	return nil
}
