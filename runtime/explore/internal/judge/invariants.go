package judge

import (
	"context"
	"encoding/binary"
	"slices"
	"sync"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/internal/engine"
	"github.com/twinsh/twinsh/runtime/node"
)

// invariants judges worlds, each different one once. An invariant may be code of a script,
// which costs far more than a step from memory, and searches come to a world from
// many sides: with other pasts, at other positions of the space. What is remembered is a verdict
// for each vector, and grows with the worlds; its memory is counted.
//
// Properties of steps (see [check.StepProperty]) are asked about each different pair of worlds
// once. Search nodes that go on as one are come to from different worlds, so that what a step broke
// is known while it is taken, and only then: the past of the search node that it leads to keeps it.
type invariants struct {
	cluster    *runtime.Cluster
	properties []check.WorldProperty

	mu       sync.RWMutex
	judged   map[string]judgement
	recalled Marks // those that depend on what was decided, or begun, before
	tested   Marks // those with a verdict that is not vacuous
	atEnd    Marks // those that are judged at the end of a scenario only
	ofSteps  Marks // those that are judged of steps, by the worlds before and after
	stepped  map[string]judgement
	// followers play on for those that ask for progress, from when judging begins; nil for others.
	followers []*check.Follower
}

// A judgement is what invariants say of a world, or of a step. It does not depend on how it was reached, but
// for what happened before (see [check.Past]), which is a part of the key.
type judgement struct {
	violated Marks    // the first of them being bit 0
	failed   []string // kinds of failures in steps that they take by themselves
}

// playedKind is the kind of a failure that a property of worlds meets when it plays on.
func playedKind(p check.WorldProperty, f node.Failure) string { return p.Name() + ": " + f.Kind() }

func newInvariants(c *runtime.Cluster, properties []check.WorldProperty) *invariants {
	v := &invariants{cluster: c, properties: properties, judged: map[string]judgement{}, stepped: map[string]judgement{}, followers: make([]*check.Follower, len(properties))}
	for i, p := range properties {
		if check.IsAtEnd(p) {
			v.atEnd |= 1 << i
		}
		if check.OfSteps(p) {
			v.ofSteps |= 1 << i
		}
	}
	return v
}

// bytes returns about how much memory the verdicts occupy.
func (v *invariants) bytes() int {
	v.mu.RLock()
	defer v.mu.RUnlock()
	width := 4 * v.cluster.Engine().Width()
	n := len(v.judged)*(width+pairBytes) + len(v.stepped)*(2*width+pairBytes)
	for _, f := range v.followers {
		if f != nil {
			n += f.Bytes()
		}
	}
	return n
}

// begin prepares those that play on, and reports whether some of them depend on what was
// decided, or begun, before. If none does, pasts do not remember it, and fewer of them are
// different.
func (v *invariants) begin(ctx context.Context) (recalls bool, err error) {
	for i, p := range v.properties {
		if l, ok := p.(check.Liveness); ok {
			if v.followers[i], err = l.On(ctx, v.cluster); err != nil {
				return false, err
			}
			if v.followers[i].Recalls() {
				v.recalled |= 1 << i
			}
		}
	}
	return v.recalled != 0, nil
}

// broken returns which invariants do not hold in the world that has the given
// vector, before which that happened: those of the end of a scenario, or the others.
func (v *invariants) broken(ctx context.Context, vector engine.Vector, past check.Past, atEnd bool) (judgement, error) {
	key := make([]byte, 0, 4*len(vector)+17)
	if atEnd {
		key = append(key, 1)
	}
	key = binary.LittleEndian.AppendUint64(key, uint64(past.Decided))
	key = binary.LittleEndian.AppendUint64(key, uint64(past.Open))
	key = vector.AppendKey(key)
	if found, ok := v.known(v.judged, key); ok {
		return found, nil
	}
	of := v.atEnd
	if !atEnd {
		of = ^(v.atEnd | v.ofSteps)
	}
	w := v.cluster.WorldAt(vector)
	return v.judge(v.judged, key, of, func(i int, p check.WorldProperty) (check.Verdict, error) {
		switch f := v.followers[i]; {
		case f == nil:
			return p.JudgeWorld(ctx, w)
		case v.recalled.Has(i):
			return f.JudgeAfter(ctx, w, past)
		default:
			return f.JudgeAfter(ctx, w, check.Past{})
		}
	})
}

// brokenBy returns which properties of steps a step violates that leads from one vector to
// another. One that changes nothing violates none.
func (v *invariants) brokenBy(ctx context.Context, from, to engine.Vector) (judgement, error) {
	if slices.Equal(from, to) {
		return judgement{}, nil
	}
	// Vectors of one cluster have one length, so that no two pairs have one key.
	key := to.AppendKey(from.AppendKey(make([]byte, 0, 4*(len(from)+len(to)))))
	if found, ok := v.known(v.stepped, key); ok {
		return found, nil
	}
	before, after := v.cluster.WorldAt(from), v.cluster.WorldAt(to)
	return v.judge(v.stepped, key, v.ofSteps, func(_ int, p check.WorldProperty) (check.Verdict, error) {
		return p.(check.StepProperty).JudgeStep(ctx, before, after)
	})
}

// path returns which properties of steps some step on the way to a world violates. It is the way
// to the start of a search, which is judged once and as a whole.
func (v *invariants) path(ctx context.Context, w *runtime.World) (judgement, error) {
	return v.judge(map[string]judgement{}, nil, v.ofSteps, func(_ int, p check.WorldProperty) (check.Verdict, error) {
		return p.JudgeWorld(ctx, w)
	})
}

// known returns what was found under a key.
func (v *invariants) known(in map[string]judgement, key []byte) (judgement, bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	found, ok := in[string(key)]
	return found, ok
}

// judge asks some of the properties, and remembers what is found under a key. Two workers may
// judge the same; they come to the same verdict. No lock is held, because that may take long and
// end with its context.
func (v *invariants) judge(in map[string]judgement, key []byte, of Marks, ask func(int, check.WorldProperty) (check.Verdict, error)) (found judgement, err error) {
	tested := Marks(0)
	for i, p := range v.properties {
		if !of.Has(i) {
			continue
		}
		judged, err := ask(i, p)
		if err != nil {
			return judgement{}, err
		}
		if !judged.Holds {
			found.violated |= 1 << i
		}
		for _, f := range judged.Failed {
			found.failed = append(found.failed, playedKind(p, f.Failure))
		}
		if !judged.Vacuous {
			tested |= 1 << i
		}
	}
	v.mu.Lock()
	v.tested |= tested
	in[string(key)] = found
	v.mu.Unlock()
	return found, nil
}
