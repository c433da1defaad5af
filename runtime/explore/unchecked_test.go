package explore_test

import (
	"testing"

	"github.com/twinsh/twinsh/kvproto"
	"github.com/twinsh/twinsh/runtime/explore"
)

// Symmetry that a sample of steps would not see through: most of the space is
// symmetric, and in a corner of it a client hears four servers and waits for
// three. The search that checks everything sees it.
func TestNothingIsLeftUnchecked(t *testing.T) {
	if testing.Short() {
		t.Skip("explores a space with many worlds")
	}
	s := newStage(t, four(kvproto.Options{NoWriteBack: true}, runs("c1", red, blue), runs("c2", write("green"), write("white")),
		runs("c3", read(), read(), read(), read()), runs("c4", read(), read()), runs("c6", write("black"), write("grey")), runs("c5", read(), read(), read(), read())))
	most := s.exchanges("c1 c2 c3 c4 c6", s.quorums(3)).Times(8)
	corner := inTurn(s.exchanges("c5", s.quorums(3)).Times(4), s.exchanges("c1", s.quorums(3)), s.exchanges("c1", s.quorums(1)),
		s.exchanges("c4", s.quorums(3)), s.exchanges("c4", s.quorums(4)))
	of := eitherOf(most, corner)
	never := s.exploresWith(of, explore.Options{Properties: properties(), Symmetry: explore.Never})
	always := s.exploresWith(of, explore.Options{Properties: properties(), Symmetry: explore.Always})
	a, b := ledgerOf(never).nameless().String(), ledgerOf(always).nameless().String()
	t.Logf("worlds %d/%d, %d renamings, asymmetry %q", never.Worlds, always.Worlds, always.Renamings, always.Asymmetry)
	if a != b {
		t.Errorf("never: %s\nalways: %s", a, b)
	}
}
