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
	t.Parallel()
	if story := search(t, Options{}); story != nil {
		t.Errorf("with the counter, this is not linearizable: %s", story)
	}
	story := search(t, Options{PersistentCounter: Off})
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
	*runtime.World
	history   runtime.History
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
	start := moment{World: c.Start()}
	start.history.Cluster = c
	seen := map[string]bool{}
	for layer := []moment{start}; len(layer) > 0; {
		var next []moment
		for _, from := range layer {
			for i := range steps {
				restarts := i == 0
				if restarts && from.restarted {
					continue
				}
				w, err := from.Do(steps[i])
				if err != nil {
					continue
				}
				history := w.History()
				for i := range history.Events {
					history.Events[i].Step = 0 // when it was does not matter
				}
				restarted := from.restarted || restarts
				key := fmt.Sprint(w.Vector(), history.Events, restarted)
				if seen[key] {
					continue
				}
				seen[key] = true
				if len(history.Events) > len(from.history.Events) && !linearizable(history) {
					var path []runtime.Step
					for _, v := range w.Path()[1:] {
						path = append(path, v.Step())
					}
					return path
				}
				next = append(next, moment{w, history, restarted})
			}
		}
		layer = next
	}
	t.Logf("%+v: %d worlds", options, len(seen))
	return nil
}
