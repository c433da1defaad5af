package engine

import "fmt"

// A Canonicalizer brings vectors into a form that is the same for all that
// renamings turn into each other. Each goroutine needs its own.
//
// It looks at each renaming that is still in the running at each place, which is linear in
// the group and in the number of instances, and allocates nothing once states and
// their images are known: an image takes 4 bytes for each pair of renaming and local state that
// is met in a vector.
type Canonicalizer struct {
	*Symmetry
	rowOf    []uint32 // of a local state, plus one; 0 if it was not met
	images   []uint32 // [row * order + renaming] local states, plus one; 0 if it is not known
	rows     []int    // where the images of the states of the vector under way lie
	contents []uint64 // of local states, the first half, which nearly always decides; 0 if it is not known
	none     []uint32 // a row of which nothing is known
	envs     map[uint64]image
	ties     []int // the renamings that lead to the least vector, as far as it is known
	form     Vector
	err      error
}

// An image is an environment after a renaming.
type image struct {
	content uint64 // its first half
	to      uint32
}

// NewCanonicalizer returns a canonicalizer of the symmetry.
func (y *Symmetry) NewCanonicalizer() *Canonicalizer {
	return &Canonicalizer{
		Symmetry: y, none: make([]uint32, y.Order()), envs: map[uint64]image{}, form: make(Vector, y.sys.Width()),
	}
}

// Canonical brings v into canonical form and returns the number of the
// renaming that does. The form is the least under all renamings, the first of
// them where several lead to it (see [Canonicalizer.Ties]): vectors are compared
// place by place, by what their states and environments are, so that it is the
// same in every run.
func (z *Canonicalizer) Canonical(v Vector) (int, error) {
	last := len(v) - 1
	z.ties = append(z.ties[:0], z.all...) // each place leaves some of them
	z.rows = z.rows[:0]
	for _, id := range v[:last] {
		z.rows = append(z.rows, z.row(id))
	}
	for place := range last {
		z.form[place] = z.least(v, place)
	}
	z.form[last] = v[last]
	if v[last] != 0 { // else nothing there has a name
		z.form[last] = z.leastEnv(v[last])
	}
	if z.err != nil {
		return 0, z.err
	}
	copy(v, z.form)
	return z.ties[0], nil
}

// Ties lists the renamings that lead to the form that was found last, in order.
// They differ in what becomes of what is no part of a vector. The list is valid
// until the next call of Canonical.
func (z *Canonicalizer) Ties() []int { return z.ties }

// least returns the least state that renamings bring to a place of v, of those that
// lead to the least vector before that place. Of them it keeps those that do so.
func (z *Canonicalizer) least(v Vector, place int) uint32 {
	order, ties := len(z.renamings), z.ties
	from := z.from[place*order : (place+1)*order]
	var best uint32 // plus one
	var content uint64
	kept := 0
	for _, g := range ties {
		i := from[g]
		to := z.images[z.rows[i]+g]
		if to == 0 {
			to = z.newImage(z.rows[i]+g, v[i], g)
		}
		if to != best {
			c := z.content(to - 1)
			if kept > 0 && (c > content || c == content && z.settle(to-1, best-1, z.sys.states.compare) > 0) {
				continue
			}
			best, content, kept = to, c, 0
		}
		ties[kept] = g
		kept++
	}
	z.ties = ties[:kept]
	return best - 1
}

// row returns where the images of a local state lie.
func (z *Canonicalizer) row(id uint32) int {
	if int(id) < len(z.rowOf) && z.rowOf[id] != 0 {
		return (int(z.rowOf[id]) - 1) * len(z.renamings)
	}
	z.rowOf = grown(z.rowOf, int(id))
	row := len(z.images)
	z.rowOf[id] = uint32(row/len(z.renamings)) + 1
	z.images = append(z.images, z.none...)
	return row
}

// content returns what decides nearly always which of two local states is less.
func (z *Canonicalizer) content(id uint32) uint64 {
	if int(id) < len(z.contents) && z.contents[id] != 0 {
		return z.contents[id]
	}
	z.contents = grown(z.contents, int(id))
	z.contents[id] = z.sys.states.content(id)[0]
	return z.contents[id]
}

// grown returns a list that has a place i.
func grown[T any](list []T, i int) []T {
	if i < len(list) {
		return list
	}
	return append(list, make([]T, i+1-len(list)+len(list)/2)...)
}

// leastEnv is least for the environment.
func (z *Canonicalizer) leastEnv(id uint32) uint32 {
	var best image
	kept := 0
	for _, g := range z.ties {
		m := z.environment(id, g)
		if kept > 0 && m.to != best.to {
			if m.content > best.content || m.content == best.content && z.settle(m.to, best.to, z.sys.envs.compare) > 0 {
				continue
			}
			kept = 0
		}
		best, z.ties[kept] = m, g
		kept++
	}
	z.ties = z.ties[:kept]
	return best.to
}

// settle orders different things of one content by what they are.
func (z *Canonicalizer) settle(a, b uint32, compare func(a, b uint32) int) int {
	order := compare(a, b)
	if order == 0 && z.err == nil {
		z.err = fmt.Errorf("two states differ in values that are written the same; types declared in functions share a name")
	}
	return order
}

// newImage notes, at a place of the images, a local state after a renaming, plus one.
func (z *Canonicalizer) newImage(at int, id uint32, g int) uint32 {
	to := id
	if g != 0 {
		var err error
		if to, err = z.local(id, g); err != nil {
			z.fail(err)
			to = id
		}
	}
	z.images[at] = to + 1
	return to + 1
}

func (z *Canonicalizer) environment(id uint32, g int) image {
	key := uint64(id)<<32 | uint64(g)
	m, ok := z.envs[key]
	if !ok {
		to, err := z.env(id, g)
		if err != nil {
			z.fail(err)
			to = id
		}
		m = image{contentOf(z.sys.envs.append(nil, to), z.sys.cutContent)[0], to}
		z.envs[key] = m
	}
	return m
}

// fail keeps the first error. No form is found from then on.
func (z *Canonicalizer) fail(err error) {
	if z.err == nil {
		z.err = err
	}
}

// Bytes returns about how much memory the canonicalizer occupies beside its symmetry.
func (z *Canonicalizer) Bytes() int {
	return 4*(cap(z.rowOf)+cap(z.images)) + 8*cap(z.contents) + 2*entryBytes*len(z.envs)
}
