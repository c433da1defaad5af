package dsl

import (
	"strings"
	"testing"
)

// TestRoleMistakes defines roles that cannot mean what they say.
func TestRoleMistakes(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"too few parameters": {
			"def on_vote(self): pass\nrole(on_vote = on_vote)",
			"role: on_vote is called with (self, m), which on_vote(self) (x.star:1:1) does not take; write def on_vote(self, m)",
		},
		"too many parameters": {
			"def on_timeout(self, m): pass\nrole(on_timeout = on_timeout)",
			"role: on_timeout is called with (self)",
		},
		"another name": {
			"def begin(r): pass\nrole(on_round = begin)",
			"role: on_round is called with (self, round), which begin(r) (x.star:1:1) does not take; write def on_round(self, round)",
		},
		"by name only": {
			"def on_invoke(self, *, op): pass\nrole(on_invoke = on_invoke)",
			"role: on_invoke is called with (self, op)",
		},
		"in handlers": {
			"role(handlers = {'vote': lambda m: None})",
			"role: on_vote is called with (self, m)",
		},
		"a forgotten self": {
			"def init(self):\n  self.voted = False\ndef on_vote(self, m):\n  voted = True\nrole(init = init, on_vote = on_vote)",
			"role: on_vote assigns the variable voted and never reads it (x.star:4:3); the attribute is written self.voted",
		},
		"a forgotten self in a branch": {
			"def on_a(self, m):\n  self.seen, self.n = m, 1\ndef on_b(self, m):\n  for x in [1, 2]:\n    if x == 1:\n      seen = m\nrole(on_a = on_a, on_b = on_b)",
			"the attribute is written self.seen",
		},
	} {
		err := testInterpreter(t, new(strings.Builder)).Exec(t.Context(), "x.star", c.text+"\n")
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v\nwant %q", name, err, c.want)
		}
	}
}

// TestRoleIsFine defines roles that look odd and are right.
func TestRoleIsFine(t *testing.T) {
	for name, text := range map[string]string{
		"defaults":                "def on_vote(self, m, count = 1): pass\nrole(on_vote = on_vote)",
		"any arguments":           "def any(*args, **more): pass\nrole(on_vote = any, init = any, rebase = any)",
		"a variable that is read": "def on_vote(self, m):\n  voted = True\n  self.voted = voted\nrole(on_vote = on_vote)",
		"read in a function":      "def on_vote(self, m):\n  voted = True\n  def f():\n    return voted\n  self.voted = f()\nrole(on_vote = on_vote)",
		"no attribute":            "def on_vote(self, m):\n  ignored = 1\nrole(on_vote = on_vote)",
		"a parameter":             "def on_vote(self, m):\n  self.m = 1\n  m = 2\n  self.x = m\nrole(on_vote = on_vote)",
	} {
		if err := testInterpreter(t, new(strings.Builder)).Exec(t.Context(), "x.star", text+"\n"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestResultsOfHandlers lets functions of a role return what has no effect.
func TestResultsOfHandlers(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"init": {
			"def init(self): return {'x': 1}\ncluster(protocol('p', replica = role(init = init)), n = 1, f = 0)",
			"init at A: it returns a dict, and nothing is done with that; the attributes of self are the state",
		},
		"a handler": {
			"def on_round(self, round): return [1]\ncluster(protocol('p', replica = role(on_round = on_round)), n = 1, f = 0)\nround('A')\nprint(history())",
			"it returns a list, and nothing is done with that",
		},
	} {
		var out strings.Builder
		err := testInterpreter(t, &out).Exec(t.Context(), "x.star", c.text+"\n")
		got := out.String()
		if err != nil {
			got += err.Error()
		}
		if !strings.Contains(got, c.want) {
			t.Errorf("%s: %s\nwant %q", name, got, c.want)
		}
	}
}
