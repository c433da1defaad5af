package explore

import (
	"slices"

	"github.com/twinsh/twinsh/runtime/internal/hash"
)

// recent are the search nodes that a worker came to last. Steps that commute lead to one world,
// and most of them soon after each other, so that a small table near the processor merges what
// the frontier would merge: a search node that is met again there is not brought to canonical
// form again, and waits neither for a lock nor for memory. Weights are sums and parent links
// minima, so it makes no difference where they are merged.
//
// Each search node has one place in it, by its hash, and the one that comes there takes it from
// the one before, which then joins the frontier: a write-back cache that is mapped directly.
type recent struct {
	width, words int
	nodes        []uint32 // as they were reached, not in canonical form
	weights      []uint64
	parents      []parentLink // free where there is none
}

// free is no parent link: there are fewer search nodes in a layer, and choices at a place.
const free = ^parentLink(0)

// mostRecent is how many search nodes there is room for: few enough to stay in the
// cache of one processor beside what steps are looked up in. In searches of the K-V store they
// merge six to nine of ten that would be merged, and four times as many hardly more.
const mostRecent = 1 << 10

// newRecent returns room for what a layer of so many search nodes leads to.
func newRecent(g *graph, nodes int) recent {
	size := 1 << 6
	for size < mostRecent && size < 4*nodes {
		size *= 2
	}
	r := recent{g.width, g.words, make([]uint32, size*g.width), make([]uint64, size*g.words), make([]parentLink, size)}
	for at := range r.parents {
		r.parents[at] = free
	}
	return r
}

// placeOf returns the place that a search node has.
func (r *recent) placeOf(node searchNode) int { return int(hash.Words(node)) & (len(r.parents) - 1) }

// at returns the search node at a place, and its weight. Both lie in r.
func (r *recent) at(place int) (searchNode, weight) {
	return r.nodes[place*r.width : (place+1)*r.width], r.weights[place*r.words : (place+1)*r.words]
}

// merge adds to a search node that is at its place, and reports whether it is.
func (r *recent) merge(place int, node searchNode, w weight, from parentLink) bool {
	there, sum := r.at(place)
	if r.parents[place] == free || !slices.Equal(there, node) {
		return false
	}
	sum.add(w)
	r.parents[place] = min(r.parents[place], from)
	return true
}

// put puts a search node at its place.
func (r *recent) put(place int, node searchNode, w weight, from parentLink) {
	there, sum := r.at(place)
	copy(there, node)
	copy(sum, w)
	r.parents[place] = from
}

// bytes returns the memory that r occupies.
func (r *recent) bytes() int { return 4*cap(r.nodes) + 8*cap(r.weights) + 8*cap(r.parents) }
