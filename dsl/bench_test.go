package dsl

import (
	"testing"

	"github.com/twinsh/twinsh/runtime/node"
)

// A call of a handler in a script: the state is decoded, the handler runs, and what it
// sends and the new state are encoded.
func BenchmarkHandler(b *testing.B) {
	in, err := New(Config{})
	if err != nil {
		b.Fatal(err)
	}
	err = in.Exec(b.Context(), "x.star", `
def init(self):
    self.round = 0
    self.voted = [("G", 0), ("B", 1)]
    self.votes = {"G": set(["A", "B", "C"]), "B": set()}
    self.high = self.sign(("G", 0))

def on_round(self, round):
    self.round = round.number
    best = self.voted[0]
    for block in self.voted:
        if block[1] > best[1]:
            best = block
    for name, voters in self.votes.items():
        if len(voters) >= 2 * self.f + 1:
            self.high = self.sign((name, self.round))
    self.voted.append((round.input, self.round))
    self.votes[round.input] = set([self.id])
    self.broadcast("propose", block = round.input, parent = best, justify = self.high)

def on_propose(self, m):
    if m.justify.signer == m.sender and m.parent in self.voted:
        self.send(m.sender, "vote", block = m.block, by = self.sign(m.block))

cluster(protocol("p", replica = role(init = init, on_round = on_round, on_propose = on_propose)), n = 4)
`)
	if err != nil {
		b.Fatal(err)
	}
	n, err := in.World().Cluster().Config().Protocol.NewServer(node.Self{ID: "A", N: 4, F: 1, Servers: []string{"A", "B", "C", "D"}})
	if err != nil {
		b.Fatal(err)
	}
	fresh, err := n.(node.State).AppendBinary(nil)
	if err != nil {
		b.Fatal(err)
	}
	var after []byte
	round := node.Event{Kind: node.RoundEvent, Round: node.Round{Number: 1, Leader: "A", Input: "1a"}}
	b.ReportAllocs()
	for b.Loop() {
		out := node.NewReaction(b.Context(), node.PerhapsUnderWay)
		n.React(round, out)
		if after, err = n.(node.State).AppendBinary(after[:0]); err != nil {
			b.Fatal(err)
		}
		if err := n.(node.State).UnmarshalBinary(fresh); err != nil {
			b.Fatal(err)
		}
	}
	if len(after) <= len(fresh) {
		b.Fatal("the handler changed nothing")
	}
}
