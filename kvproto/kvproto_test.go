package kvproto

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/node"
)

type programs = map[string][]node.Operation

// The scenario of the store as its designers tell it, carried by hand.
func TestFiveExchanges(t *testing.T) {
	net := newNetwork(t, Options{}, programs{"c1": {write("red")}, "c2": {write("blue")}, "c3": {read()}})

	net.exchange("c1", "A B C")
	net.shows("c1", "query done", "A", "–")
	net.exchange("c1", "A B C")
	net.shows("c1", "done", "A", "v1 red", "B", "v1 red", "C", "v1 red", "D", "–")

	net.exchange("c2", "B C D")
	net.exchange("c2", "A C")
	net.shows("c2", "update 2/3", "A", "v2 blue", "B", "v1 red", "C", "v2 blue")
	// Here c2 crashes, and C forgets everything.
	net.nodes["C"] = net.fresh("C")
	net.shows("C", "–")

	net.exchange("c3", "B C D")
	net.exchange("c3", "B C D")
	net.shows("B", "v1 red", "C", "v1 red", "D", "v1 red")
	net.saw(`c1 write("red")`, `c1 returns nil`, `c2 write("blue")`, `c3 read()`, `c3 returns "red"`)
}

func TestReadOfNothing(t *testing.T) {
	net := newNetwork(t, Options{}, programs{"c1": {read()}})
	net.exchange("c1", "A B C")
	net.saw(`c1 read()`)
	net.exchange("c1", "A B C")
	net.shows("A", "–")
	net.saw(`c1 read()`, `c1 returns nil`)
}

func TestEmptyValueIsAValue(t *testing.T) {
	net := newNetwork(t, Options{}, programs{"c1": {write(""), read()}})
	for range 4 {
		net.exchange("c1", "A B C")
	}
	net.saw(`c1 write("")`, `c1 returns nil`, `c1 read()`, `c1 returns ""`)
}

func TestOpenPhaseAsksOnlyThoseWhoDidNotAnswer(t *testing.T) {
	net := newNetwork(t, Options{}, programs{"c1": {write("red")}})
	net.exchange("c1", "A C")
	net.shows("c1", "query 2/3")
	again := net.react("c1", node.Event{Kind: node.TimeoutEvent})
	if got := sends(again); got != "B query, D query" {
		t.Errorf("after a timeout c1 sends %s", got)
	}
	net.exchange("c1", "D")
	net.shows("c1", "query done")
	net.react("c1", node.Event{Kind: node.TimeoutEvent})
	if net.refused != "c1 waits for no answer" {
		t.Errorf("between two phases, a timeout is refused with %q", net.refused)
	}
	if got := sends(net.react("c1", node.Event{Kind: node.ExchangeEvent})); got != "A update v1 red, B update v1 red, C update v1 red, D update v1 red" {
		t.Errorf("the second phase begins with %s", got)
	}
}

func TestTwinsHaveOneVote(t *testing.T) {
	net := newNetwork(t, Options{}, programs{"c1": {write("red")}})
	net.exchange("c1", "A C C'")
	net.shows("c1", "query 2/3")

	net = newNetwork(t, Options{OneVote: Off}, programs{"c1": {write("red")}})
	net.exchange("c1", "A C C'")
	net.shows("c1", "query done")
}

func TestReadQuorumIsForTheQueryOfReads(t *testing.T) {
	net := newNetwork(t, Options{ReadQuorum: 2}, programs{"c1": {write("red")}, "c2": {read()}})
	net.exchange("c1", "A B")
	net.shows("c1", "query 2/3")
	net.exchange("c2", "A B")
	net.shows("c2", "query done")
	net.exchange("c2", "A B")
	net.shows("c2", "write back 2/3")
}

func TestInvokedOperationGoesOnByItself(t *testing.T) {
	net := newNetwork(t, Options{}, programs{"c1": nil})
	begin := func(op node.Operation) []node.Sent {
		return net.react("c1", node.Event{Kind: node.InvokeEvent, Operation: op})
	}
	queries := begin(write("red"))
	net.saw(`c1 write("red")`)
	begin(read())
	if net.refused != `c1 has not finished write("red")` {
		t.Errorf("a second operation is refused with %q", net.refused)
	}
	net.carry("c1", "B C D", queries)
	net.carry("c1", "A B C", begin(read()))
	net.saw(`c1 write("red")`, `c1 returns nil`, `c1 read()`, `c1 returns "red"`)
	net.shows("A", "v1 red", "c1", "done")

	begin(node.Operation{Name: "swap"})
	if net.refused != `c1: no operation "swap"; there are write(value) and read()` {
		t.Errorf("an unknown operation is refused with %q", net.refused)
	}
}

// In a network that holds messages an answer may come when the client is
// elsewhere.
func TestLateAnswersAreIgnored(t *testing.T) {
	net := newNetwork(t, Options{}, programs{"c1": {read(), read()}})
	queries := net.react("c1", node.Event{Kind: node.ExchangeEvent})
	late := net.tell("D", "c1", queries[3].Message)[0].Message
	net.exchange("c1", "A B C")

	updates := net.react("c1", node.Event{Kind: node.ExchangeEvent})
	lateAck := net.tell("D", "c1", updates[3].Message)[0].Message
	net.tell("c1", "D", late)
	net.shows("c1", "write back 0/3")
	net.carry("c1", "A B C", updates)

	net.exchange("c1", "A")
	net.tell("c1", "D", late)
	net.tell("c1", "D", lateAck)
	net.shows("c1", "query 1/3")

	net.exchange("c1", "B C")
	net.exchange("c1", "A")
	net.tell("c1", "D", lateAck)
	net.shows("c1", "write back 1/3")
}

func TestAnswersOfStrangersAreIgnored(t *testing.T) {
	net := newNetwork(t, Options{}, programs{"c1": {read()}})
	net.exchange("c1", "A B")
	net.tell("c1", "c2", Report{1, New(Options{}).Sign(Tag{1, "c2", 1}, "red")})
	net.shows("c1", "query 2/3")
	if got := field(net.nodes["c1"], "value"); got != nil {
		t.Errorf("c1 takes %v from a client", got)
	}
}

func TestServerNeverGoesBack(t *testing.T) {
	p := New(Options{})
	red, blue := p.Sign(Tag{1, "c1", 1}, "red"), p.Sign(Tag{1, "c2", 1}, "blue")
	net := newNetwork(t, Options{}, nil)
	for _, step := range []struct {
		m    Update
		want string
	}{
		{Update{1, red}, "v1 red"},
		{Update{1, blue}, "v1 blue"}, // c2 is larger than c1
		{Update{1, red}, "v1 blue"},
		{Update{1, Signed{}}, "v1 blue"},
	} {
		answers := net.tell("A", "c1", step.m)
		if got := sends(answers); got != "c1 ack" {
			t.Errorf("%s is answered by %q", step.m, got)
		}
		net.shows("A", step.want)
	}
	net.restart("A")
	net.shows("A", "v1 blue")
}

func TestForgeries(t *testing.T) {
	right := New(Options{}).Sign(Tag{1, "c1", 1}, "red")
	unsigned := right
	unsigned.Signature = Signature{}
	value, version, writer, counter, zero := right, right, right, right, right
	value.Value, version.Version, writer.Writer, counter.Counter = "blue", 2, "c2", 2
	zero.Version = 0
	signedZero := New(Options{}).Sign(Tag{0, "c1", 1}, "red")
	for name, forged := range map[string]Signed{
		"unsigned": unsigned, "other value": value, "other version": version, "other writer": writer,
		"other counter": counter, "version 0": zero, "signed version 0": signedZero, "only a value": {Value: "red"},
	} {
		t.Run(name, func(t *testing.T) {
			net := newNetwork(t, Options{}, programs{"c1": {read()}})
			if answers := net.tell("A", "c1", Update{1, forged}); len(answers) != 0 {
				t.Errorf("the server answers %s", sends(answers))
			}
			net.shows("A", "–")
			net.exchange("c1", "B")
			net.tell("c1", "A", Report{1, forged})
			net.shows("c1", "query 1/3")
		})
	}
	t.Run("no verification", func(t *testing.T) {
		net := newNetwork(t, Options{Verify: Off}, programs{"c1": {read()}})
		if got := sends(net.tell("A", "c2", Update{1, value})); got != "c2 ack" {
			t.Errorf("the server answers %q", got)
		}
		net.shows("A", "v1 blue")
		net.exchange("c1", "A B C")
		net.exchange("c1", "A B C")
		net.saw(`c1 read()`, `c1 returns "blue"`)
	})
}

func TestRestartedClientGoesOnWithItsNextOperation(t *testing.T) {
	for _, test := range []struct {
		options Options
		counter int
	}{{Options{}, 2}, {Options{PersistentCounter: Off}, 1}} {
		net := newNetwork(t, test.options, programs{"c1": {write("red"), write("blue")}})
		net.exchange("c1", "A B C")
		net.exchange("c1", "A")
		net.restart("c1")
		net.shows("c1", "idle")
		// An answer to what it asked in its former life means nothing to it.
		net.tell("c1", "B", Ack{1})

		net.exchange("c1", "B C D")
		net.exchange("c1", "B C D")
		net.shows("A", "v1 red", "B", "v1 blue", "c1", "done")
		net.saw(`c1 write("red")`, `c1 write("blue")`, `c1 returns nil`)
		if got := field(net.nodes["B"], "counter"); got != test.counter {
			t.Errorf("%+v: the counter of the second write is %v, want %d", test.options, got, test.counter)
		}
		net.exchange("c1", "A")
		if net.refused != "c1 has carried out all its operations" {
			t.Errorf("a further exchange is refused with %q", net.refused)
		}
	}
}

func field(n node.Node, name string) any {
	for _, f := range n.(node.Inspector).Fields() {
		if f.Name == name {
			return f.Value
		}
	}
	return nil
}

// What a client found out for an operation that is over, and how, must not
// distinguish worlds.
func TestClientForgets(t *testing.T) {
	run := func(reach ...string) string {
		net := newNetwork(t, Options{}, programs{"c1": {write("red")}, "c2": {write("blue"), read()}})
		net.exchange("c1", "A B C")
		net.exchange("c1", "A B C")
		for _, r := range reach {
			net.exchange("c2", r)
		}
		return string(encoded(t, net.nodes["c2"]))
	}
	if run("A B C") != run("D", "B", "A") {
		t.Error("who answered the query still shows when it is done")
	}
	if run("A B C", "A B C", "A B C", "A B C") != run("B C D", "B C D", "A B D", "B C D") {
		t.Error("a client that is done remembers how")
	}
}

func TestNoRounds(t *testing.T) {
	net := newNetwork(t, Options{}, programs{"c1": {read()}})
	for _, name := range []string{"A", "c1"} {
		net.react(name, node.Event{Kind: node.RoundEvent})
		if !strings.Contains(net.refused, "kv has no rounds") {
			t.Errorf("%s refuses a round with %q", name, net.refused)
		}
	}
	net.react("A", node.Event{Kind: node.TimeoutEvent})
	if net.refused != "A is a server of kv and waits for nothing" {
		t.Errorf("a server refuses a timeout with %q", net.refused)
	}
}

func TestConfigurationErrors(t *testing.T) {
	four := self("A")
	two := node.Self{ID: "A", N: 2, F: 1, Servers: []string{"A", "B"}}
	for _, test := range []struct {
		options Options
		self    node.Self
		program []node.Operation
		want    string
	}{
		{Options{Quorum: 5}, four, nil, "kv: the quorum is 5, want 1 to n = 4, or 0 for 2f+1"},
		{Options{Quorum: -1}, four, nil, "kv: the quorum is -1, want 1 to n = 4, or 0 for 2f+1"},
		{Options{ReadQuorum: 5}, four, nil, "kv: the read quorum is 5, want 1 to n = 4, or 0 for the quorum"},
		{Options{}, two, nil, "kv: the quorum 2f+1 is 3 at f = 1, want 1 to n = 2; use more servers or give a quorum"},
		{Options{ReadRule: "last"}, four, nil, `kv: no read rule "last"; there are "max" and "first"`},
		{Options{}, four, []node.Operation{{Name: "wirte"}}, `kv: A: no operation "wirte"; there are write(value) and read()`},
		{Options{}, four, []node.Operation{{Name: "write"}}, `kv: A: write needs a value, as in write("red")`},
		{Options{}, four, []node.Operation{{Name: "write", Arg: 7}}, `kv: A: write: the value is 7, want a string`},
		{Options{}, four, []node.Operation{{Name: "read", Arg: "red"}}, `kv: A: read takes no value, got "red"`},
	} {
		_, err := New(test.options).NewClient(test.self, test.program)
		if err == nil || err.Error() != test.want {
			t.Errorf("%+v: error %v, want %s", test.options, err, test.want)
		}
		if _, err := New(test.options).NewServer(test.self); (err == nil) != (test.program != nil) {
			t.Errorf("%+v: a server is made with error %v", test.options, err)
		}
	}
}

func TestMessages(t *testing.T) {
	red := Signed{Tag: Tag{1, "c1", 1}, Value: "red"}
	for _, test := range []struct {
		m          node.Message
		kind, text string
	}{
		{Query{1}, "query", "query"},
		{Report{1, red}, "report", "v1 red"},
		{Report{1, Signed{}}, "report", "–"},
		{Update{1, red}, "update", "update v1 red"},
		{Ack{1}, "ack", "ack"},
	} {
		if kind, text := node.MessageType(test.m), node.Text(test.m); kind != test.kind || text != test.text {
			t.Errorf("%#v is a %s and shows %s", test.m, kind, text)
		}
	}
}

func TestTagOrder(t *testing.T) {
	ordered := []Tag{{}, {1, "c1", 1}, {1, "c1", 2}, {1, "c2", 1}, {2, "c1", 1}}
	for i, a := range ordered {
		for j, b := range ordered {
			if got, want := a.Compare(b) < 0, i < j; got != want {
				t.Errorf("%v before %v: %t", a, b, got)
			}
		}
	}
}

func TestSignatureCoversEverything(t *testing.T) {
	const want = "\x09twinsh kv" + "\x05entry" + "\x02" + "\x02c1" + "\x03" + "\x03red"
	if got := string(New(Options{}).Sign(Tag{2, "c1", 3}, "red").statement()); got != want {
		t.Errorf("signed is %q, want %q", got, want)
	}
}

// Nodes of one protocol run concurrently; what they sign is the same.
func TestKeyringIsConcurrent(t *testing.T) {
	p := New(Options{})
	want := New(Options{}).Sign(Tag{1, "c1", 1}, "red")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if got := p.Sign(Tag{1, "c1", 1}, "red"); got != want || !p.Verify(got) {
				t.Errorf("signed %v, want %v", got, want)
			}
		})
	}
	wg.Wait()
}

// The protocol lists the types of its messages: filters that name another are refused.
func TestMessageTypes(t *testing.T) {
	c, err := runtime.NewCluster(runtime.Config{Protocol: New(Options{}), N: 4, F: 1})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"ack", "query", "report", "update"}; !slices.Equal(c.MessageTypes(), want) {
		t.Errorf("got %q, want %q", c.MessageTypes(), want)
	}
	deaf := runtime.Phase{Deaf: []string{"B"}, Types: []string{"acks"}}
	_, drop := c.Step(runtime.DropStep{Type: "acks", Src: "A", Dst: ""})
	_, hears := c.Step(runtime.DeafStep{ID: "B", Types: []string{"ack", "acks"}})
	_, round := c.Step(runtime.RoundStep{Leader: "A", Phase: deaf})
	_, deliver := c.Step(runtime.DeliverStep{Phase: deaf})
	_, made := c.ParseStep("drop acks")
	for _, err := range []error{drop, hears, round, deliver, made} {
		var unknown *runtime.UnknownTypeError
		if !errors.As(err, &unknown) || unknown.Type != "acks" {
			t.Errorf("got %v", err)
		}
	}
	deaf.Types = []string{"ack"}
	if _, err := c.Step(runtime.DeliverStep{Phase: deaf}); err != nil {
		t.Error(err)
	}
}
