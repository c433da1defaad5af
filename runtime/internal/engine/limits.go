package engine

import "fmt"

// limits bound what a system plays and learns. Tests make them small.
type limits struct {
	// A step that takes more hops or delivers more messages is taken for one
	// that never ends.
	hops, packets int
	// A table holds so many chunks, a vec so many blocks: places in them, and such
	// a place plus one, are numbers of 32 bits.
	chunks, blocks int
}

func defaultLimits() limits {
	return limits{hops: 1000, packets: 1 << 16, chunks: 1<<(32-chunkBits) - 1, blocks: 1<<32/vecChunk - 1}
}

// A LimitError says that work cannot go on because it came to a limit.
type LimitError struct{ What string }

// Error says which limit it was.
func (e LimitError) Error() string { return e.What }

// A bound keeps a table or a vec from growing beyond what its numbers can count.
// When an eighth of it is left the system is said to be full (see [System.Full]),
// so that a search stops in time to say what it found. What goes on all the same
// ends with a [LimitError] when nothing is left.
type bound struct {
	what string
	most *int
	full func(error)
}

// take notes that something has so many chunks, of which the last is not made yet.
func (b *bound) take(chunks int) {
	if b == nil {
		return // of a test
	}
	if most := *b.most; chunks > most {
		panic(stopped{b.err("full")})
	} else if chunks > most-most/8 {
		b.full(b.err("nearly full"))
	}
}

func (b *bound) err(state string) error {
	return LimitError{fmt.Sprintf("the cluster has learnt as much as it can: its table of %s is %s", b.what, state)}
}

// CatchLimit turns the panic of a cluster that can learn nothing more into an error.
// It is deferred around what learns and has no error of its own, such as the
// making of steps; [Simulator.Take] needs none.
func CatchLimit(err *error) {
	if p := recover(); p != nil {
		stop, ok := p.(stopped)
		if !ok {
			panic(p) // a bug
		}
		*err = stop.err
	}
}
