package guard

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

var options = &syntax.FileOptions{Set: true, TopLevelControl: true, GlobalReassign: true}

// execute runs a script, guarded or as it is, and returns what it printed and
// how it ended.
func execute(t *testing.T, script string, guarded bool, steps uint64) (string, error) {
	t.Helper()
	var out strings.Builder
	thread := &starlark.Thread{Print: func(_ *starlark.Thread, text string) { fmt.Fprintln(&out, text) }}
	thread.SetMaxExecutionSteps(steps)
	file, err := options.Parse("x.star", script, 0)
	if err != nil {
		return "", err
	}
	predeclared := starlark.StringDict{}
	if guarded {
		if err := Shallow(file); err != nil {
			return "", err
		}
		Rewrite(file.Stmts)
		maps.Copy(predeclared, Universe())
		maps.Copy(predeclared, Hidden())
		predeclared["json"] = JSON()
	}
	program, err := starlark.FileProgram(file, predeclared.Has)
	if err != nil {
		return "", err
	}
	_, err = program.Init(thread, predeclared)
	return out.String(), err
}

// Guarded, a script does what it does anyway, and fails where and as it does.
func TestGuardedIsTheSame(t *testing.T) {
	for _, script := range []string{
		`a, b = "x", "y"
print(a + b, b + a + "z", a * 3, 3 * a, "%s-%s" % (a, b), "%d%%" % 5, "%(k)s" % {"k": a}, "%s" % a)
n, m = 7, 3
print(n + m, n * m, n % m, n - m, n // m, n / m, -n * m, n << m, 2.5 * n, n % 4)
l = [n, m]
print(l + l, l * 2, 2 * l, l + [1], (n, m) + (m,), (n,) * m, [x * y for x in l for y in l])
n += m
n *= m
n %= 5
l += l
l *= 2
a += b
print(n, l, a)
d = {"n": 1, "l": [1], (1, 2): (n, (m,))}
d["n"] += m
d["n"] *= n
d["l"] += l
d["l"] *= 2
d[(n, m)] = (n, m, (n, (m,)))
print(d, d.items(), d.keys(), (n, m) in d, n in (n, m))
d.update([(1, 2)])
d.update({3: (4, 5)}, x = 6)
print(d, d.popitem(), [k for k, v in d.items()])`,
		`def f(x, *rest, **more):
    "A docstring."
    return (x, rest, more)
def g(*rest):
    return rest
h = lambda *rest: rest
print(f(1, (2, 3), y = (4,)), g(), g(g(1), 2), h(), h(1, (2,)), f.__doc__ if hasattr(f, "__doc__") else "")
def swap(a, b):
    a, b = b, a
    (a, b) = (b, a)
    [a, b] = (b, a)
    return a, b
print(swap(1, (2, 3)))
for a, b in [(1, 2), ((3, 4), 5)]:
    print(a, b, (a, b))
for x in 1, (2, 3):
    print(x)
print([(a, b) for a, b in zip([1, 2], [(3,), 4])], {k: (k, v) for k, v in {1: (2,)}.items()})`,
		`s = "a,b,,c"
print(s.split(","), s.rsplit(",", 1), s.replace(",", "; "), s.replace(",", "", 2), "-".join(s.split(",")), "{} {x!r} {}".format(1, (2,), x = "q"))
print("a b  c".split(), "a\nb\n".splitlines(), ",".join(["a"]), ",".join([]), ",".join({"a": 1}), ",".join("abc".elems()))
u = set([1, 2])
print(u.union([3], (4,)), u.difference([1]), u.intersection([1]), u.issubset([1, 2, 3]), u.issuperset([1]), u.symmetric_difference([1, 9]))
u.update([5], range(3))
l = [1]
l.extend(range(3))
l.extend("ab".elems())
m = l.extend
m([9])
print(u, l, getattr(l, "index")(9), getattr(l, "none", 3), type(getattr(l, "extend")), str(l.extend), m)`,
		`print(max(3, 1), min([3, 1]), max(["a", "bb"], key = len), any([0, 1]), all([0, 1]), sorted([3, 1, 2]), sorted(["b", "a", "C"], key = lambda s: s.lower(), reverse = True))
print(sorted([(1, "b"), (0, "a"), (1, "a")], key = lambda t: t[0], reverse = True), sorted(range(5000))[-1], max(range(5000)))
print(list(range(3)), tuple("ab".elems()), set([1, 1]), dict([(1, 2)], x = 3), dict({1: 2}), enumerate(["a"], 1), zip([1, 2], "ab".elems()), reversed([1, 2]), bytes([65]))
print(len(list(range(5000))), len(enumerate(range(5000))), len(zip(range(5000), range(6000))), sum([1]) if False else 0)
print(str((1, [2], {3: 4})), repr("x"), str("x"), int("12"), int("ff", 16), int(3.7))`,
		"x = 1\nprint(x + 'a')", "x = [1]\ny = 2\nprint(x + y)", "x, y = 'a', 'b'\nprint(x * y)", "x = '%d'\nprint(x % 'a')",
		"x = 3\nprint(x.update)", "x = []\nprint(x.join(1))", "x = 'a'\nx.join(1)", "x = 'a'\nx.format(1, 2)\nx.replace(1)",
		"print(max([]))", "print(max(1))", "print(sorted([1, 'a']))", "print(sorted(1))", "print(int('x'))", "print(list(1))", "getattr(1, 'x')", "print(zip(1))",
		"l = [1]\nfor x in l:\n    l.extend(l)", "set([[]])", "dict([(1,)])", "x = {[1]: 2}", "x = 5\nx += 'a'", "x = 5\nx *= None",
	} {
		want, wantErr := execute(t, script, false, 1e6)
		got, err := execute(t, script, true, 1e6)
		if got != want {
			t.Errorf("%s\ngot  %s\nwant %s", script, got, want)
		}
		if strings.Count(script, "\n") > 4 && wantErr != nil {
			t.Errorf("%s\n%v", script, wantErr)
		}
		if (err == nil) != (wantErr == nil) || err != nil && place(err) != place(wantErr) {
			t.Errorf("%s\ngot the error %v (%s)\nwant %v (%s)", script, err, place(err), wantErr, place(wantErr))
		}
	}
}

// place returns the innermost place of an error that is in a script.
func place(err error) string {
	eval, ok := err.(*starlark.EvalError)
	if !ok {
		return err.Error()
	}
	at := ""
	for _, frame := range eval.CallStack {
		if frame.Pos.Filename() == "x.star" {
			at = frame.Pos.String()
		}
	}
	return at
}
