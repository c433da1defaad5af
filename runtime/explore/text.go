package explore

// How a report reads. Each line has a label, and says one thing that is true as it stands: a
// share is never rounded to all or to nothing, a verdict has its bounds beside it, and what
// lessens it is a note. Lines that would say that all is as usual are left out. There are no
// times, and nothing that depends on the number of workers.

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/twinsh/twinsh/runtime/english"
)

// Text shows the report to people. It states no times, so that equal searches
// have equal texts.
func (r *Report) Text() string {
	var b strings.Builder
	line := func(label, format string, args ...any) {
		fmt.Fprintf(&b, "%-10s %s\n", label, fmt.Sprintf(format, args...))
	}
	r.figures(line)
	r.course(line)
	found := func(what string, length int, shortest, in *big.Int, why string) {
		line("verdict", "%s   shortest after %s (%s of that length)", what, steps(length), english.Grouped(shortest))
		if in.Cmp(shortest) < 0 {
			in = shortest // each goes on in a scenario at least, judged to its end or not
		}
		line("", "in %s", r.shareOf(in))
		for _, l := range strings.Split(why, "\n") {
			if l != "" {
				line("", "%s", l)
			}
		}
	}
	for _, v := range r.Violations {
		found(v.Property+" VIOLATED", v.Length, v.Shortest, v.Scenarios, v.Why)
	}
	for _, f := range r.Failures {
		found("CODE FAILED", f.Length, f.Shortest, f.Scenarios, f.Why())
	}
	if kept := r.kept(); len(kept) > 0 || len(r.Checked) == 0 {
		line("verdict", "%s", r.holds(kept))
	}
	r.noEffect(line)
	for _, note := range r.notes() {
		line("note", "%s", note)
	}
	return strings.TrimRight(b.String(), "\n")
}

// A lineWriter writes a line of a report, with what it is about before it.
type lineWriter func(label, format string, args ...any)

// figures writes what was searched, and how much of it. How many scenarios there are comes
// before how many worlds, because the first is what was asked and the second what it took.
func (r *Report) figures(line lineWriter) {
	line(r.Kind, "%s   %s", r.Space, r.System)
	covered := "all covered"
	switch {
	case r.Kind == "sample":
		covered = fmt.Sprintf("%s drawn with seed %d", english.Grouped(r.Covered), r.Seed)
	case !r.Complete():
		covered = fmt.Sprintf("%s covered (%s)", english.Grouped(r.Covered), percent(r.Covered, r.Size))
	}
	early := ""
	if r.EndedEarly.Sign() > 0 {
		of := ""
		if r.Kind != "sample" && !r.Complete() {
			of = " of those" // that are covered, and not of all
		}
		early = fmt.Sprintf("   %s%s ended early", percent(r.EndedEarly, r.Covered), of)
	}
	line("scenarios", "%s   %s%s", english.Grouped(r.Size), covered, early)
	if r.part() {
		line("shard", "%d of %d; what is said here is of its part of the scenarios only", r.Shard.Index+1, r.Shard.Count)
	}
	renamed := ""
	if r.Renamings > 1 {
		renamed = fmt.Sprintf(" up to %d renamings", r.Renamings)
		if r.Sampled {
			renamed += " (sampled)"
		}
	}
	line("worlds", "%s different%s   %s steps   %s handler runs",
		english.Number(r.Worlds), renamed, english.Number(r.Steps), english.Number(r.Runs))
	r.Coverage.text(r.Covered, line)
}

// course writes how the search went, as far as that is out of the ordinary: a search that was
// not stopped, resumed or refused its symmetry has no line here.
func (r *Report) course(line lineWriter) {
	if r.Asymmetry != "" && r.Asked {
		line("symmetry", "not used: %s", r.Asymmetry)
	}
	if c := r.Continued; c != nil && c.There {
		line("continued", "after step %d of %d (from checkpoint %s)", c.Steps, c.Of, c.File)
	}
	if r.Anew != "" {
		line("began anew", "%s", r.Anew)
	}
	if r.Stopped != nil && !errors.Is(r.Stopped, ErrFirst) {
		why := r.Stopped.Error()
		if errors.Is(r.Stopped, context.Canceled) {
			why = "interrupted"
		}
		depth, partial := r.judged()
		if partial != "" {
			partial = fmt.Sprintf(", and %s of those of %d", partial, depth+1)
		}
		switch {
		case r.Unbegun:
			line("stopped", "%s; nothing was judged", why)
		case r.Kind == "sample" || r.part():
			line("stopped", "%s", why)
		default:
			line("stopped", "%s; judged: all scenarios of up to %s%s", why, steps(depth), partial)
		}
	}
	if r.Stopped != nil && !errors.Is(r.Stopped, ErrFirst) && r.Checkpoint != "" {
		line("checkpoint", "%s", r.goesOn())
	}
	if r.Unsaved != nil {
		line("unsaved", "%v", r.Unsaved)
	}
}

// goesOn says from where a search that resumes the checkpoint will go on, and whether that is
// of any use: a search that stopped where it had begun would stop there again.
func (r *Report) goesOn() string {
	c := r.Continued
	if c != nil && !c.There {
		return fmt.Sprintf("%s leads to step %d of %d, and the search stopped on the way back there", r.Checkpoint, c.Steps, c.Of)
	}
	text := fmt.Sprintf("%s leads to step %d", r.Checkpoint, r.Depth)
	if r.Partial > 0 {
		text += fmt.Sprintf("; what was judged of step %d is not in it", r.Depth+1)
	}
	if c != nil && c.Steps == r.Depth {
		text += ", and resuming with no more time or memory would come no further"
	}
	return text
}

// kept lists the properties that nothing violates, as far as was judged.
func (r *Report) kept() []string {
	return slices.DeleteFunc(slices.Clone(r.Checked), func(name string) bool {
		return slices.ContainsFunc(r.Violations, func(v Violation) bool { return v.Property == name })
	})
}

// shareOf says in how many scenarios something shows. Those that a search
// covered before it stopped say nothing about the others: then it is a lower bound, and a
// share of all.
func (r *Report) shareOf(n *big.Int) string {
	switch {
	case r.Kind == "sample" || r.Complete():
		return fmt.Sprintf("%s (%s of those covered)", scenarios(n), percent(n, r.Covered))
	default:
		return fmt.Sprintf("at least %s (%s of all)", scenarios(n), percent(n, r.Size))
	}
}

// part reports whether the report is that of a shard, which judged a part of the
// scenarios, whatever their length.
func (r *Report) part() bool { return r.Shard.Count > 1 }

// unjudged reports whether nothing was judged.
func (r *Report) unjudged() bool { return r.Unbegun || r.part() && r.Covered.Sign() == 0 }

// idle says that nothing was judged, by a shard or at all.
func (r *Report) idle() string {
	if r.Unbegun {
		return "the search was stopped before it had judged where scenarios start"
	}
	return fmt.Sprintf("shard %d of %d covered no scenario", r.Shard.Index+1, r.Shard.Count)
}

// Bounds says where nothing is violated that the report has no violation of, as
// in "in all 64 scenarios". Of a shard that is no more than what it covered: what
// shows at the beginning of a scenario may be counted by another shard. What is judged at the end
// of scenarios is bounded by those that come to it.
func (r *Report) Bounds() string {
	always, atEnd := r.byTime(r.kept())
	switch {
	case len(atEnd) == 0 || r.unjudged() || r.EndedEarly.Sign() == 0 && (r.Kind == "sample" || r.Complete()):
		return r.bounds()
	case len(always) == 0:
		return r.endBounds()
	}
	return fmt.Sprintf("%s; %s %s %s", r.bounds(), strings.Join(atEnd, ", "), english.Plural(len(atEnd), "holds", "hold"), r.endBounds())
}

// byTime parts properties into those that are judged all the time and those that are judged at
// the end of a scenario.
func (r *Report) byTime(names []string) (always, atEnd []string) {
	for _, name := range names {
		if slices.Contains(r.AtEnd, name) {
			atEnd = append(atEnd, name)
		} else {
			always = append(always, name)
		}
	}
	return always, atEnd
}

// endBounds is [Report.Bounds] of what is judged at the end of scenarios, where not all were
// seen to come to it.
func (r *Report) endBounds() string {
	n, of := r.Ended(), ""
	if r.part() {
		of = fmt.Sprintf(", of those that shard %d of %d covered", r.Shard.Index+1, r.Shard.Count)
	} else if r.Kind != "sample" && !r.Complete() {
		of = ", as far as was judged"
	}
	switch {
	case n.Sign() == 0:
		return "in vain: no scenario comes to its end" + of
	case n.IsInt64() && n.Int64() == 1:
		return "in the 1 scenario that comes to its end" + of
	}
	return fmt.Sprintf("in the %s that come to their end%s", scenarios(n), of)
}

// bounds is Bounds of what is judged all the time.
func (r *Report) bounds() string {
	switch {
	case r.unjudged():
		return "as far as was judged: " + r.idle()
	case r.part():
		return fmt.Sprintf("in the %s that shard %d of %d covered", scenarios(r.Covered), r.Shard.Index+1, r.Shard.Count)
	case r.Kind != "sample" && !r.Complete():
		depth, partial := r.judged()
		text := fmt.Sprintf("as far as was judged: at the beginnings of all scenarios, up to %s", steps(depth))
		if partial != "" {
			text += fmt.Sprintf(", and at %s of those of %d", partial, depth+1)
		}
		return text
	case !r.Complete() || r.Covered.IsInt64() && r.Covered.Int64() == 1:
		return "in the " + scenarios(r.Covered)
	}
	return "in all " + scenarios(r.Covered)
}

// holds states a verdict with its bounds: that of all properties that nothing violates, in one
// sentence. That no code failed is said only if nothing else was checked.
func (r *Report) holds(kept []string) string {
	what := "nothing was checked: no node's code fails"
	bounds := r.Bounds() // speaks of those at the end by itself if there are others
	if always, _ := r.byTime(kept); len(always) > 0 && bounds != r.bounds() {
		kept = always
	}
	switch {
	case len(kept) > 1:
		what = strings.Join(kept, ", ") + " hold"
	case len(kept) == 1:
		what = kept[0] + " holds"
	case len(r.Failures) > 0:
		what = "nothing else was checked"
	}
	if r.unjudged() && len(r.Checked) > 0 {
		return fmt.Sprintf("%s not judged: %s", strings.Join(kept, ", "), r.idle())
	}
	text := what + " " + bounds
	if !r.part() && r.Kind != "sample" && !r.Complete() {
		return text
	}
	if r.Progressed.Sign() > 0 || len(r.Untested) > 0 {
		text += fmt.Sprintf("; %s made progress", percent(r.Progressed, r.Covered))
	}
	return text
}

// notes lists what a reader is to know before believing the verdicts: the heaviest first.
func (r *Report) notes() []string {
	var notes []string
	notes = append(notes, r.beyondNotes()...)
	sofar, all := "", ", in all scenarios"
	switch {
	case r.part():
		sofar, all = " in this shard", ""
	case !r.Complete() && r.Kind != "sample":
		sofar = " so far"
	}
	for _, u := range r.Untested {
		if r.Unbegun {
			break // which is said of all that is checked
		}
		notes = append(notes, fmt.Sprintf("NOTHING put %s to the test%s: it takes %s, and there was none; its verdict proves nothing", u.Property, sofar, u.Needs))
	}
	if r.Comparing && r.Uniform() && len(r.Untested) == 0 {
		notes = append(notes, fmt.Sprintf("all decisions for a slot were of one value%s%s: they could not have differed", sofar, all))
	}
	if r.Sampled {
		notes = append(notes, "that the protocol treats servers the same was checked on a sample; the rest is its promise")
	}
	if errors.Is(r.Stopped, ErrFirst) {
		notes = append(notes, fmt.Sprintf("stopped at the first violation; %s was left out", percent(new(big.Int).Sub(r.Size, r.Covered), r.Size)))
	}
	return notes
}

// beyondNotes says of which verdicts nothing is promised, and why: what happened is more than
// crashes, to a protocol that tolerates no more, or it happened to more servers than f.
func (r *Report) beyondNotes() (notes []string) {
	byCrashes, more, byCount := r.beyond()
	if len(byCrashes) > 0 {
		which := "this"
		if len(byCrashes) < len(r.Checked) {
			which = "the verdict of " + english.Join(byCrashes, "and")
		}
		notes = append(notes, fmt.Sprintf("beyond crash faults: %s; the protocol promises nothing then, so that %s proves nothing", english.Join(more, "and"), which))
	}
	missing := "faulty"
	if slices.ContainsFunc(byCount, func(name string) bool { return slices.Contains(r.CountDown, name) }) {
		missing = "faulty or down"
	}
	switch len(byCount) {
	case 0:
	case len(r.Checked):
		notes = append(notes, fmt.Sprintf("more servers are %s than f allows: beyond f, proves nothing", missing))
	default:
		notes = append(notes, fmt.Sprintf("more servers are %s than %s allows: beyond f, its verdict proves nothing", missing, strings.Join(byCount, ", ")))
	}
	if grown := r.grownBeyond(); len(grown) > 0 {
		within := "within f"
		if len(byCrashes) > 0 {
			within = "within what is promised"
		}
		notes = append(notes, fmt.Sprintf("that is so in the shortest counterexample of %s; a longer one %s is not ruled out", strings.Join(grown, ", "), within))
	}
	return notes
}

// grownBeyond lists the properties that are violated beyond f in worlds that came
// there on the way: another scenario may violate them with fewer servers missing. Only the
// shortest is known, so that a longer one within f is neither found nor ruled out.
func (r *Report) grownBeyond() []string {
	var names []string
	for _, v := range r.Violations {
		if v.Beyond && !slices.Contains(r.StartsBeyond, v.Property) {
			names = append(names, v.Property)
		}
	}
	return names
}

// beyond lists the properties that promise nothing where they were judged: those that are
// violated by their counterexamples, the others by the starting world, since to hold in vain is
// to hold where too many are faulty from the beginning. The first ones are those where more happened
// than crashes, to a protocol that tolerates no more; more is what.
func (r *Report) beyond() (byCrashes, more, byCount []string) {
	add := func(name string, crashes []string) {
		if len(crashes) == 0 {
			byCount = append(byCount, name)
			return
		}
		byCrashes = append(byCrashes, name)
		for _, what := range crashes {
			if !slices.Contains(more, what) {
				more = append(more, what)
			}
		}
	}
	for _, v := range r.Violations {
		if v.Beyond {
			add(v.Property, v.BeyondCrashes)
		}
	}
	for _, name := range r.kept() {
		if slices.Contains(r.StartsBeyond, name) {
			add(name, r.BeyondCrashes)
		}
	}
	return byCrashes, more, byCount
}

// steps counts steps in words.
func steps(n int) string {
	if n == 1 {
		return "1 step"
	}
	return fmt.Sprintf("%d steps", n)
}

// scenarios counts scenarios in words.
func scenarios(n *big.Int) string {
	if n.IsInt64() && n.Int64() == 1 {
		return "1 scenario"
	}
	return english.Grouped(n) + " scenarios"
}

// judged returns the number of steps up to which all scenarios were judged, and which
// share of those of one more, "" if none. A layer that was judged as a whole, though nothing
// can go on from it, counts as covered.
func (r *Report) judged() (depth int, partial string) {
	switch {
	case r.Partial == 0:
		return r.Depth, ""
	case r.Partial == 1:
		return r.Depth + 1, ""
	}
	return r.Depth, percentText(100 * r.Partial)
}

// percent shows a share, rounded, but never all or nothing for what is not: 100% of the
// scenarios means that none is left.
func percent(part, whole *big.Int) string {
	if part.Sign() == 0 || whole.Sign() == 0 {
		return "0%"
	}
	if part.Cmp(whole) == 0 {
		return "100%"
	}
	return percentText(share(part, whole) * 100)
}

// percentText is percent for what is neither all nor nothing.
func percentText(p float64) string {
	switch {
	case p < 0.01:
		return "<0.01%"
	case p > 99.99:
		return ">99.99%"
	case p < 1 || p > 99:
		return fmt.Sprintf("%.2f%%", p)
	}
	return fmt.Sprintf("%.1f%%", p)
}

// noEffectShown is how many choices without effect the text names. A space of thousands of
// steps may have as many, which would bury the verdict.
const noEffectShown = 3

// noEffect names choices without effect. Before all was covered nothing can be said of any.
func (r *Report) noEffect(line func(label, format string, args ...any)) {
	if !r.Complete() {
		return
	}
	for i, n := range r.NoEffect {
		if left := len(r.NoEffect) - i; i == noEffectShown && left > 1 {
			line("no effect", "and %s more, which report.no_effect lists", english.Number(left))
			return
		}
		line("no effect", "%s", n)
	}
}

// text shows the coverage to people, in two lines.
func (c *Coverage) text(drawn *big.Int, line func(label, format string, args ...any)) {
	if c == nil {
		return
	}
	line("coverage", "%s local states   %s transitions   %s histories", english.Number(c.States), english.Number(c.Transitions), english.Number(c.Histories))
	unseen := "nothing"
	if c.Unseen > 0 {
		unseen = fmt.Sprintf("about %.2g of further draws would meet a new local state or history (Good-Turing)", c.Unseen)
	} else if c.Unseen < 0 && drawn.Sign() == 0 {
		unseen = "no estimate: nothing was drawn to its end"
	} else if c.Unseen < 0 {
		unseen = "no estimate: what was drawn depended on what was met"
	}
	line("unseen", "%s", unseen)
}
