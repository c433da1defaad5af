package interp

import (
	"testing"

	"go.starlark.net/starlark"
)

func TestNames(t *testing.T) {
	var n Names
	for _, v := range []starlark.Value{starlark.String("AB"), starlark.NewList([]starlark.Value{starlark.MakeInt(1)}), starlark.None} {
		if err := n.Unpack(v); err == nil {
			t.Errorf("%v counts as names %v", v, n)
		}
	}
	if err := n.Unpack(starlark.Tuple{starlark.String("A"), starlark.String("C'")}); err != nil || len(n) != 2 || n[1] != "C'" {
		t.Errorf("got %q, %v", n, err)
	}
}
