package kvproto

import (
	"fmt"
	"testing"

	"github.com/twinsh/twinsh/runtime"
)

// With its counter the store is atomic however a writer restarts between two
// writes; without, it is not. All scenarios of two writes, two reads and one
// restart are tried in which exchanges reach three servers or only the first.
func TestCounterKeepsTheStoreAtomic(t *testing.T) {
	if story := search(t, Options{}); story != nil {
		t.Errorf("with the counter, this is not linearizable: %s", story)
	}
	story := search(t, Options{VolatileCounter: true})
	if story == nil {
		t.Fatal("without the counter, everything is linearizable")
	}
	// Four exchanges and the restart until both values have one tag; the first
	// read and its write-back; the second read.
	if len(story) != 9 {
		t.Errorf("the shortest flip takes %d steps: %s", len(story), story)
	}
}

// moment is a world on the way, with what was observed until then.
type moment struct {
	vector    runtime.Vector
	history   runtime.History
	path      []runtime.Step
	restarted bool
}

// search returns a shortest story that is not linearizable, nil if there is none.
func search(t *testing.T, options Options) []runtime.Step {
	t.Helper()
	c, err := runtime.NewCluster(runtime.Config{
		Protocol: New(options), N: 4, F: 1,
		Clients: []runtime.Client{runs("c1", write("red"), write("blue")), runs("c2", read(), read())},
	})
	if err != nil {
		t.Fatal(err)
	}
	restart, err := c.Step(runtime.RestartStep{ID: "c1"})
	if err != nil {
		t.Fatal(err)
	}
	steps := []runtime.Step{restart}
	for _, name := range []string{"c1", "c2"} {
		for _, reach := range [][]string{{"A"}, {"A", "B", "C"}, {"A", "B", "D"}, {"A", "C", "D"}, {"B", "C", "D"}} {
			step, err := c.Step(runtime.ExchangeStep{Client: name, Reach: reach})
			if err != nil {
				t.Fatal(err)
			}
			steps = append(steps, step)
		}
	}
	start := moment{vector: make(runtime.Vector, c.Width())}
	start.history.Cluster = c
	c.StartVector(start.vector)

	m := c.NewSimulator()
	seen := map[string]bool{}
	for layer := []moment{start}; len(layer) > 0; {
		var next []moment
		for _, from := range layer {
			for i := range steps {
				restarts := i == 0
				if restarts && from.restarted {
					continue
				}
				to := make(runtime.Vector, c.Width())
				if !m.Take(to, from.vector, steps[i]) {
					continue
				}
				history := from.history
				history.Events = append([]runtime.Observed(nil), history.Events...)
				history.Events = append(history.Events, c.Observations(m.Seen(), 0)...)
				restarted := from.restarted || restarts
				key := fmt.Sprint(to, history.Events, restarted)
				if seen[key] {
					continue
				}
				seen[key] = true
				path := append(from.path[:len(from.path):len(from.path)], steps[i])
				if len(history.Events) > len(from.history.Events) && !linearizable(history) {
					return path
				}
				next = append(next, moment{to, history, path, restarted})
			}
		}
		layer = next
	}
	t.Logf("%+v: %d worlds", options, len(seen))
	return nil
}
