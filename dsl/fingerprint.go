package dsl

import (
	"go.starlark.net/starlark"

	"github.com/twinsh/twinsh/dsl/internal/interp"
	"github.com/twinsh/twinsh/dsl/internal/role"
	"github.com/twinsh/twinsh/dsl/internal/value"
)

// newDigest makes a digest of values of scripts.
func newDigest(in *interp.Interpreter) *interp.Digest { return interp.NewDigest(in, digestOwn) }

// digestOwn notes a value of the language's own.
func digestOwn(d *interp.Digest, v starlark.Value) {
	d.Note(v.Type())
	switch v := v.(type) {
	case value.Operation:
		d.Note(v.Name)
		d.Value(value.FromGo(v.Arg))
	case *value.Signed:
		d.Value(v.Value)
		d.Value(v.Signer)
	case *value.Kind:
		d.Note(v.Name, v.Fields)
	case value.Digest:
		d.Note(v.Sum())
	case *role.Role:
		if !d.Met(v) {
			v.Note(d)
		}
	case *protocolValue:
		if s, ok := v.Protocol.(*role.Protocol); ok {
			s.Note(d)
		} else {
			d.Note(v.Fingerprint())
		}
	case *modelValue:
		d.Note(v.Name, v.keyed)
		d.Value(v.init)
		if v.step != nil {
			d.Value(v.step)
		}
	case *propertyValue:
		d.Note(v.name, len(v.args))
		for _, arg := range v.args {
			d.Value(arg)
		}
	case *spaceValue:
		d.Note(v.Space, v.Size(), v.Digest()) // the text leaves long lists out
	case *worldValue:
		c := v.Cluster()
		d.Note(c, c.Config().Held)
		if made, ok := c.Config().Protocol.(*protocolValue); ok {
			digestOwn(d, made)
		}
		for _, w := range v.Path()[1:] {
			d.Note(w.Step())
		}
	default:
		d.Note(v)
	}
}
