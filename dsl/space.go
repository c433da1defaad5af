package dsl

import (
	"errors"
	"fmt"
	"math/big"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/twinsh/twinsh/dsl/internal/interp"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/space"
)

// Values of scripts for spaces and scenarios, the operators that put spaces together, and
// the methods of a space. What a space is, counts and lists stands in package space of
// runtime; here are the bounds that scripts need and hosts do not, and what is said of
// mistakes. The nouns that make spaces of single steps are in builtin_spaces*.go.
//
// Scenarios are listed by iteration, at(i), representatives(max) and distinct(n) only: a
// space of 10^20 scenarios is as quickly put together as one of two.

// A scenarioValue is a scenario in a script: a sequence of steps. It is a value of its own
// so that run() and steps() can demand one, and is otherwise as a tuple is: immutable and
// hashable.
type scenarioValue space.Scenario

func (s scenarioValue) String() string {
	texts := make([]string, len(s))
	for i, step := range s {
		texts[i] = step.Text()
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

func (s scenarioValue) Type() string          { return "scenario" }
func (s scenarioValue) Freeze()               {}
func (s scenarioValue) Truth() starlark.Bool  { return len(s) > 0 }
func (s scenarioValue) Hash() (uint32, error) { return starlark.String(s.String()).Hash() }

// Len, Index and Iterate make a scenario a sequence of steps.
func (s scenarioValue) Len() int                   { return len(s) }
func (s scenarioValue) Index(i int) starlark.Value { return stepValue(s[i]) }
func (s scenarioValue) Iterate() starlark.Iterator { return &indexIterator{s, 0} }

// CompareSameType compares the texts of the steps.
//
// A step's text says all of its arguments, so that scenarios of one system are equal if and
// only if their steps are. Scenarios are ordered as their texts are, which means nothing,
// but lets a script sort them.
func (s scenarioValue) CompareSameType(op syntax.Token, y starlark.Value, depth int) (bool, error) {
	return starlark.CompareDepth(op, starlark.String(s.String()), starlark.String(y.String()), depth)
}

// The sequence it goes through never changes, so Done has nothing to release.
type indexIterator struct {
	of starlark.Indexable
	i  int
}

func (it *indexIterator) Next(p *starlark.Value) bool {
	if it.i >= it.of.Len() {
		return false
	}
	*p = it.of.Index(it.i)
	it.i++
	return true
}

func (it *indexIterator) Done() {}

// A spaceValue is a space in a script. It is immutable. Equality is identity: whether two
// expressions list the same scenarios is no cheap question. The interpreter is there for
// the context, which attributes are not given.
type spaceValue struct {
	*space.Space
	in *Interpreter
}

func (s *spaceValue) String() string        { return s.Space.String() }
func (s *spaceValue) Type() string          { return "space" }
func (s *spaceValue) Freeze()               {}
func (s *spaceValue) Truth() starlark.Bool  { return s.Size().Sign() > 0 }
func (s *spaceValue) Hash() (uint32, error) { return 0, fmt.Errorf("unhashable type: space") }

// Iterate goes through the scenarios in order.
//
// Scenarios are made one by one, by index, so that a loop over an endless space is no more
// than a long loop: the steps of the script are counted and it can be stopped. It has no
// length, so that functions of the library that would make a list of it first are stopped
// in time, too (see guard.Elements).
func (s *spaceValue) Iterate() starlark.Iterator {
	return &spaceIterator{space: s.Space, next: new(big.Int)}
}

// bounded returns a space of which a script may make others. The steps are those of its
// longest scenario: a space is not made before they are known to be few, because its size
// is an exact number with about as many digits. How deep its parts lie in each other is
// known afterwards only; walks over them recurse, and Go cannot recover from a stack that
// is full.
func (s *spaceValue) bounded(steps int, made func() *space.Space) (starlark.Value, error) {
	if steps > maxTimes {
		return nil, fmt.Errorf("the space would have scenarios of %d steps, want at most %d", steps, maxTimes)
	}
	of := made()
	if of.Depth() > maxNested {
		return nil, fmt.Errorf("the space is put together of more than %d parts, one in the other; put them together in a balanced way", maxNested)
	}
	return &spaceValue{of, s.in}, nil
}

// Binary implements a + b, a | b and a * n, on either side. For anything else it returns
// nothing, and the interpreter says that there is no such operator; see hint.go for the
// commonest of these, a world instead of a space.
func (s *spaceValue) Binary(op syntax.Token, y starlark.Value, side starlark.Side) (starlark.Value, error) {
	if n, ok := y.(starlark.Int); ok && op == syntax.STAR {
		times, err := starlark.AsInt32(n)
		if err != nil || times < 0 || times > maxTimes {
			return nil, fmt.Errorf("space * %s: want a number of times from 0 to %d", n, maxTimes)
		}
		return s.bounded(times*s.MaxLen(), func() *space.Space { return s.Times(times) })
	}
	other, ok := y.(*spaceValue)
	if !ok {
		return nil, nil
	}
	if side == starlark.Right {
		s, other = other, s
	}
	switch op {
	case syntax.PLUS:
		return s.bounded(s.MaxLen()+other.MaxLen(), func() *space.Space { return space.Then(s.Space, other.Space) })
	case syntax.PIPE:
		return s.bounded(0, func() *space.Space { return space.Or(s.Space, other.Space) })
	}
	return nil, nil
}

// AttrNames implements [starlark.HasAttrs].
//
// A method is listed here and made below; TestEveryAttributeIsDocumented finds each of
// these names in some documentation.
func (s *spaceValue) AttrNames() []string {
	return []string{"at", "constant", "distinct", "filter", "orbits", "representatives", "size", "steps"}
}

// Attr implements [starlark.HasAttrs]. The size and the steps take time in the parts of the
// space, not in its scenarios. The number of orbits may take long (Burnside's lemma, over
// all renamings of servers) and ends with the context of the script.
func (s *spaceValue) Attr(name string) (starlark.Value, error) {
	switch name {
	case "size":
		return starlark.MakeBigInt(s.Size()), nil
	case "steps":
		return stepList(s.Steps()), nil
	case "orbits":
		orbits, err := s.Orbits(s.in.scripts.Context())
		if err != nil {
			return nil, err
		}
		return starlark.MakeBigInt(orbits), nil
	}
	if m := spaceMethods[name]; m != nil {
		return m.Method(s), nil
	}
	return nil, nil
}

// A spaceIterator goes through a space by index. An index beyond the last is its end.
type spaceIterator struct {
	space *space.Space
	next  *big.Int
}

func (it *spaceIterator) Next(p *starlark.Value) bool {
	scenario, err := it.space.At(it.next)
	if err != nil {
		return false
	}
	it.next = new(big.Int).Add(it.next, big.NewInt(1))
	*p = scenarioValue(scenario)
	return true
}

func (it *spaceIterator) Done() {}

// maxTimes bounds how many steps scenarios have, so n in space * n; longer ones
// are of no use. maxNested bounds how deep the parts of a space lie in each other.
const (
	maxTimes  = 10_000
	maxNested = 100_000
)

// spaceMethods are the methods of a space.
var spaceMethods = methodsOf(atEntry(), constantEntry(), distinctEntry(), filterEntry(), representativesEntry())

func atEntry() Entry {
	return Entry{
		Signature: "at(i)",
		Doc:       "The i-th scenario, from 0.",
		call:      callAt,
	}
}

// callAt takes an index of any size, since spaces are larger than what an int counts; the
// error of one that is too large comes from [space.Space.At].
func callAt(c *call) (starlark.Value, error) {
	var i starlark.Int
	if err := c.Unpack(&i); err != nil {
		return nil, err
	}
	scenario, err := c.Receiver().(*spaceValue).At(i.BigInt())
	return scenarioValue(scenario), err
}

func distinctEntry() Entry {
	return Entry{
		Signature: "distinct(n)",
		Doc:       "Sequences of n different scenarios of this space.",
		call:      callDistinct,
	}
}

// callDistinct bounds n first. The space that is drawn from is listed, which is an error if
// it has more than [space.MaxMembers] scenarios, and ends with the context of the script.
func callDistinct(c *call) (starlark.Value, error) {
	var n int
	if err := c.Unpack(&n); err != nil {
		return nil, err
	}
	if n < 0 || n > maxTimes {
		return nil, fmt.Errorf("distinct: n is %d, want 0 to %d", n, maxTimes)
	}
	of := c.Receiver().(*spaceValue)
	s, err := of.Distinct(interp.ContextOf(c.Thread), n)
	if err != nil {
		return nil, err
	}
	return of.bounded(s.MaxLen(), func() *space.Space { return s })
}

func filterEntry() Entry {
	return Entry{
		Signature: "filter(fn)",
		Doc:       "The scenarios of this space of which fn(step) is True for each step.",
		call:      callFilter,
	}
}

// callFilter lets code of a script shape a space; the other place is each. fn is asked
// about each different step once, here and now, and never by the search: a search that
// asked would call it in an order that depends on its workers, and could not know the size
// of the space beforehand. Errors in fn therefore stand where the filter is written, and
// what fn sees is frozen before the first question. An answer that is neither True nor
// False is an error, since None is what a function returns that forgot to.
//
// The text of fn is part of the name of the space, which reports and errors show;
// checkpoints are distinguished by what the space holds.
func callFilter(c *call) (starlark.Value, error) {
	var fn starlark.Callable
	if err := c.Unpack(&fn); err != nil {
		return nil, err
	}
	ask, err := asking(interp.RunOf(c.Thread), asked{
		of:      "filter",
		looks:   "a filter looks at the step that it is given and neither sees nor changes the world of the session",
		changes: "a filter",
	}, fn)
	if err != nil {
		return nil, fmt.Errorf("filter: fn: %w", err)
	}
	ctx, of := interp.ContextOf(c.Thread), c.Receiver().(*spaceValue)
	s, err := space.Filter(of.Space, interp.FunctionText(interpreter(c).scripts, fn), func(step runtime.Step) (bool, error) {
		answer, err := ask(ctx, starlark.Tuple{stepValue(step)}, nil)
		if err != nil {
			return false, err
		}
		keep, ok := answer.(starlark.Bool)
		if !ok {
			return false, interp.NewCodeError("filter", fn, fmt.Errorf("fn returned %s for %s, want True or False", returned(answer), step.Text()))
		}
		return bool(keep), nil
	})
	if err != nil {
		return nil, err
	}
	return of.bounded(s.MaxLen(), func() *space.Space { return s })
}

func representativesEntry() Entry {
	return Entry{
		Signature: "representatives(max=1000)",
		Doc:       "One scenario of each orbit, the first in order: a list of at most max.",
		call:      callRepresentatives,
	}
}

// callRepresentatives makes a list of at most max scenarios, so that a script cannot ask
// for more than fits; the walk over the orbits ends when it is full. It is an error, and no
// shorter list, if the context ends before.
func callRepresentatives(c *call) (starlark.Value, error) {
	most := 1000
	if err := c.Unpack(&most); err != nil {
		return nil, err
	}
	list := starlark.NewList(nil)
	if most < 0 || most > space.MaxChoices {
		return nil, fmt.Errorf("representatives: max is %d, want 0 to %d", most, space.MaxChoices)
	}
	var full error
	err := c.Receiver().(*spaceValue).Representatives(interp.ContextOf(c.Thread), func(sc space.Scenario) bool {
		if list.Len() < most {
			full = list.Append(scenarioValue(sc))
		}
		return list.Len() < most && full == nil
	})
	if err != nil || full != nil {
		return nil, errors.Join(err, full)
	}
	return list, nil
}

func constantEntry() Entry {
	return Entry{
		Signature: "constant(n)",
		Doc:       "Each scenario of this space n times in a row.",
		call:      callConstant,
	}
}

// callConstant repeats the choice and not the space: (a | b).constant(2) is aa and bb,
// where (a | b) * 2 is also ab and ba. Faults that last are written so.
func callConstant(c *call) (starlark.Value, error) {
	var n int
	if err := c.Unpack(&n); err != nil {
		return nil, err
	}
	if n < 0 || n > maxTimes {
		return nil, fmt.Errorf("constant: n is %d, want 0 to %d", n, maxTimes)
	}
	of := c.Receiver().(*spaceValue)
	return of.bounded(n*of.MaxLen(), func() *space.Space { return of.Constant(n) })
}
