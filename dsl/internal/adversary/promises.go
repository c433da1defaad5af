package adversary

import (
	"fmt"
	"strings"
)

// For how many faults something is promised: properties that are judged only while few servers are
// faulty, protocols that tolerate crashes only, and what of that a report says of its verdicts.

// upTo is a property that is judged while at most so many servers are faulty. Of what holds at
// the end it bounds what is to hold there.
func upTo(most int, p Property) Property {
	if p.Kind == "at end" {
		return atEnd(upTo(most, *p.Inner))
	}
	args := strings.TrimSuffix(p.Text, ")")
	if !strings.HasSuffix(args, "(") {
		args += ", "
	}
	return Property{Kind: "up to", Name: fmt.Sprintf("%s (up to %d faulty)", p.Name, most), Text: fmt.Sprintf("%sfaults = %d)", args, most), Faults: most, Inner: &p}
}

// meant is what a property is about, without when it is judged.
func (p Property) meant() Property {
	for p.Inner != nil {
		p = *p.Inner
	}
	return p
}

// bounded reports whether a property says for how many faulty servers it is judged.
func (p Property) bounded() bool {
	return p.Kind == "up to" || p.Inner != nil && p.Inner.bounded()
}

// promises makes of a case that is complete one that promises something for some faults only. It
// draws last, so that all else does not depend on it.
func (p *pen) promises() {
	p.c.Crashes = p.chance(20)
	if !p.chance(18) {
		return
	}
	twins := 0 // are faulty from the start on
	for _, t := range p.c.Twins {
		if t.ID != "c1" {
			twins++
		}
	}
	for _, list := range [][]Property{p.c.Properties, p.c.Extras} {
		for i, of := range list {
			if !of.PlaysOn() && p.chance(70) {
				list[i] = upTo(max(0, twins+pick(p, -1, 0, 0, 0, 0, 1)), of)
			}
		}
	}
	servers, _ := p.c.Instances()
	if who := pick(p, servers...); !p.symmetric && p.chance(60) { // one more is, in some scenarios
		forgets := Space{Text: fmt.Sprintf("amnesias([%q])", who), Lists: []Scenario{{{Kind: "amnesia", Names: []string{who}}}}}
		if longer := (Space{Op: "+", Of: []Space{{Op: "maybe", Of: []Space{forgets}}, p.c.Space}}); longer.size() <= 2*p.most {
			p.c.Space = longer
		}
	}
}

// faultyServers counts the identities of servers one of whose instances is in a list.
func (s *System) faultyServers(faulty []bool) int {
	ids := map[string]bool{}
	for i, in := range s.instances {
		if faulty[i] && !in.client {
			ids[in.id] = true
		}
	}
	return len(ids)
}

// Beyond reports whether more went wrong in w than a property promises something for: more than f
// servers are faulty, or any instance is otherwise than a protocol tolerates. Properties that wait
// need servers that run. What is bounded is not judged then, and validity and invariants are
// promised whatever fails.
func (s *System) Beyond(p Property, w *World) bool {
	missing := s.Faulty(w)
	is := p.meant()
	switch {
	case p.bounded():
		return false
	case s.c.Crashes && len(trues(missing)) > 0:
		return true
	case is.Kind == "validity", is.Kind == "invariant":
		return false
	}
	if p.PlaysOn() {
		for i, n := range w.nodes {
			missing[i] = missing[i] || n.crashed
		}
	}
	return s.faultyServers(missing) > s.c.F
}

// trues lists the places of what is true.
func trues(of []bool) (places []int) {
	for i, is := range of {
		if is {
			places = append(places, i)
		}
	}
	return places
}
