package kvproto

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/twinsh/twinsh/runtime/node"
)

// A network is a tiny one: requests and answers are carried by hand, one by
// one. After each event a node is encoded and a fresh one restored from that,
// so every story tests the encoding too.
type network struct {
	t       *testing.T
	make    map[string]func() (node.Node, error)
	nodes   map[string]node.Node // by instance: C' is a twin of C
	history []string
	refused string
}

// newNetwork makes servers A, B, C, D of which one may be faulty, a twin C',
// and the given clients.
func newNetwork(t *testing.T, options Options, clients map[string][]node.Operation) *network {
	t.Helper()
	p := New(options)
	net := &network{t: t, make: map[string]func() (node.Node, error){}, nodes: map[string]node.Node{}}
	for _, name := range []string{"A", "B", "C", "C'", "D"} {
		net.make[name] = func() (node.Node, error) { return p.NewServer(self(name)) }
	}
	for name, program := range clients {
		net.make[name] = func() (node.Node, error) { return p.NewClient(self(name), program) }
	}
	for name := range net.make {
		net.nodes[name] = net.fresh(name)
	}
	return net
}

func self(instance string) node.Self {
	return node.Self{ID: strings.TrimRight(instance, "'"), N: 4, F: 1, Servers: []string{"A", "B", "C", "D"}}
}

func write(value string) node.Operation { return node.Operation{Name: "write", Arg: value} }
func read() node.Operation              { return node.Operation{Name: "read"} }

func (net *network) fresh(name string) node.Node {
	net.t.Helper()
	fresh, err := net.make[name]()
	if err != nil {
		net.t.Fatal(err)
	}
	return fresh
}

// react lets an instance react, notes what was observed, and returns what it sends.
func (net *network) react(name string, e node.Event) []node.Sent {
	net.t.Helper()
	var r node.Reaction
	net.nodes[name].React(e, &r)
	if net.refused = r.Refused(); net.refused != "" {
		return nil
	}
	for _, o := range r.Observations() {
		switch o.Kind {
		case node.Invoked:
			net.history = append(net.history, name+" "+o.Operation.String())
		case node.Returned:
			net.history = append(net.history, name+" returns "+node.Text(o.Value))
		}
	}
	net.reload(name)
	return r.Sends()
}

// reload replaces a node by one that was restored from its encoding.
func (net *network) reload(name string) {
	net.t.Helper()
	body := encoded(net.t, net.nodes[name])
	restored := net.fresh(name)
	if err := restored.(node.State).UnmarshalBinary(body); err != nil {
		net.t.Fatal(err)
	}
	if again := encoded(net.t, restored); string(again) != string(body) {
		net.t.Fatalf("%s: the encoding changes from %x to %x", name, body, again)
	}
	if !reflect.DeepEqual(restored, net.nodes[name]) {
		net.t.Fatalf("%s: %+v is restored as %+v", name, net.nodes[name], restored)
	}
	net.nodes[name] = restored
}

func encoded(t *testing.T, n node.Node) []byte {
	t.Helper()
	b, err := n.(node.State).AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (net *network) tell(to, from string, m node.Message) []node.Sent {
	net.t.Helper()
	return net.react(to, node.Event{Kind: node.MessageEvent, From: from, Message: m})
}

// exchange lets a client go on with the instances in reach, and with no one else.
func (net *network) exchange(client, reach string) {
	net.t.Helper()
	net.carry(client, reach, net.react(client, node.Event{Kind: node.ExchangeEvent}))
}

// carry brings a client's requests to the instances in reach and their answers
// back, until the client sends nothing more.
func (net *network) carry(client, reach string, requests []node.Sent) {
	net.t.Helper()
	for len(requests) > 0 {
		var more []node.Sent
		for _, server := range strings.Fields(reach) {
			identity := self(server).ID
			for _, request := range requests {
				if request.To != identity {
					continue
				}
				for _, answer := range net.tell(server, client, request.Message) {
					more = append(more, net.tell(client, identity, answer.Message)...)
				}
			}
		}
		requests = more
	}
}

func (net *network) restart(name string) {
	net.t.Helper()
	net.nodes[name].(node.Restarter).Restart()
	net.reload(name)
}

// shows checks the summaries of instances: "A", "v1 red", "B", "–".
func (net *network) shows(pairs ...string) {
	net.t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if got := net.nodes[pairs[i]].(node.Inspector).Summary(); got != pairs[i+1] {
			net.t.Errorf("%s shows %q, want %q", pairs[i], got, pairs[i+1])
		}
	}
}

// saw checks the whole history.
func (net *network) saw(want ...string) {
	net.t.Helper()
	if got := strings.Join(net.history, "\n"); got != strings.Join(want, "\n") {
		net.t.Errorf("history:\n%s\nwant:\n%s", got, strings.Join(want, "\n"))
	}
}

// sends describes messages: "A query, B query".
func sends(sent []node.Sent) string {
	var all []string
	for _, s := range sent {
		all = append(all, fmt.Sprint(s.To, " ", s.Message))
	}
	return strings.Join(all, ", ")
}
