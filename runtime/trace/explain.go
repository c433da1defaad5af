package trace

import (
	"context"
	"slices"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/node"
)

// A Sentence is one thing that an explanation says, as data: lanes, and the
// places of the deliveries that bear it out. [Trace.Say] makes text of it. The
// deliveries of the trace prove each sentence; what cannot be proven is not said. A test
// plays random scenarios by hand and checks each sentence of each explanation.
//
// There is a type for each kind of sentence. They are not exported: a new kind is added where
// an explanation would else leave something out, and a program that shows a story has nothing
// to do about it.
type Sentence interface{ say(t *Trace) string }

// An occasionSentence says what was observed, and what had reached the lane just then.
type occasionSentence struct {
	At   runtime.Place
	Seen Observation
}

// enoughSentence says what enabled what was observed of a lane at a place, or that it
// sent what arrived at Arrival: events of its own log, the last of which is the
// one there. Played again alone they bring it about, and no one of them can be
// missing. After is not zero if what happened to the lane before it was left as
// it was.
type enoughSentence struct {
	At      runtime.Place
	Arrival *runtime.Place
	After   runtime.Place
	Events  []runtime.Place
}

// restartedSentence says that a lane would not have done what was observed of it at a place if it had
// not restarted, or lost its memory, in a step, and which other decision for the same slot
// it had made before, if it had; its place is zero if not.
type restartedSentence struct {
	At     runtime.Place
	Seen   Observation
	In     int // the last such step
	Had    Observation
	Before runtime.Place
}

// unknownSentence says that it is not known what enabled what was observed at a place.
type unknownSentence struct{ At runtime.Place }

// behindSentence says whose messages enabled the one of two decisions and whose the
// other, which identities are among both, and which of these are correct.
type behindSentence struct {
	One, Two      []int
	Both, Correct []string
}

// partedSentence says how the network was parted in a step in which some of what
// enabled a decision passed.
type partedSentence struct {
	Step  int
	Parts [][]int
}

// crossedSentence says that a message to the next leader arrived in a step whose
// partition keeps its sender and its receiver apart.
type crossedSentence struct{ At runtime.Place }

// A changedSentence says what a step did, for want of anything else.
type changedSentence struct{ Step int }

// Explain says how that came about which was observed in the step that led to
// w, a world on the way that t is the record of: if kind is Decided how a correct
// replica decided, and another one differently, if that is so, if it is Returned or
// Aborted what a correct client was answered and what those who answered had not got. If it is
// something else, or nothing of the kind was observed, it says how code failed, or
// what the step did.
//
// It knows no protocol. What enabled an observation it finds out by replaying
// the log of the instance (see [runtime.Past]), which takes time: about as much
// as running the code of nodes 100,000 times. Beyond that it says that it does not
// know. The error is that of ctx.
func (t *Trace) Explain(ctx context.Context, w *runtime.World, kind ObservationKind) ([]Sentence, error) {
	steps := 0
	if w.Depth() > 0 {
		steps = len(w.Step().InTurn())
	}
	w = w.Unfolded()
	if w.Depth() < 1 || w.Depth() > len(t.Steps) {
		return nil, ctx.Err()
	}
	q := &inquiry{Trace: t, ctx: ctx, past: w.Past(), faulty: w.Faulty(), budget: maxRuns}
	var seen []locatedObservation
	for step := w.Depth() - steps + 1; step <= w.Depth(); step++ {
		seen = append(seen, q.seenIn(step)...)
	}
	var story []Sentence
	switch kind {
	case Decided:
		story = q.decisions(seen)
	case Returned, Aborted:
		for _, s := range slices.Backward(seen) {
			if s.Ends() && !q.faulty.Has(s.lane) && story == nil {
				story = q.answered(s)
			}
		}
	}
	// Code that failed ends what its instance does, so it comes before anything else that is left.
	if i := slices.IndexFunc(seen, func(s locatedObservation) bool { return s.Kind == Failed }); i >= 0 && story == nil {
		story, _ = q.observed(seen[i], runtime.Place{})
	}
	if story == nil {
		story = []Sentence{changedSentence{w.Depth()}}
	}
	return story, ctx.Err()
}

// Find notes that a property does not hold in a world on the way that t is the
// record of, and explains what was observed of the given kind in the step that
// led there; see Explain. The error is that of ctx.
func (t *Trace) Find(ctx context.Context, property, why string, w *runtime.World, kind ObservationKind) error {
	f := Finding{Property: property, Why: why, Step: w.Unfolded().Depth()}
	story, err := t.Explain(ctx, w, kind)
	for _, s := range story {
		f.Story = append(f.Story, t.Say(s))
	}
	t.Findings = append(t.Findings, f)
	return err
}

// Say makes text of a sentence of this trace.
func (t *Trace) Say(s Sentence) string { return s.say(t) }

// A locatedObservation is an observation, and where it was made. It has the value itself beside
// its text, because values are compared and texts are shown.
type locatedObservation struct {
	Observation
	value node.Observation
	lane  int
	at    runtime.Place
}

// seenIn lists what was observed in a step.
func (q *inquiry) seenIn(step int) []locatedObservation {
	var all []locatedObservation
	for i, d := range q.Steps[step-1].Deliveries {
		at := runtime.Place{Step: step, At: i}
		for j, o := range d.Seen {
			all = append(all, locatedObservation{o, q.happened(at).Seen[j], d.To, at})
		}
	}
	return all
}

// observed describes an observation, and what enabled it since first. It
// returns that, too.
func (q *inquiry) observed(s locatedObservation, first runtime.Place) ([]Sentence, []runtime.Place) {
	story := []Sentence{occasionSentence{s.at, s.Observation}}
	if q.at(s.at).Fate != runtime.Delivered {
		// Code that never falls silent is ended from outside, not by an event of its log.
		return story, nil // the step was ended for it
	}
	events := q.enabled(s.at, first, observing(s.value))
	if events == nil {
		return append(story, unknownSentence{s.at}), nil
	}
	return append(story, enoughSentence{At: s.at, After: first, Events: events}), events
}

// decisions describes the first decision of a correct replica that differs from
// one before, and of that, or else of the first decision.
func (q *inquiry) decisions(seen []locatedObservation) []Sentence {
	seen = slices.DeleteFunc(seen, func(s locatedObservation) bool { return s.Kind != Decided || q.faulty.Has(s.lane) })
	for _, s := range seen {
		if other, ok := q.conflicting(s); ok {
			return q.conflict(other, s)
		}
	}
	if len(seen) == 0 {
		return nil
	}
	story, _, _ := q.decided(seen[0])
	return story
}

// conflicting returns the first decision of a correct instance, before s, for
// the same slot and of another value.
func (q *inquiry) conflicting(s locatedObservation) (found locatedObservation, ok bool) {
	for step := 1; step <= s.at.Step; step++ {
		for _, o := range q.seenIn(step) {
			if s.at.Before(o.at) || ok {
				return found, ok
			}
			if o.Kind == Decided && o.Slot == s.Slot && o.value.Value != s.value.Value && !q.faulty.Has(o.lane) {
				found, ok = o, true
			}
		}
	}
	return found, ok
}

// decided describes a decision. It returns what enabled it, and who stood behind
// it: those whose messages did, and if that is another one alone, those whose
// messages enabled that one to send what it sent last. In protocols with a collector of votes
// replicas decide when they get one certificate, and the voters are one step further back.
func (q *inquiry) decided(s locatedObservation) (story []Sentence, events []runtime.Place, behind []int) {
	story, events = q.observed(s, runtime.Place{})
	story = append(story, q.forgot(s)...)
	behind = senders(q.Trace, events)
	var last runtime.Place
	for _, p := range events {
		if d := q.at(p); d.From >= 0 && d.From != s.lane {
			last = p
		}
	}
	others := slices.DeleteFunc(slices.Clone(behind), func(i int) bool { return i == s.lane })
	if len(others) != 1 || q.at(last).Origin == nil {
		return story, events, behind
	}
	origin := *q.at(last).Origin
	if sooner := q.enabled(origin, runtime.Place{}, q.sending(last)); len(senders(q.Trace, sooner)) > 1 {
		story = append(story, enoughSentence{At: origin, Arrival: &last, Events: sooner})
		return story, slices.Concat(sooner, events), senders(q.Trace, sooner)
	}
	return story, events, behind
}

// forgot describes that a decision rests on a restart, or on a loss of memory: the log of
// the lane, played again without those and the crashes, does not lead to it.
func (q *inquiry) forgot(s locatedObservation) []Sentence {
	log := q.past.Log(s.lane)
	end := slices.Index(log, s.at)
	if end < 0 {
		return nil
	}
	said := restartedSentence{At: s.at, Seen: s.Observation}
	calm, in := q.without(log[:end+1], starts, forgets)
	if said.In = in; in == 0 {
		return nil
	}
	if r, ok := q.past.Replay(q.ctx, s.lane, calm, &q.budget); !ok || observing(s.value)(r) {
		return nil
	}
	for step := 1; step < said.In; step++ {
		for _, o := range q.seenIn(step) {
			if o.lane == s.lane && o.Kind == Decided && o.Slot == s.Slot && o.value.Value != s.value.Value {
				said.Had, said.Before = o.Observation, o.at
			}
		}
	}
	return []Sentence{said}
}

// without returns a log without crashes and some other deeds, and the step of the last of these,
// 0 if there is none.
func (q *inquiry) without(log []runtime.Place, deeds ...deed) (calm []runtime.Place, last int) {
	for _, p := range log {
		switch did := meaningOf(q.step(p)).deed; {
		case q.at(p).From >= 0:
			calm = append(calm, p)
		case slices.Contains(deeds, did):
			last = p.Step
		case did != stops:
			calm = append(calm, p)
		}
	}
	return calm, last
}

// conflict describes two decisions, and what stood behind them. Quorums of a correct protocol
// meet in a correct replica, so whom the two have in common says at a glance what is wrong: one
// that is correct and in both did what it should not, and if only faulty ones are in both, or
// none is, the quorums are too small or were counted wrongly.
func (q *inquiry) conflict(one, two locatedObservation) []Sentence {
	story, passed, first := q.decided(one)
	more, events, second := q.decided(two)
	story = append(story, more...)
	story = append(story, q.parted(slices.Concat(passed, events))...)
	if len(first) == 0 || len(second) == 0 {
		return story
	}
	b := behindSentence{One: first, Two: second}
	for _, i := range first {
		id := q.Lanes[i].Identity
		if slices.Contains(b.Both, id) || !slices.ContainsFunc(second, func(j int) bool { return q.Lanes[j].Identity == id }) {
			continue
		}
		if b.Both = append(b.Both, id); !q.faulty.Has(i) {
			b.Correct = append(b.Correct, id)
		}
	}
	return append(story, b)
}

// parted describes the partitions under which messages passed, and mail that
// came before them. Without that a reader would see a vote cross a partition, and look
// for a mistake in the simulation.
func (q *inquiry) parted(events []runtime.Place) []Sentence {
	slices.SortFunc(events, runtime.Place.Compare)
	var parted, crossed []Sentence
	last := 0
	for _, p := range slices.Compact(events) {
		d, s := q.at(p), &q.Steps[p.Step-1]
		switch {
		case d.From < 0 || len(s.Parts) < 2:
		case !d.Mail() && last < p.Step:
			parted, last = append(parted, partedSentence{p.Step, s.Parts}), p.Step
		case d.Mail() && s.apart(d.From, d.To):
			crossed = append(crossed, crossedSentence{p})
		}
	}
	return append(parted, crossed...)
}

// apart reports whether two lanes are in different parts.
func (s *Step) apart(from, to int) bool {
	part := func(lane int) int {
		return slices.IndexFunc(s.Parts, func(part []int) bool { return slices.Contains(part, lane) })
	}
	return part(from) >= 0 && part(to) >= 0 && part(from) != part(to)
}
