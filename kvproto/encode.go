package kvproto

import (
	"encoding/binary"
	"errors"
)

// States are encoded as unsigned varints and strings with their lengths.

func appendString(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

func appendSigned(b []byte, s Signed) []byte {
	b = binary.AppendUvarint(b, s.Version)
	b = appendString(b, s.Writer)
	b = binary.AppendUvarint(b, s.Counter)
	b = appendString(b, s.Value)
	if s.Signature == (Signature{}) {
		return append(b, 0)
	}
	return append(append(b, 1), s.Signature[:]...)
}

var errDamaged = errors.New("the encoding is damaged")

// A decoder reads what was encoded. It accepts only the one encoding that a
// value has. After damage it yields zero values; end tells.
type decoder struct {
	rest    []byte
	damaged bool
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.rest)
	if n <= 0 || n > 1 && d.rest[n-1] == 0 {
		d.fail()
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

// below reads a number that is smaller than limit.
func (d *decoder) below(limit uint64) uint64 {
	v := d.uvarint()
	if v >= limit {
		d.fail()
		return 0
	}
	return v
}

func (d *decoder) bool() bool { return d.below(2) == 1 }

func (d *decoder) bytes(n uint64) []byte {
	if n > uint64(len(d.rest)) {
		d.fail()
		return nil
	}
	b := d.rest[:n]
	d.rest = d.rest[n:]
	return b
}

func (d *decoder) string() string { return string(d.bytes(d.uvarint())) }

func (d *decoder) signed() Signed {
	var s Signed
	s.Version = d.uvarint()
	s.Writer = d.string()
	s.Counter = d.uvarint()
	s.Value = d.string()
	if d.bool() {
		copy(s.Signature[:], d.bytes(uint64(len(s.Signature))))
		if s.Signature == (Signature{}) {
			d.fail()
		}
	}
	return s
}

func (d *decoder) fail() { d.rest, d.damaged = nil, true }

// end reports damage, bytes too many included.
func (d *decoder) end() error {
	if d.damaged || len(d.rest) > 0 {
		return errDamaged
	}
	return nil
}
