package kvproto

import (
	"slices"

	"github.com/twinsh/twinsh/runtime/node"
)

// Symmetric reports whether the protocol treats servers the same. Variants in
// which a client prefers what it heard first do not, since servers are heard
// in order. Nor does a client that hears more servers than it waits for; a
// search that offers such exchanges finds that out by itself.
func (p *Protocol) Symmetric() bool {
	return p.options.TieBreak == On && p.options.ReadRule != "first"
}

// SymmetricClients reports whether clients with a program are treated the same:
// those that only read are. Writers sign, and their names break ties.
func (p *Protocol) SymmetricClients(program []node.Operation) bool {
	return !slices.ContainsFunc(program, func(op node.Operation) bool { return op.Name == opWrite })
}

// Rename does nothing: of clients, a server knows writers only.
func (s *server) Rename(func(string) string) {}

// Rename renames the servers that answered.
func (c *client) Rename(to func(identity string) string) {
	var from uint64
	for i, id := range c.self.Servers {
		if c.answer.from>>i&1 != 0 {
			from |= 1 << slices.Index(c.self.Servers, to(id))
		}
	}
	c.answer.from = from
}
