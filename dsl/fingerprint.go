package dsl

import (
	"fmt"

	"go.starlark.net/starlark"

	"github.com/twinsh/twinsh/dsl/internal/interp"
	"github.com/twinsh/twinsh/dsl/internal/value"
	"github.com/twinsh/twinsh/runtime/explore"
)

// Fingerprint implements [explore.Fingerprinted]: a protocol of a script is what
// its functions are, and what they see; one in Go speaks for itself.
func (p *protocolValue) Fingerprint() string {
	if s, ok := p.Protocol.(*scriptProtocol); ok {
		return s.Fingerprint()
	}
	return p.call + " " + explore.CodeOf(p.Protocol)
}

// Fingerprint implements [explore.Fingerprinted].
func (p *scriptProtocol) Fingerprint() string {
	d := newDigest(p.in)
	digestProtocol(d, p)
	return d.Sum()
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
	case *role:
		if !d.Met(v) {
			digestRole(d, v)
		}
	case *protocolValue:
		if s, ok := v.Protocol.(*scriptProtocol); ok {
			digestProtocol(d, s)
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

func digestProtocol(d *interp.Digest, s *scriptProtocol) {
	if d.Met(s) {
		return
	}
	d.Note(s.name, s.symmetric)
	digestRole(d, s.replica)
	digestRole(d, s.client)
}

func digestRole(d *interp.Digest, r *role) {
	if r == nil {
		d.Note("no role")
		return
	}
	d.Note("role", len(r.handlers), fmt.Sprintf("%q", r.persistent))
	for _, name := range r.names() {
		d.Note(name)
		d.Value(r.handlers[name])
	}
}
