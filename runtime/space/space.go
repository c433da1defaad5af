// Package space describes what may happen: sets of scenarios with an exact
// size, an order and an index.
//
//   - A [Scenario] is a finite sequence of steps.
//   - A [Space] is a set of scenarios. [Of] makes one of single steps; [Then],
//     [Or], [Maybe], [Space.Times], [Space.Distinct] and [Space.Constant] make
//     larger ones of it, [Filter] smaller ones. A space is counted,
//     iterated, indexed and sampled without being listed.
//   - A [Position] is where in a space a scenario stands, for a search that
//     goes through a space step by step. Scenarios that may go on the same way stand
//     at one position; an [Edge] is the steps that lead from one to another.
//   - [Partitions], [PartitionsUpTo], [Subsets] and [Quorums] list choices of
//     which steps are made.
package space

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"sync"

	"github.com/twinsh/twinsh/runtime"
)

// MaxMembers is of how many scenarios [Space.Distinct] chooses at most.
const MaxMembers = 1 << 16

// A Scenario is a finite sequence of steps.
type Scenario []runtime.Step

// A Space is a set of scenarios in a fixed order. It is immutable and safe for
// concurrent use. A scenario that can be put together in two ways is listed,
// and counted, twice.
type Space struct {
	form   form
	size   *big.Int
	maxLen int
	depth  int
	text   text

	once  sync.Once
	start *Position
	all   sync.Once
	steps []runtime.Step
}

func newSpace(f form, maxLen int, t text) *Space {
	s := &Space{form: f, size: f.size(), maxLen: maxLen, text: t}
	for _, part := range f.parts() {
		s.depth = max(s.depth, part.depth+1)
	}
	if s.size.Sign() == 0 {
		s.maxLen = 0
	}
	return s
}

// Of returns the space of scenarios of one step: any of the given ones, in
// that order. A step that is given twice is listed once.
func Of(steps ...runtime.Step) *Space {
	c := &choice{index: make(map[string]int, len(steps))}
	c.add(steps...)
	text, binds := "nothing", asOne
	switch n := len(c.steps); {
	case n == 1:
		text = c.steps[0].Text()
	case n == 2:
		text, binds = c.steps[0].Text()+" | "+c.steps[1].Text(), byOr
	case n > 2:
		text, binds = c.steps[0].Text()+" | … | "+c.steps[n-1].Text(), byOr
	}
	return newSpace(c, 1, plain(text, binds))
}

// Then returns a + b: each scenario of a followed by each of b. The i-th of a
// followed by the j-th of b has index i * b.Size() + j.
func Then(a, b *Space) *Space {
	return newSpace(then{a, b}, a.maxLen+b.maxLen, between(a.text, " + ", b.text, byThen))
}

// Or returns a | b: a's scenarios, then b's. What is in both is listed once if
// both are choices of single steps, made by Of or by Or of such; otherwise it
// is listed twice.
func Or(a, b *Space) *Space {
	text := between(a.text, " | ", b.text, byOr)
	if x, ok := a.form.(*choice); ok {
		if y, ok := b.form.(*choice); ok {
			s := newSpace(Of(slices.Concat(x.steps, y.steps)...).form, 1, text)
			s.depth = max(a.depth, b.depth) + 1 // of the text
			return s
		}
	}
	return newSpace(or{a, b}, max(a.maxLen, b.maxLen), text)
}

// Maybe returns the scenarios of s, and then the empty one: what may happen, or
// nothing. The empty scenario is listed once more only if s does not have it.
func Maybe(s *Space) *Space {
	text := text{func(b *pen) { b.WriteString("maybe("); s.text.write(b); b.WriteString(")") }, asOne}
	if _, has := s.Rank(nil); has {
		return newSpace(s.form, s.maxLen, text)
	}
	return newSpace(or{s, s.Times(0)}, s.maxLen, text)
}

// Times returns s * n: n scenarios of s one after the other, in lexicographic
// order. For n = 0 that is the one empty scenario. It panics if n is negative.
func (s *Space) Times(n int) *Space {
	text := after(s.text, fmt.Sprintf(" * %d", n), byTimes)
	switch {
	case n < 0:
		panic(fmt.Sprintf("times: n is %d, want 0 or more", n))
	case n == 0:
		return newSpace(empty{}, 0, text)
	case n == 1:
		return s
	}
	return newSpace(times{s, n}, n*s.maxLen, text)
}

// Distinct returns the sequences of n different scenarios of s, in
// lexicographic order. It fails if s lists fewer than n different ones, or
// more than [MaxMembers], or if ctx ends before they are listed.
func (s *Space) Distinct(ctx context.Context, n int) (*Space, error) {
	if n < 0 {
		return nil, fmt.Errorf("distinct: n is %d, want 0 or more", n)
	}
	if s.size.Cmp(big.NewInt(MaxMembers)) > 0 {
		return nil, fmt.Errorf("distinct: the space has %s members, want at most %d", s.size, MaxMembers)
	}
	d, err := newDistinct(ctx, s, n)
	if err != nil {
		return nil, err
	}
	text := after(s.text, fmt.Sprintf(".distinct(%d)", n), asOne)
	if n == 0 {
		return newSpace(empty{}, 0, text), nil
	}
	return newSpace(d, d.maxLen(), text), nil
}

// Constant returns the scenarios of s, each repeated n times, in the order of
// s. For n = 0 that is the one empty scenario. It panics if n is negative.
func (s *Space) Constant(n int) *Space {
	text := after(s.text, fmt.Sprintf(".constant(%d)", n), asOne)
	switch {
	case n < 0:
		panic(fmt.Sprintf("constant: n is %d, want 0 or more", n))
	case n == 0:
		return newSpace(empty{}, 0, text)
	case n == 1:
		return s
	}
	return newSpace(constant{s, n}, n*s.maxLen, text)
}

// Named returns the same space with a text of its own: the call that made it.
func (s *Space) Named(text string) *Space {
	return newSpace(s.form, s.maxLen, plain(text, asOne))
}

// String returns the space as a script writes it, cut after a mebibyte.
func (s *Space) String() string {
	var b pen
	s.text.write(&b)
	return b.String()
}

// Size returns how many scenarios s lists.
func (s *Space) Size() *big.Int { return new(big.Int).Set(s.size) }

// MaxLen returns the number of steps of the longest scenario.
func (s *Space) MaxLen() int { return s.maxLen }

// Depth returns how deep the parts of s lie in each other: 0 for single steps,
// and one more for each sum, alternative or repetition.
func (s *Space) Depth() int { return s.depth }

// Steps returns the different steps of which the scenarios consist. The caller
// must not change the list.
func (s *Space) Steps() []runtime.Step {
	s.all.Do(func() { s.steps = s.findSteps() })
	return s.steps
}

func (s *Space) findSteps() []runtime.Step {
	var (
		steps   []runtime.Step
		known   = map[string]bool{}
		visited = map[*Space]bool{}
		visit   func(*Space)
	)
	visit = func(s *Space) {
		if visited[s] || s.size.Sign() == 0 {
			return
		}
		visited[s] = true
		if c, ok := s.form.(*choice); ok {
			for _, step := range c.steps {
				if !known[step.String()] {
					known[step.String()] = true
					steps = append(steps, step)
				}
			}
		}
		for _, part := range s.form.parts() {
			visit(part)
		}
	}
	visit(s)
	return steps
}

// Digest returns a digest of what the space lists and in which order. It is the
// same in every process, and covers what the text of a space leaves out: the
// steps of a long choice, and the end of a long text. Equal spaces that are put
// together in different ways have different digests. It takes time in the number
// of the spaces and steps of which the space is made.
func (s *Space) Digest() [sha256.Size]byte {
	known := map[*Space][sha256.Size]byte{}
	var digest func(*Space) [sha256.Size]byte
	digest = func(s *Space) [sha256.Size]byte {
		if d, ok := known[s]; ok {
			return d
		}
		b := s.form.digested(fmt.Appendf(nil, "%T", s.form))
		for _, part := range s.form.parts() {
			d := digest(part)
			b = append(b, d[:]...)
		}
		d := sha256.Sum256(b)
		known[s] = d
		return d
	}
	return digest(s)
}

// At returns the scenario with index i, from 0.
func (s *Space) At(i *big.Int) (Scenario, error) {
	if i.Sign() < 0 || i.Cmp(s.size) >= 0 {
		if s.size.Sign() == 0 {
			return nil, fmt.Errorf("at: no index %s: the space is empty", i)
		}
		last := new(big.Int).Sub(s.size, big.NewInt(1))
		return nil, fmt.Errorf("at: no index %s; the space has 0 to %s", i, last)
	}
	u := unranking{to: make(Scenario, s.maxLen), free: s.maxLen}
	u.index.Set(i)
	s.form.take(&u)
	return u.to[u.free:], nil
}

// Rank returns the index of a scenario, the first if it is listed twice, and
// whether s has it.
func (s *Space) Rank(sc Scenario) (*big.Int, bool) {
	for _, m := range s.form.match(sc, 0) {
		if m.end == len(sc) {
			return new(big.Int).Set(m.index), true
		}
	}
	return nil, false
}

// All iterates over the scenarios in order. Each is a slice of its own.
func (s *Space) All(yield func(Scenario) bool) {
	s.form.each(make(Scenario, 0, s.maxLen), func(sc Scenario) bool { return yield(slices.Clone(sc)) })
}

// key returns a text that is the same for equal scenarios only.
func (sc Scenario) key() string {
	var b strings.Builder
	for _, step := range sc {
		fmt.Fprintf(&b, "%q", step.String())
	}
	return b.String()
}
