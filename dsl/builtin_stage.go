package dsl

import (
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/starlark"

	"github.com/twinsh/twinsh/dsl/internal/interp"
	"github.com/twinsh/twinsh/dsl/internal/role"
	"github.com/twinsh/twinsh/dsl/internal/spell"
	"github.com/twinsh/twinsh/dsl/internal/value"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/node"
)

// Setting up a system: cluster and twin. A system is a [runtime.Cluster], which never
// changes; twin makes it anew with one more identity in it. That is why twins are declared
// before the first step: worlds belong to the cluster in which they came about.
//
// What can be wrong with a system as a whole (names that clash, too many instances, a
// protocol without clients) [runtime.NewCluster] checks, for hosts in Go, too. Here are the
// types, the words of the language and what was meant.

// stageFamily sets up systems.
func stageFamily() Family {
	return Family{"stage", "who is there", []Entry{
		clusterEntry(), twinEntry(),
	}}
}

func clusterEntry() Entry {
	return Entry{
		Signature: `cluster(protocol, n=None, f=1, servers=None, clients={}, network="lossy")`,
		Doc: `Sets up a system of servers and clients and goes to its start.
There are n servers named A, B, C, …, or those named in servers; without either there are 3f+1, and 2f+1 if the protocol tolerates crashes only. Up to f of them may be faulty.
The clients are a dict from name to the list of operations that the client will carry out.
In a lossy network a message that cannot be delivered is lost; in a held one it waits until it can.`,
		Example: `load("@std//kv.star", "kv", "read", "write")
cluster(kv(), n = 4, f = 1, clients = {"c1": [write("red")], "c2": [read()]})`,
		call: callCluster,
	}
}

// least returns how many servers it takes to stand f faults of the kind that the protocol
// tolerates in an asynchronous system (Bracha and Toueg, "Asynchronous Consensus and Broadcast
// Protocols", J. ACM 1985), as a number and as a formula: 3f+1 for Byzantine ones, 2f+1 for crashes.
func least(p *protocolValue, f int) (n int, formula string) {
	if p.CrashTolerant() {
		return 2*f + 1, "2f+1"
	}
	return 3*f + 1, "3f+1"
}

// callCluster unpacks n as a value, because a missing n is not n = 0. Without n and servers
// there are as many servers as it takes at least. Fewer are allowed, for the search of
// counterexamples; a note says so, once in a session.
//
// The cluster gets a function that writes its steps as this language does (Write). It is
// called as often as there are steps, so that it has to be quick, and by any goroutine, so
// that it must not look at the session.
func callCluster(c *call) (starlark.Value, error) {
	var (
		p       *protocolValue
		given   starlark.Value
		n       int // 0 if it follows from the others
		f       = 1
		servers interp.Names
		clients *starlark.Dict
		network = "lossy"
	)
	if err := c.Unpack(&p, &given, &f, &servers, &clients, &network); err != nil {
		return nil, err
	}
	switch {
	case given != nil:
		if err := starlark.UnpackArg(given, &n); err != nil {
			return nil, fmt.Errorf("cluster: n: %w", err)
		}
		if n < 1 {
			return nil, fmt.Errorf("cluster: n is %d, want 1 to 26 servers", n)
		}
	case servers == nil:
		n, _ = least(p, f)
	}
	in := interpreter(c)
	config := runtime.Config{
		Protocol: p, N: n, F: f, Servers: servers,
		Write: func(a runtime.Action) string { return actionText(in, a) }, Show: shown,
	}
	switch network {
	case "lossy":
	case "held":
		config.Held = true
	default:
		return nil, fmt.Errorf(`cluster: network is %q%s, want "lossy" or "held"`, network, spell.Hint(network, []string{"lossy", "held"}))
	}
	if clients != nil {
		// In the order in which the script names them, which is the order of the instances
		// and of arrival.
		for _, item := range clients.Items() {
			name, ok := starlark.AsString(item[0])
			if !ok {
				return nil, fmt.Errorf(`cluster: clients: got the name %s, want a string, as in {"c1": [read()]}`, item[0])
			}
			program, err := operations(item[1])
			if err != nil {
				return nil, fmt.Errorf("cluster: clients: %s: %w", name, err)
			}
			config.Clients = append(config.Clients, runtime.Client{Name: name, Program: program})
		}
	}
	s, err := moving(c)
	if err != nil {
		return nil, err
	}
	w, err := s.stage(p, config)
	if err != nil {
		return nil, err
	}
	// The system is set up by then: a note is no error, and a session that tries many sizes
	// hears it once.
	made := s.world.Cluster().Config()
	if enough, formula := least(p, f); made.N < enough && !s.warned {
		s.warned = true
		kind := "Byzantine faults"
		if p.CrashTolerant() {
			kind = "crashes"
		}
		fmt.Fprintf(plainOut(interpreter(c)), "note: n = %d is fewer than %s = %d servers; %s of f = %d can be too many for it\n", made.N, formula, enough, kind, f)
	}
	return w, nil
}

// shown is how a script would write a value that a property speaks of.
func shown(v any) string {
	list, ok := v.(check.Sequence)
	if !ok {
		return value.Text(v)
	}
	texts := make([]string, len(list))
	for i, v := range list {
		texts[i] = value.Text(v)
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

// A program is a list; an operation by itself is someOperations' affair.
func operations(v starlark.Value) ([]node.Operation, error) {
	list, ok := v.(starlark.Iterable)
	if !ok {
		return nil, fmt.Errorf("got %s, want a list of operations, as in [read()]", v.Type())
	}
	ops := []node.Operation{}
	for e := range starlark.Elements(list) {
		op, ok := e.(value.Operation)
		if !ok {
			return nil, fmt.Errorf("got a list with %s in it, want operations, as in [read()]", element(e))
		}
		ops = append(ops, node.Operation(op))
	}
	return ops, nil
}

func twinEntry() Entry {
	return Entry{
		Signature: "twin(id, k=None, program=None, replica=None)",
		Doc: `Makes an identity run as k instances of its code, 2 if k is not given: C, C', C'' and so on.
They share its address and its key, so that to others they look like one node that equivocates, omits and forgets. The identity counts as faulty.
The further instances of a client may be given another program than the first. Twins are declared before the first step.
With replica, a role, the identity runs that code in place of the protocol's, in one instance if k is not given: a liar, say, whose code does what correct code never does. It holds the key of its identity and no other; messages and events for which the role has no handler are nothing to it. This is beyond the method of Twins, and reports say so. Nothing corrupts messages on their way: signatures are symbolic, and what is not signed can be sent by code that lies.`,
		Example: `load("@std//kv.star", "kv", "read", "write")
cluster(kv(), clients = {"c1": [write("red")]})
twin("C")
exchange("c1", ["A", "B", "C'"])

def on_round(self, round):
    if round.leader == self.id:
        self.broadcast("value", value = round.number)

def on_value(self, m):
    self.decide(m.value, m.value)

def lies(self, round):
    for i, id in enumerate(self.replicas):
        self.send(id, "value", value = round.number + i)

p = protocol("p", role(on_round = on_round, on_value = on_value))
cluster(p, n = 4)
twin("A", replica = role(on_round = lies))
print(explore(rounds("A"), check = validity(lambda v: v < 2)))`,
		call: callTwin,
	}
}

// callTwin adds to the twins of the current system and stages that anew; clients, programs
// and names stay. The list of twins is clipped before it is appended to, because the
// configuration of the cluster before shares its memory. Whether the identity exists, and
// whether it was twinned already, is checked by the new cluster.
func callTwin(c *call) (starlark.Value, error) {
	var (
		id      string
		given   starlark.Value
		program starlark.Value
		replica *role.Role
	)
	if err := c.Unpack(&id, &given, &program, &replica); err != nil {
		return nil, err
	}
	k := 2
	if replica != nil {
		k = 1
	}
	if given != nil {
		if err := starlark.UnpackArg(given, &k); err != nil {
			return nil, fmt.Errorf("twin: k: %w", err)
		}
	}
	w, err := worldOf(c)
	if err != nil {
		return nil, err
	}
	if w.Depth() > 0 {
		return nil, fmt.Errorf("twin: twins are declared before the first step, and %d were taken; undo(%d) goes back", w.Depth(), w.Depth())
	}
	config := w.Cluster().Config()
	switch {
	case k < 1 || k < 2 && replica == nil:
		return nil, fmt.Errorf("twin: k is %d, want at least 2 instances of %s", k, id)
	case slices.ContainsFunc(config.Twins, func(t runtime.Twin) bool { return t.ID == id }):
		return nil, fmt.Errorf("twin: %s is a twin already; give k for more than two copies", id)
	}
	// Without a program the copies run that of the first; with one, all further copies run
	// it.
	t := runtime.Twin{ID: id, Copies: k}
	if program != nil {
		if t.Program, err = operations(program); err != nil {
			return nil, fmt.Errorf("twin: program: %w", err)
		}
	}
	if replica != nil {
		if t.Code, err = otherCode(c, w.Cluster(), id, replica); err != nil {
			return nil, err
		}
	}
	config.Twins = append(config.Twins[:len(config.Twins):len(config.Twins)], t)
	s, err := moving(c)
	if err != nil {
		return nil, err
	}
	return s.stage(s.protocol, config)
}

// otherCode makes the code that an identity runs in place of the protocol's.
func otherCode(c *call, cl *runtime.Cluster, id string, r *role.Role) (node.Protocol, error) {
	in := cl.Config().Protocol.(*protocolValue) // every world of a script has one
	p, ok := in.Protocol.(*role.Protocol)
	if !ok {
		return nil, fmt.Errorf("twin: replica: %s is written in Go, so that its messages are no values of scripts; a role can stand in for one of a protocol(…)", in.call)
	}
	var handlers []starlark.Value
	for _, h := range r.Functions() {
		handlers = append(handlers, h)
	}
	return &protocolValue{p.Replaced(r), id + " of " + in.call, interp.Makings(c, handlers...)}, nil
}
