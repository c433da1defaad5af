package runtime

import (
	"fmt"
	"strconv"
	"strings"
)

// ObservationKind says what was observed.
type ObservationKind uint8

const (
	Invoked  ObservationKind = iota // a client began an operation
	Returned                        // a client's operation returned a value
	Decided                         // a replica decided a value for a slot
	Failed                          // a node's code panicked or broke a rule of the simulation
)

// An Observation is what a property may see of one node. It is comparable.
type Observation struct {
	Kind      ObservationKind
	Operation Operation // Invoked
	Slot      int       // Decided
	Value     any       // Returned, Decided: a comparable value
	Failure   Failure   // Failed
}

// OfOperation reports whether an operation began or returned.
func (o Observation) OfOperation() bool { return o.Kind == Invoked || o.Kind == Returned }

// A Failure is how the code of a node failed. It is comparable.
type Failure struct {
	Message string // what went wrong
	Place   string // where in the node's code, as file:line, "" if that is not known
	Calls   string // the calls that led there, a line each, "" if they are not known
}

// String is the message with the place, and the calls below.
func (f Failure) String() string {
	text := f.Line()
	if f.Calls != "" {
		text += "\n" + f.Calls
	}
	return text
}

// Line is the message with the place, in one line.
func (f Failure) Line() string {
	text, _, _ := strings.Cut(f.Message, "\n")
	if f.Place != "" {
		text += " (" + f.Place + ")"
	}
	return text
}

// Kind is equal for failures that are one flaw of the code: those of one place,
// else those of one message.
func (f Failure) Kind() string {
	if f.Place != "" {
		return f.Place
	}
	return f.Message
}

// Observed is an entry of a history: an observation, where and when it was made.
type Observed struct {
	Observation
	Step     int // the step of the scenario that it belongs to, from 1
	Instance int // index into Cluster.Instances
}

// A History is what was observed along a scenario, in order. Observations of
// one step keep the order in which the simulation made them.
type History struct {
	Cluster *Cluster
	Events  []Observed
	// Faulty has bit i set if instance i belongs to a faulty identity.
	Faulty Set
}

// Text shows a message, value or argument to people: strings are quoted, nil
// is None, anything with a String method speaks for itself.
func Text(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case string:
		return fmt.Sprintf("%q", v)
	case bool:
		if v {
			return "True"
		}
		return "False"
	case float64: // as a script writes it, so that 1.0 is not taken for 1
		text := strconv.FormatFloat(v, 'g', -1, 64)
		if !strings.ContainsAny(text, ".eIN") {
			text += ".0"
		}
		return text
	case fmt.Stringer:
		return v.String()
	default:
		return fmt.Sprint(v)
	}
}

// FullText shows a message to people without leaving anything out: what its
// method Full returns, if it has one, else its [Text].
func FullText(v any) string {
	if f, ok := v.(interface{ Full() string }); ok {
		return f.Full()
	}
	return Text(v)
}

// String is the operation as a script writes it: write("red").
func (o Operation) String() string {
	if o.Arg == nil {
		return o.Name + "()"
	}
	return o.Name + "(" + Text(o.Arg) + ")"
}
