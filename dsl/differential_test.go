package dsl

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/twinsh/twinsh/dsl/internal/adversary"
)

// The differential test writes random scripts and compares what the language
// says of them, in every way that it has, with what is true: what comes of
// playing each scenario of the space, delivery by delivery, and judging it, by
// code that shares nothing with the simulation, the search and the properties
// (package adversary).
//
// A case that differs is made small and printed, as a script, with its seed:
//
//	go test ./dsl -run TestDifferential -cases 1 -seed N
//
// plays it again.

var (
	long              = flag.Bool("long", false, "compare five times as many random scripts")
	differentialCases = flag.Int("cases", 300, "how many random scripts to compare")
	differentialSeed  = flag.Uint64("seed", 1, "the seed of the first of them; the others follow")
	differentialSize  = flag.Int("scenarios", 260, "how many scenarios their spaces have at most")
)

func TestDifferential(t *testing.T) {
	// Each case leaves much behind and keeps little, so that most of the time would
	// go by in collections of it.
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	cases := *differentialCases
	switch {
	case testing.Short():
		cases = min(cases, 60)
	case *long:
		cases *= 5
	}
	var (
		mu    sync.Mutex
		total tally
		next  = make(chan uint64)
		done  sync.WaitGroup
		red   bool
	)
	for range runtime.GOMAXPROCS(0) {
		done.Go(func() {
			for seed := range next {
				c := adversary.Draw(seed, *differentialSize)
				counted, difference := compare(t, c, seed)
				mu.Lock()
				total.add(counted)
				stop := red
				red = red || difference != ""
				mu.Unlock()
				if difference != "" && !stop {
					t.Logf("seed %d (case %d): %s; making it small", seed, seed-*differentialSeed+1, kind(difference))
					small, difference := smaller(t, c, seed, difference)
					t.Errorf("seed %d (case %d): %s\n\n%s", seed, seed-*differentialSeed+1, difference, small.Stage())
				}
			}
		})
	}
	for i := range cases {
		mu.Lock()
		stop := red
		mu.Unlock()
		if stop {
			break
		}
		next <- *differentialSeed + uint64(i)
	}
	close(next)
	done.Wait()
	t.Log(total)
	if !red && cases >= 60 && (total.violated == 0 || total.held == 0 || total.renamed == 0 || total.resumed == 0) {
		t.Error("the cases are too similar to show anything")
	}
}

// A tally counts what the cases were like, so that it can be seen whether they
// are worth comparing.
type tally struct {
	cases, scenarios, stuck, came, beyond, violated, held, failed, ended, renamed, asymmetric, resumed, refused, shrunk int
}

func (a *tally) add(b tally) {
	a.cases += b.cases
	a.scenarios += b.scenarios
	a.beyond += b.beyond
	a.stuck += b.stuck
	a.came += b.came
	a.violated += b.violated
	a.held += b.held
	a.failed += b.failed
	a.ended += b.ended
	a.renamed += b.renamed
	a.asymmetric += b.asymmetric
	a.resumed += b.resumed
	a.refused += b.refused
	a.shrunk += b.shrunk
}

func (a tally) String() string {
	return fmt.Sprintf("%d cases of %d scenarios (%d out of reach): %d violate something, %d nothing, in %d code fails, %d have scenarios that end early; "+
		"of %d properties that play on %d are violated; "+
		"%d used renamings, %d found that they may not; %d were resumed, %d changes refused, %d shrunk",
		a.cases, a.scenarios, a.beyond, a.violated, a.held, a.failed, a.ended, a.stuck+a.came, a.stuck, a.renamed, a.asymmetric, a.resumed, a.refused, a.shrunk)
}

// smaller takes parts away from a case as long as it still differs.
func smaller(t *testing.T, c *adversary.Case, seed uint64, difference string) (*adversary.Case, string) {
	for tries := 0; tries < 400; {
		found := false
		for _, part := range c.Smaller() {
			if tries++; tries > 400 {
				break
			}
			if _, d := compare(t, part, seed); kind(d) == kind(difference) {
				c, difference, found = part, d, true
				break
			}
		}
		if !found {
			break
		}
	}
	return c, difference
}

// kind is what a difference begins with; one of a kind is made smaller to one of
// the same, lest the script does not even parse in the end.
func kind(difference string) string {
	begin, _, _ := strings.Cut(difference, ":")
	return begin
}

// A comparison is one case and what is true of it.
type comparison struct {
	*execution
	c         *adversary.Case
	system    *adversary.System
	start     *adversary.World
	scenarios []adversary.Scenario
	truth     adversary.Ledger
	extras    []adversary.Ledger
	rng       *rand.Rand
	tally     tally
	steps     map[string]adversary.Step
}

// compare returns what differs, "" if nothing does.
func compare(t *testing.T, c *adversary.Case, seed uint64) (tally, string) {
	x := &comparison{execution: &execution{t: t, dir: t.TempDir()}, c: c, rng: rand.New(rand.NewPCG(seed, 4)), steps: map[string]adversary.Step{}}
	x.tally.cases = 1
	var err error
	if x.system, err = adversary.NewSystem(c); err != nil {
		return x.tally, fmt.Sprint("the player: ", err)
	}
	x.start = x.system.Play(x.system.Begin(), c.Start)
	if x.start.Depth != len(c.Start) {
		return x.tally, "" // a part was taken away that the start needs
	}
	x.scenarios = c.Space.Scenarios()
	lists := [][]adversary.Property{c.Properties}
	for i := range c.Extras {
		lists = append(lists, c.Extras[i:i+1])
	}
	ledgers, ok := x.system.Judge(x.start, x.scenarios, lists...)
	if !ok {
		x.tally.beyond = 1
		return x.tally, ""
	}
	x.truth, x.extras = ledgers[0], ledgers[1:]
	for _, sc := range x.scenarios {
		for _, step := range sc {
			x.steps[step.String()] = step
		}
	}
	for _, step := range c.Start {
		x.steps[step.String()] = step
	}
	x.count()
	for _, part := range []func() string{x.plays, x.searches, x.shards, x.changes, x.changes, x.shrinks} {
		if difference := part(); difference != "" {
			return x.tally, difference
		}
	}
	return x.tally, ""
}

func (x *comparison) count() {
	x.tally.scenarios = len(x.scenarios)
	violated := false
	for name := range x.truth.Found {
		if strings.Contains(name, "line ") {
			x.tally.failed = 1
		} else {
			violated = true
		}
	}
	for i, p := range append(slices.Clone(x.c.Properties), x.c.Extras...) {
		truth := x.truth
		if i >= len(x.c.Properties) {
			truth = x.extras[i-len(x.c.Properties)]
		}
		if _, found := truth.Found[p.Name]; p.PlaysOn() && found {
			x.tally.stuck++
		} else if p.PlaysOn() {
			x.tally.came++
		}
	}
	if violated {
		x.tally.violated = 1
	} else {
		x.tally.held = 1
	}
	if x.truth.Ended > 0 {
		x.tally.ended = 1
	}
}
