package explore_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twinsh/twinsh/runtime/explore"
	"github.com/twinsh/twinsh/runtime/space"
)

// stoppedSearch leaves a checkpoint of a search of five steps that was stopped after
// some, and returns it as it is to be resumed.
func stoppedSearch(t *testing.T) (search func() *explore.Report, o *explore.Options, depth int) {
	t.Helper()
	s, options := storeSpace(t, 5)
	options.Checkpoint, options.MaxWorlds, options.Workers = filepath.Join(t.TempDir(), "checkpoint"), 200, 1
	first := mustExplore(t, context.Background(), s, options)
	if first.Stopped == nil || first.Depth < 2 || first.Continued != nil {
		t.Fatalf("it stopped so: %v", first.Stopped)
	}
	if want := "checkpoint " + options.Checkpoint + " leads to step 2\n"; !strings.Contains(first.Text(), want) {
		t.Errorf("%s\nwant it to say %s", first.Text(), want)
	}
	options.Resume, options.MaxWorlds = true, 0
	o = &options
	return func() *explore.Report { return mustExplore(t, t.Context(), s, *o) }, o, first.Depth
}

// The way back to a checkpoint takes nothing of the budget; what comes after does.
func TestWayBackTakesNoBudget(t *testing.T) {
	for _, slow := range []bool{true, false} { // on the way back, or after it
		synctest.Test(t, func(t *testing.T) {
			search, o, depth := stoppedSearch(t)
			o.Budget = time.Minute
			back := 0
			o.Progress = func(p explore.Progress) {
				if p.Back {
					back++
					if p.Layer != depth || p.Layers != 5 || p.Done >= p.Nodes {
						t.Errorf("%+v", p)
					}
				}
				if p.Back == slow {
					time.Sleep(time.Hour)
				}
			}
			r := search()
			var limit explore.LimitError
			if stopped := errors.As(r.Stopped, &limit); stopped == slow || back == 0 {
				t.Errorf("slow on the way back: %v, stopped: %v; %d looks at the way back", slow, r.Stopped, back)
			}
			if c := r.Continued; c == nil || c.Steps != depth || c.Of != 5 || !c.There {
				t.Errorf("continued %+v", c)
			}
			if want := "continued  after step 2 of 5 (from checkpoint " + o.Checkpoint + ")\n"; !strings.Contains(r.Text(), want) {
				t.Errorf("%s\nwant it to say %s", r.Text(), want)
			}
			// The search that ended within a step says that it lost that.
			lost := " leads to step 2; what was judged of step 3 is not in it, and resuming with no more time or memory would come no further\n"
			if strings.Contains(r.Text(), lost) == slow {
				t.Errorf("slow on the way back: %v\n%s", slow, r.Text())
			}
		})
	}
}

// A search that is stopped on the way back leaves the file as it is.
func TestStoppedOnTheWayBack(t *testing.T) {
	search, o, _ := stoppedSearch(t)
	before, err := os.ReadFile(o.Checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	s, _ := storeSpace(t, 5)
	stopped := *o
	stopped.Start = s.Steps()[0].Cluster().Start()
	stopped.Progress = func(explore.Progress) { cancel() }
	r := mustExplore(t, ctx, s, stopped)
	if r.Stopped == nil || r.Continued == nil || r.Continued.There {
		t.Errorf("stopped: %v, continued: %+v", r.Stopped, r.Continued)
	}
	if want := " leads to step 2 of 5, and the search stopped on the way back there\n"; !strings.Contains(r.Text(), want) {
		t.Errorf("%s\nwant it to say %s", r.Text(), want)
	}
	if after, err := os.ReadFile(o.Checkpoint); err != nil || string(after) != string(before) {
		t.Errorf("the checkpoint has changed: %v", err)
	}
	if r := search(); r.Stopped != nil || !r.Continued.There {
		t.Errorf("stopped: %v", r.Stopped)
	}
}

// A search that is to go on from a checkpoint that is not there says so: the name may
// be mistyped.
func TestResumeOfNothing(t *testing.T) {
	s := onLine(t, "c1=(write red)")
	of := s.Exchanges("c1", s.Quorums(3)).Times(2)
	name := filepath.Join(t.TempDir(), "serach")
	for _, resume := range []bool{false, true} {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		r := s.exploresWith(of, explore.Options{Properties: properties(), Checkpoint: name, Resume: resume})
		if says := strings.Contains(r.Text(), "\nbegan anew there was no checkpoint "+name+" to resume\n"); says != resume {
			t.Errorf("resume %t:\n%s", resume, r.Text())
		}
	}
}

// It says so, too, if the search then finds that there is no symmetry and begins again.
func TestResumeOfNothingWithoutSymmetry(t *testing.T) {
	s := onLine(t, "write_back=false c1=(write red) c2=(read)")
	of := space.Then(s.Exchanges("c1", s.Quorums(3)), s.Exchanges("c1", s.Quorums(1)))
	of = space.Then(of, s.Exchanges("c2", s.Quorums(4)))
	r := s.exploresWith(of, explore.Options{
		Properties: properties(), Symmetry: explore.Always, Checkpoint: filepath.Join(t.TempDir(), "serach"), Resume: true,
	})
	if r.Asymmetry == "" || !strings.Contains(r.Text(), "\nbegan anew there was no checkpoint ") {
		t.Errorf("asymmetry %q:\n%s", r.Asymmetry, r.Text())
	}
}
