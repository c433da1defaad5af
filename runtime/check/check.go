// Package check judges what was observed along a scenario.
//
//   - A [Property] gives a [Verdict] on a history: [Linearizable] (to any
//     [Model], see [Models]), [StrictlyLinearizable], [SequentiallyConsistent], [KAtomic], [MonotonicReads],
//     [ReadYourWrites], [Regular] and [Safe] on what operations returned, [OfHistory] and [Fold]
//     on what a host makes of them, [Agreement] and
//     [Validity] on what replicas decided.
//   - A [WorldProperty] judges a single world: an [Invariant], or a [Liveness] property, which
//     plays on from it in a good network: [Live], [Terminates], [Eventually]; a [StepProperty]
//     judges the steps that led to it, each by the worlds before and after.
//   - [AtEnd] and [WorldAtEnd] judge complete scenarios only, [UpTo] those in which not too many
//     servers are faulty.
//   - A [Monitor] folds observations into a small state, so that a search
//     judges histories with equal futures once. [MonitorOf] makes one of any
//     property; those that are [Monitored] have a better one than a copy of
//     the history.
//
// Every property speaks of correct identities only. A history is judged by who
// is faulty in it: identities that run as twins, and those that suffered amnesia
// anywhere from its beginning to its end. Failures of the nodes' code are
// findings of their own and no property's affair, except that a property which plays
// on by itself hands over those that it meets ([Verdict.Failed]). Properties and monitors
// may be used concurrently.
//
// # Operations
//
// The properties of what operations returned see operations. One lasts from its
// invocation to its return. One that never returned, because its client
// crashed, the scenario ended or the client restarted and went on with
// another, may have taken effect at any time after its invocation, or not at
// all. Each operation of a faulty client or replica, returned or not, may have taken
// effect at any time whatsoever, once or not at all, and what it returned does
// not matter.
package check

import (
	"context"
	"fmt"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/node"
)

// A Property gives a verdict on what was observed along a scenario. The error
// says why there is none: the history cannot be judged, which is a mistake of
// the property's author or user and no finding, or ctx is done.
type Property interface {
	Name() string
	Judge(ctx context.Context, h runtime.History) (Verdict, error)
}

// A Verdict says whether a property holds.
type Verdict struct {
	Holds bool
	// Why says, when the property does not hold, what went wrong and where, in
	// one or two sentences for people.
	Why string
	// Witness is, when a history is linearizable, an order of operations that
	// explains it. Operations without a return are in it only if some result
	// needs them.
	Witness []string
	// Vacuous says that the property holds because nothing was observed that
	// could have violated it: nothing returned, nothing was decided twice. See
	// [Needs].
	Vacuous bool
	// Good are the steps of a good network that bring nothing about of what a [Liveness]
	// property waits for, on from the world that it judges: if a loop is proven, until it
	// closes. They are nil if the property holds.
	Good []runtime.Step
	// Owed are what is waited for in vain and by which instance, where a [Liveness] property
	// waits for something of each: "operation of c". Two violations are of one kind if they have
	// some of it in common, or if neither has any.
	Owed []string
	// Failed are ways in which code of nodes fails in steps that a property of worlds
	// takes by itself, on from the world that it judges: findings beside its own.
	Failed []Played
}

// A Played failure is one in steps that a property takes by itself.
type Played struct {
	Instance int
	Failure  node.Failure
	Steps    []runtime.Step // from the world that is judged to where the code fails
	Before   bool           // of a step that is judged: they go on from the world before it
	from     *runtime.World // that they go on from, nil if it is the one that is judged
}

// Depth returns the depth of the world where the code fails, of which w is judged.
func (p Played) Depth(w *runtime.World) int { return p.begin(w).Depth() + len(p.Steps) }

func (p Played) begin(judged *runtime.World) *runtime.World {
	if p.from != nil {
		return p.from
	}
	return judged
}

// Walk returns the world where the code fails. The world w is that which was judged.
func (p Played) Walk(ctx context.Context, w *runtime.World) (*runtime.World, error) {
	w = p.begin(w)
	for _, step := range p.Steps {
		next, err := w.DoContext(ctx, step)
		if err != nil {
			return nil, err
		}
		w = next
	}
	return w, nil
}

// A WorldProperty judges single worlds. Its errors are as those of a
// [Property]. JudgeWorld may be called concurrently.
type WorldProperty interface {
	Name() string
	JudgeWorld(ctx context.Context, w *runtime.World) (Verdict, error)
}

// A Monitored property can fold observations into a state that is smaller than
// the history.
type Monitored interface {
	Property
	// Monitor returns a monitor for the histories of c in which exactly the
	// given instances are faulty, or nil if it knows none.
	Monitor(c *runtime.Cluster, faulty node.Set) Monitor
	// Concerns returns the instances of which a monitor must know from the start
	// whether they are faulty.
	Concerns(c *runtime.Cluster) node.Set
}

// A Monitor is an automaton over observations. A state is a string that has a
// meaning only to the monitor that made it; equal states are equal strings.
type Monitor interface {
	// Start returns the state in which nothing was observed.
	Start() string
	// Next returns the state after all the observations of one step, or of several
	// that are judged as a whole: the property is judged of what they end in, not in
	// their midst. It does not look at their Step. Errors are as those of the property.
	Next(ctx context.Context, state string, seen []runtime.Observed) (string, error)
	// Violated reports whether the property is violated, now and for good.
	Violated(state string) bool
}

// A Forgetful monitor can take into account that identities became faulty by amnesia.
type Forgetful interface {
	Monitor
	// Forget returns the state after the given instances became faulty. What
	// they did before counts no more; a violation that it made stands.
	Forget(ctx context.Context, state string, faulty node.Set) (string, error)
}

// A Crashing monitor is given crashes of instances among the observations of [Monitor.Next], if it
// says that it sees them. Others are not, so that what they remember does not depend on any.
type Crashing interface {
	Monitor
	SeesCrashes() bool
}

// SeesCrashes reports whether m is to be given crashes.
func SeesCrashes(m Monitor) bool {
	c, ok := m.(Crashing)
	return ok && c.SeesCrashes()
}

// seesCrashes reports whether p looks at the crashes in a history.
func seesCrashes(p named) bool {
	c, ok := meant(p).(interface{ seesCrashes() bool })
	return ok && c.seesCrashes()
}

// A Renamable monitor knows what its states become if instances take each
// other's names.
type Renamable interface {
	Monitor
	// Rename returns the state after what each instance did was done by
	// to(instance) instead.
	Rename(state string, to func(instance int) int) string
	// Content returns what a state is, in words that are the same in each run,
	// so that states that Rename turns into each other can be put in order.
	Content(state string) string
}

// A Testing monitor knows whether its property was put to the test: whether in
// any of the histories that it folded something was observed that could have
// violated it, had it been another.
type Testing interface {
	Monitor
	// Tested reports whether that was so until now, over all states that were folded. It may
	// be called while others fold.
	Tested() bool
}

// Needs says what it takes to put a property to the test, as a noun: "a decision".
func Needs(p interface{ Name() string }) string {
	needs := "something that could have violated it"
	if n, ok := meant(p).(interface{ needs() string }); ok {
		needs = n.needs()
	}
	if most, ok := boundOf(p); ok {
		return whereBounded(needs, most)
	}
	return needs
}

// Comparing reports whether p compares the decisions for one slot, so that it
// rests on there being different values to decide.
func Comparing(p Property) bool {
	_, ok := meant(p).(agreement)
	return ok
}

// Beyond reports whether more servers are faulty in w than p promises anything for, so
// that its violation breaks no promise. Most properties promise something while at
// most f are; validity and invariants, whatever fails. Those that name a number (see [UpTo],
// [InvariantUpTo]) are not judged beyond it, and so are never violated there. Servers that are down
// count beside the faulty ones if p needs them (see [CountsDown]).
//
// Of a protocol that tolerates crashes only, no property promises anything once something else
// happened, unless it names for how many faulty servers it does.
func Beyond(p interface{ Name() string }, w *runtime.World) bool {
	c, missing := w.Cluster(), w.Faulty()
	_, named := boundOf(p)
	_, whatever := meant(p).(interface{ promisesAlways() })
	switch {
	case named:
		return false
	case len(w.BeyondCrashes()) > 0:
		return true
	case whatever:
		return false
	}
	if CountsDown(p) {
		missing |= down(w)
	}
	return c.FaultyServers(missing) > c.Config().F
}

// CountsDown reports whether p needs servers to run, so that those that are down for
// good are missing to it as the faulty ones are.
func CountsDown(p interface{ Name() string }) bool {
	_, ok := meant(p).(liveness)
	return ok
}

// down returns who is down without a fault of its own code.
func down(w *runtime.World) node.Set { return w.Crashed() &^ w.Failed() }

// Refuses returns an error that names the operations that p knows if op is none
// of them. It shows op with text, as in [runtime.Cluster.Text].
func Refuses(ctx context.Context, p Property, op node.Operation, text func(any) string) error {
	if k, ok := meant(p).(refuser); ok {
		return inWords(k.refuses(ctx, op), text)
	}
	return nil
}

// MonitorOf returns a monitor of p for the histories of c in which the given
// instances are faulty from the start, and those in mayForget may become so. If
// p has none of its own, the state is the whole history without its steps, in
// [Canonical] order, judged after each step; so it is if it matters to p who
// forgets.
func MonitorOf(p Property, c *runtime.Cluster, faulty, mayForget node.Set) Monitor {
	end, isAtEnd := p.(atEnd)
	if isAtEnd {
		p = end.Property
	}
	if p, ok := p.(upTo); ok {
		return p.monitor(c, faulty, mayForget, isAtEnd)
	}
	if p, ok := p.(Monitored); ok && mayForget&^faulty&p.Concerns(c) == 0 {
		switch m := p.Monitor(c, faulty).(type) {
		case nil:
		case leniency:
			if forgets := mayForget &^ faulty; !isAtEnd || forgets == 0 || onlyServe(c) {
				return recalling(m, faulty, forgets)
			}
			// At the end a violation stands no more if it was by one that forgot: the history is kept.
		default:
			return m
		}
	}
	return &historyMonitor{property: p, cluster: c, faulty: faulty, atEnd: isAtEnd}
}

// Linearizable returns the property that operations on a register look as if
// each of them happened at one moment between its invocation and its return
// (Herlihy and Wing, "Linearizability", TOPLAS 1990; for registers it is
// Lamport's atomicity).
func Linearizable() Property { return LinearizableTo(Register()) }

// LinearizableTo is [Linearizable] for any sequential object. Where a model has a key,
// the operations on each key are judged by themselves, which is the same (Herlihy and
// Wing's locality) and much quicker.
func LinearizableTo(m Model) Property { return &linearizable{model: m} }

// StrictlyLinearizable is [LinearizableTo] where a crash of a client, or of a replica that operates,
// is an end, too: what it cuts short takes effect before the crash or never (Aguilera and Frølund,
// "Strict Linearizability and the Power of Aborting", HP Labs 2003). That is so if the client comes
// back and finishes it. Code that fails has crashed. An operation that is given up for another one,
// without a crash, may take effect later, as in linearizability.
func StrictlyLinearizable(m Model) Property { return &linearizable{model: m, strict: true} }

// Regular returns the property that each read of a register, taken alone,
// returns what it could in some order of all writes and that read which
// respects real time: a value whose write began before the read returned, and
// which no write that began after that write's return had overwritten by the
// time at which the read began. Different reads may need different orders, so
// that one may return a new value and a later one the old value again. It is
// the condition MWRegWeak of Shao, Welch, Pierce and Lee, "Multiwriter
// Consistency Conditions for Shared Memory Registers", SIAM J. Comput. 2011,
// and with one writer Lamport's regular register ("On Interprocess
// Communication", 1986).
func Regular() Property { return weak{} }

// Safe returns the property that each read of a register that overlaps no
// write returns what a regular register could; one that overlaps a write may
// return anything (Lamport 1986, for any number of writers). A write that never
// returned overlaps every later read, a write of a faulty client every read. One that was
// aborted did not happen, so that it overlaps none: a read that went on meanwhile has to
// return what it would have returned without it.
func Safe() Property { return weak{safe: true} }

// Agreement returns the property that no two decisions of correct replicas for
// one slot differ, be it those of two replicas or of one.
func Agreement() Property { return agreement{} }

// Invariant returns a property of single worlds. The function reports whether
// the world is as it should be and, if not, why. It is the property that an author of Go code
// writes most; [InvariantUpTo] is for those that know more of themselves.
func Invariant(name string, holds func(ctx context.Context, w *runtime.World) (bool, string, error)) WorldProperty {
	return InvariantUpTo(-1, name, func(ctx context.Context, w *runtime.World) (Verdict, error) {
		ok, why, err := holds(ctx, w)
		if ok {
			why = ""
		}
		return Verdict{Holds: ok, Why: why}, err
	})
}

// InvariantUpTo is [Invariant] for one that is judged only while at most so many servers are
// faulty (see [UpTo]), or whatever fails if that is negative, and for one that plays on by itself.
func InvariantUpTo(faults int, name string, judge func(ctx context.Context, w *runtime.World) (Verdict, error)) WorldProperty {
	return invariant{name, judge, faults}
}

type invariant struct {
	name  string
	judge func(ctx context.Context, w *runtime.World) (Verdict, error)
	most  int // servers that may be faulty, -1 if any number may
}

func (invariant) promisesAlways() {}

func (invariant) needs() string { return "a world" }

func (p invariant) bound() int { return p.most }

func (p invariant) Name() string {
	if p.most >= 0 {
		return boundedName(p.name, p.most)
	}
	return p.name
}

func (p invariant) JudgeWorld(ctx context.Context, w *runtime.World) (Verdict, error) {
	return p.within(w, func() (Verdict, error) { return p.judge(ctx, w) })
}

// within judges unless too many are faulty in w, and names p in errors.
func (p invariant) within(w *runtime.World, judge func() (Verdict, error)) (Verdict, error) {
	if p.most >= 0 && w.Cluster().FaultyServers(w.Faulty()) > p.most {
		return Verdict{Holds: true, Vacuous: true}, nil
	}
	v, err := judge()
	if err != nil {
		return Verdict{}, fmt.Errorf("invariant %s: %w", p.name, err)
	}
	return v, nil
}

// OfOperations reports whether p is about what operations returned.
func OfOperations(p Property) bool { return isAbout(p, node.Returned) }

// OfDecisions reports whether p is about what replicas decided.
func OfDecisions(p Property) bool { return isAbout(p, node.Decided) }

// isAbout reports whether p judges observations of a kind above all, as it says itself: so that
// a new property is not asked for here.
func isAbout(p Property, kind node.ObservationKind) bool {
	a, ok := meant(p).(interface{ about() node.ObservationKind })
	return ok && a.about() == kind
}
