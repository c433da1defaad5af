package explore_test

import (
	"testing"

	"github.com/twinsh/twinsh/runtime/explore"
	"github.com/twinsh/twinsh/runtime/internal/simtest"
)

// Symmetry that a sample of steps would not see through: most of the space is
// symmetric, and in a corner of it a client hears four servers and waits for
// three. The search that checks everything sees it.
func TestNothingIsLeftUnchecked(t *testing.T) {
	if testing.Short() {
		t.Skip("explores a space with many worlds")
	}
	s := onLine(t, "write_back=false c1=(write red, write blue) c2=(write green, write white) c3=(read, read, read, read) c4=(read, read) c6=(write black, write grey) c5=(read, read, read, read)")
	most := s.Exchanges("c1 c2 c3 c4 c6", s.Quorums(3)).Times(8)
	corner := simtest.InTurn(s.Exchanges("c5", s.Quorums(3)).Times(4), s.Exchanges("c1", s.Quorums(3)), s.Exchanges("c1", s.Quorums(1)),
		s.Exchanges("c4", s.Quorums(3)), s.Exchanges("c4", s.Quorums(4)))
	of := simtest.EitherOf(most, corner)
	never := s.exploresWith(of, explore.Options{Properties: properties(), Symmetry: explore.Never})
	always := s.exploresWith(of, explore.Options{Properties: properties(), Symmetry: explore.Always})
	a, b := ledgerOf(never).Nameless().String(), ledgerOf(always).Nameless().String()
	t.Logf("worlds %d/%d, %d renamings, asymmetry %q", never.Worlds, always.Worlds, always.Renamings, always.Asymmetry)
	if a != b {
		t.Errorf("never: %s\nalways: %s", a, b)
	}
}
