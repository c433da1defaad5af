package trace

import (
	"fmt"
	"slices"
	"strings"
)

// Explain tells in sentences how that came about which was observed in a step:
// a failure, two decisions that differ and the quorums behind them, or what a
// client was told and what those who answered had never seen. It knows no
// protocol: it follows messages, and takes those for quorums that came to one
// instance from several. For step 0 there is nothing to tell.
func (t *Trace) Explain(step int) []string {
	if step < 1 || step > len(t.Steps) {
		return nil
	}
	seen := t.seenIn(step)
	if i := slices.IndexFunc(seen, func(s sight) bool { return s.Kind == Failed }); i >= 0 {
		return []string{t.occasion(seen[i])}
	}
	for _, s := range seen {
		if s.Kind == Decided && !t.Lanes[s.lane].Faulty {
			if other, ok := t.conflicting(s); ok {
				return t.conflict(other, s)
			}
		}
	}
	for i := len(seen) - 1; i >= 0; i-- {
		if s := seen[i]; s.Kind == Returned && !t.Lanes[s.lane].Faulty {
			return t.answered(s)
		}
	}
	for _, s := range seen {
		if s.Kind == Decided && !t.Lanes[s.lane].Faulty {
			return t.decided(s)
		}
	}
	return t.changed(step)
}

// A place is where a delivery stands in a trace.
type place struct{ step, at int } // indices

func (t *Trace) at(p place) *Delivery { return &t.Steps[p.step].Deliveries[p.at] }

func (p place) before(q place) bool {
	return p.step < q.step || p.step == q.step && p.at < q.at
}

// places calls f for each delivery, in order, until it returns false.
func (t *Trace) places(f func(place, *Delivery) bool) { t.placesIn(0, len(t.Steps)-1, f) }

// placesIn does so for two steps, by index, and those between.
func (t *Trace) placesIn(first, last int, f func(place, *Delivery) bool) {
	for k := first; k <= last; k++ {
		for i := range t.Steps[k].Deliveries {
			if !f(place{k, i}, t.at(place{k, i})) {
				return
			}
		}
	}
}

// A sight is an observation, and where it was made.
type sight struct {
	Observation
	lane int
	place
}

func (s sight) number() int { return s.step + 1 }

// seenIn lists what was observed in a step.
func (t *Trace) seenIn(step int) []sight {
	var all []sight
	for i, d := range t.Steps[step-1].Deliveries {
		for _, o := range d.Seen {
			all = append(all, sight{o, d.To, place{step - 1, i}})
		}
	}
	return all
}

// occasion tells an observation and what brought it about: B decides "x" in
// slot 1 in step 4, when it gets vote x from C.
func (t *Trace) occasion(s sight) string {
	text := fmt.Sprintf("%s in step %d", t.text(observed(s.lane, s.Observation)), s.number())
	if d := t.at(s.place); d.From >= 0 {
		text += fmt.Sprintf(", when it gets %s from %s", d.Text, t.Lanes[d.From].Name)
	}
	return text + "."
}

// conflicting returns the first decision of a correct instance, before s, for
// the same slot and of another value.
func (t *Trace) conflicting(s sight) (found sight, ok bool) {
	t.places(func(p place, d *Delivery) bool {
		if s.before(p) {
			return false
		}
		for _, o := range d.Seen {
			if !ok && o.Kind == Decided && o.Slot == s.Slot && o.Text != s.Text && !t.Lanes[d.To].Faulty {
				found, ok = sight{o, d.To, p}, true
			}
		}
		return !ok
	})
	return found, ok
}

// conflict tells of two decisions and of the quorums behind them.
func (t *Trace) conflict(one, two sight) []string {
	story := append(t.decided(one), t.decided(two)...)
	_, first := t.quorum(one.place)
	_, second := t.quorum(two.place)
	if len(first) == 0 || len(second) == 0 {
		return story
	}
	common, correct := t.common(first, second)
	behind := fmt.Sprintf("%s stood behind the one, %s behind the other", t.list(first), t.list(second))
	switch {
	case len(common) == 0:
		behind += ": nobody is in both."
	case len(correct) == 0:
		behind += fmt.Sprintf(": only %s %s in both, and %s faulty.", enumerate(common), plural(len(common), "is", "are"), plural(len(common), "it is", "they are"))
	default:
		behind += fmt.Sprintf(": %s %s in both, and correct.", enumerate(correct), plural(len(correct), "is", "are"))
	}
	return append(story, behind)
}

// common lists the identities that both quorums have, and those that are correct.
func (t *Trace) common(first, second []int) (all, correct []string) {
	for _, i := range first {
		id := t.Lanes[i].Identity
		if slices.Contains(all, id) || !slices.ContainsFunc(second, func(j int) bool { return t.Lanes[j].Identity == id }) {
			continue
		}
		if all = append(all, id); !t.Lanes[i].Faulty {
			correct = append(correct, id)
		}
	}
	return all, correct
}

// decided tells of a decision and of who stood behind it.
func (t *Trace) decided(s sight) []string {
	story := []string{t.occasion(s)}
	d := t.at(s.place)
	messages, from := t.quorum(s.place)
	switch {
	case len(from) == 0:
	case messages[0].to == d.To:
		story = append(story, fmt.Sprintf("By then %s has got %s from %s.", t.Lanes[d.To].Name, messages[0].text, t.list(from)))
	default:
		sender := t.Lanes[messages[0].to].Name
		story = append(story, fmt.Sprintf("Before that, %s has got %s from %s.", sender, messages[0].text, t.list(from)))
	}
	return story
}

// quorum returns who stood behind what happened at p, as far as messages show
// it: several who sent the message that came there, or another of its type, or
// else several who sent one to its sender since that sent such a message before.
func (t *Trace) quorum(p place) (messages []parcel, from []int) {
	d := t.at(p)
	if d.From < 0 {
		return nil, nil
	}
	alike := func(_ place, e *Delivery) bool { return e.Text == d.Text }
	if messages, from = t.largest(t.heard(d.To, place{}, p, alike)); len(from) > 1 {
		return messages, from
	}
	ofType := func(_ place, e *Delivery) bool { return e.Type == d.Type }
	if messages, from = t.largest(t.heard(d.To, place{}, p, ofType)); len(from) > 1 {
		return messages, from
	}
	var since place
	t.places(func(q place, e *Delivery) bool {
		if e.From == d.From && e.Type == d.Type && (q.step < p.step || q.step == p.step && e.Hop < d.Hop) {
			since = q
		}
		return q.before(p)
	})
	sooner := func(q place, e *Delivery) bool { return q.step < p.step || e.Hop < d.Hop }
	if messages, from = t.largest(t.heard(d.From, since, p, sooner)); len(from) > 1 {
		return messages, from
	}
	return nil, nil
}

// heard lists the messages that came to a lane from one place to another, both
// included, as far as ok.
func (t *Trace) heard(lane int, from, to place, ok func(place, *Delivery) bool) []parcel {
	var all []parcel
	t.places(func(p place, d *Delivery) bool {
		if d.To == lane && d.From >= 0 && d.Fate == Delivered && !p.before(from) && !to.before(p) && ok(p, d) {
			all = append(all, parcel{d.From, d.To, d.Text})
		}
		return p.before(to)
	})
	return all
}

// largest returns those messages that most lanes sent alike, and the lanes.
func (t *Trace) largest(all []parcel) (messages []parcel, from []int) {
	for _, m := range all {
		var same []parcel
		var senders []int
		for _, other := range all {
			if other.text == m.text && !slices.Contains(senders, other.from) {
				same, senders = append(same, other), append(senders, other.from)
			}
		}
		if len(senders) > len(from) {
			messages, from = same, senders
		}
	}
	slices.Sort(from)
	return messages, from
}

// changed tells what a step did to states, for want of anything else.
func (t *Trace) changed(step int) []string {
	s := &t.Steps[step-1]
	var what []string
	for i, state := range s.States {
		if state.Changed && state.Summary != "" {
			what = append(what, t.Lanes[i].Name+" is at "+state.Summary)
		}
	}
	text := fmt.Sprintf("Step %d was %s", step, s.Call)
	if len(what) > 0 {
		text += "; after it " + enumerate(what)
	}
	return []string{text + "."}
}

func (t *Trace) list(lanes []int) string { return enumerate(strings.Fields(t.names(lanes))) }

// enumerate joins words as a sentence does: a, b and c.
func enumerate(words []string) string {
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
	return strings.Join(words, "")
}
