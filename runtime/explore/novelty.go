package explore

import (
	"context"
	"encoding/binary"
	"math/big"
	"math/rand/v2"
	"slices"

	"github.com/twinsh/twinsh/runtime/space"
)

// An archive holds the prefixes that led to local states which no draw had met
// before. A draw goes on from one of them, with a suffix drawn uniformly from
// those that the space has for it, or is uniform from the start. The weight of a
// prefix is how many local states it was the first to meet, divided by the
// square of one more than how often it was chosen; that of the start is 1. So
// draws are soon uniform again when they meet nothing new.
//
// That is to return to what was new and to explore from there, as in Go-Explore
// (Ecoffet, Huizinga, Lehman, Stanley and Clune, "First return, then explore",
// Nature 2021), with local states in place of its cells and with the schedule
// of coverage-based fuzzers, which give less to what was tried often (Böhme,
// Pham and Roychoudhury, "Coverage-based Greybox Fuzzing as Markov Chain", CCS
// 2016). It pays for flaws behind long chains of local states. Where local
// states are few and met soon, as in a store of one value, it is no better than
// uniform draws, and can be worse.
type archive struct {
	prefixes []archived
	sums     []float64 // of the weights up to each prefix, when the batch began
	drawn    map[string]bool
}

type archived struct {
	*prefix
	fresh, chosen int
}

func newArchive() *archive { return &archive{drawn: map[string]bool{}} }

// add keeps a prefix that met local states first, unless nothing goes on there. None is ever
// dropped: their weights fall as they are chosen, and their memory is counted.
func (a *archive) add(p *prefix, fresh int) {
	if !p.at.Last() {
		a.prefixes = append(a.prefixes, archived{p, fresh, 0})
	}
}

// weigh fixes the weights for a batch of draws, in which none may know what came of
// another. It is linear in the archive, once in each batch, and lets a draw choose by
// bisection.
func (a *archive) weigh() {
	a.sums = a.sums[:0]
	sum := 0.0
	for _, p := range a.prefixes {
		sum += float64(p.fresh) / float64((1+p.chosen)*(1+p.chosen))
		a.sums = append(a.sums, sum)
	}
}

// choose returns a prefix to go on from, nil if a draw is to be uniform.
func (a *archive) choose(source *rand.Rand) *prefix {
	all := 1.0 // the weight of a uniform draw
	if len(a.sums) > 0 {
		all += a.sums[len(a.sums)-1]
	}
	i, _ := slices.BinarySearch(a.sums, source.Float64()*all)
	if i == len(a.sums) {
		return nil
	}
	p := &a.prefixes[i]
	p.chosen++
	return p.prefix
}

// first reports whether a scenario is drawn for the first time. It is known by its choices,
// a few bytes for each step: guided draws come to the same scenario again and again, and
// each counts once in what is covered.
func (a *archive) first(d *draw) bool {
	var numbers []int
	for p := d.from; p.parent != nil; p = p.parent {
		numbers = append(numbers, p.choice.number)
	}
	slices.Reverse(numbers)
	for _, c := range d.steps {
		numbers = append(numbers, c.number)
	}
	var key []byte
	for _, n := range numbers {
		key = binary.AppendUvarint(key, uint64(n))
	}
	known := a.drawn[string(key)]
	a.drawn[string(key)] = true
	return !known
}

// guide draws a scenario that goes on from a prefix. Each draw has a source of its own, made
// of the seed and its number, so that it does not matter what was drawn before it. The error
// is that of ctx.
func (s *sampler) guide(ctx context.Context, d *draw, number int) (err error) {
	source := rand.New(rand.NewPCG(s.seed, uint64(number)))
	if p := s.archive.choose(source); p != nil {
		d.from = p
	}
	d.steps, err = suffix(ctx, d.from.at, source)
	return err
}

// suffix draws uniformly from the ways in which scenarios go on from a position. In a
// space of thousands of steps each of them takes arithmetic with thousands of digits, so
// that it ends with the error of ctx.
func suffix(ctx context.Context, at *space.Position, source *rand.Rand) ([]choice, error) {
	var steps []choice
	var digit big.Int
	// The rank of a suffix among all from here leads to its steps, as digits do to a number.
	rank := space.Below(at.Count(), source)
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		ends := big.NewInt(int64(at.Accepts()))
		if rank.Cmp(ends) < 0 {
			return steps, nil
		}
		rank.Sub(rank, ends)
		number := 0
		for _, g := range at.Edges() {
			each := g.To.Count()
			all := new(big.Int).Mul(each, big.NewInt(int64(len(g.Steps))))
			if rank.Cmp(all) >= 0 {
				rank.Sub(rank, all)
				number += len(g.Steps)
				continue
			}
			digit.QuoRem(rank, each, rank)
			i := int(digit.Int64())
			steps = append(steps, choice{g.Steps[i], number + i, g.To})
			at = g.To
			break
		}
	}
}
