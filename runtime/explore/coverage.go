package explore

import (
	"fmt"
	"math/big"
)

// Coverage is what a sample met.
type Coverage struct {
	// States are the different local states in which instances were after a
	// step, Transitions the different pairs of a local state and an event (the
	// runs of the nodes' code since the cluster was made), and Histories what
	// the properties tell apart of what was observed.
	States, Transitions, Histories int
	// Unseen estimates the probability that one more draw meets a local state
	// or a history that none has met: it is the share of the draws that met one
	// that no other met (Good, "The Population Frequencies of Species and the
	// Estimation of Population Parameters", Biometrika 1953). It is 0 if the
	// space was covered, and negative if there is no such estimate, because
	// nothing was drawn, or what was drawn depended on what was met before.
	Unseen float64
}

// sightings are, for each thing by its number, which draw met it: its number
// plus 1, 0 if none did and -1 if several did.
type sightings struct {
	by    []int
	count int
}

// see notes that a draw met a thing, and reports whether it is the first one.
func (s *sightings) see(thing uint32, draw int) bool {
	for int(thing) >= len(s.by) {
		s.by = append(s.by, make([]int, len(s.by)+int(thing)+1)...)
	}
	switch s.by[thing] {
	case 0:
		s.by[thing] = draw + 1
		s.count++
		return true
	case draw + 1:
	default:
		s.by[thing] = -1
	}
	return false
}

func (s *sampler) coverage() *Coverage {
	c := &Coverage{States: s.states.count, Transitions: s.report.Runs, Histories: s.histories.count}
	switch covered := s.report.Covered; {
	case s.report.Complete():
	case s.archive != nil || covered.Sign() == 0:
		c.Unseen = -1
	default:
		alone := map[int]bool{}
		for _, list := range [][]int{s.states.by, s.histories.by} {
			for _, draw := range list {
				if draw > 0 {
					alone[draw] = true
				}
			}
		}
		c.Unseen = share(big.NewInt(int64(len(alone))), covered)
	}
	return c
}

// text shows the coverage to people, in two lines.
func (c *Coverage) text(drawn *big.Int, line func(label, format string, args ...any)) {
	if c == nil {
		return
	}
	grouped := func(n int) string { return Grouped(big.NewInt(int64(n))) }
	line("coverage", "%s local states   %s transitions   %s histories", grouped(c.States), grouped(c.Transitions), grouped(c.Histories))
	unseen := "nothing"
	if c.Unseen > 0 {
		unseen = fmt.Sprintf("about %.2g of further draws would meet a new local state or history (Good-Turing)", c.Unseen)
	} else if c.Unseen < 0 && drawn.Sign() == 0 {
		unseen = "no estimate: nothing was drawn to its end"
	} else if c.Unseen < 0 {
		unseen = "no estimate: what was drawn depended on what was met"
	}
	line("unseen", "%s", unseen)
}
