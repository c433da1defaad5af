package value

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

// The state of a node written in Starlark, and what it sends, is kept as bytes.
// The encoding is canonical (dicts and sets are sorted, a float that is a whole
// number is that integer), so that values are one state or one message if and
// only if Starlark calls them equal, and complete: decoding gives an equal value.
//
// An encoding begins with a tag. What follows is
//
//	None, False, True       nothing
//	int                     a varint, or the length of its decimal digits and these
//	float                   eight bytes, of one that is no whole number
//	string, bytes           their length and they themselves
//	list, tuple             the number of elements, and each of them
//	set                     the same, sorted by encoding
//	dict, struct            the number of pairs, and each of them, sorted by encoding
//	signed value            the signer, then what was signed
//	digest                  its sixteen bytes
//	operation               the length of its name, the name, and the argument
//
// Lengths and counts are uvarints (those of encoding/binary). The state of a node is a dict whose
// pairs are sorted by name. {"a": [1, 2.5]} is
//
//	d 1  s 1 'a'  l 2  i 2  f 40 04 00 00 00 00 00 00
//
// where the integer 1 is the varint 2, zigzag. Parts are sorted by their encodings, which is not
// the order of any language but needs no comparison of values, and is the same for all of them.
//
// Nothing of it is kept in files but digests, beside the version of the program that made
// them. So the encoding may change with the program.
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
	tagDigest = 'h'
	tagOp     = 'o'
)

// MaxDepth bounds how deep values nest; a list that holds itself has no bottom.
// MaxSize bounds their encodings, in bytes; a pair of pairs of pairs and so on
// of one value is small in the interpreter and large when it is written out.
const (
	MaxDepth = 64
	MaxSize  = 1 << 20
)

// storable is what may be kept, for messages.
const storable = "None, bool, int, float, string, bytes, list, tuple, dict, set, struct, operation, digest or a signed value"

// Append appends the encoding of v to b. It is an error if v nests deeper than
// [MaxDepth], is larger than [MaxSize] or holds what cannot be kept, such as a function.
//
// The encoding is self-delimiting, so that encodings can stand one after the other. On an
// error b may have been written beyond its length; what it held is unharmed.
func Append(b []byte, v starlark.Value) ([]byte, error) {
	b, err := encode(b, v, 0)
	if err == nil && len(b) > MaxSize {
		return nil, errSize
	}
	return b, err
}

// AppendFields appends the encoding of a dict of the names, which are sorted, and
// their values. An error begins with the name of a value that cannot be kept.
func AppendFields(b []byte, names []string, values map[string]starlark.Value) ([]byte, error) {
	b = binary.AppendUvarint(append(b, tagDict), uint64(len(names)))
	for _, name := range names {
		var err error
		if b, err = Append(appendText(append(b, tagString), name), values[name]); err != nil {
			return nil, fmt.Errorf("%s %w", name, err)
		}
	}
	return b, nil
}

// appendGiven appends the encoding of a dict of the names and values in fields, as they are
// given in a call. An error names the field. Other than [AppendFields] it sorts, as names
// in a call come in any order, and no message may depend on that.
func appendGiven(b []byte, fields []starlark.Tuple) ([]byte, error) {
	b = binary.AppendUvarint(append(b, tagDict), uint64(len(fields)))
	var few [8]span
	spans := few[:0]
	for _, f := range fields {
		start := len(b)
		name := string(f[0].(starlark.String))
		var err error
		if b, err = encode(appendText(append(b, tagString), name), f[1], 1); err != nil {
			return nil, fmt.Errorf("field %s %w", name, err)
		}
		if len(b) > MaxSize {
			return nil, fmt.Errorf("field %s %w", name, errSize)
		}
		spans = append(spans, span{start, len(b)})
	}
	return sorted(b, spans), nil
}

// DecodeFields returns what [AppendFields] encoded. The values are fresh, and frozen only
// where a signature holds them. Bytes that it did not write are an error, never a panic and
// never more memory than a few times their length.
func DecodeFields(b []byte) (map[string]starlark.Value, error) {
	if len(b) == 0 || b[0] != tagDict {
		return nil, ErrEncoding
	}
	count, b, err := decodeCount(b[1:])
	if err != nil {
		return nil, err
	}
	values := make(map[string]starlark.Value, count)
	for range count {
		if len(b) == 0 || b[0] != tagString {
			return nil, ErrEncoding
		}
		var name string
		if name, b, err = decodeText(b[1:]); err != nil {
			return nil, err
		}
		if values[name], b, err = decode(b, 1); err != nil {
			return nil, err
		}
	}
	if len(b) > 0 {
		return nil, ErrEncoding
	}
	return values, nil
}

func encode(b []byte, v starlark.Value, depth int) ([]byte, error) {
	if depth > MaxDepth {
		return nil, fmt.Errorf("nests deeper than %d levels", MaxDepth)
	}
	if len(b) > MaxSize {
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
		return encodeDict(b, v, depth)
	case *starlark.Set:
		return encodeSet(b, v, depth)
	case *starlarkstruct.Struct:
		if v.Constructor() != starlarkstruct.Default {
			return nil, fmt.Errorf("holds a %s; values may be %s", v.Constructor(), storable)
		}
		return encodeStruct(b, v, depth)
	case *Signed:
		if b, err = encode(append(b, tagSigned), v.Signer, depth+1); err != nil {
			return nil, err
		}
		return encode(b, v.Value, depth+1)
	case Operation:
		return encode(appendText(append(b, tagOp), v.Name), FromGo(v.Arg), depth+1)
	}
	return nil, fmt.Errorf("holds %s; values may be %s", Article(v), storable)
}

// encodeScalar encodes a value without parts, and reports whether v is one. A float that is whole
// is encoded as the integer that it equals, -0.0 as 0.
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
	case Digest:
		return append(append(b, tagDigest), v.sum[:]...), true, nil
	}
	return b, false, nil
}

// encodeDict encodes a dict, its pairs sorted by their encodings. Starlark's dicts keep the
// order of insertion, which == does not see. It allocates next to nothing for a small one:
// dicts and sets are what states are made of.
func encodeDict(b []byte, d *starlark.Dict, depth int) ([]byte, error) {
	b = binary.AppendUvarint(append(b, tagDict), uint64(d.Len()))
	var few [8]span
	spans := few[:0]
	it := d.Iterate()
	defer it.Done()
	for key := starlark.Value(nil); it.Next(&key); {
		v, _, err := d.Get(key)
		if err != nil {
			return nil, err
		}
		start := len(b)
		if b, err = encode(b, key, depth+1); err != nil {
			return nil, err
		}
		if b, err = encode(b, v, depth+1); err != nil {
			return nil, err
		}
		spans = append(spans, span{start, len(b)})
	}
	return sorted(b, spans), nil
}

// encodeSet encodes a set as [encodeDict] does a dict.
func encodeSet(b []byte, s *starlark.Set, depth int) ([]byte, error) {
	b = binary.AppendUvarint(append(b, tagSet), uint64(s.Len()))
	var few [8]span
	spans := few[:0]
	it := s.Iterate()
	defer it.Done()
	for e := starlark.Value(nil); it.Next(&e); {
		start := len(b)
		var err error
		if b, err = encode(b, e, depth+1); err != nil {
			return nil, err
		}
		spans = append(spans, span{start, len(b)})
	}
	return sorted(b, spans), nil
}

// encodeStruct encodes a struct as [encodeDict] does a dict of its fields. They are sorted
// by encoding, in which the length of a name stands before it, so that the order is another
// one than that of AttrNames.
func encodeStruct(b []byte, s *starlarkstruct.Struct, depth int) ([]byte, error) {
	names := s.AttrNames()
	b = binary.AppendUvarint(append(b, tagStruct), uint64(len(names)))
	var few [8]span
	spans := few[:0]
	for _, name := range names {
		v, err := s.Attr(name)
		if err != nil {
			return nil, err
		}
		start := len(b)
		if b, err = encode(appendText(append(b, tagString), name), v, depth+1); err != nil {
			return nil, err
		}
		spans = append(spans, span{start, len(b)})
	}
	return sorted(b, spans), nil
}

// A span is a part of an encoding. Parts are written where they come up and put in order
// afterwards: to encode each by itself would allocate for each.
type span struct{ start, end int }

// sorted puts the parts with which an encoding ends in order. Mostly they are: scripts put names into
// dicts in the same order each time, and what was decoded comes in this order.
func sorted(b []byte, spans []span) []byte {
	compare := func(x, y span) int { return bytes.Compare(b[x.start:x.end], b[y.start:y.end]) }
	if slices.IsSortedFunc(spans, compare) {
		return b
	}
	start := spans[0].start
	slices.SortFunc(spans, compare)
	in := make([]byte, 0, len(b)-start)
	for _, at := range spans {
		in = append(in, b[at.start:at.end]...)
	}
	return append(b[:start], in...)
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

var errSize = fmt.Errorf("is larger than %d bytes", MaxSize)

// ErrEncoding is returned for bytes that Append did not make.
var ErrEncoding = errors.New("damaged encoding of a value")

// Decode returns the value that b begins with and the rest of b.
func Decode(b []byte) (starlark.Value, []byte, error) { return decode(b, 0) }

func decode(b []byte, depth int) (starlark.Value, []byte, error) {
	if len(b) == 0 || depth > MaxDepth+1 {
		return nil, nil, ErrEncoding
	}
	tag := b[0]
	b = b[1:]
	switch tag {
	case tagNone, tagFalse, tagTrue, tagInt, tagBig, tagFloat, tagString, tagBytes, tagDigest:
		return decodeScalar(tag, b)
	case tagSigned:
		signer, b, err := decode(b, depth+1)
		if err != nil {
			return nil, nil, err
		}
		v, b, err := decode(b, depth+1)
		if err != nil || !IsSigner(signer) {
			return nil, nil, ErrEncoding
		}
		v.Freeze()
		return &Signed{v, signer}, b, nil
	case tagOp:
		name, b, err := decodeText(b)
		if err != nil {
			return nil, nil, err
		}
		v, b, err := decode(b, depth+1)
		if err != nil {
			return nil, nil, err
		}
		arg, err := argumentOf(v)
		return Operation{name, arg}, b, err
	}
	count, b, err := decodeCount(b)
	if err != nil {
		return nil, nil, err
	}
	switch tag {
	case tagDict:
		return decodeDict(b, count, depth)
	case tagStruct:
		return decodeStruct(b, count, depth)
	case tagList, tagTuple, tagSet:
	default:
		return nil, nil, ErrEncoding
	}
	elems := make([]starlark.Value, count)
	for i := range elems {
		if elems[i], b, err = decode(b, depth+1); err != nil {
			return nil, nil, err
		}
	}
	switch tag {
	case tagList:
		return starlark.NewList(elems), b, nil
	case tagTuple:
		return starlark.Tuple(elems), b, nil
	}
	s := starlark.NewSet(len(elems))
	for _, e := range elems {
		if err := s.Insert(e); err != nil {
			return nil, nil, err
		}
	}
	return s, b, nil
}

// decodeCount returns the number of elements that b begins with and the rest of b. An element takes
// a byte at least, so that a count larger than what is left is damage, and nothing is made
// room for that is not there.
func decodeCount(b []byte) (int, []byte, error) {
	count, size := binary.Uvarint(b)
	if size <= 0 || count > uint64(len(b)) {
		return 0, nil, ErrEncoding
	}
	return int(count), b[size:], nil
}

// decodeDict returns the dict of so many pairs that b begins with and the rest of b.
func decodeDict(b []byte, count, depth int) (starlark.Value, []byte, error) {
	d := starlark.NewDict(count)
	for range count {
		key, rest, err := decode(b, depth+1)
		if err != nil {
			return nil, nil, err
		}
		v, rest, err := decode(rest, depth+1)
		if err != nil {
			return nil, nil, err
		}
		if err := d.SetKey(key, v); err != nil {
			return nil, nil, err
		}
		b = rest
	}
	return d, b, nil
}

// decodeStruct returns the struct of so many fields that b begins with and the rest of b.
func decodeStruct(b []byte, count, depth int) (starlark.Value, []byte, error) {
	fields := make(starlark.StringDict, count)
	for range count {
		key, rest, err := decode(b, depth+1)
		if err != nil {
			return nil, nil, err
		}
		name, ok := key.(starlark.String)
		if !ok {
			return nil, nil, ErrEncoding
		}
		if fields[string(name)], b, err = decode(rest, depth+1); err != nil {
			return nil, nil, err
		}
	}
	return starlarkstruct.FromStringDict(starlarkstruct.Default, fields), b, nil
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
			return nil, nil, ErrEncoding
		}
		return starlark.MakeInt64(n), b[size:], nil
	case tagFloat:
		if len(b) < 8 {
			return nil, nil, ErrEncoding
		}
		f := starlark.Float(math.Float64frombits(binary.BigEndian.Uint64(b)))
		if _, ok := whole(f); ok || math.IsNaN(float64(f)) {
			return nil, nil, ErrEncoding
		}
		return f, b[8:], nil
	case tagDigest:
		if len(b) < len(sum{}) {
			return nil, nil, ErrEncoding
		}
		return Digest{sum(b[:len(sum{})])}, b[len(sum{}):], nil
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
		return nil, nil, ErrEncoding
	}
	return starlark.MakeBigInt(n), b, nil
}

// The text is a copy, so that values do not keep the bytes alive from which they were
// decoded.
func decodeText(b []byte) (string, []byte, error) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size) {
		return "", nil, ErrEncoding
	}
	return string(b[size : size+int(n)]), b[size+int(n):], nil
}

// A Composite is a Starlark value as nodes and properties see it: something
// that Go can compare, equal if the values are. To look into it takes a decoding.
type Composite struct{ encoded string }

func (c Composite) String() string { return c.Value().String() }

// Value returns the value, frozen.
func (c Composite) Value() starlark.Value {
	v, _, err := Decode([]byte(c.encoded))
	if err != nil {
		panic(err) // we encoded it
	}
	v.Freeze()
	return v
}

// Elements returns the comparable values in a list or tuple, ok if c is one: a log is
// judged entry by entry. It decodes all of it each time.
func (c Composite) Elements() (values []any, ok bool) {
	switch list := c.Value().(type) {
	case *starlark.List, starlark.Tuple:
		for e := range starlark.Elements(list.(starlark.Iterable)) {
			v, err := Comparable(e)
			if err != nil {
				return nil, false
			}
			values = append(values, v)
		}
		return values, true
	}
	return nil, false
}

// Comparable returns the comparable Go value for any value that state may hold: a scalar as
// itself, so that nodes in Go and in scripts can decide the same 1, anything else as a
// [Composite]. Errors are those of [Append].
func Comparable(v starlark.Value) (any, error) {
	if simple, err := ToGo(v); err == nil {
		return simple, nil
	}
	b, err := Append(nil, v)
	if err != nil {
		return nil, err
	}
	return Composite{string(b)}, nil
}
