package dsl

import (
	"strings"
	"testing"
	"time"

	"go.starlark.net/starlark"

	"github.com/twinsh/twinsh/dsl/internal/interp"
)

func TestBudgets(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0.5": time.Second / 2, "60": time.Minute, `"60s"`: time.Minute, `"1h30m"`: 90 * time.Minute, "9e9": 9e9 * time.Second,
	} {
		var got seconds
		if err := got.Unpack(evaluated(t, text)); err != nil || time.Duration(got) != want {
			t.Errorf("%s: got %v, %v, want %v", text, time.Duration(got), err, want)
		}
	}
	for _, text := range []string{
		"0", "-1", `float("nan")`, `float("inf")`, "1e300", "1e-10", "True", "[]", `"60"`, `"-1s"`, `"0s"`, `"soon"`, `""`, `"1e9h"`,
	} {
		var got seconds
		err := got.Unpack(evaluated(t, text))
		if err == nil || !strings.Contains(err.Error(), "above 0") {
			t.Errorf("%s: got %v, %v, want an error that says what would be right", text, time.Duration(got), err)
		}
	}
}

// evaluated returns the value of an expression of Starlark.
func evaluated(t *testing.T, text string) starlark.Value {
	t.Helper()
	v, err := starlark.EvalOptions(interp.Dialect, new(starlark.Thread), "x.star", text, nil)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
