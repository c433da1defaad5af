package trace

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/internal/simtest"
	"github.com/twinsh/twinsh/runtime/node"
)

// Whatever an explanation says of random scenarios, and whatever stands in their
// storyboards, is checked against the recorded deliveries by a slow judge, which
// drives the nodes by hand and knows nothing of how explanations are found.
func TestExplanationsAreTrue(t *testing.T) {
	t.Parallel()
	said := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		explained(t, randomWorld(t), said)
	})
	t.Log(said)
	for _, kind := range []Sentence{occasionSentence{}, enoughSentence{}, changedSentence{}} { // the others may be missing in few cases
		if said[fmt.Sprintf("%T", kind)] == 0 {
			t.Errorf("no explanation had a %T in it: %v", kind, said)
		}
	}
}

// explained checks all that is said of the way to a world, and counts the sentences of each type.
func explained(t rapid.TB, w *runtime.World, said map[string]int) {
	j := &judge{TB: t, w: w, past: w.Past().Steps(), tr: Of(w)}
	for _, v := range w.Path()[1:] {
		for _, kind := range []ObservationKind{Failed, Decided, Returned, Aborted, ""} {
			story, err := j.tr.Explain(context.Background(), v, kind)
			if err != nil {
				t.Fatal(err)
			}
			for i, s := range story {
				said[fmt.Sprintf("%T", s)]++
				j.sentence(v, story[:i], s)
			}
		}
	}
	j.storyboard()
}

// A counting node fails at the second round in a way that depends on how much it heard in the first.
type counting struct{ heard int }

func (*counting) Name() string { return "counting" }

func (*counting) NewServer(node.Self) (node.Node, error) { return &counting{}, nil }

func (*counting) NewClient(node.Self, []node.Operation) (node.Node, error) {
	return nil, fmt.Errorf("counting has no clients")
}

func (c *counting) React(e node.Event, out *node.Reaction) {
	switch {
	case e.Kind == node.MessageEvent:
		c.heard++
	case c.heard == 0:
		out.Broadcast("hello")
	case c.heard == 1:
		out.Fail("it heard one")
	default:
		panic("it heard two")
	}
}

func (c *counting) Summary() string    { return fmt.Sprintf("%d heard", c.heard) }
func (*counting) Fields() []node.Field { return nil }

// An event without which code would fail in another way enabled the failure that was seen: which
// failure it is counts, not that there is one.
func TestAnotherFailureIsNotTheSame(t *testing.T) {
	c, err := runtime.NewCluster(runtime.Config{Protocol: &counting{}, N: 2})
	if err != nil {
		t.Fatal(err)
	}
	w := c.Start()
	for range 2 {
		s, err := c.Step(runtime.RoundStep{Leader: "A"})
		if err != nil {
			t.Fatal(err)
		}
		if w, err = w.Do(s); err != nil {
			t.Fatal(err)
		}
	}
	explained(t, w, map[string]int{})
	story, err := Of(w).Explain(context.Background(), w, Failed)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range story {
		if s, ok := s.(enoughSentence); ok && len(s.Events) == 3 {
			return // two messages, and the round
		}
	}
	t.Errorf("of the failure it is said: %+v", story)
}

// A client that does not say what it began has begun what it was given, also where the step that
// gave it is not recorded.
func TestLastKnowsWhatWasGiven(t *testing.T) {
	c, err := runtime.NewCluster(runtime.Config{Protocol: simtest.Lock{Secret: []string{"B"}}, N: 2, Clients: []runtime.Client{{Name: "c1"}}})
	if err != nil {
		t.Fatal(err)
	}
	w := c.Start()
	for _, a := range []runtime.Action{runtime.InvokeStep{Client: "c1", Op: node.Operation{Name: "talk"}}, runtime.ExchangeStep{Client: "c1", Reach: []string{"A"}}} {
		s, err := c.Step(a)
		if err != nil {
			t.Fatal(err)
		}
		if w, err = w.Do(s); err != nil {
			t.Fatal(err)
		}
	}
	const want = "c1 talk: knock → A"
	if got := Of(w).Steps[1].Title; got != want {
		t.Errorf("the step is titled %q, want %q", got, want)
	}
	if got := Last(w, 1).Steps[0].Title; got != want {
		t.Errorf("the last step is titled %q, want %q", got, want)
	}
}

// Only mail from another part is said to have come before the partition, and only
// what is no mail to have passed under it.
func TestMailComesBeforeThePartition(t *testing.T) {
	parts := [][]int{{0, 1}, {2, 3}}
	q := &inquiry{Trace: &Trace{Steps: []Step{{}, {Parts: parts, Deliveries: []Delivery{
		{From: 0, To: 1}, {From: 2, To: 1}, {From: 3, To: 1}, {From: -1, To: 1}, {Hop: 1, From: 0, To: 1},
	}}}}}
	mail := []runtime.Place{{Step: 2, At: 0}, {Step: 2, At: 1}, {Step: 2, At: 3}}
	for _, c := range []struct {
		events []runtime.Place
		want   []Sentence
	}{
		{mail, []Sentence{crossedSentence{runtime.Place{Step: 2, At: 1}}}},
		{append(mail, runtime.Place{Step: 2, At: 2}, runtime.Place{Step: 2, At: 4}), []Sentence{partedSentence{2, parts}, crossedSentence{runtime.Place{Step: 2, At: 1}}, crossedSentence{runtime.Place{Step: 2, At: 2}}}},
	} {
		if got := q.parted(slices.Clone(c.events)); fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("of %v it is said: %+v, want %+v", c.events, got, c.want)
		}
	}
}

// What is found within a bound is what is found without: a search that ends before
// it is over says nothing.
func TestBoundedExplanations(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := randomWorld(t)
		asked := func(budget int) *inquiry {
			return &inquiry{Trace: Of(w), ctx: context.Background(), past: w.Past(), faulty: w.Faulty(), budget: budget}
		}
		for step := range w.Depth() {
			for _, s := range asked(0).seenIn(step + 1) {
				if asked(0).at(s.at).Fate != runtime.Delivered {
					continue
				}
				want := asked(maxRuns).enabled(s.at, runtime.Place{}, observing(s.value))
				for _, budget := range []int{2, 5, 10, 20, 40} {
					if got := asked(budget).enabled(s.at, runtime.Place{}, observing(s.value)); got != nil && !slices.Equal(got, want) {
						t.Fatalf("with %d runs %v enabled %v, without a bound %v", budget, got, s.at, want)
					}
				}
			}
		}
	})
}
