package engine

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"sync"
	"unsafe"

	"github.com/twinsh/twinsh/runtime/node"
)

// outcome is what an event does to a local state.
type outcome struct {
	next    uint32
	sends   []send
	seen    []uint32
	notes   []string
	refused string
	lacks   string     // the coin that it read and that shows nothing, so that the step cannot happen; refused says more
	reads   []coinRead // coins that it read
	down    bool       // not running, so that it did not react
}

// fate returns what became of the message to which an instance reacted.
func (o *outcome) fate() Fate {
	if o.down {
		return Down
	}
	return Delivered
}

type send struct {
	to  int // an identity, or one of:
	msg uint32
}

const (
	allServers = -1
	nextLeader = -2
)

// transitions is the transition cache: what a node's code did for each local state and
// event that it met. The code runs once for each of them.
type transitions struct {
	known    table // (local state, kind of event and sender, argument of the event) -> outcome
	outcomes vec[outcome]

	mu      sync.Mutex
	checked map[reflect.Type]error // message types, and why they can't be sent

	sys *System
}

func (t *transitions) bind(sys *System) {
	t.sys, t.checked = sys, map[reflect.Type]error{}
	t.known.bound = sys.words("reactions")
	t.outcomes.bound = sys.numbers("outcomes")
}

// stopped is what unwinds a step when its context ends amid it (see
// [Simulator.SetContext]), or when a table is full. Nothing of an unfinished step is remembered that way,
// and no table that is locked is left so, because nodes' code never runs while
// one is.
type stopped struct{ err error }

// react returns what an event does to a local state. It runs the node's code
// the first time only, and panics with stopped if ctx ends before that is done.
func (t *transitions) react(ctx context.Context, id uint32, s stimulus) *outcome {
	key := [3]uint32{id, uint32(s.kind)<<8 | uint32(s.from), s.arg}
	if v, ok := t.known.get(key[:]); ok {
		return t.outcomes.at(v[0])
	}
	// Two goroutines may get here with one key; the first to put wins, and
	// since nodes are deterministic the other's outcome was the same.
	if err := ctx.Err(); err != nil {
		panic(stopped{err})
	}
	o := t.compute(ctx, id, s)
	if err := ctx.Err(); err != nil {
		panic(stopped{err}) // the node may have been cut short
	}
	v := t.known.putFunc(key[:], func() []uint32 {
		t.sys.occupy(o.bytes())
		return []uint32{t.outcomes.append(o)}
	})
	return t.outcomes.at(v[0])
}

// compute runs the code of a node. It makes a node anew from the local state, lets it react,
// and keeps nothing of it but its encoding: a node cannot carry anything past an event
// that its state does not say. An outcome is whole or a failure; a refusal changes nothing.
func (t *transitions) compute(ctx context.Context, id uint32, s stimulus) outcome {
	l := *t.sys.states.at(id)
	if s.kind == node.CoinEvent {
		return thrown(t.sys, id, t.sys.values.at(s.arg).(node.Coin))
	}
	if s.kind >= crashEvent {
		return fall(t.sys, id, s.kind)
	}
	if l.flags&down != 0 {
		return outcome{next: id, down: true}
	}
	var (
		r    = node.NewReaction(ctx, l.flags.underWay())
		next uint32
	)
	r.Take(t.sys.values.coins(l.coins))
	failure := guard(func() error {
		n, err := t.sys.states.node(id)
		if err != nil {
			return err
		}
		n.React(t.sys.event(s), r)
		if f := r.Failed(); f != nil {
			return failureError{*f}
		}
		if coin, _ := r.Lack(); coin != "" || r.Refused() != "" {
			return nil
		}
		coins := coinsLeft(t.sys, r)
		if l.logs {
			in := input{before: id, stimulus: s}
			next = t.sys.states.local(local{start: l.start, flags: l.flags.after(r.UnderWay()), coins: coins, body: in.String(), logs: true})
			return nil
		}
		if next, err = t.sys.states.keep(l.start, l.flags.after(r.UnderWay()), n); err == nil {
			next = t.sys.states.withCoins(next, coins)
		}
		return err
	})
	if coin, why := r.Lack(); coin != "" { // whatever it did or failed in counts for nothing
		return outcome{next: id, refused: why, lacks: coin}
	}
	if r.Refused() != "" && failure == nil {
		return outcome{next: id, refused: r.Refused(), notes: r.Notes()}
	}
	o := outcome{next: next, notes: r.Notes(), reads: coinsRead(t.sys, r)}
	for _, m := range r.Sends() {
		to, err := t.receiver(m.To)
		if err == nil {
			err = t.sendable(m.Message)
		}
		if err != nil && failure == nil {
			failure = &node.Failure{Message: err.Error()}
		}
		if failure != nil {
			break
		}
		o.sends = append(o.sends, send{to, t.sys.values.value(m.Message)})
	}
	for _, seen := range r.Observations() {
		if bad := cmp.Or(Unsound(seen.Value), Unsound(seen.Operation.Arg)); bad != "" {
			failure = &node.Failure{Message: fmt.Sprintf("an observed value of type %T %s; use numbers, strings or structs of them", seen.Value, bad)}
			break
		}
		if c, ok := t.sys.protocolOf(l.start).(node.Committing); ok && seen.Kind == node.Aborted && c.NeverAborts() {
			failure = &node.Failure{Message: "an operation is aborted, and the protocol says that none ever is"}
			break
		}
		o.seen = append(o.seen, t.sys.values.observation(seen))
	}
	if failure != nil {
		fell := failed(t.sys, l, *failure)
		o.next, o.sends, o.seen = fell.next, nil, append(o.seen, fell.seen...)
	}
	return o
}

// receiver numbers the receiver of a message.
func (t *transitions) receiver(name string) (int, error) {
	switch name {
	case node.ToServers:
		return allServers, nil
	case node.ToNextLeader:
		return nextLeader, nil
	}
	id, err := t.sys.Identity(name)
	if err != nil {
		return 0, fmt.Errorf("sends to %w", err)
	}
	return id, nil
}

// sendable reports why m cannot be a message, if it cannot.
func (t *transitions) sendable(m node.Message) error {
	if m == nil {
		return fmt.Errorf("sends nil, which is no message")
	}
	// What a type holds is looked at once; NaN is a matter of each value.
	kind := reflect.TypeOf(m)
	if m != m {
		return fmt.Errorf("sends a %s that holds NaN, which equals nothing", kind)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	err, ok := t.checked[kind]
	if !ok {
		if bad := pointerIn(kind); bad != "" {
			err = fmt.Errorf("sends a %s, which holds a %s: messages are numbers, strings, and structs and arrays of them", kind, bad)
		}
		t.checked[kind] = err
	}
	return err
}

// pointerIn names a part of t through which a message could be changed after
// it was sent, or that Go cannot compare by value.
func pointerIn(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Struct:
		for i := range t.NumField() {
			if bad := pointerIn(t.Field(i).Type); bad != "" {
				return bad + " (field " + t.Field(i).Name + ")"
			}
		}
	case reflect.Array:
		return pointerIn(t.Elem())
	case reflect.Slice, reflect.Map, reflect.Pointer, reflect.Func, reflect.Chan, reflect.UnsafePointer, reflect.Interface:
		return t.Kind().String()
	}
	return ""
}

// bytes returns the memory of an outcome.
func (o *outcome) bytes() int {
	n := int(unsafe.Sizeof(*o)) + len(o.sends)*int(unsafe.Sizeof(send{})) + 4*len(o.seen) + len(o.refused)
	for _, note := range o.notes {
		n += len(note) + int(unsafe.Sizeof(note))
	}
	return n
}
