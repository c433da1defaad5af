package dsl

import (
	"math"
	"testing"

	"go.starlark.net/starlark"
)

type colour int

func (c colour) String() string { return [...]string{"red", "blue"}[c] }

func TestFromGo(t *testing.T) {
	for _, c := range []struct {
		value any
		want  string
	}{
		{nil, "None"},
		{true, "True"},
		{-3, "-3"},
		{uint64(math.MaxUint64), "18446744073709551615"},
		{2.5, "2.5"},
		{"red", `"red"`},
		{colour(1), `"blue"`},
		{[2]int{1, 2}, `"[1 2]"`},
		{starlark.MakeInt(1), "1"},
	} {
		if got := fromGo(c.value).String(); got != c.want {
			t.Errorf("fromGo(%v) = %s, want %s", c.value, got, c.want)
		}
	}
}

func TestToGo(t *testing.T) {
	for _, v := range []any{nil, true, 5, -5, 2.5, "red"} {
		got, err := toGo(fromGo(v))
		if got != v || err != nil {
			t.Errorf("toGo(fromGo(%v)) = %v, %v", v, got, err)
		}
	}
	for _, v := range []starlark.Value{
		starlark.MakeInt64(math.MaxInt64).Mul(starlark.MakeInt(2)),
		starlark.Float(math.NaN()), starlark.NewList(nil),
	} {
		if got, err := toGo(v); err == nil {
			t.Errorf("toGo(%v) = %v, want an error", v, got)
		}
	}
}

func TestNames(t *testing.T) {
	var n names
	for _, v := range []starlark.Value{starlark.String("AB"), starlark.NewList([]starlark.Value{starlark.MakeInt(1)}), starlark.None} {
		if err := n.Unpack(v); err == nil {
			t.Errorf("%v counts as names %v", v, n)
		}
	}
	if err := n.Unpack(starlark.Tuple{starlark.String("A"), starlark.String("C'")}); err != nil || len(n) != 2 || n[1] != "C'" {
		t.Errorf("got %q, %v", n, err)
	}
}
