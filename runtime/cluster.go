package runtime

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/twinsh/twinsh/runtime/internal/engine"
	"github.com/twinsh/twinsh/runtime/node"
)

// A Config describes a cluster. Identities are named by letters and digits;
// a trailing apostrophe is kept for twins.
type Config struct {
	Protocol node.Protocol
	N        int      // number of servers; 0 means len(Servers)
	F        int      // how many servers may be faulty
	Servers  []string // their names; nil means A, B, C, …
	Clients  []Client
	Twins    []Twin
	Held     bool // a message that cannot be delivered waits until it can, instead of being lost
	// Write, if not nil, is how the host writes actions for people; see
	// [Step.Text]. Else they see the notation.
	Write func(Action) string
	// Show, if not nil, is how the host shows values to people: what operations are
	// given and return, operations, and what replicas decide. Else they see
	// [node.Text]. It may be called concurrently.
	Show func(value any) string
}

// A Client is a client identity and the operations that it will carry out, in order.
type Client struct {
	Name    string
	Program []node.Operation
}

// A Twin says that an identity runs as several instances: ID, ID', ID” and so on.
type Twin struct {
	ID     string
	Copies int // 2 or more; with Code 1 or more
	// Code, if not nil, makes the nodes of all instances of the identity in place of the
	// protocol: code that may do what correct code never does. That is beyond the method of
	// Twins, and said to be so wherever the cluster is shown. The code holds the key of the
	// identity and no other, since what it signs is signed by Self.ID. It counts as faulty.
	Code node.Protocol
	// Program, if not nil, is what the copies of a client run in place of the
	// program of the first instance.
	Program []node.Operation
}

// A Cluster is what never changes during a simulation: who is there, and what was
// learnt of the code of its nodes so far. It may be used concurrently.
type Cluster struct {
	config Config
	system *engine.System
	idle   sync.Pool // of *engine.Simulator
}

// NewCluster checks the configuration and makes the cluster.
func NewCluster(config Config) (*Cluster, error) {
	if config.Protocol == nil {
		return nil, fmt.Errorf("cluster: no protocol given")
	}
	if config.Servers == nil {
		if config.N < 1 || config.N > 26 {
			return nil, fmt.Errorf("cluster: n is %d, want 1 to 26 servers", config.N)
		}
		for i := range config.N {
			config.Servers = append(config.Servers, string(rune('A'+i)))
		}
	}
	if config.N == 0 {
		config.N = len(config.Servers)
	}
	if config.N != len(config.Servers) {
		return nil, fmt.Errorf("cluster: n is %d but %d servers are named (%s)", config.N, len(config.Servers), strings.Join(config.Servers, ", "))
	}
	if config.F < 0 || config.F >= max(config.N, 1) {
		return nil, fmt.Errorf("cluster: f is %d, want 0 to n-1 = %d", config.F, config.N-1)
	}
	spec, err := specOf(config)
	if err != nil {
		return nil, err
	}
	c := &Cluster{config: config, system: engine.NewSystem(spec)}
	for _, t := range config.Twins {
		id, err := c.system.Identity(t.ID)
		if err != nil {
			return nil, fmt.Errorf("twin: %w", err)
		}
		if t.Program != nil && !c.Identities()[id].Client {
			return nil, fmt.Errorf("twin: %s is a server; only the twins of a client can be given a program", t.ID)
		}
	}
	if err := c.system.Begin(); err != nil {
		return nil, err
	}
	return c, nil
}

// specOf gives numbers to the names in a configuration.
func specOf(config Config) (engine.Spec, error) {
	twins := map[string]Twin{}
	for _, t := range config.Twins {
		if _, twice := twins[t.ID]; twice {
			return engine.Spec{}, fmt.Errorf("twin: %s is a twin already; one twin can have more than two copies", t.ID)
		}
		if t.Copies < 1 || t.Copies < 2 && t.Code == nil {
			return engine.Spec{}, fmt.Errorf("twin: the number of copies of %s is %d, want at least 2", t.ID, t.Copies)
		}
		twins[t.ID] = t
	}
	spec := engine.Spec{Protocol: config.Protocol, Lossy: !config.Held}
	self := node.Self{N: config.N, F: config.F, Servers: config.Servers}
	for _, name := range config.Servers {
		self.ID = name
		if err := enlist(&spec, engine.Start{Self: self}, twins); err != nil {
			return engine.Spec{}, err
		}
	}
	for _, client := range config.Clients {
		self.ID = client.Name
		if err := enlist(&spec, engine.Start{Self: self, Client: true, Program: client.Program}, twins); err != nil {
			return engine.Spec{}, err
		}
	}
	return spec, nil
}

// enlist adds an identity, with as many instances as it is to have.
func enlist(spec *engine.Spec, start engine.Start, twins map[string]Twin) error {
	name := start.Self.ID
	if !validName(name) {
		return fmt.Errorf("cluster: %q cannot name an identity; use letters, digits, - and _", name)
	}
	if slices.ContainsFunc(spec.Identities, func(id node.Identity) bool { return id.Name == name }) {
		return fmt.Errorf("cluster: two identities are named %s", name)
	}
	identity := node.Identity{Name: name, Client: start.Client}
	spec.Starts = append(spec.Starts, start)
	first, others, copies := len(spec.Starts)-1, len(spec.Starts)-1, 1
	if twin, ok := twins[name]; ok {
		start.Code = twin.Code
		spec.Starts[first] = start
		copies = twin.Copies
		if twin.Program != nil {
			start.Program = twin.Program
			spec.Starts = append(spec.Starts, start)
			others++
		}
	}
	for k := range copies {
		if len(spec.Instances) >= node.MaxInstances {
			return fmt.Errorf("cluster: more than %d instances", node.MaxInstances)
		}
		identity.Instances |= node.SetOf(len(spec.Instances))
		spec.Instances = append(spec.Instances, node.Instance{
			Name: name + strings.Repeat("'", k), Identity: len(spec.Identities), Copy: k,
		})
		if k == 0 {
			spec.StartOf = append(spec.StartOf, first)
		} else {
			spec.StartOf = append(spec.StartOf, others)
		}
	}
	spec.Identities = append(spec.Identities, identity)
	return nil
}

func validName(s string) bool {
	for _, r := range s {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_') {
			return false
		}
	}
	return s != ""
}

// Engine returns what plays and remembers, for the packages of runtime that search.
func (c *Cluster) Engine() *engine.System { return c.system }

// simulator returns one that is idle, or a new one. To make one costs more than most
// steps; who takes it puts it back into idle.
func (c *Cluster) simulator() *engine.Simulator {
	if m, ok := c.idle.Get().(*engine.Simulator); ok {
		return m
	}
	return engine.NewSimulator(c.system)
}

// Config returns what the cluster was made from, names filled in.
func (c *Cluster) Config() Config { return c.config }

// Text shows a value to people, as the host of the cluster does; see [Config].Show.
func (c *Cluster) Text(value any) string {
	if c.config.Show != nil {
		return c.config.Show(value)
	}
	return node.Text(value)
}

// String names the protocol and who is there: kv n=4 f=1, C twinned. If code stands in place
// of the protocol's, it says that this is beyond twins.
func (c *Cluster) String() string {
	s := fmt.Sprintf("%s n=%d f=%d", c.protocolText(), c.config.N, c.config.F)
	if c.CrashTolerant() {
		s += ", tolerates crashes"
	}
	for _, id := range c.Identities() {
		if k := id.Instances.Len(); k == 2 {
			s += ", " + id.Name + " twinned"
		} else if k > 2 {
			s += fmt.Sprintf(", %s %d-fold", id.Name, k)
		}
	}
	for _, id := range c.Identities() {
		if id.Instances&c.OtherCode() != 0 {
			s += ", beyond twins: " + id.Name + " runs other code"
		}
	}
	return s
}

// CrashTolerant reports whether the protocol promises something under crashes of servers only; see
// [node.CrashTolerant].
func (c *Cluster) CrashTolerant() bool {
	p, ok := c.config.Protocol.(node.CrashTolerant)
	return ok && p.CrashTolerant()
}

// protocolText is how the protocol shows itself, options and all, or its name.
func (c *Cluster) protocolText() string {
	if p, ok := c.config.Protocol.(fmt.Stringer); ok {
		return p.String()
	}
	return c.config.Protocol.Name()
}

// Identities lists the servers, then the clients. The caller must not change it.
func (c *Cluster) Identities() []node.Identity { return c.system.Identities() }

// Instances lists the instances of all identities, in the order of
// Identities, twins side by side. The caller must not change it.
func (c *Cluster) Instances() []node.Instance { return c.system.Instances() }

// Servers returns the instances of servers.
func (c *Cluster) Servers() node.Set { return c.system.Servers() }

// Clients returns the instances of clients.
func (c *Cluster) Clients() node.Set { return c.system.Clients() }

// Twinned returns the instances of identities that run as twins.
func (c *Cluster) Twinned() node.Set { return c.system.Twinned() }

// OtherCode returns the instances that run other code than that of the protocol; see
// [Twin].Code. They are faulty from the start on.
func (c *Cluster) OtherCode() node.Set { return c.system.OtherCode() }

// Names lists the names of the instances in s, in order.
func (c *Cluster) Names(s node.Set) []string { return c.system.Names(s) }

// Instance finds an instance by its name.
func (c *Cluster) Instance(name string) (int, error) { return c.system.Instance(name) }
