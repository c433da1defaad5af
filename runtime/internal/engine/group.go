package engine

import (
	"cmp"
	"slices"

	"github.com/twinsh/twinsh/runtime/node"
)

// Subgroup returns those of a group of renamings that keep something as it is,
// in their order. It asks keeps, by number, about few of them: what some keep,
// their products keep, too, and the product of one that does not with one that
// does does not. So it asks once for each coset at most, instead of once for each
// renaming, which matters because an answer may cost a simulation. This is the
// closure by generators of computational group theory, without its stabilizer chains
// (Sims, "Computational methods in the study of permutation groups", 1970): groups
// have at most maxRenamings members here. It stops at the first error.
func Subgroup(group []Renaming, keeps func(g int) (bool, error)) ([]Renaming, error) {
	made := newClosure(group)
	moved := make([]bool, len(group))
	for g := range group {
		if made.has[g] || moved[g] {
			continue
		}
		ok, err := keeps(g)
		if err != nil {
			return nil, err
		}
		if ok {
			made.join(g)
			continue
		}
		moved[g] = true
		// The rest of its coset need not be asked. Members that join later do not
		// widen what is known here; those renamings are asked about then.
		for _, m := range made.members {
			if p, ok := made.product(g, m); ok {
				moved[p] = true
			}
		}
	}
	var list []Renaming
	for g, r := range group {
		if made.has[g] {
			list = append(list, r)
		}
	}
	return list, nil
}

// Generators returns the numbers of renamings of which all others are products, few of
// them. Those that change least come first, so that images of what names few are few.
func Generators(group []Renaming) []int {
	changes := func(g int) (n int) {
		for i, j := range group[g] {
			if i != j {
				n++
			}
		}
		return n
	}
	order := make([]int, len(group))
	for g := range order {
		order[g] = g
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(changes(a), changes(b)) })
	made := newClosure(group)
	for _, g := range order {
		if !made.has[g] {
			made.join(g)
		}
	}
	return slices.DeleteFunc(made.generators, func(g int) bool { return group[g].Identity() })
}

// A closure is the members of a group that are products of some generators.
type closure struct {
	group      []Renaming
	index      RenamingIndex
	has        []bool
	members    []int
	generators []int
	scratch    Renaming
}

func newClosure(group []Renaming) *closure {
	return &closure{group: group, index: NewRenamingIndex(group), has: make([]bool, len(group))}
}

// product returns the number of a after b.
func (c *closure) product(a, b int) (int, bool) {
	c.scratch = c.scratch[:0]
	for _, j := range c.group[b] {
		c.scratch = append(c.scratch, c.group[a][j])
	}
	return c.index.Of(c.scratch)
}

// join makes all products of members and generators members. Products from the
// right by generators are enough: in a finite group inverses are products, too.
func (c *closure) join(g int) {
	c.generators = append(c.generators, g)
	queue := []int{g}
	c.has[g] = true
	add := func(a, b int) {
		if p, ok := c.product(a, b); ok && !c.has[p] {
			c.has[p] = true
			queue = append(queue, p)
		}
	}
	for _, m := range c.members {
		add(m, g)
	}
	for i := 0; i < len(queue); i++ {
		for _, by := range c.generators {
			add(queue[i], by)
		}
	}
	c.members = append(c.members, queue...)
}

// A RenamingIndex finds the numbers of renamings in a list.
type RenamingIndex map[string]int

// NewRenamingIndex returns the index of a list of different renamings.
func NewRenamingIndex(list []Renaming) RenamingIndex {
	index := make(RenamingIndex, len(list))
	for i, r := range list {
		index[string(r.key(nil))] = i
	}
	return index
}

// Of returns the number of a renaming and whether it is in the list.
func (x RenamingIndex) Of(r Renaming) (int, bool) {
	var room [node.MaxInstances]byte
	i, ok := x[string(r.key(room[:0]))]
	return i, ok
}

// key appends one byte for each instance: there are at most MaxInstances.
func (r Renaming) key(to []byte) []byte {
	for _, j := range r {
		to = append(to, byte(j))
	}
	return to
}
