package adversary

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// What is played: the instances of a case, their worlds, and the calls of their code.

// A System plays scenarios of a case. It does not change once it is made but for what it finds out, and may be used
// by several goroutines.
type System struct {
	c         *Case
	instances []instance
	byName    map[string]int
	functions starlark.StringDict
	replicas  starlark.Tuple
	facts     sync.Map    // see once
	lost      atomic.Bool // a property plays on to where the player itself is at a loss
}

type instance struct {
	name, id string
	copy     int
	client   bool
	lies     bool
	program  starlark.Tuple
}

// role is how the names of the functions begin that an instance runs.
func (in instance) role() string {
	switch {
	case in.lies:
		return "liar_"
	case in.client:
		return "client_"
	}
	return "replica_"
}

// A World is the whole system at one moment. It is never changed: a step copies what it
// changes.
type World struct {
	nodes     []node
	mailboxes [][]packet // of each instance: what was sent to the next leader and reached it
	flight    []packet
	net       network
	round     int
	Depth     int
	before    *World // the step; nil at the start
	History   []Event
	failed    error // the player itself is at a loss
}

type node struct {
	attrs                    starlark.StringDict
	crashed, broken, forgets bool
	decided, operating       bool // whether it has, and whether it owes the end of an operation
	under                    underWay
	coins                    map[string]starlark.Value
}

func (n node) down() bool { return n.crashed || n.broken }

// released is whether a held link lets it go.
type packet struct {
	from, to int
	message  *message
	released bool
}

// An Event is something observed.
type Event struct {
	Step     int
	Instance int
	Kind     string // invoked, returned, aborted, decided, crashed, failed
	Op       *operation
	Slot     int
	Value    starlark.Value
	Line     int // failed: of the script
}

// NewSystem makes the system of a case: its code is executed once, as a module of its own.
// An error is a case that is no Starlark.
func NewSystem(c *Case) (*System, error) {
	s := &System{c: c, byName: map[string]int{}}
	var err error
	dialect := &syntax.FileOptions{Set: true}
	if s.functions, err = starlark.ExecFileOptions(dialect, new(starlark.Thread), "code", c.Code(), predeclared); err != nil {
		return nil, err
	}
	for i := range c.N {
		id := string(rune('A' + i))
		s.replicas = append(s.replicas, starlark.String(id))
		s.add(id, false, nil)
	}
	for _, client := range c.Clients {
		var program starlark.Tuple
		for _, op := range client.Program {
			v, err := starlark.EvalOptions(dialect, new(starlark.Thread), "op", op.text(), predeclared)
			if err != nil {
				return nil, err
			}
			program = append(program, v)
		}
		s.add(client.Name, true, program)
	}
	return s, nil
}

func (s *System) add(id string, client bool, program starlark.Tuple) {
	for k, name := range s.c.copies(id) {
		s.byName[name] = len(s.instances)
		s.instances = append(s.instances, instance{name, id, k, client, s.c.lies(id), program})
	}
}

// Begin returns the world in which nothing has happened.
func (s *System) Begin() *World {
	w := &World{mailboxes: make([][]packet, len(s.instances))}
	for i := range s.instances {
		w.nodes = append(w.nodes, node{attrs: s.fresh(i)})
	}
	return w
}

// It runs init each time; a case whose init failed would be none.
func (s *System) fresh(i int) starlark.StringDict {
	attrs := starlark.StringDict{}
	if _, err := s.call(i, attrs, new(underWay), new(reaction), "init"); err != nil {
		panic(err)
	}
	return attrs
}

// call calls a function of the role of an instance and returns the line in which it failed:
// the innermost that has one, as the reports of the language name it. A handler that is not
// there is an error without a line.
func (s *System) call(i int, attrs starlark.StringDict, under *underWay, out *reaction, event string, args ...starlark.Value) (line int, err error) {
	in := s.instances[i]
	fn, ok := s.functions[in.role()+event]
	if !ok && in.lies && event == "round" {
		return 0, nil
	}
	if !ok {
		return 0, errors.New("no handler")
	}
	me := &self{id: in.id, n: s.c.N, f: s.c.F, replicas: s.replicas, program: in.program, attrs: attrs, under: *under, out: out}
	_, err = starlark.Call(new(starlark.Thread), fn, append(starlark.Tuple{me}, args...), nil)
	*under = me.under
	var failed *starlark.EvalError
	if errors.As(err, &failed) {
		for _, f := range slices.Backward(failed.CallStack) {
			if f.Pos.Line > 0 {
				line = int(f.Pos.Line)
				break
			}
		}
	}
	return line, err
}

// A play is a step under way. next collects what is sent, until it is the next hop.
type play struct {
	*World
	s         *System
	lacks     bool // what a coin shows, so that the step cannot happen
	next      []packet
	within    func(from, to int) bool // who may reach whom in this step
	filters   []filter                // beside those of the network
	takes     func(i int) bool        // who takes part in this step
	mailboxes [][]packet              // left in this step
}
