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

// What an entry of the language is, and how it becomes a function of Starlark. That a call
// is checked against its signature, that a panic in Go becomes an error and that errors get
// places is done for all builtins in dsl/internal/interp (builtin.go, params.go).
//
// To add a builtin: write xEntry with callX below it in the file of its family, and name it
// in the family. Help, completion, the reference, the hints for misspelt names and, for an
// act, the method of worlds follow from that. The tests in registry_test.go demand a
// documentation and an example; the examples are run, and docs/reference.md is compared
// with what Reference writes.

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
//
// It is made anew by each call, so that a caller may keep and change what it gets. That is
// cheap beside what is done with it.
func Families() []Family {
	return slices.Concat([]Family{stageFamily()}, actFamilies(), []Family{
		timeFamily(), spacesFamily(), searchFamily(), propertiesFamily(), viewsFamily(),
		protocolsFamily(), languageFamily(),
	})
}

// An Entry is one predeclared name: what is called, and all that is said about it. There is
// one place for both, so that they cannot drift apart; not even the names of parameters and
// their defaults are repeated in Go.
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
	for at, from := 0, 0; ; from = at + len(". ") {
		next := strings.Index(summary[from:], ". ")
		if next < 0 {
			break
		}
		// "et al. 1994" ends no sentence.
		if at = from + next; !strings.HasSuffix(summary[:at], "et al") {
			summary = summary[:at]
			break
		}
	}
	return strings.TrimSuffix(strings.ReplaceAll(summary, "\n", " "), ".")
}

// in returns what scripts of in see. A function is the same in each session: it finds its
// interpreter through the thread that calls it (see interpreter).
func (e Entry) in(in *Interpreter) starlark.Value {
	if e.value != nil {
		return e.value(in)
	}
	return built(e)
}

// built makes a function of an entry. It panics if the signature cannot be parsed, which is
// a mistake of the package and is found by any test.
//
// The code of a node runs on threads that belong to no execution. Impure functions are
// refused there, because reactions are remembered: a handler that looked at the session
// would be answered from memory when the session is elsewhere. Pure functions depend on
// their arguments only, and may be called by several goroutines.
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
//
// It looks at errors by their types, after the fact, so that the places which make them
// know nothing of hints.
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

// A call is one call of a builtin: the thread, the arguments, and, of a method, the
// receiver.
type call = interp.Call

// interpreter returns the interpreter that executes a call.
//
// It panics on a thread of a node's code, where only pure builtins run, which must not call
// it.
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
