package dsl

import (
	"cmp"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestHelpFinds(t *testing.T) {
	for _, c := range []struct{ topic, has, lacks string }{
		{"time", "  undo ", "  exchange "},           // a family
		{"exchange", "\nsee also exchanges", "redo"}, // a builtin
		{"undo", "see also enter", "see also undo"},  // which mentions it as a call
		{"uncertainly", "", ""},                      // no one mentions it
		{"Uniformly", "  sample ", "  explore "},     // a word
		{"quorums", "quorums(", "is mentioned by"},   // a name is no word
		{"cas", "  linearizable ", "  message "},     // a word, and not what is within another
		{"quorum", "  quorums ", ""},                 // in the plural
		{"uniforml", "  sample ", "  explore "},      // within another, if it stands nowhere else
		{"self.id", "  role ", "  coin "},            // what a handler has
		{"m.sender", "  role ", "  coin "},
		{"round.input", "  role ", "  coin "},
		{"view", "view(name, space)", "look at it"},
		{"views", "  view ", "  diff "}, // of the space, not a family
	} {
		var out strings.Builder
		err := testInterpreter(t, &out).Exec(t.Context(), "help.star", "help(\""+c.topic+"\")")
		if c.has == "" {
			if err == nil || !strings.Contains(err.Error(), "help() lists all") {
				t.Errorf("%s: got %v", c.topic, err)
			}
			continue
		}
		if err != nil || !strings.Contains(out.String(), c.has) || c.lacks != "" && strings.Contains(out.String(), c.lacks) {
			t.Errorf("%s: got %v and\n%s", c.topic, err, &out)
		}
	}
}

// Explanations fit the terminal, whatever its width; examples are left alone.
func TestHelpFits(t *testing.T) {
	var out strings.Builder
	in := testInterpreter(t, &out)
	for _, width := range []int{0, 60, 200} {
		out.Reset()
		in.Resize(width)
		if err := in.Exec(t.Context(), "help.star", "help()\nhelp(\"uniformly\")\nhelp(\"protocol\")"); err != nil {
			t.Fatal(err)
		}
		text, _, _ := strings.Cut(out.String(), "\n\n") // the example of protocol
		longest := 0
		for line := range strings.Lines(text) {
			longest = max(longest, utf8.RuneCountInString(line)-1)
		}
		if limit := cmp.Or(width, 80); longest > limit || longest < 50 {
			t.Errorf("the longest of lines for %d columns has %d", limit, longest)
		}
	}
}

// The docstring of a function is shown without the indentation of its code, in lines that fit.
func TestHelpOfDocstrings(t *testing.T) {
	var out strings.Builder
	in, err := New(Config{Stdout: &out, Width: 40})
	if err != nil {
		t.Fatal(err)
	}
	if err := in.Exec(t.Context(), "x.star", `def f():
    """What it does, in a sentence
    that goes on in the next line.

    A second paragraph
    that does so too:
      - an item
      - another
    """
help(f)`); err != nil {
		t.Fatal(err)
	}
	const want = `f
    What it does, in a sentence that
    goes on in the next line.

    A second paragraph that does so too:
      - an item
      - another
`
	if got := strings.ReplaceAll(out.String(), "    \n", "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
