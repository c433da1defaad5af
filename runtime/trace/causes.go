package trace

import (
	"context"
	"slices"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/node"
)

// maxRuns bounds how often the code of nodes runs for one explanation. What
// would take more is not explained. Most of these runs are looked up, because the same
// states met the same events before, so that the bound is seldom reached.
const maxRuns = 100_000

// An inquiry looks for what enabled what was observed on the way to a world. Its budget is
// shared by all questions of one explanation; below zero there was too little of it, and then
// nothing that was found since is said.
type inquiry struct {
	*Trace
	ctx    context.Context
	past   *runtime.Past
	faulty node.Set // in that world
	budget int
}

// happened is the delivery at a place as the simulation has it: what stands in the trace is a
// text, and messages and values are compared by what they are.
func (q *inquiry) happened(p runtime.Place) *runtime.Delivery { return q.past.At(p) }

// enabled returns events of the log of the lane to which something came at a
// place, the last of which is that, and of which it is true that played again
// without all others they bring about the same, as far as it matters, and that
// without any one of them they do not: they suffice, and each of them counts
// (1-minimal in the sense of Zeller and Hildebrandt, "Simplifying and Isolating
// Failure-Inducing Input", TSE 2002). Where several such sets exist it is the one
// that is left when older events are done without first. Events before the first
// that is given are taken as they were. It returns nil if none is known: if the
// search would take too long.
func (q *inquiry) enabled(at, first runtime.Place, matters func(runtime.Reacted) bool) []runtime.Place {
	lane := q.at(at).To
	log := q.past.Log(lane)
	end := slices.Index(log, at)
	begin := slices.IndexFunc(log, func(p runtime.Place) bool { return !p.Before(first) })
	if end < 0 || begin > end {
		return nil
	}
	background := log[:begin]
	same := func(events []runtime.Place) bool {
		places := append(slices.Concat(background, events), at)
		r, ok := q.past.Replay(q.ctx, lane, places, &q.budget)
		return ok && matters(r)
	}
	events := slices.Clone(log[begin:end])
	if !same(events) {
		return nil
	}
	// A crash and a restart can often be done without together, but not alone.
	calm := slices.DeleteFunc(slices.Clone(events), func(p runtime.Place) bool {
		d := meaningOf(q.step(p)).deed
		return d == stops || d == starts
	})
	if len(calm) < len(events) && same(calm) {
		events = calm
	}
	// Delta debugging, in its simplest form: leave out ever smaller runs of events, beginning with
	// the oldest, and with single events go on until none can be left out. That takes at most
	// quadratically many runs, and some n log n if few events matter, as is usual.
	for size := (len(events) + 1) / 2; size > 0; size /= 2 {
		for again := true; again; {
			again = false
			for i := 0; i < len(events); {
				fewer := slices.Delete(slices.Clone(events), i, min(i+size, len(events)))
				if same(fewer) {
					events, again = fewer, size == 1
				} else {
					i += size
				}
			}
		}
	}
	// Without a budget nothing more can be left out, so that what is left need not be minimal.
	if q.budget < 0 || q.ctx.Err() != nil {
		return nil
	}
	return append(events, at)
}

// observing returns whether a reaction is observed to do what o says. It compares the observation
// itself, values and all, not its text.
func observing(o node.Observation) func(runtime.Reacted) bool {
	return func(r runtime.Reacted) bool { return slices.Contains(r.Seen, o) }
}

// sending returns whether a reaction sends what stands at a place: to that receiver, be it by
// its name, as one of the servers, or as the next leader.
func (q *inquiry) sending(at runtime.Place) func(runtime.Reacted) bool {
	d := q.happened(at)
	id := q.Lanes[d.To].Identity
	return func(r runtime.Reacted) bool {
		return slices.ContainsFunc(r.Sent, func(s node.Sent) bool {
			if s.Message != d.Event.Message {
				return false
			}
			if q.past.Mail(at) {
				return s.To == node.ToNextLeader
			}
			return s.To == id || s.To == node.ToServers && !q.Lanes[d.To].Client
		})
	}
}

// senders lists the lanes whose messages stand at the given places.
func senders(t *Trace, places []runtime.Place) []int {
	var lanes []int
	for _, p := range places {
		if from := t.at(p).From; from >= 0 {
			lanes = insert(lanes, from)
		}
	}
	return lanes
}

// insert adds a lane to a sorted list, if it is not there.
func insert(lanes []int, lane int) []int {
	i, found := slices.BinarySearch(lanes, lane)
	if found {
		return lanes
	}
	return slices.Insert(lanes, i, lane)
}
