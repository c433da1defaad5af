package runtime

import (
	"fmt"
	"slices"
	"strings"

	"github.com/twinsh/twinsh/runtime/node"
)

// MessageTypes lists the types of the protocol's messages in order, nil if it
// is not [node.Typed].
func (c *Cluster) MessageTypes() []string {
	if p, ok := c.config.Protocol.(node.Typed); ok {
		types := slices.Clone(p.MessageTypes())
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

// An UnknownTypeError says that a filter names a type that no message has.
type UnknownTypeError struct {
	Type  string
	Types []string // those that there are
}

func (e *UnknownTypeError) Error() string {
	return fmt.Sprintf("no role handles or sends a message of type %q; there are %s", e.Type, strings.Join(e.Types, ", "))
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
