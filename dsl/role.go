package dsl

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/twinsh/twinsh/dsl/internal/guard"
	"github.com/twinsh/twinsh/dsl/internal/interp"
	"github.com/twinsh/twinsh/dsl/internal/value"
	"github.com/twinsh/twinsh/runtime/node"
)

// A role is the code of replicas or of clients: handlers by event.
type role struct {
	handlers   map[string]starlark.Callable
	persistent []string
	place      syntax.Position // of the call that made it
}

func (r *role) String() string        { return "role(" + strings.Join(r.names(), ", ") + ")" }
func (r *role) Type() string          { return "role" }
func (r *role) Freeze()               {}
func (r *role) Truth() starlark.Bool  { return true }
func (r *role) Hash() (uint32, error) { return 0, fmt.Errorf("unhashable type: role") }

func (r *role) names() []string {
	var names []string
	for name := range r.handlers {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// functions lists the functions of r, which may be nil.
func (r *role) functions() []starlark.Callable {
	var functions []starlark.Callable
	if r != nil {
		for _, name := range r.names() {
			functions = append(functions, r.handlers[name])
		}
	}
	return functions
}

// newRole checks the arguments of role(): init, show, on_…, and a dict of
// handlers by message type.
func newRole(kwargs []starlark.Tuple) (*role, error) {
	r := &role{handlers: map[string]starlark.Callable{}}
	add := func(name string, v starlark.Value) error {
		fn, ok := v.(starlark.Callable)
		if !ok {
			return fmt.Errorf("role: %s is a %s, want a function", name, v.Type())
		}
		if err := guard.Freezable(fn); err != nil {
			return fmt.Errorf("role: %s: %w", name, err)
		}
		if _, twice := r.handlers[name]; twice {
			return fmt.Errorf("role: two handlers for %s: one as a keyword, one in handlers", name)
		}
		r.handlers[name] = fn
		return nil
	}
	for _, kw := range kwargs {
		name := string(kw[0].(starlark.String))
		switch {
		case name == "init" || name == "show" || name == "rebase" || strings.HasPrefix(name, "on_") && len(name) > 3:
			if kw[1] == starlark.None {
				continue
			}
			if err := add(name, kw[1]); err != nil {
				return nil, err
			}
		case name == "handlers":
			d, ok := kw[1].(*starlark.Dict)
			if !ok {
				return nil, fmt.Errorf("role: handlers is a %s, want a dict from message type to function", kw[1].Type())
			}
			for _, item := range d.Items() {
				kind, ok := starlark.AsString(item[0])
				if !ok {
					return nil, fmt.Errorf("role: handlers has the key %s, want the name of a message type", item[0])
				}
				if err := add("on_"+kind, item[1]); err != nil {
					return nil, err
				}
			}
		case name == "persistent":
			if err := (*names)(&r.persistent).Unpack(kw[1]); err != nil {
				return nil, fmt.Errorf("role: persistent: %w", err)
			}
		default:
			return nil, fmt.Errorf("role: unexpected keyword argument %s; want init, show, rebase, persistent, handlers or on_ and an event (%s) or message type",
				name, strings.Join(value.Events, ", "))
		}
	}
	return r, nil
}

// A scriptProtocol is a protocol whose nodes are written in Starlark. It implements
// node.Protocol. Handlers may run at the same time, each on a thread of its
// own: all that they share is frozen (see capturedGlobals), and no variable of a
// script is assigned while a builtin of it runs.
type scriptProtocol struct {
	name      string
	replica   *role
	client    *role // nil if there are no clients
	symmetric bool
	in        *interp.Interpreter // that of the script

	mu       sync.Mutex
	captured *interp.Captured // what the handlers see of the script, once there are nodes
	types    []string         // of messages, once a filter named one
	fresh    sync.Map         // nodeKey -> encoded starting state
}

// Legend is the first line of the docstring of the replicas' show function.
func (p *scriptProtocol) Legend() string {
	show, ok := p.replica.handlers["show"].(*starlark.Function)
	if !ok {
		return ""
	}
	line, _, _ := strings.Cut(strings.TrimSpace(show.Doc()), "\n")
	line = strings.TrimSuffix(line, ".")
	if line != "" {
		line = strings.ToLower(line[:1]) + line[1:]
	}
	return line
}

// A nodeKey tells the nodes of a protocol apart that start in different ways.
// The simulation hands out the same slices each time.
type nodeKey struct {
	id      string
	f       int
	servers *string
	n       int
	program *node.Operation
	length  int
}

func (n *scriptNode) key() nodeKey {
	self := n.self
	return nodeKey{self.ID, self.F, first(self.Servers), len(self.Servers), first(n.program), len(n.program)}
}

func first[T any](list []T) *T {
	if len(list) == 0 {
		return nil
	}
	return &list[0]
}

// Name returns the name that the script gave.
func (p *scriptProtocol) Name() string { return p.name }

// NewServer makes a replica.
func (p *scriptProtocol) NewServer(self node.Self) (node.Node, error) {
	return p.newNode(p.replica, self, nil)
}

// NewClient makes a client.
func (p *scriptProtocol) NewClient(self node.Self, program []node.Operation) (node.Node, error) {
	if p.client == nil {
		return nil, fmt.Errorf("protocol %s has no clients; give it client = role(…)", p.name)
	}
	return p.newNode(p.client, self, program)
}

// MessageTypes lists the types that the roles handle, and those that they send,
// as far as their text names them.
func (p *scriptProtocol) MessageTypes() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.types != nil {
		return p.types
	}
	for _, r := range []*role{p.replica, p.client} {
		if r == nil {
			continue
		}
		for name := range r.handlers {
			if kind, handles := strings.CutPrefix(name, "on_"); handles && !slices.Contains(value.Events, kind) {
				p.types = append(p.types, kind)
			}
		}
	}
	if p.captured != nil {
		p.types = append(p.types, sentTypes(p.captured)...)
	}
	return p.types
}

func (p *scriptProtocol) newNode(r *role, self node.Self, program []node.Operation) (node.Node, error) {
	n := &scriptNode{protocol: p, role: r, self: self, program: program}
	if b, ok := p.fresh.Load(n.key()); ok {
		n.encoded = b.([]byte)
		return n, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.captured == nil {
		s, err := interp.Capture(p.in, append(p.replica.functions(), p.client.functions()...)...)
		if err != nil {
			return nil, fmt.Errorf("protocol %s: %w", p.name, err)
		}
		p.captured = s
	}
	if err := n.init(); err != nil {
		return nil, err
	}
	if err := n.persists(); err != nil {
		return nil, err
	}
	p.fresh.Store(n.key(), n.encoded)
	return n, nil
}

const echoExample = `def on_exchange(self):
    self.broadcast("hello", by = self.id)

def on_hello(self, m):
    self.heard = m.by

echo = protocol("echo", replica = role(on_hello = on_hello), client = role(on_exchange = on_exchange))
cluster(echo, n = 1, f = 0, clients = {"c": []})
exchange("c", ["A"])
print(state("A").heard)`

func roleEntry() Entry {
	return Entry{
		Signature: "role(init=None, show=None, rebase=None, persistent=[], handlers={}, **on)",
		Doc: `The code of replicas or of clients.
It is functions that are called with self when something happens to a node.
on_round(self, round), on_timeout(self), on_exchange(self), on_invoke(self, op), and on_<type>(self, m) for messages of that type, as keywords or as handlers = {type: function}. init(self) sets the first state; they return nothing. show(self) returns a few words on the state for people; what they mean is said in its docstring, which pictures show. rebase(self, by) subtracts by from each round number in the state; it promises that only differences of round numbers matter, and lets live() prove loops. Inputs that the state keeps stay as they are, or go through rebase_input of @std//rounds.star, all of them.
The attributes of self are the state: None, bool, int, float, string, bytes, list, tuple, dict, set, struct, operations and signed values. A restart keeps those named in persistent.
self also has id, n, f, replicas, program and next_leader, and send(to, type, **fields), broadcast(type, **fields), decide(slot, value), invoked(op), returns(value), refuse(why), sign(value) and log(text).
A message has sender, type and its fields; a round has number, leader and input.
The input is what this instance may propose: "1a" in round 1, "1b" for the twin of its leader, "2a" in round 2; "" if it does not lead. No two inputs of a scenario are equal, so that leaders agree only if the protocol makes them.
Handlers must depend on nothing but self and what happened, because each runs once for each different state and event. Global variables that they use cannot be changed any more once the system is set up.`,
		Example: echoExample,
		call: func(c *call) (starlark.Value, error) {
			if len(c.Args) > 0 {
				return nil, fmt.Errorf("role: functions are given by keyword, as in role(on_round = on_round)")
			}
			r, err := newRole(c.Kwargs)
			if err != nil {
				return nil, err
			}
			r.place = c.Place()
			return r, r.check(interpreter(c).scripts)
		},
	}
}

func protocolEntry() Entry {
	return Entry{
		Signature: "protocol(name, replica, client=None, symmetric=False)",
		Doc: `A protocol whose nodes are written in the script.
With symmetric = True it promises that it treats identities the same, so that a search may take scenarios that differ only in names for one.`,
		Example: echoExample,
		call: func(c *call) (starlark.Value, error) {
			p := &scriptProtocol{in: interpreter(c).scripts}
			if err := c.Unpack(&p.name, &p.replica, &p.client, &p.symmetric); err != nil {
				return nil, err
			}
			var handlers []starlark.Value
			for _, h := range append(p.replica.functions(), p.client.functions()...) {
				handlers = append(handlers, h)
			}
			return &protocolValue{p, p.name, interp.Makings(c, handlers...)}, nil
		},
	}
}

// Symmetric says what the protocol declares.
func (p *scriptProtocol) Symmetric() bool { return p.symmetric }

func verifyEntry() Entry {
	return Entry{
		Signature: "verify(signed, by)",
		Doc: `Whether a value was signed by an identity.
If by is a number, whether it was signed by that many identities together (see combine). Only self.sign and combine make signed values, so no one can forge one. A signed value has value and signer, which is an identity or a number.`,
		Example: `print(verify("not signed at all", by = "A"))`,
		pure:    true,
		call: func(c *call) (starlark.Value, error) {
			var v, by starlark.Value
			if err := c.Unpack(&v, &by); err != nil {
				return nil, err
			}
			if !value.IsSigner(by) {
				return nil, fmt.Errorf("verify: by is a %s, want an identity or a number of them", by.Type())
			}
			s, ok := v.(*value.Signed)
			if !ok {
				return starlark.False, nil
			}
			equal, err := starlark.Equal(s.Signer, by)
			return starlark.Bool(equal), err
		},
	}
}

func combineEntry() Entry {
	return Entry{
		Signature: "combine(signed, count)",
		Doc: `Makes a certificate: one value that count identities signed together, of values that each of them signed.
It is a threshold signature: the result says that so many signed, but not who did. None if too few did.`,
		Example: `print(combine([], count = 3))`,
		pure:    true,
		call: func(c *call) (starlark.Value, error) {
			var list starlark.Iterable
			var count int
			if err := c.Unpack(&list, &count); err != nil {
				return nil, err
			}
			if count < 1 {
				return nil, fmt.Errorf("combine: count is %d, want 1 or more", count)
			}
			s, err := value.Combine(list, count)
			switch {
			case err != nil:
				return nil, fmt.Errorf("combine: %w", err)
			case s == nil:
				return starlark.None, nil
			}
			return s, nil
		},
	}
}
