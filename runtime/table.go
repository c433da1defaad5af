package runtime

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/twinsh/twinsh/runtime/internal/hash"
)

// A table is a map from short word sequences to short word sequences. It only
// grows. Readers never lock and writers take turns, because a simulation
// looks up a million times for each time that it learns something new.
//
// An entry is stored as key length, value length, key, value in an arena of
// chunks that never move; one that is longer than a chunk has a long chunk of
// its own. A slot holds 32 bits of the hash and the entry's place. An entry is
// written before the slot that shows it, so a reader sees either nothing or all
// of it.
type table struct {
	slots atomic.Pointer[[]uint64]
	arena atomic.Pointer[[][]uint32]
	mu    sync.Mutex
	used  uint32 // the place after the last entry
	count int
	bound *bound
}

// A place is the number of a chunk, then a place in it.
const (
	chunkBits = 14
	chunkSize = 1 << chunkBits
)

// get returns the value of key. The caller must not change it.
func (t *table) get(key []uint32) (value []uint32, ok bool) {
	return t.find(hash.Words(key), key)
}

func (t *table) find(h uint64, key []uint32) (value []uint32, ok bool) {
	p := t.slots.Load()
	if p == nil {
		return nil, false
	}
	slots := *p
	mask := uint64(len(slots) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		s := atomic.LoadUint64(&slots[i])
		if s == 0 {
			return nil, false
		}
		if s>>32 != h>>32 {
			continue
		}
		e := t.entry(uint32(s) - 1)
		if n := int(e[0]); n == len(key) && slices.Equal(e[2:2+n], key) {
			return e[2+n : 2+n+int(e[1])], true
		}
	}
}

// entry returns the arena from the entry at the given place to the end of its chunk.
func (t *table) entry(place uint32) []uint32 {
	return (*t.arena.Load())[place>>chunkBits][place%chunkSize:]
}

// put makes value the value of key, unless key has one already, and returns
// the one that it has.
func (t *table) put(key, value []uint32) []uint32 {
	return t.putFunc(key, func() []uint32 { return value })
}

// putFunc is put with a value that is made only if key is new, while no other
// writer is active.
func (t *table) putFunc(key []uint32, value func() []uint32) []uint32 {
	t.mu.Lock()
	defer t.mu.Unlock()
	h := hash.Words(key)
	if v, ok := t.find(h, key); ok {
		return v
	}
	if p := t.slots.Load(); p == nil || t.count*4 >= len(*p)*3 {
		t.grow()
	}
	v := value()
	place := t.alloc(2 + len(key) + len(v))
	e := t.entry(place)
	e[0], e[1] = uint32(len(key)), uint32(len(v))
	copy(e[2:], key)
	copy(e[2+len(key):], v)
	insert(*t.slots.Load(), h, place)
	t.count++
	return e[2+len(key) : 2+len(key)+len(v)]
}

func (t *table) alloc(n int) uint32 {
	if room := -t.used % chunkSize; n > int(room) {
		var chunks [][]uint32
		if p := t.arena.Load(); p != nil {
			chunks = *p
		}
		t.bound.take(len(chunks) + 1)
		t.used = uint32(len(chunks)) << chunkBits
		// A reader may hold the old slice: append never writes below its
		// length, and the new one is shown only when it is complete.
		chunks = append(chunks, make([]uint32, max(n, chunkSize)))
		t.arena.Store(&chunks)
	}
	place := t.used
	// After a long entry the next one starts a chunk.
	t.used += uint32(min(n, chunkSize))
	return place
}

func (t *table) grow() {
	old := t.slots.Load()
	if old == nil {
		slots := make([]uint64, 64)
		t.slots.Store(&slots)
		return
	}
	slots := make([]uint64, 2*len(*old))
	for _, s := range *old {
		if s != 0 {
			// The slot keeps only the upper half of the hash.
			e := t.entry(uint32(s) - 1)
			insert(slots, hash.Words(e[2:2+e[0]]), uint32(s)-1)
		}
	}
	t.slots.Store(&slots)
}

func insert(slots []uint64, h uint64, place uint32) {
	mask := uint64(len(slots) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		if slots[i] == 0 {
			atomic.StoreUint64(&slots[i], h>>32<<32|uint64(place+1))
			return
		}
	}
}

// size returns the number of entries.
func (t *table) size() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.count
}

// bytes returns the memory that the table occupies.
func (t *table) bytes() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	if p := t.slots.Load(); p != nil {
		n += 8 * len(*p)
	}
	if p := t.arena.Load(); p != nil {
		for _, chunk := range *p {
			n += 4 * len(chunk)
		}
	}
	return n
}

// A vec is a growing array. Readers never lock; an index must have come to
// the reader from the writer through some synchronisation, such as a table.
type vec[T any] struct {
	chunks atomic.Pointer[[]*[vecChunk]T]
	n      int // guarded by whoever serialises the writers
	bound  *bound
}

const vecChunk = 1 << 10

func (v *vec[T]) at(i uint32) *T { return &(*v.chunks.Load())[i/vecChunk][i%vecChunk] }

func (v *vec[T]) append(x T) uint32 {
	var chunks []*[vecChunk]T
	if p := v.chunks.Load(); p != nil {
		chunks = *p
	}
	if v.n == len(chunks)*vecChunk {
		v.bound.take(len(chunks) + 1)
		chunks = append(chunks, new([vecChunk]T))
		v.chunks.Store(&chunks)
	}
	i := uint32(v.n)
	chunks[i/vecChunk][i%vecChunk] = x
	v.n++
	return i
}
