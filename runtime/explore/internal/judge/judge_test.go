package judge

import (
	"context"
	"testing"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/internal/simtest"
	"github.com/twinsh/twinsh/runtime/node"
)

// What a judge remembers of pasts and of worlds is a part of the memory that it counts.
func TestMemoryIsCounted(t *testing.T) {
	start := simtest.Cluster(t, runtime.Config{Protocol: simtest.Mute{}, N: 1}).Start()
	step, err := start.Cluster().Step(runtime.CrashStep{ID: "A"})
	if err != nil {
		t.Fatal(err)
	}
	crashed, err := start.Do(step)
	if err != nil {
		t.Fatal(err)
	}
	holds := check.Invariant("holds", func(context.Context, *runtime.World) (bool, string, error) { return true, "", nil })
	decided := runtime.History{Events: []runtime.Observed{{Step: 1, Observation: node.Observation{Kind: node.Decided, Value: "x"}}}}
	for _, test := range []struct {
		what       string
		properties []check.Property
		invariants []check.WorldProperty
		grow       func(j *Judge) error
	}{
		{"pasts", []check.Property{check.Agreement()}, nil, func(j *Judge) error {
			_, err := j.monitors.past(t.Context(), decided, check.Past{})
			return err
		}},
		{"worlds", nil, []check.WorldProperty{holds}, func(j *Judge) error {
			_, err := j.World(t.Context(), j.Verdict(0), start.Vector(), start.Vector())
			return err
		}},
		{"steps", nil, []check.WorldProperty{check.StepInvariant(-1, "fine", func(context.Context, *runtime.World, *runtime.World) (check.Verdict, error) {
			return check.Verdict{Holds: true}, nil
		})}, func(j *Judge) error {
			_, err := j.World(t.Context(), j.Verdict(0), start.Vector(), crashed.Vector())
			return err
		}},
	} {
		j := New(start, test.properties, test.invariants, 0)
		was := j.Bytes()
		if err := test.grow(j); err != nil || j.Bytes() <= was {
			t.Errorf("%s: %d bytes are counted after %d, %v", test.what, j.Bytes(), was, err)
		}
	}
}
