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
	instance := func(s node.Set) string { return rapid.SampledFrom(c.Names(s)).Draw(t, "instance") }
	some := func(s node.Set) (names []string) {
		for _, name := range c.Names(s) {
			if rapid.Bool().Draw(t, name) {
				names = append(names, name)
			}
		}
		return names
	}
	types := []string{"joke", "secret"}[rapid.IntRange(0, 1).Draw(t, "types"):]
	groups := func() (groups [][]string) {
		among := c.Servers()
		if rapid.IntRange(0, 3).Draw(t, "clients named") == 0 {
			among |= c.Clients()
		}
		groups = make([][]string, rapid.IntRange(1, 3).Draw(t, "groups"))
		for _, name := range c.Names(among) {
			k := rapid.IntRange(0, len(groups)-1).Draw(t, name)
			groups[k] = append(groups[k], name)
		}
		return slices.DeleteFunc(groups, func(g []string) bool { return g == nil })
	}
	phase := func() (p runtime.Phase) {
		if rapid.IntRange(0, 3).Draw(t, "parted") > 0 {
			p.Groups = groups()
		}
		if rapid.IntRange(0, 3).Draw(t, "deaf") == 0 {
			p.Deaf, p.Types = c.Names(node.SetOf(rapid.IntRange(0, len(c.Instances())-1).Draw(t, "who is deaf"))), types
		}
		p.Hops = rapid.IntRange(0, 3).Draw(t, "hops")
		return p
	}
	everybody := c.Servers() | c.Clients()
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
	var (
		s   runtime.Step
		err error
	)
	switch rapid.SampledFrom(kinds).Draw(t, "step") {
	case "round":
		s, err = c.Step(runtime.RoundStep{Leader: c.Identities()[rapid.IntRange(0, c.Config().N-1).Draw(t, "leader")].Name, Phase: phase()})
	case "deliver":
		s, err = c.Step(runtime.DeliverStep{Phase: phase()})
	case "exchange":
		s, err = c.Step(runtime.ExchangeStep{Client: instance(c.Clients()), Reach: append(some(c.Servers()&^node.SetOf(0)), "A")})
	case "invoke":
		s, err = c.Step(runtime.InvokeStep{Client: instance(c.Clients()), Op: node.Operation{Name: "talk"}})
	case "timeout":
		s, err = c.Step(runtime.TimeoutStep{IDs: append(some(everybody&^node.SetOf(0)), "A")})
	case "crash":
		s, err = c.Step(runtime.CrashStep{ID: instance(everybody)})
	case "restart":
		s, err = c.Step(runtime.RestartStep{ID: instance(everybody)})
	case "amnesia":
		s, err = c.Step(runtime.AmnesiaStep{ID: instance(everybody)})
	case "partition":
		s, err = c.Step(runtime.PartitionStep{Groups: groups()})
	case "heal":
		s, err = c.Step(runtime.HealStep{})
	case "cut":
		s, err = c.Step(runtime.CutStep{Src: "A", Dst: instance(everybody &^ node.SetOf(0))})
	case "drop":
		s, err = c.Step(runtime.DropStep{Type: types[0], Src: instance(everybody), Dst: ""})
	case "deaf":
		s, err = c.Step(runtime.DeafStep{ID: instance(everybody), Types: types})
	case "hold":
		s, err = c.Step(runtime.HoldStep{Src: "A", Dst: instance(everybody &^ node.SetOf(0))})
	case "release":
		s, err = c.Step(runtime.ReleaseStep{Src: "A", Dst: instance(everybody &^ node.SetOf(0)), Count: rapid.IntRange(0, 1).Draw(t, "count")})
	case "duplicate":
		s, err = c.Step(runtime.DuplicateStep{Type: types[0], Src: "A", Dst: instance(everybody &^ node.SetOf(0))})
	case "order":
		s, err = c.Step(runtime.OrderStep{ID: instance(everybody), First: some(everybody)})
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}
