package check

import (
	"context"
	"fmt"
	"slices"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/node"
)

// An Operation is what became of one operation of a client, as properties of hosts see it.
type Operation struct {
	node.Operation
	Client string // the instance
	// Faulty is whether the client is: then nothing is known of when the operation took effect,
	// and of what it returned.
	Faulty bool
	// Began and Ended are places in the history, from 0. Ended is -1 of one that is open.
	// What began right after another began, or ended right after another ended, may as well
	// have done so before.
	Began, Ended int
	Aborted      bool // it ended, and has not happened
	Result       any  // if it returned
	Reason       string
	// Crashed is the place at which its client crashed while it was under way, the first of several, or
	// -1. Only properties that see crashes are shown any; see [SeeingCrashes].
	Crashed int
}

// Returned reports whether the operation ended with a result.
func (o Operation) Returned() bool { return o.Ended >= 0 && !o.Aborted }

// Before reports whether o ended before p began. Of faulty clients that is not known.
func (o Operation) Before(p Operation) bool {
	return o.Ended >= 0 && o.Ended < p.Began && !o.Faulty && !p.Faulty
}

// OfHistory returns a property of the operations of a history, in the order in which they
// began. The function must be pure; whether the verdict is vacuous it need not say: it is if
// nothing returned or was aborted. In a search it is called for each different history.
func OfHistory(name string, judge func(ctx context.Context, ops []Operation) (Verdict, error)) Property {
	return ofHistory{name: name, judge: judge}
}

type ofHistory struct {
	name    string
	judge   func(context.Context, []Operation) (Verdict, error)
	crashes func() bool // nil: never
}

// SeeingCrashes returns a property of [OfHistory] or [Fold] that is shown crashes of those whose operation is
// under way, too, if so says a function, which is asked when something is judged: places count them,
// [Operation].Crashed says where one came, and a fold gets an event that is [node.Crashed]. Code that
// fails has crashed. A search then tells apart histories that differ in crashes.
func SeeingCrashes(p Property, sees func() bool) Property {
	switch p := p.(type) {
	case ofHistory:
		p.crashes = sees
		return p
	case *fold:
		return &fold{name: p.name, init: p.init, step: p.step, crashes: sees}
	}
	return p
}

func (p ofHistory) seesCrashes() bool { return p.crashes != nil && p.crashes() }

func (p ofHistory) Name() string { return p.name }

func (ofHistory) about() node.ObservationKind { return node.Returned }

func (ofHistory) needs() string { return "an operation that ended" }

// Judge hands over all operations at once. A search that asks it keeps whole histories apart, by
// what happened and not when: see [MonitorOf].
func (p ofHistory) Judge(ctx context.Context, h runtime.History) (Verdict, error) {
	events, crashes := h.Events, p.seesCrashes()
	if crashes {
		events = h.WithCrashes()
	}
	var ops []Operation
	open := map[int]int{} // instance -> index of the operation under way
	ended := false
	for place, e := range canonical(slices.Clone(events)) {
		name, faulty := h.Cluster.Instances()[e.Instance].Name, h.Faulty.Has(e.Instance)
		i, ok := open[e.Instance]
		switch {
		case e.Kind == node.Invoked:
			open[e.Instance] = len(ops)
			ops = append(ops, Operation{Operation: e.Operation, Client: name, Faulty: faulty, Began: place, Ended: -1, Crashed: -1})
		case crashes && crash(e) && ok && ops[i].Crashed < 0:
			ops[i].Crashed = place
		case !e.Ends() || !ok && faulty:
		case !ok:
			return Verdict{Why: nothingEnds(h, e)}, nil
		default:
			delete(open, e.Instance)
			ended = true
			ops[i].Ended, ops[i].Aborted, ops[i].Result = place, e.Kind == node.Aborted, e.Value
			if ops[i].Aborted {
				ops[i].Result = nil
				ops[i].Reason, _ = e.Value.(string)
			}
		}
	}
	v, err := p.judge(ctx, ops)
	if err != nil {
		return Verdict{}, fmt.Errorf("history %s: %w", p.name, err)
	}
	v.Vacuous = v.Holds && !ended
	return v, nil
}

// crash reports whether an instance crashed, or its code failed.
func crash(o runtime.Observed) bool { return o.Kind == node.Crashed || o.Kind == node.Failed }

// nothingEnds says that an operation cannot end that did not begin.
func nothingEnds(h runtime.History, e runtime.Observed) string {
	name := h.Cluster.Instances()[e.Instance].Name
	if e.Kind == node.Aborted {
		return fmt.Sprintf("%s aborted in %s, but no operation of it was under way", name, h.Place(e.Step))
	}
	return fmt.Sprintf("%s returned %s in %s, but no operation of it was under way", name, h.Cluster.Text(e.Value), h.Place(e.Step))
}

// An Event is that an operation began or ended.
type Event struct {
	Kind node.ObservationKind // Invoked, Returned or Aborted; Crashed of those that see that
	node.Operation
	Client string // the instance
	Faulty bool   // whether the client is: see [Operation]
	Result any    // Returned
	Reason string // Aborted
}

// Fold returns a property of the operations of a history that keeps a state instead of the
// history. The function is given the state, at first init, and what happens next; it returns
// the next state, a comparable value, and whether all is well so far. It must be pure.
//
// What it is given in one step comes in the order in which the simulation made it. A search
// takes histories that lead to equal states, with the same operations under way, for one, so
// that it stays small if the states are few. Where a client or replica may lose its memory it
// keeps the whole history, because the function sees who is faulty.
func Fold(name string, init any, step func(ctx context.Context, state any, e Event) (next any, v Verdict, err error)) Property {
	return &fold{name: name, init: init, step: step}
}

type fold struct {
	name    string
	init    any
	step    func(context.Context, any, Event) (any, Verdict, error)
	crashes func() bool // nil: never
}

func (p *fold) seesCrashes() bool { return p.crashes != nil && p.crashes() }

func (p *fold) Name() string { return p.name }

func (*fold) about() node.ObservationKind { return node.Returned }

func (*fold) needs() string { return "an operation that ended" }

// inOrder says that it matters how events follow one another that commute.
func (*fold) inOrder() {}

// A folded state is what is left of a history.
type folded struct {
	state any
	open  map[int]node.Operation // by instance, what is under way
	ended bool                   // whether an operation has
}

// follow goes on from a state. It stops where something is wrong.
func (p *fold) follow(ctx context.Context, s *folded, c *runtime.Cluster, faulty node.Set, events []runtime.Observed) (Verdict, error) {
	for _, o := range events {
		op, ok := s.open[o.Instance]
		e := Event{Kind: o.Kind, Operation: op, Client: c.Instances()[o.Instance].Name, Faulty: faulty.Has(o.Instance)}
		switch {
		case o.Kind == node.Invoked:
			e.Operation = o.Operation
			s.open[o.Instance] = o.Operation
		case crash(o) && ok && p.seesCrashes():
			e.Kind = node.Crashed
		case !o.Ends() || !ok && e.Faulty:
			continue
		case !ok:
			return Verdict{Why: nothingEnds(runtime.History{Cluster: c}, o)}, nil
		default:
			delete(s.open, o.Instance)
			s.ended = true
			if e.Result = o.Value; o.Kind == node.Aborted {
				e.Result = nil
				e.Reason, _ = o.Value.(string)
			}
		}
		next, v, err := p.step(ctx, s.state, e)
		if err != nil {
			return Verdict{}, fmt.Errorf("history %s: %w", p.name, err)
		}
		if s.state = next; !v.Holds {
			return v, nil
		}
	}
	return Verdict{Holds: true, Vacuous: !s.ended}, nil
}

func (p *fold) start() *folded { return &folded{state: p.init, open: map[int]node.Operation{}} }

// Judge folds the history from its beginning. Events of faulty instances are among them, marked.
func (p *fold) Judge(ctx context.Context, h runtime.History) (Verdict, error) {
	events := h.Events
	if p.seesCrashes() {
		events = h.WithCrashes()
	}
	return p.follow(ctx, p.start(), h.Cluster, h.Faulty, events)
}

// Concerns implements [Monitored].
func (*fold) Concerns(c *runtime.Cluster) node.Set { return c.Clients() | c.Servers() }

// Monitor knows all clusters.
func (p *fold) Monitor(c *runtime.Cluster, faulty node.Set) Monitor {
	return &foldMonitor{property: p, cluster: c, faulty: faulty}
}

// foldMonitor is the monitor of a fold, which is one itself.
type foldMonitor struct {
	safety
	property *fold
	cluster  *runtime.Cluster
	faulty   node.Set
	numbers  numbers
}

// foldState is folded in numbers.
type foldState struct {
	State int
	Open  map[int]int `json:",omitempty"`
}

// SeesCrashes implements [Crashing].
func (m *foldMonitor) SeesCrashes() bool { return m.property.seesCrashes() }

func (m *foldMonitor) Start() string { return m.encode(m.property.start()) }

func (m *foldMonitor) encode(s *folded) string {
	e := foldState{State: m.numbers.number(s.state), Open: map[int]int{}}
	for i, op := range s.open {
		e.Open[i] = m.numbers.number(op)
	}
	return encode(e)
}

func (m *foldMonitor) Next(ctx context.Context, state string, seen []runtime.Observed) (string, error) {
	if state == violated {
		return state, nil
	}
	e := decode[foldState](state)
	s := &folded{state: m.numbers.value(e.State), open: map[int]node.Operation{}}
	for i, op := range e.Open {
		s.open[i] = m.numbers.value(op).(node.Operation)
	}
	v, err := m.property.follow(ctx, s, m.cluster, m.faulty, seen)
	if err != nil {
		return "", err
	}
	if s.ended || !v.Holds {
		m.met.Store(true)
	}
	if !v.Holds {
		return violated, nil
	}
	return m.encode(s), nil
}
