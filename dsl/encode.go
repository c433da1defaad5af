package dsl

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

// The state of a node written in Starlark, and what it sends, is kept as bytes.
// The encoding is canonical (dicts and sets are sorted, a float that is a whole
// number is that integer), so that values are one state or one message if and
// only if Starlark calls them equal, and complete: decoding gives an equal value.
const (
	tagNone   = 'n'
	tagFalse  = 'F'
	tagTrue   = 'T'
	tagInt    = 'i'
	tagBig    = 'I'
	tagFloat  = 'f'
	tagString = 's'
	tagBytes  = 'b'
	tagList   = 'l'
	tagTuple  = 't'
	tagDict   = 'd'
	tagSet    = 'S'
	tagStruct = 'r'
	tagSigned = 'g'
	tagOp     = 'o'
)

// maxDepth bounds how deep values nest; a list that holds itself has no bottom.
// maxSize bounds their encodings, in bytes; a pair of pairs of pairs and so on
// of one value is small in the interpreter and large when it is written out.
const (
	maxDepth = 64
	maxSize  = 1 << 20
)

const storable = "None, bool, int, float, string, bytes, list, tuple, dict, set, struct, operation or a signed value"

// appendValue appends the encoding of v to b.
func appendValue(b []byte, v starlark.Value) ([]byte, error) {
	b, err := encode(b, v, 0)
	if err == nil && len(b) > maxSize {
		return nil, errSize
	}
	return b, err
}

func encode(b []byte, v starlark.Value, depth int) ([]byte, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("nests deeper than %d levels", maxDepth)
	}
	if len(b) > maxSize {
		return nil, errSize
	}
	if b, ok, err := encodeScalar(b, v); ok || err != nil {
		return b, err
	}
	var err error
	switch v := v.(type) {
	case *starlark.List, starlark.Tuple:
		tag := byte(tagList)
		if _, ok := v.(starlark.Tuple); ok {
			tag = tagTuple
		}
		list := v.(starlark.Indexable)
		b = binary.AppendUvarint(append(b, tag), uint64(list.Len()))
		for i := range list.Len() {
			if b, err = encode(b, list.Index(i), depth+1); err != nil {
				return nil, err
			}
		}
		return b, nil
	case *starlark.Dict:
		return encodePairs(append(b, tagDict), v.Items(), depth)
	case *starlark.Set:
		var items []starlark.Tuple
		for e := range v.Elements() {
			items = append(items, starlark.Tuple{e})
		}
		return encodePairs(append(b, tagSet), items, depth)
	case *starlarkstruct.Struct:
		if v.Constructor() != starlarkstruct.Default {
			return nil, fmt.Errorf("holds a %s; values may be %s", v.Constructor(), storable)
		}
		var items []starlark.Tuple
		for _, name := range v.AttrNames() {
			field, err := v.Attr(name)
			if err != nil {
				return nil, err
			}
			items = append(items, starlark.Tuple{starlark.String(name), field})
		}
		return encodePairs(append(b, tagStruct), items, depth)
	case *signed:
		if b, err = encode(append(b, tagSigned), v.signer, depth+1); err != nil {
			return nil, err
		}
		return encode(b, v.value, depth+1)
	case operation:
		return encode(appendText(append(b, tagOp), v.Name), fromGo(v.Arg), depth+1)
	}
	return nil, fmt.Errorf("holds a %s; values may be %s", v.Type(), storable)
}

// encodeScalar encodes a value without parts, and reports whether v is one.
func encodeScalar(b []byte, v starlark.Value) (_ []byte, ok bool, err error) {
	switch v := v.(type) {
	case starlark.NoneType:
		return append(b, tagNone), true, nil
	case starlark.Bool:
		if v {
			return append(b, tagTrue), true, nil
		}
		return append(b, tagFalse), true, nil
	case starlark.Int:
		if n, ok := v.Int64(); ok {
			return binary.AppendVarint(append(b, tagInt), n), true, nil
		}
		return appendText(append(b, tagBig), v.String()), true, nil
	case starlark.Float:
		if math.IsNaN(float64(v)) {
			return nil, false, errors.New("holds nan, which equals nothing")
		}
		if n, ok := whole(v); ok {
			return encodeScalar(b, n)
		}
		return binary.BigEndian.AppendUint64(append(b, tagFloat), math.Float64bits(float64(v))), true, nil
	case starlark.String:
		return appendText(append(b, tagString), string(v)), true, nil
	case starlark.Bytes:
		return appendText(append(b, tagBytes), string(v)), true, nil
	}
	return b, false, nil
}

// encodePairs encodes tuples sorted by the encoding of their first elements.
func encodePairs(b []byte, items []starlark.Tuple, depth int) ([]byte, error) {
	encoded := make([]string, len(items))
	size := len(b)
	for i, item := range items {
		var e []byte
		for _, v := range item {
			var err error
			if e, err = encode(e, v, depth+1); err != nil {
				return nil, err
			}
		}
		encoded[i] = string(e)
		if size += len(e); size > maxSize {
			return nil, errSize
		}
	}
	slices.Sort(encoded)
	b = binary.AppendUvarint(b, uint64(len(items)))
	for _, e := range encoded {
		b = append(b, e...)
	}
	return b, nil
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

var errSize = fmt.Errorf("is larger than %d bytes", maxSize)

// errEncoding is returned for bytes that appendValue did not make.
var errEncoding = errors.New("damaged encoding of a value")

// decodeValue returns the value that b begins with and the rest of b.
func decodeValue(b []byte) (starlark.Value, []byte, error) { return decode(b, 0) }

func decode(b []byte, depth int) (starlark.Value, []byte, error) {
	if len(b) == 0 || depth > maxDepth+1 {
		return nil, nil, errEncoding
	}
	tag := b[0]
	b = b[1:]
	switch tag {
	case tagNone, tagFalse, tagTrue, tagInt, tagBig, tagFloat, tagString, tagBytes:
		return decodeScalar(tag, b)
	case tagSigned:
		signer, b, err := decode(b, depth+1)
		if err != nil {
			return nil, nil, err
		}
		v, b, err := decode(b, depth+1)
		if err != nil || !isSigner(signer) {
			return nil, nil, errEncoding
		}
		v.Freeze()
		return &signed{v, signer}, b, nil
	case tagOp:
		name, b, err := decodeText(b)
		if err != nil {
			return nil, nil, err
		}
		v, b, err := decode(b, depth+1)
		if err != nil {
			return nil, nil, err
		}
		arg, err := toGo(v)
		return operation{name, arg}, b, err
	}
	count, size := binary.Uvarint(b)
	if size <= 0 || count > uint64(len(b)) {
		return nil, nil, errEncoding
	}
	b = b[size:]
	if tag == tagDict || tag == tagStruct {
		count *= 2
	}
	elems := make([]starlark.Value, count)
	for i := range elems {
		var err error
		if elems[i], b, err = decode(b, depth+1); err != nil {
			return nil, nil, err
		}
	}
	v, err := assemble(tag, elems)
	return v, b, err
}

// decodeScalar returns the value without parts that stands behind a tag, and the
// rest of b.
func decodeScalar(tag byte, b []byte) (starlark.Value, []byte, error) {
	switch tag {
	case tagNone:
		return starlark.None, b, nil
	case tagFalse, tagTrue:
		return starlark.Bool(tag == tagTrue), b, nil
	case tagInt:
		n, size := binary.Varint(b)
		if size <= 0 {
			return nil, nil, errEncoding
		}
		return starlark.MakeInt64(n), b[size:], nil
	case tagFloat:
		if len(b) < 8 {
			return nil, nil, errEncoding
		}
		f := starlark.Float(math.Float64frombits(binary.BigEndian.Uint64(b)))
		if _, ok := whole(f); ok || math.IsNaN(float64(f)) {
			return nil, nil, errEncoding
		}
		return f, b[8:], nil
	}
	s, b, err := decodeText(b)
	switch {
	case err != nil:
		return nil, nil, err
	case tag == tagString:
		return starlark.String(s), b, nil
	case tag == tagBytes:
		return starlark.Bytes(s), b, nil
	}
	n, ok := new(big.Int).SetString(s, 10)
	if !ok {
		return nil, nil, errEncoding
	}
	return starlark.MakeBigInt(n), b, nil
}

// assemble makes a container of its elements.
func assemble(tag byte, elems []starlark.Value) (starlark.Value, error) {
	switch tag {
	case tagList:
		return starlark.NewList(elems), nil
	case tagTuple:
		return starlark.Tuple(elems), nil
	case tagSet:
		s := starlark.NewSet(len(elems))
		for _, e := range elems {
			if err := s.Insert(e); err != nil {
				return nil, err
			}
		}
		return s, nil
	case tagDict:
		d := starlark.NewDict(len(elems) / 2)
		for pair := range slices.Chunk(elems, 2) {
			if err := d.SetKey(pair[0], pair[1]); err != nil {
				return nil, err
			}
		}
		return d, nil
	case tagStruct:
		fields := starlark.StringDict{}
		for pair := range slices.Chunk(elems, 2) {
			name, ok := pair[0].(starlark.String)
			if !ok {
				return nil, errEncoding
			}
			fields[string(name)] = pair[1]
		}
		return starlarkstruct.FromStringDict(starlarkstruct.Default, fields), nil
	}
	return nil, errEncoding
}

func decodeText(b []byte) (string, []byte, error) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size) {
		return "", nil, errEncoding
	}
	return string(b[size : size+int(n)]), b[size+int(n):], nil
}

// A composite is a Starlark value as nodes and properties see it: something
// that Go can compare, equal if the values are.
type composite struct{ encoded string }

func (c composite) String() string { return c.value().String() }

func (c composite) value() starlark.Value {
	v, _, err := decodeValue([]byte(c.encoded))
	if err != nil {
		panic(err) // we encoded it
	}
	v.Freeze()
	return v
}

// toComparable returns the comparable Go value for any value that state may hold.
func toComparable(v starlark.Value) (any, error) {
	if simple, err := toGo(v); err == nil {
		return simple, nil
	}
	b, err := appendValue(nil, v)
	if err != nil {
		return nil, err
	}
	return composite{string(b)}, nil
}

// fieldText shows an encoded dict of names and values as name=value pairs.
func fieldText(names []string, values map[string]starlark.Value) string {
	var b strings.Builder
	for i, name := range names {
		if i > 0 {
			b.WriteString(" ")
		}
		fmt.Fprintf(&b, "%s=%s", name, values[name])
	}
	return b.String()
}
