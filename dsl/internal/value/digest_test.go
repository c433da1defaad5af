package value

import (
	"runtime"
	"strings"
	"testing"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
	"pgregory.net/rapid"
)

// Digests are equal if the values are, survive their encoding, and are renamed as what they
// stand for.
func TestDigest(t *testing.T) {
	t.Parallel()
	var kept Digests
	swap := func(name string) string {
		switch name {
		case "A":
			return "B"
		case "B":
			return "A"
		}
		return name
	}
	rapid.Check(t, func(t *rapid.T) {
		v, w := storables(2).Draw(t, "v"), storables(2).Draw(t, "w")
		d, err := kept.Of(v)
		e, err2 := kept.Of(w)
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		equal, err := starlark.EqualDepth(v, w, MaxDepth)
		same, err2 := starlark.Equal(d, e)
		if equal != same || err != nil || err2 != nil {
			t.Fatalf("%s == %s: %v, their digests: %v (%v, %v)", v, w, equal, same, err, err2)
		}
		encoded, err := Append(nil, starlark.Tuple{d, starlark.None})
		if err != nil || len(encoded) != 2+17+1 {
			t.Fatalf("%d bytes, %v", len(encoded), err)
		}
		got, _, err := Decode(encoded)
		if err != nil || got.(starlark.Tuple)[0] != starlark.Value(d) {
			t.Fatalf("decoded %v, %v", got, err)
		}
		// A digest of a digest is renamed all the way down.
		nested, _ := kept.Of(starlark.Tuple{starlark.String("A"), d})
		renamed, _ := kept.Of(Renamed(v, swap))
		want, _ := kept.Of(starlark.Tuple{starlark.String("B"), renamed})
		if got := Renamed(nested, swap); got != starlark.Value(want) {
			t.Fatalf("%s renamed is %s, want %s", nested, got, want)
		}
		if back := Renamed(Renamed(nested, swap), swap); back != starlark.Value(nested) {
			t.Fatalf("%s renamed twice is %s", nested, back)
		}
	})
}

// A digest reads as what it stands for, in short, and never as another one.
func TestDigestText(t *testing.T) {
	t.Parallel()
	var kept Digests
	of := func(v starlark.Value) Digest {
		d, err := kept.Of(v)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	if got := of(starlark.String("x")).String(); got != `digest of "x"` {
		t.Error(got)
	}
	long := strings.Repeat("y", 100)
	a, b := of(starlark.String(long+"1"+long)).String(), of(starlark.String(long+"2"+long)).String()
	if a == b || !strings.HasPrefix(a, `digest of "yyyy`) || len([]rune(a)) > 50 {
		t.Error(a, b)
	}
	if _, err := starlark.Compare(syntax.LT, of(starlark.None), of(starlark.True)); err == nil {
		t.Error("digests have no order")
	}
	if _, err := kept.Of(starlark.NewBuiltin("f", nil)); err == nil {
		t.Error("a function has no digest")
	}
}

// What digests stand for is kept as long as some table of them, and no longer.
func TestDigestsEnd(t *testing.T) {
	make1 := func(k *Digests) Digest {
		d, err := k.Of(starlark.String("kept by two"))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	first, second := new(Digests), new(Digests)
	d := make1(first)
	if make1(second) != d {
		t.Fatal("one value has two digests")
	}
	collect := func() {
		for range 3 {
			runtime.GC()
		}
	}
	runtime.KeepAlive(first)
	first = nil
	collect()
	if got := d.String(); got != `digest of "kept by two"` {
		t.Error(got)
	}
	runtime.KeepAlive(second)
	second = nil
	collect()
	if got := d.String(); !strings.HasPrefix(got, "digest of … #") {
		t.Error(got)
	}
}
