// Package trace records how a world came about, and draws it for people.
//
//   - A [Trace] is the record of one scenario: who was there (a [Lane] for each
//     instance) and what happened (a [Step] for each step, with its
//     [Delivery]s). It is plain data and holds nothing of the simulation.
//   - [Trace.Storyboard] draws a row for each step and a column for each
//     server: what changed, at a glance.
//   - [Trace.Diagram] draws a vertical line for each instance and an arrow for
//     each message: everything that happened.
//
// Both draw on a canvas (canvas.go), which keeps lines within their width, and
// tell what was observed in the same words (tell.go).
package trace

import (
	"fmt"

	"github.com/twinsh/twinsh/runtime"
)

// A Trace is the record of one scenario. Lanes are named by their index.
type Trace struct {
	Protocol string // as it shows itself
	N, F     int    // number of servers, and how many of them may be faulty
	Beyond   bool   // whether more than F of them are
	Lanes    []Lane // servers, then clients; twins side by side
	Steps    []Step
}

// A Lane is one instance.
type Lane struct {
	Name     string // C'
	Identity string // C
	Client   bool
	Twinned  bool // its identity runs as several instances
	Faulty   bool // its identity is faulty at the end
}

// A Step is one step, and how it left the system.
type Step struct {
	Number     int    // from 1
	Kind       string // the name of the act: exchange, round, amnesia, …
	Call       string // as a script writes it: exchange("c1", ["A", "B"])
	Title      string // for people: c1 write "red": query → A B
	Client     int    // the lane that an exchange or invocation is about, else -1
	Deliveries []Delivery
	States     []State // of each lane, afterwards
	Parts      [][]int // the partition in force afterwards, nil if there is none
	InFlight   int     // how many messages are in flight afterwards
}

// A State tells of one lane after a step.
type State struct {
	Summary string // a few words; "" if the node's code has none
	Asked   bool   // whether anything reached the lane in the step
	Changed bool   // whether the step changed its state
	Down    bool
}

// A Fate says what became of a message, or that an event took place.
type Fate string

const (
	Delivered Fate = "delivered"
	Lost      Fate = "lost"     // the receiver took no part in the exchange
	Cut       Fate = "cut"      // the topology has no such link
	Filtered  Fate = "filtered" // the topology lets no message of this type pass
	Waiting   Fate = "waiting"  // it stays in flight until it can be delivered
	Down      Fate = "down"     // the receiver is down
)

var fates = [...]Fate{
	runtime.Delivered: Delivered, runtime.Lost: Lost, runtime.Cut: Cut,
	runtime.Filtered: Filtered, runtime.Waiting: Waiting, runtime.Down: Down,
}

// A Delivery is one thing that happened to one lane: a message came or was
// lost on the way, or the step itself asked something of the lane.
type Delivery struct {
	Hop     int    // 0 for what the step itself brings, then 1, 2, …
	From    int    // -1 if nobody sent anything
	To      int    //
	Type    string // of the message; "" if there is none
	Text    string // the message for people
	Fate    Fate
	Summary string // of To's state afterwards
	Changed bool   // whether To's state changed
	Seen    []Observation
	Notes   []string // remarks of the node's code
}

// ObservationKind says what was observed.
type ObservationKind string

const (
	Invoked  ObservationKind = "invoked"
	Returned ObservationKind = "returned"
	Decided  ObservationKind = "decided"
	Failed   ObservationKind = "failed"
)

var observationKinds = [...]ObservationKind{
	runtime.Invoked: Invoked, runtime.Returned: Returned,
	runtime.Decided: Decided, runtime.Failed: Failed,
}

// An Observation is what a property could see of a lane.
type Observation struct {
	Kind ObservationKind
	Text string // the operation, value or failure; "" if an operation gave nothing back
	Slot int    // Decided
}

// Of records the whole path from the start to w.
func Of(w *runtime.World) *Trace {
	c := w.Cluster()
	t := &Trace{Protocol: c.Config().Protocol.Name(), N: c.Config().N, F: c.Config().F, Beyond: w.Beyond()}
	if p, ok := c.Config().Protocol.(fmt.Stringer); ok {
		t.Protocol = p.String()
	}
	for i, in := range c.Instances() {
		t.Lanes = append(t.Lanes, Lane{
			Name: in.Name, Identity: c.Identities()[in.Identity].Name, Client: c.Clients().Has(i),
			Twinned: c.Twinned().Has(i), Faulty: w.Faulty().Has(i),
		})
	}
	r := recorder{Trace: t, current: make([]runtime.Operation, len(t.Lanes))}
	for _, v := range w.Path()[1:] {
		t.Steps = append(t.Steps, r.step(v))
	}
	return t
}

// A recorder keeps what a step has to know of those before it.
type recorder struct {
	*Trace
	current []runtime.Operation // what each client began last
}

func (r *recorder) step(w *runtime.World) Step {
	s := Step{
		Number: w.Depth(), Kind: kindOf(w.Step()), Call: w.Step().String(), Client: -1,
		States: make([]State, len(r.Lanes)), InFlight: len(w.InFlight()),
	}
	for _, part := range w.Parts() {
		s.Parts = append(s.Parts, indices(part))
	}
	for _, d := range w.Deliveries() {
		s.Deliveries = append(s.Deliveries, r.delivery(d))
		if d.Fate == runtime.Delivered {
			s.States[d.To].Asked = true
		}
	}
	for i := range s.States {
		s.States[i].Summary, s.States[i].Down = w.Summary(i), w.Crashed().Has(i)
		s.States[i].Changed = w.Vector()[i] != w.Parent().Vector()[i]
	}
	if k := w.Step().Kind(); k == runtime.ExchangeStep || k == runtime.InvokeStep {
		s.Client = indices(w.Step().Instances() & w.Cluster().Clients())[0]
	}
	s.Title = r.title(w, &s)
	return s
}

func (r *recorder) delivery(d runtime.Delivery) Delivery {
	out := Delivery{Hop: d.Hop, From: d.From, To: d.To, Fate: fates[d.Fate], Summary: d.After, Changed: d.Changed, Notes: d.Notes}
	if d.Event.Kind == runtime.MessageEvent && d.From >= 0 {
		out.Type, out.Text = runtime.MessageType(d.Event.Message), runtime.Text(d.Event.Message)
	}
	if d.Event.Kind == runtime.InvokeEvent {
		r.current[d.To] = d.Event.Operation
	}
	for _, o := range d.Seen {
		seen := Observation{Kind: observationKinds[o.Kind], Slot: o.Slot}
		switch o.Kind {
		case runtime.Invoked:
			r.current[d.To] = o.Operation
			seen.Text = operationText(o.Operation)
		case runtime.Failed:
			seen.Text = o.Text
		default:
			seen.Text = runtime.Text(o.Value)
			// An operation that was given a value, as a write, just returns.
			if o.Kind == runtime.Returned && o.Value == nil && r.current[d.To].Arg != nil {
				seen.Text = ""
			}
		}
		out.Seen = append(out.Seen, seen)
	}
	return out
}

func indices(s runtime.Set) []int {
	var all []int
	for i := range s.All {
		all = append(all, i)
	}
	return all
}
