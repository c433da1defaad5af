package space

import (
	"math/big"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/twinsh/twinsh/runtime"
)

// A Position is where in a space a scenario stands: what may come next.
// Positions of one space are the same if their pointers are. They form an
// acyclic graph in which each path from [Space.Start] to an end is one listed
// scenario, so that numbers of paths are numbers of scenarios. The graph grows
// as it is walked. A Position is safe for concurrent use.
//
// It is the derivative of an expression by what has happened (Brzozowski, "Derivatives of
// Regular Expressions", JACM 1964), kept as what remains to be done. Equal remainders are one
// position, which is what lets a search merge scenarios with different pasts: of rounds() * 6
// there are seven positions, however many scenarios there are.
type Position struct {
	continuation
	automaton *automaton
	count     *big.Int
	id        int // -1 until an edge leads here
	options   atomic.Pointer[options]
}

// An Edge is steps after which a scenario stands at the same position.
type Edge struct {
	Steps []runtime.Step // not to be changed
	To    *Position
}

// Start returns the position in which all scenarios begin. It is always the same.
func (s *Space) Start() *Position {
	s.once.Do(func() {
		a := &automaton{known: map[continuation]*Position{}}
		s.start = a.position(s.form, &Position{automaton: a, count: one, id: -1})
		a.number(s.start)
	})
	return s.start
}

// Count returns how many scenarios there are from p on.
func (p *Position) Count() *big.Int { return new(big.Int).Set(p.count) }

// Accepts returns how many scenarios end exactly at p: 0 or 1, more only where
// the space lists one twice.
func (p *Position) Accepts() int { return p.grown().accepts }

// Last reports whether no scenario goes on from p.
func (p *Position) Last() bool { return len(p.grown().edges) == 0 }

// Edges returns the steps with which scenarios go on from p, in the order of
// the space, except that a scenario is found before those that it begins.
// Neighbours that lead to the same position are one edge. No edge leads
// where nothing can end. The caller must not change what it gets.
func (p *Position) Edges() []Edge { return p.grown().edges }

// ID returns a small number that no other position of the space has. Positions
// are numbered from 0, in the order in which Start and Edges first find them.
func (p *Position) ID() int { return p.id }

// An automaton is the graph of the positions of one space.
type automaton struct {
	mu       sync.Mutex // held while the graph grows
	known    map[continuation]*Position
	numbered int
}

// A continuation is what remains to be done: a part, and then what remains to
// be done at the next position. Where everything ends there is no part. It is the key by which
// positions are found again, so that whatever is in it must be comparable by Go.
type continuation struct {
	part part
	next *Position
}

// A part is something that remains to be done. It is comparable; equal parts
// are the same.
type part interface {
	size() *big.Int
	// begin lists the steps with which the part begins, given where it leads.
	begin(o *options, next *Position)
}

// options is what comes next at a position.
type options struct {
	automaton *automaton
	accepts   int
	edges     []Edge
	owned     bool // the steps of the last edge belong to it alone
}

// grown returns the options at p, which are found out once. Most calls find them there and take
// no lock: many workers ask for the same few positions millions of times.
func (p *Position) grown() *options {
	if o := p.options.Load(); o != nil {
		return o
	}
	p.automaton.mu.Lock()
	defer p.automaton.mu.Unlock()
	if o := p.options.Load(); o != nil {
		return o
	}
	o := &options{automaton: p.automaton}
	p.begin(o)
	p.options.Store(o)
	return o
}

// begin adds the options at p to those at a position from which a scenario may
// come to p without a step.
func (p *Position) begin(o *options) {
	if p.part == nil {
		o.accepts++
		return
	}
	p.part.begin(o, p.next)
}

// add adds a choice of steps. What leads where nothing can end is left out, so that each path
// that is begun comes to an end. The steps of an edge are those of a space as long as they can
// be, and copied only when a second choice leads to the same position.
func (o *options) add(to *Position, steps ...runtime.Step) {
	if to.count.Sign() == 0 || len(steps) == 0 {
		return
	}
	o.automaton.number(to)
	last := len(o.edges) - 1
	if last < 0 || o.edges[last].To != to {
		o.edges = append(o.edges, Edge{steps, to})
		o.owned = false
		return
	}
	g := &o.edges[last]
	if !o.owned {
		g.Steps, o.owned = slices.Clone(g.Steps), true
	}
	g.Steps = append(g.Steps, steps...)
}

// position returns the position at which p remains to be done, then next.
func (a *automaton) position(p part, next *Position) *Position {
	if p == part(empty{}) {
		return next
	}
	c := continuation{p, next}
	if at, ok := a.known[c]; ok {
		return at
	}
	count := p.size()
	if next.count.Cmp(one) != 0 {
		count = new(big.Int).Mul(count, next.count)
	}
	at := &Position{continuation: c, automaton: a, count: count, id: -1}
	a.known[c] = at
	return at
}

// number gives a position its number when an edge first leads there. The order is that of the
// walk of one goroutine at a time, because mu is held; a search opens positions in the order of
// its layers, and so numbers are the same in each run.
func (a *automaton) number(p *Position) {
	if p.id < 0 {
		p.id = a.numbered
		a.numbered++
	}
}

// How the forms begin. A part that may be empty begins as what comes after it does, too.

func (empty) begin(o *options, next *Position) { next.begin(o) }

func (c *choice) begin(o *options, next *Position) { o.add(next, c.steps...) }

func (t then) begin(o *options, next *Position) {
	t.a.form.begin(o, o.automaton.position(t.b.form, next))
}

func (o or) begin(to *options, next *Position) {
	o.a.form.begin(to, next)
	o.b.form.begin(to, next)
}

func (x *union) begin(o *options, next *Position) {
	for _, s := range x.of {
		s.form.begin(o, next)
	}
}

func (t times) begin(o *options, next *Position) {
	if t.n > 1 {
		next = o.automaton.position(times{t.of, t.n - 1}, next)
	}
	t.of.form.begin(o, next)
}

// What is drawn without repetition depends on who is used up: positions are sets of members.
func (d *distinct) begin(o *options, next *Position) {
	draw{d, "", d.n}.begin(o, next)
}

// A draw is the last n members of a distinct that remain to be drawn.
type draw struct {
	from *distinct
	used used
	n    int
}

func (d draw) size() *big.Int { return d.from.ways[d.n] }

func (d draw) begin(o *options, next *Position) {
	for _, i := range d.used.others(len(d.from.members)) {
		to := next
		if d.n > 1 {
			to = o.automaton.position(draw{d.from, d.used.with(i), d.n - 1}, next)
		}
		line{&d.from.members[i], 0}.begin(o, to)
	}
}

// A line is a scenario of which the steps from a place on remain.
type line struct {
	of   *Scenario
	from int
}

func (line) size() *big.Int { return one }

func (l line) begin(o *options, next *Position) {
	sc := *l.of
	if len(sc) == 0 {
		next.begin(o)
		return
	}
	if l.from+1 < len(sc) {
		next = o.automaton.position(line{l.of, l.from + 1}, next)
	}
	o.add(next, sc[l.from])
}

func (c constant) begin(o *options, next *Position) {
	echo{c.of.Start(), nil, c.n}.begin(o, next)
}

// An echo is a scenario that a constant will repeat, while it is being said
// for the first time.
type echo struct {
	at   *Position // in the graph of the scenarios to choose from
	said *said
	n    int
}

// said is the steps taken so far, the last one first.
type said struct {
	step   runtime.Step
	before *said
}

func (e echo) size() *big.Int { return e.at.count }

func (e echo) begin(o *options, next *Position) {
	for range e.at.Accepts() {
		var sc Scenario
		for s := e.said; s != nil; s = s.before {
			sc = append(sc, s.step)
		}
		slices.Reverse(sc)
		rest := Scenario(slices.Repeat(sc, e.n-1))
		line{&rest, 0}.begin(o, next)
	}
	for _, g := range e.at.Edges() {
		for _, step := range g.Steps {
			o.add(o.automaton.position(echo{g.To, &said{step, e.said}, e.n}, next), step)
		}
	}
}
