package dsl

import (
	"strings"
	"testing"

	"github.com/twinsh/twinsh/kvproto"
	"github.com/twinsh/twinsh/runtime/node"
	"github.com/twinsh/twinsh/stdlib"
)

// What a good network is taken to do, and what counts as owed, in systems with clients.
func TestLivenessWithClients(t *testing.T) {
	// A client keeps on its disk that it began a write, and never begins it again.
	const forgetful = `
def init(self): self.begun = 0
def on_exchange(self):
    if self.begun:
        self.refuse("it has begun")
        return
    self.begun = 1
    self.invoked(operation("write", 1))
    self.broadcast("request")
p = protocol("forgetful", replica = role(on_request = lambda self, m: None),
    client = role(init = init, persistent = ["begun"], on_exchange = on_exchange))
cluster(p, n = 1, f = 0, clients = {"c": []})
`
	for _, test := range []struct{ name, script, want string }{
		{"a restart within a view", forgetful + `
lost = exchanges("c", [["A"]]) + restarts("c")
kept = restarts("c") + exchanges("c", [["A"]])
for space in [lost, view("v", lost), kept, view("v", kept), view("v", restarts("c") + lost)]:
    r = explore(space, check = at_end(terminates(2)))
    run(space.at(0))
    print(len(r.violations), judge(terminates(2)).holds)
    goto(0)`, "0 True\n0 True\n1 False\n1 False\n0 True\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			out, err := runWithLibrary(t, test.script)
			if err != nil || out != test.want {
				t.Errorf("got %v\n%s\nwant\n%s", err, out, test.want)
			}
		})
	}
}

// runWithLibrary runs a script that may load what comes with twinsh, and returns what it prints.
func runWithLibrary(t *testing.T, script string) (string, error) {
	t.Helper()
	var out strings.Builder
	kv := Protocol{Name: "kv", Doc: "A store.", New: func(map[string]any) (node.Protocol, error) { return kvproto.New(kvproto.Options{}), nil }}
	in, err := New(Config{Modules: stdlib.Modules, Protocols: []Protocol{kv}, Stdout: &out})
	if err == nil {
		err = in.Exec(t.Context(), "x.star", script)
	}
	return out.String(), err
}
