package runtime

import "fmt"

// Rebaser is implemented by nodes that treat round numbers alike: what they do
// depends on differences between them only. Rebase subtracts by from each
// round number in the node's state, or reports that it cannot.
type Rebaser interface {
	Rebase(by int) bool
}

// Rebased returns a text for a vector that is equal for worlds that differ
// only in the numbers of their rounds, whatever these are. It reports false if
// some node is no [Rebaser] or messages are in flight, which may tell rounds.
func (c *Cluster) Rebased(v Vector) (string, bool) {
	e := *c.code.envs.at(v[len(v)-1])
	if len(e.flight)+len(e.deferred) > 0 {
		return "", false
	}
	key := fmt.Sprint(e.topology)
	for i := range c.instances {
		l := c.code.locals.at(v[i])
		node, err := c.code.node(v[i])
		if err != nil {
			return "", false
		}
		rebaser, ok := node.(Rebaser)
		if !ok || !rebaser.Rebase(int(e.round)) {
			return "", false
		}
		id, err := c.code.keep(l.start, l.flags, node)
		if err != nil {
			return "", false
		}
		key += fmt.Sprint(" ", id)
	}
	return key, true
}
