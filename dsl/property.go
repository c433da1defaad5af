package dsl

import (
	"context"
	"fmt"
	"slices"

	"go.starlark.net/starlark"

	"github.com/twinsh/twinsh/dsl/internal/interp"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/english"
	"github.com/twinsh/twinsh/runtime/explore"
	"github.com/twinsh/twinsh/runtime/trace"
)

// What a script holds in its hands when it says agreement(), and how that is judged at one
// world. The builtins that make properties are in builtin_properties.go and
// builtin_models.go, the properties themselves in package check of runtime.
//
// There are two kinds. A property of histories judges what was observed on the way; a
// search folds it along each scenario, and merges scenarios whose pasts are the same to it.
// An invariant judges one world, or one step by the worlds before and after, and may not ask how
// they came about. Exactly one of the two fields is set, and nothing but the methods here asks which.

// A propertyValue is a property in a script: of a history or of a world. It is immutable,
// and may be judged by several goroutines at a time.
//
// Beside the property it keeps how it was made, twice: text is what a person would write,
// and is what :save writes; made is what a function of the script was called with that
// called the builtin in turn, for shrink, whose script is to be as short as the original.
// args are what a fingerprint takes in, since two invariants of one name may be of
// different functions.
type propertyValue struct {
	name      string
	text      string           // the call that makes it again, "" if it is not known
	made      []interp.Making  // calls around it that may make it again
	args      []starlark.Value // what it was made of
	property  check.Property
	invariant check.WorldProperty
	ends      *propertyValue // what is judged at the end, nil if p is judged all the time
}

func (p *propertyValue) String() string        { return p.name }
func (p *propertyValue) Type() string          { return "property" }
func (p *propertyValue) Freeze()               {}
func (p *propertyValue) Truth() starlark.Bool  { return true }
func (p *propertyValue) Hash() (uint32, error) { return starlark.String(p.name).Hash() }

// judge judges one world and the path to it, by who is faulty there. An error is a mistake
// of the script, an operation that the model does not know or the end of ctx, never a
// verdict.
func (p *propertyValue) judge(ctx context.Context, w *runtime.World) (check.Verdict, error) {
	if p.invariant != nil {
		return p.invariant.JudgeWorld(ctx, w)
	}
	return p.property.Judge(ctx, w.History())
}

// atEnd reports whether p is judged at the end of a scenario only.
func (p *propertyValue) atEnd() bool { return p.ends != nil }

// ofWay reports whether p is judged of what happened on the way to a world, and not of what the
// world is like.
func (p *propertyValue) ofWay() bool { return p.property != nil || check.OfSteps(p.invariant) }

// needs says what puts p to the test.
func (p *propertyValue) needs() string {
	if p.invariant != nil {
		return check.Needs(p.invariant)
	}
	return check.Needs(p.property)
}

// beyond reports whether more servers are faulty in w than p promises anything for.
func (p *propertyValue) beyond(w *runtime.World) bool {
	if p.invariant != nil {
		return check.Beyond(p.invariant, w)
	}
	return check.Beyond(p.property, w)
}

// excess says why p promises nothing in w, where it is beyond that.
func (p *propertyValue) excess(w *runtime.World) string {
	more := w.BeyondCrashes()
	switch {
	case len(more) > 0:
		return "beyond crash faults: " + english.Join(more, "and") + ", which proves nothing"
	case p.invariant != nil && check.CountsDown(p.invariant):
		return "more servers are faulty or down than f allows: beyond f, proves nothing"
	}
	return "more servers are faulty than f allows: beyond f, proves nothing"
}

// concern says what must be observed for a property to be violated, "" for one
// that is about states.
func (p *propertyValue) concern() trace.ObservationKind {
	if p.ends != nil {
		return p.ends.concern()
	}
	if p.invariant != nil {
		return ""
	}
	if check.OfOperations(p.property) {
		return trace.Returned
	}
	if check.OfDecisions(p.property) {
		return trace.Decided
	}
	return ""
}

// traceOn records the way to a world and what a good network does from there.
func traceOn(ctx context.Context, w *runtime.World, good []runtime.Step) (*trace.Trace, error) {
	end := w
	for _, step := range good {
		var err error
		if end, err = end.DoContext(ctx, step); err != nil {
			return nil, err
		}
	}
	return trace.OnFrom(w, end), nil
}

// find notes in the trace of w that p is violated there, if it is, and, if p speaks of
// the way there, from which step on. It judges the prefixes of the way one after the other,
// each by who is faulty at its end: that is the step at which a search would have reported
// it, and the picture marks the same. It takes one judgement for each step of the way.
// If p plays on from w, the trace goes on so, too.
func (p *propertyValue) find(ctx context.Context, t *trace.Trace, w *runtime.World) error {
	v, err := p.judge(ctx, w)
	if err != nil || v.Holds {
		return err
	}
	if len(v.Good) > 0 && len(t.Findings) == 0 && len(t.Steps) == w.Unfolded().Depth() { // one picture shows one scenario
		on, err := traceOn(ctx, w, v.Good)
		if err != nil {
			return err
		}
		*t = *on
	}
	if p.ofWay() && !p.atEnd() {
		for _, earlier := range w.Path() {
			first, err := p.judge(ctx, earlier)
			if err != nil {
				return err
			}
			if !first.Holds {
				v, w = first, earlier
				break
			}
		}
	}
	return t.Find(ctx, p.name, v.Why, w, p.concern())
}

// A propertyList is a parameter that takes a property or a list of them, in the order in
// which the script names them. That order counts: the second of one name is "name (2)".
type propertyList []*propertyValue

// code returns what distinguishes properties of scripts beside their names: their
// arguments, and the functions among these. It walks all that those functions see, so that
// it is called only where a fingerprint is needed (see explore.Options.Code).
func (l propertyList) code(in *Interpreter) []explore.Part {
	var parts []explore.Part
	for i, p := range l {
		d := newDigest(in.scripts)
		d.Value(p)
		parts = append(parts, explore.DigestOf(fmt.Sprintf("the arguments of %s", p.name), d.Sum()))
		for _, q := range l[:i] {
			if q.name == p.name {
				parts[i].Name += fmt.Sprintf(" (%d)", i+1)
				break
			}
		}
	}
	return parts
}

// Unpack implements [starlark.Unpacker].
func (l *propertyList) Unpack(v starlark.Value) error {
	if p, ok := v.(*propertyValue); ok {
		*l = propertyList{p}
		return nil
	}
	list, ok := v.(starlark.Iterable)
	if !ok {
		return fmt.Errorf("got %s, want a property, as in linearizable(), or a list of them", v.Type())
	}
	*l = propertyList{}
	for e := range starlark.Elements(list) {
		p, ok := e.(*propertyValue)
		if !ok {
			return fmt.Errorf("got a list with %s in it, want properties, as in [agreement()]", element(e))
		}
		*l = append(*l, p)
	}
	return nil
}

// judged returns the properties in the order of the names in a report: those of histories
// first, as they are folded apart from the invariants. Where two have one name, the place
// in this order is what still distinguishes them.
func (l propertyList) judged() []*propertyValue {
	return slices.SortedStableFunc(slices.Values(l), func(p, q *propertyValue) int {
		switch {
		case p.invariant == nil && q.invariant != nil:
			return -1
		case p.invariant != nil && q.invariant == nil:
			return 1
		}
		return 0
	})
}

// split returns the properties of histories, and those of worlds.
func (l propertyList) split() (ofHistory []check.Property, ofWorld []check.WorldProperty) {
	for _, p := range l {
		if p.invariant != nil {
			ofWorld = append(ofWorld, p.invariant)
		} else {
			ofHistory = append(ofHistory, p.property)
		}
	}
	return ofHistory, ofWorld
}
