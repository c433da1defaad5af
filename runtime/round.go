package runtime

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A Phase is how messages flow during a round or a delivery: wave after wave,
// inside the parts of a partition. The zero Phase delivers everything under
// the topology in force.
type Phase struct {
	// Parts is a partition for this step only, nil for none; see [Cluster.Parts].
	Parts []Set
	// Deaf are instances that hear no messages of the given types in this step.
	Deaf  Set
	Types []string
	// Hops is how many waves are delivered; what is sent in the last one stays
	// in flight. 0 means until nothing is in flight.
	Hops int
}

// Parts turns groups of names into a partition, in which each server instance
// is in exactly one group. A client that no group names reaches every group.
// Errors begin with the name of the act that asks.
func (c *Cluster) Parts(act string, groups [][]string) ([]Set, error) {
	parts := []Set{}
	for _, group := range groups {
		p, err := c.set(group)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", act, err)
		}
		parts = append(parts, p)
	}
	if err := c.partitions(parts); err != nil {
		return nil, fmt.Errorf("%s: %w", act, err)
	}
	return parts, nil
}

// partitions reports why parts are no partition of the servers: one is empty,
// two overlap, or a server is in none. They may name clients.
func (c *Cluster) partitions(parts []Set) error {
	var named Set
	for _, p := range parts {
		if err := c.exist(p); err != nil {
			return err
		}
		if p == 0 {
			return errors.New("a group is empty")
		}
		if twice := p & named; twice != 0 {
			return fmt.Errorf("%s is in two groups", c.Names(twice)[0])
		}
		named |= p
	}
	if missing := c.servers &^ named; missing != 0 {
		return fmt.Errorf("%s is in no group; each of %s must be in one", c.Names(missing)[0], strings.Join(c.Names(c.servers), ", "))
	}
	return nil
}

// exist reports which members of s are no instances.
func (c *Cluster) exist(s Set) error {
	for i := range (s &^ (c.servers | c.clients)).All {
		return fmt.Errorf("there is no instance with number %d; the last is %d, %s", i, len(c.instances)-1, c.instances[len(c.instances)-1].Name)
	}
	return nil
}

// phase checks p and returns its text as further arguments of the act.
func (c *Cluster) phase(act string, p Phase) (phase, string, error) {
	if p.Hops < 0 {
		return phase{}, "", fmt.Errorf("%s: hops is %d, want 1 or more, or none for all", act, p.Hops)
	}
	if (p.Deaf == 0) != (len(p.Types) == 0) {
		return phase{}, "", fmt.Errorf("%s: deaf instances and the message types that they don't hear go together", act)
	}
	if err := c.KnownTypes(act, p.Types...); err != nil {
		return phase{}, "", err
	}
	if slices.Contains(p.Types, "") {
		return phase{}, "", fmt.Errorf("%s: types: a message type is empty", act)
	}
	if err := c.exist(p.Deaf); err != nil {
		return phase{}, "", fmt.Errorf("%s: deaf: %w", act, err)
	}
	if p.Parts != nil {
		if err := c.partitions(p.Parts); err != nil {
			return phase{}, "", fmt.Errorf("%s: %w", act, err)
		}
		p.Parts = sortParts(p.Parts)
	}
	q := phase{parts: p.Parts, hops: p.Hops}
	var text string
	if p.Parts != nil {
		text += ", groups = " + c.groupText(p.Parts)
	}
	if p.Hops > 0 {
		text += ", hops = " + strconv.Itoa(p.Hops)
	}
	if p.Deaf != 0 {
		text += ", deaf = " + list(c.Names(p.Deaf)) + ", types = " + list(p.Types)
		for _, kind := range p.Types {
			f := c.code.filter(kind, c.servers|c.clients, p.Deaf)
			f.number |= ofPhase
			q.deaf = append(q.deaf, f)
		}
	}
	return q, text, nil
}

// cellsOf returns the parts among which no message passes in a phase.
func (c *Cluster) cellsOf(p phase) []Set {
	if p.parts == nil || c.clients != 0 {
		return []Set{c.servers | c.clients}
	}
	return p.parts
}

// shape numbers what tells phases apart beside the members of a cell. If all
// instances are in one, that includes how they are parted.
func (c *Cluster) shape(p phase) uint32 {
	text := fmt.Sprint("phase ", p.hops)
	if c.clients != 0 {
		text += fmt.Sprint(p.parts)
	}
	for _, f := range p.deaf {
		text += fmt.Sprintf(" %q %d %d", f.kind, f.from, f.to)
	}
	return c.code.value(text)
}

// Round is the step in which a round begins, led by an identity. First all of
// its instances hear what was sent to the next leader and reached them; then
// every server learns that the round began, and messages flow. Leaders may
// propose [Round].Input, which is different in each round and for each twin.
func (c *Cluster) Round(leader string, p Phase) (Step, error) {
	id, err := c.Identity(leader)
	if err != nil {
		return Step{}, fmt.Errorf("round: leader: %w", err)
	}
	if c.identities[id].Client {
		return Step{}, fmt.Errorf("round: leader: %s is a client; servers lead", leader)
	}
	ph, text, err := c.phase("round", p)
	if err != nil {
		return Step{}, err
	}
	return newStep(step{
		cluster: c, kind: RoundStep, text: fmt.Sprintf("round(%q%s)", leader, text),
		who: id, set: c.identities[id].Instances, phase: ph, public: p, shape: c.shape(ph), cells: c.cellsOf(ph),
	}), nil
}

// Deliver is the step in which what is in flight arrives, and what is sent in
// answer.
func (c *Cluster) Deliver(p Phase) (Step, error) {
	ph, text, err := c.phase("deliver", p)
	if err != nil {
		return Step{}, err
	}
	text = strings.TrimPrefix(text, ", ")
	return newStep(step{cluster: c, kind: DeliverStep, text: "deliver(" + text + ")", phase: ph, public: p, shape: c.shape(ph), cells: c.cellsOf(ph)}), nil
}

// input is what an instance may propose in the round with the given number if
// its identity leads it; see [Round]. It names nobody, since worlds that differ
// only in names have to stay alike.
func (c *Cluster) input(i, leader, number int) string {
	if in := c.instances[i]; in.Identity == leader {
		return strconv.Itoa(number) + copyLetters(in.Copy)
	}
	return ""
}

// copyLetters tells the instances of one identity apart: a to z, then aa, ab and so on.
func copyLetters(copy int) string {
	s := string(rune('a' + copy%26))
	if copy >= 26 {
		s = copyLetters(copy/26-1) + s
	}
	return s
}

// Hold is the step after which messages on the link from src to dst queue up,
// until Release lets them go.
func (c *Cluster) Hold(src, dst string) (Step, error) {
	from, to, err := c.link("hold", src, dst)
	if err != nil {
		return Step{}, err
	}
	s := c.changing(HoldStep, fmt.Sprintf("hold(%q, %q)", src, dst), func(t *topology) *topology { return t.hold(from, to) })
	s.link = Act{Src: src, Dst: dst}
	return s, nil
}

// Release is the step that lets the first count messages that queue on a held
// link go; they arrive with the next delivery on whichever step. 0 releases
// all of them and ends the hold.
func (c *Cluster) Release(src, dst string, count int) (Step, error) {
	from, to, err := c.link("release", src, dst)
	if err != nil {
		return Step{}, err
	}
	if count < 0 {
		return Step{}, fmt.Errorf("release: count is %d, want 1 or more, or none for all", count)
	}
	text := fmt.Sprintf("release(%q, %q", src, dst)
	if count > 0 {
		text += ", " + strconv.Itoa(count)
	}
	return newStep(step{
		cluster: c, kind: ReleaseStep, text: text + ")", set: Of(from), who: to, count: count,
		link: Act{Src: src, Dst: dst, Count: count},
	}), nil
}

func (c *Cluster) link(act, src, dst string) (from, to int, err error) {
	if from, err = c.Instance(src); err == nil {
		to, err = c.Instance(dst)
	}
	if err == nil && from == to {
		err = fmt.Errorf("%s always reaches itself; name two instances", src)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", act, err)
	}
	return from, to, err
}

// Order is the step after which an instance hears first, of messages that
// arrive together, those from the given instances, in that order, and then the
// others as usual: in the order of the senders. No instances means as usual.
func (c *Cluster) Order(id string, first []string) (Step, error) {
	i, err := c.Instance(id)
	if err != nil {
		return Step{}, fmt.Errorf("order: %w", err)
	}
	if _, err := c.set(first); err != nil {
		return Step{}, fmt.Errorf("order: first: %w", err)
	}
	var senders []int
	for _, name := range first {
		senders = append(senders, c.byName[name])
	}
	text := fmt.Sprintf("order(%q, first = %s)", id, list(first))
	s := c.changing(OrderStep, text, func(t *topology) *topology { return t.prefer(i, senders) })
	s.link = Act{Who: id, Names: first}
	return s, nil
}
