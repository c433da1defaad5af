package adversary

import (
	"fmt"
	"slices"
	"strings"
)

// Random spaces. Each noun is drawn with arguments, and beside its text stands what it must
// list, written down by loops of this file. Spaces are then put together by all operators,
// as long as they stay small (at most most scenarios of at most six steps).

// A space that only repeats rounds is what symmetry and memory get most out of; one that
// changes from step to step is what they get wrong.
func (p *pen) space() {
	var of Space
	if p.symmetric {
		// Rounds after rounds, so that much can be forgotten and merged.
		of = p.rounds()
		for of.size() > p.most {
			of = p.rounds()
		}
		n := 1
		// As often as it fits, and sometimes once less, so that what remains can be
		// followed by something else.
		for n < 5 && (Space{Op: "*", Of: []Space{of}, Times: n + 1}).size() <= p.most && (n+1)*of.longest() <= 6 {
			n++
		}
		of = Space{Op: "*", Of: []Space{of}, Times: max(1, n-p.IntN(2))}
		if shared := p.views(p.each()); p.chance(25) && shared.size()*shared.size() <= p.most {
			of = Space{Op: "*", Of: []Space{shared}, Times: 2}
		}
	}
	for range 2 + p.IntN(4) {
		next := p.part()
		if of.Text == "" && of.Op == "" {
			of = next
			continue
		}
		if longer := (Space{Op: "+", Of: []Space{of, next}}); longer.size() <= p.most && longer.longest() <= 6 {
			of = longer
		}
	}
	p.c.Space = of
}

// size bounds the number of scenarios. What a filter or equal steps take away is not looked
// at: it is for staying small.
func (s Space) size() int {
	switch s.Op {
	case "|":
		return s.Of[0].size() + s.Of[1].size()
	case "+":
		return s.Of[0].size() * s.Of[1].size()
	case "*", "distinct":
		n := 1
		for range s.Times {
			n *= s.Of[0].size()
		}
		return n
	case "maybe":
		return s.Of[0].size() + 1
	case "each":
		n := 0
		for _, of := range s.Of {
			n += of.size()
		}
		return n
	case "constant", "filter", "view":
		return s.Of[0].size()
	}
	return len(s.Lists)
}

// Views count as one step, as in the language.
func (s Space) longest() int {
	switch s.Op {
	case "|":
		return max(s.Of[0].longest(), s.Of[1].longest())
	case "+":
		return s.Of[0].longest() + s.Of[1].longest()
	case "*", "distinct", "constant":
		return s.Times * s.Of[0].longest()
	case "maybe", "filter":
		return s.Of[0].longest()
	case "each":
		n := 0
		for _, of := range s.Of {
			n = max(n, of.longest())
		}
		return n
	case "view":
		return 1
	}
	n := 0
	for _, sc := range s.Lists {
		n = max(n, len(sc))
	}
	return n
}

// part draws a space that may be one part of the whole.
//
// distinct is drawn of spaces that have two different scenarios at least.
func (p *pen) part() Space {
	for {
		leaf := p.choice()
		if p.chance(12) {
			leaf = p.each()
		}
		s := leaf
		switch p.IntN(10) {
		case 0, 1, 2:
			s = Space{Op: "*", Of: []Space{leaf}, Times: pick(p, 1, 2, 2, 2, 3)}
		case 3, 4:
			s = Space{Op: "|", Of: []Space{leaf, p.choice()}}
		case 5:
			if n := len(unique(leaf.Scenarios())); n > 1 && n < 50 {
				s = Space{Op: "distinct", Of: []Space{leaf}, Times: min(n, 2)}
			}
		case 6:
			s = Space{Op: "constant", Of: []Space{leaf}, Times: 2}
		}
		s = p.views(p.varied(s))
		if s.size() <= p.most && s.longest() <= 5 {
			return s
		}
	}
}

// varied draws a space of which some may be left out: all of it, or what a filter does not
// keep. Filters that keep nothing are an error in the language, when the space is searched.
func (p *pen) varied(s Space) Space {
	switch p.IntN(6) {
	case 0:
		return Space{Op: "maybe", Of: []Space{s}}
	case 1:
		if kept := (Space{Op: "filter", Of: []Space{s}, Keep: p.keep(s)}); len(kept.Scenarios()) > 0 {
			return kept
		}
	}
	return s
}

// views draws that the scenarios of a space are views.
//
// A view must not hold another, nor be empty. Views are drawn of whole parts, so that what
// is judged within a scenario, and what only at the end of a view, differs.
func (p *pen) views(s Space) Space {
	if s.longest() > 4 || s.size() > p.most || p.chance(70) {
		return s
	}
	for _, sc := range s.Scenarios() {
		if len(sc) == 0 || slices.ContainsFunc(sc, func(step Step) bool { return step.Kind == "view" }) {
			return s
		}
	}
	return Space{Op: "view", Of: []Space{s}}
}

// each draws rounds, and what comes after them, that share a partition and a deaf set.
//
// A partition and a set of the deaf are shared by a round and what follows it: a space that
// + cannot say. What it must list is written as the sum of what fn makes, with each choice
// in its place.
func (p *pen) each() Space {
	servers, _ := p.c.Instances()
	ids := p.ids()
	leaders, who := p.some(ids, 1), ""
	if who = list(leaders); p.symmetric {
		leaders, who = ids, `"any"`
	}
	text, parts := p.partitions()
	kinds, deaf := p.some(types, 1), [][]string{nil}
	texts := []string{"[]"}
	for _, id := range servers {
		if p.chance(30) || p.symmetric && len(deaf) > 1 {
			deaf, texts = append(deaf, []string{id}), append(texts, list([]string{id}))
		}
	}
	then := pick(p, "", "timeouts", "timeouts", "deliveries", "nothing")
	body := fmt.Sprintf("rounds(%s, p, deaf = [d], types = %s)", who, list(kinds))
	switch then {
	case "timeouts":
		body += " + timeouts(all = True)"
	case "deliveries":
		body += " + deliveries([p])"
	case "nothing":
		body = "maybe(" + body + ")"
	}
	all := Space{Op: "each", Text: fmt.Sprintf("each(%s, [%s], lambda p, d: %s)", text, strings.Join(texts, ", "), body)}
	for _, g := range parts {
		for _, d := range deaf {
			made := Space{Text: fmt.Sprintf("rounds(%s, [%s], deaf = [%s], types = %s)", who, lists(g), list(d), list(kinds))}
			for _, leader := range leaders {
				step := Step{Kind: "round", Who: leader, Groups: g, Names: d}
				if d != nil {
					step.Types = kinds
				}
				made.Lists = append(made.Lists, Scenario{step})
			}
			switch then {
			case "timeouts":
				made = Space{Op: "+", Of: []Space{made, p.together()}}
			case "deliveries":
				made = Space{Op: "+", Of: []Space{made, {
					Text: "deliveries([" + lists(g) + "])", Lists: []Scenario{{{Kind: "deliver", Groups: g}}},
				}}}
			case "nothing":
				made = Space{Op: "maybe", Of: []Space{made}}
			}
			all.Of = append(all.Of, made)
		}
	}
	return all
}

// ids lists the servers by their identities.
func (p *pen) ids() (ids []string) {
	for i := range p.c.N {
		ids = append(ids, string(rune('A'+i)))
	}
	return ids
}

// together is that all servers time out that can.
func (p *pen) together() Space {
	servers, _ := p.c.Instances()
	step := Step{Kind: "timeout", Names: servers}
	if len(servers) > 1 { // of one alone that says nothing
		step.Count = 1
	}
	return Space{Text: "timeouts(all = True)", Lists: []Scenario{{step}}}
}

// keep draws what a filter keeps: something that is so of one of the steps, so that it
// makes a difference.
func (p *pen) keep(s Space) Keep {
	var steps []Step
	for _, sc := range s.Scenarios() {
		steps = append(steps, sc...)
	}
	if len(steps) == 0 {
		return Keep{"kind", "round", true}
	}
	step := pick(p, steps...)
	var known []string
	for _, name := range attributes {
		if step.attribute(name) != "-" {
			known = append(known, name)
		}
	}
	name := pick(p, known...)
	return Keep{name, step.attribute(name), p.chance(70)}
}

// partitions draws a choice of partitions, and its text: a noun, or a few partitions that
// are steps of their own. Those need no order that the language knows. With more than four
// instances a noun would list too many.
func (p *pen) partitions() (string, [][][]string) {
	servers, _ := p.c.Instances()
	if !p.symmetric && (p.chance(45) || len(servers) > 4) {
		var all [][][]string
		var texts, known []string
		for range 1 + p.IntN(3) {
			g := p.groups()
			if text := (Step{Kind: "partition", Groups: g}).String(); !slices.Contains(known, text) {
				all, known = append(all, g), append(known, text)
				texts = append(texts, "steps(begin."+text+".steps)")
			}
		}
		return strings.Join(texts, " | "), all
	}
	n := 1 + p.IntN(min(3, len(servers)))
	if len(servers) > 4 || p.symmetric && p.chance(60) {
		n = 1
	}
	if p.chance(50) {
		return fmt.Sprintf("partitions(max = %d)", n), partitions(servers, 1, n)
	}
	return fmt.Sprintf("partitions(exactly = %d)", n), partitions(servers, n, n)
}

// partitions lists the partitions into least to most groups: each name joins a group that
// there is or begins one (restricted growth, as in Knuth, TAOCP 4A, 7.2.1.5), so that
// groups and partitions come in the order of the servers.
func partitions(names []string, least, most int) (all [][][]string) {
	var place func(at int, groups [][]string)
	place = func(at int, groups [][]string) {
		if at == len(names) {
			if len(groups) >= least && len(groups) <= most {
				all = append(all, groups)
			}
			return
		}
		for i := range groups {
			longer := slices.Clone(groups)
			longer[i] = append(slices.Clip(groups[i]), names[at])
			place(at+1, longer)
		}
		place(at+1, append(slices.Clip(groups), []string{names[at]}))
	}
	place(0, nil)
	return all
}

// choice draws a choice of steps. Nouns with many arguments have functions of their own
// below.
func (p *pen) choice() Space {
	servers, clients := p.c.Instances()
	all := append(slices.Clone(servers), clients...)
	kinds := []string{"rounds", "rounds", "rounds", "rounds", "rounds", "happenings", "happenings", "deliveries", "steps", "partitions",
		"links", "filters", "heals", "timeouts"}
	if len(clients) > 0 {
		kinds = append(kinds, "invokes", "exchanges", "exchanges", "exchanges", "exchanges", "exchanges", "exchanges")
	}
	if p.symmetric {
		kinds = []string{"rounds", "rounds", "rounds", "rounds", "rounds", "rounds", "deliveries", "happenings", "timeouts", "links", "filters", "heals"}
	}
	var s Space
	switch pick(p, kinds...) {
	case "rounds":
		return p.rounds()
	case "deliveries":
		return p.deliveries()
	case "links":
		return p.links()
	case "filters":
		return p.filters()
	case "invokes":
		return p.invokes()
	case "timeouts":
		return p.timeoutsTogether()
	case "heals":
		return Space{Text: "heals()", Lists: []Scenario{{{Kind: "heal"}}}}
	case "partitions":
		text, parts := p.partitions()
		for _, g := range parts {
			s.Lists = append(s.Lists, Scenario{{Kind: "partition", Groups: g}})
		}
		s.Text = "(" + text + ")"
	// Stories that were played by hand, in the language way(begin.act()…). They are drawn
	// by playing, so that they can happen from the beginning; whether they can from the
	// start is another matter, as in any space.
	case "steps":
		var texts []string
		for range 1 + p.IntN(2) {
			steps := p.possible(1 + p.IntN(3))
			if len(steps) == 0 {
				steps = []Step{{Kind: "heal"}}
			}
			text := "begin"
			for _, step := range steps {
				text += "." + step.act()
			}
			texts = append(texts, "way("+text+")")
			if s.Lists == nil || texts[0] != texts[len(texts)-1] {
				s.Lists = append(s.Lists, Scenario(steps))
			} else {
				texts = texts[:1]
			}
		}
		s.Text = "(" + strings.Join(texts, " | ") + ")"
	// What befalls one instance. Where names are to be exchanged it must be able to befall
	// all servers.
	case "happenings":
		kind := pick(p, "crash", "restart", "amnesia", "timeout")
		ids := p.some(all, 1)
		if p.symmetric {
			ids = servers
		}
		for _, id := range ids {
			s.Lists = append(s.Lists, Scenario{{Kind: kind, Names: []string{id}}})
		}
		plural := map[string]string{"crash": "crashes", "restart": "restarts", "amnesia": "amnesias", "timeout": "timeouts"}[kind]
		s.Text = plural + "(" + list(ids) + ")"
	// Two or three reaches are enough for the phases of an operation to meet different
	// servers.
	case "exchanges":
		who := p.some(clients, 1)
		var reaches [][]string
		for range 1 + p.IntN(3) {
			reaches = append(reaches, p.some(servers, 1))
		}
		for _, client := range who {
			for _, reach := range reaches {
				s.Lists = append(s.Lists, Scenario{{Kind: "exchange", Who: client, Names: reach}})
			}
		}
		s.Text = fmt.Sprintf("exchanges(%s, %s)", list(who), lists(reaches))
	}
	return s
}

// Leaders change slowest, then partitions, then who is deaf. A round of two phases is two
// steps, of which the second is a delivery of all that is left.
func (p *pen) rounds() (s Space) {
	servers, _ := p.c.Instances()
	ids := p.ids()
	leaders := p.some(ids, 1)
	who := list(leaders)
	if p.symmetric || p.chance(45) {
		leaders, who = ids, `"any"`
	}
	text, parts := p.partitions()
	args := []string{who, text}
	deaf, kinds := [][]string{nil}, []string(nil)
	phases, hops := 1, 0
	// No two of deaf sets, phases and hops in one: the language has no phases with hops,
	// and the sizes multiply.
	switch p.IntN(8) {
	case 0, 1:
		deaf, kinds = [][]string{nil}, p.some(types, 1)
		texts := []string{"[]"}
		for _, id := range servers {
			if p.symmetric || id == pick(p, servers...) {
				deaf, texts = append(deaf, []string{id}), append(texts, list([]string{id}))
			}
		}
		args = append(args, "deaf = ["+strings.Join(texts, ", ")+"]", "types = "+list(kinds))
	case 2:
		phases = 2
		args = append(args, "phases = 2")
	case 3, 4:
		hops = 1 + p.IntN(2)
		args = append(args, fmt.Sprintf("hops = %d", hops))
	}
	for _, leader := range leaders {
		for _, g := range parts {
			for _, d := range deaf {
				step := Step{Kind: "round", Who: leader, Groups: g, Names: d, Count: hops}
				if d != nil {
					step.Types = kinds
				}
				if phases == 1 {
					s.Lists = append(s.Lists, Scenario{step})
					continue
				}
				step.Count = 1
				for _, then := range parts {
					s.Lists = append(s.Lists, Scenario{step, {Kind: "deliver", Groups: then}})
				}
			}
		}
	}
	s.Text = "rounds(" + strings.Join(args, ", ") + ")"
	return s
}

// They matter after a step that left something in flight.
func (p *pen) deliveries() (s Space) {
	servers, _ := p.c.Instances()
	text, parts := p.partitions()
	hops := pick(p, 0, 0, 1)
	deaf, args := [][]string{nil}, ""
	var kinds []string
	if p.chance(30) {
		kinds = p.some(types, 1)
		deaf = append(deaf, p.some(servers, 1))
		args = ", deaf = [[], " + list(deaf[1]) + "], types = " + list(kinds)
	}
	for _, g := range parts {
		for _, d := range deaf {
			step := Step{Kind: "deliver", Groups: g, Count: hops, Names: d}
			if d != nil {
				step.Types = kinds
			}
			s.Lists = append(s.Lists, Scenario{step})
		}
	}
	s.Text = fmt.Sprintf("deliveries(%s, hops = %d%s)", text, hops, args)
	return s
}

// links draws what may happen to a link.
//
// A link from an instance to itself is left out of a product, and must not be the only one.
func (p *pen) links() (s Space) {
	servers, clients := p.c.Instances()
	all := append(slices.Clone(servers), clients...)
	if len(all) == 1 {
		return Space{Text: "heals()", Lists: []Scenario{{{Kind: "heal"}}}}
	}
	kind := pick(p, "cut", "cut", "hold", "duplicate", "replay", "replay")
	var of []string
	if kind == "duplicate" || kind == "replay" {
		of = []string{pick(p, types...)}
	}
	src, dst := p.some(all, 1), p.some(all, 1)
	for len(src)+len(dst) == 2 && src[0] == dst[0] {
		dst = p.some(all, 1)
	}
	args := list(src) + ", " + list(dst)
	switch {
	case p.symmetric:
		src, dst = servers, servers
		args = list(src) + ", " + list(dst)
	case p.chance(25):
		src, args = all, "dst = "+list(dst)
	}
	for _, from := range src {
		for _, to := range dst {
			if from != to {
				s.Lists = append(s.Lists, Scenario{{Kind: kind, Src: from, Dst: to, Types: of}})
			}
		}
	}
	if of != nil {
		args = fmt.Sprintf("%q, %s", of[0], args)
	}
	s.Text = kind + "s(" + args + ")"
	return s
}

// filters draws what may be lost from then on.
//
// Drops of all, from one, and the deaf: each is another way to write who does not hear
// what.
func (p *pen) filters() (s Space) {
	servers, clients := p.c.Instances()
	all := append(slices.Clone(servers), clients...)
	kinds, who := p.some(types, 1), p.some(all, 1)
	if p.symmetric {
		who = servers
	}
	switch p.IntN(3) {
	case 0:
		for _, kind := range kinds {
			for _, from := range who {
				s.Lists = append(s.Lists, Scenario{{Kind: "drop", Types: []string{kind}, Src: from}})
			}
		}
		s.Text = fmt.Sprintf("drops(%s, src = %s)", list(kinds), list(who))
	case 1:
		for _, kind := range kinds {
			s.Lists = append(s.Lists, Scenario{{Kind: "drop", Types: []string{kind}}})
		}
		s.Text = fmt.Sprintf("drops(%s)", list(kinds))
	case 2:
		for _, id := range who {
			s.Lists = append(s.Lists, Scenario{{Kind: "deaf", Who: id, Types: kinds}})
		}
		s.Text = fmt.Sprintf("deafs(%s, %s)", list(kinds), list(who))
	}
	return s
}

// invokes draws which client may begin which operation.
func (p *pen) invokes() Space {
	_, clients := p.c.Instances()
	who := p.some(clients, 1)
	return invokesOf([]Operation{{"write", pick(p, plainValues...)}, {"read", "None"}}[p.IntN(2):], who)
}

// invokesOf is that each of some clients may begin each of some operations.
func invokesOf(ops []Operation, who []string) (s Space) {
	var texts []string
	for _, op := range ops {
		texts = append(texts, op.text())
	}
	for _, client := range who {
		for _, op := range ops {
			s.Lists = append(s.Lists, Scenario{{Kind: "invoke", Who: client, Op: op}})
		}
	}
	s.Text = fmt.Sprintf("invokes([%s], %s)", strings.Join(texts, ", "), list(who))
	return s
}

// timeoutsTogether draws who may time out together.
//
// Of all that can, or of sets that must.
func (p *pen) timeoutsTogether() (s Space) {
	servers, _ := p.c.Instances()
	if p.symmetric || p.chance(50) {
		return p.together()
	}
	sets := [][]string{p.some(servers, 1), p.some(servers, 1)}
	for _, set := range sets {
		s.Lists = append(s.Lists, Scenario{{Kind: "timeout", Names: set}})
	}
	s.Text = "timeouts(" + lists(sets) + ")"
	return s
}
