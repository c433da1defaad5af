package runtime

import (
	"fmt"
	"slices"
	"sync"

	"github.com/twinsh/twinsh/runtime/node"
)

// Symmetric reports whether the protocol declares that it is symmetric.
func (c *Cluster) Symmetric() bool {
	s, ok := c.config.Protocol.(node.Symmetric)
	return ok && s.Symmetric()
}

// NameSymmetries lists those of the Symmetries that rename identities which the
// protocol declares to treat the same: servers, and clients with one program if
// there is no more to them than that. The first instance of an identity stays
// the first. Twins are not swapped, because the order in which they are heard,
// and what they may propose, distinguishes them.
func (c *Cluster) NameSymmetries() []Renaming {
	declared, _ := c.config.Protocol.(node.ClientSymmetric)
	return slices.DeleteFunc(c.Symmetries(), func(r Renaming) bool {
		for i, j := range r {
			if c.instances[i].Copy != c.instances[j].Copy {
				return true
			}
			if i != j && c.clients.Has(i) && (declared == nil || !declared.SymmetricClients(c.starts[c.startOf[i]].program)) {
				return true
			}
		}
		return false
	})
}

// A Symmetry is a group of renamings and what is known of their effect on the
// cluster's states. It may be used concurrently.
type Symmetry struct {
	cluster   *Cluster
	renamings []Renaming
	inverse   []Renaming
	all       []int   // the numbers of the renamings
	from      []uint8 // [place * order + renaming] which place's state comes there

	mu       sync.Mutex
	locals   map[uint64]uint32 // (local state, renaming) -> local state
	messages map[uint64]uint32
	envs     map[uint64]uint32
}

// NewSymmetry returns the symmetry of a group of renamings, the identity first.
func (c *Cluster) NewSymmetry(renamings []Renaming) *Symmetry {
	y := &Symmetry{cluster: c, renamings: renamings, locals: map[uint64]uint32{}, messages: map[uint64]uint32{}, envs: map[uint64]uint32{}}
	for _, r := range renamings {
		inverse := make(Renaming, len(r))
		for i, j := range r {
			inverse[j] = i
		}
		y.inverse = append(y.inverse, inverse)
	}
	for g := range renamings {
		y.all = append(y.all, g)
	}
	for place := range c.Width() - 1 {
		for _, inverse := range y.inverse {
			y.from = append(y.from, uint8(inverse[place]))
		}
	}
	return y
}

// Order returns the number of renamings.
func (y *Symmetry) Order() int { return len(y.renamings) }

// Renaming returns the g-th renaming.
func (y *Symmetry) Renaming(g int) Renaming { return y.renamings[g] }

// Inverse returns the renaming that takes the g-th back.
func (y *Symmetry) Inverse(g int) Renaming { return y.inverse[g] }

// Rename writes to dst what becomes of src under the g-th renaming. The error
// says what cannot be renamed.
func (y *Symmetry) Rename(dst, src Vector, g int) error {
	last := len(src) - 1
	for i, j := range y.renamings[g] {
		id, err := y.local(src[i], g)
		if err != nil {
			return err
		}
		dst[j] = id
	}
	var err error
	dst[last], err = y.env(src[last], g)
	return err
}

// to returns the g-th renaming as a map of identities.
func (y *Symmetry) to(g int) func(string) string {
	c, r := y.cluster, y.renamings[g]
	return func(name string) string {
		id, ok := c.identityOf[name]
		if !ok {
			return name
		}
		return c.identities[c.instances[r[instanceOf(c.identities[id], 0)]].Identity].Name
	}
}

// local renames a local state.
func (y *Symmetry) local(id uint32, g int) (uint32, error) {
	return y.remember(y.locals, id, g, func() (uint32, error) { return y.newLocal(id, g) })
}

func (y *Symmetry) newLocal(id uint32, g int) (to uint32, err error) {
	k, r := y.cluster.code, y.renamings[g]
	l := *k.locals.at(id)
	if c := l.class; c != nil {
		renamed, err := y.class(*c, g)
		if err != nil {
			return 0, err
		}
		if to, err = y.local(l.bare, g); err != nil {
			return 0, err
		}
		return k.keepClass(renamed, to), nil
	}
	if len(l.mailbox) > 0 {
		if to, err = y.local(l.bare, g); err != nil {
			return 0, err
		}
		mailbox := slices.Clone(l.mailbox)
		for i, m := range mailbox {
			mailbox[i].from = uint8(r[m.from])
			if mailbox[i].msg, err = y.message(m.msg, g); err != nil {
				return 0, err
			}
		}
		return k.mailed(to, mailbox), nil
	}
	start, err := y.start(l.start, g)
	if err != nil {
		return 0, err
	}
	n, err := k.node(id)
	if err != nil {
		return 0, err
	}
	renamer, ok := n.(node.Renamer)
	if !ok || l.logs {
		return 0, fmt.Errorf("the nodes of %s cannot be renamed", y.cluster.config.Protocol.Name())
	}
	if failure := k.guard(func() error {
		renamer.Rename(y.to(g))
		to, err = k.keep(start, l.flags, n)
		return err
	}); failure != nil {
		return 0, fmt.Errorf("%s cannot be renamed: %s", k.cluster.starts[l.start].self.ID, failure)
	}
	return to, nil
}

// start renames a way to make a node: to that of the instance in the same place.
func (y *Symmetry) start(s, g int) (int, error) {
	for i, start := range y.cluster.startOf {
		if start == s {
			return y.cluster.startOf[y.renamings[g][i]], nil
		}
	}
	return 0, fmt.Errorf("no instance starts in way %d", s)
}

// env renames an environment.
func (y *Symmetry) env(id uint32, g int) (uint32, error) {
	if id == 0 || g == 0 {
		return id, nil
	}
	return y.remember(y.envs, id, g, func() (uint32, error) { return y.newEnv(id, g) })
}

func (y *Symmetry) newEnv(id uint32, g int) (uint32, error) {
	k, r := y.cluster.code, y.renamings[g]
	e := **k.envs.at(id)
	if e.topology != 0 {
		return 0, fmt.Errorf("a topology that is not open is not renamed")
	}
	e.flight = slices.Clone(e.flight)
	var err error
	for i, p := range e.flight {
		e.flight[i].from, e.flight[i].to = uint8(r[p.from]), uint8(r[p.to])
		if e.flight[i].msg, err = y.message(p.msg, g); err != nil {
			return 0, err
		}
	}
	slices.SortStableFunc(e.flight, packet.compareLinks)
	return k.env(&e), nil
}

func (y *Symmetry) message(id uint32, g int) (uint32, error) {
	return y.remember(y.messages, id, g, func() (uint32, error) {
		m, err := y.value(*y.cluster.code.values.at(id), g)
		if err != nil {
			return 0, err
		}
		return y.cluster.code.value(m), nil
	})
}

// remember returns what is known of a number and a renaming, or finds it out.
func (y *Symmetry) remember(known map[uint64]uint32, id uint32, g int, find func() (uint32, error)) (uint32, error) {
	key := uint64(id)<<32 | uint64(g)
	y.mu.Lock()
	to, ok := known[key]
	y.mu.Unlock()
	if ok {
		return to, nil
	}
	to, err := find()
	if err != nil {
		return 0, err
	}
	y.mu.Lock()
	known[key] = to
	y.mu.Unlock()
	return to, nil
}

// value renames a message or an observed value.
func (y *Symmetry) value(v any, g int) (renamed any, err error) {
	switch v := v.(type) {
	case string:
		return y.to(g)(v), nil
	case node.RenamedValue:
		failure := y.cluster.code.guard(func() error {
			renamed = v.Renamed(y.to(g))
			return nil
		})
		if failure != nil {
			return nil, fmt.Errorf("a %s cannot be renamed: %s", node.MessageType(v), failure)
		}
		return renamed, nil
	}
	return v, nil // it names no identity
}

// NameFree reports whether a list of observations names no identity that a renaming
// renames, so that properties of values judge it the same after it.
func (y *Symmetry) NameFree(list uint32) bool {
	for _, o := range y.cluster.Observations(list, 0) {
		for g := range y.renamings {
			v, err := y.value(o.Value, g)
			arg, errArg := y.value(o.Operation.Arg, g)
			if err != nil || errArg != nil || v != o.Value || arg != o.Operation.Arg {
				return false
			}
		}
	}
	return true
}

// A Canonicalizer brings vectors into a form that is the same for all that
// renamings turn into each other. Each goroutine needs its own.
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
	return &Canonicalizer{Symmetry: y, envs: map[uint64]image{}, form: make(Vector, y.cluster.Width())}
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
			if m.content > best.content || m.content == best.content && z.settle(m, best, z.cluster.code.compareStates) > 0 {
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
			if m.content > best.content || m.content == best.content && z.settle(m, best, z.cluster.code.compareEnvs) > 0 {
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
	z.images[i] = image{z.cluster.code.content(to)[0], to + 1}
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
		m = image{z.cluster.code.contentOf(z.cluster.code.appendEnv(nil, to))[0], to + 1}
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
