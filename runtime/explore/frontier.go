package explore

import (
	"context"
	"math/big"
	"math/bits"
	"slices"
	"sync"

	"github.com/twinsh/twinsh/runtime/internal/engine"
	"github.com/twinsh/twinsh/runtime/internal/hash"
)

// A searchNode is a world, what its past is to the properties, and where in the space
// scenarios are that come to it: the vector of the world, the number of a tuple of the
// monitors, and that of a place.
type searchNode []uint32

func (n searchNode) vector() engine.Vector { return engine.Vector(n[:len(n)-2]) }
func (n searchNode) past() uint32          { return n[len(n)-2] }
func (n searchNode) place() uint32         { return n[len(n)-1] &^ fixed }

func (n searchNode) setPast(past uint32)   { n[len(n)-2] = past }
func (n searchNode) setPlace(place uint32) { n[len(n)-1] = place }

// fixed is set beside the place of a canonical search node whose world some renaming leaves as
// it is, so that those that none does, which are most, need not be asked for their orbits.
const fixed = 1 << 31

func (n searchNode) isFixed() bool { return n[len(n)-1]&fixed != 0 }
func (n searchNode) setFixed()     { n[len(n)-1] |= fixed }

// newSearchNode returns the node of a world.
func newSearchNode(v engine.Vector, past, place uint32) searchNode {
	return append(slices.Clone(searchNode(v)), past, place)
}

// A parentLink is the rank, in the layer before, of the search node that another came
// from, and the choice that led on: rank<<32 | choice.
type parentLink = uint64

// A weight is an exact count of scenarios: a natural number in words of 64
// bits, the lowest first. All weights of a search have the same length, long
// enough for the size of its space, so that no sum overflows.
type weight []uint64

// weightWords is how many words a count of up to size scenarios takes.
func weightWords(size *big.Int) int { return max(1, (size.BitLen()+63)/64) }

func (w weight) add(v weight) {
	if len(w) == 1 {
		w[0] += v[0]
		return
	}
	var carry uint64
	for i := range w {
		w[i], carry = bits.Add64(w[i], v[i], carry)
	}
}

// times makes w the product of v and n, and returns it.
func (w weight) times(v weight, n uint64) weight {
	var carry uint64
	for i, x := range v {
		high, low := bits.Mul64(x, n)
		var more uint64
		w[i], more = bits.Add64(low, carry, 0)
		carry = high + more
	}
	return w
}

func (w weight) zero() bool {
	for _, x := range w {
		if x != 0 {
			return false
		}
	}
	return true
}

func (w weight) big() *big.Int {
	b := new(big.Int)
	for i := len(w) - 1; i >= 0; i-- {
		b.Lsh(b, 64).Or(b, new(big.Int).SetUint64(w[i]))
	}
	return b
}

// A frontier is the set of different search nodes that scenarios of one length lead
// to. Beside each stand its weight (how many scenarios lead to it) and its parent link (the
// least of the choices that do).
//
// A search node is compared as a whole, and never by its hash alone: a search that keeps
// hashes only (Holzmann, "An Analysis of Bitstate Hashing", FMSD 1998) may take two different
// nodes for one and miss what follows from the other, and a verdict here is exact.
//
// Search nodes are spread over shards by hash, so that workers seldom wait for each
// other. The weight is a sum and the parent link a minimum, so it does not matter
// in which order workers add search nodes; ranks, which are assigned by parent link when
// the layer is complete, depend on nothing but the space and the protocol.
type frontier struct {
	width  int // words in a search node
	words  int // words in a weight
	most   int // search nodes in a shard
	shards []shard
	first  []int // index of the first search node of each shard, when sealed
	order  []uint32
}

// A shard is a hash table with linear probing. Nodes, weights and parent links lie in
// arrays of words that grow, without a pointer in them, so that the garbage collector has
// nothing to follow in gigabytes; half of a slot is hash, so that a slot of another node is
// passed by without a look at the node.
type shard struct {
	mu      sync.Mutex
	slots   []uint64 // upper half of the hash, and number of the search node plus one
	nodes   []uint32
	weights []uint64
	parents []parentLink
	_       [64]byte // shards don't share cache lines
}

// newFrontier returns an empty frontier with room for most search nodes.
func newFrontier(width, words, shards, most int) *frontier {
	return &frontier{width: width, words: words, most: max(1, most/shards), shards: make([]shard, shards)}
}

// add merges a search node into the frontier. It reports whether there was room for it.
func (f *frontier) add(node searchNode, w weight, from parentLink) bool {
	h := hash.Words(node)
	s := &f.shards[(h>>24)%uint64(len(f.shards))]
	s.mu.Lock()
	ok := s.add(f, h, node, w, from)
	s.mu.Unlock()
	return ok
}

// add is that of the frontier in the shard of the node, whose lock is held.
func (s *shard) add(f *frontier, h uint64, node searchNode, w weight, from parentLink) bool {
	if len(s.parents)*4 >= len(s.slots)*3 {
		s.grow(f.width)
	}
	mask := uint64(len(s.slots) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		slot := s.slots[i]
		if slot == 0 {
			if len(s.parents) >= f.most {
				return false
			}
			s.slots[i] = h>>32<<32 | uint64(len(s.parents)+1)
			s.nodes = append(s.nodes, node...)
			s.weights = append(s.weights, w...)
			s.parents = append(s.parents, from)
			return true
		}
		if slot>>32 != h>>32 {
			continue
		}
		n := int(uint32(slot)) - 1
		if slices.Equal(s.nodes[n*f.width:(n+1)*f.width], node) {
			weight(s.weights[n*f.words : (n+1)*f.words]).add(w)
			s.parents[n] = min(s.parents[n], from)
			return true
		}
	}
}

// grow doubles the slots. Hashes are computed anew, because slots have but a half of them.
func (s *shard) grow(width int) {
	old := s.slots
	s.slots = make([]uint64, max(64, 2*len(old)))
	mask := uint64(len(s.slots) - 1)
	for n := range s.parents {
		h := hash.Words(s.nodes[n*width : (n+1)*width])
		i := h & mask
		for s.slots[i] != 0 {
			i = (i + 1) & mask
		}
		s.slots[i] = h>>32<<32 | uint64(n+1)
	}
}

// seal ranks the search nodes by parent link. That is the order in which a single worker
// meets them, so that ranks, and with them the parent links of the next layer, are the same
// for any number of workers. It returns the links in the order of
// their ranks; nothing may be added afterwards. The error is that of ctx; then the
// nodes have no ranks, and nothing can go on from them.
func (f *frontier) seal(ctx context.Context) ([]parentLink, error) {
	n := 0
	f.first = make([]int, len(f.shards))
	for i := range f.shards {
		f.first[i] = n
		n += len(f.shards[i].parents)
		f.shards[i].slots = nil // nothing is looked up any more
	}
	parents := make([]parentLink, 0, n)
	f.order = make([]uint32, n)
	for i := range f.shards {
		parents = append(parents, f.shards[i].parents...)
		f.shards[i].parents = nil
	}
	for i := range f.order {
		f.order[i] = uint32(i)
	}
	if err := sortByKey(ctx, parents, f.order); err != nil {
		return nil, err
	}
	return parents, nil
}

// empty reports whether nothing was added.
func (f *frontier) empty() bool {
	for i := range f.shards {
		if len(f.shards[i].parents) > 0 {
			return false
		}
	}
	return true
}

// len returns the number of search nodes of a sealed frontier.
func (f *frontier) len() int { return len(f.order) }

// at returns the search node of the given rank and its weight. Both lie in the frontier, and
// the caller must not change them. Any number of goroutines may call it after seal.
func (f *frontier) at(rank int) (searchNode, weight) {
	i := int(f.order[rank])
	s, found := slices.BinarySearch(f.first, i)
	if !found {
		s--
	}
	// Empty shards begin where the next one does; the last of them holds it.
	for s+1 < len(f.first) && f.first[s+1] == f.first[s] {
		s++
	}
	n := i - f.first[s]
	sh := &f.shards[s]
	return sh.nodes[n*f.width : (n+1)*f.width], sh.weights[n*f.words : (n+1)*f.words]
}

// bytes returns the memory that the search nodes occupy, spare room included. It may be called
// while workers add to it.
func (f *frontier) bytes() int {
	n := 8 * cap(f.order) / 2
	for i := range f.shards {
		s := &f.shards[i]
		s.mu.Lock()
		n += 8*cap(s.slots) + 4*cap(s.nodes) + 8*cap(s.weights) + 8*cap(s.parents)
		s.mu.Unlock()
	}
	return n
}

// sortChunk is after how many keys a sort asks whether it is to end.
const sortChunk = 1 << 16

// sortByKey sorts keys and lets values follow, by counting, digit by digit
// from the lowest. Digits that all keys share cost nothing, and keys that are in order are left
// as they are. (A radix sort from the least digit: Knuth, The Art of Computer Programming,
// volume 3, 5.2.5.) It takes a second
// copy of both lists while it runs, and time that grows as they do. The error is that of ctx;
// then what is in keys and values means nothing.
func sortByKey(ctx context.Context, keys []uint64, values []uint32) error {
	if slices.IsSorted(keys) {
		return nil
	}
	var or uint64
	for _, k := range keys {
		or |= k
	}
	const digit = 11
	spareKeys, spareValues := make([]uint64, len(keys)), make([]uint32, len(values))
	from, fromV, to, toV := keys, values, spareKeys, spareValues
	for shift := 0; shift < bits.Len64(or); shift += digit {
		if or>>shift&(1<<digit-1) == 0 {
			continue
		}
		var place [1 << digit]int
		for chunk := range slices.Chunk(from, sortChunk) {
			if err := ctx.Err(); err != nil {
				return err
			}
			for _, k := range chunk {
				place[k>>shift&(1<<digit-1)]++
			}
		}
		sum := 0
		for i, n := range place {
			place[i] = sum
			sum += n
		}
		for begin := 0; begin < len(from); begin += sortChunk {
			if err := ctx.Err(); err != nil {
				return err
			}
			for i := begin; i < min(begin+sortChunk, len(from)); i++ {
				p := &place[from[i]>>shift&(1<<digit-1)]
				to[*p], toV[*p] = from[i], fromV[i]
				*p++
			}
		}
		from, fromV, to, toV = to, toV, from, fromV
	}
	if len(keys) > 0 && &from[0] != &keys[0] {
		copy(keys, from)
		copy(values, fromV)
	}
	return nil
}
