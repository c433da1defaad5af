package value

import (
	"math"
	"testing"

	"go.starlark.net/starlark"
)

type colour int

func (c colour) String() string { return [...]string{"red", "blue"}[c] }

func TestFromGo(t *testing.T) {
	t.Parallel()
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
		if got := FromGo(c.value).String(); got != c.want {
			t.Errorf("fromGo(%v) = %s, want %s", c.value, got, c.want)
		}
	}
}

func TestToGo(t *testing.T) {
	t.Parallel()
	for _, v := range []any{nil, true, 5, -5, 2.5, "red"} {
		got, err := ToGo(FromGo(v))
		if got != v || err != nil {
			t.Errorf("toGo(fromGo(%v)) = %v, %v", v, got, err)
		}
	}
	for _, v := range []starlark.Value{
		starlark.MakeInt64(math.MaxInt64).Mul(starlark.MakeInt(2)),
		starlark.Float(math.NaN()), starlark.NewList(nil),
	} {
		if got, err := ToGo(v); err == nil {
			t.Errorf("toGo(%v) = %v, want an error", v, got)
		}
	}
}
