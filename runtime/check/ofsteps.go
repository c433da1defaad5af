package check

import (
	"context"
	"fmt"

	"github.com/twinsh/twinsh/runtime"
)

// A StepProperty judges single steps, by the worlds before and after each, and says what may
// change: an action property [][A]_vars of TLA+ (Lamport, "The Temporal Logic of Actions", TOPLAS
// 1994). A step that leaves the world as it was changes nothing, and is judged by none. A view is
// one step.
//
// As a [WorldProperty] it judges the path to a world, which is violated by its first step that is.
// What a step violated stays violated, whatever comes after it.
type StepProperty interface {
	WorldProperty
	// JudgeStep judges a step that leads from one world to another of the same cluster. It may be
	// called concurrently.
	JudgeStep(ctx context.Context, before, after *runtime.World) (Verdict, error)
}

// StepInvariant returns a property of single steps. It is judged while at most so many servers
// are faulty after the step (see [UpTo]), or whatever fails if faults is negative.
func StepInvariant(faults int, name string, judge func(ctx context.Context, before, after *runtime.World) (Verdict, error)) StepProperty {
	p := stepInvariant{step: judge}
	p.invariant = invariant{name, p.path, faults}
	return p
}

// A stepInvariant is an invariant of worlds of which the path is judged.
type stepInvariant struct {
	invariant
	step func(ctx context.Context, before, after *runtime.World) (Verdict, error)
}

func (stepInvariant) needs() string { return "a step that changes something" }

// path judges each step to w. That too many are faulty in w is the affair of the invariant. It
// goes on behind a step that is violated, since code may fail where the property plays on from
// later ones.
func (p stepInvariant) path(ctx context.Context, w *runtime.World) (Verdict, error) {
	all := Verdict{Holds: true, Vacuous: true}
	for _, after := range w.Path()[1:] {
		v, err := p.change(ctx, after.Parent(), after)
		if err != nil {
			return v, err
		}
		for _, f := range v.Failed {
			if f.from = after; f.Before {
				f.from = after.Parent()
			}
			all.Failed = append(all.Failed, f)
		}
		all.Vacuous = all.Vacuous && v.Vacuous
		if all.Holds && !v.Holds {
			all.Holds, all.Why = false, fmt.Sprintf("%s: %s", w.History().Place(after.Depth()), v.Why)
		}
	}
	return all, nil
}

// change judges a step unless it changes nothing.
func (p stepInvariant) change(ctx context.Context, before, after *runtime.World) (Verdict, error) {
	if before.Same(after) {
		return Verdict{Holds: true, Vacuous: true}, nil
	}
	return p.step(ctx, before, after)
}

// JudgeStep implements [StepProperty].
func (p stepInvariant) JudgeStep(ctx context.Context, before, after *runtime.World) (Verdict, error) {
	return p.within(after, func() (Verdict, error) { return p.change(ctx, before, after) })
}

// OfSteps reports whether p is judged of single steps.
func OfSteps(p WorldProperty) bool {
	_, ok := meant(p).(StepProperty)
	return ok
}
