package value

import (
	"go.starlark.net/starlark"

	"github.com/twinsh/twinsh/runtime/node"
)

// An Operation is a [node.Operation] in a script.
type Operation node.Operation

func (o Operation) String() string        { return node.Operation(o).String() }
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

// Literal writes the operation as a call of the function that makes it.
func (o Operation) Literal() string { return o.String() }
