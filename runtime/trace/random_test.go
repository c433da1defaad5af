package trace

import (
	"pgregory.net/rapid"
	"reflect"

	"github.com/twinsh/twinsh/kvproto"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/internal/simtest"
	"github.com/twinsh/twinsh/runtime/node"
)

// randomWorld draws a system and what happens to it: gossips in rounds or exchanges, or the
// K-V store, of which explanations have more to say.
func randomWorld(t *rapid.T) *runtime.World {
	store := rapid.IntRange(0, 4).Draw(t, "protocol") < 2
	config := simtest.RandomConfig(t, simtest.Gossip{Seed: rapid.Uint32().Draw(t, "seed"), Logs: rapid.IntRange(0, 2).Draw(t, "logs") == 0, Tosses: rapid.IntRange(0, 2).Draw(t, "tosses") == 0})
	if store {
		config.N = 4
		config.Protocol = kvproto.New(kvproto.Options{WriteBack: rapid.SampledFrom([]kvproto.Rule{kvproto.On, kvproto.Off}).Draw(t, "write-back")})
		config.Clients = simtest.Clients(
			simtest.Program{simtest.Write("red"), simtest.Read()},
			simtest.Program{simtest.Read(), simtest.Write("blue"), simtest.Read()},
		)
	}
	c, err := runtime.NewCluster(config)
	if err != nil {
		t.Fatal(err)
	}
	w := c.Start()
	for range rapid.IntRange(1, 12).Draw(t, "steps") {
		var s runtime.Step
		if store {
			s = simtest.RandomStep(t, c, config.Protocol.(node.Typed).MessageTypes(), "exchange")
		} else {
			s = simtest.GossipStep(t, c)
		}
		if next, err := w.Do(s); err == nil {
			w = next
		}
	}
	viewed(t, w)
	lasting(t, w)
	return w.Unfolded()
}

// lasting checks that the last steps of a path are recorded as they are with the whole of it,
// except for what needs the steps before: origins, and texts of messages that read the same.
func lasting(t *rapid.T, w *runtime.World) {
	all := Of(w)
	n := rapid.IntRange(0, len(all.Steps)+1).Draw(t, "last")
	last, want := Last(w, n), all.Steps[max(0, len(all.Steps)-n):]
	if len(last.Steps) != len(want) {
		t.Fatalf("the last %d steps are %d", n, len(last.Steps))
	}
	for i, got := range last.Steps {
		for k := range got.Deliveries {
			d, of := &got.Deliveries[k], &want[i].Deliveries[k]
			d.Origin, d.Message, d.Text, d.Full = of.Origin, of.Message, of.Text, of.Full
		}
		if !reflect.DeepEqual(got, want[i]) {
			t.Fatalf("step %d is\n%+v\nwant\n%+v", got.Number, got, want[i])
		}
	}
}

// viewed checks that a trace shows a view as its steps, in a group.
func viewed(t *rapid.T, w *runtime.World) {
	shown, want := Of(w), Of(w.Unfolded())
	at := 0
	for _, v := range w.Path()[1:] {
		for i := range v.Step().InTurn() {
			s := &shown.Steps[at]
			if view := s.View; runtime.Is[runtime.ViewStep](v.Step()) != (view != nil) || view != nil && *view != (View{Name: "v", Number: v.Depth(), At: i + 1}) {
				t.Fatalf("step %d is of view %+v", s.Number, view)
			}
			s.View = nil
			at++
		}
	}
	if !reflect.DeepEqual(shown, want) {
		t.Fatalf("shown\n%+v\nwant\n%+v", shown, want)
	}
}
