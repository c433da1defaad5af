package dsl

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.starlark.net/starlark"

	"github.com/twinsh/twinsh/dsl/internal/guard"
)

func TestEveryNameIsDocumented(t *testing.T) {
	in := testInterpreter(t, nil)
	var documented []string
	for _, family := range Families() {
		if family.Name == "" || family.Doc == "" || len(family.Entries) == 0 {
			t.Errorf("family %q lacks a name, a description or entries", family.Name)
		}
		for _, e := range family.Entries {
			documented = append(documented, e.Name())
			if strings.TrimSpace(e.Doc) == "" || strings.TrimSpace(e.Example) == "" {
				t.Errorf("%s lacks a description or an example", e.Name())
			}
			if (e.call == nil) == (e.value == nil) {
				t.Errorf("%s must be a function or have a value", e.Name())
			}
			if e.call != nil && !strings.HasSuffix(e.Signature, ")") {
				t.Errorf("the signature of %s is %q", e.Name(), e.Signature)
			}
			if s := e.Summary(); len(s) > 130 || strings.Contains(s, "\n") {
				t.Errorf("the first sentence on %s is too long: %q", e.Name(), s)
			}
			if used := regexp.MustCompile(`\b` + regexp.QuoteMeta(e.Name()) + `\b`); !used.MatchString(e.Example) {
				t.Errorf("the example of %s does not use it:\n%s", e.Name(), e.Example)
			}
		}
	}
	slices.Sort(documented)
	names := slices.DeleteFunc(in.scripts.Builtins().Keys(), func(name string) bool {
		return guard.IsHidden(name) || starlark.Universe.Has(name) && !slices.Contains(documented, name)
	})
	if !slices.Equal(names, documented) {
		t.Errorf("predeclared are %v\nbut documented %v", names, documented)
	}
}

// What a value has is described, so that it can be found.
func TestEveryAttributeIsDocumented(t *testing.T) {
	var all strings.Builder
	for _, family := range Families() {
		for _, e := range family.Entries {
			all.WriteString(e.Name() + " " + e.Doc + "\n") // a world has acts
		}
	}
	out, err := runScript(t, `
cluster(protocol("p", replica = role(on_round = lambda self, round: self.decide(0, self.id), on_vote = lambda self, m: None)), n = 2, f = 0)
space = rounds("any", deaf = [[], ["A"]], types = ["vote"])
report = explore(space, check = agreement())
drawn = sample(space, 2)
for of, value in [("report", report), ("violation", report.violations[0]), ("choice without effect", report.no_effect[0]),
    ("coverage", drawn.coverage), ("verdict", judge(agreement())), ("space", space), ("world", world()), ("shrunk", shrink(report)),
    ("step", space.at(0)[0]), ("operation", operation("read")), ("observation", report.counterexample.history()[0])]:
    for name in dir(value):
        print(name, "of a", of)
`)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out) {
		name, _, _ := strings.Cut(line, " ")
		if !regexp.MustCompile(`\b` + name + `\b`).MatchString(all.String()) {
			t.Errorf("nothing describes %s", line)
		}
	}
}

// TestUnpack binds arguments to every kind of parameter.
func TestUnpack(t *testing.T) {
	var (
		a, b   int
		c      string
		rest   starlark.Tuple
		others []starlark.Tuple
	)
	bind := func(args starlark.Tuple, kwargs ...starlark.Tuple) error {
		a, b, c, rest, others = 0, 2, "three", nil, nil
		f := built(Entry{Signature: `f(a, b=2, *rest, c=None, **others)`})
		return (&call{Builtin: f, Args: args, Kwargs: kwargs}).Unpack(&a, &b, &rest, &c, &others)
	}
	number := func(n int) starlark.Value { return starlark.MakeInt(n) }
	named := func(name string, v starlark.Value) starlark.Tuple { return starlark.Tuple{starlark.String(name), v} }

	if err := bind(starlark.Tuple{number(7), number(8), number(9), number(10)}, named("d", number(4)), named("c", starlark.String("x")), named("rest", number(5))); err != nil {
		t.Fatal(err)
	}
	if a != 7 || b != 8 || c != "x" || rest.String() != "(9, 10)" || len(others) != 2 {
		t.Errorf("got a=%d b=%d c=%q rest=%v others=%v", a, b, c, rest, others)
	}
	if err := bind(starlark.Tuple{number(7)}, named("c", starlark.None)); err != nil {
		t.Fatal(err)
	}
	if a != 7 || b != 2 || c != "three" || len(rest) != 0 {
		t.Errorf("got a=%d b=%d c=%q rest=%v, want defaults", a, b, c, rest)
	}
	for _, test := range []struct {
		want   string
		args   starlark.Tuple
		kwargs []starlark.Tuple
	}{
		{"f: a is missing; it is f(", nil, nil},
		{"f: a is given twice", starlark.Tuple{number(1)}, []starlark.Tuple{named("a", number(1))}},
		{"f: b: got string, want int", starlark.Tuple{number(1), starlark.String("")}, nil},
		{"f: c: got int, want string", starlark.Tuple{number(1)}, []starlark.Tuple{named("c", number(1))}},
	} {
		if err := bind(test.args, test.kwargs...); err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("got the error %v, want %q", err, test.want)
		}
	}
}

func TestHelp(t *testing.T) {
	var out strings.Builder
	in := testInterpreter(t, &out)
	script := `
def greet(name):
    """Greets someone."""
    print("hello", name)
def bare():
    pass
load("@std//toy.star", "toy")
help(greet)
help(bare)
help(toy)
help(json)
help("fail")
`
	if err := in.Exec(t.Context(), "help.star", script); err != nil {
		t.Fatal(err)
	}
	want := `greet
    Greets someone.
bare
    A function of help.star that says nothing about itself.
toy(*, size=1, strict=True, name="toy")
    A toy. It does nothing.
      size=1                   how large it is
      strict=True              whether it is strict
      name="toy"               what it is called
json
    A module with encode, decode and indent.
    json.encode(x) is a string, json.decode(s) the value that it stands for.

    print(json.encode({"leader": "A", "parts": [["A", "B"], ["C"]]}))
    print(json.decode("[1, 2]"))
fail(*args, sep=" ")
    Ends the script with a message: what it claims does not hold.
    The arguments are shown as print shows them.

    if len("abc") != 3:
        fail("the length is", len("abc"))
`
	if out.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", out.String(), want)
	}
	out.Reset()
	if err := in.Exec(t.Context(), "help.star", "help()"); err != nil {
		t.Fatal(err)
	}
	for _, family := range Families() {
		for _, e := range family.Entries {
			// A long name has a line of its own.
			if text := out.String(); !strings.Contains(text, "\n  "+e.Name()+" ") && !strings.Contains(text, "\n  "+e.Name()+"\n") {
				t.Errorf("help() does not list %s", e.Name())
			}
		}
	}
}

// A summary is a sentence: the dot of "et al." ends none.
func TestSummaryOfCitation(t *testing.T) {
	for doc, want := range map[string]string{
		"One. Two.":                            "One",
		"As in Terry et al. 1994. Two.":        "As in Terry et al. 1994",
		"As A et al. and B et al. say. Two.\n": "As A et al. and B et al. say",
		"One.\nTwo.":                           "One",
	} {
		if got := (Entry{Doc: doc}).Summary(); got != want {
			t.Errorf("%q: got %q, want %q", doc, got, want)
		}
	}
}
