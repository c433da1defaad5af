package check_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/internal/simtest"
	"github.com/twinsh/twinsh/runtime/node"
)

// cluster has servers A to D and clients c1 to c4: instances 0 to 3 and 4 to 7.
func cluster(t testing.TB) *runtime.Cluster {
	t.Helper()
	config := runtime.Config{Protocol: simtest.Mute{}, N: 4, F: 1}
	for i := range 4 {
		config.Clients = append(config.Clients, runtime.Client{Name: fmt.Sprint("c", i+1)})
	}
	return simtest.Cluster(t, config)
}

// parse reads a history: each line is a step, in which one or more things are
// observed, separated by semicolons:
//
//	c1 write red
//	c1 returns; c2 read
//	c2 returns red; A decides red for 1; B fails panic: boom
func parse(t testing.TB, c *runtime.Cluster, text string) []runtime.Observed {
	t.Helper()
	var events []runtime.Observed
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		for part := range strings.SplitSeq(line, ";") {
			words := strings.Fields(part)
			if len(words) == 0 {
				continue
			}
			instance, err := c.Instance(words[0])
			if err != nil {
				t.Fatal(err)
			}
			o := runtime.Observed{Step: i + 1, Instance: instance}
			var value any
			if len(words) > 2 {
				value = words[2]
			}
			switch words[1] {
			case "returns":
				o.Kind, o.Value = node.Returned, value
			case "aborts":
				o.Kind, o.Value = node.Aborted, strings.Join(words[2:], " ")
			case "crashes":
				o.Kind = node.Crashed
			case "decides":
				o.Kind, o.Value = node.Decided, value
				fmt.Sscan(words[4], &o.Slot)
			case "fails":
				o.Kind, o.Failure = node.Failed, node.Failure{Message: strings.Join(words[2:], " "), Calls: "  main.go:12"}
			default:
				o.Kind, o.Operation = node.Invoked, node.Operation{Name: words[1], Arg: value}
			}
			events = append(events, o)
		}
	}
	return events
}

// counter is a model that is not of the library.
func counter() check.Model {
	return check.Model{Name: "a counter", Init: 0, Step: func(_ context.Context, state any, call check.Call) ([]check.Outcome, error) {
		if call.Name != "inc" {
			return nil, fmt.Errorf("a counter has the operation inc(), not %s", call.Operation)
		}
		n := state.(int) + 1
		return []check.Outcome{{Next: n, Result: fmt.Sprint(n)}}, nil
	}, Knows: func(op node.Operation) error {
		if op.Name != "inc" {
			return fmt.Errorf("a counter has the operation inc(), not %s", op)
		}
		return nil
	}}
}

// TestHistories judges the histories in testdata by each of the properties
// that they name, and by a monitor of each property, whose verdict must be the
// same.
func TestHistories(t *testing.T) {
	properties := map[string]check.Property{
		"linearizable": check.Linearizable(),
		"regular":      check.Regular(),
		"safe":         check.Safe(),
		"agreement":    check.Agreement(),
		"counter":      check.LinearizableTo(counter()),
	}
	simtest.Stories(t, "testdata", func() func(*testing.T, *simtest.Command) string {
		return func(t *testing.T, d *simtest.Command) string {
			c := cluster(t)
			h := runtime.History{Cluster: c, Events: parse(t, c, d.Input)}
			var out strings.Builder
			if arg := d.Args[0]; arg.Key == "faulty" {
				i, err := c.Instance(arg.Values[0])
				if err != nil {
					t.Fatal(err)
				}
				h.Faulty = node.SetOf(i)
				d.Args = d.Args[1:]
			}
			for _, arg := range d.Args {
				p, ok := properties[arg.Key]
				if !ok {
					t.Fatalf("no property %q", arg.Key)
				}
				v, err := p.Judge(t.Context(), h)
				if err != nil {
					fmt.Fprintln(&out, "error:", err)
					m := check.MonitorOf(p, c, h.Faulty, 0)
					if _, again := m.Next(t.Context(), m.Start(), h.Events); again == nil {
						t.Errorf("%s: %s\nthe monitor of %s has no error", d.Where, d.Input, p.Name())
					}
					continue
				}
				fmt.Fprintln(&out, p.Name()+": "+tell(v))
				m := check.MonitorOf(p, c, h.Faulty, 0)
				if m.Violated(next(t, m, m.Start(), h.Events)) == v.Holds {
					t.Errorf("%s: %s\nthe monitor does not say that %s is %t", d.Where, d.Input, p.Name(), v.Holds)
				}
			}
			return out.String()
		}
	})
}

// judge returns the verdict on a history that can be judged.
func judge(t rapid.TB, p check.Property, h runtime.History) check.Verdict {
	t.Helper()
	v, err := p.Judge(context.Background(), h)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// next returns the state of a monitor after observations that can be judged.
func next(t rapid.TB, m check.Monitor, state string, seen []runtime.Observed) string {
	t.Helper()
	state, err := m.Next(context.Background(), state, seen)
	if err != nil {
		t.Fatal(err)
	}
	return state
}

func tell(v check.Verdict) string {
	switch {
	case v.Vacuous:
		return "holds, vacuously"
	case v.Holds && v.Witness != nil:
		return "holds: " + strings.Join(v.Witness, ", ")
	case v.Holds:
		return "holds"
	}
	return "VIOLATED: " + v.Why
}

func TestCanonical(t *testing.T) {
	c := cluster(t)
	h := runtime.History{Cluster: c, Events: parse(t, c, "c2 read; c1 write red; c2 read; c2 returns; c1 returns; c1 read; A decides x for 1; c1 returns x")}
	got := check.Canonical(h)
	want := parse(t, c, "c1 write red; c2 read; c2 read; c1 returns; c2 returns; c1 read; A decides x for 1; c1 returns x")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if h.Events[0].Instance != 5 {
		t.Error("Canonical changed the history that it was given")
	}
}

func TestInvariant(t *testing.T) {
	w := cluster(t).Start()
	var err error
	p := check.Invariant("odd", func(_ context.Context, got *runtime.World) (bool, string, error) {
		if got != w {
			t.Error("the invariant judges another world")
		}
		return got.Depth()%2 == 1, "the depth is even", err
	})
	v, got := p.JudgeWorld(t.Context(), w)
	if diff := cmp.Diff(check.Verdict{Why: "the depth is even"}, v); diff != "" || got != nil || p.Name() != "odd" {
		t.Error(diff, got, p.Name())
	}
	err = errors.New("no such field")
	if _, got := p.JudgeWorld(t.Context(), w); fmt.Sprint(got) != "invariant odd: no such field" {
		t.Error(got)
	}
}

// A property may be asked by several goroutines, and about the same history twice.
func TestConcurrentUse(t *testing.T) {
	c := cluster(t)
	h := runtime.History{Cluster: c, Events: parse(t, c, "c1 write red; c2 read\nc2 returns red; c3 read\nc3 returns")}
	p := check.Linearizable()
	m := check.MonitorOf(p, c, 0, 0)
	done := make(chan string)
	for range 4 {
		go func() {
			for range 20 {
				if !m.Violated(next(t, m, m.Start(), h.Events)) {
					done <- "the monitor sees no violation"
				}
				judge(t, p, h)
			}
			done <- judge(t, p, h).Why
		}()
	}
	for range 4 {
		if why, want := <-done, judge(t, p, h).Why; why != want || why == "" {
			t.Errorf("%q and %q", why, want)
		}
	}
}

// Where more are faulty than a property is judged for it is not violated, by judge and monitor, for
// any bound; what was violated before stays so. The oracle judges each prefix by who is faulty there.
func TestUpTo(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.IntRange(0, 3).Draw(t, "most")
		faulty := rapid.SampledFrom([]node.Set{0, node.SetOf(0), node.SetOf(0, 1)}).Draw(t, "faulty")
		of := rapid.SampledFrom([]check.Property{check.Agreement(), check.Linearizable()}).Draw(t, "of")
		p := check.UpTo(most, of)
		if rapid.Bool().Draw(t, "at the end") {
			p = check.AtEnd(p)
		}
		m := check.MonitorOf(p, c, faulty, node.SetOf(0, 1, 2, 3))
		events := drawEvents(t, 4, 6, 20)
		for range rapid.IntRange(0, 6).Draw(t, "decisions") {
			e := runtime.Observed{Instance: rapid.IntRange(0, 3).Draw(t, "replica")}
			e.Kind, e.Slot, e.Value = node.Decided, 1, rapid.SampledFrom([]any{"x", "y"}).Draw(t, "value")
			events = slices.Insert(events, rapid.IntRange(0, len(events)).Draw(t, "at"), e)
		}
		state, bad := m.Start(), false
		judged := func(n int) {
			h := runtime.History{Cluster: c, Events: events[:n], Faulty: faulty}
			want := faulty.Len() <= most && !judge(t, of, h).Holds // instances 0 to 3 are servers without twins
			if got := !judge(t, p, h).Holds; got != want {
				t.Fatalf("after %d events, %d faulty: judged violated %t, want %t", n, faulty.Len(), got, want)
			}
			bad = bad || want
			got := m.Violated(state)
			if e, ok := m.(check.Ending); ok && check.IsAtEnd(p) {
				var err error
				if got, err = e.Ends(t.Context(), state); err != nil {
					t.Fatal(err)
				}
				bad = want
			}
			if got != bad {
				t.Fatalf("after %d events, %d faulty: monitored violated %t, want %t; state %s", n, faulty.Len(), got, bad, state)
			}
		}
		for i := range events {
			events[i].Step = 0
			state = next(t, m, state, events[i:i+1])
			judged(i + 1)
			if rapid.IntRange(0, 4).Draw(t, "forgets") > 0 {
				continue
			}
			faulty |= node.SetOf(rapid.IntRange(0, 3).Draw(t, "who"))
			if f, ok := m.(check.Forgetful); ok {
				var err error
				if state, err = f.Forget(t.Context(), state, faulty); err != nil {
					t.Fatal(err)
				}
			}
			judged(i + 1)
		}
	})
}
