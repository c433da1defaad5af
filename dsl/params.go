package dsl

import (
	"errors"
	"fmt"
	"math"
	"time"

	"go.starlark.net/starlark"

	"github.com/twinsh/twinsh/dsl/internal/interp"
	"github.com/twinsh/twinsh/dsl/internal/value"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/node"
)

// Types that parameters can have beyond those of [starlark.UnpackArg]. A builtin declares a
// variable of such a type and gives it to [interp.Call.Unpack]; what is unpacked is checked
// and converted at once, so that the code below deals with Go values only.
//
// Each error begins with "got" and says what would be right with an example; the name of
// the builtin and of the parameter are put before it by Unpack. Where one mistake is likely
// (a string for a list of strings, a list of names for a list of lists), it has a text of
// its own. A variable whose argument is not given keeps its zero value, and most types can
// be nil, so that "not given" and "given as an empty list" are different: exchanges() is of
// all clients, exchanges([]) of none, which is an error later on.

// plain is a parameter that takes what [value.ToGo] takes.
//
// That is what operations carry to nodes in Go, which must be able to compare it.
type plain struct{ value any }

// Unpack implements [starlark.Unpacker].
func (p *plain) Unpack(v starlark.Value) (err error) {
	p.value, err = value.ToGo(v)
	return err
}

// faultBound is a parameter that takes how many servers may be faulty for a property to be
// judged, or None. Its zero value is None, because 0 means another thing: no server at all.
type faultBound struct {
	most  int
	given bool
}

// Unpack implements [starlark.Unpacker].
func (b *faultBound) Unpack(v starlark.Value) error {
	if v == starlark.None {
		return nil
	}
	n, err := starlark.AsInt32(v)
	if err != nil || n < 0 {
		return fmt.Errorf("got %s, want a number of servers or None", v)
	}
	*b = faultBound{n, true}
	return nil
}

// written is how the bound is given after other arguments.
func (b faultBound) written() string {
	if !b.given {
		return ""
	}
	return fmt.Sprintf(", faults = %d", b.most)
}

// of makes a property of histories one that is judged up to the bound only, if there is one. How it
// was made counts it among its arguments.
func (b faultBound) of(p *propertyValue) *propertyValue {
	if b.given {
		p.property = check.UpTo(b.most, p.property)
		p.name = p.property.Name()
		p.args = append(p.args, starlark.MakeInt(b.most))
	}
	return p
}

// groups is a parameter that takes a partition: a list of lists of names. Whether the
// groups are disjoint and name what there is, is known to the cluster only.
type groups [][]string

// Unpack implements [starlark.Unpacker].
//
// A list of strings is refused here and not by the inner list, whose error would speak of
// the first letter.
func (g *groups) Unpack(v starlark.Value) error {
	return g.unpack(v, "groups")
}

// unpack reads a list of lists of names, which errors call by the given word.
func (g *groups) unpack(v starlark.Value, what string) error {
	list, ok := v.(starlark.Iterable)
	if !ok {
		return fmt.Errorf(`got %s, want a list of %s, as in [["A", "B"], ["C"]]`, given(v), what)
	}
	*g = groups{}
	for e := range starlark.Elements(list) {
		var group interp.Names
		if _, ok := starlark.AsString(e); ok {
			return fmt.Errorf(`got a list with the string %s in it, want a list of %s, as in [["A", "B"], ["C"]]`, e, what)
		}
		if err := group.Unpack(e); err != nil {
			return err
		}
		*g = append(*g, group)
	}
	return nil
}

// reachList is a parameter that takes a list of reaches, each a list of instances.
type reachList groups

// Unpack implements [starlark.Unpacker].
func (r *reachList) Unpack(v starlark.Value) error { return (*groups)(r).unpack(v, "reaches") }

// choices is a parameter that takes a list of sets of instances, one of which is chosen. It
// has another error than groups have: deaf = ["B"] is a natural thing to write, and what it
// should be, [["B"]] or [[], ["B"]], depends on whether somewhere none is deaf.
type choices groups

// Unpack implements [starlark.Unpacker].
func (c *choices) Unpack(v starlark.Value) error {
	if list, ok := v.(starlark.Iterable); ok {
		for e := range starlark.Elements(list) {
			if name, ok := e.(starlark.String); ok {
				return fmt.Errorf(`got a list with %s in it, want a list of lists, one of which is chosen for each step, as in [[], [%[1]s]]`, name)
			}
		}
	}
	return (*groups)(c).Unpack(v)
}

// oneOrMore is a parameter that takes a name or a list of names. It serves nouns, in which
// one client and a list of one are the same choice; acts take one or the other.
type oneOrMore []string

// Unpack implements [starlark.Unpacker].
func (o *oneOrMore) Unpack(v starlark.Value) error {
	if s, ok := starlark.AsString(v); ok {
		*o = oneOrMore{s}
		return nil
	}
	return (*interp.Names)(o).Unpack(v)
}

// fileName is a parameter that takes the name of a file. Where it lies and whether it may
// be written is checked by writable, and not before all other arguments are known to be
// right.
type fileName string

// Unpack implements [starlark.Unpacker].
func (n *fileName) Unpack(v starlark.Value) error {
	text, ok := starlark.AsString(v)
	if !ok {
		return fmt.Errorf("got %s, want the name of a file", v.Type())
	}
	if text == "" {
		return errors.New(`got "", want the name of a file; leave it out if there is to be none`)
	}
	*n = fileName(text)
	return nil
}

// setChoices is a parameter that takes a name, a list of names, each of which is a choice
// by itself, or a list of lists, one of which is chosen.
type setChoices struct {
	sets  [][]string
	lists bool // they were given as lists
}

// Unpack implements [starlark.Unpacker].
func (s *setChoices) Unpack(v starlark.Value) error {
	*s = setChoices{sets: [][]string{}}
	if list, ok := v.(starlark.Iterable); ok {
		for e := range starlark.Elements(list) {
			if _, s.lists = e.(starlark.Iterable); s.lists {
				return (*groups)(&s.sets).Unpack(v)
			}
		}
	}
	var names oneOrMore
	if err := names.Unpack(v); err != nil {
		return err
	}
	for _, name := range names {
		s.sets = append(s.sets, []string{name})
	}
	return nil
}

// someOperations is a parameter that takes an operation or a list of them.
type someOperations []node.Operation

// Unpack implements [starlark.Unpacker].
func (o *someOperations) Unpack(v starlark.Value) (err error) {
	if op, ok := v.(value.Operation); ok {
		*o = someOperations{node.Operation(op)}
		return nil
	}
	*o, err = operations(v)
	return err
}

// seconds is a parameter that takes a number of seconds, or a text such as "2m". It is a
// time on the clock, used for budgets only: what a search finds does not depend on it other
// than by where the search stops, which the report says.
type seconds time.Duration

// Unpack implements [starlark.Unpacker].
//
// A nanosecond is the least. True is no number here, nor is None, which Unpack leaves out.
func (s *seconds) Unpack(v starlark.Value) error {
	if text, ok := starlark.AsString(v); ok {
		d, err := time.ParseDuration(text)
		if err != nil || d <= 0 {
			return fmt.Errorf(`got %s, want a duration above 0, as in "90s", "2m" or "1h30m"`, v)
		}
		*s = seconds(d)
		return nil
	}
	f, ok := starlark.AsFloat(v)
	// The comparisons are such that nan fails them.
	if d := f * float64(time.Second); ok && d >= 1 && d < math.MaxInt64 {
		*s = seconds(d)
		return nil
	}
	return fmt.Errorf(`got %s, want a number of seconds above 0, or a text such as "90s" or "2m"`, v)
}

// memory is a parameter that takes bytes, or a text such as "16GiB", as the flag of the
// program does. A number below a MiB is taken for a unit that was forgotten.
type memory int

// Unpack implements [starlark.Unpacker].
func (m *memory) Unpack(v starlark.Value) error {
	text := v.String()
	if s, ok := starlark.AsString(v); ok {
		text = s
	}
	n, err := ParseMemory(text)
	if err != nil {
		return fmt.Errorf("got %s, %w", v, err)
	}
	*m = memory(n)
	return nil
}
