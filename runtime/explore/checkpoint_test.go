package explore_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twinsh/twinsh/kvproto"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/explore"
	"github.com/twinsh/twinsh/runtime/space"
)

// storeSpace is a space of the store without write-back, large enough for
// several layers, in which clients reach up to three servers.
func storeSpace(t *testing.T, length int) (*space.Space, explore.Options) {
	t.Helper()
	return storeWithin(t, 1, length)
}

// storeWithin is storeSpace with reaches of at least so many servers. If there are
// three, clients treat servers alike; if fewer, they may hear more than they
// wait for, and then they do not.
func storeWithin(t *testing.T, least, length int) (*space.Space, explore.Options) {
	t.Helper()
	c, err := runtime.NewCluster(runtime.Config{
		Protocol: kvproto.New(kvproto.Options{NoWriteBack: true}), N: 4, F: 1,
		Clients: []runtime.Client{
			{Name: "c1", Program: []runtime.Operation{{Name: "write", Arg: "red"}}},
			{Name: "c2", Program: []runtime.Operation{{Name: "read"}, {Name: "read"}}},
		},
		Twins: []runtime.Twin{{ID: "C", Copies: 2}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var steps []runtime.Step
	for i := range c.Clients().All {
		for _, reach := range space.Subsets(c, least, 3) {
			s, err := c.ExchangeSet(i, reach)
			if err != nil {
				t.Fatal(err)
			}
			steps = append(steps, s)
		}
	}
	return space.Of(steps...).Times(length), explore.Options{Start: c.Start(), Properties: []check.Property{check.Linearizable()}}
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
		for budget := 200 * time.Microsecond; ; budget = budget * 5 / 4 {
			s, o := search()
			o.Checkpoint, o.Resume, o.Budget = file, true, budget
			got := mustExplore(t, context.Background(), s, o)
			if got.Stopped != nil {
				stops++
				if got.Covered.Cmp(got.Size) >= 0 {
					t.Fatalf("stopped (%v), and all is covered", got.Stopped)
				}
				continue
			}
			want.Runs = got.Runs // of one cluster, and of the last of several
			if got.Text() != want.Text() {
				t.Errorf("resumed:\n%s\nuninterrupted:\n%s", got.Text(), want.Text())
			}
			if want.Counterexample != nil {
				if g, w := pathOf(got.Counterexample), pathOf(want.Counterexample); g != w {
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
		})
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 1 {
		t.Errorf("files are left: %v", left)
	}
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
		if r.Complete() || r.Covered.Cmp(whole.Covered) >= 0 || r.Partial < 0 || r.Partial >= 1 {
			t.Errorf("%s: %s of %s covered, %v of the next layer", name, r.Covered, r.Size, r.Partial)
		}
	}
}
