package dsl

import (
	"context"
	"errors"
	"strings"
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

// What plays on in a good network ends with its execution, and with the budget of a search, be it
// that what it waits for never comes and no world repeats.
func TestPlayingOnEnds(t *testing.T) {
	t.Parallel()
	const stage = `
def init(self):
    self.rounds = 0
def on_round(self, round):
    self.rounds += 1
def on_ask(self, m):
    pass
def on_exchange(self):
    if self.rounds == 0:
        self.invoked(operation("ask"))
    self.rounds += 1
    self.broadcast("ask")
cluster(protocol("p", replica = role(init = init, on_round = on_round, on_ask = on_ask), client = role(init = init, on_exchange = on_exchange)), n = 2, f = 0, clients = {"c": [operation("ask")]})
never = 1 << 30
`
	for _, property := range []string{"live(never)", "terminates(never)", `eventually("it ends", lambda w: False, never)`, "at_end(live(never))"} {
		for _, ends := range []struct {
			call    string
			timeout time.Duration // of safety, if it is long
			is      error
		}{
			{`r = explore(exchanges("c", [["A"]]), check = ` + property + `, budget = "100ms")` + "\nif r.complete:\n    fail(\"it is complete\")", time.Minute, nil},
			{`explore(exchanges("c", [["A"]]), check = ` + property + `)`, 200 * time.Millisecond, context.DeadlineExceeded},
			{"exchange(\"c\", [\"A\"])\njudge(" + property + ")", 200 * time.Millisecond, context.DeadlineExceeded},
		} {
			in, err := New(Config{})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), ends.timeout)
			ended := make(chan error, 1)
			go func() { ended <- in.Exec(ctx, "x.star", stage+ends.call) }()
			select {
			case err := <-ended:
				if !errors.Is(err, ends.is) || ends.is == nil && err != nil {
					t.Errorf("%s\ngot the error %v, want %v", ends.call, err, ends.is)
				}
			case <-time.After(2 * time.Minute):
				t.Fatalf("%s\ndoes not end", ends.call)
			}
			cancel()
		}
	}
}

// What is asked of a property before the first step counts to the budget of a search.
func TestBudgetBoundsWhatIsAskedFirst(t *testing.T) {
	t.Parallel()
	const stage = `
def on_exchange(self):
    self.invoked(operation("read"))
    self.returns(None)
def on_ask(self, m):
    pass
cluster(protocol("p", replica = role(on_ask = on_ask), client = role(on_exchange = on_exchange)), n = 1, f = 0, clients = {"c": [operation("read")]})
slow = linearizable(keyed("register", key = lambda op: max(range(1 << 60))))
`
	for _, call := range []string{"explore(exchanges(), ", "sample(exchanges(), 1, "} {
		in, err := New(Config{}) // without a limit of steps
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // of safety
		err = in.Exec(ctx, "x.star", stage+call+`check = slow, budget = "100ms")`)
		cancel()
		if want := "cannot judge the program of c: the time budget of 100ms is used up"; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", call, err, want)
		}
	}
}
