package kvproto

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"

	"github.com/twinsh/twinsh/runtime/node"
)

// client carries out operations. It remembers no more of them than it needs,
// so that runs that differ only in what no longer matters end in one state.
type client struct {
	protocol *Protocol
	self     node.Self
	program  []node.Operation

	// These survive a restart.
	position int    // how many operations of the program it began
	begun    uint64 // how many operations it began; the number of the current one
	writes   uint64 // how many of them were writes, for the counter of tags

	// The operation under way.
	phase  phase
	alone  bool // it goes on to the next phase by itself
	op     node.Operation
	answer votes
	// value is, while querying, the best one found so far (of a write only the
	// version, nothing else of it matters) and then the one to be written.
	value Signed
}

type phase uint8

const (
	idle     phase = iota
	querying       // asks for the servers' values
	queried        // waits for the exchange with which the second phase begins
	updating       // sends the servers a value
	phases
)

// votes are the answers to one phase.
type votes struct {
	from  uint64 // bit i is set if the i-th server answered
	extra uint64 // further answers of the same servers, if those count
}

func (v votes) count() int { return bits.OnesCount64(v.from) + int(v.extra) }

// React implements [node.Node].
func (c *client) React(e node.Event, out *node.Reaction) {
	switch e.Kind {
	case node.MessageEvent:
		c.hear(e.From, e.Message, out)
	case node.ExchangeEvent:
		c.exchange(out)
	case node.InvokeEvent:
		c.invoke(e.Operation, out)
	case node.TimeoutEvent:
		if c.phase == idle || c.phase == queried {
			out.Refuse(fmt.Sprintf("%s waits for no answer", c.self.ID))
			return
		}
		c.ask(out)
	default:
		out.Refuse(noRounds)
	}
}

// exchange begins the next operation or phase, or continues an open one.
func (c *client) exchange(out *node.Reaction) {
	switch c.phase {
	case idle:
		if c.position == len(c.program) {
			out.Refuse(fmt.Sprintf("%s has carried out all its operations", c.self.ID))
			return
		}
		op := c.program[c.position]
		c.position++
		c.begin(op, out)
	case queried:
		c.phase = updating
		c.ask(out)
	default:
		c.ask(out)
	}
}

// invoke begins an operation that needs no exchanges to go on.
func (c *client) invoke(op node.Operation, out *node.Reaction) {
	if err := checkOperation(op); err != nil {
		out.Refuse(fmt.Sprintf("%s: %v", c.self.ID, err))
		return
	}
	if c.phase != idle {
		out.Refuse(fmt.Sprintf("%s has not finished %s", c.self.ID, c.op))
		return
	}
	c.alone = true
	c.begin(op, out)
}

func (c *client) begin(op node.Operation, out *node.Reaction) {
	out.Invoked(op)
	c.op = op
	c.begun++
	c.phase = querying
	if op.Name == opWrite {
		c.writes++
		if c.protocol.options.QueryFirst == Off {
			c.sign(c.writes)
			c.phase = updating
		}
	}
	c.ask(out)
}

// sign makes the client's own value the one to be written.
func (c *client) sign(version uint64) {
	c.value = c.protocol.Sign(Tag{version, c.self.ID, c.writes}, c.op.Arg.(string))
}

// ask sends the request of the open phase to the servers that have not answered it.
func (c *client) ask(out *node.Reaction) {
	var request node.Message = Query{c.begun}
	if c.phase == updating {
		request = Update{c.begun, c.value}
	}
	for i, id := range c.self.Servers {
		if c.answer.from>>i&1 == 0 {
			out.Send(id, request)
		}
	}
}

// hear counts an answer to the open phase and ignores all others.
func (c *client) hear(from string, m node.Message, out *node.Reaction) {
	switch m := m.(type) {
	case Report:
		if c.phase != querying || m.Op != c.begun {
			return
		}
		if !c.protocol.accepts(m.Have) {
			out.Note(fmt.Sprintf("%s ignores %s from %s: wrong signature", c.self.ID, m, from))
			return
		}
		first := c.answer.count() == 0
		if c.counted(from) {
			c.consider(m.Have, first)
			c.advance(out)
		}
	case Ack:
		if c.phase == updating && m.Op == c.begun && c.counted(from) {
			c.advance(out)
		}
	}
}

// counted counts an answer of the given identity, if it is to be counted.
func (c *client) counted(from string) bool {
	i := slices.Index(c.self.Servers, from)
	if i < 0 {
		return false
	}
	if c.answer.from>>i&1 == 0 {
		c.answer.from |= 1 << i
		return true
	}
	if c.protocol.options.OneVote == Off {
		c.answer.extra++
		return true
	}
	return false
}

// consider keeps what a server reported if it is better than what the client has.
func (c *client) consider(s Signed, first bool) {
	switch {
	case c.op.Name == opWrite:
		c.value.Version = max(c.value.Version, s.Version)
	case c.protocol.options.ReadRule == "first":
		if first {
			c.value = s
		}
	case c.protocol.larger(s.Tag, c.value.Tag):
		c.value = s
	}
}

// advance ends the open phase if enough have answered.
func (c *client) advance(out *node.Reaction) {
	if c.answer.count() < c.needed() {
		return
	}
	c.answer = votes{}
	write := c.op.Name == opWrite
	switch {
	case c.phase == updating && write:
		out.Returned(nil)
		c.forget()
		return
	case c.phase == updating || !write && c.protocol.options.WriteBack == Off:
		out.Returned(c.value.result())
		c.forget()
		return
	case write:
		c.sign(c.value.Version + 1)
	}
	c.phase = queried
	if c.alone {
		c.phase = updating
		c.ask(out)
	}
}

// needed returns how many answers the open phase takes.
func (c *client) needed() int {
	if c.op.Name == opRead && c.phase != updating {
		return c.protocol.readQuorum(c.self)
	}
	return c.protocol.quorum(c.self)
}

// forget drops the operation under way.
func (c *client) forget() {
	c.phase, c.alone, c.op, c.answer, c.value = idle, false, node.Operation{}, votes{}, Signed{}
}

// Restart implements [node.Restarter].
func (c *client) Restart() {
	c.forget()
	if c.protocol.options.PersistentCounter == Off {
		c.writes = 0
	}
}

// AppendBinary implements [node.State].
func (c *client) AppendBinary(b []byte) ([]byte, error) {
	b = binary.AppendUvarint(b, uint64(c.position))
	b = binary.AppendUvarint(b, c.begun)
	b = binary.AppendUvarint(b, c.writes)
	b = append(b, byte(c.phase))
	if c.phase == idle {
		return b, nil
	}
	b = append(b, bit(c.alone))
	value, write := c.op.Arg.(string)
	b = append(b, bit(write))
	if write {
		b = appendString(b, value)
	}
	b = binary.AppendUvarint(b, c.answer.from)
	b = binary.AppendUvarint(b, c.answer.extra)
	return appendSigned(b, c.value), nil
}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// UnmarshalBinary implements [node.State].
func (c *client) UnmarshalBinary(data []byte) error {
	d := decoder{rest: data}
	next := client{protocol: c.protocol, self: c.self, program: c.program}
	next.position = int(d.below(uint64(len(c.program)) + 1))
	next.begun = d.uvarint()
	next.writes = d.uvarint()
	next.phase = phase(d.below(uint64(phases)))
	if next.phase != idle {
		next.alone = d.bool()
		next.op.Name = opRead
		if d.bool() {
			next.op = node.Operation{Name: opWrite, Arg: d.string()}
		}
		next.answer.from = d.uvarint()
		if bits.Len64(next.answer.from) > len(c.self.Servers) {
			d.fail()
		}
		next.answer.extra = d.uvarint()
		if next.answer.extra > 0 && c.protocol.options.OneVote == On {
			d.fail()
		}
		next.value = d.signed()
	}
	if err := d.end(); err != nil {
		return fmt.Errorf("kv: state of client %s: %w", c.self.ID, err)
	}
	*c = next
	return nil
}

// Summary implements [node.Inspector].
func (c *client) Summary() string {
	switch {
	case c.phase == idle && c.position == len(c.program):
		return "done"
	case c.phase == idle:
		return "idle"
	case c.phase == queried:
		return "query done"
	default:
		return fmt.Sprintf("%s %d/%d", c.doing(), c.answer.count(), c.needed())
	}
}

// doing names the open phase.
func (c *client) doing() string {
	switch {
	case c.phase != updating:
		return "query"
	case c.op.Name == opRead:
		return "write back"
	default:
		return "update"
	}
}

// Fields implements [node.Inspector].
func (c *client) Fields() []node.Field {
	all := []node.Field{
		{Name: "begun", Value: int(c.begun)},
		{Name: "writes", Value: int(c.writes)},
		{Name: "left", Value: len(c.program) - c.position},
	}
	if c.phase == idle {
		return all
	}
	all = append(all,
		node.Field{Name: "operation", Value: c.op.String()},
		node.Field{Name: "phase", Value: c.doing()},
		node.Field{Name: "answers", Value: c.answer.count()})
	return append(all, fields(c.value)...)
}
