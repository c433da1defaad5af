package role

import (
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"

	"github.com/twinsh/twinsh/dsl/internal/guard"
	"github.com/twinsh/twinsh/dsl/internal/spell"
	"github.com/twinsh/twinsh/dsl/internal/value"
	"github.com/twinsh/twinsh/runtime/node"
)

// What a handler holds of its node. self is made for one call of a handler and is worth
// nothing after it: a handler that kept it would have to keep it in the state, where it
// cannot be encoded. Its methods act on the reaction under way; init, show and rebase have
// none, and of the methods only sign, which makes a value and does nothing.
//
// The methods check names and encode values at once. So an error is at the line of the
// script that made it, and what was sent cannot be changed by a handler that goes on with
// the same list. Tested in role_test.go and self_hint_test.go of dsl.

// A self is the node that a handler acts for. Its attributes are the node's state, beside
// those that say who it is and the methods that act. It is used by one goroutine.
type self struct {
	node    *scriptNode
	scratch []byte // for encodings that are made only to see whether they can be
}

func (s *self) String() string        { return fmt.Sprintf("self(%s)", s.node.self.ID) }
func (s *self) Type() string          { return "self" }
func (s *self) Freeze()               {}
func (s *self) Truth() starlark.Bool  { return true }
func (s *self) Hash() (uint32, error) { return 0, fmt.Errorf("unhashable type: self") }

// selfMethods are the methods of self. They work while a handler runs. Their names cannot
// be those of attributes, see SetField.
var selfMethods = map[string]func(n *scriptNode, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error){
	"send":      selfSend,
	"broadcast": selfBroadcast,
	"decide":    selfDecide,
	"invoked":   selfInvoked,
	"returns":   selfReturns,
	"fails":     selfFails,
	"refuse":    selfRefuse,
	"sign":      selfSign,
	"log":       selfLog,
	"coin":      selfCoin,
}

// These every node has. They are not in the state, as they never change.
var selfFacts = []string{"id", "n", "f", "replicas", "program", "next_leader"}

// AttrNames lists the facts, the methods and the state.
//
// It serves dir(self) and hints.
func (s *self) AttrNames() []string {
	names := append(slices.Clone(selfFacts), s.node.attrNames()...)
	for name := range selfMethods {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Attr returns a fact, a method or a part of the state. The state comes first, as it is
// what handlers look at most. Methods are made when they are asked for: a handler that
// keeps one in an attribute fails, since a function cannot be encoded.
func (s *self) Attr(name string) (starlark.Value, error) {
	if v, ok := s.node.attrs[name]; ok {
		return v, nil
	}
	n := s.node
	switch name {
	case "id":
		return starlark.String(n.self.ID), nil
	case "n":
		return starlark.MakeInt(n.self.N), nil
	case "f":
		return starlark.MakeInt(n.self.F), nil
	case "next_leader":
		return starlark.String(node.ToNextLeader), nil
	case "replicas":
		ids := make(starlark.Tuple, len(n.self.Servers))
		for i, id := range n.self.Servers {
			ids[i] = starlark.String(id)
		}
		return ids, nil
	case "program":
		ops := make(starlark.Tuple, len(n.program))
		for i, op := range n.program {
			ops[i] = value.Operation(op)
		}
		return ops, nil
	}
	if method, ok := selfMethods[name]; ok {
		return starlark.NewBuiltin("self."+name, func(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
			if n.out == nil && name != "sign" {
				return nil, fmt.Errorf("%s: only a handler can do that, not init or show", b.Name())
			}
			return method(n, b, args, kwargs)
		}), nil
	}
	return nil, s.missing(name)
}

// SetField changes the state. That the value can be encoded is seen now, where the error
// has a place in the script, and not when the handler has ended; it costs the encoding
// twice, into a buffer that is used again.
func (s *self) SetField(name string, v starlark.Value) error {
	if _, method := selfMethods[name]; method || slices.Contains(selfFacts, name) {
		return fmt.Errorf("cannot set self.%s, which every node has; call the attribute something else", name)
	}
	b, err := value.Append(s.scratch[:0], v)
	if err != nil {
		return fmt.Errorf("cannot set self.%s: it %w", name, err)
	}
	s.scratch = b
	s.node.attrs[name] = v
	return nil
}

// The receiver may be an identity that does not exist, if there are clients (see known), or
// that cannot be reached; what becomes of the message is up to the network. All keyword
// arguments are fields, so that the receiver and the type are by position only.
func selfSend(n *scriptNode, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var to string
	if err := starlark.UnpackPositionalArgs(b.Name(), args[:min(1, len(args))], nil, 1, &to); err != nil {
		return nil, misused(b, err, kwargs)
	}
	m, err := composed(b, args, 1, kwargs)
	if err != nil {
		return nil, err
	}
	if err := known(n, to); err != nil {
		return nil, fmt.Errorf("%s: %w", b.Name(), err)
	}
	n.out.Send(to, m)
	return starlark.None, nil
}

// composed makes a message of the arguments of a call: its type stands at a place, and
// then its fields, by position if the type has a signature.
//
// A signature makes a message that lacks a field an error at the place where it is sent,
// not where it is read. at is 0 for broadcast and 1 for send, whose first argument is the
// receiver.
func composed(b *starlark.Builtin, args starlark.Tuple, at int, fields []starlark.Tuple) (value.Message, error) {
	var kind string
	var err error
	if len(args) > at {
		if k, ok := args[at].(*value.Kind); ok {
			kind = k.Name
			if fields, err = k.Bind(args[at+1:], fields); err != nil {
				return value.Message{}, fmt.Errorf("%s: %w", b.Name(), err)
			}
			args = args[:at+1]
		}
	}
	if kind == "" {
		var to starlark.Value
		variables := []any{&to, &kind}
		if err := starlark.UnpackPositionalArgs(b.Name(), args, nil, at+1, variables[1-at:]...); err != nil {
			return value.Message{}, misused(b, err, fields)
		}
	}
	m, err := value.NewMessage(kind, fields)
	if err != nil {
		return m, fmt.Errorf("%s: %w", b.Name(), err)
	}
	return m, nil
}

// known checks the name of a receiver. A replica does not know the clients, so with clients
// it is the simulation that finds a wrong one. Without them the error is found here, with a
// hint.
func known(n *scriptNode, to string) error {
	if n.protocol.client != nil || to == node.ToNextLeader || slices.Contains(n.self.Servers, to) {
		return nil
	}
	return fmt.Errorf("there is no %q%s; the replicas are %s, and self.next_leader", to, spell.Hint(to, n.self.Servers), strings.Join(n.self.Servers, ", "))
}

// It goes to all servers, to a sender that is one, too: what a protocol does with its own
// vote is then no special case.
func selfBroadcast(n *scriptNode, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	m, err := composed(b, args, 0, kwargs)
	if err != nil {
		return nil, err
	}
	n.out.Broadcast(m)
	return starlark.None, nil
}

// The value is made comparable: properties compare decisions of different nodes by ==.
func selfDecide(n *scriptNode, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var slot int
	var given starlark.Value
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "slot", &slot, "value", &given); err != nil {
		return nil, misused(b, err, kwargs)
	}
	v, err := value.Comparable(given)
	if err != nil {
		return nil, fmt.Errorf("%s: value %w", b.Name(), err)
	}
	n.out.Decided(slot, v)
	return starlark.None, nil
}

// An operation begins. Properties of operations see nothing but how they begin and end.
func selfInvoked(n *scriptNode, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var op value.Operation
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "op", &op); err != nil {
		return nil, misused(b, err, kwargs)
	}
	if n.out.UnderWay() == node.OneUnderWay {
		return nil, fmt.Errorf("%s: an operation is under way; end it with self.returns(value) or self.fails(reason) first", b.Name())
	}
	n.out.Invoked(node.Operation(op))
	return starlark.None, nil
}

// mayEnd refuses to end an operation where none is under way, as a mistake of the code.
func mayEnd(n *scriptNode, b *starlark.Builtin) error {
	if n.out.UnderWay() == node.NoneUnderWay {
		return fmt.Errorf("%s: no operation is under way: it has ended, as by an answer that came before, or self.invoked(op) was not called", b.Name())
	}
	return nil
}

// It says that the operation under way has returned.
func selfReturns(n *scriptNode, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var given starlark.Value = starlark.None
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "value?", &given); err != nil {
		return nil, misused(b, err, kwargs)
	}
	v, err := value.Comparable(given)
	if err != nil {
		return nil, fmt.Errorf("%s: value %w", b.Name(), err)
	}
	if err := mayEnd(n, b); err != nil {
		return nil, err
	}
	n.out.Returned(v)
	return starlark.None, nil
}

// selfFails ends the operation under way as one that did not happen.
func selfFails(n *scriptNode, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var reason string
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "reason?", &reason); err != nil {
		return nil, misused(b, err, kwargs)
	}
	if err := mayEnd(n, b); err != nil {
		return nil, err
	}
	n.out.Aborted(reason)
	return starlark.None, nil
}

// What the handler did beside is not done. An event that a step brings makes the step
// impossible that way, a message is as if it had not come. The reason follows the identity,
// as in "c1 is busy".
func selfRefuse(n *scriptNode, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var why string
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "why", &why); err != nil {
		return nil, misused(b, err, kwargs)
	}
	n.out.Refuse(n.self.ID + " " + why)
	return starlark.None, nil
}

// A note is shown in traces and seen by no property. What is no text is printed, within
// bounds.
func selfLog(n *scriptNode, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var text starlark.Value
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "text", &text); err != nil {
		return nil, misused(b, err, kwargs)
	}
	s, ok := starlark.AsString(text)
	if !ok {
		if err := guard.Printable(text); err != nil {
			return nil, fmt.Errorf("%s: the %s %w", b.Name(), text.Type(), err)
		}
		s = text.String()
	}
	n.out.Note(s)
	return starlark.None, nil
}

// selfCoin reads what a coin shows to this node. If it shows nothing the event cannot happen, so
// that the handler is not gone on with.
func selfCoin(n *scriptNode, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var name string
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "name", &name); err != nil {
		return nil, misused(b, err, kwargs)
	}
	if len(n.protocol.promises.Coins) == 0 {
		return nil, fmt.Errorf("%s: protocol %s does not list what a coin may show; write protocol(…, coins = [0, 1])", b.Name(), n.protocol.name)
	}
	v, ok := n.out.Coin(name)
	if !ok {
		return nil, fmt.Errorf("%s: no throw of %q is left", b.Name(), name)
	}
	return value.FromGo(v), nil
}

// It is a struct of the language, made anew for each call of a handler.
func roundValue(r node.Round) starlark.Value {
	return starlarkstruct.FromStringDict(starlarkstruct.Default, starlark.StringDict{
		"number": starlark.MakeInt(r.Number), "leader": starlark.String(r.Leader), "input": starlark.String(r.Input),
	})
}

// selfSign makes a value that only this identity can make. Twins are one identity and share
// its key, so that what the one has signed verifies as the other's.
func selfSign(n *scriptNode, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var given starlark.Value
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "value", &given); err != nil {
		return nil, misused(b, err, kwargs)
	}
	s, err := value.Sign(given, n.self.ID)
	if err != nil {
		return nil, fmt.Errorf("%s: the value %w", b.Name(), err)
	}
	return s, nil
}
