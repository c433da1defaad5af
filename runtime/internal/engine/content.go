package engine

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"reflect"
)

// What states, classes, messages, observations and environments are is written
// down as bytes: typed, and with lengths before all that has one, so that
// different things have different encodings. The encodings depend on nothing
// but what they say, never on when something was first met, and are the same
// in each process.

// A content stands for an encoding: the first 128 bits of its SHA-256. Different
// things that share one, if there are any, are distinguished by their encodings.
type content [2]uint64

func (a content) compare(b content) int {
	return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1]))
}

// content returns the content of a local state.
func (s *states) content(id uint32) content {
	s.mu.Lock()
	c, ok := s.contents[id]
	s.mu.Unlock()
	if ok {
		return c
	}
	c = contentOf(s.append(nil, id), s.sys.cutContent)
	s.mu.Lock()
	s.contents[id] = c
	s.mu.Unlock()
	return c
}

// contentOf returns the content of an encoding, cut to 8 bits in some tests.
func contentOf(encoding []byte, cut bool) content {
	sum := sha256.Sum256(encoding)
	c := content{binary.BigEndian.Uint64(sum[:]), binary.BigEndian.Uint64(sum[8:])}
	if cut {
		return content{c[0] & 0xff, 0}
	}
	return c
}

// compare orders local states by what they are. It returns 0 for equal
// ones only, unless they hold values of types that cannot be distinguished.
func (s *states) compare(a, b uint32) int {
	if a == b {
		return 0
	}
	if order := s.content(a).compare(s.content(b)); order != 0 {
		return order
	}
	return bytes.Compare(s.append(nil, a), s.append(nil, b))
}

// compare orders environments by what they are.
func (e *environments) compare(a, b uint32) int {
	if a == b {
		return 0
	}
	return bytes.Compare(e.append(nil, a), e.append(nil, b))
}

// Kinds of local states in encodings.
const (
	encodedBody = iota
	encodedLog
	encodedClass
	encodedCoins // and then the state without them
)

// append appends the encoding of a local state.
func (s *states) append(b []byte, id uint32) []byte {
	l := s.at(id)
	if l.class != nil {
		w := &encodingWriter{s.sys, append(b, encodedClass)}
		l.class.write(s.sys, w)
		return w.b
	}
	if l.coins != 0 {
		b = s.sys.values.append(append(b, encodedCoins), l.coins)
	}
	if l.logs {
		b = append(b, encodedLog)
		b = append(binary.AppendUvarint(b, uint64(l.start)), byte(l.flags))
		b = s.appendLog(b, l.body)
	} else {
		b = append(b, encodedBody)
		b = append(binary.AppendUvarint(b, uint64(l.start)), byte(l.flags))
		b = appendString(b, l.body)
	}
	b = binary.AppendUvarint(b, uint64(len(l.mailbox)))
	for _, m := range l.mailbox {
		b = s.sys.values.append(append(b, m.from), m.msg)
	}
	return b
}

// appendLog appends the inputs of a log, the last one first.
func (s *states) appendLog(b []byte, body string) []byte {
	for body != "" {
		in := parseInput(body)
		if in.restart {
			b = append(b, 1)
		} else {
			b = append(b, 2, byte(in.kind))
			b = binary.AppendUvarint(b, uint64(in.from))
			b = s.sys.values.append(b, in.arg)
		}
		body = s.at(in.before).body
	}
	return append(b, 0)
}

// append appends the encoding of an environment.
func (e *environments) append(b []byte, id uint32) []byte {
	x := e.at(id)
	b = e.topologyAt(x.topology).append(b)
	b = binary.AppendUvarint(b, uint64(x.round))
	b = binary.AppendUvarint(b, uint64(len(x.flight)))
	for _, p := range x.flight {
		w, _ := p.words()
		b = e.values.append(binary.AppendUvarint(b, uint64(w)), p.msg)
	}
	return b
}

// append appends the encoding of what an event carries.
func (v *values) append(b []byte, id uint32) []byte {
	return appendValue(b, reflect.ValueOf(v.at(id)))
}

// appendObservation appends the encoding of an observation.
func (v *values) appendObservation(b []byte, id uint32) []byte {
	return appendValue(b, reflect.ValueOf(*v.seen(id)))
}
