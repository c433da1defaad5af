package runtime

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/twinsh/twinsh/runtime/node"
)

// Network says what becomes of a message that cannot be delivered.
type Network uint8

const (
	Lossy Network = iota // it is lost
	Held                 // it waits until it can
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
	Network  Network
	// Write, if not nil, is how the host writes actions for people; see
	// [Step.Text]. Else they see the notation.
	Write func(Action) string
}

// A Client is a client identity and the operations that it will carry out, in order.
type Client struct {
	Name    string
	Program []node.Operation
}

// A Twin says that an identity runs as several instances: ID, ID', ID” and so on.
type Twin struct {
	ID     string
	Copies int // 2 or more
	// Program, if not nil, is what the copies of a client run in place of the
	// program of the first instance.
	Program []node.Operation
}

// A Cluster is the part of a simulation that never changes: who is there, and
// what was learnt of their code so far (interned states, messages and
// observations, remembered transitions). It may be used concurrently.
type Cluster struct {
	config     Config
	identities []node.Identity
	instances  []node.Instance
	byName     map[string]int // instance
	identityOf map[string]int
	servers    node.Set
	clients    node.Set
	twinned    node.Set
	starts     []start
	startOf    []int // of each instance, which of these
	code       *code
	idle       sync.Pool // of *Simulator
	epochs     atomic.Uint32
}

// start is one way to make a node: an identity with a program.
type start struct {
	self    node.Self
	client  bool
	program []node.Operation
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
	c := &Cluster{config: config, byName: map[string]int{}, identityOf: map[string]int{}}
	twins := map[string]Twin{}
	for _, t := range config.Twins {
		if _, twice := twins[t.ID]; twice {
			return nil, fmt.Errorf("twin: %s is a twin already; give k for more than two copies", t.ID)
		}
		if t.Copies < 2 {
			return nil, fmt.Errorf("twin: k is %d, want at least 2 instances of %s", t.Copies, t.ID)
		}
		twins[t.ID] = t
	}
	for _, name := range config.Servers {
		if err := c.add(name, nil, false, twins); err != nil {
			return nil, err
		}
	}
	for _, client := range config.Clients {
		if err := c.add(client.Name, client.Program, true, twins); err != nil {
			return nil, err
		}
	}
	for _, t := range config.Twins {
		id, ok := c.identityOf[t.ID]
		if !ok {
			return nil, fmt.Errorf("twin: %w", c.unknown("identity", t.ID))
		}
		if t.Program != nil && !c.identities[id].Client {
			return nil, fmt.Errorf("twin: %s is a server; only the twins of a client can be given a program", t.ID)
		}
	}
	if len(c.instances) > node.MaxInstances {
		return nil, fmt.Errorf("cluster: %d instances, at most %d are possible", len(c.instances), node.MaxInstances)
	}
	c.code = newCode(c)
	if err := c.code.begin(); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Cluster) add(name string, program []node.Operation, client bool, twins map[string]Twin) error {
	if !validName(name) {
		return fmt.Errorf("cluster: %q cannot name an identity; use letters, digits, - and _", name)
	}
	if _, taken := c.identityOf[name]; taken {
		return fmt.Errorf("cluster: two identities are named %s", name)
	}
	id := len(c.identities)
	c.identityOf[name] = id
	identity := node.Identity{Name: name, Client: client}
	self := node.Self{ID: name, N: c.config.N, F: c.config.F, Servers: c.config.Servers}
	c.starts = append(c.starts, start{self, client, program})
	copies := 1
	twin, isTwin := twins[name]
	if isTwin {
		copies = twin.Copies
		if twin.Program != nil {
			c.starts = append(c.starts, start{self, client, twin.Program})
		}
	}
	for k := range copies {
		if len(c.instances) >= node.MaxInstances {
			return fmt.Errorf("cluster: more than %d instances", node.MaxInstances)
		}
		i := len(c.instances)
		in := node.Instance{Name: name + strings.Repeat("'", k), Identity: id, Copy: k}
		start := len(c.starts) - 1
		if k == 0 && isTwin && twin.Program != nil {
			start--
		}
		c.startOf = append(c.startOf, start)
		c.instances = append(c.instances, in)
		c.byName[in.Name] = i
		identity.Instances |= node.SetOf(i)
	}
	if client {
		c.clients |= identity.Instances
	} else {
		c.servers |= identity.Instances
	}
	if isTwin {
		c.twinned |= identity.Instances
	}
	c.identities = append(c.identities, identity)
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

// newNode makes a fresh node the i-th way.
func (c *Cluster) newNode(i int) (node.Node, error) {
	s := &c.starts[i]
	if s.client {
		return c.config.Protocol.NewClient(s.self, s.program)
	}
	return c.config.Protocol.NewServer(s.self)
}

// Config returns what the cluster was made from, names filled in.
func (c *Cluster) Config() Config { return c.config }

// String names the protocol and who is there: kv n=4 f=1, C twinned.
func (c *Cluster) String() string {
	s := fmt.Sprintf("%s n=%d f=%d", c.protocolText(), c.config.N, c.config.F)
	for _, id := range c.identities {
		if k := id.Instances.Len(); k == 2 {
			s += ", " + id.Name + " twinned"
		} else if k > 2 {
			s += fmt.Sprintf(", %s %d-fold", id.Name, k)
		}
	}
	return s
}

// protocolText is how the protocol shows itself, options and all, or its name.
func (c *Cluster) protocolText() string {
	if p, ok := c.config.Protocol.(fmt.Stringer); ok {
		return p.String()
	}
	return c.config.Protocol.Name()
}

// Identities lists the servers, then the clients. The caller must not change it.
func (c *Cluster) Identities() []node.Identity { return c.identities }

// Instances lists the instances of all identities, in the order of
// Identities, twins side by side. The caller must not change it.
func (c *Cluster) Instances() []node.Instance { return c.instances }

// Servers returns the instances of servers, Clients those of clients.
func (c *Cluster) Servers() node.Set { return c.servers }
func (c *Cluster) Clients() node.Set { return c.clients }

// Twinned returns the instances of identities that run as twins.
func (c *Cluster) Twinned() node.Set { return c.twinned }

// Names lists the names of the instances in s, in order.
func (c *Cluster) Names(s node.Set) []string {
	var names []string
	for i := range s.All {
		names = append(names, c.instances[i].Name)
	}
	return names
}

// Instance finds an instance by its name.
func (c *Cluster) Instance(name string) (int, error) {
	if i, ok := c.byName[name]; ok {
		return i, nil
	}
	return 0, c.unknown("instance", name)
}

// Identity finds an identity by its name.
func (c *Cluster) Identity(name string) (int, error) {
	if i, ok := c.identityOf[name]; ok {
		return i, nil
	}
	return 0, c.unknown("identity", name)
}

// set turns names of instances into a set, refusing doubles.
func (c *Cluster) set(names []string) (node.Set, error) {
	var s node.Set
	for _, name := range names {
		i, err := c.Instance(name)
		if err != nil {
			return 0, err
		}
		if s.Has(i) {
			return 0, fmt.Errorf("%s is named twice", name)
		}
		s |= node.SetOf(i)
	}
	return s, nil
}

func (c *Cluster) unknown(what, name string) error {
	var there []string
	if what == "instance" {
		there = c.Names(c.servers | c.clients)
		if base := strings.TrimRight(name, "'"); base != name {
			if id, ok := c.identityOf[base]; ok && c.identities[id].Instances.Len() == 1 {
				return fmt.Errorf("no instance %s: %s is not a twin; call twin(%q) first", name, base, base)
			}
		}
	} else {
		base := strings.TrimRight(name, "'")
		if _, known := c.identityOf[base]; known && base != name {
			return fmt.Errorf("no identity %q: with ' it names an instance; want its identity, %s, which all of them have in common", name, base)
		}
		for _, id := range c.identities {
			there = append(there, id.Name)
		}
	}
	return fmt.Errorf("no %s %q; there are %s", what, name, strings.Join(there, ", "))
}
