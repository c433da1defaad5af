package adversary

import (
	"fmt"
	"slices"
	"strings"
)

// A Space is an expression: a choice of steps, or others put together.
//
// A leaf has both, its text and what that must list; the rest follows from Op. So the lists
// of the nouns are written down independently of how dsl makes them.
type Space struct {
	Op    string     // "", "|", "+", "*", "distinct", "constant", "maybe", "filter", "view", "each"
	Text  string     // of a choice and of each: the call
	Lists []Scenario // of a choice: what it lists
	Of    []Space    // of each: for each combination what is made of it
	Times int
	Keep  Keep // of a filter
}

// A Keep is what a filter keeps: steps one of whose attributes is some text, or all
// but these.
//
// It is about one attribute, so that the filter in Go and the lambda in the script cannot
// be about different things.
type Keep struct {
	Attribute, Is string
	Not           bool
}

// String is the function.
func (k Keep) String() string {
	operator := "=="
	if k.Not {
		operator = "!="
	}
	return fmt.Sprintf("lambda s: str(getattr(s, %q, \"-\")) %s %q", k.Attribute, operator, k.Is)
}

func (k Keep) keeps(s Step) bool { return (s.attribute(k.Attribute) == k.Is) != k.Not }

// String is the expression.
func (s Space) String() string {
	switch s.Op {
	case "|", "+":
		return "(" + s.Of[0].String() + " " + s.Op + " " + s.Of[1].String() + ")"
	case "*":
		return fmt.Sprintf("(%s * %d)", s.Of[0], s.Times)
	case "distinct", "constant":
		return fmt.Sprintf("(%s).%s(%d)", s.Of[0], s.Op, s.Times)
	case "maybe":
		return fmt.Sprintf("maybe(%s)", s.Of[0])
	case "filter":
		return fmt.Sprintf("(%s).filter(%s)", s.Of[0], s.Keep)
	case "view":
		return fmt.Sprintf("view(\"v\", %s)", s.Of[0])
	}
	return s.Text
}

// Scenarios lists the scenarios in order.
//
// It multiplies everything out: the cases are drawn such that a few hundred come of it.
// With | between choices of single steps, a step that both have is one step, and so one
// scenario; of other spaces each is listed.
func (s Space) Scenarios() []Scenario {
	switch s.Op {
	case "|":
		all := append(slices.Clone(s.Of[0].Scenarios()), s.Of[1].Scenarios()...)
		if s.Of[0].single() && s.Of[1].single() {
			return unique(all)
		}
		return all
	case "+":
		return product(s.Of[0].Scenarios(), s.Of[1].Scenarios())
	case "*":
		all := []Scenario{{}}
		for range s.Times {
			all = product(all, s.Of[0].Scenarios())
		}
		return all
	// Of scenarios that a space lists twice, distinct takes one.
	case "distinct":
		return distinct(unique(s.Of[0].Scenarios()), s.Times)
	case "maybe":
		all := s.Of[0].Scenarios()
		if slices.ContainsFunc(all, func(sc Scenario) bool { return len(sc) == 0 }) {
			return all
		}
		return append(slices.Clip(all), Scenario{})
	case "filter":
		return slices.DeleteFunc(slices.Clone(s.Of[0].Scenarios()), func(sc Scenario) bool {
			return slices.ContainsFunc(sc, func(step Step) bool { return !s.Keep.keeps(step) })
		})
	case "view":
		var all []Scenario
		for _, sc := range unique(s.Of[0].Scenarios()) {
			all = append(all, Scenario{{Kind: "view", Who: "v", Inner: sc}})
		}
		return all
	case "each":
		var all []Scenario
		for _, of := range s.Of {
			all = append(all, of.Scenarios()...)
		}
		if s.single() {
			return unique(all)
		}
		return all
	case "constant":
		var all []Scenario
		for _, sc := range s.Of[0].Scenarios() {
			all = append(all, slices.Repeat(sc, s.Times))
		}
		return all
	}
	return unique(s.Lists)
}

// single reports whether the space is a plain choice of single steps, in which what is
// given twice is listed once. One of stories, way(…), is none. This is a rule of the
// language that has to be known here, because counts depend on it.
func (s Space) single() bool {
	switch s.Op {
	case "|":
		return s.Of[0].single() && s.Of[1].single()
	case "filter":
		return s.Of[0].single()
	case "view":
		return true
	case "each":
		return !slices.ContainsFunc(s.Of, func(of Space) bool { return !of.single() })
	}
	return s.Op == "" && !strings.HasPrefix(s.Text, "(steps(") && !strings.HasPrefix(s.Text, "(way(") && !slices.ContainsFunc(s.Lists, func(sc Scenario) bool { return len(sc) != 1 })
}

// Each of a, in order, followed by each of b: the index of a sum counts the second part
// fastest.
func product(a, b []Scenario) (all []Scenario) {
	for _, x := range a {
		for _, y := range b {
			all = append(all, append(slices.Clone(x), y...))
		}
	}
	return all
}

// The order is that of the first element, then of the second, and so on.
func distinct(members []Scenario, n int) (all []Scenario) {
	if n == 0 {
		return []Scenario{{}}
	}
	for i, sc := range members {
		for _, rest := range distinct(slices.Delete(slices.Clone(members), i, i+1), n-1) {
			all = append(all, append(slices.Clone(sc), rest...))
		}
	}
	return all
}

// Scenarios are one if their texts are, as steps are in the language.
func unique(all []Scenario) (once []Scenario) {
	known := map[string]bool{}
	for _, sc := range all {
		if !known[sc.String()] {
			known[sc.String()] = true
			once = append(once, sc)
		}
	}
	return once
}
