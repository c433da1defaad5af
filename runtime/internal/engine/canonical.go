package engine

import "fmt"

// A Canonicalizer brings vectors into a form that is the same for all that
// renamings turn into each other. Each goroutine needs its own.
//
// It looks at each renaming that is still in the running at each place, which is linear in
// the group and in the number of instances, and allocates nothing once states and
// their images are known: an image takes 16 bytes for each pair of state and renaming.
type Canonicalizer struct {
	*Symmetry
	images []image // [local state * order + renaming]
	envs   map[uint64]image
	ties   []int // the renamings that lead to the least vector, as far as it is known
	form   Vector
	err    error
}

// An image is a local state or an environment after a renaming.
type image struct {
	content uint64 // its first half, which nearly always decides
	to      uint32 // plus one; 0 if it is not known yet
}

// NewCanonicalizer returns a canonicalizer of the symmetry.
func (y *Symmetry) NewCanonicalizer() *Canonicalizer {
	return &Canonicalizer{Symmetry: y, envs: map[uint64]image{}, form: make(Vector, y.sys.Width())}
}

// Canonical brings v into canonical form and returns the number of the
// renaming that does. The form is the least under all renamings, the first of
// them where several lead to it (see [Canonicalizer.Ties]): vectors are compared
// place by place, by what their states and environments are, so that it is the
// same in every run.
func (z *Canonicalizer) Canonical(v Vector) (int, error) {
	last := len(v) - 1
	z.ties = append(z.ties[:0], z.all...) // each place leaves some of them
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
	var best image
	kept := 0
	for _, g := range ties {
		id := v[from[g]]
		i := int(id)*order + g // 32 bits by 14
		if i >= len(z.images) || z.images[i].to == 0 {
			z.newImage(i, id, g)
		}
		m := z.images[i]
		if kept > 0 && m.to != best.to {
			if m.content > best.content || m.content == best.content && z.settle(m, best, z.sys.states.compare) > 0 {
				continue
			}
			kept = 0
		}
		best, ties[kept] = m, g
		kept++
	}
	z.ties = ties[:kept]
	return best.to - 1
}

// leastEnv is least for the environment.
func (z *Canonicalizer) leastEnv(id uint32) uint32 {
	var best image
	kept := 0
	for _, g := range z.ties {
		m := z.environment(id, g)
		if kept > 0 && m.to != best.to {
			if m.content > best.content || m.content == best.content && z.settle(m, best, z.sys.envs.compare) > 0 {
				continue
			}
			kept = 0
		}
		best, z.ties[kept] = m, g
		kept++
	}
	z.ties = z.ties[:kept]
	return best.to - 1
}

// settle orders different things of one content by what they are.
func (z *Canonicalizer) settle(a, b image, compare func(a, b uint32) int) int {
	order := compare(a.to-1, b.to-1)
	if order == 0 && z.err == nil {
		z.err = fmt.Errorf("two states differ in values that are written the same; types declared in functions share a name")
	}
	return order
}

// newImage notes a state after a renaming at place i of the images.
func (z *Canonicalizer) newImage(i int, id uint32, g int) {
	if i >= len(z.images) {
		z.images = append(z.images, make([]image, i+1-len(z.images)+len(z.images)/2)...)
	}
	to := id
	if g != 0 {
		var err error
		if to, err = z.local(id, g); err != nil {
			z.fail(err)
			to = id
		}
	}
	z.images[i] = image{z.sys.states.content(to)[0], to + 1}
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
		m = image{contentOf(z.sys.envs.append(nil, to), z.sys.cutContent)[0], to + 1}
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
func (z *Canonicalizer) Bytes() int { return 16*cap(z.images) + 2*entryBytes*len(z.envs) }
