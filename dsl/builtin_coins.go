package dsl

import (
	"fmt"
	"math/big"
	"slices"

	"go.starlark.net/starlark"

	"github.com/twinsh/twinsh/dsl/internal/interp"
	"github.com/twinsh/twinsh/dsl/internal/value"
	"github.com/twinsh/twinsh/runtime"
	"github.com/twinsh/twinsh/runtime/space"
)

// Coins: what code would draw at random, chosen by the scenario. A randomised protocol is
// deterministic code that asks for a coin, and a search that enumerates what coins show
// judges it for each outcome, as the proofs of Ben-Or ("Another Advantage of Free Choice",
// PODC 1983) and its successors do for safety. How likely an outcome is, is not looked at.

// One example serves the act and the noun.
const coinStage = `def on_round(self, round):
    self.value = self.coin("c")

cluster(protocol("drawing", role(on_round = on_round), coins = [0, 1]), n = 2, f = 0)
`

func coinEntry() Entry {
	return Entry{
		Signature: "coin(name, shows, groups=None)",
		Doc: `Throws a coin: self.coin(name) returns what it shows.
It shows one value to all servers, as a coin that they have in common, or with groups one of a list of values to each group of instances, as coins of their own: coin("c", [0, 1], groups = [["A"], ["B", "C"]]). Instances in no group see what they saw before. Twins are instances of their own: C and C' may see different values, since a copy draws its own random numbers.
The protocol lists what a coin may show, in protocol(…, coins = [0, 1]). Names are up to its code; a round, as in "r%d" % k, may be a part of them.
An instance reads each throw once; the next throw of that name takes the place of one that it did not read. Where code asks for a coin of which no throw is left for it, its step cannot happen: the error of an act says so, and of a search such scenarios ended early; a step that fails so everywhere is one that "can never happen" in its report, and coin("*", 0) or a throw more is what it lacks. coin("*", 0) is for every other coin, and is read as often as code asks.`,
		Example: coinStage + `coin("c", 1)
round("A")
coin("c", [0, 1], groups = [["A"], ["B"]])
round("A")
print(state("A").value, state("B").value)`,
		call: acting(runtime.CoinStep{}),
	}
}

func coinsEntry() Entry {
	return Entry{
		Signature: "coins(name, shows=None, local=False)",
		Doc: `The space of what a coin may show: one of the values (default: all that the protocol lists), to all servers the same.
With local = True each server instance sees one of its own, so that there are as many steps as ways to choose them; local may also list the instances that do. See coin.`,
		Example: coinStage + `print((coins("c") + rounds("A", partitions(max = 1))).size)
print(coins("c", local = True).size, coins("c", local = True).at(1))`,
		call: callCoins,
	}
}

// callCoins counts the local choices before it lists them: ten instances and two values
// are a thousand ways. The last instance changes fastest.
func callCoins(c *call) (starlark.Value, error) {
	var name string
	var shows faces
	var local someInstances
	if err := c.Unpack(&name, &shows, &local); err != nil {
		return nil, err
	}
	w, err := here(c)
	if err != nil {
		return nil, err
	}
	cl := w.Cluster()
	if shows == nil {
		if shows, err = cl.Coins(); err != nil {
			return nil, fmt.Errorf("coins: %w; list it in protocol(…, coins = [0, 1])", err)
		}
	}
	switch {
	case len(shows) == 0:
		return nil, fmt.Errorf("coins: shows is empty, want one value at least")
	case local.all:
		local.names = cl.Names(cl.Servers())
	case local.names == nil:
		var actions []runtime.Action
		for _, v := range shows {
			actions = append(actions, runtime.CoinStep{Coin: name, Shows: runtime.Faces{v}})
		}
		return choiceOf(c, cl, actions)
	}
	if err := space.Listable(power(len(shows), len(local.names)), "coins"); err != nil {
		return nil, fmt.Errorf("coins: %w; give fewer values, or fewer instances in local", err)
	}
	var actions []runtime.Action
	choice := make([]int, len(local.names)) // in a number system whose digits are the values
	for {
		step := runtime.CoinStep{Coin: name}
		for i, id := range local.names {
			at := slices.Index(step.Shows, shows[choice[i]])
			if at < 0 {
				at = len(step.Shows)
				step.Shows, step.Groups = append(step.Shows, shows[choice[i]]), append(step.Groups, nil)
			}
			step.Groups[at] = append(step.Groups[at], id)
		}
		actions = append(actions, step)
		i := len(choice) - 1
		for ; i >= 0 && choice[i] == len(shows)-1; i-- {
			choice[i] = 0
		}
		if i < 0 {
			return choiceOf(c, cl, actions)
		}
		choice[i]++
	}
}

// power is base to the power of n.
func power(base, n int) *big.Int {
	return new(big.Int).Exp(big.NewInt(int64(base)), big.NewInt(int64(n)), nil)
}

// faces is a parameter that takes what a coin shows: a value, or a list of them.
type faces runtime.Faces

// mostFaces is how many values a coin may show. A range stands for any number of them in one
// word, and each is compared with all others, is a choice of a scenario, and is tried in a
// good network.
const mostFaces = 1 << 10

// Unpack implements [starlark.Unpacker].
func (f *faces) Unpack(v starlark.Value) error {
	*f = faces{}
	list, ok := v.(starlark.Iterable)
	if !ok {
		return f.add(v)
	}
	for e := range starlark.Elements(list) {
		if len(*f) == mostFaces {
			return fmt.Errorf("got a %s of more than %d values, want at most so many", v.Type(), mostFaces)
		}
		if err := f.add(e); err != nil {
			return err
		}
	}
	return nil
}

// add adds a value. None is none, since code takes it for no answer.
func (f *faces) add(v starlark.Value) error {
	face, err := value.ToGo(v)
	if face == nil {
		return fmt.Errorf("got %s, want what a coin shows: a bool, an int, a float or a string, or a list of these", given(v))
	}
	*f = append(*f, face)
	return err
}

// someInstances is a parameter that takes True for all servers, False for none, or a list.
type someInstances struct {
	all   bool
	names []string
}

// Unpack implements [starlark.Unpacker].
func (s *someInstances) Unpack(v starlark.Value) error {
	if all, ok := v.(starlark.Bool); ok {
		s.all = bool(all)
		return nil
	}
	var names interp.Names
	if err := names.Unpack(v); err != nil {
		return fmt.Errorf("got %s, want True, for all servers, or a list of instances", given(v))
	}
	if len(names) == 0 {
		return fmt.Errorf("got an empty list, want True, for all servers, or a list of instances")
	}
	s.names = names
	return nil
}
