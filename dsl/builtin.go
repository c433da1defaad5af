package dsl

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/starlark"

	"github.com/twinsh/twinsh/dsl/internal/interp"
	"github.com/twinsh/twinsh/dsl/internal/spell"
	"github.com/twinsh/twinsh/runtime"
)

// Each builtin is an Entry, made by a function whose name ends in Entry, with its code
// below it. They stand in builtin_*.go, a file for each Family.

// A Family is a group of builtins that belong together.
type Family struct {
	Name    string
	Doc     string // a few words
	Entries []Entry
}

// Families returns all that is predeclared in scripts beyond Starlark itself.
// Help, completion and the reference are made from it.
func Families() []Family {
	return slices.Concat([]Family{stageFamily()}, actFamilies(), []Family{
		timeFamily(), spacesFamily(), searchFamily(), propertiesFamily(), viewsFamily(),
		protocolsFamily(), languageFamily(),
	})
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

// in returns what scripts of in see.
func (e Entry) in(in *Interpreter) starlark.Value {
	if e.value != nil {
		return e.value(in)
	}
	return built(e)
}

// built makes a function of an entry. It panics if the signature cannot be parsed.
func built(e Entry) *interp.Builtin {
	return interp.NewBuiltin(interp.Builtin{
		Signature: e.Signature, Doc: e.Doc, Example: e.Example, Pure: e.pure,
		Code: func(c *call) (starlark.Value, error) {
			if !e.pure && interp.RunOf(c.Thread) == nil {
				return nil, fmt.Errorf("%s: the code of a node cannot call it; it deals with self and what happened, no more", c.Name())
			}
			v, err := e.call(c)
			return v, advised(err)
		},
	})
}

// methodsOf makes methods of entries, by name.
func methodsOf(entries ...Entry) map[string]*interp.Builtin {
	methods := map[string]*interp.Builtin{}
	for _, e := range entries {
		methods[e.Name()] = built(e)
	}
	return methods
}

// advised adds to the error of a builtin what is probably meant.
func advised(err error) error {
	var unknown *runtime.UnknownTypeError
	if errors.As(err, &unknown) {
		err = fmt.Errorf("%w%s", err, spell.Hint(unknown.Type, unknown.Types))
	}
	var argument *interp.ArgumentError
	if errors.As(err, &argument) {
		if text := meant(argument.Value, argument.Variable); text != "" {
			err = fmt.Errorf("%w%s", err, text)
		}
	}
	return err
}

// A call is one call of a builtin.
type call = interp.Call

// interpreter returns the interpreter that executes a call.
func interpreter(c *call) *Interpreter { return interp.RunOf(c.Thread).Host().(*Interpreter) }

// kvStage is how the examples of acts begin.
const kvStage = `load("@std//kv.star", "kv", "read", "write")
cluster(kv(), clients = {"c1": [write("red")], "c2": [read()]})
`

// roundStage is how the examples of rounds begin.
const roundStage = `load("@std//hotstuff.star", "hotstuff")
cluster(hotstuff())
twin("A")
`
