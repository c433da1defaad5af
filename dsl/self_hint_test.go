package dsl

import (
	"strings"
	"testing"

	"go.starlark.net/starlark"
)

// A handler that forgets self. is shown the attribute that it means.
func TestForgottenSelf(t *testing.T) {
	const role = "def init(self):\n    self.done = False\ndef on_x(self, m):\n    "
	for body, want := range map[string]string{
		"if done: pass":     "undefined: done (did you mean self.done?)",
		`broadcast("x")`:    "undefined: broadcast (did you mean self.broadcast?)",
		"decide(1, 1)":      "undefined: decide (did you mean self.decide?)",
		"print(id)":         "undefined: id (did you mean self.id?)",
		"[n for x in [1]]":  "undefined: n (did you mean self.n?)",
		"pass\nprint(done)": "undefined: done (did you mean None?)", // outside of it
		"print(exchagne)":   "undefined: exchagne (did you mean exchange?)",
	} {
		if _, err := runScript(t, role+body); err == nil || !strings.Contains(err.Error(), want+"\n") {
			t.Errorf("%s: %v, want %q", body, err, want)
		}
	}
	in := testInterpreter(t, nil)
	evalAll(t, in, "def init(self):\n    self.done = False\n")
	err := in.EvalText(t.Context(), "[9]", "def on_x(self, m):\n    print(done)\n", func(starlark.Value) {})
	if err == nil || !strings.Contains(err.Error(), "(did you mean self.done?)") {
		t.Errorf("in a shell: %v", err)
	}
}

// What goes wrong with self or a message says what there is.
func TestMisusedSelf(t *testing.T) {
	for _, c := range []struct{ name, init, body, want string }{
		{"fields by position", "pass", `self.broadcast("x", 1)`, "self.broadcast: got 2 arguments, want 1; it is self.broadcast(type, **fields), as in "},
		{"no type", "pass", `self.send("A", value = 1)`, "want 2; it is self.send(to, type, **fields)"},
		{"no slot", "pass", `self.decide("x")`, "it is self.decide(slot, value) (x.star:5:16)"},
		{"nothing signed", "pass", `self.sign()`, "it is self.sign(value)"},
		{"not set", "self.b, self.a = 1, 2", `self.seen`, "self has no .seen; set it in init, which sets a, b (x.star:5:9)"},
		{"mistyped", "self.done = 1", `self.dnoe`, "self has no .dnoe (did you mean done?); set it in init, which sets done"},
		{"a method", "pass", `self.braodcast("x")`, "self has no .braodcast (did you mean broadcast?)"},
		{"no field", "pass", "m = 1\n    self.broadcast(\"x\", value = m)", "message x has no .val; it has sender, type, value"},
	} {
		script := "def init(self):\n    " + c.init + "\ndef on_round(self, round):\n    x = 1\n    " + c.body + `
def on_x(self, m):
    print(m.val)
cluster(protocol("p", role(init = init, on_round = on_round, on_x = on_x)), n = 1, f = 0)
round("A")`
		got := observed(t, script)
		if len(got) == 0 || !strings.Contains(got[0], c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	got := observed(t, `
def on_round(self, round):
    print(hasattr(self, "seen"), getattr(self, "seen", 1))
    self.seen
cluster(protocol("p", role(on_round = on_round)), n = 1, f = 0)
round("A")`)
	if want := "self has no .seen; set it in init, which this role lacks, as in role(init = init, …)"; len(got) != 1 || !strings.Contains(got[0], want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// A message without a handler is a failure that says where the role was made,
// which handler is meant and where the message is sent, no matter by whom.
func TestUnhandled(t *testing.T) {
	got := observed(t, `
def on_round(self, round):
    self.broadcast("vote")
def on_ping(self, m):
    pass
cluster(protocol("p", role(on_round = on_round, on_ping = on_ping)), n = 1, f = 0)
round("A")`)
	want := "A: protocol p has no handler on_vote, and vote is sent at x.star:3:5; its role has on_ping, on_round (x.star:6:27)"
	if len(got) != 1 || got[0] != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A handler that nothing can call, by a slip of the pen, is found when the system is set
// up; one that is only idle is not, nor where types are computed.
func TestMisspeltHandler(t *testing.T) {
	for _, c := range []struct{ body, roles, want string }{
		{`self.broadcast("vote")`, `role(on_round = on_round, on_vtoe = on_m)`,
			"protocol p: on_vtoe (x.star:7:27) is the handler of messages of the type vtoe, which no function sends (did you mean on_vote?); vote is sent at x.star:3:5, and no role handles it"},
		{`self.broadcast("vote")`, `role(on_ronud = on_m, on_vote = on_m)`, "the type ronud, which no function sends (did you mean on_round?)\n"},
		{`self.broadcast("vote")`, `role(on_round = on_round, on_vote = on_m), client = role(on_invoke = on_m, on_exchagne = on_m)`, "(did you mean on_exchange?)"},
		{`self.broadcast("vote")`, `role(on_round = on_round, on_vote = on_m, on_vote2 = on_m)`, ""},
		{`self.broadcast("vote")`, `role(on_round = on_round, on_vote = on_m, on_ping = on_m)`, ""},
		{`self.broadcast("vo" + "te")`, `role(on_round = on_round, on_vote = on_m, on_vtoe = on_m, on_timeuot = on_m)`, ""},
	} {
		_, err := runScript(t, "\ndef on_round(self, round):\n    "+c.body+"\ndef on_m(self, m):\n    pass\n\ncluster(protocol(\"p\", "+c.roles+"), n = 1, f = 0)\n")
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error()+"\n", c.want)) {
			t.Errorf("%s: %v, want %q", c.roles, err, c.want)
		}
	}
}

// Modules of @std are topics of help.
func TestHelpOfModules(t *testing.T) {
	for _, topic := range []string{"assert", "@std//assert.star"} {
		out, err := runScript(t, `help("`+topic+`")`)
		if err != nil || !strings.Contains(out, "    load(\"@std//assert.star\", \"assert\")\n") || !strings.HasPrefix(out, "@std//assert.star\n    Assertions.") {
			t.Errorf("%s: %v\n%s", topic, err, out)
		}
	}
	if _, err := runScript(t, `help("../assert")`); err == nil {
		t.Error("a path is no module")
	}
}

// What can have no effect, and what is of another shape, is an error that says
// what is right.
func TestArgumentsOfProtocols(t *testing.T) {
	const stage = `
def init(self):
    self.votes = 1
def on_round(self, round):
    self.late = 1
p = protocol("p", role(init = init, on_round = on_round))
cluster(p)
`
	for script, want := range map[string]string{
		`cluster(protocol("p", role(init = init, on_round = on_round, persistent = ["vote"])))`:  `protocol p: persistent names "vote" (did you mean votes?), which no function of the role assigns; init sets votes`,
		`cluster(protocol("p", role(init = init, on_round = on_round, persistent = ["votes"])))`: "",
		`cluster(protocol("p", role(init = init, on_round = on_round, persistent = ["late"])))`:  "", // assigned later
		`cluster(p, n = 0)`:                  "cluster: n is 0, want 1 to 26 servers",
		`cluster(p, n = 0, servers = ["A"])`: "cluster: n is 0, want",
		`cluster(p, n = "4")`:                "cluster: n: got string, want int",
		`cluster(p, n = None)`:               "",
		`cluster(p, servers = ["A", "B"])`:   "",
		`rounds(deaf = ["B", "C"])`:          `rounds: deaf: got a list with "B" in it, want a list of lists, one of which is chosen for each step, as in [[], ["B"]]`,
		`round("A", ["A", "B"])`:             `got a list with the string "A" in it, want a list of groups, as in [["A", "B"], ["C"]]`,
		`round("A'")`:                        `leader: no identity "A'": with ' it names an instance; want its identity, A, which all of them have in common`,
		`rounds(leaders = ["A'"])`:           `want its identity, A,`,
		`twin("A'")`:                         `want its identity, A,`,
		`round("E'")`:                        `no identity "E'"; there are A, B, C, D`,
		`load("assert.star", "assert")`:      `there is no file testdata/modules/assert.star (did you mean testdata/modules/one.star?); twinsh comes with "@std//assert.star"`,
		`load("@std/assert.star", "assert")`: `there is no @std/assert.star (did you mean @std//assert.star?)`,
		`load("nothing.star", "assert")`:     `there is no file testdata/modules/nothing.star`,
	} {
		_, err := runScript(t, stage+script)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", script, err, want)
		}
	}
}
