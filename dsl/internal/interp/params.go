package interp

import (
	"fmt"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/twinsh/twinsh/dsl/internal/guard"
	"github.com/twinsh/twinsh/dsl/internal/spell"
)

// params are the parameters of a function, in the order of its signature.
type params struct {
	list       []param
	positional int // how many can be given by position
	rest       int // index of *name, or -1
	others     int // index of **name, or -1
}

type param struct {
	name     string
	optional bool
	none     bool // None, the default, means that it is not given
}

// parseSignature parses what would stand between def and a colon, with Starlark's own parser, so that
// a signature means in a builtin what it means in a script.
func parseSignature(signature string) params {
	f, err := Dialect.Parse("signature", "def "+signature+": pass", 0)
	if err != nil {
		panic(fmt.Sprintf("dsl: signature %q: %v", signature, err))
	}
	p := params{rest: -1, others: -1}
	keywordOnly := false
	for _, x := range f.Stmts[0].(*syntax.DefStmt).Params {
		switch x := x.(type) {
		case *syntax.Ident:
			p.list = append(p.list, param{name: x.Name})
		case *syntax.BinaryExpr: // name = default
			ident, isIdent := x.Y.(*syntax.Ident)
			p.list = append(p.list, param{x.X.(*syntax.Ident).Name, true, isIdent && ident.Name == "None"})
		case *syntax.UnaryExpr: // *, *name or **name
			if x.Op == syntax.STARSTAR {
				p.others = len(p.list)
			} else if keywordOnly = true; x.X != nil {
				p.rest = len(p.list)
			}
			if x.X != nil {
				p.list = append(p.list, param{x.X.(*syntax.Ident).Name, true, false})
			}
			continue
		}
		if !keywordOnly {
			p.positional = len(p.list)
		}
	}
	return p
}

// Unpack stores the arguments of a call in variables: pointers, one for each
// parameter in the order of the signature, of the types that
// [starlark.UnpackArg] takes. A variable whose argument is not given keeps its
// value. That of *name is a *starlark.Tuple, that of **name a *[]starlark.Tuple.
func (c *Call) Unpack(variables ...any) error {
	p := c.params
	if len(variables) != len(p.list) {
		panic(fmt.Sprintf("dsl: %s has %d parameters, unpacked into %d", c.Signature, len(p.list), len(variables)))
	}
	given := make([]bool, len(p.list))
	set := func(i int, v starlark.Value) error {
		given[i] = true
		// f(x = None) is f() where None is the default, so that a script can pass on what it was not given.
		if p.list[i].none && v == starlark.None {
			return nil
		}
		if err := starlark.UnpackArg(v, variables[i]); err != nil {
			return &ArgumentError{c.Name() + ": " + p.list[i].name, v, variables[i], err}
		}
		return nil
	}
	args := c.Args[:min(len(c.Args), p.positional)]
	for i, v := range args {
		if err := set(i, v); err != nil {
			return err
		}
	}
	if surplus := c.Args[len(args):]; p.rest >= 0 {
		*variables[p.rest].(*starlark.Tuple) = surplus
	} else if len(surplus) > 0 {
		counted := fmt.Sprintf("%d arguments", len(c.Args))
		if len(c.Args) == 1 {
			counted = "1 argument"
		}
		return fmt.Errorf("%s: got %s by position, want at most %d; it is %s", c.Name(), counted, p.positional, c.Signature)
	}
	for _, kwarg := range c.Kwargs {
		name := string(kwarg[0].(starlark.String))
		i := p.find(name)
		switch {
		case i >= 0 && given[i]:
			return fmt.Errorf("%s: %s is given twice", c.Name(), name)
		case i >= 0:
			if err := set(i, kwarg[1]); err != nil {
				return err
			}
		case p.others >= 0:
			others := variables[p.others].(*[]starlark.Tuple)
			*others = append(*others, kwarg)
		default:
			return fmt.Errorf("%s: no parameter is named %s%s; it is %s", c.Name(), name, spell.Hint(name, p.names()), c.Signature)
		}
	}
	for i, param := range p.list {
		if !given[i] && !param.optional {
			return fmt.Errorf("%s: %s is missing; it is %s", c.Name(), param.name, c.Signature)
		}
	}
	return nil
}

// An ArgumentError says that a parameter does not take a value. It keeps both, so that a host that
// knows what its types are for can say what was probably meant.
type ArgumentError struct {
	of       string         // the function and the parameter
	Value    starlark.Value // that is given
	Variable any            // that was to hold it
	err      error
}

func (e *ArgumentError) Error() string { return e.of + ": " + e.err.Error() }

// Unwrap returns why the variable does not take the value.
func (e *ArgumentError) Unwrap() error { return e.err }

// Names returns the names of the parameters that can be given by name.
func (b *Builtin) Names() []string { return b.params.names() }

// Rest returns the name of the parameter that takes all further arguments by
// position, "" if there is none.
func (b *Builtin) Rest() string {
	if b.params.rest < 0 {
		return ""
	}
	return b.params.list[b.params.rest].name
}

// Params returns the names of all parameters, in the order of the signature.
func (b *Builtin) Params() []string {
	var names []string
	for _, p := range b.params.list {
		names = append(names, p.name)
	}
	return names
}

// find returns the index of the parameter that can be given by that name, or -1.
func (p *params) find(name string) int {
	for i, param := range p.list {
		if param.name == name && i != p.rest && i != p.others {
			return i
		}
	}
	return -1
}

func (p *params) names() []string {
	var names []string
	for i, param := range p.list {
		if i != p.rest && i != p.others {
			names = append(names, param.name)
		}
	}
	return names
}

// Signature returns how a function is called, as in exchange(client, reach),
// and the names of the parameters that can be given by name. The signature is
// empty if v is no function or does not say.
func Signature(v starlark.Value) (signature string, params []string) {
	switch v := v.(type) {
	case *Builtin:
		return v.Signature, v.params.names()
	case *starlark.Function:
		// They come in this order: by position, by name only, *rest, **others.
		last := v.NumParams()
		var rest, others string
		if v.HasKwargs() {
			last--
			others, _ = v.Param(last)
		}
		if v.HasVarargs() {
			last--
			rest, _ = v.Param(last)
		}
		var shown []string
		for i := range last {
			if i == last-v.NumKwonlyParams() {
				shown = append(shown, "*"+rest)
			}
			name, _ := v.Param(i)
			params = append(params, name)
			if d := v.ParamDefault(i); d != nil {
				name += "=" + guard.Text(d)
			}
			shown = append(shown, name)
		}
		if rest != "" && v.NumKwonlyParams() == 0 {
			shown = append(shown, "*"+rest)
		}
		if others != "" {
			shown = append(shown, "**"+others)
		}
		return v.Name() + "(" + strings.Join(shown, ", ") + ")", params
	}
	return "", nil
}
