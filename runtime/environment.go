package runtime

import (
	"cmp"
	"slices"
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

// env interns e.
func (k *code) env(e *env) uint32 {
	key := make([]uint32, 0, 16)
	key = append(key, e.topology, e.round)
	for _, p := range e.flight {
		w, msg := p.words()
		key = append(key, w, msg)
	}
	if v, ok := k.byEnv.get(key); ok {
		return v[0]
	}
	kept := &env{e.topology, e.round, slices.Clone(e.flight)}
	return k.byEnv.putFunc(key, func() []uint32 { return []uint32{k.envs.append(kept)} })[0]
}
