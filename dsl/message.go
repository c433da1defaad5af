package dsl

import (
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/starlark"

	"github.com/twinsh/twinsh/runtime/node"
	"github.com/twinsh/twinsh/runtime/trace"
)

// A scriptMessage is a message between nodes written in Starlark: a type and
// encoded fields, so that it cannot be changed and equal ones are one.
type scriptMessage struct {
	kind string
	body string // encoded dict of fields
}

func (m scriptMessage) MessageType() string { return m.kind }

// String shows the message as type(field=value), long values in short.
func (m scriptMessage) String() string { return m.text(brief) }

// Full shows the message as type(field=value), nothing left out.
func (m scriptMessage) Full() string { return m.text(starlark.Value.String) }

func (m scriptMessage) text(show func(starlark.Value) string) string {
	v, _, err := decodeValue([]byte(m.body))
	d, ok := v.(*starlark.Dict)
	if err != nil || !ok {
		return m.kind
	}
	var fields []string
	for _, item := range d.Items() {
		fields = append(fields, fmt.Sprintf("%s=%s", string(item[0].(starlark.String)), show(item[1])))
	}
	return m.kind + "(" + strings.Join(fields, ", ") + ")"
}

// brief shows a value in a few letters: of a signed value what was signed, then
// by whom, and of a long one its beginning and its end.
func brief(v starlark.Value) string {
	const most = 24
	s, ok := v.(*signed)
	if !ok {
		return trace.Squeeze(contents(v), most)
	}
	by := fmt.Sprintf(" by %s", s.signer)
	if name, ok := s.signer.(starlark.String); ok {
		by = " by " + string(name)
	}
	return trace.Squeeze(contents(s.value), most-4) + by
}

// contents shows a value as String does, but signed values inside of it by what
// was signed first.
func contents(v starlark.Value) string {
	var open, close string
	var parts []string
	switch v := v.(type) {
	case *signed:
		return brief(v)
	case starlark.Tuple:
		open, close = "(", ")"
		if len(v) == 1 {
			close = ",)"
		}
	case *starlark.List:
		open, close = "[", "]"
	case *starlark.Dict:
		for _, item := range v.Items() {
			parts = append(parts, contents(item[0])+": "+contents(item[1]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	default:
		return v.String()
	}
	for e := range starlark.Elements(v.(starlark.Iterable)) {
		parts = append(parts, contents(e))
	}
	return open + strings.Join(parts, ", ") + close
}

// newMessage encodes the fields of a message.
func newMessage(kind string, fields []starlark.Tuple) (scriptMessage, error) {
	if slices.Contains(events, kind) {
		return scriptMessage{}, fmt.Errorf("message %s: on_%[1]s is the handler of an event; call the message something else", kind)
	}
	d := starlark.NewDict(len(fields))
	for _, f := range fields {
		name := string(f[0].(starlark.String))
		if name == "type" || name == "sender" {
			return scriptMessage{}, fmt.Errorf("message %s: every message has a %s already; use another field name", kind, name)
		}
		if _, err := appendValue(nil, f[1]); err != nil {
			return scriptMessage{}, fmt.Errorf("message %s: field %s %w", kind, name, err)
		}
		if err := d.SetKey(f[0], f[1]); err != nil {
			return scriptMessage{}, err
		}
	}
	body, err := appendValue(nil, d)
	return scriptMessage{kind, string(body)}, err
}

// A received is a message as its receiver sees it: immutable, with the sender's
// identity and the fields as attributes.
type received struct {
	kind   string
	sender string
	fields *starlark.Dict // frozen
}

func receive(from string, m node.Message) (*received, error) {
	sent, ok := m.(scriptMessage)
	if !ok {
		return nil, fmt.Errorf("a %s is no message of a script", node.MessageType(m))
	}
	v, _, err := decodeValue([]byte(sent.body))
	if err != nil {
		return nil, err
	}
	d := v.(*starlark.Dict)
	d.Freeze()
	return &received{sent.kind, from, d}, nil
}

func (m *received) String() string        { return fmt.Sprintf("%s from %s", m.kind, m.sender) }
func (m *received) Type() string          { return "message" }
func (m *received) Freeze()               {}
func (m *received) Truth() starlark.Bool  { return true }
func (m *received) Hash() (uint32, error) { return 0, fmt.Errorf("unhashable type: message") }

func (m *received) AttrNames() []string {
	names := []string{"sender", "type"}
	for _, k := range m.fields.Keys() {
		names = append(names, string(k.(starlark.String)))
	}
	return names
}

func (m *received) Attr(name string) (starlark.Value, error) {
	switch name {
	case "sender":
		return starlark.String(m.sender), nil
	case "type":
		return starlark.String(m.kind), nil
	}
	v, found, err := m.fields.Get(starlark.String(name))
	if !found && err == nil {
		err = m.missing(name)
	}
	if err != nil {
		return nil, err
	}
	return v, nil
}

// SetField refuses: what was sent cannot be changed.
func (m *received) SetField(name string, _ starlark.Value) error {
	return fmt.Errorf("cannot set .%s: a message cannot be changed after it was sent", name)
}
