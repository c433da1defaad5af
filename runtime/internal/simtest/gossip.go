package simtest

import (
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/node"
)

// A Gossip is a protocol that does whatever a hash says.
type Gossip struct {
	Seed uint32

	// States is how many states a node has, of which the hash chooses the next one. It then
	// depends on all that a step may get wrong, who sent what and in which order, and what
	// happened once soon happens again. With 0 a node counts what it heard of each word, and
	// nothing else matters to it: it does not get better informed by hearing more.
	States uint32

	// Moments says that nodes attend to hops and to quiet. Some of them never fall silent.
	Moments bool

	// Tosses says that nodes now and then read one of two coins, and that what it shows
	// is a part of what they do.
	Tosses bool

	// Logs says that nodes cannot encode their states, so that their logs stand for them.
	Logs bool
}

// gossipTypes are the types of the messages of gossips.
var gossipTypes = []string{"joke", "secret"}

// gossipCoins are the coins that gossips read.
var gossipCoins = []string{"c0", "c1"}

// Name returns "gossip".
func (Gossip) Name() string { return "gossip" }

// Coins lists 0, 1 and 2, or nothing.
func (p Gossip) Coins() []any {
	if p.Tosses {
		return []any{0, 1, 2}
	}
	return nil
}

// NewServer returns a node that passes on what it hears.
func (p Gossip) NewServer(self node.Self) (node.Node, error) { return p.node(self, false), nil }

// NewClient returns a node that does the same, and has operations.
func (p Gossip) NewClient(self node.Self, _ []node.Operation) (node.Node, error) {
	return p.node(self, true), nil
}

func (p Gossip) node(self node.Self, client bool) node.Node {
	g := &gossiper{Gossip: p, self: self, client: client}
	if p.Logs {
		return g
	}
	return encoded{g}
}

type gossiper struct {
	Gossip
	self   node.Self
	client bool
	heard  [3]byte // how often it heard each word, up to a bound; or the state in the first place
	open   byte    // 1 while an operation is under way
}

// A rumour is passed on as long as it has lives.
type rumour struct {
	Kind  string
	Lives int
	Word  int
}

func (r rumour) MessageType() string { return r.Kind }
func (r rumour) String() string      { return fmt.Sprintf("%s %d.%d", r.Kind, r.Word, r.Lives) }

func (g *gossiper) React(e node.Event, out *node.Reaction) {
	m, rumoured := e.Message.(rumour)
	lives := 3
	if rumoured {
		lives = m.Lives - 1
	}
	var seen string // all that counts
	if g.States > 0 {
		seen = fmt.Sprint(g.self.ID, g.heard[0], g.open, e)
	} else {
		if rumoured {
			g.heard[m.Word] = (g.heard[m.Word] + 1) % 4
		}
		seen = fmt.Sprint(g.self.ID, g.heard, e.Kind, lives)
	}
	h := g.Seed
	for _, b := range seen {
		h = (h ^ uint32(b)) * 16777619
	}
	h ^= h >> 15
	choose := func(among uint32) int {
		h = h*1664525 + 1013904223
		return int(h >> 8 % 0xffff % among)
	}
	moment := e.Kind == node.HopEvent || e.Kind == node.QuietEvent
	if moment {
		lives = choose(2) * choose(3)
	}
	if e.Kind != node.MessageEvent && e.Kind != node.RoundEvent && choose(8) == 0 {
		out.Refuse("it keeps to itself")
		return
	}
	if g.Tosses && choose(4) == 0 {
		v, ok := out.Coin(gossipCoins[choose(2)])
		if !ok {
			out.Decided(0, "this counts for nothing")
			return
		}
		h += uint32(v.(int)) * 2654435761
	}
	if g.States > 0 {
		g.heard[0] = byte(choose(g.States))
	}
	if g.client && e.Kind == node.ExchangeEvent && g.open == 0 {
		g.open = 1
		out.Invoked(node.Operation{Name: "ask"})
	}
	for range choose(4) {
		if lives > 0 {
			g.pass(rumour{gossipTypes[choose(2)], lives, choose(3)}, e, choose, out)
		}
	}
	g.act(choose, out)
}

// pass passes a rumour on, to all or to one.
func (g *gossiper) pass(m rumour, e node.Event, choose func(uint32) int, out *node.Reaction) {
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

// act is what properties see. Code fails in both ways that there are.
func (g *gossiper) act(choose func(uint32) int, out *node.Reaction) {
	switch choose(10) {
	case 0, 1, 2:
		out.Decided(choose(2), choose(3))
	case 3, 4:
		switch {
		case g.open == 0:
		case choose(4) == 0:
			g.open = 0
			out.Aborted([]string{"", "no quorum"}[choose(2)])
		default:
			g.open = 0
			out.Returned(choose(3))
		}
	case 5:
		switch choose(30) {
		case 0:
			out.Fail("it said too much")
		case 1:
			panic("it choked")
		}
	}
}

// Attends implements [node.Attentive].
func (g *gossiper) Attends(node.EventKind) bool { return g.Moments }

func (g *gossiper) Summary() string      { return fmt.Sprint(g.heard) }
func (g *gossiper) Fields() []node.Field { return nil }

// encoded is a gossiper whose state can be encoded. It keeps some of it in a restart.
type encoded struct{ *gossiper }

func (g encoded) Restart() { g.heard = [3]byte{g.heard[0] / 2, g.heard[1], 0} }
func (g encoded) AppendBinary(b []byte) ([]byte, error) {
	return append(append(b, g.heard[:]...), g.open), nil
}
func (g encoded) UnmarshalBinary(b []byte) error {
	g.open = b[copy(g.heard[:], b)]
	return nil
}

// RandomConfig draws a system with a protocol: 2 to 4 servers, and up to two clients that
// run nothing. It may have a twin and a network that holds messages.
func RandomConfig(t *rapid.T, p node.Protocol) runtime.Config {
	config := runtime.Config{Protocol: p, N: rapid.IntRange(2, 4).Draw(t, "n"), F: 1}
	config.Clients = Clients(make([]Program, rapid.IntRange(0, 2).Draw(t, "clients"))...)
	if rapid.Bool().Draw(t, "twin") {
		config.Twins = Twins("B")
	}
	if rapid.IntRange(0, 4).Draw(t, "network") == 0 {
		config.Held = true
	}
	return config
}

// GossipCluster draws a cluster of gossips with few states.
func GossipCluster(t *rapid.T) *runtime.Cluster {
	moments := rapid.IntRange(0, 2).Draw(t, "moments") == 0
	c, err := runtime.NewCluster(RandomConfig(t, Gossip{Seed: rapid.Uint32().Draw(t, "seed"), States: rapid.Uint32Range(1, 4).Draw(t, "states"), Moments: moments, Tosses: rapid.IntRange(0, 2).Draw(t, "tosses") == 0}))
	if err != nil {
		t.Fatal(err)
	}
	if moments { // what is said at each quiet moment has no end
		c.Engine().LimitSteps(rapid.IntRange(5, 12).Draw(t, "most hops"), 1000)
	} else if rapid.Bool().Draw(t, "limited") { // then many steps are taken for endless ones
		packets := rapid.IntRange(1, 40).Draw(t, "packets")
		c.Engine().LimitSteps(rapid.IntRange(2, 5).Draw(t, "most hops"), packets)
	}
	return c
}

// GossipStep draws a step of any kind in a cluster of gossips.
func GossipStep(t *rapid.T, c *runtime.Cluster) runtime.Step {
	if c.Clients() != 0 {
		return RandomStep(t, c, gossipTypes, "round", "deliver", "exchange", "exchange")
	}
	return RandomStep(t, c, gossipTypes, "round", "round", "round", "deliver")
}

// RandomStep draws a step, mostly of one of the given kinds, else of any kind but exchanges
// and rounds. Filters are of the types of messages from some place on.
func RandomStep(t *rapid.T, c *runtime.Cluster, types []string, kinds ...string) runtime.Step {
	if rapid.IntRange(0, 2).Draw(t, "rare") == 0 {
		kinds = []string{"timeout", "crash", "restart", "amnesia", "partition", "heal", "cut", "drop", "deaf", "hold", "release", "order", "duplicate", "replay", "deliver"}
		if c.Clients() != 0 {
			kinds = append(kinds, "invoke")
		}
	}
	if _, err := c.Coins(); err == nil && rapid.IntRange(0, 2).Draw(t, "tosses") == 0 {
		kinds = []string{"coin"}
	}
	types = types[rapid.IntRange(0, len(types)-1).Draw(t, "types"):]
	d := drawer{t, c}
	var a runtime.Action
	if rapid.IntRange(0, 7).Draw(t, "view") == 0 {
		kinds = append(kinds, "partition", "timeout", "crash", "restart", "amnesia", "drop")
		view := runtime.ViewStep{Called: "v"}
		for range rapid.IntRange(1, 3).Draw(t, "steps in it") {
			view.Steps = append(view.Steps, d.action(rapid.SampledFrom(kinds).Draw(t, "step in it"), types))
		}
		a = view
	} else {
		a = d.action(rapid.SampledFrom(kinds).Draw(t, "step"), types)
	}
	s, err := c.Step(a)
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

// action draws one of a kind. Links begin at A, so that what is held is often released.
func (d drawer) action(kind string, types []string) runtime.Action {
	all := d.Servers() | d.Clients()
	others := all &^ node.SetOf(0) // than A
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
		a := runtime.DropStep{Type: types[0], Src: d.one(all)}
		if rapid.Bool().Draw(d.T, "link") {
			a.Src, a.Dst = "A", d.one(others)
		}
		return a
	case "deaf":
		return runtime.DeafStep{ID: d.one(all), Types: types}
	case "hold":
		return runtime.HoldStep{Src: "A", Dst: d.one(others)}
	case "release":
		return runtime.ReleaseStep{Src: "A", Dst: d.one(others), Count: rapid.IntRange(0, 1).Draw(d.T, "count")}
	case "duplicate":
		return runtime.DuplicateStep{Type: types[0], Src: "A", Dst: d.one(others)}
	case "replay":
		return runtime.ReplayStep{Type: types[0], Src: "A", Dst: d.one(others)}
	case "coin":
		a := runtime.CoinStep{Coin: rapid.SampledFrom(append(gossipCoins, node.AnyCoin)).Draw(d.T, "coin"), Shows: runtime.Faces{rapid.IntRange(0, 2).Draw(d.T, "shows")}}
		if rapid.Bool().Draw(d.T, "in groups") {
			a.Groups = d.groups()
			for k := range a.Groups[1:] {
				a.Shows = append(a.Shows, (a.Shows[0].(int)+k+1)%3)
			}
		}
		return a
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
		p.Deaf, p.Types = append(d.some(d.Servers()), d.one(d.Servers()|d.Clients())), types
		slices.Sort(p.Deaf)
		p.Deaf = slices.Compact(p.Deaf)
	}
	p.Hops = rapid.IntRange(0, 3).Draw(d.T, "hops")
	return p
}
