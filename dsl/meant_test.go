package dsl

import (
	"strings"
	"testing"
)

// Errors say what would have been right.
func TestErrorsLeadTheRightWay(t *testing.T) {
	const clients = `def f(self, *more):
    pass
cluster(protocol("p", replica = role(on_round = f), client = role(on_exchange = f)), n = 4, f = 1, clients = {"c": []})
`
	handler := func(line string) string {
		return "def on_round(self, round):\n    " + line + "\ncluster(protocol('p', replica = role(on_round = on_round)), n = 1, f = 0)\nround('A')\ncheck()"
	}
	for script, want := range map[string]string{
		"print(0 < 1 < 3)":                                 "(use parens); write a < b and b < c",
		clients + `partition("A", "B")`:                    `each is an argument of its own, as in the example of help("partition")`,
		clients + `deaf("A", "ack")`:                       `deaf: types: got the string "ack", want a list of types of messages, as in ["ack"]`,
		"x = [1]\nx.sort()":                                "list has no .sort field or method; write sorted(list)",
		"x = [1]\nx.push(1)":                               "write list.append(x)",
		"x = [1]\nx.length":                                "write len(x)",
		`"%5.2f" % 1.0`:                                    "unknown conversion %5; conversions have no width",
		`"a" + 1`:                                          `unknown binary op: string + int; write str(x)`,
		"for k, v in {'kk': 1}:\n    pass":                 "for k, v in d.items() takes keys and values",
		"length([1])":                                      "undefined: length; write len(x)",
		"def f(self):\n    self.a = self.b = 0":            "each assignment is a statement of its own",
		clients + "exchanges()[0]":                         "the scenarios of a space are space.at(i)",
		clients + "len(exchanges())":                       "how many scenarios a space has is space.size",
		"if True\n    print(1)":                            "x.star:1:8: got newline, want ':'",
		"def f(x)\n    return x":                           "x.star:1:9: got newline, want ':'",
		handler("self.x = self.leader"):                    "self has no .leader (did you mean round.leader?)",
		handler("self.x = self.name"):                      "self has no .name (did you mean self.id?)",
		handler("self.send(to = 'A', type = 'x', v = 2)"):  "to stands first, without its name: it is self.send(to, type, **fields)",
		handler("self.x = self.sign(1).val"):               "signed has no .val field or method",
		clients + "explore(exchanges(), max_memory = '4')": `4 is less than 1 MiB; give it a unit, as in "4MiB" or "4GiB"`,
	} {
		err := testInterpreter(t, nil).Exec(t.Context(), "x.star", script)
		if err == nil || !strings.Contains(strings.Join(strings.Fields(err.Error()), " "), want) {
			t.Errorf("%s\ngot the error %v, want %q", script, err, want)
		}
	}
}
