package adversary

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// What a case is drawn of: the system, the way to the start, steps, properties. Handlers
// are in draw_code.go, spaces in draw_space.go, cases with an outline in shape.go.
//
// There is no principle behind the chances here, other than that a few hundred cases should
// hold all that can go wrong: some that violate something and some that do not, some in
// which names are exchanged and some in which that is refused. The test counts them, and
// fails if a kind is missing. What a list holds several times is drawn so much more often.

// Values that are easily taken for each other, and others.
//
// The equality of the language is where such mistakes hide: 1 and 1.0 are one value, 1 and
// "1", 1 and True, None and "None" are not, and a text may print as a value does.
var values = []string{`1`, `"1"`, `1.0`, `None`, `"None"`, `True`, `"True"`, `"<nil>"`, `(1,)`, `"(1,)"`, `[1]`, `2`}

// twoSimilar are different values that print the same, or nearly.
//
// A protocol that uses only these two decides differently where they are confused.
var twoSimilar = [][]string{{`1`, `"1"`}, {`None`, `"None"`}, {`None`, `"<nil>"`}, {`True`, `"True"`}, {`(1,)`, `"(1,)"`}, {`1`, `True`}}

// plainValues are what operations can carry.
var plainValues = []string{`1`, `"1"`, `1.0`, `True`, `"None"`, `2`}

// Three are enough for a question, an answer and something that comes between.
var types = []string{"m0", "m1", "m2"}

// A pen draws. What it may draw depends on what was drawn before, so that most cases are
// worth playing.
type pen struct {
	*rand.Rand
	c         *Case
	lives     int      // hops that an answer to an answer goes on for
	names     bool     // whether handlers may name identities
	aborts    bool     // whether clients abort operations
	few       []string // values that handlers use most
	hoping    bool     // whether properties are about what comes about
	symmetric bool     // whether steps are drawn in the same way for all identities, so that renamings apply
	most      int      // scenarios
}

func (p *pen) chance(percent int) bool { return p.IntN(100) < percent }

func pick[T any](p *pen, from ...T) T { return from[p.IntN(len(from))] }

// Draw draws a case of at most that many scenarios. It depends on the seed only: cases are
// named by it. Half of the cases are shaped. A protocol that promises symmetry is mostly
// honest about it (names stands for whether handlers may name identities), and else must be
// caught by the search.
func Draw(seed uint64, most int) *Case {
	c := &Case{}
	p := &pen{Rand: rand.New(rand.NewPCG(seed, 17)), c: c, most: most}
	defer pledge{p}.promises()
	defer tosses{p}.coins()
	if p.chance(50) {
		p.shaped()
		return c
	}
	c.Symmetric = p.chance(65)
	c.Honest = p.chance(85)
	p.names = !c.Symmetric || !c.Honest
	p.few = []string{pick(p, values...), pick(p, values...)}
	if p.chance(60) {
		p.few = pick(p, append([][]string{{`1`, `1.0`}, {`(1,)`, `[1]`}}, twoSimilar...)...)
	}
	p.symmetric = c.Symmetric && p.chance(75)
	if p.hoping = p.chance(15); p.hoping {
		p.most = min(p.most, 60)
	}
	p.system()
	c.Replica = p.role(false)
	if len(c.Twins) > 0 && c.Twins[0].ID != "c1" && p.chance(25) {
		liar := p.role(false)
		c.Liar, c.Twins[0].Lies, c.Twins[0].Copies = &liar, true, pick(p, 1, 1, 2)
	}
	if len(c.Clients) > 0 {
		r := p.role(true)
		c.Client = &r
	}
	p.start()
	p.space()
	p.properties()
	p.extras()
	return c
}

// Few servers: with three there are six renamings, with four twenty-four, and each
// different reaction is made to happen under all of them. Five are drawn now and then, with
// few scenarios, for 120. Where symmetry is to be used there are no clients and few twins,
// as they leave few names that can be exchanged.
func (p *pen) system() {
	c := p.c
	c.N = pick(p, 1, 2, 2, 3, 3, 3, 3, 3, 3, 4, 4, 5)
	c.F = min(pick(p, 0, 1, 1, 1, 2), c.N-1)
	c.Held = p.chance(20)
	p.lives, p.aborts = pick(p, 1, 2), p.chance(30)
	if !p.symmetric && p.chance(50) {
		for k := range pick(p, 1, 2, 2) {
			client := Client{Name: fmt.Sprint("c", k+1)}
			for range pick(p, 1, 1, 2) {
				if p.chance(50) {
					client.Program = append(client.Program, Operation{"read", "None"})
				} else {
					client.Program = append(client.Program, Operation{"write", pick(p, plainValues...)})
				}
			}
			c.Clients = append(c.Clients, client)
		}
	}
	if p.chance(55) && (!p.symmetric || p.chance(40)) {
		c.Twins = append(c.Twins, Twin{ID: string(rune('A' + p.IntN(c.N))), Copies: pick(p, 2, 2, 2, 2, 3)})
	}
	if len(c.Clients) > 0 && p.chance(30) {
		c.Twins = append(c.Twins, Twin{ID: "c1", Copies: 2})
	}
	if c.N == 5 {
		c.Twins, p.lives = nil, 1
		if p.chance(85) {
			p.most = min(p.most, 60) // what happens is made to happen under all of 120 renamings
		}
	}
}

// some draws a part of the names, in order, of at least that many.
func (p *pen) some(names []string, least int) (some []string) {
	for {
		some = nil
		for _, name := range names {
			if p.chance(50) {
				some = append(some, name)
			}
		}
		if len(some) >= least {
			return some
		}
	}
}

// groups draws a partition of the servers.
//
// Names are dealt out at random, so that some groups stay empty and fewer remain.
func (p *pen) groups() [][]string {
	servers, _ := p.c.Instances()
	groups := make([][]string, 1+p.IntN(min(3, len(servers))))
	for _, name := range servers {
		at := p.IntN(len(groups))
		groups[at] = append(groups[at], name)
	}
	return sorted(groups, servers)
}

// sorted puts the groups in the order of their first members.
//
// That is the order in which the language writes a partition of its own.
func sorted(groups [][]string, servers []string) [][]string {
	groups = slices.DeleteFunc(groups, func(g []string) bool { return len(g) == 0 })
	slices.SortFunc(groups, func(a, b []string) int { return slices.Index(servers, a[0]) - slices.Index(servers, b[0]) })
	return groups
}

func (p *pen) leader() string { return string(rune('A' + p.IntN(p.c.N))) }

// step draws a step of any kind.
//
// It may be one that cannot happen; who draws a start tries it.
func (p *pen) step() Step {
	servers, clients := p.c.Instances()
	all := append(slices.Clone(servers), clients...)
	// Rounds and exchanges come up more often than what disturbs them, or nothing would be
	// disturbed.
	kinds := []string{"round", "round", "round", "deliver", "timeout", "crash", "restart", "amnesia", "partition", "heal", "cut", "drop", "deaf", "order"}
	if p.chance(40) {
		kinds = append(kinds, "hold", "hold", "release")
	}
	if p.chance(40) {
		kinds = append(kinds, "duplicate", "replay", "replay")
	}
	if len(clients) > 0 {
		kinds = append(kinds, "exchange", "exchange", "exchange", "invoke", "invoke")
	}
	s := Step{Kind: pick(p, kinds...)}
	switch s.Kind {
	case "round", "deliver":
		if s.Kind == "round" {
			s.Who = p.leader()
		}
		if p.chance(60) {
			s.Groups = p.groups()
		}
		if p.chance(30) {
			s.Names, s.Types = []string{pick(p, servers...)}, []string{pick(p, types...)}
		}
		s.Count = pick(p, 0, 0, 1, 2)
	case "timeout", "crash", "restart", "amnesia":
		s.Names = []string{pick(p, all...)}
	case "partition":
		s.Groups = p.groups()
	case "cut", "hold", "release", "duplicate", "replay":
		s.Src, s.Dst = pick(p, all...), pick(p, all...)
		if s.Src == s.Dst {
			return Step{Kind: "heal"}
		}
		switch s.Kind {
		case "release":
			s.Count = p.IntN(2)
		case "duplicate", "replay":
			s.Types = []string{pick(p, types...)}
		}
	case "drop":
		s.Types = []string{pick(p, types...)}
		if p.chance(50) {
			s.Src = pick(p, all...)
		}
		if p.chance(50) {
			s.Dst = pick(p, all...)
		}
	case "deaf":
		s.Who, s.Types = pick(p, all...), []string{pick(p, types...)}
	case "order":
		s.Who, s.Names = pick(p, all...), p.some(all, 1)
	case "exchange":
		s.Who, s.Names = pick(p, clients...), p.some(servers, 1)
	case "invoke":
		s.Who, s.Op = pick(p, clients...), Operation{"write", pick(p, plainValues...)}
		if p.chance(50) {
			s.Op = Operation{"read", "None"}
		}
	}
	return s
}

// start draws the way to the start: steps that can happen.
//
// A symmetric case has none, as a start distinguishes names.
func (p *pen) start() {
	if p.symmetric || p.chance(45) {
		return
	}
	p.c.Start = p.possible(1 + p.IntN(4))
}

// possible draws steps that can happen one after the other from the beginning. It plays
// them with the player of this package. Fewer may come of it than were asked for.
func (p *pen) possible(n int) (steps []Step) {
	s, err := NewSystem(p.c)
	if err != nil {
		panic(err)
	}
	w := s.Begin()
	for range n {
		step := p.step()
		if next := s.Do(w, step); next != nil {
			w, steps = next, append(steps, step)
		}
	}
	return steps
}

// Properties of one name are not drawn twice, since reports number them. Where symmetry is
// to be used no invariant is drawn: it may look at names, and the search would not use it.
func (p *pen) properties() {
	if p.hoping {
		hopes{pen: p}.properties()
		return
	}
	all := []func() Property{
		func() Property { return Property{Kind: "agreement", Text: "agreement()", Name: "agreement"} },
		func() Property { return Property{Kind: "agreement", Text: "agreement()", Name: "agreement"} },
		func() Property {
			v := p.constant()
			if p.chance(30) {
				return Property{Kind: "validity", Text: "validity([" + v + "])", Name: "validity", Value: v, Only: true}
			}
			return Property{Kind: "validity", Text: "validity(lambda v: v != " + v + ")", Name: "validity", Value: v}
		},
		p.invariant, p.change,
	}
	if len(p.c.Clients) > 0 {
		linearizable := func() Property { return Property{Kind: "linearizable", Text: "linearizable()", Name: "linearizable"} }
		all = append(all, linearizable, linearizable, p.ofOperations, p.ofOperations)
	}
	if p.symmetric {
		all = all[:3]
	}
	for range pick(p, 1, 1, 2) {
		q := pick(p, all...)()
		if !slices.ContainsFunc(p.c.Properties, func(other Property) bool { return other.Name == q.Name }) {
			p.c.Properties = append(p.c.Properties, q)
		}
	}
}

// fewReads counts reads that returned something, as a whole and as a fold.
const (
	fewReads  = `history("few reads", lambda h: len([op for op in h if op.name == "read" and op.result != None and not op.open and not op.failed and not op.faulty]) < 2)`
	fewFolded = `history("few reads", 0, lambda n, e: (n + 1, n + 1 < 2) if e.kind == "returned" and e.name == "read" and e.result != None and not e.faulty else (n, True))`
)

// ofOperations draws a property of what operations returned. A compare-and-set register
// is a register to those who do not compare.
func (p *pen) ofOperations() Property {
	return pick(p,
		Property{Kind: "linearizable", Text: `linearizable("cas")`, Name: "linearizable to a compare-and-set register"},
		Property{Kind: "sequential", Text: "sequentially_consistent()", Name: "sequentially consistent"},
		Property{Kind: "2-atomic", Text: "k_atomic(2)", Name: "2-atomic"},
		Property{Kind: "linearizable", Text: "k_atomic(1)", Name: "1-atomic"},
		Property{Kind: "monotonic reads", Text: "monotonic_reads()", Name: "monotonic reads"},
		Property{Kind: "read your writes", Text: "read_your_writes()", Name: "read your writes"},
		Property{Kind: "strict object", Text: "strictly_linearizable()", Name: "strictly linearizable", Value: "register"},
		Property{Kind: "few reads", Text: fewReads, Name: "few reads"},
		Property{Kind: "few reads", Text: fewFolded, Name: "few reads"},
	)
}

// changeProperty draws another property, maybe of the same name.
//
// The same name with another argument is the case that a careless fingerprint would miss.
func (p *pen) changeProperty() {
	was := p.c.Properties
	if i := p.IntN(len(was)); was[i].Kind == "up to" && p.chance(60) {
		p.c.Properties = slices.Clone(was)
		p.c.Properties[i] = pick(p, *was[i].Inner, upTo(was[i].Faults+1, *was[i].Inner))
		return
	}
	if p.c.ofObject() {
		if len(p.c.Extras) > 0 { // a case that is made smaller may have lost them
			p.c.Properties = []Property{pick(p, p.c.Extras...)}
		}
		return
	}
	if len(was) == 1 && was[0].Kind == "validity" {
		v := pick(p, append(values, `"1a"`, `"2a"`)...)
		p.c.Properties = []Property{{Kind: "validity", Text: "validity(lambda v: v != " + v + ")", Name: "validity", Value: v}}
		return
	}
	for range 20 {
		p.c.Properties = nil
		p.properties()
		if !slices.EqualFunc(p.c.Properties, was, func(a, b Property) bool { return a.Text == b.Text }) {
			return
		}
	}
}

// extras are properties of values, so that it counts which ones were decided. "Agreement
// holds" is true of a search that loses half of the worlds, too; "2 is decided in 14
// scenarios" is not. They are judged in searches of their own, so that they do not change
// when a scenario has violated everything.
func (p *pen) extras() {
	if p.hoping {
		return // there are some
	}
	for range 2 {
		v := pick(p, append(slices.Clone(p.few), `"1a"`, `"2a"`, `""`, `2`)...)
		p.c.Extras = append(p.c.Extras, Property{Kind: "validity", Text: "validity(lambda v: v != " + v + ")", Name: "validity", Value: v})
	}
	if len(p.c.Clients) > 0 {
		p.c.Extras = append(p.c.Extras, Property{Kind: "linearizable", Text: "linearizable()", Name: "linearizable"}, p.ofOperations())
	}
}

// What it bounds is counted twice, by the text in the language and by claim in Go.
func (p *pen) invariant() Property {
	servers, clients := p.c.Instances()
	of := p.some(append(servers, clients...), 1)
	claim := Claim{pick(p, "crashed", "rounds", "faulty", "k", "done"), p.IntN(3)}
	return Property{Kind: "invariant", Name: "few " + claim.Kind, Claim: claim, Of: of,
		Text: fmt.Sprintf("invariant(%q, lambda w: %s <= %d)", "few "+claim.Kind, claim.count(of, "w"), claim.Most)}
}

// A change bounds by how much one step lets a count grow or fall. No step that changes nothing
// may violate it, since none is judged.
func (p *pen) change() Property {
	q := p.invariant()
	q.Kind = pick(p, "grows", "falls")
	q.Claim.Most = p.IntN(2)
	q.Name = q.Claim.Kind + " " + q.Kind
	less, more := "before", "after"
	if q.Kind == "falls" {
		less, more = more, less
	}
	q.Text = fmt.Sprintf("invariant(%q, lambda before, after: %s - %s <= %d)", q.Name, q.Claim.count(q.Of, more), q.Claim.count(q.Of, less), q.Claim.Most)
	return q
}

// count is how a script counts what a claim is about in a world that it holds in a variable.
func (c Claim) count(of []string, w string) string {
	return map[string]string{
		"crashed": fmt.Sprintf("len(%s.crashed)", w), "rounds": w + ".round_number", "faulty": fmt.Sprintf("len(%s.faulty)", w),
		"k":    fmt.Sprintf("len([i for i in %s if %s.state(i).k == 2])", list(of), w),
		"done": fmt.Sprintf("len([i for i in %s if %s.state(i).done])", list(of), w),
	}[c.Kind]
}
