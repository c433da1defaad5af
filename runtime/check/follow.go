package check

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/english"
	"github.com/twinsh/twinsh/runtime/internal/engine"
	"github.com/twinsh/twinsh/runtime/node"
)

// A Follower judges worlds of one cluster by a liveness property: it follows what a good
// network makes of them. It remembers from which worlds what is owed was paid, and after how
// many good rounds, at each place of the way there; ways from different worlds soon
// meet, because a network that heals makes many worlds one. It may be used concurrently.
type Follower struct {
	property  liveness
	cluster   *runtime.Cluster
	once      bool // the protocol decides once
	fromStart bool // replicas owe decisions from the start
	forgets   bool // nothing is remembered

	mu       sync.RWMutex
	networks map[networkKey]*goodNetwork
	// ahead says of a place on a way after how many good rounds nothing is owed, or, if
	// that is negative, for how many it is known that something still is.
	ahead map[string]int32
	keys  int // bytes of these keys
}

// endless is for how many good rounds something is owed that is owed for ever.
const endless = math.MaxInt32

// A networkKey is what a good network depends on.
type networkKey struct {
	faulty, down, chosen node.Set
	face                 int
}

// patience is for how many rounds a protocol may decide nothing before it counts
// as one that decides no more.
const patience = 1000

// decidesOnce reports whether a protocol decides once, by playing it from its start: with
// coins that show some value it decides for one slot, and for two with none.
func (f *Follower) decidesOnce(ctx context.Context) (bool, error) {
	once := false
	for face := range faces(f.cluster) {
		slots, known, err := f.slotsDecided(ctx, face)
		if err != nil || !known || slots > 1 {
			return false, err
		}
		once = once || slots == 1
	}
	return once, nil
}

// slotsDecided returns for how many slots correct replicas decide in a good network from the start
// on; two stand for more. It is not known if code fails.
func (f *Follower) slotsDecided(ctx context.Context, face int) (n int, known bool, err error) {
	net, err := newGoodNetwork(ctx, f.cluster.Start(), 0, face)
	if err != nil {
		return 0, false, err
	}
	correct := net.correct & f.cluster.Servers()
	slots, quiet, unknown := map[int]bool{}, 0, false
	g := newCourse(ctx, net, f.cluster.Start())
	// What replicas do may be up to clients: each begins all that it can.
	g.asking = func() node.Set { return net.correct & f.cluster.Clients() }
	g.watch = func(seen []runtime.Observed) (bool, error) {
		for _, o := range seen {
			unknown = unknown || o.Kind == node.Failed // what it would have decided is not known
			if o.Kind == node.Decided && correct.Has(o.Instance) {
				slots[o.Slot], quiet = true, 0
			}
		}
		return unknown || len(slots) > 1, nil
	}
	over, err := g.begin()
	most := min(f.property.within, patience)
	for k := 0; err == nil && !over && quiet < most && k/(correct.Len()+1) < most && len(net.leaders) > 0; k++ {
		if err := ctx.Err(); err != nil {
			return 0, false, err
		}
		quiet++
		over, err = g.round()
		g.taken = g.taken[:0] // nothing is said of the way
		if !g.possible {
			break // judging says so
		}
	}
	return len(slots), !unknown, err
}

// decides reports whether a correct replica decides if the network is good from the start of
// the cluster on, with none of the faulty instances or with all. What code that fails would have
// decided is not known, and counts. It takes as long as leaders have their turns twice, at
// least, since a bound that is too small for what a property waits for is what it is to find.
func (f *Follower) decides(ctx context.Context) (bool, error) {
	start := f.cluster.Start()
	chosen := []node.Set{0, start.Faulty()}
	for k := range len(chosen) * faces(f.cluster) {
		net, err := f.network(ctx, start, chosen[k%2], k/2)
		if err != nil {
			return false, err
		}
		g := newCourse(ctx, net, start)
		g.asking = func() node.Set { return 0 }
		g.watch = func(seen []runtime.Observed) (bool, error) {
			return slices.ContainsFunc(seen, func(o runtime.Observed) bool {
				return o.Kind == node.Failed || o.Kind == node.Decided && (net.correct&f.cluster.Servers()).Has(o.Instance)
			}), nil
		}
		var repeated repetition
		over, err := g.begin()
		most := min(max(f.property.within, 2*net.pass()), patience)
		for k := 0; err == nil && !over && k < most; k++ {
			if _, again := repeated.at(k, g, debt{}); again {
				break
			}
			over, err = g.round()
			g.taken = g.taken[:0] // nothing is said of the way
		}
		if over || err != nil {
			return over, err
		}
		if err := ctx.Err(); err != nil {
			return false, err
		}
	}
	return false, nil
}

// Recalls reports whether verdicts depend on what led to a world. If not, the zero
// [Past] will do.
func (f *Follower) Recalls() bool {
	switch f.property.goal.(type) {
	case progress:
		return f.once || f.cluster.Clients() != 0
	case termination:
		return true
	}
	return f.cluster.Clients() != 0
}

// going returns the correct clients that go on in w with an operation.
func (f *Follower) going(w *runtime.World, past Past) node.Set {
	return past.Open & f.cluster.Clients() &^ w.Faulty() &^ w.Crashed()
}

// Bytes returns about how much memory is occupied by what is remembered.
func (f *Follower) Bytes() int {
	const each = 64 // beside the key
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.keys + each*len(f.ahead)
}

// network returns the good network that goes on from a world.
func (f *Follower) network(ctx context.Context, w *runtime.World, chosen node.Set, face int) (*goodNetwork, error) {
	key := networkKey{w.Faulty(), w.Crashed(), chosen, face}
	f.mu.RLock()
	net := f.networks[key]
	f.mu.RUnlock()
	if net != nil {
		return net, nil
	}
	net, err := newGoodNetwork(ctx, w, chosen, face)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.networks[key] = net
	return net, nil
}

// JudgeAfter judges a world before which that happened, for each choice of the faulty
// instances: what is owed must be paid with coins that show some value. It does not always say why a property is violated: what a Follower
// remembers has no words. [WorldProperty].JudgeWorld does.
func (f *Follower) JudgeAfter(ctx context.Context, w *runtime.World, past Past) (Verdict, error) {
	if w.Depth() > 0 {
		w = w.WithoutPast()
	}
	d, now, err := f.property.goal.owes(ctx, f, w, past)
	if err != nil {
		return Verdict{}, err
	}
	failed := now.Failed
	if d.paid() {
		return Verdict{Holds: true, Vacuous: now.Vacuous, Failed: kinds(failed)}, nil
	}
	present := w.Faulty()
	for chosen := present; ; chosen = (chosen - 1) & present {
		var end outcome
		for face := range faces(f.cluster) {
			net, err := f.network(ctx, w, chosen, face)
			if err != nil {
				return Verdict{}, err
			}
			came, err := f.follow(ctx, net, w, d, now.Why)
			failed = append(failed, came.failed...)
			if err != nil {
				return Verdict{}, err
			}
			if face == 0 || came.paid {
				end = came
			}
			if came.paid {
				break
			}
		}
		if !end.paid {
			return Verdict{Why: end.why, Failed: kinds(failed), Good: end.steps, Owed: end.owed}, nil
		}
		if chosen == 0 {
			return Verdict{Holds: true, Failed: kinds(failed)}, nil
		}
	}
}

// An outcome is what came of a course.
type outcome struct {
	paid   bool
	why    string         // if it is not paid, unless that was remembered
	owed   []string       // as in a Verdict, likewise
	steps  []runtime.Step // that were played, if it is not paid
	failed []Played
}

// follow plays good rounds until nothing is owed.
func (f *Follower) follow(ctx context.Context, net *goodNetwork, w *runtime.World, d debt, notYet string) (outcome, error) {
	p := f.property
	running := net.correct &^ w.Crashed()
	g := newCourse(ctx, net, w)
	defer g.leave()
	g.asking = func() node.Set { return d.asking() }
	g.watch = func(seen []runtime.Observed) (bool, error) {
		if asks, ok := p.goal.(coming); ok {
			going := p.goal.pays(f, d, seen, running).going
			now, v, err := asks.owes(ctx, f, f.cluster.WorldAt(g.at), Past{Open: going})
			for _, m := range v.Failed {
				g.failed = append(g.failed, Played{Instance: m.Instance, Failure: m.Failure, Steps: slices.Concat(g.taken, m.Steps)})
			}
			d, notYet = now, v.Why
			return d.paid(), err
		}
		d = p.goal.pays(f, d, seen, running)
		running = stillRunning(running, seen)
		return d.paid(), nil
	}
	var places []string // the ways on that were not known
	var repeated repetition
	over, err := g.begin()
	for k := 0; err == nil && !over && k < p.within; k++ {
		if err := ctx.Err(); err != nil {
			return outcome{}, err
		}
		if first, again := repeated.at(k, g, d); again {
			f.keep(g, places, -endless)
			why := fmt.Sprintf("%s%s: the world after %s is that after %d again, a proven loop%s (%s)",
				presenceText(net), p.goal.never(f, d, notYet), english.Count(k, "good round"), first, failureText(g), g)
			return outcome{why: why + beyondText(p, w), owed: p.goal.owing(f, d), steps: g.taken, failed: g.failed}, f.stuck(g)
		}
		if !f.forgets {
			place := placeKey(g, d)
			if ahead, known := f.known(place, p.within-k); known {
				f.keep(g, places, further(ahead))
				return outcome{paid: 0 < ahead && int(ahead) <= p.within-k, failed: g.failed}, nil
			}
			places = append(places, place)
		}
		over, err = g.round()
	}
	switch {
	case err != nil:
		return outcome{}, err
	case over:
		f.keep(g, places, 1)
		return outcome{paid: true, failed: g.failed}, nil
	}
	f.keep(g, places, -1)
	why := fmt.Sprintf("%s%s in %s%s, which is a bound and no proof (%s)",
		presenceText(net), p.goal.notYet(f, d, notYet), english.Count(p.within, "good round"), failureText(g), g)
	return outcome{why: why + beyondText(p, w), owed: p.goal.owing(f, d), steps: g.taken, failed: g.failed}, f.stuck(g)
}

// placeKey is what the rest of a way depends on.
func placeKey(g *course, d debt) string {
	key := make([]byte, 0, 48+4*len(g.at))
	key = fmt.Append(key, g.net.chosen, g.stage, d)
	return string(g.at.AppendKey(key))
}

// known returns what is known of a place if that answers for the good rounds that are left.
func (f *Follower) known(place string, left int) (ahead int32, known bool) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	ahead, known = f.ahead[place]
	return ahead, known && (ahead > 0 || int(-ahead) >= left)
}

// keep remembers what is known of places, each a good round before the next: ahead is that
// of the last. Ways on which code failed are played again, because that is found each time.
func (f *Follower) keep(g *course, places []string, ahead int32) {
	if f.forgets || len(g.failed) > 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, place := range slices.Backward(places) {
		if _, ok := f.ahead[place]; !ok {
			f.keys += len(place)
		}
		f.ahead[place] = ahead
		ahead = further(ahead)
	}
}

// further returns what is known one good round earlier.
func further(ahead int32) int32 {
	switch {
	case ahead > 0:
		return ahead + 1
	case ahead > -endless:
		return ahead - 1
	}
	return ahead
}

// A repetition finds worlds that repeat where the good network may begin anew.
type repetition struct {
	first  engine.Vector // where it began
	owed   debt
	rounds map[string]int // after how many good rounds a world was
}

// at reports whether the world after k good rounds was there before, and after how many.
func (r *repetition) at(k int, g *course, d debt) (first int, again bool) {
	switch {
	case k == 0: // most ways are short
		r.first, r.owed = slices.Clone(g.at), d
		return 0, false
	case g.stage.rounds != 0:
		return 0, false
	case r.rounds == nil:
		r.rounds = map[string]int{}
		if key, ok := repeats(g.net, stage{}, r.first, r.owed); ok {
			r.rounds[key] = 0
		}
	}
	key, ok := repeats(g.net, g.stage, g.at, d)
	if !ok {
		return 0, false
	}
	if first, again = r.rounds[key]; !again {
		r.rounds[key] = k
	}
	return first, again
}

// repeats returns a key that is equal for worlds from which a good network goes on in the
// same way.
func repeats(net *goodNetwork, at stage, v engine.Vector, d debt) (string, bool) {
	if len(net.rounds) == 0 { // no number of a round changes
		return fmt.Sprint(d, v), true
	}
	key, ok := net.cluster.Engine().Rebased(v)
	return fmt.Sprint(at, d, key), ok
}

// stuck is the error of a property that asks for progress where nothing can be played. Where code
// fails at what was in flight, that none is left to play with is no fault of the question.
func (f *Follower) stuck(g *course) error {
	if _, ok := f.property.goal.(progress); !ok || g.possible || len(g.failed) > 0 {
		return nil
	}
	if g.net.refusal != "" {
		return fmt.Errorf("live: %s", g.net.refusal)
	}
	return fmt.Errorf("live: a good network has nothing to play: protocol %s knows neither rounds nor timeouts", f.cluster.Config().Protocol.Name())
}

// kinds keeps the shortest way to each kind of failure, the first of several.
func kinds(failed []Played) []Played {
	slices.SortStableFunc(failed, func(a, b Played) int {
		return cmp.Or(cmp.Compare(a.Failure.Kind(), b.Failure.Kind()), len(a.Steps)-len(b.Steps))
	})
	return slices.CompactFunc(failed, func(a, b Played) bool { return a.Failure.Kind() == b.Failure.Kind() })
}

// beyondText says that servers are down where these and the faulty ones are too many for
// the others to go on.
func beyondText(p liveness, w *runtime.World) string {
	c := w.Cluster()
	out := c.Names(down(w) & c.Servers() &^ w.Faulty())
	if w.Beyond() || !Beyond(p, w) {
		return ""
	}
	with := ""
	if c.FaultyServers(w.Faulty()) > 0 {
		with = "with the faulty ones, "
	}
	return fmt.Sprintf("; %s %s down: %smore than f = %d servers are missing, which breaks no promise",
		english.Join(out, "and"), english.Plural(len(out), "is", "are"), with, c.Config().F)
}

// failureText says whose code failed on the way.
func failureText(g *course) string {
	var who node.Set
	for _, f := range g.failed {
		who |= node.SetOf(f.Instance)
	}
	if who == 0 {
		return ""
	}
	return ", in which the code of " + english.Join(g.net.cluster.Names(who), "and") + " fails"
}

// presenceText says which of the faulty instances are there, if there are any, and what coins show.
func presenceText(net *goodNetwork) string {
	c, coins := net.cluster, ""
	if len(net.coins) > 0 {
		coins = fmt.Sprintf("with all coins thrown from there on showing %s, and likewise with any other value, ", c.Text(net.coins[net.face]))
	}
	switch {
	case (c.Servers()|c.Clients())&^net.correct == 0:
		return coins
	case net.chosen == 0:
		return "with none of the faulty instances present, " + coins
	}
	return "with " + english.Join(c.Names(net.chosen), "and") + " of the faulty instances present, " + coins
}
