package space

import (
	"fmt"
	"math/big"
	"slices"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/english"
	"github.com/twinsh/twinsh/runtime/node"
)

// MaxChoices is how many choices a list of them may hold. Their number grows
// exponentially with that of the servers, so count them before you list them:
// see [CountPartitions], [CountSubsets] and [Listable].
const MaxChoices = 1 << 20

// Listable returns an error if there are more than [MaxChoices] of something.
// It says what there is too much of and how much of it there is.
func Listable(count *big.Int, what string) error {
	if count.Cmp(big.NewInt(MaxChoices)) > 0 {
		return fmt.Errorf("%s %s are too many to be listed, want at most %s", english.Grouped(count), what, english.Number(MaxChoices))
	}
	return nil
}

// CountPartitions returns in how many ways n elements can be parted into least
// to most non-empty parts: the sum of the Stirling numbers of the second kind.
// It takes n*n additions.
func CountPartitions(n, least, most int) *big.Int {
	ways := make([]*big.Int, n+1) // of the elements so far, by number of parts
	for k := range ways {
		ways[k] = new(big.Int)
	}
	ways[0].SetInt64(1)
	for range n {
		for k := n; k > 0; k-- {
			ways[k].Mul(ways[k], big.NewInt(int64(k)))
			ways[k].Add(ways[k], ways[k-1])
		}
		ways[0].SetInt64(0)
	}
	sum := new(big.Int)
	for k := max(least, 0); k <= min(most, n); k++ {
		sum.Add(sum, ways[k])
	}
	return sum
}

// CountSubsets returns how many reaches [Subsets] lists.
func CountSubsets(c *runtime.Cluster, min, max int) *big.Int {
	ways := []*big.Int{big.NewInt(1)} // by number of identities
	for _, id := range c.Identities() {
		if id.Client {
			continue
		}
		present := new(big.Int).Lsh(one, uint(id.Instances.Len()))
		present.Sub(present, one) // any of its instances, or several
		ways = append(ways, new(big.Int))
		for k := len(ways) - 1; k > 0; k-- {
			ways[k].Add(ways[k], new(big.Int).Mul(ways[k-1], present))
		}
	}
	sum := new(big.Int)
	for k, n := range ways {
		if min <= k && k <= max {
			sum.Add(sum, n)
		}
	}
	return sum
}

// Partitions lists the ways to part the elements into exactly k non-empty
// parts. Parts are in the order of their least elements, and partitions in the
// lexicographic order of their restricted growth strings: the numbers of the
// parts of the elements, one after the other (Knuth, "The Art of Computer
// Programming", volume 4A, section 7.2.1.5).
func Partitions(elements node.Set, k int) [][]node.Set {
	return partitions(elements, k, k)
}

// PartitionsUpTo lists the ways to part the elements into at most k non-empty
// parts, in the same order.
func PartitionsUpTo(elements node.Set, k int) [][]node.Set {
	return partitions(elements, 0, k)
}

func partitions(elements node.Set, least, most int) (all [][]node.Set) {
	var place func(rest node.Set, parts []node.Set)
	place = func(rest node.Set, parts []node.Set) {
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
func Subsets(c *runtime.Cluster, min, max int) (all []node.Set) {
	var servers []node.Set
	for _, id := range c.Identities() {
		if !id.Client {
			servers = append(servers, id.Instances)
		}
	}
	var choose func(chosen node.Set, from, missing int)
	choose = func(chosen node.Set, from, missing int) {
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
func Quorums(c *runtime.Cluster, size int) []node.Set { return Subsets(c, size, size) }
