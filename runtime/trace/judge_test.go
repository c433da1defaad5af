package trace

import (
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/english"
	"github.com/twinsh/twinsh/runtime/node"
)

// A judge checks sentences of one scenario.
type judge struct {
	rapid.TB
	w    *runtime.World
	past [][]runtime.Delivery
	tr   *Trace
}

func (j *judge) at(p runtime.Place) runtime.Delivery { return j.past[p.Step-1][p.At] }

func (j *judge) name(lane int) string { return j.w.Cluster().Instances()[lane].Name }

func (j *judge) names(lanes []int) (names []string) {
	for _, i := range lanes {
		names = append(names, j.name(i))
	}
	return names
}

// says checks that a text holds words, which the data asks for.
func (j *judge) says(s Sentence, words ...string) {
	text := j.tr.Say(s)
	for _, word := range words {
		if !strings.Contains(text, word) {
			j.Fatalf("%q does not say %q, which is in %+v", text, word, s)
		}
	}
}

// until calls f for each delivery before a place.
func (j *judge) until(end runtime.Place, f func(p runtime.Place, d runtime.Delivery)) {
	for k, deliveries := range j.past {
		for i, d := range deliveries {
			if p := (runtime.Place{Step: k + 1, At: i}); p.Before(end) {
				f(p, d)
			}
		}
	}
}

// sentence checks one sentence of the explanation of v, after those before it.
func (j *judge) sentence(v *runtime.World, before []Sentence, s Sentence) {
	switch s := s.(type) {
	case occasionSentence:
		j.occasion(v, s)
	case enoughSentence:
		j.enough(s, before)
	case behindSentence:
		j.behind(v, s)
	case partedSentence:
		j.parted(s)
	case crossedSentence:
		j.crossed(s)
	case changedSentence:
		j.changed(v, s)
	case clientOperation:
		j.operation(s)
	case missedSentence:
		j.missed(s)
	case forgotSentence:
		j.forgot(s)
	case restartedSentence:
		j.restarted(s)
	case restartSentence:
		j.restart(s)
	case unknownSentence:
		if n := len(j.w.Past().Log(j.at(s.At).To)); n < 100 {
			j.Fatalf("what enabled %v should be known: only %d events reached %s", s.At, n, j.name(j.at(s.At).To))
		}
	case omittedSentence:
	default:
		j.Fatalf("a %T is not checked", s)
	}
}

// occasion checks that it was seen there, and nothing is said of a sender if there is none.
func (j *judge) occasion(v *runtime.World, s occasionSentence) {
	d := j.at(s.At)
	if s.At.Step != v.Depth() && s.Seen.Kind != Decided || !slices.Contains(j.tr.at(s.At).Seen, s.Seen) || len(d.Seen) == 0 {
		j.Fatalf("step %d: %+v was not observed there", v.Depth(), s)
	}
	j.says(s, j.name(d.To), fmt.Sprintf("in step %d", s.At.Step))
	if d.From >= 0 {
		j.says(s, node.Text(d.Event.Message)+" from "+j.name(d.From))
	}
}

func (j *judge) parted(s partedSentence) {
	groups := j.groups(s.Step)
	if len(groups) < 2 {
		j.Fatalf("step %d is not parted", s.Step)
	}
	for _, g := range groups {
		j.says(s, strings.Join(g, " "))
	}
}

// changed checks that all lanes that changed are named, and no other.
func (j *judge) changed(v *runtime.World, s changedSentence) {
	for i := range j.tr.Lanes {
		if text := j.name(i) + " is at " + english.Squeeze(v.Summary(i), 60); v.Changed(i) != strings.Contains(j.tr.Say(s), text) && v.Summary(i) != "" {
			j.Fatalf("%s: changed %v, and it is said: %s", text, v.Changed(i), j.tr.Say(s))
		}
	}
}

// forgot checks that a message came, then the memory went, and it did not come again.
func (j *judge) forgot(s forgotSentence) {
	got, lost := j.at(s.Got), j.at(s.Lost)
	if got.To != s.Server || got.Fate != runtime.Delivered || lost.To != s.Server || j.tr.Steps[s.Lost.Step-1].Kind != "amnesia" ||
		!s.Got.Before(s.Lost) || !s.Lost.Before(s.Answer) || j.at(s.Answer).To != s.Server {
		j.Fatalf("%+v is untrue", s)
	}
	j.until(s.Answer, func(p runtime.Place, d runtime.Delivery) {
		if s.Got.Before(p) && d.To == s.Server && d.Fate == runtime.Delivered && d.From == got.From && d.Event.Message == got.Event.Message {
			j.Fatalf("%+v: it came again at %v", s, p)
		}
	})
	j.says(s, j.name(s.Server)+" had got "+node.Text(got.Event.Message)+" from "+j.name(got.From), fmt.Sprintf("in step %d", s.Lost.Step))
}

// restart plays the log of a server by hand, with restarts and without.
func (j *judge) restart(s restartSentence) {
	var log, calm []runtime.Place
	last := 0
	j.until(runtime.Place{Step: s.Answer.Step, At: s.Answer.At + 1}, func(p runtime.Place, d runtime.Delivery) {
		if d.To != s.Server || d.Fate != runtime.Delivered {
			return
		}
		kind := ""
		if d.From < 0 {
			kind = j.tr.Steps[p.Step-1].Kind
		}
		if log = append(log, p); kind == "restart" {
			last = p.Step
		}
		if kind != "restart" && kind != "crash" {
			calm = append(calm, p)
		}
	})
	_, did, ok := j.byHand(s.Server, log)
	_, would, also := j.byHand(s.Server, calm)
	if last == 0 || last != s.In || !ok || !also || slices.Equal(did, would) {
		j.Fatalf("%+v is untrue: %v, without restarts %v", s, did, would)
	}
	j.says(s, j.name(s.Server), fmt.Sprintf("restarted in step %d", s.In))
}

// enough plays the events by hand, and again without each of them.
func (j *judge) enough(s enoughSentence, before []Sentence) {
	lane := j.at(s.At).To
	var background []runtime.Place
	j.until(s.After, func(p runtime.Place, d runtime.Delivery) {
		if d.To == lane && d.Fate == runtime.Delivered {
			background = append(background, p)
		}
	})
	var want func(seen []node.Observation, sent []node.Sent) bool
	if s.Arrival != nil {
		arrived := j.at(*s.Arrival)
		want = func(_ []node.Observation, sent []node.Sent) bool {
			return slices.ContainsFunc(sent, func(m node.Sent) bool {
				return m.Message == arrived.Event.Message && (arrived.Hop == 0 && m.To == node.ToNextLeader ||
					arrived.Hop > 0 && (m.To == node.ToServers && !j.tr.Lanes[arrived.To].Client || m.To == j.tr.Lanes[arrived.To].Identity))
			})
		}
	} else {
		seen := Observation{}
		for _, b := range before {
			if o, ok := b.(occasionSentence); ok {
				seen = o.Seen
			}
			if e, ok := b.(clientOperation); ok && e.Lane == lane {
				seen = Observation{Kind: Returned, Text: e.Result}
				if e.Aborted {
					seen.Kind = Aborted
				}
			}
		}
		i := slices.IndexFunc(j.tr.at(s.At).Seen, func(o Observation) bool { return o == seen })
		if i < 0 {
			j.Fatalf("%+v is about nothing that was seen: %+v", s, seen)
		}
		o := j.at(s.At).Seen[i]
		want = func(seen []node.Observation, _ []node.Sent) bool {
			return slices.ContainsFunc(seen, func(got node.Observation) bool {
				// A panic by hand has other frames. Its message remains: code that fails in
				// another way does not do the same.
				got.Failure, o.Failure = node.Failure{Message: got.Failure.Message}, node.Failure{Message: o.Failure.Message}
				return got == o
			})
		}
	}
	if n := len(s.Events); n == 0 || s.Events[n-1] != s.At || !slices.IsSortedFunc(s.Events, runtime.Place.Compare) {
		j.Fatalf("%+v: the events are not in order", s)
	}
	if !j.played(lane, slices.Concat(background, s.Events), want) {
		j.Fatalf("%s at %v: the events %v are not enough", j.name(lane), s.At, s.Events)
	}
	for i := range len(s.Events) - 1 {
		fewer := slices.Concat(background, s.Events[:i], s.Events[i+1:])
		if j.played(lane, fewer, want) {
			j.Fatalf("%s at %v: of the events %v, %v can be missing", j.name(lane), s.At, s.Events, s.Events[i])
		}
	}
	for _, p := range s.Events {
		if d := j.at(p); d.From >= 0 {
			j.says(s, node.Text(d.Event.Message), j.name(d.From))
		}
	}
}

// restarted plays what reached a lane by hand, without restarts.
func (j *judge) restarted(s restartedSentence) {
	lane := j.at(s.At).To
	var calm []runtime.Place
	decided := s.Before == runtime.Place{}
	j.until(s.At, func(p runtime.Place, d runtime.Delivery) {
		if d.To != lane || d.Fate != runtime.Delivered {
			return
		}
		if d.From >= 0 || !slices.Contains([]string{"crash", "restart", "amnesia"}, j.tr.Steps[p.Step-1].Kind) {
			calm = append(calm, p)
		}
		decided = decided || p == s.Before && slices.Contains(j.tr.at(p).Seen, s.Had) && s.Had.Slot == s.Seen.Slot && s.Had.Text != s.Seen.Text
	})
	o := j.at(s.At).Seen[slices.Index(j.tr.at(s.At).Seen, s.Seen)]
	seen, _, ok := j.byHand(lane, append(calm, s.At))
	if !decided || !ok || slices.Contains(seen, o) {
		j.Fatalf("%+v is untrue: without restarts %v", s, seen)
	}
	j.says(s, j.name(lane), fmt.Sprintf("in step %d", s.In))
}

// played drives a node by hand through events, and judges its last reaction.
func (j *judge) played(lane int, events []runtime.Place, want func([]node.Observation, []node.Sent) bool) bool {
	seen, sent, ok := j.byHand(lane, events)
	return ok && want(seen, sent)
}

func (j *judge) byHand(lane int, events []runtime.Place) (seen []node.Observation, sent []node.Sent, ok bool) {
	fresh := func() node.Node {
		c := j.w.Cluster()
		id := c.Identities()[c.Instances()[lane].Identity]
		self := node.Self{ID: id.Name, N: c.Config().N, F: c.Config().F, Servers: c.Config().Servers}
		make := func() (node.Node, error) { return c.Config().Protocol.NewServer(self) }
		if id.Client {
			make = func() (node.Node, error) {
				for _, client := range c.Config().Clients {
					if client.Name == id.Name {
						return c.Config().Protocol.NewClient(self, client.Program)
					}
				}
				return nil, fmt.Errorf("no client %s", id.Name)
			}
		}
		made, err := make()
		if err != nil {
			j.Fatal(err)
		}
		return made
	}
	n, down, broken := fresh(), false, false
	var coins node.Reaction // holds what coins show
	for _, p := range events {
		seen, sent = nil, nil
		d := j.at(p)
		switch kind := j.tr.Steps[p.Step-1].Kind; {
		case d.Event.Kind == node.CoinEvent:
			coins.Throw(d.Event.Coin)
		case d.From < 0 && slices.Contains([]string{"crash", "restart", "amnesia"}, kind):
			if broken || kind == "crash" && down {
				return nil, nil, false
			}
			if down = kind == "crash"; kind == "amnesia" {
				n = fresh()
			} else if kind == "restart" {
				if r, can := n.(node.Restarter); can {
					r.Restart()
				} else {
					n = fresh()
				}
			}
		case down || broken:
			if d.Event.Kind != node.MessageEvent && d.Event.Kind != node.RoundEvent {
				return nil, nil, false
			}
		default:
			var out node.Reaction
			left, _ := coins.Coins()
			out.Take(left)
			failure := react(n, d.Event, &out)
			if coin, _ := out.Lack(); coin != "" {
				return nil, nil, false
			}
			if failure != nil {
				broken = true
				seen = append(slices.Clone(out.Observations()), node.Observation{Kind: node.Failed, Failure: *failure})
				continue
			}
			if out.Refused() != "" {
				if d.Event.Kind != node.MessageEvent {
					return nil, nil, false
				}
				continue
			}
			left, _ = out.Coins()
			coins.Take(left)
			seen, sent = out.Observations(), out.Sends()
		}
	}
	return seen, sent, true
}

// react runs code of a node, and returns how it failed, if it did. Of a panic it is the message.
func react(n node.Node, e node.Event, out *node.Reaction) (failure *node.Failure) {
	defer func() {
		if p := recover(); p != nil {
			failure = &node.Failure{Message: fmt.Sprintf("panic: %v", p)}
		}
	}()
	n.React(e, out)
	return out.Failed()
}

// behind checks who is in both.
func (j *judge) behind(v *runtime.World, s behindSentence) {
	c := j.w.Cluster()
	var both, correct []string
	for _, id := range c.Identities() {
		has := func(lanes []int) bool {
			return slices.ContainsFunc(lanes, func(i int) bool { return id.Instances.Has(i) })
		}
		if has(s.One) && has(s.Two) {
			if both = append(both, id.Name); v.Faulty()&id.Instances == 0 {
				correct = append(correct, id.Name)
			}
		}
	}
	if !slices.Equal(both, s.Both) || !slices.Equal(correct, s.Correct) {
		j.Fatalf("%+v: %v are in both, and %v of them are correct", s, both, correct)
	}
	j.says(s, slices.Concat(j.names(s.One), j.names(s.Two))...)
}

// groups is the partition of a step by names, given by the step or by one before.
func (j *judge) groups(step int) (groups [][]string) {
	for _, v := range j.w.Path()[1 : step+1] {
		var own [][]string
		switch a := v.Step().Action().(type) {
		case runtime.PartitionStep:
			groups = a.Groups
		case runtime.HealStep:
			groups = nil
		case runtime.RoundStep:
			own = a.Groups
		case runtime.DeliverStep:
			own = a.Groups
		}
		if v.Depth() == step && own != nil {
			groups = own
		}
	}
	return groups
}

func (j *judge) crossed(s crossedSentence) {
	d := j.at(s.At)
	part := func(lane int) int {
		return slices.IndexFunc(j.groups(s.At.Step), func(g []string) bool { return slices.Contains(g, j.name(lane)) })
	}
	if d.From < 0 || d.Hop != 0 || part(d.From) < 0 || part(d.To) < 0 || part(d.From) == part(d.To) {
		j.Fatalf("%+v: %s and %s are not apart, or this is no mail", s, j.name(d.From), j.name(d.To))
	}
	j.says(s, node.Text(d.Event.Message)+" from "+j.name(d.From), "reached "+j.name(d.To))
}

// operation checks what a client heard, what became of what it sent, and whether it
// returned.
func (j *judge) operation(s clientOperation) {
	for _, h := range s.Heard {
		heard, _ := j.fates(s, h.Message)
		if len(heard) != len(h.From) || slices.ContainsFunc(h.From, func(i int) bool { return !heard[i] }) {
			j.Fatalf("%+v: %+v was heard from %v", s, h, heard)
		}
		j.says(s, node.Text(j.at(h.Message).Event.Message)+" from "+j.name(h.From[0]))
	}
	for _, m := range s.Receptions {
		j.reception(s, m)
	}
	ended := map[node.ObservationKind]bool{}
	for _, o := range j.at(s.Ended).Seen {
		ended[o.Kind] = j.at(s.Ended).To == s.Lane
	}
	if s.Returned && !ended[node.Returned] || s.Aborted && !ended[node.Aborted] {
		j.Fatalf("%+v has not ended so", s)
	}
	j.says(s, j.name(s.Lane)+" "+s.Operation)
}

// A fate is what became of a message at one receiver.
type fate struct{ got, late, changed bool }

// fates follows the message that is delivered at m through an operation: from whom its
// client heard it, and what became of it where the client sent it.
func (j *judge) fates(s clientOperation, m runtime.Place) (heard map[int]bool, became map[int]fate) {
	heard, became = map[int]bool{}, map[int]fate{}
	end := runtime.Place{Step: s.Ended.Step, At: s.Ended.At + 1}
	j.until(end, func(p runtime.Place, d runtime.Delivery) {
		if p.Before(s.Begun) || d.From < 0 || d.Event.Message != j.at(m).Event.Message {
			return
		}
		if d.To == s.Lane && d.Fate == runtime.Delivered {
			heard[d.From] = true
		}
		if d.From == s.Lane {
			f := became[d.To]
			f.late = d.Fate == runtime.Waiting
			if d.Fate == runtime.Delivered && !f.got {
				f.got, f.changed = true, d.Changed
			}
			became[d.To] = f
		}
	})
	return heard, became
}

// reception checks what is said of one message that a client sent.
func (j *judge) reception(s clientOperation, m reception) {
	_, became := j.fates(s, m.Message)
	for i, f := range became {
		stays := slices.ContainsFunc(m.Stay, func(p runtime.Place) bool { return j.at(p).To == i })
		if slices.Contains(m.Gets, i) != f.got || slices.Contains(m.Misses, i) == f.got || slices.Contains(m.Late, i) != (f.late && !f.got) || stays && f.changed {
			j.Fatalf("%+v: what became of %+v at %s is %+v", s, m, j.name(i), f)
		}
		if slices.Contains(m.Misses, i) && !strings.Contains(j.tr.Say(s), j.name(i)) {
			j.Fatalf("%q does not say that %s missed it", j.tr.Say(s), j.name(i))
		}
	}
	if len(became) != len(m.Gets)+len(m.Misses) {
		j.Fatalf("%+v: %+v is about others than %v", s, m, became)
	}
}

func (j *judge) missed(s missedSentence) {
	lost := j.at(s.Lost[0])
	for i, server := range s.Servers {
		d, answer := j.at(s.Lost[i]), s.Answers[i]
		if d.To != server || d.Fate == runtime.Delivered || d.From != lost.From || d.Event.Message != lost.Event.Message || j.at(answer).To != server {
			j.Fatalf("%+v: %s was not sent that in vain", s, j.name(server))
		}
		var log []runtime.Place
		j.until(runtime.Place{Step: answer.Step, At: answer.At + 1}, func(p runtime.Place, e runtime.Delivery) {
			if e.To != server || e.Fate != runtime.Delivered {
				return
			}
			if log = append(log, p); p != answer && e.From == d.From && e.Event.Message == d.Event.Message {
				j.Fatalf("%+v: %s got it at %v", s, j.name(server), p)
			}
		})
		_, did, _ := j.byHand(server, log)
		differs := false
		for n := range log {
			_, would, ok := j.byHand(server, slices.Insert(slices.Clone(log), n, s.Lost[i]))
			differs = differs || ok && !slices.Equal(did, would)
		}
		if !differs {
			j.Fatalf("%+v: %s would have answered the same with it", s, j.name(server))
		}
		j.says(s, j.name(server), fmt.Sprintf("step %d", s.Lost[i].Step))
	}
	for _, twin := range s.Twins {
		got := false
		j.until(s.Answers[len(s.Answers)-1], func(_ runtime.Place, d runtime.Delivery) {
			got = got || d.To == twin && d.Fate == runtime.Delivered && d.From == lost.From && d.Event.Message == lost.Event.Message
		})
		if !got || j.tr.Lanes[twin].Identity == "" {
			j.Fatalf("%+v: the twin %s had not got it", s, j.name(twin))
		}
	}
	j.says(s, node.Text(lost.Event.Message)+" from "+j.name(lost.From))
}

// storyboard checks each cell, and what stands below the steps.
func (j *judge) storyboard() {
	text := Storyboard(j.tr, Options{Width: 4000})
	for k, v := range j.w.Path()[1:] {
		s := &j.tr.Steps[k]
		for i, l := range j.tr.Lanes {
			asked := slices.ContainsFunc(j.past[k], func(d runtime.Delivery) bool { return d.To == i && d.Fate == runtime.Delivered })
			want := v.Summary(i)
			switch {
			case !asked:
				want = ""
			case s.Kind == "amnesia":
				want = "–"
			case s.Kind == "crash", v.Failed().Has(i) && !v.Parent().Failed().Has(i):
				want = "down"
			case !v.Changed(i):
				want = "·"
			}
			if got := s.cell(i); got != want && !l.Client && (want != "" || !asked) {
				j.Fatalf("step %d: the cell of %s is %q, want %q", k+1, l.Name, got, want)
			}
		}
		for _, u := range unheardIn(j.tr, k) {
			j.unheard(k, u)
			if r := u.remark(j.tr); !strings.Contains(text, " "+r.one) && !strings.Contains(text, " "+r.many) {
				j.Fatalf("the storyboard does not say that %s %s:\n%s", j.name(u.lane), r.one, text)
			}
		}
		link := ""
		switch a := v.Step().Action().(type) {
		case runtime.CutStep:
			link = a.Src + " → " + a.Dst
		case runtime.HoldStep:
			link = a.Src + " → " + a.Dst
		}
		if !strings.HasSuffix(s.Title, link) {
			j.Fatalf("%s is titled %q", v.Step(), s.Title)
		}
	}
}

// unheard checks what is said of a lane that did not hear something.
func (j *judge) unheard(k int, u unheard) {
	kept, came := map[int]bool{}, map[int]bool{}
	for _, d := range j.past[k] {
		if d.To != u.lane || d.From < 0 || node.MessageType(d.Event.Message) != u.kind {
			continue
		}
		kept[d.From] = kept[d.From] || d.Fate == runtime.Filtered
		came[d.From] = came[d.From] || d.Fate == runtime.Delivered
	}
	said := u.remark(j.tr).one
	for i := range j.tr.Lanes {
		if kept[i] != slices.Contains(u.from, i) {
			j.Fatalf("step %d: %s is said to miss the %s of %v, which is not so for %s", k+1, j.name(u.lane), u.kind, j.names(u.from), j.name(i))
		}
		if came[i] && said == "does not hear "+u.kind || came[i] && i != u.lane && strings.HasPrefix(said, "hears no") {
			j.Fatalf("step %d: %s hears the %s of %s, but: %s", k+1, j.name(u.lane), u.kind, j.name(i), said)
		}
	}
}
