package explore_test

import (
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/explore"
	"github.com/twinsh/twinsh/runtime/internal/simtest"
	"github.com/twinsh/twinsh/runtime/internal/simtest/store"
	"github.com/twinsh/twinsh/runtime/node"
	"github.com/twinsh/twinsh/runtime/space"
)

// TestStories runs the stories in testdata. A story begins with a cluster (see
// [store.ConfigOf]; ballots=3 is the toy with that quorum, ballots=(3, brittle) one whose
// code may fail), and "start" plays steps to where searches begin. Then
//
//	explore check=(linearizable) first symmetry=always
//	exchanges c1 c2 with subsets 1-3 times 4
//
// explores the space of the lines below it (see [simtest.Stage.Space]), and "sample
// count=100 seed=1" draws from it. "never=(A red)" is the invariant that A's state never
// shows red. The answer is the report, and the steps of each counterexample.
//
// Whatever the answer, it must be the same for one worker and for three. Small spaces, and
// others with "oracle", must agree with the oracle, with symmetry and without; and with
// "symmetry=always" all counts must be those of a search without.
//
// "shrink" plays the steps below it, and shrinks the scenario. An exhibit of the
// gallery is a cluster with a flaw and a space that shows it ("flawed"), a scenario of it
// ("story"), and a cluster without the flaw, in which the same space is explored ("right").
func TestStories(t *testing.T) {
	simtest.Stories(t, "testdata", func() func(*testing.T, *simtest.Command) string { return new(teller).answer })
}

// A teller answers the commands of one story.
type teller struct {
	config runtime.Config
	before string // the steps before searches begin
	// Of an exhibit of the gallery: its space, and what is judged.
	space  string
	judged []string
}

func (l *teller) answer(t *testing.T, c *simtest.Command) string {
	switch c.Name {
	case "cluster":
		*l = teller{config: configOf(t, c)}
		return ""
	case "start":
		l.before = c.Input
		return ""
	case "flawed":
		*l = teller{config: configOf(t, c), space: c.Input}
		l.judged = values(c, "check")
		return l.explore(t, &simtest.Command{Where: c.Where, Args: []simtest.Arg{{Key: "check", Values: l.judged}, {Key: "first"}}, Input: l.space})
	case "story":
		return l.explore(t, &simtest.Command{Where: c.Where, Args: []simtest.Arg{{Key: "check", Values: l.judged}}, Input: c.Input})
	case "right":
		l.config = configOf(t, c)
		return l.explore(t, &simtest.Command{Where: c.Where, Args: c.Args, Input: l.space})
	case "explore":
		return l.explore(t, c)
	case "sample":
		s := newStage(t, l.config)
		r, err := explore.Sample(t.Context(), s.Space(c.Input), number(t, c, "count"), uint64(number(t, c, "seed")), l.options(t, s, c))
		if err != nil {
			return err.Error()
		}
		return shown(r)
	case "shrink":
		s := newStage(t, l.config)
		o := l.options(t, s, c)
		small, err := explore.Shrink(t.Context(), s.Play(o.Start, c.Input), o.Properties, o.Invariants)
		if err != nil {
			return err.Error()
		}
		return fmt.Sprintf("%s: %s\n%s\n  %s", small.Property, small.Why,
			simtest.Describe(small.World.Cluster().Config()), strings.Join(simtest.Texts(small.World), "\n  "))
	}
	t.Fatalf("%s: no command %q", c.Where, c.Name)
	return ""
}

// configOf reads the cluster of a story. What is to be judged is no part of it.
func configOf(t *testing.T, c *simtest.Command) runtime.Config {
	t.Helper()
	var toys []node.Protocol
	cluster := *c
	cluster.Args = slices.DeleteFunc(slices.Clone(c.Args), func(a simtest.Arg) bool { return a.Key == "check" || a.Key == "exhibit" })
	if i := slices.IndexFunc(c.Args, func(a simtest.Arg) bool { return a.Key == "ballots" }); i >= 0 {
		toys = append(toys, simtest.Ballots{Quorum: number(t, c, "ballots"), Brittle: slices.Contains(c.Args[i].Values, "brittle")})
	}
	config, err := store.ConfigOf(&cluster, toys...)
	if err != nil {
		t.Fatalf("%s: %v", c.Where, err)
	}
	return config
}

func number(t *testing.T, c *simtest.Command, key string) int {
	t.Helper()
	text, _ := c.Arg(key)
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %s: %v", c.Where, key, err)
	}
	return n
}

// values returns those of an argument.
func values(c *simtest.Command, key string) []string {
	for _, a := range c.Args {
		if a.Key == key {
			return a.Values
		}
	}
	return nil
}

// options reads what is to be judged, and how.
func (l *teller) options(t *testing.T, s stage, c *simtest.Command) explore.Options {
	t.Helper()
	o := explore.Options{Start: s.Play(s.Start(), l.before), Workers: 1}
	for _, name := range values(c, "check") {
		known := map[string]check.Property{
			"linearizable": check.Linearizable(), "regular": check.Regular(), "safe": check.Safe(),
			"agreement": check.Agreement(), "only-a": onlyA(), "never-decided": never(),
			"plain-agreement": plain{check.Agreement()}, "plain-only-a": plain{onlyA()},
		}
		p, ok := known[name]
		if !ok {
			t.Fatalf("%s: no property %q", c.Where, name)
		}
		o.Properties = append(o.Properties, p)
	}
	for _, text := range values(c, "never") {
		id, word, _ := strings.Cut(text, " ")
		o.Invariants = append(o.Invariants, neverShows(id, word))
	}
	_, o.First = c.Arg("first")
	_, o.Novelty = c.Arg("novelty")
	mode, _ := c.Arg("symmetry")
	o.Symmetry = map[string]explore.Symmetry{"": explore.Auto, "always": explore.Always, "never": explore.Never}[mode]
	return o
}

// explore explores the space of a command, each time in a cluster that has learnt nothing.
func (l *teller) explore(t *testing.T, c *simtest.Command) string {
	t.Helper()
	search := func(workers int) (stage, *space.Space, explore.Options, *explore.Report) {
		s := newStage(t, l.config)
		of := s.Space(c.Input)
		o := l.options(t, s, c)
		o.Workers = workers
		return s, of, o, s.exploresWith(of, o)
	}
	s, of, o, r := search(1)
	answer := shown(r)
	if _, _, _, other := search(3); shown(other) != answer {
		t.Errorf("%s: three workers find\n%s\none finds\n%s", c.Where, shown(other), answer)
	}
	if o.Symmetry == explore.Always {
		never := o
		never.Symmetry = explore.Never
		if got, want := ledgerOf(r).Nameless().String(), ledgerOf(s.exploresWith(of, never)).Nameless().String(); got != want {
			t.Errorf("%s: with symmetry\n%s\nwithout\n%s", c.Where, got, want)
		}
	}
	_, asked := c.Arg("oracle")
	switch size := of.Size(); {
	case o.First:
	case asked || size.Cmp(big.NewInt(4*mostDrawn)) <= 0:
		s.agrees(t, of, o)
	case size.Cmp(big.NewInt(40*mostDrawn)) <= 0:
		counterexamples(t, simtest.Oracle{Properties: o.Properties, Invariants: o.Invariants}, of, o.Start, r)
	}
	return answer
}

// lines are numbers of lines of code, which change.
var lines = regexp.MustCompile(`(\w+\.go):\d+`)

// shown is a report, and the steps that lead to what was found.
func shown(r *explore.Report) string {
	var b strings.Builder
	b.WriteString(r.Text() + "\n")
	show := func(name string, w *runtime.World) {
		fmt.Fprintf(&b, "%s:\n", name)
		for _, text := range simtest.Texts(w) {
			b.WriteString("  " + text + "\n")
		}
	}
	for _, v := range r.Violations {
		show(v.Property, v.Counterexample)
	}
	for _, f := range r.Failures {
		show(f.Failure.Line(), f.Counterexample)
	}
	return lines.ReplaceAllString(b.String(), "$1")
}

// An exhibit is a flaw of the K-V store, as testdata/gallery.txt has it.
type exhibit struct {
	name     string
	flawed   runtime.Config
	right    runtime.Config // the same without the flaw
	property check.Property
	story    string // a shortest violation, a step a line
	length   int    // its steps
}

func exhibits(t *testing.T) (list []exhibit) {
	t.Helper()
	properties := map[string]check.Property{"linearizable": check.Linearizable(), "regular": check.Regular()}
	for _, c := range simtest.Commands(t, "testdata/gallery.txt") {
		last := len(list) - 1
		switch c.Name {
		case "flawed":
			name, _ := c.Arg("exhibit")
			property, _ := c.Arg("check")
			list = append(list, exhibit{name: name, flawed: configOf(t, c), property: properties[property]})
		case "story":
			list[last].story, list[last].length = c.Input, len(strings.Split(c.Input, "\n"))
		case "right":
			list[last].right = configOf(t, c)
		}
	}
	return list
}
