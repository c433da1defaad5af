package explore

import (
	"slices"

	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/node"
)

// A change is a smaller scenario than the one found, in another cluster if that
// is not nil: a scenario without a twin, say, begins in a world that has none. The actions are made when they are needed: there are about as many
// changes as actions.
type change struct {
	config  *runtime.Config
	actions func() []runtime.Action
}

// changes lists the single changes of the scenario found, the larger ones
// first, because one that helps spares all the small ones in it. (Runs of steps are halved as
// in delta debugging; see [Shrink].) Each makes it smaller in one of these, and leaves those named before
// as they are: clients, operations, instances, steps, names in a step and parts
// of a partition, parts of equal size. So they come to an end.
func (s *shrinker) changes() []change {
	actions := s.actions
	list := append(s.withoutClients(), s.withoutOperations()...)
	list = append(list, s.withoutTwins()...)
	for size := max(1, len(s.actions)/2); len(s.actions) > 0; size /= 2 {
		for first := 0; first+size <= len(s.actions); first += size {
			list = append(list, change{nil, func() []runtime.Action { return slices.Delete(slices.Clone(actions), first, first+size) }})
		}
		if size == 1 {
			break
		}
	}
	for i, a := range s.actions {
		for _, less := range smaller(a) {
			list = append(list, change{nil, func() []runtime.Action {
				actions := slices.Clone(actions)
				actions[i] = less
				return actions
			}})
		}
	}
	return list
}

func (s *shrinker) withoutClients() []change {
	var list []change
	for i, client := range s.config.Clients {
		config := s.config
		config.Clients = without(config.Clients, i)
		config.Twins = slices.DeleteFunc(slices.Clone(config.Twins), func(t runtime.Twin) bool { return t.ID == client.Name })
		names := map[string]string{}
		for _, copy := range s.copies(client.Name) {
			names[copy] = ""
		}
		list = append(list, s.changed(&config, names))
	}
	return list
}

// changed is the scenario found in another cluster, with other names.
func (s *shrinker) changed(config *runtime.Config, names map[string]string) change {
	actions := s.actions
	return change{config, func() []runtime.Action { return renamed(actions, names) }}
}

// withoutOperations takes single operations out of programs, first with the
// steps in which they run and then without: another operation of the client may
// do as well.
func (s *shrinker) withoutOperations() []change {
	var list []change
	add := func(program []node.Operation, runs []string, set func(config *runtime.Config, program []node.Operation)) {
		for i := range program {
			config := s.config
			set(&config, without(program, i))
			all := s.actions
			if actions := s.withoutRuns(runs, i); len(actions) < len(all) {
				list = append(list, change{&config, func() []runtime.Action { return actions }})
			}
			list = append(list, change{&config, func() []runtime.Action { return all }})
		}
	}
	for i, client := range s.config.Clients {
		runs := s.copies(client.Name)
		if t := s.twin(client.Name); t >= 0 && s.config.Twins[t].Program != nil {
			add(s.config.Twins[t].Program, runs[1:], func(config *runtime.Config, program []node.Operation) {
				config.Twins = slices.Clone(config.Twins)
				config.Twins[t].Program = program
			})
			runs = runs[:1]
		}
		add(client.Program, runs, func(config *runtime.Config, program []node.Operation) {
			config.Clients = slices.Clone(config.Clients)
			config.Clients[i].Program = program
		})
	}
	return list
}

// withoutRuns leaves out the exchanges in which the given instances run the
// i-th of their operations. They go with the operation: left in, they would run the next one,
// and the scenario would be another instead of a smaller one.
func (s *shrinker) withoutRuns(instances []string, i int) []runtime.Action {
	var actions []runtime.Action
	for at, a := range s.actions {
		exchange, ok := a.(runtime.ExchangeStep)
		runs := s.running[exchange.Client]
		ofIt := ok && slices.Contains(instances, exchange.Client) &&
			i < len(runs) && runs[i].first <= at && at <= runs[i].last
		if !ofIt {
			actions = append(actions, a)
		}
	}
	return actions
}

// withoutTwins takes out one of the instances of an identity. Those after it
// take its name and the names after that. Which of them goes is a change of its own for each,
// because it may be the first that behaves as it should and its twin that does the harm.
func (s *shrinker) withoutTwins() []change {
	var list []change
	for t, twin := range s.config.Twins {
		copies := s.copies(twin.ID)
		for k := range copies {
			config := s.config
			if twin.Copies > 2 {
				config.Twins = slices.Clone(config.Twins)
				config.Twins[t].Copies--
			} else {
				config.Twins = without(config.Twins, t)
			}
			if k == 0 && twin.Program != nil {
				// The first of those that remain runs what they all run.
				config.Clients = slices.Clone(config.Clients)
				i := slices.IndexFunc(config.Clients, func(c runtime.Client) bool { return c.Name == twin.ID })
				config.Clients[i].Program = twin.Program
			}
			names := map[string]string{copies[k]: ""}
			for j := k + 1; j < len(copies); j++ {
				names[copies[j]] = copies[j-1]
			}
			list = append(list, s.changed(&config, names))
		}
	}
	return list
}

// copies returns the names of the instances of an identity.
func (s *shrinker) copies(id string) []string {
	c := s.found.World.Cluster()
	i, err := c.Engine().Identity(id)
	if err != nil {
		return nil
	}
	return c.Names(c.Identities()[i].Instances)
}

// twin returns the place of an identity among the twins, -1 if it is none.
func (s *shrinker) twin(id string) int {
	return slices.IndexFunc(s.config.Twins, func(t runtime.Twin) bool { return t.ID == id })
}

// renamed gives instances other names; those whose name becomes "" vanish. What
// only they did is left out. Names stand in actions and nowhere else, so that a scenario of one
// cluster becomes one of another by its arguments.
func renamed(actions []runtime.Action, names map[string]string) []runtime.Action {
	var list []runtime.Action
	for _, a := range actions {
		gone := false // whether the action is about nothing that is left
		rename := func(name string) string {
			if to, ok := names[name]; ok {
				gone = gone || to == ""
				return to
			}
			return name
		}
		renameAll := func(all []string) []string {
			var kept []string
			for _, name := range all {
				if to, ok := names[name]; !ok {
					kept = append(kept, name)
				} else if to != "" {
					kept = append(kept, to)
				}
			}
			return kept
		}
		a = runtime.Edit(a, func(arg runtime.Argument) any {
			if !arg.Instances {
				return arg.Value
			}
			switch v := arg.Value.(type) {
			case string:
				return rename(v)
			case []string:
				kept := renameAll(v)
				gone = gone || len(kept) == 0 && !arg.Optional
				return kept
			case [][]string:
				_, paired := a.(runtime.CoinStep) // with what each group sees
				var groups [][]string
				for _, group := range v {
					if group = renameAll(group); len(group) > 0 || paired {
						groups = append(groups, group)
					}
				}
				return groups
			}
			return arg.Value
		})
		if coin, ok := a.(runtime.CoinStep); ok {
			a, gone = seen(coin)
		}
		if !gone {
			list = append(list, hearing(a))
		}
	}
	return list
}

// seen returns the throw of a coin without groups in which there is no instance, and whether none is
// left.
func seen(a runtime.CoinStep) (_ runtime.CoinStep, gone bool) {
	kept := runtime.CoinStep{Coin: a.Coin}
	for i, group := range a.Groups {
		if len(group) > 0 {
			kept.Shows, kept.Groups = append(kept.Shows, a.Shows[i]), append(kept.Groups, group)
		}
	}
	if a.Groups == nil {
		return a, false
	}
	return kept, len(kept.Groups) == 0
}

// hearing returns the action of which no instance is deaf, if none is deaf in it
// or deaf to nothing: the two arguments go together, and one alone is refused.
func hearing(a runtime.Action) runtime.Action {
	deafness := 0
	for _, arg := range runtime.Arguments(a) {
		if arg.Optional && (arg.Name == "deaf" || arg.Name == "types") {
			deafness++
		}
	}
	if deafness != 1 {
		return a
	}
	return with(with(a, "deaf", []string(nil)), "types", []string(nil))
}

// with returns the action with another value of an argument.
func with(a runtime.Action, name string, value any) runtime.Action {
	return runtime.Edit(a, func(arg runtime.Argument) any {
		if arg.Name == name {
			return value
		}
		return arg.Value
	})
}

// smaller lists the single changes of an action that leave less of it. It knows no kind of
// action: which arguments an action has, and what they mean, it says itself, so that a new
// kind is shrunk without a line here.
func smaller(a runtime.Action) []runtime.Action {
	var list []runtime.Action
	for _, arg := range runtime.Arguments(a) {
		switch v := arg.Value.(type) {
		case [][]string:
			if arg.Optional {
				list = append(list, with(a, arg.Name, [][]string(nil)))
			}
			for _, groups := range simplerPartitions(v) {
				list = append(list, with(a, arg.Name, groups))
			}
		case []string:
			for i := range v {
				if arg.Optional || len(v) > 1 { // otherwise nothing would be left to do
					list = append(list, hearing(with(a, arg.Name, without(v, i))))
				}
			}
		}
	}
	return list
}

// simplerPartitions lists partitions in which two parts are one, then those in
// which an instance has moved to a part that is no smaller. The first cuts less, and the second
// makes parts more unequal, so that neither can be undone by the other and both come to an end.
func simplerPartitions(groups [][]string) [][][]string {
	var list [][][]string
	for i := range groups {
		for j := range i {
			merged := slices.Clone(groups)
			merged[j] = slices.Concat(groups[j], groups[i])
			list = append(list, without(merged, i))
		}
	}
	for i, from := range groups {
		for j, to := range groups {
			if i == j || len(from) == 1 || len(from) > len(to) {
				continue
			}
			for k, name := range from {
				moved := slices.Clone(groups)
				moved[i], moved[j] = without(from, k), slices.Concat(to, []string{name})
				list = append(list, moved)
			}
		}
	}
	return list
}

// without returns a copy of a list without its i-th element.
func without[T any](list []T, i int) []T { return slices.Delete(slices.Clone(list), i, i+1) }
