package check_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/node"
)

// crashing puts crashes and failures of code among events.
func crashing(t *rapid.T, events []runtime.Observed) []runtime.Observed {
	for range rapid.IntRange(0, 4).Draw(t, "crashes") {
		o := runtime.Observed{Instance: 4 + rapid.IntRange(0, 3).Draw(t, "crashed")}
		if o.Kind = node.Crashed; rapid.IntRange(0, 5).Draw(t, "fails") == 0 {
			o.Kind = node.Failed
		}
		events = slices.Insert(slices.Clone(events), rapid.IntRange(0, len(events)).Draw(t, "at"), o)
	}
	for i := range events {
		events[i].Step = i + 1
	}
	return events
}

func historyOf(c *runtime.Cluster, faulty node.Set, events []runtime.Observed) runtime.History {
	h := runtime.History{Cluster: c, Faulty: faulty}
	for _, e := range events {
		h.Observe(e)
	}
	return h
}

// A dated span has a place by which it takes effect or never does, -1 if there is none.
type dated struct {
	span
	by int
}

// datedSpans lists the operations that may have happened, of events with crashes among them.
func datedSpans(c *runtime.Cluster, faulty node.Set, events []runtime.Observed) []dated {
	var all []dated
	open := map[int]int{}
	for at, e := range events {
		i, ok := open[e.Instance]
		switch {
		case e.Kind == node.Invoked:
			open[e.Instance] = len(all)
			all = append(all, dated{span{client: c.Instances()[e.Instance].Name, op: e.Operation, from: at, to: -1, faulty: faulty.Has(e.Instance)}, -1})
		case !ok:
		case e.Kind == node.Returned:
			all[i].to, all[i].result = at, e.Value
			delete(open, e.Instance)
		case e.Kind == node.Aborted:
			all[i].aborted = !all[i].faulty
			delete(open, e.Instance)
		case all[i].by < 0 && !all[i].faulty: // a crash, or code that fails
			all[i].by = at
		}
	}
	return slices.DeleteFunc(all, func(s dated) bool { return s.aborted })
}

// strictlyExplained tries every order of every choice of operations that has all which returned.
func strictlyExplained(all []dated) bool {
	legal := func(order []dated) bool {
		plain := make([]span, len(order))
		for i, s := range order {
			plain[i] = s.span
			late := func(earlier dated) bool { return !earlier.faulty && s.by < earlier.from }
			if s.by >= 0 && slices.ContainsFunc(order[:i], late) {
				return false
			}
		}
		return legal(plain)
	}
	return someOrder(all, legal)
}

// The verdict is that of the oracle, which tries all orders; so is that of a monitor after each
// event, whatever the model.
func TestStrictAgainstAllOrders(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	cut := 0
	models := []check.Model{check.Register(), modelOf(t, "cas"), check.Keyed(check.Register())}
	rapid.Check(t, func(t *rapid.T) {
		events := crashing(t, drawEvents(t, 4, 5, 30))
		faulty := rapid.SampledFrom([]node.Set{0, 0, node.SetOf(4)}).Draw(t, "faulty")
		model := models[rapid.IntRange(0, len(models)-1).Draw(t, "model")]
		if model.Key != nil {
			for i, e := range events {
				key := []any{"x", "y"}[rapid.IntRange(0, 1).Draw(t, "key")]
				if e.Kind != node.Invoked {
					continue
				}
				if events[i].Operation.Arg = key; e.Operation.Name == "write" {
					events[i].Operation.Arg = node.ArgumentsOf(map[string]any{"key": key, "value": e.Operation.Arg})
				}
			}
		}
		p := check.StrictlyLinearizable(model)
		m, state, bad := check.MonitorOf(p, c, faulty, 0), "", false
		state = m.Start()
		for n := range len(events) + 1 {
			all, want := datedSpans(c, faulty, events[:n]), true
			on := map[any][]dated{}
			for _, s := range all {
				key := any(nil)
				if model.Key != nil {
					key = model.Key(s.op)
					if args, ok := s.op.Arg.(node.Arguments); ok {
						s.op.Arg = args.Map()["value"]
					} else {
						s.op.Arg = nil
					}
				}
				on[key] = append(on[key], s)
			}
			for _, some := range on { // it is local
				want = want && strictlyExplained(some)
			}
			v := judge(t, p, historyOf(c, faulty, events[:n]))
			if v.Holds != want || v.Holds == (v.Why != "") || strings.Contains(v.Why, "not found out") {
				t.Fatalf("after %d events: %+v, want %t", n, v, want)
			}
			if n > 0 {
				state = next(t, m, state, events[n-1:n])
			}
			if bad = bad || !want; m.Violated(state) != bad {
				t.Fatalf("after %d events: monitored violated %t, want %t; state %s", n, m.Violated(state), bad, state)
			}
			if slices.ContainsFunc(all, func(s dated) bool { return s.by >= 0 }) {
				cut++
			}
		}
	})
	if cut == 0 {
		t.Error("no crash cut an operation short")
	}
}

// What a crash cuts short does not take effect later.
func TestStrictlyLinearizable(t *testing.T) {
	c := cluster(t)
	for _, test := range []struct{ name, history, why, witness string }{
		{"never", "c1 write red; c1 crashes; c2 read; c2 returns", "", "c2 read() = nil"},
		{"before", "c1 write red; c1 crashes; c2 read; c2 returns red; c3 read; c3 returns red", "", `c1 write("red") (before a crash cut it short) c2 read() = "red" c3 read() = "red"`},
		{"later", "c1 write red\nc1 crashes\nc2 read; c2 returns\nc2 read; c2 returns red",
			`c2 read() returned "red" in step 4 after c1 write("red") was cut short by a crash in step 2 and c2 read() had returned nil in step 3; no order of the operations explains that. nil would have been right`, ""},
		{"later, and its code failed", "c1 write red\nc1 fails boom\nc2 read; c2 returns\nc2 read; c2 returns red",
			`c2 read() returned "red" in step 4 after c1 write("red") was cut short by a crash in step 2 and`, ""},
		{"later, while it runs", "c1 write red; c2 read; c2 returns; c2 read; c2 returns red; c1 crashes", "", `c2 read() = nil c1 write("red") (before a crash cut it short) c2 read() = "red"`},
		{"later, and it comes back", "c1 write red\nc1 crashes\nc2 read; c2 returns\nc1 returns",
			`c1 write("red") returned nil in step 4 (under way at a crash in step 2) after c2 read() had returned nil in step 3; no order of the operations explains that`, ""},
		{"given up, and no crash", "c1 write red; c1 read; c1 returns; c2 read; c2 returns red", "", `c1 read() = nil c1 write("red") (never returned) c2 read() = "red"`},
	} {
		h := historyOf(c, 0, parse(t, c, test.history))
		v := judge(t, check.StrictlyLinearizable(check.Register()), h)
		if v.Holds != (test.why == "") || !strings.HasPrefix(v.Why, test.why) || strings.Join(v.Witness, " ") != test.witness {
			t.Errorf("%s: got %+v\nwant why %q, witness %q", test.name, v, test.why, test.witness)
		}
		m := check.MonitorOf(check.StrictlyLinearizable(check.Register()), c, 0, 0)
		state := m.Start()
		for _, e := range parse(t, c, test.history) {
			state = next(t, m, state, []runtime.Observed{e})
		}
		if m.Violated(state) != (test.why != "") || !check.SeesCrashes(m) {
			t.Errorf("%s: monitored violated %t, state %s", test.name, m.Violated(state), state)
		}
		if v := judge(t, check.Linearizable(), h); !v.Holds {
			t.Errorf("%s: it is not even linearizable: %+v", test.name, v)
		}
	}
}

// If clients take each other's names, so do they in what is remembered of crashes.
func TestStrictMonitorsRename(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	m := check.MonitorOf(check.StrictlyLinearizable(modelOf(t, "cas")), c, 0, 0).(check.Renamable)
	rapid.Check(t, func(t *rapid.T) {
		events := crashing(t, drawEvents(t, 4, 12, 30))
		names := rapid.Permutation([]int{4, 5, 6, 7}).Draw(t, "names")
		to := func(i int) int { return names[i-4] }
		plain, renamed := m.Start(), m.Start()
		for _, e := range events {
			plain = next(t, m, plain, []runtime.Observed{e})
			e.Instance = to(e.Instance)
			renamed = next(t, m, renamed, []runtime.Observed{e})
			if got := m.Rename(plain, to); got != renamed {
				t.Fatalf("%s renamed is %s, want %s", plain, got, renamed)
			}
		}
	})
}
