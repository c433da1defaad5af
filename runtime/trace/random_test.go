package trace

import (
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"github.com/twinsh/twinsh/kvproto"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/node"
)

// randomWorld draws a system and what happens to it.
func randomWorld(t *rapid.T) *runtime.World {
	config := runtime.Config{N: rapid.IntRange(2, 4).Draw(t, "n"), F: 1}
	kind := rapid.SampledFrom([]string{"hearsay", "hearsay", "store", "store", "log"}).Draw(t, "protocol")
	seed := hearsay{rapid.Uint32().Draw(t, "seed"), kind == "log"}
	config.Protocol = seed
	for i := range rapid.IntRange(0, 2).Draw(t, "clients") {
		config.Clients = append(config.Clients, runtime.Client{Name: fmt.Sprint("c", i+1)})
	}
	if kind == "store" {
		config.N = 4
		config.Protocol = kvproto.New(kvproto.Options{NoWriteBack: rapid.Bool().Draw(t, "no write-back")})
		read := node.Operation{Name: "read"}
		config.Clients = []runtime.Client{
			{Name: "c1", Program: []node.Operation{{Name: "write", Arg: "red"}, read}},
			{Name: "c2", Program: []node.Operation{read, {Name: "write", Arg: "blue"}, read}},
		}
	}
	if rapid.Bool().Draw(t, "twin") {
		config.Twins = []runtime.Twin{{ID: "B", Copies: 2}}
	}
	if rapid.IntRange(0, 4).Draw(t, "network") == 0 {
		config.Network = runtime.Held
	}
	c, err := runtime.NewCluster(config)
	if err != nil {
		t.Fatal(err)
	}
	w := c.Start()
	for range rapid.IntRange(1, 12).Draw(t, "steps") {
		s, err := c.Step(randomAction(t, c))
		if err != nil {
			t.Fatal(err)
		}
		if next, err := w.Do(s); err == nil {
			w = next
		}
	}
	return w
}

// randomAction draws what to do next: rounds and deliveries, or exchanges if there
// are clients, and now and then anything else.
func randomAction(t *rapid.T, c *runtime.Cluster) runtime.Action {
	everybody := c.Names(c.Servers() | c.Clients())
	some := func(of []string, least int) (names []string) {
		for _, name := range of {
			if rapid.Bool().Draw(t, name) {
				names = append(names, name)
			}
		}
		if len(names) < least {
			return of[:min(least, len(of))]
		}
		return names
	}
	one := func(of []string) string { return rapid.SampledFrom(of).Draw(t, "one") }
	groups := func() [][]string {
		groups := make([][]string, rapid.IntRange(1, 3).Draw(t, "groups"))
		for _, name := range c.Names(c.Servers()) {
			k := rapid.IntRange(0, len(groups)-1).Draw(t, name)
			groups[k] = append(groups[k], name)
		}
		return slices.DeleteFunc(groups, func(g []string) bool { return g == nil })
	}
	types := func() []string {
		all := []string{"joke", "secret"}
		if _, random := c.Config().Protocol.(hearsay); !random {
			all = []string{"report", "update"}
		}
		return all[rapid.IntRange(0, 1).Draw(t, "types"):]
	}
	link := func() (src, dst string) {
		src = one(everybody)
		return src, one(slices.DeleteFunc(slices.Clone(everybody), func(name string) bool { return name == src }))
	}
	phase := func() (p runtime.Phase) {
		if rapid.IntRange(0, 3).Draw(t, "parted") > 0 {
			p.Groups = groups()
		}
		if rapid.IntRange(0, 2).Draw(t, "deaf") == 0 {
			p.Deaf, p.Types = some(everybody, 1), types()
		}
		p.Hops = rapid.IntRange(0, 3).Draw(t, "hops")
		return p
	}
	kinds := []string{"round", "round", "deliver"}
	if c.Clients() != 0 {
		kinds = []string{"exchange", "exchange", "exchange", "round"}
	}
	if _, random := c.Config().Protocol.(hearsay); !random {
		kinds = kinds[:1]
	}
	if rapid.IntRange(0, 3).Draw(t, "rare") == 0 {
		kinds = []string{"timeout", "crash", "restart", "amnesia", "partition", "heal", "cut", "drop", "deaf", "hold", "release", "order", "duplicate", "deliver"}
	}
	switch kind := rapid.SampledFrom(kinds).Draw(t, "kind"); kind {
	case "round":
		return runtime.RoundStep{Leader: one(c.Config().Servers), Phase: phase()}
	case "deliver":
		return runtime.DeliverStep{Phase: phase()}
	case "exchange":
		return runtime.ExchangeStep{Client: one(c.Names(c.Clients())), Reach: some(c.Names(c.Servers()), rapid.IntRange(1, 3).Draw(t, "reach"))}
	case "timeout":
		return runtime.TimeoutStep{IDs: []string{one(everybody)}}
	case "crash":
		return runtime.CrashStep{ID: one(everybody)}
	case "restart":
		return runtime.RestartStep{ID: one(everybody)}
	case "amnesia":
		return runtime.AmnesiaStep{ID: one(everybody)}
	case "partition":
		return runtime.PartitionStep{Groups: groups()}
	case "cut":
		src, dst := link()
		return runtime.CutStep{Src: src, Dst: dst}
	case "hold":
		src, dst := link()
		return runtime.HoldStep{Src: src, Dst: dst}
	case "release":
		src, dst := link()
		return runtime.ReleaseStep{Src: src, Dst: dst}
	case "drop":
		a := runtime.DropStep{Type: types()[0], Src: one(everybody)}
		if rapid.Bool().Draw(t, "link") {
			a.Src, a.Dst = link()
		}
		return a
	case "duplicate":
		src, dst := link()
		return runtime.DuplicateStep{Type: types()[0], Src: src, Dst: dst}
	case "deaf":
		return runtime.DeafStep{ID: one(everybody), Types: types()}
	case "order":
		return runtime.OrderStep{ID: one(everybody), First: some(everybody, 0)}
	}
	return runtime.HealStep{}
}

// A hearsay is a protocol whose nodes do whatever a hash says of what they heard
// of each word, and so do not get better informed by hearing more.
type hearsay struct {
	seed uint32
	logs bool // its nodes cannot encode their states
}

func (hearsay) Name() string { return "hearsay" }
func (p hearsay) NewServer(self node.Self) (node.Node, error) {
	return p.node(self, false), nil
}
func (p hearsay) NewClient(self node.Self, _ []node.Operation) (node.Node, error) {
	return p.node(self, true), nil
}

func (p hearsay) node(self node.Self, client bool) node.Node {
	n := &listener{hearsay: p, self: self, client: client}
	if p.logs {
		return n
	}
	return encoded{n}
}

type listener struct {
	hearsay
	self   node.Self
	client bool
	heard  [3]byte // how often it heard each word, up to a bound
}

// A rumour goes on as long as it has lives.
type rumour struct {
	Kind  string
	Lives int
	Word  int
}

func (r rumour) MessageType() string { return r.Kind }
func (r rumour) String() string      { return fmt.Sprintf("%s %d.%d", r.Kind, r.Word, r.Lives) }

func (n *listener) React(e node.Event, out *node.Reaction) {
	lives := 3
	if m, ok := e.Message.(rumour); ok {
		lives = m.Lives - 1
		n.heard[m.Word] = (n.heard[m.Word] + 1) % 4
	}
	h := n.seed
	for _, b := range fmt.Sprint(n.self.ID, n.heard, e.Kind, lives) {
		h = (h ^ uint32(b)) * 16777619
	}
	h ^= h >> 15
	choose := func(among uint32) uint32 {
		h = h*1664525 + 1013904223
		return h >> 8 % 0xffff % among
	}
	if e.Kind != node.MessageEvent && e.Kind != node.RoundEvent && choose(8) == 0 {
		out.Refuse("it keeps to itself")
		return
	}
	if n.client && e.Kind == node.ExchangeEvent {
		out.Invoked(node.Operation{Name: "ask"})
	}
	for range choose(4) {
		if lives == 0 {
			break
		}
		m := rumour{[]string{"joke", "secret"}[choose(2)], lives, int(choose(3))}
		switch choose(6) {
		case 0, 1:
			out.Broadcast(m)
		case 2:
			out.SendNextLeader(m)
		case 3:
			out.Send(n.self.Servers[choose(uint32(len(n.self.Servers)))], m)
		default:
			if e.From != "" {
				out.Send(e.From, m)
			}
		}
	}
	switch choose(8) {
	case 0, 1:
		out.Decided(int(choose(2)), int(choose(3)))
	case 2, 3:
		if n.client {
			out.Returned(int(choose(3)))
		}
	case 4:
		if choose(20) == 0 {
			panic("it said too much")
		}
	}
}

func (n *listener) Summary() string      { return fmt.Sprint(n.heard) }
func (n *listener) Fields() []node.Field { return nil }

type encoded struct{ *listener }

func (n encoded) Restart()                              { n.heard[0], n.heard[2] = 0, 0 }
func (n encoded) AppendBinary(b []byte) ([]byte, error) { return append(b, n.heard[:]...), nil }
func (n encoded) UnmarshalBinary(b []byte) error        { copy(n.heard[:], b); return nil }
