package runtime

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/twinsh/twinsh/runtime/internal/engine"
)

var viewKinds = []Action{ViewStep{}}

// A ViewStep is several steps that count as one: they happen one after the other, and
// if one of them cannot, none does. Properties judge the world after the last of
// them, and what was observed in all of them, by who is faulty then; a decision or a
// result stays, so that they see it, but no world between two of them is judged by itself.
type ViewStep struct {
	Called string
	Steps  []Action // at least one, and no views
}

func (a ViewStep) Name() string   { return "view" }
func (a ViewStep) String() string { return notation(a) }
func (a ViewStep) Title() string {
	var titles []string
	for _, in := range a.Steps {
		titles = append(titles, in.Title())
	}
	return fmt.Sprintf("view %q: %s", a.Called, strings.Join(titles, "; then "))
}

func (a ViewStep) edit(e editor) Action {
	a.Called = required(e, "name", ofOthers, a.Called)
	a.Steps = required(e, "steps", ofOthers, a.Steps)
	return a
}

func (a ViewStep) bind(c *Cluster) (Action, engine.Move, error) {
	steps, err := a.in(c)
	if err != nil {
		return nil, nil, err
	}
	return viewOf(a.Called, steps)
}

// in makes the steps of a view in a cluster.
func (a ViewStep) in(c *Cluster) ([]Step, error) {
	steps := make([]Step, len(a.Steps))
	for i, in := range a.Steps {
		var err error
		if steps[i], err = c.Step(in); err != nil {
			return nil, err
		}
	}
	return steps, nil
}

func viewOf(name string, steps []Step) (Action, engine.Move, error) {
	switch {
	case name == "":
		return nil, nil, errors.New("a view has a name, by which it is shown")
	case len(steps) == 0:
		return nil, nil, errors.New("no step is in it; a view is at least one")
	}
	a := ViewStep{Called: name}
	var moves []*engine.Step
	for _, s := range steps {
		if Is[ViewStep](s) {
			return nil, nil, fmt.Errorf("%s is in it, and a view has no views in it; give the steps of it", s.Text())
		}
		a.Steps, moves = append(a.Steps, s.action), append(moves, s.move)
	}
	return a, engine.InTurn(name, moves), nil
}

// View returns the step that takes several steps of one cluster as a [ViewStep] does. It
// shares them, so that many views of the same steps take little memory.
func View(name string, steps []Step) (Step, error) {
	for _, s := range steps {
		if s.cluster != steps[0].cluster {
			return Step{}, fmt.Errorf("view: %s was made for another cluster than %s", s.Text(), steps[0].Text())
		}
	}
	a, move, err := viewOf(name, steps)
	if err != nil {
		return Step{}, fmt.Errorf("view: %w", err)
	}
	return steps[0].cluster.made(a, move, slices.Clone(steps)), nil
}

// InTurn returns the steps that happen one after the other: those of a view, and of
// any other step itself. The caller must not change what it gets.
func (s Step) InTurn() []Step {
	if s.inTurn == nil {
		return []Step{s}
	}
	return s.inTurn
}

// Unfolded returns w as if each step of a view on the way to it had been taken by
// itself. It is w if there are none.
func (w *World) Unfolded() *World {
	path := w.Path()
	first := slices.IndexFunc(path[1:], func(v *World) bool { return v.step.inTurn != nil })
	if first < 0 {
		return w
	}
	at := path[first]
	for _, v := range path[first+1:] {
		for _, s := range v.step.InTurn() {
			next, err := at.Do(s)
			if err != nil { // they happened, so that nothing but room for what is learnt is missing
				return w
			}
			at = next
		}
	}
	return at
}
