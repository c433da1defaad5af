package engine

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/twinsh/twinsh/runtime/node"
)

// A Spec is what a system is made from. It has been checked.
type Spec struct {
	Protocol   node.Protocol
	Identities []node.Identity // servers, then clients
	Instances  []node.Instance // of all identities in that order, twins side by side
	Starts     []Start
	StartOf    []int // of each instance, which of the starts
	Lossy      bool  // what cannot be delivered is lost, else it waits
}

// A Start is one way to make a node: an identity with a program.
type Start struct {
	Self    node.Self
	Client  bool
	Program []node.Operation
	Code    node.Protocol // makes the node, nil for the protocol of the spec
}

// A System is what never changes during a simulation: who is there, and what was learnt
// of the code of its nodes so far. What was learnt lies in tables that only grow. They
// intern (equal things are one number): what nodes say, local states, environments.
// Over these numbers stand the transition cache, the equivalence classes of states, and
// the components of steps that were played. Readers never lock. A system may be used
// concurrently.
type System struct {
	spec       Spec
	instances  []node.Instance
	identities []node.Identity
	byName     map[string]int // instance
	identityOf map[string]int
	servers    node.Set
	clients    node.Set
	twinned    node.Set
	otherCode  node.Set // those that run other code than the protocol's
	hopping    node.Set // those that learn that a hop begins; see node.Attentive
	quieting   node.Set // those that learn that all is quiet
	limits     limits

	values      values
	states      states
	envs        environments
	transitions transitions
	classes     classes

	settings   table // what components have in common -> number
	components table
	epochs     atomic.Uint32 // see Symmetry.Renew

	bytes atomic.Int64    // of what was learnt, beside tables
	full  context.Context // ends when something is nearly full
	fill  context.CancelCauseFunc

	cutContent bool // to 8 bits, for tests of what happens if different things share one
}

// NewSystem returns the system of a spec. It runs no code of nodes; see [System.Begin].
func NewSystem(spec Spec) *System {
	sys := &System{
		spec: spec, instances: spec.Instances, identities: spec.Identities,
		byName: map[string]int{}, identityOf: map[string]int{}, limits: defaultLimits(),
	}
	for i, in := range sys.instances {
		sys.byName[in.Name] = i
	}
	for id, identity := range sys.identities {
		sys.identityOf[identity.Name] = id
		if identity.Client {
			sys.clients |= identity.Instances
		} else {
			sys.servers |= identity.Instances
		}
		if identity.Instances.Len() > 1 {
			sys.twinned |= identity.Instances
		}
	}
	for i, start := range spec.StartOf {
		if spec.Starts[start].Code != nil {
			sys.otherCode |= node.SetOf(i)
		}
	}
	sys.full, sys.fill = context.WithCancelCause(context.Background())
	sys.values.bind(sys)
	sys.states.bind(sys)
	sys.envs.bind(sys)
	sys.transitions.bind(sys)
	sys.classes.bind(sys)
	sys.settings.bound = sys.words("kinds of components")
	sys.components.bound = sys.words("components")
	return sys
}

// Begin makes a node in each way to start, and keeps the local states in which they
// begin. The error is the protocol's.
func (sys *System) Begin() error {
	for i := range sys.spec.Starts {
		id, err := sys.states.begin(i, 0)
		if err != nil {
			return err
		}
		if err := attend(sys, i); err != nil {
			return err
		}
		sys.states.fresh = append(sys.states.fresh, id)
	}
	return nil
}

// protocolOf returns what makes a node the i-th way.
func (sys *System) protocolOf(i int) node.Protocol {
	if p := sys.spec.Starts[i].Code; p != nil {
		return p
	}
	return sys.spec.Protocol
}

// newNode makes a fresh node the i-th way.
func (sys *System) newNode(i int) (node.Node, error) {
	s, p := &sys.spec.Starts[i], sys.protocolOf(i)
	if s.Client {
		return p.NewClient(s.Self, s.Program)
	}
	return p.NewServer(s.Self)
}

// Identities lists the servers, then the clients. The caller must not change it.
func (sys *System) Identities() []node.Identity { return sys.identities }

// Instances lists the instances of all identities, in that order. The caller must not
// change it.
func (sys *System) Instances() []node.Instance { return sys.instances }

// Servers returns the instances of servers.
func (sys *System) Servers() node.Set { return sys.servers }

// Clients returns the instances of clients.
func (sys *System) Clients() node.Set { return sys.clients }

// Twinned returns the instances of identities that run as twins.
func (sys *System) Twinned() node.Set { return sys.twinned }

// OtherCode returns the instances that run other code than that of the protocol.
func (sys *System) OtherCode() node.Set { return sys.otherCode }

// All returns all instances.
func (sys *System) All() node.Set { return sys.servers | sys.clients }

// Names lists the names of the instances in s, in order.
func (sys *System) Names(s node.Set) []string {
	var names []string
	for i := range s.All {
		names = append(names, sys.instances[i].Name)
	}
	return names
}

// Instance finds an instance by its name.
func (sys *System) Instance(name string) (int, error) {
	if i, ok := sys.byName[name]; ok {
		return i, nil
	}
	if base := strings.TrimRight(name, "'"); base != name {
		if id, ok := sys.identityOf[base]; ok && sys.identities[id].Instances.Len() == 1 {
			return 0, fmt.Errorf("no instance %s: %s is not a twin; call twin(%q) first", name, base, base)
		}
	}
	return 0, fmt.Errorf("no instance %q; there are %s", name, strings.Join(sys.Names(sys.All()), ", "))
}

// Identity finds an identity by its name.
func (sys *System) Identity(name string) (int, error) {
	if id, ok := sys.identityOf[name]; ok {
		return id, nil
	}
	base := strings.TrimRight(name, "'")
	if _, known := sys.identityOf[base]; known && base != name {
		return 0, fmt.Errorf("no identity %q: with ' it names an instance; want its identity, %s, which all of them have in common", name, base)
	}
	var there []string
	for _, id := range sys.identities {
		there = append(there, id.Name)
	}
	return 0, fmt.Errorf("no identity %q; there are %s", name, strings.Join(there, ", "))
}

// SameIdentity returns all instances of the identities that s has an instance of.
func (sys *System) SameIdentity(s node.Set) node.Set {
	var all node.Set
	for i := range s.All {
		all |= sys.identities[sys.instances[i].Identity].Instances
	}
	return all
}

// LimitSteps bounds what one step may take from now on: a step of more hops, or more
// messages, is taken for one that never ends. It is for tests, and not to be called
// while steps are taken.
func (sys *System) LimitSteps(hops, packets int) { sys.limits.hops, sys.limits.packets = hops, packets }

// Full returns a context that ends when the system has learnt nearly as much as it
// can: an eighth of the room is left in some table. Its cause is a [LimitError].
func (sys *System) Full() context.Context { return sys.full }
