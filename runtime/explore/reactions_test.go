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

// A listener is a creature that attends to moments.
type listener struct{ simtest.Creature }

func (*listener) Attends(node.EventKind) bool { return true }

// listening is a habit of listeners.
type listening struct{ simtest.Habit }

func (p listening) NewServer(self node.Self) (node.Node, error) {
	return &listener{simtest.Creature{Habit: p.Habit, Self: self}}, nil
}

type (
	ping  struct{}
	pong  struct{}
	prize struct{}
	bomb  struct{}
)

// asUsual is what all do beside what is odd about one.
func asUsual(n *simtest.Creature, e node.Event, out *node.Reaction) {
	switch e.Message.(type) {
	case ping:
		out.Send(e.From, pong{})
		out.SendNextLeader(pong{})
	case prize:
		n.Count = 9
		out.Decided(0, "prize")
	}
	if e.Kind == node.RoundEvent && e.Round.Leader == n.Self.ID {
		n.Count = 0
		out.Broadcast(ping{})
	}
}

// oddHabits depend on names, each at another place, but for the last.
var oddHabits = map[string]simtest.Habit{
	"the first of a hop gets a prize": func(n *simtest.Creature, e node.Event, out *node.Reaction) {
		if _, ok := e.Message.(pong); ok && n.Count == 0 {
			n.Count = 1
			out.Send(e.From, prize{})
		}
	},
	"the last of a hop is remembered": func(n *simtest.Creature, e node.Event, out *node.Reaction) {
		if _, ok := e.Message.(pong); ok {
			n.Count = e.From[0]
		}
	},
	"B does not count a message": func(n *simtest.Creature, e node.Event, _ *node.Reaction) {
		if e.Kind == node.MessageEvent && n.Self.ID != "B" {
			n.Count = min(n.Count+1, 3)
		}
	},
	"B sends another message when a round begins": func(n *simtest.Creature, e node.Event, out *node.Reaction) {
		if e.Kind == node.RoundEvent && n.Self.ID == "B" {
			out.Broadcast(prize{})
		}
	},
	"who leads is remembered by name": func(n *simtest.Creature, e node.Event, _ *node.Reaction) {
		if e.Kind == node.RoundEvent {
			n.Count = e.Round.Leader[0]
		}
	},
	"B has enough of waiting": func(n *simtest.Creature, e node.Event, _ *node.Reaction) {
		if e.Kind == node.TimeoutEvent && n.Self.ID == "B" {
			n.Count = 7
		}
	},
	"B refuses to wait": func(n *simtest.Creature, e node.Event, out *node.Reaction) {
		if e.Kind == node.TimeoutEvent && n.Self.ID == "B" {
			out.Refuse("never")
		}
	},
	"B refuses a round": func(n *simtest.Creature, e node.Event, out *node.Reaction) {
		if e.Kind == node.RoundEvent && e.Round.Leader == n.Self.ID && n.Self.ID == "B" {
			out.Refuse("never")
		}
	},
	"B fails": func(n *simtest.Creature, e node.Event, _ *node.Reaction) {
		if e.Kind == node.MessageEvent && n.Self.ID == "B" {
			panic("too much")
		}
	},
	// What comes before it is done, and what comes after it is not.
	"all fail at what the leader sends": func(n *simtest.Creature, e node.Event, out *node.Reaction) {
		switch e.Message.(type) {
		case bomb:
			panic("too much")
		case prize:
			n.Count = min(n.Count+1, 3)
		}
		if e.Kind == node.RoundEvent && e.Round.Leader == n.Self.ID {
			out.Broadcast(bomb{})
		} else if e.Kind == node.RoundEvent {
			out.Broadcast(prize{})
		}
	},
	"B decides otherwise when all is quiet": func(n *simtest.Creature, e node.Event, out *node.Reaction) {
		if e.Kind == node.QuietEvent && n.Self.ID == "B" {
			out.Decided(0, "quiet")
		}
	},
	"B speaks when a hop begins": func(n *simtest.Creature, e node.Event, out *node.Reaction) {
		if e.Kind == node.HopEvent && e.Hop == 2 && n.Self.ID == "B" {
			out.Send("A", prize{})
		}
	},
	// Those that send equally much differ by name only: the first is taken to be the cause.
	"all speak to themselves without end": func(n *simtest.Creature, e node.Event, out *node.Reaction) {
		if e.Kind == node.RoundEvent || e.Kind == node.MessageEvent && e.From == n.Self.ID {
			out.Send(n.Self.ID, prize{})
		}
	},
	"nothing is odd": func(*simtest.Creature, node.Event, *node.Reaction) {},
}

// Whatever it is in what an instance does that depends on names, it is seen: the world that follows
// another one is then not gone on from in its place. Each habit is tried as it is for all, too.
func TestEachReactionIsChecked(t *testing.T) {
	t.Parallel()
	for name, odd := range oddHabits {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, runtime.Config{N: 4, F: 1, Protocol: listening{func(n *simtest.Creature, e node.Event, out *node.Reaction) {
				asUsual(n, e, out)
				odd(n, e, out)
			}}})
			s.Cluster.Engine().LimitSteps(8, 1<<10)
			rounds := s.Rounds(space.PartitionsUpTo(s.Servers(), 2), "A", "B", "C", "D")
			waits := s.Of("timeout A", "timeout B", "timeout C", "timeout D")
			for _, of := range []*space.Space{rounds.Times(2), simtest.InTurn(rounds, waits, rounds)} {
				never := s.exploresWith(of, explore.Options{Properties: []check.Property{check.Agreement()}, Symmetry: explore.Never})
				always := s.exploresWith(of, explore.Options{Properties: []check.Property{check.Agreement()}, Symmetry: explore.Always})
				if got, want := ledgerOf(always).Nameless().String(), ledgerOf(never).Nameless().String(); got != want {
					t.Errorf("with symmetry\n%s\nwithout\n%s", got, want)
				}
				waiting := name == "B has enough of waiting" || name == "B refuses to wait"
				if seen, is := always.Asymmetry != "", name != "nothing is odd" && (of.MaxLen() == 3 || !waiting); seen != is {
					t.Errorf("%d steps: asymmetry %q", of.MaxLen(), always.Asymmetry)
				}
				if always.Asymmetry == "" && always.Renamings != 24 {
					t.Errorf("%d renamings", always.Renamings)
				}
			}
		})
	}
}
