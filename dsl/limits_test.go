package dsl

import (
	"context"
	"errors"
	"testing"
)

// ending is a context that ends when it is asked for the n-th time.
type ending struct {
	context.Context
	asked, last int
}

func (e *ending) Err() error {
	if e.asked++; e.asked >= e.last {
		return context.Canceled
	}
	return nil
}

// A handler ends with the execution that it works for, and what it did is forgotten.
func TestHandlersEndWithTheirContext(t *testing.T) {
	in := testInterpreter(t, nil)
	stage := `
def on_timeout(self):
    for i in range(1200000):
        pass
    self.done = True

cluster(protocol("p", role(on_timeout = on_timeout)), n = 1, f = 0)
`
	if err := in.Exec(t.Context(), "x.star", stage); err != nil {
		t.Fatal(err)
	}
	for _, last := range []int{2, 10, 40} {
		ctx, cancel := context.WithCancel(t.Context())
		counting := &ending{ctx, 0, last}
		err := in.Exec(counting, "y.star", `timeout("A")`)
		cancel()
		if !errors.Is(err, context.Canceled) || counting.asked > last+10 {
			t.Errorf("after %d questions: %v", counting.asked, err)
		}
	}
	if err := in.Exec(t.Context(), "z.star", "timeout(\"A\")\nif not state(\"A\").done: fail(\"not done\")"); err != nil {
		t.Error(err)
	}
}
