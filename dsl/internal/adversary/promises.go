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

// A pledge is the pen that draws what is promised.
type pledge struct{ *pen }

// promises makes of a case that is complete one that promises something for some faults only. It
// draws last, so that all else does not depend on it.
func (p pledge) promises() {
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
				list[i] = upTo(max(0, twins+pick(p.pen, -1, 0, 0, 0, 0, 1)), of)
			}
		}
	}
	servers, _ := p.c.Instances()
	if who := pick(p.pen, servers...); !p.symmetric && p.chance(60) { // one more is, in some scenarios
		forgets := Space{Text: fmt.Sprintf("amnesias([%q])", who), Lists: []Scenario{{{Kind: "amnesia", Names: []string{who}}}}}
		if longer := (Space{Op: "+", Of: []Space{{Op: "maybe", Of: []Space{forgets}}, p.c.Space}}); longer.size() <= 2*p.most {
			p.c.Space = longer
		}
	}
}
