package space

import (
	"slices"

	"github.com/twinsh/twinsh/runtime"
)

// Partitions lists the ways to part the elements into exactly k non-empty
// parts. Parts are in the order of their least elements, and partitions in the
// lexicographic order of their restricted growth strings: the numbers of the
// parts of the elements, one after the other (Knuth, "The Art of Computer
// Programming", volume 4A, section 7.2.1.5).
func Partitions(elements runtime.Set, k int) [][]runtime.Set {
	return partitions(elements, k, k)
}

// PartitionsUpTo lists the ways to part the elements into at most k non-empty
// parts, in the same order.
func PartitionsUpTo(elements runtime.Set, k int) [][]runtime.Set {
	return partitions(elements, 0, k)
}

func partitions(elements runtime.Set, least, most int) (all [][]runtime.Set) {
	var place func(rest runtime.Set, parts []runtime.Set)
	place = func(rest runtime.Set, parts []runtime.Set) {
		if len(parts) > most || len(parts)+rest.Len() < least {
			return
		}
		if rest == 0 {
			all = append(all, slices.Clone(parts))
			return
		}
		element := rest & -rest
		rest &^= element
		for i := range parts {
			parts[i] |= element
			place(rest, parts)
			parts[i] &^= element
		}
		place(rest, append(parts, element))
	}
	place(elements, nil)
	return all
}

// Subsets lists the reaches of min to max server identities of c, each twin
// present with one of its instances or with several. They are ordered by the
// number of identities, then by the identities, then by the instances of each:
// the first, the second, both.
func Subsets(c *runtime.Cluster, min, max int) (all []runtime.Set) {
	var servers []runtime.Set
	for _, id := range c.Identities() {
		if !id.Client {
			servers = append(servers, id.Instances)
		}
	}
	var choose func(chosen runtime.Set, from, missing int)
	choose = func(chosen runtime.Set, from, missing int) {
		if missing == 0 {
			all = append(all, chosen)
			return
		}
		for i := from; i+missing <= len(servers); i++ {
			instances := servers[i]
			// Counting in the bits of instances only: the borrow runs over the others.
			for some := -instances & instances; some != 0; some = (some - instances) & instances {
				choose(chosen|some, i+1, missing-1)
			}
		}
	}
	for size := range len(servers) + 1 {
		if min <= size && size <= max {
			choose(0, 0, size)
		}
	}
	return all
}

// Quorums lists the reaches of size server identities of c.
func Quorums(c *runtime.Cluster, size int) []runtime.Set { return Subsets(c, size, size) }
