package node

import (
	"strconv"
	"strings"
)

// Symmetric is implemented by protocols that treat the identities of servers
// the same: after any renaming of them, what happens is what happened before it,
// renamed. Nodes of such a protocol are [Renamer]s, and so are its messages and
// the values that it decides, if they name identities of servers.
type Symmetric interface {
	Symmetric() bool
}

// Renamer is implemented by nodes whose identities can be renamed.
type Renamer interface {
	// Rename replaces each identity in the node's state by to(identity).
	Rename(to func(identity string) string)
}

// RenamedValue is implemented by messages and observed values that may name
// identities. Renamed returns the value with each identity replaced. A string
// that is the name of an identity counts as that identity.
type RenamedValue interface {
	Renamed(to func(identity string) string) any
}

// ClientSymmetric is implemented by symmetric protocols that also treat the same
// all clients that run a certain program.
type ClientSymmetric interface {
	Symmetric
	SymmetricClients(program []Operation) bool
}

// Rebaser is implemented by nodes that treat round numbers the same: what they do
// depends on differences between them only, and of inputs on whether they are
// equal. Rebase subtracts by from each round number in the node's state, or
// reports that it cannot. It leaves all inputs as they are, or puts all of them
// through [RebaseInput].
type Rebaser interface {
	Rebase(by int) bool
}

// recentRounds is how long an input counts as that of a round and not as a value.
const recentRounds = 6

// RebaseInput makes worlds equal that keep inputs ([Round].Input) in their
// states: by is the number of the round that ended. The input of one of the last
// six rounds is changed into how long ago that was, so that what is proposed
// anew again and again is the same each time. An older one stays, so that a
// value to which a replica holds on is. Different inputs stay different.
func RebaseInput(input string, by int) string {
	letters := strings.TrimLeft(input, "0123456789")
	number, err := strconv.Atoi(strings.TrimSuffix(input, letters))
	if err != nil || number <= by-recentRounds {
		return input
	}
	return strconv.Itoa(number-by) + letters
}
