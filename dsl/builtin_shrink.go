package dsl

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/starlark"

	"github.com/twinsh/twinsh/dsl/internal/interp"
	"github.com/twinsh/twinsh/dsl/internal/spell"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/explore"
)

// shrink: from a scenario that violates something to one in which everything is needed, and
// a script that shows it. The reduction is [explore.Shrink] (delta debugging, after Zeller
// and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", TSE 2002). What
// stands here is what it takes as a scenario, and the script: it is written by writer.go,
// and run before it is shown.
//
// A script that does not work is worse than none, as it is what a person puts into a bug
// report. So a script which was run and did not end as a check that fails is not printed as
// one; the steps are, with what went wrong. Tested in shrink_test.go and by
// TestShrunkSourceIsWhole, TestShrunkScriptIsRun and TestShrinkChosen.

func shrinkEntry() Entry {
	return Entry{
		Signature: "shrink(scenario, check=[])",
		Doc: `Takes away from a scenario what is not needed to violate a property, and prints as a script that plays what remains.
The scenario is a world, such as report.counterexample, or steps from the current world on. check is a property or a list of them; the one that is violated first is that which stays violated. If none is, a failure of a node's code is what stays. Of terminates(), some of what was owed in vain stays so: an operation of a client, or the decision of a replica.
The scenario can also be that of a report: shrink(report) takes what was found first, shrink(report, "agreement") the violation of a property by its name, and shrink(report.violations[1]) or shrink(report.failures[0]) any.
It takes away steps, instances that take part in a step, parts of partitions, twins, operations of clients and whole clients, until every further one is needed. The world in which the result ends may be of a smaller system than before.
The result has world, steps, script, property (None if it is a failure), why, and tried, the number of scenarios that were run. The script was run once before it is printed; one that does not show the same, or that lacks the name of a property or a protocol, says so and fails.`,
		Example: `load("@std//kv.star", "kv", "read", "write")
cluster(kv(write_back = False), clients = {"c1": [write("red")], "c2": [read(), read()], "c3": [write("blue")]})
twin("C")
report = explore(exchanges(reach = subsets(max = 3)) * 4, check = linearizable())
print(shrink(report.counterexample, linearizable()))`,
		call: callShrink,
	}
}

// callShrink has three ways in. A finding says itself what is to stay: the failure of its
// kind, or its property. So does a report, by its first finding or by the name of a
// property. Anything else is a scenario that is played, with properties of which the first
// that is violated stays, or, without any, a failure.
//
// If the context ends, what was reached until then is still a scenario that shows the flaw.
// It is printed as a script that was not run, and the call ends as an interrupted one does.
func callShrink(c *call) (starlark.Value, error) {
	var scenario, what starlark.Value
	if err := c.Unpack(&scenario, &what); err != nil {
		return nil, err
	}
	ctx := interp.ContextOf(c.Thread)
	var properties propertyList
	var shrunk *explore.Shrunk
	f, err := chosen(scenario, what)
	switch {
	case err != nil:
		return nil, err
	case f != nil && f.property == nil:
		shrunk, err = explore.ShrinkFailure(ctx, f.world, f.kind)
	case f != nil:
		properties = propertyList{f.property}
		ofHistory, ofWorld := properties.split()
		shrunk, err = explore.Shrink(ctx, f.world, ofHistory, ofWorld)
	default:
		if what != nil {
			if err := properties.Unpack(what); err != nil {
				return nil, fmt.Errorf("shrink: check: %w", err)
			}
		}
		w, err2 := played(c, scenario)
		if err2 != nil {
			return nil, err2
		}
		ofHistory, ofWorld := properties.split()
		shrunk, err = explore.Shrink(ctx, w, ofHistory, ofWorld)
	}
	if err != nil {
		return nil, err
	}
	scripts, whole := shrunkScripts(c, shrunk, properties)
	if shrunk.Stopped != nil {
		fmt.Fprintln(plainOut(interpreter(c)), scripts[0]) // nothing that comes after will print it
		return nil, shrunk.Stopped
	}
	script := scripts[0]
	if whole {
		if script, err = replayed(c, scripts, shrunk); err != nil {
			return nil, err
		}
	}
	return &shrunkValue{shrunk, script}, nil
}

// chosen returns what of a report is to be shrunk, nil if scenario is no report and no
// finding of one. A property is looked up by identity before its name is taken, as two in
// one report may share a name. Without what, the first finding is meant, be it a violation
// or a failure; a report that found nothing has nothing to shrink, which is an error.
func chosen(scenario, what starlark.Value) (*finding, error) {
	switch scenario := scenario.(type) {
	case *finding:
		if what != nil {
			return nil, fmt.Errorf("shrink: check goes with a world; a violation or failure says itself what stays")
		}
		return scenario, nil
	case *reportValue:
		name := ""
		switch what := what.(type) {
		case nil:
		case starlark.String:
			name = string(what)
		case *propertyValue:
			name = what.name
			if i := slices.Index(scenario.properties.judged(), what); i >= 0 {
				name = scenario.Checked[i] // its name may be that of several
			}
		default:
			return nil, fmt.Errorf("shrink: check is %s, want the name of a property that the report has a violation of", article(what))
		}
		if f := scenario.first(); f != nil && name == "" {
			return f, nil
		}
		var names []string
		for _, v := range scenario.Violations {
			if v.Property == name {
				return scenario.violation(v), nil
			}
			names = append(names, v.Property)
		}
		if len(names) == 0 {
			return nil, fmt.Errorf("shrink: the report has no violation; there is nothing to shrink")
		}
		return nil, fmt.Errorf("shrink: the report has no violation of %q%s; it has %s", name, spell.Hint(name, names), strings.Join(names, ", "))
	}
	return nil, nil
}

// replayed returns the first of several scripts that plays a scenario, or else says why
// none does: by the error of the first, which is the likeliest. Each costs the scenario
// once more, which is little beside the search for it; an interrupt ends the attempts. What
// it returns is always a script: an explanation is comments, and fails, because a file of
// comments would pass as a test that the flaw is gone.
func replayed(c *call, scripts []string, shrunk *explore.Shrunk) (string, error) {
	var first error
	for _, script := range scripts {
		err := replay(c, script)
		if err == nil {
			return script, nil
		}
		if stopped := interp.RunOf(c.Thread).Stopped(); stopped != nil {
			return "", stopped
		}
		if first == nil {
			first = err
		}
	}
	text := fmt.Sprintf("# no script plays this scenario again: %s\n# its steps are:\n", strings.ReplaceAll(first.Error(), "\n", "\n# "))
	for _, step := range stepsTo(shrunk.World) {
		text += "#   " + step.Text() + "\n"
	}
	return text + "fail(\"no script plays this scenario again\")\n", nil
}

// replay runs a script that shrink wrote, by itself, and reports if it does not end as a
// check that does not hold. It runs in an interpreter of its own, with the modules,
// protocols and limits of this one but without anything by which it could be noticed: no
// output, no files, no reports. Modules are loaded from the folder of the script that is
// running.
func replay(c *call, script string) error {
	config := interpreter(c).config
	config.Stdout, config.Report, config.Progress, config.WriteDir = nil, nil, nil, ""
	again, err := New(config)
	if err != nil {
		return err
	}
	err = again.exec(func() error {
		return again.scripts.ExecIn(interp.ContextOf(c.Thread), interp.RunOf(c.Thread).Dir(), "shrunk.star", script)
	})
	var failed *CheckFailed
	switch {
	case errors.As(err, &failed):
		return nil
	case err != nil:
		return err
	}
	return errors.New("run by itself, it shows nothing wrong")
}

// played returns the world in which a scenario ends. Here a step that cannot happen is an
// error, because a scenario that stops short of the violation is not the one that was
// meant. The session does not move.
func played(c *call, scenario starlark.Value) (*runtime.World, error) {
	switch scenario := scenario.(type) {
	case *worldValue:
		return scenario.World, nil
	case scenarioValue:
		w, err := worldOf(c)
		if err != nil {
			return nil, err
		}
		for _, step := range scenario {
			if w, err = w.DoContext(interp.ContextOf(c.Thread), step); err != nil {
				return nil, err
			}
		}
		return w, nil
	case starlark.NoneType:
		return nil, fmt.Errorf("shrink: scenario is None; a report that found nothing has no counterexample")
	}
	return nil, fmt.Errorf("shrink: scenario is %s, want a world, as in shrink(report.counterexample, …), a report, or steps", article(scenario))
}

// A shrunkValue is a scenario from which nothing can be taken away, in a script. As a text
// it is a script that plays it, so that print(shrink(…)) > file.star is a test.
type shrunkValue struct {
	*explore.Shrunk
	script string
}

func (s *shrunkValue) String() string        { return strings.TrimSuffix(s.script, "\n") }
func (s *shrunkValue) Type() string          { return "shrunk" }
func (s *shrunkValue) Freeze()               {}
func (s *shrunkValue) Truth() starlark.Bool  { return true }
func (s *shrunkValue) Hash() (uint32, error) { return 0, fmt.Errorf("unhashable type: shrunk") }

// AttrNames implements [starlark.HasAttrs].
func (s *shrunkValue) AttrNames() []string { return sortedKeys(shrunkAttrs) }

// Attr implements [starlark.HasAttrs].
func (s *shrunkValue) Attr(name string) (starlark.Value, error) {
	if attr := shrunkAttrs[name]; attr != nil {
		return attr(s), nil
	}
	return nil, nil
}

var shrunkAttrs = map[string]func(*shrunkValue) starlark.Value{
	"world":  func(s *shrunkValue) starlark.Value { return &worldValue{World: s.World} },
	"steps":  func(s *shrunkValue) starlark.Value { return stepsTo(s.World) },
	"script": func(s *shrunkValue) starlark.Value { return starlark.String(s.script) },
	"property": func(s *shrunkValue) starlark.Value {
		if s.Failure != nil {
			return starlark.None
		}
		return starlark.String(s.Property)
	},
	"why":   func(s *shrunkValue) starlark.Value { return starlark.String(s.Why) },
	"tried": func(s *shrunkValue) starlark.Value { return starlark.MakeInt(s.Tried) },
}
