package value

import (
	"fmt"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"

	"github.com/twinsh/twinsh/runtime/node"
)

// An Operation is a [node.Operation] in a script: what a client is asked to do, with one argument or
// several with names. Arguments are what Go can compare ([ToGo]), because histories keep them.
type Operation node.Operation

func (o Operation) String() string        { return Text(node.Operation(o)) }
func (o Operation) Type() string          { return "operation" }
func (o Operation) Freeze()               {}
func (o Operation) Truth() starlark.Bool  { return true }
func (o Operation) Hash() (uint32, error) { return starlark.String(o.String()).Hash() }
func (o Operation) AttrNames() []string   { return []string{"arg", "name"} }

// Attr implements [starlark.HasAttrs].
func (o Operation) Attr(name string) (starlark.Value, error) {
	switch name {
	case "name":
		return starlark.String(o.Name), nil
	case "arg":
		return FromGo(o.Arg), nil
	}
	return nil, nil
}

// Literal writes the operation as a call of the function that makes it: write("red") is
// what a module calls operation("write", "red"). A script in which that name is not defined
// gets a definition (see writer.needs in dsl).
func (o Operation) Literal() string { return o.String() }

// fields is what several arguments are in a script: a struct.
func fields(a node.Arguments) starlark.Value {
	values := starlark.StringDict{}
	for name, v := range a.Map() {
		values[name] = FromGo(v)
	}
	return starlarkstruct.FromStringDict(starlarkstruct.Default, values)
}

// Argument returns the argument of an operation, arg or those with names. The error says
// which of them cannot be one. Several become one comparable value (node.Arguments), sorted
// by name.
func Argument(arg any, named []starlark.Tuple) (any, error) {
	if len(named) == 0 {
		return arg, nil
	}
	values := map[string]any{}
	for _, kw := range named {
		v, err := ToGo(kw[1])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", string(kw[0].(starlark.String)), err)
		}
		values[string(kw[0].(starlark.String))] = v
	}
	return node.ArgumentsOf(values), nil
}

// argumentOf is the inverse of [FromGo] for arguments, for operations that are decoded.
func argumentOf(v starlark.Value) (any, error) {
	s, ok := v.(*starlarkstruct.Struct)
	if !ok {
		return ToGo(v)
	}
	values := map[string]any{}
	for _, name := range s.AttrNames() {
		field, err := s.Attr(name)
		if err != nil {
			return nil, err
		}
		if values[name], err = ToGo(field); err != nil {
			return nil, err
		}
	}
	return node.ArgumentsOf(values), nil
}
