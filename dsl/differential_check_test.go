package dsl

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/twinsh/twinsh/dsl/internal/adversary"
)

// check compares a report with the truth.
func (x *comparison) check(r scriptReport, properties []adversary.Property, truth adversary.Ledger) string {
	if r.Refused != "" {
		return "refused: " + r.Refused
	}
	findings := append(slices.Clone(r.Violations), r.Failures...)
	if beyond := x.beyond(r, properties); r.Beyond != beyond {
		return fmt.Sprintf("beyond: what is promised: it says %v", r.Beyond)
	}
	if r.Label == "first" {
		return x.checkFirst(findings)
	}
	if r.Size != truth.Size || r.Covered != truth.Size {
		return fmt.Sprintf("it covers %d of %d", r.Covered, r.Size)
	}
	if r.Ended != truth.Ended {
		return fmt.Sprintf("%d ended early", r.Ended)
	}
	if progressed := r.Progress * float64(r.Covered); math.Abs(progressed-float64(truth.Progressed)) > 0.01 {
		return fmt.Sprintf("%v made progress", progressed)
	}
	if len(findings) != len(truth.Found) {
		return "it finds other flaws"
	}
	for _, v := range findings {
		f, ok := truth.Found[v.Name]
		if !ok || v.Length != f.Length || v.Scenarios != f.Scenarios {
			return fmt.Sprintf("it says %+v", v)
		}
		if r.Label != "sample" && !x.ambiguous(x.c.Space) && v.Shortest != f.Shortest {
			return fmt.Sprintf("it says %+v", v)
		}
		if difference := x.checkCounterexample(v, properties); difference != "" {
			return difference
		}
	}
	for _, steps := range r.Passing {
		w, _, difference := x.replay(steps)
		if difference == "" && slices.ContainsFunc(properties, func(p adversary.Property) bool {
			return !x.system.Holds(w, p) && (p.Kind != "at end" || x.complete(steps))
		}) {
			difference = "something is violated in it"
		}
		if difference != "" {
			return fmt.Sprintf("the passing %s: %s", strings.Join(steps, "; "), difference)
		}
	}
	return ""
}

// beyond reports whether some verdict says nothing: that of a property which is violated where it
// promises nothing, or which holds and promises nothing from the start on.
func (x *comparison) beyond(r scriptReport, properties []adversary.Property) bool {
	for _, p := range properties {
		w := x.start
		for _, v := range r.Violations {
			if v.Name == p.Name {
				w, _, _ = x.replay(v.Counterexample)
			}
		}
		if w != nil && x.system.Beyond(p, w) {
			return true
		}
	}
	return false
}

// checkFirst checks a search that stops at what it finds first.
func (x *comparison) checkFirst(findings []scriptViolation) string {
	shortest := -1
	for _, f := range x.truth.Found {
		if shortest < 0 || f.Length < shortest {
			shortest = f.Length
		}
	}
	if len(findings) == 0 && len(x.truth.Found) > 0 {
		return "it finds nothing"
	}
	for _, v := range findings {
		if f, ok := x.truth.Found[v.Name]; !ok || v.Length != f.Length || v.Length != shortest {
			return fmt.Sprintf("it says %+v", v)
		}
		if difference := x.checkCounterexample(v, x.c.Properties); difference != "" {
			return difference
		}
	}
	return ""
}

// ambiguous reports whether the space may list one beginning in several ways.
func (x *comparison) ambiguous(s adversary.Space) bool {
	if s.Op == "|" || s.Op == "distinct" || s.Op == "constant" || s.Op == "maybe" || s.Op == "each" {
		return true
	}
	return strings.Contains(s.Text, "steps(") || strings.Contains(s.Text, "way(") || slices.ContainsFunc(s.Of, x.ambiguous)
}

// checkCounterexample checks that it is one, and as short as it says.
func (x *comparison) checkCounterexample(v scriptViolation, properties []adversary.Property) string {
	steps := v.Counterexample
	if by := playedBy(v, properties); by != "" { // it goes on to where code fails
		steps = steps[:min(len(steps), len(x.c.Start)+v.Length)]
	}
	w, before, difference := x.replay(steps)
	atEnd := false
	wrong := func(w *adversary.World) bool {
		for _, p := range properties {
			if p.Name == v.Name {
				atEnd = p.Kind == "at end"
				return !x.system.Holds(w, p)
			}
			if playedBy(v, []adversary.Property{p}) != "" {
				atEnd = p.Kind == "at end"
				return slices.ContainsFunc(x.system.Fails(w, p), func(line int) bool { return v.Name == fmt.Sprintf("%s: line %d", p.Name, line) })
			}
		}
		return slices.ContainsFunc(w.History, func(e adversary.Event) bool {
			return e.Kind == "failed" && v.Name == "line "+strconv.Itoa(e.Line)
		})
	}
	switch {
	case difference != "":
	case len(steps)-len(x.c.Start) != v.Length:
		difference = "it is not as long"
	case !wrong(w):
		difference = "it is none"
	case v.Loop && slices.ContainsFunc(properties, func(p adversary.Property) bool {
		return p.Name == v.Name && x.system.Holds(w, p.Longer(20))
	}):
		difference = "it is no loop"
	case atEnd && !x.complete(steps):
		difference = "it does not end"
	case !atEnd && before != nil && wrong(before):
		difference = "it is not shortest"
	}
	if difference != "" {
		return fmt.Sprintf("the counterexample to %s: %s: %s", v.Name, strings.Join(v.Counterexample, "; "), difference)
	}
	return ""
}

// playedBy returns the name of the property that met a failure when it played on, "" if it is
// another flaw.
func playedBy(v scriptViolation, properties []adversary.Property) string {
	for _, p := range properties {
		if strings.HasPrefix(v.Name, p.Name+": line ") {
			return p.Name
		}
	}
	return ""
}

// complete reports whether steps from the beginning are a scenario of the space to its end.
func (x *comparison) complete(steps []string) bool {
	text := strings.Join(steps[len(x.c.Start):], "; ")
	return slices.ContainsFunc(x.scenarios, func(sc adversary.Scenario) bool { return sc.String() == text })
}

// replay plays the steps of a world that a report shows, which must be the
// beginning of a scenario.
func (x *comparison) replay(steps []string) (w, before *adversary.World, difference string) {
	n := len(x.c.Start)
	if len(steps) < n || strings.Join(steps[:n], "; ") != adversary.Scenario(x.c.Start).String() {
		return nil, nil, "it does not begin at the start"
	}
	if !slices.ContainsFunc(x.scenarios, func(sc adversary.Scenario) bool {
		return len(sc) >= len(steps)-n && sc[:len(steps)-n].String() == strings.Join(steps[n:], "; ")
	}) {
		return nil, nil, "it is in no scenario"
	}
	w = x.start
	for _, text := range steps[n:] {
		before = w
		if w = x.system.Do(w, x.steps[text]); w == nil {
			return nil, nil, text + " cannot happen"
		}
	}
	return w, before, ""
}
