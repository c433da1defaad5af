package engine

import (
	"cmp"
	"context"
	"slices"

	"github.com/twinsh/twinsh/runtime/node"
)

// A protocol that treats identities the same promises that its transition relation is
// equivariant: a step after a renaming leads where the renaming leads from where the step
// led. A step can break that at few places only. What travels is parted by links and sorted
// by them, and a topology is renamed as it stands; all else that happens is reactions of
// code. A reaction is equivariant if what an instance does after a renaming is what it did,
// renamed. Since messages of one hop arrive in the order of their senders, which a renaming
// changes, it is all that reaches an instance in one hop that has to be looked at together,
// and not each message.
//
// If each reaction in a step is equivariant, then so is the step, by induction over its hops.
// There are far fewer reactions than steps, and they come in orbits, of which each member is
// played once. Left to those who compare whole steps are: reactions that are not equivariant,
// which may yet make no difference to the step; steps that were ended because they never fall
// silent; and operations of several instances, whose order in the step depends on names.

// A reaction is numbered words, in this order:
//
//   - its kind, and the instance
//   - the local state before it
//   - its argument; of a hop how many messages are heard first by way of an order
//   - an identity: who leads the round that begins, else 0
//   - of a hop: those whom the instance hears first by way of an order, then the messages
//     that arrive, each with its sender before it
type reactionKey []uint32

// Kinds of reactions beside the kinds of events.
const (
	ofHop     = 1 << 8  // messages of one hop
	ofOpening = 1 << 9  // mails to the leader, and the beginning of a round
	ofChange  = 1 << 10 // none, but a change of the network, with its environment and its number
)

const reactionHead = 4

func (k reactionKey) instance() int { return int(k[0] & 0xff) }
func (k reactionKey) kind() uint32  { return k[0] >> 8 }

// appendReaction appends a reaction to an event.
func appendReaction(key reactionKey, kind uint32, instance int, state, arg uint32, leader int) reactionKey {
	return append(key, kind<<8|uint32(instance), state, arg, uint32(leader))
}

// An equivariance finds out which reactions are equivariant, and remembers it for all who
// share its symmetry. Each goroutine needs its own.
type equivariance struct {
	*Symmetry
	opening  opening
	packets  []packet
	key      reactionKey // the image under way
	members  []member    // of the orbit under way
	index    map[string]int
	records  []Record      // of what is played
	head     reactionKey   // of one that has no messages
	arriving []reactionKey // what reaches each instance in a hop
	hop      []int         // which
}

// A member is a reaction of an orbit, and what came of it.
type member struct {
	key  reactionKey
	came []uint32
}

func newEquivariance(y *Symmetry) *equivariance {
	n := len(y.sys.instances)
	return &equivariance{
		Symmetry: y, opening: opening{sys: y.sys}, index: map[string]int{},
		arriving: make([]reactionKey, n), hop: make([]int, n),
	}
}

// watch lets play play a step, or a part of it, for the first time, and reports whether what came
// of it is the same after renamings by what instances did each. If there is no symmetry (a nil
// equivariance) that is not asked.
func (q *equivariance) watch(p *player, s *Step, play func() bool) (possible, same bool) {
	if q == nil {
		return play(), true
	}
	if p.record != nil { // of others, so that nothing is looked at here
		return play(), false
	}
	for i := range q.arriving {
		q.arriving[i] = q.arriving[i][:0]
	}
	same = q.stimuli(p, s)
	p.record = &q.records
	defer func() { p.record, q.records = nil, q.records[:0] }()
	possible = play()
	same = q.hops(p) && same
	// Who lacks a coin first keeps the others from reacting.
	return possible, same && p.lack.coin == "" && p.packets <= p.sys.limits.packets && !p.sys.values.several(p.seen)
}

// reacts reports whether the reaction of instance i to an event is equivariant.
func (q *equivariance) reacts(p *player, i int, state uint32, s stimulus) bool {
	q.head = appendReaction(q.head[:0], uint32(s.kind), i, state, s.arg, 0)
	return q.holds(p.ctx, q.head)
}

// stimuli reports whether what the step itself brings to instances is equivariant. What a
// round brings stands in its opening.
func (q *equivariance) stimuli(p *player, s *Step) bool {
	same := true
	reacts := func(i int, s stimulus) {
		same = q.reacts(p, i, p.sys.states.at(p.vec[i]).bare, s) && same
	}
	switch x := s.move.(type) {
	case exchange:
		reacts(x.client, stimulus{kind: node.ExchangeEvent})
	case stimulation:
		for i := range x.who.All {
			reacts(i, x.stimulus)
		}
	case instanceFault:
		reacts(x.who, stimulus{kind: x.kind})
	case toss:
		for _, t := range x.throws {
			for i := range t.to.All {
				reacts(i, stimulus{kind: node.CoinEvent, arg: t.arg})
			}
		}
	case networkChange:
		// No code says what comes of it, so that the step is compared, once for each environment.
		q.head = append(q.head[:0], ofChange<<8, p.number, s.shape, 0)
		if _, same = q.reactions.get(q.head); !same {
			q.reactions.put(q.head, []uint32{1})
		}
	}
	return same
}

// hops reports whether what was recorded of hops and moments is equivariant.
func (q *equivariance) hops(p *player) bool {
	same := true
	flush := func(i int) {
		if key := q.arriving[i]; len(key) > 0 {
			same = q.holds(p.ctx, key) && same
			q.arriving[i] = key[:0]
		}
	}
	for k := range q.records {
		r := &q.records[k]
		switch {
		case r.Hop == 0 && r.stimulus.kind != node.QuietEvent || r.Fate != Delivered && r.Fate != Down:
			// It is a stimulus, or a part of an opening, or does not reach the instance.
		case r.stimulus.kind == node.MessageEvent && r.From < 0:
			// The step was ended.
		case r.stimulus.kind != node.MessageEvent:
			same = q.reacts(p, r.To, r.before, r.stimulus) && same
		default:
			// What finds its receiver down counts, too: it may come first in another order, before
			// the message at which the code fails in this one.
			if q.hop[r.To] != r.Hop {
				flush(r.To)
			}
			key := q.arriving[r.To]
			if len(key) == 0 {
				first := p.topology.first(r.To)
				q.hop[r.To] = r.Hop
				key = appendReaction(key, ofHop, r.To, r.before, uint32(len(first)), 0)
				for _, from := range first {
					key = append(key, uint32(from))
				}
			}
			q.arriving[r.To] = append(key, uint32(r.From), r.stimulus.arg)
		}
	}
	for i := range q.arriving {
		flush(i)
	}
	return same
}

// begins reports whether it is equivariant how a round begins for instance i in a state, whichever
// of the given instances leads it.
func (q *equivariance) begins(ctx context.Context, i int, state, round uint32, leaders node.Set) bool {
	same := true
	for leader, identity := range q.sys.identities {
		if identity.Instances&leaders != 0 {
			q.head = appendReaction(q.head[:0], ofOpening, i, state, round, leader)
			same = q.holds(ctx, q.head) && same
		}
	}
	return same
}

// holds reports whether a reaction is equivariant. It runs code of nodes where the reactions of
// the orbit are not known, and is left by a panic as [transitions.react] is. The work is linear
// in the orbit and in the number of generators of the group, and not in the group: a reaction
// that names two servers has few images.
func (q *equivariance) holds(ctx context.Context, key reactionKey) bool {
	if v, ok := q.reactions.get(key); ok {
		return v[0] != 0
	}
	ok := q.orbit(ctx, key)
	// All members of an orbit are equivariant if one is. If it is not, the others are looked
	// at when they are met, which stops at the first that differs.
	if !ok {
		q.reactions.put(key, []uint32{0})
		return false
	}
	for _, m := range q.members {
		q.reactions.put(m.key, []uint32{1})
	}
	return true
}

// orbit plays each reaction of an orbit, and reports whether each generator of the group makes
// of what came of a member what comes of its image. Then so does each product of generators.
func (q *equivariance) orbit(ctx context.Context, key reactionKey) bool {
	q.members = q.members[:0]
	clear(q.index)
	first := slices.Clone(key)
	q.add(first, q.play(ctx, first))
	for k := 0; k < len(q.members); k++ {
		for _, g := range q.generators {
			image, err := q.image(q.members[k].key, g)
			if err != nil {
				return false // what it is will be said of the whole step
			}
			at, known := q.index[bytesOf(image)]
			if !known {
				at = q.add(slices.Clone(image), q.play(ctx, image))
			}
			came, err := q.renamed(q.members[k].came, g)
			if err != nil || !slices.Equal(came, q.members[at].came) {
				return false
			}
		}
	}
	return true
}

func (q *equivariance) add(key reactionKey, came []uint32) int {
	q.index[bytesOf(key)] = len(q.members)
	q.members = append(q.members, member{key, came})
	return len(q.members) - 1
}

// image returns what a renaming makes of a reaction; it is valid until the next call.
func (q *equivariance) image(key reactionKey, g int) (reactionKey, error) {
	r := q.renamings[g]
	state, err := q.local(key[1], g)
	if err != nil {
		return nil, err
	}
	kind, i := key.kind(), r[key.instance()]
	image := appendReaction(q.key[:0], kind, i, state, key[2], int(key[3]))
	switch kind {
	case ofOpening:
		image[3] = uint32(q.sys.instances[r[instanceOf(q.sys.identities[key[3]], 0)]].Identity)
	case ofHop:
		order := key[reactionHead : reactionHead+key[2]]
		for _, from := range order {
			image = append(image, uint32(r[from]))
		}
		order = image[reactionHead:]
		q.packets = q.packets[:0]
		for p := range slices.Chunk(key[reactionHead+len(order):], 2) {
			msg, err := q.message(p[1], g)
			if err != nil {
				return nil, err
			}
			q.packets = append(q.packets, packet{from: uint8(r[p[0]]), msg: msg})
		}
		slices.SortStableFunc(q.packets, func(a, b packet) int {
			return turnOf(order, uint32(a.from)) - turnOf(order, uint32(b.from))
		})
		for _, p := range q.packets {
			image = append(image, uint32(p.from), p.msg)
		}
	}
	q.key = image
	return image, nil
}

// play lets an instance react, and returns what came of it: the state after that; whether it
// refused; how many things were seen, and these; and what it sent to each identity, or to the
// next leader, in the order of the receivers. Messages to several have no order.
func (q *equivariance) play(ctx context.Context, key reactionKey) []uint32 {
	sys, i, state := q.sys, key.instance(), key[1]
	came := []uint32{0, 0, 0}
	var sends []send
	note := func(o *outcome) {
		for _, id := range o.seen {
			came = append(came, q.nameless(id))
		}
		if o.refused != "" || o.lacks != "" {
			came[1] = 1
		}
		sends = append(sends, o.sends...)
	}
	switch kind := key.kind(); kind {
	case ofOpening:
		o := &q.opening
		o.ctx = ctx
		src := make([]uint32, len(sys.instances))
		src[i] = state
		o.of(src, node.SetOf(i), key[2], int(key[3]))
		for _, e := range o.events {
			note(e.outcome)
		}
		came[0] = o.states[i]
	case ofHop:
		for p := range slices.Chunk(key[reactionHead+key[2]:], 2) {
			o := sys.transitions.react(ctx, state, stimulus{node.MessageEvent, sys.instances[p[0]].Identity, p[1]})
			note(o)
			state = o.next
		}
		came[0] = state
	default:
		o := sys.transitions.react(ctx, state, stimulus{kind: node.EventKind(kind), arg: key[2]})
		note(o)
		came[0] = o.next
		if o.down {
			came[1] = 1
		}
	}
	came[2] = uint32(len(came) - 3)
	return q.appendSends(came, sends)
}

// nameless numbers what is seen, the same for failures that are one flaw of the code, though
// their texts may name who met it.
func (q *equivariance) nameless(id uint32) uint32 {
	if o := q.sys.values.seen(id); o.Kind == node.Failed {
		return 1<<31 | q.sys.values.value(o.Failure.Kind())
	}
	return id
}

// appendSends appends what is sent in the order of the receivers, a message to all servers
// once for each of them.
func (q *equivariance) appendSends(to []uint32, sends []send) []uint32 {
	begin := len(to)
	for _, s := range sends {
		if s.to != allServers {
			to = append(to, uint32(s.to-nextLeader), s.msg)
			continue
		}
		for id, identity := range q.sys.identities {
			if !identity.Client {
				to = append(to, uint32(id-nextLeader), s.msg)
			}
		}
	}
	q.sortSends(to[begin:])
	return to
}

// sortSends sorts pairs of receiver and message by receiver.
func (q *equivariance) sortSends(pairs []uint32) {
	q.packets = q.packets[:0]
	for p := range slices.Chunk(pairs, 2) {
		q.packets = append(q.packets, packet{to: uint8(p[0]), msg: p[1]})
	}
	slices.SortStableFunc(q.packets, func(a, b packet) int { return cmp.Compare(a.to, b.to) })
	for i, p := range q.packets {
		pairs[2*i], pairs[2*i+1] = uint32(p.to), p.msg
	}
}

// renamed returns what a renaming makes of what came of a reaction. What is seen stays as it
// is: properties are to judge it without regard to names.
func (q *equivariance) renamed(came []uint32, g int) ([]uint32, error) {
	r, sys := q.renamings[g], q.sys
	image := slices.Clone(came)
	var err error
	if image[0], err = q.local(came[0], g); err != nil {
		return nil, err
	}
	sends := image[3+came[2]:]
	for i := 0; i < len(sends); i += 2 {
		if to := int(sends[i]) + nextLeader; to >= 0 {
			sends[i] = uint32(sys.instances[r[instanceOf(sys.identities[to], 0)]].Identity - nextLeader)
		}
		if sends[i+1], err = q.message(sends[i+1], g); err != nil {
			return nil, err
		}
	}
	q.sortSends(sends)
	return image, nil
}

// bytesOf is a key of maps.
func bytesOf(key []uint32) string {
	return string(Vector(key).AppendKey(make([]byte, 0, 4*len(key))))
}
