package explore

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/internal/engine"
)

// This file is what renamings do to the choices at a place. A renaming that is used turns scenarios
// into scenarios at the same positions, so that the image of a choice is a choice at the same place
// that leads to the same one.
//
// The renamings that leave a world as it is, its stabilizer, part the choices from it into orbits.
// The search goes on by one choice of each: the others lead to images of the same worlds, by as many
// scenarios each.

// images are the images of the choices at a place. They are found when they
// are needed: there may be ten thousand renamings of thousands of steps. Workers share them.
type images struct {
	keyed  sync.Once
	byKey  map[string][]int32               // choices by what they do, in order
	of     []atomic.Pointer[[]runtime.Step] // each choice under each renaming
	moved  sync.Map                         // renaming -> []int32, each choice under it
	orbits sync.Map                         // members of a stabilizer, as text -> []uint32
}

// find makes what images are found by.
func (p *place) find() {
	p.images.keyed.Do(func() {
		p.images.byKey = map[string][]int32{}
		choice := int32(0)
		for _, e := range p.edges {
			for _, s := range e.steps {
				if key, ok := s.Engine().Key(nil); ok {
					p.images.byKey[key] = append(p.images.byKey[key], choice)
				}
				choice++
			}
		}
		p.images.of = make([]atomic.Pointer[[]runtime.Step], choice)
	})
}

// sameAs lists the choices at a place that do what a renaming makes of a step.
func (y *symmetry) sameAs(at *place, step runtime.Step, renaming int) []int32 {
	key, ok := step.Engine().Key(y.Renaming(renaming))
	if images := at.images.byKey[key]; ok && images != nil {
		return images
	}
	panic("explore: the space is not closed under a renaming that keeps it")
}

// image returns what a renaming makes of a choice at a place. It may be called
// concurrently.
func (y *symmetry) image(at *place, choice, renaming int) runtime.Step {
	step, _ := at.choice(choice)
	if renaming == 0 {
		return step
	}
	at.find()
	image, _ := at.choice(int(y.sameAs(at, step, renaming)[0]))
	return image
}

// imagesOf returns what each renaming makes of a choice at a place. They are kept, because
// the first step that is compared under a choice is seldom the last. Two workers may find the same.
func (y *symmetry) imagesOf(at *place, choice int) []runtime.Step {
	at.find()
	if known := at.images.of[choice].Load(); known != nil {
		return *known
	}
	list := make([]runtime.Step, y.Order())
	for g := range list {
		list[g] = y.image(at, choice, g)
	}
	y.imageBytes.Add(int64(8 * len(list)))
	at.images.of[choice].Store(&list)
	return list
}

// movedBy returns the image of each choice at a place under a renaming. A step that can be
// chosen more than once, to come to several positions, goes to the choices of its image in order,
// because edges stand in one order.
func (y *symmetry) movedBy(at *place, renaming int) []int32 {
	if known, ok := at.images.moved.Load(renaming); ok {
		return known.([]int32)
	}
	at.find()
	images := make([]int32, len(at.images.of))
	for choice := range images { // what has no key stays where it is
		images[choice] = int32(choice)
	}
	for _, choices := range at.images.byKey {
		step, _ := at.choice(int(choices[0]))
		same := y.sameAs(at, step, renaming)
		for k, choice := range choices {
			images[choice] = same[k]
		}
	}
	y.imageBytes.Add(int64(4 * len(images)))
	at.images.moved.Store(renaming, images)
	return images
}

// orbitsOf says of each choice at a place for how many it stands under a group of renamings: the
// first of an orbit for all of it, the others for none.
func (y *symmetry) orbitsOf(at *place, group []int) []uint32 {
	var key strings.Builder
	for _, g := range group {
		key.Write([]byte{byte(g), byte(g >> 8)})
	}
	if known, ok := at.images.orbits.Load(key.String()); ok {
		return known.([]uint32)
	}
	renamings := make([]engine.Renaming, len(group))
	for k, g := range group {
		renamings[k] = y.Renaming(g)
	}
	least := make([]int32, at.ways()) // a choice of the same orbit that comes no later
	for choice := range least {
		least[choice] = int32(choice)
	}
	root := func(choice int32) int32 {
		for least[choice] != choice {
			least[choice] = least[least[choice]]
			choice = least[choice]
		}
		return choice
	}
	for _, k := range engine.Generators(renamings) {
		for choice, image := range y.movedBy(at, group[k]) {
			a, b := root(int32(choice)), root(image)
			least[max(a, b)] = min(a, b)
		}
	}
	stands := make([]uint32, len(least))
	for choice := range least {
		stands[root(int32(choice))]++
	}
	y.imageBytes.Add(int64(4*len(stands) + key.Len()))
	at.images.orbits.Store(key.String(), stands)
	return stands
}

// orbits says of each choice from a canonical search node for how many it stands; nil if each
// stands for itself, as without names (a nil canonicalizer).
func (z *canonicalizer) orbits(node searchNode, at *place) ([]uint32, error) {
	if z == nil || !node.isFixed() {
		return nil, nil
	}
	z.node = append(z.node[:0], node...)
	if g, err := z.Canonical(z.node.vector()); err != nil || g != 0 {
		return nil, err
	}
	group := z.Ties() // they leave the world as it is
	if z.of.judge.ReplicasAct() || z.of.clientsMove {
		var err error
		group = slices.DeleteFunc(slices.Clone(group), func(g int) bool {
			past, failed := z.rename(node.past(), g)
			if failed != nil {
				err = failed
			}
			return past != node.past()
		})
		if err != nil {
			return nil, err
		}
	}
	if len(group) == 1 {
		return nil, nil
	}
	return z.of.orbitsOf(at, group), nil
}

// ways returns how many steps are taken from a search node.
func (z *canonicalizer) ways(node searchNode, at *place) (int, error) {
	stands, err := z.orbits(node, at)
	if stands == nil {
		return at.ways(), err
	}
	n := 0
	for _, choices := range stands {
		if choices > 0 {
			n++
		}
	}
	return n, nil
}
