package dsl

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.starlark.net/starlark"

	"github.com/twinsh/twinsh/dsl/internal/guard"
)

// Whatever a script says, it ends, and what is wrong with it is an error that
// is not the interpreter's own.
func FuzzScript(f *testing.F) {
	for _, script := range []string{
		"x = (1, (2, 3))\nfor i in range(9):\n    x = (x, x) + x * 2\nprint(x)",
		"def f(*a, **k):\n    'd'\n    return lambda *b: (a, b, k)\nprint(f(1, x = 2)(3), '%s %r' % (f, (1,)), '{}'.format([]))",
		"def mk():\n    def a(n):\n        return b(n)\n    def b(n):\n        return a(n)\n    return a\nmk()(1)",
		"l = [3, 1]\nl.extend(l)\nl += l\nl *= 3\nprint(sorted(l), max(l), zip(l, l), {k: v for k, v in enumerate(l)}, ','.join('ab'.elems()))",
		"s = 'ab'\nprint(s.replace('', s).split('b'), json.encode({s: [s]}), json.decode('[1, {\"a\": [2]}]'), json.indent('[1]', indent = s))",
		"def on_round(self, round):\n    self.x = [round.number] * 3\n    self.broadcast('m', x = (1, 2))\ndef on_m(self, m):\n    self.decide(1, m.x)\ncluster(protocol('p', replica = role(on_round = on_round, on_m = on_m)), n = 4)\ntwin('A')\nround('A')\nshow()\nprint(explore(rounds(['A']) * 2, check = agreement(), budget = '1s').ok)",
		"x = [1]\nx.append(struct(x = x))\ntry_(lambda: print(x))\nx += [x, x]\nvalidity(x)\ninvariant('i', lambda w: x)",
		"if 1:\n    pass\nelif 2:\n    pass\nelse:\n    x = 1 if 2 else 3 if 4 else -(+(~5))\nprint(not x, x | 3 ^ 4 & 5 << 6 >> 7)",
		"x = 3\nfor i in range(99):\n    x = x * x\n", "x = ''\nx %= x\nx += x\n[].x", "list(range(1 << 60))", "((((((((((1))))))))))", "a.b.c()[0][1:2].d",
	} {
		f.Add(script)
	}
	f.Fuzz(func(t *testing.T, script string) {
		for _, execute := range []func(*Interpreter, context.Context) error{
			func(in *Interpreter, ctx context.Context) error { return in.Exec(ctx, "x.star", script) },
			func(in *Interpreter, ctx context.Context) error {
				return in.EvalText(ctx, "x.star", script, func(v starlark.Value) {
					if v != nil {
						guard.Text(v)
					}
				})
			},
		} {
			in, err := New(Config{MaxSteps: 20_000, MaxMemory: guard.Occupied() + 512<<20})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			began := time.Now()
			err = execute(in, ctx)
			cancel()
			var panicked *PanicError
			if errors.As(err, &panicked) {
				t.Errorf("%v", err)
			}
			if took := time.Since(began); took > 30*time.Second {
				t.Errorf("it took %s", took)
			}
		}
	})
}
