package check

import (
	"context"
	"fmt"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/english"
	"github.com/twinsh/twinsh/runtime/node"
)

// A Liveness property says that something good happens from any world on, once the
// network is good: "eventually" of temporal logic, for systems with partial synchrony.
// It is judged by playing on in a good network for at most so many good rounds (see
// [Live] for what these are), for each choice of faulty instances that may be present.
//
// If a world repeats in which as much is still owed, the failure is proven to go on for
// ever: what a good network does next depends on nothing else. For a protocol whose nodes
// are [node.Rebaser], worlds that differ only by round numbers repeat. Else the verdict
// is bounded by the number of good rounds, and says so.
//
// Servers and clients that are down stay so: no restart is a part of a good network. Where servers
// that are down and the faulty ones are more than f, the verdict says so (see [Beyond]).
//
// Code of nodes that fails in the steps that are played is a finding of its own: see
// [Verdict.Failed]. They go on without the instance, as after a crash.
type Liveness interface {
	WorldProperty
	// On prepares to judge worlds of c. That may take as long as a few verdicts.
	On(ctx context.Context, c *runtime.Cluster) (*Follower, error)
}

// Live returns the property that from any world on, once the network is good, some
// correct replica decides something within the given number of good rounds: progress for
// ever.
//
// A good network connects all correct instances, and only correct identities lead, each
// for several rounds in a row, because a chain of blocks takes several rounds to commit
// and plain turns could break it for ever without any fault. If instances can time out,
// they do, after each such turn and then after each round, and what is in flight arrives.
// In a protocol without rounds, a good round is that all time out and everything arrives.
// Whatever the faulty identities do must not matter, so each choice of their
// instances is tried: those that are not chosen are silent.
//
// A protocol that decides once is done when every correct replica that is not
// down has decided: worlds after that count as live. It decides once if in a good
// network, from its start on, in which clients begin all that they can, nothing is decided for a
// second slot before that many rounds, or a thousand, have passed in which nothing was decided at
// all. Of a protocol that decides one slot after the other, nothing that it did before counts.
func Live(within int) Liveness {
	return liveness{fmt.Sprintf("live within %d rounds", within), within, progress{}}
}

// Terminates returns the property that from any world on, once the network is good, what
// was begun comes to an end within the given number of good rounds: each operation that a
// correct client has begun returns or fails, and each correct replica that runs has decided. Decisions
// are owed as soon as a correct replica has decided, and from the start if there are no clients that
// ask for them and the protocol is known to decide: in a good network from the start of the cluster some
// correct replica does, or its code fails. In a store none ever does, and owes nothing. A client
// that restarts owes nothing for what it began before.
func Terminates(within int) Liveness {
	return liveness{fmt.Sprintf("terminates within %d rounds", within), within, termination{}}
}

// Eventually returns the property that from any world on, once the network is good, there
// comes a world of which holds is true, within the given number of good rounds. It is asked
// about the world itself, and about the one after each step that is played. Where it is true at
// once the verdict is vacuous.
func Eventually(name string, within int, holds func(ctx context.Context, w *runtime.World) (Verdict, error)) Liveness {
	return liveness{name, within, coming{name, holds}}
}

// A liveness property is a goal and a bound. That the three share one way of playing on is what
// makes their bounds and loops mean the same.
type liveness struct {
	name   string
	within int // good rounds
	goal   goal
}

func (p liveness) Name() string { return p.name }

func (p liveness) needs() string { return p.goal.needs() }

// JudgeWorld judges w by what was observed on the way to it.
func (p liveness) JudgeWorld(ctx context.Context, w *runtime.World) (Verdict, error) {
	f, err := p.On(ctx, w.Cluster())
	if err != nil {
		return Verdict{}, err
	}
	f.forgets = true // that one judges one world only, and says why
	return f.JudgeAfter(ctx, w, PastOf(w))
}

// On implements [Liveness].
func (p liveness) On(ctx context.Context, c *runtime.Cluster) (*Follower, error) {
	f := &Follower{property: p, cluster: c, networks: map[networkKey]*goodNetwork{}, ahead: map[string]int32{}}
	var err error
	switch p.goal.(type) {
	case progress:
		f.once, err = f.decidesOnce(ctx)
	case termination:
		if c.Clients() == 0 {
			f.fromStart, err = f.decides(ctx)
		}
	}
	return f, err
}

// A Past is what a liveness property must know of what led to a world.
type Past struct {
	Decided node.Set // instances that have decided something
	Open    node.Set // instances that began an operation that has not ended
}

// PastOf returns that of a world.
func PastOf(w *runtime.World) Past {
	var p Past
	w = w.Unfolded() // a restart within a view comes before some of what is observed in it
	events := w.History().Events
	for _, at := range w.Path()[1:] {
		if runtime.Is[runtime.RestartStep](at.Step()) {
			p.Open &^= at.Step().Instances()
		}
		n := 0
		for n < len(events) && events[n].Step == at.Depth() {
			n++
		}
		p, events = p.After(events[:n]), events[n:]
	}
	return p
}

// After returns the past after more was observed.
func (p Past) After(seen []runtime.Observed) Past {
	for _, o := range seen {
		switch one := node.SetOf(o.Instance); o.Kind {
		case node.Decided:
			p.Decided |= one
		case node.Invoked:
			p.Open |= one
		case node.Returned, node.Aborted:
			p.Open &^= one
		}
	}
	return p
}

// A debt is what is still owed in a world; nothing if it is [debt.paid]. It is comparable.
type debt struct {
	decide node.Set // instances that have to decide
	answer node.Set // instances whose operation has to end
	open   bool     // something else has to come
	free   bool     // no decision is owed until a correct replica decides
	// going are clients with an operation under way that is not owed. They go on with it, as
	// correct clients do whatever a property waits for.
	going node.Set
}

func (d debt) paid() bool { return d.decide|d.answer == 0 && !d.open }

// asking returns the instances that go on with an operation.
func (d debt) asking() node.Set { return d.answer | d.going }

// goOn returns who of those that run goes on with an operation after more was observed.
func goOn(going node.Set, seen []runtime.Observed, running node.Set) node.Set {
	return Past{Open: going}.After(seen).Open & stillRunning(running, seen)
}

// stillRunning returns who of those that run does after more was observed: code that fails, which
// is a finding of its own, owes nothing from then on.
func stillRunning(running node.Set, seen []runtime.Observed) node.Set {
	for _, o := range seen {
		if o.Kind == node.Failed {
			running &^= node.SetOf(o.Instance)
		}
	}
	return running
}

// A goal is what a liveness property waits for.
type goal interface {
	// owes returns what is owed in a world before which that happened. The text says why
	// of itself it is not there yet, if that is known.
	owes(ctx context.Context, f *Follower, w *runtime.World, past Past) (d debt, verdict Verdict, err error)
	// pays returns what is still owed after a step in which that was observed.
	pays(f *Follower, d debt, seen []runtime.Observed, running node.Set) debt
	// owing names what is owed and by which instance, for [Verdict.Owed].
	owing(f *Follower, d debt) []string
	// never says what does not happen, and notYet what has not.
	never(f *Follower, d debt, why string) string
	notYet(f *Follower, d debt, why string) string
	needs() string
}

// progress is a decision of any correct replica.
type progress struct{}

func (progress) needs() string { return "a correct server that can lead" }

// owes is one decision, of any correct replica, unless all that run have decided once and for all.
// Without a leader nothing can be expected.
func (progress) owes(_ context.Context, f *Follower, w *runtime.World, past Past) (debt, Verdict, error) {
	if len(leadersIn(w)) == 0 {
		return debt{}, Verdict{Vacuous: true}, nil
	}
	running := f.cluster.Servers() &^ w.Faulty() &^ w.Crashed()
	if f.once && past.Decided != 0 && running&^past.Decided == 0 {
		return debt{}, Verdict{}, nil
	}
	return debt{open: true, going: f.going(w, past)}, Verdict{}, nil
}

func (progress) pays(f *Follower, d debt, seen []runtime.Observed, running node.Set) debt {
	for _, o := range seen {
		if o.Kind == node.Decided && f.cluster.Servers().Has(o.Instance) && running.Has(o.Instance) {
			return debt{}
		}
	}
	d.going = goOn(d.going, seen, running&f.cluster.Clients())
	return d
}

func (progress) owing(*Follower, debt) []string { return nil }

func (progress) never(*Follower, debt, string) string { return "nothing is ever decided" }

func (progress) notYet(*Follower, debt, string) string {
	return "no correct replica decides: no progress"
}

// termination is that all who owe something have paid it.
type termination struct{}

func (termination) needs() string {
	return "an operation under way of a correct client that runs, or a correct server that runs and has to decide"
}

// owes is an end of each operation that a correct client that runs has under way, and a decision of each correct
// replica that has not decided, if any is owed.
func (termination) owes(_ context.Context, f *Follower, w *runtime.World, past Past) (debt, Verdict, error) {
	c := f.cluster
	running := (c.Servers() | c.Clients()) &^ w.Faulty() &^ w.Crashed()
	d := debt{answer: past.Open & running, free: !f.fromStart && past.Decided&c.Servers()&^w.Faulty() == 0}
	if !d.free {
		d.decide = running & c.Servers() &^ past.Decided
	}
	// What the faulty ones did, and those that are down, puts nothing to the test.
	return d, Verdict{Vacuous: d.paid() && past.Decided&running&c.Servers() == 0}, nil
}

// pays takes off what came. The first decision of a correct replica makes all others owe one; an
// operation that a client begins on the way is owed as well.
func (termination) pays(f *Follower, d debt, seen []runtime.Observed, running node.Set) debt {
	left := stillRunning(running, seen)
	for _, o := range seen {
		one := node.SetOf(o.Instance)
		if running&one == 0 {
			continue
		}
		switch o.Kind {
		case node.Decided: // be it that its code fails later in the step
			if d.free && f.cluster.Servers().Has(o.Instance) {
				d.free, d.decide = false, left&f.cluster.Servers()
			}
			d.decide &^= one
		case node.Invoked:
			d.answer |= one
		case node.Returned, node.Aborted:
			d.answer &^= one
		}
	}
	d.answer, d.decide = d.answer&left, d.decide&left
	return d
}

func (termination) owing(f *Follower, d debt) (all []string) {
	for _, who := range f.cluster.Names(d.decide) {
		all = append(all, "decision of "+who)
	}
	for _, who := range f.cluster.Names(d.answer) {
		all = append(all, "operation of "+who)
	}
	return all
}

func (termination) never(f *Follower, d debt, _ string) string {
	var parts []string
	if who := f.cluster.Names(d.decide); len(who) > 0 {
		parts = append(parts, fmt.Sprintf("%s never %s", english.Join(who, "and"), english.Plural(len(who), "decides", "decide")))
	}
	if who := f.cluster.Names(d.answer); len(who) > 0 {
		parts = append(parts, fmt.Sprintf("the %s of %s never %s", english.Plural(len(who), "operation", "operations"),
			english.Join(who, "and"), english.Plural(len(who), "ends", "end")))
	}
	return english.Join(parts, "and")
}

func (termination) notYet(f *Follower, d debt, _ string) string {
	var parts []string
	if who := f.cluster.Names(d.decide); len(who) > 0 {
		parts = append(parts, fmt.Sprintf("%s %s not decided", english.Join(who, "and"), english.Plural(len(who), "has", "have")))
	}
	if who := f.cluster.Names(d.answer); len(who) > 0 {
		parts = append(parts, fmt.Sprintf("the %s of %s %s not ended", english.Plural(len(who), "operation", "operations"),
			english.Join(who, "and"), english.Plural(len(who), "has", "have")))
	}
	return english.Join(parts, "and")
}

// coming is that a function of the world becomes true.
type coming struct {
	name  string
	holds func(ctx context.Context, w *runtime.World) (Verdict, error)
}

func (coming) needs() string { return "a world of which it is not true yet" }

// owes asks the function about the world without its past: the search judges worlds, and one that
// is reached on two ways has two pasts.
func (p coming) owes(ctx context.Context, f *Follower, w *runtime.World, past Past) (debt, Verdict, error) {
	if w.Depth() > 0 { // it is the same to it how the world came about
		w = w.WithoutPast()
	}
	v, err := p.holds(ctx, w)
	if err != nil {
		return debt{}, Verdict{}, fmt.Errorf("eventually %s: %w", p.name, err)
	}
	if v.Holds {
		v.Vacuous = true // nothing had to come
		return debt{}, v, nil
	}
	return debt{open: true, going: f.going(w, past)}, v, nil
}

func (coming) pays(f *Follower, d debt, seen []runtime.Observed, running node.Set) debt {
	d.going = goOn(d.going, seen, running&f.cluster.Clients())
	return d
}

func (coming) owing(*Follower, debt) []string { return nil }

func (p coming) never(_ *Follower, _ debt, why string) string {
	return p.name + " never comes true (" + why + ")"
}

func (p coming) notYet(_ *Follower, _ debt, why string) string {
	return p.name + " has not come true (" + why + ")"
}
