package runtime

import (
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
)

// StepKind says what a step does to the whole system.
type StepKind uint8

const (
	ExchangeStep StepKind = iota
	RoundStep
	DeliverStep
	InvokeStep
	TimeoutStep
	CrashStep
	RestartStep
	AmnesiaStep
	PartitionStep
	HealStep
	CutStep
	DropStep
	HoldStep
	ReleaseStep
	OrderStep
)

// A Step is one thing that happens to the whole system. It is immutable, made
// and checked by the methods of a [Cluster], and can be taken in any world of
// that cluster. Two steps do the same if their texts are the same.
type Step struct{ *step }

type step struct {
	cluster *Cluster
	kind    StepKind
	text    string
	set     Set      // exchange: the client and its reach; others: those that it happens to
	who     int      // exchange, invoke: the client; round: the leader identity; release: the receiver
	value   uint32   // invoke: the operation
	phase   phase    // round, deliver: what is delivered, and under which partition
	public  Phase    // the same, as it was asked for; partition: its parts
	change  *change  // partition, heal, cut, drop: what becomes of the topology
	shape   uint32   // round, deliver: a number for the phase but for its parts
	count   int      // release: how many messages
	link    Act      // cut, drop, hold, release, order: what it says of links, by name
	filters []filter // drop: what it loses
	cells   []Set    // exchange, round: the sets of instances that it keeps apart; nil if it doesn't
	last    *atomic.Pointer[places]
}

// A phase is a number of hops under one partition.
type phase struct {
	parts []Set    // nil: as the topology has it
	deaf  []filter // beside those of the topology
	hops  int      // 0: until nothing is in flight
}

type change struct {
	apply func(*topology) *topology
}

// String returns the step as a script writes it: exchange("c1", ["A", "B", "C"]).
func (s Step) String() string {
	if s.step == nil {
		return ""
	}
	return s.text
}

func newStep(s step) Step {
	s.last = new(atomic.Pointer[places])
	return Step{&s}
}

// Cluster returns the cluster that the step was made for.
func (s Step) Cluster() *Cluster { return s.cluster }

// Kind returns what kind of step it is.
func (s Step) Kind() StepKind { return s.kind }

// Instances returns the instances that the step names: of an exchange the
// client and its reach, of a crash those that crash.
func (s Step) Instances() Set { return s.set }

// Exchange is the step in which a client begins or continues the current phase
// of its current operation with exactly the server instances in reach, as far
// as the topology lets it reach them. It runs to quiescence among them.
func (c *Cluster) Exchange(client string, reach []string) (Step, error) {
	i, err := c.client("exchange", client)
	if err != nil {
		return Step{}, err
	}
	set, err := c.set(reach)
	if err != nil {
		return Step{}, fmt.Errorf("exchange: reach: %w", err)
	}
	return c.ExchangeSet(i, set)
}

// ExchangeSet is Exchange for numbers of instances.
func (c *Cluster) ExchangeSet(client int, reach Set) (Step, error) {
	if client < 0 || client >= len(c.instances) {
		return Step{}, fmt.Errorf("exchange: there is no instance with number %d; the last is %d", client, len(c.instances)-1)
	}
	if _, err := c.client("exchange", c.instances[client].Name); err != nil {
		return Step{}, err
	}
	if err := c.exist(reach); err != nil {
		return Step{}, fmt.Errorf("exchange: reach: %w", err)
	}
	if reach == 0 {
		return Step{}, fmt.Errorf("exchange: the reach of %s is empty; name the servers that take part", c.instances[client].Name)
	}
	if bad := reach &^ c.servers; bad != 0 {
		return Step{}, fmt.Errorf("exchange: reach: %s is a client; a client exchanges with servers (%s)",
			c.Names(bad)[0], strings.Join(c.Names(c.servers), ", "))
	}
	text := fmt.Sprintf("exchange(%q, %s)", c.instances[client].Name, list(c.Names(reach)))
	return newStep(step{cluster: c, kind: ExchangeStep, text: text, who: client, set: reach | Of(client), cells: []Set{reach | Of(client)}}), nil
}

// Invoke is the step in which a client begins op and sends its first messages.
// They, and whatever follows, travel in later steps (see Deliver).
func (c *Cluster) Invoke(client string, op Operation) (Step, error) {
	i, err := c.client("invoke", client)
	if err != nil {
		return Step{}, err
	}
	if bad := unsound(op.Arg); bad != "" {
		return Step{}, fmt.Errorf("invoke: %s: an argument of type %T %s", op.Name, op.Arg, bad)
	}
	text := fmt.Sprintf("invoke(%q, %s)", client, op)
	return newStep(step{cluster: c, kind: InvokeStep, text: text, who: i, set: Of(i), value: c.code.value(op)}), nil
}

func (c *Cluster) client(act, name string) (int, error) {
	i, err := c.Instance(name)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", act, err)
	}
	if !c.clients.Has(i) {
		if c.clients == 0 {
			return 0, fmt.Errorf("%s: %s is a server, and the cluster has no clients", act, name)
		}
		return 0, fmt.Errorf("%s: %s is a server; the clients are %s", act, name, strings.Join(c.Names(c.clients), ", "))
	}
	return i, nil
}

// Timeout is the step in which the named instances wait in vain. What they
// send stays in flight.
func (c *Cluster) Timeout(ids ...string) (Step, error) {
	return c.happening(TimeoutStep, "timeout", ids...)
}

// Crash is the step in which an instance stops. Messages to it are lost.
func (c *Cluster) Crash(id string) (Step, error) { return c.happening(CrashStep, "crash", id) }

// Restart is the step in which an instance starts again, crashed or not, with
// what its code keeps across a restart.
func (c *Cluster) Restart(id string) (Step, error) { return c.happening(RestartStep, "restart", id) }

// Amnesia is the step in which an instance loses its whole state and goes on
// as if it were new. Its identity counts as faulty from then on.
func (c *Cluster) Amnesia(id string) (Step, error) { return c.happening(AmnesiaStep, "amnesia", id) }

// happenings are the names of the acts that happen to instances.
var happenings = map[StepKind]string{TimeoutStep: "timeout", CrashStep: "crash", RestartStep: "restart", AmnesiaStep: "amnesia"}

func (c *Cluster) happening(kind StepKind, name string, ids ...string) (Step, error) {
	set, err := c.set(ids)
	if err != nil {
		return Step{}, fmt.Errorf("%s: %w", name, err)
	}
	if set == 0 {
		return Step{}, fmt.Errorf("%s: nobody is named; name one of %s", name, strings.Join(c.Names(c.servers|c.clients), ", "))
	}
	return c.happeningSet(kind, set), nil
}

func (c *Cluster) happeningSet(kind StepKind, set Set) Step {
	args := list(c.Names(set))
	return newStep(step{cluster: c, kind: kind, text: happenings[kind] + "(" + args[1:len(args)-1] + ")", set: set})
}

// Partition is the step that parts the network, until it heals. It takes the place
// of an earlier partition and of cuts; filters, holds and orders stay. Each server
// instance is in exactly one group. A client that no group names reaches every
// group, and every group reaches it.
func (c *Cluster) Partition(groups [][]string) (Step, error) {
	parts, err := c.Parts("partition", groups)
	if err != nil {
		return Step{}, err
	}
	return c.PartitionSets(parts)
}

// PartitionSets is Partition for a partition made of sets of instances.
func (c *Cluster) PartitionSets(parts []Set) (Step, error) {
	if err := c.partitions(parts); err != nil {
		return Step{}, fmt.Errorf("partition: %w", err)
	}
	parts = sortParts(parts)
	text := c.groupText(parts)
	s := c.changing(PartitionStep, "partition("+text[1:len(text)-1]+")", func(t *topology) *topology {
		whole := openTopology(c)
		whole.filters, whole.held, whole.orders = t.filters, t.held, t.orders
		return whole.partitioned(parts)
	})
	s.public.Parts = parts
	return s, nil
}

// Parts returns the partition under which messages flow in a round or a
// delivery, or that a partition step brings; nil if there is none.
func (s Step) Parts() []Set { return s.public.Parts }

// Phase returns how messages flow in a round or a delivery.
func (s Step) Phase() Phase { return s.public }

// Heal is the step after which everybody reaches everybody again: partitions,
// cuts and drops end.
func (c *Cluster) Heal() Step {
	return c.changing(HealStep, "heal()", func(*topology) *topology { return openTopology(c) })
}

// Cut is the step that cuts the link from src to dst, in that direction only.
func (c *Cluster) Cut(src, dst string) (Step, error) {
	from, to, err := c.link("cut", src, dst)
	if err != nil {
		return Step{}, err
	}
	text := fmt.Sprintf("cut(%q, %q)", src, dst)
	s := c.changing(CutStep, text, func(t *topology) *topology { return t.cut(Of(from), Of(to)) })
	s.link = Act{Src: src, Dst: dst}
	return s, nil
}

// Drop is the step after which messages of the given type are lost on the way
// from src to dst; an empty src or dst stands for everybody. A type that the
// protocol does not have is an [UnknownTypeError]; see [Typed].
func (c *Cluster) Drop(messageType, src, dst string) (Step, error) {
	from, to := c.servers|c.clients, c.servers|c.clients
	args := []string{strconv.Quote(messageType)}
	for _, end := range []struct {
		name, id string
		set      *Set
	}{{"src", src, &from}, {"dst", dst, &to}} {
		if end.id == "" {
			continue
		}
		i, err := c.Instance(end.id)
		if err != nil {
			return Step{}, fmt.Errorf("drop: %w", err)
		}
		*end.set = Of(i)
		args = append(args, fmt.Sprintf("%s = %q", end.name, end.id))
	}
	if messageType == "" {
		return Step{}, fmt.Errorf("drop: the message type is empty; name one, or use cut")
	}
	if err := c.KnownTypes("drop", messageType); err != nil {
		return Step{}, err
	}
	text := "drop(" + strings.Join(args, ", ") + ")"
	s := c.filtering(text, c.code.filter(messageType, from, to))
	s.link = Act{Types: []string{messageType}, Src: src, Dst: dst}
	return s, nil
}

// Deaf is the step after which an instance hears no messages of the given types.
// A type that the protocol does not have is an [UnknownTypeError]; see [Typed].
func (c *Cluster) Deaf(id string, types []string) (Step, error) {
	i, err := c.Instance(id)
	if err != nil {
		return Step{}, fmt.Errorf("deaf: %w", err)
	}
	if len(types) == 0 {
		return Step{}, fmt.Errorf("deaf: no message types are named")
	}
	if err := c.KnownTypes("deaf", types...); err != nil {
		return Step{}, err
	}
	text := fmt.Sprintf("deaf(%q, %s)", id, list(types))
	var filters []filter
	for _, kind := range types {
		filters = append(filters, c.code.filter(kind, c.servers|c.clients, Of(i)))
	}
	s := c.filtering(text, filters...)
	s.link = Act{Who: id, Types: types}
	return s, nil
}

// filtering makes the step after which filters are in force.
func (c *Cluster) filtering(text string, filters ...filter) Step {
	s := c.changing(DropStep, text, func(t *topology) *topology {
		for _, f := range filters {
			t = t.filter(f)
		}
		return t
	})
	s.filters = filters
	return s
}

// A Filter is that messages of a type are lost on some links. Filters of one
// cluster that do the same, and for as long, have one number.
type Filter struct {
	Number uint32
	Type   string
}

// Filters returns the filters that a step brings: a drop for good, in the order of
// its types, a round or a delivery for as long as it lasts.
func (s Step) Filters() []Filter {
	var filters []Filter
	for _, f := range append(s.filters, s.phase.deaf...) {
		filters = append(filters, Filter{f.number, f.kind})
	}
	return filters
}

// Standing lists the numbers of the filters that are in force in a world.
func (c *Cluster) Standing(v Vector) []uint32 {
	var numbers []uint32
	for _, f := range (*c.code.topos.at((*c.code.envs.at(v[len(v)-1])).topology)).filters {
		numbers = append(numbers, f.number)
	}
	return numbers
}

func (c *Cluster) changing(kind StepKind, text string, apply func(*topology) *topology) Step {
	return newStep(step{cluster: c, kind: kind, text: text, change: &change{apply}})
}

// list shows names as a script writes them: ["A", "B"].
func list(names []string) string {
	var b strings.Builder
	for i, name := range names {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(strconv.Quote(name))
	}
	return "[" + b.String() + "]"
}

func (c *Cluster) groupText(parts []Set) string {
	var groups []string
	for _, p := range parts {
		groups = append(groups, list(c.Names(p)))
	}
	return "[" + strings.Join(groups, ", ") + "]"
}
