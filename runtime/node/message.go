package node

import (
	"fmt"
	"reflect"
)

// A Message is what one node sends to another: any value that Go can compare
// without following pointers (numbers, strings, and structs and arrays of
// them), so that it cannot be changed after it was sent and equal messages are
// one. Code that works with wire formats sends its bytes as a string type.
//
// Its type name, which filters and pictures use, is what its method
// MessageType() string returns, else the name of its Go type. Its String
// method, if any, is how pictures show it.
type Message any

// MessageType returns the type name of a message, which filters and pictures use.
func MessageType(m Message) string {
	if t, ok := m.(interface{ MessageType() string }); ok {
		return t.MessageType()
	}
	if t := reflect.TypeOf(m); t != nil && t.Name() != "" {
		return t.Name()
	}
	return fmt.Sprintf("%T", m)
}

// A Sent message is one that a node sent: To is an identity, or [ToServers] or
// [ToNextLeader].
type Sent struct {
	To      string
	Message Message
}

// Receivers that are not a single identity; no identity has such a name.
const (
	ToServers    = "*"
	ToNextLeader = ">"
)
