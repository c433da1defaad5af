package explore_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/explore"
	"github.com/twinsh/twinsh/runtime/space"
)

// In whims replicas and clients alike begin operations and end them, as a hash
// says.
type whims struct{ seed uint32 }

func (whims) Name() string { return "whims" }
func (p whims) NewServer(self runtime.Self) (runtime.Node, error) {
	return &whim{whims: p, id: self.ID}, nil
}
func (p whims) NewClient(self runtime.Self, _ []runtime.Operation) (runtime.Node, error) {
	return &whim{whims: p, id: self.ID}, nil
}

// A whim begins or ends an operation whenever it waits in vain.
type whim struct {
	whims
	id    string
	count byte
	open  string // the operation under way
}

func (n *whim) React(e runtime.Event, out *runtime.Reaction) {
	h := n.seed
	for _, b := range []byte(n.id + string(rune(n.count)) + n.open) {
		h = (h ^ uint32(b)) * 16777619
	}
	h ^= h >> 15
	n.count++
	values := []any{"red", "blue", nil}
	switch {
	case n.open == "read":
		out.Returned(values[h%3])
		n.open = ""
	case n.open == "write":
		out.Returned(nil)
		n.open = ""
	case h%2 == 0:
		n.open = "read"
		out.Invoked(runtime.Operation{Name: "read"})
	default:
		n.open = "write"
		out.Invoked(runtime.Operation{Name: "write", Arg: values[h/2%2]})
	}
}

func (n *whim) AppendBinary(b []byte) ([]byte, error) {
	return append(append(b, n.count), n.open...), nil
}
func (n *whim) UnmarshalBinary(b []byte) error { n.count, n.open = b[0], string(b[1:]); return nil }

// Replicas that begin operations of their own beside clients, and forget, are
// judged as the oracle judges them: each prefix by who is faulty in it.
func TestReplicasThatOperateAgreeWithOracle(t *testing.T) {
	found := 0
	rapid.Check(t, func(rt *rapid.T) {
		config := runtime.Config{Protocol: whims{rapid.Uint32().Draw(rt, "seed")}, N: 3, F: 1}
		if rapid.IntRange(0, 3).Draw(rt, "clients") > 0 {
			config.Clients = []runtime.Client{{Name: "c1"}, {Name: "c2"}}
		}
		if rapid.IntRange(0, 3).Draw(rt, "twin") == 0 {
			config.Twins = []runtime.Twin{{ID: "C", Copies: 2}}
		}
		s := newStage(t, config)
		var all []runtime.Step
		for _, in := range s.Instances() {
			wait, err := s.Timeout(in.Name)
			if err != nil {
				rt.Fatal(err)
			}
			all = append(all, wait, wait, s.step("amnesia "+in.Name))
		}
		start := s.Start()
		for _, step := range rapid.SliceOfN(rapid.SampledFrom(all), 0, 3).Draw(rt, "before") {
			next, err := start.Do(step)
			if err != nil {
				rt.Fatal(err)
			}
			start = next
		}
		of := space.Of(rapid.SliceOfNDistinct(rapid.SampledFrom(all), 1, 3, runtime.Step.String).Draw(rt, "steps")...).Times(5)
		l := s.agrees(rt, of, explore.Options{
			Start: start, Properties: rapid.Permutation(properties()).Draw(rt, "properties"), Workers: 1,
		})
		found += len(l.flaws)
	})
	if !testing.Short() && found == 0 {
		t.Error("nothing violates anything")
	}
}
