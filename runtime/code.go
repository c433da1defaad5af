package runtime

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	goruntime "runtime"
	"slices"
	"strings"
	"sync"

	"github.com/twinsh/twinsh/runtime/node"
)

// code is what a cluster has learnt of its nodes' code, as tables that only grow.
// They intern (equal things are one number): local states, messages, operations,
// rounds, observations and environments. Over these numbers stand the transition
// cache, (local state, event) -> reaction, the equivalence classes of states, and
// the components of steps that were played. Readers never lock.
type code struct {
	cluster *Cluster
	limits  limits
	full    context.Context // ends when something is nearly full
	fill    context.CancelCauseFunc
	fresh   []uint32 // the local state in which each start begins

	// transitions maps (local state, kind of event and sender, argument of
	// the event) to an outcome. The argument is a message, operation or round.
	transitions table
	outcomes    vec[outcome]

	mu         sync.Mutex // guards the maps and the writing of the vecs below
	locals     vec[local]
	byBody     map[string]uint32  // those with an empty mailbox
	bodies     int                // bytes of these keys and of the bodies
	contents   map[uint32]content // of those that were asked for
	cutContent bool               // to 8 bits, for tests of what happens if different things share one
	values     vec[any]           // messages, operations and rounds: whatever an event carries
	byVal      map[any]uint32
	seen       vec[node.Observation]
	bySeen     map[node.Observation]uint32

	byMail  table // (local state, mailbox) -> local state
	classOf table // (local state, instance, round, leaders) -> local state
	classes table // what the members of an equivalence class do -> local state

	lists      vec[[]uint32] // of pairs of instance and observation, or of filters
	byList     table
	joins      table // lists of observations -> one of them all
	places     table // what components have in common -> number
	components table
	played     table // (epoch, instance, local state, what happened to it) beside components
	envs       vec[*env]
	byEnv      table
	topos      vec[*topology]
	byTop      map[string]uint32

	filters map[filter]uint32 // without their numbers

	checkedMu sync.Mutex
	checked   map[reflect.Type]error // message types, and why they can't be sent
}

// outcome is what an event does to a local state.
type outcome struct {
	next    uint32
	sends   []send
	seen    []uint32
	notes   []string
	refused string
	down    bool // not running, so that it did not react
}

type send struct {
	to  int // an identity, or one of:
	msg uint32
}

const (
	allServers = -1
	nextLeader = -2
)

// What happens to an instance without its code being asked. Nodes see no such events.
const (
	crashEvent node.EventKind = node.TimeoutEvent + 1 + iota
	restartEvent
	amnesiaEvent
)

// stimulus is an event as the simulation carries it.
type stimulus struct {
	kind node.EventKind
	from int    // MessageEvent: the identity that sent it
	arg  uint32 // the message, operation or round, a number in code.values
}

func newCode(c *Cluster) *code {
	k := &code{
		limits:   defaultLimits(),
		cluster:  c,
		byBody:   map[string]uint32{},
		contents: map[uint32]content{},
		byVal:    map[any]uint32{},
		bySeen:   map[node.Observation]uint32{},
		byTop:    map[string]uint32{},
		filters:  map[filter]uint32{},
		checked:  map[reflect.Type]error{},
	}
	k.full, k.fill = context.WithCancelCause(context.Background())
	k.bind()
	k.value(nil) // number 0: events that carry nothing
	k.topology(openTopology(c))
	k.env(&env{})
	k.list(nil)
	return k
}

// begin finds the local state in which each start begins.
func (k *code) begin() error {
	for i := range k.cluster.starts {
		id, err := k.freshLocal(i, 0)
		if err != nil {
			return err
		}
		k.fresh = append(k.fresh, id)
	}
	return nil
}

// value interns what an event carries.
func (k *code) value(v any) uint32 {
	k.mu.Lock()
	defer k.mu.Unlock()
	if id, ok := k.byVal[v]; ok {
		return id
	}
	id := k.values.append(v)
	k.byVal[v] = id
	k.bodies += messageBytes + textBytes(reflect.ValueOf(v))
	return id
}

func (k *code) observation(o node.Observation) uint32 {
	k.mu.Lock()
	defer k.mu.Unlock()
	if id, ok := k.bySeen[o]; ok {
		return id
	}
	id := k.seen.append(o)
	k.bySeen[o] = id
	return id
}

// list interns pairs of instance and observation. The empty list is number 0.
func (k *code) list(pairs []uint32) uint32 {
	if v, ok := k.byList.get(pairs); ok {
		return v[0]
	}
	kept := slices.Clone(pairs)
	return k.byList.putFunc(kept, func() []uint32 { return []uint32{k.lists.append(kept)} })[0]
}

// joined returns the number of one list of what is in several, at least one of them.
func (k *code) joined(lists []uint32) uint32 { return k.join(lists)[0] }

// ordered reports whether it may matter in which order they come: whether operations
// of several instances are in the lists, and some return and some begin.
func (k *code) ordered(lists []uint32) bool { return k.join(lists)[1] != 0 }

func (k *code) join(lists []uint32) []uint32 {
	if v, ok := k.joins.get(lists); ok {
		return v
	}
	var pairs []uint32
	for _, list := range lists {
		pairs = append(pairs, *k.lists.at(list)...)
	}
	var who node.Set
	var kinds [node.Failed + 1]bool
	for p := range slices.Chunk(pairs, 2) {
		if o := k.seen.at(p[1]); o.OfOperation() {
			who |= node.SetOf(int(p[0]))
			kinds[o.Kind] = true
		}
	}
	ordered := uint32(0)
	if who.Len() > 1 && kinds[node.Invoked] && kinds[node.Returned] {
		ordered = 1
	}
	return k.joins.put(slices.Clone(lists), []uint32{k.list(pairs), ordered})
}

// event makes the event that a node's code sees.
func (k *code) event(s stimulus) node.Event {
	e := node.Event{Kind: s.kind}
	switch s.kind {
	case node.MessageEvent:
		e.From = k.cluster.identities[s.from].Name
		e.Message = *k.values.at(s.arg)
	case node.InvokeEvent:
		e.Operation = (*k.values.at(s.arg)).(node.Operation)
	case node.RoundEvent:
		e.Round = (*k.values.at(s.arg)).(node.Round)
	}
	return e
}

// stopped is what unwinds a step when its context ends amid it (see
// [Simulator.SetContext]), or when a table is full. Nothing of an unfinished step is remembered that way,
// and no table that is locked is left so, because nodes' code never runs while
// one is.
type stopped struct{ err error }

// react returns what an event does to a local state. It runs the node's code
// the first time only, and panics with stopped if ctx ends before that is done.
func (k *code) react(ctx context.Context, id uint32, s stimulus) *outcome {
	key := [3]uint32{id, uint32(s.kind)<<8 | uint32(s.from), s.arg}
	if v, ok := k.transitions.get(key[:]); ok {
		return k.outcomes.at(v[0])
	}
	// Two goroutines may get here with one key; the first to put wins, and
	// since nodes are deterministic the other's outcome was the same.
	if err := ctx.Err(); err != nil {
		panic(stopped{err})
	}
	o := k.compute(ctx, id, s)
	if err := ctx.Err(); err != nil {
		panic(stopped{err}) // the node may have been cut short
	}
	v := k.transitions.putFunc(key[:], func() []uint32 {
		k.occupy(o.bytes())
		return []uint32{k.outcomes.append(o)}
	})
	return k.outcomes.at(v[0])
}

func (k *code) compute(ctx context.Context, id uint32, s stimulus) outcome {
	l := *k.locals.at(id)
	if s.kind >= crashEvent {
		return k.befall(id, s.kind)
	}
	if l.flags&down != 0 {
		return outcome{next: id, down: true}
	}
	var (
		r    = node.NewReaction(ctx)
		next uint32
	)
	failure := k.guard(func() error {
		n, err := k.node(id)
		if err != nil {
			return err
		}
		n.React(k.event(s), r)
		if f := r.Failed(); f != nil {
			return failureError{*f}
		}
		if r.Refused() != "" {
			return nil
		}
		if l.logs {
			in := input{before: id, stimulus: s}
			next = k.local(local{start: l.start, flags: l.flags, body: in.String(), logs: true})
			return nil
		}
		next, err = k.keep(l.start, l.flags, n)
		return err
	})
	if r.Refused() != "" && failure == nil {
		return outcome{next: id, refused: r.Refused(), notes: r.Notes()}
	}
	o := outcome{next: next, notes: r.Notes()}
	for _, m := range r.Sends() {
		to, err := k.receiver(m.To)
		if err == nil {
			err = k.sendable(m.Message)
		}
		if err != nil && failure == nil {
			failure = &node.Failure{Message: err.Error()}
		}
		if failure != nil {
			break
		}
		o.sends = append(o.sends, send{to, k.value(m.Message)})
	}
	for _, seen := range r.Observations() {
		if bad := cmp.Or(unsound(seen.Value), unsound(seen.Operation.Arg)); bad != "" {
			failure = &node.Failure{Message: fmt.Sprintf("an observed value of type %T %s; use numbers, strings or structs of them", seen.Value, bad)}
			break
		}
		o.seen = append(o.seen, k.observation(seen))
	}
	if failure != nil {
		// What a failing node did in the same breath is not to be trusted.
		l.flags |= broken
		o.next, o.sends = k.local(l), nil
		o.seen = append(o.seen, k.observation(node.Observation{Kind: node.Failed, Failure: *failure}))
	}
	return o
}

func (k *code) receiver(name string) (int, error) {
	switch name {
	case node.ToServers:
		return allServers, nil
	case node.ToNextLeader:
		return nextLeader, nil
	}
	id, err := k.cluster.Identity(name)
	if err != nil {
		return 0, fmt.Errorf("sends to %w", err)
	}
	return id, nil
}

// A failureError is a failure that the node's code has put in words.
type failureError struct{ node.Failure }

func (e failureError) Error() string { return e.Message }

// guard runs f and turns an error or a panic into a failure, the same each time.
func (k *code) guard(f func() error) (failure *node.Failure) {
	defer func() {
		if p := recover(); p != nil {
			if stop, ok := p.(stopped); ok {
				panic(stop) // not the node's affair
			}
			place, calls := frames()
			failure = &node.Failure{Message: fmt.Sprintf("panic: %v", p), Place: place, Calls: calls}
		}
	}()
	err := f()
	var known failureError
	switch {
	case errors.As(err, &known):
		return &known.Failure
	case err != nil:
		return &node.Failure{Message: err.Error()}
	}
	return nil
}

// frames lists the functions of the node's code that led to a panic, without
// addresses and directories, so that a run prints the same on each machine. The
// place is that of the innermost one.
func frames() (place, calls string) {
	pc := make([]uintptr, 64)
	stack := goruntime.CallersFrames(pc[:goruntime.Callers(3, pc)])
	var b strings.Builder
	for {
		f, more := stack.Next()
		if strings.Contains(f.Function, "/runtime.(*code).") || strings.Contains(f.Function, "/runtime.(*Symmetry).") {
			break // from here on it is the simulation's code
		}
		if !strings.HasPrefix(f.Function, "runtime.") {
			at := node.Place(f.File, f.Line)
			if place == "" {
				place = at
			}
			fmt.Fprintf(&b, "  %s %s\n", f.Function, at)
		}
		if !more {
			break
		}
	}
	return place, strings.TrimSuffix(b.String(), "\n")
}

// befall returns what a crash, a restart or amnesia does to a local state.
func (k *code) befall(id uint32, kind node.EventKind) outcome {
	l := *k.locals.at(id)
	if l.flags&broken != 0 {
		return outcome{next: id, refused: "is down for good: its code failed"}
	}
	if kind == crashEvent {
		if l.flags&crashed != 0 {
			return outcome{next: id, refused: "is down already"}
		}
		l.flags |= crashed
		return outcome{next: k.local(l)}
	}
	var next uint32
	failure := k.guard(func() (err error) {
		next, err = k.restart(id, kind == amnesiaEvent)
		return err
	})
	if failure != nil {
		l.flags |= broken
		failed := k.observation(node.Observation{Kind: node.Failed, Failure: *failure})
		return outcome{next: k.local(l), seen: []uint32{failed}}
	}
	return outcome{next: next}
}

// restart returns the local state after a restart, or after amnesia if all is
// to be lost.
func (k *code) restart(id uint32, all bool) (uint32, error) {
	l := *k.locals.at(id)
	f := l.flags &^ crashed
	if all {
		return k.freshLocal(l.start, f|amnesiac)
	}
	n, err := k.node(id)
	if err != nil {
		return 0, err
	}
	r, ok := n.(node.Restarter)
	if !ok {
		return k.freshLocal(l.start, f)
	}
	if l.logs {
		in := input{before: id, restart: true}
		return k.local(local{start: l.start, flags: f, body: in.String(), logs: true}), nil
	}
	r.Restart()
	return k.keep(l.start, f, n)
}

// sendable reports why m cannot be a message, if it cannot.
func (k *code) sendable(m node.Message) error {
	if m == nil {
		return fmt.Errorf("sends nil, which is no message")
	}
	t := reflect.TypeOf(m)
	if m != m {
		return fmt.Errorf("sends a %s that holds NaN, which equals nothing", t)
	}
	k.checkedMu.Lock()
	defer k.checkedMu.Unlock()
	err, ok := k.checked[t]
	if !ok {
		if bad := pointerIn(t); bad != "" {
			err = fmt.Errorf("sends a %s, which holds a %s: messages are numbers, strings, and structs and arrays of them", t, bad)
		}
		k.checked[t] = err
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
