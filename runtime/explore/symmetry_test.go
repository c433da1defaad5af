package explore_test

import (
	"math/big"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/twinsh/twinsh/kvproto"
	"github.com/twinsh/twinsh/runtime"
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
		if rapid.Bool().Draw(rt, "readers are alike") {
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

// Clients that only read are interchangeable, if all of the space is alike for them, and
// the property learns that they took each other's names. Writers are not.
func TestReadersAreAlike(t *testing.T) {
	for _, test := range []struct {
		name      string
		options   kvproto.Options
		clients   []runtime.Client
		steps     []string // who may make an exchange
		renamings int
		violated  bool
	}{
		{"readers", kvproto.Options{}, []runtime.Client{runs("c1", red), runs("c2", read()), runs("c3", read())},
			[]string{"c1", "c1", "c2 c3", "c2 c3", "c2 c3", "c2 c3"}, 12, false},
		{"without write-back", kvproto.Options{NoWriteBack: true}, []runtime.Client{runs("c1", red), runs("c2", read()), runs("c3", read())},
			[]string{"c1", "c1", "c2 c3", "c2 c3"}, 12, true},
		{"three readers", kvproto.Options{NoWriteBack: true}, []runtime.Client{runs("c1", read()), runs("c2", read()), runs("c3", read())},
			[]string{"c1 c2 c3", "", "c1 c2 c3"}, 36, false},
		{"different programs", kvproto.Options{}, []runtime.Client{runs("c1", red), runs("c2", read()), runs("c3", read(), read())},
			[]string{"c1", "c1", "c2 c3", "c2 c3"}, 6, false},
		{"one reads first", kvproto.Options{}, []runtime.Client{runs("c1", red), runs("c2", read()), runs("c3", read())},
			[]string{"c1", "c1", "c2", "c3"}, 6, false},
		{"writers", kvproto.Options{}, []runtime.Client{runs("c1", red), runs("c2", red)},
			[]string{"c1 c2", "", "c1 c2", "c1 c2"}, 6, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newStage(t, twinned(four(test.options, test.clients...), "C"))
			of := space.Of().Times(0)
			for i, who := range test.steps {
				if who == "" {
					continue
				}
				reach := s.Quorums(3)
				if i == 1 { // the write may reach few
					reach = s.Quorums(1)
				}
				of = space.Then(of, s.Exchanges(who, reach))
			}
			if of.Size().Cmp(big.NewInt(4*mostDrawn)) <= 0 {
				s.agrees(t, of, explore.Options{Properties: properties()})
			}
			never := s.exploresWith(of, explore.Options{Properties: properties(), Symmetry: explore.Never})
			r := s.exploresWith(of, explore.Options{Properties: properties(), Symmetry: explore.Always})
			if r.Renamings != test.renamings || r.Asymmetry != "" || len(r.Violations) > 0 != test.violated || r.Worlds >= never.Worlds {
				t.Errorf("%d renamings, asymmetry %q:\n%s\nwithout symmetry:\n%s", r.Renamings, r.Asymmetry, r.Text(), never.Text())
			}
			if got, want := ledgerOf(r).Nameless().String(), ledgerOf(never).Nameless().String(); got != want {
				t.Errorf("with symmetry\n%s\nwithout\n%s", got, want)
			}
			if test.violated {
				counterexamples(t, simtest.Oracle{Properties: properties()}, of, s.Start(), r)
			}
		})
	}
}

// Symmetry is used where it is asked for and where there is one.
func TestSymmetry(t *testing.T) {
	clients := []runtime.Client{runs("c1", red), runs("c2", read()), runs("c3", read())}
	for _, test := range []struct {
		name      string
		config    runtime.Config
		sizes     []int // of the reaches of c1, c1, c2, c3
		renamings int
		asymmetry string // part of the reason
		violated  bool
	}{
		{name: "four servers", config: four(kvproto.Options{NoWriteBack: true}, clients...),
			sizes: []int{3, 1, 3, 3}, renamings: 24, violated: true},
		{name: "one of them twinned", config: twinned(four(kvproto.Options{NoWriteBack: true}, clients...), "C"),
			sizes: []int{3, 1, 3, 3}, renamings: 6, violated: true},
		{name: "correct", config: four(kvproto.Options{}, clients...), sizes: []int{3, 1, 3, 3}, renamings: 24},
		{name: "no symmetry is declared", config: four(kvproto.Options{ReadRule: "first", NoWriteBack: true}, clients...),
			sizes: []int{3, 3, 3, 3}, renamings: 1, violated: true},
		{name: "more are heard than waited for", config: four(kvproto.Options{NoWriteBack: true}, clients...),
			sizes: []int{3, 1, 4, 3}, renamings: 1, asymmetry: "after 2 steps, exchange c2 A,B,C,D is not exchange c2 A,B,C,D with C and D swapped: something else is observed of c2", violated: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			var texts []string
			for _, workers := range []int{1, 2, 3} {
				s := newStage(t, test.config)
				of := space.Of().Times(0)
				for i, client := range []string{"c1", "c1", "c2", "c3"} {
					of = space.Then(of, s.Exchanges(client, s.Quorums(test.sizes[i])))
				}
				if workers == 1 {
					s.agrees(t, of, explore.Options{Properties: properties()})
				}
				r := s.exploresWith(of, explore.Options{Properties: properties(), Symmetry: explore.Always, Workers: workers})
				if r.Renamings != test.renamings || len(r.Violations) > 0 != test.violated ||
					(r.Asymmetry != "") != (test.asymmetry != "") || !strings.Contains(r.Asymmetry, test.asymmetry) {
					t.Errorf("%d renamings, asymmetry %q:\n%s", r.Renamings, r.Asymmetry, r.Text())
				}
				texts = append(texts, r.Text())
			}
			if texts = slices.Compact(texts); len(texts) > 1 {
				t.Errorf("workers matter:\n%s", strings.Join(texts, "\n"))
			}
		})
	}
}

// It does not depend on the workers which asymmetry is reported, though they
// meet many at once.
func TestAsymmetryIsTheFirst(t *testing.T) {
	if testing.Short() {
		t.Skip("explores spaces with many worlds")
	}
	var reasons []string
	for _, workers := range []int{1, 2, 3} {
		s := newStage(t, twinned(four(kvproto.Options{}, runs("c1", red), runs("c2", read(), read()), runs("c3", blue)), "C"))
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
	s := newStage(t, twinned(four(kvproto.Options{NoVersionCheck: true}, runs("c1", red, blue), runs("c2", write("green")), runs("c3", read(), read()), runs("c4", read())), "C"))
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
