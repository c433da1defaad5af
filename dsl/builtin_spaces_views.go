package dsl

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"go.starlark.net/starlark"

	"github.com/twinsh/twinsh/dsl/internal/interp"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/space"
)

// Spaces that say how choices belong together. each shares a choice between several steps,
// where + would choose for each step anew; view makes one step of several, so that a
// length, a filter or distinct speaks of protocol phases and not of steps. Neither takes a
// step, and nothing of them is left when a space is made: the first is an alternative of
// spaces, the second a choice of steps.
//
// Both list what there is, each as many combinations or scenarios as space.MaxChoices
// allows, and both count before they list.

func eachEntry() Entry {
	return Entry{
		Signature: "each(*choices, fn=None)",
		Doc: `The space of all that fn makes of shared choices.
fn gets one of each, in order, and returns a space or a step; the result is all of these spaces, one after the other. A choice is a list, or a space, such as partitions(max = 2): of that fn gets, for each scenario, a space that holds nothing else and can stand wherever a space can, for the partitions of rounds, too. fn is the last argument. It is called once for each combination, of which there are at most 1,048,576, and all of that before each returns, however little of the space is searched or drawn later; the first choice varies slowest.
fn sees its choices and makes spaces of them; it takes no step, and neither sees nor changes the world. If all that it makes is single steps, a step that it makes twice is listed once.`,
		Example: roundStage + `same = each(partitions(max = 2), [[], ["B"]], lambda p, d: rounds("A", p, deaf = [d], types = ["vote"]) + deliveries(p))
print(same.size, same.at(1))`,
		call: callEach,
	}
}

// callEach takes the function as the last argument, as in each(a, b, lambda x, y: …), or by
// name. It checks, in this order: that there are choices and a function, that each choice
// is one and not empty, and how many combinations there are. Only then is fn called, once
// for each of them, and none of its answers is taken on trust: what is neither a space, a
// step nor a scenario is an error with the arguments for which it came. The text of the
// space is the call, in short.
func callEach(c *call) (starlark.Value, error) {
	var given starlark.Tuple
	var fn starlark.Callable
	if err := c.Unpack(&given, &fn); err != nil {
		return nil, err
	}
	if n := len(given); fn == nil && n > 0 {
		last, ok := given[n-1].(starlark.Callable)
		if !ok {
			return nil, fmt.Errorf("each: the last argument is %s, want a function of one of each choice, as in each(partitions(max = 2), lambda p: rounds(partitions = p))", article(given[n-1]))
		}
		fn, given = last, given[:n-1]
	}
	if len(given) == 0 || fn == nil {
		return nil, fmt.Errorf("each: want choices and a function of one of each, as in each(partitions(max = 2), lambda p: rounds(partitions = p))")
	}
	choices := make([]choice, len(given))
	var lengths []int
	for i, v := range given {
		var err error
		if choices[i], err = choiceIn(c, v); err != nil {
			return nil, fmt.Errorf("each: choice %d: %w", i+1, err)
		}
		lengths = append(lengths, choices[i].len)
	}
	if err := space.Listable(product(lengths...), "combinations"); err != nil {
		return nil, fmt.Errorf("each: %w; give fewer choices, or parts of the space that share none an each of their own", err)
	}
	spaces, err := eachOf(c, choices, fn)
	if err != nil {
		return nil, err
	}
	var texts []string
	for _, v := range given {
		texts = append(texts, short(v))
	}
	text := fmt.Sprintf("each(%s, %s)", strings.Join(texts, ", "), interp.FunctionText(interpreter(c).scripts, fn))
	all := space.OneOf(spaces)
	return (&spaceValue{in: interpreter(c)}).bounded(all.MaxLen(), func() *space.Space { return all.Named(text) })
}

// eachOf calls fn with each combination of choices.
//
// It goes through asking, although it runs on one goroutine and at once: what fn may look
// at and change is then the same as for a filter, and a space cannot depend on what fn
// noted in a list between two calls.
func eachOf(c *call, choices []choice, fn starlark.Callable) ([]*space.Space, error) {
	ask, err := asking(interp.RunOf(c.Thread), asked{
		of:      "each",
		looks:   "the function of each makes spaces of what it is given, and neither sees nor changes the world of the session; plural nouns make spaces, as in rounds(leader)",
		changes: "the function of each",
	}, fn)
	if err != nil {
		return nil, fmt.Errorf("each: fn: %w", err)
	}
	ctx := interp.ContextOf(c.Thread)
	var spaces []*space.Space
	args := make(starlark.Tuple, len(choices))
	var choose func(k int) error
	choose = func(k int) error {
		if k == len(choices) {
			s, err := madeBy(ctx, ask, fn, append(starlark.Tuple{}, args...))
			spaces = append(spaces, s)
			return err
		}
		for i := range choices[k].len {
			if args[k], err = choices[k].at(i); err != nil {
				return err
			}
			if err := choose(k + 1); err != nil {
				return err
			}
		}
		return nil
	}
	err = choose(0)
	return spaces, err
}

// madeBy returns the space that fn makes of its arguments.
//
// Code that fails in a step cannot come up here, since fn takes none: there is no player.
func madeBy(ctx context.Context, ask func(context.Context, starlark.Tuple, *player) (starlark.Value, error), fn starlark.Callable, args starlark.Tuple) (*space.Space, error) {
	v, err := ask(ctx, args, nil)
	if err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case *spaceValue:
		return v.Space, nil
	case stepValue:
		return space.Of(runtime.Step(v)), nil
	case scenarioValue:
		return only(space.Scenario(v)), nil
	}
	var given []string
	for _, arg := range args {
		given = append(given, short(arg))
	}
	return nil, interp.NewCodeError("each", fn, fmt.Errorf("fn returned %s for %s, want a space or a step%s", returned(v), strings.Join(given, ", "), ofList(v)))
}

// ofList says how spaces in a list become one, "" of what is no list.
func ofList(v starlark.Value) string {
	if _, ok := v.(*starlark.List); ok {
		return "; a + b is one space after the other, a | b either"
	}
	return ""
}

// only is the space of one scenario.
func only(sc space.Scenario) *space.Space {
	if len(sc) == 0 {
		return space.Of().Times(0)
	}
	s := space.Of(sc[0])
	for _, step := range sc[1:] {
		s = space.Then(s, space.Of(step))
	}
	return s
}

// A choice is one of several values.
//
// at makes the i-th one when it is needed: a space of a million scenarios is not listed
// twice.
type choice struct {
	len int
	at  func(i int) (starlark.Value, error)
}

// choiceIn is what a value offers to choose from, counted before it is listed.
//
// A scenario that is chosen from a space is a space again, of itself alone, because that is
// what can stand everywhere: as a part of a sum, and for partitions. A text is refused, as
// it would be chosen from letter by letter; so is a choice of nothing, of which there would
// be no combination at all.
func choiceIn(c *call, v starlark.Value) (choice, error) {
	var of choice
	switch v := v.(type) {
	case *spaceValue:
		if err := space.Listable(v.Size(), "scenarios"); err != nil {
			return of, err
		}
		of = choice{int(v.Size().Int64()), func(i int) (starlark.Value, error) {
			sc, err := v.At(big.NewInt(int64(i)))
			return &spaceValue{only(sc), interpreter(c)}, err
		}}
	case *starlark.List:
		of = listed(v)
	case starlark.Tuple:
		of = listed(v)
	case *starlark.Set:
		all := make(starlark.Tuple, 0, v.Len())
		for e := range v.Elements() {
			all = append(all, e)
		}
		of = listed(all)
	case starlark.String, starlark.Bytes:
		return of, fmt.Errorf("got the %s %s, want a list to choose from, as in [%[2]s]", v.Type(), v)
	case starlark.Indexable: // a range
		of = listed(v)
	default:
		return of, fmt.Errorf("got %s, want a list or a space to choose from", article(v))
	}
	if of.len == 0 {
		return of, errors.New("it is empty, and so would be the space; leave it out, or give what stands for no choice, such as [[]] for a set")
	}
	return of, nil
}

// listed chooses from a list. What is chosen is frozen, as all that such functions see.
func listed(v starlark.Indexable) choice {
	return choice{v.Len(), func(i int) (starlark.Value, error) {
		e := v.Index(i)
		e.Freeze()
		return e, nil
	}}
}

func viewEntry() Entry {
	return Entry{
		Signature: "view(name, space)",
		Doc: `The space of the scenarios of another space, each as one step with a name.
Its steps happen one after the other and count as one. Lengths count views; reports print view "v": …, filters and orbits take a view as a whole, and undo takes it back. Pictures show its steps below a line that names it, and shrink takes them apart.
If one of its steps cannot happen, the view cannot: a step happens wholly or not at all. A view is judged when it is over: what was decided or returned within it is seen, by who is faulty at its end, and invariants see the world after it but none between its steps. So what must hold after each step is not to be put into a view.
Scenarios that the space lists twice are one view, and of each different one there is a step: at most 1,048,576. The space has no empty scenario (see maybe) and no views. Such a step has kind, name and steps.`,
		Example: roundStage + `views = view("v", each(partitions(max = 2), lambda p: rounds("any", p) + timeouts(all = True) + deliveries(p)))
print(views.size, (views * 3).size)
print(views.at(0)[0].steps[1])`,
		call: callView,
	}
}

// callView hands over to [space.View], which lists the scenarios of the space, once each.
// That there are too many, that one is empty or has a view in it, are errors of it. It ends
// with the context of the script.
func callView(c *call) (starlark.Value, error) {
	var name string
	var of *spaceValue
	if err := c.Unpack(&name, &of); err != nil {
		return nil, err
	}
	s, err := space.View(interp.ContextOf(c.Thread), name, of.Space)
	if err != nil {
		return nil, fmt.Errorf("view: %w", err)
	}
	return of.bounded(1, func() *space.Space { return s })
}
