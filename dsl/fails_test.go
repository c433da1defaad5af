package dsl

import (
	"fmt"
	"strings"
	"testing"
)

// giving is a protocol whose client carries out an operation as the script says: what
// ends says of its operations, one after the other.
const giving = `
def begin(self):
    self.next = 0
def on_exchange(self):
    self.invoked(self.program[self.next])
    ends[self.next](self)
    self.next += 1
p = protocol("giving", replica = role(), client = role(init = begin, on_exchange = on_exchange))
op = operation
`

// What aborts is shown as such everywhere, and counts as never having happened.
func TestFails(t *testing.T) {
	t.Parallel()
	out, err := runScript(t, "ends = [lambda self: self.fails(\"no quorum\"), lambda self: self.returns(\"red\")]\n"+giving+`
cluster(p, n = 1, f = 0, clients = {"c": [op("write", "red"), op("read")]})
exchange("c", ["A"])
print([(e.kind, getattr(e, "reason", None)) for e in history()])
print(why())
exchange("c", ["A"])
print(show())
print(show("messages"))
for property in [linearizable(), regular(), safe()]:
    print(judge(property).why)
`)
	for _, want := range []string{
		`[("invoked", None), ("aborted", "no quorum")]`,
		"c aborts: no quorum",
		`c write "red" (step 1): aborts: no quorum.`,
		`Just enough for c to abort, since it began: the exchange.`,
		`c read() returned "red" in step 2 after c write("red") had aborted in step 1; no order of the operations explains that. None would have been right`,
		`c read() returned "red" in step 2, but c write("red") aborted in step 1, which means that it did not happen`,
	} {
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("%v: no %q in\n%s", err, want, out)
		}
	}
}

// A search finds that a value is read whose write was aborted, before the read or after it,
// and nothing where none is.
func TestSearchOfAborted(t *testing.T) {
	t.Parallel()
	for read, want := range map[string]string{
		`"red"`: "False False False\n4 4 4\n",
		"None":  "True True True\n",
	} {
		out, err := runScript(t, `
def begin(self):
    self.turns = 0
def on_exchange(self):
    self.turns += 1
    if self.turns == 1:
        self.invoked(self.program[0])
    elif self.turns > 2:
        self.refuse("is done")
    elif self.program[0].name == "write":
        self.fails()
    else:
        self.returns(`+read+`)
p = protocol("p", replica = role(), client = role(init = begin, on_exchange = on_exchange))
cluster(p, n = 1, f = 0, clients = {"c": [operation("write", "red")], "d": [operation("read")]})
exchange("c", ["A"])
space = exchanges(reach = [["A"]]) * 3
reports = [explore(space, check = p) for p in [linearizable(), regular(), safe()]]
print(*[r.ok for r in reports])
if not reports[0].ok:
    print(*[r.counterexample.depth for r in reports])
`)
		if err != nil || out != want {
			t.Errorf("read %s: %v\n%s", read, err, out)
		}
	}
}

// How fails is called, and what a node may do with it.
func TestBadFails(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`self.fails(3)`:            `self.fails: for parameter reason: got int, want string; it is self.fails(reason="")`,
		`self.fails("a", "b")`:     `self.fails: got 2 arguments, want at most 1`,
		`self.fails(why = "a")`:    `self.fails: unexpected keyword argument "why"`,
		`self.fails = 1`:           `cannot set self.fails, which every node has`,
		`self.failed("no quorum")`: `did you mean fails?`,
	} {
		_, err := runScript(t, "ends = [None]\n"+strings.Replace(giving, "ends[self.next](self)", body, 1)+`
cluster(p, n = 1, f = 0, clients = {"c": [op("read")]})
exchange("c", ["A"])
`)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", body, err, want)
		}
	}
}

// To end what has not begun, or to begin twice, is a mistake of the code with a place, and
// no violation.
func TestOperationsBeginAndEnd(t *testing.T) {
	t.Parallel()
	for does, want := range map[string]string{
		"self.returns(1)":                          "x.star:4:17: self.returns: no operation is under way: it has ended, as by an answer that came before, or self.invoked(op) was not called",
		"self.fails(\"no\")":                       "self.fails: no operation is under way: it has ended, as by an answer that came before, or self.invoked(op) was not called",
		"self.invoked(op)\n    self.invoked(op)":   "self.invoked: an operation is under way; end it with self.returns(value) or self.fails(reason) first",
		"self.invoked(op)\n    self.returns(None)": "",
		"self.invoked(op)\n    self.fails(\"no\")": "",
		"self.invoked(op)":                         "",
	} {
		out, err := runScript(t, `
def on_invoke(self, op):
    # It may be anything.
    `+does+`
cluster(protocol("p", replica = role(), client = role(on_invoke = on_invoke)), n = 1, f = 0, clients = {"c": []})
r = explore(invokes([operation("write", 1)]), check = linearizable())
print(r, r.ok, ["%s: %s" % (f.place, f.message) for f in r.failures])
`)
		if err != nil || want == "" && !strings.Contains(out, "True []") || want != "" && !strings.Contains(strings.ReplaceAll(out, "protocol p: on_invoke: ", ""), want) || strings.Contains(out, "VIOLATED") {
			t.Errorf("%s: %v, want %q in\n%s", does, err, want, out)
		}
	}
}

// An instance that restarts amid an operation may go on with it, begin another, or have
// forgotten it and hear that it is over. One that restarts amid none has begun none.
func TestOperationsOfThoseThatRestart(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ before, happens, after, want string }{
		{"begin", "restart", "end", "[]"},
		{"begin", "restart", "begin", "[]"},
		{"begin", "amnesia", "end", "[]"},
		{"begin", "crash", "", "[]"},
		{"both", "restart", "end", "no operation is under way"},
		{"begin", "restart", "begin_twice", "an operation is under way"},
		{"begin", "restart", "end_twice", "no operation is under way"},
	} {
		script := `
def on_invoke(self, op):
    for deed in {"begin": "i", "end": "r", "both": "ir", "begin_twice": "ii", "end_twice": "rr"}[op.name].elems():
        if deed == "i":
            self.invoked(op)
        else:
            self.returns(None)
cluster(protocol("p", replica = role(), client = role(on_invoke = on_invoke)), n = 1, f = 0, clients = {"c": []})
invoke("c", operation("` + test.before + `"))
` + test.happens + `("c")
`
		if test.after != "" {
			script += fmt.Sprintf("invoke(\"c\", operation(%q))\n", test.after)
		}
		out, err := runScript(t, script+`print([e.text for e in history() if e.kind == "failed"])`)
		if err != nil || !strings.Contains(out, test.want) {
			t.Errorf("%s, %s, %s: %v, want %q in\n%s", test.before, test.happens, test.after, err, test.want, out)
		}
	}
}

// Why an operation returned does not depend on those before it, be it that code which
// forgets to look would have ended one of these instead: that it began is given.
func TestWhyOfOneOperationOfSeveral(t *testing.T) {
	t.Parallel()
	out, err := runScript(t, `
def on_ask(self, m):
    self.send(m.sender, "answer", value = m.at)
def init(self):
    self.at = 0
def on_exchange(self):
    self.at += 1
    self.invoked(operation("read"))
    self.broadcast("ask", at = self.at)
def on_answer(self, m):
    self.returns(m.value)
cluster(protocol("p", replica = role(on_ask = on_ask), client = role(init = init, on_exchange = on_exchange, on_answer = on_answer)), n = 1, f = 0, clients = {"c": []})
for _ in range(3):
    exchange("c", ["A"])
print(why())
`)
	if want := "Just enough for c to return that, since it began: answer(value=3) from A.\n"; err != nil || !strings.Contains(out, want) {
		t.Errorf("%v, want %q in\n%s", err, want, out)
	}
}
