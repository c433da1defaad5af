package kvproto

import (
	"fmt"

	"github.com/twinsh/twinsh/runtime/node"
)

// server is a replica. Its whole state is the value that it keeps.
type server struct {
	protocol *Protocol
	id       string
	have     Signed
}

// React implements [node.Node].
func (s *server) React(e node.Event, out *node.Reaction) {
	switch e.Kind {
	case node.MessageEvent:
		s.hear(e.From, e.Message, out)
	case node.RoundEvent:
		out.Refuse(noRounds)
	case node.TimeoutEvent:
		out.Refuse(fmt.Sprintf("%s is a server of kv and waits for nothing", s.id))
	default:
		out.Refuse(fmt.Sprintf("%s is a server of kv and begins no operation", s.id))
	}
}

const noRounds = "kv has no rounds; its clients exchange with servers"

func (s *server) hear(from string, m node.Message, out *node.Reaction) {
	switch m := m.(type) {
	case Query:
		out.Send(from, Report{m.Op, s.have})
	case Update:
		if !s.protocol.accepts(m.New) {
			out.Note(fmt.Sprintf("%s ignores %s from %s: wrong signature", s.id, m, from))
			return
		}
		if s.protocol.options.VersionCheck == Off || s.protocol.larger(m.New.Tag, s.have.Tag) {
			s.have = m.New
		}
		out.Send(from, Ack{m.Op})
	}
}

// Restart implements [node.Restarter]: the value is persistent.
func (s *server) Restart() {}

// AppendBinary implements [node.State].
func (s *server) AppendBinary(b []byte) ([]byte, error) { return appendSigned(b, s.have), nil }

// UnmarshalBinary implements [node.State].
func (s *server) UnmarshalBinary(data []byte) error {
	d := decoder{rest: data}
	have := d.signed()
	if err := d.end(); err != nil {
		return fmt.Errorf("kv: state of server %s: %w", s.id, err)
	}
	s.have = have
	return nil
}

// Summary implements [node.Inspector].
func (s *server) Summary() string { return s.have.String() }

// Fields implements [node.Inspector].
func (s *server) Fields() []node.Field { return fields(s.have) }

func fields(s Signed) []node.Field {
	return []node.Field{
		{Name: "version", Value: int(s.Version)},
		{Name: "writer", Value: s.Writer},
		{Name: "counter", Value: int(s.Counter)},
		{Name: "value", Value: s.result()},
	}
}
