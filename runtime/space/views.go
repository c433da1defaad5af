package space

import (
	"context"
	"errors"
	"fmt"
	"math/big"

	"github.com/twinsh/twinsh/runtime"
)

// View returns the space of single steps each of which is a scenario of s: a view with
// the given name (see [runtime.ViewStep]), in the order of s. A scenario that s lists
// twice is one view. It takes time and memory in the number of scenarios, of which
// there are at most [MaxChoices], and ends with the error of ctx. The empty scenario is
// no view: what may be left out is [Maybe] of views.
func View(ctx context.Context, name string, s *Space) (*Space, error) {
	if err := Listable(s.size, "scenarios"); err != nil {
		return nil, err
	}
	if _, has := s.Rank(nil); has {
		return nil, errors.New("the space has the empty scenario, and a view is at least one step; maybe(view(…)) is a view that may be left out")
	}
	c := &choice{index: map[string]int{}}
	for sc := range s.All {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		step, err := runtime.View(name, sc)
		if err != nil {
			return nil, err
		}
		c.add(step)
	}
	written := func(b *pen) { b.WriteString(fmt.Sprintf("view(%q, ", name)); s.text.write(b); b.WriteString(")") }
	return newSpace(c, 1, text{written, asOne}), nil
}

// OneOf returns the scenarios of each of several spaces, one space after the other, as
// [Or] does of two: what is in several is listed once if all are choices of single
// steps, and otherwise as often.
func OneOf(spaces []*Space) *Space {
	// A choice of single steps finds the index of a step in a map, and knows what is listed twice. A
	// union asks each of its spaces.
	single := &choice{index: map[string]int{}}
	of := make([]*Space, 0, len(spaces))
	maxLen := 0
	for _, s := range spaces {
		if s.size.Sign() == 0 {
			continue // it would be a branch that leads nowhere, at each position of a search
		}
		of, maxLen = append(of, s), max(maxLen, s.maxLen)
		if c, ok := s.form.(*choice); ok && single != nil {
			single.add(c.steps...)
		} else {
			single = nil
		}
	}
	written := plain(fmt.Sprintf("one of %d spaces", len(spaces)), asOne)
	if single != nil {
		return newSpace(single, 1, written)
	}
	u := &union{of: of, first: []*big.Int{new(big.Int)}}
	for _, s := range of {
		u.first = append(u.first, new(big.Int).Add(u.first[len(u.first)-1], s.size))
	}
	return newSpace(u, maxLen, written)
}
