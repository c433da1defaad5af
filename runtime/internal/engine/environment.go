package engine

import (
	"cmp"
	"slices"
	"sync"

	"github.com/twinsh/twinsh/runtime/node"
)

// env is the part of a world that is not the local state of an instance. It is
// immutable.
type env struct {
	topology uint32
	round    uint32 // how many rounds began
	flight   []packet
}

// A packet is a message in flight between two instances. One that was released
// from a held link passes it.
type packet struct {
	from, to uint8
	released bool
	msg      uint32
}

// compareLinks orders packets by their links. Those of one link keep the order
// in which they were sent.
func (p packet) compareLinks(q packet) int {
	return cmp.Or(cmp.Compare(p.from, q.from), cmp.Compare(p.to, q.to))
}

// among reports whether p is in flight between two of the members.
func (p packet) among(members node.Set) bool {
	return members.Has(int(p.from)) && members.Has(int(p.to))
}

// words encodes p, for the keys of tables.
func (p packet) words() (uint32, uint32) {
	w := uint32(p.from)<<8 | uint32(p.to)
	if p.released {
		w |= 1 << 16
	}
	return w, p.msg
}

func packetOf(w, msg uint32) packet {
	return packet{uint8(w >> 8), uint8(w), w>>16 != 0, msg}
}

// environments interns environments, topologies and filters.
type environments struct {
	mu      sync.Mutex // guards the maps and the writing of topos
	all     vec[*env]
	byEnv   table
	topos   vec[*topology]
	byTop   map[string]uint32
	filters map[filter]uint32 // without their numbers

	values *values
}

func (e *environments) bind(sys *System) {
	e.values, e.byTop, e.filters = &sys.values, map[string]uint32{}, map[filter]uint32{}
	e.all.bound = sys.numbers("environments")
	e.byEnv.bound = sys.words("environments")
	e.topos.bound = sys.numbers("topologies")
	e.topology(connected(sys)) // number 0
	e.env(&env{})              // number 0
}

// at returns an environment.
func (e *environments) at(id uint32) *env { return *e.all.at(id) }

// env interns x.
func (e *environments) env(x *env) uint32 {
	key := make([]uint32, 0, 16)
	key = append(key, x.topology, x.round)
	for _, p := range x.flight {
		w, msg := p.words()
		key = append(key, w, msg)
	}
	if v, ok := e.byEnv.get(key); ok {
		return v[0]
	}
	kept := &env{x.topology, x.round, slices.Clone(x.flight)}
	return e.byEnv.putFunc(key, func() []uint32 { return []uint32{e.all.append(kept)} })[0]
}
