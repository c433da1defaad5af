package adversary

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"go.starlark.net/syntax"
)

// What handlers deal with, made anew: self, messages, operations and signatures. It is a
// second, small implementation of what package role and package value do, for the same
// functions in Starlark. It checks nothing, since the cases are drawn such that handlers
// are right; that wrong ones are refused is tested elsewhere.
//
// What it must get right is values: each that is kept, sent or decided is copied, so that
// no two nodes share a list, and a float that is whole becomes an integer, as the language
// has it.

// What handlers deal with, made anew: self, messages, operations and
// signatures.

// A reaction is what a handler did beside changing its state.
type reaction struct {
	sends   []sending
	seen    []Event
	refused bool
	coins   map[string]starlark.Value // what coins show, of those that were not read
	lacks   bool                      // it read one that shows nothing
}

type sending struct {
	to      string // an identity, "" for all servers, "next" for the next leader
	message *message
}

// self is the node that a handler acts for. Its state is a dict of values, copied for each
// reaction.
type self struct {
	id       string
	n, f     int
	replicas starlark.Tuple
	program  starlark.Tuple
	attrs    starlark.StringDict
	under    underWay
	out      *reaction
}

// An underWay says whether an operation of a node has begun and not ended. To begin one amid
// another, and to end none, are failures of the code.
type underWay string

const (
	noOperation  underWay = ""
	oneOperation underWay = "one"
	perhapsOne   underWay = "perhaps" // it restarted amid one
)

func (s *self) String() string        { return "self" }
func (s *self) Type() string          { return "self" }
func (s *self) Freeze()               {}
func (s *self) Truth() starlark.Bool  { return true }
func (s *self) Hash() (uint32, error) { return 0, errors.New("unhashable") }
func (s *self) AttrNames() []string   { return nil }

// The value is copied when the handler has ended, with the rest of the state.
func (s *self) SetField(name string, v starlark.Value) error {
	s.attrs[name] = v
	return nil
}

// The name of the next leader is a word that no identity has; send knows it.
func (s *self) Attr(name string) (starlark.Value, error) {
	switch name {
	case "id":
		return starlark.String(s.id), nil
	case "n":
		return starlark.MakeInt(s.n), nil
	case "f":
		return starlark.MakeInt(s.f), nil
	case "next_leader":
		return starlark.String("next"), nil
	case "replicas":
		return s.replicas, nil
	case "program":
		return s.program, nil
	case "send", "broadcast", "decide", "invoked", "returns", "fails", "refuse", "sign", "coin":
		return starlark.NewBuiltin(name, s.act), nil
	}
	return s.attrs[name], nil
}

// act is all methods in one: it writes into the reaction what was asked for, in the order
// of the calls.
func (s *self) act(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, fields []starlark.Tuple) (starlark.Value, error) {
	switch ends := b.Name() == "returns" || b.Name() == "fails"; {
	case b.Name() == "invoked" && s.under == oneOperation, ends && s.under == noOperation:
		return nil, errors.New(b.Name() + " with an operation under way, or none")
	case b.Name() == "invoked":
		s.under = oneOperation
	case ends:
		s.under = noOperation
	}
	switch b.Name() {
	case "send":
		s.out.sends = append(s.out.sends, sending{string(args[0].(starlark.String)), newMessage(args[1], fields)})
	case "broadcast":
		s.out.sends = append(s.out.sends, sending{"", newMessage(args[0], fields)})
	case "decide":
		slot, _ := starlark.AsInt32(args[0])
		s.out.seen = append(s.out.seen, Event{Kind: "decided", Slot: slot, Value: copied(args[1])})
	case "invoked":
		s.out.seen = append(s.out.seen, Event{Kind: "invoked", Op: args[0].(*operation)})
	case "returns":
		s.out.seen = append(s.out.seen, Event{Kind: "returned", Value: copied(args[0])})
	case "fails":
		s.out.seen = append(s.out.seen, Event{Kind: "aborted"})
	case "coin":
		return s.out.coin(string(args[0].(starlark.String)))
	case "refuse":
		s.out.refused = true
	case "sign":
		return &signed{copied(args[0]), starlark.String(s.id)}, nil
	}
	return starlark.None, nil
}

// A message has a type and fields, and gets a sender when it arrives. It is not changed
// after it was made.
type message struct {
	kind   string
	sender string
	fields starlark.StringDict
}

// The fields are copied, as the sender may go on changing its lists.
func newMessage(kind starlark.Value, fields []starlark.Tuple) *message {
	m := &message{kind: string(kind.(starlark.String)), fields: starlark.StringDict{}}
	for _, f := range fields {
		m.fields[string(f[0].(starlark.String))] = copied(f[1])
	}
	return m
}

func (m *message) String() string        { return m.kind }
func (m *message) Type() string          { return "message" }
func (m *message) Freeze()               {}
func (m *message) Truth() starlark.Bool  { return true }
func (m *message) Hash() (uint32, error) { return 0, errors.New("unhashable") }
func (m *message) AttrNames() []string   { return nil }

func (m *message) Attr(name string) (starlark.Value, error) {
	switch name {
	case "sender":
		return starlark.String(m.sender), nil
	case "type":
		return starlark.String(m.kind), nil
	}
	return m.fields[name], nil
}

// An operation has a name and an argument.
type operation struct {
	name string
	arg  starlark.Value
}

func (o *operation) String() string {
	if o.arg == starlark.None {
		return o.name + "()"
	}
	if several, ok := o.arg.(*starlarkstruct.Struct); ok {
		var texts []string
		for _, name := range several.AttrNames() {
			texts = append(texts, name+"="+o.named(name).String())
		}
		return o.name + "(" + strings.Join(texts, ", ") + ")"
	}
	return fmt.Sprintf("%s(%s)", o.name, o.arg)
}
func (o *operation) Type() string          { return "operation" }
func (o *operation) Freeze()               {}
func (o *operation) Truth() starlark.Bool  { return true }
func (o *operation) Hash() (uint32, error) { return 0, errors.New("unhashable") }
func (o *operation) AttrNames() []string   { return []string{"arg", "name"} }

func (o *operation) Attr(name string) (starlark.Value, error) {
	if name == "name" {
		return starlark.String(o.name), nil
	}
	return o.arg, nil
}

// named is an argument by name.
func (o *operation) named(name string) starlark.Value {
	v, err := o.arg.(*starlarkstruct.Struct).Attr(name)
	if err != nil {
		panic(err)
	}
	return v
}

// made is an operation as a script makes it.
func made(o Operation) *operation {
	v, err := starlark.EvalOptions(&syntax.FileOptions{}, new(starlark.Thread), "op", o.text(), predeclared)
	if err != nil {
		panic(err)
	}
	return v.(*operation)
}

// A signed value has a signer: an identity, or a number of them.
//
// The type is not exported to scripts, and so none can be forged here either.
type signed struct{ value, signer starlark.Value }

func (s *signed) String() string        { return fmt.Sprintf("signed(%s, by = %s)", s.value, s.signer) }
func (s *signed) Type() string          { return "signed" }
func (s *signed) Freeze()               {}
func (s *signed) Truth() starlark.Bool  { return true }
func (s *signed) Hash() (uint32, error) { return starlark.Tuple{s.value, s.signer}.Hash() }
func (s *signed) AttrNames() []string   { return []string{"signer", "value"} }

func (s *signed) Attr(name string) (starlark.Value, error) {
	if name == "value" {
		return s.value, nil
	}
	return s.signer, nil
}

func (s *signed) CompareSameType(op syntax.Token, y starlark.Value, _ int) (bool, error) {
	o := y.(*signed)
	return (equal(s.value, o.value) && equal(s.signer, o.signer)) == (op == syntax.EQL), nil
}

// A digest stands for a value; here it simply holds it.
type digest struct{ value starlark.Value }

func (d *digest) String() string        { return fmt.Sprintf("digest of %s", d.value) }
func (d *digest) Type() string          { return "digest" }
func (d *digest) Freeze()               {}
func (d *digest) Truth() starlark.Bool  { return true }
func (d *digest) Hash() (uint32, error) { return d.value.Hash() }

func (d *digest) CompareSameType(op syntax.Token, y starlark.Value, _ int) (bool, error) {
	return equal(d.value, y.(*digest).value) == (op == syntax.EQL), nil
}

// equal is the equality of the language. Values that cannot be compared are not equal.
func equal(a, b starlark.Value) bool {
	ok, err := starlark.Equal(a, b)
	return ok && err == nil
}

// predeclared is what handlers see: the pure builtins of the language that the cases use.
var predeclared = starlark.StringDict{
	"struct": starlark.NewBuiltin("struct", starlarkstruct.Make),
	"operation": starlark.NewBuiltin("operation", func(_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, named []starlark.Tuple) (starlark.Value, error) {
		if len(named) > 0 {
			return &operation{string(args[0].(starlark.String)), starlarkstruct.FromKeywords(starlarkstruct.Default, named)}, nil
		}
		return &operation{string(args[0].(starlark.String)), copied(args[1])}, nil
	}),
	"digest": starlark.NewBuiltin("digest", func(_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
		return &digest{copied(args[0])}, nil
	}),
	"verify": starlark.NewBuiltin("verify", func(_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		s, ok := args[0].(*signed)
		return starlark.Bool(ok && equal(s.signer, kwargs[0][1])), nil
	}),
	"combine": starlark.NewBuiltin("combine", func(_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		signers := map[string]bool{}
		var value starlark.Value
		for v := range starlark.Elements(args[0].(starlark.Iterable)) {
			s, ok := v.(*signed)
			if !ok {
				return nil, errors.New("not signed")
			}
			if value == nil {
				value = s.value
			}
			id, single := s.signer.(starlark.String)
			if !equal(value, s.value) || !single {
				return nil, errors.New("not equal values signed by single identities")
			}
			signers[string(id)] = true
		}
		count, _ := starlark.AsInt32(kwargs[0][1])
		if len(signers) < count {
			return starlark.None, nil
		}
		return &signed{value, starlark.MakeInt(count)}, nil
	}),
}

// copied returns v as a value of its own, in which floats that are whole numbers
// are the integers that equal them. Handlers use no values of other types.
func copied(v starlark.Value) starlark.Value {
	switch v := v.(type) {
	case starlark.Float:
		if n, err := starlark.NumberToInt(v); err == nil && equal(n, v) {
			return n
		}
	case *starlark.List:
		items := make([]starlark.Value, v.Len())
		for i := range items {
			items[i] = copied(v.Index(i))
		}
		return starlark.NewList(items)
	case starlark.Tuple:
		items := make(starlark.Tuple, len(v))
		for i := range items {
			items[i] = copied(v[i])
		}
		return items
	case *starlark.Set:
		set := starlark.NewSet(v.Len())
		for e := range starlark.Elements(v) {
			if err := set.Insert(copied(e)); err != nil {
				panic(err)
			}
		}
		return set
	}
	return v
}

// shown is the text of a state in which sets have an order. Attributes come in a fixed
// order, as the scripts print them.
func shown(attrs starlark.StringDict) string {
	text := ""
	for _, name := range []string{"x", "k", "got", "log_", "peer", "done", "cert"} {
		v, ok := attrs[name]
		if !ok {
			continue
		}
		if set, is := v.(*starlark.Set); is {
			var names []string
			for e := range starlark.Elements(set) {
				names = append(names, e.String())
			}
			slices.Sort(names)
			text += "[" + strings.Join(names, ", ") + "] "
			continue
		}
		text += v.String() + " "
	}
	return text
}
