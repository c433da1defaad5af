package judge

import (
	"context"
	"encoding/binary"
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
type invariants struct {
	cluster    *runtime.Cluster
	properties []check.WorldProperty

	mu       sync.RWMutex
	judged   map[string]judgement
	recalled Marks // those that depend on what was decided, or begun, before
	tested   Marks // those with a verdict that is not vacuous
	atEnd    Marks // those that are judged at the end of a scenario only
	// followers play on for those that ask for progress, from when judging begins; nil for others.
	followers []*check.Follower
}

// A judgement is what invariants say of a world. It does not depend on how it was reached, but
// for what happened before (see [check.Past]), which is a part of the key.
type judgement struct {
	violated Marks    // the first of them being bit 0
	failed   []string // kinds of failures in steps that they take by themselves
}

// playedKind is the kind of a failure that a property of worlds meets when it plays on.
func playedKind(p check.WorldProperty, f node.Failure) string { return p.Name() + ": " + f.Kind() }

func newInvariants(c *runtime.Cluster, properties []check.WorldProperty) *invariants {
	v := &invariants{cluster: c, properties: properties, judged: map[string]judgement{}, followers: make([]*check.Follower, len(properties))}
	for i, p := range properties {
		if check.IsAtEnd(p) {
			v.atEnd |= 1 << i
		}
	}
	return v
}

// bytes returns about how much memory the verdicts occupy.
func (v *invariants) bytes() int {
	v.mu.RLock()
	defer v.mu.RUnlock()
	n := len(v.judged) * (4*v.cluster.Engine().Width() + pairBytes)
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
	v.mu.RLock()
	found, ok := v.judged[string(key)]
	v.mu.RUnlock()
	if ok {
		return found, nil
	}
	// Two workers may judge one world; they come to the same verdict. No lock is held, because
	// that may take long and end with ctx.
	w := v.cluster.WorldAt(vector)
	tested := Marks(0)
	for i, p := range v.properties {
		if v.atEnd.Has(i) != atEnd {
			continue
		}
		var judged check.Verdict
		var err error
		switch f := v.followers[i]; {
		case f == nil:
			judged, err = p.JudgeWorld(ctx, w)
		case v.recalled.Has(i):
			judged, err = f.JudgeAfter(ctx, w, past)
		default:
			judged, err = f.JudgeAfter(ctx, w, check.Past{})
		}
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
	v.judged[string(key)] = found
	v.mu.Unlock()
	return found, nil
}
