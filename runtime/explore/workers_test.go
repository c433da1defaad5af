package explore_test

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/twinsh/twinsh/kvproto"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/explore"
	"github.com/twinsh/twinsh/runtime/internal/simtest"
)

// A summary is a report without what may differ between equal searches, and
// with worlds as steps.
type summary struct {
	report         explore.Report
	counterexample []string
	found          [][]string // the counterexamples to all that was found
	passing        [][]string
	text           string
}

func summarize(r *explore.Report) summary {
	s := summary{report: *r, text: r.Text()}
	if r.Counterexample() != nil {
		s.counterexample = simtest.Texts(r.Counterexample())
	}
	for _, w := range r.Passing {
		s.passing = append(s.passing, simtest.Texts(w))
	}
	s.report.Violations, s.report.Failures = slices.Clone(r.Violations), slices.Clone(r.Failures)
	for i, v := range r.Violations {
		s.found = append(s.found, simtest.Texts(v.Counterexample))
		s.report.Violations[i].Counterexample = nil
	}
	for i, f := range r.Failures {
		s.found = append(s.found, simtest.Texts(f.Counterexample))
		s.report.Failures[i].Counterexample = nil
	}
	s.report.Elapsed, s.report.Memory, s.report.Workers = 0, 0, 0
	s.report.Passing = nil
	explore.ForgetFingerprint(&s.report)
	return s
}

// Reports tell the same whatever the number of workers, and from run to run,
// although the workers race each other to each world.
func TestWorkersDoNotMatter(t *testing.T) {
	clients := []runtime.Client{runs("c1", red), runs("c2", blue), runs("c3", read(), read())}
	runs := 4
	if testing.Short() {
		runs = 1
	}
	for _, test := range []struct {
		name       string
		options    kvproto.Options
		properties []check.Property
		invariants []check.WorldProperty
		first      bool
	}{
		{name: "correct", properties: []check.Property{check.Linearizable()}},
		{name: "no write-back", options: kvproto.Options{WriteBack: kvproto.Off}, properties: properties()},
		{name: "no version check, first", options: kvproto.Options{VersionCheck: kvproto.Off}, properties: properties(), first: true},
		{name: "quorum 2", options: kvproto.Options{Quorum: 2}, properties: properties()},
		{name: "invariants", properties: properties(), invariants: []check.WorldProperty{neverShows("B", "blue"), neverShows("c3", "2/3"), keepsShowing("B", "red")}},
		{name: "a property without a monitor", options: kvproto.Options{WriteBack: kvproto.Off},
			properties: []check.Property{plain{check.Linearizable()}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var want summary
			for run := range runs {
				for _, workers := range []int{1, 2, 3, 7} {
					s := newStage(t, twinned(four(test.options, clients...), "C"))
					of := simtest.EitherOf(s.Exchanges("c1 c2 c3", s.Reaches("A", "B C'", "A B C", "B C' D", "A C C' D")), s.Of("restart c1")).Times(7)
					got := summarize(s.exploresWith(of, explore.Options{
						Properties: test.properties, Invariants: test.invariants, First: test.first, Workers: workers,
					}))
					if run == 0 && workers == 1 {
						want = got
						continue
					}
					if !reflect.DeepEqual(got, want) {
						t.Fatalf("%d workers, run %d:\n%s\n%q\n%q\nwant\n%s\n%q\n%q", workers, run,
							got.text, got.counterexample, got.passing, want.text, want.counterexample, want.passing)
					}
				}
			}
			if want.report.Worlds < 2000 {
				t.Errorf("only %d worlds: one worker takes them all", want.report.Worlds)
			}
		})
	}
}

// plain hides that a property has a monitor.
type plain struct{ check.Property }

// neverShows says that the state of an instance never shows a word.
func neverShows(id, word string) check.WorldProperty {
	name := fmt.Sprintf("%s never shows %s", id, word)
	return check.Invariant(name, func(_ context.Context, w *runtime.World) (bool, string, error) {
		i, err := w.Cluster().Instance(id)
		if err != nil {
			return false, "", err
		}
		shown := w.Summary(i)
		return !strings.Contains(shown, word), fmt.Sprintf("%s shows %q", id, shown), nil
	})
}

// keepsShowing says that no step takes a word from the state of an instance.
func keepsShowing(id, word string) check.WorldProperty {
	shows := neverShows(id, word)
	return check.StepInvariant(-1, fmt.Sprintf("%s keeps showing %s", id, word), func(ctx context.Context, before, after *runtime.World) (check.Verdict, error) {
		was, err := shows.JudgeWorld(ctx, before)
		if err != nil {
			return check.Verdict{}, err
		}
		is, err := shows.JudgeWorld(ctx, after)
		return check.Verdict{Holds: was.Holds || !is.Holds, Why: id + " does not show it any more"}, err
	})
}
