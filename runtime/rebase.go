package runtime

import (
	"fmt"

	"github.com/twinsh/twinsh/runtime/node"
)

// Rebased returns a text for a vector that is equal for worlds that differ
// only in the numbers of their rounds, whatever these are. It reports false if
// some node is no [node.Rebaser] that can encode its state, or fails, or if messages
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
		n, err := k.node(id)
		if err != nil {
			return err
		}
		if rebaser, can := n.(node.Rebaser); can && rebaser.Rebase(by) {
			to, err = k.keep(l.start, l.flags, n)
			ok = err == nil
		}
		return err
	})
	return to, ok && failure == nil
}
