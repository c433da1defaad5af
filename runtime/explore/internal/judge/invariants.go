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

// invariants judges worlds, each different one once.
type invariants struct {
	cluster    *runtime.Cluster
	properties []check.WorldProperty

	mu       sync.RWMutex
	judged   map[string]Marks
	recalled Marks // those that depend on who has decided before
	tested   Marks // those with a verdict that is not vacuous
}

func newInvariants(c *runtime.Cluster, properties []check.WorldProperty) *invariants {
	return &invariants{cluster: c, properties: properties, judged: map[string]Marks{}}
}

// bytes returns about how much memory the verdicts occupy.
func (v *invariants) bytes() int {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return len(v.judged) * (4*v.cluster.Engine().Width() + pairBytes)
}

// recalls reports whether some of them depend on who has decided before.
func (v *invariants) recalls(ctx context.Context) (bool, error) {
	for i, p := range v.properties {
		if r, ok := p.(check.Recalling); ok {
			yes, err := r.Recalls(ctx, v.cluster)
			if err != nil {
				return false, err
			}
			if yes {
				v.recalled |= 1 << i
			}
		}
	}
	return v.recalled != 0, nil
}

// broken returns which invariants do not hold in the world that has the given
// vector, before which the given instances have decided, the first being bit 0.
func (v *invariants) broken(ctx context.Context, vector engine.Vector, decided node.Set) (Marks, error) {
	key := make([]byte, 0, 4*len(vector)+8)
	key = binary.LittleEndian.AppendUint64(key, uint64(decided))
	for _, word := range vector {
		key = binary.LittleEndian.AppendUint32(key, word)
	}
	v.mu.RLock()
	violated, ok := v.judged[string(key)]
	v.mu.RUnlock()
	if ok {
		return violated, nil
	}
	// Two workers may judge one world; they come to the same verdict.
	w := v.cluster.WorldAt(vector)
	tested := Marks(0)
	for i, p := range v.properties {
		var judged check.Verdict
		var err error
		if r, ok := p.(check.Recalling); ok && v.recalled.Has(i) {
			judged, err = r.JudgeAfter(ctx, w, decided)
		} else if ok {
			judged, err = r.JudgeAfter(ctx, w, 0)
		} else {
			judged, err = p.JudgeWorld(ctx, w)
		}
		if err != nil {
			return 0, err
		}
		if !judged.Holds {
			violated |= 1 << i
		}
		if !judged.Vacuous {
			tested |= 1 << i
		}
	}
	v.mu.Lock()
	v.tested |= tested
	v.judged[string(key)] = violated
	v.mu.Unlock()
	return violated, nil
}
