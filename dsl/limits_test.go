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

// What takes long in one call of a script ends with the execution, too.
func TestLongCallsEndWithTheirContext(t *testing.T) {
	in := testInterpreter(t, nil)
	stage := `
def on_round(self, round):
    if round.leader == self.id:
        self.broadcast("say", value = round.input)
def on_say(self, m):
    self.decide(1, m.value)

cluster(protocol("p", role(on_round = on_round, on_say = on_say)), n = 5, f = 1)
for leader in ["A", "B", "C", "D", "E"]:
    round(leader)
`
	if err := in.Exec(t.Context(), "x.star", stage); err != nil {
		t.Fatal(err)
	}
	for _, call := range []string{"(rounds() * 2).representatives()", "(rounds() * 2).orbits", "rounds().distinct(2)", "why()"} {
		for _, last := range []int{1, 4} {
			counting := &ending{t.Context(), 0, last}
			err := in.Exec(counting, "y.star", call)
			if !errors.Is(err, context.Canceled) || counting.asked > last+10 {
				t.Errorf("%s, ended at %d: after %d questions: %v", call, last, counting.asked, err)
			}
		}
	}
}
