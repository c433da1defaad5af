package explore

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/internal/engine"
)

// A verdict about scenarios that differ in nothing rests on less than it seems. In model
// checking a formula holds vacuously if a part of it does not matter (Beer, Ben-David, Eisner
// and Rodeh, "Efficient Detection of Vacuity in Temporal Model Checking", FMSD 2001); here it is
// a part of the space that may not. So a search notes of each choice whether it ever mattered:
//
//   - A step must have been possible in some world to which a scenario came.
//   - A filter must have lost a message: one of its type, on one of its links,
//     that nothing else kept from being delivered. What is sent to the next
//     leader counts for all who might lead. Filters that do the same count
//     as one, whichever steps bring them, but one that stands until the network
//     heals is another than one of a round or delivery. Those in force when the
//     search begins count as well.
//   - A coin must have been read by some instance, whatever it showed.
//   - A duplication must have let a message arrive twice. Of those of one type on
//     one link the first to do so counts for all.
//
// What a partition, a cut, a hold or an order changes is not looked at.
//
// If worlds that differ in names are one, what happens to one happens, renamed,
// to each of the others: a choice mattered if one of its images did.

// A NoEffect is a choice of a space that never mattered in any scenario.
type NoEffect struct {
	Choice string // a step, or what makes it a filter
	Type   string // of the messages that the filter never lost or doubled, "" of a step
	// Doubles is that the filter is a duplication.
	Doubles bool `json:",omitempty"`
	// Coin is that the choice is a coin, with all that it may show, and no filter.
	Coin  bool `json:",omitempty"`
	Tried bool // some scenario came to the step, but it could not happen
	// Violated is that some scenarios were not followed to their end, because they had
	// violated all that is checked: what is said is of those that had not.
	Violated bool `json:",omitempty"`
	// AtStart is why the step cannot happen in the world that the search begins in, if
	// scenarios begin with it.
	AtStart string `json:",omitempty"`
}

// Why says what never happened.
func (n NoEffect) Why() string {
	if !n.Violated {
		return n.never()
	}
	if n.Type == "" && !n.Tried {
		return "no scenario comes to it before it violates all that is checked"
	}
	return n.never() + ", as long as not all that is checked is violated"
}

// never is what never happened in the scenarios that were followed.
func (n NoEffect) never() string {
	switch {
	case n.Coin:
		return "no instance ever reads it"
	case n.Doubles:
		return fmt.Sprintf("no message of type %q ever arrives again because of it", n.Type)
	case n.Type != "":
		return fmt.Sprintf("it never loses a message of type %q", n.Type)
	case n.AtStart != "":
		return "it can never happen; at the start: " + n.AtStart
	case n.Tried:
		return "it can never happen"
	}
	return "no scenario comes to it"
}

// String shows the choice with the reason.
func (n NoEffect) String() string { return n.Choice + ": " + n.Why() }

// inBoth returns the choices that matter in neither of two parts of a search.
func inBoth(a, b []NoEffect) []NoEffect {
	var list []NoEffect
	for _, n := range a {
		i := slices.IndexFunc(b, func(m NoEffect) bool { return m.Choice == n.Choice && m.Type == n.Type })
		if i >= 0 {
			n.Tried = n.Tried || b[i].Tried
			n.Violated = n.Violated || b[i].Violated
			list = append(list, n)
		}
	}
	return list
}

// choices are the choices of a search, numbered. They are found once, from the steps of the
// space and the path to the start, and never change: what workers note are bits.
type choices struct {
	steps   map[string]uint32 // by text
	texts   []string          // of the steps
	filters []filterChoice
	// standing and passing are the place in filters of those with a number, plus
	// one; passing ones are in force for one step.
	standing, passing []int32
}

type filterChoice struct {
	text    string
	kind    string
	doubles bool
	coin    bool
}

func newChoices(steps []runtime.Step, start *runtime.World) *choices {
	c := &choices{steps: map[string]uint32{}}
	for _, s := range steps {
		c.steps[s.String()] = uint32(len(c.texts))
		c.texts = append(c.texts, s.Text())
		c.add(s)
	}
	standing := start.Cluster().Engine().Standing(start.Vector())
	for _, w := range start.Path()[1:] {
		if slices.ContainsFunc(w.Step().Engine().Filters(), func(f engine.Filter) bool { return slices.Contains(standing, f.Number) }) {
			c.add(w.Step())
		}
	}
	return c
}

// add adds the filters of a step.
func (c *choices) add(s runtime.Step) {
	for _, in := range s.InTurn() {
		for _, f := range in.Engine().Filters() {
			text := in.Text()
			if f.Number&engine.OfPhase != 0 {
				text = strings.Join(deaf(in), ", ") + " deaf"
			}
			if f.Coin {
				text = fmt.Sprintf("the coin %q", f.Type)
			}
			if at := c.slot(f.Number, true); *at == 0 {
				c.filters = append(c.filters, filterChoice{text, f.Type, f.Doubles, f.Coin})
				*at = int32(len(c.filters))
			}
		}
	}
}

// slot returns where the place of a filter is noted; nil if it has none and is
// not to get one.
func (c *choices) slot(number uint32, make bool) *int32 {
	at := &c.standing
	if number&engine.OfPhase != 0 {
		at = &c.passing
	}
	number &^= engine.OfPhase
	for make && int(number) >= len(*at) {
		*at = append(*at, 0)
	}
	if int(number) >= len(*at) {
		return nil
	}
	return &(*at)[number]
}

// number returns the number of a step of the space.
func (c *choices) number(s runtime.Step) uint32 { return c.steps[s.String()] }

// filtersOf returns the filters of a step of the space by their places.
func (c *choices) filtersOf(s runtime.Step) []uint32 {
	var places []uint32
	for _, f := range s.Engine().Filters() {
		places = append(places, uint32(*c.slot(f.Number, false)-1))
	}
	return places
}

// deaf names the instances that hear less in a step.
func deaf(s runtime.Step) (names []string) {
	for _, arg := range runtime.Arguments(s.Action()) {
		if arg.Name == "deaf" {
			names = arg.Value.([]string)
		}
	}
	return names
}

// A bitset is a set of small numbers.
type bitset []uint64

func newBitset(size int) bitset { return make(bitset, (size+63)/64) }

func (b bitset) has(i uint32) bool { return b[i/64]>>(i%64)&1 != 0 }
func (b bitset) set(i uint32)      { b[i/64] |= 1 << (i % 64) }

func (b bitset) add(c bitset) {
	for i, word := range c {
		b[i] |= word
	}
}

// effects are what was seen of the choices. Each worker has its own, which are added up after
// a layer: bits are only ever set, so that their order does not matter. They stand in
// checkpoints, whence the capital letters.
type effects struct {
	of                *choices
	Offered, Possible bitset // steps
	Filtered          bitset // filters
}

// none returns effects that were not seen yet.
func (c *choices) none() effects {
	return effects{c, newBitset(len(c.texts)), newBitset(len(c.texts)), newBitset(len(c.filters))}
}

func (e effects) add(f effects) {
	e.Offered.add(f.Offered)
	e.Possible.add(f.Possible)
	e.Filtered.add(f.Filtered)
}

func (e effects) clone() effects {
	return effects{e.of, slices.Clone(e.Offered), slices.Clone(e.Possible), slices.Clone(e.Filtered)}
}

// fits reports whether e is of so many choices as f is.
func (e effects) fits(f effects) bool {
	return len(e.Offered) == len(f.Offered) && len(e.Possible) == len(f.Possible) && len(e.Filtered) == len(f.Filtered)
}

// knows reports whether it was seen before that a step was possible or not.
func (e effects) knows(step uint32, possible bool) bool {
	return possible && e.Possible.has(step) || !possible && e.Offered.has(step)
}

// note notes what a step did that a simulator took, or could not take. Filters are named by
// numbers of the cluster, which has more of them than the space: those of steps that were
// taken elsewhere are no choices here.
func (e effects) note(step uint32, possible bool, filtered []uint32) {
	e.Offered.set(step)
	if !possible {
		return
	}
	e.Possible.set(step)
	for _, number := range filtered {
		if at := e.of.slot(number, false); at != nil && *at > 0 {
			e.Filtered.set(uint32(*at - 1))
		}
	}
}

// spread adds the images under renamings of what was seen. Of a choice that was
// seen to matter no image is needed. The error is that of ctx, if it ends before.
func (e effects) spread(ctx context.Context, steps []runtime.Step, y *symmetry) error {
	byKey := map[string]runtime.Step{}
	for _, s := range steps {
		if key, ok := s.Engine().Key(nil); ok {
			byKey[key] = s
		}
	}
	seen := e.clone()
	for _, s := range steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		to, filters := e.of.number(s), e.of.filtersOf(s)
		for g := range y.Order() {
			if e.Offered.has(to) && e.Possible.has(to) && !slices.ContainsFunc(filters, func(f uint32) bool { return !e.Filtered.has(f) }) {
				break
			}
			key, ok := s.Engine().Key(y.Renaming(g))
			if !ok {
				break
			}
			image := byKey[key]
			from := e.of.number(image)
			if seen.Offered.has(from) {
				e.Offered.set(to)
			}
			if seen.Possible.has(from) {
				e.Possible.set(to)
			}
			for i, f := range e.of.filtersOf(image) {
				if seen.Filtered.has(f) {
					e.Filtered.set(filters[i])
				}
			}
		}
	}
	return nil
}

// missing lists the choices that never mattered, where violated says whether some
// scenarios were not followed because they had violated all that is checked. Refused says why a step cannot happen
// in the starting world; "" if no scenario begins with it.
func (e effects) missing(violated bool, refused func(step uint32) string) []NoEffect {
	var list []NoEffect
	for i, text := range e.of.texts {
		switch step := uint32(i); {
		case !e.Offered.has(step):
			list = append(list, NoEffect{Choice: text, Violated: violated})
		case !e.Possible.has(step):
			list = append(list, NoEffect{Choice: text, Violated: violated, Tried: true, AtStart: refused(step)})
		}
	}
	for i, f := range e.of.filters {
		if !e.Filtered.has(uint32(i)) {
			list = append(list, NoEffect{Choice: f.text, Violated: violated, Type: f.kind, Doubles: f.doubles, Coin: f.coin})
		}
	}
	return list
}
