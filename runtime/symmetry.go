package runtime

import (
	"cmp"
	"math/bits"
	"slices"

	"github.com/twinsh/twinsh/runtime/node"
)

// A Renaming maps each instance to the one that takes its place. Instances of
// one identity go to instances of one identity.
type Renaming []int

// Symmetries lists the renamings under which the cluster looks the same: of
// correct servers among each other, of servers with equally many twins among
// each other, of clients with equal programs, and of the twins of one identity.
// The first is the identity. Whether the protocol behaves the same under them is
// another question.
//
// They form a group. If it has more than 10080 members, which is what eight
// servers have if one of them is a twin, those of a smaller group are listed:
// the last of the identities that are interchangeable stay as they are.
func (c *Cluster) Symmetries() []Renaming {
	all := []Renaming{make(Renaming, len(c.instances))}
	for i := range all[0] {
		all[0][i] = i
	}
	for _, class := range c.interchangeableIdentities() {
		if class = c.few(class, maxRenamings/len(all)); len(class) > 0 {
			all = compose(all, c.renamings(class))
		}
	}
	return all
}

const maxRenamings = 10080

// few returns the first identities of a class, as many as have no more than
// the given number of renamings.
func (c *Cluster) few(class []int, most int) []int {
	n := 1
	for i, id := range class {
		n *= i + 1
		if c.interchangeable(id) {
			for k := range c.identities[id].Instances.Len() {
				if n *= k + 1; n > most {
					break
				}
			}
		}
		if n > most {
			return class[:i]
		}
	}
	return class
}

// interchangeableIdentities groups identities that may be renamed to each other.
func (c *Cluster) interchangeableIdentities() [][]int {
	var classes [][]int
next:
	for id := range c.identities {
		for k, class := range classes {
			if c.sameKind(class[0], id) {
				classes[k] = append(class, id)
				continue next
			}
		}
		classes = append(classes, []int{id})
	}
	return classes
}

func (c *Cluster) sameKind(a, b int) bool {
	x, y := c.identities[a], c.identities[b]
	if x.Client != y.Client || x.Instances.Len() != y.Instances.Len() {
		return false
	}
	if !x.Client {
		return true
	}
	for k := range x.Instances.Len() {
		p := c.starts[c.startOf[instanceOf(x, k)]].program
		q := c.starts[c.startOf[instanceOf(y, k)]].program
		if !slices.Equal(p, q) {
			return false
		}
	}
	return true
}

// instanceOf returns the k-th instance of an identity; they are side by side.
func instanceOf(id node.Identity, k int) int {
	return bits.TrailingZeros64(uint64(id.Instances)) + k
}

// renamings lists the ways to permute identities of one class and the twins of
// each of them. Instances of others stay.
func (c *Cluster) renamings(class []int) []Renaming {
	identity := make(Renaming, len(c.instances))
	for i := range identity {
		identity[i] = i
	}
	var all []Renaming
	k := c.identities[class[0]].Instances.Len()
	for _, p := range permutations(len(class)) {
		r := slices.Clone(identity)
		for from, to := range p {
			for twin := range k {
				r[instanceOf(c.identities[class[from]], twin)] = instanceOf(c.identities[class[to]], twin)
			}
		}
		all = append(all, r)
	}
	for _, id := range class {
		if !c.interchangeable(id) {
			continue
		}
		var swaps []Renaming
		for _, p := range permutations(k) {
			r := slices.Clone(identity)
			for from, to := range p {
				r[instanceOf(c.identities[id], from)] = instanceOf(c.identities[id], to)
			}
			swaps = append(swaps, r)
		}
		all = compose(swaps, all)
	}
	return all
}

// interchangeable reports whether the instances of an identity start the same.
func (c *Cluster) interchangeable(id int) bool {
	first := c.startOf[instanceOf(c.identities[id], 0)]
	for i := range c.identities[id].Instances.All {
		if c.startOf[i] != first {
			return false
		}
	}
	return true
}

// compose lists each of a after each of b: (a∘b)[i] = a[b[i]].
func compose(a, b []Renaming) []Renaming {
	var all []Renaming
	for _, x := range a {
		for _, y := range b {
			z := make(Renaming, len(x))
			for i := range z {
				z[i] = x[y[i]]
			}
			all = append(all, z)
		}
	}
	return all
}

// permutations lists the permutations of 0 … n-1, the identity first.
func permutations(n int) [][]int {
	if n == 0 {
		return [][]int{nil}
	}
	var all [][]int
	for _, p := range permutations(n - 1) {
		for at := n - 1; at >= 0; at-- {
			all = append(all, slices.Insert(slices.Clone(p), at, n-1))
		}
	}
	return all
}

// Set renames the members of s.
func (r Renaming) Set(s node.Set) node.Set {
	var t node.Set
	for i := range s.All {
		t |= node.SetOf(r[i])
	}
	return t
}

// Identity reports whether r changes nothing.
func (r Renaming) Identity() bool {
	for i, j := range r {
		if i != j {
			return false
		}
	}
	return true
}

func (r Renaming) set(s node.Set) node.Set {
	if r == nil {
		return s
	}
	return r.Set(s)
}

// sortParts orders the parts of a partition by their first members, so that a
// partition has one text.
func sortParts(parts []node.Set) []node.Set {
	parts = slices.Clone(parts)
	slices.SortFunc(parts, func(a, b node.Set) int {
		return cmp.Compare(bits.TrailingZeros64(uint64(a)), bits.TrailingZeros64(uint64(b)))
	})
	return parts
}
