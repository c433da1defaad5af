package adversary

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"go.starlark.net/syntax"
)

// What is true of a case: each scenario is played to its end and judged after each step,
// one by one. Nothing is merged, weighed or left out, so that a count is a count.

func roundValue(number int, leader, input string) starlark.Value {
	return starlarkstruct.FromStringDict(starlarkstruct.Default, starlark.StringDict{
		"number": starlark.MakeInt(number), "leader": starlark.String(leader), "input": starlark.String(input),
	})
}

// value is the value that a text stands for. It is not to be changed, and is frozen so that
// it cannot be; the same value is shared by all cases, which are compared at the same time.
func value(text string) starlark.Value {
	if v, ok := known.Load(text); ok {
		return v.(starlark.Value)
	}
	v, err := starlark.EvalOptions(&syntax.FileOptions{}, new(starlark.Thread), "value", text, predeclared)
	if err != nil {
		panic(err)
	}
	v.Freeze()
	known.Store(text, v)
	return v
}

var known sync.Map // what value found before

// A Ledger is what is true of all scenarios of a space. Size, Ended and Progressed are
// numbers of scenarios.
type Ledger struct {
	Size, Ended, Progressed int
	Found                   map[string]Finding // by the name of a property, or "line N" of failing code
}

// A Finding says how often something goes wrong: in how many scenarios at all, after how
// many steps at the soonest, and in how many different ways of that length.
type Finding struct {
	Length, Shortest, Scenarios int
}

// Judge plays each scenario and returns what is true of the space for each of the lists of
// properties, as if they were judged by themselves. It reports false if something about the
// case is out of its reach: a step that goes on for ever.
//
// A scenario is followed until all properties of the list are violated, or its next step
// cannot happen; so what one list sees of it is not what another does.
func (s *System) Judge(start *World, scenarios []Scenario, lists ...[]Property) ([]Ledger, bool) {
	ledgers := make([]Ledger, len(lists))
	violating := make([]map[string]map[string]bool, len(lists)) // what -> prefixes of the shortest length
	for i := range lists {
		ledgers[i] = Ledger{Size: len(scenarios), Found: map[string]Finding{}}
		violating[i] = map[string]map[string]bool{}
	}
	path := trail{known: map[verdict]judgement{}}
	for _, sc := range scenarios {
		path.turn(sc)
		for i, list := range lists {
			at := map[string]int{} // what goes wrong, and after how many steps first
			w, progress := start, s.progress(start, 0)
			path.wrong(s, w, list, 0, len(sc) == 0, at)
			for k, step := range sc {
				// As a search does: a scenario that has violated all that is checked is not
				// followed.
				if settled(list, at) {
					break
				}
				next := path.step(k, func() *World { return s.Do(w, step) })
				if next == nil {
					ledgers[i].Ended++
					break
				}
				if next.failed != nil {
					return nil, false
				}
				w = next
				progress = progress || s.progress(w, w.Depth)
				path.wrong(s, w, list, k+1, k+1 == len(sc), at)
			}
			if progress {
				ledgers[i].Progressed++
			}
			ledgers[i].enter(at, path.texts, violating[i])
		}
	}
	return ledgers, !s.lost.Load()
}

// enter adds what goes wrong in a scenario. The shortest ways are counted as different
// texts of steps: scenarios that begin in the same way are one counterexample.
func (l *Ledger) enter(at map[string]int, steps []string, violating map[string]map[string]bool) {
	for what, length := range at {
		f, known := l.Found[what]
		f.Scenarios++
		if !known || length < f.Length {
			f.Length = length
			violating[what] = map[string]bool{}
		}
		if length == f.Length {
			violating[what][strings.Join(steps[:length], "; ")] = true
		}
		f.Shortest = len(violating[what])
		l.Found[what] = f
	}
}

// A trail is the way of the scenario before, which begins as most others do. It is the only
// thing here that saves work, and takes no more for granted than that a step from one world
// always leads to the same one.
type trail struct {
	texts  []string
	worlds []*World // after each step; nil if it cannot happen
	known  map[verdict]judgement
}

// A verdict is on a world by the property that a script writes so.
type verdict struct {
	of   *World
	text string
}

// turn keeps what sc has in common with the scenario before.
func (t *trail) turn(sc Scenario) {
	same := true
	for k, step := range sc {
		text := step.String()
		if same = same && k < len(t.texts) && t.texts[k] == text; !same {
			t.worlds = t.worlds[:min(k, len(t.worlds))]
			t.texts = append(t.texts[:k], text)
		}
	}
	t.texts = t.texts[:len(sc)]
}

// step returns the world after the k-th step, which do plays if it is new.
func (t *trail) step(k int, do func() *World) *World {
	if k >= len(t.worlds) {
		t.worlds = append(t.worlds, do())
	}
	return t.worlds[k]
}

// settled reports whether nothing more can go wrong in a scenario: there are
// properties, and all of them are violated.
func settled(list []Property, at map[string]int) bool {
	for _, p := range list {
		if _, ok := at[p.Name]; !ok {
			return false
		}
	}
	return len(list) > 0
}

// progress reports whether a correct identity decided or returned something
// in the steps from one on.
func (s *System) progress(w *World, from int) bool {
	faulty := s.Faulty(w)
	return slices.ContainsFunc(w.History, func(e Event) bool {
		return e.Step >= from && (e.Kind == "decided" || e.Kind == "returned") && !faulty[e.Instance]
	})
}

// wrong notes what is wrong in w and was not before, with the number of steps after which
// it is. Failures of code are known by their line, since a script says the same; of those met
// while a property plays on it says by which. What holds at the end is asked of complete
// scenarios.
func (t *trail) wrong(s *System, w *World, list []Property, length int, complete bool, at map[string]int) {
	note := func(what string) {
		if _, known := at[what]; !known {
			at[what] = length
		}
	}
	for _, e := range w.History {
		if e.Kind == "failed" {
			note(fmt.Sprintf("line %d", e.Line))
		}
	}
	for _, p := range list {
		if p.Kind == "at end" && !complete {
			continue
		}
		key := verdict{w, p.Text}
		is, known := t.known[key]
		if !known {
			is = s.judge(w, p)
			t.known[key] = is
		}
		if !is.holds {
			note(p.Name)
		}
		for _, line := range is.lines {
			note(fmt.Sprintf("%s: line %d", p.Name, line))
		}
	}
}

// Holds judges one world, and what was observed on the way to it. Who is faulty is who is
// so in that world, also for what was decided before. What holds at the end is judged as if it
// were one.
func (s *System) Holds(w *World, p Property) bool { return s.judge(w, p).holds }

// Fails lists the lines in which code fails while a property plays on from a world.
func (s *System) Fails(w *World, p Property) []int { return s.judge(w, p).lines }

func (s *System) judge(w *World, p Property) judgement {
	if p, plays := playing(p); plays {
		return s.playsOn(w, p)
	}
	return judgement{holds: s.holds(w, p)}
}

func (s *System) holds(w *World, p Property) bool {
	faulty := s.Faulty(w)
	switch p.Kind {
	// Two decisions of one replica for one slot count, too.
	case "agreement":
		for i, e := range w.History {
			for _, f := range w.History[:i] {
				if e.Kind == "decided" && f.Kind == "decided" && e.Slot == f.Slot && !faulty[e.Instance] && !faulty[f.Instance] && !equal(e.Value, f.Value) {
					return false
				}
			}
		}
	case "validity":
		for _, e := range w.History {
			if e.Kind == "decided" && !faulty[e.Instance] && equal(e.Value, value(p.Value)) != p.Only {
				return false
			}
		}
	case "linearizable":
		return linearizable(w.History, faulty)
	case "sequential", "2-atomic", "monotonic reads", "read your writes", "few reads":
		return conditionHolds(p.Kind, w.History, faulty)
	case "object", "sequential object", "strict object":
		return ofObject(p, s.instances, w.History, faulty)
	case "invariant":
		return s.claim(w, p) <= p.Claim.Most
	case "grows", "falls":
		for ; w.before != nil; w = w.before {
			by := s.claim(w, p) - s.claim(w.before, p)
			if p.Kind == "falls" {
				by = -by
			}
			if by > p.Claim.Most {
				return false
			}
		}
	case "at end":
		return s.holds(w, *p.Inner)
	case "up to":
		return s.holdsUpTo(w, p)
	}
	return true
}

// claim counts what the claim of an invariant bounds.
func (s *System) claim(w *World, p Property) (n int) {
	for i, in := range s.instances {
		looked := slices.Contains(p.Of, in.name)
		k, _ := starlark.AsInt32(w.nodes[i].attrs["k"])
		switch {
		case p.Claim.Kind == "crashed" && w.nodes[i].down(),
			p.Claim.Kind == "faulty" && s.Faulty(w)[i],
			p.Claim.Kind == "done" && looked && bool(w.nodes[i].attrs["done"].Truth()),
			p.Claim.Kind == "k" && looked && k == 2:
			n++
		}
	}
	if p.Claim.Kind == "rounds" {
		return w.round
	}
	return n
}

// A call is an operation of an instance.
type call struct {
	op           *operation
	by           int // the instance
	began, ended int // places in the history; ended is -1 if it never returned
	cut          int // where its client crashed meanwhile, the first time, or -1
	faulty       bool
	aborted      bool // it never happens
	result       starlark.Value
}

// linearizable tries all orders. A return without an operation is a violation. The
// operation of a faulty client may have happened or not, at any time, and what it returned
// says nothing; so may one that never returned. One that was aborted did not happen.
func linearizable(history []Event, faulty []bool) bool {
	calls, ok := callsOf(history, faulty)
	return ok && ordered(calls, make([]bool, len(calls)), starlark.None)
}

// callsOf lists the operations that may have happened. It reports false if one ended that
// had not begun.
func callsOf(history []Event, faulty []bool) (calls []call, ok bool) {
	open := map[int]int{}
	for at, e := range history {
		switch e.Kind {
		case "invoked":
			open[e.Instance] = len(calls)
			calls = append(calls, call{op: e.Op, by: e.Instance, began: at, ended: -1, cut: -1, faulty: faulty[e.Instance]})
		case "crashed", "failed":
			if i, ok := open[e.Instance]; ok && calls[i].cut < 0 {
				calls[i].cut = at
			}
		case "returned", "aborted":
			i, ok := open[e.Instance]
			if faulty[e.Instance] {
				continue
			}
			if !ok {
				return nil, false
			}
			calls[i].ended, calls[i].result, calls[i].aborted = at, e.Value, e.Kind == "aborted"
			delete(open, e.Instance)
		}
	}
	return slices.DeleteFunc(calls, func(c call) bool { return c.aborted }), true
}

// ordered reports whether the calls that are not done yet can be done in some order, from
// the given contents of the register on. It is Herlihy and Wing's definition, written as a
// search without memory: a call may come next if no call that must still be done had
// returned before it began. With the few calls of a case that is quick enough.
func ordered(calls []call, done []bool, contents starlark.Value) bool {
	missing := func(c call, i int) bool { return !done[i] && !c.faulty && c.ended >= 0 }
	all := true
	for i, c := range calls {
		all = all && !missing(c, i)
	}
	if all {
		return true
	}
	for i, c := range calls {
		possible := !done[i]
		for j, other := range calls {
			if j != i && missing(other, j) && !c.faulty && other.ended < c.began {
				possible = false
			}
		}
		if !possible {
			continue
		}
		next, result := contents, contents
		if c.op.name == "write" {
			next, result = c.op.arg, starlark.Value(starlark.None)
		}
		if !c.faulty && c.ended >= 0 && !equal(result, c.result) {
			continue
		}
		done[i] = true
		if ordered(calls, done, next) {
			done[i] = false
			return true
		}
		done[i] = false
	}
	return false
}

// holdsUpTo judges w if no more servers are faulty there than a property says.
func (s *System) holdsUpTo(w *World, p Property) bool {
	return s.faultyServers(s.Faulty(w)) > p.Faults || s.holds(w, *p.Inner)
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
	case slices.Contains([]string{"validity", "invariant", "grows", "falls"}, is.Kind):
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
