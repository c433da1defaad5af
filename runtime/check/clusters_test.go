package check_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/internal/simtest"
	"github.com/twinsh/twinsh/runtime/node"
)

// clients returns a cluster of n clients. The first is instance 1.
func clients(t testing.TB, n int) *runtime.Cluster {
	t.Helper()
	config := runtime.Config{Protocol: simtest.Mute{}, N: 1}
	for i := range n {
		config.Clients = append(config.Clients, runtime.Client{Name: fmt.Sprint("c", i+1)})
	}
	c, err := runtime.NewCluster(config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// plainRegister is a register of which nothing is known but what it does, so that
// orders of its operations are tried.
func plainRegister() check.Model {
	of := check.Register()
	return check.Model{Name: "plain register", Init: of.Init, Step: of.Step}
}

// Where values are written once, the verdict is that of all orders, and that of the
// search for one; and the witness is an order that explains what was returned.
func TestClustersAgainstAllOrders(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	linearizable, searched := check.Linearizable(), check.LinearizableTo(plainRegister())
	var holds, violated int
	compare := func(t *rapid.T, operations, steps int, oracle bool) {
		h := runtime.History{Cluster: c, Events: drawEventsOf(t, 4, operations, steps, true)}
		h.Faulty = rapid.SampledFrom([]node.Set{0, 0, 0, node.SetOf(4), node.SetOf(0, 4, 5)}).Draw(t, "faulty")
		v, w := judge(t, linearizable, h), judge(t, searched, h)
		if v.Holds != w.Holds || w.Vacuous && !v.Vacuous || v.Why != w.Why {
			t.Fatalf("got  %+v\nwant %+v", v, w)
		}
		if oracle && v.Holds != explained(spans(h)) {
			t.Fatalf("not the verdict of all orders: %+v", v)
		}
		if !v.Holds {
			violated++
			return
		}
		holds++
		explains(t, h, v.Witness)
	}
	rapid.Check(t, func(t *rapid.T) { compare(t, 6, 30, true) })
	rapid.Check(t, func(t *rapid.T) { compare(t, 12, 60, false) })
	if !testing.Short() && (holds == 0 || violated == 0) {
		t.Errorf("%d histories are linearizable and %d are not", holds, violated)
	}
}

// explains checks that a witness has all operations that returned to correct
// clients, in an order that respects real time and explains what they returned.
func explains(t *rapid.T, h runtime.History, witness []string) {
	all := spans(h)
	var texts []string
	for _, s := range all {
		text := s.client + " " + s.op.String()
		switch {
		case s.faulty:
			text += " (faulty client)"
		case s.to < 0:
			text += " (never returned)"
		case s.op.Name == "read":
			text += " = " + node.Text(s.result)
		}
		texts = append(texts, text)
	}
	left := slices.Clone(all)
	var order []span
	for _, line := range witness {
		// Of operations with one text the first that is left: it returned first.
		at := slices.IndexFunc(texts, func(text string) bool { return text == line })
		if at < 0 {
			t.Fatalf("the witness has %q, which is none of %q", line, texts)
		}
		order = append(order, left[at])
		left, texts = slices.Delete(left, at, at+1), slices.Delete(texts, at, at+1)
	}
	if slices.ContainsFunc(left, func(s span) bool { return !s.optional() }) || !legal(order) {
		t.Fatalf("the witness %q explains nothing of %v", witness, all)
	}
}

// overlapped returns a history in which n writes and n reads overlap all others,
// and the i-th read returns what value says.
func overlapped(c *runtime.Cluster, n int, write, value func(i int) any) runtime.History {
	h := runtime.History{Cluster: c}
	add := func(o runtime.Observed) { o.Step = len(h.Events) + 1; h.Events = append(h.Events, o) }
	for i := range n {
		add(runtime.Observed{Instance: 1 + i, Observation: node.Observation{Operation: node.Operation{Name: "write", Arg: write(i)}}})
		add(runtime.Observed{Instance: 1 + n + i, Observation: node.Observation{Operation: node.Operation{Name: "read"}}})
	}
	for i := range n {
		add(runtime.Observed{Instance: 1 + i, Observation: node.Observation{Kind: node.Returned}})
		add(runtime.Observed{Instance: 1 + n + i, Observation: node.Observation{Kind: node.Returned, Value: value(i)}})
	}
	return h
}

// Many operations that overlap are judged at once if values are written once;
// otherwise the property gives up, and says so, or ends with its context.
func TestManyOverlap(t *testing.T) {
	c := clients(t, 32)
	own := func(i int) any { return i }
	again := func(i int) any { return i % 3 }
	linearizable := check.Linearizable()
	if v := judge(t, linearizable, overlapped(c, 16, own, own)); !v.Holds || len(v.Witness) != 32 {
		t.Errorf("each read returned what was written: %+v", v)
	}
	if v := judge(t, linearizable, overlapped(c, 16, own, func(i int) any { return i - i/15 })); !v.Holds {
		t.Errorf("two reads returned one value: %+v", v)
	}
	bad := overlapped(c, 16, own, func(i int) any { return i + i/15 })
	if v := judge(t, linearizable, bad); v.Holds || !strings.Contains(v.Why, "c32 read() returned 16 in step 64") {
		t.Errorf("a read returned what was never written: %+v", v)
	}
	monitor := check.MonitorOf(linearizable, c, 0, 0)
	if state := next(t, monitor, monitor.Start(), overlapped(c, 16, own, own).Events); monitor.Violated(state) {
		t.Error("a monitor finds a violation")
	}
	if state := next(t, monitor, monitor.Start(), bad.Events); !monitor.Violated(state) {
		t.Error("a monitor finds no violation")
	}

	hard := overlapped(c, 16, again, func(i int) any { return []any{0, 1, 2, 7}[i/5] })
	for name, judge := range map[string]func(context.Context) error{
		"property": func(ctx context.Context) error { _, err := linearizable.Judge(ctx, hard); return err },
		"monitor":  func(ctx context.Context) error { _, err := monitor.Next(ctx, monitor.Start(), hard.Events); return err },
	} {
		var limit check.LimitError
		if err := judge(t.Context()); !errors.As(err, &limit) || !strings.Contains(err.Error(), "linearizable: gave up: with 32 operations that overlap") {
			t.Errorf("%s: %v", name, err)
		}
		for _, last := range []int{1, 2, 20} {
			ctx := &ending{t.Context(), 0, last}
			if err := judge(ctx); !errors.Is(err, context.Canceled) || ctx.asked > last+1 {
				t.Errorf("%s: after %d questions, with the end at %d: %v", name, ctx.asked, last, err)
			}
		}
	}
}

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

// A monitor of few clients gives up when too many writes were cut short, and ends
// with its context.
func TestRegisterMonitorGivesUp(t *testing.T) {
	c := cluster(t)
	var events []runtime.Observed
	for i := range 16 {
		events = append(events, runtime.Observed{Instance: 4, Observation: node.Observation{Operation: node.Operation{Name: "write", Arg: i}}})
	}
	events = append(events, runtime.Observed{Instance: 5, Observation: node.Observation{Operation: node.Operation{Name: "read"}}},
		runtime.Observed{Instance: 5, Observation: node.Observation{Kind: node.Returned, Value: 7}})
	monitor := check.MonitorOf(check.Linearizable(), c, 0, 0)
	var limit check.LimitError
	if _, err := monitor.Next(t.Context(), monitor.Start(), events); !errors.As(err, &limit) || !strings.Contains(err.Error(), "17 operations") {
		t.Errorf("after 16 writes that were cut short: %v", err)
	}
	for _, last := range []int{1, 5, 9} {
		ctx := &ending{t.Context(), 0, last}
		if _, err := monitor.Next(ctx, monitor.Start(), events[5:]); !errors.Is(err, context.Canceled) || ctx.asked != last {
			t.Errorf("after %d questions, with the end at %d: %v", ctx.asked, last, err)
		}
	}
	if v := judge(t, check.Linearizable(), runtime.History{Cluster: c, Events: events}); !v.Holds {
		t.Errorf("the property: %+v", v)
	}
}

// Live, regular and safe end with their context, too.
func TestPropertiesEnd(t *testing.T) {
	c := clients(t, 32)
	own := func(i int) any { return i }
	h := overlapped(c, 16, own, own)
	for _, p := range []check.Property{check.Regular(), check.Safe(), check.Linearizable()} {
		ctx := &ending{t.Context(), 0, 1}
		if _, err := p.Judge(ctx, h); !errors.Is(err, context.Canceled) || ctx.asked != 1 {
			t.Errorf("%s: %v after %d questions", p.Name(), err, ctx.asked)
		}
	}
	live := check.Live(100)
	for name, judge := range map[string]func(context.Context) error{
		"live":             func(ctx context.Context) error { _, err := live.JudgeWorld(ctx, c.Start()); return err },
		"who decides once": func(ctx context.Context) error { _, err := live.On(ctx, c); return err },
	} {
		// The code of nodes runs the first time only, and looks by itself.
		if err := judge(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx := &ending{t.Context(), 0, 7}
		if err := judge(ctx); !errors.Is(err, context.Canceled) || ctx.asked != 7 {
			t.Errorf("%s: %v after %d questions", name, err, ctx.asked)
		}
	}
}
