package runtime_test

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/internal/simtest"
	"github.com/twinsh/twinsh/runtime/node"
)

// gossipWorld draws a cluster of gossips and what happens to it.
func gossipWorld(t *rapid.T) *runtime.World {
	c := simtest.GossipCluster(t)
	w := c.Start()
	for range rapid.IntRange(1, 12).Draw(t, "steps") {
		if next, err := w.Do(simtest.GossipStep(t, c)); err == nil {
			w = next
		}
	}
	return w
}

// The own log of an instance tells what it does, without all others.
func TestReplayedLogsDoTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := gossipWorld(t)
		p := w.Past()
		for i := range w.Cluster().Instances() {
			log := p.Log(i)
			for n, at := range log {
				budget := n + 1
				r, ok := p.Replay(context.Background(), i, log[:n+1], &budget)
				if !ok || budget != 0 {
					t.Fatalf("%s: the log until %v cannot be played again (budget %d)", w.Cluster().Instances()[i].Name, at, budget)
				}
				d := p.At(at)
				if diff := cmp.Diff(runtime.Reacted{d.Seen, d.Sent}, r); diff != "" {
					t.Fatalf("%s at %v did what is behind -, and played again does what is behind +:\n%s", w.Cluster().Instances()[i].Name, at, diff)
				}
				budget = n
				if _, ok := p.Replay(context.Background(), i, log[:n+1], &budget); ok || budget >= 0 {
					t.Fatalf("%d events are played with a budget of %d", n+1, n)
				}
			}
		}
	})
}

// A context that ends stops it, in the code of a node, too.
func TestReplayEndsWithItsContext(t *testing.T) {
	c, err := runtime.NewCluster(runtime.Config{Protocol: simtest.Sayers(struct{}{}), N: 2, F: 0})
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Step(runtime.TimeoutStep{IDs: []string{"A"}})
	if err != nil {
		t.Fatal(err)
	}
	w, err := c.Start().Do(s)
	if err != nil {
		t.Fatal(err)
	}
	if w, err = w.Do(s); err != nil {
		t.Fatal(err)
	}
	p := w.Past()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	budget := 10
	if _, ok := p.Replay(ctx, 0, append(p.Log(0), p.Log(0)...), &budget); ok {
		t.Error("what was never played is played with a context that has ended")
	}
}

// Each message that arrives was sent where the past says, before it came, to
// that receiver; no sending is the origin of two arrivals at one instance, and
// without mail none is unknown, whatever ended a step amid a wave.
func TestSendersOfMessages(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := gossipWorld(t)
		p := w.Past()
		type arrival struct {
			to      int
			message node.Message
			sent    runtime.Place
			mail    bool
		}
		came := map[arrival]int{}
		for k, deliveries := range p.Steps() {
			for i, d := range deliveries {
				at := runtime.Place{k + 1, i}
				from, ok := p.Sender(at)
				switch {
				case !ok && d.From >= 0 && !p.Mail(at):
					t.Fatalf("%v: nothing sent %v", at, d.Event.Message)
				case ok && d.From < 0:
					t.Fatalf("%v: no message, but %v sent it", at, from)
				case !ok:
					continue
				}
				sent := p.At(from)
				if !from.Before(at) || sent.To != d.From || sent.Fate != runtime.Delivered || !p.Mail(at) && from.Step == at.Step && sent.Hop >= d.Hop {
					t.Fatalf("%v came from %d before it was sent at %v by %d", at, d.From, from, sent.To)
				}
				copies := 0
				for _, s := range sent.Sent {
					if s.Message == d.Event.Message && (s.To == node.ToNextLeader) == p.Mail(at) && sentTo(w.Cluster(), s, d.To) {
						copies++
					}
				}
				if copies == 0 {
					t.Fatalf("%v: %v was not sent at %v", at, d.Event.Message, from)
				}
				if d.Fate != runtime.Waiting && !d.Again && !d.Kept {
					a := arrival{d.To, d.Event.Message, from, p.Mail(at)}
					if came[a]++; came[a] > copies {
						t.Fatalf("%v: %v came more often than it was sent at %v", at, d.Event.Message, from)
					}
				}
			}
		}
	})
}

func sentTo(c *runtime.Cluster, s node.Sent, to int) bool {
	switch s.To {
	case node.ToNextLeader, node.ToServers:
		return c.Servers().Has(to)
	}
	return c.Identities()[c.Instances()[to].Identity].Name == s.To
}

// Two equal messages wait on a link: the one that was sent first comes first.
func TestEqualMessagesKeepTheirOrder(t *testing.T) {
	type hello struct{}
	c, err := runtime.NewCluster(runtime.Config{Protocol: simtest.Sayers(hello{}), N: 2, F: 0})
	if err != nil {
		t.Fatal(err)
	}
	w := c.Start()
	for _, a := range []runtime.Action{
		runtime.HoldStep{Src: "A", Dst: "B"},
		runtime.TimeoutStep{IDs: []string{"A"}}, runtime.DeliverStep{}, runtime.TimeoutStep{IDs: []string{"A"}},
		runtime.ReleaseStep{Src: "A", Dst: "B", Count: 1}, runtime.DeliverStep{}, runtime.ReleaseStep{Src: "A", Dst: "B"}, runtime.DeliverStep{},
	} {
		s, err := c.Step(a)
		if err == nil {
			w, err = w.Do(s)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	p := w.Past()
	var sent []runtime.Place
	for _, at := range p.Log(1) {
		if from, ok := p.Sender(at); ok {
			sent = append(sent, from)
		}
	}
	if want := []runtime.Place{{2, 0}, {4, 0}}; !slices.Equal(sent, want) {
		t.Errorf("B hears what was sent at %v, want %v", sent, want)
	}
}
