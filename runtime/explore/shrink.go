package explore

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/node"
)

// Shrunk is a scenario from which nothing can be taken away.
type Shrunk struct {
	// World is where the scenario ends. It may be of a smaller cluster than
	// the world that was given.
	World    *runtime.World
	Property string        // the one that is violated at the end, as before; "" if it is a failure that stays
	Failure  *node.Failure // that in which the scenario ends, nil if it is a violation
	Why      string
	Good     []runtime.Step // what a good network does after World, in vain; see [check.Verdict]
	Tried    int            // smaller scenarios that were run
	Stopped  error          // why it may not be as small as can be, nil if it is
}

// Shrink makes the scenario that led to w smaller, as long as the property that
// it violates first stays violated: the first in time and then in the order
// given, invariants last. If it violates none of them, the first failure of the
// nodes' code is what stays. Where a liveness property waits for instances, it stays to wait
// for the same of one of them (see [check.Verdict]). The scenario begins in the starting world of w's
// cluster.
//
// A view is shrunk as the steps that it consists of, unless only the view as one step violates the
// property. It takes out steps, instances that take part in a step, twins, operations of
// clients with the steps in which they run, and whole clients with theirs; it
// merges parts of a partition, and moves instances to parts that are no
// smaller. What remains is a local minimum: no single such change leaves a
// scenario that can happen and violates the property. (Zeller and Hildebrandt,
// "Simplifying and Isolating Failure-Inducing Input", TSE 2002, of which the
// removal of steps in ever smaller runs is taken.) The result is always the same.
//
// If ctx ends before that, the result is what was reached until then. It is an
// error if nothing is violated.
func Shrink(ctx context.Context, w *runtime.World, properties []check.Property, invariants []check.WorldProperty) (*Shrunk, error) {
	s, err := newShrinker(ctx, w, properties, invariants)
	if err != nil {
		return nil, fmt.Errorf("shrink: %w", err)
	}
	return s.shrink(ctx), nil
}

// ShrinkFailure is [Shrink] for a failure of the given kind in the scenario.
func ShrinkFailure(ctx context.Context, w *runtime.World, kind string) (*Shrunk, error) {
	s := &shrinker{judge: failsWith(kind), kind: kind}
	for _, prefix := range w.Path() {
		if v, _ := s.judge(ctx, prefix); !v.Holds {
			err := s.begin(ctx, prefix)
			return s.shrink(ctx), err
		}
	}
	return nil, errors.New("shrink: no code fails so in the scenario")
}

// shrink tries changes until none helps.
func (s *shrinker) shrink(ctx context.Context) *Shrunk {
	// Each change is tried again after the last one that helped, in a circle,
	// because it may help only then. That ends, because each change that is kept makes the
	// scenario smaller in the order that changes describes.
	changes := s.changes()
	for next, failed := 0, 0; failed < len(changes); {
		if s.found.Stopped = ctx.Err(); s.found.Stopped != nil {
			break
		}
		if !s.try(ctx, changes[next%len(changes)]) {
			next, failed = next+1, failed+1
			continue
		}
		changes, failed = s.changes(), 0
		if len(changes) > 0 {
			next %= len(changes)
		}
	}
	return &s.found
}

// A shrinker tries changes of a scenario. Each trial plays a scenario from the start, in a
// cluster of its own if the change is one of the cluster; nothing is searched, so that the
// cost is the number of trials times the length.
type shrinker struct {
	judge func(context.Context, *runtime.World) (check.Verdict, error) // by the property that must stay violated
	kind  string                                                       // of the failure that must stay, "" if it is a violation
	owed  []string                                                     // some of this must stay owed, if that is not empty
	found Shrunk
	// Of the scenario found: its cluster, its steps, and by instance when the
	// operations of clients ran.
	config  runtime.Config
	actions []runtime.Action
	running map[string][]run
}

// A run is the range of steps in which an instance ran an operation.
type run struct{ first, last int }

func newShrinker(ctx context.Context, w *runtime.World, properties []check.Property, invariants []check.WorldProperty) (*shrinker, error) {
	var judges []func(context.Context, *runtime.World) (check.Verdict, error)
	var names []string
	var atEnd []bool
	for _, p := range properties {
		atEnd = append(atEnd, check.IsAtEnd(p))
		names = append(names, p.Name())
		judges = append(judges, func(ctx context.Context, w *runtime.World) (check.Verdict, error) { return p.Judge(ctx, w.History()) })
	}
	for _, p := range invariants {
		atEnd = append(atEnd, check.IsAtEnd(p))
		names = append(names, p.Name())
		judges = append(judges, p.JudgeWorld)
	}
	ctx, cancel := grace(ctx)
	defer cancel()
	for _, prefix := range w.Path() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for i, judge := range judges {
			if atEnd[i] && prefix != w {
				continue
			}
			verdict, err := judge(ctx, prefix)
			if err != nil {
				return nil, err
			}
			if !verdict.Holds {
				s := &shrinker{judge: judge, found: Shrunk{Property: names[i]}}
				return s, s.begin(ctx, prefix)
			}
		}
	}
	for _, prefix := range w.Path() {
		if _, f := failure(prefix, func(node.Failure) bool { return true }); f != nil {
			s := &shrinker{judge: failsWith(f.Kind()), kind: f.Kind()}
			return s, s.begin(ctx, prefix)
		}
	}
	return nil, errors.New("the scenario violates nothing that was to be checked")
}

// begin makes the scenario that led to w the one found. Of views it keeps the steps,
// because some of them may not be needed; what they lead to is the same. Only what may change in a
// step may be violated by a view as one step, and by none of its own: then views stay.
func (s *shrinker) begin(ctx context.Context, w *runtime.World) error {
	unfolded := w.Unfolded()
	v, err := s.judge(ctx, unfolded)
	if err == nil && v.Holds {
		v, err = s.judge(ctx, w)
	} else {
		w = unfolded
	}
	s.owed = v.Owed
	s.keep(w, v)
	return err
}

// failure returns the first failure on the way to w of those that are wanted.
func failure(w *runtime.World, wanted func(node.Failure) bool) (in runtime.Observed, f *node.Failure) {
	for _, o := range w.History().Events {
		if o.Kind == node.Failed && wanted(o.Failure) {
			return o, &o.Failure
		}
	}
	return in, nil
}

// failsWith judges that no code fails in the given way.
func failsWith(kind string) func(context.Context, *runtime.World) (check.Verdict, error) {
	return func(_ context.Context, w *runtime.World) (check.Verdict, error) {
		o, f := failure(w, func(f node.Failure) bool { return f.Kind() == kind })
		if f == nil {
			return check.Verdict{Holds: true}, nil
		}
		return check.Verdict{Why: fmt.Sprintf("the code of %s failed in %s: %s", w.Cluster().Instances()[o.Instance].Name, w.History().Place(o.Step), f.Line())}, nil
	}
}

// keep makes w the scenario found.
func (s *shrinker) keep(w *runtime.World, v check.Verdict) {
	s.found.World, s.found.Why, s.found.Good = w, v.Why, v.Good
	if s.kind != "" {
		_, s.found.Failure = failure(w, func(f node.Failure) bool { return f.Kind() == s.kind })
	}
	s.config, s.actions, s.running = w.Cluster().Config(), nil, map[string][]run{}
	for _, v := range w.Path()[1:] {
		s.actions = append(s.actions, v.Step().Action())
	}
	instances := w.Cluster().Instances()
	for _, seen := range w.History().Events {
		name := instances[seen.Instance].Name
		runs := s.running[name]
		if seen.Kind == node.Invoked {
			s.running[name] = append(runs, run{seen.Step - 1, len(s.actions)})
		} else if seen.Ends() && len(runs) > 0 {
			runs[len(runs)-1].last = seen.Step - 1
		}
	}
}

// asBefore reports whether a violation is the one that is to stay: that replicas do not decide
// is another than that an operation does not end, though one property asks for both.
func (s *shrinker) asBefore(v check.Verdict) bool {
	return len(s.owed) == 0 || slices.ContainsFunc(v.Owed, func(owed string) bool { return slices.Contains(s.owed, owed) })
}

// try makes a changed scenario the one found if it can happen and violates the
// property. What cannot be played, or cannot be judged, is no smaller scenario, and no error.
func (s *shrinker) try(ctx context.Context, c change) bool {
	s.found.Tried++
	cluster := s.found.World.Cluster()
	if c.config != nil {
		var err error
		if cluster, err = runtime.NewCluster(*c.config); err != nil {
			return false
		}
	}
	w := cluster.Start()
	for _, a := range c.actions() {
		step, err := cluster.Step(a)
		if err != nil {
			return false
		}
		if w, err = w.DoContext(ctx, step); err != nil {
			return false
		}
	}
	// An invariant may be about an instance that is not there any more. Then it
	// says nothing.
	v, err := s.judge(ctx, w)
	if err != nil || v.Holds || !s.asBefore(v) {
		return false
	}
	s.keep(w, v)
	return true
}
