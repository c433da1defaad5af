package trace

import (
	"fmt"
	"slices"
	"strings"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/english"
)

// Above each function stands a sentence that it makes. Sentences keep to the trace: names of
// lanes, texts of messages, numbers of steps. They have no advice and no names for roles in
// a protocol, because none is known here.

// numbered names a step by its number in pictures, and the view that it is a part of: step
// 7 (view 4). Reports count views, so that the one number alone would be looked up in vain.
func (t *Trace) numbered(step int) string {
	text := fmt.Sprintf("step %d", step)
	if v := t.Steps[step-1].View; v != nil {
		text += fmt.Sprintf(" (view %d)", v.Number)
	}
	return text
}

// B decides "x" in slot 1 in step 4, when it gets vote x from C.
func (s occasionSentence) say(t *Trace) string {
	d := t.at(s.At)
	text := fmt.Sprintf("%s in %s", observed(d.To, s.Seen).text(t), t.numbered(s.At.Step))
	if d.From >= 0 {
		text += fmt.Sprintf(", when it gets %s from %s", d.Text, t.Lanes[d.From].Name)
	} else if d.Moment != "" {
		text += ", when " + d.Moment
	}
	return text + "."
}

// Just enough for that: the beginning of round 1; vote x from A, B and C.
func (s enoughSentence) say(t *Trace) string {
	d := t.at(s.At)
	text := "Just enough for that"
	switch {
	case s.Arrival != nil:
		m := t.at(*s.Arrival)
		text = fmt.Sprintf("%s had sent %s in %s; just enough for that", t.Lanes[d.To].Name, m.Text, t.numbered(s.At.Step))
	case s.After != runtime.Place{}:
		end := "return that"
		if slices.ContainsFunc(d.Seen, func(o Observation) bool { return o.Kind == Aborted }) {
			end = "abort"
		}
		text = fmt.Sprintf("Just enough for %s to %s, since it began", t.Lanes[d.To].Name, end)
	}
	return text + ": " + eventsText(t, s.Events, s.At.Step) + "."
}

// C decided x in step 1 and restarts in step 4; else it would not decide y.
func (s restartedSentence) say(t *Trace) string {
	lane := t.at(s.At).To
	what := meaningOf(&t.Steps[s.In-1]).deed.verb()
	text := fmt.Sprintf("%s %s in %s", t.Lanes[lane].Name, what, t.numbered(s.In))
	if s.Before != (runtime.Place{}) {
		text = fmt.Sprintf("%s in %s, and %s in %s", observed(lane, s.Had).text(t), t.numbered(s.Before.Step), what, t.numbered(s.In))
	}
	return text + ": with all that reached it otherwise the same, it would not have decided so in " + t.numbered(s.At.Step) + "."
}

// What was just enough for that is not known: too much had reached B.
func (s unknownSentence) say(t *Trace) string {
	return fmt.Sprintf("What was just enough for that is not known: too much had reached %s.", t.Lanes[t.at(s.At).To].Name)
}

// eventsText lists what reached a lane: equal messages, and events of one kind,
// together, with the steps if they are not all of the given one. Messages that read the same
// and differ stand apart, since Message numbers them.
func eventsText(t *Trace, places []runtime.Place, step int) string {
	type group struct {
		message int
		what    string
		from    []string
		steps   []int
	}
	var groups []*group
	for _, p := range places {
		d := t.at(p)
		what := asked(t, p)
		if d.From >= 0 {
			what = d.Text
			if d.Mail() {
				what += " to the next leader"
			}
		}
		i := slices.IndexFunc(groups, func(g *group) bool { return g.what == what && g.message == d.Message })
		if i < 0 {
			i, groups = len(groups), append(groups, &group{what: what, message: d.Message})
		}
		g := groups[i]
		if g.steps = append(g.steps, p.Step); d.From >= 0 {
			g.from = append(g.from, t.Lanes[d.From].Name)
		}
	}
	var texts []string
	for _, g := range groups {
		text := g.what
		if g.from != nil {
			text += " from " + english.Join(timesOf(g.from), "and")
		}
		if steps := slices.Compact(g.steps); len(steps) > 1 || steps[0] != step {
			text += " (" + stepsText(steps) + ")"
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, "; ")
}

// timesOf lists names in order, each once, those that came several times with
// their number: A, B (twice).
func timesOf(names []string) []string {
	count := map[string]int{}
	var all []string
	for _, name := range names {
		if count[name]++; count[name] == 1 {
			all = append(all, name)
		}
	}
	for i, name := range all {
		if n := count[name]; n == 2 {
			all[i] += " (twice)"
		} else if n > 2 {
			all[i] += fmt.Sprintf(" (%d times)", n)
		}
	}
	return all
}

// stepsText names steps, in order: step 1, steps 2 and 4.
func stepsText(steps []int) string {
	var numbers []string
	for _, n := range steps {
		numbers = append(numbers, fmt.Sprint(n))
	}
	return english.Plural(len(steps), "step ", "steps ") + english.Join(numbers, "and")
}

// asked says what reached a lane at a place, or was done to it, as a noun that fits into a list.
func asked(t *Trace, p runtime.Place) string {
	if m := t.at(p).Moment; m != "" {
		return "that " + m
	}
	return meaningOf(t.step(p)).asked
}

// A, B and C stood behind the one, B, C and D behind the other: only C is in both, and it
// is faulty.
func (s behindSentence) say(t *Trace) string {
	text := fmt.Sprintf("%s stood behind the one, %s behind the other", list(t, s.One), list(t, s.Two))
	switch {
	case len(s.Both) == 0:
		return text + ": none is in both."
	case len(s.Correct) == 0:
		return text + fmt.Sprintf(": only %s %s in both, and %s faulty.",
			english.Join(s.Both, "and"), english.Plural(len(s.Both), "is", "are"), english.Plural(len(s.Both), "it is", "they are"))
	}
	return text + fmt.Sprintf(": %s %s in both, and correct.", english.Join(s.Correct, "and"), english.Plural(len(s.Correct), "is", "are"))
}

// In step 3 the network was parted: A B C | C' D.
func (s partedSentence) say(t *Trace) string {
	var parts []string
	for _, p := range s.Parts {
		parts = append(parts, t.names(p))
	}
	return fmt.Sprintf("In %s the network was parted: %s.", t.numbered(s.Step), strings.Join(parts, " | "))
}

// vote x from D had been sent to the next leader in step 2 and reached A before step 3 parted
// them.
func (s crossedSentence) say(t *Trace) string {
	d := t.at(s.At)
	text := fmt.Sprintf("%s from %s had been sent to the next leader", d.Text, t.Lanes[d.From].Name)
	if d.Origin != nil {
		text += fmt.Sprintf(" in %s", t.numbered(d.Origin.Step))
	}
	return text + fmt.Sprintf(" and reached %s before %s parted them.", t.Lanes[d.To].Name, t.numbered(s.At.Step))
}

// maxState is how many letters of a state a sentence has room for: where nothing is derived, a
// whole state of each lane would be all that a story says. show() has them in full.
const maxState = 60

// Step 2 was crash("A"); after it B is at r2. Summaries are in the protocol's own words.
func (s changedSentence) say(t *Trace) string {
	step := &t.Steps[s.Step-1]
	var what []string
	for i, state := range step.States {
		if state.Changed && state.Summary != "" {
			what = append(what, t.Lanes[i].Name+" is at "+english.Squeeze(state.Summary, maxState))
		}
	}
	text := fmt.Sprintf("Step %d was %s", s.Step, step.Call)
	if len(what) > 0 {
		text += "; after it " + english.Join(what, "and")
	}
	return text + "."
}

// 3 operations came before.
func (s omittedSentence) say(*Trace) string {
	return fmt.Sprintf("%d %s before.", s.Operations, english.Plural(s.Operations, "operation came", "operations came"))
}

// c1 write "red" (step 1): hears – from A and B; sends update v1 red, which
// reaches A but not B; returns.
func (s clientOperation) say(t *Trace) string {
	var parts []string
	if len(s.Heard) > 0 {
		var heard []string
		for _, h := range s.Heard {
			heard = append(heard, fmt.Sprintf("%s from %s", t.at(h.Message).Text, list(t, h.From)))
		}
		parts = append(parts, "hears "+english.Join(heard, "and"))
	}
	for _, m := range s.Receptions {
		parts = append(parts, m.say(t))
	}
	last := "has not returned"
	if s.Returned {
		last = strings.TrimRight("returns "+s.Result, " ")
	} else if s.Aborted {
		last = observed(s.Lane, Observation{Kind: Aborted, Text: s.Result}).one
	}
	steps := []int{s.Begun.Step}
	where := stepsText(steps)
	if s.Ended.Step > s.Begun.Step {
		where = fmt.Sprintf("steps %d to %d", s.Begun.Step, s.Ended.Step)
	}
	return fmt.Sprintf("%s %s (%s): %s.", t.Lanes[s.Lane].Name, s.Operation, where, strings.Join(append(parts, last), "; "))
}

// sends update v1 red, which reaches A and B but not C (B stays at v2 blue).
func (m reception) say(t *Trace) string {
	text := "sends " + t.at(m.Message).Text
	lost := slices.DeleteFunc(slices.Clone(m.Misses), func(i int) bool { return slices.Contains(m.Late, i) })
	switch {
	case len(m.Gets) == 0 && len(m.Late) == 0:
		text += ", which does not reach " + either(t, lost)
	case len(m.Gets) == 0:
		text += ", which has not reached " + either(t, m.Misses) + " yet"
	case len(m.Misses) == 0:
		text += " to " + list(t, m.Gets)
	default:
		text += ", which reaches " + list(t, m.Gets) + " but not "
		var missing []string
		if len(lost) > 0 {
			missing = append(missing, list(t, lost))
		}
		if len(m.Late) > 0 {
			missing = append(missing, "yet "+list(t, m.Late))
		}
		text += strings.Join(missing, ", and not ")
	}
	if len(m.Stay) > 0 {
		text += " (" + staying(t, m.Stay) + ")"
	}
	return text
}

// either is list of alternatives: A, B or C.
func either(t *Trace, lanes []int) string {
	return english.Join(strings.Fields(t.names(lanes)), "or")
}

// staying says at what lanes stay that got a message: A stays at v1 red.
func staying(t *Trace, places []runtime.Place) string {
	var texts, summaries []string
	for _, p := range places {
		if s := t.at(p).Summary; !slices.Contains(summaries, s) {
			summaries = append(summaries, s)
		}
	}
	for _, s := range summaries {
		var same []int
		for _, p := range places {
			if t.at(p).Summary == s {
				same = insert(same, t.at(p).To)
			}
		}
		texts = append(texts, fmt.Sprintf("%s %s at %s", list(t, same), english.Plural(len(same), "stays", "stay"), s))
	}
	return english.Join(texts, "and")
}

// When they answered, B and C had not got update v1 red from c1: lost in step 2.
func (s missedSentence) say(t *Trace) string {
	m := t.at(s.Lost[0])
	var fates []string
	who := map[string][]int{}
	for i, p := range s.Lost {
		d := t.at(p)
		fate := fmt.Sprintf("%s in %s", fateWords[d.Fate], t.numbered(p.Step))
		if who[fate] == nil {
			fates = append(fates, fate)
		}
		who[fate] = append(who[fate], s.Servers[i])
	}
	if len(fates) > 1 {
		for i, fate := range fates {
			fates[i] = fmt.Sprintf("for %s %s", list(t, who[fate]), fate)
		}
	}
	text := fmt.Sprintf("When %s answered, %s had not got %s from %s: %s", english.Plural(len(s.Servers), "it", "they"),
		list(t, s.Servers), m.Text, t.Lanes[m.From].Name, strings.Join(fates, ", "))
	if len(s.Twins) > 0 {
		of := slices.DeleteFunc(slices.Clone(s.Servers), func(i int) bool {
			return !slices.ContainsFunc(s.Twins, func(j int) bool { return t.Lanes[j].Identity == t.Lanes[i].Identity })
		})
		text += fmt.Sprintf("; %s, %s%s, had", list(t, s.Twins), english.Plural(len(s.Twins), "the twin of ", "the twins of "), list(t, of))
	}
	return text + "."
}

// B had got update v1 red from c1 and lost its memory in step 4, before it answered.
func (s forgotSentence) say(t *Trace) string {
	d := t.at(s.Got)
	return fmt.Sprintf("%s had got %s from %s and lost its memory in %s, before it answered.",
		t.Lanes[s.Server].Name, d.Text, t.Lanes[d.From].Name, t.numbered(s.Lost.Step))
}

// B restarted in step 4, before it answered: with all that reached it otherwise the same, it would
// have answered otherwise.
func (s restartSentence) say(t *Trace) string {
	return fmt.Sprintf("%s restarted in %s, before it answered: with all that reached it otherwise the same, it would have answered otherwise.",
		t.Lanes[s.Server].Name, t.numbered(s.In))
}

// list lists lanes as a sentence does: A, B and C.
func list(t *Trace, lanes []int) string { return english.Join(strings.Fields(t.names(lanes)), "and") }
