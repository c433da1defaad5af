package dsl

import (
	"fmt"
	"slices"
	"testing"

	"github.com/twinsh/twinsh/dsl/internal/adversary"
)

// What B sends to A waits while they cannot reach each other, in a round and then
// in an exchange of others. When both can, A hears B's messages in the order in
// which they were sent, whichever steps left them in flight.
func TestWaitingMessagesKeepTheirOrder(t *testing.T) {
	message := func(send, kind, hops string) adversary.Statement {
		return adversary.Statement{Do: fmt.Sprintf("self.%s(%s, v = None, h = %s, c = None)", send, kind, hops)}
	}
	fromClient := message("send", `"A", "m0"`, "1")
	fromClient.If = "m.h < 1"
	c := &adversary.Case{
		N: 2, Held: true,
		Replica: adversary.Role{Handlers: []adversary.Handler{
			{Event: "round", Body: []adversary.Statement{message("broadcast", `"m1"`, "0")}},
			{Event: "m0", Body: []adversary.Statement{fromClient, {Do: `self.decide(0, "exchange")`}}},
			{Event: "m1", Body: []adversary.Statement{{Do: `self.decide(0, "round")`}}},
			{Event: "m2"},
		}},
		Clients: []adversary.Client{{Name: "c1", Program: []adversary.Operation{{Name: "read", Arg: "None"}}}},
		Client: &adversary.Role{Handlers: []adversary.Handler{
			{Event: "exchange", Body: []adversary.Statement{{Do: "self.invoked(self.program[0])"}, message("broadcast", `"m0"`, "0")}},
			{Event: "m0"}, {Event: "m1"}, {Event: "m2"},
		}},
		Start: []adversary.Step{
			{Kind: "round", Who: "B", Groups: [][]string{{"A"}, {"B"}}},
			{Kind: "exchange", Who: "c1", Names: []string{"B"}},
		},
		Space: adversary.Space{
			Text:  `rounds(["A"], partitions(max = 1), hops = 1)`,
			Lists: []adversary.Scenario{{{Kind: "round", Who: "A", Groups: [][]string{{"A", "B"}}, Count: 1}}},
		},
		Properties: []adversary.Property{{Kind: "agreement", Text: "agreement()", Name: "agreement"}},
	}
	if _, difference := compare(t, c, 1); difference != "" {
		t.Fatal(difference)
	}
	s, err := adversary.NewSystem(c)
	if err != nil {
		t.Fatal(err)
	}
	var heard []string
	for _, e := range s.Play(s.Begin(), append(slices.Clone(c.Start), c.Space.Lists[0]...)).History {
		if e.Step == 3 && e.Instance == 0 {
			heard = append(heard, e.Value.String())
		}
	}
	want := []string{`"round"`, `"round"`, `"exchange"`, `"round"`, `"exchange"`} // of A itself, three of B, of c1
	if !slices.Equal(heard, want) {
		t.Errorf("A heard %v, want %v", heard, want)
	}
}
