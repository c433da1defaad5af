package dsl

import (
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"

	"github.com/twinsh/twinsh/dsl/internal/spell"
	"github.com/twinsh/twinsh/dsl/internal/value"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/node"
)

// What a property of a script, history(name, …), gets to see: operations as records,
// events, and how its answer is read. Records are made anew for each question and hold
// nothing of the search.

// returned describes what a function of a script returned and should not have.
func returned(v starlark.Value) string { return value.Returned(v) }

// article is the type of a value with its article.
func article(v starlark.Value) string { return value.Article(v) }

// saidBy is the verdict of a function that returns True, False or what is wrong.
func saidBy(name, who string, v starlark.Value) (check.Verdict, error) {
	switch v := v.(type) {
	case starlark.Bool:
		if v {
			return check.Verdict{Holds: true}, nil
		}
		return check.Verdict{Why: name + " does not hold"}, nil
	case starlark.String:
		if strings.TrimSpace(string(v)) == "" {
			return check.Verdict{}, fmt.Errorf("%s returned the text %s, which does not say what is wrong; want True, False or a text that does", who, v)
		}
		return check.Verdict{Why: string(v)}, nil
	}
	return check.Verdict{}, fmt.Errorf("%s returned %s, want True, False or a text that says what is wrong", who, returned(v))
}

// An operationRecord is what became of an operation, in a script.
type operationRecord struct{ check.Operation }

// String is the operation with its client, and how it ended.
func (o *operationRecord) String() string {
	text := o.Client + " " + o.Operation.Operation.String()
	switch {
	case o.Aborted:
		return text + " aborted"
	case o.Returned():
		return text + " = " + value.FromGo(o.Result).String()
	}
	return text + " is open"
}

func (o *operationRecord) Type() string          { return "operation of a history" }
func (o *operationRecord) Freeze()               {}
func (o *operationRecord) Truth() starlark.Bool  { return true }
func (o *operationRecord) Hash() (uint32, error) { return starlark.MakeInt(o.Began).Hash() }

// recordFields are the attributes of an operationRecord.
var recordFields = map[string]func(o *operationRecord) starlark.Value{
	"client": func(o *operationRecord) starlark.Value { return starlark.String(o.Client) },
	"name":   func(o *operationRecord) starlark.Value { return starlark.String(o.Name) },
	"arg":    func(o *operationRecord) starlark.Value { return value.FromGo(o.Arg) },
	"begin":  func(o *operationRecord) starlark.Value { return starlark.MakeInt(o.Began) },
	"end": func(o *operationRecord) starlark.Value {
		if o.Ended < 0 {
			return starlark.None
		}
		return starlark.MakeInt(o.Ended)
	},
	"result": func(o *operationRecord) starlark.Value { return value.FromGo(o.Result) },
	"reason": func(o *operationRecord) starlark.Value { return starlark.String(o.Reason) },
	"open":   func(o *operationRecord) starlark.Value { return starlark.Bool(o.Ended < 0) },
	"crashed": func(o *operationRecord) starlark.Value {
		if o.Crashed < 0 {
			return starlark.None
		}
		return starlark.MakeInt(o.Crashed)
	},
	"failed": func(o *operationRecord) starlark.Value { return starlark.Bool(o.Aborted) },
	"faulty": func(o *operationRecord) starlark.Value { return starlark.Bool(o.Faulty) },
	"before": func(o *operationRecord) starlark.Value {
		return starlark.NewBuiltin("before", func(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
			var other *operationRecord
			if err := starlark.UnpackArgs(b.Name(), args, kwargs, "other", &other); err != nil {
				return nil, fmt.Errorf("%w; it is op.before(other), with another operation of the history", err)
			}
			return starlark.Bool(o.Before(other.Operation)), nil
		})
	},
}

// Attr implements [starlark.HasAttrs].
func (o *operationRecord) Attr(name string) (starlark.Value, error) {
	if field := recordFields[name]; field != nil {
		return field(o), nil
	}
	names := o.AttrNames()
	return nil, fmt.Errorf("an operation of a history has no .%s%s; it has %s", name, spell.Hint(name, names), strings.Join(names, ", "))
}

// AttrNames implements [starlark.HasAttrs].
func (o *operationRecord) AttrNames() []string {
	var names []string
	for name := range recordFields {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// eventOf is an event of a fold, in a script.
func eventOf(e check.Event) starlark.Value {
	kind := map[node.ObservationKind]string{node.Invoked: "invoked", node.Returned: "returned", node.Aborted: "aborted", node.Crashed: "crashed"}[e.Kind]
	return starlarkstruct.FromStringDict(starlarkstruct.Default, starlark.StringDict{
		"kind": starlark.String(kind), "client": starlark.String(e.Client), "name": starlark.String(e.Name), "arg": value.FromGo(e.Arg),
		"result": value.FromGo(e.Result), "reason": starlark.String(e.Reason), "faulty": starlark.Bool(e.Faulty),
	})
}
