package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/internal/engine"
	"github.com/twinsh/twinsh/runtime/node"
)

// counted is a protocol whose replicas decide how many rounds began. React calls
// during with the number of reactions so far.
type counted struct {
	reactions *int
	during    func(n int, out *node.Reaction)
}

func (counted) Name() string { return "counted" }
func (p counted) NewServer(node.Self) (node.Node, error) {
	return &countedNode{protocol: p}, nil
}
func (counted) NewClient(node.Self, []node.Operation) (node.Node, error) {
	return nil, errors.New("no clients")
}

type countedNode struct {
	protocol counted
	rounds   byte
}

func (n *countedNode) React(_ node.Event, out *node.Reaction) {
	*n.protocol.reactions++
	n.rounds++
	out.Decided(int(n.rounds), "x")
	n.protocol.during(*n.protocol.reactions, out)
}
func (n *countedNode) AppendBinary(b []byte) ([]byte, error) { return append(b, n.rounds), nil }
func (n *countedNode) UnmarshalBinary(b []byte) error        { n.rounds = b[0]; return nil }

// A step whose context ends amid a reaction is given up; what the node did then is
// not remembered, and the simulator goes on as if nothing had been.
func TestStepsEndWithTheirContext(t *testing.T) {
	for stop := range 9 {
		t.Run(fmt.Sprint(stop), func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			reactions := 0
			c, err := runtime.NewCluster(runtime.Config{N: 4, F: 1, Protocol: counted{&reactions, func(n int, out *node.Reaction) {
				if n == stop {
					cancel()
					out.Decided(99, "cut short")
				}
				if n == stop && out.Context().Err() == nil {
					t.Error("the reaction does not know that it is not wanted any more")
				}
			}}})
			if err != nil {
				t.Fatal(err)
			}
			round, err := c.Step(runtime.RoundStep{Leader: "A", Phase: runtime.Phase{Groups: [][]string{{"A", "B"}, {"C", "D"}}}})
			if err != nil {
				t.Fatal(err)
			}
			if stop == 0 {
				cancel()
			}
			m := engine.NewSimulator(c.Engine())
			m.SetContext(ctx)
			m.Expect(c.Servers()) // so that classes are found, too: 16 more reactions
			start, got := slices.Clone(c.Start().Vector()), make(engine.Vector, c.Engine().Width())
			if m.Take(got, start, round.Engine()) || !errors.Is(m.Err(), context.Canceled) || m.Why() != "context canceled" {
				t.Fatalf("the step was taken; error %v, why %q", m.Err(), m.Why())
			}
			if reactions != stop {
				t.Errorf("%d reactions, want %d", reactions, stop)
			}
			if _, err := c.Start().DoContext(ctx, round); !errors.Is(err, context.Canceled) {
				t.Errorf("in a world: %v", err)
			}
			m.SetContext(t.Context())
			if !m.Take(got, start, round.Engine()) || m.Err() != nil {
				t.Fatalf("afterwards: %q, %v", m.Why(), m.Err())
			}
			fresh := engine.NewSimulator(c.Engine())
			fresh.Expect(c.Servers())
			want := make(engine.Vector, c.Engine().Width())
			if fresh.Take(want, start, round.Engine()); !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
			w, err := c.Start().Do(round)
			if err != nil {
				t.Fatal(err)
			}
			if seen := w.History().Events; len(seen) != 4 || seen[0].Slot != 1 {
				t.Errorf("seen %v", seen)
			}
		})
	}
}

// A step of a world ends amid its reactions, too.
func TestWorldsEndWithTheirContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	reactions := 0
	c, err := runtime.NewCluster(runtime.Config{N: 4, F: 1, Protocol: counted{&reactions, func(n int, _ *node.Reaction) {
		if n == 2 {
			cancel()
		}
	}}})
	if err != nil {
		t.Fatal(err)
	}
	round, err := c.Step(runtime.RoundStep{Leader: "A", Phase: runtime.Phase{Groups: [][]string{c.Names(c.Servers())}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Start().DoContext(ctx, round); !errors.Is(err, context.Canceled) || reactions != 2 {
		t.Errorf("%v after %d reactions", err, reactions)
	}
	if w, err := c.Start().DoContext(t.Context(), round); err != nil || len(w.History().Events) != 4 {
		t.Errorf("afterwards: %v", err)
	}
}

// Of a group, only few members are asked about.
func TestSubgroup(t *testing.T) {
	c, err := runtime.NewCluster(runtime.Config{N: 7, F: 2, Protocol: counted{new(int), nil}})
	if err != nil {
		t.Fatal(err)
	}
	all := engine.Symmetries(c.Engine())
	for _, tc := range []struct {
		name  string
		keeps func(engine.Renaming) bool
		most  int // questions
	}{
		{"all", func(engine.Renaming) bool { return true }, 8},
		{"the identity", engine.Renaming.Identity, len(all)},
		{"those that leave A alone", func(r engine.Renaming) bool { return r[0] == 0 }, 24},
		{"those that leave A and B together", func(r engine.Renaming) bool { return r[0]+r[1] == 1 }, 80},
		{"none", func(engine.Renaming) bool { return false }, len(all)},
	} {
		asked := 0
		got, err := engine.Subgroup(all, func(g int) (bool, error) { asked++; return tc.keeps(all[g]), nil })
		if err != nil {
			t.Fatal(err)
		}
		var want []engine.Renaming
		for _, r := range all {
			if tc.keeps(r) {
				want = append(want, r)
			}
		}
		if !slices.EqualFunc(got, want, slices.Equal) || asked > tc.most {
			t.Errorf("%s: %d of %d renamings, want %d; %d questions, want at most %d", tc.name, len(got), len(all), len(want), asked, tc.most)
		}
	}
	stop := errors.New("stop")
	if _, err := engine.Subgroup(all, func(g int) (bool, error) { return true, stop }); err != stop {
		t.Errorf("the error is %v", err)
	}
}
