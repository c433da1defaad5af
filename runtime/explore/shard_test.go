package explore_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/twinsh/twinsh/runtime/explore"
)

// The reports of all shards, written down and read again, add up to the report
// of the whole search.
func TestShardsAddUp(t *testing.T) {
	for _, count := range []int{1, 2, 3, 7, 50} {
		s, o := storeSpace(t, 5)
		want := mustExplore(t, context.Background(), s, o)
		var reports []*explore.Saved
		for i := range count {
			s, o := storeSpace(t, 5)
			o.Shard = explore.Shard{Index: i, Count: count}
			data, err := json.Marshal(mustExplore(t, context.Background(), s, o).Save())
			if err != nil {
				t.Fatal(err)
			}
			r, err := explore.ReadSaved(data)
			if err != nil {
				t.Fatal(err)
			}
			reports = append(reports, r)
		}
		slices.Reverse(reports)
		got, err := explore.Merge(reports)
		if err != nil {
			t.Fatal(err)
		}
		if got.Worlds < want.Worlds {
			t.Errorf("%d shards searched %d worlds, the whole has %d", count, got.Worlds, want.Worlds)
		}
		got.Worlds, got.Steps, got.Runs = want.Worlds, want.Steps, want.Runs
		if got.Text() != want.Text() {
			t.Errorf("%d shards:\n%s\nwhole:\n%s", count, got.Text(), want.Text())
		}
		if g, w := strings.Join(got.Counterexample, "\n")+"\n", pathOf(want.Counterexample); g != w {
			t.Errorf("%d shards find\n%s\nthe whole\n%s", count, g, w)
		}
	}
}

func TestMergeRefuses(t *testing.T) {
	report := func(length, index, count int) *explore.Saved {
		s, o := storeSpace(t, length)
		o.Shard = explore.Shard{Index: index, Count: count}
		return mustExplore(t, context.Background(), s, o).Save()
	}
	for _, tc := range []struct {
		want    string
		reports []*explore.Saved
	}{
		{"no reports", nil},
		{"1 reports are given of a search in 2 shards", []*explore.Saved{report(3, 0, 2)}},
		{"shard 1/2 is missing", []*explore.Saved{report(3, 0, 2), report(3, 0, 2)}},
		{"different searches", []*explore.Saved{report(3, 0, 2), report(2, 1, 2)}},
	} {
		if _, err := explore.Merge(tc.reports); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("got %v, want an error with %q", err, tc.want)
		}
	}
	for _, data := range []string{"", "{}", `{"Version": 1}`, `{"Version": 2}`, "null"} {
		if _, err := explore.ReadSaved([]byte(data)); err == nil {
			t.Errorf("%q is read as a report", data)
		}
	}
}
