package dsl

import (
	"fmt"
	"strings"
	"testing"
)

// answering is a protocol whose replica gives the answers that a script lists, one after the
// other, to whatever clients ask; what is asked for is the client's program.
const answering = `
def begin(self):
    self.next, self.open = 0, False
def on_exchange(self):
    if self.next == len(self.program):
        self.refuse("has nothing left to do")
        return
    if not self.open:
        self.open = True
        self.invoked(self.program[self.next])
    self.broadcast("ask")
def on_answer(self, m):
    if self.open:
        self.open = False
        self.next += 1
        self.returns(m.value)
def init(self):
    self.given = 0
def on_ask(self, m):
    if self.given < len(answers):
        self.given += 1
        self.send(m.sender, "answer", value = answers[self.given - 1])
p = protocol("asked", replica = role(init = init, on_ask = on_ask), client = role(init = begin, on_exchange = on_exchange, on_answer = on_answer))
def run(clients, order):
    cluster(p, n = 1, f = 0, clients = clients)
    for client in order:
        exchange(client, ["A"])
op = operation
`

// Each model of the library finds what is wrong with the answers, and nothing where they
// are right.
func TestModelsOfTheLibrary(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ model, program, right, wrong, why string }{
		{`"register"`, `op("write", "x"), op("read")`, `None, "x"`, `None, None`, `"x" would have been right`},
		{`"cas"`, `op("cas", old = None, new = 1), op("cas", old = None, new = 2), op("read")`, `True, False, 1`, `True, True, 2`, `False would have been right`},
		{`"counter"`, `op("inc"), op("inc", 2), op("dec"), op("read")`, `None, 3, 2, 2`, `None, 3, 2, 3`, `2 would have been right`},
		{`"queue"`, `op("enqueue", 1), op("enqueue", 2), op("dequeue"), op("dequeue"), op("dequeue")`, `None, True, 1, 2, None`, `None, True, 2, 1, None`, `1 would have been right`},
		{`"stack"`, `op("push", 1), op("push", 2), op("pop"), op("pop"), op("pop")`, `None, True, 2, 1, None`, `None, True, 1, 2, None`, `2 would have been right`},
		{`"set"`, `op("add", 1), op("add", 2), op("remove", 1), op("contains", 1), op("contains", 2)`, `True, None, True, False, True`, `True, None, True, True, True`, `False would have been right`},
		{`"log"`, `op("append", "x"), op("append", "y"), op("read")`, `None, 1, ["x", "y"]`, `None, 1, ["y", "x"]`, `["x", "y"] would have been right`},
		{`"lock"`, `op("acquire"), op("acquire"), op("release"), op("release")`, `True, False, None, False`, `True, True, None, False`, `False would have been right`},
		{`keyed("register")`, `op("write", key = "x", value = 1), op("read", key = "x"), op("read", "y")`, `None, 1, None`, `None, 1, 1`, `None would have been right`},
		{`keyed("counter")`, `op("inc", "x"), op("inc", key = "x", by = 2), op("read", "x")`, `1, 3, 3`, `1, 2, 3`, `3 would have been right`},
		{`keyed("register", key = lambda op: (op.arg.path, operation("write", op.arg.value) if op.name == "write" else operation("read")))`,
			`op("write", path = "x", value = 1), op("read", path = "x"), op("read", path = "y")`, `None, 1, None`, `None, 1, 1`, `None would have been right`},
		{`keyed(model(0, lambda n, op: (n + op.arg.by, n + op.arg.by), name = "a tally"), key = lambda op: op.arg.of[0])`,
			`op("add", of = "xa", by = 1), op("add", of = "xb", by = 2), op("add", of = "y", by = 1)`, `1, 3, 1`, `1, 2, 1`, `3 would have been right`},
		{`keyed(model(0, lambda n, op: (n + 1, n + 1 if op.result else None), name = "a tally"), key = lambda op: (len(op.name), True))`,
			`op("add"), op("inc"), op("count")`, `1, 2, 1`, `1, 1, 1`, `2 would have been right`},
		{`model([], lambda s, op: ([(s + [op.arg], None)] if op.name == "put" else [(s, len(s)), (s, -1)]), name = "a bag")`, `op("put", 1), op("size"), op("size")`, `"whatever", -1, 1`, `"whatever", -1, 2`, `1 or -1 would have been right`},
	} {
		for answers, wrong := range map[string]bool{test.right: false, test.wrong: true} {
			out, err := runScript(t, fmt.Sprintf("answers = [%s]\n", answers)+answering+fmt.Sprintf(`
spec = linearizable(%s)
clients = {"c": [%s]}
run(clients, [])
r = explore(exchanges(reach = [["A"]]) * len(clients["c"]), check = spec)
print(r.ok, r.complete)
if not r.ok:
    print(why(r))
    print(shrink(r).script)
run(clients, ["c"] * len(clients["c"]))
v = judge(spec)
print(v.holds, v.why, v.witness, v.vacuous)
`, test.model, test.program))
			want := []string{"True True\n", "\nTrue  ["}
			if wrong {
				want = []string{"False True\n", test.why, "\ncheck(", "\nFalse "}
			}
			for _, w := range want {
				if !strings.Contains(out, w) && !(w[0] != '\n' && strings.HasPrefix(out, w)) || err != nil {
					t.Errorf("linearizable(%s) with answers %s: %v, no %q in\n%s", test.model, answers, err, w, out)
				}
			}
		}
	}
}

// Where nothing that returned could have returned anything else, it is said.
func TestModelsThatProveNothing(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ model, program, answers, want string }{
		{`"queue"`, `op("dequeue")`, `None`, "it takes an operation that can change a queue and began before some operation returned"},
		{`keyed("cas")`, `op("read", "x")`, `None`, "it takes an operation that can change a compare-and-set register for each key"},
		{`"cas"`, `op("cas", old = 1, new = 2)`, `False`, "proves nothing"},
		{`"queue"`, `op("enqueue", 1)`, ``, "proves nothing"},
		{`"queue"`, `op("enqueue", 1)`, `None`, "holds\n"},
	} {
		out, err := runScript(t, fmt.Sprintf("answers = [%s]\n", test.answers)+answering+
			fmt.Sprintf("run({\"c\": [%s]}, [\"c\"])\ncheck(linearizable(%s))\n", test.program, test.model))
		if err != nil || !strings.Contains(out, test.want) {
			t.Errorf("%s, %s = %s: %v\n%s", test.model, test.program, test.answers, err, out)
		}
	}
}

// What is wrong with a model is said, with its place and what would be right.
func TestBadModels(t *testing.T) {
	t.Parallel()
	const judged = `
answers = [1, 2]
` + answering + `
def judged(m, *ops):
    run({"c": list(ops) or [op("get", 1)]}, ["c"])
    judge(linearizable(m))
`
	for script, want := range map[string]string{
		`linearizable(3)`:                                `linearizable: model: got int, want a model: model(init, step), keyed(…) or one of "register", "cas"`,
		`linearizable("queu")`:                           `no model is called "queu" (did you mean queue?); there are "register"`,
		`linearizable("")`:                               `no model is called ""`,
		`linearizable(None)`:                             `linearizable: model: got NoneType, want a model`,
		`linearizable(agreement())`:                      `linearizable: model: got property, want a model`,
		`linearizable("queue", "stack")`:                 `linearizable: got 2 arguments by position, want at most 1`,
		`linearizable(keys = 1)`:                         `linearizable: no parameter is named keys`,
		`keyed(keyed("cas"))`:                            `keyed: the model is a compare-and-set register for each key already`,
		`keyed()`:                                        `keyed: model is missing`,
		`keyed("cas", 1)`:                                `keyed: key is a int, want a function of an operation`,
		`keyed("cas", key = lambda: 1)`:                  `keyed: key is lambda(), want a function of one parameter, key(op)`,
		`keyed("cas", key = lambda a, b: 1)`:             `keyed: key is lambda(a, b), want a function of one parameter, key(op)`,
		`judged(keyed("cas", key = lambda op: None))`:    `the key of get(1) is None (a path without return?); want a value that differs for each object`,
		`judged(keyed("cas", key = lambda op: print))`:   `the key of get(1) holds a builtin`,
		`judged(keyed("cas", key = lambda op: op.key))`:  `no .key`,
		`judged(keyed("cas", key = lambda op: op.name))`: `get(1), without its key: a compare-and-set register has the operations read(), write(value) and cas(old, new), not get(1)`,
		`judged(keyed("cas", key = lambda op: ("x", op.arg)), op("read"))`: ``,
		`judged(keyed("cas", key = lambda op: answers.append(1)))`:         `cannot append to frozen list; a key cannot change what it sees`,
		`judged(keyed("cas", key = lambda op: world()))`:                   `world: a key is that of the operation that is given, and does not depend on the session`,
		`model(0)`:                                                        `model: step is missing`,
		`model(0, 1)`:                                                     `model: step: got int, want callable`,
		`model(0, lambda s: [])`:                                          `model: step is lambda(s), want a function of two parameters, step(state, op)`,
		`model(print, lambda s, op: [])`:                                  ``,
		`model(lambda x: x, lambda s, op: [])`:                            `function lambda missing 1 argument (x)`,
		`model(lambda: lambda: 0, lambda s, op: [])`:                      `model: the first state holds a function`,
		`model(lambda: 1 // 0, lambda s, op: [])`:                         `floored division by zero`,
		`model(0, lambda s, op: [], name = " ")`:                          `model: name is empty`,
		`judged(model(0, lambda s, op: None))`:                            `a model: step(0, get(1)) returned NoneType, want a list of pairs (next state, result), as in [(state, None)]`,
		`judged(model(0, lambda s, op: [s]))`:                             `returned list, want a list of pairs`,
		`judged(model(0, lambda s, op: [(s, 1, 2)]))`:                     `want a list of pairs`,
		`judged(model(0, lambda s, op: [(print, 1)]))`:                    `returned a next state that holds a builtin`,
		`judged(model(0, lambda s, op: (s, print)))`:                      `returned a result that holds a builtin`,
		`judged(model(0, lambda s, op: fail("no", op.name)))`:             `no get`,
		`judged(model(0, lambda s, op: s[1]))`:                            `unhandled index operation int[int]`,
		`judged(model(0, lambda s, op: op.args))`:                         `no .args`,
		`judged("queue")`:                                                 `a queue has the operations enqueue(value) and dequeue(), not get(1)`,
		`judged("cas", op("cas", old = 1))`:                               `a compare-and-set register has the operation cas(old, new), not cas(old=1)`,
		`judged("cas", op("cas", key = "x", old = None, new = 1))`:        `not cas(key="x", new=1, old=None); with a key it is one of many objects, keyed("cas")`,
		`judged(keyed("cas"), op("cas", key = "x", was = None, new = 1))`: `cas(key="x", new=1, was=None), without its key: a compare-and-set register has the operation cas(old, new), not cas(new=1, was=None)`,
		`judged("register", op("write", key = "x", value = None))`:        `not write(key="x", value=None); with a key it is one of many objects, keyed("register")`,
		`judged(keyed("queue"), op("dequeue"))`:                           `dequeue() names no key; want one, as in dequeue(key = …)`,
		`judged(model(0, lambda s, op: answers.append(1)))`:               `cannot append to frozen list; a model cannot change what it sees`,
		`judged(model(0, lambda s, op: [(s, round("A"))]))`:               `round: a model looks at the state and the operation`,
		`op("cas", 1, new = 2)`:                                           `operation: cas has an argument without a name and others with one; give each a name`,
		`op("cas", old = [])`:                                             `operation: old: got list, want None, a bool, an int, a float or a string`,
	} {
		_, err := runScript(t, judged+script)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", script, err, want)
		}
	}
}

// The function of a model is called once for each state and operation, and a search that
// goes on from a checkpoint has the same model.
func TestModelsAreRemembered(t *testing.T) {
	const search = `answers = [1, 2, 3, 4]
` + answering + `
def step(s, op):
    return (s + 1, s + PLUS)
clients = {"c": [op("get")] * 2, "d": [op("get")] * 2}
run(clients, [])
space = exchanges(reach = [["A"]]) * 4
`
	dir := t.TempDir()
	run := func(plus, rest string) (string, error) {
		t.Helper()
		var out strings.Builder
		in, err := New(Config{Stdout: &out, WriteDir: dir})
		if err != nil {
			t.Fatal(err)
		}
		err = in.Exec(t.Context(), "x.star", strings.ReplaceAll(search+strings.ReplaceAll(rest, "FILE", `"progress"`), "PLUS", plus))
		return out.String(), err
	}
	if _, err := run("1", "explore(space, check = linearizable(model(0, step)), max_worlds = 4, checkpoint = FILE)\n"); err != nil {
		t.Fatal(err)
	}
	const resume = "r = explore(space, check = linearizable(model(INIT, step)), checkpoint = FILE, resume = True)\nprint(r.ok, r.complete)\n"
	for _, test := range []struct{ plus, init, want string }{
		{"2", "0", "the arguments of linearizable to a model"},
		{"1", "1", "the arguments of linearizable to a model"},
		{"1", "lambda: 1 - 1", ""},
	} {
		out, err := run(test.plus, strings.ReplaceAll(resume, "INIT", test.init))
		if test.want == "" {
			if err != nil || out != "True True\n" {
				t.Errorf("resumed: %v\n%s", err, out)
			}
		} else if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("+ %s from %s: %v, want %s", test.plus, test.init, err, test.want)
		}
	}
	const keyed = `
def key(op):
    return "the same" or PLUS
r = explore(space, check = linearizable(keyed(model(0, lambda s, op: (s + 1, s + 1)), key = key)), max_worlds = MOST, checkpoint = "keyed", resume = True)
print(r.ok, r.complete)
`
	for _, test := range []struct{ plus, most, want string }{{"1", "4", ""}, {"2", "1000", "the arguments of linearizable to a model for each key"}, {"1", "1000", ""}} {
		out, err := run(test.plus, strings.ReplaceAll(keyed, "MOST", test.most))
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) || test.most == "1000" && err == nil && out != "True True\n" {
			t.Errorf("a key with %s: %v, want %q\n%s", test.plus, err, test.want, out)
		}
	}
}

// A search keeps what an object may be if its model does not ask what was returned, and else
// whole histories. Both say the same.
func TestModelsInSearches(t *testing.T) {
	t.Parallel()
	out, err := runScript(t, "answers = [1, 2, 3, 4, 4, 5]\n"+answering+`
def step(s, op):
    return (s + 1, s + 1)
def next(op):
    return 1 if op.result == None else 1
def seeing(s, op):
    return (s + next(op), s + 1)
def asking(s, op):
    return (s + 1, getattr(op, "res" + "ult", s + 1))
clients = {"c": [op("get")] * 3, "d": [op("get")] * 3}
run(clients, [])
found = []
for f in [step, seeing, asking]:
    for order in [[], ["c", "d", "c", "d"]]:
        run(clients, order)
        r = explore(exchanges(reach = [["A"]]) * (6 - len(order)), check = linearizable(model(0, f)), first = False)
        found.append((r.worlds, [(v.length, v.scenarios) for v in r.violations]))
print(found[0::2][1][0] > found[0::2][0][0], len(set([str(f[1]) for f in found[0::2]])), len(set([str(f[1]) for f in found[1::2]])))
print(found[0], found[4])
`)
	if want := "True 1 1\n"; err != nil || !strings.HasPrefix(out, want) {
		t.Errorf("%v\n%s", err, out)
	}
}

// What a model says may depend on whether an operation returned, and a search then finds what it does
// without that. A word "open" that is no attribute does not make it keep whole histories.
func TestOpenStepsOfModels(t *testing.T) {
	t.Parallel()
	out, err := runScript(t, parting+`
def never(state, op):  # an open write does not count
    if op.name == "read":
        return state, state
    return state if op.open else op.arg, None
def asked(state, op):
    return (state, state) if op.name == "read" else (state if getattr(op, "open") else op.arg, None)
def plain(state, op):
    if op.name == "open":
        fail("open is no operation")
    return (state, state) if op.name == "read" else (op.arg, None)
for step in [never, asked, plain]:
    spec = linearizable(model(0, step))
    open = explore(invokes(operation("write", 1), "w") + deliveries(hops = 1) + exchanges("r"), check = spec)
    done = explore(invokes(operation("write", 1), "w") + deliveries() + exchanges("r"), check = spec)
    print(step, open.ok, done.ok, open.violations[0].why if open.violations else "")
`)
	const why = `r read() returned 1 in step 3, which no order of the operations explains. 0 would have been right`
	want := "<function never> False True " + why + "\n<function asked> False True " + why + "\n<function plain> True True \n"
	if err != nil || out != want {
		t.Errorf("%v\n%swant\n%s", err, out, want)
	}
}
