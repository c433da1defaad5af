package dsl

import (
	"context"
	"errors"
	"testing"
	"time"
)

// What a role does without an event ends with the execution, too.
func TestRolesEndWithTheirContext(t *testing.T) {
	const work = `def work():
    for i in range(1 << 40):
        x = "x" * (1 << 16)
def idle(self, round):
    pass
`
	for _, script := range []string{
		"def init(self):\n    work()\ncluster(protocol('p', replica = role(init = init, on_round = idle)), n = 1, f = 0)",
		"def shown(self):\n    work()\ncluster(protocol('p', replica = role(show = shown, on_round = idle)), n = 1, f = 0)\nround('A')\nshow()",
		"def rebase(self, by):\n    work()\ncluster(protocol('p', replica = role(rebase = rebase, on_round = idle)), n = 1, f = 0)\ncheck(live(within = 9))",
	} {
		in, err := New(Config{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		err = in.Exec(ctx, "x.star", work+script)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s\ngot the error %v, want that of the context", script, err)
		}
		if err := in.Exec(t.Context(), "y.star", "print(1)"); err != nil {
			t.Errorf("afterwards got %v", err)
		}
	}
}
