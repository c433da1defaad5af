package check_test

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/internal/simtest"
	"github.com/twinsh/twinsh/runtime/node"
)

// drawEvents draws what clients may observe of a register that is atomic, but
// now and then tells a lie. Some clients leave their operation and go on with
// another.
func drawEvents(t *rapid.T, clients, operations, steps int) []runtime.Observed {
	return drawEventsOf(t, clients, operations, steps, false)
}

// drawEventsOf is drawEvents in which, if asked for, most values are written once.
func drawEventsOf(t *rapid.T, clients, operations, steps int, once bool) []runtime.Observed {
	values := []any{nil, "red", "blue"}
	type pending struct {
		op      node.Operation
		done    bool
		outcome any
	}
	var (
		events []runtime.Observed
		left   []*pending
		held   any
	)
	open := map[int]*pending{}
	effect := func(p *pending) {
		if p.done {
			return
		}
		p.done = true
		if p.op.Name == "write" {
			held = p.op.Arg
		} else {
			p.outcome = held
		}
	}
	lies := rapid.SampledFrom([]int{0, 3, 15}).Draw(t, "lies")
	for range steps {
		i := 4 + rapid.IntRange(0, clients-1).Draw(t, "client")
		o := runtime.Observed{Step: len(events) + 1, Instance: i}
		p := open[i]
		switch act := rapid.IntRange(0, 15).Draw(t, "act"); {
		case p == nil || act == 0:
			if operations == 0 {
				continue
			}
			operations--
			if p != nil {
				left = append(left, p)
			}
			o.Operation = node.Operation{Name: "read"}
			if rapid.Bool().Draw(t, "write") {
				if once && rapid.IntRange(0, 40).Draw(t, "again") > 0 {
					values = append(values, len(values))
					o.Operation = node.Operation{Name: "write", Arg: values[len(values)-1]}
				} else {
					o.Operation = node.Operation{Name: "write", Arg: rapid.SampledFrom(values[1:]).Draw(t, "value")}
				}
			}
			open[i] = &pending{op: o.Operation}
		case act == 1 && len(left) > 0:
			effect(rapid.SampledFrom(left).Draw(t, "left"))
			continue
		case act == 2:
			if p.done && rapid.IntRange(1, 20).Draw(t, "lie") > lies {
				continue
			}
			delete(open, i)
			o.Kind, o.Value = node.Aborted, ""
		case act < 6:
			effect(p)
			continue
		default:
			effect(p)
			delete(open, i)
			o.Kind, o.Value = node.Returned, p.outcome
			if rapid.IntRange(1, 20).Draw(t, "lie") <= lies {
				o.Value = rapid.SampledFrom(values).Draw(t, "value")
			}
		}
		events = append(events, o)
	}
	return events
}

// A span is an operation as the oracle sees it; to is -1 if it never returned.
type span struct {
	client   string
	op       node.Operation
	from, to int
	result   any
	faulty   bool
	aborted  bool
}

// spans lists the operations that may have happened.
func spans(h runtime.History) []span {
	var all []span
	last := map[int]int{}
	for at, e := range h.Events {
		switch e.Kind {
		case node.Invoked:
			last[e.Instance] = len(all)
			all = append(all, span{client: h.Cluster.Instances()[e.Instance].Name, op: e.Operation, from: at, to: -1, faulty: h.Faulty.Has(e.Instance)})
		case node.Returned:
			s := &all[last[e.Instance]]
			s.to, s.result = at, e.Value
		case node.Aborted:
			s := &all[last[e.Instance]]
			s.aborted = !s.faulty
		}
	}
	return slices.DeleteFunc(all, func(s span) bool { return s.aborted })
}

func (s span) optional() bool { return s.faulty || s.to < 0 }

// explained tries every order of every choice of operations that has all
// which must be there.
func explained(all []span) bool { return someOrder(all, legal) }

func legal(order []span) bool {
	var held any
	for i, s := range order {
		for _, earlier := range order[:i] {
			if !s.optional() && !earlier.faulty && s.to < earlier.from {
				return false
			}
		}
		var result any
		if s.op.Name == "write" {
			held = s.op.Arg
		} else {
			result = held
		}
		if !s.optional() && s.result != result {
			return false
		}
	}
	return true
}

// explainedApart is what Regular and Safe promise.
func explainedApart(all []span, safe bool) bool {
	var writes []span
	for _, s := range all {
		if s.op.Name == "write" {
			s.result = nil // only reads are judged
			writes = append(writes, s)
		}
	}
	overlap := func(a, b span) bool {
		return a.faulty || b.faulty || (a.to < 0 || a.to > b.from) && (b.to < 0 || b.to > a.from)
	}
	for _, r := range all {
		if r.op.Name != "read" || r.optional() {
			continue
		}
		if safe && slices.ContainsFunc(writes, func(w span) bool { return overlap(r, w) }) {
			continue
		}
		if !explained(append(slices.Clone(writes), r)) {
			return false
		}
	}
	return true
}

// The verdicts are those of the oracle, which tries all orders.
func TestJudgeAgainstAllOrders(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	linearizable, regular, safe := check.Linearizable(), check.Regular(), check.Safe()
	rapid.Check(t, func(t *rapid.T) {
		h := runtime.History{Cluster: c, Events: drawEvents(t, 4, 6, 30)}
		h.Faulty = rapid.SampledFrom([]node.Set{0, 0, node.SetOf(4), node.SetOf(0, 4, 5)}).Draw(t, "faulty")
		all := spans(h)
		for _, p := range []struct {
			property check.Property
			want     bool
		}{
			{linearizable, explained(all)},
			{regular, explainedApart(all, false)},
			{safe, explainedApart(all, true)},
		} {
			v := judge(t, p.property, h)
			if v.Holds != p.want || v.Holds == (v.Why != "") || v.Vacuous && !v.Holds {
				t.Fatalf("%s, want %t: %+v", p.property.Name(), p.want, v)
			}
			w := judge(t, p.property, runtime.History{Cluster: c, Events: check.Canonical(h), Faulty: h.Faulty})
			if v.Holds != w.Holds {
				t.Fatalf("%s: another verdict on the canonical history", p.property.Name())
			}
		}
	})
}

// After each event a monitor says what the property says of the history so
// far, and its state does not depend on how the events fell into steps.
func TestMonitorsAgainstJudge(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	for _, p := range []check.Property{check.Linearizable(), check.Regular(), check.Safe(), unmonitored{check.Regular()}} {
		t.Run(p.Name(), func(t *testing.T) {
			m := check.MonitorOf(p, c, 0, 0)
			rapid.Check(t, func(t *rapid.T) {
				events := drawEvents(t, 4, 20, 40)
				states := []string{m.Start()}
				for i, e := range events {
					e.Step = 0
					states = append(states, next(t, m, states[i], []runtime.Observed{e}))
					h := runtime.History{Cluster: c, Events: events[:i+1]}
					if v := judge(t, p, h); v.Holds == m.Violated(states[i+1]) {
						t.Fatalf("%s after %d events: verdict %+v, state %s", p.Name(), i+1, v, states[i+1])
					}
				}
				from := rapid.IntRange(0, len(events)).Draw(t, "from")
				to := rapid.IntRange(from, len(events)).Draw(t, "to")
				if got := next(t, m, states[from], events[from:to]); got != states[to] {
					t.Fatalf("%s: %s in one step, %s in %d", p.Name(), got, states[to], to-from)
				}
			})
		})
	}
}

// steps draws after how many events each step ends.
func steps(t *rapid.T, events []runtime.Observed) (ends []int) {
	for end := 0; end < len(events); {
		end = min(len(events), end+rapid.IntRange(1, 4).Draw(t, "events in a step"))
		ends = append(ends, end)
	}
	return ends
}

// nextOrGiveUp is next of a monitor of linearizability, which does not keep what it takes
// where clients abort writes and faulty replicas write, and says so.
func nextOrGiveUp(t *rapid.T, m check.Monitor, state string, seen []runtime.Observed) (after string, gaveUp bool) {
	after, err := m.Next(t.Context(), state, seen)
	if errors.As(err, new(check.LimitError)) {
		return "", true
	} else if err != nil {
		t.Fatal(err)
	}
	return after, false
}

// Operations of faulty replicas count as those of faulty clients do. A violation
// at the end of a step stands, whatever is written later.
func TestMonitorsOfFaultyReplicas(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	faulty := node.SetOf(0)
	for _, p := range []check.Property{check.Linearizable(), check.Regular(), check.Safe()} {
		t.Run(p.Name(), func(t *testing.T) {
			m := check.MonitorOf(p, c, faulty, 0)
			rapid.Check(t, func(t *rapid.T) {
				events := drawEvents(t, 4, 8, 30)
				for i := range events {
					if events[i].Step = 0; events[i].Instance == 4 {
						events[i].Instance = 0
					}
				}
				state, violated, from := m.Start(), false, 0
				for _, end := range steps(t, events) {
					var gaveUp bool
					if state, gaveUp = nextOrGiveUp(t, m, state, events[from:end]); gaveUp {
						return
					}
					v := judge(t, p, runtime.History{Cluster: c, Events: events[:end], Faulty: faulty})
					if violated = violated || !v.Holds; violated != m.Violated(state) {
						t.Fatalf("%s after %d events: verdict %+v, state %s", p.Name(), end, v, state)
					}
					from = end
				}
			})
		})
	}
}

// committing is a protocol that never aborts an operation.
type committing struct{ simtest.Mute }

func (committing) NeverAborts() bool { return true }

// Where nothing is ever aborted, monitors that rely on it say what the judge says.
func TestMonitorsWhereNothingAborts(t *testing.T) {
	t.Parallel()
	config := cluster(t).Config()
	config.Protocol = committing{}
	c := simtest.Cluster(t, config)
	for _, p := range []check.Property{check.Regular(), check.Safe()} {
		t.Run(p.Name(), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				faulty := rapid.SampledFrom([]node.Set{0, node.SetOf(0)}).Draw(t, "faulty")
				m := check.MonitorOf(p, c, faulty, 0)
				events := slices.DeleteFunc(drawEvents(t, 4, 8, 30), func(o runtime.Observed) bool { return o.Kind == node.Aborted })
				for i := range events {
					if events[i].Step = 0; faulty != 0 && events[i].Instance == 4 {
						events[i].Instance = 0
					}
				}
				state, violated, from := m.Start(), false, 0
				for _, end := range steps(t, events) {
					state = next(t, m, state, events[from:end])
					v := judge(t, p, runtime.History{Cluster: c, Events: events[:end], Faulty: faulty})
					if violated = violated || !v.Holds; violated != m.Violated(state) {
						t.Fatalf("%s after %d events: verdict %+v, state %s", p.Name(), end, v, state)
					}
					from = end
				}
			})
		})
	}
}

// What a replica did before it forgot counts as done by a faulty one from then
// on, and what others did stays what it was.
func TestMonitorsOfForgetfulReplicas(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	for _, p := range []check.Property{check.Linearizable(), check.Regular(), check.Safe()} {
		t.Run(p.Name(), func(t *testing.T) {
			m := check.MonitorOf(p, c, 0, node.SetOf(0, 1, 2)).(check.Forgetful)
			rapid.Check(t, func(t *rapid.T) {
				events := drawEvents(t, 4, 8, 30)
				state, violated, faulty := m.Start(), false, node.Set(0)
				judged := func(n int) {
					v := judge(t, p, runtime.History{Cluster: c, Events: events[:n], Faulty: faulty})
					if violated = violated || !v.Holds; violated != m.Violated(state) {
						t.Fatalf("%s after %d events, faulty %v: verdict %+v, state %s", p.Name(), n, faulty, v, state)
					}
				}
				for i := range events {
					if events[i].Step = 0; events[i].Instance < 6 {
						events[i].Instance -= 4 // A and B operate, beside c3 and c4
					}
				}
				from := 0
				for _, end := range steps(t, events) {
					var gaveUp bool
					if state, gaveUp = nextOrGiveUp(t, m, state, events[from:end]); gaveUp {
						return
					}
					from = end
					judged(end)
					if rapid.IntRange(0, 5).Draw(t, "forgets") > 0 {
						continue
					}
					faulty |= node.SetOf(rapid.IntRange(0, 2).Draw(t, "who"))
					var err error
					if state, err = m.Forget(t.Context(), state, faulty); errors.As(err, new(check.LimitError)) {
						return
					} else if err != nil {
						t.Fatal(err)
					}
					judged(end)
				}
			})
		})
	}
}

// A write of a replica that forgot later may not have taken effect, though it
// returned: a client that reads after it need not see it.
func TestWriteOfReplicaThatForgot(t *testing.T) {
	c := cluster(t)
	event := func(at int, o node.Observation) []runtime.Observed {
		return []runtime.Observed{{Observation: o, Instance: at}}
	}
	for _, p := range []check.Property{check.Linearizable(), check.Regular(), check.Safe()} {
		for _, forgets := range []bool{false, true} {
			m := check.MonitorOf(p, c, 0, node.SetOf(0)).(check.Forgetful)
			write := event(0, node.Observation{Kind: node.Invoked, Operation: node.Operation{Name: "write", Arg: "red"}})
			read := event(4, node.Observation{Kind: node.Invoked, Operation: node.Operation{Name: "read"}})
			state := next(t, m, next(t, m, m.Start(), write), event(0, node.Observation{Kind: node.Returned}))
			if forgets {
				var err error
				if state, err = m.Forget(t.Context(), state, node.SetOf(0)); err != nil {
					t.Fatal(err)
				}
			}
			state = next(t, m, next(t, m, state, read), event(4, node.Observation{Kind: node.Returned}))
			if m.Violated(state) == forgets {
				t.Errorf("%s, if the writer forgets: %t: state %s", p.Name(), forgets, state)
			}
		}
	}
}

// If clients take each other's names, so do they in the states of monitors.
func TestMonitorsRename(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	for _, p := range []check.Property{check.Linearizable(), check.Regular(), check.Safe()} {
		t.Run(p.Name(), func(t *testing.T) {
			m := check.MonitorOf(p, c, 0, 0).(check.Renamable)
			rapid.Check(t, func(t *rapid.T) {
				events := drawEvents(t, 4, 20, 40)
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
		})
	}
}

// unmonitored hides the monitor that a property has.
type unmonitored struct{ check.Property }

func TestAgreementMonitor(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	rapid.Check(t, func(t *rapid.T) {
		h := runtime.History{Cluster: c, Faulty: node.SetOf(2)}
		m := check.MonitorOf(check.Agreement(), c, h.Faulty, 0)
		state := m.Start()
		for range rapid.IntRange(0, 8).Draw(t, "decisions") {
			e := runtime.Observed{Instance: rapid.IntRange(0, 3).Draw(t, "replica")}
			e.Kind, e.Slot = node.Decided, rapid.IntRange(1, 12).Draw(t, "slot")
			e.Value = rapid.SampledFrom([]any{"x", "x", "x", "y", nil}).Draw(t, "value")
			h.Events = append(h.Events, e)
			state = next(t, m, state, []runtime.Observed{e})
			if v := judge(t, check.Agreement(), h); v.Holds == m.Violated(state) {
				t.Fatalf("verdict %+v, state %s", v, state)
			}
		}
	})
}

// Histories with equal futures have one state: what is over leaves no trace.
func TestMonitorsForget(t *testing.T) {
	c := cluster(t)
	for _, test := range []struct {
		name, history, same string
		properties          []check.Property
	}{
		{"an operation that is over", "c1 write red; c1 returns; c2 read; c2 returns red; c1 write blue; c1 returns; c3 write red; c3 returns",
			"c1 write red; c1 returns", []check.Property{check.Linearizable(), check.Regular(), check.Safe()}},
		{"the order of calls", "c1 write red; c2 read; c1 returns", "c2 read; c1 write red; c1 returns",
			[]check.Property{check.Linearizable(), check.Regular(), check.Safe(), unmonitored{check.Linearizable()}}},
		{"a read cut short", "c1 read; c1 read", "c1 read",
			[]check.Property{check.Linearizable(), check.Regular(), check.Safe()}},
		{"who wrote what was cut short", "c1 write red; c2 write blue; c1 read; c2 read", "c1 write blue; c2 write red; c1 read; c2 read",
			[]check.Property{check.Regular(), check.Safe(), check.Linearizable()}},
		{"what was cut short, once anything goes", "c1 write red; c1 read; c1 returns green", "c1 write blue; c1 write red; c1 read; c1 returns red",
			[]check.Property{check.Safe()}},
		{"a second write of the same value", "c1 write red; c3 write red; c1 returns; c2 write blue; c3 returns", "c2 write blue; c3 write red; c3 returns",
			[]check.Property{check.Regular(), check.Safe(), check.Linearizable()}},
		{"whose write was cut short", "c1 write blue; c1 read; c1 returns", "c2 write blue; c2 read; c2 returns",
			[]check.Property{check.Regular(), check.Safe(), check.Linearizable()}},
		{"what was written, if it may be written any time", "c1 write red; c1 read; c1 returns; c2 write red; c3 write blue; c2 returns; c3 returns",
			"c1 write red; c1 read; c1 returns; c3 write blue; c3 returns", []check.Property{check.Regular(), check.Safe()}},
		{"who decided", "A decides x for 1; A decides x for 1", "B decides x for 1", []check.Property{check.Agreement()}},
	} {
		for k, p := range slices.Concat(test.properties, test.properties) {
			mayForget := node.Set(0)
			if k >= len(test.properties) && p != check.Agreement() {
				mayForget = node.SetOf(0) // which does nothing here
			}
			m := check.MonitorOf(p, c, 0, mayForget)
			a := next(t, m, m.Start(), parse(t, c, test.history))
			b := next(t, m, m.Start(), parse(t, c, test.same))
			if a != b || m.Violated(a) {
				t.Errorf("%s, %s: %s and %s", p.Name(), test.name, a, b)
			}
		}
	}
}

// What is judged at the end is judged by who is faulty there: a violation by a replica that forgets
// later is none.
func TestForgettingBeforeTheEnd(t *testing.T) {
	c := cluster(t)
	event := func(at int, o node.Observation) []runtime.Observed {
		return []runtime.Observed{{Observation: o, Instance: at}}
	}
	for _, p := range []check.Property{check.Linearizable(), check.Regular(), check.Safe()} {
		for _, forgets := range []bool{false, true} {
			m := check.MonitorOf(check.AtEnd(p), c, 0, node.SetOf(0))
			state := m.Start()
			for _, seen := range [][]runtime.Observed{
				event(0, node.Observation{Kind: node.Invoked, Operation: node.Operation{Name: "write", Arg: "red"}}),
				event(0, node.Observation{Kind: node.Returned}),
				event(4, node.Observation{Kind: node.Invoked, Operation: node.Operation{Name: "read"}}),
				event(4, node.Observation{Kind: node.Returned}),
			} {
				state = next(t, m, state, seen)
			}
			if forgets {
				var err error
				if state, err = m.(check.Forgetful).Forget(t.Context(), state, node.SetOf(0)); err != nil {
					t.Fatal(err)
				}
			}
			bad := m.Violated(state)
			if e, ok := m.(check.Ending); ok {
				var err error
				if bad, err = e.Ends(t.Context(), state); err != nil {
					t.Fatal(err)
				}
			}
			if bad == forgets {
				t.Errorf("%s at the end, if the writer forgets: %t: violated %t", p.Name(), forgets, bad)
			}
		}
	}
}
