package dsl

import (
	"fmt"

	"go.starlark.net/starlark"

	"github.com/twinsh/twinsh/dsl/internal/interp"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/space"
)

// Rounds and deliveries, the spaces of the Twins method: each round chooses a leader and a
// partition (Bano et al., "Twins: BFT Systems Made Robust", OPODIS 2021). rounds() * 7 is
// the paper's scenario generator with seven rounds; deaf and phases go beyond it, since one
// partition for a whole round does not reach flaws between two phases of it.
//
// Both nouns list what may be chosen at once and check it together: leaders times
// partitions times sets of the deaf. With phases, a round becomes one step for its first
// hop and one delivery for each further phase; it is a sequence of steps in a scenario, and
// costs as many.

func roundsEntry() Entry {
	return Entry{
		Signature: `rounds(leaders="any", partitions=None, phases=1, deaf=[[]], types=[], hops=0)`,
		Doc: `The space of all rounds led by one of the leaders under one of the partitions (default: at most 2 groups).
The leaders are "any", "faulty" (the twins), an identity or a list of them.
With phases = k each of the first k - 1 hops of a round has a partition of its own, and so has the rest of it.
Deaf lists sets of instances, one of which hears no messages of the given types in a round: in all of its phases, and of what is sent in it to the next leader. A type that no role handles or sends is an error. The choices that a space offers decide which flaws can be found in it.`,
		Example: roundStage + `print(rounds(leaders = "faulty", partitions = partitions(exactly = 2)).size)
print((rounds() * 7).size)
print(rounds(phases = 2).at(5))
print(rounds(deaf = [[], ["B"], ["C"]], types = ["vote"]).size)`,
		call: callRounds,
	}
}

// callRounds checks in this order: the leaders (words are replaced by names), who is deaf
// and to what, the partitions, phases and hops, and how many combinations there are. Each
// of these has an error of its own that says what to give; only then are steps made, of
// which the cluster checks the names.
//
// With phases, who is deaf must be the same in all phases of a round and so cannot be
// chosen by each step: there is a space for each set, and they are alternatives.
func callRounds(c *call) (starlark.Value, error) {
	var (
		chosen = oneOrMore{"any"}
		p      partitionChoices
		phases = 1
		deaf   choices
		types  interp.Names
		hops   int
	)
	if err := c.Unpack(&chosen, &p, &phases, &deaf, &types, &hops); err != nil {
		return nil, err
	}
	w, err := here(c)
	if err != nil {
		return nil, err
	}
	cl := w.Cluster()
	leaders, err := leaderNames(cl, chosen)
	if err != nil {
		return nil, fmt.Errorf("rounds: %w", err)
	}
	if deaf, err = deafTo(c, cl, deaf, types); err != nil {
		return nil, err
	}
	parts, err := partitionsOf(c, cl, p)
	if err != nil {
		return nil, err
	}
	if phases > maxTimes {
		return nil, fmt.Errorf("rounds: phases is %d, want at most %d", phases, maxTimes)
	}
	if phases < 1 || phases > 1 && hops != 0 {
		return nil, fmt.Errorf("rounds: phases is %d and hops is %d; want 1 phase or more, and hops only with 1 phase", phases, hops)
	}
	if err := space.Listable(product(len(leaders), len(parts), len(deaf)), "rounds"); err != nil {
		return nil, fmt.Errorf("rounds: %w; give fewer leaders, partitions or deaf sets", err)
	}
	args := runtime.Phase{Hops: hops, Types: types}
	if phases == 1 {
		steps, err := roundSteps(cl, leaders, parts, deaf, args)
		if err != nil {
			return nil, err
		}
		return &spaceValue{space.Of(steps...).Named(callText(c)), interpreter(c)}, nil
	}
	var s *space.Space
	for _, args.Deaf = range deaf { // in all phases of a round
		of, err := roundOfPhases(cl, leaders, parts, phases, args)
		if err != nil {
			return nil, err
		}
		if s == nil {
			s = of
		} else {
			s = space.Or(s, of)
		}
	}
	return &spaceValue{s.Named(callText(c)), interpreter(c)}, nil
}

// deafTo returns the choices of who is deaf to types, and without any that none is. Types
// are checked even where no instance is deaf to them, and an empty set of choices with
// types is an error: in both cases the script says something that would have no effect.
func deafTo(c *call, cl *runtime.Cluster, deaf choices, types []string) (choices, error) {
	if err := cl.KnownTypes(types...); err != nil { // if none is deaf, too
		return nil, fmt.Errorf("%s: %w", c.Name(), err)
	}
	if len(types) > 0 && deaf == nil { // an empty list says so
		return nil, fmt.Errorf("%s: types names messages that no instance is deaf to; name some, as in deaf = [[], [%q]]", c.Name(), cl.Instances()[0].Name)
	}
	if len(deaf) == 0 {
		return choices{nil}, nil
	}
	return deaf, nil
}

// leaderNames takes "any", "faulty", an identity or a list of them, and names the leaders.
// The words count only by themselves, so that a server may be called any. That there is no
// twin to be faulty is an error here, as the space would be empty and every property would
// hold.
func leaderNames(cl *runtime.Cluster, chosen oneOrMore) ([]string, error) {
	if len(chosen) != 1 || chosen[0] != "any" && chosen[0] != "faulty" {
		return chosen, nil
	}
	var leaders []string
	for _, id := range cl.Identities() {
		if !id.Client && (chosen[0] == "any" || id.Instances&(cl.Twinned()|cl.OtherCode()) != 0) {
			leaders = append(leaders, id.Name)
		}
	}
	if len(leaders) == 0 {
		return nil, fmt.Errorf(`leaders is "faulty", and no server runs as twins; call twin(id) first`)
	}
	return leaders, nil
}

// partitionChoices is a parameter that takes a space of partitions, or a list of
// partitions: lists of groups, steps, or spaces of one.
//
// It is unpacked before the system is known, so that lists of names are only looked at
// later, by the cluster. A list may mix all forms: a space of many partitions in it stands
// for all of them, at its place.
type partitionChoices struct {
	given bool
	of    []*spaceValue
	// groups are partitions as lists of groups, each at its place in the list; nil where
	// there is a space.
	groups [][][]string
}

// Unpack implements [starlark.Unpacker].
func (p *partitionChoices) Unpack(v starlark.Value) error {
	p.given = true
	if s, ok := v.(*spaceValue); ok {
		p.of, p.groups = append(p.of, s), append(p.groups, nil)
		return nil
	}
	list, ok := v.(starlark.Iterable)
	if _, isScenario := v.(scenarioValue); !ok || isScenario {
		return fmt.Errorf("got %s, want space, or a list of partitions", v.Type())
	}
	for e := range starlark.Elements(list) {
		var s *spaceValue
		var g groups
		switch e := e.(type) {
		case *spaceValue:
			s = e
		case stepValue:
			s = &spaceValue{Space: space.Of(runtime.Step(e))}
		case scenarioValue:
			s = &spaceValue{Space: only(space.Scenario(e))}
		default:
			if err := g.Unpack(e); err != nil {
				return fmt.Errorf("got a list with %s in it, want partitions, as in [[[\"A\"], [\"B\", \"C\"]]]: %w", e.Type(), err)
			}
		}
		p.of, p.groups = append(p.of, s), append(p.groups, g)
	}
	return nil
}

// partitionsOf returns the choices of partitions; none given means at most two groups.
func partitionsOf(c *call, cl *runtime.Cluster, p partitionChoices) ([][][]string, error) {
	var all [][][]string
	if !p.given {
		n := cl.Servers().Len()
		if err := space.Listable(space.CountPartitions(n, 0, 2), "partitions"); err != nil {
			return nil, fmt.Errorf("%s: %w; give partitions", c.Name(), err)
		}
		for _, parts := range space.PartitionsUpTo(cl.Servers(), min(2, n)) {
			all = append(all, cl.Groups(parts))
		}
		return all, nil
	}
	for i, s := range p.of {
		if s == nil {
			all = append(all, p.groups[i])
			continue
		}
		parts, err := partitionsIn(c, s)
		if err != nil {
			return nil, err
		}
		all = append(all, parts...)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: partitions is empty, want one at least, as in partitions(max = 2)", c.Name())
	}
	return all, nil
}

// partitionsIn lists the partitions of a space. It may be any that lists single partition
// steps: partitions(…), a filter of it, or steps of a script's own. A space that may be
// empty is refused, since what it would mean for a round to have no partition, one group or
// no round, is a guess; so is one of several steps.
func partitionsIn(c *call, s *spaceValue) (all [][][]string, err error) {
	_, none := s.Rank(nil)
	switch {
	case s.Size().Sign() == 0:
		return nil, fmt.Errorf("%s: partitions holds no partition; maybe a filter keeps none", c.Name())
	case none:
		return nil, fmt.Errorf("%s: partitions may be none, want single partitions, as in partitions(max = 2); one of a single group parts nothing", c.Name())
	case s.MaxLen() != 1:
		return nil, fmt.Errorf("%s: partitions is a space of %d steps, want single partitions, as in partitions(max = 2)", c.Name(), s.MaxLen())
	}
	for _, step := range s.Steps() {
		p, ok := step.Action().(runtime.PartitionStep)
		if !ok {
			return nil, fmt.Errorf("%s: partitions has the step %s, want partitions, as in partitions(max = 2)", c.Name(), step.Text())
		}
		all = append(all, p.Groups)
	}
	return all, nil
}

// roundSteps lists the rounds led by one of the leaders under one of the partitionsOf, in
// which one of the sets is deaf. The leader changes slowest, the deaf fastest.
func roundSteps(cl *runtime.Cluster, leaders []string, parts [][][]string, deaf choices, phase runtime.Phase) ([]runtime.Step, error) {
	var steps []runtime.Step
	for _, leader := range leaders {
		for _, part := range parts {
			for _, phase.Deaf = range deaf {
				s, err := cl.Step(runtime.RoundStep{Leader: leader, Phase: under(phase, part)})
				if err != nil {
					return nil, fmt.Errorf("rounds: %w", err)
				}
				steps = append(steps, s)
			}
		}
	}
	return steps, nil
}

// roundOfPhases is the space of rounds of several phases: each has a partition of its own
// and one hop, the last one all that is left. There must be two phases at least.
func roundOfPhases(cl *runtime.Cluster, leaders []string, parts [][][]string, phases int, phase runtime.Phase) (*space.Space, error) {
	phase.Hops = 1
	begin, err := roundSteps(cl, leaders, parts, choices{phase.Deaf}, phase)
	if err != nil {
		return nil, err
	}
	hop, err := deliverSteps(cl, parts, choices{phase.Deaf}, phase)
	if err != nil {
		return nil, err
	}
	phase.Hops = 0
	rest, err := deliverSteps(cl, parts, choices{phase.Deaf}, phase)
	if err != nil {
		return nil, err
	}
	s := space.Of(begin...)
	if phases > 2 {
		s = space.Then(s, space.Of(hop...).Times(phases-2))
	}
	return space.Then(s, space.Of(rest...)), nil
}

func deliveriesEntry() Entry {
	return Entry{
		Signature: "deliveries(partitions=None, hops=0, deaf=[[]], types=[])",
		Doc: `The space of all deliveries of what is in flight under one of the partitions (default: at most 2 groups), for that many hops.
Deaf lists sets of instances, one of which hears no messages of the given types, as in rounds. Rounds of one hop, and deliveries after them, choose who is deaf for each phase by itself.`,
		Example: roundStage + `print(deliveries(partitions(exactly = 2), hops = 1).at(0))
print((rounds(hops = 1) + deliveries(deaf = [[], ["B"]], types = ["vote"])).size)`,
		call: callDeliveries,
	}
}

// callDeliveries is callRounds without a leader and in the same order. A delivery takes
// place with nothing in flight, too, and changes nothing then.
func callDeliveries(c *call) (starlark.Value, error) {
	var (
		p     partitionChoices
		hops  int
		deaf  choices
		types interp.Names
	)
	if err := c.Unpack(&p, &hops, &deaf, &types); err != nil {
		return nil, err
	}
	w, err := here(c)
	if err != nil {
		return nil, err
	}
	if deaf, err = deafTo(c, w.Cluster(), deaf, types); err != nil {
		return nil, err
	}
	parts, err := partitionsOf(c, w.Cluster(), p)
	if err != nil {
		return nil, err
	}
	if err := space.Listable(product(len(parts), len(deaf)), "deliveries"); err != nil {
		return nil, fmt.Errorf("deliveries: %w; give fewer partitions or deaf sets", err)
	}
	steps, err := deliverSteps(w.Cluster(), parts, deaf, runtime.Phase{Hops: hops, Types: types})
	if err != nil {
		return nil, fmt.Errorf("deliveries: %w", err)
	}
	return named(c, steps), nil
}

// Its errors do not name the builtin, as both nouns use it.
func deliverSteps(cl *runtime.Cluster, parts [][][]string, deaf choices, phase runtime.Phase) ([]runtime.Step, error) {
	var steps []runtime.Step
	for _, part := range parts {
		for _, phase.Deaf = range deaf {
			s, err := cl.Step(runtime.DeliverStep{Phase: under(phase, part)})
			if err != nil {
				return nil, err
			}
			steps = append(steps, s)
		}
	}
	return steps, nil
}

// under returns the phase under a partition of a space of rounds. Types are what the deaf
// do not hear; if none is deaf they mean nothing, and must not be in the step: it would be
// another step than the one without, with the same effect.
func under(phase runtime.Phase, parts [][]string) runtime.Phase {
	if len(phase.Deaf) == 0 {
		phase.Types = nil
	}
	phase.Groups = parts
	return phase
}
