package trace

import "cmp"

// A meaning is what pictures and explanations have to know of a kind of step beyond what its
// deliveries say. This table is the only place that knows kinds by their names, so that a kind
// that is missing here cannot be drawn as if it were harmless: a test compares the table with
// the kinds that a simulation has.
type meaning struct {
	deed  deed   // what it does to the instances that it reaches
	asked string // what it asks of such an instance, or does to it, as a noun; "the " and its name if empty
	phase bool   // it is a phase of an operation of a client, which may be left open
}

// A deed is what a step does to the memory of an instance and to whether it runs. It is what
// makes an instance behave otherwise without a message that says so.
type deed uint8

const (
	goesOn  deed = iota // none of the others
	stops               // it is down until it starts again
	starts              // again, with what it had kept
	forgets             // it starts again with nothing, and its identity is faulty from then on
)

// verb says it of an instance that such a step reaches: B restarts.
func (d deed) verb() string {
	return [...]string{goesOn: "goes on", stops: "stops", starts: "restarts", forgets: "loses its memory"}[d]
}

var meanings = map[string]meaning{
	"exchange":  {phase: true},
	"invoke":    {asked: "the beginning of the operation"},
	"timeout":   {},
	"coin":      {},
	"round":     {asked: "the beginning of the round"},
	"deliver":   {},
	"crash":     {deed: stops},
	"restart":   {deed: starts},
	"amnesia":   {deed: forgets, asked: "the loss of its memory"},
	"partition": {},
	"heal":      {},
	"cut":       {},
	"drop":      {},
	"deaf":      {},
	"hold":      {},
	"release":   {},
	"order":     {},
	"duplicate": {},
	"replay":    {},
	"view":      {}, // its steps stand in a trace, each by itself, and not the view
}

// meaningOf is that of the kind of a step. Of a kind that another program wrote, and that is
// not known here, only the name is known: what reached the lanes is drawn all the same.
func meaningOf(s *Step) meaning {
	m := meanings[s.Kind]
	m.asked = cmp.Or(m.asked, "the "+s.Kind)
	return m
}
