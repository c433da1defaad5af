package engine

import (
	"encoding/binary"
	"fmt"
	"iter"
	"slices"

	"github.com/twinsh/twinsh/runtime/node"
)

// A Vector is a world without its past: the local state of each instance, as
// numbers that the system gives out, and the number of its environment
// (topology, round, messages in flight). Equal vectors of one system are
// worlds with equal futures. The numbers depend on the order in which things
// were learnt: they must not be stored, nor decide what is printed.
type Vector []uint32

// AppendKey appends the words of a vector as bytes, of which a text can be made: Go has no maps by
// lists. As the numbers it must not be stored.
func (v Vector) AppendKey(key []byte) []byte {
	for _, word := range v {
		key = binary.LittleEndian.AppendUint32(key, word)
	}
	return key
}

// Width is the length of this system's vectors.
func (sys *System) Width() int { return len(sys.instances) + 1 }

// Start writes the vector of the starting world to dst.
func (sys *System) Start(dst Vector) {
	for i, start := range sys.spec.StartOf {
		dst[i] = sys.states.fresh[start]
	}
	dst[len(sys.instances)] = 0
}

// env returns the environment of a vector.
func (sys *System) env(v Vector) *env { return sys.envs.at(v[len(v)-1]) }

// Down returns the instances that are down.
func (sys *System) Down(v Vector) node.Set { return sys.flagged(v, down) }

// Broken returns the instances whose code failed, which are down for good.
func (sys *System) Broken(v Vector) node.Set { return sys.flagged(v, broken) }

// Faulty returns the instances of faulty identities: those that run as twins
// and those of which an instance suffered amnesia.
func (sys *System) Faulty(v Vector) node.Set {
	return sys.twinned | sys.otherCode | sys.SameIdentity(sys.flagged(v, amnesiac))
}

func (sys *System) flagged(v Vector, f flags) node.Set {
	var s node.Set
	for i := range sys.instances {
		if sys.states.at(v[i]).flags&f != 0 {
			s |= node.SetOf(i)
		}
	}
	return s
}

// SameState reports whether instance i is in one local state in two vectors. What is
// sent to the next leader and waits there makes no difference.
func (sys *System) SameState(v, w Vector, i int) bool {
	return sys.states.at(v[i]).bare == sys.states.at(w[i]).bare
}

// Summary returns a few words on the state of instance i, "" if its code has none.
func (sys *System) Summary(v Vector, i int) string { return sys.states.summary(v[i]) }

// Fields returns what the state of instance i consists of, as its code shows it.
func (sys *System) Fields(v Vector, i int) (fields []node.Field) {
	sys.states.inspect(v[i], func(n node.Inspector) { fields = n.Fields() })
	return fields
}

// A Packet is a message in flight between two instances.
type Packet struct {
	From, To int
	Message  node.Message
}

// InFlight returns the messages in flight, in the order in which they will arrive.
func (sys *System) InFlight(v Vector) []Packet {
	var packets []Packet
	for _, p := range sys.env(v).flight {
		packets = append(packets, Packet{int(p.from), int(p.to), sys.values.at(p.msg)})
	}
	return packets
}

// Quiet reports whether nothing is in flight. What waits for the next leader is not.
func (sys *System) Quiet(v Vector) bool { return len(sys.env(v).flight) == 0 }

// Reach returns whom instance i can reach, itself included.
func (sys *System) Reach(v Vector, i int) node.Set {
	return sys.envs.topologyAt(sys.env(v).topology).reach[i]
}

// Parts returns the partition in force, nil if there is none.
func (sys *System) Parts(v Vector) []node.Set {
	return sys.envs.topologyAt(sys.env(v).topology).parts
}

// Round returns how many rounds have begun.
func (sys *System) Round(v Vector) int { return int(sys.env(v).round) }

// Standing lists the numbers of the filters that are in force.
func (sys *System) Standing(v Vector) []uint32 {
	var numbers []uint32
	t := sys.envs.topologyAt(sys.env(v).topology)
	for _, f := range slices.Concat(t.filters, t.twice) {
		numbers = append(numbers, f.number)
	}
	return numbers
}

// Observations returns what is in the list of observations that has a number
// ([Simulator.Seen]): instances, and what was observed of them.
func (sys *System) Observations(list uint32) iter.Seq2[int, node.Observation] {
	return func(yield func(int, node.Observation) bool) {
		for p := range slices.Chunk(sys.values.pairs(list), 2) {
			if !yield(int(p[0]), *sys.values.seen(p[1])) {
				return
			}
		}
	}
}

// Digest returns a number that depends on what a vector says, and not on how
// what it says is numbered.
func (sys *System) Digest(v Vector) uint64 {
	var b []byte
	last := len(v) - 1
	for _, id := range v[:last] {
		of := sys.states.content(id)
		b = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, of[0]), of[1])
	}
	return contentOf(sys.envs.append(b, v[last]), sys.cutContent)[0]
}

// Rebased returns a text for a vector that is equal for worlds that differ
// only in the numbers of their rounds, whatever these are. It reports false if
// some node is no [node.Rebaser] that can encode its state, or fails, or if messages
// are in flight, which may hold numbers of rounds.
func (sys *System) Rebased(v Vector) (string, bool) {
	e := sys.envs.at(v[len(v)-1])
	if len(e.flight) > 0 {
		return "", false
	}
	key := fmt.Sprint(e.topology)
	for i := range sys.instances {
		id, ok := sys.states.rebased(v[i], int(e.round))
		if !ok {
			return "", false
		}
		key += fmt.Sprint(" ", id)
	}
	return key, true
}
