package engine

import "github.com/twinsh/twinsh/runtime/node"

// What instances learn of how messages flow, beside the messages: player.silence and
// player.hopBegins say when. A system whose nodes attend to neither pays one comparison for
// each step that is played.

// A region is a set of instances that take part in a step and are connected by links, in
// whichever direction, over others if need be. A message to another region does not arrive, so
// what is in flight within one does not depend on the others, and it makes no difference
// which others are played together with it.
type region struct {
	members node.Set
	silent  bool // its members know that nothing is in flight in it
}

// regionsOf appends the regions into which members fall in this step, none if no member
// attends to moments.
func regionsOf(p *player, members node.Set, to []region) []region {
	if members&(p.sys.hopping|p.sys.quieting) == 0 {
		return to
	}
	for i := range members.All {
		joined := node.SetOf(i) | p.topology.reach[i]&p.part[i]&members
		apart := to[:0]
		for _, r := range to {
			if r.members&joined != 0 {
				joined |= r.members
			} else {
				apart = append(apart, r)
			}
		}
		to = append(apart, region{members: joined})
	}
	return to
}

// fallSilent notes in which regions something is in flight, and returns the members of those
// in which now nothing is any more.
func fallSilent(p *player) node.Set {
	var now node.Set
	for k := range p.regions {
		r := &p.regions[k]
		busy := false
		for _, q := range p.wave {
			busy = busy || q.among(r.members)
		}
		if !busy && !r.silent {
			now |= r.members
		}
		r.silent = !busy
	}
	return now
}

// attend notes to which moments the nodes of a start attend.
func attend(sys *System, start int) error {
	n, err := sys.newNode(start)
	if err != nil {
		return err
	}
	a, ok := n.(node.Attentive)
	if !ok {
		return nil
	}
	for i, s := range sys.spec.StartOf {
		if s != start {
			continue
		}
		if a.Attends(node.HopEvent) {
			sys.hopping |= node.SetOf(i)
		}
		if a.Attends(node.QuietEvent) {
			sys.quieting |= node.SetOf(i)
		}
	}
	return nil
}
