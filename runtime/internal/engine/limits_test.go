package engine

import (
	"errors"
	"testing"
)

// fills calls put until there is no room, and returns how often it could.
func fills(t *testing.T, put func(i int)) (n int) {
	t.Helper()
	var err error
	func() {
		defer CatchLimit(&err)
		for ; n < 1<<20; n++ {
			put(n)
		}
	}()
	var limit LimitError
	if !errors.As(err, &limit) {
		t.Fatalf("after %d entries there is no limit: %v", n, err)
	}
	return n
}

// A table, and what is numbered, ends at its bound. Before that the system is said
// to be full, and all that was put there stays.
func TestRoomEnds(t *testing.T) {
	const most = 16
	sys := NewSystem(Spec{})
	sys.limits.chunks, sys.limits.blocks = most, most
	full := 0
	note := func(i int) {
		if full == 0 && sys.Full().Err() != nil {
			full = i
		}
	}
	n := fills(t, func(i int) {
		note(i)
		sys.components.put([]uint32{uint32(i), 7}, []uint32{uint32(i)})
	})
	if chunks := len(*sys.components.arena.Load()); chunks != most {
		t.Errorf("the table has %d chunks, want %d", chunks, most)
	}
	if full < n*3/4 || full > n*15/16 {
		t.Errorf("it is said to be full after %d of %d entries", full, n)
	}
	for i := range n {
		if v, ok := sys.components.get([]uint32{uint32(i), 7}); !ok || v[0] != uint32(i) {
			t.Fatalf("entry %d of %d is lost: %v %v", i, n, v, ok)
		}
	}
	before := sys.values.count()
	n = fills(t, func(i int) { sys.values.value(i) })
	if n += before; n != most*vecChunk {
		t.Errorf("%d values are numbered, want %d", n, most*vecChunk)
	}
	if sys.values.at(uint32(n-1)) != n-1-before {
		t.Errorf("the last value is %v", sys.values.at(uint32(n-1)))
	}
}

// The real bounds are below what 32 bits can tell, the number after the last included.
func TestRealRoom(t *testing.T) {
	l := defaultLimits()
	if last := (uint64(l.chunks)*chunkSize - 1) + 1; last >= 1<<32 {
		t.Errorf("a place plus one may be %d", last)
	}
	if last := (uint64(l.blocks)*vecChunk - 1) + 1; last >= 1<<32 {
		t.Errorf("a number plus one may be %d", last)
	}
}
