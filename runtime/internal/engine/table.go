package engine

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
	e := t.find(hash.Words(key), key)
	if e == nil {
		return nil, false
	}
	return valueOf(e), true
}

// find returns the arena from the entry of key on, nil if there is none.
func (t *table) find(h uint64, key []uint32) []uint32 {
	p := t.slots.Load()
	if p == nil {
		return nil
	}
	slots := *p
	mask := uint64(len(slots) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		s := atomic.LoadUint64(&slots[i])
		if s == 0 {
			return nil
		}
		if s>>32 != h>>32 {
			continue
		}
		if e := t.entry(uint32(s) - 1); isOf(e, key) {
			return e
		}
	}
}

// isOf reports whether an entry is that of key.
func isOf(e, key []uint32) bool { return int(e[0]) == len(key) && slices.Equal(e[2:2+e[0]], key) }

// valueOf returns the value of an entry.
func valueOf(e []uint32) []uint32 { return e[2+e[0]:][:e[1]] }

// A reader looks up in a table for one goroutine. It remembers which entry it came to
// last among those whose keys begin the same, because that is often the next one, too:
// worlds that follow each other in a search differ in few states. Then nothing is
// hashed, and no memory is touched that is not near.
type reader struct {
	*table
	last [1 << 9][]uint32 // by the first word of the key; nil if there was none
}

// get is [table.get]; no key is empty.
func (r *reader) get(key []uint32) (value []uint32, ok bool) {
	last := &r.last[key[0]%uint32(len(r.last))]
	if *last == nil || !isOf(*last, key) {
		e := r.find(hash.Words(key), key)
		if e == nil {
			return nil, false
		}
		*last = e
	}
	return valueOf(*last), true
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
	if e := t.find(h, key); e != nil {
		return valueOf(e)
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
	n      int // guarded by what serialises the writers
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
