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
//   - [Trace.Explain] says how what was observed in a step came about, in
//     [Sentence]s, which are data; [Trace.Say] makes texts of them. A [Finding]
//     is a violated property with that story.
//   - [Trace.Render] does all of these by the name of a [Format].
//
// Storyboard and diagram draw on a canvas (canvas.go), which keeps lines within their width, and
// tell what was observed in the same words (tell.go).
package trace

import (
	"cmp"
	"context"
	"fmt"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/node"
)

// A Trace is the record of one scenario. Lanes are named by their index.
type Trace struct {
	Protocol string    `json:"protocol"`         // as it shows itself
	Legend   string    `json:"legend,omitempty"` // what the summaries of its servers' states say, if the protocol says so
	N        int       `json:"n"`                // number of servers
	F        int       `json:"f"`                // how many of them may be faulty
	Beyond   bool      `json:"beyond"`           // whether more than F of them are
	Lanes    []Lane    `json:"lanes"`            // servers, then clients; twins side by side
	Start    []State   `json:"start"`            // of each lane, before the first step
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

// A State describes one lane after a step.
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
	Hop     int           `json:"hop"`               // 0 for what the step itself brings, then 1, 2, …
	From    int           `json:"from"`              // -1 if nothing was sent
	To      int           `json:"to"`                //
	Message int           `json:"message,omitempty"` // a number for the message: equal messages have the same; 0 if there is none
	Type    string        `json:"type,omitempty"`    // of the message
	Text    string        `json:"text,omitempty"`    // the message for people
	Full    string        `json:"full,omitempty"`    // all that the message says, if Text leaves something out
	Again   bool          `json:"again,omitempty"`   // the same message arrived just before; see [runtime.DuplicateStep]
	Origin  *Place        `json:"origin,omitempty"`  // what its sender reacted to when it sent it, nil if that is not known
	Fate    Fate          `json:"fate"`
	Summary string        `json:"summary"` // of To's state afterwards
	Changed bool          `json:"changed"` // whether To's state changed
	Seen    []Observation `json:"seen,omitempty"`
	Notes   []string      `json:"notes,omitempty"` // remarks of the node's code
}

// Mail reports whether d is a message to the next leader, which the leader opens
// before its round begins, and thus before the partition of that round.
func (d *Delivery) Mail() bool { return d.Hop == 0 && d.From >= 0 }

// full is all that the message says.
func (d *Delivery) full() string { return cmp.Or(d.Full, d.Text) }

// A Place is where a delivery stands in a trace.
type Place struct {
	Step int `json:"step"` // its number, from 1
	At   int `json:"at"`   // index into the step's Deliveries
}

// Before reports whether p stands before q.
func (p Place) Before(q Place) bool { return p.compare(q) < 0 }

func (p Place) compare(q Place) int {
	return cmp.Or(cmp.Compare(p.Step, q.Step), cmp.Compare(p.At, q.At))
}

func (t *Trace) at(p Place) *Delivery { return &t.Steps[p.Step-1].Deliveries[p.At] }

// ObservationKind says what was observed.
type ObservationKind string

const (
	Invoked  ObservationKind = "invoked"
	Returned ObservationKind = "returned"
	Decided  ObservationKind = "decided"
	Failed   ObservationKind = "failed"
)

var observationKinds = [...]ObservationKind{
	node.Invoked: Invoked, node.Returned: Returned,
	node.Decided: Decided, node.Failed: Failed,
}

// An Observation is what a property could see of a lane.
type Observation struct {
	Kind ObservationKind `json:"kind"`
	Text string          `json:"text"` // the operation, value or failure; "" if an operation gave nothing back
	Slot int             `json:"slot"` // Decided
}

// A Finding is a property that the scenario violates, or that code of a node
// fails in it.
type Finding struct {
	Property string   `json:"property"` // "" if code fails
	Why      string   `json:"why"`      // the verdict in a sentence or two
	Step     int      `json:"step"`     // after it the property does not hold; the first such if that is known
	Story    []string `json:"story"`    // how that came about, in sentences
}

// Title names what is wrong.
func (f Finding) Title() string {
	if f.Property == "" {
		return "code failed"
	}
	return f.Property + " is violated"
}

// Find notes that a property does not hold in a world on the way that t is the
// record of, and explains what was observed of the given kind in the step that
// led there; see Explain. The error is that of ctx.
func (t *Trace) Find(ctx context.Context, property, why string, w *runtime.World, kind ObservationKind) error {
	f := Finding{Property: property, Why: why, Step: w.Depth()}
	story, err := t.Explain(ctx, w, kind)
	for _, s := range story {
		f.Story = append(f.Story, t.Say(s))
	}
	t.Findings = append(t.Findings, f)
	return err
}

// Of records the whole path from the start to w.
func Of(w *runtime.World) *Trace {
	c := w.Cluster()
	t := &Trace{Protocol: c.Config().Protocol.Name(), N: c.Config().N, F: c.Config().F, Beyond: w.Beyond()}
	if p, ok := c.Config().Protocol.(fmt.Stringer); ok {
		t.Protocol = p.String()
	}
	if p, ok := c.Config().Protocol.(interface{ Legend() string }); ok {
		t.Legend = p.Legend()
	}
	for i, in := range c.Instances() {
		t.Lanes = append(t.Lanes, Lane{
			Name: in.Name, Identity: c.Identities()[in.Identity].Name, Client: c.Clients().Has(i),
			Twinned: c.Twinned().Has(i), Faulty: w.Faulty().Has(i),
		})
		t.Start = append(t.Start, State{Summary: w.Path()[0].Summary(i), Down: w.Path()[0].Crashed().Has(i)})
	}
	r := recorder{Trace: t, past: w.Past(), current: make([]node.Operation, len(t.Lanes))}
	r.name()
	for _, v := range w.Path()[1:] {
		t.Steps = append(t.Steps, r.step(v))
	}
	return t
}

// A recorder keeps what a step has to know of those before it.
type recorder struct {
	*Trace
	past    *runtime.Past
	numbers map[node.Message]int    // of different messages, from 1
	texts   map[node.Message]string // of those that are not shown as they show themselves
	current []node.Operation        // what each client began last
}

func (r *recorder) step(w *runtime.World) Step {
	s := Step{
		Number: w.Depth(), Kind: w.Step().Action().Name(), Call: w.Step().Text(), Client: -1,
		States: make([]State, len(r.Lanes)), InFlight: len(w.InFlight()),
	}
	parts := w.Parts()
	if own := w.Step().Parts(); own != nil {
		parts = own
	}
	for _, part := range parts {
		s.Parts = append(s.Parts, indices(part))
	}
	for i, d := range r.past.Steps()[w.Depth()-1] {
		s.Deliveries = append(s.Deliveries, r.delivery(d, runtime.Place{Step: w.Depth() - 1, At: i}))
		if d.Fate == runtime.Delivered {
			s.States[d.To].Asked = true
		}
	}
	for i := range s.States {
		s.States[i].Summary, s.States[i].Down = w.Summary(i), w.Crashed().Has(i)
		s.States[i].Changed = w.Changed(i)
	}
	if runtime.Is[runtime.ExchangeStep](w.Step()) || runtime.Is[runtime.InvokeStep](w.Step()) {
		s.Client = indices(w.Step().Instances() & w.Cluster().Clients())[0]
	}
	s.Title = r.title(w, &s)
	return s
}

// name numbers the messages, and finds texts for those whose own texts leave out
// what distinguishes them: their full texts.
func (r *recorder) name() {
	r.numbers, r.texts = map[node.Message]int{}, map[node.Message]string{}
	shown := map[string]node.Message{}
	for _, deliveries := range r.past.Steps() {
		for _, d := range deliveries {
			m := d.Event.Message
			if d.Event.Kind != node.MessageEvent || d.From < 0 || r.numbers[m] > 0 {
				continue
			}
			r.numbers[m] = len(r.numbers) + 1
			text := node.Text(m)
			if first, ok := shown[text]; ok {
				r.texts[first], r.texts[m] = node.FullText(first), node.FullText(m)
			} else {
				shown[text] = m
			}
		}
	}
}

func (r *recorder) delivery(d runtime.Delivery, at runtime.Place) Delivery {
	out := Delivery{Hop: d.Hop, From: d.From, To: d.To, Fate: fates[d.Fate], Summary: d.After, Changed: d.Changed, Notes: d.Notes, Again: d.Again}
	if d.Event.Kind == node.MessageEvent && d.From >= 0 {
		m := d.Event.Message
		out.Type, out.Text = node.MessageType(m), cmp.Or(r.texts[m], node.Text(m))
		out.Message = r.numbers[m]
		if full := node.FullText(m); full != out.Text {
			out.Full = full
		}
		if from, ok := r.past.Sender(at); ok {
			out.Origin = &Place{from.Step + 1, from.At}
		}
	}
	if d.Event.Kind == node.InvokeEvent {
		r.current[d.To] = d.Event.Operation
	}
	for _, o := range d.Seen {
		seen := Observation{Kind: observationKinds[o.Kind], Slot: o.Slot}
		switch o.Kind {
		case node.Invoked:
			r.current[d.To] = o.Operation
			seen.Text = operationText(o.Operation)
		case node.Failed:
			seen.Text = o.Failure.String()
		default:
			seen.Text = node.Text(o.Value)
			// An operation that was given a value, as a write, just returns.
			if o.Kind == node.Returned && o.Value == nil && r.current[d.To].Arg != nil {
				seen.Text = ""
			}
		}
		out.Seen = append(out.Seen, seen)
	}
	return out
}

func indices(s node.Set) []int {
	var all []int
	for i := range s.All {
		all = append(all, i)
	}
	return all
}
