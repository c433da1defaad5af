package trace

import (
	"fmt"
	"slices"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/node"
)

// A clientOperation says what an operation of a client was about: whom it heard, what it
// sent that changed anything, and how it ended.
type clientOperation struct {
	Lane         int
	Operation    string
	Begun, Ended runtime.Place // Ended is that of the last thing that happened to it if it has not ended
	Returned     bool
	Aborted      bool   // it ended and did not happen
	Result       string // of one that was aborted, the reason
	Heard        []heard
	Receptions   []reception
}

// heard says from whom a message came.
type heard struct {
	Message runtime.Place // one of those that came
	From    []int
}

// A reception says whom a message reached, and whom not, and who stayed as it was,
// shown in Message order.
type reception struct {
	Message      runtime.Place // one of those that were sent
	Gets, Misses []int
	Late         []int // of those that miss it: it may still come
	Stay         []runtime.Place
}

// omittedSentence says how many operations came before those that are described.
type omittedSentence struct{ Operations int }

// missedSentence says that servers had not got a message of a sender when they answered,
// although it had been sent to each of them: what became of it stands at Lost, a
// place for each server. Answers is where they were when they answered. With the
// message each of them would have answered otherwise. Twins of them had got it.
type missedSentence struct {
	Servers []int
	Answers []runtime.Place
	Lost    []runtime.Place
	Twins   []int
}

// restartSentence says that a server restarted in a step before it answered, and that its own
// log without restarts and crashes leads it to another answer: what its code did not keep
// made the difference.
type restartSentence struct {
	Server int
	In     int // the last such step
	Answer runtime.Place
}

// forgotSentence says that a server had got a message, and lost its memory after that
// and before it answered.
type forgotSentence struct {
	Server    int
	Got, Lost runtime.Place
	Answer    runtime.Place
}

// maxOperations is how many operations are described. The last ones matter most: a result is
// wrong because of what those just before it did or did not do.
const maxOperations = 12

// An operationReport describes operations of clients. Of all that clients send it keeps to
// what changed a server: requests that only ask are many, and say little.
type operationReport struct {
	*inquiry
	// Messages that changed what a server knows, or would have. It matters who got
	// them.
	matters map[node.Message]bool
}

// answered explains why a client got the result that it got: what
// each operation until then did, what enabled it to return, and what those who
// answered had not got.
func (q *inquiry) answered(s locatedObservation) []Sentence {
	a := operationReport{q, map[node.Message]bool{}}
	for p, d := range q.until(s.at) {
		if d.From >= 0 && d.Fate == runtime.Delivered && d.Changed && !q.Lanes[d.To].Client {
			a.matters[q.happened(p).Event.Message] = true
		}
	}
	all := a.operations(s.at)
	begun := runtime.Place{}
	i := slices.IndexFunc(all, func(e clientOperation) bool {
		return e.Lane == s.lane && e.Ended == s.at && (e.Returned || e.Aborted) && e.Result == s.Text
	})
	if i >= 0 {
		begun = all[i].Begun
	}
	why, events := q.observed(s, begun)
	if i >= 0 {
		why = why[1:] // the operation says what was observed
	}
	missed := a.missed(events)
	var story []Sentence
	if more := len(all) - maxOperations; more > 0 {
		story, all = append(story, omittedSentence{more}), all[more:]
	}
	for _, e := range all {
		story = append(story, a.describe(e))
	}
	story = append(story, why...)
	return append(story, missed...)
}

// operations lists the operations in the order in which they began, until p. A client has one
// at a time. One that has not returned ends with the last thing that came from its client or
// to it.
func (q *inquiry) operations(until runtime.Place) []clientOperation {
	var all []clientOperation
	open := map[int]int{}
	for p, d := range q.until(until) {
		for _, lane := range []int{d.From, d.To} {
			if i, ok := open[lane]; ok {
				// Whatever passes between the client and others meanwhile belongs to its operation.
				all[i].Ended = p
			}
		}
		for _, o := range d.Seen {
			switch i, ok := open[d.To]; {
			case o.Kind == Invoked:
				open[d.To] = len(all)
				all = append(all, clientOperation{Lane: d.To, Operation: o.Text, Begun: p, Ended: p})
			case o.Ends() && ok:
				all[i].Returned, all[i].Aborted = o.Kind == Returned, o.Kind == Aborted
				all[i].Result, all[i].Ended = o.Text, p
				delete(open, d.To)
			}
		}
	}
	return all
}

// during reports whether p is between the beginning and the end of e.
func (s *clientOperation) during(p runtime.Place) bool {
	return !p.Before(s.Begun) && !s.Ended.Before(p)
}

// describe finds out what an operation was about: of equal messages that its client heard, and
// of equal ones that it sent, one stands for all.
func (a operationReport) describe(e clientOperation) clientOperation {
	known := map[node.Message]int{}
	for p, d := range a.until(e.Ended) {
		if !e.during(p) || d.From < 0 || d.full() == d.Type {
			continue // a message without contents says nothing
		}
		m := a.happened(p).Event.Message
		switch {
		case d.To == e.Lane && d.Fate == runtime.Delivered:
			i := slices.IndexFunc(e.Heard, func(h heard) bool { return a.happened(h.Message).Event.Message == m })
			if i < 0 {
				i, e.Heard = len(e.Heard), append(e.Heard, heard{Message: p})
			}
			e.Heard[i].From = insert(e.Heard[i].From, d.From)
		case d.From == e.Lane && a.matters[m]:
			i, ok := known[m]
			if !ok {
				i, e.Receptions = len(e.Receptions), append(e.Receptions, reception{Message: p})
				known[m] = i
			}
			e.Receptions[i].note(p, d)
		}
	}
	return e
}

// note notes what became of a message at one receiver. What was lost on one way may arrive on
// another, as when a client asks again, so that the last word is kept.
func (m *reception) note(p runtime.Place, d *Delivery) {
	not := func(i int) bool { return i == d.To }
	m.Late = slices.DeleteFunc(m.Late, not)
	switch {
	case d.Fate == runtime.Delivered:
		again := slices.Contains(m.Gets, d.To)
		m.Gets, m.Misses = insert(m.Gets, d.To), slices.DeleteFunc(m.Misses, not)
		if !again && !d.Changed && d.Summary != "" {
			m.Stay = append(m.Stay, p)
		}
	case !slices.Contains(m.Gets, d.To):
		m.Misses = insert(m.Misses, d.To)
		if d.Fate == runtime.Waiting {
			m.Late = insert(m.Late, d.To)
		}
	}
}

// A sentMessage is a message of a lane.
type sentMessage struct {
	from    int
	message node.Message
}

func (q *inquiry) sentMessage(at runtime.Place) sentMessage {
	return sentMessage{q.at(at).From, q.happened(at).Event.Message}
}

// missed lists which messages those whose answers are among the given events had
// not got when they answered, although they were sent to them and would have made
// a difference, and which they had, and lost their memory since.
func (a operationReport) missed(events []runtime.Place) []Sentence {
	var groups []*missedSentence
	by := map[string]*missedSentence{}
	var forgot []Sentence // those that lost what they had, be it in a restart
	type way struct {     // of a message to a server
		to int
		sentMessage
	}
	known, asked := map[way]bool{}, map[runtime.Place]bool{}
	for _, answer := range events {
		d := a.at(answer)
		if d.From < 0 || a.Lanes[d.From].Client || d.Origin == nil {
			continue
		}
		lost, forgotten := a.fates(d.From, *d.Origin)
		for _, f := range forgotten {
			if key := (way{d.From, a.sentMessage(f.Got)}); !known[key] {
				known[key], forgot = true, append(forgot, f)
			}
		}
		if !asked[*d.Origin] { // it may have answered several at once
			asked[*d.Origin], forgot = true, append(forgot, a.restarted(*d.Origin)...)
		}
		for _, p := range lost {
			key := way{d.From, a.sentMessage(p)}
			if known[key] || !a.mattered(p, *d.Origin) {
				continue
			}
			known[key] = true
			a.matters[a.happened(p).Event.Message] = true
			twins := a.informed(d.From, p, *d.Origin)
			group := fmt.Sprint(a.at(p).From, twins, a.at(p).Message)
			g := by[group]
			if g == nil {
				g = &missedSentence{Twins: twins}
				by[group], groups = g, append(groups, g)
			}
			i, _ := slices.BinarySearch(g.Servers, d.From)
			g.Servers = slices.Insert(g.Servers, i, d.From)
			g.Answers = slices.Insert(g.Answers, i, *d.Origin)
			g.Lost = slices.Insert(g.Lost, i, p)
		}
	}
	slices.SortStableFunc(groups, func(x, y *missedSentence) int { return x.Lost[0].Compare(y.Lost[0]) })
	story := forgot
	for _, g := range groups {
		story = append(story, *g)
	}
	return story
}

// restarted describes that what a server sent at a place rests on a restart, if that is so.
func (a operationReport) restarted(answer runtime.Place) []Sentence {
	server := a.at(answer).To
	log := a.past.Log(server)
	log = log[:slices.Index(log, answer)+1]
	calm, in := a.without(log, starts)
	if in == 0 || len(calm) == 0 || calm[len(calm)-1] != answer {
		return nil
	}
	did, ok := a.past.Replay(a.ctx, server, log, &a.budget)
	would, also := a.past.Replay(a.ctx, server, calm, &a.budget)
	if !ok || !also || slices.Equal(did.Sent, would.Sent) {
		return nil
	}
	return []Sentence{restartSentence{server, in, answer}}
}

// mattered reports whether a server would have answered otherwise if what stands at
// one place had come, there or just before it answered at the other.
func (a operationReport) mattered(lost, answer runtime.Place) bool {
	log := a.past.Log(a.at(answer).To)
	log = log[:slices.Index(log, answer)+1]
	did, ok := a.past.Replay(a.ctx, a.at(answer).To, log, &a.budget)
	if !ok {
		return false
	}
	due := slices.IndexFunc(log, func(p runtime.Place) bool { return lost.Before(p) })
	for _, i := range []int{due, len(log) - 1} {
		more := slices.Insert(slices.Clone(log), i, lost)
		would, ok := a.past.Replay(a.ctx, a.at(answer).To, more, &a.budget)
		if ok && !slices.Equal(did.Sent, would.Sent) {
			return true
		}
	}
	return false
}

// fates returns where messages to a server were last seen on their way to it
// before a place, if they never came, and lists those that changed something,
// came and were forgotten.
func (a operationReport) fates(server int, until runtime.Place) (lost []runtime.Place, forgot []forgotSentence) {
	var order []sentMessage
	last := map[sentMessage]runtime.Place{}
	var amnesia runtime.Place
	for p, d := range a.until(until) {
		if d.To != server || !p.Before(until) {
			continue
		}
		if d.From < 0 {
			if meaningOf(a.step(p)).deed == forgets {
				amnesia = p
			}
			continue
		}
		m := a.sentMessage(p)
		was, ok := last[m]
		if !ok {
			order = append(order, m)
		}
		if !ok || a.at(was).Fate != runtime.Delivered || d.Fate == runtime.Delivered {
			last[m] = p
		}
	}
	for _, m := range order {
		switch p := last[m]; {
		case a.at(p).Fate != runtime.Delivered:
			lost = append(lost, p)
		case p.Before(amnesia) && a.matters[m.message]:
			forgot = append(forgot, forgotSentence{server, p, amnesia, until})
		}
	}
	return lost, forgot
}

// informed lists the twins of a server that had got, before a place, the message
// that stands at another, and had not forgotten it since. That the twin knew is what makes an
// identity look as if it lied: the server that the client asked did not know.
func (a operationReport) informed(server int, message, until runtime.Place) []int {
	var twins []int
	for j, l := range a.Lanes {
		if j == server || l.Identity != a.Lanes[server].Identity {
			continue
		}
		got := false
		for p, d := range a.until(until) {
			switch {
			case d.To != j || !p.Before(until):
			case d.From < 0:
				got = got && meaningOf(a.step(p)).deed != forgets
			case d.Fate == runtime.Delivered && d.From == a.at(message).From && a.happened(p).Event.Message == a.happened(message).Event.Message:
				got = true
			}
		}
		if got {
			twins = append(twins, j)
		}
	}
	return twins
}
