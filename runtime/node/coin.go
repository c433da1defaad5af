package node

import (
	"fmt"
	"runtime"
)

// A Coin is a choice that the scenario makes for a node: the outcome of its random source,
// or of one that replicas have in common. It has a name, by which code asks for it, and shows
// one of the values that the protocol lists; see [Randomized].
type Coin struct {
	Name  string
	Value any // comparable
}

// AnyCoin is the name of the coin that stands in for each other of which no throw is left. A
// good network throws it, which cannot know what the code will ask for.
const AnyCoin = "*"

// Randomized is implemented by protocols whose nodes read coins: it lists what a coin may
// show. A step that throws a coin of another protocol, or with another value, is an error.
type Randomized interface {
	Coins() []any
}

// Throw lets a coin show v to the node, until it reads it. It takes the place of an earlier
// throw that was not read.
func (r *Reaction) Throw(coin Coin) {
	left := r.coins.Map()
	left[coin.Name] = coin.Value
	r.coins = ArgumentsOf(left)
}

// Coin reads the coin of that name: what it shows to this node. A throw is read once, as a
// random number is drawn once; what has to be known later belongs to the state.
//
// If no throw of it is left Coin reports false. Then the event cannot happen in this
// scenario, neither can the step in which it would, and what React does counts for nothing.
func (r *Reaction) Coin(name string) (v any, ok bool) {
	left := r.coins.Map()
	if v, ok = left[name]; ok {
		delete(left, name)
		r.coins = ArgumentsOf(left)
	} else if v, ok = left[AnyCoin]; ok {
		name = AnyCoin
	} else {
		if r.lack == "" {
			r.lack = name
		}
		if _, file, line, known := runtime.Caller(1); known {
			r.LackAt(Place(file, line))
		}
		return nil, false
	}
	r.read = append(r.read, name)
	return v, true
}

// LackAt says where the code reads the coin that shows nothing, for code that knows it
// better, as an interpreter does.
func (r *Reaction) LackAt(place string) { r.lackAt = place }

// Lack returns the first coin that the node read and that showed nothing, and a text that
// says so; "" if there was none.
func (r *Reaction) Lack() (coin, why string) {
	if r.lack == "" {
		return "", ""
	}
	return r.lack, fmt.Sprintf("reads the coin %q (%s), of which no throw is left for it; one has to come in a step before", r.lack, r.lackAt)
}

// Coins returns the coins that are thrown and were not read, and the names of those that
// were, in the order in which they were read.
func (r *Reaction) Coins() (left Arguments, read []string) { return r.coins, r.read }

// Take gives the node the coins that lie there for it, in place of all others.
func (r *Reaction) Take(coins Arguments) { r.coins = coins }
