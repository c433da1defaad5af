package runtime

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"math"
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
func (k *code) content(id uint32) content {
	k.mu.Lock()
	c, ok := k.contents[id]
	k.mu.Unlock()
	if ok {
		return c
	}
	c = k.contentOf(k.appendState(nil, id))
	k.mu.Lock()
	k.contents[id] = c
	k.mu.Unlock()
	return c
}

// contentOf returns the content of an encoding.
func (k *code) contentOf(encoding []byte) content {
	sum := sha256.Sum256(encoding)
	c := content{binary.BigEndian.Uint64(sum[:]), binary.BigEndian.Uint64(sum[8:])}
	if k.cutContent {
		return content{c[0] & 0xff, 0}
	}
	return c
}

// compareStates orders local states by what they are. It returns 0 for equal
// ones only, unless they hold values of types that cannot be distinguished.
func (k *code) compareStates(a, b uint32) int {
	if a == b {
		return 0
	}
	if order := k.content(a).compare(k.content(b)); order != 0 {
		return order
	}
	return bytes.Compare(k.appendState(nil, a), k.appendState(nil, b))
}

// compareEnvs orders environments by what they are.
func (k *code) compareEnvs(a, b uint32) int {
	if a == b {
		return 0
	}
	return bytes.Compare(k.appendEnv(nil, a), k.appendEnv(nil, b))
}

// Kinds of local states in encodings.
const (
	encodedBody = iota
	encodedLog
	encodedClass
)

// appendState appends the encoding of a local state.
func (k *code) appendState(b []byte, id uint32) []byte {
	l := k.locals.at(id)
	if l.class != nil {
		w := &encodingWriter{k, append(b, encodedClass)}
		l.class.write(k, w)
		return w.b
	}
	if l.logs {
		b = append(b, encodedLog)
		b = append(binary.AppendUvarint(b, uint64(l.start)), byte(l.flags))
		b = k.appendLog(b, l.body)
	} else {
		b = append(b, encodedBody)
		b = append(binary.AppendUvarint(b, uint64(l.start)), byte(l.flags))
		b = appendString(b, l.body)
	}
	b = binary.AppendUvarint(b, uint64(len(l.mailbox)))
	for _, m := range l.mailbox {
		b = k.appendMessage(append(b, m.from), m.msg)
	}
	return b
}

// appendLog appends the inputs of a log, the last one first.
func (k *code) appendLog(b []byte, body string) []byte {
	for body != "" {
		in := parseInput(body)
		if in.restart {
			b = append(b, 1)
		} else {
			b = append(b, 2, byte(in.kind))
			b = binary.AppendUvarint(b, uint64(in.from))
			b = k.appendMessage(b, in.arg)
		}
		body = k.locals.at(in.before).body
	}
	return append(b, 0)
}

// appendEnv appends the encoding of an environment.
func (k *code) appendEnv(b []byte, id uint32) []byte {
	e := *k.envs.at(id)
	b = (*k.topos.at(e.topology)).append(b)
	b = binary.AppendUvarint(b, uint64(e.round))
	b = binary.AppendUvarint(b, uint64(len(e.flight)))
	for _, p := range e.flight {
		w, _ := p.words()
		b = k.appendMessage(binary.AppendUvarint(b, uint64(w)), p.msg)
	}
	return b
}

// appendMessage appends the encoding of what an event carries.
func (k *code) appendMessage(b []byte, id uint32) []byte {
	return appendValue(b, reflect.ValueOf(*k.values.at(id)))
}

// appendObservation appends the encoding of an observation.
func (k *code) appendObservation(b []byte, id uint32) []byte {
	return appendValue(b, reflect.ValueOf(*k.seen.at(id)))
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// appendValue appends the encoding of a comparable value, its type first:
// values that Go calls equal have one encoding, all others differ.
func appendValue(b []byte, v reflect.Value) []byte {
	if !v.IsValid() {
		return append(b, 0) // nil; no type has an empty name
	}
	t := v.Type()
	b = appendString(b, t.String())
	b = appendString(b, t.PkgPath())
	return appendBare(b, v)
}

func appendBare(b []byte, v reflect.Value) []byte {
	switch v.Kind() {
	case reflect.Bool:
		if v.Bool() {
			return append(b, 1)
		}
		return append(b, 0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return binary.AppendVarint(b, v.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return binary.AppendUvarint(b, v.Uint())
	case reflect.Float32, reflect.Float64:
		return appendFloat(b, v.Float())
	case reflect.Complex64, reflect.Complex128:
		return appendFloat(appendFloat(b, real(v.Complex())), imag(v.Complex()))
	case reflect.String:
		return appendString(b, v.String())
	case reflect.Array:
		for i := range v.Len() {
			b = appendBare(b, v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Name != "_" { // Go does not compare these
				b = appendBare(b, v.Field(i))
			}
		}
	case reflect.Interface:
		return appendValue(b, v.Elem())
	default:
		panic("runtime: a " + v.Type().String() + " is not refused as a value")
	}
	return b
}

func appendFloat(b []byte, f float64) []byte {
	if f == 0 {
		f = 0 // -0 equals 0
	}
	return binary.BigEndian.AppendUint64(b, math.Float64bits(f))
}

// unsound says why a value cannot be observed or be an argument, "" if it can.
// What it holds must follow from what it says alone: the address of a pointer is
// another one in each run, and NaN equals nothing.
func unsound(v any) string {
	if v == nil {
		return ""
	}
	if !reflect.ValueOf(v).Comparable() {
		return "cannot be compared"
	}
	if bad := addressIn(reflect.ValueOf(v)); bad != "" {
		return "holds a " + bad + ", which is another one in each run"
	}
	if v != v {
		return "holds NaN, which equals nothing"
	}
	return ""
}

// addressIn names a part of a value that is compared by where it is.
func addressIn(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Pointer, reflect.Chan, reflect.UnsafePointer:
		return v.Kind().String()
	case reflect.Interface:
		if !v.IsNil() {
			return addressIn(v.Elem())
		}
	case reflect.Array:
		for i := range v.Len() {
			if bad := addressIn(v.Index(i)); bad != "" {
				return bad
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if bad := addressIn(v.Field(i)); bad != "" {
				return bad
			}
		}
	}
	return ""
}

// Digest returns a number that depends on what a vector says, and not on how
// what it says is numbered.
func (c *Cluster) Digest(v Vector) uint64 {
	var b []byte
	last := len(v) - 1
	for _, id := range v[:last] {
		of := c.code.content(id)
		b = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, of[0]), of[1])
	}
	return c.code.contentOf(c.code.appendEnv(b, v[last]))[0]
}
