package check

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/english"
	"github.com/twinsh/twinsh/runtime/internal/engine"
	"github.com/twinsh/twinsh/runtime/node"
)

// turn is how many rounds in a row one identity leads in a good network. A chain of blocks
// takes several rounds to commit, and where leaders change sooner a protocol that is
// correct may never do so: three-phase chained HotStuff with four replicas, one of them
// silent, commits nothing if all lead in plain rotation (Giridharan et al., "BeeGees: Stayin'
// Alive in Chained BFT", PODC 2023).
const turn = 6

// A goodNetwork is what a network does once it is good, for one choice of the faulty
// instances that are present and, if the protocol reads coins, of what these show. All correct instances and those are connected; the others
// of the faulty ones are silent. It goes on in good rounds, each of which is
//
//  1. a round that a correct identity leads, if the protocol has rounds;
//  2. an exchange of each correct client whose operation is open, with all servers that are there;
//  3. timeouts of all who can time out, at once, if these are due;
//  4. the delivery of what is in flight then.
//
// In a protocol without rounds, timeouts are due in each good round. In one with rounds the
// leaders have turns of several, and timeouts are due at the end of each turn, because
// one that comes too soon may end what was under way. If some of these had an effect, the leaders
// then lead one round each in rotation, for as many rounds, with timeouts after each
// of these, because each view that fails may need one. After that all begins again.
//
// This is one way on and not all that partial synchrony allows (Dwork, Lynch and Stockmeyer,
// "Consensus in the Presence of Partial Synchrony", JACM 1988). All clocks run at one speed: no server
// waits longer or more often than another, so that a protocol which needs such a difference,
// as one with random timeouts does, goes on for ever here.
//
// Coins that the scenario has thrown show what they show; all others show the same value from then
// on, whenever code asks for one. That is one of many ways in which they may fall, and a lucky
// one for some value: randomised protocols end once coins agree. A property holds if it does for some value.
//
// It is plain data that never changes, and may be shared.
type goodNetwork struct {
	cluster *runtime.Cluster
	correct node.Set // servers and clients, those included that are down
	chosen  node.Set // the faulty instances that are present
	leaders []string // correct identities that run
	heal    runtime.Step
	deliver runtime.Step
	coin    runtime.Step // the zero Step if the protocol reads none
	coins   []any        // what coins might show, and what they do
	face    int
	rounds  []runtime.Step       // by leader; none if the protocol has none
	refusal string               // why the code of servers takes no rounds, if it says so
	alone   map[int]runtime.Step // a timeout of each instance that is there
	asks    map[int]runtime.Step // an exchange of each client that is there and correct
	idle    sync.Pool            // of simulators
}

// newGoodNetwork prepares to play on from worlds with the same faulty instances as w, and
// the same that are down. face says what coins show; see faces.
func newGoodNetwork(ctx context.Context, w *runtime.World, chosen node.Set, face int) (*goodNetwork, error) {
	c := w.Cluster()
	everyone := c.Servers() | c.Clients()
	net := &goodNetwork{
		cluster: c, correct: everyone &^ w.Faulty(), chosen: chosen, leaders: leadersIn(w),
		alone: map[int]runtime.Step{}, asks: map[int]runtime.Step{},
	}
	there := net.correct | chosen
	var phase runtime.Phase
	if there != 0 {
		phase.Groups = [][]string{c.Names(there)}
	}
	for i := range (everyone &^ there).All {
		phase.Groups = append(phase.Groups, c.Names(node.SetOf(i)))
	}
	var err error
	step := func(a runtime.Action) (s runtime.Step) {
		if err == nil {
			s, err = c.Step(a)
		}
		return s
	}
	if coins, err := c.Coins(); err == nil {
		net.coins, net.face = coins, face
		net.coin = step(runtime.CoinStep{Coin: node.AnyCoin, Shows: runtime.Faces{coins[face]}, Groups: [][]string{c.Names(everyone)}})
	}
	net.heal, net.deliver = step(runtime.HealStep{}), step(runtime.DeliverStep{Phase: phase})
	if p, ok := c.Config().Protocol.(node.Roundless); !ok || !p.Roundless() {
		for _, leader := range net.leaders {
			net.rounds = append(net.rounds, step(runtime.RoundStep{Leader: leader, Phase: phase}))
		}
		if err == nil {
			net.refusal, err = refusal(ctx, c, net.coin, net.rounds)
		}
		if net.refusal != "" {
			net.rounds = nil
		}
	}
	for i := range there.All {
		net.alone[i] = step(runtime.TimeoutStep{IDs: c.Names(node.SetOf(i))})
		if reach := there & c.Servers(); reach != 0 && c.Clients().Has(i) && net.correct.Has(i) {
			net.asks[i] = step(runtime.ExchangeStep{Client: c.Names(node.SetOf(i))[0], Reach: c.Names(reach)})
		}
	}
	return net, err
}

// faces is among how many values coins of the good network show one: 1 if there are no coins.
func faces(c *runtime.Cluster) int {
	coins, err := c.Coins()
	if err != nil {
		return 1
	}
	return len(coins)
}

// refusal says why none of some rounds can happen at the start, "" if some can. Code in Go
// that knows no rounds refuses them.
func refusal(ctx context.Context, c *runtime.Cluster, coin runtime.Step, rounds []runtime.Step) (why string, err error) {
	start := c.Start().Vector()
	sim, next := engine.NewSimulator(c.Engine()), make(engine.Vector, len(start))
	sim.SetContext(ctx)
	if coin != (runtime.Step{}) && sim.Take(next, start, coin.Engine()) {
		start, next = next, slices.Clone(next)
	}
	for _, round := range rounds {
		if sim.Take(next, start, round.Engine()) || sim.Err() != nil {
			return "", sim.Err()
		}
		if why == "" {
			why = fmt.Sprintf("%s: %s", round, sim.Why())
		}
	}
	return why, nil
}

// leadersIn lists the identities of servers that are correct and run.
func leadersIn(w *runtime.World) []string {
	var leaders []string
	for _, id := range w.Cluster().Identities() {
		if !id.Client && id.Instances&(w.Faulty()|w.Crashed()) == 0 {
			leaders = append(leaders, id.Name)
		}
	}
	return leaders
}

// pass is how many good rounds there are until the network may begin anew.
func (net *goodNetwork) pass() int { return max(1, turn*len(net.rounds)) }

// A stage is where a good network stands in what it does, between two good rounds. It is a part of
// what must repeat before a loop is proven: the same world at another stage goes on in another way.
type stage struct {
	rounds   int  // good rounds since it began, or began anew
	rotation bool // leaders lead one round each
	timed    bool // timeouts had an effect since then
}

// A course is one way on from a world in a good network.
type course struct {
	net      *goodNetwork
	sim      *engine.Simulator
	at, next engine.Vector
	stage    stage
	taken    []runtime.Step // without those in which nothing happened
	failed   []Played
	timed    bool // whether timeouts ever had an effect
	asked    bool // whether a client ever went on with an operation
	possible bool // whether a round, an exchange or a timeout could happen, be it without effect
	// watch is called after each step with what was observed in it, and says
	// whether that is all that was waited for.
	watch func(seen []runtime.Observed) (over bool, err error)
	// asking returns the clients whose operation is open.
	asking func() node.Set
}

// newCourse returns a course that begins in w and ends with ctx. Its simulator is one of a
// course that is over, if there is one: it has room for what it remembers of its own, and a
// search follows a course from each world.
func newCourse(ctx context.Context, net *goodNetwork, w *runtime.World) *course {
	sim, ok := net.idle.Get().(*engine.Simulator)
	if !ok {
		sim = engine.NewSimulator(net.cluster.Engine())
	}
	g := &course{net: net, sim: sim, at: slices.Clone(w.Vector())}
	g.next = make(engine.Vector, len(g.at))
	g.sim.SetContext(ctx)
	return g
}

// leave gives the simulator back. No step may be taken any more.
func (g *course) leave() { g.net.idle.Put(g.sim) }

// take takes a step if it can happen, and reports whether the course is over.
func (g *course) take(step runtime.Step) (happened, over bool, err error) {
	if !g.sim.Take(g.next, g.at, step.Engine()) {
		return false, false, g.sim.Err()
	}
	g.at, g.next = g.next, g.at
	if step != g.net.heal && g.sim.Seen() == 0 && slices.Equal(g.at, g.next) {
		return true, false, nil
	}
	g.taken = append(g.taken, step)
	var seen []runtime.Observed
	for i, o := range g.net.cluster.Engine().Observations(g.sim.Seen()) {
		seen = append(seen, runtime.Observed{Observation: o, Instance: i})
		if o.Kind == node.Failed {
			g.failed = append(g.failed, Played{Instance: i, Failure: o.Failure, Steps: slices.Clone(g.taken)})
		}
	}
	over, err = g.watch(seen)
	return true, over, err
}

// act is take for what a good round consists of.
func (g *course) act(step runtime.Step) (over bool, err error) {
	happened, over, err := g.take(step)
	g.possible = g.possible || happened
	return over, err
}

// begin makes the network good, and lets arrive what is in flight.
func (g *course) begin() (over bool, err error) {
	for _, step := range []runtime.Step{g.net.heal, g.net.coin} {
		if step == (runtime.Step{}) {
			continue
		}
		if _, over, err = g.take(step); over || err != nil {
			return over, err
		}
	}
	return g.arrive()
}

// arrive delivers what is in flight. It may all be on the way to instances that are silent.
func (g *course) arrive() (over bool, err error) {
	if !g.net.cluster.Engine().Quiet(g.at) {
		_, over, err = g.take(g.net.deliver)
	}
	return over, err
}

// round plays a good round.
func (g *course) round() (over bool, err error) {
	net, at := g.net, g.stage
	due := true
	if n := len(net.rounds); n > 0 {
		leader := at.rounds / turn
		if at.rotation {
			leader = at.rounds % n
		}
		due = at.rotation || (at.rounds+1)%turn == 0
		if over, err = g.act(net.rounds[leader]); over || err != nil {
			return over, err
		}
	}
	for i := range g.asking().All {
		if s, ok := net.asks[i]; ok {
			was := len(g.taken)
			over, err = g.act(s)
			g.asked = g.asked || len(g.taken) > was
			if over || err != nil {
				return over, err
			}
		}
	}
	if due {
		if over, err = g.timeouts(); over || err != nil {
			return over, err
		}
	}
	if g.stage.rounds++; g.stage.rounds == net.pass() {
		g.stage = stage{rotation: len(net.rounds) > 0 && !at.rotation && g.stage.timed}
	}
	return false, nil
}

// timeouts lets all time out at once who can, and delivers what they send.
func (g *course) timeouts() (over bool, err error) {
	net := g.net
	var who node.Set
	for i, s := range net.alone {
		if !g.sim.Take(g.next, g.at, s.Engine()) {
			if err := g.sim.Err(); err != nil {
				return false, err
			}
			continue
		}
		g.possible = g.possible || net.refusal == "" // else it may know nothing of timeouts either
		if g.sim.Seen() != 0 || !slices.Equal(g.at, g.next) {
			who |= node.SetOf(i)
		}
	}
	if who == 0 {
		return false, nil
	}
	g.timed, g.stage.timed = true, true
	all, err := net.cluster.Step(runtime.TimeoutStep{IDs: net.cluster.Names(who)})
	if err != nil {
		return false, err
	}
	if over, err = g.act(all); over || err != nil {
		return over, err
	}
	return g.arrive()
}

// String says what was played: A and B lead six rounds in a row each.
func (g *course) String() string {
	net := g.net
	text := ""
	if who := net.leaders; len(net.rounds) > 0 {
		text = fmt.Sprintf("%s %s %d rounds in a row", english.Join(who, "and"), english.Plural(len(who), "leads", "lead"), turn)
		if len(who) > 1 {
			text += " each"
		}
		if g.timed {
			text += fmt.Sprintf(" and then all time out at once; after %d rounds they lead one round each in rotation, and all time out after each", net.pass())
		}
		return text
	}
	var acts []string
	if g.asked {
		acts = append(acts, "clients go on with what they began")
	}
	if g.timed {
		acts = append(acts, "all time out at once")
	}
	return english.Join(append(acts, "what is sent arrives"), "and")
}
