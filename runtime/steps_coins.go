package runtime

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/twinsh/twinsh/runtime/english"
	"github.com/twinsh/twinsh/runtime/internal/engine"
	"github.com/twinsh/twinsh/runtime/node"
)

var coinKinds = []Action{CoinStep{}}

// A CoinStep throws a coin: when code of an instance asks for the coin of that name the next
// time, it sees what the coin shows to that instance. A throw is read once, and takes the
// place of an earlier one that was not read. Code that asks for a coin of which no throw is
// left keeps its step from taking place. See [node.Randomized].
//
// With no groups all servers see the same, as of a coin that they have in common. With
// groups each sees one value; instances that are in none see what they saw before. Twins are
// instances of their own, since the random source of a copy is its own.
type CoinStep struct {
	Coin   string     // its name; [node.AnyCoin] for all others
	Shows  Faces      // to all servers, or one to each of the groups
	Groups [][]string // of instances, nil for all servers
}

// Faces are what a coin shows: values of the protocol's [node.Randomized].
type Faces []any

// Name implements [Action].
func (a CoinStep) Name() string { return "coin" }

// String implements [Action].
func (a CoinStep) String() string { return notation(a) }

// Title implements [Action].
func (a CoinStep) Title() string {
	if a.Groups == nil && len(a.Shows) == 1 {
		return fmt.Sprintf("coin %s shows %s", a.Coin, node.Text(a.Shows[0]))
	}
	var parts []string
	for i, group := range a.Groups {
		if i < len(a.Shows) {
			parts = append(parts, fmt.Sprintf("%s to %s", node.Text(a.Shows[i]), strings.Join(group, " ")))
		}
	}
	return fmt.Sprintf("coin %s shows %s", a.Coin, english.Join(parts, "and"))
}

func (a CoinStep) edit(e editor) Action {
	a.Coin = required(e, "name", ofOthers, a.Coin)
	a.Shows = required(e, "shows", ofOthers, a.Shows)
	a.Groups = optional(e, "groups", ofInstances, a.Groups)
	return a
}

// bind leaves the groups in the order of the values that a coin may show, one for each.
func (a CoinStep) bind(c *Cluster) (Action, engine.Move, error) {
	faces, err := c.Coins()
	switch {
	case err != nil:
		return nil, nil, err
	case a.Coin == "":
		return nil, nil, errors.New("the name is empty; name the coin as the code of the protocol does")
	case len(a.Shows) == 0:
		return nil, nil, fmt.Errorf("shows: no value is given, want one of %s", c.texts(faces))
	case a.Groups == nil && len(a.Shows) > 1:
		return nil, nil, fmt.Errorf("shows: %d values, and no groups of instances that see one each", len(a.Shows))
	case a.Groups != nil && len(a.Groups) != len(a.Shows):
		return nil, nil, fmt.Errorf("groups: there are %d, and %s to see; want one group for each",
			len(a.Groups), english.Count(len(a.Shows), "value"))
	}
	to := make([]node.Set, len(faces))
	var named node.Set
	for i, v := range a.Shows {
		at := slices.Index(faces, v)
		if at < 0 {
			return nil, nil, fmt.Errorf("shows: %s; a coin of protocol %s shows %s", c.texts([]any{v}), c.config.Protocol.Name(), c.texts(faces))
		}
		group := c.Servers()
		if a.Groups != nil {
			if group, err = c.instances("groups", a.Groups[i]); err != nil {
				return nil, nil, err
			}
		}
		if twice := group & named; twice != 0 {
			return nil, nil, fmt.Errorf("groups: %s is in two groups", c.Names(twice)[0])
		}
		named |= group
		to[at] |= group
	}
	bound := CoinStep{Coin: a.Coin}
	var sets []node.Set
	for i, set := range to {
		if set != 0 {
			bound.Shows, bound.Groups, sets = append(bound.Shows, faces[i]), append(bound.Groups, c.Names(set)), append(sets, set)
		}
	}
	if len(sets) == 1 && sets[0] == c.Servers() {
		bound.Groups = nil // one way to write it
	}
	return bound, engine.Toss(c.system, a.Coin, bound.Shows, sets), nil
}
