package simtest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/node"
	"github.com/twinsh/twinsh/runtime/space"
)

// A Stage is a cluster with a short way to write steps and spaces. What it cannot read
// ends the test.
type Stage struct {
	*runtime.Cluster
	T testing.TB
}

// On returns a stage for a test.
func On(t testing.TB, config runtime.Config) Stage {
	t.Helper()
	c, err := runtime.NewCluster(config)
	if err != nil {
		t.Fatal(err)
	}
	return Stage{c, t}
}

// Act returns the step of an action.
func (s Stage) Act(a runtime.Action) runtime.Step {
	s.T.Helper()
	step, err := s.Step(a)
	if err != nil {
		s.T.Fatal(err)
	}
	return step
}

// Read reads a step, in its notation or in short: "c1: A B C'" is an exchange,
// "[A B | C C' D]" a partition.
func (s Stage) Read(line string) runtime.Step {
	s.T.Helper()
	step, err := s.ParseStep(notation(line))
	if err != nil {
		s.T.Fatal(err)
	}
	return step
}

// notation returns what a step that is written in short is in full.
func notation(line string) string {
	line = strings.TrimSpace(line)
	commas := func(names string) string { return strings.Join(strings.Fields(names), ",") }
	if client, reach, ok := strings.Cut(line, ":"); ok && !strings.Contains(client, " ") {
		return "exchange " + client + " " + commas(reach)
	}
	if inner, ok := strings.CutPrefix(line, "["); ok {
		var groups []string
		for part := range strings.SplitSeq(strings.TrimSuffix(inner, "]"), "|") {
			groups = append(groups, commas(part))
		}
		return "partition " + strings.Join(groups, "|")
	}
	return line
}

// Play takes steps, a line each, from a world.
func (s Stage) Play(w *runtime.World, text string) *runtime.World {
	s.T.Helper()
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		next, err := w.Do(s.Read(line))
		if err != nil {
			s.T.Fatalf("%s: %v", line, err)
		}
		w = next
	}
	return w
}

// Of returns the space of one step, any of these.
func (s Stage) Of(lines ...string) *space.Space {
	s.T.Helper()
	var steps []runtime.Step
	for _, line := range lines {
		steps = append(steps, s.Read(line))
	}
	return space.Of(steps...)
}

// Story returns the space of one scenario, a step a line.
func (s Stage) Story(text string) *space.Space {
	s.T.Helper()
	var parts []*space.Space
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			parts = append(parts, s.Of(line))
		}
	}
	return InTurn(parts...)
}

// Exchanges returns the space of one exchange of any of the clients with any
// of the reaches.
func (s Stage) Exchanges(clients string, reaches []node.Set) *space.Space {
	s.T.Helper()
	var steps []runtime.Step
	for _, name := range strings.Fields(clients) {
		for _, reach := range reaches {
			steps = append(steps, s.Act(runtime.ExchangeStep{Client: name, Reach: s.Names(reach)}))
		}
	}
	return space.Of(steps...)
}

// Rounds returns the space of one round led by one of the given identities under
// one of the given partitions.
func (s Stage) Rounds(partitions [][]node.Set, by ...string) *space.Space {
	s.T.Helper()
	var steps []runtime.Step
	for _, leader := range by {
		for _, parts := range partitions {
			steps = append(steps, s.Act(runtime.RoundStep{Leader: leader, Phase: runtime.Phase{Groups: s.Groups(parts)}}))
		}
	}
	return space.Of(steps...)
}

// Timeouts returns the space of one timeout of any instance.
func (s Stage) Timeouts() *space.Space {
	s.T.Helper()
	var steps []runtime.Step
	for _, in := range s.Instances() {
		steps = append(steps, s.Act(runtime.TimeoutStep{IDs: []string{in.Name}}))
	}
	return space.Of(steps...)
}

// Subsets and Quorums are the reaches of so many identities.
func (s Stage) Subsets(least, most int) []node.Set { return space.Subsets(s.Cluster, least, most) }

// Quorums are the reaches of one instance each of so many identities.
func (s Stage) Quorums(size int) []node.Set { return space.Quorums(s.Cluster, size) }

// Reaches reads reaches: "A B C".
func (s Stage) Reaches(list ...string) []node.Set {
	s.T.Helper()
	var sets []node.Set
	for _, names := range list {
		var set node.Set
		for _, name := range strings.Fields(names) {
			i, err := s.Instance(name)
			if err != nil {
				s.T.Fatal(err)
			}
			set |= node.SetOf(i)
		}
		sets = append(sets, set)
	}
	return sets
}

// Space reads a space. Each line is a part, and the parts follow each other; without
// lines it is the space of the scenario without steps. A part is a choice of what "or"
// stands between, and may end with "times 3". Each choice is a step, or one of
//
//	exchanges c1 c2 with subsets 1-3    (of identities: see [space.Subsets])
//	exchanges c1 c2 with quorums 3; A; B C'
//	rounds A C in 2                     (led by A or C, in at most two parts)
func (s Stage) Space(text string) *space.Space {
	s.T.Helper()
	var parts []*space.Space
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		times := 1
		if head, count, ok := strings.Cut(line, " times "); ok {
			var err error
			if times, err = strconv.Atoi(count); err != nil {
				s.T.Fatal(err)
			}
			line = head
		}
		var part *space.Space
		for choice := range strings.SplitSeq(line, " or ") {
			if one := s.choice(choice); part == nil {
				part = one
			} else {
				part = space.Or(part, one)
			}
		}
		if times != 1 {
			part = part.Times(times)
		}
		parts = append(parts, part)
	}
	if parts == nil {
		return space.Of().Times(0)
	}
	return InTurn(parts...)
}

// choice reads what stands between "or".
func (s Stage) choice(text string) *space.Space {
	s.T.Helper()
	number := func(text string) int {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil {
			s.T.Fatal(err)
		}
		return n
	}
	if rest, ok := strings.CutPrefix(text, "exchanges "); ok {
		clients, list, _ := strings.Cut(rest, " with ")
		var reaches []node.Set
		for text := range strings.SplitSeq(list, ";") {
			text = strings.TrimSpace(text)
			if sizes, ok := strings.CutPrefix(text, "subsets "); ok {
				least, most, _ := strings.Cut(sizes, "-")
				reaches = append(reaches, s.Subsets(number(least), number(most))...)
			} else if size, ok := strings.CutPrefix(text, "quorums "); ok {
				reaches = append(reaches, s.Quorums(number(size))...)
			} else {
				reaches = append(reaches, s.Reaches(text)...)
			}
		}
		return s.Exchanges(clients, reaches)
	}
	if rest, ok := strings.CutPrefix(text, "rounds "); ok {
		leaders, parts, _ := strings.Cut(rest, " in ")
		return s.Rounds(space.PartitionsUpTo(s.Servers(), number(parts)), strings.Fields(leaders)...)
	}
	return s.Of(text)
}

// InTurn returns the space of one scenario of each part, one after the other.
func InTurn(parts ...*space.Space) *space.Space {
	all := parts[0]
	for _, part := range parts[1:] {
		all = space.Then(all, part)
	}
	return all
}

// EitherOf returns the space of all scenarios of the parts.
func EitherOf(parts ...*space.Space) *space.Space {
	all := parts[0]
	for _, part := range parts[1:] {
		all = space.Or(all, part)
	}
	return all
}

// Texts lists the steps that led to w, in their notation.
func Texts(w *runtime.World) []string {
	list := []string{}
	for ; w != nil && w.Parent() != nil; w = w.Parent() {
		list = append(list, w.Step().String())
	}
	slices.Reverse(list)
	return list
}

// Describe says who is in a cluster, as [Config] reads it.
func Describe(c runtime.Config) string {
	var b strings.Builder
	program := func(name string, ops []node.Operation) {
		var texts []string
		for _, op := range ops {
			text := op.Name
			if op.Arg != nil {
				text += fmt.Sprint(" ", op.Arg)
			}
			texts = append(texts, text)
		}
		fmt.Fprintf(&b, " %s=(%s)", name, strings.Join(texts, ", "))
	}
	fmt.Fprintf(&b, "n=%d f=%d", c.N, c.F)
	for _, twin := range c.Twins {
		if twin.Program == nil {
			fmt.Fprintf(&b, " twin=%s%s", twin.ID, strings.Repeat("'", twin.Copies-1))
		}
	}
	for _, client := range c.Clients {
		program(client.Name, client.Program)
	}
	for _, twin := range c.Twins {
		if twin.Program != nil {
			program(twin.ID+"'", twin.Program)
		}
	}
	return b.String()
}
