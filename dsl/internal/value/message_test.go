package value

import (
	"strings"
	"testing"
	"unicode/utf8"

	"go.starlark.net/starlark"
)

// Short texts of messages say first what was signed, then by whom, and keep both
// ends of what is long. Nothing is left out of full texts.
func TestShortTextsOfMessages(t *testing.T) {
	t.Parallel()
	block := func(letter string) starlark.Value {
		var chain starlark.Tuple
		for i := range 9 {
			chain = append(chain, starlark.Tuple{starlark.MakeInt(i + 1), starlark.String(letter)})
		}
		return chain
	}
	send := func(v starlark.Value) Message {
		m, err := NewMessage("vote", []starlark.Tuple{{starlark.String("v"), v}})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	vote := func(v starlark.Value, by starlark.Value) Message { return send(&Signed{v, by}) }
	for _, test := range []struct {
		m    Message
		want string
	}{
		{vote(starlark.String("red"), starlark.String("A")), `vote(v="red" by A)`},
		{vote(starlark.String("red"), starlark.MakeInt(3)), `vote(v="red" by 3)`},
		{vote(block("a"), starlark.String("A")), `vote(v=((1, "a"), (…, "a")) by A)`},
		{send(block("a")), `vote(v=((1, "a"), (2,…(9, "a")))`},
		{vote(&Signed{starlark.String("x"), starlark.String("B")}, starlark.String("A")), `vote(v="x" by B by A)`},
		{vote(starlark.Tuple{&Signed{starlark.String("x"), starlark.String("B")}}, starlark.MakeInt(2)), `vote(v=("x" by B,) by 2)`},
	} {
		if got := test.m.String(); got != test.want {
			t.Errorf("the short text is %s, want %s", got, test.want)
		}
	}
	a, b := vote(block("a"), starlark.String("A")), vote(block("b"), starlark.String("A"))
	if a.String() == b.String() {
		t.Errorf("votes for different chains both read %s", a)
	}
	if n := utf8.RuneCountInString(a.String()); n > 40 {
		t.Errorf("%s has %d letters", a, n)
	}
	if full := a.Full(); strings.Contains(full, "…") || strings.Count(full, `"a"`) != 9 {
		t.Errorf("the full text is %s", full)
	}
}
