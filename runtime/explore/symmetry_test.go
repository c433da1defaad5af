package explore_test

import (
	"math/big"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/twinsh/twinsh/kvproto"
	"github.com/twinsh/twinsh/runtime/explore"
	"github.com/twinsh/twinsh/runtime/internal/simtest"
	"github.com/twinsh/twinsh/runtime/space"
)

// Spaces in which all servers may do the same agree with the oracle: there
// worlds that differ by names are taken for one, unless a client hears more
// servers than it waits for: it would prefer those with the first names.
func TestSymmetricSpacesAgreeWithOracle(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		options := rapid.SampledFrom(variants).Draw(rt, "variant").options
		config := four(options, runs("c1", red, blue), runs("c2", read(), read()), runs("c3", read(), read()))
		if config.N = rapid.IntRange(3, 4).Draw(rt, "n"); config.N == 3 {
			options.Quorum = 2
			config.Protocol = kvproto.New(options)
		}
		if rapid.Bool().Draw(rt, "twin") {
			config = twinned(config, "C")
		}
		s := newStage(t, config)
		of := space.Of().Times(0)
		kinds, others := []string{"c1", "c1", "c2", "c2"}, []string{"c1", "c2", "c1 c2", "crash", "amnesia", "restart"}
		if rapid.Bool().Draw(rt, "readers are the same") {
			kinds, others = []string{"c1", "c1", "c2 c3", "c2 c3"}, []string{"c1", "c2 c3", "c2 c3", "c1 c2 c3", "crash"}
		}
		for _, more := range rapid.SliceOfN(rapid.SampledFrom(others), 0, 2).Draw(rt, "more") {
			kinds = slices.Insert(kinds, rapid.IntRange(0, len(kinds)).Draw(rt, "at"), more)
		}
		for _, kind := range kinds {
			var part *space.Space
			if strings.HasPrefix(kind, "c") && kind != "crash" {
				least := rapid.IntRange(1, config.N).Draw(rt, "least")
				part = s.Exchanges(kind, s.Subsets(least, least+rapid.IntRange(0, 1).Draw(rt, "more")))
			} else {
				var all []string
				for _, id := range s.Names(s.Servers()) {
					all = append(all, kind+" "+id)
				}
				part = s.Of(all...)
			}
			if longer := space.Then(of, part); longer.Size().Sign() > 0 && longer.Size().Cmp(big.NewInt(4*mostDrawn)) <= 0 {
				of = longer
			}
		}
		s.agrees(rt, of, explore.Options{Properties: properties(), Workers: rapid.IntRange(1, 2).Draw(rt, "workers")})
	})
}

// It does not depend on the workers which asymmetry is reported, though they
// meet many at once.
func TestAsymmetryIsTheFirst(t *testing.T) {
	if testing.Short() {
		t.Skip("explores spaces with many worlds")
	}
	var reasons []string
	for _, workers := range []int{1, 2, 3} {
		s := onLine(t, "twin=C c1=(write red) c2=(read, read) c3=(write blue)")
		of := s.Exchanges("c1 c2 c3", s.Subsets(1, 3)).Times(6)
		r := s.exploresWith(of, explore.Options{Properties: properties(), Workers: workers})
		if !r.OK() || r.Asymmetry == "" {
			t.Errorf("%s", r.Text())
		}
		reasons = append(reasons, r.Asymmetry)
	}
	if reasons = slices.Compact(reasons); len(reasons) > 1 {
		t.Errorf("%q", reasons)
	}
}

// Counts are the same with symmetry and without, also where it begins in the
// middle of a search.
func TestSymmetryKeepsCounts(t *testing.T) {
	if testing.Short() {
		t.Skip("explores spaces with many worlds")
	}
	s := onLine(t, "version_check=false twin=C c1=(write red, write blue) c2=(write green) c3=(read, read) c4=(read)")
	of := s.Exchanges("c1 c2 c3 c4", s.Quorums(3)).Times(9)
	var ledgers []string
	for _, symmetry := range []explore.Symmetry{explore.Never, explore.Auto, explore.Always} {
		r := s.exploresWith(of, explore.Options{Properties: properties(), Symmetry: symmetry})
		if used := r.Renamings > 1; used != (symmetry != explore.Never) || r.Asymmetry != "" {
			t.Errorf("symmetry %d: %d renamings, asymmetry %q", symmetry, r.Renamings, r.Asymmetry)
		}
		ledgers = append(ledgers, ledgerOf(r).Nameless().String())
		judge := simtest.Oracle{Properties: properties()}
		for _, v := range r.Violations {
			if why := judge.Judge(t, v.Counterexample)[v.Property]; why != v.Why || why == "" {
				t.Errorf("symmetry %d: of the counterexample %q %s is judged %q, the report says %q", symmetry, simtest.Texts(v.Counterexample), v.Property, why, v.Why)
			}
		}
		for _, w := range r.Passing {
			if wrong := judge.Judge(t, w); len(wrong) > 0 {
				t.Errorf("symmetry %d: %q is shown as passing: %v", symmetry, simtest.Texts(w), wrong)
			}
		}
	}
	if ledgers = slices.Compact(ledgers); len(ledgers) > 1 {
		t.Errorf("symmetry matters:\n%s", strings.Join(ledgers, "\n"))
	}
}
