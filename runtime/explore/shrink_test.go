package explore_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/explore"
	"github.com/twinsh/twinsh/runtime/internal/simtest"
	"github.com/twinsh/twinsh/runtime/space"
)

func shrink(t *testing.T, w *runtime.World, properties ...check.Property) *explore.Shrunk {
	t.Helper()
	s, err := explore.Shrink(t.Context(), w, properties, nil)
	if err != nil {
		t.Fatal(err)
	}
	if s.Stopped != nil {
		t.Errorf("stopped: %v", s.Stopped)
	}
	return s
}

// plays runs the scenario of w in another cluster, by the texts of its steps;
// a step whose text becomes "" is left out. It reports whether all steps can
// happen and the property is violated at the end.
func plays(t *testing.T, w *runtime.World, config runtime.Config, p check.Property, change func(i int, text string) string) bool {
	t.Helper()
	c, err := runtime.NewCluster(config)
	if err != nil {
		return false
	}
	end := c.Start()
	for i, text := range simtest.Texts(w) {
		if text = change(i, text); text == "" {
			continue
		}
		step, err := c.ParseStep(text)
		if err != nil {
			return false
		}
		if end, err = end.Do(step); err != nil {
			return false
		}
	}
	v, err := p.Judge(t.Context(), end.History())
	return err == nil && !v.Holds
}

// removable lists what can be taken away from a scenario of exchanges, one
// thing at a time, so that a property stays violated. It looks only at texts.
func removable(t *testing.T, w *runtime.World, p check.Property) []string {
	t.Helper()
	config := w.Cluster().Config()
	same := func(_ int, text string) string { return text }
	all := strings.Join(simtest.Texts(w), "\n")
	var found []string
	try := func(what string, config runtime.Config, change func(int, string) string) {
		if plays(t, w, config, p, change) {
			found = append(found, what)
		}
	}
	for i, text := range simtest.Texts(w) {
		try(text, config, func(j int, other string) string {
			if i == j {
				return ""
			}
			return other
		})
		words := strings.Fields(text)
		if words[0] != "exchange" {
			continue
		}
		reach := strings.Split(words[2], ",")
		for k, name := range reach {
			try(name+" in "+text, config, func(j int, other string) string {
				if i != j {
					return other
				}
				if len(reach) == 1 {
					return ""
				}
				return words[0] + " " + words[1] + " " + strings.Join(slices.Delete(slices.Clone(reach), k, k+1), ",")
			})
		}
	}
	for i, twin := range config.Twins {
		fewer := config
		fewer.Twins = slices.Delete(slices.Clone(config.Twins), i, i+1)
		if !strings.Contains(all, twin.ID+"'") {
			try("twin "+twin.ID, fewer, same)
		}
	}
	for i, client := range config.Clients {
		fewer := config
		fewer.Clients = slices.Delete(slices.Clone(config.Clients), i, i+1)
		try("client "+client.Name, fewer, same)
		for j, op := range client.Program {
			fewer := config
			fewer.Clients = slices.Clone(config.Clients)
			fewer.Clients[i].Program = slices.Delete(slices.Clone(client.Program), j, j+1)
			try(client.Name+" "+op.String(), fewer, same)
		}
	}
	return found
}

// Every exhibit shrinks to a scenario of which everything is needed, whatever
// comes beside it, and always to the same.
func TestShrink(t *testing.T) {
	for _, e := range exhibits(t) {
		t.Run(e.name, func(t *testing.T) {
			property := e.property
			// An idle client, an operation too many and a twin too many stand by.
			config := e.flawed
			config.Clients = append(slices.Clone(config.Clients), runs("z", read(), write("green")))
			for i := range config.Clients {
				config.Clients[i].Program = append(slices.Clone(config.Clients[i].Program), read())
			}
			if !slices.ContainsFunc(config.Twins, func(twin runtime.Twin) bool { return twin.ID == "A" }) {
				config = twinned(config, "A")
			}
			s := newStage(t, config)
			noise := simtest.InTurn(s.Of("z: A"), s.Of("z: A B"), s.Of("restart B"))
			r := s.explores(space.Then(noise, space.Then(s.Story(e.story), noise)), property)
			if r.Counterexample() == nil {
				t.Fatalf("nothing was found:\n%s", r.Text())
			}
			small := shrink(t, r.Counterexample(), property)
			if small.Property != property.Name() || small.World.Depth() > e.length || judged(t, property, small.World).Why != small.Why {
				t.Errorf("%d steps that violate %s: %s\n%q", small.World.Depth(), small.Property, small.Why, simtest.Texts(small.World))
			}
			if found := removable(t, small.World, property); found != nil {
				t.Errorf("of %s\n%q\nthere can be taken away: %q", small.World.Cluster(), simtest.Texts(small.World), found)
			}
			if len(removable(t, r.Counterexample(), property)) < 4 {
				t.Error("the scenario was small from the beginning, so that this proves nothing")
			}
			again := shrink(t, r.Counterexample(), property)
			if !slices.Equal(simtest.Texts(again.World), simtest.Texts(small.World)) || again.Tried != small.Tried ||
				again.World.Cluster().String() != small.World.Cluster().String() {
				t.Errorf("the second time it is %q, the first time %q", simtest.Texts(again.World), simtest.Texts(small.World))
			}
		})
	}
}

// An invariant that is violated before the property is what stays violated.
func TestShrinkKeepsTheFirst(t *testing.T) {
	s := onLine(t, "write_back=false c1=(write red) c2=(read, read)")
	w := s.Play(s.Start(), "restart B\nc1: A B C\nc1: A\nc2: A B C\nc2: B C D")
	always := check.Invariant("nothing happens", func(_ context.Context, w *runtime.World) (bool, string, error) {
		return w.Depth() < 3, "it does", nil
	})
	early, err := explore.Shrink(t.Context(), w, []check.Property{check.Linearizable()}, []check.WorldProperty{always})
	if err != nil || early.Property != "nothing happens" || early.World.Depth() != 3 {
		t.Errorf("got %+v, %v", early, err)
	}
}

// In a scenario in which nothing but a partition matters, members of it move to
// the larger part, and steps go that could not before.
func TestShrinkPartitions(t *testing.T) {
	s := onLine(t, "")
	for _, test := range []struct {
		story    string
		violated func(w *runtime.World) bool
		want     string
	}{{
		"[A C | B D]",
		func(w *runtime.World) bool { return !w.Reach(0).Has(1) },
		`partition A|B,C,D`,
	}, {
		"[A B | C D]\n[A B | C D]\n[A B | C D]\n[A B | C D]",
		func(w *runtime.World) bool { return w.Depth() == 4 || w.Reach(0).Len() == 4 },
		`partition A,B,C,D`,
	}} {
		p := check.Invariant("fine", func(_ context.Context, w *runtime.World) (bool, string, error) {
			return w.Parent() == nil || !test.violated(w), "it is not", nil
		})
		w := s.Start()
		for line := range strings.Lines(test.story) {
			var err error
			if w, err = w.Do(s.Read(strings.TrimSpace(line))); err != nil {
				t.Fatal(err)
			}
		}
		got, err := explore.Shrink(t.Context(), w, nil, []check.WorldProperty{p})
		if err != nil || !slices.Equal(simtest.Texts(got.World), []string{test.want}) {
			t.Errorf("%s shrinks to %q, %v; want %s", test.story, simtest.Texts(got.World), err, test.want)
		}
	}
}

// An invariant that cannot say whether it holds ends a shrink.
func TestShrinkFails(t *testing.T) {
	s := onLine(t, "")
	failing := check.Invariant("unknown", func(_ context.Context, w *runtime.World) (bool, string, error) {
		return false, "", errors.New("no idea")
	})
	if _, err := explore.Shrink(t.Context(), s.Start(), nil, []check.WorldProperty{failing}); err == nil || !strings.Contains(err.Error(), "no idea") {
		t.Errorf("got the error %v", err)
	}
}

// An interrupted shrink has what it reached until then.
func TestShrinkInterrupted(t *testing.T) {
	s := onLine(t, "quorum=2 c1=(write red) c2=(read)")
	w := s.explores(s.Story("c1: A B\nc1: A B\nc2: C D\nc2: C D"), check.Linearizable()).Counterexample()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	got, err := explore.Shrink(ctx, w, []check.Property{check.Linearizable()}, nil)
	if err != nil || !errors.Is(got.Stopped, context.Canceled) || got.World.Depth() != 4 || got.Tried != 0 {
		t.Errorf("got %+v, %v", got, err)
	}
}

// Whether a scenario violates anything is found out within a moment after the end,
// and not after it.
func TestShrinkEndsBeforeItBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, timeouts := count(t, 4, simtest.Counters{})
		w := c.Start()
		for _, step := range timeouts.Steps() {
			var err error
			if w, err = w.Do(step); err != nil {
				t.Fatal(err)
			}
		}
		calls := 0
		slow := judging(func(runtime.History) { calls++; time.Sleep(60 * time.Millisecond) })
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := explore.Shrink(ctx, w, []check.Property{slow}, nil); !errors.Is(err, context.Canceled) || calls != 2 {
			t.Errorf("%d prefixes were judged, and then %v", calls, err)
		}
	})
}
