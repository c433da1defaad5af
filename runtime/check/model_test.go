package check_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/node"
)

// A plainObject is a sequential object as one would write it down first. It changes when it
// is called, and returns what the call may return.
type plainObject func(client string, op node.Operation) []any

// plainList is an observed list.
type plainList struct{ text string }

func (l plainList) Elements() (values []any, ok bool) {
	for _, word := range strings.Fields(l.text) {
		values = append(values, word)
	}
	return values, true
}

func listOf(values []any) plainList {
	var words []string
	for _, v := range values {
		words = append(words, v.(string))
	}
	return plainList{strings.Join(words, " ")}
}

func argument(op node.Operation, name string) any {
	if args, ok := op.Arg.(node.Arguments); ok {
		return args.Map()[name]
	}
	return op.Arg
}

// plainObjects are the models of the library, each with operations that it has.
func plainObjects() map[string]struct {
	fresh func() plainObject
	ops   []node.Operation
} {
	op := func(name string, arg any) node.Operation { return node.Operation{Name: name, Arg: arg} }
	args := func(name string, values map[string]any) node.Operation { return op(name, node.ArgumentsOf(values)) }
	done := []any{nil, true}
	type made = struct {
		fresh func() plainObject
		ops   []node.Operation
	}
	register := func() plainObject {
		var held any
		return func(_ string, op node.Operation) []any {
			switch old := argument(op, "old"); {
			case op.Name == "read":
				return []any{held}
			case op.Name == "write":
				held = argument(op, "value")
				return done
			case held != old:
				return []any{false}
			}
			held = argument(op, "new")
			return []any{true}
		}
	}
	return map[string]made{
		"cas": {register, []node.Operation{
			op("read", nil), op("write", 1), args("write", map[string]any{"value": 2}),
			args("cas", map[string]any{"old": nil, "new": 1}), args("cas", map[string]any{"old": 1, "new": 2}),
		}},
		"counter": {func() plainObject {
			n := 0
			return func(_ string, op node.Operation) []any {
				by, ok := argument(op, "by").(int)
				if !ok {
					by = 1
				}
				switch op.Name {
				case "inc":
					n += by
				case "dec":
					n -= by
				default:
					return []any{n}
				}
				return []any{nil, n}
			}
		}, []node.Operation{op("inc", nil), op("inc", 2), args("dec", map[string]any{"by": 1}), op("read", nil)}},
		"queue": {func() plainObject {
			var q []any
			return func(_ string, op node.Operation) []any {
				if op.Name == "enqueue" {
					q = append(q, op.Arg)
					return done
				}
				if len(q) == 0 {
					return []any{nil}
				}
				first := q[0]
				q = q[1:]
				return []any{first}
			}
		}, []node.Operation{op("enqueue", "a"), op("enqueue", "b"), op("dequeue", nil), op("dequeue", nil)}},
		"stack": {func() plainObject {
			var s []any
			return func(_ string, op node.Operation) []any {
				if op.Name == "push" {
					s = append(s, op.Arg)
					return done
				}
				if len(s) == 0 {
					return []any{nil}
				}
				top := s[len(s)-1]
				s = s[:len(s)-1]
				return []any{top}
			}
		}, []node.Operation{op("push", "a"), op("push", "b"), op("pop", nil), op("pop", nil)}},
		"set": {func() plainObject {
			has := map[any]bool{}
			return func(_ string, op node.Operation) []any {
				was := has[op.Arg]
				switch op.Name {
				case "add":
					has[op.Arg] = true
					return []any{!was, nil}
				case "remove":
					has[op.Arg] = false
					return []any{was, nil}
				}
				return []any{was}
			}
		}, []node.Operation{op("add", "a"), op("add", nil), op("remove", "a"), op("contains", "a"), op("contains", nil)}},
		"log": {func() plainObject {
			var entries []any
			return func(_ string, op node.Operation) []any {
				if op.Name == "append" {
					entries = append(entries, op.Arg)
					return []any{len(entries) - 1, nil, true}
				}
				return []any{listOf(entries)}
			}
		}, []node.Operation{op("append", "a"), op("append", "b"), op("read", nil)}},
		"lock": {func() plainObject {
			holder := ""
			return func(client string, op node.Operation) []any {
				switch {
				case op.Name == "acquire" && holder == "":
					holder = client
				case op.Name == "release" && holder == client:
					holder = ""
				default:
					return []any{false}
				}
				return done
			}
		}, []node.Operation{op("acquire", nil), op("acquire", nil), op("release", nil)}},
		"register of keys": {func() plainObject {
			objects := map[any]plainObject{}
			return func(client string, op node.Operation) []any {
				key := argument(op, "key")
				if objects[key] == nil {
					objects[key] = register()
				}
				if op.Name == "write" {
					objects[key](client, op)
					return []any{nil}
				}
				return objects[key](client, op)
			}
		}, []node.Operation{op("read", "x"), args("read", map[string]any{"key": "y"}), args("write", map[string]any{"key": "x", "value": 1}), args("write", map[string]any{"key": "y", "value": 2})}},
	}
}

func modelOf(t testing.TB, name string) check.Model {
	t.Helper()
	word, keyed := strings.CutSuffix(name, " of keys")
	m, ok := check.ModelOf(word)
	if !ok {
		t.Fatalf("no model is called %s", word)
	}
	if keyed {
		return check.Keyed(m)
	}
	return m
}

// drawCalls draws what clients may observe of an object that is atomic, but now and then
// tells a lie. Some clients leave their operation and go on with another.
func drawCalls(t *rapid.T, object plainObject, ops []node.Operation, operations, steps int) []runtime.Observed {
	type pending struct {
		op      node.Operation
		done    bool
		outcome any
	}
	var events []runtime.Observed
	var seen []any
	open := map[int]*pending{}
	lies := rapid.SampledFrom([]int{0, 2, 8}).Draw(t, "lies")
	for range steps {
		client := 4 + rapid.IntRange(0, 2).Draw(t, "client")
		p := open[client]
		o := runtime.Observed{Step: len(events) + 1, Instance: client}
		effect := func() {
			if !p.done {
				p.done, p.outcome = true, rapid.SampledFrom(object(fmt.Sprint("c", client-3), p.op)).Draw(t, "outcome")
				seen = append(seen, p.outcome)
			}
		}
		switch act := rapid.IntRange(0, 9).Draw(t, "act"); {
		case p == nil || act == 0:
			if operations == 0 {
				continue
			}
			operations--
			o.Operation = rapid.SampledFrom(ops).Draw(t, "operation")
			open[client] = &pending{op: o.Operation}
		case act == 1 && (!p.done || rapid.IntRange(1, 16).Draw(t, "lie") <= lies):
			delete(open, client)
			o.Kind, o.Value = node.Aborted, ""
		case act < 4:
			effect()
			continue
		default:
			effect()
			delete(open, client)
			o.Kind, o.Value = node.Returned, p.outcome
			if rapid.IntRange(1, 16).Draw(t, "lie") <= lies {
				o.Value = rapid.SampledFrom(append(seen, nil, true, false, 1)).Draw(t, "value")
			}
		}
		events = append(events, o)
	}
	return events
}

// orderly reports whether an object may be called in this order, which respects real time.
func orderly(object plainObject, order []span) bool {
	for i, s := range order {
		for _, earlier := range order[:i] {
			if !s.optional() && !earlier.faulty && s.to < earlier.from {
				return false
			}
		}
		if may := object(s.client, s.op); !s.optional() && !slices.Contains(may, s.result) {
			return false
		}
	}
	return true
}

// explainedBy tries every order of every choice of operations that has all which must
// be there.
func explainedBy(fresh func() plainObject, all []span) bool {
	var try func(order, rest []int) bool
	try = func(order, rest []int) bool {
		if !slices.ContainsFunc(rest, func(i int) bool { return !all[i].optional() }) {
			var some []span
			for _, i := range order {
				some = append(some, all[i])
			}
			if orderly(fresh(), some) {
				return true
			}
		}
		for k, i := range rest {
			if try(append(slices.Clone(order), i), slices.Delete(slices.Clone(rest), k, k+1)) {
				return true
			}
		}
		return false
	}
	var rest []int
	for i := range all {
		rest = append(rest, i)
	}
	return try(nil, rest)
}

// The verdicts are those of an oracle that tries all orders on an object which is written
// down in another way. What is named as an explanation is one.
func TestModelsAgainstAllOrders(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	objects := plainObjects()
	for _, name := range slices.Sorted(maps.Keys(objects)) {
		object := objects[name]
		p := check.LinearizableTo(modelOf(t, name))
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			violated, held := 0, 0
			rapid.Check(t, func(t *rapid.T) {
				h := runtime.History{Cluster: c, Events: drawCalls(t, object.fresh(), object.ops, 6, 24)}
				h.Faulty = rapid.SampledFrom([]node.Set{0, 0, 0, node.SetOf(4)}).Draw(t, "faulty")
				all := spans(h)
				want := explainedBy(object.fresh, all)
				if want {
					held++
				} else {
					violated++
				}
				v := judge(t, p, h)
				if v.Holds != want || v.Holds == (v.Why != "") || v.Vacuous && !v.Holds {
					t.Fatalf("%s, want %t: %+v", p.Name(), want, v)
				}
				if w := judge(t, p, runtime.History{Cluster: c, Events: check.Canonical(h), Faulty: h.Faulty}); v.Holds != w.Holds {
					t.Fatalf("%s: another verdict on the canonical history", p.Name())
				}
			})
			if violated == 0 || held == 0 {
				t.Errorf("%d histories held and %d did not", held, violated)
			}
		})
	}
}

// blocking is a lock whose acquire() waits until the lock is free, and which may be lost at
// any time: it cannot always be called, and does not always do the same.
func blocking() check.Model {
	return check.Model{Name: "a lease", Step: func(_ context.Context, holder any, call check.Call) ([]check.Outcome, error) {
		switch {
		case call.Name == "acquire" && holder == nil:
			return []check.Outcome{{Next: call.Client}}, nil
		case call.Name == "acquire":
			return nil, nil
		case call.Name == "use" && holder == call.Client:
			return []check.Outcome{{Next: holder, Result: true}, {Next: nil, Result: false}}, nil
		case call.Name == "use":
			return []check.Outcome{{Next: holder, Result: false}}, nil
		case call.Name == "drop":
			return []check.Outcome{{Next: nil, Any: true}}, nil
		}
		return nil, errors.New("no such operation")
	}}
}

func TestModelsWithChoices(t *testing.T) {
	c := cluster(t)
	for _, test := range []struct{ name, history, want string }{
		{"an open call that can never take effect", "c1 acquire; c2 acquire\nc1 returns\nc1 use\nc1 returns", ""},
		{"one that would have to", "c1 acquire\nc1 returns\nc2 acquire\nc2 returns", "c2 acquire() returned nil in step 4 after c1 acquire() had returned nil in step 2; no order of the operations explains that"},
		{"whatever a call returns", "c1 drop\nc1 returns x", ""},
	} {
		h := runtime.History{Cluster: c, Events: parse(t, c, test.history)}
		for i := range h.Events {
			if h.Events[i].Operation.Name == "" && h.Events[i].Value == nil && i == 4 {
				h.Events[i].Value = true
			}
		}
		if v := judge(t, check.LinearizableTo(blocking()), h); v.Why != test.want {
			t.Errorf("%s: %q, want %q", test.name, v.Why, test.want)
		}
	}
	_, err := check.LinearizableTo(blocking()).Judge(t.Context(), runtime.History{Cluster: c, Events: parse(t, c, "c1 jump\nc1 returns")})
	if err == nil || err.Error() != "no such operation" {
		t.Errorf("an error of the model becomes %v", err)
	}
}

// A model names its operations when it is given another, or one without what it needs.
func TestModelsKnowTheirOperations(t *testing.T) {
	args := func(values map[string]any) any { return node.ArgumentsOf(values) }
	for _, test := range []struct {
		model, name string
		arg         any
		want        string
	}{
		{"register", "cas", nil, "a register has the operations read() and write(value), not cas()"},
		{"register", "write", args(map[string]any{"value": 1}), "not write(value=1)"},
		{"cas", "cas", 1, "a compare-and-set register has the operation cas(old, new), not cas(1)"},
		{"cas", "cas", args(map[string]any{"old": 1}), "not cas(old=1)"},
		{"cas", "cas", args(map[string]any{"old": 1, "new": 2, "key": "x"}), `not cas(key="x", new=2, old=1); with a key it is one of many objects, keyed("cas")`},
		{"counter", "inc", "two", `a counter has the operation inc(by=1), not inc("two")`},
		{"queue", "enqueue", nil, "a queue cannot hold no value: that is what it returns when it is empty"},
		{"queue", "push", 1, "a queue has the operations enqueue(value) and dequeue(), not push(1)"},
		{"lock", "acquire", "x", `a lock has the operation acquire(), not acquire("x")`},
		{"register of keys", "read", nil, "read() names no key; want one, as in read(key = …)"},
		{"register of keys", "write", "x", `write("x"), without its key: a register has the operations read() and write(value), not write()`},
		{"register of keys", "write", args(map[string]any{"value": "x"}), "names no key"},
		{"lock of keys", "acquire", "x", ""},
		{"log of keys", "append", args(map[string]any{"key": 1, "value": 2}), ""},
	} {
		p := check.LinearizableTo(modelOf(t, test.model))
		err := check.Refuses(t.Context(), p, node.Operation{Name: test.name, Arg: test.arg}, node.Text)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %s(%v): %v, want %q", test.model, test.name, test.arg, err, test.want)
		}
	}
}

// Where operations overlap so much that there are too many orders, it is said.
func TestModelsGiveUp(t *testing.T) {
	t.Parallel()
	config := cluster(t).Config()
	for i := range 20 {
		config.Clients = append(config.Clients, runtime.Client{Name: fmt.Sprint("d", i)})
	}
	c, err := runtime.NewCluster(config)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for i := range 20 {
		fmt.Fprintf(&text, "d%d enqueue v%d; ", i, i)
	}
	for i := range 20 {
		fmt.Fprintf(&text, "d%d returns; ", i)
	}
	text.WriteString("c1 dequeue; c1 returns nothing")
	h := runtime.History{Cluster: c, Events: parse(t, c, text.String())}
	_, err = check.LinearizableTo(modelOf(t, "queue")).Judge(t.Context(), h)
	var limit check.LimitError
	if !errors.As(err, &limit) || !strings.Contains(err.Error(), "gave up: with 20 operations that overlap") {
		t.Errorf("the verdict is %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = check.LinearizableTo(modelOf(t, "queue")).Judge(ctx, h); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// After each event a monitor of a model says what the property says of the history so far,
// also where replicas are faulty that have operations of their own.
func TestModelMonitorsAgainstJudge(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	objects := plainObjects()
	for _, name := range slices.Sorted(maps.Keys(objects)) {
		object := objects[name]
		p := check.LinearizableTo(modelOf(t, name))
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			violated, held := 0, 0
			rapid.Check(t, func(t *rapid.T) {
				faulty := rapid.SampledFrom([]node.Set{0, 0, 0, node.SetOf(0)}).Draw(t, "faulty")
				m := check.MonitorOf(p, c, faulty, 0)
				events := drawCalls(t, object.fresh(), object.ops, 8, 30)
				if kept := fmt.Sprintf("%T", m) == "*check.historyMonitor"; kept != (faulty != 0) {
					t.Fatalf("the monitor is a %T", m)
				}
				state, bad := m.Start(), false
				for i, e := range events {
					if e.Step = 0; faulty != 0 && e.Instance == 4 {
						e.Instance = 0
					}
					events[i] = e
					var gaveUp bool // of operations that overlap too much
					if state, gaveUp = nextOrGiveUp(t, m, state, []runtime.Observed{e}); gaveUp {
						return
					}
					v, err := p.Judge(t.Context(), runtime.History{Cluster: c, Events: events[:i+1], Faulty: faulty})
					if errors.As(err, new(check.LimitError)) {
						return
					} else if err != nil {
						t.Fatal(err)
					}
					if bad = bad || !v.Holds; bad != m.Violated(state) {
						t.Fatalf("%s after %d events: verdict %+v, state %s", p.Name(), i+1, v, state)
					}
				}
				if bad {
					violated++
				} else {
					held++
				}
			})
			if !testing.Short() && (violated == 0 || held == 0) {
				t.Errorf("%d histories held and %d did not", held, violated)
			}
		})
	}
}

// serving is a protocol whose servers begin no operations.
type serving struct{ node.Protocol }

func (serving) OnlyServes() bool { return true }

// Whose servers only serve has a monitor with faulty ones, too, which says so if one
// does not.
func TestModelMonitorsOfServers(t *testing.T) {
	t.Parallel()
	config := cluster(t).Config()
	config.Protocol = serving{config.Protocol}
	c, err := runtime.NewCluster(config)
	if err != nil {
		t.Fatal(err)
	}
	m := check.MonitorOf(check.LinearizableTo(modelOf(t, "queue")), c, node.SetOf(0), node.SetOf(1))
	state := next(t, m, m.Start(), parse(t, c, "c1 enqueue a; c1 returns; c2 dequeue; c2 returns a"))
	same := next(t, m, m.Start(), parse(t, c, "c2 enqueue b; c2 returns; c1 dequeue; c1 returns b"))
	if state != same || fmt.Sprintf("%T", m) == "*check.historyMonitor" {
		t.Errorf("%T remembers %s", m, state)
	}
	if _, err := m.Next(t.Context(), state, parse(t, c, "A dequeue")); err == nil || !strings.Contains(err.Error(), "A is faulty and begins dequeue(), but the protocol is known as one whose servers begin no operations") {
		t.Errorf("a server begins an operation: %v", err)
	}
}

// If clients take each other's names, so do they in the states of monitors of models to
// which names are nothing.
func TestModelMonitorsRename(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	objects := plainObjects()
	for _, name := range slices.Sorted(maps.Keys(objects)) {
		object := objects[name]
		m, ok := check.MonitorOf(check.LinearizableTo(modelOf(t, name)), c, 0, 0).(check.Renamable)
		if ok == (name == "lock") {
			t.Errorf("%s: renamable: %t", name, ok)
		}
		if !ok {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				names := rapid.Permutation([]int{4, 5, 6}).Draw(t, "names")
				to := func(i int) int { return names[i-4] }
				plain, renamed := m.Start(), m.Start()
				for _, e := range drawCalls(t, object.fresh(), object.ops, 8, 30) {
					var gaveUp, too bool // of operations that overlap too much
					plain, gaveUp = nextOrGiveUp(t, m, plain, []runtime.Observed{e})
					e.Instance = to(e.Instance)
					if renamed, too = nextOrGiveUp(t, m, renamed, []runtime.Observed{e}); gaveUp != too {
						t.Fatalf("one of %s and %s gives up", plain, renamed)
					} else if gaveUp {
						return
					}
					if got := m.Rename(plain, to); got != renamed || m.Content(got) != m.Content(renamed) {
						t.Fatalf("%s renamed is %s, want %s", plain, got, renamed)
					}
				}
			})
		})
	}
}

// Objects with equal futures are one state: what is over leaves no trace.
func TestModelMonitorsForget(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	for _, test := range []struct{ model, history, same string }{
		{"queue", "c1 enqueue a; c1 returns; c2 dequeue; c2 returns a; c3 enqueue b", "c3 enqueue c; c3 returns; c1 dequeue; c1 returns c; c3 enqueue b"},
		{"cas", "c1 write a; c2 write b; c1 returns; c2 returns; c3 read; c3 returns b", "c1 write b; c1 returns"},
	} {
		m := check.MonitorOf(check.LinearizableTo(modelOf(t, test.model)), c, 0, 0)
		a, b := next(t, m, m.Start(), parse(t, c, test.history)), next(t, m, m.Start(), parse(t, c, test.same))
		if a != b || m.Violated(a) {
			t.Errorf("%s: %s and %s", test.model, a, b)
		}
	}
}
