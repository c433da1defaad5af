package dsl

import (
	"fmt"

	"go.starlark.net/starlark"

	"github.com/twinsh/twinsh/dsl/internal/interp"
	"github.com/twinsh/twinsh/dsl/internal/role"
	"github.com/twinsh/twinsh/dsl/internal/value"
	"github.com/twinsh/twinsh/runtime/explore"
)

// Fingerprint implements [explore.Fingerprinted]: a protocol of a script is what
// its functions are, and what they see; one in Go speaks for itself.
func (p *protocolValue) Fingerprint() string {
	if s, ok := p.Protocol.(*role.Protocol); ok {
		d := newDigest(s.Interpreter())
		s.Note(d)
		return d.Sum()
	}
	return p.call + " " + explore.CodeOf(p.Protocol)
}

// code returns what distinguishes properties of scripts beside their names: their
// arguments, and the functions among these.
func (l propertyList) code(in *Interpreter) []explore.Part {
	var parts []explore.Part
	for i, p := range l {
		d := newDigest(in.scripts)
		d.Value(p)
		parts = append(parts, explore.DigestOf(fmt.Sprintf("the arguments of %s", p.name), d.Sum()))
		for _, q := range l[:i] {
			if q.name == p.name {
				parts[i].Name += fmt.Sprintf(" (%d)", i+1)
				break
			}
		}
	}
	return parts
}

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
	case *propertyValue:
		d.Note(v.name, len(v.args))
		for _, arg := range v.args {
			d.Value(arg)
		}
	case *spaceValue:
		d.Note(v.Space, v.Size(), v.Digest()) // the text leaves long lists out
	case *worldValue:
		c := v.Cluster()
		d.Note(c, c.Config().Network)
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
