package space_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/node"
	"github.com/twinsh/twinsh/runtime/space"
)

// stirling counts the partitions of n elements into k parts.
func stirling(n, k int) int {
	switch {
	case n == 0 && k == 0:
		return 1
	case n == 0 || k <= 0:
		return 0
	}
	return stirling(n-1, k-1) + k*stirling(n-1, k)
}

// growth returns the restricted growth string of a partition of elements.
func growth(elements node.Set, parts []node.Set) (s []int) {
	for i := range elements.All {
		s = append(s, slices.IndexFunc(parts, func(p node.Set) bool { return p.Has(i) }))
	}
	return s
}

func TestPartitions(t *testing.T) {
	for n := range 10 {
		elements := node.Set(1<<n-1) << 3 // they need not begin at 0
		upTo := 0
		for k := -1; k <= n+1; k++ {
			upTo += stirling(n, k)
			for _, tc := range []struct {
				name string
				list [][]node.Set
				want int
			}{
				{"exactly", space.Partitions(elements, k), stirling(n, k)},
				{"at most", space.PartitionsUpTo(elements, k), upTo},
			} {
				if len(tc.list) != tc.want {
					t.Fatalf("%d elements in %s %d parts: %d ways, want %d", n, tc.name, k, len(tc.list), tc.want)
				}
				var last []int
				for i, parts := range tc.list {
					var all node.Set
					size := 0
					for _, p := range parts {
						all |= p
						size += p.Len()
					}
					if all != elements || size != n || slices.Contains(parts, 0) || len(parts) > k || tc.name == "exactly" && len(parts) != k {
						t.Fatalf("%d elements in %s %d parts: %v", n, tc.name, k, parts)
					}
					if s := growth(elements, parts); i > 0 && slices.Compare(last, s) >= 0 {
						t.Fatalf("%d elements in %s %d parts: %v comes after %v", n, tc.name, k, s, last)
					} else {
						last = s
					}
				}
			}
		}
	}
	for _, tc := range []struct{ n, k, want int }{{5, 2, 15}, {5, 3, 25}, {9, 2, 255}, {9, 3, 3025}} {
		if got := len(space.Partitions(1<<tc.n-1, tc.k)); got != tc.want {
			t.Errorf("S(%d,%d) = %d, want %d", tc.n, tc.k, got, tc.want)
		}
	}
}

func twinned(t *testing.T, n int, twins ...runtime.Twin) *runtime.Cluster {
	return cluster(t, runtime.Config{N: n, F: 1, Clients: []runtime.Client{{Name: "c1"}}, Twins: twins})
}

func names(c *runtime.Cluster, sets []node.Set) string {
	var list []string
	for _, s := range sets {
		list = append(list, strings.Join(c.Names(s), ""))
	}
	return strings.Join(list, " ")
}

func TestSubsets(t *testing.T) {
	four := twinned(t, 4, runtime.Twin{ID: "C", Copies: 2})
	three := twinned(t, 2, runtime.Twin{ID: "B", Copies: 3}, runtime.Twin{ID: "c1", Copies: 2})
	for _, tc := range []struct {
		c        *runtime.Cluster
		min, max int
		want     string
	}{
		{four, 1, 1, "A B C C' CC' D"},
		{four, 2, 2, "AB AC AC' ACC' AD BC BC' BCC' BD CD C'D CC'D"},
		{four, 0, 0, ""},
		{four, 4, 9, "ABCD ABC'D ABCC'D"},
		{four, 5, 9, ""},
		{three, -1, 1, " A B B' BB' B'' BB'' B'B'' BB'B''"},
	} {
		if got := names(tc.c, space.Subsets(tc.c, tc.min, tc.max)); got != tc.want {
			t.Errorf("%d to %d: got %s, want %s", tc.min, tc.max, got, tc.want)
		}
	}
	if got := len(space.Subsets(four, 1, 3)); got != 28 {
		t.Errorf("%d reaches of 1 to 3 of 4, C twinned; want 28", got)
	}
	if got, want := names(four, space.Quorums(four, 3)), "ABC ABC' ABCC' ABD ACD AC'D ACC'D BCD BC'D BCC'D"; got != want {
		t.Errorf("quorums of 3: got %s, want %s", got, want)
	}
}

// Subsets are the sets of instances that have so many identities.
func TestSubsetsAreAll(t *testing.T) {
	c := twinned(t, 4, runtime.Twin{ID: "A", Copies: 3}, runtime.Twin{ID: "C", Copies: 2})
	seen := map[node.Set]bool{}
	for _, s := range space.Subsets(c, 2, 3) {
		if seen[s] {
			t.Errorf("%v is listed twice", c.Names(s))
		}
		seen[s] = true
	}
	for s := node.Set(1); s <= c.Servers(); s++ {
		present := map[int]bool{}
		for i := range s.All {
			present[c.Instances()[i].Identity] = true
		}
		if want := len(present) == 2 || len(present) == 3; seen[s] != want {
			t.Errorf("%v: listed %v, want %v", c.Names(s), seen[s], want)
		}
	}
	if fmt.Sprint(c.Names(c.Servers())) != "[A A' A'' B C C' D]" {
		t.Error("the servers are not the first instances, so that the loop above misses some")
	}
}
