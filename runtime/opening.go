package runtime

import "context"

// An opening is how a round begins, before messages flow: all instances of the
// leader open their letters, and begin the round knowing them; then every
// server learns that the round began. It does not depend on the partition, so
// that steps that differ in nothing else share it.
type opening struct {
	cluster *Cluster
	ctx     context.Context
	src     []uint32 // whose opening it is
	round   uint32
	leader  int
	events  []opened
	states  []uint32 // without letters, after the events
	rested  []uint32 // the classes of these, plus one; 0 if unknown
	why     string   // the round cannot begin
	// expected is what may come after the round, which the classes are for.
	expected expectation
	args     []uint32 // numbers of the rounds that instances learn of, plus one
}

// opened is one event of an opening.
type opened struct {
	instance int
	from     int // the instance that wrote the letter, -1 for the beginning of the round
	before   uint32
	stimulus
	*outcome
}

// of makes o that of the round after the given number of rounds, as it begins
// for the instances in who.
func (o *opening) of(src []uint32, who Set, round uint32, leader int) {
	c := o.cluster
	o.src, o.round, o.leader = append(o.src[:0], src...), round, leader
	o.events, o.why = o.events[:0], ""
	o.states = append(o.states[:0], src...)
	o.rested = append(o.rested[:0], src...)
	clear(o.rested)
	for i := range (who & c.identities[leader].Instances).All {
		l := c.code.locals.at(src[i])
		o.recall(i, l, func(e opened) bool { return e.from >= 0 })
		for _, letter := range l.letters {
			o.react(i, int(letter.from), stimulus{MessageEvent, c.instances[letter.from].Identity, letter.msg})
		}
	}
	for i := range who.All {
		l := c.code.locals.at(src[i])
		if l.class == nil {
			o.react(i, -1, stimulus{kind: RoundEvent, arg: o.arg(i)})
		} else {
			o.recall(i, l, func(e opened) bool { return e.from < 0 })
			o.states[i] = l.class.reaction(leader).state
		}
	}
}

// recall adds what the members of a class are known to do.
func (o *opening) recall(i int, l *local, which func(opened) bool) {
	if l.class == nil {
		return
	}
	for _, e := range l.class.reaction(o.leader).events {
		if which(e) {
			o.events = append(o.events, e)
			o.note(e)
		}
	}
}

func (o *opening) react(i, from int, s stimulus) {
	before := o.cluster.code.locals.at(o.states[i]).bare
	e := opened{i, from, before, s, o.cluster.code.react(o.ctx, before, s)}
	o.events = append(o.events, e)
	o.states[i] = e.next
	o.note(e)
}

// note notes if an event forbids the round.
func (o *opening) note(e opened) {
	if e.from < 0 && e.refused != "" && o.why == "" {
		o.why = e.refused
	}
}

// arg numbers what instance i learns of the round.
func (o *opening) arg(i int) uint32 {
	c := o.cluster
	at := (int(o.round)*len(c.identities)+o.leader)*len(c.instances) + i
	for at >= len(o.args) {
		o.args = append(o.args, 0)
	}
	if o.args[at] == 0 {
		number := int(o.round) + 1
		r := Round{Number: number, Leader: c.identities[o.leader].Name, Input: c.input(i, o.leader, number)}
		o.args[at] = c.code.value(r) + 1
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
