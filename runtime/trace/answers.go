package trace

import (
	"fmt"
	"slices"
	"strings"
)

// An errand is one operation of a client: what it sent and what it heard.
type errand struct {
	lane         int
	operation    string
	begun, ended place // ended is that of the last thing that happened to it if it never returned
	returned     bool
	result       string
}

// errands lists the operations in the order in which they began, until p.
func (t *Trace) errands(until place) []errand {
	var all []errand
	open := map[int]int{}
	t.places(func(p place, d *Delivery) bool {
		if until.before(p) {
			return false
		}
		for _, o := range d.Seen {
			switch i, ok := open[d.To]; {
			case o.Kind == Invoked:
				open[d.To] = len(all)
				all = append(all, errand{lane: d.To, operation: o.Text, begun: p})
			case o.Kind == Returned && ok:
				all[i].returned, all[i].result, all[i].ended = true, o.Text, p
				delete(open, d.To)
			}
		}
		for _, lane := range []int{d.From, d.To} {
			if i, ok := open[lane]; ok {
				all[i].ended = p
			}
		}
		return true
	})
	return all
}

// maxErrands is how many operations are told of. The last ones matter most.
const maxErrands = 12

// An account tells of operations.
type account struct {
	*Trace
	// The texts of messages that ever changed what a server knows. It matters
	// who got them.
	matters map[string]bool
}

// answered tells how it came that a client was told what it was told: what
// each operation until then did, and what those who answered had not seen.
func (t *Trace) answered(s sight) []string {
	a := account{t, map[string]bool{}}
	t.places(func(_ place, d *Delivery) bool {
		if d.From >= 0 && d.Fate == Delivered && d.Changed && !t.Lanes[d.To].Client {
			a.matters[d.Text] = true
		}
		return true
	})
	all := t.errands(s.place)
	last := len(all) - 1
	for last >= 0 && all[last].lane != s.lane {
		last--
	}
	if last < 0 {
		return nil
	}
	var story []string
	told := all
	if more := len(all) - maxErrands; more > 0 {
		story, told = append(story, fmt.Sprintf("%d operations came before.", more)), all[more:]
	}
	for _, e := range told {
		story = append(story, a.errand(e))
	}
	return append(story, a.unseen(all[last])...)
}

// during reports whether a message was on its way for e.
func (e errand) during(p place) bool { return !p.before(e.begun) && !e.ended.before(p) }

// errand tells of one operation.
func (t account) errand(e errand) string {
	type group struct {
		text         string
		from         []int // of an answer
		gets, misses []int // of a message to others
		stay         []int // those that get it and do not change
	}
	var answers, sent []*group
	find := func(groups *[]*group, text string) *group {
		for _, g := range *groups {
			if g.text == text {
				return g
			}
		}
		*groups = append(*groups, &group{text: text})
		return (*groups)[len(*groups)-1]
	}
	t.placesIn(e.begun.step, e.ended.step, func(p place, d *Delivery) bool {
		switch {
		case !e.during(p) || d.From < 0 || d.Text == d.Type:
			// A message without contents tells nothing.
		case d.To == e.lane && d.Fate == Delivered:
			g := find(&answers, d.Text)
			g.from = insert(g.from, d.From)
		case d.From == e.lane && t.matters[d.Text]:
			g := find(&sent, d.Text)
			switch {
			case d.Fate != Delivered:
				g.misses = insert(g.misses, d.To)
			default:
				g.gets = insert(g.gets, d.To)
				if !d.Changed && d.Summary != "" {
					g.stay = insert(g.stay, d.To)
				}
			}
		}
		return true
	})
	var parts []string
	if len(answers) > 0 {
		var heard []string
		for _, g := range answers {
			heard = append(heard, fmt.Sprintf("%s from %s", g.text, t.list(g.from)))
		}
		parts = append(parts, "hears "+enumerate(heard))
	}
	for _, g := range sent {
		g.misses = slices.DeleteFunc(g.misses, func(i int) bool { return slices.Contains(g.gets, i) })
		text := "sends " + g.text
		switch {
		case len(g.gets) == 0:
			text += ", which reaches nobody"
		case len(g.misses) == 0:
			text += " to " + t.list(g.gets)
		default:
			text += fmt.Sprintf(", which reaches %s but not %s", t.list(g.gets), t.list(g.misses))
		}
		if len(g.stay) > 0 {
			text += fmt.Sprintf(" (%s)", t.staying(g.stay, e.ended.step))
		}
		parts = append(parts, text)
	}
	switch {
	case e.returned:
		parts = append(parts, strings.TrimRight("returns "+e.result, " "))
	default:
		parts = append(parts, "does not return")
	}
	steps := fmt.Sprintf("step %d", e.begun.step+1)
	if e.ended.step > e.begun.step {
		steps = fmt.Sprintf("steps %d to %d", e.begun.step+1, e.ended.step+1)
	}
	return fmt.Sprintf("%s %s (%s): %s.", t.Lanes[e.lane].Name, e.operation, steps, strings.Join(parts, "; "))
}

// staying tells in which states lanes stay: A stays at v1 red.
func (t *Trace) staying(lanes []int, step int) string {
	var texts []string
	for len(lanes) > 0 {
		summary := t.Steps[step].States[lanes[0]].Summary
		var same, others []int
		for _, i := range lanes {
			if t.Steps[step].States[i].Summary == summary {
				same = append(same, i)
			} else {
				others = append(others, i)
			}
		}
		texts = append(texts, fmt.Sprintf("%s %s at %s", t.list(same), plural(len(same), "stays", "stay"), summary))
		lanes = others
	}
	return enumerate(texts)
}

// unseen tells, of each message that mattered, which of those who answered e
// had not seen it, or had and did not change, or had and forgot.
func (t account) unseen(e errand) []string {
	first := map[int]place{} // by server, its first answer
	var servers []int
	var texts []string
	t.places(func(p place, d *Delivery) bool {
		if d.To == e.lane && d.From >= 0 && d.Fate == Delivered && e.during(p) && d.Text != d.Type && !slices.Contains(servers, d.From) {
			servers, first[d.From] = insert(servers, d.From), p
		}
		if d.From >= 0 && p.before(e.begun) && !t.Lanes[d.To].Client && t.matters[d.Text] && !slices.Contains(texts, d.Text) {
			texts = append(texts, d.Text)
		}
		return true
	})
	// Messages that the same servers did not see are told together.
	var story, missed []string
	missing := map[string][]string{} // who had not seen, as told -> messages
	for _, text := range texts {
		var never, forgot []int
		for _, i := range servers {
			switch got, lost := t.fateOf(text, i, first[i]); {
			case !got:
				never = append(never, i)
			case lost:
				forgot = append(forgot, i)
			}
		}
		if len(never) > 0 {
			who := fmt.Sprintf("When %s answered, %s had never got %%s", plural(len(never), "it", "they"), t.list(never))
			if twins := t.informedTwins(text, never, first); len(twins) > 0 {
				who += fmt.Sprintf("; %s, %s, had", t.list(twins), t.twinsOf(twins, never))
			}
			if missing[who] == nil {
				missed = append(missed, who)
			}
			missing[who] = append(missing[who], text)
		}
		if len(forgot) > 0 {
			story = append(story, fmt.Sprintf("%s had got %s and forgotten everything since.", t.list(forgot), text))
		}
	}
	for _, who := range missed {
		story = append(story, strings.Replace(who, "%s", strings.Join(missing[who], ", nor "), 1)+".")
	}
	return story
}

// fateOf reports whether a lane got a message before p, and whether it forgot
// everything after that.
func (t *Trace) fateOf(text string, lane int, until place) (got, forgot bool) {
	t.places(func(p place, d *Delivery) bool {
		if !p.before(until) {
			return false
		}
		switch {
		case d.To == lane && d.Text == text && d.From >= 0 && d.Fate == Delivered:
			got, forgot = true, false
		case d.To == lane && t.Steps[p.step].Kind == "amnesia":
			forgot = got
		}
		return true
	})
	return got, forgot
}

// informedTwins lists the twins of the given lanes that had got a message when
// those answered.
func (t *Trace) informedTwins(text string, lanes []int, when map[int]place) []int {
	var twins []int
	for _, i := range lanes {
		for j, l := range t.Lanes {
			if l.Identity != t.Lanes[i].Identity || j == i || slices.Contains(lanes, j) {
				continue
			}
			if got, forgot := t.fateOf(text, j, when[i]); got && !forgot {
				twins = insert(twins, j)
			}
		}
	}
	return twins
}

// twinsOf says whose twins they are: the twin of C.
func (t *Trace) twinsOf(twins, lanes []int) string {
	of := slices.DeleteFunc(slices.Clone(lanes), func(i int) bool {
		return !slices.ContainsFunc(twins, func(j int) bool { return t.Lanes[j].Identity == t.Lanes[i].Identity })
	})
	return plural(len(twins), "the twin of ", "the twins of ") + t.list(of)
}

// insert adds a lane to a sorted list, if it is not there.
func insert(lanes []int, lane int) []int {
	i, found := slices.BinarySearch(lanes, lane)
	if found {
		return lanes
	}
	return slices.Insert(lanes, i, lane)
}
