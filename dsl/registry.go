package dsl

import (
	"errors"
	"fmt"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/twinsh/twinsh/dsl/internal/spell"
	"github.com/twinsh/twinsh/runtime"
)

// A Family is a group of builtins that belong together.
type Family struct {
	Name    string
	Doc     string // a few words
	Entries []Entry
}

// Families returns all that is predeclared in scripts beyond Starlark itself.
// Help, completion and the reference are made from it.
func Families() []Family {
	families := []Family{{"stage", "who is there", stageFamily()}}
	families = append(families, actFamilies()...)
	return append(families,
		Family{"time", "worlds that were", timeFamily()},
		Family{"spaces", "what may happen", spacesFamily()},
		Family{"search", "judge scenarios", searchFamily()},
		Family{"properties", "what should hold", propertiesFamily()},
		Family{"views", "look at it", viewsFamily()},
		Family{"protocols", "what the nodes run", protocolsFamily()},
		Family{"language", "what Starlark lacks", languageFamily()},
	)
}

// An Entry is one predeclared name.
type Entry struct {
	// Signature is written as in a def statement, exchange(client, reach), or
	// is a mere name if the entry is no function. The names and defaults of
	// the parameters are taken from it.
	Signature string
	// Doc is prose. Its first sentence is a summary.
	Doc string
	// Example is a script that can be executed.
	Example string

	// pure says that the code of nodes may call the function, too. What is not
	// pure needs a session.
	pure bool

	// One of these is set. Of a function, the code:
	call func(*call) (starlark.Value, error)
	// Of anything else, what its value is in a session:
	value func(*Interpreter) starlark.Value
}

// Name returns the predeclared name.
func (e Entry) Name() string {
	name, _, _ := strings.Cut(e.Signature, "(")
	return name
}

// Summary returns the first sentence of the documentation.
func (e Entry) Summary() string {
	summary, _, _ := strings.Cut(e.Doc, ".\n")
	summary, _, _ = strings.Cut(summary, ". ")
	return strings.TrimSuffix(strings.ReplaceAll(summary, "\n", " "), ".")
}

// bind makes the value that scripts see.
func (e Entry) bind(in *Interpreter) starlark.Value {
	if e.value != nil {
		return e.value(in)
	}
	return newBuiltin(e)
}

// A builtin is an entry that can be called. Bound to a receiver it is a method.
type builtin struct {
	entry    Entry
	params   params
	receiver starlark.Value // nil if it is no method
}

// newBuiltin panics if the signature cannot be parsed.
func newBuiltin(e Entry) *builtin { return &builtin{entry: e, params: parseSignature(e.Signature)} }

// method returns b as a method of receiver.
func (b *builtin) method(receiver starlark.Value) *builtin {
	return &builtin{b.entry, b.params, receiver}
}

func (b *builtin) Name() string          { return b.entry.Name() }
func (b *builtin) String() string        { return "<built-in function " + b.Name() + ">" }
func (b *builtin) Type() string          { return "builtin_function_or_method" }
func (b *builtin) Freeze()               {}
func (b *builtin) Truth() starlark.Bool  { return true }
func (b *builtin) Hash() (uint32, error) { return starlark.String(b.Name()).Hash() }

// CallInternal implements [starlark.Callable].
func (b *builtin) CallInternal(thread *starlark.Thread, args starlark.Tuple, kwargs []starlark.Tuple) (_ starlark.Value, err error) {
	if !b.entry.pure {
		r, ok := thread.Local(runKey).(*run)
		if !ok {
			return nil, fmt.Errorf("%s: the code of a node cannot call it; it deals with self and what happened, no more", b.Name())
		}
		r.in.turns.Add(1)
	}
	defer recovered(&err) // here, where the call stack is still known
	value, err := b.entry.call(&call{thread, b, args, kwargs})
	var unknown *runtime.UnknownTypeError
	if errors.As(err, &unknown) {
		err = fmt.Errorf("%w%s", err, spell.Hint(unknown.Type, unknown.Types))
	}
	if r, ok := thread.Local(runKey).(*run); ok {
		var failed *CheckFailed
		if mistake := r.in.mistake.Swap(nil); mistake != nil && (err == nil || errors.As(err, &failed)) {
			value, err = nil, *mistake
		}
	}
	if inner, ok := err.(*starlark.EvalError); ok {
		// It may come from another thread. Wrapped, it gets this stack as well.
		err = fmt.Errorf("%s: %w", b.Name(), inner)
	}
	return value, err
}

// A call is one call of a builtin.
type call struct {
	thread *starlark.Thread
	*builtin
	args   starlark.Tuple
	kwargs []starlark.Tuple
}

// in returns the interpreter that executes the call.
func (c *call) in() *Interpreter { return runOf(c.thread).in }

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

// parseSignature parses what would stand between def and a colon.
func parseSignature(signature string) params {
	f, err := dialect.Parse("signature", "def "+signature+": pass", 0)
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

// unpack stores the arguments of a call in variables: pointers, one for each
// parameter in the order of the signature, of the types that
// [starlark.UnpackArg] takes. A variable whose argument is not given keeps its
// value. That of *name is a *starlark.Tuple, that of **name a *[]starlark.Tuple.
func (c *call) unpack(variables ...any) error {
	p := c.params
	if len(variables) != len(p.list) {
		panic(fmt.Sprintf("dsl: %s has %d parameters, unpacked into %d", c.entry.Signature, len(p.list), len(variables)))
	}
	given := make([]bool, len(p.list))
	set := func(i int, v starlark.Value) error {
		given[i] = true
		if p.list[i].none && v == starlark.None {
			return nil
		}
		if err := starlark.UnpackArg(v, variables[i]); err != nil {
			return fmt.Errorf("%s: %s: %w%s", c.Name(), p.list[i].name, err, meant(v, variables[i]))
		}
		return nil
	}
	args := c.args[:min(len(c.args), p.positional)]
	for i, v := range args {
		if err := set(i, v); err != nil {
			return err
		}
	}
	if surplus := c.args[len(args):]; p.rest >= 0 {
		*variables[p.rest].(*starlark.Tuple) = surplus
	} else if len(surplus) > 0 {
		return fmt.Errorf("%s: got %d arguments by position, want at most %d; it is %s", c.Name(), len(c.args), p.positional, c.entry.Signature)
	}
	for _, kwarg := range c.kwargs {
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
			return fmt.Errorf("%s: no parameter is named %s%s; it is %s", c.Name(), name, spell.Hint(name, p.names()), c.entry.Signature)
		}
	}
	for i, param := range p.list {
		if !given[i] && !param.optional {
			return fmt.Errorf("%s: %s is missing; it is %s", c.Name(), param.name, c.entry.Signature)
		}
	}
	return nil
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
