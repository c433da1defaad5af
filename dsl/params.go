package dsl

import (
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
