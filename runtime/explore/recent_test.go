package explore

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// What comes to a worker and joins by way of its recent search nodes is what would have joined
// at once: the same search nodes, with the same weights and parent links.
func TestRecentNodesJoin(t *testing.T) {
	g := &graph{width: 4, words: 2}
	r := newRecent(g, 8)
	atOnce, after := newFrontier(g.width, g.words, 1, 1<<20), newFrontier(g.width, g.words, 4, 1<<20)
	join := func(place int) {
		if from := r.parents[place]; from != free {
			node, count := r.at(place)
			after.add(node, count, from)
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	merged := 0
	for range 20000 {
		node := searchNode{random.Uint32N(6), random.Uint32N(6), random.Uint32N(6), 1}
		count, from := weight{random.Uint64() >> 1, 0}, parentLink(random.Uint64N(1<<20))
		atOnce.add(node, count, from)
		place := r.placeOf(node)
		if r.merge(place, node, count, from) {
			merged++
			continue
		}
		join(place)
		r.put(place, node, count, from)
	}
	for place := range r.parents {
		join(place)
	}
	if merged < 1000 || merged > 19000 {
		t.Errorf("%d of 20000 were merged", merged)
	}
	if got, want := contents(t, after), contents(t, atOnce); !slices.Equal(got, want) {
		t.Errorf("%d search nodes joined, want %d", len(got), len(want))
	}
}

// contents lists what is in a frontier, in order.
func contents(t *testing.T, f *frontier) (list []string) {
	parents, err := f.seal(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for rank, from := range parents {
		node, count := f.at(rank)
		list = append(list, nodeKey(node)+count.big().String()+nodeKey(searchNode{uint32(from)}))
	}
	slices.Sort(list)
	return list
}
