package simtest

import (
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/node"
)

// A gossip is a protocol that does whatever a hash says, so that it depends on
// all that a step may get wrong: who sent what, and in which order. Its nodes
// have few states, so that what happened once soon happens again.
type gossip struct {
	seed   uint32
	states uint32
}

func (gossip) Name() string { return "gossip" }
func (p gossip) NewServer(self node.Self) (node.Node, error) {
	return &gossiper{gossip: p, self: self}, nil
}
func (p gossip) NewClient(self node.Self, _ []node.Operation) (node.Node, error) {
	return &gossiper{gossip: p, self: self, client: true}, nil
}

type gossiper struct {
	gossip
	self   node.Self
	client bool
	state  byte
}

// A rumour is passed on as long as it has lives.
type rumour struct {
	Kind  string
	Lives int
	Word  uint32
}

func (r rumour) MessageType() string { return r.Kind }

func (g *gossiper) React(e node.Event, out *node.Reaction) {
	h := g.seed
	for _, b := range fmt.Sprint(g.self.ID, g.state, e) {
		h = (h ^ uint32(b)) * 16777619
	}
	h ^= h >> 15
	choose := func(n uint32) uint32 {
		h = h*1664525 + 1013904223
		return h >> 8 % 0xffff % n
	}
	if e.Kind != node.MessageEvent && e.Kind != node.RoundEvent && choose(8) == 0 {
		out.Refuse("it keeps to itself")
		return
	}
	g.state = byte(choose(g.states))
	lives := 3
	if m, ok := e.Message.(rumour); ok {
		lives = m.Lives - 1
	}
	for range choose(3) {
		if lives == 0 {
			break
		}
		m := rumour{[]string{"joke", "secret"}[choose(2)], lives, choose(2)}
		switch choose(6) {
		case 0, 1:
			out.Broadcast(m)
		case 2:
			out.SendNextLeader(m)
		case 3:
			out.Send(g.self.Servers[choose(uint32(len(g.self.Servers)))], m)
		default:
			if e.From != "" {
				out.Send(e.From, m)
			}
		}
	}
	switch choose(12) {
	case 0, 1, 2:
		out.Decided(int(choose(2)), int(choose(3)))
	case 3:
		if g.client {
			out.Returned(int(choose(3)))
		}
	case 4:
		if choose(20) == 0 {
			out.Fail("it said too much")
		}
	}
}

func (g *gossiper) Restart()                              { g.state /= 2 }
func (g *gossiper) AppendBinary(b []byte) ([]byte, error) { return append(b, g.state), nil }
func (g *gossiper) UnmarshalBinary(b []byte) error        { g.state = b[0]; return nil }

// GossipCluster draws a cluster of gossips.
func GossipCluster(t *rapid.T) *runtime.Cluster {
	config := runtime.Config{Protocol: gossip{rapid.Uint32().Draw(t, "seed"), rapid.Uint32Range(1, 4).Draw(t, "states")}, N: rapid.IntRange(2, 4).Draw(t, "n"), F: 1}
	for i := range rapid.IntRange(0, 2).Draw(t, "clients") {
		config.Clients = append(config.Clients, runtime.Client{Name: fmt.Sprint("c", i+1)})
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
	if rapid.Bool().Draw(t, "limited") { // then many steps are taken for endless ones
		packets := rapid.IntRange(1, 40).Draw(t, "packets")
		c.Engine().LimitSteps(rapid.IntRange(2, 5).Draw(t, "most hops"), packets)
	}
	return c
}

// GossipStep draws a step of any kind in a cluster of gossips.
func GossipStep(t *rapid.T, c *runtime.Cluster) runtime.Step {
	kinds := []string{"round", "deliver", "round", "round"}
	if c.Clients() != 0 {
		kinds = []string{"round", "deliver", "exchange", "exchange"}
	}
	if rapid.IntRange(0, 2).Draw(t, "rare") == 0 {
		kinds = []string{"timeout", "crash", "restart", "amnesia", "partition", "heal", "cut", "drop", "deaf", "hold", "release", "order", "duplicate"}
		if c.Clients() != 0 {
			kinds = append(kinds, "invoke")
		}
	}
	s, err := c.Step(drawer{t, c}.action(rapid.SampledFrom(kinds).Draw(t, "step")))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A drawer draws what actions say.
type drawer struct {
	*rapid.T
	*runtime.Cluster
}

func (d drawer) action(kind string) runtime.Action {
	all := d.Servers() | d.Clients()
	others := all &^ node.SetOf(0) // than A
	types := []string{"joke", "secret"}[rapid.IntRange(0, 1).Draw(d.T, "types"):]
	switch kind {
	case "round":
		leader := d.Identities()[rapid.IntRange(0, d.Config().N-1).Draw(d.T, "leader")]
		return runtime.RoundStep{Leader: leader.Name, Phase: d.phase(types)}
	case "deliver":
		return runtime.DeliverStep{Phase: d.phase(types)}
	case "exchange":
		return runtime.ExchangeStep{Client: d.one(d.Clients()), Reach: append(d.some(d.Servers()&others), "A")}
	case "invoke":
		return runtime.InvokeStep{Client: d.one(d.Clients()), Op: node.Operation{Name: "talk"}}
	case "timeout":
		ids := append(d.some(others), "A")
		return runtime.TimeoutStep{IDs: ids, Least: rapid.IntRange(0, min(2, len(ids))).Draw(d.T, "least")}
	case "crash":
		return runtime.CrashStep{ID: d.one(all)}
	case "restart":
		return runtime.RestartStep{ID: d.one(all)}
	case "amnesia":
		return runtime.AmnesiaStep{ID: d.one(all)}
	case "partition":
		return runtime.PartitionStep{Groups: d.groups()}
	case "heal":
		return runtime.HealStep{}
	case "cut":
		return runtime.CutStep{Src: "A", Dst: d.one(others)}
	case "drop":
		return runtime.DropStep{Type: types[0], Src: d.one(all)}
	case "deaf":
		return runtime.DeafStep{ID: d.one(all), Types: types}
	case "hold":
		return runtime.HoldStep{Src: "A", Dst: d.one(others)}
	case "release":
		return runtime.ReleaseStep{Src: "A", Dst: d.one(others), Count: rapid.IntRange(0, 1).Draw(d.T, "count")}
	case "duplicate":
		return runtime.DuplicateStep{Type: types[0], Src: "A", Dst: d.one(others)}
	case "order":
		return runtime.OrderStep{ID: d.one(all), First: d.some(all)}
	}
	panic("simtest: no step is called " + kind)
}

func (d drawer) one(s node.Set) string { return rapid.SampledFrom(d.Names(s)).Draw(d.T, "instance") }

func (d drawer) some(s node.Set) (names []string) {
	for _, name := range d.Names(s) {
		if rapid.Bool().Draw(d.T, name) {
			names = append(names, name)
		}
	}
	return names
}

func (d drawer) groups() [][]string {
	among := d.Servers()
	if rapid.IntRange(0, 3).Draw(d.T, "clients named") == 0 {
		among |= d.Clients()
	}
	groups := make([][]string, rapid.IntRange(1, 3).Draw(d.T, "groups"))
	for _, name := range d.Names(among) {
		k := rapid.IntRange(0, len(groups)-1).Draw(d.T, name)
		groups[k] = append(groups[k], name)
	}
	return slices.DeleteFunc(groups, func(g []string) bool { return g == nil })
}

func (d drawer) phase(types []string) (p runtime.Phase) {
	if rapid.IntRange(0, 3).Draw(d.T, "parted") > 0 {
		p.Groups = d.groups()
	}
	if rapid.IntRange(0, 3).Draw(d.T, "deaf") == 0 {
		p.Deaf, p.Types = d.Cluster.Names(node.SetOf(rapid.IntRange(0, len(d.Instances())-1).Draw(d.T, "who is deaf"))), types
	}
	p.Hops = rapid.IntRange(0, 3).Draw(d.T, "hops")
	return p
}
