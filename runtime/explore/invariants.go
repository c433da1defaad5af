package explore

import (
	"context"
	"encoding/binary"
	"sync"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
)

// invariants judges worlds, each different one once.
type invariants struct {
	cluster    *runtime.Cluster
	properties []check.WorldProperty

	mu     sync.RWMutex
	judged map[string]marks
}

func newInvariants(c *runtime.Cluster, properties []check.WorldProperty) *invariants {
	return &invariants{cluster: c, properties: properties, judged: map[string]marks{}}
}

// bytes returns about how much memory the verdicts occupy.
func (v *invariants) bytes() int {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return len(v.judged) * (4*v.cluster.Width() + pairBytes)
}

// judge returns which invariants do not hold in the world that has the given
// vector, the first being bit 0.
func (v *invariants) judge(ctx context.Context, vector runtime.Vector) (marks, error) {
	key := make([]byte, 0, 4*len(vector))
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
	for i, p := range v.properties {
		judged, err := p.JudgeWorld(ctx, w)
		if err != nil {
			return 0, err
		}
		if !judged.Holds {
			violated |= 1 << i
		}
	}
	v.mu.Lock()
	v.judged[string(key)] = violated
	v.mu.Unlock()
	return violated, nil
}
