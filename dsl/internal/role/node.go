package role

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/starlark"

	"github.com/twinsh/twinsh/dsl/internal/interp"
	"github.com/twinsh/twinsh/dsl/internal/spell"
	"github.com/twinsh/twinsh/dsl/internal/value"
	"github.com/twinsh/twinsh/runtime/node"
)

// One node written in Starlark, as the runtime sees it: [node.Node], and what a node may
// offer beside it (encoding, restart, renaming, rebasing, a summary). This file is the
// border between the two worlds. On the side of the runtime a node is a deterministic
// function from (state, event) to (state, what it did), whose states are bytes that are
// equal if the states are. On the side of the script it is functions with a self whose
// attributes can be assigned. What keeps the promise of the one with the means of the
// other:
//
//   - A state is the canonical encoding of the attributes (package value). It is decoded before a
//     handler runs and encoded after it, so that nothing of a script survives between two events
//     but those bytes: two attributes that hold one list hold two afterwards.
//   - What handlers see beside self is frozen ([interp.Captured]), and a variable of the script that
//     is assigned afterwards is found before the next handler runs. Otherwise a reaction that is
//     remembered could be another than the one that would be played now.
//   - Whatever a handler does it does through node.Reaction, which only exists while it runs.
//   - It is bounded: in steps, which make it fail the same everywhere, and by its context, which
//     makes it end at once with no answer at all.
//
// What goes wrong falls into three kinds. A failure of a handler is a finding about the
// protocol: the node is down for good, and the scenario goes on. An event that a role need
// not handle is refused: the step cannot happen. Anything wrong outside of a reaction
// (init, show, rebase) is a mistake of the script. Tested in role_test.go and
// limits_test.go of dsl.

// handlerSteps bounds how long a handler runs, in steps of the interpreter.
//
// It is no setting, because a failure by it is a finding that a checkpoint counts on: it
// must come at the same event on each machine. It takes a second or so.
const handlerSteps = 10_000_000

// A scriptNode is one node: attributes, which are its state, and a role.
//
// It belongs to one goroutine. What it shares with others is the role, and what the
// handlers see of the script, which is frozen. The engine keeps states as bytes, so a
// call of a handler is: decode, run, encode. Of chained HotStuff that takes some ten
// microseconds, two thirds of which go to Starlark; the engine calls it once for each
// state and event.
type scriptNode struct {
	protocol *Protocol
	role     *Role
	self     node.Self
	program  []node.Operation

	encoded []byte // the state, if attrs is nil
	attrs   map[string]starlark.Value
	out     *node.Reaction // while a handler runs
}

// React runs the handler of the event. An event that a role should have a handler for is
// a failure of the node, one that it may do without is refused: it cannot happen.
//
// The handler is found first, as the type of a message says which. The state is not touched
// if there is none. If the handler fails, the node is down for good, and its state stays
// that of before. The engine forgets a reaction whose context has ended.
func (n *scriptNode) React(e node.Event, out *node.Reaction) {
	name, arg, err := n.dispatch(e)
	if err == nil && arg == nil {
		// There is no handler for it.
		switch heard := e.Kind == node.RoundEvent || e.Kind == node.MessageEvent; {
		case heard && n.protocol.replaces != nil:
			// Code in place of the protocol's need not take what it does not care for.
		case heard:
			out.FailWith(n.unhandled(name))
		default:
			out.Refuse(n.missing(name))
		}
		return
	}
	n.out = out
	defer func() { n.out = nil }()
	if err == nil {
		if changed := n.protocol.captured.Changed(); changed != "" {
			err = n.failed(name, fmt.Errorf("the variable %s was assigned since the protocol was first used; what handlers depend on must not change, so make the protocol anew", changed))
		}
	}
	if err == nil {
		err = n.call(name, arg...)
	}
	if err == nil {
		return
	}
	failure := failureOf(err)
	if coin, _ := out.Lack(); coin != "" {
		out.LackAt(failure.Place)
		return
	}
	out.FailWith(failure)
}

// Attends implements [node.Attentive]: a role without handlers of moments costs nothing.
func (n *scriptNode) Attends(to node.EventKind) bool {
	switch to {
	case node.HopEvent:
		return n.role.handlers["on_hop"] != nil
	case node.QuietEvent:
		return n.role.handlers["on_quiet"] != nil
	}
	return false
}

// It is why a step cannot happen, as a report line or an error of an act shows it.
func (n *scriptNode) missing(name string) string {
	return fmt.Sprintf("protocol %s has no handler %s; its role has %s", n.protocol.name, name, orNothing(n.role.names()))
}

// unhandled is the failure of a node that an event without a handler comes to. It
// does not say who sent the message, so that it is one failure from all senders.
func (n *scriptNode) unhandled(name string) node.Failure {
	kind := strings.TrimPrefix(name, "on_")
	var handled []string
	for _, known := range n.role.names() {
		if known, ok := strings.CutPrefix(known, "on_"); ok {
			handled = append(handled, known)
		}
	}
	hint := ""
	if like := spell.Nearest(kind, handled); like != "" {
		hint = fmt.Sprintf(" (did you mean on_%s?)", like)
	}
	// The walk over captured functions is not safe for several goroutines.
	n.protocol.mu.Lock()
	sent := sentAt(n.protocol.captured, kind)
	n.protocol.mu.Unlock()
	if sent.IsValid() {
		hint += fmt.Sprintf(", and %s is sent at %s", kind, sent)
	}
	f := node.Failure{Message: fmt.Sprintf("protocol %s has no handler %s%s; its role has %s", n.protocol.name, name, hint, orNothing(n.role.names()))}
	if n.role.place.IsValid() {
		f.Place = n.role.place.String()
	}
	return f
}

// dispatch finds the name of the handler and its arguments beside self; the
// arguments are nil if there is no such handler.
//
// A message that was not sent by a script cannot come to a node of one, unless a host mixes
// protocols; that is an error and no panic.
func (n *scriptNode) dispatch(e node.Event) (name string, args []starlark.Value, err error) {
	args = []starlark.Value{}
	switch e.Kind {
	case node.MessageEvent:
		m, err := value.Receive(e.From, e.Message)
		if err != nil {
			return "", nil, err
		}
		name, args = "on_"+m.Kind, append(args, m)
	case node.RoundEvent:
		name, args = "on_round", append(args, roundValue(e.Round))
	case node.TimeoutEvent:
		name = "on_timeout"
	case node.HopEvent:
		name, args = "on_hop", append(args, starlark.MakeInt(e.Hop))
	case node.QuietEvent:
		name = "on_quiet"
	case node.ExchangeEvent:
		name = "on_exchange"
	case node.InvokeEvent:
		name, args = "on_invoke", append(args, value.Operation(e.Operation))
	}
	if _, ok := n.role.handlers[name]; !ok {
		args = nil
	}
	return name, args, nil
}

// call runs a handler and encodes the state that it leaves. If the handler fails, or the
// state cannot be encoded because it is too large or nests too deep, the encoded state is
// still the one of before. That a handler returns something is an error, because what an
// author means by return (answer the sender? be the new state?) is nothing that happens.
func (n *scriptNode) call(name string, args ...starlark.Value) error {
	v, err := n.callValue(name, args...)
	if err != nil {
		return err
	}
	if v != starlark.None {
		return n.failed(name, fmt.Errorf("it returns %s, and nothing is done with that; the attributes of self are the state, and self.send and self.broadcast send", value.Article(v)))
	}
	b, err := n.append(make([]byte, 0, len(n.encoded)+64)) // most handlers change little
	if err != nil {
		return n.failed(name, err)
	}
	n.encoded, n.attrs = b, nil
	return nil
}

// failed says where the code of a node failed. What an event brings about does not say
// at which node, which a report adds: it is one failure at all of them.
func (n *scriptNode) failed(name string, err error) error {
	of := fmt.Sprintf("protocol %s: %s", n.protocol.name, name)
	if n.out == nil {
		of += " at " + n.self.ID
	}
	return interp.NewCodeError(of, n.role.handlers[name], err)
}

// failureOf makes a failure for the simulation of an error of a handler: plain data,
// without values of Starlark, so that it can be compared and kept in checkpoints. Calls are
// given only if there are several; one is the place.
func failureOf(err error) node.Failure {
	var e *interp.CodeError
	if !errors.As(err, &e) {
		return node.Failure{Message: err.Error()}
	}
	f := node.Failure{Message: e.Message}
	if e.Place.IsValid() {
		f.Place = e.Place.String()
	}
	if len(e.Calls) > 1 {
		f.Calls = interp.CallsText(e.Calls)
	}
	return f
}

// callValue runs a function of the role on a fresh thread: a thread that was cancelled,
// or took all its steps, stays so. While a handler runs, its context is looked at.
func (n *scriptNode) callValue(name string, args ...starlark.Value) (starlark.Value, error) {
	if err := n.load(); err != nil {
		return nil, err
	}
	thread := &starlark.Thread{Name: name, Print: func(_ *starlark.Thread, msg string) {
		if n.out != nil {
			n.out.Note(msg)
		}
	}}
	ctx := n.protocol.in.Context() // of the script, for what no event brings about
	if n.out != nil {
		ctx = n.out.Context()
	}
	watch(thread, ctx, handlerSteps)
	v, err := starlark.Call(thread, n.role.handlers[name], append(starlark.Tuple{&self{node: n}}, args...), nil)
	if err == nil {
		return v, nil
	}
	var eval *starlark.EvalError
	if errors.As(err, &eval) {
		switch {
		case thread.ExecutionSteps() >= handlerSteps:
			eval.Msg = fmt.Sprintf("it did not end within %d steps", handlerSteps)
		case strings.HasSuffix(eval.Msg, "comparison exceeded maximum recursion depth"): // in the library's tables
			eval.Msg += "; keys and elements of sets nest ten levels at most; let digest(value) stand for the value"
		case strings.Contains(eval.Msg, " frozen "):
			eval.Msg += "; nothing but the attributes of self can be changed, and what came with a message is copied first, as in list(m.values)"
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

// init gives the node its first state. A role without init has one, with no attributes.
func (n *scriptNode) init() error {
	n.attrs = map[string]starlark.Value{}
	if _, ok := n.role.handlers["init"]; ok {
		return n.call("init")
	}
	var err error
	n.encoded, err = n.append(nil)
	return err
}

// load decodes the state, if that has not been done yet. What is decoded is fresh and not
// frozen.
func (n *scriptNode) load() error {
	if n.attrs != nil {
		return nil
	}
	attrs, err := value.DecodeFields(n.encoded)
	if err != nil {
		return err
	}
	n.attrs = attrs
	return nil
}

// append encodes the state as a dict from name to value, sorted by name. Each value was
// encodable when it was assigned, see SetField; a list may have grown since.
func (n *scriptNode) append(b []byte) ([]byte, error) {
	b, err := value.AppendFields(b, n.attrNames(), n.attrs)
	if err != nil {
		return nil, fmt.Errorf("self.%w", err)
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

// UnmarshalBinary restores the state; it is decoded when it is needed. It keeps b, which
// the engine does not change, and never changes it.
func (n *scriptNode) UnmarshalBinary(b []byte) error {
	n.encoded, n.attrs = b, nil
	return nil
}

// Restart keeps the persistent attributes; init sets the others, as for a new node. An
// error of init is that of making the node, which was made before, and so is a panic here.
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

// Rebase runs the role's rebase function, if there is one, and reports whether the state
// has been rebased. An error is a mistake of the script, noted for the builtin that is
// under way: there is no event that could fail.
func (n *scriptNode) Rebase(by int) bool {
	if _, ok := n.role.handlers["rebase"]; !ok {
		return false
	}
	if err := n.call("rebase", starlark.MakeInt(by)); err != nil {
		n.protocol.in.Mistaken(err)
		return false
	}
	return true
}

// Summary is what the role's show function returns, or all attributes. That show fails is a
// mistake of the script. It is called while pictures are drawn and by worlds of scripts,
// never by a search.
func (n *scriptNode) Summary() string {
	if err := n.load(); err != nil {
		return err.Error()
	}
	if _, ok := n.role.handlers["show"]; ok {
		v, err := n.callValue("show")
		if err != nil {
			n.protocol.in.Mistaken(err)
			return "?"
		}
		if s, ok := starlark.AsString(v); ok {
			return s
		}
		return v.String()
	}
	return fieldText(n.attrNames(), n.attrs)
}

// Fields lists the attributes, in the order of their names. What cannot be made comparable,
// in a state that a handler has just left too large, is shown as text.
func (n *scriptNode) Fields() []node.Field {
	if n.load() != nil {
		return nil
	}
	var fields []node.Field
	for _, name := range n.attrNames() {
		v, err := value.Comparable(n.attrs[name])
		if err != nil {
			v = n.attrs[name].String()
		}
		fields = append(fields, node.Field{Name: name, Value: v})
	}
	return fields
}

// fieldText shows an encoded dict of names and values as name=value pairs.
func fieldText(names []string, values map[string]starlark.Value) string {
	var b strings.Builder
	for i, name := range names {
		if i > 0 {
			b.WriteString(" ")
		}
		fmt.Fprintf(&b, "%s=%s", name, values[name])
	}
	return b.String()
}

// Rename renames identities in the node's state, for symmetry. The identity of the node
// itself is not part of it. Any string that is an identity counts as one; a protocol whose
// strings mean something else must not say that it is symmetric, and searches check what it
// says.
func (n *scriptNode) Rename(to func(string) string) {
	if err := n.load(); err != nil {
		panic(err)
	}
	for name, v := range n.attrs {
		n.attrs[name] = value.Renamed(v, to)
	}
}

// A nodeKey distinguishes nodes of a protocol that start in different ways. The simulation
// hands out the same slices each time, so that their addresses stand for what is in them
// and the key is small; where they were other ones, init would run once more and give the
// same.
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
