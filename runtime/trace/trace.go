// Package trace records how a world came about, and draws it for people.
//
//   - A [Trace] is the record of one scenario: who was there (a [Lane] for each
//     instance) and what happened (a [Step] for each step, with its
//     [Delivery]s). It is plain data and holds nothing of the simulation.
//   - [Trace.Storyboard] draws a row for each step and a column for each
//     server: what changed, at a glance.
//   - [Trace.Diagram] draws a vertical line for each instance and an arrow for
//     each message: everything that happened.
//   - [Trace.Page] is a page for a browser to walk through a scenario,
//     [Trace.Mermaid] a sequence diagram for documents, [Trace.ShiViz] a log
//     with vector clocks for the tool of that name.
//   - [Trace.Encode] writes a trace down as JSON, and [Decode] reads it back.
//   - [Trace.Explain] tells in sentences how what was observed in a step came
//     about; a [Finding] is a violated property with that story.
//   - [Trace.Render] does all of these by the name of a [Format].
//
// Storyboard and diagram draw on a canvas (canvas.go), which keeps lines within their width, and
// tell what was observed in the same words (tell.go).
package trace

import (
	"fmt"

	"github.com/twinsh/twinsh/runtime"
)

// A Trace is the record of one scenario. Lanes are named by their index.
type Trace struct {
	Protocol string    `json:"protocol"` // as it shows itself
	N        int       `json:"n"`        // number of servers
	F        int       `json:"f"`        // how many of them may be faulty
	Beyond   bool      `json:"beyond"`   // whether more than F of them are
	Lanes    []Lane    `json:"lanes"`    // servers, then clients; twins side by side
	Start    []State   `json:"start"`    // of each lane, before the first step
	Steps    []Step    `json:"steps"`
	Findings []Finding `json:"findings"` // what is wrong with the scenario; see Find
}

// A Lane is one instance.
type Lane struct {
	Name     string `json:"name"`     // C'
	Identity string `json:"identity"` // C
	Client   bool   `json:"client"`
	Twinned  bool   `json:"twinned"` // its identity runs as several instances
	Faulty   bool   `json:"faulty"`  // its identity is faulty at the end
}

// A Step is one step, and how it left the system.
type Step struct {
	Number     int        `json:"number"` // from 1
	Kind       string     `json:"kind"`   // the name of the act: exchange, round, amnesia, …
	Call       string     `json:"call"`   // as a script writes it: exchange("c1", ["A", "B"])
	Title      string     `json:"title"`  // for people: c1 write "red": query → A B
	Client     int        `json:"client"` // the lane that an exchange or invocation is about, else -1
	Deliveries []Delivery `json:"deliveries"`
	States     []State    `json:"states"`          // of each lane, afterwards
	Parts      [][]int    `json:"parts,omitempty"` // the partition in force during the step or after it, nil if there is none
	InFlight   int        `json:"in_flight"`       // how many messages are in flight afterwards
}

// A State tells of one lane after a step.
type State struct {
	Summary string `json:"summary"` // a few words; "" if the node's code has none
	Asked   bool   `json:"asked"`   // whether anything reached the lane in the step
	Changed bool   `json:"changed"` // whether the step changed its state
	Down    bool   `json:"down"`
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
	Hop     int           `json:"hop"`            // 0 for what the step itself brings, then 1, 2, …
	From    int           `json:"from"`           // -1 if nobody sent anything
	To      int           `json:"to"`             //
	Type    string        `json:"type,omitempty"` // of the message; "" if there is none
	Text    string        `json:"text,omitempty"` // the message for people
	Fate    Fate          `json:"fate"`
	Summary string        `json:"summary"` // of To's state afterwards
	Changed bool          `json:"changed"` // whether To's state changed
	Seen    []Observation `json:"seen,omitempty"`
	Notes   []string      `json:"notes,omitempty"` // remarks of the node's code
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
	Kind ObservationKind `json:"kind"`
	Text string          `json:"text"` // the operation, value or failure; "" if an operation gave nothing back
	Slot int             `json:"slot"` // Decided
}

// A Finding is a property that the scenario violates.
type Finding struct {
	Property string   `json:"property"`
	Why      string   `json:"why"`   // the verdict in a sentence or two
	Step     int      `json:"step"`  // after it the property does not hold; the first such if that is known
	Story    []string `json:"story"` // how that came about, in sentences
}

// Find notes that a property does not hold after a step, and tells the story.
func (t *Trace) Find(property, why string, step int) {
	t.Findings = append(t.Findings, Finding{property, why, step, t.Explain(step)})
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
		t.Start = append(t.Start, State{Summary: w.Path()[0].Summary(i), Down: w.Path()[0].Crashed().Has(i)})
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
	parts := w.Parts()
	if own := w.Step().Parts(); own != nil {
		parts = own
	}
	for _, part := range parts {
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
