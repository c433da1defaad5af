package dsl

import (
	"strings"
	"testing"
)

const labelled = `
vote = message("vote", "view", "block")

def on_round(self, round):
    print("leads", round.leader == self.id)
    if round.leader == self.id:
        self.broadcast(vote, round.number, block = ("block", round.number, "x" * 40))

def on_vote(self, m):
    self.view = m.view

def said(m):
    return "view %d" % m.view

p = protocol("p", role(on_round = on_round, handlers = {vote: on_vote}, label = {"vote": said}))
cluster(p, n = 2, f = 0)
round("A", hops = 1)
round("A", hops = 1)
`

// A message reads in every view as its role says, in full where that is asked for. What a
// handler prints stands with what it did.
func TestLabels(t *testing.T) {
	for _, format := range []string{"messages", "mermaid", "shiviz", "json"} {
		out, err := runScript(t, labelled+`show("`+format+`")`)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out, "view 1") {
			t.Errorf("%s has no label:\n%s", format, out)
		}
		if !strings.Contains(out, "leads True") {
			t.Errorf("%s lacks what was printed:\n%s", format, out)
		}
		if full := strings.Contains(out, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"); full != (format == "json") {
			t.Errorf("%s in full: %v\n%s", format, full, out)
		}
	}
	out, err := runScript(t, labelled+`show("messages", full = True)`)
	if err != nil || !strings.Contains(out, `vote(view=1, block=("block", 1, "xxxxxxxx`) {
		t.Errorf("%v\n%s", err, out)
	}
	// Who writes a label knows what it leaves out.
	out, err = runScript(t, strings.Replace(labelled, `"view %d" % m.view`, `"a vote"`, 1)+`show("messages")`)
	if err != nil || strings.Count(out, "a vote") != 2 || strings.Contains(out, "vote(") {
		t.Errorf("%v\n%s", err, out)
	}
	out, err = runScript(t, labelled+`
def on_ping(self, m):
    pass
def on_timeout(self):
    self.broadcast("ping", deep = [1])
cluster(protocol("p", role(on_timeout = on_timeout, on_ping = on_ping, label = {"ping": lambda m: "are you there?"})), n = 2, f = 0)
timeout("A")
next()`)
	if err != nil || !strings.Contains(out, "2 messages in flight: are you there? A → A, are you there? A → B") {
		t.Errorf("%v\n%s", err, out)
	}
}

// What a label or the signature of a message cannot be.
func TestWrongLabels(t *testing.T) {
	const roles = `
vote = message("vote", "view", "block")
def on_vote(self, m):
    pass
def run(on_round = None, **more):
    cluster(protocol("p", role(on_round = on_round, on_vote = on_vote, **more)), n = 1, f = 0)
    round("A")
    show("messages")
    print([e.text for e in history()])
def send(act):
    def on_round(self, round):
        act(self)
    run(on_round = on_round)
`
	for script, want := range map[string]string{
		`run(label = ["vote"])`:                  "role: label is a list, want a dict from message type to function",
		`run(label = {1: len})`:                  "role: label has the key 1, want the name of a message type",
		`run(label = {"vote": "a vote"})`:        "role: label: vote is a string, want a function of a message",
		`run(label = {"vote": lambda m, n: ""})`: "role: the label of vote is called with (m), which ",
		`run(label = {"vtoe": lambda m: ""})`:    "names messages of the type vtoe, which no role sends or handles (did you mean vote?)",
		`run(lable = {"vote": lambda m: ""})`:    "unexpected keyword argument lable (did you mean label?)",
		`run(label = {vote: lambda m: m.veiw}, on_round = lambda self, round: self.broadcast(vote, 1, 2))`:   "the label of vote: message vote has no .veiw (did you mean view?)",
		`run(label = {vote: lambda m: m.sender}, on_round = lambda self, round: self.broadcast(vote, 1, 2))`: "the message of a label has no sender",
		`run(label = {vote: lambda m: None}, on_round = lambda self, round: self.broadcast(vote, 1, 2))`:     "the label of vote: it returned nothing (a path without return?), want a text",
		`run(label = {vote: lambda m: 1}, on_round = lambda self, round: self.broadcast(vote, 1, 2))`:        `the label of vote: it returned an int, want a text, as str(…) and "%s" % … return`,
		`other = message("vote", "height")
run(label = {vote: lambda m: ""}, on_round = lambda self, round: self.broadcast(other, 1))`: "protocol p: messages of the type vote have two signatures, vote(height) and vote(view, block); give them one, or two names",
		`other = message("vote", "view", "block")
run(label = {vote: lambda m: ""}, on_round = lambda self, round: self.broadcast(other, 1, 2))`: "[]\n",
		`message("round")`:                                      "message: on_round is the handler of an event",
		`message("vote", "sender")`:                             "message: every message has a sender already",
		`message("vote", "x", "x")`:                             "message: two fields have the name x",
		`message("vote", 1)`:                                    "message: ",
		`message()`:                                             "message: ",
		`send(lambda self: self.broadcast(vote, 1, 2))`:         "[]\n",
		`send(lambda self: self.send("A", vote, 1, block = 2))`: "[]\n",
		`send(lambda self: self.broadcast(vote, 1))`:            "self.broadcast: block of vote(view, block) is not given",
		`send(lambda self: self.broadcast(vote, 1, 2, 3))`:      "self.broadcast: got 3 fields of vote(view, block)",
		`send(lambda self: self.broadcast(vote, 1, view = 2))`:  "field view of vote(view, block) is given twice",
		`send(lambda self: self.broadcast(vote, 1, blokc = 2))`: "vote(view, block) has no field blokc (did you mean block?)",
		`send(lambda self: self.broadcast("vote", 1))`:          `as in self.broadcast(\"vote\", value = 1); with message(\"vote\", \"value\") fields are given by position`,
		`send(lambda self: self.send("A", "vote", 1))`:          "self.send: got 3 arguments, want 2; it is self.send(to, type, **fields)",
	} {
		out, err := runScript(t, roles+script)
		if err != nil {
			out = err.Error()
		}
		if !strings.Contains(out, want) {
			t.Errorf("%s: %s, want %q", script, out, want)
		}
	}
}
