package runtime_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/internal/simtest"
	"github.com/twinsh/twinsh/runtime/internal/simtest/store"
	"github.com/twinsh/twinsh/runtime/node"
)

// TestStories runs the stories in testdata. A story begins with
//
//	cluster n=4 f=1 twin=(C) network=held c1=(write red, read) …
//
// and goes on with "play", whose lines are steps in their notation. The answer
// lists what happened to which instance. "forget" goes back to the starting world.
func TestStories(t *testing.T) {
	simtest.Stories(t, "testdata", func() func(*testing.T, *simtest.Command) string {
		var w *runtime.World
		return func(t *testing.T, d *simtest.Command) string {
			switch d.Name {
			case "cluster":
				c, err := store.ClusterOf(d)
				if err != nil {
					return "error: " + err.Error()
				}
				w = c.Start()
				return ""
			case "forget":
				w = w.Cluster().Start()
				return ""
			case "state":
				return states(w)
			case "history":
				return history(w)
			}
			if d.Name != "play" {
				t.Fatalf("no command %q", d.Name)
			}
			var out strings.Builder
			for line := range strings.SplitSeq(d.Input, "\n") {
				s, err := w.Cluster().ParseStep(line)
				if err == nil {
					var next *runtime.World
					if next, err = w.Do(s); err == nil {
						w = next
						out.WriteString(tell(w))
						continue
					}
				}
				fmt.Fprintf(&out, "error: %v\n", err)
			}
			return out.String()
		}
	})
}

var fates = map[runtime.Fate]string{
	runtime.Delivered: "", runtime.Lost: " lost", runtime.Cut: " cut", runtime.Filtered: " filtered",
	runtime.Waiting: " waits", runtime.Down: " finds it down",
}

func tell(w *runtime.World) string {
	var b strings.Builder
	in := w.Cluster().Instances()
	fmt.Fprintf(&b, "%d %s\n", w.Depth(), w.Step())
	for _, d := range w.Deliveries() {
		fmt.Fprintf(&b, "  %d ", d.Hop)
		if d.From >= 0 {
			fmt.Fprintf(&b, "%s→%s %v%s", in[d.From].Name, in[d.To].Name, d.Event.Message, fates[d.Fate])
		} else {
			b.WriteString(in[d.To].Name)
		}
		if d.Before != d.After {
			fmt.Fprintf(&b, " [%s ⇒ %s]", d.Before, d.After)
		}
		for _, o := range d.Seen {
			b.WriteString(" " + observation(o))
		}
		b.WriteString("\n")
	}
	for _, p := range w.InFlight() {
		fmt.Fprintf(&b, "  in flight %s→%s %v\n", in[p.From].Name, in[p.To].Name, p.Event.Message)
	}
	return b.String()
}

func observation(o node.Observation) string {
	switch o.Kind {
	case node.Invoked:
		return "invokes " + o.Operation.String()
	case node.Returned:
		return "returns " + node.Text(o.Value)
	case node.Aborted:
		return "aborts: " + o.Value.(string)
	case node.Decided:
		return fmt.Sprintf("decides %s for %d", node.Text(o.Value), o.Slot)
	default:
		return "fails: " + strings.ReplaceAll(o.Failure.String(), "\n", "\n      ")
	}
}

func states(w *runtime.World) string {
	var b strings.Builder
	for i, in := range w.Cluster().Instances() {
		fmt.Fprintf(&b, "%s: %s", in.Name, w.Summary(i))
		if w.Crashed().Has(i) {
			b.WriteString(" (down)")
		}
		if w.Faulty().Has(i) {
			b.WriteString(" (faulty)")
		}
		b.WriteString("\n")
	}
	return b.String()
}

func history(w *runtime.World) string {
	var b strings.Builder
	for _, o := range w.History().Events {
		fmt.Fprintf(&b, "%d %s %s\n", o.Step, w.Cluster().Instances()[o.Instance].Name, observation(o.Observation))
	}
	return b.String()
}
