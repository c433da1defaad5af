package engine

import (
	"github.com/twinsh/twinsh/runtime/node"
)

// Coins are what a scenario chooses where the code of nodes would draw a random number. What a
// coin shows to an instance is a part of its local state, beside what its code knows, until the
// instance has read it. So all that holds of states holds of coins: what is remembered of a
// state is remembered of what its coins show, worlds are equal only if these are, names are
// exchanged with the instance, and worlds that differ in throws which were read, and of which
// the code kept nothing, are one.
//
// A throw is read once. That the next one shows the same by accident, because a
// scenario forgot to throw anew, cannot happen: where none is left the step cannot take place.

// Toss lets a coin show a value to each of some sets of instances.
func Toss(sys *System, name string, shows []any, to []node.Set) Move {
	x := toss{name: name, coin: sys.envs.numbered(filter{kind: name, coin: true})}
	for k, v := range shows {
		x.throws = append(x.throws, throw{to[k], v, sys.values.value(node.Coin{Name: name, Value: v})})
	}
	return x
}

// A toss is a coin that is thrown for instances. No code runs.
type toss struct {
	name   string
	coin   filter // its number, by which it is noted that it was read
	throws []throw
	withoutFlow
}

// A throw is what a coin shows to some instances.
type throw struct {
	to    node.Set
	value any
	arg   uint32 // of the stimulus
}

// To one that is down for a while it shows something, too: it is no message, and will be read when
// the code runs again.
func (x toss) bring(p *player, _ *env, _ node.Set) bool {
	for _, t := range x.throws {
		for i := range t.to.All {
			s := stimulus{kind: node.CoinEvent, arg: t.arg}
			before := p.vec[i]
			o := p.sys.transitions.react(p.ctx, before, s)
			p.vec[i] = o.next
			if p.record != nil {
				p.note(0, -1, i, s, Delivered, before, o)
			}
		}
	}
	return true
}

func (x toss) describe(_ *System, s *Step) {
	for _, t := range x.throws {
		s.Named |= t.to
	}
	s.filters = []filter{x.coin}
}

// A value that may name an identity keeps a toss from being renamed.
func (x toss) key(k *renamedKey) bool {
	k.text(x.name)
	for _, t := range x.throws {
		switch t.value.(type) {
		case string, node.RenamedValue:
			return false
		}
		k.text(string(AppendValue(nil, t.value)))
		k.set(t.to)
	}
	return true
}

// thrown returns what a throw does to a local state.
func thrown(sys *System, id uint32, coin node.Coin) outcome {
	l := *sys.states.at(id)
	if l.flags&broken != 0 {
		return outcome{next: id}
	}
	var r node.Reaction
	r.Take(sys.values.coins(l.coins))
	r.Throw(coin)
	return outcome{next: sys.states.withCoins(id, coinsLeft(sys, &r))}
}

// withCoins returns a local state with other coins, and an empty mailbox.
func (s *states) withCoins(id, coins uint32) uint32 {
	l := *s.at(id)
	if l.coins == coins {
		return id
	}
	l.coins = coins
	return s.local(l)
}

// coins returns what coins show, by the number that a local state has of it.
func (v *values) coins(id uint32) node.Arguments {
	if id == 0 {
		return node.Arguments{}
	}
	return v.at(id).(node.Arguments)
}

// coinsLeft numbers what coins show after a reaction.
func coinsLeft(sys *System, r *node.Reaction) uint32 {
	left, _ := r.Coins()
	if left == (node.Arguments{}) {
		return 0
	}
	return sys.values.value(left)
}

// A coinRead is a coin that was read: its number among filters, by which it is noted
// that it had an effect, and that of its name among values.
type coinRead struct{ number, name uint32 }

// coinsRead lists the coins that were read in a reaction.
func coinsRead(sys *System, r *node.Reaction) (reads []coinRead) {
	_, read := r.Coins()
	for _, name := range read {
		reads = append(reads, coinRead{sys.envs.numbered(filter{kind: name, coin: true}).number, sys.values.value(name)})
	}
	return reads
}

// A lacking is that code would read a coin that shows nothing to its instance.
type lacking struct {
	coin string // "" if nothing is lacking
	why  string
}

// lackOf returns what instance i lacks in a reaction.
func lackOf(sys *System, i int, o *outcome) lacking {
	return lacking{o.lacks, sys.instances[i].Name + " " + o.refused}
}
