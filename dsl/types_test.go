package dsl

import (
	"strings"
	"testing"
)

// talk is a protocol that sends a message that no role handles, and names types
// in several ways.
const talk = `
def greet(self):
    self.send(self.next_leader, "hail", by = self.id)

def on_round(self, round):
    if round.leader == self.id:
        greet(self)
        self.broadcast("propose", value = round.input)

def on_propose(self, m):
    kind = "vo" + "te"
    self.broadcast(kind, value = m.value)

def on_vote(self, m):
    self.heard = m.value

talk = protocol("talk", replica = role(on_round = on_round, on_propose = on_propose, handlers = {"vote": on_vote}))
cluster(talk, n = 3, f = 0)
`

// A filter that names a type that there is not is an error with the nearest name.
func TestTypesOfFilters(t *testing.T) {
	for _, test := range []struct{ act, wrong string }{
		{`drop("propose", src = "A")`, ""},
		{`drop("proposal", src = "A")`, `drop: no node handles or sends a message of type "proposal"; there are hail, propose, vote (did you mean propose?)`},
		{`drop("hail")`, ""}, // only sent
		{`drop("round")`, `no node handles or sends a message of type "round"`},
		{`deaf("B", ["vote", "propose"])`, ""},
		{`deaf("B", ["vote", "voted"])`, `deaf: no node handles or sends a message of type "voted"; there are hail, propose, vote (did you mean vote?)`},
		{`round("A", deaf = ["B"], types = ["vote"])`, ""},
		{`round("A", deaf = ["B"], types = ["votes"])`, `round: no node handles or sends a message of type "votes"`},
		{`deliver(deaf = ["B"], types = ["votes"])`, `deliver: no node handles or sends a message of type "votes"`},
		{`world().drop("votes")`, `(did you mean vote?)`},
		{`rounds(deaf = [[], ["B"]], types = ["vote"])`, ""},
		{`rounds(deaf = [[], ["B"]], types = ["votes"])`, `rounds: no node handles or sends a message of type "votes"; there are hail, propose, vote (did you mean vote?)`},
		{`rounds(deaf = [], types = ["votes"])`, `rounds: no node handles or sends a message of type "votes"`},
	} {
		err := testInterpreter(t, nil).Exec(t.Context(), "x.star", talk+test.act+"\n")
		switch {
		case test.wrong == "" && err != nil:
			t.Errorf("%s: %v", test.act, err)
		case test.wrong != "" && (err == nil || !strings.Contains(err.Error(), test.wrong)):
			t.Errorf("%s: got %v, want %s", test.act, err, test.wrong)
		}
	}
}
