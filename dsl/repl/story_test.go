package repl

import (
	"strings"
	"testing"
)

// A story at the prompt is text, and not one line with escapes.
func TestStoriesAreText(t *testing.T) {
	t.Parallel()
	got := typed(t, `load("@std//kv.star", "kv", "read", "write")`, `cluster(kv(), clients = {"c1": [write("red")]})`,
		`exchange("c1", ["A", "B", "C"])`, `exchange("c1", ["A", "B", "C"])`, "why()", `"a b"`)
	if strings.Contains(got, `\n`) || !strings.Contains(got, "\n\"a b\"\n") || !strings.Contains(got, "> why()\n") {
		t.Errorf("got\n%s", got)
	}
	if got := typed(t, `"one\ntwo"`); !strings.Contains(got, "\none\ntwo\n") {
		t.Errorf("got\n%s", got)
	}
}

// Who mends a function is reminded of what was made with it.
func TestMendedFunctions(t *testing.T) {
	t.Parallel()
	const note = "note: h was made with the on_round of before; make it again\n"
	lines := []string{"def on_round(self, round): self.x = 1", `h = protocol("h", replica = role(on_round = on_round))`, "cluster(h, n = 1, f = 0)"}
	if got := typed(t, lines...); strings.Contains(got, "note: h") {
		t.Errorf("got\n%s", got)
	}
	lines = append(lines, "def on_round(self, round): self.x = 2")
	if got := typed(t, lines...); !strings.HasSuffix(strings.TrimRight(got, "h 0>"), note) {
		t.Errorf("got\n%s", got)
	}
	lines = append(lines, `h = protocol("h", replica = role(on_round = on_round))`, "def other(): pass")
	if got := typed(t, lines...); strings.Count(got, note) != 1 {
		t.Errorf("got\n%s", got)
	}
}
