package value

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"runtime"
	"sync"
	"weak"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/twinsh/twinsh/runtime/english"
)

// A Digest stands for a value as a cryptographic hash does: digests are equal if the values
// are, and a script cannot get from one to the value. In states and messages it takes 17
// bytes, however large the value is; in a value of which a digest is made, a digest is
// those bytes, as in a Merkle tree.
//
// It is the first 128 bits of the SHA-256 of the value's encoding, so it is the same in each
// process. What it stands for is kept beside it, for people and for symmetry: renaming
// identities turns it into the digest of the renamed value.
type Digest struct{ sum sum }

type sum [16]byte

// Digests keep what digests stand for, as long as they live themselves. The zero value is
// ready for use, and may be used concurrently.
type Digests struct{ of sync.Map } // sum -> *preimage

// A preimage is what a digest stands for.
type preimage struct {
	encoded string
	images  Digests // those of its images under renamings
}

// preimages finds what a sum is the sum of. States and messages are bytes, which keep
// nothing alive; so a preimage is here as long as some Digests have it, and no longer. A
// sum has one preimage, so that it does not matter which script made it first.
var preimages sync.Map // sum -> weak.Pointer[preimage]

// Of returns the digest of a value.
func (k *Digests) Of(v starlark.Value) (Digest, error) {
	encoded, err := Append(nil, v)
	if err != nil {
		return Digest{}, err
	}
	return k.digest(string(encoded)), nil
}

// Two goroutines may make one digest at a time; both then hold the same preimage.
func (k *Digests) digest(encoded string) Digest {
	hash := sha256.Sum256([]byte(encoded))
	d := Digest{sum(hash[:len(sum{})])}
	if _, ok := k.of.Load(d.sum); !ok {
		k.of.Store(d.sum, interned(d.sum, encoded))
	}
	return d
}

// interned returns the one preimage of a sum.
func interned(s sum, encoded string) *preimage {
	p := &preimage{encoded: encoded}
	made := weak.Make(p)
	for {
		known, loaded := preimages.LoadOrStore(s, made)
		if !loaded {
			runtime.AddCleanup(p, func(s sum) { preimages.CompareAndDelete(s, made) }, s)
			return p
		}
		if q := known.(weak.Pointer[preimage]).Value(); q != nil {
			return q
		}
		preimages.CompareAndDelete(s, known)
	}
}

// preimage returns what d stands for, nil if nothing keeps it any more.
//
// Nothing but texts and renaming asks for it: what a handler does cannot depend on whether
// it is still there.
func (d Digest) preimage() *preimage {
	if w, ok := preimages.Load(d.sum); ok {
		return w.(weak.Pointer[preimage]).Value()
	}
	return nil
}

// renamed returns the digest of what d stands for with other identities.
func (d Digest) renamed(to func(string) string) Digest {
	p := d.preimage()
	if p == nil {
		panic(fmt.Sprintf("nothing keeps what %s stands for", d)) // its protocol does
	}
	return p.images.digest(renamedText(p.encoded, to))
}

// String says of what it is the digest, in short. Different digests read differently.
func (d Digest) String() string {
	short := hex.EncodeToString(d.sum[:4])
	p := d.preimage()
	if p == nil {
		return "digest of … #" + short
	}
	v, _, err := Decode([]byte(p.encoded))
	if err != nil {
		panic(err) // we encoded it
	}
	const most = 24
	text := contents(v)
	if brief := english.Squeeze(text, most); brief != text {
		return "digest of " + brief + " #" + short
	}
	return "digest of " + text
}

func (d Digest) Type() string          { return "digest" }
func (d Digest) Freeze()               {}
func (d Digest) Truth() starlark.Bool  { return true }
func (d Digest) Hash() (uint32, error) { return starlark.Bytes(d.sum[:]).Hash() }

// Sum is the digest in hexadecimal digits.
func (d Digest) Sum() string { return hex.EncodeToString(d.sum[:]) }

// CompareSameType compares for equality only: an order would say something of the values.
func (d Digest) CompareSameType(op syntax.Token, y starlark.Value, _ int) (bool, error) {
	if op != syntax.EQL && op != syntax.NEQ {
		return false, fmt.Errorf("digests have no order: %s", op)
	}
	return (d == y.(Digest)) == (op == syntax.EQL), nil
}
