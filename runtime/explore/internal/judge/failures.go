package judge

import (
	"fmt"
	"slices"
	"sync"
)

// failureSets numbers sets of kinds of failures, so that a verdict can hold in four bytes
// how the code of nodes failed on the way to a world. There are few: a kind is a place in
// the code. The set without failures has number 0. Methods may be called concurrently.
type failureSets struct {
	mu      sync.RWMutex
	numbers map[string]uint32 // by what is in them
	sets    [][]string        // by number, each in order
}

func newFailureSets() *failureSets {
	return &failureSets{numbers: map[string]uint32{"": 0}, sets: [][]string{nil}}
}

// of lists what is in a set.
func (f *failureSets) of(set uint32) []string {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.sets[set]
}

// with returns the number of a set with more in it. Kinds are sorted, so that a set has one
// number in whichever order code failed.
func (f *failureSets) with(set uint32, more []string) uint32 {
	if len(more) == 0 {
		return set
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	kinds := append(slices.Clone(f.sets[set]), more...)
	slices.Sort(kinds)
	kinds = slices.Compact(kinds)
	key := fmt.Sprintf("%q", kinds)
	number, ok := f.numbers[key]
	if !ok {
		number = uint32(len(f.sets))
		f.numbers[key] = number
		f.sets = append(f.sets, kinds)
	}
	return number
}
