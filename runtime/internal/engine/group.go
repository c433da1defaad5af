package engine

import "github.com/twinsh/twinsh/runtime/node"

// Subgroup returns those of a group of renamings that keep something as it is,
// in their order. It asks keeps, by number, about few of them: what some keep,
// their products keep, too, and the product of one that does not with one that
// does does not. So it asks once for each coset at most, instead of once for each
// renaming, which matters because an answer may cost a simulation. This is the
// closure by generators of computational group theory, without its stabilizer chains
// (Sims, "Computational methods in the study of permutation groups", 1970): groups
// have at most maxRenamings members here. It stops at the first error.
func Subgroup(group []Renaming, keeps func(g int) (bool, error)) ([]Renaming, error) {
	const (
		unknown = iota
		kept
		moved
	)
	index := NewRenamingIndex(group)
	state := make([]byte, len(group))
	var members, generators []int
	scratch := make(Renaming, 0, node.MaxInstances)
	product := func(a, b int) (int, bool) { // a after b
		scratch = scratch[:0]
		for _, j := range group[b] {
			scratch = append(scratch, group[a][j])
		}
		return index.Of(scratch)
	}
	// join makes all products of members and generators members. Products from the
	// right by generators are enough: in a finite group inverses are products, too.
	join := func(g int) {
		generators = append(generators, g)
		queue := []int{}
		add := func(a, b int) {
			if p, ok := product(a, b); ok && state[p] != kept {
				state[p] = kept
				queue = append(queue, p)
			}
		}
		state[g] = kept
		queue = append(queue, g)
		for _, m := range members {
			add(m, g)
		}
		for i := 0; i < len(queue); i++ {
			for _, by := range generators {
				add(queue[i], by)
			}
		}
		members = append(members, queue...)
	}
	for g := range group {
		if state[g] != unknown {
			continue
		}
		ok, err := keeps(g)
		if err != nil {
			return nil, err
		}
		if ok {
			join(g)
			continue
		}
		state[g] = moved
		// The rest of its coset need not be asked. Members that join later do not
		// widen what is known here; those renamings are asked about then.
		for _, m := range members {
			if p, ok := product(g, m); ok && state[p] == unknown {
				state[p] = moved
			}
		}
	}
	var list []Renaming
	for g, r := range group {
		if state[g] == kept {
			list = append(list, r)
		}
	}
	return list, nil
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
