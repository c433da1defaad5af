package check_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/node"
)

// someOrder tries every order of every choice of operations that has all which must be
// there.
func someOrder[S interface{ optional() bool }](all []S, right func(order []S) bool) bool {
	var try func(order, rest []S) bool
	try = func(order, rest []S) bool {
		if !slices.ContainsFunc(rest, func(s S) bool { return !s.optional() }) && right(order) {
			return true
		}
		for i, s := range rest {
			if try(append(slices.Clone(order), s), slices.Delete(slices.Clone(rest), i, i+1)) {
				return true
			}
		}
		return false
	}
	return try(nil, all)
}

// ends reports whether a ended before b began, as far as that is known.
func (s span) ends(b span) bool { return !s.optional() && !b.faulty && s.to < b.from }

// inProgramOrder reports whether an order is one of a register, and each client's own.
func inProgramOrder(order []span) bool {
	var held any
	for i, s := range order {
		for _, earlier := range order[:i] {
			if s.client == earlier.client && s.ends(earlier) {
				return false
			}
		}
		result := held
		if s.op.Name == "write" {
			held, result = s.op.Arg, nil
		}
		if !s.optional() && s.result != result {
			return false
		}
	}
	return true
}

// sequential is what SequentiallyConsistent promises.
func sequential(h runtime.History) bool {
	for end := range h.Events {
		prefix := h
		prefix.Events = slices.Clone(h.Events[:end+1])
		for _, e := range h.Events[end+1:] { // which may have taken effect before
			if e.Kind == node.Invoked && h.Faulty.Has(e.Instance) {
				prefix.Events = append(prefix.Events, e)
			}
		}
		if !someOrder(spans(prefix), inProgramOrder) {
			return false
		}
	}
	return true
}

// inSession is what MonotonicReads and ReadYourWrites promise: some order of the writes is
// right for the reads of each client.
func inSession(all []span, own bool) bool {
	var writes, reads []span
	for _, s := range all {
		if s.op.Name == "write" {
			if !s.optional() && s.result != nil {
				return false
			}
			writes = append(writes, s)
		} else if !s.optional() {
			reads = append(reads, s)
		}
	}
	return someOrder(writes, func(order []span) bool {
		for i, s := range order {
			for _, earlier := range order[:i] {
				if s.ends(earlier) {
					return false
				}
			}
		}
		// from lists the places of writes that a read may read from, -1 before all.
		from := func(r span) (places []int) {
			if r.result == nil {
				places = append(places, -1)
			}
			for i, w := range order {
				if w.op.Arg == r.result && !r.ends(w) {
					places = append(places, i)
				}
			}
			return places
		}
		var session func(least int, rest []span) bool
		session = func(least int, rest []span) bool {
			if len(rest) == 0 {
				return true
			}
			for i, w := range order {
				if own && w.client == rest[0].client && w.ends(rest[0]) {
					least = max(least, i)
				}
			}
			return slices.ContainsFunc(from(rest[0]), func(i int) bool {
				next := i
				if own {
					next = -1
				}
				return i >= least && session(next, rest[1:])
			})
		}
		for _, client := range []string{"c1", "c2", "c3", "c4"} {
			if !session(-1, slices.DeleteFunc(slices.Clone(reads), func(s span) bool { return s.client != client })) {
				return false
			}
		}
		return true
	})
}

// stale is what KAtomic promises.
func stale(k int) func(order []span) bool {
	return func(order []span) bool {
		held := []any{nil}
		for i, s := range order {
			if slices.ContainsFunc(order[:i], func(earlier span) bool { return s.ends(earlier) }) {
				return false
			}
			if s.op.Name == "write" {
				held = append(held, s.op.Arg)
				if !s.optional() && s.result != nil {
					return false
				}
			} else if !s.optional() && !slices.Contains(held[max(0, len(held)-k):], s.result) {
				return false
			}
		}
		return true
	}
}

// The verdicts are those of an oracle that tries all orders, and those of a monitor are
// the same; what is linearizable is all the rest.
func TestConditionsAgainstAllOrders(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	for _, test := range []struct {
		property check.Property
		want     func(runtime.History) bool
	}{
		{check.SequentiallyConsistent(check.Register()), sequential},
		{check.SequentiallyConsistent(plainRegister()), sequential},
		{check.MonotonicReads(check.Register()), func(h runtime.History) bool { return inSession(spans(h), false) }},
		{check.ReadYourWrites(check.Register()), func(h runtime.History) bool { return inSession(spans(h), true) }},
		{check.KAtomic(1), func(h runtime.History) bool { return someOrder(spans(h), stale(1)) }},
		{check.KAtomic(2), func(h runtime.History) bool { return someOrder(spans(h), stale(2)) }},
		{check.KAtomic(3), func(h runtime.History) bool { return someOrder(spans(h), stale(3)) }},
	} {
		t.Run(test.property.Name(), func(t *testing.T) {
			t.Parallel()
			violated, held := 0, 0
			rapid.Check(t, func(t *rapid.T) {
				h := runtime.History{Cluster: c, Events: drawEvents(t, 3, 6, 30)}
				h.Faulty = rapid.SampledFrom([]node.Set{0, 0, 0, node.SetOf(4)}).Draw(t, "faulty")
				v, want := judge(t, test.property, h), test.want(h)
				if v.Holds != want || v.Holds == (v.Why != "") || v.Vacuous && !v.Holds {
					t.Fatalf("%s, want %t: %+v", test.property.Name(), want, v)
				}
				if want {
					held++
				} else {
					violated++
				}
				if judge(t, check.Linearizable(), h).Holds && !v.Holds && h.Faulty == 0 {
					t.Fatalf("%s is violated by what is linearizable: %+v", test.property.Name(), v)
				}
				if w := judge(t, test.property, runtime.History{Cluster: c, Events: check.Canonical(h), Faulty: h.Faulty}); v.Holds != w.Holds {
					t.Fatalf("%s: another verdict on the canonical history", test.property.Name())
				}
			})
			if !testing.Short() && (violated == 0 || held == 0) {
				t.Errorf("%d histories held and %d did not", held, violated)
			}
		})
	}
}

// The objects of different keys are one to sequential consistency, which is not local: here
// each alone is sequentially consistent, and both together are not.
func TestSequentialConsistencyIsNotLocal(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	key := func(name string, values map[string]any) node.Observation {
		return node.Observation{Operation: node.Operation{Name: name, Arg: node.ArgumentsOf(values)}}
	}
	var events []runtime.Observed
	add := func(client int, o node.Observation, result any) {
		events = append(events, runtime.Observed{Observation: o, Instance: client, Step: len(events) + 1},
			runtime.Observed{Observation: node.Observation{Kind: node.Returned, Value: result}, Instance: client, Step: len(events) + 2})
	}
	add(4, key("write", map[string]any{"key": "x", "value": 1}), nil)
	add(4, key("read", map[string]any{"key": "y"}), nil)
	add(5, key("write", map[string]any{"key": "y", "value": 1}), nil)
	add(5, key("read", map[string]any{"key": "x"}), nil)
	both := judge(t, check.SequentiallyConsistent(check.Keyed(check.Register())), runtime.History{Cluster: c, Events: events})
	if both.Holds || !strings.Contains(both.Why, "c2 read(key=\"x\") returned nil in step 8 after") {
		t.Errorf("both: %+v", both)
	}
	for _, k := range []string{"x", "y"} {
		one := runtime.History{Cluster: c}
		for i := 0; i < len(events); i += 2 {
			if events[i].Operation.Arg.(node.Arguments).Map()["key"] == k {
				one.Events = append(one.Events, events[i], events[i+1])
			}
		}
		if v := judge(t, check.SequentiallyConsistent(check.Keyed(check.Register())), one); !v.Holds {
			t.Errorf("%s alone: %+v", k, v)
		}
	}
	set, _ := check.ModelOf("set")
	h := runtime.History{Cluster: c, Events: parse(t, c, "c1 add x\nc1 returns\nc2 contains x\nc2 returns\nc2 contains y\nc2 returns")}
	for i := range h.Events {
		if i == 3 || i == 5 {
			h.Events[i].Value = false
		}
	}
	if v := judge(t, check.SequentiallyConsistent(set), h); !v.Holds {
		t.Errorf("a set: %+v", v)
	}
}

// A fold says in a monitor what it says of the whole history, and its states are few.
func TestFold(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	reds := func(_ context.Context, state any, e check.Event) (any, check.Verdict, error) {
		n := state.(int)
		switch {
		case e.Faulty:
		case e.Kind == node.Returned && e.Name == "read" && e.Result == "red":
			n++
		case e.Kind == node.Aborted && n > 0:
			n--
		}
		return n, check.Verdict{Holds: n < 3, Why: fmt.Sprintf("%d are red", n)}, nil
	}
	p := check.Fold("few are red", 0, reds)
	rapid.Check(t, func(t *rapid.T) {
		faulty := rapid.SampledFrom([]node.Set{0, node.SetOf(4)}).Draw(t, "faulty")
		mayForget := rapid.SampledFrom([]node.Set{0, node.SetOf(0)}).Draw(t, "may forget")
		m := check.MonitorOf(p, c, faulty, mayForget)
		state, events := m.Start(), drawEvents(t, 4, 20, 40)
		for i := range events {
			state = next(t, m, state, events[i:i+1])
			v := judge(t, p, runtime.History{Cluster: c, Events: events[:i+1], Faulty: faulty})
			if v.Holds == m.Violated(state) {
				t.Fatalf("after %d events: %+v, state %s", i+1, v, state)
			}
			if !v.Holds {
				return
			}
		}
	})
	m := check.MonitorOf(p, c, 0, 0)
	a := next(t, m, m.Start(), parse(t, c, "c1 read; c1 returns red; c2 write blue; c2 returns; c1 read"))
	if b := next(t, m, m.Start(), parse(t, c, "c3 write x; c1 read; c3 returns; c1 returns red; c1 read")); a != b {
		t.Errorf("equal states are %s and %s", a, b)
	}
}

// A function of a history is given all operations, with what became of them.
func TestOfHistory(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	var got []check.Operation
	p := check.OfHistory("seen", func(_ context.Context, ops []check.Operation) (check.Verdict, error) {
		got = ops
		return check.Verdict{Holds: true}, nil
	})
	h := runtime.History{Cluster: c, Faulty: node.SetOf(7), Events: parse(t, c, "c1 write red\nc1 returns\nc2 write blue\nc4 read\nc2 aborts no quorum\nc3 read\nc4 returns red")}
	v := judge(t, p, h)
	want := []check.Operation{
		{Operation: node.Operation{Name: "write", Arg: "red"}, Client: "c1", Began: 0, Ended: 1, Crashed: -1},
		{Operation: node.Operation{Name: "write", Arg: "blue"}, Client: "c2", Began: 2, Ended: 4, Aborted: true, Reason: "no quorum", Crashed: -1},
		{Operation: node.Operation{Name: "read"}, Client: "c4", Faulty: true, Began: 3, Ended: 6, Result: "red", Crashed: -1},
		{Operation: node.Operation{Name: "read"}, Client: "c3", Began: 5, Ended: -1, Crashed: -1},
	}
	if !v.Holds || v.Vacuous || !slices.Equal(got, want) {
		t.Errorf("%+v of\n%+v, want\n%+v", v, got, want)
	}
	if !got[0].Before(got[1]) || got[1].Before(got[0]) || got[0].Before(got[2]) || !got[1].Before(got[3]) {
		t.Error("they are not in real-time order")
	}
	if v := judge(t, p, runtime.History{Cluster: c, Events: parse(t, c, "c1 read")}); !v.Vacuous {
		t.Errorf("nothing ended: %+v", v)
	}
	if v := judge(t, p, runtime.History{Cluster: c, Events: parse(t, c, "c1 returns red")}); v.Holds {
		t.Errorf("nothing began: %+v", v)
	}
	seeing := check.SeeingCrashes(p, func() bool { return true })
	for i, p := range []check.Property{p, seeing} {
		judge(t, p, historyOf(c, 0, parse(t, c, "c1 crashes; c1 write red\nc1 crashes; c2 read; c1 crashes; c2 fails boom\nc1 returns")))
		want := []check.Operation{
			{Operation: node.Operation{Name: "write", Arg: "red"}, Client: "c1", Began: 0, Ended: 3, Crashed: -1},
			{Operation: node.Operation{Name: "read"}, Client: "c2", Began: 1, Ended: -1, Crashed: -1},
		}
		if i == 1 {
			want[0].Began, want[0].Crashed, want[0].Ended = 1, 2, 6
			want[1].Began, want[1].Crashed = 3, 5
		}
		if !slices.Equal(got, want) {
			t.Errorf("sees crashes: %t: %+v, want %+v", i == 1, got, want)
		}
	}
}
