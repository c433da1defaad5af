package explore

import (
	"math/rand/v2"
	"testing"

	"github.com/twinsh/twinsh/runtime/internal/simtest/store"
	"github.com/twinsh/twinsh/runtime/space"
)

// unevenSpace has scenarios of several lengths, some of which begin others, and
// positions with several edges.
func unevenSpace(t *testing.T) *space.Space {
	t.Helper()
	s := store.On(t, "")
	crash := func(ids ...string) *space.Space {
		var lines []string
		for _, id := range ids {
			lines = append(lines, "crash "+id)
		}
		return s.Of(lines...)
	}
	long := space.Then(crash("A", "B"), crash("A", "B", "C").Times(2))
	short := space.Then(crash("C"), space.Or(crash("A").Times(0), crash("A", "B", "D")))
	return space.Or(space.Or(long, short), space.Then(crash("D"), crash("A", "B", "C")))
}

// A suffix is drawn uniformly from all that may follow.
func TestSuffixIsUniform(t *testing.T) {
	of := unevenSpace(t)
	source := rand.New(rand.NewPCG(1, 2))
	const each = 1000
	drawn := map[string]int{}
	all := int(of.Size().Int64())
	for range each * all {
		text := ""
		steps, err := suffix(t.Context(), of.Start(), source)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range steps {
			text += c.step.String()
		}
		drawn[text]++
	}
	for sc := range of.All {
		text := ""
		for _, step := range sc {
			text += step.String()
		}
		// Five standard deviations, roughly.
		if n := drawn[text]; n < each-160 || n > each+160 {
			t.Errorf("%s was drawn %d times, want about %d", text, n, each)
		}
	}
	if len(drawn) != all {
		t.Errorf("%d different scenarios were drawn, there are %d", len(drawn), all)
	}
}

// A scenario is known again, from whatever prefix it goes on.
func TestScenariosAreKnownAgain(t *testing.T) {
	of := unevenSpace(t)
	source := rand.New(rand.NewPCG(3, 4))
	a := newArchive()
	known := map[string]bool{}
	for range 2000 {
		steps, err := suffix(t.Context(), of.Start(), source)
		if err != nil {
			t.Fatal(err)
		}
		d := &draw{from: &prefix{at: of.Start()}, steps: steps}
		text := ""
		for i, c := range steps {
			text += c.step.String()
			if i < source.IntN(3) && len(d.steps) == len(steps)-i {
				d.from, d.steps = &prefix{parent: d.from, choice: c, at: c.to}, steps[i+1:]
			}
		}
		if a.first(d) == known[text] {
			t.Fatalf("%s: known is %t", text, known[text])
		}
		known[text] = true
	}
	if len(known) != int(of.Size().Int64()) {
		t.Errorf("only %d scenarios were drawn", len(known))
	}
}

// Numbers of any size are drawn evenly.
func TestBelow(t *testing.T) {
	source := rand.New(rand.NewPCG(5, 6))
	n := unevenSpace(t).Times(40).Size()
	half := 0
	for range 1000 {
		x := space.Below(n, source)
		if x.Cmp(n) >= 0 {
			t.Fatalf("drew %s of %s", x, n)
		}
		if x.Lsh(x, 1).Cmp(n) < 0 {
			half++
		}
	}
	if half < 420 || half > 580 {
		t.Errorf("%d of 1000 are in the lower half", half)
	}
}
