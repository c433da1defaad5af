// Package trace records how a world came about, and draws it for people.
//
//   - [Of] makes a [Trace], the record of one scenario: who was there (a [Lane] for
//     each instance) and what happened (a [Step] for each step, with its
//     [Delivery]s). It is plain data and holds nothing of the simulation.
//   - [Trace.Render] draws it in a [Format]. Each format has a function and a file:
//     [Storyboard] has a row for each step and a column for each server: what
//     changed, at a glance. [Diagram] has a vertical line for each instance and an
//     arrow for each message: everything that happened. [Page] is a page for a
//     browser to walk through a scenario, [Mermaid] a sequence diagram for
//     documents, [ShiViz] a log with vector clocks for the tool of that name.
//     [Encode] writes a trace down as JSON, and [Decode] reads it back.
//   - [Trace.Explain] says how what was observed in a step came about, in
//     [Sentence]s; [Trace.Say] makes texts of them. A [Finding] is a violated property
//     with that story.
//
// # What happens when
//
// A trace is made once, when it is asked for, and costs one walk over the deliveries of the
// scenario: a world plays its step with a record the first time, and keeps that. Drawing costs
// what the picture is large. Only explanations run the code of nodes, up to 100,000 times each.
//
// A Trace is not changed by what draws it, so several goroutines may draw one. [Trace.Find]
// adds to it and must be alone with it.
//
// Equal scenarios have equal traces and pictures, byte by byte: nothing depends on numbers that
// the simulation hands out, on the order of maps, or on time.
//
// # Two models of one thing
//
// [Observation], [Delivery] and [Step] say as texts and numbers what the types of those
// names in [runtime] and [node] say with messages, values and sets of a cluster. They are the
// form that is written to files, which must not change when the simulation does, and which a
// page or another program reads without a cluster. [Of] makes the ones of the others, and no
// other function does: whatever draws knows these alone, and whatever explains compares the
// values themselves, which it gets from [runtime.Past]. Places and fates are those of [runtime] in both.
//
// # What is believed
//
// Names, messages and values are written by code of nodes, and a trace may come from a file. All
// of it is text to be shown: each format escapes what would mean something to its reader, be
// that a terminal, a browser, Mermaid or ShiViz. What [Decode] returns can be drawn without
// further checks, but not explained: the worlds that it was made of are not there.
//
// # Where it is
//
// The recorder stands in record.go, the list of the formats in format.go. Storyboard and
// diagram are drawn on a canvas (canvas.go), which keeps lines within their width. What is
// said of observations, faults and lost messages has the same words in all of them (words.go). What a kind of step means is a table (kinds.go).
// An explanation is what was observed (explain.go), what enabled that (causes.go), and of a
// client what it did before and what those who answered it had not got (answers.go); its
// sentences become English in sentences.go.
package trace

import (
	"cmp"
	"fmt"
	"iter"
	"strings"

	"github.com/twinsh/twinsh/runtime"
)

// A Trace is the record of one scenario. Lanes are named by their index, and so are the
// members of parts and the ends of messages. Its form as JSON is that of its fields: see
// [Encode].
type Trace struct {
	Protocol string    `json:"protocol"`          // as it shows itself
	Legend   string    `json:"legend,omitempty"`  // what the summaries of its servers' states say, if the protocol says so
	N        int       `json:"n"`                 // number of servers
	F        int       `json:"f"`                 // how many of them may be faulty
	Crashes  bool      `json:"crashes,omitempty"` // whether the protocol tolerates crashes only
	Beyond   bool      `json:"beyond"`            // whether more than F of them are, or were more than crashed where Crashes
	Lanes    []Lane    `json:"lanes"`             // servers, then clients; twins side by side
	Start    []State   `json:"start"`             // of each lane, before the first step
	Steps    []Step    `json:"steps"`
	Findings []Finding `json:"findings"` // what is wrong with the scenario; see Find
}

// A Lane is one instance. Twins of an identity are lanes of their own, next to each other, so
// that a picture can frame them; that they are one identity shows in Identity alone.
type Lane struct {
	Name     string `json:"name"`     // C'
	Identity string `json:"identity"` // C
	Client   bool   `json:"client"`
	Twinned  bool   `json:"twinned"`              // its identity runs as several instances
	Other    bool   `json:"other_code,omitempty"` // it runs other code than that of the protocol
	Faulty   bool   `json:"faulty"`               // its identity is faulty at the end
}

// A Step is one step, and how it left the system. Title is made for people and may change;
// Kind and Call are what other programs should read.
type Step struct {
	Number     int        `json:"number"`         // from 1
	Kind       string     `json:"kind"`           // the name of the act: exchange, round, amnesia, …
	Call       string     `json:"call"`           // as a script writes it: exchange("c1", ["A", "B"])
	Title      string     `json:"title"`          // for people: c1 write "red": query → A B
	Good       bool       `json:"good,omitempty"` // whether it is no step of the scenario: a good network goes on; see OnFrom
	Client     int        `json:"client"`         // the lane that an exchange or invocation is about, else -1
	Deliveries []Delivery `json:"deliveries"`
	States     []State    `json:"states"`          // of each lane, afterwards
	Parts      [][]int    `json:"parts,omitempty"` // the partition in force during the step or after it, nil if there is none
	InFlight   int        `json:"in_flight"`       // how many messages are in flight afterwards
	View       *View      `json:"view,omitempty"`  // of which the step is a part, nil if it is taken by itself
}

// A View is several steps that count as one (see [runtime.ViewStep]). Each of them is a
// step of the trace.
type View struct {
	Name   string `json:"name"`
	Number int    `json:"number"` // of the view among the steps of the scenario, from 1
	At     int    `json:"at"`     // of the step in the view, from 1
}

// heading is what stands above the first step of a view, "" above others.
func (s *Step) heading() string {
	if s.View == nil || s.View.At > 1 {
		return ""
	}
	return fmt.Sprintf("view %d %q", s.View.Number, s.View.Name)
}

// A State describes one lane after a step. Asked and Changed are two things: a server that got
// a message that it had no use for was asked and did not change, one that no message reached
// was not even asked. A change shows in Changed even where the summary reads the same.
type State struct {
	Summary string `json:"summary"` // a few words; "" if the node's code has none
	Asked   bool   `json:"asked"`   // whether anything reached the lane in the step
	Changed bool   `json:"changed"` // whether the step changed its state
	Down    bool   `json:"down"`
}

// A Delivery is one thing that happened to one lane: a message came or was
// lost on the way, or the step itself asked something of the lane.
type Delivery struct {
	Hop     int            `json:"hop"`               // 0 for what the step itself brings, then 1, 2, …
	From    int            `json:"from"`              // -1 if nothing was sent
	To      int            `json:"to"`                //
	Message int            `json:"message,omitempty"` // a number for the message: equal messages have the same; 0 if there is none
	Type    string         `json:"type,omitempty"`    // of the message
	Text    string         `json:"text,omitempty"`    // the message for people
	Full    string         `json:"full,omitempty"`    // all that the message says, if Text leaves something out
	Moment  string         `json:"moment,omitempty"`  // what To attends to, if it is a moment between messages, or sees of a coin: "hop 2 begins", "all is quiet", "the coin r1 shows 0"
	Again   bool           `json:"again,omitempty"`   // the same message arrived just before; see [runtime.DuplicateStep]
	Origin  *runtime.Place `json:"origin,omitempty"`  // what its sender reacted to when it sent it, nil if that is not known
	Fate    runtime.Fate   `json:"fate"`              // what became of the message
	Summary string         `json:"summary"`           // of To's state afterwards
	Changed bool           `json:"changed"`           // whether To's state changed
	Seen    []Observation  `json:"seen,omitempty"`
	Notes   []string       `json:"notes,omitempty"` // remarks of the node's code
}

// Mail reports whether d is a message to the next leader, which the leader opens
// before its round begins, and thus before the partition of that round.
func (d *Delivery) Mail() bool { return d.Hop == 0 && d.From >= 0 }

// full is all that the message says.
func (d *Delivery) full() string { return cmp.Or(d.Full, d.Text) }

// at is the delivery that stands at a place.
func (t *Trace) at(p runtime.Place) *Delivery { return &t.Steps[p.Step-1].Deliveries[p.At] }

// step is the step in which a delivery stands.
func (t *Trace) step(p runtime.Place) *Step { return &t.Steps[p.Step-1] }

// until yields each delivery until a place, in order, that included. A place behind the last
// one yields all of them. Deliveries are large, so they are yielded by reference.
func (t *Trace) until(last runtime.Place) iter.Seq2[runtime.Place, *Delivery] {
	return func(yield func(runtime.Place, *Delivery) bool) {
		for k := 1; k <= min(last.Step, len(t.Steps)); k++ {
			for i := range t.Steps[k-1].Deliveries {
				if p := (runtime.Place{Step: k, At: i}); last.Before(p) || !yield(p, t.at(p)) {
					return
				}
			}
		}
	}
}

// names lists lanes by their names: A B C'.
func (t *Trace) names(lanes []int) string {
	var names []string
	for _, i := range lanes {
		names = append(names, t.Lanes[i].Name)
	}
	return strings.Join(names, " ")
}

// ObservationKind says what was observed.
type ObservationKind string

const (
	Invoked  ObservationKind = "invoked"  // a client began an operation
	Returned ObservationKind = "returned" // its operation ended, and took effect
	Decided  ObservationKind = "decided"  // a server decided a value, for good
	Failed   ObservationKind = "failed"   // the code of the node failed, and does nothing from then on
	Aborted  ObservationKind = "aborted"  // an operation of a client ended without an effect
)

// An Observation is what a property could see of a lane, as a text. Texts of long values leave
// something out, so that two that read the same need not be equal; explanations compare what
// the simulation observed.
type Observation struct {
	Kind ObservationKind `json:"kind"`
	Text string          `json:"text"` // the operation, value or failure; "" if an operation gave nothing back, or no reason
	Slot int             `json:"slot"` // Decided
}

// Ends reports whether an operation ended: it returned, or it was aborted.
func (o Observation) Ends() bool { return o.Kind == Returned || o.Kind == Aborted }

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
