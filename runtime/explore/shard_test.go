package explore_test

import (
	"bytes"
	"context"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/english"
	"github.com/twinsh/twinsh/runtime/explore"
	"github.com/twinsh/twinsh/runtime/node"
	"github.com/twinsh/twinsh/runtime/space"
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
			data, err := explore.EncodeReports([]*explore.Saved{mustExplore(t, context.Background(), s, o).Save()}, &explore.Ending{Status: 1})
			if err != nil {
				t.Fatal(err)
			}
			r, _, err := explore.DecodeReports(data)
			if err != nil {
				t.Fatal(err)
			}
			reports = append(reports, r...)
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
		if g, w := strings.Join(got.Counterexample, "\n")+"\n", pathOf(want.Counterexample()); g != w {
			t.Errorf("%d shards find\n%s\nthe whole\n%s", count, g, w)
		}
	}
}

// A scenario that violates one property goes on for the others. The shortest
// beginnings of such scenarios may have been found before the work was shared out,
// and then other shards go on with them, or the search may stop before it has
// judged any to its end. Its report has more of the shortest than of scenarios,
// can be read back all the same, and says no less than it knows.
func TestShortestOfScenariosUnderWay(t *testing.T) {
	whole := func() (*space.Space, explore.Options) {
		s, o := storeSpace(t, 5)
		o.Properties = append(o.Properties, check.Agreement()) // holds, so no scenario is over
		return s, o
	}
	s, o := whole()
	want := mustExplore(t, context.Background(), s, o)
	read := func(o explore.Options) *explore.Saved {
		t.Helper()
		s, fresh := whole()
		o.Start, o.Properties = fresh.Start, fresh.Properties
		data, err := explore.EncodeReports([]*explore.Saved{mustExplore(t, context.Background(), s, o).Save()}, &explore.Ending{Status: 1})
		if err != nil {
			t.Fatal(err)
		}
		r, _, err := explore.DecodeReports(data)
		if err != nil {
			t.Fatal(err)
		}
		return r[0]
	}
	moreShortest := func(s *explore.Saved) bool {
		return len(s.Violations) == 1 && s.Violations[0].Shortest.Cmp(s.Violations[0].Scenarios) > 0
	}
	const count = 60 // there are worlds enough for so many when the first has been found
	var reports []*explore.Saved
	for i := range count {
		reports = append(reports, read(explore.Options{Shard: explore.Shard{Index: i, Count: count}}))
	}
	if !moreShortest(reports[0]) {
		t.Fatalf("this tests something else: the first shard has %+v", reports[0].Violations)
	}
	got, err := explore.Merge(reports)
	if err != nil {
		t.Fatal(err)
	}
	got.Worlds, got.Steps, got.Runs = want.Worlds, want.Steps, want.Runs
	if got.Text() != want.Text() {
		t.Errorf("shards:\n%s\nwhole:\n%s", got.Text(), want.Text())
	}
	// What the shards have must add up.
	short := *reports[0]
	short.Violations = slices.Clone(short.Violations)
	short.Violations[0].Shortest = short.Size
	if _, err := explore.Merge(append([]*explore.Saved{&short}, reports[1:]...)); err == nil || !strings.Contains(err.Error(), "do not add up") {
		t.Errorf("with too many shortest: %v", err)
	}
	for _, s := range []*explore.Saved{read(explore.Options{First: true}), read(explore.Options{MaxWorlds: want.Worlds / 2})} {
		if !moreShortest(s) {
			t.Fatalf("this tests something else: %+v", s.Violations)
		}
		if least := "at least " + english.Grouped(s.Violations[0].Shortest) + " scenarios"; !strings.Contains(s.Text(), least) {
			t.Errorf("it does not say %q:\n%s", least, s.Text())
		}
	}
}

// What several shards find after as many steps stands in the order in which a
// whole search finds it: violations in that of the properties, failures in that
// of what they say, whichever shard comes first. The first of them is shown.
func TestOrderOfFindingsInShards(t *testing.T) {
	shards := func() []*explore.Saved {
		var saved []*explore.Saved
		for i := range 2 {
			s, o := storeSpace(t, 3)
			o.Properties = append([]check.Property{check.Agreement()}, o.Properties...)
			o.Shard = explore.Shard{Index: i, Count: 2}
			saved = append(saved, mustExplore(t, context.Background(), s, o).Save())
		}
		return saved
	}
	one := big.NewInt(1)
	violated := func(s *explore.Saved, property string) {
		s.Violations = append(s.Violations, explore.Violation{Property: property, Length: 3, Shortest: one, Scenarios: one})
	}
	failed := func(s *explore.Saved, message string) {
		s.Failures = append(s.Failures, explore.Failing{Instance: "A", Failure: node.Failure{Message: message}, Length: 3, Shortest: one, Scenarios: one})
	}
	for name, find := range map[string]func(first, second *explore.Saved){
		"violations": func(first, second *explore.Saved) { violated(first, "linearizable"); violated(second, "agreement") },
		"failures":   func(first, second *explore.Saved) { failed(first, "no"); failed(second, "a") },
		"both":       func(first, second *explore.Saved) { failed(first, "a"); violated(second, "agreement") },
	} {
		saved := shards()
		find(saved[0], saved[1])
		saved[0].Counterexample, saved[1].Counterexample = []string{"x", "x", "x"}, []string{"y", "y", "y"}
		got, err := explore.Merge(saved)
		if err != nil {
			t.Fatal(err)
		}
		var found []string
		for _, v := range got.Violations {
			found = append(found, v.Property)
		}
		for _, f := range got.Failures {
			found = append(found, f.Failure.Message)
		}
		want := map[string]string{"violations": "agreement linearizable", "failures": "a no", "both": "agreement a"}[name]
		if strings.Join(found, " ") != want || got.Counterexample[0] != "y" {
			t.Errorf("%s: it finds %q and shows %s, want %q and what the second found", name, found, got.Counterexample, want)
		}
	}
}

// Two properties of one name are two, in the report of the whole and in those of
// shards.
func TestPropertiesOfOneName(t *testing.T) {
	search := func(shard explore.Shard) *explore.Report {
		s, o := storeSpace(t, 4)
		holds := check.Invariant("linearizable", func(context.Context, *runtime.World) (bool, string, error) { return true, "", nil })
		o.Properties, o.Invariants, o.Shard = append(o.Properties, check.Linearizable()), []check.WorldProperty{holds}, shard
		return mustExplore(t, context.Background(), s, o)
	}
	want := search(explore.Shard{})
	for _, text := range []string{"linearizable VIOLATED", "linearizable (2) VIOLATED", "linearizable (3) holds"} {
		if !strings.Contains(want.Text(), text) {
			t.Errorf("it does not say %q:\n%s", text, want.Text())
		}
	}
	const count = 3
	var saved []*explore.Saved
	for i := range count {
		saved = append(saved, search(explore.Shard{Index: i, Count: count}).Save())
	}
	data, err := explore.EncodeReports(saved, &explore.Ending{Status: 1})
	if err != nil {
		t.Fatal(err)
	}
	if saved, _, err = explore.DecodeReports(data); err != nil {
		t.Fatal(err)
	}
	got, err := explore.Merge(saved)
	if err != nil {
		t.Fatal(err)
	}
	got.Worlds, got.Steps, got.Runs = want.Worlds, want.Steps, want.Runs
	if got.Text() != want.Text() {
		t.Errorf("shards:\n%s\nwhole:\n%s", got.Text(), want.Text())
	}
}

// What does not go with a shard is named.
func TestShardOptions(t *testing.T) {
	for want, set := range map[string]func(*explore.Options){
		"cannot stop at the first violation": func(o *explore.Options) { o.First = true },
		"a shard has no checkpoint":          func(o *explore.Options) { o.Checkpoint = "here.twins" },
	} {
		s, o := storeSpace(t, 2)
		o.Shard = explore.Shard{Index: 1, Count: 2}
		set(&o)
		if _, err := explore.Explore(context.Background(), s, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
}

func TestMergeRefuses(t *testing.T) {
	report := func(length, index, count int) *explore.Saved {
		s, o := storeSpace(t, length)
		o.Shard = explore.Shard{Index: index, Count: count}
		return mustExplore(t, context.Background(), s, o).Save()
	}
	named := func(file string, r *explore.Saved) *explore.Saved {
		r.File = file
		return r
	}
	first, second := report(3, 0, 1), report(3, 0, 1) // each is the whole
	first.Shard, second.Shard = explore.Shard{Index: 0, Count: 2}, explore.Shard{Index: 1, Count: 2}
	for _, tc := range []struct {
		want    string
		reports []*explore.Saved
	}{
		{"the shards cover", []*explore.Saved{first, second}},
		{"no reports", nil},
		{"of the 3 shards of this search there is no report of 1/3, 3/3", []*explore.Saved{report(3, 1, 3)}},
		{"x.json (shard 1/2) and y.json (shard 1/2) are the same shard", []*explore.Saved{named("x.json", report(3, 0, 2)), named("y.json", report(3, 0, 2))}},
		{"are of different searches", []*explore.Saved{report(3, 0, 2), report(2, 1, 2)}},
		{"x.json (shard 1/3) and y.json (shard 2/4) are of different numbers", []*explore.Saved{
			named("x.json", report(3, 0, 3)), named("y.json", report(3, 1, 4)), named("z.json", report(3, 2, 3))}},
		{"a report without shards and shard 2/2 are of different numbers", []*explore.Saved{report(3, 1, 2), report(3, 0, 0)}},
	} {
		if _, err := explore.Merge(tc.reports); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("got %v, want an error with %q", err, tc.want)
		}
	}
}

// A report of one process is the whole, and says the same when it is read back: that
// symmetry was checked on a sample, too, or could not be used.
func TestMergeOfOne(t *testing.T) {
	for _, tc := range []struct {
		least  int // with fewer than three servers in reach there is no symmetry
		mode   explore.Symmetry
		length int
		says   string
	}{
		{3, explore.Never, 3, "holds"},
		{3, explore.Always, 3, "renamings"},
		{3, explore.Sampled, 3, "was checked on a sample"},
		{1, explore.Always, 4, "symmetry   not used"},
	} {
		s, o := storeWithin(t, tc.least, tc.length)
		o.Symmetry = tc.mode
		r := mustExplore(t, context.Background(), s, o)
		if !strings.Contains(r.Text(), tc.says) {
			t.Fatalf("this tests something else, without %q:\n%s", tc.says, r.Text())
		}
		mergedIsWhole(t, r)
	}
}

// mergedIsWhole writes a report down, reads it and merges it.
func mergedIsWhole(t *testing.T, r *explore.Report) {
	t.Helper()
	data, err := explore.EncodeReports([]*explore.Saved{r.Save()}, new(explore.Ending))
	if err != nil {
		t.Fatal(err)
	}
	saved, _, err := explore.DecodeReports(data)
	if err != nil {
		t.Fatal(err)
	}
	merged, err := explore.Merge(saved)
	if err != nil {
		t.Fatal(err)
	}
	if merged.Text() != r.Text() {
		t.Errorf("merged:\n%s\nwant:\n%s", merged.Text(), r.Text())
	}
}

// Figures that no search can have are refused, and so is what was cut or changed.
func TestImpossibleReports(t *testing.T) {
	s, o := storeSpace(t, 4)
	good := mustExplore(t, context.Background(), s, o).Save()
	if len(good.Violations) != 1 {
		t.Fatal("this tests something else")
	}
	big1 := big.NewInt(1)
	failing := func(damage func(*explore.Saved, *explore.Failing)) func(*explore.Saved) {
		return func(s *explore.Saved) {
			f := explore.Failing{Instance: "A", Length: 1, Shortest: big1, Scenarios: big1}
			damage(s, &f)
			s.Failures = []explore.Failing{f}
		}
	}
	for _, tc := range []struct {
		what, want string
		damage     func(*explore.Saved)
	}{
		{"covered > size", "scenarios are covered, and there are", func(s *explore.Saved) { s.Covered = new(big.Int).Add(s.Size, big1) }},
		{"covered < size", "the shards cover", func(s *explore.Saved) { s.Covered = new(big.Int).Sub(s.Size, big1) }},
		{"no size", "a number of scenarios is missing or negative", func(s *explore.Saved) { s.Size = nil }},
		{"negative size", "a number of scenarios is missing or negative", func(s *explore.Saved) { s.Size = big.NewInt(-1) }},
		{"progress > covered", "made progress, of", func(s *explore.Saved) { s.Progressed = new(big.Int).Add(s.Covered, big1) }},
		{"ended early > covered", "ended early and", func(s *explore.Saved) { s.EndedEarly = new(big.Int).Add(s.Covered, big1) }},
		{"negative worlds", "cannot be", func(s *explore.Saved) { s.Worlds = -7 }},
		{"worlds > steps", "worlds were gone on from in", func(s *explore.Saved) { s.Worlds, s.Steps = s.Steps, s.Worlds }},
		{"negative runs", "handler runs, depth", func(s *explore.Saved) { s.Runs = -1 }},
		{"negative depth", "cannot be", func(s *explore.Saved) { s.Depth = -1 }},
		{"no renamings", "0 renamings cannot be", func(s *explore.Saved) { s.Renamings = 0 }},
		{"violations > covered", "do not fit together", func(s *explore.Saved) { s.Violations[0].Scenarios = new(big.Int).Add(s.Covered, big1) }},
		{"no violating scenarios", "do not fit together", func(s *explore.Saved) { s.Violations[0].Scenarios = new(big.Int) }},
		{"shortest > scenarios", "do not fit together", func(s *explore.Saved) { s.Violations[0].Shortest = new(big.Int).Add(s.Violations[0].Scenarios, big1) }},
		{"no shortest", "do not fit together", func(s *explore.Saved) { s.Violations[0].Shortest = nil }},
		{"length > depth", "is violated after 99 steps, and", func(s *explore.Saved) { s.Violations[0].Length = 99 }},
		{"two of one property", "are given twice", func(s *explore.Saved) { s.Violations = append(s.Violations, s.Violations[0]) }},
		{"a counterexample too short", "but the counterexample has 1", func(s *explore.Saved) { s.Counterexample = s.Counterexample[:1] }},
		{"a counterexample to nothing", "but nothing is violated", func(s *explore.Saved) { s.Violations = nil }},
		{"another kind", "a report of kind \"sample\"", func(s *explore.Saved) { s.Kind = "sample" }},
		{"no fingerprint", "0 marks of its search", func(s *explore.Saved) { s.Search = nil }},
		{"shard 3 of 2", "there is no shard 3 of 2", func(s *explore.Saved) { s.Shard = explore.Shard{Index: 2, Count: 2} }},
		{"no shortest failing", "in which the code of A fails do not fit together", failing(func(s *explore.Saved, f *explore.Failing) { f.Shortest = nil })},
		{"no failing scenarios", "in which the code of A fails do not fit together", failing(func(s *explore.Saved, f *explore.Failing) { f.Scenarios = nil })},
		{"shortest failing > failing", "in which the code of A fails do not fit together", failing(func(s *explore.Saved, f *explore.Failing) { f.Shortest = new(big.Int).Add(f.Scenarios, big1) })},
		{"negative shortest failing", "in which the code of A fails do not fit together", failing(func(s *explore.Saved, f *explore.Failing) { f.Shortest = big.NewInt(-1) })},
		{"failing > covered", "in which the code of A fails do not fit together", failing(func(s *explore.Saved, f *explore.Failing) { f.Scenarios = new(big.Int).Add(s.Covered, big1) })},
		{"failing after too many steps", "in which the code of A fails do not fit together", failing(func(s *explore.Saved, f *explore.Failing) { f.Length = 99 })},
		{"failing after less than none", "in which the code of A fails do not fit together", failing(func(s *explore.Saved, f *explore.Failing) { f.Length = -1 })},
	} {
		bad := *good
		bad.Violations = slices.Clone(good.Violations)
		tc.damage(&bad)
		data, err := explore.EncodeReports([]*explore.Saved{&bad}, new(explore.Ending))
		if err != nil {
			t.Fatal(err)
		}
		reports, _, err := explore.DecodeReports(data)
		if err == nil {
			_, err = explore.Merge(reports)
		}
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want an error with %q", tc.what, err, tc.want)
		}
	}
	whole, err := explore.EncodeReports([]*explore.Saved{good}, &explore.Ending{Status: 1})
	if err != nil {
		t.Fatal(err)
	}
	open, _ := explore.EncodeReports([]*explore.Saved{good}, nil)
	none, _ := explore.EncodeReports(nil, new(explore.Ending))
	failed, _ := explore.EncodeReports([]*explore.Saved{good}, &explore.Ending{Status: 2})
	for want, data := range map[string][]byte{
		"is empty": nil, "holds no reports": []byte("x = 1\n"), "holds no report:": none,
		"still running": open, "ended with status 2": failed, "this version": []byte("twinsh reports 3\n{}\n"),
		"checksum is wrong": bytes.Replace(whole, []byte("status 1"), []byte("status 0"), 1),
		"cut off":           whole[:len(whole)/2],
	} {
		if _, _, err := explore.DecodeReports(data); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
	// How the scripts ended is read back as it was written.
	for _, end := range []explore.Ending{{}, {Status: 1}, {Status: 1, Early: true}} {
		data, _ := explore.EncodeReports([]*explore.Saved{good}, &end)
		if _, got, err := explore.DecodeReports(data); err != nil || got != end {
			t.Errorf("got %v and %v, want %v", got, err, end)
		}
	}
	for want, damage := range map[string][2]string{
		"something follows the report": {"}\n", "} {}\n"},
		"unknown field":                {`{"Search"`, `{"Seek":1,"Search"`},
	} {
		body := bytes.Replace(whole[:bytes.LastIndex(whole, []byte("scripts ended"))], []byte(damage[0]), []byte(damage[1]), 1)
		if _, _, err := explore.DecodeReports(explore.Seal(body, 1)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
	// Any damage is noticed.
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		damaged := bytes.Clone(whole)
		if at := rng.IntN(len(damaged)); rng.IntN(3) == 0 {
			damaged = damaged[:at]
		} else {
			damaged[at] ^= 1 << rng.IntN(8)
		}
		if _, _, err := explore.DecodeReports(damaged); err == nil {
			t.Errorf("damaged, it is taken:\n%s", damaged)
		}
	}
	// Damage with a checksum that was made right is an error, or harmless.
	body := whole[:bytes.LastIndex(whole, []byte("scripts ended"))]
	for range 300 {
		damaged := bytes.Clone(body)
		for range 1 + rng.IntN(3) {
			damaged[rng.IntN(len(damaged))] ^= 1 << rng.IntN(8)
		}
		damaged = explore.Seal(damaged, 1)
		if reports, _, err := explore.DecodeReports(damaged); err == nil {
			_, _ = explore.Merge(reports) // which must not panic
		}
	}
}

func FuzzDecodeReports(f *testing.F) {
	f.Add([]byte("twinsh reports 4\n{}\n"))
	f.Add([]byte("twinsh reports 4\n{\"Size\":1,\"Covered\":1}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if reports, _, err := explore.DecodeReports(explore.Seal(data, 0)); err == nil {
			for _, r := range reports {
				if whole, err := explore.Merge([]*explore.Saved{r}); err == nil {
					whole.Text()
				}
			}
		}
	})
}
