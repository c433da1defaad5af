package kvproto

import (
	"cmp"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"sync"
)

// A Tag is the place of a value in the order of all values. The zero Tag
// belongs to the entry before it was ever written.
type Tag struct {
	Version uint64 // one more than the largest that the writer found
	Writer  string // the identity that signed the value
	Counter uint64 // how many writes that writer had begun, this one included
}

// Compare orders tags by version, then writer, then counter.
func (t Tag) Compare(u Tag) int {
	return cmp.Or(
		cmp.Compare(t.Version, u.Version),
		cmp.Compare(t.Writer, u.Writer),
		cmp.Compare(t.Counter, u.Counter),
	)
}

// larger reports whether t is larger than u in the order that p uses.
func (p *Protocol) larger(t, u Tag) bool {
	if p.options.TieBreak == Off {
		return t.Version > u.Version
	}
	return t.Compare(u) > 0
}

// A Signature is an ed25519 signature. The zero Signature stands for none.
type Signature [ed25519.SignatureSize]byte

// Signed is a value with its tag and the writer's signature on both. The zero
// Signed is the entry before it was ever written, which is not signed.
type Signed struct {
	Tag
	Value     string
	Signature Signature
}

// String shows the version and the value: v1 red.
func (s Signed) String() string {
	if s == (Signed{}) {
		return "–"
	}
	return fmt.Sprintf("v%d %s", s.Version, s.Value)
}

// result is what a read of s returns: nil if there was never a write.
func (s Signed) result() any {
	if s == (Signed{}) {
		return nil
	}
	return s.Value
}

// Sign returns value as the tag's writer signs it. The writer's key is derived
// from its name and nothing else, so that all simulations agree on it; the
// keys of a simulation are no secrets. It may be called concurrently.
func (p *Protocol) Sign(tag Tag, value string) Signed {
	s := Signed{Tag: tag, Value: value}
	s.Signature = p.keyring.sign(s)
	return s
}

// Verify reports whether s carries its writer's signature or is the entry
// before it was ever written. It may be called concurrently.
func (p *Protocol) Verify(s Signed) bool {
	if s == (Signed{}) {
		return true
	}
	return s.Version > 0 && p.keyring.verify(s)
}

// accepts is Verify as far as p cares.
func (p *Protocol) accepts(s Signed) bool { return p.options.Verify == Off || p.Verify(s) }

// A keyring signs and verifies, and remembers the results: a simulation meets
// few different signatures, each of them many times.
type keyring struct {
	mu         sync.RWMutex
	keys       map[string]ed25519.PrivateKey
	signatures map[Signed]Signature // by what is to be signed
	verdicts   map[Signed]bool
}

func (k *keyring) sign(s Signed) Signature {
	return remember(k, &k.signatures, s, func() Signature {
		return Signature(ed25519.Sign(k.key(s.Writer), s.statement()))
	})
}

func (k *keyring) verify(s Signed) bool {
	return remember(k, &k.verdicts, s, func() bool {
		public := k.key(s.Writer).Public().(ed25519.PublicKey)
		return ed25519.Verify(public, s.statement(), s.Signature[:])
	})
}

func (k *keyring) key(writer string) ed25519.PrivateKey {
	return remember(k, &k.keys, writer, func() ed25519.PrivateKey {
		seed := sha256.Sum256([]byte("twinsh kv key of " + writer))
		return ed25519.NewKeyFromSeed(seed[:])
	})
}

// remember returns what m has for key, or else has it made. Two goroutines may
// make the same thing at the same time, which does no harm.
func remember[K comparable, V any](k *keyring, m *map[K]V, key K, create func() V) V {
	k.mu.RLock()
	v, ok := (*m)[key]
	k.mu.RUnlock()
	if ok {
		return v
	}
	v = create()
	k.mu.Lock()
	defer k.mu.Unlock()
	if *m == nil {
		*m = map[K]V{}
	}
	(*m)[key] = v
	return v
}

// entry is the name of the store's only entry. It is signed too, so that a
// value signed for one entry would be worth nothing in another.
const entry = "entry"

// statement is what the signature of s covers, each part with its length.
func (s Signed) statement() []byte {
	b := make([]byte, 0, 64)
	b = appendString(b, "twinsh kv")
	b = appendString(b, entry)
	b = binary.AppendUvarint(b, s.Version)
	b = appendString(b, s.Writer)
	b = binary.AppendUvarint(b, s.Counter)
	return appendString(b, s.Value)
}
