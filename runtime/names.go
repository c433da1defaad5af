package runtime

import (
	"cmp"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"github.com/twinsh/twinsh/runtime/english"
	"github.com/twinsh/twinsh/runtime/internal/engine"
	"github.com/twinsh/twinsh/runtime/node"
)

// This file is what the names in actions stand for in a cluster.

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

// instances finds the instances that an argument names, at least one.
func (c *Cluster) instances(arg string, names []string) (node.Set, error) {
	set, err := c.set(names)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", arg, err)
	}
	if set == 0 {
		return 0, fmt.Errorf("%s: no instance is named; name one of %s", arg, strings.Join(c.Names(c.system.All()), ", "))
	}
	return set, nil
}

// client finds an instance of a client.
func (c *Cluster) client(name string) (int, error) {
	i, err := c.Instance(name)
	switch {
	case err != nil:
		return 0, err
	case c.Clients().Has(i):
		return i, nil
	case c.Clients() == 0:
		return 0, fmt.Errorf("%s is a server, and the cluster has no clients", name)
	}
	return 0, fmt.Errorf("%s is a server; the clients are %s", name, strings.Join(c.Names(c.Clients()), ", "))
}

// link finds the instances at the ends of a link.
func (c *Cluster) link(src, dst string) (l engine.Link, err error) {
	if l.From, err = c.Instance(src); err == nil {
		l.To, err = c.Instance(dst)
	}
	if err == nil && l.From == l.To {
		err = fmt.Errorf("%s always reaches itself; name two instances", src)
	}
	return l, err
}

// partition turns groups of names into the parts of a partition, ordered by their
// first members, so that a partition has one text.
func (c *Cluster) partition(groups [][]string) ([]node.Set, error) {
	parts := []node.Set{}
	for _, group := range groups {
		p, err := c.set(group)
		if err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	var named node.Set
	for _, p := range parts {
		if p == 0 {
			return nil, errors.New("a group is empty")
		}
		if twice := p & named; twice != 0 {
			return nil, fmt.Errorf("%s is in two groups", c.Names(twice)[0])
		}
		named |= p
	}
	if missing := c.Servers() &^ named; missing != 0 {
		return nil, fmt.Errorf("%s is in no group; each of %s must be in one", c.Names(missing)[0], strings.Join(c.Names(c.Servers()), ", "))
	}
	slices.SortFunc(parts, func(a, b node.Set) int {
		return cmp.Compare(bits.TrailingZeros64(uint64(a)), bits.TrailingZeros64(uint64(b)))
	})
	return parts, nil
}

// Groups names the members of the parts of a partition; nil stays nil.
func (c *Cluster) Groups(parts []node.Set) [][]string {
	if parts == nil {
		return nil
	}
	groups := make([][]string, len(parts))
	for i, p := range parts {
		groups[i] = c.Names(p)
	}
	return groups
}

// MessageTypes lists the types of the protocol's messages in order, nil if it
// is not [node.Typed].
func (c *Cluster) MessageTypes() []string {
	if p, ok := c.config.Protocol.(node.Typed); ok {
		types := slices.Clone(p.MessageTypes())
		for _, t := range c.config.Twins {
			if t.Code == nil {
				continue
			}
			other, ok := t.Code.(node.Typed)
			if !ok {
				return nil // it may send anything
			}
			types = append(types, other.MessageTypes()...)
		}
		slices.Sort(types)
		return slices.Compact(types)
	}
	return nil
}

// someOf says which message types there are to choose from, "" if that is not known.
func (c *Cluster) someOf() string {
	if types := c.MessageTypes(); types != nil {
		return ", some of " + strings.Join(types, ", ")
	}
	return ""
}

// An UnknownTypeError says that a filter names a type that no message of the protocol has: it
// would never lose anything, and a search would pass without what its author meant.
type UnknownTypeError struct {
	Type  string
	Types []string // those that there are
}

// Error names the types that there are.
func (e *UnknownTypeError) Error() string {
	return fmt.Sprintf("no node handles or sends a message of type %q; there are %s", e.Type, strings.Join(e.Types, ", "))
}

// KnownTypes returns an [UnknownTypeError] if one of the types is none of the
// protocol's. If the protocol does not list its types, any will do.
func (c *Cluster) KnownTypes(types ...string) error {
	known := c.MessageTypes()
	if known == nil {
		return nil
	}
	for _, t := range types {
		if !slices.Contains(known, t) {
			return &UnknownTypeError{t, known}
		}
	}
	return nil
}

// Coins lists what a coin of the protocol may show. The error says that its code reads none, or
// what is wrong with the list.
func (c *Cluster) Coins() ([]any, error) {
	p := c.config.Protocol
	r, ok := p.(node.Randomized)
	if !ok || len(r.Coins()) == 0 {
		return nil, fmt.Errorf("protocol %s reads no coins: it lists nothing that one may show", p.Name())
	}
	faces := r.Coins()
	for i, v := range faces {
		if bad := engine.Unsound(v); bad != "" {
			return nil, fmt.Errorf("a coin of protocol %s may show a value of type %T that %s", p.Name(), v, bad)
		}
		if slices.Contains(faces[:i], v) {
			return nil, fmt.Errorf("protocol %s lists twice that a coin may show %s", p.Name(), c.texts([]any{v}))
		}
	}
	return faces, nil
}

// texts shows values to people: 0, 1 or 2.
func (c *Cluster) texts(values []any) string {
	var texts []string
	for _, v := range values {
		texts = append(texts, c.Text(v))
	}
	return english.Join(texts, "or")
}
