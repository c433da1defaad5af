// Package kvproto is a key-value store that tolerates Byzantine servers: one
// entry, kept by n = 3f+1 servers of which f may be faulty, written and read
// by any number of clients. It is the multi-writer register of Attiya, Bar-Noy
// and Dolev ("Sharing memory robustly in message-passing systems", JACM 1995;
// Lynch and Shvartsman, FTCS 1997, for several writers) with the quorums of
// Malkhi and Reiter ("Byzantine quorum systems", 1998) and signed values.
//
// # Rules
//
// A server keeps one signed value. Asked by [Query], it sends it in a [Report].
// Given another by [Update], it takes it if its signature is right and its tag
// is larger, and says [Ack] in either case, so that it never goes back. An
// update with a wrong signature it ignores.
//
// An operation has two phases, and each is done when a quorum of 2f+1
// identities has answered:
//
//   - A client first asks for the servers' values and takes the one with the
//     largest tag, ignoring those whose signature is wrong.
//   - To write, it then signs its value with the next version and sends it to
//     the servers. To read, it writes the value that it found back to them
//     before it returns it, so that no later read finds an older one. This is
//     done even if nothing was ever written: a read always takes two phases.
//
// A client counts one answer of each identity. Twins are one identity, so a
// twinned server has one vote, whichever of its instances is heard first.
//
// Two quorums of 2f+1 among 3f+1 have f+1 identities in common, one of them
// correct. With more servers than that, 2f+1 is too few: set Options.Quorum to
// more than (n+f)/2.
//
// # Tags
//
// Values are ordered by [Tag]: version, then writer, then counter. Writers that
// find the same version differ by their names. One writer may pick the
// same version twice, if it restarts after its first update reached too few
// servers for its next query to notice; so it counts its writes, and the
// counter survives the restart. Then no tag ever belongs to two values, a
// write's tag is larger than that of each operation that returned before the
// write began, and a read's is not smaller: the store is atomic. If the
// counter is lost ([Options].PersistentCounter), two values may share a tag. The
// servers then keep whichever came first to them, and successive reads can
// flip between the two.
//
// A client that runs as twins, or lost its memory, can also sign two values
// with one tag. The protocol does not tolerate faulty clients.
//
// # Restarts
//
// A server's value is persistent. A client that restarts abandons the operation
// under way: it is not known whether it took effect, so it must not be done again,
// and in the history it stays open for ever. The client goes on with the next
// operation of its program. It keeps its place in the program and the number of
// the operation, by which it knows late answers, and its counter.
//
// # Types
//
//	Protocol  makes servers and clients, signs and verifies    kvproto.go, tag.go
//	Options   the protocol, or a variant that lacks a rule     options.go
//	Tag       the place of a value in the order of all values  tag.go
//	Signed    a value, its tag, and the writer's signature     tag.go
//	Query, Report, Update, Ack  what clients and servers send  message.go
//
// Servers and clients are reached through [node.Node] and, for what the
// simulation needs of them, [node.State], [node.Restarter] and
// [node.Inspector].
package kvproto

import (
	"fmt"

	"github.com/twinsh/twinsh/runtime/node"
)

// Protocol is the protocol with some options. It implements [node.Protocol]
// and remembers the signatures that it made or verified.
type Protocol struct {
	options Options
	keyring keyring
}

// New returns the protocol with the given options. Whether they fit the
// cluster is given when servers and clients are made.
func New(options Options) *Protocol { return &Protocol{options: options} }

// MessageTypes implements [node.Typed].
func (p *Protocol) MessageTypes() []string {
	return []string{Query{}.MessageType(), Report{}.MessageType(), Update{}.MessageType(), Ack{}.MessageType()}
}

// Name returns "kv".
func (p *Protocol) Name() string { return "kv" }

// OnlyServes implements [node.Serving].
func (p *Protocol) OnlyServes() bool { return true }

// NeverAborts implements [node.Committing].
func (p *Protocol) NeverAborts() bool { return true }

// Fingerprint distinguishes protocols with different options.
func (p *Protocol) Fingerprint() string { return fmt.Sprintf("kv %+v", p.options) }

// NewServer makes a server that was never written to.
func (p *Protocol) NewServer(self node.Self) (node.Node, error) {
	if err := p.check(self); err != nil {
		return nil, err
	}
	return &server{protocol: p, id: self.ID}, nil
}

// NewClient makes a client that will carry out program: operations
// write(value), whose value is a string, and read().
func (p *Protocol) NewClient(self node.Self, program []node.Operation) (node.Node, error) {
	if err := p.check(self); err != nil {
		return nil, err
	}
	for _, op := range program {
		if err := checkOperation(op); err != nil {
			return nil, fmt.Errorf("kv: %s: %w", self.ID, err)
		}
	}
	return &client{protocol: p, self: self, program: program}, nil
}

// check reports whether the options fit the system that self lives in.
func (p *Protocol) check(self node.Self) error {
	if len(self.Servers) > node.MaxInstances {
		return fmt.Errorf("kv: %d servers, at most %d are possible", len(self.Servers), node.MaxInstances)
	}
	o := p.options
	if q := p.quorum(self); q < 1 || q > self.N {
		if o.Quorum == 0 {
			return fmt.Errorf("kv: the quorum 2f+1 is %d at f = %d, want 1 to n = %d; use more servers or give a quorum", q, self.F, self.N)
		}
		return fmt.Errorf("kv: the quorum is %d, want 1 to n = %d, or 0 for 2f+1", q, self.N)
	}
	if q := p.readQuorum(self); q < 1 || q > self.N {
		return fmt.Errorf("kv: the read quorum is %d, want 1 to n = %d, or 0 for the quorum", q, self.N)
	}
	if o.ReadRule != "" && o.ReadRule != "max" && o.ReadRule != "first" {
		return fmt.Errorf(`kv: no read rule %q; there are "max" and "first"`, o.ReadRule)
	}
	return nil
}

func (p *Protocol) quorum(self node.Self) int {
	if p.options.Quorum == 0 {
		return 2*self.F + 1
	}
	return p.options.Quorum
}

func (p *Protocol) readQuorum(self node.Self) int {
	if p.options.ReadQuorum == 0 {
		return p.quorum(self)
	}
	return p.options.ReadQuorum
}

// The names of the operations.
const (
	opWrite = "write"
	opRead  = "read"
)

func checkOperation(op node.Operation) error {
	switch op.Name {
	case opWrite:
		if op.Arg == nil {
			return fmt.Errorf(`write needs a value, as in write("red")`)
		}
		if _, ok := op.Arg.(string); !ok {
			return fmt.Errorf("write: the value is %s, want a string", node.Text(op.Arg))
		}
	case opRead:
		if op.Arg != nil {
			return fmt.Errorf("read takes no value, got %s", node.Text(op.Arg))
		}
	default:
		return fmt.Errorf("no operation %q; there are write(value) and read()", op.Name)
	}
	return nil
}
