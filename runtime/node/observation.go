package node

import (
	"fmt"
	"path/filepath"
	"strings"
)

// ObservationKind says what was observed.
type ObservationKind uint8

const (
	Invoked  ObservationKind = iota // a client began an operation
	Returned                        // a client's operation returned a value
	Decided                         // a replica decided a value for a slot
	Failed                          // a node's code panicked or broke a rule of the simulation
	Aborted                         // a client's operation ended without having happened, for good
	Crashed                         // an instance crashed, or was restarted while it ran; see runtime.History.Crashes
)

// An Observation is what a property may see of one node. It is comparable.
type Observation struct {
	Kind      ObservationKind
	Operation Operation // Invoked
	Slot      int       // Decided
	Value     any       // Returned, Decided: a comparable value; Aborted: a text that says why, or ""
	Failure   Failure   // Failed
}

// OfOperation reports whether an operation began or ended.
func (o Observation) OfOperation() bool { return o.Kind == Invoked || o.Ends() }

// Ends reports whether an operation ended: it returned, or it was aborted.
func (o Observation) Ends() bool { return o.Kind == Returned || o.Kind == Aborted }

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

// Place names a place in code as [Failure].Place holds it: without its directories,
// which differ from machine to machine.
func Place(file string, line int) string {
	return fmt.Sprintf("%s:%d", filepath.Base(file), line)
}
