package engine

import "github.com/twinsh/twinsh/runtime/node"

// rebased returns the local state in which no round number is left. A log of
// inputs has no such state, nor has one with a mailbox that is not empty: they hold the numbers.
func (s *states) rebased(id uint32, by int) (to uint32, ok bool) {
	l := s.at(id)
	if l.logs || len(l.mailbox) > 0 {
		return 0, false
	}
	failure := guard(func() error {
		n, err := s.node(id)
		if err != nil {
			return err
		}
		if rebaser, can := n.(node.Rebaser); can && rebaser.Rebase(by) {
			to, err = s.keep(l.start, l.flags, n)
			to = s.withCoins(to, l.coins)
			ok = err == nil
		}
		return err
	})
	return to, ok && failure == nil
}
