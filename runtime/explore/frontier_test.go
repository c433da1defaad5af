package explore

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/big"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// Weights add up as big numbers do, as long as the sum has room.
func TestWeights(t *testing.T) {
	t.Parallel()
	word := rapid.OneOf(rapid.Uint64(), rapid.SampledFrom([]uint64{0, 1, 1 << 63, 1<<64 - 1}))
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 4).Draw(t, "words")
		// The last word stays small, so that nothing overflows.
		drawn := func(label string) weight {
			w := weight(rapid.SliceOfN(word, n, n).Draw(t, label))
			w[n-1] >>= 8
			return w
		}
		sum := make(weight, n)
		want := new(big.Int)
		if !sum.zero() || sum.big().Sign() != 0 {
			t.Fatalf("%v is not zero", sum)
		}
		for range rapid.IntRange(0, 200).Draw(t, "terms") {
			w := drawn("term")
			if w.zero() != (w.big().Sign() == 0) {
				t.Fatalf("zero of %v is %t", w, w.zero())
			}
			sum.add(w)
			want.Add(want, w.big())
		}
		if sum.big().Cmp(want) != 0 {
			t.Fatalf("the sum is %s, want %s", sum.big(), want)
		}
	})
}

func TestWeightBig(t *testing.T) {
	for _, test := range []struct {
		w    weight
		want string
	}{
		{weight{0}, "0"},
		{weight{1<<64 - 1}, "18446744073709551615"},
		{weight{0, 1}, "18446744073709551616"},
		{weight{5, 0, 1}, "340282366920938463463374607431768211461"},
	} {
		if got := test.w.big().String(); got != test.want {
			t.Errorf("%v is %s, want %s", test.w, got, test.want)
		}
	}
}

// A weight has room for the size of its space.
func TestWeightWords(t *testing.T) {
	for bits := uint(0); bits < 200; bits++ {
		largest := new(big.Int).Lsh(big.NewInt(1), bits)
		for _, size := range []*big.Int{new(big.Int).Sub(largest, big.NewInt(1)), largest} {
			n := weightWords(size)
			if room := new(big.Int).Lsh(big.NewInt(1), uint(64*n)); n < 1 || size.Cmp(room) >= 0 {
				t.Errorf("%d words for %s", n, size)
			}
			if less := new(big.Int).Lsh(big.NewInt(1), uint(64*(n-1))); n > 1 && size.Cmp(less) < 0 {
				t.Errorf("%d words for %s are more than needed", n, size)
			}
		}
	}
}

// An added search node is one that is added to a frontier, or what is there of it.
type addedNode struct {
	node   []uint32
	weight *big.Int
	from   parentLink
}

// A frontier holds each search node once, with the sum of its weights and the least of
// its parent links, ranked by parent link, in whatever order and by however many workers
// search nodes are added.
func TestFrontier(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.IntRange(1, 5).Draw(t, "width")
		words := rapid.IntRange(1, 3).Draw(t, "words")
		shards := rapid.SampledFrom([]int{1, 2, 64}).Draw(t, "shards")
		workers := rapid.IntRange(1, 3).Draw(t, "workers")
		source := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		values := rapid.SampledFrom([]uint32{1, 3, 50}).Draw(t, "values")
		all := make([]addedNode, rapid.IntRange(0, 500).Draw(t, "search nodes"))
		weights := make([]weight, len(all))
		for i := range all {
			node := make([]uint32, width)
			for k := range node {
				node[k] = source.Uint32N(values)
			}
			weights[i] = make(weight, words)
			for k := range weights[i] {
				weights[i][k] = source.Uint64()
			}
			weights[i][words-1] >>= 16
			all[i] = addedNode{node, weights[i].big(), parentLink(i)} // no two search nodes have one parent link
		}
		want := map[string]addedNode{}
		for _, a := range all {
			key := fmt.Sprint(a.node)
			if b, ok := want[key]; ok {
				a = addedNode{a.node, new(big.Int).Add(a.weight, b.weight), min(a.from, b.from)}
			}
			want[key] = a
		}
		ranked := slices.SortedFunc(maps.Values(want), func(a, b addedNode) int { return cmp.Compare(a.from, b.from) })

		f := newFrontier(width, words, shards, defaultLimits().nodes)
		order := source.Perm(len(all))
		var group sync.WaitGroup
		for w := range workers {
			group.Go(func() {
				for i := w; i < len(order); i += workers {
					f.add(all[order[i]].node, weights[order[i]], all[order[i]].from)
				}
			})
		}
		group.Wait()
		if f.bytes() < len(want)*4*width {
			t.Fatalf("%d search nodes in %d bytes", len(want), f.bytes())
		}
		parents, err := f.seal(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if f.len() != len(ranked) || len(parents) != len(ranked) {
			t.Fatalf("%d search nodes, %d parent links, want %d", f.len(), len(parents), len(ranked))
		}
		for rank, a := range ranked {
			node, w := f.at(rank)
			if !slices.Equal(node, a.node) || w.big().Cmp(a.weight) != 0 || parents[rank] != a.from {
				t.Fatalf("rank %d is %v, weight %s, from %d; want %+v", rank, node, w.big(), parents[rank], a)
			}
		}
	})
}

// sortByKey sorts as a library does.
func TestSortByKey(t *testing.T) {
	t.Parallel()
	type pair struct {
		key   uint64
		value uint32
	}
	rapid.Check(t, func(t *rapid.T) {
		mask := rapid.SampledFrom([]uint64{0, 7, 1 << 40, 0xffff_0000_0000_ffff, 1<<64 - 1}).Draw(t, "mask")
		keys := rapid.SliceOfN(rapid.Uint64(), 0, 300).Draw(t, "keys")
		var want []pair
		values := make([]uint32, len(keys))
		for i := range keys {
			keys[i] &= mask
			values[i] = uint32(i)
			want = append(want, pair{keys[i], values[i]})
		}
		slices.SortStableFunc(want, func(a, b pair) int { return cmp.Compare(a.key, b.key) })
		if err := sortByKey(context.Background(), keys, values); err != nil {
			t.Fatal(err)
		}
		for i, p := range want {
			if keys[i] != p.key || values[i] != p.value {
				t.Fatalf("place %d holds %d, %d; want %d, %d", i, keys[i], values[i], p.key, p.value)
			}
		}
	})
}
