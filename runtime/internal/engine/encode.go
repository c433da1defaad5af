package engine

import (
	"encoding/binary"
	"math"
	"reflect"
)

// The encoding of a value: its type by name and package, then what it holds, depth
// first. What has a length begins with it, so no encoding is the beginning of another, and
// that of a sequence determines the sequence. Package gob and fmt promise neither.

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// AppendValue appends the encoding of a comparable value, its type first:
// values that Go calls equal have one encoding, all others differ (but for types that are
// declared in functions and share a name, which reflection cannot distinguish).
func AppendValue(b []byte, v any) []byte { return appendValue(b, reflect.ValueOf(v)) }

func appendValue(b []byte, v reflect.Value) []byte {
	if !v.IsValid() {
		return append(b, 0) // nil; no type has an empty name
	}
	t := v.Type()
	b = appendString(b, t.String())
	b = appendString(b, t.PkgPath())
	return appendBare(b, v)
}

// appendBare appends what v holds, but not of which type: that follows from what v is in,
// unless v is an interface.
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
		panic("engine: a " + v.Type().String() + " is not refused as a value")
	}
	return b
}

func appendFloat(b []byte, f float64) []byte {
	if f == 0 {
		f = 0 // -0 equals 0
	}
	return binary.BigEndian.AppendUint64(b, math.Float64bits(f))
}

// Unsound says why a value cannot be observed or be an argument, "" if it can.
// What it holds must follow from what it says alone: the address of a pointer is
// another one in each run, and NaN equals nothing.
func Unsound(v any) string {
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
