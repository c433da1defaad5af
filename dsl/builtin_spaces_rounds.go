package dsl

import (
	"fmt"

	"go.starlark.net/starlark"

	"github.com/twinsh/twinsh/dsl/internal/interp"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/space"
)

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

func callRounds(c *call) (starlark.Value, error) {
	var (
		chosen = oneOrMore{"any"}
		p      *spaceValue
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

// deafTo returns the choices of who is deaf to types, and without any that none is.
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

// leaderNames is a parameter that takes "any", "faulty", an identity or a list
// of them.
func leaderNames(cl *runtime.Cluster, chosen oneOrMore) ([]string, error) {
	if len(chosen) != 1 || chosen[0] != "any" && chosen[0] != "faulty" {
		return chosen, nil
	}
	var leaders []string
	for _, id := range cl.Identities() {
		if !id.Client && (chosen[0] == "any" || id.Instances&cl.Twinned() != 0) {
			leaders = append(leaders, id.Name)
		}
	}
	if len(leaders) == 0 {
		return nil, fmt.Errorf(`leaders is "faulty", and no server runs as twins; call twin(id) first`)
	}
	return leaders, nil
}

// partitionsOf returns the choices of a space of partitions; nil means at most
// two groups.
func partitionsOf(c *call, cl *runtime.Cluster, s *spaceValue) ([][][]string, error) {
	var all [][][]string
	if s == nil {
		n := cl.Servers().Len()
		if err := space.Listable(space.CountPartitions(n, 0, 2), "partitions"); err != nil {
			return nil, fmt.Errorf("%s: %w; give partitions", c.Name(), err)
		}
		for _, parts := range space.PartitionsUpTo(cl.Servers(), min(2, n)) {
			all = append(all, cl.Groups(parts))
		}
		return all, nil
	}
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

// roundSteps lists the rounds led by one of the leaders under one of the
// partitionsOf, in which one of the sets is deaf.
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

// roundOfPhases is the space of rounds of several phases: each has a partition
// of its own and one hop, the last one all that is left.
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

func callDeliveries(c *call) (starlark.Value, error) {
	var (
		p     *spaceValue
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

// under returns the phase under a partition of a space of rounds. Types are
// what the deaf do not hear; if none is deaf they mean nothing.
func under(phase runtime.Phase, parts [][]string) runtime.Phase {
	if len(phase.Deaf) == 0 {
		phase.Types = nil
	}
	phase.Groups = parts
	return phase
}
