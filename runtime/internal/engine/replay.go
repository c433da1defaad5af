package engine

import (
	"context"
	"iter"

	"github.com/twinsh/twinsh/runtime/node"
)

// Replay returns what instance i, as it is in v, does at the last of some events if they,
// and nothing else, reach it, in that order. There must be one. It reports false if they
// could not: code that is asked for something may refuse it, and an instance that is
// down cannot be asked. The code of the instance runs at most once for each event, which
// lessens the budget by one; if it cannot encode its state it is rebuilt each time,
// which counts in addition. When the budget is used up Replay reports false, too, and
// leaves it below 0. So it does, promptly, when ctx ends, and when the system can learn
// no more.
// With given, it is no failure of the code that an operation ends which has not begun, or begins
// amid another: what began and ended them may be left out.
func Replay(ctx context.Context, sys *System, v Vector, i int, events iter.Seq[node.Event], given bool, budget *int) (seen []node.Observation, sent []node.Sent, ok bool) {
	defer func() {
		if stop := recover(); stop != nil {
			if _, is := stop.(stopped); !is {
				panic(stop) // a bug
			}
			seen, sent, ok = nil, nil, false
		}
	}()
	first := sys.states.at(v[i])
	if first.class != nil {
		return nil, nil, false // it stands for several states, which differ
	}
	id, n := first.bare, 0
	if given {
		from := *first
		from.flags |= unasked
		id = sys.states.local(from)
	}
	var o *outcome
	for e := range events {
		cost := 1
		if first.logs {
			cost += n / rebuilt
		}
		if *budget -= cost; *budget < 0 {
			return nil, nil, false
		}
		o = sys.transitions.react(ctx, id, sys.stimulusOf(e))
		asked := e.Kind != node.MessageEvent && e.Kind != node.HopEvent && e.Kind != node.QuietEvent
		// Servers that are down do not hear that a round begins; all else that is asked of
		// an instance and cannot happen to it keeps its step from happening.
		if o.lacks != "" || asked && (o.refused != "" || o.down && e.Kind != node.RoundEvent) {
			return nil, nil, false
		}
		id = o.next
		n++
	}
	return sys.observed(o), sys.sent(o), true
}

// rebuilt is how many events of a log that is played to rebuild a node count as
// much as one that is played for what it does.
const rebuilt = 32
