package value

import (
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/starlark"

	"github.com/twinsh/twinsh/dsl/internal/spell"
)

// A Kind is a type of messages with the names of their fields in order, as
// message("vote", "view", "block") of a script makes it: a signature. Messages of it may
// be sent with fields by position, and have the fields that it names and no others.
type Kind struct {
	Name   string
	Fields []string
}

func (k *Kind) String() string        { return k.Name + "(" + strings.Join(k.Fields, ", ") + ")" }
func (k *Kind) Type() string          { return "message type" }
func (k *Kind) Freeze()               {}
func (k *Kind) Truth() starlark.Bool  { return true }
func (k *Kind) Hash() (uint32, error) { return starlark.String(k.Name).Hash() }

// NewKind makes a type of messages. The error says which field cannot be one.
func NewKind(name string, fields []string) (*Kind, error) {
	if slices.Contains(Events, name) {
		return nil, fmt.Errorf("on_%s is the handler of an event; call the message something else", name)
	}
	for i, f := range fields {
		if reserved(f) {
			return nil, fmt.Errorf("every message has a %s already; use another field name", f)
		}
		if slices.Contains(fields[:i], f) {
			return nil, fmt.Errorf("two fields have the name %s", f)
		}
	}
	return &Kind{name, fields}, nil
}

// reserved reports whether every message has something of that name.
func reserved(field string) bool { return field == "type" || field == "sender" }

// Bind gives the names of the fields to values by position, and checks those that are
// given by name.
//
// It is strict where messages without a signature are not: a field that is missing or too
// many is found where it is sent, and not by the handler that reads it, in whichever
// scenario first comes there.
func (k *Kind) Bind(args starlark.Tuple, named []starlark.Tuple) ([]starlark.Tuple, error) {
	if len(args) > len(k.Fields) {
		return nil, fmt.Errorf("got %d fields of %s", len(args), k)
	}
	all := make([]starlark.Tuple, 0, len(k.Fields))
	for i, v := range args {
		all = append(all, starlark.Tuple{starlark.String(k.Fields[i]), v})
	}
	for _, kw := range named {
		name := string(kw[0].(starlark.String))
		switch at := slices.Index(k.Fields, name); {
		case at < 0:
			return nil, fmt.Errorf("%s has no field %s%s", k, name, spell.Hint(name, k.Fields))
		case at < len(args):
			return nil, fmt.Errorf("field %s of %s is given twice", name, k)
		}
		all = append(all, kw)
	}
	if len(all) < len(k.Fields) {
		given := func(f string) bool {
			return slices.ContainsFunc(all, func(t starlark.Tuple) bool { return string(t[0].(starlark.String)) == f })
		}
		missing := slices.DeleteFunc(slices.Clone(k.Fields), given)
		return nil, fmt.Errorf("%s of %s is not given", strings.Join(missing, ", "), k)
	}
	return all, nil
}

// KindOf returns the name of a type of messages, given as a string or a [Kind].
func KindOf(v starlark.Value) (name string, ok bool) {
	if k, is := v.(*Kind); is {
		return k.Name, true
	}
	return starlark.AsString(v)
}
