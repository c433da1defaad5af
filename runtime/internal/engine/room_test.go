package engine_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/explore"
	"github.com/twinsh/twinsh/runtime/internal/engine"
	"github.com/twinsh/twinsh/runtime/node"
	"github.com/twinsh/twinsh/runtime/space"
)

// Diaries is a protocol whose nodes never forget who spoke, so that there is more
// and more to learn.
type diaries struct{}

func (diaries) Name() string                             { return "diaries" }
func (diaries) Symmetric() bool                          { return true }
func (diaries) NewServer(s node.Self) (node.Node, error) { return &diarist{id: s.ID}, nil }
func (diaries) NewClient(node.Self, []node.Operation) (node.Node, error) {
	return nil, fmt.Errorf("no clients")
}

type diarist struct {
	id    string
	heard uint64 // a bit for each message: whether it was one's own
}

type word struct{}

func (d *diarist) React(e node.Event, out *node.Reaction) {
	if e.Kind == node.TimeoutEvent {
		out.Broadcast(word{})
		return
	}
	d.heard <<= 1
	if e.From == d.id {
		d.heard++
	}
	if d.heard&0b1111 == 0b1101 {
		out.Decided(0, "odd")
	} else if d.heard&0b111 == 0b111 {
		out.Decided(0, "even")
	}
}

func (d *diarist) Rename(func(string) string) {}
func (d *diarist) AppendBinary(b []byte) ([]byte, error) {
	return binary.AppendUvarint(b, d.heard+1), nil
}
func (d *diarist) UnmarshalBinary(b []byte) error {
	heard, _ := binary.Uvarint(b)
	d.heard = heard - 1
	return nil
}

func newDiaries(t *testing.T) (*runtime.Cluster, *space.Space) {
	t.Helper()
	c, err := runtime.NewCluster(runtime.Config{Protocol: diaries{}, N: 3})
	if err != nil {
		t.Fatal(err)
	}
	return c, diariesOf(t, c, 36)
}

// diariesOf is a space of so many steps: one speaks, all hear it, and so on.
func diariesOf(t *testing.T, c *runtime.Cluster, steps int) *space.Space {
	t.Helper()
	var speaks []runtime.Step
	for _, name := range c.Names(c.Servers()) {
		s, err := c.Step(runtime.TimeoutStep{IDs: []string{name}})
		if err != nil {
			t.Fatal(err)
		}
		speaks = append(speaks, s)
	}
	deliver, err := c.Step(runtime.DeliverStep{Phase: runtime.Phase{}})
	if err != nil {
		t.Fatal(err)
	}
	of := space.Then(space.Of(speaks...), space.Of(deliver)).Times(steps / 2)
	if steps%2 > 0 {
		of = space.Then(of, space.Of(speaks...))
	}
	return of
}

func isLimit(err error) bool {
	var limit engine.LimitError
	return errors.As(err, &limit)
}

// A search whose cluster can learn no more stops, says so, and says the truth about
// what it judged before. That the room ends is no failure of the nodes' code.
func TestSearchEndsWithTheRoom(t *testing.T) {
	for _, room := range []struct{ chunks, blocks int }{{8, 1 << 20}, {1, 1 << 20}, {1 << 18, 1}} {
		for _, symmetry := range []explore.Symmetry{explore.Never, explore.Always} {
			t.Run(fmt.Sprint(room, symmetry), func(t *testing.T) {
				c, of := newDiaries(t)
				o := explore.Options{Start: c.Start(), Properties: []check.Property{check.Agreement()}, Symmetry: symmetry, Workers: 1}
				engine.LimitRoom(c.Engine(), room.chunks, room.blocks)
				r, err := explore.Explore(t.Context(), of, o)
				if err != nil {
					t.Fatal(err)
				}
				if !isLimit(r.Stopped) || r.Depth < 4 || r.Complete() || len(r.Failures) > 0 || r.Asymmetry != "" {
					t.Fatalf("stopped by %v:\n%s", r.Stopped, r.Text())
				}
				if text := r.Text(); !strings.Contains(text, "stopped    the cluster has learnt as much as it can: its table of ") {
					t.Errorf("the report says\n%s", text)
				}
				if early := strings.HasSuffix(r.Stopped.Error(), "nearly full"); early != (room.chunks == 8) {
					t.Errorf("it is stopped with %q", r.Stopped)
				}
				roomy, _ := newDiaries(t)
				o.Start = roomy.Start()
				want, err := explore.Explore(t.Context(), diariesOf(t, roomy, r.Depth), o)
				if err != nil {
					t.Fatal(err)
				}
				if got, want := shortest(r, r.Depth), shortest(want, r.Depth); got != want {
					t.Errorf("stopped after %d steps it found %s, want %s", r.Depth, got, want)
				}
				again, err := explore.Sample(t.Context(), of, 10, 1, explore.Options{Start: c.Start(), Workers: 1})
				if room.blocks > 1 && room.chunks > 1 && (err != nil || !isLimit(again.Stopped)) {
					t.Errorf("a sample in a full cluster: %v %v", again, err)
				}
			})
		}
	}
}

// shortest says what a report found within so many steps.
func shortest(r *explore.Report, steps int) string {
	var b strings.Builder
	for _, v := range r.Violations {
		if v.Length <= steps {
			fmt.Fprint(&b, v.Property, " ", v.Length, " ", v.Shortest, " ", v.Why, "\n")
		}
	}
	return b.String()
}

// Steps that need more room than there is are refused, and nothing else changes.
func TestDoEndsWithTheRoom(t *testing.T) {
	for _, room := range []struct{ chunks, blocks int }{{1, 1 << 20}, {1 << 18, 1}} {
		c, _ := newDiaries(t)
		engine.LimitRoom(c.Engine(), room.chunks, room.blocks)
		worlds := []*runtime.World{c.Start()}
		steps, draw := map[int]runtime.Step{}, rand.New(rand.NewPCG(1, 1))
		for i := 0; ; i++ {
			name := c.Names(c.Servers())[draw.IntN(3)]
			s, err := c.Step(runtime.TimeoutStep{IDs: []string{name}})
			if i%2 > 0 {
				s, err = c.Step(runtime.DeliverStep{Phase: runtime.Phase{}})
			}
			if err != nil {
				t.Fatal(err)
			}
			next, err := worlds[i].Do(s)
			if isLimit(err) {
				break
			}
			if err != nil || i > 1<<20 {
				t.Fatalf("after %d steps: %v", i, err)
			}
			worlds, steps[i] = append(worlds, next), s
		}
		if len(worlds) < 100 {
			t.Fatalf("the room ends after %d steps", len(worlds))
		}
		for i, w := range worlds[1:] {
			again, err := worlds[i].Do(steps[i])
			if err != nil || !slices.Equal(again.Vector(), w.Vector()) {
				t.Fatalf("step %d leads elsewhere now: %v", i, err)
			}
			if w.Crashed() != 0 {
				t.Fatalf("after step %d the code of a node is said to have failed", i)
			}
		}
	}
}
