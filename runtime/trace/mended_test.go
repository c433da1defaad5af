package trace_test

import (
	"testing"

	"github.com/twinsh/twinsh/kvproto"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/trace"
)

// A partition says so if it ends cuts that were made before, and only then.
func TestPartitionsThatEndCuts(t *testing.T) {
	c, err := runtime.NewCluster(runtime.Config{Protocol: kvproto.New(kvproto.Options{}), N: 3, F: 1, Clients: []runtime.Client{{Name: "c1"}}})
	if err != nil {
		t.Fatal(err)
	}
	must := func(s runtime.Step, err error) runtime.Step {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	cut := func(src, dst string) runtime.Step { return must(c.Step(runtime.CutStep{Src: src, Dst: dst})) }
	parts := func(groups ...[]string) runtime.Step { return must(c.Step(runtime.PartitionStep{Groups: groups})) }
	first, second := parts([]string{"A", "B"}, []string{"C"}), parts([]string{"A"}, []string{"B", "C"})
	for _, test := range []struct {
		name  string
		steps []runtime.Step
		ends  bool
	}{
		{"nothing before", []runtime.Step{first}, false},
		{"a partition before", []runtime.Step{second, first}, false},
		{"a cut within a part", []runtime.Step{cut("A", "B"), first}, true},
		{"a cut of a client", []runtime.Step{cut("c1", "C"), first}, true},
		{"a cut that the parts take over", []runtime.Step{cut("A", "C"), first}, false},
		{"a cut that was healed", []runtime.Step{cut("A", "B"), must(c.Step(runtime.HealStep{})), first}, false},
		{"a cut after another partition", []runtime.Step{first, cut("A", "B"), first}, true},
	} {
		w := c.Start()
		for _, s := range test.steps {
			if w, err = w.Do(s); err != nil {
				t.Fatal(err)
			}
		}
		steps := trace.Of(w).Steps
		want := "partition A B | C"
		if test.ends {
			want += "; earlier cuts end"
		}
		if got := steps[len(steps)-1].Title; got != want {
			t.Errorf("%s: %q, want %q", test.name, got, want)
		}
	}
}
