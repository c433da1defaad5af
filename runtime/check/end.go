package check

import (
	"context"

	"github.com/twinsh/twinsh/runtime"
)

// AtEnd returns the property that p holds at the end of a scenario: what is observed on the
// way may violate it for a while. A search judges it where a scenario of its space is
// complete; one that ends early, because a step cannot happen, is not.
func AtEnd(p Property) Property { return atEnd{p} }

// WorldAtEnd is [AtEnd] for a property of worlds.
func WorldAtEnd(p WorldProperty) WorldProperty {
	if l, ok := p.(Liveness); ok {
		return livenessAtEnd{l}
	}
	return worldAtEnd{p}
}

// IsAtEnd reports whether p is judged at the end of a scenario only.
func IsAtEnd(p interface{ Name() string }) bool {
	_, ok := p.(interface{ atEnd() })
	return ok
}

// An Ending monitor of a property that is judged at the end does not judge on the way, where
// Violated is always false.
type Ending interface {
	Monitor
	// Ends reports whether a history that ends in the state violates the property.
	Ends(ctx context.Context, state string) (violated bool, err error)
}

// endName names a property that is judged at the end.
func endName(p interface{ Name() string }) string { return p.Name() + " at the end" }

// The three wrap a property of each kind that there is. What a property means is asked of the one
// within (see [meant]), so that being at the end and the meaning of a property stay apart.

type atEnd struct{ Property }

func (p atEnd) Name() string { return endName(p.Property) }
func (atEnd) atEnd()         {}
func (p atEnd) inner() named { return p.Property }

type worldAtEnd struct{ WorldProperty }

func (p worldAtEnd) Name() string { return endName(p.WorldProperty) }
func (worldAtEnd) atEnd()         {}
func (p worldAtEnd) inner() named { return p.WorldProperty }

type livenessAtEnd struct{ Liveness }

func (p livenessAtEnd) Name() string { return endName(p.Liveness) }
func (livenessAtEnd) atEnd()         {}
func (p livenessAtEnd) inner() named { return p.Liveness }

// JudgeWorld implements [WorldProperty].
func (p livenessAtEnd) JudgeWorld(ctx context.Context, w *runtime.World) (Verdict, error) {
	return p.Liveness.JudgeWorld(ctx, w)
}

// named is what a property is beside its verdicts.
type named interface{ Name() string }

// meant returns the property that is judged, be it at the end or all the time, and however many
// may be faulty.
func meant(p named) named {
	for {
		e, ok := p.(interface{ inner() named })
		if !ok {
			return p
		}
		p = e.inner()
	}
}
