package dsl

import (
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"

	"github.com/twinsh/twinsh/runtime/node"
)

// A protocol that declares itself symmetric lets a search rename identities in
// states, messages and decided values. A string that is the name of an identity
// counts as that identity.

// Symmetric says what the protocol declares.
func (p *scriptProtocol) Symmetric() bool { return p.symmetric }

// Symmetric says what the protocol inside declares.
func (p *protocolValue) Symmetric() bool {
	s, ok := p.Protocol.(node.Symmetric)
	return ok && s.Symmetric()
}

// MessageTypes lists those of the protocol inside, if it does.
func (p *protocolValue) MessageTypes() []string {
	if t, ok := p.Protocol.(node.Typed); ok {
		return t.MessageTypes()
	}
	return nil
}

// SymmetricClients says what the protocol inside declares.
func (p *protocolValue) SymmetricClients(program []node.Operation) bool {
	s, ok := p.Protocol.(node.ClientSymmetric)
	return ok && s.SymmetricClients(program)
}

// Rename renames identities in the node's state. The identity of the node
// itself is not part of it.
func (n *scriptNode) Rename(to func(string) string) {
	if err := n.load(); err != nil {
		panic(err)
	}
	for name, v := range n.attrs {
		n.attrs[name] = renamed(v, to)
	}
}

// Renamed implements [node.RenamedValue].
func (m scriptMessage) Renamed(to func(string) string) any {
	return scriptMessage{m.kind, renamedText(m.body, to)}
}

// Renamed implements [node.RenamedValue].
func (c composite) Renamed(to func(string) string) any { return composite{renamedText(c.encoded, to)} }

func renamedText(encoded string, to func(string) string) string {
	v, _, err := decodeValue([]byte(encoded))
	if err != nil {
		panic(err)
	}
	b, err := appendValue(nil, renamed(v, to))
	if err != nil {
		panic(err)
	}
	return string(b)
}

// renamed returns v with each identity replaced. It panics if that makes a key
// of a dict unhashable, which renaming cannot.
func renamed(v starlark.Value, to func(string) string) starlark.Value {
	each := func(values []starlark.Value) []starlark.Value {
		out := make([]starlark.Value, len(values))
		for i, e := range values {
			out[i] = renamed(e, to)
		}
		return out
	}
	switch v := v.(type) {
	case starlark.String:
		return starlark.String(to(string(v)))
	case *starlark.List:
		var elems []starlark.Value
		for e := range v.Elements() {
			elems = append(elems, e)
		}
		return starlark.NewList(each(elems))
	case starlark.Tuple:
		return starlark.Tuple(each(v))
	case *starlark.Set:
		s := starlark.NewSet(v.Len())
		for e := range v.Elements() {
			must(s.Insert(renamed(e, to)))
		}
		return s
	case *starlark.Dict:
		d := starlark.NewDict(v.Len())
		for _, item := range v.Items() {
			must(d.SetKey(renamed(item[0], to), renamed(item[1], to)))
		}
		return d
	case *starlarkstruct.Struct:
		fields := starlark.StringDict{}
		for _, name := range v.AttrNames() {
			field, err := v.Attr(name)
			must(err)
			fields[name] = renamed(field, to)
		}
		return starlarkstruct.FromStringDict(starlarkstruct.Default, fields)
	case *signed:
		value := renamed(v.value, to)
		value.Freeze()
		return &signed{value, renamed(v.signer, to)}
	}
	return v
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
