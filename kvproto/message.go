package kvproto

// Requests carry the number of the client's operation and answers repeat it,
// so that a client knows an answer to an earlier operation. The phase shows in
// the type: only queries are answered by reports, only updates by acks.

// A Query asks a server for its value.
type Query struct{ Op uint64 }

// A Report is a server's answer to a [Query].
type Report struct {
	Op   uint64
	Have Signed
}

// An Update gives a server a value: a new one, or one that a reader found and
// writes back.
type Update struct {
	Op  uint64
	New Signed
}

// An Ack is a server's answer to an [Update], whether it took the value or has
// a newer one.
type Ack struct{ Op uint64 }

func (Query) MessageType() string  { return "query" }
func (Report) MessageType() string { return "report" }
func (Update) MessageType() string { return "update" }
func (Ack) MessageType() string    { return "ack" }

func (Query) String() string    { return "query" }
func (m Report) String() string { return m.Have.String() }
func (m Update) String() string { return "update " + m.New.String() }
func (Ack) String() string      { return "ack" }
