package runtime

import (
	"cmp"
	"context"
	"slices"

	"github.com/twinsh/twinsh/runtime/internal/engine"
	"github.com/twinsh/twinsh/runtime/node"
)

// A Past is all that happened on the way to a world, one delivery after the
// other, with what caused what: which reaction sent a message that arrived, and
// what an instance would have done if less had reached it. It is for
// explanations; a search keeps no pasts.
//
// What an instance does is a function of what reached it, in order, and of
// nothing else. So the question whether a delivery mattered for what it did
// later is answered by playing its own log again without that delivery
// ([Past.Replay]), which needs no other instance.
type Past struct {
	world   *World
	steps   [][]Delivery
	senders map[Place]Place
	logs    [][]Place // of each instance
}

// A Place is where a delivery stands in a past, or in a trace of one. Steps are counted from 1
// there, as people do and as [World.Depth] does: step 1 led from the start to the world of
// depth 1. So the zero Place is before all others, and the place of no delivery. The names of
// the fields in JSON are those that traces have in files.
type Place struct {
	Step int `json:"step"` // its number, from 1
	At   int `json:"at"`   // index into the deliveries of that step
}

// Before reports whether p stands before q.
func (p Place) Before(q Place) bool { return p.Compare(q) < 0 }

// Compare is negative if p stands before q, positive if behind it, and 0 if they are one.
func (p Place) Compare(q Place) int {
	return cmp.Or(cmp.Compare(p.Step, q.Step), cmp.Compare(p.At, q.At))
}

// Past returns what happened on the way to w, with each step of a view by itself (see
// [World.Unfolded]). It plays each step again.
func (w *World) Past() *Past {
	w = w.Unfolded()
	p := &Past{world: w, senders: map[Place]Place{}, logs: make([][]Place, len(w.cluster.Instances()))}
	t := tracker{Past: p, flight: map[addressed][]Place{}, kept: map[addressed][]Place{}, mailboxes: map[addressed][]Place{}}
	for _, v := range w.Path()[1:] {
		p.steps = append(p.steps, v.Deliveries())
		t.step(v)
	}
	for k, deliveries := range p.steps {
		for i, d := range deliveries {
			if d.Fate == Delivered {
				p.logs[d.To] = append(p.logs[d.To], Place{k + 1, i})
			}
		}
	}
	return p
}

// Steps returns the deliveries of each step, in order: those of step 1 are the first. The
// caller must not change them.
func (p *Past) Steps() [][]Delivery { return p.steps }

// At returns the delivery at a place, which must be one of p.
func (p *Past) At(at Place) *Delivery { return &p.steps[at.Step-1][at.At] }

// Log returns where what reached an instance stands, in order: messages that
// were delivered, and what steps asked of it or did to it. The caller must not
// change it.
func (p *Past) Log(instance int) []Place { return p.logs[instance] }

// Sender returns where the message that stands at a place was sent: the
// delivery to which its sender reacted. It is false for what is no message, and
// where several reactions sent the same and not all of that came.
func (p *Past) Sender(at Place) (Place, bool) {
	from, ok := p.senders[at]
	return from, ok
}

// Mail reports whether what stands at a place is a message to the next
// leader, which the leader opens before the round begins.
func (p *Past) Mail(at Place) bool {
	d := p.At(at)
	return d.Hop == 0 && d.From >= 0
}

// Reacted is what an instance does when something reaches it.
type Reacted struct {
	Seen []node.Observation
	Sent []node.Sent
}

// Replay returns what an instance does at the last of the given places if what
// stands there, and nothing else, reaches it, in that order. There must be one;
// they are places of its log, or of messages to it that never came. It reports
// false if they could not: code that is asked for something may refuse it, and an
// instance that is down cannot be asked. The code of the instance runs at most once
// for each place, which lessens the budget by one; if it cannot encode its state it
// is rebuilt each time, which counts in addition. When the budget is used up Replay
// reports false, too, and leaves it below 0. So it does, promptly, when ctx ends, and
// when the cluster can learn no more.
//
// That an operation begins before it ends is asked for only if all that began or ended one is
// replayed. Else it is taken as given, since what is varied is what reaches the instance.
func (p *Past) Replay(ctx context.Context, instance int, places []Place, budget *int) (r Reacted, ok bool) {
	events := func(yield func(node.Event) bool) {
		for _, at := range places {
			if !yield(p.At(at).Event) {
				return
			}
		}
	}
	c := p.world.cluster
	r.Seen, r.Sent, ok = engine.Replay(ctx, c.system, p.world.Path()[0].vector, instance, events, p.omits(instance, places), budget)
	r.Seen = unlessCrash(r.Seen)
	return r, ok
}

// omits reports whether an instance began or ended an operation before the last of some places
// and at none of them.
func (p *Past) omits(instance int, places []Place) bool {
	last := places[len(places)-1]
	for _, at := range p.logs[instance] {
		if !at.Before(last) {
			break
		}
		for places[0].Before(at) { // both are in order
			places = places[1:]
		}
		if places[0] != at && slices.ContainsFunc(p.At(at).Seen, node.Observation.OfOperation) {
			return true
		}
	}
	return false
}

// addressed is a message on its way. Equal messages of one instance to another
// cannot be distinguished by anything, and overtake each other never: the one that
// was sent first arrives first.
type addressed struct {
	from, to int // instances; to is -1 for the next leader
	message  node.Message
}

// A tracker finds out where messages were sent, as the steps go on.
type tracker struct {
	*Past
	flight    map[addressed][]Place // oldest first
	kept      map[addressed][]Place // arrived in this step, and arrives again in a later one
	mailboxes map[addressed][]Place // sent since the last round began, and in it
}

// step goes on with the last of the steps, which led to w.
func (t *tracker) step(w *World) {
	k := len(t.steps) // the number of the step
	all := t.steps[k-1]
	opened := !Is[RoundStep](w.step)
	for first := 0; first < len(all); {
		last := first
		for last < len(all) && all[last].Hop == all[first].Hop {
			last++
		}
		if all[first].Hop > 0 {
			t.wave(k, first, last)
		} else if !opened {
			opened = true
			t.open(k, first, last)
		}
		for i := first; i < last; i++ {
			t.sent(Place{k, i})
		}
		first = last
	}
	if !opened {
		clear(t.mailboxes)
	}
	t.reconcile(w)
}

// wave notes where the messages of one hop were sent. Those that wait go on
// waiting, before others.
func (t *tracker) wave(k, first, last int) {
	waiting := map[addressed][]Place{}
	for i := first; i < last; i++ {
		d := t.steps[k-1][i]
		m := addressed{d.From, d.To, d.Event.Message}
		if d.Again {
			if from, ok := t.senders[Place{k, i - 1}]; ok {
				t.senders[Place{k, i}] = from
			}
			continue
		}
		queue := t.flight[m]
		if len(queue) == 0 {
			continue
		}
		t.flight[m] = queue[1:]
		t.senders[Place{k, i}] = queue[0]
		if d.Fate == Waiting {
			waiting[m] = append(waiting[m], queue[0])
		}
		if d.Kept {
			t.kept[m] = append(t.kept[m], queue[0])
		}
	}
	for m, queue := range waiting {
		t.flight[m] = append(queue, t.flight[m]...)
	}
}

// open notes where the mails were sent that a leader opened. All others are
// lost.
func (t *tracker) open(k, first, last int) {
	came := map[addressed][]int{}
	for i := first; i < last; i++ {
		if d := t.steps[k-1][i]; d.From >= 0 {
			m := addressed{d.From, d.To, d.Event.Message}
			came[m] = append(came[m], i)
		}
	}
	for m, places := range came {
		sent := t.mailboxes[addressed{m.from, -1, m.message}]
		if len(sent) != len(places) {
			continue // not each of them came, and nothing says which
		}
		for j, i := range places {
			t.senders[Place{k, i}] = sent[j]
		}
	}
	clear(t.mailboxes)
}

// sent notes what was sent at a place.
func (t *tracker) sent(at Place) {
	c := t.world.cluster
	d := t.At(at)
	for _, s := range d.Sent {
		to := c.Servers()
		switch s.To {
		case node.ToNextLeader:
			m := addressed{d.To, -1, s.Message}
			t.mailboxes[m] = append(t.mailboxes[m], at)
			continue
		case node.ToServers:
		default:
			id, _ := c.system.Identity(s.To)
			to = c.Identities()[id].Instances
		}
		for i := range to.All {
			m := addressed{d.To, i, s.Message}
			t.flight[m] = append(t.flight[m], at)
		}
	}
}

// reconcile forgets where messages were sent that are in flight no more without
// a trace, as when a step is ended because it would not end by itself, be it amid
// a wave. What waits was sent before what was lost then: of equal messages on one
// link the wave takes the oldest first, and those that it has not come to, or that
// were sent in it, are gone.
func (t *tracker) reconcile(w *World) {
	for m, places := range t.kept {
		t.flight[m] = append(places, t.flight[m]...)
	}
	clear(t.kept)
	left := map[addressed]int{}
	for _, p := range w.InFlight() {
		left[addressed{p.From, p.To, p.Event.Message}]++
	}
	for m, queue := range t.flight {
		if n := left[m]; n == 0 {
			delete(t.flight, m)
		} else {
			t.flight[m] = queue[:min(n, len(queue))]
		}
	}
}
