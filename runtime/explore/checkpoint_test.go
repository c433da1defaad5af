package explore_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twinsh/twinsh/kvproto"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/explore"
	"github.com/twinsh/twinsh/runtime/files"
	"github.com/twinsh/twinsh/runtime/internal/simtest/store"
	"github.com/twinsh/twinsh/runtime/node"
	"github.com/twinsh/twinsh/runtime/space"
)

// storeSpace is a space of the store without write-back, large enough for
// several layers, in which clients reach up to three servers.
func storeSpace(t testing.TB, length int) (*space.Space, explore.Options) {
	t.Helper()
	return storeWithin(t, 1, length)
}

// storeWithin is storeSpace with reaches of at least so many servers. If there are
// three, clients treat servers the same; if fewer, they may hear more than they
// wait for, and then they do not.
func storeWithin(t testing.TB, least, length int) (*space.Space, explore.Options) {
	t.Helper()
	s := store.On(t, "write_back=false twin=C c1=(write red) c2=(read, read)")
	of := s.Exchanges("c1 c2", s.Subsets(least, 3)).Times(length)
	return of, explore.Options{Start: s.Start(), Properties: []check.Property{check.Linearizable()}}
}

func mustExplore(t *testing.T, ctx context.Context, s *space.Space, o explore.Options) *explore.Report {
	t.Helper()
	r, err := explore.Explore(ctx, s, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// pathOf lists the steps of a counterexample.
func pathOf(w *runtime.World) string {
	var b strings.Builder
	for _, v := range w.Path()[1:] {
		b.WriteString(v.Step().String() + "\n")
	}
	return b.String()
}

// A search that is stopped again and again, each time a little later, and goes
// on from its checkpoint ends as one that was left alone. Each time it runs in a
// cluster of its own, which has learnt nothing: as after a kill.
func TestInterruptedAndResumedIsUninterrupted(t *testing.T) {
	for _, tc := range []struct {
		symmetry      explore.Symmetry
		least, length int
		renamings     int
	}{
		{explore.Never, 1, 5, 1},
		{explore.Auto, 1, 5, 1},
		{explore.Always, 1, 5, 1}, // it finds out that there is none
		{explore.Always, 3, 9, 6},
	} {
		search := func() (*space.Space, explore.Options) {
			s, o := storeWithin(t, tc.least, tc.length)
			o.Symmetry = tc.symmetry
			return s, o
		}
		s, o := search()
		want := mustExplore(t, context.Background(), s, o)
		if want.Renamings != tc.renamings {
			t.Errorf("%d renamings, want %d", want.Renamings, tc.renamings)
		}
		file := filepath.Join(t.TempDir(), "checkpoint")
		stops := 0
		for worlds := 2; ; worlds += 1 + worlds/4 {
			s, o := search()
			o.Checkpoint, o.Resume, o.MaxWorlds = file, true, worlds
			got := mustExplore(t, context.Background(), s, o)
			if got.Stopped != nil {
				stops++
				if got.Covered.Cmp(got.Size) >= 0 {
					t.Fatalf("stopped (%v), and all is covered", got.Stopped)
				}
				continue
			}
			if c := got.Continued; c == nil || !c.There || c.Steps == 0 || c.Of != tc.length {
				t.Errorf("it went on from %+v", c)
			}
			want.Runs, got.Continued = got.Runs, nil // of one cluster, and of the last of several
			if got.Text() != want.Text() {
				t.Errorf("resumed:\n%s\nuninterrupted:\n%s", got.Text(), want.Text())
			}
			if want.Counterexample() != nil {
				if g, w := pathOf(got.Counterexample()), pathOf(want.Counterexample()); g != w {
					t.Errorf("resumed finds\n%s\nuninterrupted\n%s", g, w)
				}
			}
			break
		}
		if stops < 2 {
			t.Errorf("the search was stopped %d times, which tests nothing", stops)
		}
	}
}

// What was violated before a checkpoint counts in the scenarios that go on from
// it, even if it holds again there.
func TestResumedAfterViolatedInvariant(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		start func(c *runtime.Cluster) *runtime.World
	}{
		{"on the way", (*runtime.Cluster).Start},
		{"at the start", func(c *runtime.Cluster) *runtime.World {
			crash, err := c.Step(runtime.CrashStep{ID: "A"})
			if err != nil {
				t.Fatal(err)
			}
			w, err := c.Start().Do(crash)
			if err != nil {
				t.Fatal(err)
			}
			return w
		}},
	} {
		search := func() (*space.Space, explore.Options) {
			s, o := storeWithin(t, 3, 1)
			c := o.Start.Cluster()
			var steps []runtime.Step
			for _, action := range []runtime.Action{runtime.CrashStep{ID: "A"}, runtime.RestartStep{ID: "A"}} {
				step, err := c.Step(action)
				if err != nil {
					t.Fatal(err)
				}
				steps = append(steps, step)
			}
			o.Start, o.Workers = tc.start(c), 1
			o.Invariants = []check.WorldProperty{check.Invariant("A is up", func(_ context.Context, w *runtime.World) (bool, string, error) {
				return w.Crashed() == 0, "", nil
			})}
			return space.Or(space.Of(steps...), s).Times(3), o
		}
		s, o := search()
		want := mustExplore(t, context.Background(), s, o)
		resumed := 0
		for most := 1; ; most++ {
			s, o := search()
			o.Checkpoint, o.MaxWorlds = filepath.Join(t.TempDir(), "checkpoint"), most
			if r := mustExplore(t, context.Background(), s, o); r.Stopped == nil {
				break
			}
			o.Resume, o.MaxWorlds = true, 0
			got := mustExplore(t, context.Background(), s, o)
			if want.Runs, got.Continued = got.Runs, nil; got.Text() != want.Text() {
				t.Errorf("%s: resumed after %d worlds:\n%s\nuninterrupted:\n%s", tc.name, most, got.Text(), want.Text())
			}
			resumed++
		}
		if resumed < 2 {
			t.Errorf("%s: resumed %d times, which tests nothing", tc.name, resumed)
		}
	}
}

func TestUnusableCheckpoints(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "checkpoint")
	s, o := storeSpace(t, 3)
	o.Checkpoint, o.MaxWorlds = file, 20
	if r := mustExplore(t, context.Background(), s, o); r.Stopped == nil {
		t.Fatal("the limit of worlds did not stop the search")
	}
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	damaged := append([]byte(nil), good...)
	damaged[len(damaged)-1] ^= 1
	for _, tc := range []struct {
		name, want string
		data       []byte
		length     int
	}{
		{"damaged", "checksum is wrong", damaged, 3},
		{"cut short", "is damaged", good[:len(good)/2], 3},
		{"foreign", "is no checkpoint", []byte("hello"), 3},
		{"of another search", "written by another search", good, 4},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if err := os.WriteFile(file, tc.data, 0o644); err != nil {
				t.Fatal(err)
			}
			s, o := storeSpace(t, tc.length)
			o.Checkpoint, o.Resume = file, true
			if _, err := explore.Explore(context.Background(), s, o); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want an error with %q", err, tc.want)
			}
			if tc.name == "foreign" { // which is said in other words
				return
			}
			o.Resume = false // which is no leave to write over it
			if _, err := explore.Explore(context.Background(), s, o); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("not resumed: got %v, want an error with %q", err, tc.want)
			}
			if after, err := os.ReadFile(file); err != nil || !bytes.Equal(after, tc.data) {
				t.Errorf("the file is not what it was: %v", err)
			}
		})
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 1 {
		t.Errorf("files are left: %v", left)
	}
}

// Damage with a checksum that was made right is an error, or does no harm: what
// the search then finds is what it would have found.
func TestForgedCheckpoints(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "checkpoint")
	s, o := storeSpace(t, 4)
	want := mustExplore(t, context.Background(), s, o)
	o.Checkpoint, o.MaxWorlds = file, 60
	if r := mustExplore(t, context.Background(), s, o); r.Stopped == nil || r.Depth < 2 {
		t.Fatal("the limit of worlds did not stop the search")
	}
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	body := explore.CheckpointBody(good)
	size, width := binary.Uvarint(body)
	head, numbers := int(size)+width, len(body)-int(size)-width
	rng := rand.New(rand.NewPCG(1, 2))
	taken := 0
	for n := range 300 {
		damaged := bytes.Clone(body)
		switch n % 4 {
		case 0: // a bit of the numbers
			damaged[head+rng.IntN(numbers)] ^= 1 << rng.IntN(8)
		case 1: // a digit of a figure
			at := rng.IntN(head)
			for damaged[at] < '0' || damaged[at] > '9' {
				at = rng.IntN(head)
			}
			damaged[at] = byte('0' + rng.IntN(10))
		case 2: // anything
			for range 1 + rng.IntN(4) {
				damaged[rng.IntN(len(damaged))] = byte(rng.IntN(256))
			}
		case 3: // two numbers change places, or the end is missing
			if i, j := head+rng.IntN(numbers), head+rng.IntN(numbers); rng.IntN(2) == 0 {
				damaged[i], damaged[j] = damaged[j], damaged[i]
			} else {
				damaged = damaged[:i]
			}
		}
		if err := os.WriteFile(file, explore.SealCheckpoint(damaged), 0o644); err != nil {
			t.Fatal(err)
		}
		o := o
		o.MaxWorlds, o.Resume = 0, true
		got, err := explore.Explore(context.Background(), s, o)
		if err != nil {
			continue
		}
		taken++
		got.Runs = want.Runs
		same := got.Covered.Cmp(want.Covered) == 0 && len(got.Violations) == len(want.Violations) &&
			got.Worlds == want.Worlds && got.Steps == want.Steps
		for i := range got.Violations {
			g, w := got.Violations[i], want.Violations[i]
			same = same && g.Property == w.Property && g.Length == w.Length && g.Scenarios.Cmp(w.Scenarios) == 0
		}
		if !same {
			t.Errorf("forgery %d is taken, and the search finds\n%s\ninstead of\n%s", n, got.Text(), want.Text())
		}
	}
	t.Logf("%d of 300 did no harm", taken)
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 1 {
		t.Errorf("files are left: %v", left)
	}
}

// A decoder of hostile files allocates no more than they are long.
func FuzzDecodeCheckpoint(f *testing.F) {
	s, o := storeSpace(f, 3)
	o.Checkpoint, o.MaxWorlds = filepath.Join(f.TempDir(), "checkpoint"), 20
	if _, err := explore.Explore(context.Background(), s, o); err != nil {
		f.Fatal(err)
	}
	good, err := os.ReadFile(o.Checkpoint)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(explore.CheckpointBody(good))
	f.Add([]byte{})
	f.Add([]byte("\x02{}\x01"))
	f.Fuzz(func(t *testing.T, body []byte) {
		n, err := explore.DecodeCheckpoint(explore.SealCheckpoint(body))
		if err == nil && n > len(body) {
			t.Errorf("%d numbers of %d bytes", n, len(body))
		}
	})
}

// A checkpoint and a report belong to one search. Whatever decides what a search
// finds is a part of its fingerprint, and the error names the part.
func TestFingerprint(t *testing.T) {
	type search struct {
		options kvproto.Options
		config  func(*runtime.Config)
		length  int
		start   bool
		explore func(*explore.Options)
	}
	make := func(c search) (*space.Space, explore.Options) {
		config := runtime.Config{
			Protocol: kvproto.New(c.options), N: 4, F: 1,
			Clients: []runtime.Client{
				{Name: "c1", Program: []node.Operation{{Name: "write", Arg: "red"}}},
				{Name: "c2", Program: []node.Operation{{Name: "read"}, {Name: "read"}}},
			},
			Twins: []runtime.Twin{{ID: "C", Copies: 2}},
		}
		if c.config != nil {
			c.config(&config)
		}
		cluster, err := runtime.NewCluster(config)
		if err != nil {
			t.Fatal(err)
		}
		var steps []runtime.Step
		for i := range cluster.Clients().All {
			for _, reach := range space.Subsets(cluster, 2, 3) {
				s, err := cluster.Step(runtime.ExchangeStep{Client: cluster.Instances()[i].Name, Reach: cluster.Names(reach)})
				if err != nil {
					t.Fatal(err)
				}
				steps = append(steps, s)
			}
		}
		o := explore.Options{Start: cluster.Start(), Properties: []check.Property{check.Linearizable()}}
		if c.start {
			if o.Start, err = o.Start.Do(steps[0]); err != nil {
				t.Fatal(err)
			}
		}
		if c.explore != nil {
			c.explore(&o)
		}
		return space.Of(steps...).Times(3 + c.length), o
	}
	file := filepath.Join(t.TempDir(), "checkpoint")
	s, o := make(search{})
	o.Checkpoint, o.MaxWorlds = file, 20
	first := mustExplore(t, context.Background(), s, o)
	if first.Stopped == nil {
		t.Fatal("it was not stopped")
	}
	code := func(text string) func(*explore.Options) {
		return func(o *explore.Options) {
			o.Code = func() []explore.Part { return []explore.Part{{Name: "the code", Text: text}} }
		}
	}
	invariant := func(name string) func(*explore.Options) {
		return func(o *explore.Options) {
			o.Invariants = []check.WorldProperty{check.Invariant(name, func(context.Context, *runtime.World) (bool, string, error) { return true, "", nil })}
		}
	}
	for want, other := range map[string]search{
		"":                                     {},
		"the network (lossy there, held here)": {config: func(c *runtime.Config) { c.Held = true }},
		"the system (":                         {config: func(c *runtime.Config) { c.F = 0 }},
		"the programs of clients":              {config: func(c *runtime.Config) { c.Clients[0].Program[0].Arg = "blue" }},
		"the code of the protocol":             {options: kvproto.Options{WriteBack: kvproto.Off}},
		"the property regular (not there)":     {explore: func(o *explore.Options) { o.Properties = []check.Property{check.Regular()} }},
		"the size of the space":                {length: 1},
		"the start":                            {start: true},
		"symmetry (from many worlds on there, sampled":   {explore: func(o *explore.Options) { o.Symmetry = explore.Sampled }},
		"stopping at the first violation (no there, yes": {explore: func(o *explore.Options) { o.First = true }},
		"the code (not there)":                           {explore: code("x")},
		"the property small (not there)":                 {explore: invariant("small")},
	} {
		s, o := make(other)
		o.Checkpoint, o.Resume, o.MaxWorlds = file, true, 30
		_, err := explore.Explore(context.Background(), s, o)
		if want == "" {
			if err != nil {
				t.Errorf("the same search: %v", err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
		o.Resume = false // which is no leave to write over what another search found
		if _, err := explore.Explore(context.Background(), s, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("not resumed: got %v, want an error with %q", err, want)
		}
		o.Checkpoint, o.MaxWorlds = "", 0
		r, err := explore.Explore(context.Background(), s, o)
		if err != nil {
			t.Fatal(err)
		}
		one, two := first.Save(), r.Save()
		one.Shard, two.Shard = explore.Shard{Index: 0, Count: 2}, explore.Shard{Index: 1, Count: 2}
		if _, err := explore.Merge([]*explore.Saved{two, one}); err == nil || !strings.Contains(err.Error(), strings.Split(want, " (")[0]) {
			t.Errorf("merged: got %v, want an error with %q", err, want)
		}
	}
	// Each part counts, that of the program as well.
	parts := first.Save().Search
	if parts[0].Name != "the program" || !strings.HasPrefix(parts[0].Text, "sha256:") {
		t.Errorf("the program is %+v", parts[0])
	}
	for i, p := range parts {
		one, two := first.Save(), first.Save()
		one.Shard, two.Shard = explore.Shard{Index: 0, Count: 2}, explore.Shard{Index: 1, Count: 2}
		two.Search = slices.Clone(parts)
		two.Search[i].Text += "x"
		if _, err := explore.Merge([]*explore.Saved{one, two}); err == nil || !strings.Contains(err.Error(), "what differs is "+p.Name) {
			t.Errorf("%s: got %v", p.Name, err)
		}
	}
}

// A checkpoint that cannot be written takes nothing away from the report.
func TestUnwritableCheckpoint(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "checkpoint")
	s, o := storeSpace(t, 4)
	want := mustExplore(t, context.Background(), s, o)
	o.Checkpoint = file
	o.MaxWorlds = 1 << 30
	o.Progress = func(explore.Progress) { os.Mkdir(file, 0o755) } // it comes to be while the search runs
	o.Workers = 1
	o.Budget = time.Hour
	got := mustExplore(t, context.Background(), s, o)
	if got.Covered.Cmp(want.Covered) != 0 || len(got.Violations) != len(want.Violations) {
		t.Errorf("it finds\n%s", got.Text())
	}
	os.Remove(file)
	o.MaxWorlds = 20 // which writes one
	got = mustExplore(t, context.Background(), s, o)
	if got.Unsaved == nil || !strings.Contains(got.Text(), "unsaved    checkpoint: checkpoint is a folder") {
		t.Errorf("got %v:\n%s", got.Unsaved, got.Text())
	}
	os.Remove(file)
	for _, blocked := range []string{filepath.Join(dir, "missing", "checkpoint"), dir} {
		o.Checkpoint = blocked
		if _, err := explore.Explore(context.Background(), s, o); err == nil {
			t.Errorf("%s: no error before the search", blocked)
		}
	}
	if err := os.WriteFile(file, []byte("x = 1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	o.Checkpoint = file
	if _, err := explore.Explore(context.Background(), s, o); err == nil || !strings.Contains(err.Error(), "there is a file checkpoint already") {
		t.Errorf("over a script: %v", err)
	}
	// Nor is one written over that comes to be while the search runs.
	os.Remove(file)
	o.Progress = func(explore.Progress) { os.WriteFile(file, []byte("x = 2\n"), 0o644) }
	got = mustExplore(t, context.Background(), s, o)
	if text, _ := os.ReadFile(file); string(text) != "x = 2\n" || got.Unsaved == nil || !strings.Contains(got.Unsaved.Error(), "there is a file checkpoint already") {
		t.Errorf("it is now %q; %v", text, got.Unsaved)
	}
}

// Of two searches that would work with one checkpoint the second is refused, and
// says why.
func TestCheckpointIsLocked(t *testing.T) {
	s, o := storeSpace(t, 2)
	o.Checkpoint, o.Workers = filepath.Join(t.TempDir(), "checkpoint"), 1
	other, calls := o, 0
	o.Progress = func(explore.Progress) {
		calls++
		var busy *files.BusyError
		if _, err := explore.Explore(context.Background(), s, other); !errors.As(err, &busy) || busy.Process != os.Getpid() {
			t.Errorf("at the same time: %v", err)
		}
	}
	mustExplore(t, context.Background(), s, o)
	if calls == 0 {
		t.Error("nothing was tried")
	}
	mustExplore(t, context.Background(), s, other)
}

func TestLimits(t *testing.T) {
	s, o := storeSpace(t, 6)
	whole := mustExplore(t, context.Background(), s, o)
	for name, limit := range map[string]func(*explore.Options){
		"time budget":  func(o *explore.Options) { o.Budget = time.Millisecond },
		"20 worlds":    func(o *explore.Options) { o.MaxWorlds = 20 },
		"memory limit": func(o *explore.Options) { o.MaxMemory = 1 },
	} {
		s, o := storeSpace(t, 6)
		limit(&o)
		r := mustExplore(t, context.Background(), s, o)
		if r.Stopped == nil || !strings.Contains(r.Stopped.Error(), name) {
			t.Errorf("%s: stopped by %v", name, r.Stopped)
		}
		if r.Complete() || r.Covered.Cmp(whole.Covered) >= 0 || r.Partial < 0 || r.Partial > 1 { // 1: stopped as the layer was put in order
			t.Errorf("%s: %s of %s covered, %v of the next layer", name, r.Covered, r.Size, r.Partial)
		}
	}
}

// Memory is counted after each layer, be it that a search ends before it would be
// looked at otherwise.
func TestMemoryLimitOfShortSearch(t *testing.T) {
	s, o := storeSpace(t, 2)
	o.MaxMemory = 1
	r := mustExplore(t, t.Context(), s, o)
	if r.Stopped == nil || !strings.Contains(r.Stopped.Error(), "memory limit") || r.Complete() {
		t.Errorf("stopped by %v after %s of %s", r.Stopped, r.Covered, r.Size)
	}
}
