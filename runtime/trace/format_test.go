package trace_test

import (
	"strings"
	"testing"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/internal/simtest"
	"github.com/twinsh/twinsh/runtime/trace"
)

// Of a format that does not exist each question has an answer, and rendering is refused.
func TestUnknownFormat(t *testing.T) {
	for _, f := range []trace.Format{"", "svg", "JSON"} {
		if f.Known() || f.About() != "" || f.Ending() != "" || f.Drawn() || f.Finds() || f.Recognizes([]byte("{}")) {
			t.Errorf("%q is known", f)
		}
		if _, err := inversion(t).Render(f, trace.Options{}); err == nil || !strings.Contains(err.Error(), "only storyboard") {
			t.Errorf("%q: error %v", f, err)
		}
	}
}

// A heading is written whole where the terminal has room for it, however few lanes there are.
func TestHeadingsAreWiderThanFewLanes(t *testing.T) {
	c, err := runtime.NewCluster(runtime.Config{Protocol: simtest.Sayers(struct{}{}), N: 2, F: 0})
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Step(runtime.PartitionStep{Groups: [][]string{{"A"}, {"B"}}})
	if err != nil {
		t.Fatal(err)
	}
	w, err := c.Start().Do(s)
	if err != nil {
		t.Fatal(err)
	}
	tr := trace.Of(w)
	for _, width := range []int{40, 80} {
		picture := trace.Diagram(tr, trace.Options{Width: width})
		if !strings.Contains(picture, tr.Steps[0].Call) {
			t.Errorf("%q is not whole in %d columns:\n%s", tr.Steps[0].Call, width, picture)
		}
	}
	// What does not fit into the terminal is cut.
	for _, line := range strings.Split(trace.Diagram(tr, trace.Options{Width: 12}), "\n") {
		if len([]rune(line)) > 12 {
			t.Errorf("%q is longer than 12 columns", line)
		}
	}
}
