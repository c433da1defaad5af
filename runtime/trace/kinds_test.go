package trace

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/internal/simtest"
)

// Each kind of step that a simulation has is in the table, and no other is.
func TestEachKindHasAMeaning(t *testing.T) {
	c, err := runtime.NewCluster(runtime.Config{Protocol: simtest.Sayers(struct{}{}), N: 2, F: 0})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.ParseStep("?")
	_, list, ok := strings.Cut(err.Error(), "there are ")
	if !ok {
		t.Fatalf("a step of an unknown kind is refused without a list of those that there are: %v", err)
	}
	want := strings.Split(list, ", ")
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(meanings)); !slices.Equal(got, want) {
		t.Errorf("the table knows %q, and the simulation has %q", got, want)
	}
}
