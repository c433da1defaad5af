package value

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"math/big"
	"slices"
	"testing"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"pgregory.net/rapid"
)

var digests Digests

// leaves are values without parts; keys may be in sets and dicts.
func leaves() *rapid.Generator[starlark.Value] {
	texts := rapid.OneOf(rapid.SampledFrom([]string{"", "A", "B", "a"}), rapid.String())
	return rapid.OneOf(
		rapid.SampledFrom([]starlark.Value{starlark.None, starlark.True, starlark.False, starlark.Float(math.Inf(1)), starlark.Float(0.5)}),
		rapid.Map(rapid.Int64(), func(i int64) starlark.Value { return starlark.MakeInt64(i) }),
		rapid.Map(rapid.Int64(), func(i int64) starlark.Value {
			return starlark.MakeBigInt(new(big.Int).Lsh(big.NewInt(i), 70))
		}),
		rapid.Map(texts, func(s string) starlark.Value { return starlark.String(s) }),
		rapid.Map(texts, func(s string) starlark.Value { return starlark.Bytes(s) }),
		rapid.Map(texts, func(s string) starlark.Value { return Operation{s, s} }),
		rapid.Map(texts, func(s string) starlark.Value { d, _ := digests.Of(starlark.String(s)); return d }),
	)
}

func keys(depth int) *rapid.Generator[starlark.Value] {
	if depth == 0 {
		return leaves()
	}
	return rapid.OneOf(leaves(),
		rapid.Map(rapid.SliceOfN(keys(depth-1), 0, 3), func(e []starlark.Value) starlark.Value { return starlark.Tuple(e) }),
		rapid.Map(keys(depth-1), func(v starlark.Value) starlark.Value { return &Signed{v, starlark.String("A")} }),
		rapid.Map(keys(depth-1), func(v starlark.Value) starlark.Value { return &Signed{v, starlark.MakeInt(3)} }),
	)
}

// storables are values that a state may hold.
func storables(depth int) *rapid.Generator[starlark.Value] {
	if depth == 0 {
		return keys(1)
	}
	lists := rapid.SliceOfN(storables(depth-1), 0, 3)
	return rapid.OneOf(keys(1),
		rapid.Map(lists, func(e []starlark.Value) starlark.Value { return starlark.NewList(e) }),
		rapid.Map(lists, func(e []starlark.Value) starlark.Value { return starlark.Tuple(e) }),
		rapid.Map(rapid.SliceOfN(keys(1), 0, 4), func(e []starlark.Value) starlark.Value { return setOf(e) }),
		rapid.Custom(func(t *rapid.T) starlark.Value { return dictOf(drawItems(t, depth)) }),
		rapid.Custom(func(t *rapid.T) starlark.Value {
			fields := starlark.StringDict{}
			for i, v := range lists.Draw(t, "fields") {
				fields[fmt.Sprint("x", i)] = v
			}
			return starlarkstruct.FromStringDict(starlarkstruct.Default, fields)
		}),
	)
}

func drawItems(t *rapid.T, depth int) []starlark.Tuple {
	var items []starlark.Tuple
	for range rapid.IntRange(0, 4).Draw(t, "items") {
		items = append(items, starlark.Tuple{keys(1).Draw(t, "key"), storables(depth-1).Draw(t, "value")})
	}
	return items
}

func setOf(elems []starlark.Value) *starlark.Set {
	s := starlark.NewSet(len(elems))
	for _, e := range elems {
		must(s.Insert(e))
	}
	return s
}

func dictOf(items []starlark.Tuple) *starlark.Dict {
	d := starlark.NewDict(len(items))
	for _, item := range items {
		must(d.SetKey(item[0], item[1]))
	}
	return d
}

func encoded(t interface{ Fatalf(string, ...any) }, v starlark.Value) []byte {
	b, err := Append(nil, v)
	if err != nil {
		t.Fatalf("%s: %v", v, err)
	}
	return b
}

// Decoding gives back an equal value, and what comes after it.
func TestEncodingIsComplete(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := storables(3).Draw(t, "value")
		rest := rapid.SliceOf(rapid.Byte()).Draw(t, "rest")
		b := encoded(t, v)
		got, after, err := Decode(slices.Concat(b, rest))
		if err != nil || !bytes.Equal(after, rest) {
			t.Fatalf("%s: decoded to %v, %q is left, want %q; %v", v, got, after, rest, err)
		}
		if equal, err := starlark.EqualDepth(v, got, MaxDepth); !equal || err != nil || got.Type() != v.Type() {
			t.Fatalf("%s of type %s was decoded to %s of type %s; %v", v, v.Type(), got, got.Type(), err)
		}
		if again := encoded(t, got); !bytes.Equal(again, b) {
			t.Fatalf("%s: encoded to %q, and after decoding to %q", v, b, again)
		}
	})
}

// Different values have different encodings; equal ones of one type the same.
func TestEncodingIsCanonical(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v, w := storables(2).Draw(t, "v"), storables(2).Draw(t, "w")
		equal, err := starlark.EqualDepth(v, w, MaxDepth)
		if err != nil {
			t.Fatal(err)
		}
		if same := bytes.Equal(encoded(t, v), encoded(t, w)); same && !equal {
			t.Fatalf("%s and %s have one encoding", v, w)
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		d := dictOf(drawItems(t, 2)) // which has each key once
		shuffled := dictOf(rapid.Permutation(d.Items()).Draw(t, "shuffled"))
		if !bytes.Equal(encoded(t, d), encoded(t, shuffled)) {
			t.Fatalf("%s and %s differ", d, shuffled)
		}
		if a, b := setOf(d.Keys()), setOf(shuffled.Keys()); !bytes.Equal(encoded(t, a), encoded(t, b)) {
			t.Fatalf("%s and %s differ", a, b)
		}
	})
}

// The state of a node and the fields of a message are encoded as the dict of them, in
// whatever order they are given, and read back.
func TestFieldsAreADict(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		given := rapid.MapOf(rapid.StringMatching("[a-d]{1,3}"), storables(2)).Draw(t, "fields")
		var items []starlark.Tuple
		for name, v := range given {
			items = append(items, starlark.Tuple{starlark.String(name), v})
		}
		want := encoded(t, dictOf(items))
		names := slices.Sorted(maps.Keys(given))
		b, err := AppendFields([]byte("before"), names, given)
		if err != nil || string(b) != "before"+string(encodedInOrder(t, names, given)) {
			t.Fatalf("the state is encoded to %q, %v", b, err)
		}
		m, err := NewMessage("m", rapid.Permutation(items).Draw(t, "given"))
		if err != nil || m.body != string(want) {
			t.Fatalf("a message is encoded to %q, %v, want %q", m.body, err, want)
		}
		got, err := DecodeFields(b[len("before"):])
		if err != nil || len(got) != len(given) {
			t.Fatalf("got %v, %v", got, err)
		}
		for name, v := range given {
			if equal, err := starlark.EqualDepth(v, got[name], MaxDepth); !equal || err != nil {
				t.Fatalf("%s: got %v, want %v, %v", name, got[name], v, err)
			}
		}
		if _, err := DecodeFields(append(b[len("before"):], 0)); err == nil {
			t.Fatal("what comes after the fields is not noticed")
		}
	})
}

// encodedInOrder encodes the dict of fields in the order of the names: the state of a
// node is sorted by name, other dicts by encoding.
func encodedInOrder(t interface{ Fatalf(string, ...any) }, names []string, fields map[string]starlark.Value) []byte {
	b := []byte{tagDict, byte(len(names))}
	for _, name := range names {
		b = append(append(b, encoded(t, starlark.String(name))...), encoded(t, fields[name])...)
	}
	return b
}

// Values have one encoding, and are one to Go, if and only if Starlark calls
// them equal.
func TestOneEquality(t *testing.T) {
	t.Parallel()
	numbers := []starlark.Value{
		starlark.MakeInt(0), starlark.Float(0), starlark.Float(math.Copysign(0, -1)), starlark.False,
		starlark.MakeInt(1), starlark.Float(1), starlark.True, starlark.String("1"), starlark.Bytes("1"), starlark.Float(1.5),
		starlark.None, starlark.String("None"), starlark.String("<nil>"), starlark.String(""),
		starlark.MakeInt64(1 << 53), starlark.Float(1 << 53), starlark.MakeInt64(1<<53 + 1),
		starlark.MakeBigInt(new(big.Int).Lsh(big.NewInt(1), 80)), starlark.Float(1 << 80), starlark.Float(1e300), starlark.Float(math.Inf(1)), starlark.Float(math.Inf(-1)),
	}
	leaf := rapid.SampledFrom(numbers)
	value := rapid.Custom(func(t *rapid.T) starlark.Value {
		elems := rapid.SliceOfN(leaf, 0, 2).Draw(t, "elements")
		switch rapid.IntRange(0, 6).Draw(t, "kind") {
		case 0:
			return starlark.Tuple(elems)
		case 1:
			return starlark.NewList(elems)
		case 2:
			return setOf(elems)
		case 3:
			return &Signed{starlark.Tuple(elems), starlark.String("A")}
		case 4:
			d := starlark.NewDict(1)
			must(d.SetKey(leaf.Draw(t, "key"), starlark.Tuple(elems)))
			return d
		}
		return leaf.Draw(t, "value")
	})
	comparable := func(v starlark.Value) any {
		c, err := Comparable(v)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	rapid.Check(t, func(rt *rapid.T) {
		a, b := value.Draw(rt, "a"), value.Draw(rt, "b")
		want, err := starlark.Equal(a, b)
		if err != nil {
			rt.Fatal(err)
		}
		if got := bytes.Equal(encoded(t, a), encoded(t, b)); got != want {
			rt.Fatalf("%s and %s have one encoding: %v", a, b, got)
		}
		if got := comparable(a) == comparable(b); got != want {
			rt.Fatalf("%s and %s are one to Go: %v", a, b, got)
		}
	})
	for _, a := range numbers {
		for _, b := range numbers {
			want, _ := starlark.Equal(a, b)
			if got := comparable(a) == comparable(b); got != want {
				t.Errorf("%s (%s) and %s (%s) are one to Go: %v", a, a.Type(), b, b.Type(), got)
			}
		}
	}
}

func TestNotStorable(t *testing.T) {
	t.Parallel()
	deep := starlark.Value(starlark.None)
	for range MaxDepth {
		deep = starlark.Tuple{deep}
	}
	encoded(t, deep) // which is as deep as a value may be
	for _, v := range []starlark.Value{
		starlark.Float(math.NaN()),
		starlark.Tuple{deep},
		starlark.Universe["len"],
		starlarkstruct.FromStringDict(starlark.String("other"), nil),
		starlark.NewList([]starlark.Value{starlark.Universe["len"]}),
		starlark.String(make([]byte, MaxSize+1)),
		starlark.NewList(slices.Repeat([]starlark.Value{starlark.String(make([]byte, 1000))}, MaxSize/1000)),
	} {
		if b, err := Append(nil, v); err == nil {
			t.Errorf("a %s is encoded to %d bytes", v.Type(), len(b))
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(encoded(f, dictOf([]starlark.Tuple{{starlark.String("a"), starlark.NewList([]starlark.Value{starlark.MakeInt(1)})}})))
	f.Add(encoded(f, setOf([]starlark.Value{&Signed{starlark.None, starlark.MakeInt(2)}, Operation{"read", nil}, starlark.Float(1)})))
	f.Add(encoded(f, starlarkstruct.FromStringDict(starlarkstruct.Default, starlark.StringDict{"x": starlark.MakeBigInt(new(big.Int).Lsh(big.NewInt(1), 70))})))
	f.Add([]byte{tagList, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		v, rest, err := Decode(b)
		fields, fieldsErr := DecodeFields(b)
		if d, ok := v.(*starlark.Dict); fieldsErr == nil && (!ok || len(rest) > 0 || d.Len() != len(fields)) {
			t.Fatalf("as a state %q is %v, as a value %v, %q is left", b, fields, v, rest)
		}
		if err != nil {
			return
		}
		again, err := Append(nil, v)
		if err != nil {
			return // deeper or larger than what is ever encoded
		}
		got, rest, err := Decode(again)
		if err != nil || len(rest) > 0 {
			t.Fatalf("%s is encoded to %q, and that is decoded to %v, %q, %v", v, again, got, rest, err)
		}
		if twice := encoded(t, got); !bytes.Equal(again, twice) {
			t.Fatalf("%s is encoded to %q, then to %q", v, again, twice)
		}
	})
}
