package engine

import (
	"context"
	"strconv"

	"github.com/twinsh/twinsh/runtime/node"
)

// An opening is how a round begins, before messages flow: opening.play says what that
// is, and round.bring what comes of it in the step. It does not depend on the partition,
// so steps that differ in nothing else share it.
type opening struct {
	sys    *System
	ctx    context.Context
	src    []uint32 // whose opening it is
	round  uint32   // how many rounds began before it
	leader int
	events []openingEvent
	states []uint32 // with empty mailboxes, after the events
	why    string   // the round cannot begin
	lack   lacking  // because that is lacking
	args   []uint32 // numbers of the rounds that instances learn of, plus one
}

// An openingEvent is one event of an opening.
type openingEvent struct {
	instance int
	from     int // the instance that sent the mail, -1 for the beginning of the round
	before   uint32
	stimulus
	*outcome
}

// of makes o the opening of the round after the given number of rounds, as it begins
// for the instances in who.
func (o *opening) of(src []uint32, who node.Set, round uint32, leader int) {
	o.src, o.round, o.leader = append(o.src[:0], src...), round, leader
	o.events, o.why, o.lack = o.events[:0], "", lacking{}
	o.states = append(o.states[:0], src...)
	o.play(who)
}

// play is what happens: all instances of the leader hear what was sent to the next leader,
// and begin the round knowing it; then every server learns that the round began. What waits
// for instances that do not lead is lost. An instance whose state stands for an equivalence
// class does what the class is known to do (see recall).
func (o *opening) play(who node.Set) {
	for i := range (who & o.sys.identities[o.leader].Instances).All {
		if o.recall(i, true) {
			continue
		}
		for _, m := range o.sys.states.at(o.src[i]).mailbox {
			o.react(i, int(m.from), stimulus{node.MessageEvent, o.sys.instances[m.from].Identity, m.msg})
		}
	}
	for i := range who.All {
		if !o.recall(i, false) {
			o.react(i, -1, stimulus{kind: node.RoundEvent, arg: o.arg(i)})
		}
	}
}

// react lets instance i react. Before the first event its mailbox is emptied.
func (o *opening) react(i, from int, s stimulus) {
	before := o.sys.states.at(o.states[i]).bare
	e := openingEvent{i, from, before, s, o.sys.transitions.react(o.ctx, before, s)}
	o.events = append(o.events, e)
	o.states[i] = e.next
	o.note(e)
}

// note notes if an event forbids the round.
func (o *opening) note(e openingEvent) {
	if e.lacks != "" && o.why == "" {
		o.lack = lackOf(o.sys, e.instance, e.outcome)
		o.why = o.lack.why
		return
	}
	if e.from < 0 && e.refused != "" && o.why == "" {
		o.why = e.refused
	}
}

// arg numbers what instance i learns of the round.
func (o *opening) arg(i int) uint32 {
	sys := o.sys
	at := (int(o.round)*len(sys.identities)+o.leader)*len(sys.instances) + i
	for at >= len(o.args) {
		o.args = append(o.args, 0)
	}
	if o.args[at] == 0 {
		number := int(o.round) + 1
		r := node.Round{Number: number, Leader: sys.identities[o.leader].Name, Input: proposal(sys.instances[i], o.leader, number)}
		o.args[at] = sys.values.value(r) + 1
	}
	return o.args[at] - 1
}

// is reports whether o is the opening of this round already.
func (o *opening) is(src []uint32, round uint32, leader int) bool {
	if o.leader != leader || o.round != round || len(o.src) != len(src) {
		return false
	}
	for i, id := range src {
		if o.src[i] != id {
			return false
		}
	}
	return true
}

// proposal is what an instance may propose in the round with the given number if
// its identity leads it; see [node.Round]. It names no identity, since worlds that differ
// only in names have to stay images of each other.
func proposal(in node.Instance, leader, number int) string {
	if in.Identity == leader {
		return strconv.Itoa(number) + copyLetters(in.Copy)
	}
	return ""
}

// copyLetters distinguishes the instances of one identity: a to z, then aa, ab and so on.
func copyLetters(copy int) string {
	s := string(rune('a' + copy%26))
	if copy >= 26 {
		s = copyLetters(copy/26-1) + s
	}
	return s
}
