package engine

import (
	"math/bits"
	"slices"

	"github.com/twinsh/twinsh/runtime/node"
)

// A Renaming maps each instance to the one that takes its place. Instances of
// one identity go to instances of one identity.
type Renaming []int

// Symmetries lists the renamings under which a system looks the same: of
// correct servers among each other, of servers with equally many twins among
// each other, of clients with equal programs, and of the twins of one identity.
// The first is the identity. Whether the protocol behaves the same under them is
// another question.
//
// They form a group. If it has more than 10080 members, which is what eight
// servers have if one of them is a twin, those of a smaller group are listed:
// the last of the identities that are interchangeable stay as they are.
func Symmetries(sys *System) []Renaming {
	all := []Renaming{make(Renaming, len(sys.instances))}
	for i := range all[0] {
		all[0][i] = i
	}
	for _, class := range interchangeableIdentities(sys) {
		if class = few(sys, class, maxRenamings/len(all)); len(class) > 0 {
			all = compose(all, renamings(sys, class))
		}
	}
	return all
}

// maxRenamings bounds the group: the time for a canonical form is linear in it, and
// so is the memory for what is known of each state.
const maxRenamings = 10080

// few returns the first identities of a class, as many as have no more than
// the given number of renamings.
func few(sys *System, class []int, most int) []int {
	n := 1
	for i, id := range class {
		n *= i + 1
		if interchangeable(sys, id) {
			for k := range sys.identities[id].Instances.Len() {
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
func interchangeableIdentities(sys *System) [][]int {
	var classes [][]int
next:
	for id := range sys.identities {
		for k, class := range classes {
			if sameKind(sys, class[0], id) {
				classes[k] = append(class, id)
				continue next
			}
		}
		classes = append(classes, []int{id})
	}
	return classes
}

// sameKind reports whether two identities have equally many instances and, if they are
// clients, the same programs.
func sameKind(sys *System, a, b int) bool {
	x, y := sys.identities[a], sys.identities[b]
	if x.Client != y.Client || x.Instances.Len() != y.Instances.Len() {
		return false
	}
	if a != b && sys.otherCode&(x.Instances|y.Instances) != 0 {
		return false
	}
	if !x.Client {
		return true
	}
	for k := range x.Instances.Len() {
		p := program(sys, instanceOf(x, k))
		q := program(sys, instanceOf(y, k))
		if !slices.Equal(p, q) {
			return false
		}
	}
	return true
}

// program returns what instance i runs.
func program(sys *System, i int) []node.Operation {
	return sys.spec.Starts[sys.spec.StartOf[i]].Program
}

// instanceOf returns the k-th instance of an identity; they are side by side.
func instanceOf(id node.Identity, k int) int {
	return bits.TrailingZeros64(uint64(id.Instances)) + k
}

// renamings lists the ways to permute identities of one class and the twins of
// each of them. Instances of others stay.
func renamings(sys *System, class []int) []Renaming {
	identity := make(Renaming, len(sys.instances))
	for i := range identity {
		identity[i] = i
	}
	var all []Renaming
	k := sys.identities[class[0]].Instances.Len()
	for _, p := range permutations(len(class)) {
		r := slices.Clone(identity)
		for from, to := range p {
			for twin := range k {
				r[instanceOf(sys.identities[class[from]], twin)] = instanceOf(sys.identities[class[to]], twin)
			}
		}
		all = append(all, r)
	}
	for _, id := range class {
		if !interchangeable(sys, id) {
			continue
		}
		var swaps []Renaming
		for _, p := range permutations(k) {
			r := slices.Clone(identity)
			for from, to := range p {
				r[instanceOf(sys.identities[id], from)] = instanceOf(sys.identities[id], to)
			}
			swaps = append(swaps, r)
		}
		all = compose(swaps, all)
	}
	return all
}

// interchangeable reports whether the instances of an identity start the same.
func interchangeable(sys *System, id int) bool {
	first := sys.spec.StartOf[instanceOf(sys.identities[id], 0)]
	for i := range sys.identities[id].Instances.All {
		if sys.spec.StartOf[i] != first {
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

// permutations lists the permutations of 0 … n-1, the identity first: those of n-2 and
// below, with n-1 put at each place from the last on.
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
