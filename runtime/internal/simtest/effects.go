package simtest

import (
	"fmt"
	"strings"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/node"
	"github.com/twinsh/twinsh/runtime/space"
)

// effectsSeen is what an oracle sees of choices, in what the worlds of each
// scenario record of their deliveries.
type effectsSeen struct {
	steps           []runtime.Step
	tried, possible map[string]bool
	atStart         map[string]string // why steps cannot happen at the start
	filters         []*filterSeen
	left            bool // some scenario was left before its end, with all violated
}

// A filterSeen is that instances do not hear messages of a type from others, in
// one step or until the network heals.
type filterSeen struct {
	text     string
	kind     string
	from, to node.Set
	oneStep  bool
	lost     bool
}

func newEffects(of *space.Space, start *runtime.World) *effectsSeen {
	e := &effectsSeen{steps: of.Steps(), tried: map[string]bool{}, possible: map[string]bool{}, atStart: map[string]string{}}
	for _, s := range e.steps {
		for _, f := range filtersOf(s) {
			e.filter(f)
		}
	}
	for _, f := range standing(start) {
		e.filter(f)
	}
	return e
}

// filter returns the filter that does what f does.
func (e *effectsSeen) filter(f filterSeen) *filterSeen {
	for _, g := range e.filters {
		if g.kind == f.kind && g.from == f.from && g.to == f.to && g.oneStep == f.oneStep {
			return g
		}
	}
	e.filters = append(e.filters, &f)
	return &f
}

// filtersOf reads the filters that a step brings from what it says of itself.
func filtersOf(s runtime.Step) []filterSeen {
	c := s.Cluster()
	all := c.Servers() | c.Clients()
	set := func(names ...string) node.Set {
		var set node.Set
		for _, name := range names {
			if name == "" {
				return all
			}
			i, err := c.Instance(name)
			if err != nil {
				panic(err)
			}
			set |= node.SetOf(i)
		}
		return set
	}
	f := filterSeen{text: s.String(), from: all, to: all}
	var types []string
	phase := func(p runtime.Phase) {
		f.text, f.to, f.oneStep = strings.Join(p.Deaf, ", ")+" deaf", set(p.Deaf...), true
		types = p.Types
	}
	switch a := s.Action().(type) {
	case runtime.DeafStep:
		f.to, types = set(a.ID), a.Types
	case runtime.DropStep:
		f.from, f.to, types = set(a.Src), set(a.Dst), []string{a.Type}
	case runtime.RoundStep:
		phase(a.Phase)
	case runtime.DeliverStep:
		phase(a.Phase)
	}
	var filters []filterSeen
	for _, f.kind = range types {
		filters = append(filters, f)
	}
	return filters
}

// standing lists the filters of steps on the way to w that are still in force.
func standing(w *runtime.World) []filterSeen {
	var filters []filterSeen
	for _, v := range w.Path()[1:] {
		switch v.Step().Action().(type) {
		case runtime.HealStep:
			filters = nil
		case runtime.DropStep, runtime.DeafStep:
			filters = append(filters, filtersOf(v.Step())...)
		}
	}
	return filters
}

// note notes what came of a step, which led to w.
func (e *effectsSeen) note(step runtime.Step, first bool, w *runtime.World, err error) {
	e.tried[step.String()] = true
	if err != nil {
		if first {
			e.atStart[step.String()] = strings.Replace(err.Error(), step.Text()+":", "; at the start:", 1)
		}
		return
	}
	e.possible[step.String()] = true
	in := standing(w.Parent())
	if !runtime.Is[runtime.DropStep](step) && !runtime.Is[runtime.DeafStep](step) {
		in = append(in, filtersOf(step)...)
	}
	for _, d := range w.Deliveries() {
		for _, f := range in {
			if d.Fate == runtime.Filtered && f.kind == node.MessageType(d.Event.Message) && f.from.Has(d.From) && f.to.Has(d.To) {
				e.filter(f).lost = true
			}
		}
	}
}

// missing lists what never mattered.
func (e *effectsSeen) missing() []string {
	var list []string
	as := ""
	if e.left {
		as = ", as long as not all that is checked is violated"
	}
	for _, s := range e.steps {
		switch text := s.String(); {
		case !e.tried[text] && e.left:
			list = append(list, text+": no scenario comes to it before it violates all that is checked")
		case !e.tried[text]:
			list = append(list, text+": no scenario comes to it")
		case !e.possible[text]:
			list = append(list, text+": it can never happen"+e.atStart[text]+as)
		}
	}
	for _, f := range e.filters {
		if !f.lost {
			list = append(list, fmt.Sprintf("%s: it never loses a message of type %q%s", f.text, f.kind, as))
		}
	}
	return list
}
