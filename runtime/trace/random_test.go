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
	config := simtest.RandomConfig(t, simtest.Gossip{Seed: rapid.Uint32().Draw(t, "seed"), Logs: rapid.IntRange(0, 2).Draw(t, "logs") == 0})
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
	return w.Unfolded()
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
