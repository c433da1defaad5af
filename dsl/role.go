package dsl

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/twinsh/twinsh/dsl/internal/guard"
	"github.com/twinsh/twinsh/runtime"
)

// handlerSteps bounds how long a handler runs, in steps of the interpreter.
const handlerSteps = 10_000_000

// A role is the code of replicas or of clients: handlers by event.
type role struct {
	handlers   map[string]starlark.Callable
	persistent []string
}

// Events that are no messages, and what calls their handlers.
var events = []string{"round", "timeout", "exchange", "invoke"}

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
				name, strings.Join(events, ", "))
		}
	}
	return r, nil
}

// A scriptProtocol is a protocol whose nodes are written in Starlark. It implements
// runtime.Protocol. Handlers may run at the same time, each on a thread of its
// own: all that they share is frozen (see surface), and nobody assigns variables
// of a script while a builtin of it runs.
type scriptProtocol struct {
	name      string
	replica   *role
	client    *role // nil if there are no clients
	symmetric bool
	in        *Interpreter // that of the script

	mu      sync.Mutex
	surface *surface // what the handlers see of the script, once there are nodes
	types   []string // of messages, once a filter named one
	fresh   sync.Map // nodeKey -> encoded starting state
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
// Whoever makes nodes hands out the same slices each time.
type nodeKey struct {
	id      string
	f       int
	servers *string
	n       int
	program *runtime.Operation
	length  int
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
func (p *scriptProtocol) NewServer(self runtime.Self) (runtime.Node, error) {
	return p.newNode(p.replica, self, nil)
}

// NewClient makes a client.
func (p *scriptProtocol) NewClient(self runtime.Self, program []runtime.Operation) (runtime.Node, error) {
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
			if kind, handles := strings.CutPrefix(name, "on_"); handles && !slices.Contains(events, kind) {
				p.types = append(p.types, kind)
			}
		}
	}
	if p.surface != nil {
		p.types = append(p.types, p.surface.sent()...)
	}
	return p.types
}

func (p *scriptProtocol) newNode(r *role, self runtime.Self, program []runtime.Operation) (runtime.Node, error) {
	n := &scriptNode{protocol: p, role: r, self: self, program: program}
	key := nodeKey{self.ID, self.F, first(self.Servers), len(self.Servers), first(program), len(program)}
	if b, ok := p.fresh.Load(key); ok {
		n.encoded = b.([]byte)
		return n, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.surface == nil {
		s, err := p.in.surface(append(p.replica.functions(), p.client.functions()...)...)
		if err != nil {
			return nil, fmt.Errorf("protocol %s: %w", p.name, err)
		}
		p.surface = s
	}
	if err := n.init(); err != nil {
		return nil, err
	}
	p.fresh.Store(key, n.encoded)
	return n, nil
}

// A scriptNode is one node: attributes, which are its state, and a role.
type scriptNode struct {
	protocol *scriptProtocol
	role     *role
	self     runtime.Self
	program  []runtime.Operation

	encoded []byte // the state, if attrs is nil
	attrs   map[string]starlark.Value
	out     *runtime.Reaction // while a handler runs
}

// React runs the handler of the event.
func (n *scriptNode) React(e runtime.Event, out *runtime.Reaction) {
	name, arg, err := n.dispatch(e)
	if err == nil && arg == nil {
		// Nobody is interested.
		if e.Kind == runtime.RoundEvent || e.Kind == runtime.MessageEvent {
			out.FailWith(runtime.Failure{Message: n.missing(name)})
		} else {
			out.Refuse(n.missing(name))
		}
		return
	}
	if err == nil {
		if changed := n.protocol.surface.changed(); changed != "" {
			err = n.failed(name, fmt.Errorf("the variable %s was assigned since the protocol was first used; what handlers depend on must not change, so make the protocol anew", changed))
		}
	}
	if err == nil {
		n.out = out
		err = n.call(name, arg...)
		n.out = nil
	}
	if err != nil {
		out.FailWith(failureOf(err))
	}
}

func (n *scriptNode) missing(name string) string {
	return fmt.Sprintf("protocol %s has no handler %s; its role has %s", n.protocol.name, name, strings.Join(n.role.names(), ", "))
}

// dispatch finds the name of the handler and its arguments beside self; the
// arguments are nil if there is no such handler.
func (n *scriptNode) dispatch(e runtime.Event) (name string, args []starlark.Value, err error) {
	args = []starlark.Value{}
	switch e.Kind {
	case runtime.MessageEvent:
		m, err := receive(e.From, e.Message)
		if err != nil {
			return "", nil, err
		}
		name, args = "on_"+m.kind, append(args, m)
	case runtime.RoundEvent:
		name, args = "on_round", append(args, roundValue(e.Round))
	case runtime.TimeoutEvent:
		name = "on_timeout"
	case runtime.ExchangeEvent:
		name = "on_exchange"
	case runtime.InvokeEvent:
		name, args = "on_invoke", append(args, operation(e.Operation))
	}
	if _, ok := n.role.handlers[name]; !ok {
		args = nil
	}
	return name, args, nil
}

// call runs a handler and encodes the state that it leaves.
func (n *scriptNode) call(name string, args ...starlark.Value) error {
	v, err := n.callValue(name, args...)
	if err != nil {
		return err
	}
	if v != starlark.None {
		return n.failed(name, fmt.Errorf("it returns a %s, and nothing is done with that; the attributes of self are the state, and self.send and self.broadcast send", v.Type()))
	}
	b, err := n.append(nil)
	if err != nil {
		return n.failed(name, err)
	}
	n.encoded, n.attrs = b, nil
	return nil
}

// A codeError says that a function that a script hands over failed, and where.
// Of a handler that is a finding, of the others a mistake of the script.
type codeError struct {
	message string
	place   syntax.Position // not valid if it is not known
	calls   starlark.CallStack
	cause   error
}

func (e *codeError) Error() string {
	if e.place.IsValid() {
		return fmt.Sprintf("%s (%s)", e.message, e.place)
	}
	return e.message
}

// Unwrap returns the error of the function.
func (e *codeError) Unwrap() error { return e.cause }

// failed says where the code of a node failed.
func (n *scriptNode) failed(name string, err error) error {
	return newCodeError(fmt.Sprintf("protocol %s: %s at %s", n.protocol.name, name, n.self.ID), n.role.handlers[name], err)
}

func newCodeError(of string, function starlark.Callable, err error) *codeError {
	e := &codeError{message: fmt.Sprintf("%s: %v", of, err), cause: err}
	var inner *codeError
	if errors.As(err, &inner) {
		e.message = of + ": " + inner.message
	}
	if fn, ok := function.(*starlark.Function); ok {
		e.place = fn.Position()
	}
	var eval *starlark.EvalError
	if errors.As(err, &eval) {
		e.calls = eval.CallStack
		// The innermost frame that is in a script, not in a builtin.
		for _, f := range slices.Backward(eval.CallStack) {
			if f.Pos.Line > 0 {
				e.place = f.Pos
				break
			}
		}
	}
	return e
}

// failureOf tells the simulation of an error of a handler.
func failureOf(err error) runtime.Failure {
	var e *codeError
	if !errors.As(err, &e) {
		return runtime.Failure{Message: err.Error()}
	}
	f := runtime.Failure{Message: e.message}
	if e.place.IsValid() {
		f.Place = e.place.String()
	}
	if len(e.calls) > 1 {
		f.Calls = callsText(e.calls)
	}
	return f
}

// callValue runs a function of the role on a fresh thread.
func (n *scriptNode) callValue(name string, args ...starlark.Value) (starlark.Value, error) {
	if err := n.load(); err != nil {
		return nil, err
	}
	thread := &starlark.Thread{Name: name, Print: func(_ *starlark.Thread, msg string) {
		if n.out != nil {
			n.out.Note(msg)
		}
	}}
	if n.out != nil {
		watch(thread, n.out.Context(), handlerSteps)
	} else {
		thread.SetMaxExecutionSteps(handlerSteps)
	}
	v, err := starlark.Call(thread, n.role.handlers[name], append(starlark.Tuple{&self{n}}, args...), nil)
	if err == nil {
		return v, nil
	}
	var eval *starlark.EvalError
	if errors.As(err, &eval) {
		switch {
		case thread.ExecutionSteps() >= handlerSteps:
			eval.Msg = fmt.Sprintf("it did not end within %d steps", handlerSteps)
		case strings.Contains(eval.Msg, " frozen "):
			eval.Msg += "; nothing but the attributes of self can be changed"
		}
	}
	return nil, n.failed(name, err)
}

// watchedSteps is after how many steps a thread looks whether its context has
// ended: some tenths of a millisecond. Asking costs less than to have the context
// cancel the thread, because most handlers end before.
const watchedSteps = 1 << 14

// watch bounds a thread by a context and by a number of steps.
func watch(thread *starlark.Thread, ctx context.Context, most uint64) {
	thread.SetMaxExecutionSteps(min(most, watchedSteps))
	thread.OnMaxSteps = func(thread *starlark.Thread) {
		switch taken := thread.ExecutionSteps(); {
		case ctx.Err() != nil:
			thread.Cancel("interrupted")
		case taken >= most:
			thread.Cancel("too many steps")
		default:
			thread.SetMaxExecutionSteps(min(most, taken+watchedSteps))
		}
	}
}

// init gives the node its first state.
func (n *scriptNode) init() error {
	n.attrs = map[string]starlark.Value{}
	if _, ok := n.role.handlers["init"]; ok {
		return n.call("init")
	}
	var err error
	n.encoded, err = n.append(nil)
	return err
}

// load decodes the state, if that has not been done yet.
func (n *scriptNode) load() error {
	if n.attrs != nil {
		return nil
	}
	v, rest, err := decodeValue(n.encoded)
	if err != nil {
		return err
	}
	d, ok := v.(*starlark.Dict)
	if !ok || len(rest) > 0 {
		return errEncoding
	}
	n.attrs = make(map[string]starlark.Value, d.Len())
	for _, item := range d.Items() {
		name, ok := item[0].(starlark.String)
		if !ok {
			return errEncoding
		}
		n.attrs[string(name)] = item[1]
	}
	return nil
}

// append encodes the state as a dict from name to value, sorted by name.
func (n *scriptNode) append(b []byte) ([]byte, error) {
	b = binary.AppendUvarint(append(b, tagDict), uint64(len(n.attrs)))
	for _, name := range n.attrNames() {
		var err error
		if b, err = appendValue(appendText(append(b, tagString), name), n.attrs[name]); err != nil {
			return nil, fmt.Errorf("self.%s %w", name, err)
		}
	}
	return b, nil
}

// AppendBinary encodes the state.
func (n *scriptNode) AppendBinary(b []byte) ([]byte, error) {
	if n.attrs == nil {
		return append(b, n.encoded...), nil
	}
	return n.append(b)
}

// UnmarshalBinary restores the state; it is decoded when it is needed.
func (n *scriptNode) UnmarshalBinary(b []byte) error {
	n.encoded, n.attrs = b, nil
	return nil
}

// Restart keeps the persistent attributes. An error of init is that of making
// the node, which was made before.
func (n *scriptNode) Restart() {
	if err := n.load(); err != nil {
		panic(err)
	}
	kept := n.attrs
	if err := n.init(); err != nil {
		panic(err)
	}
	if err := n.load(); err != nil {
		panic(err)
	}
	for _, name := range n.role.persistent {
		if v, ok := kept[name]; ok {
			n.attrs[name] = v
		}
	}
}

func (n *scriptNode) attrNames() []string {
	names := make([]string, 0, len(n.attrs))
	for name := range n.attrs {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Rebase runs the role's rebase function, if there is one.
func (n *scriptNode) Rebase(by int) bool {
	if _, ok := n.role.handlers["rebase"]; !ok {
		return false
	}
	if err := n.call("rebase", starlark.MakeInt(by)); err != nil {
		n.protocol.in.mistaken(err)
		return false
	}
	return true
}

// Summary is what the role's show function returns, or all attributes. That
// show fails is a mistake of the script.
func (n *scriptNode) Summary() string {
	if err := n.load(); err != nil {
		return err.Error()
	}
	if _, ok := n.role.handlers["show"]; ok {
		v, err := n.callValue("show")
		if err != nil {
			n.protocol.in.mistaken(err)
			return "?"
		}
		if s, ok := starlark.AsString(v); ok {
			return s
		}
		return v.String()
	}
	return fieldText(n.attrNames(), n.attrs)
}

// Fields lists the attributes.
func (n *scriptNode) Fields() []runtime.Field {
	if n.load() != nil {
		return nil
	}
	var fields []runtime.Field
	for _, name := range n.attrNames() {
		v, err := toComparable(n.attrs[name])
		if err != nil {
			v = n.attrs[name].String()
		}
		fields = append(fields, runtime.Field{Name: name, Value: v})
	}
	return fields
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
			if len(c.args) > 0 {
				return nil, fmt.Errorf("role: functions are given by keyword, as in role(on_round = on_round)")
			}
			r, err := newRole(c.kwargs)
			if err != nil {
				return nil, err
			}
			return r, r.check(c.in())
		},
	}
}

func protocolEntry() Entry {
	return Entry{
		Signature: "protocol(name, replica, client=None, symmetric=False)",
		Doc: `A protocol whose nodes are written in the script.
With symmetric = True it promises that it treats identities alike, so that a search may take scenarios that differ only in names for one.`,
		Example: echoExample,
		call: func(c *call) (starlark.Value, error) {
			p := &scriptProtocol{in: c.in()}
			if err := c.unpack(&p.name, &p.replica, &p.client, &p.symmetric); err != nil {
				return nil, err
			}
			return &protocolValue{p, p.name, c.maker(p)}, nil
		},
	}
}
