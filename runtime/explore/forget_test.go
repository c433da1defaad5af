package explore_test

import (
	"testing"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/explore"
	"github.com/twinsh/twinsh/runtime/internal/simtest"
	"github.com/twinsh/twinsh/runtime/node"
	"github.com/twinsh/twinsh/runtime/space"
)

// What states are forgotten for is checked under renamings too, also if the
// step that led there was met before with something else to come.
func TestForgettingIsChecked(t *testing.T) {
	for name, odd := range map[string]string{"all do the same": "", "B is another": "B"} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, runtime.Config{N: 4, F: 1, Protocol: simtest.Habit(func(n *simtest.Creature, e node.Event, out *node.Reaction) {
				if e.Kind != node.RoundEvent {
					return
				}
				if n.Self.ID == odd {
					out.Decided(0, "b")
				} else {
					out.Decided(0, "a")
				}
			})})
			crash := s.Of("crash A", "crash B", "crash C", "crash D")
			of := simtest.InTurn(crash, crash, s.Rounds(space.PartitionsUpTo(s.Servers(), 2), "A", "B", "C", "D"))
			never := s.exploresWith(of, explore.Options{Properties: []check.Property{check.Agreement()}, Symmetry: explore.Never})
			r := s.exploresWith(of, explore.Options{Properties: []check.Property{check.Agreement()}, Symmetry: explore.Always})
			if (r.Asymmetry != "") != (odd != "") || (len(r.Violations) > 0) != (odd != "") {
				t.Errorf("asymmetry %q\n%s", r.Asymmetry, r.Text())
			}
			if got, want := ledgerOf(r).Nameless().String(), ledgerOf(never).Nameless().String(); got != want {
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
	s := newStage(t, runtime.Config{N: 4, F: 1, Protocol: simtest.Habit(func(n *simtest.Creature, e node.Event, out *node.Reaction) {
		switch e.Message.(type) {
		case hello:
			out.Send(e.From, answer{})
		case answer:
			n.Count++
		default:
			out.SendNextLeader(hello{})
			if e.Round.Leader == n.Self.ID {
				for _, id := range n.Self.Servers {
					out.Send(id, answer{})
				}
			}
		}
	})})
	of := s.Rounds(space.PartitionsUpTo(s.Servers(), 2), "A", "B", "C", "D").Times(3)
	never := s.exploresWith(of, explore.Options{Symmetry: explore.Never})
	r := s.exploresWith(of, explore.Options{Symmetry: explore.Always})
	if r.Asymmetry != "" || r.Renamings != 24 || r.Worlds >= never.Worlds {
		t.Errorf("asymmetry %q, %d renamings, %d worlds of %d", r.Asymmetry, r.Renamings, r.Worlds, never.Worlds)
	}
}

// Steps that begin a round in the same way are checked each for what may follow them:
// other leaders, anything, or nothing.
func TestSharedOpeningsAreChecked(t *testing.T) {
	whole, apart := [][]node.Set{nil}, [][]node.Set{{1, 2, 4, 8}}
	// The leader of round 1 remembers it, and B does so in another way later.
	leads := func(n *simtest.Creature, e node.Event) bool {
		return e.Round.Number == 1 && e.Round.Leader == n.Self.ID
	}
	for _, test := range []struct {
		name   string
		habit  simtest.Habit
		either func(s stage) (x, y *space.Space)
	}{
		{"other leaders follow", func(n *simtest.Creature, e node.Event, out *node.Reaction) {
			switch {
			case leads(n, e):
				n.Count = 1
			case e.Round.Number == 3 && n.Count == 1 && n.Self.ID == "B" && e.Round.Leader != "A":
				out.Decided(0, "b")
			case e.Round.Number == 3:
				out.Decided(0, "a")
			}
		}, func(s stage) (x, y *space.Space) {
			return simtest.InTurn(s.Rounds(whole, "A"), s.Rounds(whole, "A")), simtest.InTurn(s.Rounds(apart, "A"), s.Rounds(whole, "B", "C", "D"))
		}},
		{"nothing follows", func(n *simtest.Creature, e node.Event, out *node.Reaction) {
			switch {
			case leads(n, e):
				n.Count = 1
			case e.Round.Number == 2 && n.Count == 1 && n.Self.ID == "B":
				n.Count = 9
			case e.Round.Number == 3 && n.Count == 9:
				out.Decided(0, "b")
			case e.Round.Number == 3:
				out.Decided(0, "a")
			}
		}, func(s stage) (x, y *space.Space) {
			return simtest.EitherOf(s.Rounds(whole, "A"), s.Of("crash A")), simtest.InTurn(s.Rounds(apart, "A"), s.Of("crash B", "crash C", "crash D"), s.Rounds(whole, "A"))
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newStage(t, runtime.Config{Protocol: test.habit, N: 4, F: 1})
			x, y := test.either(s)
			for _, of := range []*space.Space{simtest.EitherOf(x, y), simtest.EitherOf(y, x)} {
				of = simtest.InTurn(s.Rounds(whole, "B", "C", "D"), of)
				var ledgers []string
				for _, symmetry := range []explore.Symmetry{explore.Never, explore.Always} {
					r := s.exploresWith(of, explore.Options{Properties: []check.Property{check.Agreement()}, Symmetry: symmetry})
					if (r.Asymmetry != "") != (symmetry == explore.Always) || r.OK() {
						t.Errorf("asymmetry %q\n%s", r.Asymmetry, r.Text())
					}
					ledgers = append(ledgers, ledgerOf(r).Nameless().String())
				}
				if ledgers[0] != ledgers[1] {
					t.Errorf("without symmetry\n%s\nwith\n%s", ledgers[0], ledgers[1])
				}
			}
		})
	}
}
