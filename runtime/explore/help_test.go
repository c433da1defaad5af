package explore_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/twinsh/twinsh/kvproto"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/check"
	"github.com/twinsh/twinsh/runtime/explore"
	"github.com/twinsh/twinsh/runtime/node"
	"github.com/twinsh/twinsh/runtime/space"
)

func write(value string) node.Operation { return node.Operation{Name: "write", Arg: value} }
func read() node.Operation              { return node.Operation{Name: "read"} }

var red, blue = write("red"), write("blue")

func runs(name string, program ...node.Operation) runtime.Client {
	return runtime.Client{Name: name, Program: program}
}

// twin says that an identity runs as two instances.
func twin(id string) runtime.Twin { return runtime.Twin{ID: id, Copies: 2} }

// four is a K-V store of four servers, of which one may be faulty.
func four(options kvproto.Options, clients ...runtime.Client) runtime.Config {
	return runtime.Config{Protocol: kvproto.New(options), N: 4, F: 1, Clients: clients}
}

// twinned is config with twins.
func twinned(config runtime.Config, ids ...string) runtime.Config {
	for _, id := range ids {
		config.Twins = append(config.Twins, twin(id))
	}
	return config
}

// A stage is a cluster with a short way to write steps and spaces.
type stage struct {
	*runtime.Cluster
	t testing.TB
}

func newStage(t testing.TB, config runtime.Config) stage {
	t.Helper()
	c, err := runtime.NewCluster(config)
	if err != nil {
		t.Fatal(err)
	}
	return stage{c, t}
}

// step reads a step: "c1: A B C'" is an exchange, "[A B | C C' D]" a
// partition; the others are verbs and a name, as in "crash c1".
func (s stage) step(line string) runtime.Step {
	s.t.Helper()
	if client, reach, ok := strings.Cut(line, ":"); ok {
		line = "exchange " + client + " " + strings.Join(strings.Fields(reach), ",")
	} else if strings.HasPrefix(line, "[") {
		var groups []string
		for part := range strings.SplitSeq(strings.Trim(line, "[]"), "|") {
			groups = append(groups, strings.Join(strings.Fields(part), ","))
		}
		line = "partition " + strings.Join(groups, "|")
	}
	step, err := s.ParseStep(line)
	if err != nil {
		s.t.Fatal(err)
	}
	return step
}

// of returns the space of one step, any of these.
func (s stage) of(lines ...string) *space.Space {
	s.t.Helper()
	var steps []runtime.Step
	for _, line := range lines {
		steps = append(steps, s.step(line))
	}
	return space.Of(steps...)
}

// story returns the space of one scenario, a step a line.
func (s stage) story(text string) *space.Space {
	s.t.Helper()
	var parts []*space.Space
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			parts = append(parts, s.of(line))
		}
	}
	return inTurn(parts...)
}

// exchanges returns the space of one exchange of any of the clients with any
// of the reaches.
func (s stage) exchanges(clients string, reaches []node.Set) *space.Space {
	s.t.Helper()
	var steps []runtime.Step
	for _, name := range strings.Fields(clients) {
		for _, reach := range reaches {
			step, err := s.Step(runtime.ExchangeStep{Client: name, Reach: s.Names(reach)})
			if err != nil {
				s.t.Fatal(err)
			}
			steps = append(steps, step)
		}
	}
	return space.Of(steps...)
}

// subsets and quorums are the reaches of so many identities.
func (s stage) subsets(least, most int) []node.Set { return space.Subsets(s.Cluster, least, most) }
func (s stage) quorums(size int) []node.Set        { return space.Quorums(s.Cluster, size) }

// reaches reads reaches: "A B C".
func (s stage) reaches(list ...string) []node.Set {
	s.t.Helper()
	var sets []node.Set
	for _, names := range list {
		var set node.Set
		for _, name := range strings.Fields(names) {
			i, err := s.Instance(name)
			if err != nil {
				s.t.Fatal(err)
			}
			set |= node.SetOf(i)
		}
		sets = append(sets, set)
	}
	return sets
}

// inTurn returns the space of one scenario of each part, one after the other.
func inTurn(parts ...*space.Space) *space.Space {
	all := parts[0]
	for _, part := range parts[1:] {
		all = space.Then(all, part)
	}
	return all
}

// eitherOf returns the space of all scenarios of the parts.
func eitherOf(parts ...*space.Space) *space.Space {
	all := parts[0]
	for _, part := range parts[1:] {
		all = space.Or(all, part)
	}
	return all
}

// explores covers a space.
func (s stage) explores(of *space.Space, properties ...check.Property) *explore.Report {
	s.t.Helper()
	return s.exploresWith(of, explore.Options{Properties: properties})
}

func (s stage) exploresWith(of *space.Space, o explore.Options) *explore.Report {
	s.t.Helper()
	if o.Start == nil {
		o.Start = s.Start()
	}
	report, err := explore.Explore(s.t.Context(), of, o)
	if err != nil {
		s.t.Fatal(err)
	}
	return report
}

// judged returns the verdict on what led to w.
func judged(t testing.TB, p check.Property, w *runtime.World) check.Verdict {
	t.Helper()
	v, err := p.Judge(t.Context(), w.History())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// texts lists the steps that led to w.
func texts(w *runtime.World) []string {
	list := []string{}
	for ; w != nil && w.Parent() != nil; w = w.Parent() {
		list = append(list, w.Step().String())
	}
	slices.Reverse(list)
	return list
}
