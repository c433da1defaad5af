package dsl

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/twinsh/twinsh/dsl/internal/guard"
)

// A script that takes more memory than its host allows ends with an error, and
// the next one runs.
func TestMemoryLimit(t *testing.T) {
	for _, script := range []string{
		"l = []\nfor i in range(1 << 40):\n    l.append('x' * 1000 + str(i))",
		"x = ['x']\nfor i in range(1 << 40):\n    x += x[:1000000]",
		"l = []\ny = 'x' * (1 << 24)\nfor i in range(1 << 40):\n    l.append(y + 'x')",
		"l = [list(range(1000000)) for i in range(1 << 40)]",
		"def work():\n    return [{i: str(i)} for i in range(1 << 40)]\ntry_(work)\nprint('survived')",
		`def on_round(self, round):
    l = []
    for i in range(1 << 40):
        l.append("x" * (1 << 20))
cluster(protocol("p", replica = role(on_round = on_round)), n = 4, f = 1)
round("A")
print("survived")`,
	} {
		var out strings.Builder
		limit := guard.Occupied() + 64<<20
		in, err := New(Config{Stdout: &out, MaxMemory: limit})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		err = in.Exec(ctx, "x.star", script)
		cancel()
		var exceeded *MemoryLimitError
		if !errors.As(err, &exceeded) || exceeded.Limit != limit || exceeded.Used < limit/2 || errors.Is(err, context.Canceled) {
			t.Errorf("%s\ngot the error %v, want a memory limit", script, err)
		} else if !strings.Contains(err.Error(), "stopped because the process occupies") {
			t.Errorf("got the message %v", err)
		}
		if err := in.Exec(t.Context(), "y.star", "print(2)"); err != nil || out.String() != "2\n" {
			t.Errorf("afterwards got %q, %v", out.String(), err)
		}
	}
}

// Within one step of Starlark, too, a script can be stopped, and steps count.
func TestLongFunctionsEnd(t *testing.T) {
	for _, call := range []string{
		"max(range(1 << 60))",
		"min(range(1 << 60))",
		"max(range(1 << 60), key = lambda x: -x)",
		"all(range(1, 1 << 60))",
		"any([[] for i in range(1000000)] * 2)\n    max(range(1 << 60))",
		"set([-1]).issubset(range(1 << 60))",
		"set(range(1000)).issuperset([0] * 1000000)\n    min(range(1 << 60))",
		"sorted([-i for i in range(1000000)])\n    sorted([i % 7 for i in range(1000000)])\n    max(range(1 << 60))",
		"[x for x in range(1 << 60) if x < 0]",
		"zip(range(1 << 60), s)",
		"list(s)",
		"[x for x in s if not x]",
		"for x in s:\n        pass",
		"x = [0]\n    for i in range(8):\n        x = [x] * 100\n    y = [0]\n    for i in range(8):\n        y = [y] * 100\n    x == y",
		"('a' * (1 << 23) + 'b') in ['a' * (1 << 23) + 'c'] * 2000000",
		"['a' * (1 << 23) + 'b'] * 2000000 == ['a' * (1 << 23) + 'b'] * 2000000\n    max(range(1 << 60))",
		"max(['a' * (1 << 23) + 'b', 'a' * (1 << 23) + 'c'] * 1000000)",
		"set(['a' * (1 << 23) + 'b'] * 2000000)",
		"matches('a' * (1 << 24), '(a{0,31}){31}(a{0,31}){31}(a{0,31}){31}b$')",
	} {
		for _, where := range []string{
			"def work():\n    %\nwork()",
			"def holds(w):\n    %\n    return True\ncheck(invariant('i', holds))",
			"def on_round(self, round):\n    %\nw = world()\ncluster(protocol('q', replica = role(on_round = on_round)), n = 4, f = 1)\nround('A')",
		} {
			if strings.Contains(where, "on_round") && strings.Contains(call, "s)") {
				continue // what can be searched is no business of handlers
			}
			script := `def idle(self, round):
    pass
cluster(protocol("p", replica = role(on_round = idle)), n = 4, f = 1)
s = rounds() * 100
` + strings.ReplaceAll(where, "%", call)
			in, err := New(Config{})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			began := time.Now()
			err = in.Exec(ctx, "x.star", script)
			cancel()
			if !errors.Is(err, context.DeadlineExceeded) && !(err != nil && (strings.Contains(err.Error(), "more than") || strings.Contains(err.Error(), "did not end within 10000000 steps"))) {
				t.Errorf("%s\ngot the error %v, want that of the context", script, err)
			}
			if took := time.Since(began); took > 30*time.Second {
				t.Errorf("%s\ntook %s", script, took)
			}
		}
	}
	for _, call := range []string{"max(range(1 << 60))", "all(range(1, 1 << 60))", "sorted(range(100000))", "list(range(100000))",
		"sorted(range(9000, 0, -1))", // which compares its few elements often
	} {
		in, err := New(Config{MaxSteps: 50_000})
		if err != nil {
			t.Fatal(err)
		}
		var limit *StepLimitError
		if err := in.Exec(t.Context(), "x.star", call); !errors.As(err, &limit) {
			t.Errorf("%s: got the error %v, want a step limit", call, err)
		}
	}
}
