package dsl

import (
	"fmt"
	"slices"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"

	"github.com/twinsh/twinsh/runtime/explore"
)

// A report in a script: a table from attribute to what it is of [explore.Report]. A report
// is a truth value, too, so that "if not explore(…)" reads as it should, and its text is
// what print shows.
//
// Attributes are made when they are asked for: a report may hold thousands of worlds of
// which a script wants one. What each of them means is said in the entry of explore
// (builtin_search.go), and TestEveryAttributeIsDocumented compares the two.

// A reportValue is a report in a script. It never changes, other than that its alarm is
// marked as seen when .failures is read.
type reportValue struct {
	*explore.Report
	properties propertyList // what was judged
	alarm      *alarm       // nil if no code failed
}

// violation is a violation in a script. It is found again by its name in the report, which
// is unique there (see [propertyList.judged]), because the properties of the script may
// share one.
func (r *reportValue) violation(v explore.Violation) *finding {
	f := finding{world: v.Counterexample, why: v.Why, good: v.Good}
	f.property = r.properties.judged()[slices.Index(r.Checked, v.Property)]
	return newFinding(f, starlark.StringDict{"property": starlark.String(v.Property), "good": scenarioValue(v.Good)},
		v.Length, starlark.MakeBigInt(v.Shortest), starlark.MakeBigInt(v.Scenarios))
}

// first returns what a report found first, nil if it found nothing: a violation before any
// failure, as report.counterexample has it. show, why, enter and shrink all mean this one
// when they are given a report.
func (r *reportValue) first() *finding {
	switch {
	case len(r.Violations) > 0:
		return r.violation(r.Violations[0])
	case len(r.Failures) > 0:
		return failing(r.Failures[0])
	}
	return nil
}

func (r *reportValue) String() string        { return r.Text() }
func (r *reportValue) Type() string          { return "report" }
func (r *reportValue) Freeze()               {}
func (r *reportValue) Truth() starlark.Bool  { return starlark.Bool(r.OK()) }
func (r *reportValue) Hash() (uint32, error) { return 0, fmt.Errorf("unhashable type: report") }

// AttrNames implements [starlark.HasAttrs].
func (r *reportValue) AttrNames() []string { return sortedKeys(reportAttrs) }

// Attr implements [starlark.HasAttrs].
func (r *reportValue) Attr(name string) (starlark.Value, error) {
	if attr := reportAttrs[name]; attr != nil {
		return attr(r), nil
	}
	return nil, nil
}

// instead says what a report without a counterexample has that fn can be called with.
func (r *reportValue) instead(fn string) string {
	if len(r.Passing) == 0 {
		return "no scenario that holds to its end was kept either"
	}
	return fn + "(report.passing[0]) takes a scenario that holds"
}

// reportAttrs are the attributes. Numbers of scenarios are integers of any size, those of
// worlds and steps fit into memory and so into an int. seconds differs from run to run, and
// is in no text for that reason.
var reportAttrs = map[string]func(*reportValue) starlark.Value{
	"ok":          func(r *reportValue) starlark.Value { return starlark.Bool(r.OK()) },
	"complete":    func(r *reportValue) starlark.Value { return starlark.Bool(r.Complete()) },
	"uniform":     func(r *reportValue) starlark.Value { return starlark.Bool(r.Uniform()) },
	"vacuous":     func(r *reportValue) starlark.Value { return starlark.Bool(r.Vacuous()) },
	"beyond":      func(r *reportValue) starlark.Value { return starlark.Bool(r.Beyond()) },
	"size":        func(r *reportValue) starlark.Value { return starlark.MakeBigInt(r.Size) },
	"covered":     func(r *reportValue) starlark.Value { return starlark.MakeBigInt(r.Covered) },
	"ended_early": func(r *reportValue) starlark.Value { return starlark.MakeBigInt(r.EndedEarly) },
	"progress":    func(r *reportValue) starlark.Value { return starlark.Float(r.Progress()) },
	"worlds":      func(r *reportValue) starlark.Value { return starlark.MakeInt(r.Worlds) },
	"steps":       func(r *reportValue) starlark.Value { return starlark.MakeInt(r.Steps) },
	"runs":        func(r *reportValue) starlark.Value { return starlark.MakeInt(r.Runs) },
	"asymmetry":   func(r *reportValue) starlark.Value { return starlark.String(r.Asymmetry) },
	"renamings":   func(r *reportValue) starlark.Value { return starlark.MakeInt(r.Renamings) },
	"depth":       func(r *reportValue) starlark.Value { return starlark.MakeInt(r.Depth) },
	"memory":      func(r *reportValue) starlark.Value { return starlark.MakeInt(r.Memory) },
	"seconds":     func(r *reportValue) starlark.Value { return starlark.Float(r.Elapsed.Seconds()) },
	"coverage":    func(r *reportValue) starlark.Value { return coverageValue(r.Coverage) },
	"no_effect": func(r *reportValue) starlark.Value {
		var list []starlark.Value
		for _, n := range r.NoEffect {
			list = append(list, starlarkstruct.FromStringDict(starlarkstruct.Default, starlark.StringDict{
				"choice": starlark.String(n.Choice), "type": starlark.String(n.Type), "why": starlark.String(n.Why()),
			}))
		}
		return starlark.NewList(list)
	},
	"counterexample": func(r *reportValue) starlark.Value {
		if r.Counterexample() == nil {
			return starlark.None
		}
		return &worldValue{World: r.Counterexample()}
	},
	"continued": func(r *reportValue) starlark.Value {
		if r.Continued == nil || !r.Continued.There {
			return starlark.None
		}
		return starlark.MakeInt(r.Continued.Steps)
	},
	"passing": func(r *reportValue) starlark.Value {
		var list []starlark.Value
		for _, w := range r.Passing {
			list = append(list, &worldValue{World: w})
		}
		return starlark.NewList(list)
	},
	"violations": func(r *reportValue) starlark.Value {
		var list []starlark.Value
		for _, v := range r.Violations {
			list = append(list, r.violation(v))
		}
		return starlark.NewList(list)
	},
	"failures": func(r *reportValue) starlark.Value {
		var list []starlark.Value
		for _, f := range r.Failures {
			list = append(list, failing(f))
		}
		return r.alarm.look(starlark.NewList(list))
	},
}

// coverageValue shows what a sample met; of other searches there is none. unseen is None
// where no estimate can be made, since 0.0 would claim that nothing is left.
func coverageValue(c *explore.Coverage) starlark.Value {
	if c == nil {
		return starlark.None
	}
	var unseen starlark.Value = starlark.None
	if c.Unseen >= 0 {
		unseen = starlark.Float(c.Unseen)
	}
	return starlarkstruct.FromStringDict(starlarkstruct.Default, starlark.StringDict{
		"states": starlark.MakeInt(c.States), "transitions": starlark.MakeInt(c.Transitions),
		"histories": starlark.MakeInt(c.Histories), "unseen": unseen,
	})
}
