package engine

import (
	"strconv"

	"github.com/twinsh/twinsh/runtime/node"
)

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
