package check

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/english"
	"github.com/twinsh/twinsh/runtime/internal/engine"
	"github.com/twinsh/twinsh/runtime/node"
)

// Live returns the property that from any world on, once the network is good,
// some correct replica decides something within the given number of rounds. A
// good network connects all correct instances, and only correct identities lead,
// each for several rounds in a row, because a chain of blocks takes several
// rounds to commit and plain turns could break it for ever without any fault.
// Whatever the faulty identities do must not matter, so each choice of their
// instances is tried: those that are not chosen fall silent.
//
// Servers that are down stay so: no restart is a part of a good network. Where they and
// the faulty ones are more than f, the verdict says so (see [Beyond]).
//
// A protocol that decides once is done when every correct replica that is not
// down has decided: worlds after that count as live. It decides once if in a good
// network, from its start on, nothing is decided for a second slot before that
// many rounds, or a thousand, have passed in which nothing was decided at all. Of a protocol that
// decides one slot after the other, nothing that it did before counts.
//
// Code of nodes that fails in those rounds is a finding of its own: see [Verdict.Failed].
// The rounds go on without the instance, as after a crash.
//
// If a world repeats, the failure is proven to go on for ever: for a protocol
// whose nodes are [node.Rebaser], worlds that differ only by round numbers
// repeat. Else the verdict is bounded by the number of rounds.
func Live(within int) WorldProperty { return live{within} }

// turn is how many rounds in a row one identity leads.
const turn = 6

// patience is for how many rounds a protocol may decide nothing before it counts
// as one that decides no more.
const patience = 1000

type live struct{ within int }

// A Recalling property of worlds also depends on who has decided before, in
// those systems for which Recalls says so.
type Recalling interface {
	WorldProperty
	Recalls(ctx context.Context, c *runtime.Cluster) (bool, error)
	// JudgeAfter judges a world before which the given instances have decided.
	JudgeAfter(ctx context.Context, w *runtime.World, decided node.Set) (Verdict, error)
}

// Recalls reports whether the protocol decides once.
func (p live) Recalls(ctx context.Context, c *runtime.Cluster) (bool, error) {
	w := c.Start()
	leaders := p.leaders(w)
	correct := c.Servers() &^ w.Faulty()
	phase := runtime.Phase{Groups: [][]string{c.Names(correct)}}
	for i := range (c.Servers() &^ correct).All {
		phase.Groups = append(phase.Groups, c.Names(node.SetOf(i)))
	}
	steps := make([]runtime.Step, len(leaders))
	for i, leader := range leaders {
		var err error
		if steps[i], err = c.Step(runtime.RoundStep{Leader: leader, Phase: phase}); err != nil {
			return false, err
		}
	}
	sim := engine.NewSimulator(c.Engine())
	sim.SetContext(ctx)
	at, next := slices.Clone(w.Vector()), make(engine.Vector, len(w.Vector()))
	slots := map[int]bool{}
	most := min(p.within, patience)
	for round, quiet := 0, 0; quiet < most && round/(correct.Len()+1) < most && len(leaders) > 0; round++ {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		if !sim.Take(next, at, steps[round/turn%len(steps)].Engine()) {
			return false, sim.Err() // without rounds, judging says so
		}
		at, next = next, at
		quiet++
		for i, o := range c.Engine().Observations(sim.Seen()) {
			if o.Kind == node.Failed {
				return false, nil // what it would have decided is not known
			}
			if o.Kind == node.Decided && correct.Has(i) {
				slots[o.Slot], quiet = true, 0
			}
		}
		if len(slots) > 1 {
			return false, nil
		}
	}
	return len(slots) == 1, nil
}

// leaders lists the identities that are correct and run.
func (p live) leaders(w *runtime.World) []string {
	var leaders []string
	for _, id := range w.Cluster().Identities() {
		if !id.Client && id.Instances&(w.Faulty()|w.Crashed()) == 0 {
			leaders = append(leaders, id.Name)
		}
	}
	return leaders
}

func (live) needs() string { return "a correct server that can lead" }

func (p live) Name() string { return fmt.Sprintf("live within %d rounds", p.within) }

// JudgeWorld judges w by what was decided on the way to it.
func (p live) JudgeWorld(ctx context.Context, w *runtime.World) (Verdict, error) {
	recalls, err := p.Recalls(ctx, w.Cluster())
	if err != nil {
		return Verdict{}, err
	}
	var decided node.Set
	for _, o := range w.History().Events {
		if recalls && o.Kind == node.Decided {
			decided |= node.SetOf(o.Instance)
		}
	}
	return p.JudgeAfter(ctx, w, decided)
}

// JudgeAfter goes on from w for each choice of faulty instances.
func (p live) JudgeAfter(ctx context.Context, w *runtime.World, decided node.Set) (Verdict, error) {
	c := w.Cluster()
	faulty := w.Faulty()
	leaders := p.leaders(w)
	if len(leaders) == 0 {
		return Verdict{Holds: true, Vacuous: true}, nil
	}
	correct := c.Servers() &^ faulty
	if running := correct &^ w.Crashed(); decided != 0 && running&^decided == 0 {
		return Verdict{Holds: true}, nil
	}
	present := c.Servers() & faulty
	var failed []Played
	for chosen := present; ; chosen = (chosen - 1) & present {
		why, more, err := p.follow(ctx, w, leaders, correct, chosen)
		failed = append(failed, more...)
		if err != nil || why != "" {
			return Verdict{Why: why + beyondText(p, w), Failed: kinds(failed)}, err
		}
		if chosen == 0 {
			return Verdict{Holds: true, Failed: kinds(failed)}, nil
		}
	}
}

// kinds keeps the shortest way to each kind of failure, the first of several.
func kinds(failed []Played) []Played {
	slices.SortStableFunc(failed, func(a, b Played) int {
		return cmp.Or(cmp.Compare(a.Failure.Kind(), b.Failure.Kind()), len(a.Steps)-len(b.Steps))
	})
	return slices.CompactFunc(failed, func(a, b Played) bool { return a.Failure.Kind() == b.Failure.Kind() })
}

// follow plays rounds among the correct and the chosen instances until a
// correct one decides, and says why none does, and which code fails.
func (p live) follow(ctx context.Context, w *runtime.World, leaders []string, correct, chosen node.Set) (why string, failed []Played, err error) {
	c := w.Cluster()
	phase := runtime.Phase{Groups: [][]string{c.Names(correct | chosen)}}
	for i := range (c.Servers() &^ (correct | chosen)).All {
		phase.Groups = append(phase.Groups, c.Names(node.SetOf(i)))
	}
	steps := make([]runtime.Step, len(leaders))
	for i, leader := range leaders {
		if steps[i], err = c.Step(runtime.RoundStep{Leader: leader, Phase: phase}); err != nil {
			return "", nil, err
		}
	}
	sim := engine.NewSimulator(c.Engine())
	sim.SetContext(ctx)
	at := slices.Clone(w.Vector())
	heal, err := c.Step(runtime.HealStep{})
	if err != nil {
		return "", nil, err
	}
	next := make(engine.Vector, len(at))
	var taken []runtime.Step
	if sim.Take(next, at, heal.Engine()) {
		at, next = next, at
		taken = append(taken, heal)
	}
	seen := map[string]int{}
	for round := range p.within {
		if err := ctx.Err(); err != nil {
			return "", nil, err
		}
		if round%(turn*len(leaders)) == 0 {
			if key, ok := c.Engine().Rebased(at); ok {
				if first, again := seen[key]; again {
					return fmt.Sprintf("%snothing is ever decided: the world after %d good rounds is that after %d again, a proven loop%s",
						presenceText(c, w.Faulty(), chosen), round, first, failureText(c, failed)), failed, nil
				}
				seen[key] = round
			}
		}
		step := steps[round/turn%len(steps)]
		if !sim.Take(next, at, step.Engine()) {
			if sim.Err() != nil {
				return "", nil, sim.Err()
			}
			return "", nil, fmt.Errorf("live: %s: %s", step, sim.Why())
		}
		taken = append(taken, step)
		decided := false
		for i, o := range c.Engine().Observations(sim.Seen()) {
			if o.Kind == node.Failed {
				failed = append(failed, Played{i, o.Failure, slices.Clone(taken)})
			}
			decided = decided || o.Kind == node.Decided && correct.Has(i)
		}
		if decided {
			return "", failed, nil
		}
		at, next = next, at
	}
	return fmt.Sprintf("%sno correct replica decides: no progress in %d good rounds%s",
		presenceText(c, w.Faulty(), chosen), p.within, failureText(c, failed)), failed, nil
}

// beyondText says that servers are down where these and the faulty ones are too many for
// the others to go on.
func beyondText(p live, w *runtime.World) string {
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

// failureText says whose code failed in the rounds that were played.
func failureText(c *runtime.Cluster, failed []Played) string {
	var who node.Set
	for _, f := range failed {
		who |= node.SetOf(f.Instance)
	}
	if who == 0 {
		return ""
	}
	return ", in which the code of " + english.Join(c.Names(who), "and") + " fails"
}

// presenceText says which of the faulty servers are there, if there are any.
func presenceText(c *runtime.Cluster, faulty, chosen node.Set) string {
	switch {
	case faulty&c.Servers() == 0:
		return ""
	case chosen == 0:
		return "with none of the faulty instances present, "
	}
	return "with " + english.Join(c.Names(chosen), "and") + " of the faulty instances present, "
}
