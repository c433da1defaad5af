package explore_test

import (
	"fmt"
	"testing"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/explore"
	"github.com/twinsh/twinsh/runtime/node"
	"github.com/twinsh/twinsh/runtime/space"
)

// A habit is a protocol that declares itself symmetric, made of one function.
type habit func(n *creature, e node.Event, out *node.Reaction)

func (habit) Name() string    { return "habit" }
func (habit) Symmetric() bool { return true }
func (p habit) NewServer(self node.Self) (node.Node, error) {
	return &creature{habit: p, self: self}, nil
}
func (habit) NewClient(node.Self, []node.Operation) (node.Node, error) {
	return nil, fmt.Errorf("no clients")
}

// A creature counts to 255.
type creature struct {
	habit
	self  node.Self
	count byte
}

func (n *creature) React(e node.Event, out *node.Reaction) { n.habit(n, e, out) }
func (n *creature) AppendBinary(b []byte) ([]byte, error)  { return append(b, n.count), nil }
func (n *creature) UnmarshalBinary(b []byte) error         { n.count = b[0]; return nil }
func (n *creature) Rename(func(string) string)             {}

// What states are forgotten for is checked under renamings too, also if the
// step that led there was met before with something else to come.
func TestForgettingIsChecked(t *testing.T) {
	for name, odd := range map[string]string{"alike": "", "B is another": "B"} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, runtime.Config{N: 4, F: 1, Protocol: habit(func(n *creature, e node.Event, out *node.Reaction) {
				if e.Kind != node.RoundEvent {
					return
				}
				if n.self.ID == odd {
					out.Decided(0, "b")
				} else {
					out.Decided(0, "a")
				}
			})})
			crash := s.of("crash A", "crash B", "crash C", "crash D")
			of := inTurn(crash, crash, s.led(space.PartitionsUpTo(s.Servers(), 2), "A", "B", "C", "D"))
			never := s.exploresWith(of, explore.Options{Properties: []check.Property{check.Agreement()}, Symmetry: explore.Never})
			r := s.exploresWith(of, explore.Options{Properties: []check.Property{check.Agreement()}, Symmetry: explore.Always})
			if (r.Asymmetry != "") != (odd != "") || (len(r.Violations) > 0) != (odd != "") {
				t.Errorf("asymmetry %q\n%s", r.Asymmetry, r.Text())
			}
			if got, want := ledgerOf(r).nameless().String(), ledgerOf(never).nameless().String(); got != want {
				t.Errorf("with symmetry\n%s\nwithout\n%s", got, want)
			}
		})
	}
}

// Messages to different receivers have no order, so a leader that sends them
// one by one, or answers mails one by one, is as symmetric as one that
// broadcasts. Messages to one receiver do have an order.
func TestOrderOfSendsIsForgotten(t *testing.T) {
	type hello struct{}
	type answer struct{}
	s := newStage(t, runtime.Config{N: 4, F: 1, Protocol: habit(func(n *creature, e node.Event, out *node.Reaction) {
		switch e.Message.(type) {
		case hello:
			out.Send(e.From, answer{})
		case answer:
			n.count++
		default:
			out.SendNextLeader(hello{})
			if e.Round.Leader == n.self.ID {
				for _, id := range n.self.Servers {
					out.Send(id, answer{})
				}
			}
		}
	})})
	of := s.led(space.PartitionsUpTo(s.Servers(), 2), "A", "B", "C", "D").Times(3)
	never := s.exploresWith(of, explore.Options{Symmetry: explore.Never})
	r := s.exploresWith(of, explore.Options{Symmetry: explore.Always})
	if r.Asymmetry != "" || r.Renamings != 24 || r.Worlds >= never.Worlds {
		t.Errorf("asymmetry %q, %d renamings, %d worlds of %d", r.Asymmetry, r.Renamings, r.Worlds, never.Worlds)
	}
}

// Steps that begin a round alike are checked each for what may follow them:
// other leaders, anything, or nothing.
func TestSharedOpeningsAreChecked(t *testing.T) {
	whole, apart := [][]node.Set{nil}, [][]node.Set{{1, 2, 4, 8}}
	// Whoever led round 1 remembers it, and B does so in another way later.
	leads := func(n *creature, e node.Event) bool { return e.Round.Number == 1 && e.Round.Leader == n.self.ID }
	for _, test := range []struct {
		name string
		habit
		either func(s stage) (x, y *space.Space)
	}{
		{"other leaders follow", func(n *creature, e node.Event, out *node.Reaction) {
			switch {
			case leads(n, e):
				n.count = 1
			case e.Round.Number == 3 && n.count == 1 && n.self.ID == "B" && e.Round.Leader != "A":
				out.Decided(0, "b")
			case e.Round.Number == 3:
				out.Decided(0, "a")
			}
		}, func(s stage) (x, y *space.Space) {
			return inTurn(s.led(whole, "A"), s.led(whole, "A")), inTurn(s.led(apart, "A"), s.led(whole, "B", "C", "D"))
		}},
		{"nothing follows", func(n *creature, e node.Event, out *node.Reaction) {
			switch {
			case leads(n, e):
				n.count = 1
			case e.Round.Number == 2 && n.count == 1 && n.self.ID == "B":
				n.count = 9
			case e.Round.Number == 3 && n.count == 9:
				out.Decided(0, "b")
			case e.Round.Number == 3:
				out.Decided(0, "a")
			}
		}, func(s stage) (x, y *space.Space) {
			return eitherOf(s.led(whole, "A"), s.of("crash A")), inTurn(s.led(apart, "A"), s.of("crash B", "crash C", "crash D"), s.led(whole, "A"))
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newStage(t, runtime.Config{Protocol: test.habit, N: 4, F: 1})
			x, y := test.either(s)
			for _, of := range []*space.Space{eitherOf(x, y), eitherOf(y, x)} {
				of = inTurn(s.led(whole, "B", "C", "D"), of)
				var ledgers []string
				for _, symmetry := range []explore.Symmetry{explore.Never, explore.Always} {
					r := s.exploresWith(of, explore.Options{Properties: []check.Property{check.Agreement()}, Symmetry: symmetry})
					if (r.Asymmetry != "") != (symmetry == explore.Always) || r.OK() {
						t.Errorf("asymmetry %q\n%s", r.Asymmetry, r.Text())
					}
					ledgers = append(ledgers, ledgerOf(r).nameless().String())
				}
				if ledgers[0] != ledgers[1] {
					t.Errorf("without symmetry\n%s\nwith\n%s", ledgers[0], ledgers[1])
				}
			}
		})
	}
}
