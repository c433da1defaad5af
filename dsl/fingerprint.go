package dsl

import (
	"go.starlark.net/starlark"

	"github.com/twinsh/twinsh/dsl/internal/interp"
	"github.com/twinsh/twinsh/dsl/internal/role"
	"github.com/twinsh/twinsh/dsl/internal/value"
)

// What a search is a search of, as far as scripts say it. A checkpoint and a saved report
// carry a fingerprint, and a search that would go on with another one is refused (see
// runtime/explore/fingerprint.go); what stands here is the part that is code in Starlark.
//
// Two scripts must have one digest if the search cannot differ, or a comment that is mended
// would cost a week of work; and two if it can, or the verdict would be of neither. So
// functions count by what they are and see, never by where they stand: see [interp.Digest].
// Values of this package count by what they mean to a search. TestFingerprintOfScripts has
// a table of both sorts of changes.

// newDigest makes a digest of values of scripts.
func newDigest(in *interp.Interpreter) *interp.Digest { return interp.NewDigest(in, digestOwn) }

// digestOwn notes a value of the language's own. It begins with the type, so that a
// protocol and a property of one name differ, and each case notes all that distinguishes
// values of its type: their parts, in a fixed order. Roles and protocols may be met several
// times; they are noted once, as functions are.
//
// A value that has no case is noted as its text. That is right for steps, scenarios and
// messages, whose texts say all there is, and is what a new type has to be checked against.
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
		for _, fn := range v.functions() {
			d.Value(fn)
		}
	case *propertyValue:
		d.Note(v.name, len(v.args))
		for _, arg := range v.args {
			d.Value(arg)
		}
	case *spaceValue:
		d.Note(v.Space, v.Size(), v.Digest()) // the text leaves long lists out
	// A world is the way to it: the numbers in it are those of this run. The system is part
	// of it, as a world may be captured that is not of the system searched.
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
