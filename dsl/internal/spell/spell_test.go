package spell

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestNearest(t *testing.T) {
	names := []string{"exchange", "exchanges", "round", "rounds", "deliver", "read_quorum", "kv"}
	for _, c := range []struct{ typed, want string }{
		{"exchagne", "exchange"}, // two letters swapped
		{"exchnges", "exchanges"},
		{"Deliver", "deliver"},
		{"readquorum", "read_quorum"},
		{"rond", "round"}, // rounds is one error more
		{"kb", "kv"},
		{"k", ""}, // any letter could be meant
		{"world", ""},
		{"", ""},
	} {
		if got := Nearest(c.typed, names); got != c.want {
			t.Errorf("nearest(%q) = %q, want %q", c.typed, got, c.want)
		}
	}
	if got := Hint("rond", names); got != " (did you mean round?)" {
		t.Errorf("Hint: got %q", got)
	}
}

// slowDistance is the definition of the distance, without the table.
func slowDistance(a, b []rune) int {
	if len(a) == 0 || len(b) == 0 {
		return len(a) + len(b)
	}
	wrong := 1
	if a[0] == b[0] {
		wrong = 0
	}
	d := min(slowDistance(a[1:], b[1:])+wrong, slowDistance(a[1:], b)+1, slowDistance(a, b[1:])+1)
	if len(a) > 1 && len(b) > 1 && a[0] == b[1] && a[1] == b[0] {
		d = min(d, slowDistance(a[2:], b[2:])+1)
	}
	return d
}

func TestDistance(t *testing.T) {
	word := rapid.SliceOfN(rapid.RuneFrom([]rune("abc")), 0, 5)
	rapid.Check(t, func(t *rapid.T) {
		a, b := word.Draw(t, "a"), word.Draw(t, "b")
		if got, want := distance(a, b), slowDistance(a, b); got != want {
			t.Fatalf("distance(%q, %q) = %d, want %d", string(a), string(b), got, want)
		}
		if slices.Equal(a, b) != (distance(a, b) == 0) {
			t.Fatalf("distance(%q, %q) = %d", string(a), string(b), distance(a, b))
		}
	})
}
