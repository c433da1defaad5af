package runtime

import (
	"fmt"
	"strconv"
	"strings"
)

// Rebaser is implemented by nodes that treat round numbers the same: what they do
// depends on differences between them only, and of inputs on whether they are
// equal. Rebase subtracts by from each round number in the node's state, or
// reports that it cannot. It leaves all inputs as they are, or puts all of them
// through [RebaseInput].
type Rebaser interface {
	Rebase(by int) bool
}

// recentRounds is how long an input counts as that of a round and not as a value.
const recentRounds = 6

// RebaseInput makes worlds equal that keep inputs ([Round].Input) in their
// states: by is the number of the round that ended. The input of one of the last
// six rounds is changed into how long ago that was, so that what is proposed
// anew again and again is the same each time. An older one stays, so that a
// value to which a replica holds on is. Different inputs stay different.
func RebaseInput(input string, by int) string {
	letters := strings.TrimLeft(input, "0123456789")
	number, err := strconv.Atoi(strings.TrimSuffix(input, letters))
	if err != nil || number <= by-recentRounds {
		return input
	}
	return strconv.Itoa(number-by) + letters
}

// Rebased returns a text for a vector that is equal for worlds that differ
// only in the numbers of their rounds, whatever these are. It reports false if
// some node is no [Rebaser] that can encode its state, or fails, or if messages
// are in flight, which may tell rounds.
func (c *Cluster) Rebased(v Vector) (string, bool) {
	e := *c.code.envs.at(v[len(v)-1])
	if len(e.flight) > 0 {
		return "", false
	}
	key := fmt.Sprint(e.topology)
	for i := range c.instances {
		id, ok := c.code.rebased(v[i], int(e.round))
		if !ok {
			return "", false
		}
		key += fmt.Sprint(" ", id)
	}
	return key, true
}

// rebased returns the local state in which no round number is left. A log of
// inputs has no such state, nor has one with a mailbox that is not empty: they hold the numbers.
func (k *code) rebased(id uint32, by int) (to uint32, ok bool) {
	l := k.locals.at(id)
	if l.logs || len(l.mailbox) > 0 {
		return 0, false
	}
	failure := k.guard(func() error {
		node, err := k.node(id)
		if err != nil {
			return err
		}
		if rebaser, can := node.(Rebaser); can && rebaser.Rebase(by) {
			to, err = k.keep(l.start, l.flags, node)
			ok = err == nil
		}
		return err
	})
	return to, ok && failure == nil
}
