package engine

import (
	"reflect"
	"slices"
	"sync"

	"github.com/twinsh/twinsh/runtime/node"
)

// values interns what is said to nodes and what is seen of them: messages, operations
// and rounds; observations, and lists of them.
type values struct {
	mu     sync.Mutex // guards the maps and the writing of carried and seen
	values vec[any]   // messages, operations and rounds: whatever an event carries
	byVal  map[any]uint32
	obs    vec[node.Observation]
	byObs  map[node.Observation]uint32
	lists  vec[[]uint32] // of pairs of instance and observation, or of filters
	byList table
	joins  table // lists of observations -> one of them all

	sys *System
}

func (v *values) bind(sys *System) {
	v.sys, v.byVal, v.byObs = sys, map[any]uint32{}, map[node.Observation]uint32{}
	v.values.bound = sys.numbers("messages, operations and rounds")
	v.obs.bound = sys.numbers("observations")
	v.lists.bound = sys.numbers("lists of observations")
	v.byList.bound = sys.words("lists")
	v.joins.bound = sys.words("lists that were joined")
	v.value(nil) // number 0: events that carry nothing
	v.list(nil)  // number 0
}

// value interns what an event carries.
func (v *values) value(x any) uint32 {
	v.mu.Lock()
	defer v.mu.Unlock()
	if id, ok := v.byVal[x]; ok {
		return id
	}
	id := v.values.append(x)
	v.byVal[x] = id
	v.sys.occupy(messageBytes + textBytes(reflect.ValueOf(x)))
	return id
}

// count returns how many things events carried.
func (v *values) count() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.values.n
}

// at returns what an event carries.
func (v *values) at(id uint32) any { return *v.values.at(id) }

// observation interns an observation.
func (v *values) observation(o node.Observation) uint32 {
	v.mu.Lock()
	defer v.mu.Unlock()
	if id, ok := v.byObs[o]; ok {
		return id
	}
	id := v.obs.append(o)
	v.byObs[o] = id
	return id
}

// seen returns an observation.
func (v *values) seen(id uint32) *node.Observation { return v.obs.at(id) }

// list interns pairs of instance and observation, or numbers of filters. The empty
// list is number 0.
func (v *values) list(pairs []uint32) uint32 {
	if known, ok := v.byList.get(pairs); ok {
		return known[0]
	}
	kept := slices.Clone(pairs)
	return v.byList.putFunc(kept, func() []uint32 { return []uint32{v.lists.append(kept)} })[0]
}

// pairs returns what is in a list.
func (v *values) pairs(list uint32) []uint32 { return *v.lists.at(list) }

// joined returns the number of one list of what is in several, at least one of them.
func (v *values) joined(lists []uint32) uint32 { return v.join(lists)[0] }

// ordered reports whether it may matter in which order they come: whether operations
// of several instances are in the lists, and some end and some begin.
func (v *values) ordered(lists []uint32) bool { return v.join(lists)[1] != 0 }

func (v *values) join(lists []uint32) []uint32 {
	if known, ok := v.joins.get(lists); ok {
		return known
	}
	var pairs []uint32
	for _, list := range lists {
		pairs = append(pairs, v.pairs(list)...)
	}
	who, begin, end := v.operators(pairs)
	ordered := uint32(0)
	if who.Len() > 1 && begin && end {
		ordered = 1
	}
	return v.joins.put(slices.Clone(lists), []uint32{v.list(pairs), ordered})
}

// several reports whether operations of several instances are among pairs of instance and
// observation.
func (v *values) several(pairs []uint32) bool {
	who, _, _ := v.operators(pairs)
	return who.Len() > 1
}

// operators returns the instances whose operations begin or end in pairs of instance and
// observation, and whether some begin and some end.
func (v *values) operators(pairs []uint32) (who node.Set, begin, end bool) {
	for p := range slices.Chunk(pairs, 2) {
		if o := v.seen(p[1]); o.OfOperation() {
			who |= node.SetOf(int(p[0]))
			begin, end = begin || !o.Ends(), end || o.Ends()
		}
	}
	return who, begin, end
}
