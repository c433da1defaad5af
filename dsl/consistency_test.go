package dsl

import (
	"fmt"
	"strings"
	"testing"
)

// Each condition on a history finds what it is violated by, with what is to blame, and
// nothing in what is a little better.
func TestConditionsOnHistories(t *testing.T) {
	t.Parallel()
	const two = `{"c": [op("write", 1), op("write", 2)], "d": [op("read"), op("read"), op("read")]}`
	const one = `{"c": [op("write", 1), op("read")]}`
	for _, test := range []struct{ property, clients, order, right, wrong, why string }{
		{`linearizable()`, two, "ccdd", `None, None, 2, 2`, `None, None, 1, 2`, `2 would have been right`},
		{`sequentially_consistent()`, two, "ccdd", `None, None, None, 1`, `None, None, 2, 1`,
			`d read() returned 1 in step 4 after c write(1) had returned in step 1 and d read() had returned 2 in step 3; no order of the operations explains that. 2 would have been right`},
		{`sequentially_consistent("queue")`, `{"c": [op("enqueue", 1), op("enqueue", 2)], "d": [op("dequeue"), op("dequeue")]}`, "ccdd",
			`None, None, None, 1`, `None, None, 2, 1`, `d dequeue() returned 2 in step 3 after c enqueue(1) had returned in step 1`},
		{`monotonic_reads()`, two, "ccddd", `None, None, 1, 1, 2`, `None, None, 2, 2, 1`,
			`d read() returned 1 in step 5 after c write(1) had returned in step 1 and d read() had returned 2 in step 3; no order of the operations explains that. 2 would have been right`},
		{`monotonic_reads(keyed("register"))`, `{"c": [op("write", key = "x", value = 1)], "d": [op("read", "x"), op("read", "y"), op("read", "x")]}`, "cddd",
			`None, 1, None, 1`, `None, 1, None, None`, `1 would have been right`},
		{`read_your_writes()`, one, "cc", `None, 1`, `None, None`, `c read() returned None in step 2 after c write(1) had returned in step 1; no order of the operations explains that. 1 would have been right`},
		{`k_atomic(2)`, two, "ccd", `None, None, 1`, `None, None, None`, `1 or 2 would have been right`},
		{`history("grows", lambda h: all([a.result <= b.result for a in h for b in h if a.name == "read" and b.name == "read" and a.before(b)]) or "it shrinks")`,
			two, "ccddd", `None, None, 1, 1, 2`, `None, None, 1, 2, 1`, "it shrinks"},
		{`history("grows", 0, lambda s, e: (e.result, e.result >= s or "%d after %d" % (e.result, s)) if e.kind == "returned" and e.name == "read" else (s, True))`,
			two, "ccddd", `None, None, 1, 1, 2`, `None, None, 1, 2, 1`, "1 after 2"},
	} {
		for answers, wrong := range map[string]bool{test.right: false, test.wrong: true} {
			out, err := runScript(t, fmt.Sprintf("answers = [%s]\n", answers)+answering+fmt.Sprintf(`
spec = %s
clients = %s
run(clients, %q.elems())
v = judge(spec)
print(v.holds, v.vacuous, v.why)
run(clients, %q.elems())
r = explore(exchanges([%q], reach = [["A"]]), check = spec)
print(r.complete, [s for s in [r.ok] if s] or [why(r), shrink(r).script])
`, test.property, test.clients, test.order, test.order[:len(test.order)-1], test.order[len(test.order)-1:]))
			want := "True False \nTrue "
			if wrong {
				want = test.why
			}
			if err != nil || !strings.Contains(out, want) {
				t.Errorf("%s with answers %s: %v, no %q in\n%s", test.property, answers, err, want, out)
			}
		}
	}
}

// A function of a history is given the operations; what is wrong with it is said.
func TestBadHistories(t *testing.T) {
	t.Parallel()
	const judged = "answers = [1, 2]\n" + answering + `
def judged(*args, **kw):
    run({"c": [op("read"), op("read")]}, ["c", "c"])
    return judge(history(*args, **kw))
`
	for script, want := range map[string]string{
		`history("x")`:                                               `history: fn is a NoneType, want a function of the list of operations`,
		`history(lambda h: True)`:                                    `history: name is a function, want what should hold; it is history(name, fn) or history(name, init, step)`,
		`history(" ", lambda h: True)`:                               `history: name is empty`,
		`history("x", 0)`:                                            `history: fn is an int, want a function`,
		`history("x", 0, 1)`:                                         `history: step is an int, want a function of a state and an event`,
		`history("x", 0, lambda s: s)`:                               `history: step is lambda(s), want a function of two parameters, step(state, event)`,
		`history("x", step = lambda s, e: s)`:                        `history: there is a step and no first state`,
		`history("x", None, lambda s, e: (s, True))`:                 ``,
		`history("x", init = None, step = lambda s, e: (s, True))`:   ``,
		`judged("x", None, lambda s, e: (s, s == None))`:             ``,
		`history("x", init = 0)`:                                     `history: there is a first state and no step`,
		`history("x", 1, lambda s, e: s, init = 0)`:                  `history: fn and init are given`,
		`history("x", lambda: print, lambda s, e: s)`:                `history: the first state holds a builtin`,
		`history("x", lambda: 1 // 0, lambda s, e: s)`:               `floored division by zero`,
		`judged("x", lambda h: None)`:                                `history x: the function returned nothing (a path without return?), want True, False or a text`,
		`judged("x", lambda h: "")`:                                  `which does not say what is wrong`,
		`judged("x", lambda h: h[0].answer)`:                         `has no .answer`,
		`judged("x", lambda h: h[0].before(1))`:                      `it is op.before(other), with another operation of the history`,
		`judged("x", lambda h: fail(h[0], h[1].open))`:               `c read() = 1 False`,
		`judged("x", lambda h: history())`:                           `history: a property of a history looks at the operations that it is given, and not at the session`,
		`judged("x", lambda h: answers.append(1))`:                   `cannot append to frozen list; a property cannot change what it sees`,
		`judged("x", 0, lambda s, e: s)`:                             `step(0, …) returned an int, want a pair (next state, True), or False or a text that says what is wrong in place of True`,
		`judged("x", 0, lambda s, e: (s, True, 3))`:                  `step(0, …) returned 3 values, want a pair`,
		`judged("x", lambda h: h[0].results)`:                        `an operation of a history has no .results (did you mean result?); it has arg, before, begin, client`,
		`judged("x", 0, lambda s, e: (print, True))`:                 `step returned a next state that holds a builtin`,
		`judged("x", 0, lambda s, e: (s, None))`:                     `step returned nothing (a path without return?), want True, False or a text`,
		`judged("x", 0, lambda s, e: (s, e.end))`:                    `struct has no .end attribute; e has arg, client, faulty, kind, name, reason, result`,
		`judged("x", 0, lambda s, e: (s, struct(a = 1).b))`:          `struct has no .b attribute; e has arg,`,
		`judged("x", 0, lambda s, e: (s, struct(a = 1).kind))`:       `struct has no .kind attribute`,
		`judged("x", init = 0, step = lambda s, e: (s, True))`:       ``,
		`world().history("x", lambda h: True)`:                       `there is no`,
		`k_atomic(0)`:                                                `k_atomic: k is 0, want how many values a read may return, from 1 to 64`,
		`k_atomic(1000)`:                                             `k_atomic: k is 1000`,
		`k_atomic("2")`:                                              `k_atomic: k: got string, want int`,
		`monotonic_reads("queue")`:                                   `monotonic_reads: the model is a queue; want "register" or keyed("register")`,
		`read_your_writes(keyed("cas"))`:                             `read_your_writes: the model is a compare-and-set register for each key; want`,
		`sequentially_consistent(1)`:                                 `sequentially_consistent: model: got int, want a model`,
		`sequentially_consistent(model(0, lambda s, op: (s, None)))`: ``,
	} {
		_, err := runScript(t, judged+script)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", script, err, want)
		}
	}
}

// A fold has fewer search nodes than what is given whole histories, and both say the same,
// for any number of workers. A search by either that was cut short is resumed.
func TestHistoriesInSearches(t *testing.T) {
	t.Parallel()
	out, err := runScript(t, "answers = [1, 1, 2, 3] * 2\n"+answering+`
def last(s, e):
    if e.kind != "returned":
        return s, True
    return e.result, e.result >= s or "%d after %d" % (e.result, s)
def whole(h):
    done = sorted([op for op in h if not op.open], key = lambda op: op.end)
    for a, b in zip(done, done[1:]):
        if b.result < a.result:
            return "%d after %d" % (b.result, a.result)
    return True
clients = {"c": [op("read")] * 3, "d": [op("read")] * 3}
run(clients, [])
space = exchanges(reach = [["A"]]) * 6
reports = [explore(space, check = p, workers = n) for p in [history("grows", whole), history("grows", 0, last)] for n in [1, 4]]
print(len(set([str(r.violations[0]) for r in reports])), [r.violations[0].scenarios for r in reports], reports[0].violations[0].why, reports[0].worlds > reports[2].worlds)
r = explore(space, check = history("grows", 0, last), max_worlds = 5)
print(r.complete, explore(exchanges(reach = [["A"]]) * 3, check = [history("grows", whole), history("grows too", 0, last)]).ok)
`)
	if want := "1 [40, 40, 40, 40] 1 after 3 True\nFalse True\n"; err != nil || out != want {
		t.Errorf("%v\n%s", err, out)
	}
}
