package engine

import (
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/twinsh/twinsh/runtime/node"
)

// A Step is a move in one system, with what the memory of components wants to know of
// it. It is immutable, and can be taken from any vector of the system.
type Step struct {
	Named node.Set   // the instances that it is about
	Parts []node.Set // the partition under which messages flow, or that begins; nil if there is none

	kind    string // the name of its action
	move    Move
	members node.Set // those that take part; all, except in an exchange
	deaf    []filter // in force for this step only
	filters []filter // in force from now on
	forgets node.Set // the instances that lose their state
	inner   []*Step  // of a sequence; nil if it is none

	components []node.Set // the sets of instances that are kept apart; nil if none are
	what       uint32     // see ofExchange
	shape      uint32     // what distinguishes flows, or changes of the network, as a number
	last       atomic.Pointer[settings]
}

// NewStep returns the step that takes a move, of the given kind of actions.
func NewStep(sys *System, kind string, m Move) *Step {
	s := &Step{kind: kind, move: m, members: sys.All()}
	m.describe(sys, s)
	return s
}

// begins reports whether a round begins with the step.
func (s *Step) begins() bool { return s.what == ofRound<<16 }

// remembered is what memory asks of a move.
type remembered interface {
	// describe fills in what memory wants to know of the step that takes the move.
	describe(sys *System, s *Step)
}

func (x exchange) describe(_ *System, s *Step) {
	s.Named, s.members = x.members, x.members
	s.components, s.what = []node.Set{x.members}, ofExchange<<16|uint32(x.client)
}

func (r round) describe(sys *System, s *Step) {
	s.Named, s.what = r.instances, ofRound<<16
	r.Flow.describe(sys, s)
}

func (d deliver) describe(sys *System, s *Step) {
	s.what = ofDelivery << 16
	d.Flow.describe(sys, s)
}

func (f Flow) describe(sys *System, s *Step) {
	for _, kind := range f.Types {
		deaf := sys.envs.numbered(filter{kind: kind, from: sys.All(), to: f.Deaf})
		deaf.number |= OfPhase
		s.deaf = append(s.deaf, deaf)
	}
	s.Parts, s.components = f.Parts, f.Parts
	if f.Parts == nil || sys.clients != 0 {
		s.components = []node.Set{sys.All()}
	}
	// If all instances are in one component, how they are parted distinguishes flows.
	text := fmt.Sprint("phase ", f.Hops)
	if sys.clients != 0 {
		text += fmt.Sprint(f.Parts)
	}
	for _, d := range s.deaf {
		text += fmt.Sprintf(" %q %d %d", d.kind, d.from, d.to)
	}
	s.shape = sys.values.value(text)
}

func (x stimulation) describe(_ *System, s *Step) { s.Named = x.who }

// The key says all that a change of the network does.
func (x networkChange) describe(sys *System, s *Step) {
	s.Parts, s.filters = x.parts, x.filters
	key, _ := s.Key(nil)
	s.shape = sys.values.value(key)
}

func (x instanceFault) describe(_ *System, s *Step) {
	s.Named = node.SetOf(x.who)
	if x.kind == amnesiaEvent {
		s.forgets = s.Named
	}
}

// A Filter is that messages of a type are lost on some links, or that the next of
// them arrives twice. Filters of one system that do the same, and for as long, have
// one number.
type Filter struct {
	Number  uint32
	Type    string
	Doubles bool
	Coin    bool // it is a coin, called so, which is read or not
}

// Filters returns the filters that a step brings: a drop or a duplication for good, in
// the order of its types, a round or a delivery for as long as it lasts.
func (s *Step) Filters() []Filter {
	var filters []Filter
	for _, f := range slices.Concat(s.filters, s.deaf) {
		filters = append(filters, Filter{f.number, f.kind, f.doubles, f.coin})
	}
	return filters
}
