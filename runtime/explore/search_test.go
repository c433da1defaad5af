package explore_test

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/explore"
	"github.com/twinsh/twinsh/runtime/internal/simtest"
	"github.com/twinsh/twinsh/runtime/space"
)

// inverting is a stage on which reads can be inverted, and a space that shows
// it after four exchanges and goes on.
func inverting(t testing.TB) (stage, *space.Space) {
	t.Helper()
	s := onLine(t, "write_back=false c1=(write red) c2=(read) c3=(read)")
	return s, s.Exchanges("c1 c2 c3", s.Subsets(1, 3)).Times(6)
}

func TestFirstStopsAfterTheLayer(t *testing.T) {
	s, of := inverting(t)
	first := s.exploresWith(of, explore.Options{Properties: properties(), First: true})
	all := s.explores(of, properties()...)

	if !errors.Is(first.Stopped, explore.ErrFirst) || first.OK() || first.Complete() {
		t.Errorf("stopped by %v:\n%s", first.Stopped, first.Text())
	}
	if first.Depth != 4 || first.Violations[0].Length != 4 {
		t.Errorf("%d layers, %+v", first.Depth, first.Violations)
	}
	if first.Covered.Cmp(all.Covered) >= 0 || first.Covered.Sign() <= 0 {
		t.Errorf("covered %s of %s", first.Covered, all.Covered)
	}
	if all.Stopped != nil || !all.Complete() || all.Depth != 6 {
		t.Errorf("not all was covered:\n%s", all.Text())
	}
	if strings.Join(simtest.Texts(first.Counterexample()), "") != strings.Join(simtest.Texts(all.Counterexample()), "") {
		t.Errorf("first %q, all %q", simtest.Texts(first.Counterexample()), simtest.Texts(all.Counterexample()))
	}
	if first.Violations[0].Shortest.Cmp(all.Violations[0].Shortest) != 0 {
		t.Errorf("%s prefixes of that length, then %s", first.Violations[0].Shortest, all.Violations[0].Shortest)
	}
	if !strings.Contains(first.Text(), "stopped at the first violation") {
		t.Errorf("the text does not say that it stopped:\n%s", first.Text())
	}
}

// A search that is cancelled in a layer reports what it judged until then: all that is
// shorter, and no more than the whole.
func TestCancelled(t *testing.T) {
	s, of := inverting(t)
	whole := s.explores(of, properties()...)
	if !whole.Complete() || whole.Stopped != nil {
		t.Fatalf("not cancelled, and stopped by %v:\n%s", whole.Stopped, whole.Text())
	}
	for _, workers := range []int{1, 2} {
		s, of := inverting(t) // in which nothing is remembered
		r := cancelledIn(s, of, 5, workers)
		if !errors.Is(r.Stopped, context.Canceled) || r.Complete() || r.OK() || !strings.Contains(r.Text(), "stopped") {
			t.Errorf("%d workers: stopped by %v:\n%s", workers, r.Stopped, r.Text())
		}
		if r.Depth != 4 || r.Covered.Sign() <= 0 || r.Covered.Cmp(whole.Covered) >= 0 {
			t.Errorf("%d workers: depth %d, covered %s of %s", workers, r.Depth, r.Covered, r.Size)
		}
		if w := r.Counterexample(); w == nil || w.Depth() != 4 {
			t.Fatalf("%d workers: the violation of layer 4 is missing:\n%s", workers, r.Text())
		}
		if all := whole.Violations[0].Scenarios; all.Cmp(r.Violations[0].Scenarios) < 0 {
			t.Errorf("%d workers: %s scenarios violate it, of all %s", workers, r.Violations[0].Scenarios, all)
		}
	}
}

// cancelledIn covers a space until progress is shown of a layer. What is shown must be
// possible.
func cancelledIn(s stage, of *space.Space, layer, workers int) *explore.Report {
	s.T.Helper()
	ctx, cancel := context.WithCancel(s.T.Context())
	defer cancel()
	shown := 0
	r, err := explore.Explore(ctx, of, explore.Options{
		Start: s.Start(), Properties: properties(), Workers: workers,
		Progress: func(p explore.Progress) {
			shown++
			if p.Covered == nil || p.Covered.Cmp(p.Size) > 0 || p.Size.Cmp(of.Size()) != 0 ||
				p.Layer < 1 || p.Layer > p.Layers || p.Layers != of.MaxLen() || p.Done > p.Nodes || p.Bytes <= 0 {
				s.T.Errorf("%+v", p)
			}
			if p.Layer == layer {
				cancel()
			}
		},
	})
	if err != nil || shown == 0 {
		s.T.Fatalf("progress is shown %d times; %v", shown, err)
	}
	return r
}

func TestCancelledBefore(t *testing.T) {
	s, of := inverting(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r, err := explore.Explore(ctx, of, explore.Options{Start: s.Start(), Properties: properties()})
	if err != nil || !errors.Is(r.Stopped, context.Canceled) || r.Covered.Sign() != 0 || r.OK() {
		t.Errorf("%v\n%s", err, r.Text())
	}
	r, err = explore.Sample(ctx, of, 10, 1, explore.Options{Start: s.Start(), Properties: properties()})
	if err != nil || !errors.Is(r.Stopped, context.Canceled) || r.Covered.Sign() != 0 || r.OK() {
		t.Errorf("%v\n%s", err, r.Text())
	}
}

func TestWrongOptions(t *testing.T) {
	s, of := inverting(t)
	other, _ := inverting(t)
	for _, test := range []struct {
		o    explore.Options
		want string
	}{
		{explore.Options{}, "no world to start from"},
		{explore.Options{Start: other.Start()}, "another cluster"},
	} {
		if _, err := explore.Explore(t.Context(), of, test.o); err == nil || !strings.HasPrefix(err.Error(), "explore: ") || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v, want %s", err, test.want)
		}
		if _, err := explore.Sample(t.Context(), of, 1, 1, test.o); err == nil || !strings.HasPrefix(err.Error(), "sample: ") || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v, want %s", err, test.want)
		}
	}
	broken := check.Invariant("broken", func(_ context.Context, w *runtime.World) (bool, string, error) {
		return false, "", errors.New("cannot tell")
	})
	o := explore.Options{Start: s.Start(), Invariants: []check.WorldProperty{broken}}
	if _, err := explore.Explore(t.Context(), of, o); err == nil || !strings.Contains(err.Error(), "cannot tell") {
		t.Errorf("explore: %v", err)
	}
	if _, err := explore.Sample(t.Context(), of, 1, 1, o); err == nil || !strings.Contains(err.Error(), "cannot tell") {
		t.Errorf("sample: %v", err)
	}
}

// Spaces without scenarios and the space of the empty scenario are spaces too.
func TestDegenerateSpaces(t *testing.T) {
	s, _ := inverting(t)
	r := s.explores(space.Of(), properties()...)
	if r.Size.Sign() != 0 || r.Covered.Sign() != 0 || len(r.Violations) != 0 || !r.Vacuous() {
		t.Errorf("nothing:\n%s", r.Text())
	}
	r = s.explores(space.Of().Times(0), properties()...)
	if r.Size.Int64() != 1 || r.Covered.Int64() != 1 || !r.OK() || r.Depth != 0 {
		t.Errorf("the empty scenario, depth %d:\n%s", r.Depth, r.Text())
	}
	never := []check.WorldProperty{neverShows("A", "–")}
	r = s.exploresWith(space.Of().Times(0), explore.Options{Invariants: never})
	if len(r.Violations) != 1 || r.Violations[0].Length != 0 || r.Violations[0].Scenarios.Int64() != 1 || len(simtest.Texts(r.Counterexample())) != 0 {
		t.Errorf("a violation at the start:\n%s", r.Text())
	}
}

// Counts are exact where they do not fit into a machine word.
func TestHugeSpaces(t *testing.T) {
	s := onLine(t, "write_back=false twin=C c1=(write red) c2=(read) c3=(read)")
	few := s.Exchanges("c1 c2 c3", s.Reaches("A", "A B C", "B C' D"))
	long := space.Then(few.Times(5), s.Exchanges("c1 c2", s.Quorums(3)).Times(50))
	r := s.explores(long, check.Linearizable())
	if r.Size.BitLen() < 200 || !r.Complete() || r.Stopped != nil {
		t.Fatalf("%s", r.Text())
	}
	// What comes after the fifth exchange can neither return a read of c3's nor
	// come in its way: each short scenario stands for as many long ones.
	short := s.explores(few.Times(5), check.Linearizable())
	many := new(big.Int).Exp(big.NewInt(20), big.NewInt(50), nil)
	least := new(big.Int).Mul(short.Violations[0].Scenarios, many)
	if r.Violations[0].Scenarios.Cmp(least) < 0 {
		t.Errorf("%s scenarios violate it, want at least %s", r.Violations[0].Scenarios, least)
	}
	if r.Violations[0].Shortest.Cmp(short.Violations[0].Shortest) != 0 {
		t.Errorf("%s prefixes, want %s", r.Violations[0].Shortest, short.Violations[0].Shortest)
	}
	if r.EndedEarly.Sign() == 0 || r.EndedEarly.Cmp(r.Covered) >= 0 {
		t.Errorf("%s of %s ended early", r.EndedEarly, r.Covered)
	}
}

// Invariants are asked once for each different world by one worker, seldom by
// several at once, about worlds without a past.
func TestInvariants(t *testing.T) {
	s := onLine(t, "c1=(write red) c2=(write blue)")
	of := s.Exchanges("c1 c2", s.Subsets(1, 3)).Times(4)
	const workers = 3
	var mu sync.Mutex
	asked := map[string]int{}
	count := check.Invariant("counted", func(_ context.Context, w *runtime.World) (bool, string, error) {
		if w.Parent() != nil {
			t.Error("a world has a past")
		}
		mu.Lock()
		defer mu.Unlock()
		asked[fmt.Sprint(w.Vector())]++
		return true, "", nil
	})
	r := s.exploresWith(of, explore.Options{Invariants: []check.WorldProperty{count, neverShows("D", "blue")}, Workers: workers})
	if len(asked) < 50 {
		t.Errorf("asked about %d worlds only", len(asked))
	}
	for w, times := range asked {
		if times > workers {
			t.Errorf("asked %d times about %s", times, w)
		}
	}
	if len(r.Violations) != 1 || r.Violations[0].Property != "D never shows blue" || r.Violations[0].Length != 2 {
		t.Fatalf("%s", r.Text())
	}
	if want := `D shows "v1 blue"`; r.Violations[0].Why != want {
		t.Errorf("%s, want %s", r.Violations[0].Why, want)
	}
	if got := s.explores(of); !got.OK() {
		t.Errorf("without: %s", got.Text())
	}
}

// Passing scenarios are different ones that violate nothing, those with
// progress first.
func TestPassing(t *testing.T) {
	s := onLine(t, "c1=(write red) c2=(read)")
	of := space.Then(s.Of("crash c2", "c1: A B C"), s.Of("c2: A B C", "c1: A B C", "c1: B C D").Times(3))
	r := s.explores(of, check.Linearizable())
	if !r.OK() || len(r.Passing) != 3 {
		t.Fatalf("%d pass:\n%s", len(r.Passing), r.Text())
	}
	known := map[string]bool{}
	for _, w := range r.Passing {
		text := strings.Join(simtest.Texts(w), " ")
		if known[text] {
			t.Errorf("twice: %s", text)
		}
		known[text] = true
		v := judged(t, check.Linearizable(), w)
		if !v.Holds {
			t.Errorf("violates it: %s", text)
		}
		if v.Vacuous {
			t.Errorf("returns nothing, though others do: %s", text)
		}
	}
}
