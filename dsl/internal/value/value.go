// Package value holds the values that nodes written in Starlark keep, send and
// decide, and their encodings. It knows nothing of scripts that run.
//
//	Append, Decode   the canonical encoding of a value: equal values, equal bytes   encode.go
//	Comparable       a value as something that Go can compare; a Composite has parts encode.go
//	FromGo, ToGo     what nodes in Go deal with, as values of scripts, and back     value.go
//	Message          what a node sends; a Received is that as its receiver sees it  message.go
//	Kind             a type of messages, with the names of its fields in order      kind.go
//	Signed           a value with a symbolic signature, or a certificate of several signed.go
//	Digest           what stands for a value as its hash does                       digest.go
//	Operation        what a client can be asked to do                               operation.go
//	Renamed          a value with other identities, for symmetry                    rename.go
//
// # One equality
//
// A search takes two worlds for one if their states and messages are, and says that replicas
// disagree if what they decided is not. All of this has to mean what == means in a script: 1 == 1.0,
// and neither is True or "1". So there are two forms of a value for Go, and in both Go's == is
// Starlark's: its canonical encoding, and a comparable value ([Comparable]), which is a plain
// one of Go where there is one. A random test holds both against Starlark.
//
// # What cannot be kept
//
// Functions, and whatever a host adds; NaN, which equals nothing; what nests deeper than [MaxDepth] or
// is larger than [MaxSize], because it is encoded each time that a handler ends. Values that a
// script gets back are frozen, or copies: one that could be changed would be a memory that no
// state shows.
//
// All functions here are pure, and may be called concurrently.
package value

import (
	"fmt"
	"math"
	"math/big"
	"reflect"

	"go.starlark.net/starlark"

	"github.com/twinsh/twinsh/runtime/node"
)

// FromGo returns the Starlark value that stands for what a node deals with: a
// comparable Go value. One that has no counterpart is shown as text, so that scripts can look at
// decisions of nodes in Go, too.
func FromGo(v any) starlark.Value {
	switch v := v.(type) {
	case nil:
		return starlark.None
	case starlark.Value:
		return v
	case Composite:
		return v.Value()
	case node.Arguments:
		if v.Name == "" {
			return starlark.None
		}
		return fields(v)
	case fmt.Stringer: // before numbers: a number with names shows its name
		return starlark.String(v.String())
	}
	r := reflect.ValueOf(v)
	switch r.Kind() {
	case reflect.Bool:
		return starlark.Bool(r.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return starlark.MakeInt64(r.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return starlark.MakeBigInt(new(big.Int).SetUint64(r.Uint()))
	case reflect.Float32, reflect.Float64:
		return starlark.Float(r.Float())
	case reflect.String:
		return starlark.String(r.String())
	}
	return starlark.String(node.Text(v))
}

// ToGo returns the comparable Go value that a node gets for a Starlark value:
// nil, a bool, an int, a float64 or a string. Values that Starlark calls equal
// are equal in Go: 1.0 is the int 1.
//
// An integer must fit into an int of the machine; nan is refused, as a memory of reactions
// could never find it again.
func ToGo(v starlark.Value) (any, error) {
	switch v := v.(type) {
	case starlark.NoneType:
		return nil, nil
	case starlark.Bool:
		return bool(v), nil
	case starlark.Int:
		if i, ok := v.Int64(); ok && i == int64(int(i)) {
			return int(i), nil
		}
		return nil, fmt.Errorf("%s is too large", v)
	case starlark.Float:
		if math.IsNaN(float64(v)) {
			return nil, fmt.Errorf("nan is equal to nothing, not even to itself")
		}
		if n, ok := whole(v); ok {
			return ToGo(n)
		}
		return float64(v), nil
	case starlark.String:
		return string(v), nil
	}
	return nil, fmt.Errorf("got %s, want None, a bool, an int, a float or a string", v.Type())
}

// whole returns the integer that a float equals, if there is one. Beyond 2⁵³ each float is one.
func whole(f starlark.Float) (starlark.Int, bool) {
	if x := float64(f); math.IsInf(x, 0) || x != math.Trunc(x) { // NaN differs from itself
		return starlark.Int{}, false
	}
	n, err := starlark.NumberToInt(f)
	return n, err == nil
}
