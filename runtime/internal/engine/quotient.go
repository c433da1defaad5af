package engine

import (
	"context"
	"encoding/binary"
	"slices"
	"unsafe"

	"github.com/twinsh/twinsh/runtime/node"
)

// An equivalenceClass is a set of local states of an instance that no later step
// can distinguish, if a round begins next: whichever of some servers leads it, the
// instance ends in the same state, having sent and shown the same. What only the
// round before needed, such as votes that are too few for a certificate, keeps the
// members apart no longer. A class is nothing but what its members do. States of one
// class are bisimilar, and a search that goes from class to class searches the
// bisimulation quotient of its state space (Milner, "Communication and Concurrency",
// 1989).
type equivalenceClass struct {
	instance  int
	round     uint32     // rounds that began
	leaders   node.Set   // all instances of those who may lead the next one
	reactions []reaction // to each of these, in their order
}

// A reaction is what an instance does when the next round begins.
type reaction struct {
	leader int // an identity
	events []openingEvent
	state  uint32 // afterwards
}

func (c *equivalenceClass) reaction(leader int) *reaction {
	for i := range c.reactions {
		if c.reactions[i].leader == leader {
			return &c.reactions[i]
		}
	}
	panic("engine: a round begins that was not expected")
}

// recall does what is known of instance i if its state stands for an equivalence class,
// and reports whether it does: what the members do with their mails, or as the round begins.
func (o *opening) recall(i int, mails bool) bool {
	class := o.sys.states.at(o.src[i]).class
	if class == nil {
		return false
	}
	r := class.reaction(o.leader)
	for _, e := range r.events {
		if e.from >= 0 == mails {
			o.events = append(o.events, e)
			o.note(e)
		}
	}
	if !mails {
		o.states[i] = r.state
	}
	return true
}

// An expectation is what may come after a step; the zero value is anything.
type expectation struct {
	leaders node.Set // of the next round, which alone may come; see Expect
	ends    bool     // nothing comes
}

// words encodes x, for the keys of tables.
func (x expectation) words() (low, high, ends uint32) {
	if x.ends {
		ends = 1
	}
	return uint32(x.leaders), uint32(x.leaders >> 32), ends
}

// Expect lets the simulator assume that nothing but rounds can begin after the steps
// that it takes from now on, and that they are led by identities with the given
// instances; none means that anything may follow. The simulator then leads to
// vectors that are equal if such rounds cannot distinguish them. No other step
// may be taken from these.
func (m *Simulator) Expect(leaders node.Set) {
	m.expected, m.p.last = expectation{leaders: leaders}, false
}

// ExpectEnd lets the simulator assume that nothing follows the steps that it takes
// from now on. Only whether they can happen and what is seen of them has a
// meaning then, not the vectors to which they lead.
func (m *Simulator) ExpectEnd() { m.expected, m.p.last = expectation{ends: true}, true }

// Forget replaces the states in v by those that stand for all that the expected
// rounds cannot distinguish from them. See [Simulator.Expect].
func (m *Simulator) Forget(v Vector) {
	if m.expected.leaders == 0 {
		return
	}
	round := m.p.sys.envs.at(v[len(v)-1]).round
	for i := range m.p.sys.servers.All {
		v[i] = m.p.sys.classes.find(m.p.ctx, v[i], equivalenceClass{instance: i, round: round, leaders: m.expected.leaders})
	}
}

// classes finds the equivalence classes of local states.
type classes struct {
	of    table // (local state, instance, round, leaders) -> local state
	known table // what the members of an equivalence class do -> local state

	sys *System
}

func (k *classes) bind(sys *System) {
	k.sys = sys
	k.of.bound = sys.words("states and their equivalence classes")
	k.known.bound = sys.words("equivalence classes")
}

// find returns the state that stands for those of a class which id is in, and
// shows what one of them would show.
func (k *classes) find(ctx context.Context, id uint32, c equivalenceClass) uint32 {
	key := [...]uint32{id, uint32(c.instance), c.round, uint32(c.leaders), uint32(c.leaders >> 32)}
	if v, ok := k.of.get(key[:]); ok {
		return v[0]
	}
	src := make([]uint32, len(k.sys.instances))
	src[c.instance] = id
	for leader, identity := range k.sys.identities {
		if identity.Instances&c.leaders == 0 {
			continue
		}
		o := opening{sys: k.sys, ctx: ctx}
		o.of(src, node.SetOf(c.instance), c.round, leader)
		r := reaction{leader: leader, state: o.states[c.instance]}
		for _, e := range o.events {
			// Events that bring about nothing but a new state leave no trace.
			if len(e.sends)+len(e.seen)+len(e.reads) > 0 || e.lacks != "" || e.refused != "" && e.from < 0 {
				r.events = append(r.events, e)
			}
		}
		c.reactions = append(c.reactions, r)
	}
	return k.of.put(key[:], []uint32{k.keep(c, k.sys.states.at(id).bare)})[0]
}

// keep returns the state that stands for a class. It shows what the state of the
// given number shows.
func (k *classes) keep(c equivalenceClass, shown uint32) uint32 {
	var key numberWriter
	c.write(k.sys, &key)
	return k.known.putFunc(key, func() []uint32 {
		l := *k.sys.states.at(shown)
		l.class = &c
		k.sys.occupy(c.bytes())
		return []uint32{k.sys.states.add(l)}
	})[0]
}

// write writes what distinguishes a class from others. In which order messages are sent
// matters for each receiver only. What is seen of mails is seen before other
// instances begin the round.
func (c *equivalenceClass) write(sys *System, w classWriter) {
	const end, refuses, hears, shows, reads = -10, -11, -12, -13, -14 // no receiver has these numbers
	w.number(c.instance)
	w.number(int(c.round))
	w.number(int(uint32(c.leaders)))
	w.number(int(c.leaders >> 32))
	for _, r := range c.reactions {
		for _, e := range r.events {
			if e.refused != "" && (e.from < 0 || e.lacks != "") {
				w.number(refuses)
				w.message(sys.values.value(e.refused))
			}
			for _, coin := range e.reads {
				w.number(reads)
				w.message(coin.name)
			}
			for _, seen := range e.seen {
				if e.from < 0 {
					w.number(shows)
				} else {
					w.number(hears)
				}
				w.observation(seen)
			}
		}
		for to := nextLeader; to < len(sys.identities); to++ {
			if to == allServers {
				continue
			}
			server := to >= 0 && !sys.identities[to].Client
			for _, e := range r.events {
				for _, s := range e.sends {
					if s.to == to || s.to == allServers && server {
						w.number(to)
						w.message(s.msg)
					}
				}
			}
		}
		w.number(end)
		w.state(r.state)
	}
}

// bytes returns the memory of a class.
func (c *equivalenceClass) bytes() int {
	n := int(unsafe.Sizeof(*c))
	for _, r := range c.reactions {
		n += int(unsafe.Sizeof(r)) + len(r.events)*int(unsafe.Sizeof(openingEvent{}))
	}
	return n
}

// A classWriter writes a class down. Numbers fit in 32 bits.
type classWriter interface {
	number(int)
	message(uint32)
	observation(uint32)
	state(uint32)
}

// A numberWriter writes in the numbers of this run, for keys of tables.
type numberWriter []uint32

func (w *numberWriter) number(n int)          { *w = append(*w, uint32(n)) }
func (w *numberWriter) message(id uint32)     { *w = append(*w, id) }
func (w *numberWriter) observation(id uint32) { *w = append(*w, id) }
func (w *numberWriter) state(id uint32)       { *w = append(*w, id) }

// An encodingWriter writes an encoding, which depends on no run.
type encodingWriter struct {
	sys *System
	b   []byte
}

func (w *encodingWriter) number(n int)          { w.b = binary.AppendVarint(w.b, int64(n)) }
func (w *encodingWriter) message(id uint32)     { w.b = w.sys.values.append(w.b, id) }
func (w *encodingWriter) observation(id uint32) { w.b = w.sys.values.appendObservation(w.b, id) }
func (w *encodingWriter) state(id uint32)       { w.b = w.sys.states.append(w.b, id) }

// class renames a class.
func (y *Symmetry) class(c equivalenceClass, g int) (equivalenceClass, error) {
	sys, r := y.sys, y.renamings[g]
	identity := func(id int) int { return y.sys.instances[r[instanceOf(y.sys.identities[id], 0)]].Identity }
	renamed := equivalenceClass{instance: r[c.instance], round: c.round, leaders: r.Set(c.leaders)}
	renamed.reactions = make([]reaction, len(c.reactions))
	for i, was := range c.reactions {
		is := reaction{leader: identity(was.leader)}
		var err error
		if is.state, err = y.local(was.state, g); err != nil {
			return equivalenceClass{}, err
		}
		for _, e := range was.events {
			out := &outcome{next: is.state, refused: e.refused, lacks: e.lacks, reads: e.reads}
			for _, s := range e.sends {
				if s.to >= 0 {
					s.to = identity(s.to)
				}
				if s.msg, err = y.message(s.msg, g); err != nil {
					return equivalenceClass{}, err
				}
				out.sends = append(out.sends, s)
			}
			for _, seen := range e.seen {
				o := *sys.values.seen(seen)
				if o.Value, err = y.value(o.Value, g); err != nil {
					return equivalenceClass{}, err
				}
				if o.Operation.Arg, err = y.value(o.Operation.Arg, g); err != nil {
					return equivalenceClass{}, err
				}
				out.seen = append(out.seen, sys.values.observation(o))
			}
			from := e.from
			if from >= 0 {
				from = r[from]
			}
			is.events = append(is.events, openingEvent{instance: r[c.instance], from: from, outcome: out})
		}
		renamed.reactions[i] = is
	}
	slices.SortFunc(renamed.reactions, func(a, b reaction) int { return a.leader - b.leader })
	return renamed, nil
}
